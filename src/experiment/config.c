/*
 * config.c - the experiment file: its blocks, against tables of parameters, everything before any work.
 */
#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "base/strings.h"
#include "experiment/config_parts.h"

struct top {
    const struct node *experiment, *datasets, *models, *fusion, *pipeline, *evaluate, *expect, *compare,
        *report, *present, *feedback;
};
static const struct param top_params[] = {
    PARAM_NODE(struct top, experiment, "name and seeds"),
    PARAM_NODE(struct top, datasets, "what is learned from and tested on"),
    PARAM_NODE(struct top, models, "the models, with parameters and grids"),
    PARAM_NODE(struct top, fusion, "the stages of a pipeline; with it come its controls"),
    PARAM_NODE(struct top, pipeline,
               "label of the model that `recfuse trace` shows; fusion's own, where that is there"),
    PARAM_NODE(struct top, evaluate, "cut-offs and metrics"),
    PARAM_NODE(struct top, expect, "values that the run must reproduce"),
    PARAM_NODE(struct top, compare, "paired tests between models"),
    PARAM_NODE(struct top, report, "tables and plots"),
    PARAM_NODE(struct top, present, "texts for what a model recommends, once the cells are done"),
    PARAM_NODE(struct top, feedback, "how a model, in use, learns from what users do"),
    PARAM_END};

struct head {
    const char *name;
    const struct node *seeds;
    bool save_models;
};
static const struct param head_params[] = {
    PARAM_STRING(struct head, name, NULL, "names the folder of results"),
    PARAM_NODE(struct head, seeds, "a list of whole numbers; each model runs once a seed"),
    PARAM_BOOL(struct head, save_models, 0, "keep the fitted models"), PARAM_END};

struct report_block {
    struct param_list tables, plots;
    bool strata;
};
static const struct param report_params[] = {
    PARAM_LIST(struct report_block, tables, "csv|md|tex", "csv|md|tex", "formats of the tables"),
    PARAM_LIST(struct report_block, plots,
               "metrics|per_k|strata|tradeoff|popularity|curves|ranks|budget|multiverse",
               "metrics|per_k|time|strata|tradeoff|popularity|curves|ranks|budget|multiverse", "which plots"),
    PARAM_BOOL(struct report_block, strata, 0,
               "print tables of the strata too, not write them alone; a block `fusion` does"),
    PARAM_END};

enum status config_list(const struct node *node, const char *what)
{
    if (node->kind != NODE_LIST)
        return node_fail(node, "%s: expected a list", what);
    if (node->n == 0)
        return node_fail(node, "%s: the list is empty; expected at least one entry", what);
    return STATUS_OK;
}

enum status config_unknown(const struct node *node, const char *what, const char *const *names, size_t n)
{
    const char *word = node->kind == NODE_SCALAR ? node->text : "";
    const char *nearest = string_nearest(word, names, n);
    char known[1024] = "";
    for (size_t i = 0; i < n; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i > 0 ? ", " : "", names[i]);
    if (nearest != NULL)
        return node_fail(node, "unknown %s '%s'; did you mean '%s'?", what, word, nearest);
    return node_fail(node, "unknown %s '%s'; known are: %s", what, word, known);
}

enum status config_name(const struct node *where, const char *what, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("._-", text[i]) == NULL)
            n = 0;
    if (n == 0 || n > 100 || text[0] == '.' || text[0] == '-')
        return node_fail(where,
                         "%s '%s': expected 1 to 100 letters, digits, '.', '_' or '-' (it names files)", what,
                         text);
    return STATUS_OK;
}

enum status config_required(const struct node *map, const char *key, const char *what,
                            const struct node **out)
{
    if (map->kind != NODE_MAP)
        return node_fail(map, "%s: expected a mapping with '%s'", what, key);
    *out = node_get(map, key);
    if (*out == NULL)
        return node_fail(map, "%s: '%s' is missing", what, key);
    return STATUS_OK;
}

