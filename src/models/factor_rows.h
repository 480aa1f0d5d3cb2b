/*
 * factor_rows.h - rows of factors: where a fit starts from, and whether it left the range of numbers.
 */
#ifndef MODELS_FACTOR_ROWS_H
#define MODELS_FACTOR_ROWS_H
#include <stdbool.h>

#include "base/csr.h"

/* The first `factors` numbers of rows 0 .. n_rows - 1 of x [n_rows x ld] are drawn from normal(mean, std), number k of row r by draw
 * r * factors + k of sub-stream `stream` of RANDOM_INIT; rows without an entry in `some` [n_rows x any] (NULL: every row has its draw) are left as they
 * are. */
void factor_rows_start(float *x, size_t ld, uint32_t n_rows, const struct csr *some, uint32_t factors,
                       double mean, double std, uint64_t seed, uint32_t stream);
/* Are all n numbers finite? */
bool factor_rows_finite(const float *x, size_t n);

#endif
