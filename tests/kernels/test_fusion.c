/*
 * test_fusion.c - kernels of spmm.cu and fusion.cu against plain loops in double; bounds are c * eps * sum |x y|.
 */
#include "../test.h"

#include <math.h>

#include "backend/backend.h"
#include "base/csr.h"
#include "fusion.h"
#include "spmm.h"

static const struct backend *backend;
enum { ROWS = 23, MIDDLE = 41, COLS = 37 };
static const double EPS = 1.2e-7;

static float number(uint32_t which, uint64_t i)
{
    return (float)random_normal(11, RANDOM_INIT, which, i);
}

static void fill(float *x, size_t n, uint32_t which)
{
    for (size_t i = 0; i < n; i++)
        x[i] = number(which, i);
}

/* A random sparse matrix, and the same dense; row 3 is empty. */
static void make_sparse(struct arena *arena, uint32_t n_rows, uint32_t n_cols, uint32_t which,
                        struct csr *out, float *dense)
{
    static uint32_t row[4096], col[4096];
    static float value[4096];
    uint64_t n = 0;
    for (uint32_t i = 0; i < n_rows * n_cols; i++) {
        const bool has = i / n_cols != 3 && random_unit(12, RANDOM_INIT, which, i) < 0.3;
        dense[i] = has ? number(which, i) : 0;
        if (has)
            row[n] = i / n_cols, col[n] = i % n_cols, value[n++] = dense[i];
    }
    assert_ok(csr_from_triples(n_rows, n_cols, n, row, col, value, arena, out, NULL));
}

/* out [n x m] against A [n x k] times B [k x m], rows of A picked by `rows`. */
static void assert_product(const float *out, const float *A, const uint32_t *rows, const float *B, uint32_t n,
                           uint32_t k, uint32_t m)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < m; j++) {
            double sum = 0, size = 0;
            for (uint32_t l = 0; l < k; l++) {
                const double x = (double)A[rows[i] * k + l] * (double)B[l * m + j];
                sum += x;
                size += fabs(x);
            }
            assert_true(fabs((double)out[i * m + j] - sum) <= 8 * EPS * size);
        }
}

static void sparse_products(void **state)
{
    (void)state;
    static float a[ROWS * MIDDLE], s[MIDDLE * COLS], B[MIDDLE * COLS], out[ROWS * COLS], t[COLS * MIDDLE];
    static uint32_t rows[ROWS];
    struct arena *arena = arena_new();
    struct csr A, S, T;
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = ROWS - 1 - i;
    fill(B, MIDDLE * COLS, 1);
    make_sparse(arena, ROWS, MIDDLE, 2, &A, a);
    make_sparse(arena, MIDDLE, COLS, 3, &S, s);
    const struct spmm_csr_dense dense = {A.ptr, A.idx, A.val, rows, B, out, COLS, COLS, COLS};
    assert_ok(backend_launch(backend, &kernel_spmm_csr_dense, &dense, ROWS, 0));
    assert_product(out, a, rows, B, ROWS, MIDDLE, COLS);
    const struct spmm_csr_csr sparse = {A.ptr, A.idx, A.val, rows, S.ptr, S.idx, S.val, out, COLS, COLS};
    assert_ok(backend_launch(backend, &kernel_spmm_csr_csr, &sparse, ROWS, 0));
    assert_product(out, a, rows, s, ROWS, MIDDLE, COLS);
    /* dense rows times the transpose of a sparse matrix [COLS x MIDDLE] */
    assert_ok(csr_transpose(&S, arena, &T));
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = i;
    fill(a, ROWS * MIDDLE, 4);
    for (int i = 0; i < COLS * MIDDLE; i++)
        t[i] = s[i];
    const struct spmm_dense_csr score = {a, MIDDLE, T.ptr, T.idx, T.val, out, COLS, COLS};
    assert_ok(backend_launch(backend, &kernel_spmm_dense_csr, &score, ROWS, 0));
    assert_product(out, a, rows, t, ROWS, MIDDLE, COLS);
    arena_free(arena);
}

