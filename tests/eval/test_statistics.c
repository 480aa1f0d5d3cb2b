/*
 * test_statistics.c - tests, corrections, intervals and ranks against scipy and statsmodels: tests/golden/statistics.csv, made by
 * tools/golden-statistics.py, whose generator of values stands here once more.  To 1e-9; resampling to 1e-3.
 */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "eval/correction.h"
#include "eval/friedman.h"
#include "eval/paired.h"
#include "eval/resample.h"
#include "eval/significance.h"

enum { MOST = 2000 };

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint32_t below(uint64_t *draws, uint32_t n)
{
    uint64_t z = *draws += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ z >> 31) % n);
}

static void pairs(size_t n, int kind, double *a, double *b)
{
    uint64_t draws = (uint64_t)(n * 2 + (size_t)kind) * 0x9E3779B97F4A7C15u;
    const uint32_t steps = kind == 1 ? 8 : 1u << 20;
    for (size_t u = 0; u < n; u++)
        a[u] = (double)below(&draws, steps + 1) / steps + (n > 20 ? 0.125 : 0.25);
    for (size_t u = 0; u < n; u++)
        b[u] = (double)below(&draws, steps + 1) / steps;
}

/* Of the mean of a, as of any measure that is a mean over users. */
static double interval_of(const char *what, const double *a, uint32_t n)
{
    static uint32_t users[MOST];
    const struct metric_at measure = {metric_find("ndcg"), 10, DIALECT_DEFAULT};
    const double mean = metrics_mean(a, n), level = strtod(strrchr(what, '_') + 1, NULL);
    const struct measured cell = {
        .n_users = n, .users = users, .n_relevant = users, .values = a, .pooled = &mean, .parts = a};
    struct resampled r;
    struct arena *arena = arena_new();
    for (uint32_t u = 0; u < n; u++)
        users[u] = u;
    assert_ok(resampled_make(&measure, 1, n, 100000, 7, arena, &r));
    assert_ok(resampled_add(&r, &cell, users));
    const struct interval x = resampled_interval(&r, 0, level);
    arena_free(arena);
    return strncmp(what, "bca_low", 7) == 0 ? x.low : x.high;
}

static double pair_statistic(const char *what, size_t n, int kind)
{
    static double a[MOST], b[MOST];
    struct paired_test t, overlapping;
    struct rank_test w, s;
    double p = NAN;
    pairs(n, kind, a, b);
    if (strncmp(what, "bca", 3) == 0)
        return interval_of(what, a, (uint32_t)n);
    assert_ok(significance_paired_t(a, b, n, &t));
    assert_ok(significance_overlapping_t(a, b, n, 0.25, &overlapping));
    assert_ok(paired_wilcoxon(a, b, n, &w));
    assert_ok(paired_sign(a, b, n, &s));
    const struct {
        const char *name;
        double value;
    } values[] = {{"t", t.t},          {"t_p", t.p},           {"t_low", t.low},
                  {"t_high", t.high},  {"cohen_d", t.cohen_d}, {"wilcoxon", w.statistic},
                  {"wilcoxon_p", w.p}, {"sign_p", s.p},        {"overlapping_p", overlapping.p}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (strcmp(values[i].name, what) == 0)
            return values[i].value;
    if (strcmp(what, "cliffs_delta") == 0)
        assert_ok(paired_cliffs_delta(a, b, n, &p));
    else if (strcmp(what, "randomisation_p") == 0)
        assert_ok(paired_randomisation(NULL, a, b, n, 1000000, 3, &p));
    else
        fail_msg("what is %s?", what);
    return p;
}

static double corrected(const char *what, size_t n, size_t i)
{
    uint64_t draws = (uint64_t)n * 0x9E3779B97F4A7C15u;
    double p[20], out[20];
    for (size_t j = 0; j < n; j++) {
        const double x = (double)below(&draws, 1u << 20) / (1u << 20);
        p[j] = x / (1 + below(&draws, 40));
    }
    const enum correction how = strcmp(what, "holm") == 0         ? CORRECTION_HOLM
                                : strcmp(what, "bonferroni") == 0 ? CORRECTION_BONFERRONI
                                                                  : CORRECTION_BH;
    assert_ok(correct_p(how, p, n, out));
    return out[i];
}

static double friedman_value(const char *what, size_t k, size_t n)
{
    uint64_t draws = (uint64_t)(1000 + n) * 0x9E3779B97F4A7C15u;
    const uint32_t steps = n == 10 ? 1u << 20 : 8;
    static double v[200 * 7], rank[7];
    struct friedman f;
    for (size_t i = 0; i < n * k;
         i++) /* a volatile step: the product is rounded before it is added, as in Python */
    {
        const volatile double more = 0.02 * (double)(i % k);
        v[i] = (double)below(&draws, steps + 1) / steps + more;
    }
    assert_ok(friedman_test(v, n, k, 1, 0.05, rank, &f));
    if (strncmp(what, "mean_rank_", 10) == 0)
        return rank[strtoul(what + 10, NULL, 10)];
    return strcmp(what, "friedman") == 0 ? f.chi_square : strcmp(what, "friedman_p") == 0 ? f.p : f.p_f;
}

static void equal_to_scipy_and_statsmodels(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *text, *rest = NULL;
    size_t n_bytes, n_lines = 0;
    assert_ok(read_whole_file("tests/golden/statistics.csv", 1 << 20, arena, &text, &n_bytes));
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char what[32];
        size_t n, kind;
        double value, got;
        if (line[0] == '#' || strncmp(line, "what", 4) == 0)
            continue;
        assert_int_equal(sscanf(line, "%31[^,],%zu,%zu,%lg", what, &n, &kind, &value), 4);
        if (strncmp(what, "users_", 6) == 0) /* test_resample.c */
            continue;
        if (strcmp(what, "holm") == 0 || strcmp(what, "bonferroni") == 0 || strcmp(what, "bh") == 0)
            got = corrected(what, n, kind);
        else if (strncmp(what, "range_", 6) == 0)
            got = studentised_range_quantile(strtod(what + 6, NULL), (unsigned)n);
        else if (strstr(what, "friedman") != NULL || strstr(what, "davenport") != NULL ||
                 strncmp(what, "mean_rank", 9) == 0)
            got = friedman_value(what, n, kind);
        else
            got = pair_statistic(what, n, (int)kind);
        const bool resampled = strncmp(what, "bca", 3) == 0 || strcmp(what, "randomisation_p") == 0;
        if (!(fabs(got - value) <= (resampled ? 1e-3 : 1e-9 * fmax(1, fabs(value)))))
            fail_msg("%s: got %.17g", line, got);
        n_lines++;
    }
    assert_true(n_lines > 200);
    arena_free(arena);
}

