/*
 * significance.c - Student's paired t test (Student, The Probable Error of a Mean, Biometrika 6, 1908) and
 * Cohen's d of paired differences (d_z; Cohen, Statistical Power Analysis, 1988).  The t distribution is
 * GSL's.
 *
 * The variance is of the differences about their mean, in two passes.  Overlapping folds: Nadeau, Bengio, Inference for the
 * Generalization Error, Machine Learning 52, 2003.
 */
#include "eval/significance.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* share: what overlapping adds to 1 / n; 0: nothing. */
static enum status paired_t(const double *a, const double *b, size_t n, double share, struct paired_test *out)
{
    if (n < 2)
        return status_fail(STATUS_DATA, "a paired test needs two pairs at least, there are %zu", n);
    double mean = 0, squares = 0, correction = 0;
    for (size_t u = 0; u < n; u++) {
        if (!isfinite(a[u]) || !isfinite(b[u]))
            return status_fail(STATUS_DATA, "pair %zu of a paired test is not finite (%g and %g)", u, a[u],
                               b[u]);
        mean += a[u] - b[u];
    }
    mean /= (double)n;
    int constant = 1;
    for (size_t u = 0; u < n; u++) {
        const double d = a[u] - b[u] - mean;
        squares += d * d;
        correction += d;
        constant = constant && a[u] - b[u] == a[0] - b[0];
    }
    *out = (struct paired_test){.mean_difference = mean, .degrees = (double)(n - 1)};
    if (constant) { /* no spread: t is 0 / 0 or infinite */
        const double difference = a[0] - b[0];
        out->mean_difference = out->low = out->high = difference;
        out->p = difference == 0 ? 1 : 0;
        out->t = out->cohen_d = difference == 0 ? 0 : copysign(INFINITY, difference);
        return STATUS_OK;
    }
    const double deviation = sqrt((squares - correction * correction / (double)n) / out->degrees);
    const double error = share == 0 ? deviation / sqrt((double)n) : deviation * sqrt(1 / (double)n + share);
    out->t = mean / error;
    out->p = 2 * gsl_cdf_tdist_Q(fabs(out->t), out->degrees);
    const double reach = gsl_cdf_tdist_Pinv(0.975, out->degrees) * error;
    out->low = mean - reach;
    out->high = mean + reach;
    out->cohen_d = mean / deviation;
    return STATUS_OK;
}

enum status significance_paired_t(const double *a, const double *b, size_t n, struct paired_test *out)
{
    return paired_t(a, b, n, 0, out);
}

enum status significance_overlapping_t(const double *a, const double *b, size_t n, double test_share,
                                       struct paired_test *out)
{
    if (!(test_share >= 0 && isfinite(test_share)))
        return status_fail(STATUS_USAGE, "a share of test to train rows of %g: expected 0 or more",
                           test_share);
    return paired_t(a, b, n, test_share, out);
}
