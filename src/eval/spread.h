/*
 * spread.h - how lists spread over the items: coverage, Gini, entropy.  All three depend only on how many items have each count, a count
 * being the lists that hold the item; so a resample of users costs one pass over their lists and no sort.
 */
#ifndef EVAL_SPREAD_H
#define EVAL_SPREAD_H
#include "eval/metrics.h"

/* Is it one of the three? */
bool spread_has(const struct metric_type *metric);
/* times: [most + 1], items with each count from 1 on; n_items: all that there are.  NaN where nothing is listed (coverage: 0). */
double spread_value(const struct metric_type *metric, const uint32_t *times, uint32_t most, uint32_t n_items);
/* times from the counts of `size` items, all at most `most`; items of count 0 are not counted. */
void spread_times(const uint32_t *count, uint32_t size, uint32_t most, uint32_t *times);

/* The counts of everyone's lists, to leave one list out of them. */
struct spread {
    uint32_t n_items, size, most;
    const uint32_t *count;  /* [size] by item */
    const uint32_t *times;  /* [most + 1] */
    const uint32_t *before; /* [most + 1] items with a count from 1 to c */
    double total;           /* filled places */
};
/* What the metric is without one list of n different items.  own: [n] room. */
double spread_without(const struct metric_type *metric, const struct spread *s, double value,
                      const uint32_t *items, uint32_t n, uint32_t *own);

#endif
