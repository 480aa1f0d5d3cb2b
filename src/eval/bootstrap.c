/*
 * bootstrap.c - the BCa interval (Efron, Better Bootstrap Confidence Intervals, JASA 82, 1987) of a mean.
 *
 * A resample is how often it holds each user, so a mean of every series costs one pass over those counts.  Of a mean the
 * jackknife is known: the acceleration is sum (x - mean)^3 / (6 (sum (x - mean)^2)^1.5).  Quantiles are linear between order
 * statistics, z0 counts ties half, as in scipy.stats.bootstrap.
 */
#include "eval/bootstrap.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "philox.h"

enum { DRAWS_LEAST = 100 };

/* How often resample `draw` holds each user. */
static void resample(uint32_t n, uint64_t seed, uint64_t draw, uint32_t *count)
{
    memset(count, 0, n * sizeof *count);
    const uint64_t blocks = ((uint64_t)n + 3) / 4;
    for (uint64_t b = 0; b < blocks; b++) {
        const struct philox p = philox4x32(seed, RANDOM_BOOTSTRAP, draw * blocks + b);
        for (uint32_t w = 0; w < 4 && 4 * b + w < n; w++)
            count[(uint64_t)p.v[w] * n >> 32]++;
    }
}

static double mean_of(const double *x, const uint32_t *count, uint32_t n)
{
    double sum = 0, size = 0;
    for (uint32_t u = 0; u < n; u++)
        if (!isnan(x[u])) {
            sum += count != NULL ? count[u] * x[u] : x[u];
            size += count != NULL ? count[u] : 1;
        }
    return size > 0 ? sum / size : NAN;
}

/* The same where no value is NaN: four sums, so that additions need not wait for one another. */
static double whole_mean(const double *x, const uint32_t *count, uint32_t n)
{
    double sum[4] = {0, 0, 0, 0};
    uint32_t u = 0;
    for (; u + 4 <= n; u += 4)
        for (uint32_t l = 0; l < 4; l++)
            sum[l] += count[u + l] * x[u + l];
    for (; u < n; u++)
        sum[0] += count[u] * x[u];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) / n;
}

static bool has_nan(const double *x, uint32_t n)
{
    for (uint32_t u = 0; u < n; u++)
        if (isnan(x[u]))
            return true;
    return false;
}

static int rising(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Quantile q of sorted x, linear between its neighbours. */
static double quantile(const double *x, uint32_t n, double q)
{
    const double at = q * (n - 1.0);
    const uint32_t low = (uint32_t)at, high = low + 1 < n ? low + 1 : low;
    return x[low] + (at - low) * (x[high] - x[low]);
}

static double acceleration(const double *x, uint32_t n, double mean)
{
    double squares = 0, cubes = 0;
    for (uint32_t u = 0; u < n; u++)
        if (!isnan(x[u])) {
            const double d = x[u] - mean;
            squares += d * d;
            cubes += d * d * d;
        }
    return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

/* means: [n_draws], sorted here. */
static struct interval bca(const double *x, uint32_t n, double *means, uint32_t n_draws, double level)
{
    struct interval out = {mean_of(x, NULL, n), NAN, NAN};
    uint32_t kept = 0;
    double below = 0;
    for (uint32_t i = 0; i < n_draws; i++)
        if (!isnan(means[i])) {
            below += means[i] < out.mean ? 1 : means[i] == out.mean ? 0.5 : 0;
            means[kept++] = means[i];
        }
    if (kept == 0)
        return out;
    qsort(means, kept, sizeof *means, rising);
    if (means[0] == means[kept - 1]) {
        out.low = out.high = out.mean;
        return out;
    }
    const double share = fmin(fmax(below / kept, 0.5 / kept), 1 - 0.5 / kept),
                 a = acceleration(x, n, out.mean);
    const double z0 = gsl_cdf_ugaussian_Pinv(share), z = gsl_cdf_ugaussian_Pinv((1 - level) / 2);
    out.low = quantile(means, kept, gsl_cdf_ugaussian_P(z0 + (z0 + z) / (1 - a * (z0 + z))));
    out.high = quantile(means, kept, gsl_cdf_ugaussian_P(z0 + (z0 - z) / (1 - a * (z0 - z))));
    return out;
}

enum status bootstrap_means(const double *const *series, size_t n_series, uint32_t n, uint32_t n_draws,
                            double level, uint64_t seed, struct interval *out)
{
    if (n_draws < DRAWS_LEAST || !(level > 0 && level < 1))
        return status_fail(STATUS_USAGE,
                           "a bootstrap of %u draws at level %g: take %d draws at least, a level in (0, 1)",
                           n_draws, level, DRAWS_LEAST);
    double *means = malloc(n_series * n_draws * sizeof *means + 1);
    bool *whole = malloc(n_series + 1);
    int failed = means == NULL || whole == NULL;
    for (size_t s = 0; s < n_series && !failed; s++)
        whole[s] = n > 0 && !has_nan(series[s], n);
#pragma omp parallel reduction(| : failed)
    {
        uint32_t *count = malloc((n + 1) * sizeof *count);
        failed |= count == NULL;
#pragma omp for schedule(static)
        for (uint32_t i = 0; i < n_draws; i++) {
            if (failed)
                continue;
            resample(n, seed, i, count);
            for (size_t s = 0; s < n_series; s++)
                means[s * n_draws + i] =
                    whole[s] ? whole_mean(series[s], count, n) : mean_of(series[s], count, n);
        }
        free(count);
    }
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t s = 0; s < n_series; s++)
        if (!failed)
            out[s] = bca(series[s], n, means + s * n_draws, n_draws, level);
    free(means);
    free(whole);
    return failed ? status_fail(STATUS_SYSTEM, "memory is out: %u resamples of %zu means", n_draws, n_series)
                  : STATUS_OK;
}
