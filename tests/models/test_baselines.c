/* test_baselines.c - random and popularity: what they promise, and their files. */
#include "small_view.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "../test.h"
#include "eval/metrics.h"
#include "eval/rank.h"
#include "eval/validate.h"
#include "registry.h"

static void *fitted(const char *name, struct small *s)
{
    const struct model_type *type = model_find(name);
    assert_non_null(type);
    void *state = arena_alloc(s->arena, 1, type->state_size),
         *params = arena_alloc(s->arena, 1, type->params_size);
    assert_ok(params_default(type->params, s->arena, params));
    assert_ok(type->fit(state, params, &s->view, &s->run));
    return state;
}

static float *scores_of(const char *name, const void *state, struct small *s, const uint32_t *users,
                        uint32_t n)
{
    float *scores = arena_alloc(s->arena, (size_t)n * s->view.n_items, sizeof *scores);
    const struct tile tile = {.scores = scores, .ld = s->view.n_items, .n_items = s->view.n_items};
    assert_ok(model_score_users(model_find(name), state, s->run.backend, users, n, &tile));
    return scores;
}

static void test_popularity_counts_train_rows(void **state)
{
    (void)state;
    struct small s;
    small_new(&s, 40, 31, 0.3, 1, 5, 2);
    const uint32_t users[] = {3, 39};
    const void *model = fitted("popularity", &s);
    const float *scores = scores_of("popularity", model, &s, users, 2);
    for (uint32_t i = 0; i < 31; i++) {
        int count = 0;
        for (uint32_t u = 0; u < 40; u++)
            count += s.dense[u * 31 + i] != 0;
        assert_true(scores[i] == (float)count && scores[31 + i] == (float)count);
    }
    assert_true(scores[30] == 0);
    small_free(&s);
}

/* Each pair has one score, whoever is scored with it; users and seeds differ; the order is fair. */
static void test_random_is_fair(void **state)
{
    (void)state;
    enum { USERS = 3000, ITEMS = 101, K = 5 };
    struct small s;
    small_new(&s, USERS, ITEMS, 0.01, 1, 5, 2);
    const void *model = fitted("random", &s);
    uint32_t users[USERS];
    for (uint32_t u = 0; u < USERS; u++)
        users[u] = u;
    const float *all = scores_of("random", model, &s, users, USERS),
                *some = scores_of("random", model, &s, users + 7, 2);
    assert_memory_equal(some, all + 7 * ITEMS, 2 * ITEMS * sizeof *all);
    double sum = 0;
    for (size_t j = 0; j < (size_t)USERS * ITEMS; j++) {
        assert_true(all[j] > 0 && all[j] <= 1);
        sum += all[j];
    }
    assert_true(fabs(sum / USERS / ITEMS - 0.5) < 5 * sqrt(1 / 12.0 / USERS / ITEMS));
    assert_int_not_equal(memcmp(all, all + ITEMS, ITEMS * sizeof *all), 0);
    /* hit rate of one fixed item: K / ITEMS within 5 standard errors */
    const struct rank_options o = {.k = K, .seed = 1};
    struct lists l;
    assert_ok(rank_users(model_find("random"), model, s.run.backend, ITEMS, users, USERS, &o, s.arena, &l));
    double hits = 0;
    for (uint32_t j = 0; j < USERS * K; j++)
        hits += l.item[j] == 42;
    assert_true(fabs(hits / USERS - (double)K / ITEMS) < 5 * sqrt((double)K / ITEMS / USERS));
    s.run.seed = 6;
    const float *other = scores_of("random", fitted("random", &s), &s, users, 1);
    assert_int_not_equal(memcmp(all, other, ITEMS * sizeof *all), 0);
    small_free(&s);
}

