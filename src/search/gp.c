/* gp.c - see gp.h. */
#include "search/gp.h"

#include <gsl/gsl_blas.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_multimin.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { STARTS = 2, STEPS = 40 };
static const double JITTER = 1e-10, LENGTH_CENTRE = -0.6931471805599453, NOISE_CENTRE = -2.995732273553991,
                    NOISE_WIDTH = 1.5;

/* Squared distance in lengths. */
static double distance2(const struct gp *gp, const double *a, const double *b)
{
    double sum = 0;
    for (size_t c = 0; c < gp->columns; c++) {
        const double d = (a[c] - b[c]) * gp->rate[c];
        sum += d * d;
    }
    return sum;
}

/* Matern 5/2 of r^2 (Rasmussen, Williams 2006, equation 4.17). */
static double matern(double r2)
{
    const double s = sqrt(5 * r2);
    return (1 + s + s * s / 3) * exp(-s);
}
/* Its derivative by r^2. */
static double matern_slope(double r2)
{
    const double s = sqrt(5 * r2);
    return -5.0 / 6 * (1 + s) * exp(-s);
}

/* Covariance, factor and weights at the present parameters.  GSL's handler is off while it tries. */
static enum status factorise(struct gp *gp)
{
    const double amplitude2 = exp(2 * gp->log_amplitude), noise2 = exp(2 * gp->log_noise);
    for (size_t c = 0; c < gp->columns; c++)
        gp->rate[c] = exp(-gp->log_length[gp->owner[c]]);
    for (size_t i = 0; i < gp->n; i++)
        for (size_t j = 0; j <= i; j++) {
            const double k =
                amplitude2 * matern(distance2(gp, gp->x + i * gp->columns, gp->x + j * gp->columns)) +
                (i == j ? noise2 + JITTER * amplitude2 : 0);
            gp->factor[i * gp->n + j] = gp->factor[j * gp->n + i] = k;
        }
    gsl_matrix_view l = gsl_matrix_view_array(gp->factor, gp->n, gp->n);
    gsl_vector_const_view z = gsl_vector_const_view_array(gp->z, gp->n);
    gsl_vector_view w = gsl_vector_view_array(gp->weight, gp->n);
    gsl_error_handler_t *old = gsl_set_error_handler_off();
    int error = gsl_linalg_cholesky_decomp1(&l.matrix);
    if (error == 0)
        error = gsl_linalg_cholesky_solve(&l.matrix, &z.vector, &w.vector);
    gsl_set_error_handler(old);
    return error == 0 ? STATUS_OK : STATUS_DATA;
}

static enum status gp_open(struct gp *gp, const double *y, int standardise, struct arena *arena)
{
    ARENA_NEW(gp->log_length, arena, gp->lengths);
    ARENA_NEW(gp->rate, arena, gp->columns);
    ARENA_NEW(gp->z, arena, gp->n);
    ARENA_NEW(gp->factor, arena, gp->n * gp->n);
    ARENA_NEW(gp->inverse, arena, gp->n * gp->n);
    ARENA_NEW(gp->weight, arena, gp->n);
    gp->mean = 0, gp->scale = 1;
    if (standardise) {
        double sum = 0, squares = 0;
        for (size_t i = 0; i < gp->n; i++)
            sum += y[i];
        gp->mean = sum / (double)gp->n;
        for (size_t i = 0; i < gp->n; i++)
            squares += (y[i] - gp->mean) * (y[i] - gp->mean);
        gp->scale = squares > 0 ? sqrt(squares / (double)gp->n) : 1;
    }
    for (size_t i = 0; i < gp->n; i++)
        gp->z[i] = (y[i] - gp->mean) / gp->scale;
    return STATUS_OK;
}

enum status gp_condition(const double *x, const double *y, size_t n, size_t columns, const uint32_t *owner,
                         const double *log_length, size_t lengths, double log_amplitude, double log_noise,
                         int standardise, struct arena *arena, struct gp *out)
{
    *out = (struct gp){.n = n,
                       .columns = columns,
                       .lengths = lengths,
                       .x = x,
                       .owner = owner,
                       .log_amplitude = log_amplitude,
                       .log_noise = log_noise};
    TRY(gp_open(out, y, standardise, arena));
    memcpy(out->log_length, log_length, lengths * sizeof *log_length);
    if (factorise(out) != STATUS_OK)
        return status_fail(
            STATUS_DATA,
            "a Gaussian process over %zu points: the covariance is not positive definite; raise the noise",
            n);
    return STATUS_OK;
}

