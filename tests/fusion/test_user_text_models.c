/*
 * test_user_text_models.c - `user_text` in the models that read it: users without train rows are served by what they wrote, the controls, threads,
 * files; and trees learn without what was written about the rows that they are asked of.
 */
#include "../models/shelf_fixture.h"

#include <math.h>
#include <unistd.h>

#include "fusion/collaborative.h"
#include "models/forest.h"
#include "models/user_texts.h"
#include "registry.h"

static void score_all(const struct shelf *s, const struct model_type *type, const void *fitted, float *out)
{
    uint32_t users[USERS];
    const struct tile tile = {out, ITEMS, ITEMS};
    for (uint32_t u = 0; u < USERS; u++)
        users[u] = u;
    assert_int_equal(model_score_users(type, fitted, s->f.backend, users, USERS, &tile), STATUS_OK);
}

#define WORDS  "encoder: tfidf, text: title, dimensions: 6"
#define FUSION "{encoder: tfidf, text: title, dimensions: 2, collaborative: popularity, weights: rating"
#define TREES  "{" WORDS ", collaborative: none, candidates: 0, folds: 2, min_samples_leaf: 1"
/* Each model's parameters, but for user_text: such that a build that rounds otherwise, and so turns components of the same size otherwise, orders
 * well too. */
static const char *const models[][2] = {
    {"llm_content", "{" WORDS},
    {"llm_fusion", FUSION},
    {"attention_content", "{" WORDS ", weights: rating"},
    {"alpha_rec", "{" WORDS ", map: linear, epochs: 5"},
    {"alpha_rec", "{" WORDS ", map: mlp, hidden: 64, epochs: 5"},
    {"decision_tree", TREES},
    {"random_forest", TREES ", trees: 20"},
    {"gbdt", TREES ", trees: 20, features: [cosine, product, difference], components: 2, validation: 0, "
                   "row_share: 1, column_share: 1"},
};
enum { N_MODELS = sizeof models / sizeof *models };

/* How many of the pairs of an item of the subject and another stand in the right order, ties by half. */
static double in_order(const float *scores, uint32_t subject)
{
    double right = 0;
    for (uint32_t i = 0; i < SUBJECT; i++)
        for (uint32_t j = 0; j < SUBJECT; j++) {
            const float own = scores[subject * SUBJECT + i], other = scores[(1 - subject) * SUBJECT + j];
            right += own > other ? 1 : own == other ? 0.5 : 0;
        }
    return right;
}

static void fit_and_score(struct shelf *s, const struct model_type *type, const char *yaml, float *out)
{
    void *fitted = fixture_fit(&s->f, type, yaml);
    score_all(s, type, fitted, out);
    if (type->free != NULL)
        type->free(fitted);
}

/* Planted: who has no rows is served by what he wrote, and by nothing without it; shuffled, by what the other wrote; the same bytes with threads
 * and files. */
static void users_without_rows_are_served(void **state)
{
    (void)state;
    for (size_t m = 0; m < N_MODELS; m++) {
        float scores[5][USERS * ITEMS];
        char with[400], shuffled[400], without[400];
        const struct model_type *type = model_find(models[m][0]);
        snprintf(with, sizeof with, "%s, user_text: [tags, queries]}", models[m][1]);
        snprintf(without, sizeof without, "%s}", models[m][1]);
        snprintf(shuffled, sizeof shuffled, "%s, user_text: [posts], user_text_shuffled: true}",
                 models[m][1]);
        for (int threads = 1; threads <= 2; threads++) {
            char path[] = "/tmp/recfuse-user-texts-XXXXXX";
            struct shelf s;
            open_shelf(&s, threads);
            writes(&s, COLD, UINT32_MAX, TEXT_POST, "rocket moon comet");
            writes(&s, COLD + 1, UINT32_MAX, TEXT_POST, "bread soup oven");
            write_some(&s);
            const void *params = fixture_params(&s.f, type, with);
            void *fitted = fixture_fit(&s.f, type, with), *loaded = fixture_state(&s.f, type);
            score_all(&s, type, fitted, scores[threads - 1]);
            assert_true(close(mkstemp(path)) == 0);
            assert_int_equal(model_save(path, type, params, fitted), STATUS_OK);
            assert_int_equal(model_load(path, type, params, &s.f.run, loaded), STATUS_OK);
            score_all(&s, type, loaded, scores[2]);
            assert_memory_equal(scores[2], scores[threads - 1], sizeof scores[2]);
            unlink(path);
            if (type->free != NULL)
                type->free(fitted), type->free(loaded);
            fit_and_score(&s, type, without, scores[3]);
            fit_and_score(&s, type, shuffled, scores[4]);
            fixture_close(&s.f);
        }
        assert_memory_equal(scores[0], scores[1], sizeof scores[0]);
        for (uint32_t c = 0; c < 2; c++) {
            const float *other = scores[3] + COLD * ITEMS;
            if (!(in_order(scores[0] + (COLD + c) * ITEMS, c) > 75))
                fail_msg("%s: %g of 100 pairs of items in the right order for a user with texts alone",
                         models[m][0], in_order(scores[0] + (COLD + c) * ITEMS, c));
            if (!(in_order(scores[4] + (COLD + c) * ITEMS, 1 - c) > 75))
                fail_msg("%s, shuffled: %g of 100 pairs in the other's order", models[m][0],
                         in_order(scores[4] + (COLD + c) * ITEMS, 1 - c));
            assert_memory_equal(other, other + ITEMS, ITEMS * sizeof *other); /* without: both alike */
        }
    }
}

