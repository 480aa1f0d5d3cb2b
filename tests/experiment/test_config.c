/* test_config.c - experiment files: what is refused, with file:line:column and what to do; what is resolved. */
#include "../test.h"

#include <stdio.h>
#include <string.h>

#include "experiment/experiment.h"
#include "experiment/plan.h"
#include "models/nested.h"

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

/* Line 1 experiment, 2 dataset, 3 models: , 4 the first model ... */
#define HEAD                                                                                                 \
    "experiment: {name: t, seeds: [0]}\n"                                                                    \
    "datasets: [{name: d, file: nowhere.h5, split: {kind: random, test: 0.2, seed: 1}}]\n"

static enum status load_with(const char *text, const char *const *sets, size_t n_sets, struct experiment *e)
{
    const char *path = test_path(folder, "e.yaml");
    test_write(path, text);
    return experiment_load(path, sets, n_sets, arena, e);
}

static enum status load(const char *text)
{
    struct experiment e;
    const enum status status = load_with(text, NULL, 0, &e);
    experiment_free(&e);
    return status;
}

/* The global temporal cut; where it can't be, the sentence says where and what to take. */
static void split_by_default(void **state)
{
    (void)state;
    struct experiment e;
    assert_ok(load_with(
        "experiment: {name: t}\ndatasets: [{name: d, file: nowhere.h5}]\nmodels: [{name: popularity}]\n",
        NULL, 0, &e));
    const json_t *split =
        json_object_get(json_array_get(json_object_get(e.resolved, "datasets"), 0), "split");
    assert_string_equal(json_string_value(json_object_get(split, "kind")), "temporal_global");
    assert_float_equal(json_number_value(json_object_get(split, "test")), 0.2, 0);
    experiment_free(&e);
}

