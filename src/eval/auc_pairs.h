/*
 * auc_pairs.h - the area under the ROC curve of all users' pairs together: what papers that rank given candidates call AUC, beside the
 * mean over users (`auc`; their UAUC).
 */
#ifndef EVAL_AUC_PAIRS_H
#define EVAL_AUC_PAIRS_H
#include "eval/metrics.h"

/* Measures of METRIC_POOLED over all pairs of users [n_users] and items but those of the masks (NULL: none).  items: [n_items] 1: counts
 * (NULL: all do); candidates: [n_users x n_items] beside the relevant items, what alone is there for each user; NULL: all items.
 * out[m]: NaN where no pair is relevant, or none is not; parts: [n_users x n_parts] of each measure, one after the other; NULL: not wanted.
 * STATUS_SYSTEM for a score that is NaN; what scoring returns. */
enum status auc_pairs_compute(const struct model_type *type, const void *state, const struct backend *backend,
                              uint32_t n_items, const uint32_t *users, uint32_t n_users,
                              const struct csr *const masks[2], const struct csr *candidates,
                              const uint8_t *items, const struct relevance *relevance, size_t n_measures,
                              double *out, double *parts);

#endif
