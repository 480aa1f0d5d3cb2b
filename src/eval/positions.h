/*
 * positions.h - metrics of a whole ranking: where the relevant items stand among all that could have been recommended.
 */
#ifndef EVAL_POSITIONS_H
#define EVAL_POSITIONS_H
#include "eval/metrics.h"

/* Measures of METRIC_POSITION for users [n_users], over all items but those of the masks (NULL: none): values[m * n_users + u]; NaN for
 * a user with nothing relevant, or nothing else to rank.  A relevant item that is masked counts as ranked last.  Equal
 * scores count half, exactly.  candidates: [n_users x n_items] what alone is
 * there for each user; NULL: all items.  STATUS_SYSTEM for a score that is NaN; what scoring returns. */
enum status positions_compute(const struct model_type *type, const void *state, const struct backend *backend,
                              uint32_t n_items, const uint32_t *users, uint32_t n_users,
                              const struct csr *const masks[2], const struct csr *candidates,
                              const struct relevance *relevance, const struct metric_at *measures,
                              size_t n_measures, double *values);

#endif
