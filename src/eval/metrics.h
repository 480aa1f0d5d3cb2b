/*
 * metrics.h - every metric of every cut-off in one pass over the lists, per user.
 *
 * Dialect `default`: binary relevance (a test row is relevant), users without test rows left out,
 * precision hits/k; recall hits/|rel|; hit_rate; ndcg with gain 1, discount 1/log2(rank + 1), ideal over
 * min(k, |rel|); map: mean of precision at each hit, divided by min(k, |rel|); mrr: 1/rank of the first hit
 * within k.
 *
 * Metrics of ratings (rmse, mae) have no cut-off: ratings.h computes them per user, metrics_pool() over all test rows.
 */
#ifndef EVAL_METRICS_H
#define EVAL_METRICS_H
#include <stdbool.h>

#include "eval/rank.h"

/* One user's ranking seen from the metrics. */
struct ranking {
    const uint8_t *relevant; /* [length] 1 where the item at that place is relevant */
    uint32_t length;         /* places filled, at most the longest cut-off */
    uint32_t n_relevant;     /* test items of the user, > 0 */
    const double *discount;  /* [length] 1 / log2(place + 2) */
    const double *ideal;     /* [longest cut-off + 1] sums of the first discounts: DCG of a perfect list */
};
enum metric_kind { METRIC_RANKING, METRIC_RATING };
struct metric_type {
    const char *name;                                     /* "ndcg" */
    const char *formula;                                  /* as text */
    const char *source;                                   /* who, where, year */
    double (*value)(const struct ranking *r, uint32_t k); /* METRIC_RANKING; else NULL */
    enum metric_kind kind;
    int power; /* METRIC_RATING: (mean of |error|^power)^(1 / power), 1 or 2 */
    bool lower_is_better;
};
extern const struct metric_type *const metric_types[];   /* NULL-ended */
const struct metric_type *metric_find(const char *name); /* NULL: none */

/* One pass over the lists, users in parallel.  k: cut-offs, each 1 .. lists->k (else STATUS_USAGE).  A user
 * without test rows gets NaN.  values[(m * n_k + c) * n_users + u] for metric m, cut-off c, list u.  test:
 * [n_users_total x n_items]; users[u] the user of list u.  Means are taken by metrics_mean(): a fixed order
 * of summation, in double. */
enum status metrics_compute(const struct lists *lists, const uint32_t *users, const struct csr *test,
                            const struct metric_type *const *metrics, size_t n_metrics, const uint32_t *k,
                            size_t n_k, double *values);
/* Over the users that have a value; NaN when none has. */
double metrics_mean(const double *values, uint32_t n_users);
/* What one fold's values of a metric come to: the mean over users of a ranking metric; of a rating metric the value
 * over all test rows at once, from the users' values and their numbers of test rows, rows[n_users]. */
double metrics_pool(const struct metric_type *metric, const double *values, const uint32_t *rows,
                    uint32_t n_users);

#endif