/* Vectors by item can't read what users wrote. */
static void encoders_that_cannot_read_refuse(void **state)
{
    static const char read[] = "{encoder: tfidf, text: title";
    float image[ITEMS * 2];
    const struct feature feature = {.name = "image", .width = 2, .value = image};
    struct shelf s;
    (void)state;
    for (uint32_t e = 0; e < ITEMS * 2; e++)
        image[e] = (float)(e + 1);
    open_shelf(&s, 1);
    write_some(&s);
    s.f.view.features = &feature, s.f.view.n_features = 1;
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    for (size_t m = 0; m < N_MODELS; m++) {
        const struct model_type *type = model_find(models[m][0]);
        char yaml[400];
        assert_int_equal(strncmp(models[m][1], read, strlen(read)), 0);
        snprintf(yaml, sizeof yaml, "{encoder: 'feature:image'%s, user_text: [tags, queries]}",
                 models[m][1] + strlen(read));
        const void *params = fixture_params(&s.f, type, yaml);
        assert_int_equal(type->fit(fixture_state(&s.f, type), params, &s.f.view, &s.f.run),
                         STATUS_UNAVAILABLE);
        assert_non_null(strstr(status_sentence(), "minilm+feature:image"));
    }
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&s.f);
}

/* A user's items and texts, a vector and a weight each, as attention_content attends to them. */
struct attended {
    const float *v[8];
    double weight[8], all;
    int n;
};

static void attend_to(struct attended *a, const float *v, double weight)
{
    assert_true(a->n < 8);
    a->v[a->n] = v, a->weight[a->n++] = weight;
    a->all += weight;
}

