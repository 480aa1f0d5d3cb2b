/*
 * test_search.c - the Gaussian process against scikit-learn's and against plain double solutions by GSL's LU, its gradient against the
 * numerical one, expected improvement against integration; spaces, grids and strategies by their properties; Bayesian beats random.
 */
#include "../test.h"

#include <gsl/gsl_deriv.h>
#include <gsl/gsl_integration.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "search/gp.h"
#include "search/propose.h"

enum { TRAIN = 14, TEST = 6, COLUMNS = 3, EI = 5 };
static double x[TRAIN * COLUMNS], y[TRAIN], t[TEST * COLUMNS], mean[TEST], deviation[TEST], likelihood,
    gradient[5], ei[EI][4];
static const uint32_t owner[COLUMNS] = {0, 1, 2};
static struct arena *arena;

static int set_up(void **state)
{
    char line[512];
    size_t n = 0, m = 0, e = 0;
    FILE *file = fopen("tests/golden/gp.csv", "r");
    (void)state;
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        double v[6] = {0};
        char word[16];
        if (sscanf(line, "%15[a-z],%lf,%lf,%lf,%lf,%lf", word, &v[0], &v[1], &v[2], &v[3], &v[4]) < 2)
            continue;
        if (strcmp(word, "train") == 0 && n < TRAIN) {
            memcpy(x + COLUMNS * n, v, COLUMNS * sizeof *v);
            y[n++] = v[3];
        } else if (strcmp(word, "test") == 0 && m < TEST) {
            memcpy(t + COLUMNS * m, v, COLUMNS * sizeof *v);
            mean[m] = v[3], deviation[m++] = v[4];
        } else if (strcmp(word, "likelihood") == 0)
            likelihood = v[0];
        else if (strcmp(word, "gradient") == 0)
            memcpy(gradient, v, sizeof gradient);
        else if (strcmp(word, "ei") == 0 && e < EI)
            memcpy(ei[e++], v, sizeof ei[0]);
    }
    if (file != NULL)
        fclose(file);
    arena = arena_new();
    const struct backend *backend; /* OpenBLAS on one thread */
    if (backend_open("cpu", 1, &backend) != STATUS_OK)
        return -1;
    return n == TRAIN && m == TEST && e == EI ? 0 : -1;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void condition(struct gp *gp, double *log_length, double log_noise, int standardise)
{
    const double lengths[COLUMNS] = {log(0.4), log(0.7), log(0.2)};
    assert_ok(gp_condition(x, y, TRAIN, COLUMNS, owner, log_length != NULL ? log_length : lengths, COLUMNS,
                           log(1.3), log_noise, standardise, arena, gp));
}

static void test_gp_golden(void **state)
{
    struct gp gp;
    double room[TRAIN], m, s, value, g[COLUMNS + 2];
    (void)state;
    condition(&gp, NULL, log(0.1), 0);
    for (size_t i = 0; i < TEST; i++) {
        gp_predict(&gp, t + i * COLUMNS, room, &m, &s);
        assert_true(fabs(m - mean[i]) < 1e-8);
        assert_true(fabs(s - deviation[i]) < 1e-7);
    }
    value = gp_objective(&gp, 0, g);
    assert_true(fabs(value - likelihood) < 1e-8);
    assert_true(fabs(g[COLUMNS] - 2 * gradient[0]) <
                1e-6); /* scikit-learn's theta holds logarithms of squares */
    for (size_t l = 0; l < COLUMNS; l++)
        assert_true(fabs(g[l] - gradient[1 + l]) < 1e-6);
    assert_true(fabs(g[COLUMNS + 1] - 2 * gradient[4]) < 1e-6);
}

