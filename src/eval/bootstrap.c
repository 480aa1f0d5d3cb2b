/*
 * bootstrap.c - the BCa interval (Efron, Better Bootstrap Confidence Intervals, JASA 82, 1987).
 *
 * A resample is how often it holds each user.  The acceleration is that of the jackknife, sum d^3 / (6 (sum d^2)^1.5), d the mean of what leaving one out changes less what it changes; of a mean d is in
 * proportion to x - mean.  Quantiles are linear between order statistics, z0 counts ties half, as in scipy.stats.bootstrap.
 */
#include "eval/bootstrap.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/order.h"
#include "philox.h"

enum { DRAWS_LEAST = 100 };
static const double MOST_BIAS = 0.5; /* |z0| */

enum status bootstrap_check(uint32_t n_draws, double level)
{
    if (n_draws < DRAWS_LEAST || !(level > 0 && level < 1))
        return status_fail(STATUS_USAGE,
                           "a bootstrap of %u draws at level %g: take %d draws at least, a level in (0, 1)",
                           n_draws, level, DRAWS_LEAST);
    return STATUS_OK;
}

void bootstrap_resample(uint32_t n, uint64_t seed, uint64_t draw, uint32_t *count)
{
    memset(count, 0, n * sizeof *count);
    const uint64_t blocks = ((uint64_t)n + 3) / 4;
    for (uint64_t b = 0; b < blocks; b++) {
        const struct philox p = philox4x32(seed, RANDOM_BOOTSTRAP, draw * blocks + b);
        for (uint32_t w = 0; w < 4 && 4 * b + w < n; w++)
            count[(uint64_t)p.v[w] * n >> 32]++;
    }
}

/* Quantile q of sorted x, linear between its neighbours. */
static double quantile(const double *x, uint32_t n, double q)
{
    const double at = q * (n - 1.0);
    const uint32_t low = (uint32_t)at, high = low + 1 < n ? low + 1 : low;
    return x[low] + (at - low) * (x[high] - x[low]);
}

/* Over those who can be left out. */
struct jackknife {
    double n, squares, cubes; /* of the mean change less each */
};

static struct jackknife jackknife_of(const double *change, uint32_t n)
{
    struct jackknife j = {0, 0, 0};
    double sum = 0;
    for (uint32_t u = 0; u < n; u++)
        if (!isnan(change[u]))
            sum += change[u], j.n++;
    const double mean = j.n > 0 ? sum / j.n : 0;
    for (uint32_t u = 0; u < n; u++)
        if (!isnan(change[u])) {
            const double d = mean - change[u];
            j.squares += d * d;
            j.cubes += d * d * d;
        }
    return j;
}

double bootstrap_acceleration(const double *change, uint32_t n)
{
    const struct jackknife j = jackknife_of(change, n);
    return j.squares > 0 ? j.cubes / (6 * pow(j.squares, 1.5)) : 0;
}

struct interval bootstrap_interval(double value, const double *change, uint32_t n, double *values,
                                   uint32_t n_draws, double level)
{
    struct interval out = {value, NAN, NAN, false};
    uint32_t kept = 0;
    double below = 0;
    for (uint32_t i = 0; i < n_draws; i++)
        if (!isnan(values[i])) {
            below += values[i] < value ? 1 : values[i] == value ? 0.5 : 0;
            values[kept++] = values[i];
        }
    if (kept == 0 || isnan(value))
        return out;
    qsort(values, kept, sizeof *values, rising_f64);
    if (values[0] == values[kept - 1]) {
        out.low = out.high = value;
        return out;
    }
    const double z0 = gsl_cdf_ugaussian_Pinv(below / kept), tail = (1 - level) / 2;
    if (!(fabs(z0) <= MOST_BIAS)) {
        const struct jackknife j = jackknife_of(change, n);
        const double error = sqrt((j.n - 1) / j.n * j.squares);
        const double reach = j.n > 1 ? error * gsl_cdf_tdist_Qinv(tail, j.n - 1) : NAN;
        out = (struct interval){value, value - reach, value + reach, true};
        return out;
    }
    const double a = bootstrap_acceleration(change, n);
    const double z = gsl_cdf_ugaussian_Pinv(tail);
    out.low = quantile(values, kept, gsl_cdf_ugaussian_P(z0 + (z0 + z) / (1 - a * (z0 + z))));
    out.high = quantile(values, kept, gsl_cdf_ugaussian_P(z0 + (z0 - z) / (1 - a * (z0 - z))));
    return out;
}
