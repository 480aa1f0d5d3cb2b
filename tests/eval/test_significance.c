/*
 * test_significance.c - golden values: scipy 1.17.1 (numpy 2.4.6), stats.ttest_rel(a, b), .confidence_interval(0.95),
 * and mean(d) / std(d, ddof=1), run once when this test was written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "eval/significance.h"

static void near(double found, double expected, double relative)
{
    assert_true(fabs(found - expected) <= relative * fabs(expected));
}

static void check(const double *a, const double *b, size_t n, const struct paired_test *expected)
{
    struct paired_test t;
    assert_int_equal(significance_paired_t(a, b, n, &t), STATUS_OK);
    near(t.t, expected->t, 1e-10);
    near(t.degrees, expected->degrees, 0);
    near(t.p, expected->p, 1e-9);
    near(t.low, expected->low, 1e-9);
    near(t.high, expected->high, 1e-9);
    near(t.cohen_d, expected->cohen_d, 1e-10);
    near(t.mean_difference, (expected->low + expected->high) / 2, 1e-9);
    /* the other way round */
    struct paired_test back;
    assert_int_equal(significance_paired_t(b, a, n, &back), STATUS_OK);
    near(back.t, -t.t, 1e-12);
    near(back.p, t.p, 1e-12);
    near(back.low, -t.high, 1e-9);
}

/* Cushny and Peebles 1905, hours of sleep, in Student 1908; R's help of t.test prints t = -4.0621, df = 9,
 * p = 0.002833, interval -2.4598858 to -0.7001142. */
static void test_students_own_data(void **state)
{
    (void)state;
    const double a[] = {0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0};
    const double b[] = {1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4};
    const struct paired_test expected = {.t = -4.062127683382037,
                                         .degrees = 9,
                                         .p = 0.002832890197384273,
                                         .low = -2.459885763276983,
                                         .high = -0.7001142367230175,
                                         .cohen_d = -1.2845575625910546};
    check(a, b, 10, &expected);
}

static void test_small_and_large(void **state)
{
    (void)state;
    const double a[] = {0.5, 0.25, 0.75, 0.0, 1.0, 0.3333, 0.6, 0.1, 0.9, 0.45};
    const double b[] = {0.4, 0.30, 0.60, 0.1, 0.8, 0.2000, 0.6, 0.0, 0.7, 0.50};
    const struct paired_test ten = {.t = 1.9672509090881123,
                                    .degrees = 9,
                                    .p = 0.08069815091879015,
                                    .low = -0.010243199900388536,
                                    .high = 0.14690319990038853,
                                    .cohen_d = 0.6220993601755274};
    check(a, b, 10, &ten);
    const double c[] = {1.0, 2.0}, d[] = {0.5, 2.25};
    const struct paired_test two = {.t = 0.3333333333333333,
                                    .degrees = 1,
                                    .p = 0.7951672353008665,
                                    .low = -4.63982677606551,
                                    .high = 4.88982677606551,
                                    .cohen_d = 0.23570226039551587};
    check(c, d, 2, &two);
    static double x[6040], y[6040];
    for (int i = 0; i < 6040; i++) {
        x[i] = i * 7919 % 6040 / 6040.0;
        y[i] = (i * 104729L + 13) % 6040 / 6040.0 * 0.9 + 0.04;
    }
    const struct paired_test many = {.t = 1.9976733696713147,
                                     .degrees = 6039,
                                     .p = 0.04579686121604993,
                                     .low = 0.00018664508417482947,
                                     .high = 0.019796798624434394,
                                     .cohen_d = 0.02570431358874487};
    check(x, y, 6040, &many);
    for (int i = 0; i < 200; i++)
        x[i] = i + 0.1 * (i % 3), y[i] = i - 0.5;
    const struct paired_test tail = {.t = 103.70819284296913, /* far in the tail */
                                     .degrees = 199,
                                     .p = 3.570813931154288e-175,
                                     .low = 0.5881008239477361,
                                     .high = 0.6108991760522597,
                                     .cohen_d = 7.333276642386565};
    check(x, y, 200, &tail);
}

static void test_no_spread(void **state)
{
    (void)state;
    const double a[] = {0.25, 0.5, 0.75}, b[] = {0, 0.25, 0.5};
    struct paired_test t;
    assert_int_equal(significance_paired_t(a, a, 3, &t), STATUS_OK);
    assert_true(t.p == 1 && t.t == 0 && t.mean_difference == 0 && t.low == 0 && t.high == 0);
    assert_int_equal(significance_paired_t(a, b, 3, &t), STATUS_OK);
    assert_true(t.p == 0 && isinf(t.t) && t.t > 0 && t.mean_difference == 0.25 && t.low == 0.25);
}

static void keep(void *context, enum status status, const char *sentence)
{
    (void)status;
    snprintf(context, 200, "%s", sentence);
}

static void test_refused(void **state)
{
    (void)state;
    char sentence[200] = "";
    status_handler *old;
    void *old_context;
    status_set_handler(keep, sentence, &old, &old_context);
    const double a[] = {1, 2, NAN}, b[] = {1, 3, 4};
    struct paired_test t;
    const enum status one = significance_paired_t(a, b, 1, &t), nan = significance_paired_t(a, b, 3, &t);
    status_set_handler(old, old_context, NULL, NULL);
    assert_int_equal(one, STATUS_DATA);
    assert_int_equal(nan, STATUS_DATA);
    assert_non_null(strstr(sentence, "pair 2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_students_own_data),
        cmocka_unit_test(test_small_and_large),
        cmocka_unit_test(test_no_spread),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
