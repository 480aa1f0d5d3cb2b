/* logistic.c - see logistic.h.  The step is by GSL's Cholesky. */
#include "fusion/logistic.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>

#include "base/log.h"

enum { STEPS = 50 };
static const double SMALL = 1e-9;

/* Gradient and Hessian at the weights. */
static void derivatives(const float *rows, const float *y, uint64_t n, uint32_t d, double l2,
                        const double *weight, gsl_matrix *h, gsl_vector *g)
{
    gsl_matrix_set_zero(h);
    gsl_vector_set_zero(g);
    for (uint64_t r = 0; r < n; r++) {
        const float *x = rows + r * d;
        double f = weight[d];
        for (uint32_t c = 0; c < d; c++)
            f += weight[c] * (double)x[c];
        const double p = 1 / (1 + exp(-f)), e = p - (double)y[r], w = p * (1 - p);
        for (uint32_t a = 0; a <= d; a++) {
            const double xa = a < d ? (double)x[a] : 1;
            g->data[a * g->stride] += e * xa;
            for (uint32_t b = 0; b <= a; b++)
                h->data[a * h->tda + b] += w * xa * (b < d ? (double)x[b] : 1);
        }
    }
    for (uint32_t a = 0; a <= d; a++) {
        if (a < d) {
            g->data[a * g->stride] += l2 * weight[a];
            h->data[a * h->tda + a] += l2;
        }
        h->data[a * h->tda + a] += 1e-9;
        for (uint32_t b = 0; b < a; b++)
            h->data[b * h->tda + a] = h->data[a * h->tda + b];
    }
}

/* The largest change of a weight; NaN: there is no step (the matrix is not positive definite, or something is no number). */
static double take_step(gsl_matrix *h, const gsl_vector *g, gsl_vector *step, double *weight)
{
    double change = 0;
    gsl_error_handler_t *old = gsl_set_error_handler_off();
    const int failed = gsl_linalg_cholesky_decomp1(h) != 0 || gsl_linalg_cholesky_solve(h, g, step) != 0;
    gsl_set_error_handler(old);
    for (size_t a = 0; a < step->size && !failed; a++)
        if (!isfinite(gsl_vector_get(step, a)))
            return NAN; /* fmax() would take the other */
    for (size_t a = 0; a < step->size && !failed; a++) {
        weight[a] -= gsl_vector_get(step, a);
        change = fmax(change, fabs(gsl_vector_get(step, a)));
    }
    return failed ? NAN : change;
}

enum status logistic_fit(const char *who, const float *x, const float *y, uint64_t n, uint32_t d, double l2,
                         double *weight)
{
    gsl_matrix *h = gsl_matrix_alloc(d + 1, d + 1);
    gsl_vector *g = gsl_vector_alloc(d + 1), *step = gsl_vector_alloc(d + 1);
    const bool there = h != NULL && g != NULL && step != NULL;
    double change = INFINITY;
    for (int i = 0; there && i < STEPS && change > SMALL; i++) { /* NaN ends it too */
        derivatives(x, y, n, d, l2, weight, h, g);
        change = take_step(h, g, step, weight);
    }
    gsl_vector_free(step);
    gsl_vector_free(g);
    gsl_matrix_free(h);
    if (!there)
        return status_fail(STATUS_SYSTEM, "%s: memory is out for a logistic regression of %u columns", who,
                           d + 1);
    if (isnan(change))
        return status_fail(STATUS_DATA,
                           "%s: the logistic regression has no finite weights: raise l2, or look for scores "
                           "that are no numbers among the models below",
                           who);
    if (change > SMALL)
        log_warn("%s: the logistic regression still moves by %.2g after %d steps; a larger l2 settles it",
                 who, change, STEPS);
    return STATUS_OK;
}
