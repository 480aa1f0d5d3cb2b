/*
 * test_svd.c - ratings with biases: planted ratings are found, threads change nothing, files come back, and on
 * MovieLens-100K it is as good as Surprise's SVD (skipped where the data is not at hand).
 */
#include "mf_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct model_type model_svd;

enum { USERS = 80, ITEMS = 60 };

/* Ratings 3 + b_u + c_i + x_u y_i, with a tenth held out; user 4 and item 8 are not rated. */
static uint32_t test_user[USERS * ITEMS], test_item[USERS * ITEMS];
static float test_value[USERS * ITEMS];
static size_t n_test;

static double normal(uint32_t stream, uint64_t i)
{
    return random_normal(5, RANDOM_SYNTH, stream, i);
}

static void open_planted(struct fixture *f, uint32_t n_users)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    uint64_t n = 0;
    n_test = 0;
    for (uint32_t u = 0; u < n_users; u++)
        for (uint32_t i = 0; i < ITEMS; i++) {
            const float r =
                (float)(3 + 0.5 * normal(0, u) + 0.5 * normal(1, i) + normal(2, u) * normal(3, i));
            if (u == 4 || i == 8)
                continue;
            if (n_users > 1 && random_unit(6, RANDOM_SYNTH, u, i) < 0.1)
                test_user[n_test] = u, test_item[n_test] = i, test_value[n_test++] = r;
            else
                user[n] = u, item[n] = i, value[n++] = r;
        }
    fixture_open(f, n_users, ITEMS, n, user, item, value);
}

static double rmse(const void *state, size_t n, const uint32_t *user, const uint32_t *item,
                   const float *value)
{
    double sum = 0;
    for (size_t j = 0; j < n; j++) {
        float score;
        assert_int_equal(model_svd.score_pairs(state, user + j, item + j, 1, &score), STATUS_OK);
        sum += (score - value[j]) * (score - value[j]);
    }
    return sqrt(sum / (double)n);
}

static void test_planted_ratings_are_found(void **unused)
{
    (void)unused;
    static const char *const settings[] = {
        "{factors: 8, epochs: 200, learning_rate: 0.02, regularization: 0.01}",
        "{factors: 100, epochs: 200, learning_rate: 0.02, regularization: 0.05}",
        "{factors: 150, epochs: 200, learning_rate: 0.02, regularization: 0.05}"};
    struct fixture f;
    open_planted(&f, USERS);
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        const double error =
            rmse(fixture_fit(&f, &model_svd, settings[s]), n_test, test_user, test_item, test_value);
        if (!(error < 0.25)) /* the ratings' own spread is 1.2 */
            fail_msg("%s: RMSE %g", settings[s], error);
    }
    fixture_close(&f);
}

/* What remains of the sum for a user or an item without a rating. */
static void test_unknown_user_and_item(void **unused)
{
    (void)unused;
    struct fixture f;
    struct factors m;
    const uint32_t user[3] = {4, 4, 1}, item[3] = {8, 1, 8};
    float score[3];
    open_planted(&f, USERS);
    const void *state = fixture_fit(&f, &model_svd, "");
    double mean = 0;
    for (int64_t e = 0; e < f.by_user.nnz; e++)
        mean += f.by_user.val[e] / (double)f.by_user.nnz;
    assert_int_equal(model_svd.score_pairs(state, user, item, 3, score), STATUS_OK);
    assert_int_equal(model_svd.factors(state, &m), STATUS_OK);
    assert_true(fabs(score[0] - mean) < 1e-5);
    assert_true(fabs(score[1] - mean - m.item_bias[1]) < 1e-5);
    assert_true(fabs(score[2] - mean - m.user_bias[1]) < 1e-5);
    fixture_close(&f);
}