/* The formula at the head of attention_content.c in double; a text that was written twice counts twice, one without a known word not at all. */
static void attention_counts_texts_beside_items(void **state)
{
    static const char *title[] = {"title"}, *kinds[] = {"reviews", "tags", "queries"};
    const struct item_vectors_options words_of_title = {
        .encoder = ITEM_ENCODER_TFIDF, .text = {1, title}, .dimensions = 6, .center = true};
    static const double weights[] = {0, 0.4, 1}, temperature = 0.5, beta = 0.25;
    const struct history_fading no_fading = {.decay = 1};
    (void)state;
    for (size_t w = 0; w < 3; w++) {
        char yaml[200];
        float scores[USERS * ITEMS];
        double size = 0;
        struct shelf s;
        struct item_vectors items;
        struct user_texts t;
        const struct user_texts_options options = {.kinds = {3, kinds}, .weight = weights[w]};
        open_shelf(&s, 2);
        writes(&s, 0, 3, TEXT_TAG, "comet");
        writes(&s, 2, 4, TEXT_REVIEW, "zzz");
        writes(&s, COLD + 1, UINT32_MAX, TEXT_QUERY, "zzz");
        write_some(&s); /* "comet" again */
        snprintf(yaml, sizeof yaml,
                 "{" WORDS ", temperature: %g, beta: %g, user_text: [reviews, tags, queries], "
                 "user_text_weight: %g}",
                 temperature, beta, weights[w]);
        fit_and_score(&s, model_find("attention_content"), yaml, scores);
        assert_int_equal(
            user_texts_build(&options, &words_of_title, &no_fading, &s.f.view, &s.f.run, &items, &t),
            STATUS_OK);
        for (uint32_t u = 0; u < USERS; u++) {
            struct attended of_items = {0}, of_texts = {0};
            for (int64_t e = s.f.by_user.ptr[u]; e < s.f.by_user.ptr[u + 1]; e++)
                attend_to(&of_items, items.v + s.f.by_user.idx[e] * items.d, 1);
            for (int64_t e = t.of.ptr[u]; e < t.of.ptr[u + 1]; e++)
                if (t.each[t.of.idx[e] * t.d] != 0)
                    attend_to(&of_texts, t.each + t.of.idx[e] * t.d, 1);
            assert_int_equal(of_texts.n, u == 0 ? 4 : u == 1 ? 2 : u >= COLD ? 1 : 0);
            const bool both = of_items.n > 0 && of_texts.n > 0;
            for (uint32_t i = 0; i < ITEMS; i++) {
                double sum = 0, total = 0;
                for (int side = 0; side < 2; side++) {
                    const struct attended *a = side == 0 ? &of_items : &of_texts;
                    const double share = !both ? 1 : side == 0 ? 1 - weights[w] : weights[w];
                    for (int j = 0; j < a->n; j++) {
                        double c = 0;
                        for (uint32_t k = 0; k < items.d; k++)
                            c += (double)a->v[j][k] * (double)items.v[i * items.d + k];
                        const double x =
                            a->weight[j] * share * (both ? of_items.all / a->all : 1) * exp(c / temperature);
                        sum += x * c, total += x;
                    }
                }
                const double want = total > 0 ? exp(-(1 - beta) / temperature) * sum / pow(total, beta) : 0;
                if (!(fabs((double)scores[u * ITEMS + i] - want) < 1e-5))
                    fail_msg("weight %g, user %u, item %u: %g, not %g", weights[w], u, i,
                             (double)scores[u * ITEMS + i], want);
                size += fabs(want);
            }
        }
        assert_true(size > 10);
        fixture_close(&s.f);
    }
}

/* The trees' nodes where each user wrote about those of his rows that `of` says: in the part that trees are asked of, in the other, both. */
static void grow(bool asked, bool told, struct arena *keep, struct forest *out)
{
    static const char *const yaml = TREES ", user_text: [reviews], trees: 10}";
    const struct model_type *type = model_find("gbdt");
    const struct forest *forest = NULL;
    const struct tree_columns *columns = NULL;
    struct shelf s;
    struct view others;
    open_shelf(&s, 1);
    assert_int_equal(collaborative_view_without(&s.f.view, 0, 2, s.f.run.seed, s.f.arena, &others),
                     STATUS_OK);
    writes(&s, COLD, UINT32_MAX, TEXT_REVIEW, "moon galaxy soup");
    for (uint32_t u = 0; u < COLD; u++)
        for (int64_t e = s.f.by_user.ptr[u]; e < s.f.by_user.ptr[u + 1]; e++) {
            const uint32_t i = s.f.by_user.idx[e];
            const bool is_told = csr_has(others.by_user, u, i);
            if (is_told ? told : asked)
                writes(&s, u, i, TEXT_REVIEW, words[i >= SUBJECT][i % 5]);
        }
    publish(&s);
    void *fitted = fixture_fit(&s.f, type, yaml);
    type->trees(fitted, &forest, &columns);
    *out = *forest;
    out->node = arena_copy(keep, forest->node, forest->n_nodes, sizeof *forest->node);
    assert_non_null(out->node);
    type->free(fitted);
    fixture_close(&s.f);
}

static bool same_trees(const struct forest *a, const struct forest *b)
{
    return a->n_nodes == b->n_nodes && memcmp(a->node, b->node, a->n_nodes * sizeof *a->node) == 0;
}

/* What was written about the rows of the questions changes no tree; what was written about the other rows does. */
static void trees_learn_without_the_texts_of_their_questions(void **state)
{
    struct arena *keep = arena_new();
    struct forest all, without_asked, without_told;
    (void)state;
    grow(true, true, keep, &all);
    grow(false, true, keep, &without_asked);
    grow(true, false, keep, &without_told);
    assert_true(all.n_nodes > 3);
    assert_true(same_trees(&all, &without_asked));
    assert_false(same_trees(&all, &without_told));
    arena_free(keep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(users_without_rows_are_served),
                                       cmocka_unit_test(encoders_that_cannot_read_refuse),
                                       cmocka_unit_test(attention_counts_texts_beside_items),
                                       cmocka_unit_test(trees_learn_without_the_texts_of_their_questions)};
    return cmocka_run_group_tests_name("user_text_models", tests, NULL, NULL);
}
