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
    const struct metric_at m[] = {{metric_find("rmse"), 0, DIALECT_DEFAULT},
                                  {metric_find("mae"), 0, DIALECT_DEFAULT},
                                  {metric_find("r2"), 0, DIALECT_DEFAULT},
                                  {metric_find("fcp"), 0, DIALECT_DEFAULT}};
    const struct metric_at ndcg = {metric_find("ndcg"), 10, DIALECT_DEFAULT};
    double v[12], pooled[4], parts[3 * (2 + 2 + 4 + 2)], *part = parts;
    (void)state;
    /* predictions 1, 3 for user 0, 20 (held at 5) for user 2; errors -1, 2 and 1 */
    assert_ok(ratings_compute(&predictor, NULL, NULL, users, 3, &test, 1, 5, m, 4, v, pooled, parts));
    for (int i = 0; i < 4; i++) { /* what users add, put together, is the value */
        double sum[METRIC_PARTS_MOST] = {0};
        for (unsigned j = 0; j < 3 * m[i].metric->n_parts; j++)
            sum[j % m[i].metric->n_parts] += part[j];
        assert_true(fabs(m[i].metric->of_parts(sum) - pooled[i]) < 1e-14);
        part += 3 * m[i].metric->n_parts;
    }
    assert_true(fabs(v[0] - sqrt(2.5)) < 1e-15 && isnan(v[1]) && fabs(v[2] - 1) < 1e-15);
    assert_true(fabs(v[3] - 1.5) < 1e-15 && isnan(v[4]) && fabs(v[5] - 1) < 1e-15);
    /* over the rows: (1 + 4 + 1) / 3, (1 + 2 + 1) / 3 */
    assert_true(fabs(metrics_pool(&m[0], v, rows, 3) - sqrt(2)) < 1e-15);
    assert_true(fabs(metrics_pool(&m[1], v + 3, rows, 3) - 4.0 / 3) < 1e-15);
    assert_true(fabs(pooled[0] - sqrt(2)) < 1e-15 && fabs(pooled[1] - 4.0 / 3) < 1e-15);
    /* ratings 2, 1 and 4, mean 7/3: squares about it 14/3; user 0's about 1.5: 0.5 */
    assert_true(fabs(pooled[2] - (1 - 6 / (14.0 / 3))) < 1e-14 && fabs(v[6] - (1 - 5 / 0.5)) < 1e-12);
    assert_true(isnan(v[7]) && isnan(v[8]));
    /* the only pair of one user, items 1 (2 stars, predicted 1) and 3 (1 star, predicted 3), is the wrong way round */
    assert_true(v[9] == 0 && isnan(v[10]) && isnan(v[11]) && pooled[3] == 0);
    /* of a ranking metric the pool is the mean over users */
    assert_true(metrics_pool(&ndcg, v + 3, rows, 3) == metrics_mean(v + 3, 3));
    /* with a wider scale nothing is held */
    assert_ok(ratings_compute(&predictor, NULL, NULL, users, 3, &test, -100, 100, m, 4, v, pooled, NULL));
    assert_true(fabs(v[5] - 16) < 1e-15);
}

static void who_has_no_value(void **state)
{
    const struct metric_at rmse = {metric_find("rmse"), 0, DIALECT_DEFAULT};
    double v[3] = {0, 0, 0}, pooled;
    (void)state;
    assert_ok(ratings_compute(&ranker, NULL, NULL, users, 3, &test, 1, 5, &rmse, 1, v, &pooled, NULL));
    for (int u = 0; u < 3; u++)
        assert_true(isnan(v[u]));
    assert_true(isnan(pooled) && isnan(metrics_pool(&rmse, v, rows, 3)));
    struct csr bare = test;
    bare.val = NULL;
    test_fails(ratings_compute(&predictor, NULL, NULL, users, 3, &bare, 1, 5, &rmse, 1, v, &pooled, NULL),
               STATUS_DATA, "no ratings", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(errors_by_hand), cmocka_unit_test(who_has_no_value)};
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
