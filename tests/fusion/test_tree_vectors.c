/*
 * test_tree_vectors.c - what trees see of text vectors: columns against plain sums, tastes that a concatenation shows to a tree, threads, files.
 */
#include "../models/mf_fixture.h"

#include <math.h>
#include <unistd.h>

#include "base/log.h"
#include "fusion/tree_vectors.h"
#include "registry.h"

/* Items 0 .. 19 are of space, 20 .. 39 of cooking; users with even numbers take the first, the others the second. */
enum { USERS = 60, ITEMS = 40, HALF = 20, D = 5 };
static const char *const words[2][5] = {{"rocket", "moon", "galaxy", "astronaut", "comet"},
                                        {"bread", "pastry", "soup", "oven", "recipe"}};

static void open_subjects(struct fixture *f, struct column *title, int threads)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    struct string_builder b = {0};
    uint64_t n = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if ((i >= HALF) == u % 2 && random_unit(8, RANDOM_SYNTH, u, i) < 0.5)
                user[n] = u, item[n] = i, value[n++] = 1;
    fixture_open(f, USERS, ITEMS, n, user, item, value);
    for (uint32_t i = 0; i < ITEMS; i++) {
        char text[64];
        const char *const *w = words[i >= HALF];
        const int length = snprintf(text, sizeof text, "%s %s %s", w[i % 5], w[i / 5 % 5], w[i * 3 % 5]);
        assert_int_equal(string_builder_add(&b, text, (size_t)length), STATUS_OK);
    }
    *title = (struct column){.name = "title", .kind = COLUMN_TEXT};
    assert_int_equal(string_builder_finish(&b, f->arena, &title->text), STATUS_OK);
    f->view.item_columns = title;
    f->view.n_item_columns = 1;
    assert_int_equal(backend_open("cpu", threads, &f->backend), STATUS_OK);
    f->run.backend = f->backend;
    log_set_verbose(false);
}

/* One column for each feature and component, in the order cosine, user, item, product, difference. */
static void columns_are_what_they_are_called(void **state)
{
    static const char *all[] = {"difference", "product", "item", "user", "cosine"};
    const struct item_vectors_options random = {.encoder = ITEM_ENCODER_RANDOM, .dimensions = D};
    struct fixture f;
    struct column title;
    struct item_vectors items;
    (void)state;
    open_subjects(&f, &title, 2);
    assert_int_equal(item_vectors_build(&random, &f.view, &f.run, &items), STATUS_OK);
    for (uint32_t asked = 3; asked <= D + 2; asked += D - 1) { /* no more components than dimensions */
        const uint32_t k = asked < D ? asked : D;
        const char *name[1 + 4 * D];
        float x[1 + 4 * D], *room = arena_alloc(f.arena, k, sizeof *room);
        struct tree_vectors v;
        tree_vectors_choose(&(struct param_list){5, all}, asked, &v);
        assert_int_equal(tree_vectors_describe(&v, f.backend, &items, f.arena, f.arena), STATUS_OK);
        assert_int_equal(tree_vectors_columns(&v), 1 + 4 * k);
        assert_int_equal(tree_vectors_names(&v, f.arena, name), STATUS_OK);
        assert_string_equal(name[0], "cosine");
        assert_string_equal(name[k], arena_printf(f.arena, "user vector %u", k));
        assert_string_equal(name[4 * k], arena_printf(f.arena, "difference %u", k));
        const float *u = items.v, *i = items.v + 7 * D; /* an item's vector may be a user's */
        assert_int_equal(tree_vectors_users(&v, f.backend, u, 1, room), STATUS_OK);
        assert_ptr_equal(tree_vectors_row(&v, u, room, i, 7, x), x + 1 + 4 * k);
        double dot = 0, falling = INFINITY;
        for (int m = 0; m < D; m++)
            dot += (double)u[m] * (double)i[m];
        assert_true(fabs((double)x[0] - dot) < 1e-5);
        for (uint32_t c = 0; c < k; c++) {
            double a = 0, b = 0, variance = 0;
            for (uint32_t m = 0; m < D; m++) {
                a += (double)u[m] * (double)v.directions[m * k + c];
                b += (double)i[m] * (double)v.directions[m * k + c];
            }
            for (uint32_t j = 0; j < ITEMS; j++)
                variance += (double)v.items[j * k + c] * (double)v.items[j * k + c];
            assert_true(variance < falling * 1.0001);
            falling = variance;
            assert_true(fabs((double)x[1 + c] - a) < 1e-5 && fabs((double)x[1 + k + c] - b) < 1e-5);
            assert_true(fabs((double)x[1 + 2 * k + c] - a * b) < 1e-5);
            assert_true(fabs((double)x[1 + 3 * k + c] - fabs(a - b)) < 1e-5);
        }
    }
    struct tree_vectors cosine; /* alone there is nothing to reduce, and without text no column */
    tree_vectors_choose(&(struct param_list){1, all + 4}, 8, &cosine);
    assert_int_equal(tree_vectors_describe(&cosine, f.backend, &items, f.arena, f.arena), STATUS_OK);
    assert_true(tree_vectors_columns(&cosine) == 1 && cosine.directions == NULL);
    items.d = 0;
    tree_vectors_choose(&(struct param_list){5, all}, 8, &cosine);
    assert_int_equal(tree_vectors_describe(&cosine, f.backend, &items, f.arena, f.arena), STATUS_OK);
    assert_int_equal(tree_vectors_columns(&cosine), 0);
    fixture_close(&f);
}

