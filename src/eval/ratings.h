/*
 * ratings.h - how far predicted ratings lie from the held-out ones, per user.
 */
#ifndef EVAL_RATINGS_H
#define EVAL_RATINGS_H
#include "eval/metrics.h"

/* Predicts every test row of the users, by score_pairs, holds the prediction within [low, high] and takes the errors.
 * users: [n_users] rising; test: [n_users_total x n_items] with values; measures: of METRIC_RATING.
 * values[m * n_users + u]: measure m over the test rows of users[u]; NaN without rows (r2: without two ratings that differ;
 * fcp: likewise), and for every user when the model doesn't predict ratings (no NEEDS_RATINGS).  pooled[m]: over
 * the fold.  parts: [n_users x n_parts] of each measure, one after the other (left as it is where the model predicts no ratings); NULL:
 * not wanted.  STATUS_DATA where the test rows have no ratings; what scoring returns. */
enum status ratings_compute(const struct model_type *type, const void *state, const struct backend *backend,
                            const uint32_t *users, uint32_t n_users, const struct csr *test, float low,
                            float high, const struct metric_at *measures, size_t n_measures, double *values,
                            double *pooled, double *parts);

#endif
