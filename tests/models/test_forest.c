/*
 * test_forest.c - trees against scikit-learn's and xgboost's (tests/golden/trees.csv, made by tools/golden-trees.py, which names
 * versions), a best split against trying them all, LambdaMART's gradient against the numerical one, files, threads.
 */
#include "mf_fixture.h"

#include <gsl/gsl_deriv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "models/forest_boost.h"

enum { ROWS = 240, COLUMNS = 4, FIELDS = 11 };
enum { REAL = 4, LABEL, CART, PRUNED, GINI, LOGISTIC, SQUARED };

static float golden[ROWS][FIELDS];
static struct arena *arena;
static struct run run;
static const char *names[] = {"x0", "x1", "x2", "x3", "c0"};
static bool no_category[5];

static int set_up(void **state)
{
    char line[512];
    FILE *file = fopen("tests/golden/trees.csv", "r");
    (void)state;
    if (file == NULL || fgets(line, sizeof line, file) == NULL || fgets(line, sizeof line, file) == NULL)
        return -1;
    for (int r = 0; r < ROWS; r++) {
        if (fgets(line, sizeof line, file) == NULL)
            return -1;
        char *at = line;
        for (int f = 0; f < FIELDS; f++) {
            golden[r][f] = *at == ',' ? NAN : strtof(at, &at);
            at++; /* the comma */
        }
    }
    fclose(file);
    arena = arena_new();
    run = (struct run){.arena = arena, .scratch = arena, .seed = 5, .cancelled = &fixture_cancelled};
    return backend_open("cpu", 2, &run.backend);
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* The table of some of the golden columns. */
static const float *columns_of(const int *which, uint32_t n, struct tree_columns *columns,
                               struct tree_table *table)
{
    float *x = arena_alloc(arena, (size_t)ROWS * n, sizeof *x);
    for (int r = 0; r < ROWS; r++)
        for (uint32_t c = 0; c < n; c++)
            x[(size_t)r * n + c] = golden[r][which[c]];
    *columns = (struct tree_columns){n, names, no_category};
    assert_int_equal(tree_table_build(columns, x, ROWS, arena, arena, table), STATUS_OK);
    return x;
}

static float *target(int field)
{
    float *y = arena_alloc(arena, ROWS, sizeof *y);
    for (int r = 0; r < ROWS; r++)
        y[r] = golden[r][field];
    return y;
}

static void compare(const struct forest *f, const float *x, uint32_t n, int field, double tolerance)
{
    float y[ROWS];
    assert_int_equal(forest_predict(f, run.backend, x, n, ROWS, y), STATUS_OK);
    for (int r = 0; r < ROWS; r++)
        if (!(fabs((double)y[r] - (double)golden[r][field]) <= tolerance))
            fail_msg("row %d: %.7g, the reference predicts %.7g", r, (double)y[r], (double)golden[r][field]);
}

static void test_cart_is_scikit_learns(void **state)
{
    static const int which[] = {0, 1, 3};
    const struct tree_options options[] = {{.max_depth = 4, .min_hessian = 5},
                                           {.min_hessian = 1, .ccp_alpha = 0.02},
                                           {.max_depth = 3, .min_hessian = 10}};
    const int fields[] = {CART, PRUNED, GINI};
    struct tree_columns columns;
    struct tree_table table;
    const float *x = columns_of(which, 3, &columns, &table);
    (void)state;
    for (int i = 0; i < 3; i++) {
        const struct boost_data data = {.table = &table, .y = target(i < 2 ? REAL : LABEL), .group_size = 1};
        struct forest f;
        assert_int_equal(bagging_fit(&data, &options[i], 1, false, &run, arena, &f), STATUS_OK);
        compare(&f, x, 3, fields[i], 2e-6);
    }
}

static void test_boosting_is_xgboosts(void **state)
{
    static const int which[] = {0, 1, 2, 3};
    struct tree_columns columns;
    struct tree_table table;
    struct boost_report report;
    const float *x = columns_of(which, 4, &columns, &table);
    (void)state;
    for (int i = 0; i < 2; i++) {
        const struct boost_options options = {
            .loss = i == 0 ? BOOST_LOGISTIC : BOOST_SQUARED,
            .trees = 20,
            .learning_rate = 0.3,
            .row_share = 1,
            .column_share = 1,
            .tree = {
                .max_depth = i == 0 ? 3 : 0, .max_leaves = i == 0 ? 0 : 6, .min_hessian = 1, .lambda = 1}};
        const struct boost_data data = {.table = &table, .y = target(i == 0 ? LABEL : REAL), .group_size = 1};
        struct forest f;
        assert_int_equal(boost_fit(&data, &options, &run, arena, &f, &report), STATUS_OK);
        assert_int_equal(report.trees, 20);
        compare(&f, x, 4, i == 0 ? LOGISTIC : SQUARED, 2e-4);
    }
}

/* Squared error of the best of all splits of a column of categories and missing values: every set of categories, missing values
 * on either side. */
static double best_of_all(const int *category, const float *y, int n, int n_categories, int min_rows)
{
    double best = INFINITY;
    for (int set = 0; set < 1 << (n_categories + 1); set++) { /* bit 0: the missing values */
        double sum[2] = {0}, squares[2] = {0}, rows[2] = {0};
        for (int r = 0; r < n; r++) {
            const int side = set >> category[r] & 1;
            sum[side] += (double)y[r], squares[side] += (double)y[r] * (double)y[r], rows[side]++;
        }
        if (rows[0] >= min_rows && rows[1] >= min_rows)
            best =
                fmin(best, squares[0] - sum[0] * sum[0] / rows[0] + squares[1] - sum[1] * sum[1] / rows[1]);
    }
    return best;
}

static void test_categories_split_as_well_as_any_set(void **state)
{
    enum { N = 150, CATEGORIES = 7 };
    bool is_category[] = {true};
    const struct tree_columns columns = {1, &names[4], is_category};
    (void)state;
    for (uint32_t trial = 0; trial < 6; trial++) {
        float x[N], y[N], predicted[N];
        int category[N];
        struct tree_table table;
        struct forest f;
        double error = 0;
        for (int r = 0; r < N; r++) {
            category[r] = (int)(random_unit(trial, RANDOM_SYNTH, 0, (uint64_t)r) * (CATEGORIES + 1));
            x[r] = category[r] == 0 && r % 2 ? NAN : (float)category[r];
            y[r] = (float)(random_normal(trial, RANDOM_SYNTH, 1, (uint64_t)r) + (category[r] * 5 % 8) * 0.3);
        }
        assert_int_equal(tree_table_build(&columns, x, N, arena, arena, &table), STATUS_OK);
        const struct boost_data data = {.table = &table, .y = y, .group_size = 1};
        const struct tree_options options = {.max_depth = 1, .min_hessian = 8};
        assert_int_equal(bagging_fit(&data, &options, 1, false, &run, arena, &f), STATUS_OK);
        assert_int_equal(forest_predict(&f, run.backend, x, 1, N, predicted), STATUS_OK);
        for (int r = 0; r < N; r++)
            error += pow((double)predicted[r] - (double)y[r], 2);
        assert_float_equal(error, best_of_all(category, y, N, CATEGORIES, 8), 1e-3);
    }
}

/* Pairs' losses with NDCG's changes held at what they are at F. */
struct lambda {
    const float *y;
    double F[6], change[6][6];
    int at;
};
static double lambda_loss(double value, void *context)
{
    struct lambda *l = context;
    const double kept = l->F[l->at];
    double sum = 0;
    l->F[l->at] = value;
    for (int i = 0; i < 6; i++)
        for (int j = 0; j < 6; j++)
            if (l->y[i] > l->y[j])
                sum += l->change[i][j] * log1p(exp(l->F[j] - l->F[i]));
    l->F[l->at] = kept;
    return sum;
}

static void test_lambdamart_gradient(void **state)
{
    static const float y[6] = {2, 0, 1, 0, 3, 1}, F[6] = {0.3f, 0.9f, -0.4f, 0.1f, 0.2f, 1.2f};
    static const int place[6] = {2, 1, 5, 4, 3, 0}; /* of F, falling */
    struct tree_columns columns;
    struct tree_table table;
    static const int which[] = {0};
    float gradient[6], hessian[6];
    struct lambda l = {.y = y};
    double best = 0;
    static const double sorted[6] = {3, 2, 1, 1, 0, 0};
    (void)state;
    columns_of(which, 1, &columns, &table);
    table.n = 6;
    for (int i = 0; i < 6; i++)
        best += (exp2(sorted[i]) - 1) / log2(i + 2.0);
    for (int i = 0; i < 6; i++) {
        l.F[i] = (double)F[i];
        for (int j = 0; j < 6; j++)
            l.change[i][j] = fabs((exp2((double)y[i]) - exp2((double)y[j])) *
                                  (1 / log2(place[i] + 2.0) - 1 / log2(place[j] + 2.0))) /
                             best;
    }
    const struct boost_data data = {.table = &table, .y = y, .group_size = 6};
    boost_loss(&data, BOOST_LAMBDAMART, F, false, gradient, hessian);
    for (l.at = 0; l.at < 6; l.at++) {
        gsl_function f = {lambda_loss, &l};
        double want, error;
        gsl_deriv_central(&f, l.F[l.at], 1e-3, &want, &error);
        assert_float_equal(gradient[l.at], want, 1e-6 + 10 * error);
        assert_true(hessian[l.at] > 0);
    }
}

static void test_stops_early_and_learns_lists(void **state)
{
    enum { GROUPS = 300, SIZE = 5, N = GROUPS * SIZE };
    static float x[N * 2], y[N];
    static unsigned char valid[GROUPS];
    const struct tree_columns columns = {2, names, no_category};
    struct tree_table table;
    struct boost_report report;
    (void)state;
    for (uint32_t i = 0; i < N; i++) { /* the relevant one of a group has the larger x0, x1 is noise */
        y[i] = i % SIZE == 0;
        x[2 * i] = (float)(random_normal(1, RANDOM_SYNTH, 0, i) + 1.2 * (double)y[i]);
        x[2 * i + 1] = (float)random_normal(1, RANDOM_SYNTH, 1, i);
        valid[i / SIZE] = i / SIZE % 4 == 0;
    }
    assert_int_equal(tree_table_build(&columns, x, N, arena, arena, &table), STATUS_OK);
    const struct boost_data data = {.table = &table, .y = y, .group_size = SIZE, .valid = valid};
    for (int loss = BOOST_LOGISTIC; loss <= BOOST_LAMBDAMART; loss++) {
        const struct boost_options options = {.loss = loss,
                                              .trees = 200,
                                              .patience = 10,
                                              .learning_rate = 0.2,
                                              .row_share = 0.8,
                                              .column_share = 1,
                                              .tree = {.max_leaves = 8, .min_hessian = 1, .lambda = 1}};
        struct forest f, again;
        double importance[2];
        assert_int_equal(boost_fit(&data, &options, &run, arena, &f, &report), STATUS_OK);
        assert_true(report.trees < 200 && report.trees >= 1);
        forest_importance(&f, 2, importance);
        assert_true(importance[0] > 2 * importance[1]);
        assert_int_equal(backend_open("cpu", 1, &run.backend), STATUS_OK); /* the same with one thread */
        assert_int_equal(boost_fit(&data, &options, &run, arena, &again, &report), STATUS_OK);
        assert_int_equal(backend_open("cpu", 2, &run.backend), STATUS_OK);
        assert_int_equal(f.n_nodes, again.n_nodes);
        assert_memory_equal(f.node, again.node, f.n_nodes * sizeof *f.node);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cart_is_scikit_learns),
        cmocka_unit_test(test_boosting_is_xgboosts),
        cmocka_unit_test(test_categories_split_as_well_as_any_set),
        cmocka_unit_test(test_lambdamart_gradient),
        cmocka_unit_test(test_stops_early_and_learns_lists),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
