/*
 * significance.c - Student's paired t test (Student, The Probable Error of a Mean, Biometrika 6, 1908) and
 * Cohen's d of paired differences (d_z; Cohen, Statistical Power Analysis, 1988).  The t distribution is
 * GSL's.
 *
 * The variance is of the differences about their mean, in two passes.
 */
#include "eval/significance.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

enum status significance_paired_t(const double *a, const double *b, size_t n, struct paired_test *out)
{
    if (n < 2)
        return status_fail(STATUS_DATA, "a paired test needs two users at least, there are %zu", n);
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
    const double error = deviation / sqrt((double)n);
    out->t = mean / error;
    out->p = 2 * gsl_cdf_tdist_Q(fabs(out->t), out->degrees);
    const double reach = gsl_cdf_tdist_Pinv(0.975, out->degrees) * error;
    out->low = mean - reach;
    out->high = mean + reach;
    out->cohen_d = mean / deviation;
    return STATUS_OK;
}