static double prior(const struct gp *gp, double *gradient)
{
    double sum = 0;
    for (size_t l = 0; l < gp->lengths; l++) {
        const double d = gp->log_length[l] - LENGTH_CENTRE;
        sum -= d * d / 2;
        if (gradient != NULL)
            gradient[l] -= d;
    }
    const double noise = (gp->log_noise - NOISE_CENTRE) / NOISE_WIDTH;
    if (gradient != NULL) {
        gradient[gp->lengths] -= gp->log_amplitude;
        gradient[gp->lengths + 1] -= noise / NOISE_WIDTH;
    }
    return sum - gp->log_amplitude * gp->log_amplitude / 2 - noise * noise / 2;
}

/* Adds what the pair (i, j) brings to the gradient: half of (weight weight' - covariance^-1)_ij times the covariance's derivatives
 * (Rasmussen, Williams 2006, equation 5.9). */
static void add_pair(const struct gp *gp, size_t i, size_t j, double inverse, double *gradient)
{
    const double *a = gp->x + i * gp->columns, *b = gp->x + j * gp->columns;
    const double amplitude2 = exp(2 * gp->log_amplitude), r2 = distance2(gp, a, b);
    const double c = (gp->weight[i] * gp->weight[j] - inverse) * (i == j ? 0.5 : 1);
    const double slope = amplitude2 * matern_slope(r2);
    for (size_t k = 0; k < gp->columns; k++) {
        const double d = (a[k] - b[k]) * gp->rate[k];
        gradient[gp->owner[k]] += c * slope * -2 * d * d;
    }
    gradient[gp->lengths] += c * 2 * amplitude2 * (matern(r2) + (i == j ? JITTER : 0));
    if (i == j)
        gradient[gp->lengths + 1] += c * 2 * exp(2 * gp->log_noise);
}

double gp_objective(const struct gp *gp, int with_prior, double *gradient)
{
    double sum = 0;
    for (size_t i = 0; i < gp->n; i++)
        sum -= gp->z[i] * gp->weight[i] / 2 + log(gp->factor[i * gp->n + i]) + log(2 * M_PI) / 2;
    if (gradient != NULL) {
        double *inverse = gp->inverse;
        memcpy(inverse, gp->factor, gp->n * gp->n * sizeof *inverse);
        gsl_matrix_view m = gsl_matrix_view_array(inverse, gp->n, gp->n);
        gsl_linalg_cholesky_invert(&m.matrix);
        memset(gradient, 0, (gp->lengths + 2) * sizeof *gradient);
        for (size_t i = 0; i < gp->n; i++)
            for (size_t j = 0; j <= i; j++)
                add_pair(gp, i, j, inverse[i * gp->n + j], gradient);
    }
    return sum + (with_prior ? prior(gp, gradient) : 0);
}

/* ---- the maximum */
struct target {
    struct gp *gp;
    double *gradient; /* [lengths + 2] */
};

static void take_parameters(struct gp *gp, const gsl_vector *p)
{
    for (size_t l = 0; l < gp->lengths; l++)
        gp->log_length[l] = gsl_vector_get(p, l);
    gp->log_amplitude = gsl_vector_get(p, gp->lengths);
    gp->log_noise = gsl_vector_get(p, gp->lengths + 1);
}

/* Less the objective, with its gradient; infinite where the covariance can't be factored. */
static void evaluate(const gsl_vector *p, void *context, double *value, gsl_vector *gradient)
{
    struct target *t = context;
    bool bounded = true; /* line searches leap far: exp() must not overflow */
    *value = INFINITY;
    take_parameters(t->gp, p);
    if (gradient != NULL)
        gsl_vector_set_zero(gradient);
    for (size_t i = 0; i < p->size; i++)
        bounded &= fabs(gsl_vector_get(p, i)) < 20;
    if (!bounded || factorise(t->gp) != STATUS_OK)
        return;
    *value = -gp_objective(t->gp, 1, gradient != NULL ? t->gradient : NULL);
    for (size_t i = 0; gradient != NULL && i < p->size; i++)
        gsl_vector_set(gradient, i, -t->gradient[i]);
}
static double evaluate_f(const gsl_vector *p, void *context)
{
    double value;
    evaluate(p, context, &value, NULL);
    return value;
}
static void evaluate_df(const gsl_vector *p, void *context, gsl_vector *gradient)
{
    double value;
    evaluate(p, context, &value, gradient);
}

