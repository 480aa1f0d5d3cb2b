/*
 * linalg.c - the inverse of a symmetric positive definite matrix, in place, in fixed tiles.
 *
 * Block Gauss-Jordan elimination ("sweep"; Beaton 1964, Goodnight 1979), b rows at a time.  With A_kk =
 * U'U, Z = A_:k U^-1 and W = Z U^-T, a step is
 *     A_ij -= Z_i Z_j'  (i, j != k),   A_ik = W_i,   A_kk = -(U'U)^-1,
 * and after the last step A holds -A^-1.  The rows below k see exactly a blocked Cholesky factorisation,
 * the rows above the growing inverse.  Why not potrf + potri: those of OpenBLAS give other bits on two
 * threads than on one, and their three phases are each triangular, while here every step is the same
 * symmetric update of the whole lower triangle: n^3 operations, as potrf + potri together, nearly all of
 * them in sgemm calls of one size, each by one thread.  The tiles never depend on the number of threads.
 */
#include "backend/linalg.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <omp.h>
#include <string.h>

#ifndef BLOCK
#define BLOCK 256 /* rows eliminated at a time: the inner dimension of every product */
#endif
#ifndef WIDTH
#define WIDTH                                                                                                \
    (4 * BLOCK) /* columns of a tile: wide enough to pay for packing, narrow enough for many threads */
#endif
#define PIVOT (16 * FLT_EPSILON)

/* One step's view of the matrix. */
struct sweep {
    size_t n, ld;
    float *A;        /* [n x ld] */
    float *Z, *W;    /* [n x BLOCK] */
    float *U, *V;    /* [BLOCK x BLOCK] upper: A_kk = U'U, V = U^-1 */
    float *diagonal; /* [n] of A as given */
    size_t first, b; /* the block eliminated: rows first .. first + b - 1 */
};

/* U'U = the diagonal block, row by row, into U.  Returns the first bad row of the block, or b. */
static size_t factor_block(const struct sweep *s)
{
    const size_t b = s->b;

    for (size_t i = 0; i < b; i++)
        for (size_t j = i; j < b; j++)
            s->U[i * BLOCK + j] = s->A[(s->first + j) * s->ld + s->first + i];
    for (size_t k = 0; k < b; k++) {
        float *u = s->U + k * BLOCK;
        if (!(u[k] > PIVOT * s->diagonal[s->first + k]) || !isfinite(u[k]))
            return k;
        const float scale = 1.0f / sqrtf(u[k]);
        for (size_t j = k; j < b; j++)
            u[j] *= scale;
        for (size_t i = k + 1; i < b; i++) {
            const float f = u[i];
            float *v = s->U + i * BLOCK;
            for (size_t j = i; j < b; j++)
                v[j] -= f * u[j];
        }
    }
    return b;
}

/* A_kk = -(U'U)^-1 = -V V', lower triangle. */
static void invert_block(const struct sweep *s)
{
    memset(s->V, 0, BLOCK * BLOCK * sizeof *s->V);
    for (size_t i = 0; i < s->b; i++)
        s->V[i * BLOCK + i] = 1.0f;
    cblas_strsm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, (int)s->b, (int)s->b, 1.0f,
                s->U, BLOCK, s->V, BLOCK);
    cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)s->b, (int)s->b, -1.0f, s->V, BLOCK, 0.0f,
                s->A + s->first * s->ld + s->first, (int)s->ld);
}

/* Rows row .. row + m - 1 of Z and W, from the lower triangle of A. */
static void solve_rows(const struct sweep *s, size_t row, size_t m)
{
    float *z = s->Z + row * BLOCK, *w = s->W + row * BLOCK;

    for (size_t i = 0; i < m; i++)
        for (size_t c = 0; c < s->b; c++)
            z[i * BLOCK + c] = row < s->first ? s->A[(s->first + c) * s->ld + row + i]
                                              : s->A[(row + i) * s->ld + s->first + c];
    cblas_strsm(CblasRowMajor, CblasRight, CblasUpper, CblasNoTrans, CblasNonUnit, (int)m, (int)s->b, 1.0f,
                s->U, BLOCK, z, BLOCK);
    memcpy(w, z, m * BLOCK * sizeof *w);
    cblas_strsm(CblasRowMajor, CblasRight, CblasUpper, CblasTrans, CblasNonUnit, (int)m, (int)s->b, 1.0f,
                s->U, BLOCK, w, BLOCK);
}

/* A_ij -= Z_i Z_j' for one tile: rows row .. row + m - 1, columns column .. column + width - 1, lower
 * triangle. */