/* By counting all 2^12 signs. */
static void ties_are_exact(void **state)
{
    (void)state;
    const double d[12] = {1, 1, -1, 2, 2, 2, -3, 4, 4, -4, 5, 6}, zero[12] = {0};
    const double doubled[12] = {4, 4, 4, 10, 10, 10, 14, 18, 18, 18, 22, 24}; /* 2 x mean ranks */
    double positive = 0, total = 0, as_low = 0;
    struct rank_test w;
    for (int i = 0; i < 12; i++)
        total += doubled[i], positive += d[i] > 0 ? doubled[i] : 0;
    const double least = fmin(positive, total - positive);
    for (unsigned signs = 0; signs < 4096; signs++) {
        double sum = 0;
        for (int i = 0; i < 12; i++)
            sum += signs >> i & 1 ? doubled[i] : 0;
        as_low += sum <= least;
    }
    assert_ok(paired_wilcoxon(d, zero, 12, &w));
    assert_true(w.exact && w.n == 12 && fabs(w.p - 2 * as_low / 4096) < 1e-15);
    assert_true(w.statistic == least / 2);
}

static void what_is_equal_and_what_is_refused(void **state)
{
    (void)state;
    const double x[3] = {1, 2, 3}, odd[3] = {1, NAN, 3};
    struct rank_test w;
    struct paired_test t;
    double p, rank[2];
    struct friedman f;
    assert_ok(paired_wilcoxon(x, x, 3, &w));
    assert_true(w.p == 1 && w.n == 0);
    assert_ok(paired_sign(x, x, 3, &w));
    assert_true(w.p == 1);
    assert_ok(paired_randomisation(NULL, x, x, 3, 1000, 1, &p));
    assert_true(p == 1);
    assert_ok(paired_cliffs_delta(x, x, 3, &p));
    assert_true(p == 0);
    test_fails(paired_wilcoxon(odd, x, 3, &w), STATUS_DATA, "pair 1", NULL);
    test_fails(paired_randomisation(NULL, x, x, 3, 10, 1, &p), STATUS_USAGE, "100 at least", NULL);
    test_fails(bootstrap_check(1000, 1), STATUS_USAGE, "level", NULL);
    test_fails(significance_overlapping_t(x, odd, 3, -1, &t), STATUS_USAGE, "share", NULL);
    test_fails(friedman_test(x, 1, 2, 1, 0.05, rank, &f), STATUS_DATA, "two blocks", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_to_scipy_and_statsmodels),
                                       cmocka_unit_test(ties_are_exact),
                                       cmocka_unit_test(what_is_equal_and_what_is_refused)};
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
