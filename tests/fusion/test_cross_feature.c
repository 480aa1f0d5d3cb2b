/*
 * test_cross_feature.c - the feature `cross`: its values are llm_rerank's, an item that is asked about is in no history that is told, and heads and
 * trees learn from it, the same with any number of threads and from a file.
 */
#include "films_fixture.h"

#include <math.h>
#include <unistd.h>

#include "fusion/collaborative.h"
#include "fusion/cross_feature.h"
#include "fusion/llm_rerank.h"
#include "models/forest.h"
#include "registry.h"

extern const struct model_type model_llm_rerank;

#define ASKED                                                                                                \
    "decoder: %s/speaker.gguf, cross_activations: float32, cross_minimum_rating: 2, cross_history_length: 3"

static struct cross_options options(void)
{
    return (struct cross_options){.decoder = arena_printf(f.arena, "%s/speaker.gguf", folder),
                                  .prompt = "rerank-yes-no",
                                  .history_length = 3,
                                  .candidates = 5,
                                  .minimum_rating = 2};
}

static struct cross_feature built(const struct cross_options *o, const struct view *view)
{
    struct cross_feature c = {0};
    assert_ok(cross_feature_build(o, view, &f.run, &c));
    return c;
}

static void score_all(const struct model_type *type, const void *fitted, float *out)
{
    uint32_t users[N_USERS];
    const struct tile tile = {out, N_ITEMS, N_ITEMS};
    for (uint32_t u = 0; u < N_USERS; u++)
        users[u] = u;
    assert_ok(model_score_users(type, fitted, f.backend, users, N_USERS, &tile));
}

/* To the bit: llm_rerank's score of each of its candidates, calibrated and not; all others are missing. */
static void values_are_llm_reranks(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct cross_options o = options();
        o.calibration = k * 0.5;
        struct cross_feature c = built(&o, &f.view);
        struct llm_rerank *m = fixture_fit(
            &f, &model_llm_rerank,
            arena_printf(
                f.arena,
                "{decoder: %s/speaker.gguf, activations: float32, prompt: rerank-yes-no, base: popularity, "
                "candidates: 5, minimum_rating: 2, history_length: 3, calibration: %g}",
                folder, o.calibration));
        float scores[N_USERS * N_ITEMS], base[N_USERS * N_ITEMS], x[N_ITEMS];
        score_all(&model_llm_rerank, m, scores);
        score_all(m->base.type, m->base.state, base);
        for (uint32_t u = 0; u < N_USERS; u++) {
            uint32_t asked = 0;
            assert_ok(cross_feature_scores(&c, &f.by_user, u, base + u * N_ITEMS, x));
            for (uint32_t i = 0; i < N_ITEMS; i++) {
                const float reranked = scores[u * N_ITEMS + i];
                assert_true(isnan(x[i]) == (reranked < -1000));
                assert_true(isnan(x[i]) || x[i] == reranked);
                asked += !isnan(x[i]);
            }
            assert_int_equal(asked, u == COLD ? 0 : 5);
        }
        model_llm_rerank.free(m);
        cross_feature_free(&c);
    }
}

/* Mean and deviation over the panel of that user, in double, from the same answers. */
static void panels_standardise(void **state)
{
    struct cross_options o = options(), raw = options();
    float order[N_ITEMS], x[N_ITEMS];
    (void)state;
    o.panel = 6;
    struct cross_feature c = built(&o, &f.view), plain = built(&raw, &f.view);
    assert_int_equal(c.n_panel, 6);
    for (uint32_t i = 0; i < N_ITEMS; i++)
        order[i] = (float)(i % 7);
    for (uint32_t u = 0; u < N_USERS; u++) {
        uint32_t items[N_ITEMS], n = 0;
        float score[N_ITEMS];
        double sum = 0, squares = 0;
        int n_in = 0;
        bool asked;
        assert_ok(cross_feature_scores(&c, &f.by_user, u, order, x));
        if (u == COLD)
            continue;
        for (uint32_t i = 0; i < N_ITEMS; i++)
            if (!isnan(x[i]) || (cross_among(c.panel, 6, i) && !csr_has(&f.by_user, u, i)))
                items[n++] = i;
        assert_ok(cross_encoder_ask(&plain.encoder, u, items, n, score, &asked));
        for (uint32_t k = 0; k < n; k++)
            if (cross_among(c.panel, 6, items[k]))
                sum += (double)score[k], squares += (double)score[k] * (double)score[k], n_in++;
        const double mean = sum / n_in, deviation = sqrt(squares / n_in - mean * mean);
        for (uint32_t k = 0; k < n; k++)
            if (!isnan(x[items[k]]) &&
                !(fabs((double)x[items[k]] - ((double)score[k] - mean) / deviation) < 1e-3))
                fail_msg("user %u, item %u: %g, (%g - %g) / %g", u, items[k], (double)x[items[k]],
                         (double)score[k], mean, deviation);
    }
    cross_feature_free(&c);
    cross_feature_free(&plain);
}

