/*
 * test_sgd.c - the SGD kernel: a step goes down the gradient (gsl_deriv_central), a block is the plain loop in double.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_deriv.h>
#include <omp.h>

#include "kernels.h"
#include "philox.h"
#include "sgd.h"

enum { USERS = 12, ITEMS = 9, RANK_MAX = 192, SAMPLES = 80 };

static _Alignas(64) float user[USERS * RANK_MAX], item[ITEMS * RANK_MAX];
static float user_bias[USERS], item_bias[ITEMS];

static float noise(uint64_t stream, uint64_t i)
{
    return philox_unit(philox4x32(11, stream, i).v[0]) - 0.5f;
}

static void start(int factors, int rank)
{
    memset(user, 0, sizeof user), memset(item, 0, sizeof item);
    for (int r = 0; r < USERS; r++) {
        user_bias[r] = noise(1, (uint64_t)r);
        for (int k = 0; k < factors; k++)
            user[r * rank + k] = noise(2, (uint64_t)(r * RANK_MAX + k));
    }
    for (int r = 0; r < ITEMS; r++) {
        item_bias[r] = noise(3, (uint64_t)r);
        for (int k = 0; k < factors; k++)
            item[r * rank + k] = noise(4, (uint64_t)(r * RANK_MAX + k));
    }
}

static const struct {
    int factors, rank;
    const struct kernel *kernel;
} cases[] = {{1, 32, &kernel_sgd_32},     {20, 32, &kernel_sgd_32},  {50, 64, &kernel_sgd_64},
             {100, 128, &kernel_sgd_128}, {32, 32, &kernel_sgd_any}, {190, 192, &kernel_sgd_any}};

/* One sample's loss (sgd.h) as a function of one of its parameters. */
struct loss {
    double value, mean, regularization;
    double p[RANK_MAX], q[RANK_MAX], bias[2];
    double *moved;
    int rank;
};
static double loss_at(double x, void *context)
{
    struct loss *l = context;
    const double kept = *l->moved;
    double r = l->mean, squares = 0;
    *l->moved = x;
    for (int k = 0; k < l->rank; k++) {
        r += l->p[k] * l->q[k];
        squares += l->p[k] * l->p[k] + l->q[k] * l->q[k];
    }
    r += l->bias[0] + l->bias[1];
    squares += l->bias[0] * l->bias[0] + l->bias[1] * l->bias[1];
    *l->moved = kept;
    return 0.5 * ((l->value - r) * (l->value - r) + l->regularization * squares);
}

static void check_slope(struct loss *l, double *moved, double before, double after, double rate)
{
    const gsl_function f = {loss_at, l};
    double slope, error;
    l->moved = moved;
    assert_int_equal(gsl_deriv_central(&f, *moved, 1e-3, &slope, &error), 0);
    const double stepped = (before - after) / rate;
    if (!(fabs(stepped - slope) < 1e-4 * (1 + fabs(slope))))
        fail_msg("a step of %g against a slope of %g", stepped, slope);
}

static void test_step_is_the_gradient(void **state)
{
    (void)state;
    const struct sgd_sample sample = {.user = 3, .item = 5, .value = 4.0f};
    const int64_t block[2] = {0, 1};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const int rank = cases[c].rank;
        struct loss l = {.value = 4.0, .mean = 3.5, .regularization = 0.25, .rank = rank};
        start(cases[c].factors, rank);
        const struct sgd a = {.user = user,
                              .item = item,
                              .user_bias = user_bias,
                              .item_bias = item_bias,
                              .sample = &sample,
                              .block = block,
                              .mean = 3.5f,
                              .lr_bu = 0.125f,
                              .lr_bi = 0.125f,
                              .lr_pu = 0.125f,
                              .lr_qi = 0.125f,
                              .reg_bu = 0.25f,
                              .reg_bi = 0.25f,
                              .reg_pu = 0.25f,
                              .reg_qi = 0.25f,
                              .rank = rank,
                              .grid = 1};
        for (int k = 0; k < rank; k++)
            l.p[k] = user[3 * rank + k], l.q[k] = item[5 * rank + k];
        l.bias[0] = user_bias[3], l.bias[1] = item_bias[5];
        assert_int_equal(cases[c].kernel->cpu(&a, 1, 0), 0);
        for (int k = 0; k < cases[c].factors; k++) {
            check_slope(&l, &l.p[k], l.p[k], user[3 * rank + k], 0.125);
            check_slope(&l, &l.q[k], l.q[k], item[5 * rank + k], 0.125);
        }
        check_slope(&l, &l.bias[0], l.bias[0], user_bias[3], 0.125);
        check_slope(&l, &l.bias[1], l.bias[1], item_bias[5], 0.125);
        for (int k = cases[c].factors; k < rank; k++)
            assert_true(user[3 * rank + k] == 0.0f && item[5 * rank + k] == 0.0f);
    }
}

