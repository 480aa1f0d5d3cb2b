/*
 * paired.h - tests of paired values that ask nothing of their distribution, and an effect size.
 *
 * a, b: [n], finite.  Two-sided p throughout.  STATUS_DATA for values that are not finite or n = 0; STATUS_SYSTEM: memory.
 */
#ifndef EVAL_PAIRED_H
#define EVAL_PAIRED_H
#include "backend/backend.h"

struct rank_test {
    size_t n;         /* pairs that differ; the others are dropped (Wilcoxon's own rule) */
    double statistic; /* the smaller sum of ranks */
    double p;
    bool exact;
};
/* Wilcoxon's signed rank test.  Equal |differences| share their mean rank.  n <= 50: exact, given the ties (the distribution over
 * all 2^n signs, by convolution); above: the normal distribution with the variance corrected for ties, no continuity
 * correction.  All equal: p = 1. */
enum status paired_wilcoxon(const double *a, const double *b, size_t n, struct rank_test *out);

/* The sign test: binomial over the pairs that differ; statistic: pairs with a > b. */
enum status paired_sign(const double *a, const double *b, size_t n, struct rank_test *out);

/* Fisher's randomisation test of the mean difference: p = (1 + draws at least as far from 0) / (1 + n_draws), draws by
 * Philox(seed).  backend NULL: the CPU.  STATUS_USAGE for n_draws < 100. */
enum status paired_randomisation(const struct backend *backend, const double *a, const double *b, size_t n,
                                 uint32_t n_draws, uint64_t seed, double *p);

/* Cliff's delta: share of pairs (i, j) with a[i] > b[j], less that with a[i] < b[j]; -1 .. 1. */
enum status paired_cliffs_delta(const double *a, const double *b, size_t n, double *delta);

#endif
