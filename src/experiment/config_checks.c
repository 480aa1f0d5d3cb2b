/*
 * config_checks.c - what an experiment claims: `expect` (values that it must reproduce) and `compare` (paired tests).
 */
#include <stdlib.h>
#include <string.h>

#include "experiment/config_parts.h"

struct check_block {
    const struct node *dataset, *model, *a, *b, *metric, *k, *dialect, *value, *tolerance;
    const char *source;
};
static const struct param expect_params[] = {
    PARAM_NODE(struct check_block, dataset, "name of a dataset"),
    PARAM_NODE(struct check_block, model, "label or name of a model"),
    PARAM_NODE(struct check_block, metric, "name of a metric"),
    PARAM_NODE(struct check_block, k, "cut-off; none for a metric without"),
    PARAM_NODE(struct check_block, dialect, "one of evaluate's; default: default"),
    PARAM_NODE(struct check_block, value, "what the mean over folds and seeds must be"),
    PARAM_NODE(struct check_block, tolerance, "largest difference"),
    PARAM_STRING(struct check_block, source, NULL, "who, where, when"),
    PARAM_END};
static const struct param compare_params[] = {
    PARAM_NODE(struct check_block, dataset, "name of a dataset; default: each"),
    PARAM_NODE(struct check_block, a, "label or name of a model"),
    PARAM_NODE(struct check_block, b, "label or name of another"),
    PARAM_NODE(struct check_block, metric, "name of a metric"),
    PARAM_NODE(struct check_block, k, "cut-off; none for a metric without"),
    PARAM_NODE(struct check_block, dialect, "one of evaluate's; default: default"),
    PARAM_END};

static const struct param rank_params[] = {
    PARAM_NODE(struct check_block, metric, "name of a metric"),
    PARAM_NODE(struct check_block, k, "cut-off; none for a metric without"),
    PARAM_NODE(struct check_block, dialect, "one of evaluate's; default: default"), PARAM_END};

struct compare_block {
    const struct node *pairs, *ranks;
    int test, correction, over, draws, intervals;
    double alpha;
};
static const char *const compare_tests[] = {"t", "wilcoxon", "sign", "randomisation"};
static const char *const compare_corrections[] = {"holm", "bonferroni", "bh"}; /* enum correction */
static const struct param family_params[] = {
    PARAM_NODE(struct compare_block, pairs, "pairs of models: {a, b, metric, k, dialect, dataset}"),
    PARAM_NODE(struct compare_block, ranks, "measures by which all models are ranked: {metric, k, dialect}"),
    PARAM_CHOICE(struct compare_block, test, "t", "t|wilcoxon|sign|randomisation",
                 "whose p values are corrected"),
    PARAM_CHOICE(struct compare_block, correction, "holm", "holm|bonferroni|bh", "for the number of tests"),
    PARAM_CHOICE(struct compare_block, over, "users", "users|folds|seeds",
                 "what is paired; seeds are refused"),
    PARAM_REAL(struct compare_block, alpha, 0.05, 1e-6, 0.5,
               "level of each family: of the whole, of the strata"),
    PARAM_INT(struct compare_block, draws, 10000, 1000, 100000000, "of the randomisation test"),
    PARAM_INT(struct compare_block, intervals, 2000, 0, 1000000,
              "resamples of a confidence interval; 0: none"),
    PARAM_END};

static enum status scalar(const struct node *node, const char *what)
{
    return node->kind == NODE_SCALAR ? STATUS_OK : node_fail(node, "%s: expected one value", what);
}

enum status config_find_dataset(const struct node *node, const struct experiment *e,
                                const struct dataset_config **out)
{
    const char *names[64];
    size_t n = e->n_datasets < 64 ? e->n_datasets : 64;
    TRY(scalar(node, "dataset"));
    for (size_t i = 0; i < e->n_datasets; i++) {
        if (i < n)
            names[i] = e->datasets[i].name;
        if (strcmp(e->datasets[i].name, node->text) == 0) {
            *out = &e->datasets[i];
            return STATUS_OK;
        }
    }
    return config_unknown(node, "dataset", names, n);
}

