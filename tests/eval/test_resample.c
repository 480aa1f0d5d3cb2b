/*
 * test_resample.c - intervals over users of what is not a mean: against scipy's BCa and the jackknife (tests/golden/statistics.csv, users_...,
 * made by tools/golden-statistics.py), against resamples written out, and how often they hold the truth.
 */
#include "../test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "eval/beyond.h"
#include "eval/resample.h"

enum { ITEMS = 12, PLACES = 5, USERS = 300 };

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint32_t below(uint64_t *draws, uint32_t n)
{
    uint64_t z = *draws += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ z >> 31) % n);
}

static bool has(const uint32_t *items, uint32_t n, uint32_t item)
{
    for (uint32_t j = 0; j < n; j++)
        if (items[j] == item)
            return true;
    return false;
}

static void make_lists(uint64_t seed, uint32_t n, uint32_t *lists)
{
    uint64_t draws = seed * 0x9E3779B97F4A7C15u;
    for (uint32_t u = 0; u < n; u++)
        for (uint32_t j = 0; j < PLACES;) {
            const uint32_t a = below(&draws, ITEMS), b = below(&draws, ITEMS), item = a < b ? a : b;
            if (!has(lists + u * PLACES, j, item))
                lists[u * PLACES + j++] = item;
        }
}

/* Parts of rmse, mae or r2. */
static void make_parts(uint64_t seed, uint32_t n, const char *name, double *part)
{
    uint64_t draws = seed * 0x9E3779B97F4A7C15u;
    for (uint32_t u = 0; u < n; u++) {
        const uint32_t rows = 1 + below(&draws, 6);
        double squares = 0, errors = 0, values = 0, values_squared = 0;
        for (uint32_t i = 0; i < rows; i++) {
            const double e = below(&draws, 33) / 16.0;
            squares += e * e, errors += e;
        }
        for (uint32_t i = 0; i < rows; i++) {
            const double v = 1 + below(&draws, 9) / 2.0;
            values += v, values_squared += v * v;
        }
        if (strcmp(name, "r2") == 0)
            memcpy(part + (size_t)u * 4, (double[]){squares, values, values_squared, rows}, 4 * sizeof *part);
        else
            memcpy(part + (size_t)u * 2, (double[]){strcmp(name, "rmse") == 0 ? squares : errors, rows},
                   2 * sizeof *part);
    }
}

/* A cell of n users of which one measure is resampled. */
struct one {
    struct metric_at measure;
    double pooled, values[USERS], parts[USERS * 4];
    uint32_t users[USERS], n_relevant[USERS], lists[USERS * PLACES];
    struct measured cell;
};

static void spread_pooled(struct one *o)
{
    static const int64_t ptr[USERS + 1];
    static uint8_t head[ITEMS];
    static const uint32_t popularity[ITEMS];
    const struct csr none = {USERS, ITEMS, 0, ptr, popularity, NULL};
    const struct beyond_facts facts = {.train = &none, .popularity = popularity, .head = head};
    const struct relevance relevance = {.items = none};
    const struct lists lists = {.n_users = o->cell.n_users, .k = PLACES, .item = o->lists};
    assert_ok(beyond_all(&lists, o->users, &relevance, &facts, &o->measure, 1, &o->pooled, NULL));
}

static void make_one(const char *name, uint32_t n, struct one *o)
{
    const struct metric_type *metric = metric_find(name);
    const bool spread = metric->kind == METRIC_AGGREGATE;
    *o = (struct one){.measure = {metric, spread ? PLACES : 0, DIALECT_DEFAULT}};
    for (uint32_t u = 0; u < n; u++)
        o->users[u] = u, o->values[u] = NAN;
    o->cell = (struct measured){.n_users = n,
                                .n_items = ITEMS,
                                .depth = spread ? PLACES : 0,
                                .users = o->users,
                                .n_relevant = o->n_relevant,
                                .values = o->values,
                                .pooled = &o->pooled,
                                .parts = o->parts,
                                .lists = o->lists};
    if (spread) {
        make_lists(5000 + n, n, o->lists);
        spread_pooled(o);
        return;
    }
    double sum[METRIC_PARTS_MOST] = {0};
    make_parts(7000 + n, n, name, o->parts);
    for (uint32_t j = 0; j < n * metric->n_parts; j++)
        sum[j % metric->n_parts] += o->parts[j];
    o->pooled = metric->of_parts(sum);
}

static struct resampled resample_one(struct one *o, uint32_t n_draws, uint64_t seed, struct arena *arena)
{
    struct resampled r;
    assert_ok(resampled_make(&o->measure, 1, o->cell.n_users, n_draws, seed, arena, &r));
    assert_ok(resampled_add(&r, &o->cell, o->users));
    return r;
}

