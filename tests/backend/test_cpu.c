/* test_cpu.c - products against double loops with a bound from the arithmetic, the same bits whatever the threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include <omp.h>

#include <cblas.h>

#include "backend/backend.h"

static float *floats(size_t n, uint32_t what)
{
    float *x = malloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)random_normal(3, RANDOM_INIT, what, i);
    return x;
}

/* C = alpha op(A) op(B) + beta C within (k + 2) roundings of sum |a b|; one element in `every` is looked at. */
static void check(bool ta, bool tb, size_t m, size_t n, size_t k, float alpha, float beta, size_t every)
{
    const struct backend *one, *two;
    const size_t lda = (ta ? m : k) + 3, ldb = (tb ? k : n) + 5, ldc = n + 2;
    float *A = floats((ta ? k : m) * lda, 0), *B = floats((tb ? n : k) * ldb, 1), *C0 = floats(m * ldc, 2);
    float *C1 = malloc(m * ldc * sizeof *C1), *C2 = malloc(m * ldc * sizeof *C2);
    memcpy(C1, C0, m * ldc * sizeof *C1), memcpy(C2, C0, m * ldc * sizeof *C2);
    assert_int_equal(backend_open("cpu", 1, &one), STATUS_OK);
    assert_int_equal(backend_sgemm(one, ta, tb, m, n, k, alpha, A, lda, B, ldb, beta, C1, ldc), STATUS_OK);
    assert_int_equal(backend_open("cpu", 2, &two), STATUS_OK);
    assert_int_equal(one->threads, 1);
    assert_int_equal(backend_sgemm(two, ta, tb, m, n, k, alpha, A, lda, B, ldb, beta, C2, ldc), STATUS_OK);
    assert_memory_equal(C1, C2, m * ldc * sizeof *C1);
    memcpy(C2, C0, m * ldc * sizeof *C2);
    int failed = 0;
#pragma omp parallel num_threads(2) reduction(+ : failed)
#pragma omp single
    failed += backend_sgemm(two, ta, tb, m, n, k, alpha, A, lda, B, ldb, beta, C2, ldc) != STATUS_OK;
    assert_int_equal(failed, 0);
    assert_memory_equal(C1, C2, m * ldc * sizeof *C1);
    for (size_t e = 0; e < m * ldc; e += e % ldc >= n ? 1 : every) {
        const size_t i = e / ldc, j = e % ldc;
        if (j >= n) { /* beyond the matrix nothing is written */
            assert_true(C1[e] == C0[e]);
            continue;
        }
        double sum = 0, size = 0;
        for (size_t l = 0; l < k; l++) {
            const double x =
                (double)(ta ? A[l * lda + i] : A[i * lda + l]) * (tb ? B[j * ldb + l] : B[l * ldb + j]);
            sum += x, size += fabs(x);
        }
        sum = alpha * sum + (beta == 0 ? 0 : (double)beta * C0[e]);
        size = fabs(alpha) * size + fabs((double)beta * C0[e]);
        assert_true(fabs(C1[e] - sum) <= ((double)k + 2) * 6e-8 * size);
    }
    free(A), free(B), free(C0), free(C1), free(C2);
}

static void test_products(void **state)
{
    (void)state;
    for (int t = 0; t < 4; t++) {
        check(t & 1, t & 2, 1, 1, 1, 1, 0, 1);
        check(t & 1, t & 2, 37, 53, 29, 1, 0, 1);
        check(t & 1, t & 2, 64, 64, 1000, 0.5f, 1, 1);
        check(t & 1, t & 2, 300, 1100, 70, -2, 0.25f, 31); /* several tiles, ends in both directions */
        check(t & 1, t & 2, 1000, 3, 17, 1, 0, 1);
    }
    check(false, true, 513, 2000, 384, 1, 0, 997);
    check(false, false, 5, 7, 0, 1, 0.5f, 1); /* over nothing: beta C */
}

static void keep(void *context, enum status status, const char *sentence)
{
    (void)status;
    snprintf(context, 200, "%s", sentence);
}

static void test_devices(void **state)
{
    (void)state;
    const struct backend *b, *again;
    assert_int_equal(backend_open("auto", 0, &b), STATUS_OK);
    assert_string_equal(b->name, "cpu");
    assert_int_equal(b->threads, omp_get_num_procs());
    assert_int_equal(backend_open("cpu", 2, &b), STATUS_OK);
    assert_int_equal(omp_get_max_threads(), 2);
    assert_int_equal(backend_open("cpu", 3, &again), STATUS_OK);
    assert_int_equal(b->threads, 2);
    char sentence[200] = "";
    status_handler *old;
    void *old_context;
    status_set_handler(keep, sentence, &old, &old_context);
    const enum status gpu = backend_open("gpu", 1, &b), few = backend_open("cpu", -1, &b),
                      many = backend_open("cpu", 100000, &b);
    status_set_handler(old, old_context, NULL, NULL);
    assert_int_equal(gpu, STATUS_USAGE);
    assert_int_equal(few, STATUS_USAGE);
    assert_int_equal(many, STATUS_USAGE);
}

/* Asked for and not to be had: the CPU, with the reason; the backend of who asked for the CPU says nothing. */
static void test_no_cuda(void **state)
{
    (void)state;
    const struct backend *instead, *cpu;
    assert_int_equal(backend_open("cuda", 2, &instead), STATUS_OK);
    if (strcmp(instead->name, "cuda") == 0)
        skip();
    assert_string_equal(instead->name, "cpu");
    assert_non_null(instead->fallback);
    assert_true(strlen(instead->fallback) > 10);
    assert_null(instead->card);
    assert_int_equal(backend_open("cpu", 2, &cpu), STATUS_OK);
    assert_null(cpu->fallback);
    assert_non_null(instead->fallback);
}

static int no_memory(const void *args, long n_rows, size_t scratch)
{
    (void)args, (void)n_rows, (void)scratch;
    return 1;
}

static void test_launch_without_memory(void **state)
{
    (void)state;
    const struct backend *b;
    const struct kernel k = {.name = "hungry", .cpu = no_memory};
    char sentence[200] = "";
    assert_int_equal(backend_open("cpu", 1, &b), STATUS_OK);
    status_handler *old;
    void *old_context;
    status_set_handler(keep, sentence, &old, &old_context);
    const enum status status = backend_launch(b, &k, NULL, 10, 12345);
    status_set_handler(old, old_context, NULL, NULL);
    assert_int_equal(status, STATUS_SYSTEM);
    assert_non_null(strstr(sentence, "hungry"));
    assert_non_null(strstr(sentence, "12345"));
}

/* OpenBLAS has kernels for this machine, not those for one that it does not know. */
static void test_blas_knows_the_machine(void **state)
{
    (void)state;
    const struct backend *b;
    assert_int_equal(backend_open("cpu", 1, &b), STATUS_OK);
    print_message("OpenBLAS takes %s\n", openblas_get_corename());
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        assert_string_not_equal(openblas_get_corename(), "Prescott");
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_no_cuda),
        cmocka_unit_test(test_blas_knows_the_machine),
        cmocka_unit_test(test_launch_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