/* By label first; by the model's name when that is one block only. */
enum status config_find_model(const struct node *node, const struct experiment *e,
                              const struct model_config **out)
{
    const char *names[256];
    size_t n_names = 0, n_found = 0, n_points = 0;
    TRY(scalar(node, "model"));
    *out = NULL;
    for (int by_name = 0; by_name < 2 && *out == NULL; by_name++)
        for (size_t i = 0; i < e->n_models; i++) {
            const struct model_config *m = &e->models[i];
            if (m->point == 0 && !by_name && n_names < 256)
                names[n_names++] = m->label;
            if (strcmp(by_name ? m->type->name : m->label, node->text) != 0)
                continue;
            *out = *out != NULL ? *out : m;
            n_found += m->point == 0;
            n_points++;
        }
    if (*out == NULL)
        return config_unknown(node, "model", names, n_names);
    if (n_found > 1)
        return node_fail(node, "%zu models are called '%s'; use a label", n_found, node->text);
    if (n_points > 1)
        return node_fail(node, "'%s' has a grid of %zu points; expect and compare need one", node->text,
                         n_points);
    return STATUS_OK;
}

static enum status find_metric(const struct node *node, const struct experiment *e, size_t *out)
{
    const char *names[256];
    const struct evaluate_config *v = &e->evaluate;
    TRY(scalar(node, "metric"));
    for (*out = 0; *out < v->n_metrics && *out < 256; (*out)++) {
        names[*out] = v->metrics[*out]->name;
        if (strcmp(names[*out], node->text) == 0)
            return STATUS_OK;
    }
    return config_unknown(node, "metric of evaluate", names, v->n_metrics < 256 ? v->n_metrics : 256);
}

static enum status find_dialect(const struct node *node, enum dialect *out)
{
    const char *names[N_DEFINITIONS];
    *out = DIALECT_DEFAULT;
    if (node == NULL)
        return STATUS_OK;
    TRY(scalar(node, "dialect"));
    for (size_t d = 0; d < N_DEFINITIONS; d++)
        names[d] = dialect_types[d].name;
    *out = dialect_find(node->text);
    return *out < N_DEFINITIONS ? STATUS_OK : config_unknown(node, "dialect", names, N_DEFINITIONS);
}

/* The measure that a block's metric and k name; k is not there for a metric without cut-off. */
static enum status find_measure(const struct node *block, const struct check_block *b, const char *what,
                                const struct experiment *e, size_t *out)
{
    const struct evaluate_config *v = &e->evaluate;
    const struct node *node = b->k;
    long long k = 0;
    size_t metric;
    enum dialect dialect;
    TRY(find_metric(b->metric, e, &metric));
    TRY(find_dialect(b->dialect, &dialect));
    if (metric_has_cutoff(v->metrics[metric])) {
        TRY(config_required(block, "k", what, &node));
        TRY(node_int(node, &k));
    } else if (node != NULL)
        return node_fail(node, "%s has no cut-off; leave k out", v->metrics[metric]->name);
    for (*out = 0; *out < v->n_measures; (*out)++)
        if (v->measures[*out].metric == v->metrics[metric] && v->measures[*out].k == k &&
            v->measures[*out].dialect == dialect)
            return STATUS_OK;
    if (b->dialect != NULL)
        return node_fail(b->dialect, "evaluate does not measure %s at k %lld in the dialect %s",
                         v->metrics[metric]->name, k, dialect_types[dialect].name);
    return node_fail(node != NULL ? node : block, "k %lld is none of evaluate's cut-offs", k);
}

/* Nothing can be claimed about ratings that a model doesn't predict. */
static enum status check_predicts(const struct node *node, const struct model_config *model,
                                  const struct metric_at *measure)
{
    if (measure->metric->kind == METRIC_RATING && !(model->type->needs & NEEDS_RATINGS))
        return node_fail(node, "%s does not predict ratings, so it has no %s", model->type->name,
                         measure->metric->name);
    return STATUS_OK;
}