enum status config_seeds(const struct node *list, struct arena *arena, const long long **seeds, size_t *n)
{
    long long *seed;
    TRY(config_list(list, "seeds"));
    ARENA_NEW(seed, arena, list->n);
    for (size_t i = 0; i < list->n; i++) {
        TRY(node_int(list->child[i], &seed[i]));
        if (seed[i] < 0)
            return node_fail(list->child[i], "seed %lld: expected 0 or more", seed[i]);
        for (size_t j = 0; j < i; j++)
            if (seed[j] == seed[i])
                return node_fail(list->child[i], "seed %lld stands twice", seed[i]);
    }
    *seeds = seed;
    *n = list->n;
    return STATUS_OK;
}

static enum status read_head(const struct node *node, struct arena *arena, struct experiment *e)
{
    static const long long only_seed[] = {0};
    struct head head = {0};
    TRY(params_default(head_params, arena, &head));
    TRY(params_set(head_params, "experiment", node, arena, &head));
    if (head.name == NULL)
        return node_fail(node, "experiment: 'name' is missing");
    TRY(config_name(node_get(node, "name"), "experiment name", head.name));
    e->name = head.name;
    e->save_models = head.save_models;
    e->seeds = only_seed;
    e->n_seeds = 1;
    return head.seeds != NULL ? config_seeds(head.seeds, arena, &e->seeds, &e->n_seeds) : STATUS_OK;
}

static json_t *strings_json(const struct param_list *list)
{
    json_t *out = json_array();
    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(out, json_string(list->item[i]));
    return out;
}

static json_t *multiverse_json(const struct multiverse_config *m)
{
    json_t *masks = json_array(), *ties = json_array();
    for (size_t i = 0; i < m->n_masks; i++)
        json_array_append_new(masks, json_string(m->mask_valid[i] ? "train+valid" : "train"));
    for (size_t i = 0; i < m->n_ties; i++)
        json_array_append_new(ties, json_string(rank_ties_names[m->ties[i]]));
    return json_pack("{s:o, s:o}", "mask", masks, "ties", ties);
}

/* "full", or a map of what counts. */
static json_t *candidates_json(const struct candidates_config *c)
{
    if (c->kind == CANDIDATES_FULL)
        return json_string("full");
    if (c->kind == CANDIDATES_COLD)
        return json_pack("{s:s}", "kind", candidates_kinds[c->kind]);
    if (c->kind == CANDIDATES_MATCHED)
        return json_pack("{s:s, s:i, s:I}", "kind", candidates_kinds[c->kind], "negatives", (int)c->negatives,
                         "seed", (json_int_t)c->seed);
    json_t *out = json_pack("{s:s, s:s}", "kind", candidates_kinds[c->kind], "by", candidates_bys[c->by]);
    if (c->kind == CANDIDATES_GIVEN)
        json_object_set_new(out, "file", json_string(c->file));
    else {
        json_object_set_new(out, "negatives", json_integer(c->negatives));
        json_object_set_new(out, "seed", json_integer((json_int_t)c->seed));
    }
    if (c->by == CANDIDATES_UNIFORM)
        json_object_set_new(out, "gamma", json_real(c->gamma));
    return out;
}

/* The head and evaluate, with every default. */
static void resolve_head(struct experiment *e)
{
    json_t *seeds = json_array(), *k = json_array(), *metrics = json_array(), *dialects = json_array();
    for (size_t i = 0; i < e->evaluate.n_dialects; i++)
        json_array_append_new(dialects, json_string(dialect_types[e->evaluate.dialects[i]].name));
    for (size_t i = 0; i < e->n_seeds; i++)
        json_array_append_new(seeds, json_integer(e->seeds[i]));
    for (size_t i = 0; i < e->evaluate.n_k; i++)
        json_array_append_new(k, json_integer(e->evaluate.k[i]));
    for (size_t i = 0; i < e->evaluate.n_metrics; i++)
        json_array_append_new(metrics, json_string(e->evaluate.metrics[i]->name));
    json_object_set_new(
        e->resolved, "experiment",
        json_pack("{s:s, s:o, s:b}", "name", e->name, "seeds", seeds, "save_models", e->save_models));
    json_object_set_new(
        e->resolved, "evaluate",
        json_pack("{s:o, s:o, s:o, s:o, s:s, s:f, s:o, s:s, s:s, s:I}", "k", k, "metrics", metrics,
                  "dialects", dialects, "strata", strings_json(&e->evaluate.strata), "relevance",
                  e->evaluate.graded ? "graded" : "binary", "relevant_from", e->evaluate.relevant_from,
                  "candidates", candidates_json(&e->evaluate.candidates), "mask",
                  e->evaluate.mask_valid ? "train+valid" : "train", "ties", rank_ties_names[e->evaluate.ties],
                  "validation_every", (json_int_t)e->evaluate.validation_every));
    if (e->evaluate.vectors != NULL)
        json_object_set_new(json_object_get(e->resolved, "evaluate"), "vectors",
                            json_loads(e->evaluate.vectors_json, 0, NULL));
    if (e->evaluate.multiverse.n_masks > 0)
        json_object_set_new(json_object_get(e->resolved, "evaluate"), "multiverse",
                            multiverse_json(&e->evaluate.multiverse));
}

