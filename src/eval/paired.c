/*
 * paired.c - Wilcoxon's signed rank test (Wilcoxon, Biometrics Bulletin 1, 1945; ties: Pratt, Gibbons 1981, section 3.8), the sign
 * test, Fisher's randomisation test (Smucker, Allan, Carterette, CIKM 2007, on its use for retrieval) and Cliff's delta
 * (Cliff, Psychological Bulletin 114, 1993).
 */
#include "eval/paired.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "base/order.h"
#include "randomisation.h"

enum { EXACT_MOST = 50, DRAWS_LEAST = 100 };

static enum status check_finite(const double *a, const double *b, size_t n)
{
    if (n == 0)
        return status_fail(STATUS_DATA, "a paired test needs pairs, there are none");
    for (size_t u = 0; u < n; u++)
        if (!isfinite(a[u]) || !isfinite(b[u]))
            return status_fail(STATUS_DATA, "pair %zu of a paired test is not finite (%g and %g)", u, a[u],
                               b[u]);
    return STATUS_OK;
}

static int by_size(const void *a, const void *b)
{
    const double x = fabs(*(const double *)a), y = fabs(*(const double *)b);
    return (x > y) - (x < y);
}

/* Doubled mean ranks of |d|, d sorted by size; returns the sum of t^3 - t over ties. */
static double rank_sizes(const double *d, size_t n, uint32_t *doubled)
{
    double ties = 0;
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && fabs(d[end]) == fabs(d[i]);)
            end++;
        const double t = (double)(end - i);
        ties += t * t * t - t;
        for (size_t j = i; j < end; j++)
            doubled[j] = (uint32_t)(i + 1 + end); /* 2 x the mean of i + 1 .. end */
    }
    return ties;
}

/* P of a doubled sum of positive ranks at most `sum`, over all signs. */
static enum status exact_tail(const uint32_t *doubled, size_t n, uint64_t sum, double *p)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += doubled[i];
    double *ways = calloc(total + 1, sizeof *ways);
    if (ways == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: a rank test of %zu pairs", n);
    ways[0] = 1;
    for (size_t i = 0, reach = 0; i < n; i++) {
        reach += doubled[i];
        for (size_t s = reach + 1; s-- > 0;)
            ways[s] = (ways[s] + (s >= doubled[i] ? ways[s - doubled[i]] : 0)) / 2;
    }
    *p = 0;
    for (size_t s = 0; s <= sum; s++)
        *p += ways[s];
    free(ways);
    return STATUS_OK;
}

static enum status wilcoxon(double *d, size_t n, uint32_t *doubled, struct rank_test *out)
{
    qsort(d, n, sizeof *d, by_size);
    const double ties = rank_sizes(d, n, doubled), size = (double)n;
    uint64_t positive = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        all += doubled[i];
        positive += d[i] > 0 ? doubled[i] : 0;
    }
    const uint64_t smaller = positive < all - positive ? positive : all - positive;
    *out = (struct rank_test){.n = n, .statistic = (double)smaller / 2, .p = 1, .exact = n <= EXACT_MOST};
    if (n == 0)
        return STATUS_OK;
    if (out->exact)
        TRY(exact_tail(doubled, n, smaller, &out->p));
    else {
        const double variance = size * (size + 1) * (2 * size + 1) / 24 - ties / 48;
        out->p = gsl_cdf_ugaussian_P((out->statistic - size * (size + 1) / 4) / sqrt(variance));
    }
    out->p = fmin(1, 2 * out->p);
    return STATUS_OK;
}

enum status paired_wilcoxon(const double *a, const double *b, size_t n, struct rank_test *out)
{
    TRY(check_finite(a, b, n));
    double *d = malloc(n * sizeof *d);
    uint32_t *doubled = malloc(n * sizeof *doubled);
    enum status status = d != NULL && doubled != NULL
                             ? STATUS_OK
                             : status_fail(STATUS_SYSTEM, "memory is out: a rank test of %zu pairs", n);
    size_t differ = 0;
    for (size_t u = 0; u < n && status == STATUS_OK; u++)
        if (a[u] != b[u])
            d[differ++] = a[u] - b[u];
    if (status == STATUS_OK)
        status = wilcoxon(d, differ, doubled, out);
    free(d), free(doubled);
    return status;
}

enum status paired_sign(const double *a, const double *b, size_t n, struct rank_test *out)
{
    TRY(check_finite(a, b, n));
    unsigned above = 0, differ = 0;
    for (size_t u = 0; u < n; u++) {
        above += a[u] > b[u];
        differ += a[u] != b[u];
    }
    const unsigned fewer = above < differ - above ? above : differ - above;
    *out = (struct rank_test){.n = differ, .statistic = above, .p = 1, .exact = true};
    if (differ > 0)
        out->p = fmin(1, 2 * gsl_cdf_binomial_P(fewer, 0.5, differ));
    return STATUS_OK;
}

enum status paired_randomisation(const struct backend *backend, const double *a, const double *b, size_t n,
                                 uint32_t n_draws, uint64_t seed, double *p)
{
    TRY(check_finite(a, b, n));
    if (n_draws < DRAWS_LEAST || n > UINT32_MAX)
        return status_fail(STATUS_USAGE, "a randomisation test of %u draws: take %d at least", n_draws,
                           DRAWS_LEAST);
    double *d = malloc(n * sizeof *d), *sum = malloc(n_draws * sizeof *sum), observed = 0, size = 0;
    enum status status = d != NULL && sum != NULL
                             ? STATUS_OK
                             : status_fail(STATUS_SYSTEM, "memory is out: %u draws of %zu pairs", n_draws, n);
    for (size_t u = 0; u < n && status == STATUS_OK; u++) {
        d[u] = a[u] - b[u];
        observed += d[u];
        size += fabs(d[u]);
    }
    const struct randomisation args = {
        .difference = d, .n = (uint32_t)n, .seed = seed, .stream = RANDOM_SIGNS, .sum = sum};
    if (status == STATUS_OK && backend != NULL)
        status = backend_launch(backend, &kernel_randomisation, &args, n_draws, RANDOMISATION_SCRATCH);
    else if (status == STATUS_OK && kernel_randomisation.cpu(&args, n_draws, RANDOMISATION_SCRATCH) != 0)
        status = status_fail(STATUS_SYSTEM, "memory is out: %u draws", n_draws);
    /* A draw that differs from the observed sum by rounding alone counts as equal to it. */
    const double far = fabs(observed) - 1e-12 * size;
    uint32_t as_far = 0;
    for (uint32_t i = 0; i < n_draws && status == STATUS_OK; i++)
        as_far += fabs(sum[i]) >= far;
    *p = (1.0 + as_far) / (1.0 + n_draws);
    free(d), free(sum);
    return status;
}

enum status paired_cliffs_delta(const double *a, const double *b, size_t n, double *delta)
{
    TRY(check_finite(a, b, n));
    double *sorted = malloc(2 * n * sizeof *sorted), *other = sorted + n, sum = 0;
    if (sorted == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: an effect size of %zu pairs", n);
    for (size_t u = 0; u < n; u++)
        sorted[u] = a[u], other[u] = b[u];
    qsort(sorted, n, sizeof *sorted, rising_f64);
    qsort(other, n, sizeof *other, rising_f64);
    for (size_t i = 0, below = 0, not_above = 0; i < n; i++) {
        while (below < n && other[below] < sorted[i])
            below++;
        while (not_above < n && other[not_above] <= sorted[i])
            not_above++;
        sum += (double)below - (double)(n - not_above);
    }
    *delta = sum / ((double)n * (double)n);
    free(sorted);
    return STATUS_OK;
}
