/*
 * gp.h - Gaussian process regression (Rasmussen, Williams 2006, algorithm 2.1) for tens to hundreds of points, in double, by GSL's
 * Cholesky; and the expected improvement over a best value.
 *
 * Covariance: amplitude^2 Matern_5/2(r) + noise^2 (x = x'), r^2 = sum over columns ((x_c - x'_c) / length_c)^2; columns that share an owner
 * share a length.  Values are standardised inside.  Parameters are the maximum of the log marginal likelihood plus weak priors (below),
 * found by BFGS on its analytic gradient from fixed starts: the same data give the same bytes.
 */
#ifndef SEARCH_GP_H
#define SEARCH_GP_H
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

struct gp {
    size_t n, columns, lengths;
    const double *x;       /* [n x columns] */
    const uint32_t *owner; /* [columns] which length, 0 .. lengths - 1 */
    double *log_length;    /* [lengths] */
    double log_amplitude, log_noise;
    double mean, scale; /* of the values: y = mean + scale * z */
    double *z;          /* [n] standardised values */
    double *rate;       /* [columns] 1 / length */
    double *factor;     /* [n x n] lower Cholesky factor of the covariance */
    double *inverse;    /* [n x n] room for a gradient */
    double *weight;     /* [n] covariance^-1 z */
};

/* The parameters as given: log_length [lengths], for values that are standardised (z, scale 1, mean 0, where `standardise` is false the
 * values are taken as they are).  STATUS_SYSTEM: memory; STATUS_DATA: the covariance is not positive definite. */
enum status gp_condition(const double *x, const double *y, size_t n, size_t columns, const uint32_t *owner,
                         const double *log_length, size_t lengths, double log_amplitude, double log_noise,
                         int standardise, struct arena *arena, struct gp *out);
/* The parameters found by maximising gp_objective(). */
enum status gp_fit(const double *x, const double *y, size_t n, size_t columns, const uint32_t *owner,
                   size_t lengths, struct arena *arena, struct gp *out);
/* Mean and standard deviation of the function (without noise) at x [columns], in units of y.  room [n]. */
void gp_predict(const struct gp *gp, const double *x, double *room, double *mean, double *deviation);

/* The log marginal likelihood of standardised values, and its gradient [lengths + 2] by log lengths, log amplitude, log noise (NULL: not
 * wanted).  with_prior adds -(log length - log .5)^2 / 2 each, -(log amplitude)^2 / 2 and -(log noise - log .05)^2 / 2 / 1.5^2. */
double gp_objective(const struct gp *gp, int with_prior, double *gradient);

/* E max(f - best, 0) for f ~ normal(mean, deviation^2) (Jones, Schonlau, Welch 1998, equation 15). */
double expected_improvement(double mean, double deviation, double best);

#endif
