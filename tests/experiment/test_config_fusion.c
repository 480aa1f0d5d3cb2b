/* test_config_fusion.c - the block `fusion`: which models it stands for, how its stages lie around each other, what is refused. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "experiment/experiment.h"
#include "experiment/inside.h"

static char *folder;
static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    folder = test_folder();
    test_quiet();
    return arena == NULL || folder == NULL;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    test_folder_remove(folder);
    return 0;
}

#define HEAD                                                                                                 \
    "experiment: {name: t}\n"                                                                                \
    "datasets: [{name: d, file: nowhere.h5, split: {kind: random, test: 0.2, seed: 1}}]\n"

static enum status load(const char *text, struct experiment *e)
{
    const char *path = test_path(folder, "e.yaml");
    test_write(path, text);
    return experiment_load(path, NULL, 0, arena, e);
}

static const json_t *block(const struct experiment *e, size_t i)
{
    return json_array_get(json_object_get(e->resolved, "models"), i);
}
static const char *text_at(const json_t *at, const char *a, const char *b)
{
    const json_t *inner = json_object_get(at, a);
    return json_string_value(b != NULL ? json_object_get(inner, b) : inner);
}

/* Stages lie around each other; controls keep everything but the vectors; an ablation lacks one stage; two rows that would be the same
 * are one. */
static void rows(void **state)
{
    static const char *const labels[] = {
        "popularity",          "pipe",     "pipe, no text",       "pipe, TF-IDF",
        "pipe, shuffled text", "pipe, e5", "pipe, no preprocess", "pipe, no collaborative",
        "pipe, no strategy"};
    (void)state;
    struct experiment e;
    assert_ok(load(HEAD "models: [{name: popularity}]\n"
                        "fusion:\n"
                        "  label: pipe\n"
                        "  preprocess: stem\n"
                        "  intent: {encoder: minilm, text: [title], decay: 0.9}\n"
                        "  preference: {name: llm_fusion, params: {collaborative: [item_knn], "
                        "collaborative_params: {item_knn: {k: 9}}}, fit_on: train+valid}\n"
                        "  strategy: {candidates: 50, rules: [{mmr: {by: genres}}]}\n"
                        "  controls: [ids, tfidf, shuffled, e5]\n"
                        "  ablate: [preprocess, text, collaborative, strategy]\n",
                   &e));
    assert_int_equal(e.n_blocks, sizeof labels / sizeof *labels);
    for (size_t i = 0; i < e.n_blocks; i++)
        assert_string_equal(text_at(block(&e, i), "label", NULL), labels[i]);
    const json_t *base = json_object_get(json_object_get(block(&e, 1), "params"), "base");
    assert_string_equal(text_at(block(&e, 1), "name", NULL), "strategy");
    assert_string_equal(text_at(block(&e, 1), "fit_on", NULL), "train+valid");
    assert_string_equal(text_at(base, "name", NULL), "llm_fusion");
    assert_string_equal(text_at(base, "params", "preprocess"), "stem");
    assert_string_equal(text_at(base, "params", "encoder"), "minilm");
    static const struct {
        size_t row;
        const char *key, *value;
    } inside[] = {{2, "encoder", "none"}, {3, "encoder", "tfidf"},  {4, "encoder", "shuffled:minilm"},
                  {5, "encoder", "e5"},   {6, "encoder", "minilm"}, {7, "encoder", "minilm"}};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        base = json_object_get(json_object_get(block(&e, inside[i].row), "params"), "base");
        assert_string_equal(text_at(base, "params", inside[i].key), inside[i].value);
    }
    base = json_object_get(json_object_get(block(&e, 6), "params"), "base");
    assert_null(json_object_get(json_object_get(base, "params"), "preprocess"));
    assert_string_equal(text_at(block(&e, 8), "name", NULL), "llm_fusion");
    assert_int_equal(e.n_comparisons, e.n_blocks - 1); /* the pipeline with every other row */
    for (size_t i = 0; i < e.n_comparisons; i++)
        assert_string_equal(e.comparisons[i].a->label, "pipe");
    experiment_free(&e);
}

/* The resolved experiment names the models and reads back to the same. */
static void round_trip(void **state)
{
    (void)state;
    struct experiment e, again;
    char *text = NULL;
    assert_ok(load(
        HEAD "fusion: {preference: {name: llm_content}, strategy: {rules: [{exposure: {minimum: 0.3}}]}}\n",
        &e));
    assert_int_equal(e.n_blocks, 8);
    assert_ok(experiment_yaml(&e, arena, &text));
    assert_ok(load(text, &again));
    assert_string_equal(e.sha256, again.sha256);
    experiment_free(&e);
    experiment_free(&again);
}

