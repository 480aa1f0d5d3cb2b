/*
 * als_rows.h - what the models solved by alternating least squares share: the kernel for a rank, the order of rows.
 */
#ifndef MODELS_ALS_ROWS_H
#define MODELS_ALS_ROWS_H
#include "backend/backend.h"
#include "base/csr.h"

#define ALS_SOLVERS "cg|cholesky"
enum als_solver { ALS_CG, ALS_CHOLESKY };

/* Floats of a row: the compiled rank that holds `factors`, or the next multiple of ALS_PAD; *kernel: its kernel, where it
 * is not NULL. */
size_t als_rank(int factors, int solver, const struct kernel **kernel);
/* Rows by falling length (equal ones in order), so that the last rows handed to a thread are short ones.  *out: [n_rows]
 * in `arena`.  STATUS_MEMORY. */
enum status als_longest_first(const struct csr *a, struct arena *arena, uint32_t **out);

#endif
