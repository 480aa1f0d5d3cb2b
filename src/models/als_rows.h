/*
 * als_rows.h - what the models solved by alternating least squares share: the kernel for a rank, the order of rows.
 */
#ifndef MODELS_ALS_ROWS_H
#define MODELS_ALS_ROWS_H
#include "backend/backend.h"
#include "base/csr.h"

#define ALS_SOLVERS  "cg|cholesky"
#define IALS_SOLVERS "cg|cholesky|block" /* block: iALS++, subspaces one after the other */
enum als_solver { ALS_CG, ALS_CHOLESKY, ALS_BLOCK };

/* Floats of a row: the compiled rank that holds `factors`, or the next multiple of ALS_PAD; *kernel: its kernel, where it
 * is not NULL (ALS_BLOCK: its kernels follow from the width of a block, *kernel is that of the widest). */
size_t als_rank(int factors, int solver, const struct kernel **kernel);
/* A half-sweep of blocks of `width` (32 or 64) columns of x, the last one perhaps of 32: rows of `a` over all its blocks, in turn.
 * a->prediction is there. */
struct als;
enum status als_blocks(const struct backend *b, struct als *a, long n_rows, int width);
/* Rows by falling length (equal ones in order), so that the last rows handed to a thread are short ones.  *out: [n_rows]
 * in `arena`.  STATUS_MEMORY. */
enum status als_longest_first(const struct csr *a, struct arena *arena, uint32_t **out);

#endif
