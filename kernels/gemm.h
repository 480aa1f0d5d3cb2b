/*
 * gemm.h - arguments of gemm: a product of two dense matrices.
 *
 * C [m x n] = alpha op(A) op(B) + beta C, row-major; op(A) is [m x k], op(B) [k x n].  A launch row is a tile of C:
 * gemm_rows(m, n) of them.  beta 0: C need not be numbers before.
 */
#ifndef GEMM_H
#define GEMM_H
#include <stddef.h>

enum { GEMM_ROWS = 8, GEMM_COLS = 64 }; /* a tile */

struct gemm {
    const float *A, *B;
    float *C;
    size_t lda, ldb, ldc; /* in elements */
    size_t m, n, k;
    float alpha, beta;
    int transpose_a, transpose_b;
};

static inline long gemm_rows(size_t m, size_t n)
{
    return (long)((m + GEMM_ROWS - 1) / GEMM_ROWS * ((n + GEMM_COLS - 1) / GEMM_COLS));
}
#endif