static void test_factors_and_pairs_agree(void **unused)
{
    (void)unused;
    struct fixture f;
    struct factors m;
    open_planted(&f, USERS);
    const void *state = fixture_fit(&f, &model_svd, "");
    assert_int_equal(model_svd.factors(state, &m), STATUS_OK);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++) {
            float score;
            double sum = m.offset + m.user_bias[u] + m.item_bias[i];
            for (uint32_t k = 0; k < m.factors; k++)
                sum += (double)m.user[u * m.ld_user + k] * m.item[i * m.ld_item + k];
            assert_int_equal(model_svd.score_pairs(state, &u, &i, 1, &score), STATUS_OK);
            assert_true(fabs(score - sum) < 1e-5);
        }
    fixture_close(&f);
}

static void test_clipped_on_demand(void **unused)
{
    (void)unused;
    struct fixture f;
    open_planted(&f, USERS);
    f.view.minimum_value = 2.5f, f.view.maximum_value = 3.5f;
    const void *free_state = fixture_fit(&f, &model_svd, ""),
               *held = fixture_fit(&f, &model_svd, "{clip: true}");
    int outside = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++) {
            float a, b;
            assert_int_equal(model_svd.score_pairs(free_state, &u, &i, 1, &a), STATUS_OK);
            assert_int_equal(model_svd.score_pairs(held, &u, &i, 1, &b), STATUS_OK);
            outside += a < 2.5f || a > 3.5f;
            assert_true(b == (a < 2.5f ? 2.5f : a > 3.5f ? 3.5f : a));
        }
    assert_true(outside > 0);
    fixture_close(&f);
}

static void test_threads_and_repeats_give_the_same_bytes(void **unused)
{
    (void)unused;
    struct fixture f;
    struct factors one, two;
    open_planted(&f, USERS);
    assert_int_equal(backend_open("cpu", 1, &f.run.backend), STATUS_OK);
    assert_int_equal(model_svd.factors(fixture_fit(&f, &model_svd, ""), &one), STATUS_OK);
    assert_int_equal(backend_open("cpu", 2, &f.run.backend), STATUS_OK);
    assert_int_equal(model_svd.factors(fixture_fit(&f, &model_svd, ""), &two), STATUS_OK);
    assert_memory_equal(one.user, two.user, USERS * one.ld_user * sizeof(float));
    assert_memory_equal(one.item, two.item, ITEMS * one.ld_item * sizeof(float));
    assert_memory_equal(one.user_bias, two.user_bias, USERS * sizeof(float));
    assert_memory_equal(one.item_bias, two.item_bias, ITEMS * sizeof(float));
    f.run.seed = 43;
    assert_int_equal(model_svd.factors(fixture_fit(&f, &model_svd, ""), &two), STATUS_OK);
    assert_memory_not_equal(one.user, two.user, USERS * one.ld_user * sizeof(float));
    fixture_close(&f);
}

static void test_saved_and_loaded_is_the_same(void **unused)
{
    (void)unused;
    static const char *const settings[] = {"", "{clip: true}", "{factors: 20}"};
    struct fixture f;
    char path[] = "/tmp/recfuse-svd-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    open_planted(&f, USERS);
    f.view.minimum_value = 2.5f;
    for (size_t s = 0; s < 3; s++) {
        const void *params = fixture_params(&f, &model_svd, settings[s]);
        const void *state = fixture_fit(&f, &model_svd, settings[s]);
        void *again = fixture_state(&f, &model_svd);
        assert_int_equal(model_save(path, &model_svd, params, state), STATUS_OK);
        assert_int_equal(model_load(path, &model_svd, params, &f.run, again), STATUS_OK);
        for (uint32_t u = 0; u < USERS; u++)
            for (uint32_t i = 0; i < ITEMS; i++) {
                float a, b;
                assert_int_equal(model_svd.score_pairs(state, &u, &i, 1, &a), STATUS_OK);
                assert_int_equal(model_svd.score_pairs(again, &u, &i, 1, &b), STATUS_OK);
                assert_true(a == b);
            }
    }
    unlink(path);
    fixture_close(&f);
}