/* From one start; *best and `parameters` are replaced where it ends higher. */
static enum status climb(struct target *t, double log_length, gsl_vector *start, double *best,
                         gsl_vector *parameters)
{
    gsl_multimin_function_fdf f = {evaluate_f, evaluate_df, evaluate, start->size, t};
    gsl_multimin_fdfminimizer *m =
        gsl_multimin_fdfminimizer_alloc(gsl_multimin_fdfminimizer_vector_bfgs2, start->size);
    if (m == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while fitting a Gaussian process");
    gsl_vector_set_all(start, log_length);
    gsl_vector_set(start, t->gp->lengths, 0);
    gsl_vector_set(start, t->gp->lengths + 1, NOISE_CENTRE);
    gsl_error_handler_t *old = gsl_set_error_handler_off();
    int error = gsl_multimin_fdfminimizer_set(m, &f, start, 0.1, 0.1);
    for (int i = 0; i < STEPS && error == 0; i++) {
        error = gsl_multimin_fdfminimizer_iterate(m);
        if (error == 0 && gsl_multimin_test_gradient(m->gradient, 1e-4) == GSL_SUCCESS)
            break;
    }
    gsl_set_error_handler(old);
    if (isfinite(m->f) && -m->f > *best) {
        *best = -m->f;
        gsl_vector_memcpy(parameters, m->x);
    }
    gsl_multimin_fdfminimizer_free(m);
    return STATUS_OK;
}

enum status gp_fit(const double *x, const double *y, size_t n, size_t columns, const uint32_t *owner,
                   size_t lengths, struct arena *arena, struct gp *out)
{
    static const double starts[STARTS] = {-0.7, 0.5};
    struct target t = {.gp = out};
    double best = -INFINITY;
    *out = (struct gp){.n = n, .columns = columns, .lengths = lengths, .x = x, .owner = owner};
    TRY(gp_open(out, y, 1, arena));
    ARENA_NEW(t.gradient, arena, lengths + 2);
    gsl_vector *start = gsl_vector_alloc(lengths + 2), *parameters = gsl_vector_calloc(lengths + 2);
    enum status status = start != NULL && parameters != NULL
                             ? STATUS_OK
                             : status_fail(STATUS_SYSTEM, "out of memory while fitting a Gaussian process");
    for (int s = 0; s < STARTS && status == STATUS_OK; s++)
        status = climb(&t, starts[s], start, &best, parameters);
    if (status == STATUS_OK && isfinite(best))
        take_parameters(out, parameters);
    gsl_vector_free(start);
    gsl_vector_free(parameters);
    TRY(status);
    if (!isfinite(best) || factorise(out) != STATUS_OK)
        return status_fail(STATUS_DATA, "a Gaussian process over %zu points could not be fitted", n);
    return STATUS_OK;
}

void gp_predict(const struct gp *gp, const double *x, double *room, double *mean, double *deviation)
{
    const double amplitude2 = exp(2 * gp->log_amplitude);
    double sum = 0, explained = 0;
    for (size_t i = 0; i < gp->n; i++) {
        room[i] = amplitude2 * matern(distance2(gp, x, gp->x + i * gp->columns));
        sum += room[i] * gp->weight[i];
    }
    for (size_t i = 0; i < gp->n; i++) { /* factor^-1 k, forwards */
        double v = room[i];
        for (size_t j = 0; j < i; j++)
            v -= gp->factor[i * gp->n + j] * room[j];
        room[i] = v / gp->factor[i * gp->n + i];
        explained += room[i] * room[i];
    }
    *mean = gp->mean + gp->scale * sum;
    *deviation = gp->scale * sqrt(fmax(amplitude2 - explained, 0));
}

double expected_improvement(double mean, double deviation, double best)
{
    if (!(deviation > 0))
        return fmax(mean - best, 0);
    const double z = (mean - best) / deviation;
    return deviation * (z * gsl_cdf_ugaussian_P(z) + gsl_ran_ugaussian_pdf(z));
}
