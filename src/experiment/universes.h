/*
 * universes.h - a fitted model under every combination of mask and rule of ties that `evaluate.multiverse` asks for.
 */
#ifndef EXPERIMENT_UNIVERSES_H
#define EXPERIMENT_UNIVERSES_H
#include <stdio.h>

#include "experiment/cell.h"

/* Lines `mask,ties,metric,k,dialect,value,n_users,n_tied`: each ranking metric at each cut-off in each dialect.  Where the fold
 * has no validation rows both masks are one, and the first stands alone. */
enum status universes_measure(const struct stage *stage, const struct fitted *fitted,
                              const struct evaluate_config *evaluate, uint64_t seed,
                              const struct backend *backend, const struct relevance *relevance,
                              const uint32_t *n_relevant, FILE *out);

#endif
