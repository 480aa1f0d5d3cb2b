/*
 * significance.h - tests over per-user values (GSL's distributions).
 */
#ifndef EVAL_SIGNIFICANCE_H
#define EVAL_SIGNIFICANCE_H
#include <stddef.h>

#include "base/status.h"

struct paired_test {
    double mean_difference; /* mean of a - b */
    double t, degrees, p;   /* two-sided p of Student's paired t test (Student 1908) */
    double low, high;       /* 95 % confidence interval of the mean difference */
    double cohen_d;         /* mean difference / standard deviation of the differences */
};
/* n >= 2 pairs.  All differences equal: p = 1 when they are 0, else 0.  STATUS_DATA for n < 2. */
enum status significance_paired_t(const double *a, const double *b, size_t n, struct paired_test *out);

/* The same over folds whose training rows overlap (k folds, repeated hold-outs): the variance of the mean is taken as
 * (1/n + test_share) times that of the differences, test_share = test rows / train rows (Nadeau, Bengio 2003); without, differences
 * of folds that share rows look far too certain.  STATUS_USAGE for a share below 0 or not finite. */
enum status significance_overlapping_t(const double *a, const double *b, size_t n, double test_share,
                                       struct paired_test *out);

#endif