/* The covariance solved by LU, from its formula. */
static void test_gp_against_lu(void **state)
{
    struct gp gp;
    const double length[COLUMNS] = {0.4, 0.7, 0.2};
    double room[TRAIN], m, s;
    gsl_matrix *k = gsl_matrix_alloc(TRAIN, TRAIN);
    gsl_vector *v = gsl_vector_alloc(TRAIN), *w = gsl_vector_alloc(TRAIN);
    gsl_permutation *p = gsl_permutation_alloc(TRAIN);
    int sign;
    (void)state;
    for (size_t i = 0; i <= TRAIN; i++) /* the last: the test point t[0] */
        for (size_t j = 0; j < TRAIN; j++) {
            double r2 = 0;
            for (size_t c = 0; c < COLUMNS; c++)
                r2 += pow(((i < TRAIN ? x[i * COLUMNS + c] : t[c]) - x[j * COLUMNS + c]) / length[c], 2);
            const double kij = 1.69 * (1 + sqrt(5 * r2) + 5 * r2 / 3) * exp(-sqrt(5 * r2));
            if (i < TRAIN)
                gsl_matrix_set(k, i, j, kij + (i == j ? 0.01 : 0));
            else
                gsl_vector_set(v, j, kij);
        }
    gsl_linalg_LU_decomp(k, p, &sign);
    gsl_linalg_LU_solve(k, p, v, w);
    double expected = 0, variance = 1.69;
    for (size_t i = 0; i < TRAIN; i++) {
        expected += gsl_vector_get(w, i) * y[i];
        variance -= gsl_vector_get(w, i) * gsl_vector_get(v, i);
    }
    condition(&gp, NULL, log(0.1), 0);
    gp_predict(&gp, t, room, &m, &s);
    assert_true(fabs(m - expected) < 1e-7);
    assert_true(fabs(s * s - variance) < 1e-7);
    gsl_permutation_free(p);
    gsl_vector_free(v);
    gsl_vector_free(w);
    gsl_matrix_free(k);
}

/* With the priors, standardised, and two columns of one choice sharing a length. */
struct along {
    size_t which;
    double at[4];
};
static const uint32_t shared[COLUMNS] = {0, 1, 1};
static double objective_along(double v, void *context)
{
    struct along a = *(struct along *)context;
    struct gp gp;
    double value;
    a.at[a.which] = v;
    assert_ok(gp_condition(x, y, TRAIN, COLUMNS, shared, a.at, 2, a.at[2], a.at[3], 1, arena, &gp));
    value = gp_objective(&gp, 1, NULL);
    return value;
}
static void test_gp_gradient(void **state)
{
    struct along a = {0, {-0.4, 0.2, 0.3, -1.5}};
    struct gp gp;
    double g[4];
    (void)state;
    assert_ok(gp_condition(x, y, TRAIN, COLUMNS, shared, a.at, 2, a.at[2], a.at[3], 1, arena, &gp));
    assert_true(gp_objective(&gp, 1, g) == objective_along(a.at[0], &a));
    for (a.which = 0; a.which < 4; a.which++) {
        double numeric, error;
        gsl_function f = {objective_along, &a};
        gsl_deriv_central(&f, a.at[a.which], 1e-3, &numeric, &error);
        assert_true(fabs(numeric - g[a.which]) < 1e-5 * (1 + fabs(g[a.which])));
    }
}

/* The found maximum is none worse than the starts and their neighbours. */
static void test_gp_fit(void **state)
{
    struct gp gp, other;
    double best, value;
    (void)state;
    assert_ok(gp_fit(x, y, TRAIN, COLUMNS, owner, COLUMNS, arena, &gp));
    best = gp_objective(&gp, 1, NULL);
    for (size_t which = 0; which < COLUMNS + 2; which++)
        for (int sign = -1; sign <= 1; sign += 2) {
            double length[COLUMNS], amplitude = gp.log_amplitude, noise = gp.log_noise;
            memcpy(length, gp.log_length, sizeof length);
            *(which < COLUMNS ? &length[which] : which == COLUMNS ? &amplitude : &noise) += 0.05 * sign;
            assert_ok(gp_condition(x, y, TRAIN, COLUMNS, owner, length, COLUMNS, amplitude, noise, 1, arena,
                                   &other));
            value = gp_objective(&other, 1, NULL);
            assert_true(value <= best + 1e-6);
        }
}

