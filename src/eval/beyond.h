/*
 * beyond.h - beyond accuracy: what lists are like (novel, diverse, popular, calibrated), and how they spread over the items.
 */
#ifndef EVAL_BEYOND_H
#define EVAL_BEYOND_H
#include "eval/metrics.h"

/* What is known of items and users besides the lists. */
struct beyond_facts {
    const struct csr *train;       /* [n_users x n_items] */
    uint32_t n_train_users;        /* with a train row */
    const uint32_t *popularity;    /* [n_items] train rows of each item */
    const uint32_t *by_popularity; /* [n_items] most popular first, of equals the lower number */
    const uint8_t *head; /* [n_items] 1: among the most popular that together hold 80 % of the train rows */
    const struct csr *genres; /* [n_items x n_genres]; NULL: unknown */
    const struct csr *text;   /* [n_items x n_words] rows of length 1 or empty; NULL: unknown */
    const float *vectors;     /* [n_items x n_dimensions], zero: none; NULL: ild_vectors has no value */
    uint32_t n_dimensions;
    const uint8_t *
        only; /* [n_items] beyond_all(): 1 for the items that there are, and the lists hold no others; NULL: all */
};
/* popularity, order and head from the train rows; genres and text are the caller's to set. */
enum status beyond_facts_make(const struct csr *train, struct arena *arena, struct beyond_facts *out);

/* Measures of METRIC_BEYOND: values[m * n_users + u], NaN where a user has none (no history for calibration, fewer than two
 * items with genres for diversity).  users, relevance as for metrics_score().  STATUS_DATA: a measure needs genres or
 * texts that the dataset lacks; STATUS_SYSTEM: memory. */
enum status beyond_users(const struct lists *lists, const uint32_t *users, const struct relevance *relevance,
                         const struct beyond_facts *facts, const struct metric_at *measures,
                         size_t n_measures, double *values);
/* Measures of METRIC_AGGREGATE: out[m], over all lists together; NaN where it is not defined.  parts: [n_users x n_parts] of each
 * measure that has parts, one after the other; NULL: not wanted. */
enum status beyond_all(const struct lists *lists, const uint32_t *users, const struct relevance *relevance,
                       const struct beyond_facts *facts, const struct metric_at *measures, size_t n_measures,
                       double *out, double *parts);

#endif
