/*
 * friedman.h - several models on the same blocks (users, or datasets and folds): do their ranks differ, and which by how much.
 */
#ifndef EVAL_FRIEDMAN_H
#define EVAL_FRIEDMAN_H
#include <stddef.h>

#include "base/status.h"

struct friedman {
    size_t n_models, n_blocks;
    double chi_square, p;       /* Friedman 1937, corrected for ties; n_models - 1 degrees of freedom */
    double f, p_f;              /* Iman and Davenport 1980, less conservative */
    double critical_difference; /* Nemenyi 1963: mean ranks that differ by more differ at level alpha */
};
/* value: [n_blocks x n_models], finite; higher is better where `higher`.  mean_rank: [n_models], 1 the best; equal values share
 * their mean rank.  STATUS_DATA: fewer than 2 models or blocks, a value that is not finite; STATUS_SYSTEM: memory. */
enum status friedman_test(const double *value, size_t n_blocks, size_t n_models, int higher, double alpha,
                          double *mean_rank, struct friedman *out);
/* Quantile of the studentised range of k normal means, degrees of freedom infinite. */
double studentised_range_quantile(double q, unsigned k);

#endif
