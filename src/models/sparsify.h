/*
 * sparsify.h - the k largest entries of every row of a sparse matrix.
 */
#ifndef MODELS_SPARSIFY_H
#define MODELS_SPARSIFY_H
#include "base/csr.h"

/* *out: `a`, each row cut to its k entries of largest absolute value, columns rising, in `arena`; of equal ones
 * at the cut those with the larger hash of (seed, row, column).  a->val is not NULL.  STATUS_SYSTEM: memory. */
enum status csr_keep_largest(const struct csr *a, uint32_t k, uint64_t seed, struct arena *scratch,
                             struct arena *arena, struct csr *out);

#endif