static void put_measure(json_t *row, const struct metric_at *measure)
{
    json_object_set_new(row, "metric", json_string(measure->metric->name));
    if (measure->k > 0)
        json_object_set_new(row, "k", json_integer(measure->k));
    if (measure->dialect != DIALECT_DEFAULT)
        json_object_set_new(row, "dialect", json_string(dialect_types[measure->dialect].name));
}

enum status config_expect(const struct node *list, struct arena *arena, struct experiment *e, json_t *out)
{
    static const char *const needed[] = {"dataset", "model", "metric", "value", "tolerance"};
    if (list->kind != NODE_LIST)
        return node_fail(list, "expect: expected a list");
    ARENA_NEW(e->expectations, arena, list->n);
    for (size_t i = 0; i < list->n; i++) {
        struct check_block block = {0};
        struct expectation *x = &e->expectations[i];
        const struct node *node = list->child[i], *unused;
        TRY(params_default(expect_params, arena, &block));
        TRY(params_set(expect_params, "expect", node, arena, &block));
        for (size_t j = 0; j < sizeof needed / sizeof *needed; j++)
            TRY(config_required(node, needed[j], "expect", &unused));
        TRY(config_find_dataset(block.dataset, e, &x->dataset));
        TRY(config_find_model(block.model, e, &x->model));
        TRY(find_measure(node, &block, "expect", e, &x->measure));
        TRY(check_predicts(block.model, x->model, &e->evaluate.measures[x->measure]));
        TRY(node_double(block.value, &x->value));
        TRY(node_double(block.tolerance, &x->tolerance));
        if (x->tolerance < 0)
            return node_fail(block.tolerance, "tolerance %.9g: expected 0 or more", x->tolerance);
        x->source = block.source != NULL ? block.source : "";
        json_t *row =
            json_pack("{s:s, s:s, s:f, s:f, s:s}", "dataset", x->dataset->name, "model", x->model->label,
                      "value", x->value, "tolerance", x->tolerance, "source", x->source);
        put_measure(row, &e->evaluate.measures[x->measure]);
        json_array_append_new(out, row);
    }
    e->n_expectations = list->n;
    return STATUS_OK;
}

/* One pair of models. */
static enum status read_pair(const struct node *node, struct arena *arena, struct experiment *e,
                             struct comparison *c, json_t *out)
{
    static const char *const needed[] = {"a", "b", "metric"};
    struct check_block block = {0};
    const struct node *unused;
    TRY(params_default(compare_params, arena, &block));
    TRY(params_set(compare_params, "compare", node, arena, &block));
    for (size_t j = 0; j < sizeof needed / sizeof *needed; j++)
        TRY(config_required(node, needed[j], "compare", &unused));
    if (block.dataset != NULL)
        TRY(config_find_dataset(block.dataset, e, &c->dataset));
    TRY(config_find_model(block.a, e, &c->a));
    TRY(config_find_model(block.b, e, &c->b));
    if (c->a == c->b)
        return node_fail(block.b, "'%s' is compared with itself", block.b->text);
    TRY(find_measure(node, &block, "compare", e, &c->measure));
    const struct metric_at *measure = &e->evaluate.measures[c->measure];
    if (!metric_is_per_user(measure->metric) && !e->compare.over_folds)
        return node_fail(block.metric, "%s is one number for all users: users can't be compared by it",
                         block.metric->text);
    TRY(check_predicts(block.a, c->a, measure));
    TRY(check_predicts(block.b, c->b, measure));
    json_t *row = json_pack("{s:s, s:s}", "a", c->a->label, "b", c->b->label);
    put_measure(row, measure);
    if (c->dataset != NULL)
        json_object_set_new(row, "dataset", json_string(c->dataset->name));
    json_array_append_new(out, row);
    return STATUS_OK;
}

static enum status read_pairs(const struct node *list, struct arena *arena, struct experiment *e, json_t *out)
{
    if (list->kind != NODE_LIST)
        return node_fail(list, "compare: expected a list of pairs");
    ARENA_NEW(e->comparisons, arena, list->n);
    for (size_t i = 0; i < list->n; i++)
        TRY(read_pair(list->child[i], arena, e, &e->comparisons[i], out));
    e->n_comparisons = list->n;
    return STATUS_OK;
}

