/*
 * reduce.h - many columns to few: truncated singular value decomposition of dense and sparse rows.
 */
#ifndef MODELS_REDUCE_H
#define MODELS_REDUCE_H
#include "backend/backend.h"
#include "base/csr.h"

/* X [n x d] times its first `dimensions` right singular vectors (columns in order of falling singular
 * value, each signed so that its largest weight is positive) into out [n x dimensions].  Columns past
 * the rank are zero. d at most 4096.  vectors (NULL: not wanted) gets what X was multiplied by, [d x
 * dimensions], so that other rows can follow. */
enum status reduce_dense(const struct backend *b, const float *X, uint32_t n, uint32_t d, uint32_t dimensions,
                         struct arena *scratch, float *out, float *vectors);
/* The same, each column scaled to a mean square of 1 over `rows` rows (those of X that are not zero): of rows whose mean is 0 the
 * covariance of `out` is the identity (PCA whitening: Kessy, Lewin, Strimmer 2018; for item texts Hou et al. 2022, UniSRec). */
enum status reduce_whiten(const struct backend *b, const float *X, uint32_t n, uint32_t d,
                          uint32_t dimensions, uint32_t rows, struct arena *scratch, float *out,
                          float *vectors);
/* reduce_dense() of a sparse matrix, by `iterations` subspace iterations from random numbers of `seed`.  vectors (NULL: not
 * wanted) gets the right singular vectors themselves, [columns of X x dimensions], columns past the rank zero. */
enum { REDUCE_ITERATIONS = 5 }; /* what serves text well */
enum status reduce_sparse(const struct backend *b, const struct csr *X, uint32_t dimensions, int iterations,
                          uint64_t seed, struct arena *scratch, float *out, float *vectors);

#endif