static void test_one_user_cancelled_diverged_no_ratings(void **unused)
{
    (void)unused;
    struct fixture f;
    void *params;
    open_planted(&f, 1);
    fixture_fit(&f, &model_svd, "");
    fixture_cancelled = 1;
    params = fixture_params(&f, &model_svd, "");
    assert_int_equal(model_svd.fit(fixture_state(&f, &model_svd), params, &f.view, &f.run), STATUS_STOPPED);
    fixture_close(&f);
    open_planted(&f, USERS);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    params = fixture_params(&f, &model_svd, "{learning_rate: 10}");
    assert_int_equal(model_svd.fit(fixture_state(&f, &model_svd), params, &f.view, &f.run), STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "learning_rate"));
    f.by_user.val = NULL;
    assert_int_equal(model_svd.fit(fixture_state(&f, &model_svd), params, &f.view, &f.run), STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "no ratings"));
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&f);
}

/* ---- MovieLens-100K ---- */

enum { ML_ROWS = 100000, ML_USERS = 943, ML_ITEMS = 1682 };

static FILE *open_movielens(const char *name)
{
    const char *places[] = {getenv("RECFUSE_DATA"), "../shared/data", "datasets"};
    for (size_t i = 0; i < 3; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/movielens-100k/%s%s", places[i] != NULL ? places[i] : "",
                 i == 2 ? "raw/" : "", name);
        FILE *file = places[i] != NULL ? fopen(path, "r") : NULL;
        if (file != NULL)
            return file;
    }
    return NULL;
}

/* Surprise's SVD, default parameters, on the folds of its own benchmark: mean RMSE 0.9344 (measured with
 * scikit-surprise 1.1.5, random_state 0, on this fold file; its README says 0.934). */
static void test_as_good_as_surprise(void **unused)
{
    (void)unused;
    static uint32_t user[ML_ROWS], item[ML_ROWS];
    static float value[ML_ROWS];
    static int fold[ML_ROWS];
    FILE *data = open_movielens("u.data"), *folds = open_movielens("surprise-5fold.txt");
    if (data == NULL || folds == NULL) {
        if (data != NULL)
            fclose(data);
        if (folds != NULL)
            fclose(folds);
        print_message("skipped: tools/get-data.sh movielens-100k brings the data\n");
        skip();
    }
    for (int j = 0; j < ML_ROWS; j++) {
        unsigned u, i;
        assert_int_equal(fscanf(data, "%u %u %f %*s", &u, &i, &value[j]), 3);
        assert_int_equal(fscanf(folds, "%d", &fold[j]), 1);
        user[j] = u - 1, item[j] = i - 1;
    }
    fclose(data), fclose(folds);
    double mean = 0;
    for (int held = 0; held < 5; held++) {
        static uint32_t train_user[ML_ROWS], train_item[ML_ROWS], other_user[ML_ROWS], other_item[ML_ROWS];
        static float train_value[ML_ROWS], other_value[ML_ROWS];
        size_t n = 0, m = 0;
        struct fixture f;
        for (int j = 0; j < ML_ROWS; j++)
            if (fold[j] == held)
                other_user[m] = user[j], other_item[m] = item[j], other_value[m++] = value[j];
            else
                train_user[n] = user[j], train_item[n] = item[j], train_value[n++] = value[j];
        fixture_open(&f, ML_USERS, ML_ITEMS, n, train_user, train_item, train_value);
        const double error =
            rmse(fixture_fit(&f, &model_svd, "{clip: true}"), m, other_user, other_item, other_value);
        print_message("fold %d: RMSE %.4f\n", held, error);
        mean += error / 5;
        fixture_close(&f);
    }
    print_message("mean RMSE %.4f, Surprise's SVD 0.9344\n", mean);
    assert_true(fabs(mean - 0.9344) < 0.006);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_planted_ratings_are_found),
        cmocka_unit_test(test_unknown_user_and_item),
        cmocka_unit_test(test_factors_and_pairs_agree),
        cmocka_unit_test(test_clipped_on_demand),
        cmocka_unit_test(test_threads_and_repeats_give_the_same_bytes),
        cmocka_unit_test(test_saved_and_loaded_is_the_same),
        cmocka_unit_test(test_one_user_cancelled_diverged_no_ratings),
        cmocka_unit_test(test_as_good_as_surprise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
