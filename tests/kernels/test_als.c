/*
 * test_als.c - the kernels of implicit ALS against GSL's Cholesky in double precision.
 *
 * Bound: relative 1e-4 a row (issue 3), for both solvers, several ranks (compiled, padded, at run time), both
 * losses.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_linalg.h>
#include <omp.h>

#include "als.h"
#include "kernels.h"
#include "philox.h"

enum { ROWS = 61, COLUMNS = 83 };

/* A made-up problem: rows of 0 to 82 entries (0, 1, 2, 3, 4, 5 among them). */
struct problem {
    struct als a;
    int factors;
    int64_t ptr[ROWS + 1];
    uint32_t idx[ROWS * COLUMNS];
    float val[ROWS * COLUMNS], ridge[ROWS];
    float *X, *Y, *G;
};

static float noise(uint64_t stream, uint64_t i)
{
    return philox_unit(philox4x32(7, stream, i).v[0]) - 0.5f;
}

static float *floats(size_t n)
{
    float *p = aligned_alloc(64, (n * sizeof(float) + 63) / 64 * 64);
    assert_non_null(p);
    memset(p, 0, n * sizeof(float));
    return p;
}

static int run_gram(struct problem *p, float scale)
{
    const int rank = p->a.rank, blocks = gram_blocks(COLUMNS);
    float *part = floats((size_t)blocks * (size_t)rank * (size_t)rank);
    const struct gram g = {.Y = p->Y, .part = part, .n = COLUMNS, .rank = rank, .n_blocks = blocks};
    const struct gram_sum s = {.part = part, .G = p->G, .scale = scale, .rank = rank, .n_blocks = blocks};
    const int failed =
        kernel_gram.cpu(&g, (long)blocks * rank / ALS_GRAM_ROWS, 0) | kernel_gram_sum.cpu(&s, rank, 0);
    free(part);
    return failed;
}

static struct problem *problem_new(int factors, int hu)
{
    struct problem *p = calloc(1, sizeof *p);
    assert_non_null(p);
    const int rank = (factors + ALS_PAD - 1) / ALS_PAD * ALS_PAD;
    int64_t n = 0;
    p->factors = factors;
    p->X = floats((size_t)ROWS * (size_t)rank);
    p->Y = floats((size_t)COLUMNS * (size_t)rank);
    p->G = floats((size_t)rank * (size_t)rank);
    for (int r = 0; r < ROWS; r++) {
        const int length = r < 10 ? r : (int)((noise(1, (uint64_t)r) + 0.5f) * COLUMNS);
        for (uint32_t c = 0; c < COLUMNS; c++)
            if (noise(2, (uint64_t)r * COLUMNS + c) + 0.5f < (float)length / COLUMNS ||
                (r < 10 && c < (uint32_t)r))
                p->val[n] = 1.0f + (float)(c % 5), p->idx[n++] = c;
        p->ptr[r + 1] = n;
        p->ridge[r] = hu ? 2.0f : 0.01f * ((float)(n - p->ptr[r]) + 0.1f * COLUMNS);
        for (int k = 0; k < factors; k++)
            p->X[r * rank + k] = noise(3, (uint64_t)r * 1000 + (uint64_t)k);
    }
    for (int c = 0; c < COLUMNS; c++)
        for (int k = 0; k < factors; k++)
            p->Y[c * rank + k] = noise(4, (uint64_t)c * 1000 + (uint64_t)k);
    p->a = (struct als){.X = p->X,
                        .Y = p->Y,
                        .G = p->G,
                        .ridge = p->ridge,
                        .ptr = p->ptr,
                        .idx = p->idx,
                        .val = hu ? p->val : NULL,
                        .alpha = hu ? 3.0f : 1.0f,
                        .base = hu ? 1.0f : 0.0f,
                        .rank = rank,
                        .steps = 400};
    assert_int_equal(run_gram(p, hu ? 1.0f : 0.1f), 0);
    return p;
}

