/* The inverse of linalg.c against GSL's double-precision Cholesky, and its promises. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_linalg.h>

#include "backend/linalg.h"

/* Y Y' / n + shift I of a random Y [n x n], lower triangle; the upper one is poison that must not be read. */
static float *random_matrix(size_t n, size_t ld, double shift, uint64_t seed)
{
    float *A = calloc(n * ld, sizeof *A);
    double *Y = calloc(n * n, sizeof *Y);

    for (size_t e = 0; e < n * n; e++)
        Y[e] = random_normal(seed, RANDOM_SYNTH, 0, e);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < ld; j++) {
            double sum = 0;
            for (size_t k = 0; k < n && j <= i; k++)
                sum += Y[i * n + k] * Y[j * n + k];
            A[i * ld + j] = j > i ? NAN : (float)(sum / (double)n + (i == j ? shift : 0));
        }
    free(Y);
    return A;
}

static void inverse(float *A, size_t n, size_t ld, int threads, size_t *bad)
{
    const struct backend *b;
    struct arena *scratch = arena_new();

    assert_int_equal(backend_open("cpu", threads, &b), STATUS_OK);
    assert_int_equal(linalg_inverse(b, n, A, ld, scratch, NULL, bad), STATUS_OK);
    arena_free(scratch);
}

static void test_against_gsl(void **state)
{
    const size_t sizes[] = {1, 2, 7, 64, 255, 256, 257, 600};

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t n = sizes[s], ld = n + s % 3;
        float *A = random_matrix(n, ld, 0.1, s);
        gsl_matrix *exact = gsl_matrix_alloc(n, n);
        size_t bad;
        double largest = 0, worst = 0;

        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++) {
                gsl_matrix_set(exact, i, j, (double)A[i * ld + j]);
                gsl_matrix_set(exact, j, i, (double)A[i * ld + j]);
            }
        gsl_linalg_cholesky_decomp1(exact);
        gsl_linalg_cholesky_invert(exact);
        inverse(A, n, ld, 2, &bad);
        assert_int_equal(bad, n);
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++) {
                const double e = gsl_matrix_get(exact, i, j);
                largest = fmax(largest, fabs(e));
                worst = fmax(worst, fabs((double)A[i * ld + j] - e));
                assert_true(A[i * ld + j] == A[j * ld + i]);
            }
        assert_true(worst <= 1e-5 * largest); /* condition number about 40 */
        gsl_matrix_free(exact);
        free(A);
    }
}

static void test_threads_give_the_same_bytes(void **state)
{
    const size_t n = 1300, ld = 1301;
    float *B[3];
    size_t bad;

    (void)state;
    for (int t = 0; t < 3; t++) {
        B[t] = calloc(n * ld, sizeof(float));
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                B[t][i * ld + j] = (float)random_normal(7, RANDOM_SYNTH, 1, i * n + j) + (i == j ? 200 : 0);
        inverse(B[t], n, ld, t + 1, &bad);
        assert_int_equal(bad, n);
        for (size_t i = 0; i < n; i++)
            assert_memory_equal(B[0] + i * ld, B[t] + i * ld, n * sizeof(float));
    }
    for (int t = 0; t < 3; t++)
        free(B[t]);
}

static void test_not_positive_definite(void **state)
{
    const size_t rows[] = {0, 3, 280};

    (void)state;
    for (size_t r = 0; r < 3; r++) {
        const size_t n = 300;
        float *A = random_matrix(n, n, 1, 5);
        size_t bad;
        A[rows[r] * n + rows[r]] = -1;
        inverse(A, n, n, 1, &bad);
        assert_int_equal(bad, rows[r]);
        free(A);
    }
    float twice[4] = {1, 0, 1, 1}; /* rank one: the second pivot is 0 */
    size_t bad;
    inverse(twice, 2, 2, 1, &bad);
    assert_int_equal(bad, 1);
    float not_a_number[4] = {1, 0, NAN, 1};
    inverse(not_a_number, 2, 2, 1, &bad);
    assert_int_equal(bad, 1);
}

static void test_cancelled(void **state)
{
    const struct backend *b;
    struct arena *scratch = arena_new();
    volatile sig_atomic_t cancelled = 1;
    float A[1] = {4};
    size_t bad;

    (void)state;
    assert_int_equal(backend_open("cpu", 1, &b), STATUS_OK);
    assert_int_equal(linalg_inverse(b, 1, A, 1, scratch, &cancelled, &bad), STATUS_STOPPED);
    cancelled = 0;
    assert_int_equal(linalg_inverse(b, 1, A, 1, scratch, &cancelled, &bad), STATUS_OK);
    assert_true(A[0] == 0.25f);
    arena_free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_gsl), cmocka_unit_test(test_threads_give_the_same_bytes),
        cmocka_unit_test(test_not_positive_definite), cmocka_unit_test(test_cancelled)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