static double ei_integrand(double f, void *context)
{
    const double *a = context; /* mean, deviation, best */
    return fmax(f - a[2], 0) * gsl_ran_gaussian_pdf(f - a[0], a[1]);
}
static void test_expected_improvement(void **state)
{
    gsl_integration_workspace *w = gsl_integration_workspace_alloc(1000);
    (void)state;
    for (int i = 0; i < EI; i++)
        assert_true(fabs(expected_improvement(ei[i][0], ei[i][1], ei[i][2]) - ei[i][3]) < 1e-10);
    for (int i = 0; i < 50; i++) {
        double a[3] = {random_normal(1, RANDOM_SEARCH, 0, (uint64_t)i),
                       0.05 + random_unit(1, RANDOM_SEARCH, 1, (uint64_t)i),
                       random_normal(1, RANDOM_SEARCH, 2, (uint64_t)i)},
               value, error;
        gsl_function f = {ei_integrand, a};
        gsl_integration_qags(&f, a[2], fmax(a[2], a[0]) + 12 * a[1], 1e-13, 1e-10, 1000, w, &value, &error);
        assert_true(fabs(expected_improvement(a[0], a[1], a[2]) - value) < 1e-9);
    }
    assert_true(expected_improvement(2, 0, 1.5) == 0.5 && expected_improvement(1, 0, 1.5) == 0);
    gsl_integration_workspace_free(w);
}

/* ---- spaces */
static const struct search_dimension mixed[] = {
    {.kind = SEARCH_REAL, .low = 1e-4, .high = 10, .log = true, .steps = 6},
    {.kind = SEARCH_INTEGER, .low = 1, .high = 9},
    {.kind = SEARCH_INTEGER, .low = 8, .high = 1024, .log = true, .steps = 8},
    {.kind = SEARCH_CHOICE, .low = 0, .high = 2},
    {.kind = SEARCH_REAL, .low = -1, .high = 1, .steps = 3},
};
static const struct search_space space = {5, mixed};

static void test_values(void **state)
{
    (void)state;
    for (size_t d = 0; d < space.n; d++) {
        double before = -INFINITY;
        for (int i = 0; i <= 1000; i++) {
            const double v = search_value(&mixed[d], i / 1000.0);
            assert_true(v >= mixed[d].low && v <= mixed[d].high && v >= before);
            assert_true(fabs(search_value(&mixed[d], search_unit(&mixed[d], v)) - v) <= 1e-12 * fabs(v));
            before = v;
        }
        assert_true(fabs(search_value(&mixed[d], 0) - mixed[d].low) <= 1e-12 * fabs(mixed[d].low));
        assert_true(fabs(before - mixed[d].high) <= 1e-12 * fabs(mixed[d].high));
    }
    assert_true(fabs(search_value(&mixed[0], 0.5) - sqrt(1e-4 * 10)) < 1e-12);
    int share[3] = {0}; /* choices are as likely as each other */
    for (int i = 0; i < 3000; i++)
        share[(int)search_value(&mixed[3], (i + 0.5) / 3000)]++;
    assert_true(share[0] == 1000 && share[1] == 1000 && share[2] == 1000);
}

static void test_grid(void **state)
{
    double p[5], last[5] = {0};
    (void)state;
    assert_int_equal(search_grid_size(&space), 6 * 9 * 8 * 3 * 3);
    search_grid_point(&space, 0, p);
    assert_true(p[0] == 1e-4 && p[1] == 1 && p[2] == 8 && p[3] == 0 && p[4] == -1);
    search_grid_point(&space, 1, p);
    assert_true(p[4] == 0 && p[3] == 0);
    search_grid_point(&space, search_grid_size(&space) - 1, last);
    assert_true(last[0] == 10 && last[1] == 9 && last[2] == 1024 && last[3] == 2 && last[4] == 1);
    const struct search_dimension few = {
        .kind = SEARCH_INTEGER, .low = 1, .high = 4, .log = true, .steps = 4};
    const struct search_dimension rounded = {
        .kind = SEARCH_INTEGER, .low = 1, .high = 8, .log = true, .steps = 7};
    assert_int_equal(search_levels(&few), 4);
    assert_int_equal(search_levels(&rounded),
                     6); /* 1, 1.41, 2, 2.83, 4, 5.66, 8: two of them round to 1 or 3 .. */
    for (uint32_t l = 1; l < 6; l++)
        assert_true(search_level(&rounded, l) > search_level(&rounded, l - 1));
}

