/*
 * linalg.c - the inverse of a symmetric positive definite matrix, in place, in fixed tiles.
 *
 * Block Gauss-Jordan elimination ("sweep"; Beaton 1964, Goodnight 1979), b rows at a time.  With P = A_:k,
 * the Cholesky factor A_kk = U'U, D = A_kk^-1 and W = P D, a step is
 *     A_ij -= W_i P_j'  (i, j != k),   A_ik = W_i,   A_kk = -D,
 * and after the last step A holds -A^-1.  The rows below k see exactly a blocked Cholesky factorisation,
 * the rows above the growing inverse.  Why not potrf + potri: those of OpenBLAS give other bits on two
 * threads than on one, and their three phases are each triangular, while here every step is the same
 * symmetric update of the whole lower triangle: n^3 operations, as potrf + potri together, nearly all of
 * them in large sgemm calls, each by one thread.  The tiles depend on n alone.
 */
#include "backend/linalg.h"

#include <cblas.h>
#include <float.h>
#include <math.h>
#include <omp.h>
#include <string.h>

enum {
    BLOCK = 128,    /* rows eliminated at a time: the inner dimension of every product */
    HEIGHT = 512,   /* rows of a tile, and */
    WIDTH = 1024,   /* its columns: large enough to pay for packing, small enough for several threads */
    DIAGONAL = 128, /* steps of the staircase along the diagonal */
    SMALL = 64      /* side of the squares in which matrices are transposed */
};
#define PIVOT (16 * FLT_EPSILON)

/* A piece of the lower triangle without block k.  On the diagonal: row = column, its lower triangle. */
struct piece {
    size_t row, rows, column, columns;
};

/* One step's view of the matrix. */
struct sweep {
    size_t n, ld;
    float *A;        /* [n x ld] */
    float *P, *W;    /* [n x BLOCK]: the columns eliminated, and those times D; nothing in rows of block k */
    float *U, *D;    /* [BLOCK x BLOCK] A_kk = U'U, U upper; D = A_kk^-1 */
    float *diagonal; /* [n] of A as given */
    size_t first, b; /* the block eliminated: rows first .. first + b - 1 */
    struct piece *piece;
    long n_pieces;
};

/* U'U = the diagonal block, row by row.  Returns the first bad row of the block, or b. */
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

/* D = (U'U)^-1, and A_kk = -D. */
static void invert_block(const struct sweep *s)
{
    const int b = (int)s->b;

    memset(s->D, 0, BLOCK * BLOCK * sizeof *s->D);
    for (size_t i = 0; i < s->b; i++)
        s->D[i * BLOCK + i] = 1.0f;
    cblas_strsm(CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, b, b, 1.0f, s->U, BLOCK, s->D,
                BLOCK);
    cblas_strsm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, b, b, 1.0f, s->U, BLOCK,
                s->D, BLOCK);
    for (size_t i = 0; i < s->b; i++)
        for (size_t j = 0; j <= i; j++) {
            s->D[j * BLOCK + i] = s->D[i * BLOCK + j]; /* symmetric to the last bit */
            s->A[(s->first + i) * s->ld + s->first + j] = -s->D[i * BLOCK + j];
        }
}

/* Rows row .. row + rows - 1 of P out of the lower triangle, and of W. */
static void gather(const struct sweep *s, size_t row, size_t rows)
{
    float *p = s->P + row * BLOCK;

    if (row > s->first) {
        for (size_t i = 0; i < rows; i++)
            memcpy(p + i * BLOCK, s->A + (row + i) * s->ld + s->first, s->b * sizeof *p);
    } else {
        for (size_t low = 0; low < rows; low += SMALL)
            for (size_t c = 0; c < s->b; c++)
                for (size_t i = low; i < rows && i < low + SMALL; i++)
                    p[i * BLOCK + c] = s->A[(s->first + c) * s->ld + row + i];
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)s->b, (int)s->b, 1.0f, p, BLOCK,
                s->D, BLOCK, 0.0f, s->W + row * BLOCK, BLOCK);
}

/* A_ik = W_i, into the lower triangle. */
static void scatter(const struct sweep *s, size_t row, size_t rows)
{
    const float *w = s->W + row * BLOCK;

    if (row > s->first) {
        for (size_t i = 0; i < rows; i++)
            memcpy(s->A + (row + i) * s->ld + s->first, w + i * BLOCK, s->b * sizeof *w);
    } else {
        for (size_t low = 0; low < rows; low += SMALL)
            for (size_t c = 0; c < s->b; c++)
                for (size_t i = low; i < rows && i < low + SMALL; i++)
                    s->A[(s->first + c) * s->ld + row + i] = w[i * BLOCK + c];
    }
}