static void problem_free(struct problem *p)
{
    free(p->X), free(p->Y), free(p->G), free(p);
}

/* The row's system from Y alone, in double, by GSL. */
static void exact(const struct problem *p, int row, float gram_scale, gsl_vector *x)
{
    const size_t d = (size_t)p->factors;
    gsl_matrix *A = gsl_matrix_calloc(d, d);
    gsl_vector *b = gsl_vector_calloc(d);
    double weight[COLUMNS] = {0}, target[COLUMNS] = {0};
    for (int64_t e = p->ptr[row]; e < p->ptr[row + 1]; e++) {
        weight[p->idx[e]] = p->a.val ? (double)p->a.alpha * p->val[e] : p->a.alpha;
        target[p->idx[e]] = p->a.base + weight[p->idx[e]];
    }
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < d; j++) {
            double s = i == j ? p->ridge[row] : 0.0;
            for (int c = 0; c < COLUMNS; c++)
                s += (gram_scale + weight[c]) * p->Y[(size_t)c * (size_t)p->a.rank + i] *
                     p->Y[(size_t)c * (size_t)p->a.rank + j];
            gsl_matrix_set(A, i, j, s);
        }
        double s = 0.0;
        for (int c = 0; c < COLUMNS; c++)
            s += target[c] * p->Y[(size_t)c * (size_t)p->a.rank + i];
        gsl_vector_set(b, i, s);
    }
    assert_int_equal(gsl_linalg_cholesky_decomp1(A), 0);
    gsl_linalg_cholesky_solve(A, b, x);
    gsl_matrix_free(A), gsl_vector_free(b);
}

static void check_rows(const struct problem *p, float gram_scale, const char *kernel)
{
    const int rank = p->a.rank;
    gsl_vector *x = gsl_vector_alloc((size_t)p->factors);
    const int stride = p->factors > 128 ? 6 : 1; /* the exact solution takes its time */
    for (int r = 0; r < ROWS; r += stride) {
        double error = 0, norm = 0;
        exact(p, r, gram_scale, x);
        for (int k = 0; k < p->factors; k++) {
            const double want = gsl_vector_get(x, (size_t)k), got = p->X[r * rank + k];
            error += (got - want) * (got - want), norm += want * want;
        }
        for (int k = p->factors; k < rank; k++)
            assert_true(p->X[r * rank + k] == 0.0f);
        if (p->ptr[r] == p->ptr[r + 1])
            assert_true(error == 0.0);
        else if (!(sqrt(error / norm) < 1e-4))
            fail_msg("%s: rank %d, %d factors, row %d of %d entries: relative error %g", kernel, rank,
                     p->factors, r, (int)(p->ptr[r + 1] - p->ptr[r]), sqrt(error / norm));
    }
    gsl_vector_free(x);
}

static const struct {
    int factors;
    const struct kernel *cg, *cholesky;
} cases[] = {
    {1, &kernel_als_cg_32, &kernel_als_cholesky_32},     {20, &kernel_als_cg_32, &kernel_als_cholesky_32},
    {32, &kernel_als_cg_32, &kernel_als_cholesky_32},    {50, &kernel_als_cg_64, &kernel_als_cholesky_64},
    {64, &kernel_als_cg_64, &kernel_als_cholesky_64},    {100, &kernel_als_cg_128, &kernel_als_cholesky_128},
    {180, &kernel_als_cg_192, &kernel_als_cholesky_192}, {250, &kernel_als_cg_256, &kernel_als_cholesky_256},
    {64, &kernel_als_cg_any, &kernel_als_cholesky_any},  {96, &kernel_als_cg_any, &kernel_als_cholesky_any},
    {300, &kernel_als_cg_any, &kernel_als_cholesky_any},
};