static void equal_to_scipy(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *text, *rest = NULL, made[32] = "";
    static struct one one;
    struct resampled r;
    struct interval i = {0};
    double acceleration = 0, error = 0;
    size_t n_bytes, n_lines = 0;
    assert_ok(read_whole_file("tests/golden/statistics.csv", 1 << 20, arena, &text, &n_bytes));
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char what[32], name[32];
        unsigned n;
        double value;
        if (sscanf(line, "users_%31[^,],%u,0,%lg", what, &n, &value) != 3)
            continue;
        char *word = strrchr(what, '_');
        *word++ = '\0';
        snprintf(name, sizeof name, "%.20s %u", what, n);
        if (strcmp(name, made) != 0) {
            make_one(what, n, &one);
            r = resample_one(&one, one.measure.metric->n_parts > 0 && n < 100 ? 1000000 : 100000, 3, arena);
            acceleration = bootstrap_acceleration(r.change, n);
            double mean = 0, squares = 0;
            for (uint32_t u = 0; u < n; u++)
                mean += r.change[u] / n;
            for (uint32_t u = 0; u < n; u++)
                squares += (r.change[u] - mean) * (r.change[u] - mean);
            error = sqrt((n - 1.0) / n * squares);
            i = resampled_interval(&r, 0, 0.95);
            strcpy(made, name);
        }
        const bool ends = strcmp(word, "low") == 0 || strcmp(word, "high") == 0;
        const double got = ends                                ? (*word == 'l' ? i.low : i.high)
                           : strcmp(word, "acceleration") == 0 ? acceleration
                           : strcmp(word, "error") == 0        ? error
                                                               : i.value;
        if (!(fabs(got - value) <= (ends ? 1e-3 : 1e-9)))
            fail_msg("%s %s: got %.17g, scipy %.17g", made, word, got, value);
        n_lines++;
    }
    assert_int_equal(n_lines, 60);
    arena_free(arena);
}

/* Draws are what one gets from lists written out as often as the resample holds them; two cells have the mean. */
static void resamples_written_out(void **state)
{
    (void)state;
    enum { N = 40 };
    static const char *const names[] = {"coverage", "gini", "entropy"};
    static struct one one, drawn;
    uint32_t count[N], half[N / 2];
    struct arena *arena = arena_new();
    for (size_t m = 0; m < 3; m++) {
        make_one(names[m], N, &one);
        struct resampled r = resample_one(&one, 100, 9, arena);
        for (uint32_t i = 0; i < 100; i++) {
            uint32_t n = 0;
            bootstrap_resample(N, 9, i, count);
            make_one(names[m], N, &drawn);
            for (uint32_t u = 0; u < N; u++)
                for (uint32_t t = 0; t < count[u]; t++, n++)
                    memcpy(drawn.lists + n * PLACES, one.lists + u * PLACES, PLACES * sizeof *drawn.lists);
            assert_int_equal(n, N);
            spread_pooled(&drawn);
            assert_true(fabs(drawn.pooled - r.draws[i]) < 1e-12);
        }
        /* leaving one out, written out */
        for (uint32_t out = 0; out < N; out++) {
            drawn.cell.n_users = N - 1;
            memcpy(drawn.lists, one.lists, sizeof one.lists);
            memmove(drawn.lists + out * PLACES, drawn.lists + (out + 1) * PLACES,
                    (N - out - 1) * PLACES * sizeof *drawn.lists);
            spread_pooled(&drawn);
            assert_true(fabs(drawn.pooled - one.pooled - r.change[out]) < 1e-12);
        }
        /* the same cell and one of every second user: means of two cells */
        struct resampled two;
        for (uint32_t u = 0; u < N / 2; u++) {
            half[u] = 2 * u;
            memcpy(drawn.lists + u * PLACES, one.lists + half[u] * PLACES, PLACES * sizeof *drawn.lists);
        }
        drawn.cell.n_users = N / 2;
        spread_pooled(&drawn);
        assert_ok(resampled_make(&one.measure, 1, N, 100, 9, arena, &two));
        assert_ok(resampled_add(&two, &one.cell, one.users));
        assert_ok(resampled_add(&two, &drawn.cell, half));
        assert_true(two.draws[0] > r.draws[0] && two.n_cells[0] == 2);
        assert_true(fabs(two.change[1] - r.change[1]) < 1e-15); /* who is in the first alone */
        assert_true(resampled_interval(&two, 0, 0.95).value == (one.pooled + drawn.pooled) / 2);
    }
    arena_free(arena);
}