static void rows_are_normalized(void **state)
{
    (void)state;
    static float X[ROWS * COLS];
    fill(X, sizeof X / sizeof *X, 5);
    for (int k = 0; k < COLS; k++)
        X[2 * COLS + k] = 0;
    const struct spmm_normalize args = {X, COLS, COLS};
    assert_ok(backend_launch(backend, &kernel_spmm_normalize, &args, ROWS, 0));
    for (int i = 0; i < ROWS; i++) {
        double squares = 0;
        for (int k = 0; k < COLS; k++)
            squares += (double)X[i * COLS + k] * (double)X[i * COLS + k];
        assert_true(i == 2 ? squares == 0 : fabs(squares - 1) < 1e-5);
    }
}

/* Items over two tiles, the last not full; with and without each block; a user without history. */
static void scores_of_tiles(void **state)
{
    (void)state;
    enum { N_USERS = 5, N_ITEMS = FUSION_TILE + 77, D = 13, LD = N_ITEMS + 3 };
    static float A[N_USERS * D], U[N_USERS * D], W[D], VT[D * N_ITEMS], bias[N_ITEMS], out[N_USERS * LD];
    const unsigned char known[N_USERS] = {1, 1, 0, 1, 1};
    fill(A, N_USERS * D, 6), fill(U, N_USERS * D, 7), fill(W, D, 8), fill(VT, D * N_ITEMS, 9),
        fill(bias, N_ITEMS, 10);
    for (int blocks = 0; blocks < 4; blocks++) {
        const bool dot = blocks & 1, difference = blocks & 2;
        const struct fusion_score args = {
            dot ? A : NULL, U, difference ? W : NULL, known, VT, bias, out, N_ITEMS, LD, D, N_ITEMS, 2};
        for (int i = 0; i < N_USERS * LD; i++)
            out[i] = 99;
        assert_ok(backend_launch(backend, &kernel_fusion_score, &args, N_USERS * 2, 0));
        for (int r = 0; r < N_USERS; r++)
            for (int i = 0; i < LD; i++) {
                double sum = i < N_ITEMS ? (double)bias[i] : 99, size = fabs(sum);
                for (int k = 0; k < D && known[r] && i < N_ITEMS; k++) {
                    const double v = (double)VT[k * N_ITEMS + i];
                    const double x = dot ? (double)A[r * D + k] * v : 0,
                                 y = difference ? (double)W[k] * fabs((double)U[r * D + k] - v) : 0;
                    sum += x + y;
                    size += fabs(x) + fabs(y);
                }
                assert_true(fabs((double)out[r * LD + i] - sum) <= 8 * EPS * size);
            }
    }
}

static void scores_are_standardized(void **state)
{
    (void)state;
    static float S[3 * COLS], out[3 * COLS], before[3 * COLS];
    fill(S, 3 * COLS, 13);
    fill(out, 3 * COLS, 14);
    for (int i = 0; i < COLS; i++)
        S[COLS + i] = 0.1F; /* no signal */
    for (int i = 0; i < 3 * COLS; i++)
        before[i] = out[i];
    const struct fusion_standardize add = {S, out, COLS, COLS, 2, COLS};
    assert_ok(backend_launch(backend, &kernel_fusion_standardize, &add, 3, 0));
    const struct fusion_standardize in_place = {S, NULL, COLS, 0, 0, COLS};
    assert_ok(backend_launch(backend, &kernel_fusion_standardize, &in_place, 3, 0));
    for (int r = 0; r < 3; r++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < COLS; i++) {
            const double z = (double)S[r * COLS + i];
            sum += z;
            squares += z * z;
            assert_true(fabs((double)out[r * COLS + i] - (double)before[r * COLS + i] - 2 * z) < 1e-5);
        }
        assert_true(fabs(sum) < 1e-4 && fabs(squares - (r == 1 ? 0 : COLS)) < 1e-3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sparse_products), cmocka_unit_test(rows_are_normalized),
        cmocka_unit_test(scores_of_tiles), cmocka_unit_test(scores_are_standardized)};
    assert_ok(backend_open("cpu", 2, &backend));
    return cmocka_run_group_tests_name("fusion kernels", tests, NULL, NULL);
}
