/*
 * test_llm_fusion.c - the fused model on a made-up catalogue of two subjects: what its questions hold,
 * that nothing of the answer is in them, that users of disjoint taste get different orders, threads,
 * files, mistakes.
 */
#include "../models/mf_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "fusion/collaborative.h"
#include "fusion/llm_fusion.h"
#include "models/history.h"

extern const struct model_type model_ease;

/* Items 0 .. 19 are of space, 20 .. 39 of cooking, 40 has no text; user 2 and item 40 have no
 * interaction. */
enum { N_USERS = 40, N_ITEMS = 41, HALF = 20, EMPTY_USER = 2 };
static const char *const words[2][5] = {{"rocket", "moon", "galaxy", "astronaut", "comet"},
                                        {"bread", "pastry", "soup", "oven", "recipe"}};

static bool takes(uint32_t u, uint32_t i)
{
    return u != EMPTY_USER && i < 2 * HALF && (i >= HALF) == u % 2 &&
           random_unit(8, RANDOM_SYNTH, u, i) < 0.4;
}

static void open_subjects(struct fixture *f, struct column *title, int threads)
{
    static uint32_t user[N_USERS * N_ITEMS], item[N_USERS * N_ITEMS];
    static float value[N_USERS * N_ITEMS];
    struct string_builder b = {0};
    uint64_t n = 0;
    for (uint32_t u = 0; u < N_USERS; u++)
        for (uint32_t i = 0; i < N_ITEMS; i++)
            if (takes(u, i))
                user[n] = u, item[n] = i, value[n++] = 1 + (float)((u + i) % 5);
    fixture_open(f, N_USERS, N_ITEMS, n, user, item, value);
    for (uint32_t i = 0; i < N_ITEMS; i++) {
        char text[64];
        const char *const *w = words[i >= HALF];
        const int length =
            i == 2 * HALF ? 0 : snprintf(text, sizeof text, "%s %s %s", w[i % 5], w[i / 5 % 5], w[i * 3 % 5]);
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

static void score_all(const struct fixture *f, const void *state, float *out)
{
    uint32_t users[N_USERS];
    const struct tile tile = {out, N_ITEMS, N_ITEMS};
    for (uint32_t u = 0; u < N_USERS; u++)
        users[u] = u;
    assert_int_equal(model_score_users(&model_llm_fusion, state, f->backend, users, N_USERS, &tile),
                     STATUS_OK);
    for (int s = 0; s < N_USERS * N_ITEMS; s++)
        assert_true(isfinite(out[s]));
}

/* With text alone (a linear W over a plain concatenation could not do it). */
static void disjoint_tastes_get_different_orders(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "{text: title, encoder: tfidf, collaborative: none, dimensions: 8}",
        "{text: title, encoder: tfidf, collaborative: none, dimensions: 8, features: [difference]}",
        "{text: title, encoder: tfidf, collaborative: none, dimensions: 8, features: [cosine], center: "
        "false}",
        "{text: title, encoder: tfidf, collaborative: [ease, popularity], dimensions: 8, weights: rating}"};
    static float s[N_USERS * N_ITEMS];
    for (size_t c = 0; c < sizeof settings / sizeof *settings; c++) {
        struct fixture f;
        struct column title;
        open_subjects(&f, &title, 2);
        score_all(&f, fixture_fit(&f, &model_llm_fusion, settings[c]), s);
        for (int u = 0; u < 2;
             u++) { /* every item of the own subject above every item of the other, nearly */
            int right = 0;
            for (int i = 0; i < HALF; i++)
                for (int j = HALF; j < 2 * HALF; j++)
                    right += u == 0 ? s[u * N_ITEMS + i] > s[u * N_ITEMS + j]
                                    : s[u * N_ITEMS + i] < s[u * N_ITEMS + j];
            assert_true(right > 0.95 * HALF * HALF);
        }
        fixture_close(&f);
    }
}

/* Random unit vectors, the sums of the histories, all groups. */
struct questions {
    struct fixture f;
    struct column title;
    struct csr history;
    struct item_vectors items;
    struct intent_groups groups;
    float *sums;
};
static void open_questions(struct questions *q, uint32_t n_folds)
{
    const struct item_vectors_options random = {.encoder = ITEM_ENCODER_RANDOM, .dimensions = 6};
    const struct intent_options options = {
        .n_negatives = 3, .n_folds = n_folds, .validation = 0.25, .seed = 42};
    open_subjects(&q->f, &q->title, 1);
    assert_int_equal(item_vectors_build(&random, &q->f.view, &q->f.run, &q->items), STATUS_OK);
    assert_int_equal(history_copy(q->f.view.by_user, HISTORY_RATING, q->f.arena, &q->history), STATUS_OK);
    q->sums = arena_alloc(q->f.arena, N_USERS * 6, sizeof *q->sums);
    assert_int_equal(
        item_vectors_profiles(q->f.backend, &q->history, &q->items, NULL, N_USERS, false, q->sums),
        STATUS_OK);
    assert_int_equal(intent_sample(&q->history, &options, q->f.arena, &q->groups), STATUS_OK);
}

static void a_question_leaves_its_answer_out(void **state)
{
    (void)state;
    struct questions q;
    open_questions(&q, 2);
    const struct intent_groups *g = &q.groups;
    uint64_t *all = arena_alloc(q.f.arena, g->n, sizeof *all), n_validation = 0;
    assert_int_equal(g->n, q.history.nnz);
    for (uint64_t i = 0; i < g->n; i++)
        all[i] = i;
    const struct intent_source source = {.backend = q.f.backend,
                                         .items = &q.items,
                                         .sums = q.sums,
                                         .groups = g,
                                         .features = {true, true, true},
                                         .chosen = all};
    enum { COLUMNS = 13 };
    assert_int_equal(intent_columns(&source), COLUMNS);
    float *x = arena_alloc(q.f.arena, g->n * 4 * COLUMNS, sizeof *x),
          *target = arena_alloc(q.f.arena, g->n * 4, sizeof *target);
    assert_int_equal(intent_fill(&source, all, g->n, x, target), STATUS_OK);
    for (uint64_t i = 0; i < g->n; i++) {
        double u[6] = {0}, norm = 0;
        const uint32_t user = g->user[i], positive = g->item[4 * i];
        for (int64_t e = q.history.ptr[user]; e < q.history.ptr[user + 1]; e++)
            for (int k = 0; k < 6 && q.history.idx[e] != positive; k++) /* as if the row had never been */
                u[k] += (double)q.history.val[e] * (double)q.items.v[q.history.idx[e] * 6 + (uint32_t)k];
        for (int k = 0; k < 6; k++)
            norm += u[k] * u[k];
        assert_true(csr_has(&q.history, user, positive));
        for (uint64_t c = 0; c < 4; c++) {
            const uint32_t item = g->item[4 * i + c];
            const float *row = x + (4 * i + c) * COLUMNS;
            double cosine = 0;
            assert_true(c == 0 || !csr_has(&q.history, user, item));
            assert_true(target[4 * i + c] == (c == 0 ? 1.0F : 0.0F));
            for (uint32_t k = 0; k < 6; k++) {
                const double uk = u[k] / sqrt(norm), vk = (double)q.items.v[item * 6 + k];
                cosine += uk * vk;
                assert_true(fabs((double)row[k] - uk * vk) < 1e-5);
                assert_true(fabs((double)row[6 + k] - fabs(uk - vk)) < 1e-5);
            }
            assert_true(fabs((double)row[12] - cosine) < 1e-5);
        }
        n_validation += g->validation[i];
    }
    assert_true(n_validation > g->n / 8 && n_validation < g->n / 2);
    fixture_close(&q.f);
}

/* What is left of a user whose only item is asked for is nothing: no text feature but zero. */
static void a_user_of_one_item_asks_with_nothing(void **state)
{
    (void)state;
    static const uint32_t user[] = {0, 1, 1}, item[] = {1, 0, 1};
    static const float value[] = {1, 1, 1};
    struct fixture f;
    struct intent_groups g;
    struct item_vectors items;
    const struct item_vectors_options random = {.encoder = ITEM_ENCODER_RANDOM, .dimensions = 4};
    const struct intent_options options = {.n_negatives = 1, .n_folds = 2, .seed = 1};
    float sums[8], q[3 * 2 * 9], target[6];
    fixture_open(&f, 2, 3, 3, user, item, value);
    assert_int_equal(item_vectors_build(&random, &f.view, &f.run, &items), STATUS_OK);
    assert_int_equal(item_vectors_profiles(f.backend, &f.by_user, &items, NULL, 2, false, sums), STATUS_OK);
    assert_int_equal(intent_sample(&f.by_user, &options, f.arena, &g), STATUS_OK);
    const uint64_t all[] = {0, 1, 2};
    const struct intent_source source = {.backend = f.backend,
                                         .items = &items,
                                         .sums = sums,
                                         .groups = &g,
                                         .features = {true, true, true},
                                         .chosen = all};
    assert_int_equal(intent_fill(&source, all, 3, q, target), STATUS_OK);
    assert_int_equal(g.n, 3);
    assert_true(g.alone[0] && !g.alone[1] && !g.alone[2]);
    for (int k = 0; k < 2 * 9; k++)
        assert_true(q[k] == 0);
    assert_true(fabsf(q[2 * 9 + 8]) > 0);
    fixture_close(&f);
}

/* The only other item has a vector of zeros (no text): nothing is left of this user either, whatever the
 * rating, also where the item's part of the sum was rounded (3 and 5 times v are not floats). */
static void rounding_is_no_taste(void **state)
{
    (void)state;
    enum { D = 6, COLUMNS = 2 * D + 1 };
    static const uint32_t user[] = {0, 0}, item[] = {0, 1};
    for (int rating = 1; rating <= 5; rating++) {
        const float value[] = {(float)rating, (float)rating};
        const uint64_t all[] = {0, 1};
        const struct intent_options options = {.n_negatives = 1, .n_folds = 2, .seed = 1};
        struct fixture f;
        struct intent_groups g;
        float v[3 * D] = {0}, sums[D], q[2 * 2 * COLUMNS], target[4];
        double squares = 0;
        fixture_open(&f, 1, 3, 2, user, item, value);
        for (int k = 0; k < D; k++) {
            v[k] = (float)random_normal(3, RANDOM_INIT, 0, (uint64_t)k);
            squares += (double)v[k] * (double)v[k];
            v[2 * D + k] = k == 0 ? 1 : 0;
        }
        for (int k = 0; k < D; k++)
            v[k] /= (float)sqrt(squares);
        const struct item_vectors items = {3, D, v};
        assert_int_equal(item_vectors_profiles(f.backend, &f.by_user, &items, NULL, 1, false, sums),
                         STATUS_OK);
        assert_int_equal(intent_sample(&f.by_user, &options, f.arena, &g), STATUS_OK);
        const struct intent_source source = {.backend = f.backend,
                                             .items = &items,
                                             .sums = sums,
                                             .groups = &g,
                                             .features = {true, true, true},
                                             .chosen = all};
        assert_int_equal(intent_fill(&source, all, 2, q, target), STATUS_OK);
        assert_int_equal(g.item[0], 0);
        for (int c = 0; c < 2; c++) { /* the positive and its negative */
            for (int k = 0; k < D; k++)
                assert_true(q[c * COLUMNS + k] == 0);
            assert_true(q[c * COLUMNS + 2 * D] == 0);
        }
        assert_true(q[2 * COLUMNS + 2 * D] == 0 &&
                    fabsf(q[3 * COLUMNS + D]) > 0); /* item 1 left out: as v_0 */
        fixture_close(&f);
    }
}

/* z scores in double. */
static void standardize(float *row, uint32_t n)
{
    double mean = 0, squares = 0;
    for (uint32_t i = 0; i < n; i++)
        mean += (double)row[i] / n;
    for (uint32_t i = 0; i < n; i++)
        squares += ((double)row[i] - mean) * ((double)row[i] - mean) / n;
    for (uint32_t i = 0; i < n; i++)
        row[i] = squares > 0 ? (float)(((double)row[i] - mean) / sqrt(squares)) : 0;
}

/* Train rows are scored by models that never saw them: the same numbers as fitting on a view without
 * the fold. */
static void collaborative_scores_are_out_of_fold(void **state)
{
    (void)state;
    enum { FOLDS = 3 };
    struct questions q;
    static const char *names[] = {"ease", "popularity"};
    const struct param_list signals = {2, names};
    struct collaborative c;
    open_questions(&q, FOLDS);
    const struct csr *all = q.f.view.by_user;
    assert_int_equal(collaborative_choose(&signals, NULL, q.f.arena, &c), STATUS_OK);
    assert_int_equal(collaborative_extra(&c, &q.f.view, FOLDS, &q.f.run, &q.groups), STATUS_OK);
    for (uint32_t fold = 0; fold < FOLDS; fold++) {
        static uint32_t user[N_USERS * N_ITEMS], item[N_USERS * N_ITEMS];
        static float value[N_USERS * N_ITEMS], count[N_ITEMS], scores[N_USERS * N_ITEMS];
        struct fixture part;
        uint64_t n = 0;
        memset(count, 0, sizeof count);
        for (uint32_t u = 0; u < N_USERS; u++)
            for (int64_t e = all->ptr[u]; e < all->ptr[u + 1]; e++)
                if (intent_fold(q.f.run.seed, e, FOLDS) != fold) {
                    user[n] = u, item[n] = all->idx[e], value[n++] = all->val[e];
                    count[all->idx[e]] += 1;
                }
        assert_true(n > 0 && n < (uint64_t)all->nnz);
        fixture_open(&part, N_USERS, N_ITEMS, n, user, item, value);
        const void *ease = fixture_fit(&part, &model_ease, "");
        for (uint32_t u = 0; u < N_USERS; u++) {
            const struct tile tile = {scores + u * N_ITEMS, N_ITEMS, N_ITEMS};
            assert_int_equal(model_score_users(&model_ease, ease, part.backend, &u, 1, &tile), STATUS_OK);
            standardize(scores + u * N_ITEMS, N_ITEMS);
        }
        for (uint32_t i = 0; i < N_ITEMS; i++)
            count[i] = (float)log1p((double)count[i]);
        standardize(count, N_ITEMS);
        for (uint64_t s = 0; s < q.groups.n * 4; s++) {
            const uint64_t g = s / 4;
            if (q.groups.fold[g] != fold)
                continue;
            const double expected = (double)scores[q.groups.user[g] * N_ITEMS + q.groups.item[s]];
            assert_true(fabs((double)q.groups.extra[2 * s] - expected) < 1e-3);
            assert_true(fabs((double)q.groups.extra[2 * s + 1] - (double)count[q.groups.item[s]]) < 1e-4);
        }
        fixture_close(&part);
    }
    fixture_close(&q.f);
}

/* A user without history, an item without interaction or text, one thread or two, saved and loaded. */
static void same_bytes_with_threads_and_files(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "{text: title, encoder: tfidf, dimensions: 8, collaborative: [ease, item_knn, popularity]}",
        "{encoder: none, collaborative: [popularity, ials], collaborative_params: {ials: {factors: 8}}}",
        "{encoder: random, collaborative: none, weights: rating, features: [difference, cosine]}"};
    static float s[3][N_USERS * N_ITEMS];
    for (size_t c = 0; c < sizeof settings / sizeof *settings; c++) {
        for (int threads = 1; threads <= 2; threads++) {
            char path[] = "/tmp/recfuse-fusion-XXXXXX";
            struct fixture f;
            struct column title;
            open_subjects(&f, &title, threads);
            const void *params = fixture_params(&f, &model_llm_fusion, settings[c]);
            void *fitted = fixture_fit(&f, &model_llm_fusion, settings[c]);
            score_all(&f, fitted, s[threads - 1]);
            void *loaded = fixture_state(&f, &model_llm_fusion);
            assert_true(close(mkstemp(path)) == 0);
            assert_int_equal(model_save(path, &model_llm_fusion, params, fitted), STATUS_OK);
            assert_int_equal(model_load(path, &model_llm_fusion, params, &f.run, loaded), STATUS_OK);
            score_all(&f, loaded, s[2]);
            assert_memory_equal(s[2], s[threads - 1], sizeof s[2]);
            unlink(path);
            model_llm_fusion.free(fitted);
            model_llm_fusion.free(loaded);
            fixture_close(&f);
        }
        assert_memory_equal(s[0], s[1], sizeof s[0]);
    }
}