static struct intent_groups questions_of(uint32_t n_folds)
{
    const struct intent_options o = {
        .n_negatives = 2, .n_folds = n_folds, .validation = 0.1, .seed = f.run.seed};
    struct intent_groups g;
    assert_ok(intent_sample(&f.by_user, &o, f.arena, &g));
    return g;
}

/* A question has the value that it has where histories never held the answers of its fold. */
static void answers_are_in_no_history(void **state)
{
    struct cross_options o = options();
    struct intent_groups g = questions_of(3);
    float *x;
    uint32_t compared = 0, moved = 0;
    (void)state;
    o.panel = 5;
    struct cross_feature c = built(&o, &f.view);
    assert_ok(cross_feature_questions(&c, &f.by_user, &g, &f.run, &x));
    for (uint32_t fold = 0; fold < 3; fold++) {
        struct view without;
        struct intent_groups part = questions_of(3);
        float *there;
        assert_ok(collaborative_view_without(&f.view, fold, 3, f.run.seed, f.arena, &without));
        intent_keep_fold(&part, fold);
        struct cross_feature never = built(&o, &without);
        assert_ok(cross_feature_questions(&never, &f.by_user, &part, &f.run, &there));
        uint64_t at = 0;
        for (uint64_t i = 0; i < g.n; i++) {
            if (g.fold[i] != fold)
                continue;
            for (uint32_t k = 0; k < 3; k++) {
                const float a = x[i * 3 + k], b = there[at * 3 + k];
                assert_true(isnan(a) == isnan(b));
                assert_true(isnan(a) || a == b);
                compared += !isnan(a);
            }
            at++;
        }
        assert_int_equal(at, part.n);
        cross_feature_free(&never);
    }
    assert_true(compared > 2 * g.n);
    for (uint64_t i = 0; i < g.n;
         i++) { /* with the answer told (the user's first items asked alone) it would be another value */
        bool asked;
        float told;
        const uint32_t other = g.item[i * 3 + 1];
        assert_ok(cross_encoder_ask(&c.encoder, g.user[i], &other, 1, &told, &asked));
        moved += other != UNTITLED && asked && told != x[i * 3 + 1];
    }
    assert_true(moved > g.n / 2);
    cross_feature_free(&c);
}

/* About so many questions, each whole; none of their values depends on what else is chosen but for the history. */
static void a_sample_of_questions(void **state)
{
    struct cross_options o = options();
    struct intent_groups g = questions_of(2);
    float *x;
    uint64_t whole = 0;
    (void)state;
    o.questions = (int)g.n / 3;
    struct cross_feature c = built(&o, &f.view);
    assert_ok(cross_feature_questions(&c, &f.by_user, &g, &f.run, &x));
    for (uint64_t i = 0; i < g.n; i++) {
        uint32_t there = 0, can = 0;
        for (uint32_t k = 0; k < 3; k++)
            there += !isnan(x[i * 3 + k]), can += g.item[i * 3 + k] != UNTITLED;
        assert_true(there == 0 || there == can);
        whole += there > 0;
    }
    assert_in_range(whole, g.n / 6, g.n / 2);
    float mean, *alone = x;
    assert_ok(cross_feature_extra(&c, &f.by_user, &f.run, &g, &mean));
    double sum = 0;
    uint64_t n = 0;
    for (uint64_t i = 0; i < g.n * 3; i++) {
        if (!isnan(alone[i]))
            sum += (double)alone[i], n++;
        assert_true(g.extra[i] == (isnan(alone[i]) ? mean : alone[i]));
    }
    assert_true(g.n_extra == 1 && fabs(sum / (double)n - (double)mean) < 1e-6);
    cross_feature_free(&c);
}