/* Without what is not set, so that the text reads back. */
static enum status resolve_split(const struct split *s, struct arena *arena, json_t **out)
{
    char *text = NULL;
    const char *key;
    json_t *value;
    TRY(params_json(s->type->params, s->params, arena, &text));
    json_t *params = json_loads(text, 0, NULL);
    *out = json_pack("{s:s}", "kind", s->type->name);
    json_object_foreach(params, key, value) if (!json_is_null(value)) json_object_set(*out, key, value);
    json_decref(params);
    return STATUS_OK;
}

static enum status resolve_datasets(struct experiment *e, struct arena *arena)
{
    json_t *list = json_array();
    json_object_set_new(e->resolved, "datasets", list);
    for (size_t i = 0; i < e->n_datasets; i++) {
        const struct dataset_config *d = &e->datasets[i];
        json_t *split, *validation;
        TRY(resolve_split(&d->split, arena, &split));
        json_t *block = json_pack("{s:s, s:s, s:o, s:o}", "name", d->name, "file", d->file, "filter",
                                  json_loads(d->filter_json, 0, NULL), "split", split);
        json_array_append_new(list, block);
        if (d->validation.type != NULL) {
            TRY(resolve_split(&d->validation, arena, &validation));
            json_object_set_new(block, "validation", validation);
        }
        if (d->keep_train.share > 0)
            json_object_set_new(
                block, "keep_train",
                json_pack("{s:f, s:i}", "share", d->keep_train.share, "seed", d->keep_train.seed));
    }
    return STATUS_OK;
}