static void fine(void **state)
{
    (void)state;
    struct experiment e;
    assert_ok(load_with(HEAD "models:\n  - {name: ials, grid: {factors: [8, 16], alpha0: [0.1, 1]}}\n"
                             "  - {name: popularity}\n",
                        NULL, 0, &e));
    assert_int_equal(e.n_models, 5);
    assert_int_equal(e.n_blocks, 2);
    assert_string_equal(e.models[1].grid_json, "{\"alpha0\":1,\"factors\":8}"); /* the last key is fastest */
    assert_string_equal(e.models[2].grid_json, "{\"alpha0\":0.1,\"factors\":16}");
    assert_non_null(e.datasets[0].unavailable);
    assert_non_null(strstr(e.datasets[0].unavailable, "recfuse import FORMAT SOURCE -o nowhere.h5"));
    assert_int_equal(e.evaluate.longest, 20);
    experiment_free(&e);
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *place, *word;
    } cases[] = {
        {HEAD "models:\n  - {name: ials, params: {regularisation: 1}}\n",
         "e.yaml:4:27: ", "unknown parameter 'regularisation' of ials; did you mean 'regularization'?"},
        {HEAD "models:\n  - {name: ials, params: {factors: -3}}\n", "e.yaml:4:36: ", "from 1 to 4096"},
        {HEAD "models:\n  - {name: ials, params: {alpha0: .nan}}\n", "e.yaml:4:35: ", ".nan"},
        {HEAD "models:\n  - {name: ials, params: {alpha0: nan}}\n", "e.yaml:4:35: ", "nan"},
        {HEAD "models:\n  - {name: ials, params: {factors: [8, 16]}}\n", "e.yaml:4:36: ", "grid:"},
        {HEAD "models:\n  - {name: ials, params: {factors: 8, factors: 9}}\n", "e.yaml:4:39: ", "twice"},
        {HEAD "models:\n  - {name: bm25_content, params: {words_kept: 0}}\n",
         "e.yaml:4:47: ", "words_kept of bm25_content"},
        {HEAD "models:\n  - {name: llm_ease, params: {words_noise: 1.5}}\n",
         "e.yaml:4:44: ", "words_noise of llm_ease"},
        {HEAD "models:\n  - {name: llm_ease, params: {words_which: last}}\n", "e.yaml:4:44: ", "lots"},
        /* shares of train */
        {"experiment: {name: t}\ndatasets: [{name: d, file: n.h5, keep_train: 0}]\nmodels: []\n",
         "e.yaml:2:46: ", "0 is no share of the train rows; above 0, at most 1"},
        {"experiment: {name: t}\ndatasets: [{name: d, file: n.h5, keep_train: [0.1, 1.5]}]\nmodels: []\n",
         "e.yaml:2:52: ", "1.5 is no share"},
        {"experiment: {name: t}\ndatasets: [{name: d, file: n.h5, keep_train: []}]\nmodels: []\n",
         "e.yaml:2:46: ", "the list of shares is empty"},
        {"experiment: {name: t}\ndatasets: [{name: d, file: n.h5, keep_train: half}]\nmodels: []\n",
         "e.yaml:2:46: ", "half"},
        {"experiment: {name: t}\ndatasets: [{name: d, file: n.h5, keep_train: {seed: 1}}]\nmodels: []\n",
         "e.yaml:2:46: ", "'share' is missing"},
        {"experiment: {name: t}\ndatasets: [{name: d, file: n.h5, keep_train: {shares: 1}}]\nmodels: []\n",
         "e.yaml:2:47: ", "did you mean 'share'?"},
        {"experiment: {name: t}\ndatasets: [{name: d, file: n.h5, keep_train: [0.1, 0.10]}]\nmodels: []\n",
         "e.yaml:2:12: ", "two datasets are called 'd-keep0.1'"},
        /* searches */
        {HEAD "models:\n  - {name: ease, search: {space: {l2: {low: 1, high: 10}}, trails: 3}}\n",
         "e.yaml:4:60: ", "did you mean 'trials'?"},
        {HEAD "models:\n  - {name: ease, search: {trials: 3}}\n", "e.yaml:4:26: ", "'space' is missing"},
        {HEAD "models:\n  - {name: ease, search: {space: {}}}\n", "e.yaml:4:34: ", "space needs parameters"},
        {HEAD "models:\n  - {name: ease, search: {space: {l3: {low: 1, high: 10}}}}\n",
         "e.yaml:4:35: ", "unknown parameter of ease 'l3'; did you mean 'l2'?"},
        {HEAD "models:\n  - {name: ease, search: {space: {l2: {low: 10, high: 1}}}}\n",
         "e.yaml:4:55: ", "expected low below high"},
        {HEAD "models:\n  - {name: ease, search: {space: {l2: {low: 0, high: 1, log: true}}}}\n",
         "e.yaml:4:45: ", "a log scale needs more than 0"},
        {HEAD "models:\n  - {name: ials, search: {space: {factors: {low: 0, high: 8}}}}\n",
         "e.yaml:4:50: ", "from 1 to 4096"},
        {HEAD "models:\n  - {name: ials, search: {space: {factors: {low: 1.5, high: 8}}}}\n",
         "e.yaml:4:50: ", "a whole number"},
        {HEAD "models:\n  - {name: ials, search: {space: {solver: [cg, lu]}}}\n", "e.yaml:4:48: ", "'lu'"},
        {HEAD "models:\n  - {name: ials, search: {space: {factors: [8]}}}\n", "e.yaml:4:44: ", "two or more"},
        {HEAD "models:\n  - {name: ials, search: {space: {factors: [8, 8]}}}\n", "e.yaml:4:48: ", "twice"},
        {HEAD "models:\n  - {name: ials, search: {space: {factors: all}}}\n",
         "e.yaml:4:44: ", "or all (of a choice)"},
        {HEAD "models:\n  - {name: ials, search: {space: {factors: [8, 16]}}}\n",
         "e.yaml:4:34: ", "2 settings, fewer than 16 trials"},
        {HEAD "models:\n  - {name: ials, params: {factors: 8}, search: {space: {factors: [8, 16]}}}\n",
         "e.yaml:4:57: ", "under params and under search"},
        {HEAD
         "models:\n  - {name: ials, grid: {factors: [8]}, search: {space: {alpha0: {low: 1, high: 2}}}}\n",
         "e.yaml:4:40: ", "a grid and a search"},
        {HEAD "models:\n  - {name: ials, search: {strategy: grid, space: {alpha0: {low: 1, high: 2}}}}\n",
         "e.yaml:4:59: ", "steps"},
        {HEAD
         "models:\n  - {name: ials, search: {strategy: annealing, space: {alpha0: {low: 1, high: 2}}}}\n",
         "e.yaml:4:37: ", "grid, random, sobol, bayesian or halving"},
        {HEAD "models:\n  - {name: ials, search: {strategy: halving, space: {alpha0: {low: 1, high: 2}}}}\n",
         "e.yaml:4:26: ", "'resource' is missing"},
        {HEAD "models:\n  - {name: ials, search: {strategy: halving, resource: alpha0, from: 1, to: 8, "
              "space: {nu: {low: 0, high: 1}}}}\n",
         "e.yaml:4:56: ", "no whole number"},
        {HEAD "models:\n  - {name: ials, search: {metric: rmse, space: {alpha0: {low: 1, high: 2}}}}\n",
         "e.yaml:4:35: ", "does not predict ratings"},
        {HEAD "models:\n  - {name: ials, search: {metric: ngcd, space: {alpha0: {low: 1, high: 2}}}}\n",
         "e.yaml:4:35: ", "did you mean 'ndcg'?"},
        {HEAD "models:\n  - {name: ials, fit_on: valid}\n", "e.yaml:4:26: ", "train or train+valid"},
        {HEAD "models:\n  - {name: ials, history: train+valid}\n",
         "e.yaml:4:27: ", "no scores from a history"},
        {HEAD "models:\n  - {name: ials, grid: {factors: []}}\n", "e.yaml:4:34: ", "empty"},
        {HEAD "models:\n  - {name: ials, grid: {}}\n", "e.yaml:4:24: ", "grid of ials"},
        {HEAD "models:\n  - {name: ials, grid: {factors: [8, 8]}}\n", "e.yaml:4:24: ", "twice"},
        {HEAD "models:\n  - {name: ials, grid: {factor: [8]}}\n", "e.yaml:4:25: ", "did you mean 'factors'?"},
        {HEAD "models:\n  - {name: ials, params: {factors: 4}, grid: {factors: [8]}}\n",
         "e.yaml:4:47: ", "keep one"},
        {HEAD "models:\n  - {name: ial}\n", "e.yaml:4:12: ", "unknown model 'ial'; did you mean 'ials'?"},
        {HEAD "models:\n  - {name: ials}\n  - {name: ials}\n", "e.yaml:5:5: ", "label"},
        {HEAD "models: []\n", "e.yaml:3:9: ", "empty"},
        {HEAD "model: []\n", "e.yaml:3:1: ", "did you mean 'models'?"},
        {HEAD "models: [{name: popularity}]\nevaluate: {metrics: [ndgc]}\n",
         "e.yaml:4:22: ", "unknown metric 'ndgc'; did you mean 'ndcg'?"},
        {HEAD "models: [{name: popularity}]\nevaluate: {k: [0]}\n", "e.yaml:4:16: ", "1 to 10000"},
        {HEAD "models: [{name: popularity}]\nevaluate: {k: [5, 5]}\n", "e.yaml:4:19: ", "twice"},
        {HEAD "models: [{name: popularity}]\nexpect: [{dataset: e, model: popularity, metric: ndcg, k: 10, "
              "value: 1, tolerance: 0}]\n",
         "e.yaml:4:20: ", "unknown dataset 'e'"},
        {HEAD "models: [{name: popularity}]\nexpect: [{dataset: d, model: popularity, metric: ndcg, k: 7, "
              "value: 1, tolerance: 0}]\n",
         "e.yaml:4:59: ", "cut-offs"},
        {HEAD
         "models: [{name: popularity}]\nexpect: [{dataset: d, model: popularity, metric: ndcg, value: 1, "
         "tolerance: 0}]\n",
         "e.yaml:4:10: ", "'k' is missing"},
        {HEAD "models: [{name: svd}]\nevaluate: {metrics: [rmse]}\nexpect: [{dataset: d, model: "
              "svd, metric: rmse, k: 10, value: 1, tolerance: 0}]\n",
         "e.yaml:5:52: ", "rmse has no cut-off"},
        {HEAD "models: [{name: popularity}]\nevaluate: {metrics: [rmse]}\nexpect: [{dataset: d, model: "
              "popularity, metric: rmse, value: 1, tolerance: 0}]\n",
         "e.yaml:5:30: ", "does not predict ratings"},
        {HEAD
         "models: [{name: popularity}, {name: random}]\ncompare: [{a: popularity, b: popularity, metric: "
         "ndcg, k: 10}]\n",
         "e.yaml:4:30: ", "itself"},
        {"experiment: {name: ../t}\ndatasets: []\nmodels: []\n", "e.yaml:1:20: ", "names files"},
        {"experiment: {name: t}\ndatasets: []\nmodels: []\n", "e.yaml:2:11: ", "empty"},
        {"experiment: {name: t}\nmodels: []\n", "e.yaml:1:1: ", "'datasets' is missing"},
        {"experiment: {name: t}\ndatasets: [{name: d, file: n.h5, split: {kind: randon}}]\nmodels: []\n",
         "e.yaml:2:48: ", "did you mean 'random'?"},
        {"experiment: {name: t}\ndatasets: [{name: d, file: n.h5, filter: [{min_ratng: 4}], split: {kind: "
         "random}}]\nmodels: []\n",
         "e.yaml:2:44: ", "did you mean 'min_rating'?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        printf("%s", cases[i].text);
        test_fails(load(cases[i].text), STATUS_USAGE, cases[i].place, cases[i].word, NULL);
    }
}