static void score_all(const struct fixture *f, const struct model_type *type, const void *fitted, float *out)
{
    uint32_t users[USERS];
    const struct tile tile = {out, ITEMS, ITEMS};
    for (uint32_t u = 0; u < USERS; u++)
        users[u] = u;
    assert_int_equal(model_score_users(type, fitted, f->backend, users, USERS, &tile), STATUS_OK);
}

/* Each feature alone tells the two tastes apart; the same bytes with one thread, two, and from a file. */
static void trees_find_disjoint_tastes(void **state)
{
#define SMALL "text: title, encoder: tfidf, dimensions: 6, collaborative: none, components: 2"
    static const char *const settings[][2] = {
        {"gbdt", "{" SMALL ", features: [user, item], trees: 40, min_samples_leaf: 1}"},
        {"gbdt", "{" SMALL ", features: [product], trees: 40, min_samples_leaf: 1}"},
        {"gbdt", "{" SMALL ", features: [difference], trees: 40, min_samples_leaf: 1}"},
        {"decision_tree", "{" SMALL ", features: [cosine, product], min_samples_leaf: 5}"},
        {"random_forest", "{" SMALL ", features: [cosine, user, item, product, difference], trees: 20, "
                          "min_samples_leaf: 5}"}};
    static float s[3][USERS * ITEMS];
    (void)state;
    for (size_t c = 0; c < sizeof settings / sizeof *settings; c++) {
        const struct model_type *type = model_find(settings[c][0]);
        for (int threads = 1; threads <= 2; threads++) {
            char path[] = "/tmp/recfuse-trees-XXXXXX";
            struct fixture f;
            struct column title;
            open_subjects(&f, &title, threads);
            const void *params = fixture_params(&f, type, settings[c][1]);
            void *fitted = fixture_fit(&f, type, settings[c][1]), *loaded = fixture_state(&f, type);
            score_all(&f, type, fitted, s[threads - 1]);
            assert_true(close(mkstemp(path)) == 0);
            assert_int_equal(model_save(path, type, params, fitted), STATUS_OK);
            assert_int_equal(model_load(path, type, params, &f.run, loaded), STATUS_OK);
            score_all(&f, type, loaded, s[2]);
            assert_memory_equal(s[2], s[threads - 1], sizeof s[2]);
            unlink(path);
            type->free(fitted);
            type->free(loaded);
            fixture_close(&f);
        }
        assert_memory_equal(s[0], s[1], sizeof s[0]);
        for (int u = 0; u < 2; u++) {
            int right = 0;
            for (int i = 0; i < HALF; i++)
                for (int j = HALF; j < 2 * HALF; j++)
                    right += u == 0 ? s[0][u * ITEMS + i] > s[0][u * ITEMS + j]
                                    : s[0][u * ITEMS + i] < s[0][u * ITEMS + j];
            assert_true(right > 0.8 * HALF * HALF); /* the leaves of one tree tie */
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(columns_are_what_they_are_called),
                                       cmocka_unit_test(trees_find_disjoint_tastes)};
    return cmocka_run_group_tests_name("tree_vectors", tests, NULL, NULL);
}
