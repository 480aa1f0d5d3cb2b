/* test_random.c - Philox against its authors' vectors; moments, independence and permutations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "backend/backend.h"
#include "philox.h"

/* kat_vectors of Random123 (Salmon et al.), philox4x32 of 10 rounds. */
static void test_known_answers(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, stream, index;
        uint32_t expected[4];
    } kat[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {~0ull, ~0ull, ~0ull, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822u,
         0x0370734413198a2eu,
         0x85a308d3243f6a88u,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof kat / sizeof *kat; i++) {
        const struct philox p = philox4x32(kat[i].seed, kat[i].stream, kat[i].index);
        assert_memory_equal(p.v, kat[i].expected, sizeof p.v);
    }
    /* the same block under its name: purpose is the low half of the stream, epoch the high */
    assert_int_equal(random_u32(kat[2].seed, (enum random_purpose)0x13198a2e, 0x03707344, kat[2].index),
                     0xd16cfe09);
}

static void test_uniform(void **state)
{
    (void)state;
    enum { N = 200000, BINS = 50 };
    double sum = 0, squares = 0, lag = 0, last = 0.5;
    uint32_t bins[BINS] = {0};
    for (uint64_t i = 0; i < N; i++) {
        const double x = random_unit(1, RANDOM_INIT, 0, i);
        assert_true(x > 0 && x < 1);
        sum += x, squares += x * x, lag += (x - 0.5) * (last - 0.5), last = x;
        bins[(int)(x * BINS)]++;
    }
    /* bounds: 5 standard errors */
    assert_true(fabs(sum / N - 0.5) < 5 * sqrt(1 / 12.0 / N));
    assert_true(fabs(squares / N - 1 / 3.0) < 5 * sqrt(4 / 45.0 / N));
    assert_true(fabs(lag / N) < 5 / 12.0 / sqrt(N));
    double chi = 0;
    for (int b = 0; b < BINS; b++)
        chi += pow(bins[b] - (double)N / BINS, 2) / ((double)N / BINS);
    assert_true(chi > 15 && chi < 110); /* 49 degrees: outside by chance once in 10^6 */
}

static void test_normal(void **state)
{
    (void)state;
    enum { N = 200000 };
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    for (uint64_t i = 0; i < N; i++) {
        const double x = random_normal(1, RANDOM_INIT, 1, i);
        assert_true(isfinite(x));
        m1 += x, m2 += x * x, m3 += x * x * x, m4 += x * x * x * x;
    }
    assert_true(fabs(m1 / N) < 5 / sqrt(N));
    assert_true(fabs(m2 / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(m3 / N) < 5 * sqrt(15.0 / N));
    assert_true(fabs(m4 / N - 3) < 5 * sqrt(96.0 / N));
}

/* Each part of a draw's name matters. */
static void test_names(void **state)
{
    (void)state;
    const uint32_t x = random_u32(1, RANDOM_INIT, 0, 0);
    assert_int_equal(x, random_u32(1, RANDOM_INIT, 0, 0));
    assert_int_not_equal(x, random_u32(2, RANDOM_INIT, 0, 0));
    assert_int_not_equal(x, random_u32(1, RANDOM_ORDER, 0, 0));
    assert_int_not_equal(x, random_u32(1, RANDOM_INIT, 1, 0));
    assert_int_not_equal(x, random_u32(1, RANDOM_INIT, 0, 1));
    assert_int_not_equal(random_u32(1, RANDOM_INIT, 0, 1ull << 32), x);
}

static void test_permutation(void **state)
{
    (void)state;
    uint32_t p[1000], seen[1000] = {0};
    random_permutation(1, RANDOM_SPLIT, 0, 1000, p);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(p[i] < 1000);
        seen[p[i]]++;
    }
    for (uint32_t i = 0; i < 1000; i++)
        assert_int_equal(seen[i], 1);
    random_permutation(1, RANDOM_SPLIT, 0, 1, p);
    assert_int_equal(p[0], 0);
    random_permutation(1, RANDOM_SPLIT, 0, 0, p);
    /* all 24 orders of 4 are equally likely: 24,000 draws, chi-squared of 23 degrees below 70 (1 in 10^6) */
    uint32_t count[256] = {0};
    for (uint32_t e = 0; e < 24000; e++) {
        random_permutation(1, RANDOM_SPLIT, e, 4, p);
        count[p[0] | p[1] << 2 | p[2] << 4 | p[3] << 6]++;
    }
    double chi = 0;
    int orders = 0;
    for (int c = 0; c < 256; c++)
        if (count[c] > 0)
            chi += pow(count[c] - 1000.0, 2) / 1000, orders++;
    assert_int_equal(orders, 24);
    assert_true(chi < 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers), cmocka_unit_test(test_uniform),
        cmocka_unit_test(test_normal),        cmocka_unit_test(test_names),
        cmocka_unit_test(test_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