/* Users with values and without, weights by relevant items, holes in lists, and a measure that no cell has. */
static void odd_users(void **state)
{
    (void)state;
    enum { N = 6 };
    const struct metric_at x[] = {{metric_find("ndcg"), 5, DIALECT_DEFAULT},
                                  {metric_find("precision"), 5, DIALECT_IMPLICIT},
                                  {metric_find("coverage"), 2, DIALECT_DEFAULT},
                                  {metric_find("mrr"), 5, DIALECT_DEFAULT}};
    const double values[] = {0.5, NAN, 1,   0,   0.25, NAN, 1,   0,   0.5, NAN, 0,   0.5,
                             NAN, NAN, NAN, NAN, NAN,  NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    const uint32_t users[] = {0, 1, 2, 3, 4, 5}, relevant[] = {2, 9, 1, 3, 7, 2};
    const uint32_t lists[] = {0, UINT32_MAX, UINT32_MAX, 2, 1, 3, 0, 2, UINT32_MAX, UINT32_MAX, 3, 0};
    const double weights[] = {2, 5, 1, 0, 5, 2};
    double sum = 0, total = 0;
    for (int u = 0; u < N; u++)
        if (weights[u] > 0)
            sum += weights[u] * values[N + u], total += weights[u];
    const double pooled[] = {1.75 / 4, sum / total, 4 / 7.0, NAN};
    const struct measured cell = {.n_users = N,
                                  .n_items = 7,
                                  .depth = 2,
                                  .users = users,
                                  .n_relevant = relevant,
                                  .values = values,
                                  .pooled = pooled,
                                  .parts = values,
                                  .lists = lists};
    struct arena *arena = arena_new();
    struct resampled r;
    uint32_t count[N];
    assert_ok(resampled_make(x, 4, N, 200, 1, arena, &r));
    assert_ok(resampled_add(&r, &cell, users));
    for (uint32_t i = 0; i < 200; i++) {
        double s[2] = {0}, n[2] = {0};
        bootstrap_resample(N, 1, i, count);
        for (int m = 0; m < 2; m++)
            for (int u = 0; u < N; u++)
                if (!isnan(values[m * N + u])) {
                    const double w = count[u] * (m == 0 ? 1 : weights[u]);
                    s[m] += w * values[m * N + u], n[m] += w;
                }
        for (int m = 0; m < 2; m++)
            assert_true(n[m] == 0 ? isnan(r.draws[m * 200 + i])
                                  : fabs(r.draws[m * 200 + i] - s[m] / n[m]) < 1e-15);
        assert_true(r.draws[400 + i] <= 4 / 7.0);
    }
    assert_true(r.change[1] == 0 && fabs(r.change[2] - (0.75 / 3 - 1.75 / 4)) < 1e-15);
    assert_true(isnan(resampled_interval(&r, 3, 0.95).value));
    test_fails(resampled_make(x, 4, N, 10, 1, arena, &r), STATUS_USAGE, "100 draws at least", NULL);
    arena_free(arena);
}

/* 95 % intervals of rmse, entropy and Gini hold the truth about that often, over 400 samples of 100 users. */
static void intervals_hold_the_truth(void **state)
{
    (void)state;
    enum { SAMPLES = 400, N = 100, TRUTH = 200000 };
    static const char *const names[] = {"rmse", "mae", "gini", "entropy"};
    static struct one one;
    uint32_t *many = malloc((size_t)TRUTH * PLACES * sizeof *many), count[ITEMS] = {0};
    double *parts = malloc((size_t)TRUTH * 2 * sizeof *parts);
    struct arena *arena = arena_new();
    assert_true(many != NULL && parts != NULL);
    make_lists(1, TRUTH, many);
    for (size_t j = 0; j < (size_t)TRUTH * PLACES; j++)
        count[many[j]]++;
    for (size_t m = 0; m < 4; m++) {
        double truth = 0, sum[2] = {0};
        uint32_t held = 0;
        make_parts(1, TRUTH, names[m], parts);
        for (size_t j = 0; j < (size_t)TRUTH * 2; j++)
            sum[j % 2] += parts[j];
        if (m < 2)
            truth = metric_find(names[m])->of_parts(sum);
        for (int i = 0; i < ITEMS && m >= 2; i++)
            for (int j = 0; j < ITEMS && m == 2; j++)
                truth += fabs((double)count[i] - count[j]) / (2.0 * ITEMS * TRUTH * PLACES);
        for (int i = 0; i < ITEMS && m == 3; i++)
            truth -= count[i] / (1.0 * TRUTH * PLACES) * log2(count[i] / (1.0 * TRUTH * PLACES));
        for (uint32_t s = 0; s < SAMPLES; s++) {
            const uint64_t seed = 10000019u * (uint64_t)(s + 10); /* streams that don't overlap */
            make_one(names[m], N, &one);
            if (m >= 2) {
                make_lists(seed, N, one.lists);
                spread_pooled(&one);
            } else {
                make_parts(seed, N, names[m], one.parts);
                sum[0] = sum[1] = 0;
                for (uint32_t j = 0; j < N * 2; j++)
                    sum[j % 2] += one.parts[j];
                one.pooled = one.measure.metric->of_parts(sum);
            }
            struct resampled r = resample_one(&one, 1000, s, arena);
            const struct interval i = resampled_interval(&r, 0, 0.95);
            held += i.low <= truth && truth <= i.high;
        }
        print_message("%s: %u of %d intervals hold the truth\n", names[m], held, SAMPLES);
        assert_in_range(held, 0.90 * SAMPLES, 0.98 * SAMPLES);
    }
    free(many), free(parts);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_to_scipy),
                                       cmocka_unit_test(resamples_written_out), cmocka_unit_test(odd_users),
                                       cmocka_unit_test(intervals_hold_the_truth)};
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
