/*
 * probability.h - how good the probabilities are that a model gives to pairs of users and items.
 */
#ifndef EVAL_PROBABILITY_H
#define EVAL_PROBABILITY_H
#include "eval/metrics.h"

enum { PROBABILITY_BINS = 15 };

/* What is added up over pairs.  Pairs of one kind may come in any number of calls. */
struct probability_sums {
    double pairs, positives, log_loss, squares;
    double bin_pairs[PROBABILITY_BINS], bin_positives[PROBABILITY_BINS], bin_sum[PROBABILITY_BINS];
};
/* A pair that is (target 1) or is not (0) relevant, to which the model gave probability p. */
void probability_add(struct probability_sums *s, double p, int target);
/* NaN without pairs. */
double probability_log_loss(const struct probability_sums *s);
double probability_brier(const struct probability_sums *s);
double probability_calibration_error(const struct probability_sums *s);

/* Measures of METRIC_PROBABILITY over all pairs of users [n_users] and items but those of the masks, those with
 * items[i] alone (NULL: all); out[m], NaN where the model
 * gives no probabilities (model.h: probabilities).  parts: [n_users x n_parts] of each measure, one after the other; NULL: not wanted.
 * STATUS_SYSTEM for a probability outside of [0, 1]; what the model
 * returns. */
enum status probability_compute(const struct model_type *type, const void *state, uint32_t n_items,
                                const uint32_t *users, uint32_t n_users, const struct csr *const masks[2],
                                const uint8_t *items, const struct relevance *relevance,
                                const struct metric_at *measures, size_t n_measures, double *out,
                                double *parts);

#endif