/* A_ij -= W_i P_j' over a rectangle. */
static void update(const struct sweep *s, size_t row, size_t rows, size_t column, size_t columns)
{
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)columns, (int)s->b, -1.0f,
                s->W + row * BLOCK, BLOCK, s->P + column * BLOCK, BLOCK, 1.0f, s->A + row * s->ld + column,
                (int)s->ld);
}

static void update_piece(const struct sweep *s, const struct piece *p)
{
    if (p->row != p->column) {
        update(s, p->row, p->rows, p->column, p->columns);
        return;
    }
    for (size_t low = 0; low < p->rows; low += DIAGONAL) {
        const size_t rows = p->rows - low < DIAGONAL ? p->rows - low : DIAGONAL;
        update(s, p->row + low, rows, p->column, low + rows);
    }
}

static size_t cut(size_t low, size_t high, size_t most)
{
    return high - low < most ? high - low : most;
}

/* Columns low .. high - 1 of rows row .. row + rows - 1 in pieces. */
static void add_pieces(struct sweep *s, size_t row, size_t rows, size_t low, size_t high)
{
    for (; low < high; low += cut(low, high, WIDTH))
        s->piece[s->n_pieces++] = (struct piece){row, rows, low, cut(low, high, WIDTH)};
}

/* The lower triangle without rows and columns of block k, the lowest rows first. */
static void make_pieces(struct sweep *s)
{
    const size_t above = s->first, below = s->first + s->b;

    s->n_pieces = 0;
    for (size_t end = s->n; end > below;) {
        const size_t rows = cut(below, end, HEIGHT), row = end - rows;
        add_pieces(s, row, rows, 0, above);
        add_pieces(s, row, rows, below, row);
        s->piece[s->n_pieces++] = (struct piece){row, rows, row, rows};
        end = row;
    }
    for (size_t end = above; end > 0;) {
        const size_t rows = cut(0, end, HEIGHT), row = end - rows;
        add_pieces(s, row, rows, 0, row);
        s->piece[s->n_pieces++] = (struct piece){row, rows, row, rows};
        end = row;
    }
}

/* One elimination step, after factor_block(). */
static void sweep_step(struct sweep *s)
{
    const long n_blocks = (long)((s->n + BLOCK - 1) / BLOCK), k = (long)(s->first / BLOCK);

    invert_block(s);
    make_pieces(s);
#pragma omp parallel
    {
#pragma omp for schedule(dynamic, 1)
        for (long i = 0; i < n_blocks; i++)
            if (i != k)
                gather(s, (size_t)i * BLOCK, cut((size_t)i * BLOCK, s->n, BLOCK));
#pragma omp for schedule(dynamic, 1)
        for (long i = 0; i < s->n_pieces; i++)
            update_piece(s, &s->piece[i]);
#pragma omp for schedule(dynamic, 1)
        for (long i = 0; i < n_blocks; i++)
            if (i != k)
                scatter(s, (size_t)i * BLOCK, cut((size_t)i * BLOCK, s->n, BLOCK));
    }
}

/* The lower triangle holds -A^-1: changes the sign and fills the upper one. */
static void mirror(size_t n, float *A, size_t ld)
{
    const long n_blocks = (long)((n + SMALL - 1) / SMALL);

#pragma omp parallel for schedule(dynamic, 4)
    for (long block = 0; block < n_blocks; block++) {
        const size_t low = (size_t)block * SMALL, high = low + SMALL < n ? low + SMALL : n;
        for (size_t left = 0; left <= low; left += SMALL)
            for (size_t i = low; i < high; i++)
                for (size_t j = left; j < left + SMALL && j <= i; j++) {
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
    ARENA_NEW(s.P, scratch, n * BLOCK);
    ARENA_NEW(s.W, scratch, n * BLOCK);
    ARENA_NEW(s.U, scratch, BLOCK * BLOCK);
    ARENA_NEW(s.D, scratch, BLOCK * BLOCK);
    ARENA_NEW(s.diagonal, scratch, n);
    ARENA_NEW(s.piece, scratch, (n / HEIGHT + 2) * (n / WIDTH + 4));
    for (size_t i = 0; i < n; i++)
        s.diagonal[i] = A[i * ld + i];
    for (s.first = 0; s.first < n; s.first += BLOCK) {
        if (cancelled != NULL && *cancelled)
            return STATUS_STOPPED;
        s.b = cut(s.first, n, BLOCK);
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