static void test_pairs_equal_users(void **state)
{
    (void)state;
    static const char *const names[] = {"random", "popularity"};
    struct small s;
    small_new(&s, 20, 13, 0.3, 1, 5, 1);
    for (int m = 0; m < 2; m++) {
        const void *model = fitted(names[m], &s);
        const struct model_type *type = model_find(names[m]);
        struct model_type rows_only = *type, pairs_only = *type;
        rows_only.score_pairs = NULL, pairs_only.score_users = NULL;
        uint32_t users[60], items[60];
        float pairs[60], by_rows[60], row[13], by_pairs[13];
        for (uint32_t p = 0; p < 60; p++)
            users[p] = p / 4, items[p] = random_u32(1, RANDOM_SYNTH, 0, p) % 13;
        assert_ok(model_score_pairs(type, model, s.run.backend, users, items, 60, 13, pairs));
        assert_ok(model_score_pairs(&rows_only, model, s.run.backend, users, items, 60, 13, by_rows));
        assert_memory_equal(pairs, by_rows, sizeof pairs);
        const struct tile one = {.scores = row, .ld = 13, .n_items = 13};
        const struct tile two = {.scores = by_pairs, .ld = 13, .n_items = 13};
        for (uint32_t p = 0; p < 60; p++) {
            assert_ok(model_score_users(type, model, s.run.backend, &users[p], 1, &one));
            assert_true(row[items[p]] == pairs[p]);
            assert_ok(model_score_users(&pairs_only, model, s.run.backend, &users[p], 1, &two));
            assert_memory_equal(row, by_pairs, sizeof row);
        }
    }
    small_free(&s);
}

static void test_files(void **state)
{
    (void)state;
    static const char *const names[] = {"random", "popularity"};
    char *folder = test_folder();
    struct small s;
    small_new(&s, 20, 13, 0.3, 1, 0xFEDCBA9876543210u, 1);
    for (int m = 0; m < 2; m++) {
        const struct model_type *type = model_find(names[m]);
        const void *model = fitted(names[m], &s);
        void *params = arena_alloc(s.arena, 1, type->params_size),
             *again = arena_alloc(s.arena, 1, type->state_size);
        const char *path = test_path(folder, names[m]);
        assert_ok(model_save(path, type, params, model));
        s.run.seed = 1; /* the file's seed counts, not the run's */
        assert_ok(model_load(path, type, params, &s.run, again));
        const uint32_t users[] = {0, 5, 19};
        assert_memory_equal(scores_of(names[m], model, &s, users, 3),
                            scores_of(names[m], again, &s, users, 3), 3 * 13 * sizeof(float));
        test_quiet();
        float few[12];
        const struct tile tile = {.scores = few, .ld = 12, .n_items = 12};
        test_fails(type->score_users(again, users, 1, &tile), STATUS_DATA, names[m], "13", "12", NULL);
    }
    small_free(&s);
    test_folder_remove(folder);
}

/* Validation quality against ranking and measuring by hand: train rows masked, users without valid rows left out. */
static void test_quality_on_validation_rows(void **state)
{
    (void)state;
    struct small s;
    small_new(&s, 50, 20, 0.3, 1, 5, 2);
    uint32_t row[50], col[50], n = 0;
    for (uint32_t u = 0; u < 50; u += 2) /* an item of every other user that is not in train */
        for (uint32_t i = 0; i < 20; i++)
            if (s.dense[u * 20 + i] == 0) {
                row[n] = u, col[n++] = i;
                break;
            }
    struct csr valid;
    assert_ok(csr_from_triples(50, 20, n, row, col, NULL, s.arena, &valid, NULL));
    const void *model = fitted("popularity", &s);
    const struct model_type *type = model_find("popularity");
    const struct csr *const masks[2] = {&s.by_user, NULL};
    double found, sum = 0;
    assert_ok(eval_quality(type, model, s.run.backend, masks, &valid, metric_find("mrr"), 5, NULL, 3, s.arena,
                           &found));
    const struct rank_options o = {.k = 5, .seed = 3, .masks = {&s.by_user}};
    struct lists l;
    assert_ok(rank_users(type, model, s.run.backend, 20, row, n, &o, s.arena, &l));
    for (uint32_t j = 0; j < n; j++)
        for (uint32_t c = 0; c < 5; c++)
            sum += l.item[j * 5 + c] == col[j] ? 1.0 / (c + 1) : 0;
    assert_true(sum > 0 && fabs(found - sum / n) < 1e-15);
    test_quiet();
    assert_ok(csr_from_triples(50, 20, 0, row, col, NULL, s.arena, &valid, NULL));
    test_fails(eval_quality(type, model, s.run.backend, masks, &valid, metric_find("mrr"), 5, NULL, 3,
                            s.arena, &found),
               STATUS_DATA, "validation", NULL);
    small_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_popularity_counts_train_rows),
        cmocka_unit_test(test_random_is_fair),
        cmocka_unit_test(test_pairs_equal_users),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_quality_on_validation_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