static enum status read_ranks(const struct node *list, struct arena *arena, struct experiment *e, json_t *out)
{
    if (list->kind != NODE_LIST)
        return node_fail(list, "ranks: expected a list of {metric, k}");
    ARENA_NEW(e->compare.ranks, arena, list->n);
    for (size_t i = 0; i < list->n; i++) {
        struct check_block block = {0};
        const struct node *unused;
        TRY(params_default(rank_params, arena, &block));
        TRY(params_set(rank_params, "ranks", list->child[i], arena, &block));
        TRY(config_required(list->child[i], "metric", "ranks", &unused));
        TRY(find_measure(list->child[i], &block, "ranks", e, &e->compare.ranks[i]));
        const struct metric_at *measure = &e->evaluate.measures[e->compare.ranks[i]];
        if (!metric_is_per_user(measure->metric) && !e->compare.over_folds)
            return node_fail(block.metric, "%s is one number for all users: models can't be ranked by users",
                             block.metric->text);
        json_t *row = json_object();
        put_measure(row, measure);
        json_array_append_new(out, row);
    }
    e->compare.n_ranks = list->n;
    return STATUS_OK;
}

/* With too few draws no p could fall below alpha once it is corrected for the family. */
static enum status check_draws(const struct node *where, const struct experiment *e)
{
    size_t family = 0;
    for (size_t i = 0; i < e->n_comparisons; i++)
        family += e->comparisons[i].dataset != NULL ? 1 : e->n_datasets;
    if ((double)e->compare.draws > (double)family / e->compare.alpha)
        return STATUS_OK;
    return node_fail(
        where,
        "compare: %u draws for a family of %zu tests at alpha %.9g can't show anything; take more than "
        "%.0f",
        e->compare.draws, family, e->compare.alpha, (double)family / e->compare.alpha);
}

enum status config_compare(const struct node *node, const struct node *usual, struct arena *arena,
                           struct experiment *e, json_t *out)
{
    struct compare_block block = {0};
    json_t *pairs = json_array(), *ranks = json_array();
    TRY(params_default(family_params, arena, &block));
    if (node != NULL && node->kind != NODE_LIST)
        TRY(params_set(family_params, "compare", node, arena, &block));
    if (block.over == 2)
        return node_fail(
            node_get(node, "over"),
            "over: seeds: the seeds of a split share its train and its test rows; their spread shows how "
            "far chance moves an algorithm, not whether a difference would hold on other data. Take users "
            "or folds");
    e->compare = (struct compare_config){.test = (enum compare_test)block.test,
                                         .correction = block.correction,
                                         .alpha = block.alpha,
                                         .over_folds = block.over == 1,
                                         .draws = (uint32_t)block.draws,
                                         .intervals = (uint32_t)block.intervals};
    json_object_set_new(out, "test", json_string(compare_tests[block.test]));
    json_object_set_new(out, "correction", json_string(compare_corrections[block.correction]));
    json_object_set_new(out, "over", json_string(e->compare.over_folds ? "folds" : "users"));
    json_object_set_new(out, "alpha", json_real(block.alpha));
    json_object_set_new(out, "draws", json_integer(block.draws));
    json_object_set_new(out, "intervals", json_integer(block.intervals));
    json_object_set_new(out, "pairs", pairs);
    json_object_set_new(out, "ranks", ranks);
    if (node != NULL && node->kind == NODE_LIST)
        block.pairs = node;
    if (block.pairs == NULL)
        block.pairs = usual;
    if (block.pairs != NULL)
        TRY(read_pairs(block.pairs, arena, e, pairs));
    if (block.ranks != NULL)
        TRY(read_ranks(block.ranks, arena, e, ranks));
    return e->n_comparisons > 0 ? check_draws(node != NULL ? node : usual, e) : STATUS_OK;
}