static void test_rows_equal_cholesky_in_double(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int hu = 0; hu < 2; hu++) {
            struct problem *p = problem_new(cases[i].factors, hu);
            assert_int_equal(cases[i].cg->cpu(&p->a, ROWS, als_cg_scratch(p->a.rank)), 0);
            check_rows(p, hu ? 1.0f : 0.1f, cases[i].cg->name);
            memset(p->X, 0x7f, (size_t)ROWS * (size_t)p->a.rank * sizeof(float)); /* it must not read X */
            assert_int_equal(cases[i].cholesky->cpu(&p->a, ROWS, als_cholesky_scratch(p->a.rank)), 0);
            check_rows(p, hu ? 1.0f : 0.1f, cases[i].cholesky->name);
            problem_free(p);
        }
}

/* An order of rows changes who is solved when, not a bit of the result; nor do the threads. */
static void test_order_and_threads_change_nothing(void **state)
{
    (void)state;
    uint32_t order[ROWS];
    const int before = omp_get_max_threads();
    struct problem *p = problem_new(50, 0), *q = problem_new(50, 0);
    for (uint32_t r = 0; r < ROWS; r++)
        order[r] = (r * 17u) % ROWS;
    p->a.steps = q->a.steps = 3;
    q->a.order = order;
    omp_set_num_threads(1);
    assert_int_equal(kernel_als_cg_64.cpu(&p->a, ROWS, als_cg_scratch(64)), 0);
    omp_set_num_threads(2);
    assert_int_equal(run_gram(q, 0.1f), 0);
    assert_memory_equal(p->G, q->G, 64 * 64 * sizeof(float));
    assert_int_equal(kernel_als_cg_64.cpu(&q->a, ROWS, als_cg_scratch(64)), 0);
    assert_memory_equal(p->X, q->X, ROWS * 64 * sizeof(float));
    omp_set_num_threads(before);
    problem_free(p), problem_free(q);
}

/* Few steps come nearer to the solution step by step, from a warm start too. */
static void test_more_steps_come_nearer(void **state)
{
    (void)state;
    double last = INFINITY;
    gsl_vector *x = gsl_vector_alloc(64);
    for (int steps = 0; steps <= 8; steps += 2) {
        struct problem *p = problem_new(64, 0);
        double error = 0;
        p->a.steps = steps;
        assert_int_equal(kernel_als_cg_64.cpu(&p->a, ROWS, als_cg_scratch(64)), 0);
        for (int r = 1; r < ROWS; r++) {
            exact(p, r, 0.1f, x);
            for (size_t k = 0; k < 64; k++)
                error += pow(p->X[(size_t)r * 64 + k] - gsl_vector_get(x, k), 2);
        }
        assert_true(error < 0.7 * last);
        last = error;
        problem_free(p);
    }
    gsl_vector_free(x);
}

/* Without regularization and with fewer entries than factors: finite, and the entries are met. */
static void test_singular_system_stays_finite(void **state)
{
    (void)state;
    for (int solver = 0; solver < 2; solver++) {
        struct problem *p = problem_new(64, 0);
        memset(p->G, 0, 64 * 64 * sizeof(float));
        memset(p->ridge, 0, sizeof p->ridge);
        const struct kernel *k = solver ? &kernel_als_cholesky_64 : &kernel_als_cg_64;
        assert_int_equal(k->cpu(&p->a, ROWS, solver ? als_cholesky_scratch(64) : als_cg_scratch(64)), 0);
        for (int i = 0; i < ROWS * 64; i++)
            assert_true(isfinite(p->X[i]));
        for (int r = 1; r < 10; r++)
            for (int64_t e = p->ptr[r]; e < p->ptr[r + 1]; e++) {
                float s = 0;
                for (int j = 0; j < 64; j++)
                    s += p->X[r * 64 + j] * p->Y[p->idx[e] * 64 + (uint32_t)j];
                if (!(fabsf(s - 1.0f) < 1e-3f))
                    fail_msg("%s: row %d gives %g at an entry", k->name, r, (double)s);
            }
        problem_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_equal_cholesky_in_double),
        cmocka_unit_test(test_order_and_threads_change_nothing),
        cmocka_unit_test(test_more_steps_come_nearer),
        cmocka_unit_test(test_singular_system_stays_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