/* Negatives were sampled, one of many; corrected, the mean probability of all pairs is the share of
 * train rows. */
static void probabilities_are_corrected_for_sampling(void **state)
{
    (void)state;
    struct fixture f;
    struct column title;
    float p[N_ITEMS];
    uint32_t user[N_ITEMS], item[N_ITEMS];
    double sum = 0;
    open_subjects(&f, &title, 1);
    const void *fitted = fixture_fit(
        &f, &model_llm_fusion, "{encoder: none, collaborative: popularity, epochs: 300, n_negatives: 1}");
    for (uint32_t u = 0; u < N_USERS; u++) {
        for (uint32_t i = 0; i < N_ITEMS; i++)
            user[i] = u, item[i] = i;
        assert_int_equal(llm_fusion_probability(fitted, user, item, N_ITEMS, p), STATUS_OK);
        for (uint32_t i = 0; i < N_ITEMS; i++) {
            assert_true(p[i] > 0 && p[i] < 1);
            sum += (double)p[i];
        }
    }
    const double share = (double)f.by_user.nnz / (N_USERS * N_ITEMS), mean = sum / (N_USERS * N_ITEMS);
    assert_true(share > 0.15 && share < 0.25); /* half would be the share among the questions */
    assert_true(fabs(mean - share) < 0.03);
    fixture_close(&f);
}

