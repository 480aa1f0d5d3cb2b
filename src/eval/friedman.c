/*
 * friedman.c - Friedman's test (JASA 32, 1937), Iman and Davenport's F (1980), Nemenyi's critical difference (1963), as Demsar puts
 * them together (Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 2006).
 *
 * The studentised range with infinite degrees of freedom is k times an integral, k phi(z) (Phi(z) - Phi(z - q))^(k - 1), by
 * GSL; its quantile by bisection.
 */
#include "eval/friedman.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

struct range {
    double q;
    unsigned k;
};

static double density(double z, void *context)
{
    const struct range *r = context;
    return r->k * gsl_ran_ugaussian_pdf(z) *
           pow(gsl_cdf_ugaussian_P(z) - gsl_cdf_ugaussian_P(z - r->q), r->k - 1.0);
}

/* A fixed rule over [-9, 9 + q], beyond which nothing is left in double. */
static double range_P(double q, unsigned k, const gsl_integration_glfixed_table *table)
{
    struct range r = {q, k};
    const gsl_function f = {density, &r};
    double sum = 0;
    const double step = (18 + q) / 16;
    for (int i = 0; i < 16; i++)
        sum += gsl_integration_glfixed(&f, -9 + i * step, -9 + (i + 1) * step, table);
    return sum;
}

double studentised_range_quantile(double q, unsigned k)
{
    double low = 0, high = 100;
    gsl_integration_glfixed_table *table = gsl_integration_glfixed_table_alloc(32);
    if (table == NULL)
        return NAN;
    for (int i = 0; i < 80 && high - low > 1e-14 * high; i++) {
        const double middle = (low + high) / 2;
        *(range_P(middle, k, table) < q ? &low : &high) = middle;
    }
    gsl_integration_glfixed_table_free(table);
    return (low + high) / 2;
}

/* Ranks of one block, best first, added to `sum`; returns the sum of t^3 - t over ties. */
static double rank_block(const double *value, size_t n, int higher, double *sum)
{
    double ties = 0;
    for (size_t i = 0; i < n; i++) {
        double better = 0, equal = 0;
        for (size_t j = 0; j < n; j++) {
            better += higher ? value[j] > value[i] : value[j] < value[i];
            equal += value[j] == value[i];
        }
        sum[i] += better + (equal + 1) / 2;
        ties += equal * equal - 1; /* over the t of a tie: t (t^2 - 1) */
    }
    return ties;
}

enum status friedman_test(const double *value, size_t n_blocks, size_t n_models, int higher, double alpha,
                          double *mean_rank, struct friedman *out)
{
    const double k = (double)n_models, n = (double)n_blocks;
    double ties = 0, squares = 0;
    if (n_models < 2 || n_blocks < 2)
        return status_fail(STATUS_DATA,
                           "Friedman's test needs two models and two blocks, there are %zu and %zu", n_models,
                           n_blocks);
    for (size_t i = 0; i < n_blocks * n_models; i++)
        if (!isfinite(value[i]))
            return status_fail(STATUS_DATA, "block %zu of Friedman's test has a value that is not finite",
                               i / n_models);
    for (size_t m = 0; m < n_models; m++)
        mean_rank[m] = 0;
    for (size_t b = 0; b < n_blocks; b++)
        ties += rank_block(value + b * n_models, n_models, higher, mean_rank);
    for (size_t m = 0; m < n_models; m++) {
        mean_rank[m] /= n;
        squares += (mean_rank[m] - (k + 1) / 2) * (mean_rank[m] - (k + 1) / 2);
    }
    const double correction = 1 - ties / (n * k * (k * k - 1));
    *out = (struct friedman){.n_models = n_models, .n_blocks = n_blocks, .p = 1, .p_f = 1};
    if (correction > 0) {
        out->chi_square = 12 * n / (k * (k + 1)) * squares / correction;
        out->p = gsl_cdf_chisq_Q(out->chi_square, k - 1);
        const double rest = n * (k - 1) - out->chi_square;
        out->f = rest > 0 ? (n - 1) * out->chi_square / rest : INFINITY;
        out->p_f = rest > 0 ? gsl_cdf_fdist_Q(out->f, k - 1, (k - 1) * (n - 1)) : 0;
    }
    out->critical_difference =
        studentised_range_quantile(1 - alpha, (unsigned)n_models) / sqrt(2.0) * sqrt(k * (k + 1) / (6 * n));
    return STATUS_OK;
}