/* A stranger's history and none: another value, and with none the same for all users. */
static void controls_change_the_history(void **state)
{
    float x[3][N_ITEMS], order[N_ITEMS], first[N_ITEMS];
    uint32_t differ = 0, n = 0, same = 0;
    struct cross_feature c[3];
    (void)state;
    for (int h = 0; h < 3; h++) {
        struct cross_options o = options();
        o.history = h;
        c[h] = built(&o, &f.view);
    }
    for (uint32_t i = 0; i < N_ITEMS; i++)
        order[i] = (float)i, first[i] = NAN;
    for (uint32_t u = 0; u < N_USERS; u++) {
        for (int h = 0; h < 3; h++)
            assert_ok(cross_feature_scores(&c[h], &f.by_user, u, order, x[h]));
        for (uint32_t i = 0; i < N_ITEMS; i++) {
            if (isnan(x[CROSS_OWN][i]))
                continue;
            n++, differ += x[CROSS_OWN][i] != x[CROSS_OTHER_USER][i];
            if (!isnan(first[i]))
                assert_true(fabsf(first[i] - x[CROSS_NONE][i]) < 1e-4f), same++;
            first[i] = x[CROSS_NONE][i];
        }
    }
    assert_true(n == (N_USERS - 1) * 5 && differ == n && same > N_ITEMS);
    for (int h = 0; h < 3; h++)
        cross_feature_free(&c[h]);
}

/* Users take what the decoder, with no history, says yes to: a head of this feature alone finds it. */
static void a_head_learns_it(void **state)
{
    static uint32_t user[30 * N_ITEMS], item[30 * N_ITEMS];
    struct cross_options o = options();
    const struct fixture before = f;
    float order[N_ITEMS] = {0}, x[N_ITEMS];
    uint32_t n = 0, high = 0;
    int right = 0, pairs = 0;
    (void)state;
    o.history = CROSS_NONE;
    o.candidates = N_ITEMS;
    struct cross_feature c = built(&o, &f.view);
    assert_ok(cross_feature_scores(&c, &f.by_user, COLD, order, x));
    cross_feature_free(&c);
    double mean = 0;
    for (uint32_t i = 0; i < UNTITLED; i++)
        mean += (double)x[i] / UNTITLED;
    for (uint32_t i = 0; i < UNTITLED; i++)
        high += (double)x[i] > mean;
    assert_in_range(high, 4, UNTITLED - 4);
    for (uint32_t u = 0; u < 30; u++)
        for (uint32_t i = 0; i < UNTITLED; i++)
            if ((double)x[i] > mean && random_unit(2, RANDOM_SYNTH, u, i) < 0.5)
                user[n] = u, item[n++] = i;
    fixture_open(&f, 30, N_ITEMS, n, user, item, NULL);
    f.view.n_item_columns = 1, f.view.item_columns = &column;
    const char *yaml =
        arena_printf(f.arena,
                     "{features: [cross], encoder: none, collaborative: none, decoder: %s/speaker.gguf, "
                     "cross_activations: float32, cross_history: none, cross_questions: 60, "
                     "cross_candidates: 30, cross_panel: 0, validation: 0}",
                     folder);
    const struct model_type *type = model_find("llm_fusion");
    void *fitted = fixture_fit(&f, type, yaml);
    float scores[N_ITEMS];
    const uint32_t who = 3;
    const struct tile tile = {scores, N_ITEMS, N_ITEMS};
    assert_ok(model_score_users(type, fitted, f.backend, &who, 1, &tile));
    for (uint32_t a = 0; a < UNTITLED; a++)
        for (uint32_t b = 0; b < UNTITLED; b++)
            if ((double)x[a] > mean && (double)x[b] < mean && !csr_has(&f.by_user, who, a))
                pairs++, right += scores[a] > scores[b];
    assert_true(pairs > 10 && right == pairs);
    type->free(fitted);
    fixture_close(&f);
    f = before;
}