/* ---- strategies */
static double smooth(const double *v)
{
    double sum = 0;
    const double centre[3] = {0.3, 0.62, 0.45};
    for (int i = 0; i < 3; i++)
        sum -= (v[i] - centre[i]) * (v[i] - centre[i]) * (1 + 2 * i);
    return sum + 0.2 * cos(3 * v[0]) * sin(2 * v[1]);
}

/* Runs a whole search of smooth(); the best value after each trial goes to best (may be NULL). */
static size_t search(const struct search_options *o, const struct search_space *s, struct search_trial *done,
                     size_t limit, double *best)
{
    size_t n = 0;
    for (bool end = false; n < limit; n++) {
        assert_ok(search_next(o, s, done, n, arena, &done[n], &end));
        if (end)
            break;
        done[n].value = smooth(done[n].x);
        if (best != NULL)
            best[n] = done[search_best(done, n + 1)].value;
    }
    return n;
}

static const struct search_dimension cube[] = {{.kind = SEARCH_REAL, .low = 0, .high = 1},
                                               {.kind = SEARCH_REAL, .low = 0, .high = 1},
                                               {.kind = SEARCH_REAL, .low = 0, .high = 1}};
static const struct search_space cube_space = {3, cube};

/* On a smooth function Bayesian search of 25 trials comes nearer to the best than random search does, over seeds: nearer in nearly all, and
 * by far in the mean. */
static void test_bayesian_beats_random(void **state)
{
    struct search_trial done[32];
    double top = -INFINITY, gap[2] = {0};
    int wins = 0;
    enum { SEEDS = 8 };
    (void)state;
    for (int i = 0; i < 64 * 64 * 64; i++) {
        const double v[3] = {(i % 64) / 63.0, (i / 64 % 64) / 63.0, (i / 4096) / 63.0};
        top = fmax(top, smooth(v));
    }
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        double found[2];
        for (int b = 0; b < 2; b++) {
            const struct search_options o = {
                .strategy = b ? SEARCH_BAYESIAN : SEARCH_RANDOM, .trials = 25, .seed = seed, .initial = 6};
            double best[32];
            assert_int_equal(search(&o, &cube_space, done, 32, best), 25);
            found[b] = top - best[24];
            gap[b] += found[b] / SEEDS;
        }
        wins += found[1] < found[0];
    }
    assert_true(wins >= SEEDS - 1);
    assert_true(gap[1] < gap[0] / 5);
}

/* A search that was stopped proposes what one that was not would have; a smaller budget is a part of a larger one. */
static void test_goes_on(void **state)
{
    static const enum search_strategy all[] = {SEARCH_RANDOM, SEARCH_SOBOL, SEARCH_BAYESIAN};
    struct search_trial whole[16], again;
    (void)state;
    for (int s = 0; s < 3; s++) {
        struct search_options o = {.strategy = all[s], .trials = 14, .seed = 9, .initial = 5};
        assert_int_equal(search(&o, &space, whole, 16, NULL), 14);
        for (size_t n = 0; n < 10; n++) {
            bool end;
            o.trials = 10;
            assert_ok(search_next(&o, &space, whole, n, arena, &again, &end));
            assert_false(end);
            assert_memory_equal(again.x, whole[n].x, space.n * sizeof(double));
            for (size_t before = 0; before < n; before++)
                assert_true(memcmp(whole[n].x, whole[before].x, space.n * sizeof(double)) != 0);
        }
        o.seed = 10;
        bool end;
        assert_ok(search_next(&o, &space, whole, 0, arena, &again, &end));
        assert_true(memcmp(again.x, whole[0].x, space.n * sizeof(double)) != 0);
    }
}