static enum status hash_config(struct experiment *e)
{
    json_t *part = json_pack("{s:O, s:O, s:O, s:O}", "experiment", json_object_get(e->resolved, "experiment"),
                             "datasets", json_object_get(e->resolved, "datasets"), "models",
                             json_object_get(e->resolved, "models"), "evaluate",
                             json_object_get(e->resolved, "evaluate"));
    char *text = json_dumps(part, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(part);
    if (text == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while writing the experiment as JSON");
    sha256_hex(text, strlen(text), e->sha256);
    free(text);
    return STATUS_OK;
}

/* The model of that label: the block fusion's (`label`), else the one that the file names. */
static enum status find_pipeline(const struct node *named, const char *label, struct experiment *e)
{
    const char *names[256];
    size_t n = 0;
    if (named != NULL && label != NULL)
        return node_fail_key(named, "pipeline: the block fusion says which it is; leave it out");
    if (named != NULL && named->kind != NODE_SCALAR)
        return node_fail(named, "pipeline: expected the label of a model");
    label = named != NULL ? named->text : label;
    for (size_t m = 0; m < e->n_models && label != NULL && e->pipeline == NULL; m++) {
        if (strcmp(e->models[m].label, label) == 0)
            e->pipeline = &e->models[m];
        if (e->models[m].point == 0 && n < 256)
            names[n++] = e->models[m].label;
    }
    if (label != NULL && e->pipeline == NULL)
        return config_unknown(named, "model", names, n);
    if (label != NULL)
        json_object_set_new(e->resolved, "pipeline", json_string(label));
    return STATUS_OK;
}

/* Does `compare` (NULL: there is none) say what is compared, if only that nothing is? */
static bool names_pairs(const struct node *compare)
{
    return compare != NULL && (compare->kind == NODE_LIST || node_get(compare, "pairs") != NULL);
}

static enum status read_blocks(const struct node *root, struct arena *arena, struct experiment *e)
{
    struct top top = {0};
    const struct node *unused;
    struct report_block report = {0};
    json_t *models = json_array(), *expect = json_array(), *compare = json_object();
    static const char *const order[] = {"experiment", "datasets", "models", "evaluate"};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) /* the order of the text; filled below */
        json_object_set_new(e->resolved, order[i], json_null());
    json_object_set_new(e->resolved, "models", models);
    json_object_set_new(e->resolved, "expect", expect);
    json_object_set_new(e->resolved, "compare", compare);

    TRY(params_default(top_params, arena, &top));
    TRY(params_set(top_params, "the experiment file", root, arena, &top));
    TRY(config_required(root, "experiment", "the experiment file", &unused));
    TRY(config_required(root, "datasets", "the experiment file", &unused));
    if (top.fusion == NULL)
        TRY(config_required(root, "models", "the experiment file", &unused));
    TRY(read_head(top.experiment, arena, e));
    TRY(config_datasets(top.datasets, arena, e));
    TRY(config_evaluate(top.evaluate, arena, e));
    struct node *rows = NULL, *pairs = NULL, *given = NULL;
    struct config_pipeline pipeline = {0};
    if (top.models != NULL)
        TRY(config_model_controls(top.models, arena, &given));
    if (top.fusion != NULL)
        TRY(config_fusion(top.fusion, given, arena, &rows, &pipeline));
    TRY(config_models(rows != NULL ? rows : given, arena, e, models));
    TRY(find_pipeline(top.pipeline, pipeline.label, e));
    if (!names_pairs(top.compare))
        TRY(config_pairs(root, pipeline.label, e, arena, &pairs));
    if (top.expect != NULL)
        TRY(config_expect(top.expect, arena, e, expect));
    TRY(config_compare(top.compare, pairs, arena, e, compare));
    TRY(params_default(report_params, arena, &report));
    TRY(params_set(report_params, "report", top.report, arena, &report));
    TRY(config_present(top.present, &pipeline, arena, e));
    TRY(config_feedback(top.feedback, &pipeline, arena, e));
    e->tables = report.tables;
    e->plots = report.plots;
    resolve_head(e);
    TRY(resolve_datasets(e, arena));
    json_object_set_new(e->resolved, "report",
                        json_pack("{s:o, s:o, s:b}", "tables", strings_json(&e->tables), "plots",
                                  strings_json(&e->plots), "strata", report.strata || top.fusion != NULL));
    return hash_config(e);
}

static enum status read_root(const struct node *root, struct arena *arena, struct experiment *out)
{
    out->resolved = json_object();
    const enum status status = read_blocks(root, arena, out);
    if (status != STATUS_OK)
        experiment_free(out);
    return status;
}

enum status experiment_load(const char *path, const char *const *overrides, size_t n_overrides,
                            struct arena *arena, struct experiment *out)
{
    struct node *root;
    *out = (struct experiment){.file = path};
    if (!file_exists(path))
        return status_fail(STATUS_USAGE, "%s: there is no such experiment file", path);
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return status_fail(STATUS_USAGE, "%s: is a folder, expected an experiment file (YAML)", path);
    TRY(node_parse_file(path, arena, &root));
    for (size_t i = 0; i < n_overrides; i++)
        TRY(config_override(&root, overrides[i], arena));
    return read_root(root, arena, out);
}

enum status experiment_parse(const char *name, const char *text, struct arena *arena, struct experiment *out)
{
    struct node *root;
    *out = (struct experiment){.file = name};
    TRY(node_parse(name, text, strlen(text), arena, &root));
    return read_root(root, arena, out);
}

void experiment_free(struct experiment *e)
{
    json_decref(e->resolved);
    e->resolved = NULL;
}