static void bomb(void **state)
{
    (void)state;
    char text[4096] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1);
    test_fails(load(text), STATUS_USAGE, "aliases", NULL);
}

static void missing_file(void **state)
{
    (void)state;
    struct experiment e;
    test_fails(experiment_load(test_path(folder, "none.yaml"), NULL, 0, arena, &e), STATUS_USAGE, "none.yaml",
               NULL);
}

static void overrides(void **state)
{
    (void)state;
    struct experiment e;
    const char *const text = HEAD "models: [{name: popularity}, {name: ials, params: {factors: 8}}]\n";
    const char *const good[] = {"models.1.params.factors=32", "models.1.params.alpha0=0.5",
                                "evaluate.k=[3]"}; /* evaluate isn't in the file */
    assert_ok(load_with(text, good, 3, &e));
    assert_non_null(strstr(e.models[1].params_json, "\"alpha0\":0.5,"));
    assert_non_null(strstr(e.models[1].params_json, "\"factors\":32,"));
    assert_int_equal(e.evaluate.longest, 3);
    experiment_free(&e);
    static const struct {
        const char *set, *word;
    } bad[] = {{"models.2.params.factors=32", "not a position"},
               {"models.1.params.factor=32", "did you mean 'factors'?"},
               {"models.1.params.factors=-1", "from 1 to 4096"},
               {"models.1.name.x=1", "below a single value"},
               {"models", "path.to.key=value"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        test_fails(load_with(text, &bad[i].set, 1, &e), STATUS_USAGE, bad[i].word, NULL);
}

/* The resolved text is the same experiment: same hash, and it resolves to itself. */
static void round_trip(void **state)
{
    (void)state;
    struct experiment e, again;
    char *text, *twice;
    assert_ok(load_with(
        HEAD "models:\n  - {name: ials, label: \"yes\", grid: {factors: [8, 16], alpha0: [0.1, 1]}}\n"
             "  - {name: popularity, label: \"12, \\\"x\\\"\"}\n"
             "compare: [{a: popularity, b: popularity2, metric: ndcg, k: 5}]\n"
             "expect: [{dataset: d, model: popularity, metric: ndcg, k: 10, value: 0.3433, "
             "tolerance: 0.0002, source: \"a: b\"}]\n",
        (const char *const[]){"compare=[]"}, 1, &e));
    assert_ok(experiment_yaml(&e, arena, &text));
    assert_ok(load_with(text, NULL, 0, &again));
    assert_string_equal(e.sha256, again.sha256);
    assert_null(experiment_difference(e.resolved, again.resolved, arena));
    assert_ok(experiment_yaml(&again, arena, &twice));
    assert_string_equal(text, twice);
    for (size_t i = 0; i < e.n_models; i++) { /* the grid in the same order */
        assert_string_equal(e.models[i].label, again.models[i].label);
        assert_string_equal(e.models[i].params_json, again.models[i].params_json);
    }
    experiment_free(&again);
    assert_ok(load_with(text, (const char *const[]){"models.0.params.nu=0.5"}, 1, &again));
    assert_string_not_equal(e.sha256, again.sha256);
    assert_string_equal(experiment_difference(e.resolved, again.resolved, arena),
                        "models.0.params.nu was 1, is 0.5");
    experiment_free(&again);
    experiment_free(&e);
}

/* Keys differ between cells, are the same each time, and change with whatever changes results. */
static void keys(void **state)
{
    (void)state;
    struct experiment e;
    struct plan plan, other;
    const char *const text = HEAD "models: [{name: popularity}, {name: ials, grid: {factors: [8, 16]}}]\n";
    const char *const changes[] = {"models.1.params.alpha0=0.2",
                                   "evaluate.k=[7]",
                                   "experiment.seeds=[5]",
                                   "datasets.0.split.seed=2",
                                   "datasets.0.name=e",
                                   "evaluate.mask=train",
                                   "datasets.0.filter=[{min_rating: 4}]"};
    assert_ok(load_with(text, NULL, 0, &e));
    assert_ok(plan_make(&e, "cpu", "nowhere", arena, &plan, NULL));
    assert_int_equal(plan.n_cells, 3);
    for (size_t i = 0; i < plan.n_cells; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(plan.cells[i].key, plan.cells[j].key);
    assert_ok(plan_make(&e, "cpu", "nowhere", arena, &other, NULL));
    assert_string_equal(plan.sha256, other.sha256);
    assert_ok(plan_make(&e, "cuda", "nowhere", arena, &other, NULL));
    assert_string_not_equal(plan.cells[0].key, other.cells[0].key);
    experiment_free(&e);
    for (size_t c = 0; c < sizeof changes / sizeof *changes; c++) {
        assert_ok(load_with(text, &changes[c], 1, &e));
        assert_ok(plan_make(&e, "cpu", "nowhere", arena, &other, NULL));
        assert_string_not_equal(plan.cells[1].key, other.cells[1].key);
        if (c == 0) /* a parameter of another model leaves this cell alone */
            assert_string_equal(plan.cells[0].key, other.cells[0].key);
        experiment_free(&e);
    }
}

/* What holds other models, as it is, but the first of them one version on. */
static const struct model_type *holder;
static enum status newer(const void *params, struct arena *room, const struct nested **models, size_t *n)
{
    struct nested *copy;
    struct model_type *type;
    assert_ok(holder->inside(params, room, models, n));
    assert_true(*n > 0);
    copy = arena_copy(room, *models, *n, sizeof *copy);
    type = arena_copy(room, copy->type, 1, sizeof *type);
    type->version++;
    copy->type = type;
    *models = copy;
    return STATUS_OK;
}

/* A model inside a model that gives other results now: the cell is computed anew. */
static void keys_know_models_inside(void **state)
{
    (void)state;
    const char *const holders[] = {
        "weighted",      "switching",
        "stacking",      "strategy",
        "decision_tree", "random_forest",
        "gbdt",          "strategy, params: {base: {name: weighted, params: {models: [ease, slim]}}}"};
    for (size_t i = 0; i < sizeof holders / sizeof *holders; i++) {
        struct experiment e;
        struct plan plan, other;
        char text[512];
        snprintf(text, sizeof text, HEAD "models: [{name: %s}, {name: ease}]\n", holders[i]);
        assert_ok(load_with(text, NULL, 0, &e));
        assert_ok(plan_make(&e, "cpu", "nowhere", arena, &plan, NULL));
        holder = e.models[0].type;
        struct model_type outer = *holder;
        outer.inside = newer;
        e.models[0].type = &outer;
        assert_ok(plan_make(&e, "cpu", "nowhere", arena, &other, NULL));
        assert_string_not_equal(plan.cells[0].key, other.cells[0].key);
        assert_string_equal(plan.cells[1].key, other.cells[1].key);
        experiment_free(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(split_by_default, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bomb, set_up, tear_down),
        cmocka_unit_test_setup_teardown(missing_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overrides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_know_models_inside, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
