/*
 * test_strategy_model.c - the model `strategy`: its lists are the base model's under its rules, the same after saving and loading, and the log
 * tells how one became the other.
 */
#include "../models/mf_fixture.h"

#include <unistd.h>

#include "base/strings.h"
#include "fusion/strategy_model.h"

enum { N_USERS = 30, N_ITEMS = 40, N_NAMES = 4 };
static const char rules[] =
    "{base: {name: ease, params: {l2: 5}}, candidates: 12, rules: [{boost: {column: price, minimum: 20}}, "
    "{fatigue: {column: genres}}, {mmr: {by: genres, lambda: 0.6, k: 6}}, {mmr: {by: text, k: 4}}, "
    "{calibrate: {k: 5}}, {exposure: {minimum: 0.4, k: 8}}, {require: {column: kind, value: sold}}, "
    "{price_band: {}}]}";

static struct strings texts(struct arena *arena, size_t n, const char *const *of, size_t n_of)
{
    struct string_builder b = {0};
    struct strings out;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(string_builder_add(&b, of[i % n_of], strlen(of[i % n_of])), STATUS_OK);
    assert_int_equal(string_builder_finish(&b, arena, &out), STATUS_OK);
    return out;
}

static void open_shop(struct fixture *f)
{
    static uint32_t user[N_USERS * N_ITEMS], item[N_USERS * N_ITEMS], row[N_ITEMS], name[N_ITEMS];
    static float value[N_USERS * N_ITEMS], price[N_ITEMS];
    static int64_t time[N_USERS * N_ITEMS];
    static struct column column[4];
    static const char *const names[] = {"red", "green", "blue", "grey"},
                             *const kinds[] = {"sold", "sold", "gone"}, *const title[] = {"red shoe",
                                                                                          "green hat",
                                                                                          "blue coat",
                                                                                          "grey sock",
                                                                                          "red hat",
                                                                                          "blue shoe"};
    uint64_t n = 0;
    for (uint32_t u = 0; u + 1 < N_USERS; u++)
        for (uint32_t i = 0; i < N_ITEMS; i++)
            if (random_unit(3, RANDOM_SYNTH, u, i) < (i < 10 ? 0.5 : 0.15))
                user[n] = u, item[n] = i,
                time[n] = (int64_t)(1000 * random_unit(3, RANDOM_SYNTH, u + 100, i)), value[n++] = 1;
    fixture_open(f, N_USERS, N_ITEMS, n, user, item, value);
    for (uint32_t i = 0; i < N_ITEMS; i++)
        row[i] = i, name[i] = i % N_NAMES, price[i] = (float)(i + 1);
    column[0] = (struct column){
        .name = "genres", .kind = COLUMN_LIST, .names = texts(f->arena, N_NAMES, names, N_NAMES)};
    assert_int_equal(
        csr_from_triples(N_ITEMS, N_NAMES, N_ITEMS, row, name, NULL, f->arena, &column[0].list, NULL),
        STATUS_OK);
    column[1] = (struct column){.name = "price", .kind = COLUMN_NUMBER, .number = price};
    column[2] =
        (struct column){.name = "kind", .kind = COLUMN_TEXT, .text = texts(f->arena, N_ITEMS, kinds, 3)};
    column[3] =
        (struct column){.name = "title", .kind = COLUMN_TEXT, .text = texts(f->arena, N_ITEMS, title, 6)};
    f->view.n_item_columns = 4;
    f->view.item_columns = column;
    f->view.time = time;
    f->view.item_ids = texts(f->arena, N_ITEMS, title, 6);
}

static void score_all(struct fixture *f, const void *state, float *scores)
{
    uint32_t users[N_USERS];
    const struct tile tile = {scores, N_ITEMS, N_ITEMS};
    for (uint32_t u = 0; u < N_USERS; u++)
        users[u] = u;
    assert_int_equal(model_score_users(&model_strategy, state, f->backend, users, N_USERS, &tile), STATUS_OK);
}

/* The best untaken item of each user, by score. */
static uint32_t best(const struct fixture *f, const float *scores, uint32_t u)
{
    uint32_t at = UINT32_MAX;
    for (uint32_t i = 0; i < N_ITEMS; i++)
        if (!csr_has(&f->by_user, u, i) &&
            (at == UINT32_MAX || scores[u * N_ITEMS + i] > scores[u * N_ITEMS + at]))
            at = i;
    return at;
}

static void lists_follow_rules_and_survive_a_file(void **state)
{
    static float scores[N_USERS * N_ITEMS], again[N_USERS * N_ITEMS];
    struct fixture f;
    char path[] = "/tmp/recfuse-strategy-XXXXXX";
    (void)state;
    open_shop(&f);
    void *fitted = fixture_fit(&f, &model_strategy, rules), *loaded = fixture_state(&f, &model_strategy);
    const void *params = fixture_params(&f, &model_strategy, rules);
    score_all(&f, fitted, scores);
    for (uint32_t u = 0; u < N_USERS; u++) {
        struct strategy_list list;
        struct strategy_log log;
        assert_int_equal(strategy_model_changes(fitted, u, f.arena, &list, &log), STATUS_OK);
        assert_true(list.n > 0 && list.n < 12);              /* some are gone */
        assert_int_not_equal(list.candidate[0].item % 3, 2); /* kind: sold */
        assert_int_equal(best(&f, scores, u), list.candidate[0].item);
        assert_true(log.n > 0);
    }
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    assert_int_equal(model_save(path, &model_strategy, params, fitted), STATUS_OK);
    assert_int_equal(model_load(path, &model_strategy, params, &f.run, loaded), STATUS_OK);
    score_all(&f, loaded, again);
    assert_memory_equal(scores, again, sizeof scores);
    model_strategy.free(loaded);
    model_strategy.free(fitted);
    unlink(path);
    fixture_close(&f);
}

/* Without rules the order is the base model's. */
static void no_rules_change_nothing(void **state)
{
    static float scores[N_USERS * N_ITEMS];
    struct fixture f;
    (void)state;
    open_shop(&f);
    void *fitted = fixture_fit(&f, &model_strategy, "{base: popularity, candidates: 5}");
    score_all(&f, fitted, scores);
    for (uint32_t u = 0; u < N_USERS; u++) {
        const uint32_t first = best(&f, scores, u);
        for (uint32_t i = 0; i < N_ITEMS; i++)
            if (!csr_has(&f.by_user, u, i))
                assert_true(f.by_item.ptr[i + 1] - f.by_item.ptr[i] <=
                            f.by_item.ptr[first + 1] - f.by_item.ptr[first]);
    }
    fixture_close(&f);
}

static void a_wrong_base_is_refused(void **state)
{
    struct fixture f;
    (void)state;
    open_shop(&f);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    static const char *const wrong[] = {"{base: eas}",
                                        "{base: {params: {l2: 3}}}",
                                        "{base: {name: ease, params: {l3: 3}}}",
                                        "{base: {name: ease, label: x}}",
                                        "{base: [ease]}",
                                        "{rules: [{mmr: {lambda: 7}}]}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(model_strategy.check(fixture_params(&f, &model_strategy, wrong[i]), NULL),
                         STATUS_USAGE);
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_follow_rules_and_survive_a_file),
        cmocka_unit_test(no_rules_change_nothing),
        cmocka_unit_test(a_wrong_base_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