static void fit_fails(struct fixture *f, const char *yaml, enum status expected, const char *word)
{
    assert_int_equal(model_llm_fusion.fit(fixture_state(f, &model_llm_fusion),
                                          fixture_params(f, &model_llm_fusion, yaml), &f->view, &f->run),
                     expected);
    if (word != NULL)
        assert_non_null(strstr(status_sentence(), word));
}

static void mistakes_are_named(void **state)
{
    (void)state;
    struct fixture f;
    struct column title;
    status_handler *old;
    void *context;
    open_subjects(&f, &title, 1);
    f.run.models = "build/no-such-folder";
    status_set_handler(fixture_quiet, NULL, &old, &context);
    fit_fails(&f, "{encoder: none, collaborative: none}", STATUS_USAGE, "nothing to learn from");
    fit_fails(&f, "{encoder: none, collaborative: [none, ease]}", STATUS_USAGE, "beside others");
    fit_fails(&f, "{encoder: none, collaborative: ease, collaborative_params: {ials: {factors: 3}}}",
              STATUS_USAGE, "test:1:");
    fit_fails(&f, "{encoder: none, collaborative: ease, collaborative_params: {ease: {l3: 3}}}", STATUS_USAGE,
              "l3");
    fit_fails(&f, "{text: title}", STATUS_UNAVAILABLE, "get-models.sh");
    fixture_cancelled = 1;
    fit_fails(&f, "{encoder: none, collaborative: popularity}", STATUS_STOPPED, NULL);
    status_set_handler(old, context, NULL, NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(disjoint_tastes_get_different_orders),
                                       cmocka_unit_test(a_question_leaves_its_answer_out),
                                       cmocka_unit_test(a_user_of_one_item_asks_with_nothing),
                                       cmocka_unit_test(rounding_is_no_taste),
                                       cmocka_unit_test(collaborative_scores_are_out_of_fold),
                                       cmocka_unit_test(same_bytes_with_threads_and_files),
                                       cmocka_unit_test(probabilities_are_corrected_for_sampling),
                                       cmocka_unit_test(mistakes_are_named)};
    return cmocka_run_group_tests_name("llm_fusion", tests, NULL, NULL);
}
