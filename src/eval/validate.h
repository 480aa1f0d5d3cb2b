/*
 * validate.h - the quality of a model on validation rows, for early stopping (reached through run->validate).
 */
#ifndef EVAL_VALIDATE_H
#define EVAL_VALIDATE_H
#include "eval/candidates.h"

/* Mean of `metric` at k over the users with a row in `valid`, ranked over all items but those of the masks (NULL: none), or among
 * `candidates` of them (candidates.h: sampled, cold, matched); NULL: all.
 * masks, valid: [n_users x n_items]; masks[0] is there where candidates are.  `arena` is scratch: a few bytes x k a user each call.  STATUS_DATA when
 * valid is empty; what rank_users() returns. */
enum status eval_quality(const struct model_type *type, const void *state, const struct backend *backend,
                         const struct csr *const masks[2], const struct csr *valid,
                         const struct metric_type *metric, uint32_t k,
                         const struct candidates_config *candidates, uint64_t seed, struct arena *arena,
                         double *out);

#endif