/* Trees and the head: the same bytes with one thread, two, and from a file; the column is there under its name, and its history counts. */
static void models_take_it(void **state)
{
    static const char *const settings[][2] = {
        {"gbdt", "trees: 5, min_samples_leaf: 1, collaborative: popularity, candidates: 9"},
        {"random_forest", "trees: 10, min_samples_leaf: 2, collaborative: [popularity, item_knn]"},
        {"llm_fusion", "encoder: random, dimensions: 4, collaborative: none, epochs: 5"}};
    const struct backend *two = f.backend, *one;
    (void)state;
    assert_ok(backend_open("cpu", 1, &one));
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        const struct model_type *type = model_find(settings[s][0]);
        static float scores[4][N_USERS * N_ITEMS];
        for (int k = 0; k < 3; k++) { /* one thread, two, a stranger's history */
            char path[] = "/tmp/recfuse-cross-XXXXXX";
            const char *const encoder = strstr(settings[s][1], "encoder") != NULL ? "" : ", encoder: none";
            const char *yaml =
                arena_printf(f.arena,
                             "{features: [cross, product], cross_questions: 20, cross_candidates: 4, "
                             "cross_panel: 3, " ASKED ", cross_history: %s, folds: 2, %s%s}",
                             folder, k == 2 ? "other_user" : "own", settings[s][1], encoder);
            f.backend = f.run.backend = k == 0 ? one : two;
            const void *params = fixture_params(&f, type, yaml);
            void *fitted = fixture_fit(&f, type, yaml), *loaded = fixture_state(&f, type);
            score_all(type, fitted, scores[k]);
            if (k != 1) {
                type->free(fitted);
                continue;
            }
            assert_true(close(mkstemp(path)) == 0);
            assert_ok(model_save(path, type, params, fitted));
            assert_ok(model_load(path, type, params, &f.run, loaded));
            score_all(type, loaded, scores[3]);
            assert_memory_equal(scores[3], scores[k], sizeof scores[3]);
            unlink(path);
            if (type->trees != NULL) {
                const struct forest *forest;
                const struct tree_columns *columns;
                uint32_t named = 0;
                type->trees(fitted, &forest, &columns);
                for (uint32_t c = 0; c < columns->n; c++)
                    named += strcmp(columns->name[c], "cross") == 0;
                assert_int_equal(named, 1);
            }
            type->free(fitted);
            type->free(loaded);
        }
        assert_memory_equal(scores[0], scores[1], sizeof scores[0]);
        assert_memory_not_equal(scores[1], scores[2], sizeof scores[1]);
    }
    f.backend = f.run.backend = two;
}

/* Each refused with a sentence. */
static void mistakes_are_told(void **state)
{
    static const struct {
        const char *model, *rest, *word;
        enum status status;
    } wrong[] = {{"gbdt", "decoder: ~", "decoder: gemma", STATUS_USAGE},
                 {"llm_fusion", "encoder: none", "decoder: gemma", STATUS_USAGE},
                 {"gbdt", "decoder: SPEAKER, collaborative: none", "collaborative", STATUS_USAGE},
                 {"llm_fusion", "decoder: SPEAKER, encoder: none, collaborative: none, cross_candidates: 5",
                  "cross_candidates: 18", STATUS_USAGE},
                 {"gbdt", "decoder: /nowhere.gguf", "nowhere", STATUS_UNAVAILABLE},
                 {"llm_fusion", "decoder: SPEAKER, cross_prompt: rerank-no", "rerank-no", STATUS_USAGE},
                 {"decision_tree", "decoder: SPEAKER, cross_prompt: MINE", "[no]", STATUS_DATA}};
    (void)state;
    test_write(test_path(folder, "mine.txt"),
               "[item]\n{title}\n[prompt]\n{history}\n[empty]\n\n[question]\n{title}\n[yes]\ny\n");
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct model_type *type = model_find(wrong[i].model);
        const char *yaml = arena_printf(f.arena, "{features: [cross], %s}", wrong[i].rest), *at;
        if (strcmp(wrong[i].rest, "decoder: ~") == 0)
            yaml = "{features: [cross]}";
        static const char *const names[][2] = {{"SPEAKER", "speaker.gguf"}, {"MINE", "mine.txt"}};
        for (int k = 0; k < 2; k++)
            if ((at = strstr(yaml, names[k][0])) != NULL)
                yaml = arena_printf(f.arena, "%.*s%s/%s%s", (int)(at - yaml), yaml, folder, names[k][1],
                                    at + strlen(names[k][0]));
        void *fitted = fixture_state(&f, type);
        test_fails(type->fit(fitted, fixture_params(&f, type, yaml), &f.view, &f.run), wrong[i].status,
                   wrong[i].word, NULL);
        type->free(fitted);
    }
    struct column named = column; /* items without titles */
    named.name = "name";
    f.view.item_columns = &named;
    const struct model_type *type = model_find("gbdt");
    void *fitted = fixture_state(&f, type);
    const char *yaml =
        arena_printf(f.arena, "{features: [cross], collaborative: popularity, " ASKED "}", folder);
    test_fails(type->fit(fitted, fixture_params(&f, type, yaml), &f.view, &f.run), STATUS_UNAVAILABLE,
               "they have {name}", NULL);
    type->free(fitted);
    f.view.item_columns = &column;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_llm_reranks),
        cmocka_unit_test(panels_standardise),
        cmocka_unit_test(answers_are_in_no_history),
        cmocka_unit_test(a_sample_of_questions),
        cmocka_unit_test(controls_change_the_history),
        cmocka_unit_test(a_head_learns_it),
        cmocka_unit_test(models_take_it),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
