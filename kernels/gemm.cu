/*
 * gemm.cu - C = alpha op(A) op(B) + beta C, a team a tile of GEMM_ROWS x GEMM_COLS.
 *
 * For GPUs without cuBLAS, and for the emulator; the CPU backend takes OpenBLAS, which is far faster than this there.  Lanes
 * stand side by side over columns, each with GEMM_ROWS sums a column: an element of B, once loaded, serves GEMM_ROWS
 * multiplications, and an element of A is the same for all lanes.  Each sum runs over k in rising order.  At the edges of C
 * lanes compute the last row or column again and do not store it.
 */
#include "gemm.h"
#include "team.h"

TEAM_FN void gemm_row(const struct gemm *a, long row, struct team *t)
{
    const size_t across = (a->n + GEMM_COLS - 1) / GEMM_COLS;
    const size_t i0 = (size_t)row / across * GEMM_ROWS, j0 = (size_t)row % across * GEMM_COLS;
    const size_t a_row = a->transpose_a ? 1 : a->lda, a_step = a->transpose_a ? a->lda : 1;
    const size_t b_col = a->transpose_b ? a->ldb : 1, b_step = a->transpose_b ? 1 : a->ldb;
    const int height = a->m - i0 < GEMM_ROWS ? (int)(a->m - i0) : GEMM_ROWS;
    const int width = a->n - j0 < GEMM_COLS ? (int)(a->n - j0) : GEMM_COLS;
    const float *A = a->A + i0 * a_row, *B = a->B + j0 * b_col;
    LANE_ARRAY(float, sum, GEMM_ROWS *GEMM_COLS);
    (void)t;

    TEAM_UNROLL
    for (int i = 0; i < GEMM_ROWS; i++)
        LANE_FOR(j, GEMM_COLS)
            OWN(sum, i * GEMM_COLS + j) = 0.0f;
    for (size_t p = MUTANT(gemm_index, 1, 0); p < a->k; p++) {
        const float *b = B + p * b_step;
        TEAM_UNROLL
        for (int i = 0; i < GEMM_ROWS; i++) {
            const float x = A[p * a_step + (size_t)(i < height ? i : height - 1) * a_row];
            LANE_FOR(j, GEMM_COLS)
                OWN(sum, i * GEMM_COLS + j) += x * b[(size_t)(j < width ? j : width - 1) * b_col];
        }
    }
    TEAM_UNROLL
    for (int i = 0; i < GEMM_ROWS; i++) {
        float *c = a->C + (i0 + (size_t)i) * a->ldc + j0;
        if (i < height + MUTANT(gemm_outside, 1, 0))
            LANE_FOR(j, GEMM_COLS)
                if (j < width)
                    c[j] = a->alpha * OWN(sum, i * GEMM_COLS + j) + (a->beta == 0.0f ? 0.0f : a->beta * c[j]);
    }
}

TEAM_KERNEL(gemm, struct gemm, gemm_row(a, row, t))