static void update_tile(const struct sweep *s, size_t row, size_t m, size_t column, size_t width)
{
    const size_t below = column + width > row ? row - column : width; /* columns left of the diagonal block */

    if (below > 0)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)below, (int)s->b, -1.0f,
                    s->Z + row * BLOCK, BLOCK, s->Z + column * BLOCK, BLOCK, 1.0f,
                    s->A + row * s->ld + column, (int)s->ld);
    if (below < width)
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)m, (int)s->b, -1.0f, s->Z + row * BLOCK,
                    BLOCK, 1.0f, s->A + row * s->ld + row, (int)s->ld);
}

/* A_ik = W_i, into the lower triangle. */
static void store_rows(const struct sweep *s, size_t row, size_t m)
{
    for (size_t i = 0; i < m; i++)
        for (size_t c = 0; c < s->b; c++) {
            float *to = row < s->first ? s->A + (s->first + c) * s->ld + row + i
                                       : s->A + (row + i) * s->ld + s->first + c;
            *to = s->W[(row + i) * BLOCK + c];
        }
}

/* One elimination step, after factor_block(). */
static void sweep_step(const struct sweep *s)
{
    const long n_blocks = (long)((s->n + BLOCK - 1) / BLOCK), n_wide = (long)((s->n + WIDTH - 1) / WIDTH);
    const long k = (long)(s->first / BLOCK);

#pragma omp parallel
    {
#pragma omp for schedule(dynamic, 1)
        for (long i = 0; i < n_blocks; i++)
            if (i != k)
                solve_rows(s, (size_t)i * BLOCK, i + 1 < n_blocks ? BLOCK : s->n - (size_t)i * BLOCK);
            else
                memset(s->Z + i * BLOCK * BLOCK, 0, s->b * BLOCK * sizeof *s->Z); /* block k is not updated */
                /* rows and columns backwards: the large pieces first */
#pragma omp for schedule(dynamic, 1)
        for (long t = n_blocks * n_wide - 1; t >= 0; t--) {
            const size_t row = (size_t)(t / n_wide) * BLOCK, column = (size_t)(t % n_wide) * WIDTH;
            const size_t m = row + BLOCK < s->n ? BLOCK : s->n - row;
            const size_t end = column + WIDTH < row + m ? column + WIDTH : row + m;
            if ((long)(row / BLOCK) != k && column < row + m)
                update_tile(s, row, m, column, end - column);
        }
#pragma omp for schedule(dynamic, 1)
        for (long i = 0; i < n_blocks; i++)
            if (i != k)
                store_rows(s, (size_t)i * BLOCK, i + 1 < n_blocks ? BLOCK : s->n - (size_t)i * BLOCK);
    }
    invert_block(s);
}

/* The lower triangle holds -A^-1: changes the sign and fills the upper one. */
static void mirror(size_t n, float *A, size_t ld)
{
    const long n_blocks = (long)((n + 63) / 64);

#pragma omp parallel for schedule(dynamic, 4)
    for (long block = 0; block < n_blocks; block++) {
        const size_t low = (size_t)block * 64, high = low + 64 < n ? low + 64 : n;
        for (size_t left = 0; left <= low; left += 64)
            for (size_t i = low; i < high; i++)
                for (size_t j = left; j < left + 64 && j <= i; j++) {
                    A[i * ld + j] = -A[i * ld + j];
                    A[j * ld + i] = A[i * ld + j];
                }
    }
}

enum status linalg_inverse(const struct backend *b, size_t n, float *A, size_t ld, struct arena *scratch,
                           const volatile sig_atomic_t *cancelled, size_t *bad)
{
    struct sweep s = {.n = n, .ld = ld, .A = A};

    if (!omp_in_parallel())
        omp_set_num_threads(b->threads);
    *bad = n;
    ARENA_NEW(s.Z, scratch, n * BLOCK);
    ARENA_NEW(s.W, scratch, n * BLOCK);
    ARENA_NEW(s.U, scratch, BLOCK * BLOCK);
    ARENA_NEW(s.V, scratch, BLOCK * BLOCK);
    ARENA_NEW(s.diagonal, scratch, n);
    for (size_t i = 0; i < n; i++)
        s.diagonal[i] = A[i * ld + i];
    for (s.first = 0; s.first < n; s.first += BLOCK) {
        if (cancelled != NULL && *cancelled)
            return STATUS_STOPPED;
        s.b = n - s.first < BLOCK ? n - s.first : BLOCK;
        const size_t row = factor_block(&s);
        if (row < s.b) {
            *bad = s.first + row;
            return STATUS_OK;
        }
        sweep_step(&s);
    }
    mirror(n, A, ld);
    return STATUS_OK;
}
