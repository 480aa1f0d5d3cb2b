/*
 * test_ratings.c - rmse and mae: against sums by hand, clipped predictions, the pool over users, who has no value.
 */
#include "../test.h"

#include <math.h>

#include "eval/ratings.h"

/* A model that predicts 10 user + item. */
static enum status score(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                         float *scores)
{
    (void)state;
    for (size_t j = 0; j < n; j++)
        scores[j] = (float)(10 * users[j] + items[j]);
    return STATUS_OK;
}
static const struct model_type predictor = {
    .name = "predictor", .needs = NEEDS_RATINGS, .score_pairs = score};
static const struct model_type ranker = {.name = "ranker", .score_pairs = score};

static const int64_t ptr[] = {0, 2, 2, 3};
static const uint32_t idx[] = {1, 3, 0};
static const float val[] = {2, 1, 4};
static const struct csr test = {3, 4, 3, ptr, idx, val};
static const uint32_t users[] = {0, 1, 2}, rows[] = {2, 0, 1};

static void errors_by_hand(void **state)
{
    const struct metric_type *const metrics[] = {metric_find("rmse"), metric_find("mae")};
    double v[6];
    (void)state;
    /* predictions 1, 3 for user 0, 20 (held at 5) for user 2; errors -1, 2 and 1 */
    assert_ok(ratings_compute(&predictor, NULL, NULL, users, 3, &test, 1, 5, metrics, 2, v));
    assert_true(fabs(v[0] - sqrt(2.5)) < 1e-15 && isnan(v[1]) && fabs(v[2] - 1) < 1e-15);
    assert_true(fabs(v[3] - 1.5) < 1e-15 && isnan(v[4]) && fabs(v[5] - 1) < 1e-15);
    /* over the rows: (1 + 4 + 1) / 3, (1 + 2 + 1) / 3 */
    assert_true(fabs(metrics_pool(metrics[0], v, rows, 3) - sqrt(2)) < 1e-15);
    assert_true(fabs(metrics_pool(metrics[1], v + 3, rows, 3) - 4.0 / 3) < 1e-15);
    /* of a ranking metric the pool is the mean over users */
    assert_true(metrics_pool(metric_find("ndcg"), v + 3, rows, 3) == metrics_mean(v + 3, 3));
    /* with a wider scale nothing is held */
    assert_ok(ratings_compute(&predictor, NULL, NULL, users, 3, &test, -100, 100, metrics, 2, v));
    assert_true(fabs(v[5] - 16) < 1e-15);
}

static void who_has_no_value(void **state)
{
    const struct metric_type *const rmse = metric_find("rmse");
    double v[3] = {0, 0, 0};
    (void)state;
    assert_ok(ratings_compute(&ranker, NULL, NULL, users, 3, &test, 1, 5, &rmse, 1, v));
    for (int u = 0; u < 3; u++)
        assert_true(isnan(v[u]));
    assert_true(isnan(metrics_pool(rmse, v, rows, 3)));
    struct csr bare = test;
    bare.val = NULL;
    test_fails(ratings_compute(&predictor, NULL, NULL, users, 3, &bare, 1, 5, &rmse, 1, v), STATUS_DATA,
               "no ratings", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(errors_by_hand), cmocka_unit_test(who_has_no_value)};
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