/* Samples of a 3 x 3 grid, block by block; user u lies in part u % 3, item i in part i % 3. */
static int64_t blocks_of[10];
static struct sgd_sample samples[SAMPLES];
static void make_samples(void)
{
    int64_t n = 0;
    for (int b = 0; b < 9; b++) {
        for (uint64_t j = 0; j < 9 && n < SAMPLES; j++)
            samples[n++] = (struct sgd_sample){
                .user = (uint32_t)(b / 3) + 3 * (philox4x32(5, (uint64_t)b, j).v[0] % (USERS / 3)),
                .item = (uint32_t)(b % 3) + 3 * (philox4x32(6, (uint64_t)b, j).v[0] % (ITEMS / 3)),
                .value = 1.0f + (float)(philox4x32(7, (uint64_t)b, j).v[0] % 5)};
        blocks_of[b + 1] = n;
    }
}

static void sweep(const struct kernel *kernel, int rank)
{
    struct sgd a = {.user = user,
                    .item = item,
                    .user_bias = user_bias,
                    .item_bias = item_bias,
                    .sample = samples,
                    .block = blocks_of,
                    .mean = 3.0f,
                    .lr_bu = 0.05f,
                    .lr_bi = 0.05f,
                    .lr_pu = 0.05f,
                    .lr_qi = 0.05f,
                    .reg_bu = 0.1f,
                    .reg_bi = 0.1f,
                    .reg_pu = 0.1f,
                    .reg_qi = 0.1f,
                    .rank = rank,
                    .grid = 3};
    for (a.diagonal = 0; a.diagonal < 3; a.diagonal++)
        assert_int_equal(kernel->cpu(&a, 3, 0), 0);
}

static void test_sweep_is_the_plain_loop(void **state)
{
    (void)state;
    make_samples();
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const int rank = cases[c].rank;
        static double p[USERS * RANK_MAX], q[ITEMS * RANK_MAX], b[USERS], d[ITEMS];
        start(cases[c].factors, rank);
        for (int i = 0; i < USERS * rank; i++)
            p[i] = user[i];
        for (int i = 0; i < ITEMS * rank; i++)
            q[i] = item[i];
        for (int i = 0; i < USERS; i++)
            b[i] = user_bias[i];
        for (int i = 0; i < ITEMS; i++)
            d[i] = item_bias[i];
        for (int diagonal = 0; diagonal < 3; diagonal++)
            for (int g = 0; g < 3; g++)
                for (int64_t e = blocks_of[g * 3 + (g + diagonal) % 3];
                     e < blocks_of[g * 3 + (g + diagonal) % 3 + 1]; e++) {
                    double *x = p + samples[e].user * (uint32_t)rank,
                           *y = q + samples[e].item * (uint32_t)rank;
                    double *bu = &b[samples[e].user], *di = &d[samples[e].item], r = 3.0 + *bu + *di;
                    for (int k = 0; k < rank; k++)
                        r += x[k] * y[k];
                    const double error = samples[e].value - r;
                    for (int k = 0; k < rank; k++) {
                        const double xk = x[k];
                        x[k] += 0.05 * (error * y[k] - 0.1 * xk);
                        y[k] += 0.05 * (error * xk - 0.1 * y[k]);
                    }
                    *bu += 0.05 * (error - 0.1 * *bu), *di += 0.05 * (error - 0.1 * *di);
                }
        sweep(cases[c].kernel, rank);
        for (int i = 0; i < USERS * rank; i++)
            assert_true(fabs(p[i] - user[i]) < 2e-5);
        for (int i = 0; i < ITEMS * rank; i++)
            assert_true(fabs(q[i] - item[i]) < 2e-5);
        for (int i = 0; i < USERS; i++)
            assert_true(fabs(b[i] - user_bias[i]) < 2e-5);
        for (int i = 0; i < ITEMS; i++)
            assert_true(fabs(d[i] - item_bias[i]) < 2e-5);
    }
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    static float kept[USERS * RANK_MAX];
    const int before = omp_get_max_threads();
    make_samples();
    omp_set_num_threads(1);
    start(50, 64), sweep(&kernel_sgd_64, 64);
    memcpy(kept, user, sizeof user);
    omp_set_num_threads(3);
    start(50, 64), sweep(&kernel_sgd_64, 64);
    assert_memory_equal(kept, user, sizeof user);
    omp_set_num_threads(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_is_the_gradient),
        cmocka_unit_test(test_sweep_is_the_plain_loop),
        cmocka_unit_test(test_threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