static void alone(void **state)
{
    (void)state;
    struct experiment e;
    assert_ok(load(
        HEAD "fusion: {preference: {name: ease}, strategy: {rules: [{exposure: {minimum: 0.3}}]}}\n", &e));
    assert_int_equal(e.n_blocks, 1); /* nothing could stand in for text that isn't there */
    experiment_free(&e);
    assert_ok(load(HEAD "fusion: {label: f, controls: none}\n", &e));
    assert_int_equal(e.n_blocks, 1);
    assert_string_equal(e.models[0].type->name, "llm_fusion");
    assert_int_equal(e.n_comparisons, 0);
    experiment_free(&e);
}

static void refused(void **state)
{
    static const struct {
        const char *text, *place, *word;
    } cases[] = {
        {HEAD "fusion: {prefernce: {name: ease}}\n", "e.yaml:3:10: ", "did you mean 'preference'?"},
        {HEAD "fusion: {preference: ease}\n", "e.yaml:3:22: ", "expected a mapping"},
        {HEAD "fusion: {preference: {name: eas}}\n", "e.yaml:3:29: ", "did you mean 'ease'?"},
        {HEAD "fusion: {preference: {name: [ease]}}\n", "e.yaml:3:29: ", "expected a model's name"},
        {HEAD "fusion: {preference: {name: ease, parms: {}}}\n", "e.yaml:3:35: ", "unknown key 'parms'"},
        {HEAD "fusion: {intent: {encodr: e5}}\n", "e.yaml:3:19: ", "llm_fusion has no parameter 'encodr'"},
        {HEAD "fusion: {intent: {encoder: e5}, preference: {params: {encoder: e5}}}\n",
         "e.yaml:3:19: ", "keep one"},
        {HEAD "fusion: {preprocess: stem, preference: {name: ease}}\n", "e.yaml:3:9: ", "no text of its own"},
        {HEAD "fusion: {preprocess: stems}\n", "e.yaml:3:22: ", "'stems'"},
        {HEAD "fusion: {preference: {name: ease}, controls: [tfidf]}\n", "e.yaml:3:46: ", "no text vectors"},
        {HEAD "fusion: {rerank: {name: ease}}\n", "e.yaml:3:18: ", "works on no other model's list"},
        {HEAD "fusion: {ablate: [strategy]}\n", "e.yaml:3:9: ", "no stage 'strategy'"},
        {HEAD "fusion: {strategy: {base: ease, rules: [{exposure: {}}]}}\n",
         "e.yaml:3:21: ", "the stages before it"},
        {HEAD "fusion: {preference: {search: {trials: 2, space: {sampels: [10, 20]}}}, strategy: {rules: "
              "[{exposure: {}}]}}\n",
         "e.yaml:3:51: ", "did you mean 'samples'?"},
        {HEAD "models: [{name: ease, label: fusion}]\nfusion: {}\n",
         "e.yaml:4:9: ", "two models are labelled 'fusion'"},
        {HEAD "models: {name: ease}\nfusion: {}\n", "e.yaml:3:9: ", "expected a list"},
        {HEAD "fusion: {controls: [none, ids]}\n", "e.yaml:3:21: ", "'none' stands beside others"},
        {HEAD "fusion: {controls: [ids, none]}\n", "e.yaml:3:26: ", "'none' stands beside others"},
        {HEAD "fusion: {controls: [tfidf, idz]}\n", "e.yaml:3:28: ", "did you mean 'ids'?"},
        {HEAD "fusion: {controls: [miniml]}\n", "e.yaml:3:21: ", "did you mean 'minilm'?"},
        {HEAD "fusion: {controls: [something_else]}\n", "e.yaml:3:21: ", "import-embeddings"},
        {HEAD "fusion: {controls: tfidf+}\n", "e.yaml:3:20: ", "a part of it is empty"},
        {HEAD "fusion: {intent: {encoder: minilmm}}\n", "e.yaml:3:28: ", "did you mean 'minilm'?"},
        {HEAD "fusion: {preference: {params: {encoder: 'shuffled:e4'}}}\n",
         "e.yaml:3:41: ", "did you mean 'e5'?"},
        {HEAD "fusion: {intent: {encoder: tfidf+}}\n", "e.yaml:3:28: ", "a part of it is empty"},
        {HEAD "models: [{name: llm_content, params: {encoder: +e5}}]\n",
         "e.yaml:3:10: ", "a part of it is empty"},
        {HEAD "models: [{name: strategy, params: {rules: [{exposure: {}}], base: {name: llm_content, params: "
              "{encoder: tfidf++e5}}}}]\n",
         "e.yaml:3:67: ", "a part of it is empty"},
        {HEAD "fusion: {preprocess: clean, preference: {params: {preprocess: stem}}}\n",
         "e.yaml:3:51: ", "keep one"},
        {HEAD "fusion: {preprocess: clean, intent: {preprocess: clean}}\n", "e.yaml:3:38: ", "keep one"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct experiment e;
        printf("%s", cases[i].text);
        test_fails(load(cases[i].text, &e), STATUS_USAGE, cases[i].place, cases[i].word, NULL);
    }
}

/* A search stays with the preference model, at whatever depth, and is the same for all rows with that model. */
static void searched(void **state)
{
    (void)state;
    struct experiment e;
    assert_ok(
        load(HEAD "fusion:\n"
                  "  label: pipe\n"
                  "  intent: {encoder: minilm, text: [title]}\n"
                  "  preference: {name: llm_ease, fit_on: train+valid, search: {trials: 2, space: {l2: {low: "
                  "1, high: 9}}}}\n"
                  "  rerank: {params: {decoder: gemma}}\n"
                  "  strategy: {candidates: 50, rules: [{mmr: {by: genres}}]}\n"
                  "  controls: [ids, predicted_popularity]\n"
                  "  ablate: [strategy, rerank]\n",
             &e));
    static const struct {
        const char *label, *path; /* "": nothing inside is searched */
    } rows[] = {{"pipe", "base.params.base"},
                {"pipe, no text", "base"},
                {"pipe, predicted popularity", ""},
                {"pipe, no strategy", "base"},
                {"pipe, no rerank", "base"}};
    assert_int_equal(e.n_models, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < e.n_models; i++) {
        const struct model_config *m = &e.models[i];
        assert_string_equal(m->label, rows[i].label);
        assert_null(m->search);
        assert_true(m->fit_valid);
        assert_int_equal(m->n_inside, rows[i].path[0] != '\0');
        if (m->n_inside == 0)
            continue; /* predicted popularity has no l2 */
        assert_string_equal(m->inside[0].path, rows[i].path);
        assert_string_equal(m->inside[0].model.type->name, "llm_ease");
        if (i != 1) /* another encoder */
            assert_string_equal(m->inside[0].model.params_json, e.models[0].inside[0].model.params_json);
    }
    experiment_free(&e);
}

/* Words for an encoder that can't be had yet, or that stands in the folder of models, are no mistakes. */
static void encoders(void **state)
{
    (void)state;
    struct experiment e;
    const char *mine = test_path(folder, "mine");
    assert_ok(make_folders(mine));
    setenv("RECFUSE_MODELS", folder, 1);
    assert_ok(
        load(HEAD "fusion: {intent: {encoder: mine}, controls: [e5, 'mine+columns', 'feature:x']}\n", &e));
    assert_int_equal(e.n_blocks, 4);
    experiment_free(&e);
    test_fails(load(HEAD "fusion: {controls: [mime]}\n", &e), STATUS_USAGE, folder, "there is no", NULL);
    unsetenv("RECFUSE_MODELS");
}

/* Controls whose vectors no encoder makes carry no adapters; shuffled texts do. */
static void adapters(void **state)
{
    (void)state;
    struct experiment e;
    assert_ok(load(HEAD
                   "fusion: {preference: {name: two_tower, params: {lora_rank: 4}}, controls: [ids, tfidf, "
                   "shuffled, e5]}\n",
                   &e));
    assert_int_equal(e.n_blocks, 5);
    for (size_t i = 0; i < e.n_blocks; i++) {
        const json_t *params = json_object_get(block(&e, i), "params");
        assert_int_equal(json_integer_value(json_object_get(params, "lora_rank")), i == 0 || i == 3 ? 4 : 0);
    }
    experiment_free(&e);
    test_fails(load(HEAD "models: [{name: two_tower, params: {encoder: tfidf}}]\n", &e), STATUS_USAGE,
               "e.yaml:", "lora_rank: 0", NULL);
}

/* Controls leave cross out, and name no decoder that they do not read: a decoder is a language model too. */
static void cross(void **state)
{
    (void)state;
    struct experiment e;
    assert_ok(load(
        HEAD "fusion: {preference: {name: llm_fusion, params: {features: [cosine, cross], decoder: gemma}}, "
             "controls: [ids, tfidf, e5], ablate: [collaborative]}\n"
             "models: [{name: gbdt, params: {features: cross, decoder: gemma}, controls: [ids]}]\n",
        &e));
    assert_int_equal(e.n_blocks, 7);
    uint32_t with = 0;
    for (size_t i = 0; i < e.n_blocks; i++) {
        const json_t *params = json_object_get(block(&e, i), "params"),
                     *list = json_object_get(params, "features"), *word;
        size_t at;
        uint32_t has = 0;
        json_array_foreach(list, at, word) has += strcmp(json_string_value(word), "cross") == 0;
        if (strcmp(e.models[i].type->name, "gbdt") == 0)
            assert_int_equal(json_array_size(list), has);
        else
            assert_int_equal(json_array_size(list), 1 + has);
        const bool control = strstr(e.models[i].label, "no text") != NULL ||
                             strstr(e.models[i].label, "TF-IDF") != NULL ||
                             strstr(e.models[i].label, "e5") != NULL;
        assert_int_equal(has, !control);
        assert_int_equal(json_is_string(json_object_get(params, "decoder")), !control);
        with += has;
    }
    assert_int_equal(with, 3);
    experiment_free(&e);
    test_fails(load(HEAD "models: [{name: gbdt, params: {features: [cross]}}]\n", &e), STATUS_USAGE,
               "e.yaml:", "decoder: gemma", NULL);
}

/* Without NDCG the first ranking metric of users is compared, in its first dialect; a row with a grid is in no test; where nothing can be
 * compared there is none.  A block `compare` that names no pairs leaves them as they are; an empty list of pairs is none. */
static void pairs(void **state)
{
    static const char rows[] = "models: [{name: ease, grid: {l2: [1, 2]}}, {name: popularity}]\n"
                               "fusion: {controls: [ids]}\n";
    static const struct {
        const char *evaluate, *measure; /* NULL: no comparison */
    } cases[] = {{"evaluate: {k: [5, 10], metrics: [arp, recall, ndcg]}\n", "ndcg@10"},
                 {"evaluate: {k: [5, 20], metrics: [ndcg]}\n", "ndcg@5"},
                 {"evaluate: {k: [5, 10], metrics: [coverage, recall, map]}\n", "recall@10"},
                 {"evaluate: {k: [10], metrics: [ndcg], dialects: [elliot]}\n", "ndcg@10.elliot"},
                 {"evaluate: {k: [10], metrics: [ndcg]}\ncompare: {alpha: 0.01, intervals: 0}\n", "ndcg@10"},
                 {"evaluate: {k: [10], metrics: [ndcg]}\ncompare: {pairs: []}\n", NULL},
                 {"evaluate: {k: [10], metrics: [ndcg]}\ncompare: []\n", NULL},
                 {"evaluate: {k: [10], metrics: [coverage]}\n", NULL},
                 {"evaluate: {metrics: [rmse]}\n", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct experiment e;
        char name[96];
        const char *text = arena_printf(arena, HEAD "%s%s", cases[i].evaluate, rows);
        assert_non_null(text);
        assert_ok(load(text, &e));
        assert_int_equal(e.n_comparisons, cases[i].measure != NULL ? 2 : 0);
        for (size_t c = 0; c < e.n_comparisons; c++) {
            assert_string_equal(metric_at_name(&e.evaluate.measures[e.comparisons[c].measure], name),
                                cases[i].measure);
            assert_string_equal(e.comparisons[c].b->label, c == 0 ? "popularity" : "fusion, no text");
        }
        experiment_free(&e);
    }
}

/* By default a second encoder stands beside: e5 beside minilm, minilm beside any other.  Of vectors side by side those that read text are shuffled. */
static void second_encoders(void **state)
{
    static const struct {
        const char *encoder, *second, *shuffled;
    } cases[] = {{"minilm", "e5", "shuffled:minilm"},
                 {"e5", "minilm", "shuffled:e5"},
                 {"'columns+minilm'", "e5", "columns+shuffled:minilm"},
                 {"'minilm+tfidf'", "e5", "shuffled:minilm+shuffled:tfidf"},
                 {"'columns+feature:x'", "minilm", "shuffled:columns+shuffled:feature:x"},
                 {"tfidf", "minilm", "shuffled:tfidf"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct experiment e;
        const char *text =
            arena_printf(arena, HEAD "fusion: {label: f, intent: {encoder: %s}}\n", cases[i].encoder);
        assert_non_null(text);
        assert_ok(load(text, &e));
        assert_int_equal(e.n_blocks, 8);
        assert_string_equal(text_at(json_object_get(block(&e, 7), "params"), "encoder", NULL),
                            cases[i].second);
        assert_string_equal(text_at(json_object_get(block(&e, 4), "params"), "encoder", NULL),
                            cases[i].shuffled);
        assert_string_equal(e.models[7].label, arena_printf(arena, "f, %s", cases[i].second));
        experiment_free(&e);
    }
}

/* A model under `models` has the same controls as a pipeline, behind it, with its search, grid and fit_on; and the tests against them. */
static void model_controls(void **state)
{
    static const struct {
        const char *label, *name, *encoder;
    } rows[] = {{"popularity", "popularity", NULL},
                {"mine", "llm_ease", "minilm"},
                {"mine, no text", "llm_ease", "none"},
                {"mine, shuffled text", "llm_ease", "shuffled:minilm"},
                {"mine, predicted popularity", "predicted_popularity", "minilm"},
                {"mine, e5", "llm_ease", "e5"},
                {"random", "random", NULL}};
    (void)state;
    struct experiment e;
    assert_ok(load(HEAD "models:\n"
                        "  - {name: popularity}\n"
                        "  - {name: llm_ease, label: mine, params: {text: [title], encoder: minilm}, fit_on: "
                        "train+valid, search: {trials: 2, space: {l2: {low: 1, high: 9}}}, controls: [ids, "
                        "shuffled, predicted_popularity, second_encoder]}\n"
                        "  - {name: random}\n",
                   &e));
    assert_int_equal(e.n_blocks, sizeof rows / sizeof *rows);
    for (size_t i = 0; i < e.n_blocks; i++) {
        const char *encoder = text_at(block(&e, i), "params", "encoder");
        assert_string_equal(e.models[i].label, rows[i].label);
        assert_string_equal(e.models[i].type->name, rows[i].name);
        assert_true((encoder == NULL) == (rows[i].encoder == NULL));
        if (encoder == NULL)
            continue;
        assert_string_equal(encoder, rows[i].encoder);
        assert_true(e.models[i].fit_valid);
        assert_int_equal(e.models[i].search != NULL, i != 4); /* predicted popularity has no l2 */
    }
    assert_int_equal(e.n_comparisons, 4);
    for (size_t i = 0; i < e.n_comparisons; i++) {
        assert_string_equal(e.comparisons[i].a->label, "mine");
        assert_string_equal(e.comparisons[i].b->label, rows[2 + i].label);
    }
    experiment_free(&e);
    assert_ok(load(
        HEAD "models: [{name: llm_ease, grid: {l2: [1, 2]}, controls: ids}, {name: llm_fusion, controls: "
             "none}]\n",
        &e));
    assert_int_equal(e.n_blocks, 3);
    assert_int_equal(e.n_models, 5);
    assert_string_equal(e.models[2].label, "llm_ease, no text");
    assert_int_equal(e.n_comparisons, 0);
    experiment_free(&e);
    test_fails(load(HEAD "models: [{name: ease, controls: [ids]}]\n", &e), STATUS_USAGE,
               "e.yaml:3:33: ", "ease takes no text vectors", NULL);
    test_fails(load(HEAD "models: [{name: llm_ease, controls: [idz]}]\n", &e), STATUS_USAGE,
               "e.yaml:3:38: ", "did you mean 'ids'?", NULL);
    test_fails(load(HEAD "models: [{name: llm_ease, grid: {encoder: [e5, minilm]}, controls: [ids]}]\n", &e),
               STATUS_USAGE, "e.yaml:3:58: ", "grid of encoders", NULL);
}

/* The rules stand around every control. */
static void same_rules(void **state)
{
    (void)state;
    struct experiment e;
    assert_ok(load(HEAD "fusion: {strategy: {candidates: 50, rules: [{exposure: {}}]}}\n", &e));
    for (size_t i = 0; i < e.n_blocks; i++) {
        assert_string_equal(text_at(block(&e, i), "name", NULL), "strategy");
        assert_int_equal(
            json_integer_value(json_object_get(json_object_get(block(&e, i), "params"), "candidates")), 50);
    }
    experiment_free(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(searched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(encoders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(adapters, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cross, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pairs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(same_rules, set_up, tear_down),
        cmocka_unit_test_setup_teardown(second_encoders, set_up, tear_down),
        cmocka_unit_test_setup_teardown(model_controls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("config_fusion", tests, NULL, NULL);
}