/* Sobol's points fill the space: in 16 of them each quarter of each axis has four. */
static void test_sobol_is_even(void **state)
{
    const struct search_options o = {.strategy = SEARCH_SOBOL, .trials = 64, .seed = 3};
    struct search_trial done[64];
    (void)state;
    assert_int_equal(search(&o, &cube_space, done, 64, NULL), 64);
    for (int d = 0; d < 3; d++) {
        int share[4] = {0};
        for (int i = 0; i < 64; i++)
            share[(int)(done[i].x[d] * 4) & 3]++;
        for (int q = 0; q < 4; q++)
            assert_in_range(share[q], 14, 18);
    }
}

/* Random draws are uniform in each dimension, a choice's likewise. */
static void test_random_is_uniform(void **state)
{
    const struct search_options o = {.strategy = SEARCH_RANDOM, .trials = 400, .seed = 0};
    static struct search_trial done[400];
    int share[3] = {0}, low = 0;
    (void)state;
    for (size_t n = 0; n < 400; n++) {
        bool end;
        assert_ok(search_next(&o, &space, done, n, arena, &done[n], &end));
        share[(int)done[n].x[3]]++;
        low += done[n].x[0] < sqrt(1e-4 * 10);
    }
    for (int c = 0; c < 3; c++)
        assert_in_range(share[c], 105, 162); /* 133 +- 3 standard deviations */
    assert_in_range(low, 170, 230);
}

static void test_small_space_ends(void **state)
{
    static const struct search_dimension two[] = {{.kind = SEARCH_CHOICE, .low = 0, .high = 1},
                                                  {.kind = SEARCH_INTEGER, .low = 1, .high = 3}};
    const struct search_space s = {2, two};
    static const enum search_strategy all[] = {SEARCH_GRID, SEARCH_RANDOM, SEARCH_SOBOL, SEARCH_BAYESIAN};
    struct search_trial done[32];
    (void)state;
    for (int i = 0; i < 4; i++) {
        const struct search_options o = {.strategy = all[i], .trials = 20, .seed = 1, .initial = 3};
        size_t n = 0;
        bool end = false;
        for (; n < 20; n++) {
            assert_ok(search_next(&o, &s, done, n, arena, &done[n], &end));
            if (end)
                break;
            done[n].value = n == 3 ? NAN : done[n].x[1] - done[n].x[0]; /* one fails */
        }
        assert_int_equal(n, 6);
        assert_true(done[search_best(done, n)].value >= 2);
    }
}

static void test_halving(void **state)
{
    const struct search_options o = {.strategy = SEARCH_HALVING,
                                     .trials = 27,
                                     .seed = 2,
                                     .resource_low = 3,
                                     .resource_high = 81,
                                     .eta = 3};
    struct search_trial done[64];
    (void)state;
    assert_int_equal(search_rungs(&o), 4);
    const size_t n = search(&o, &cube_space, done, 64, NULL);
    assert_int_equal(n, 27 + 9 + 3 + 1);
    assert_int_equal(n, search_total(&o, &cube_space));
    const double resource[4] = {3, 9, 27, 81};
    size_t first[5] = {0, 27, 36, 39, 40};
    for (uint32_t r = 0; r < 4; r++)
        for (size_t i = first[r]; i < first[r + 1]; i++) {
            assert_int_equal(done[i].rung, r);
            assert_true(done[i].resource == resource[r]);
            size_t better = 0; /* of the rung below: this rung holds its best, best first */
            for (size_t j = r > 0 ? first[r - 1] : 0; r > 0 && j < first[r]; j++)
                better += done[j].value > done[i].value;
            assert_true(r == 0 || better == i - first[r]);
        }
    assert_int_equal(search_best(done, n), 39); /* the one with the largest resource */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gp_golden),
        cmocka_unit_test(test_gp_against_lu),
        cmocka_unit_test(test_gp_gradient),
        cmocka_unit_test(test_gp_fit),
        cmocka_unit_test(test_expected_improvement),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_bayesian_beats_random),
        cmocka_unit_test(test_goes_on),
        cmocka_unit_test(test_sobol_is_even),
        cmocka_unit_test(test_small_space_ends),
        cmocka_unit_test(test_random_is_uniform),
        cmocka_unit_test(test_halving),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
