/*
 * config_data.c - the datasets of an experiment.
 *
 * A dataset file that isn't there is no mistake of the experiment: its cells are skipped and say what to do.  Its
 * split is checked all the same, as far as that goes without the files that it names.  Who names no split gets the global temporal
 * cut, the one under which nothing that a model learns happened after what it is asked (docs/splits.md).
 */
#include <string.h>

#include "data/filter.h"
#include "experiment/capture.h"
#include "experiment/config_parts.h"

struct dataset_block {
    const char *name, *file;
    const struct node *filter, *split, *validation, *keep_train;
};
static const struct param dataset_params[] = {
    PARAM_STRING(struct dataset_block, name, NULL, "how tables call it"),
    PARAM_STRING(struct dataset_block, file, NULL, "the dataset file, relative to the working folder"),
    PARAM_NODE(struct dataset_block, filter, "filters, in order, before the split"),
    PARAM_NODE(struct dataset_block, split,
               "how rows are divided into train, valid and test (default: {kind: temporal_global})"),
    PARAM_NODE(struct dataset_block, validation,
               "a split of each fold's train rows: its test part becomes validation"),
    PARAM_NODE(
        struct dataset_block, keep_train,
        "share of the train rows that models see, {share, seed}; a list: a dataset each, NAME-keepSHARE"),
    PARAM_END};

static enum status read_split(struct dataset_config *d, const struct node *node, struct arena *arena)
{
    struct capture capture;
    capture_begin(&capture);
    const enum status status = split_parse(node, arena, &d->split);
    capture_end(&capture);
    if (status == STATUS_OK)
        return STATUS_OK;
    const bool understood = d->split.type != NULL && d->split.params != NULL;
    if (understood && status == STATUS_UNAVAILABLE && d->unavailable == NULL)
        d->unavailable = arena_strdup(arena, capture.sentence);
    if (understood && (status == STATUS_UNAVAILABLE || (status == STATUS_DATA && d->unavailable != NULL)))
        return STATUS_OK; /* its files come with the dataset */
    return status_fail(status, "%s", capture.sentence);
}

/* What to do about a dataset file that is not there: by its recipe, by the generator, or by an import. */
static enum status missing_file(const char *name, const char *file, struct arena *arena, const char **out)
{
    const char *recipe = arena_printf(arena, "datasets/%s/recipe", name);
    if (recipe == NULL)
        return STATUS_SYSTEM;
    if (file_exists(recipe))
        *out = arena_printf(arena, "%s is missing: run tools/get-data.sh %s", file, name);
    else if (strstr(file, "synth") != NULL)
        *out = arena_printf(arena, "%s is missing: run recfuse synth -o %s", file, file);
    else
        *out = arena_printf(arena, "%s is missing: run recfuse import FORMAT SOURCE -o %s", file, file);
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}

/* Mistakes of it (a dataset without times) are said of the dataset's place. */
static enum status default_split(const struct node *dataset, struct arena *arena, const struct node **out)
{
    static const char text[] = "{kind: temporal_global}";
    struct node *node;
    TRY(node_parse(dataset->file, text, sizeof text - 1, arena, &node));
    node->line = dataset->line;
    node->column = dataset->column;
    *out = node;
    return STATUS_OK;
}

static enum status read_dataset(const struct node *node, struct arena *arena, struct dataset_config *d)
{
    struct dataset_block block = {0};
    const struct node *name, *file;
    char *json = NULL;
    TRY(config_required(node, "name", "a dataset", &name));
    TRY(config_required(node, "file", "a dataset", &file));
    TRY(params_default(dataset_params, arena, &block));
    TRY(params_set(dataset_params, "a dataset", node, arena, &block));
    TRY(config_name(name, "dataset name", block.name));
    *d = (struct dataset_config){
        .name = block.name, .file = block.file, .where = node, .filter = block.filter};
    TRY(filters_check(block.filter, arena, &json));
    d->filter_json = json;
    if (!file_exists(block.file))
        TRY(missing_file(block.name, block.file, arena, &d->unavailable));
    if (block.validation != NULL)
        TRY(split_parse(block.validation, arena, &d->validation));
    if (block.split == NULL)
        TRY(default_split(node, arena, &block.split));
    return read_split(d, block.split, arena);
}

/* One dataset of the file is one of the experiment, or, with a list of shares, one for each. */
static enum status add_datasets(const struct node *node, struct arena *arena, struct experiment *e)
{
    const struct node *keep = node->kind == NODE_MAP ? node_get(node, "keep_train") : NULL;
    struct keep_train none = {0}, *shares = &none;
    struct dataset_config d, *all;
    size_t n = 1;
    bool is_list = false;
    TRY(read_dataset(node, arena, &d));
    if (keep != NULL)
        TRY(keep_train_parse(keep, arena, &shares, &n, &is_list));
    ARENA_NEW(all, arena, e->n_datasets + n);
    if (e->n_datasets > 0)
        memcpy(all, e->datasets, e->n_datasets * sizeof *all);
    e->datasets = all;
    for (size_t k = 0; k < n; k++) {
        d.keep_train = shares[k];
        d.name = is_list ? arena_printf(arena, "%s-keep%.9g", node_get(node, "name")->text, shares[k].share)
                         : d.name;
        if (d.name == NULL)
            return STATUS_SYSTEM;
        for (size_t j = 0; j < e->n_datasets; j++)
            if (strcmp(e->datasets[j].name, d.name) == 0)
                return node_fail(node, "two datasets are called '%s'", d.name);
        e->datasets[e->n_datasets++] = d;
    }
    return STATUS_OK;
}

enum status config_datasets(const struct node *list, struct arena *arena, struct experiment *e)
{
    TRY(config_list(list, "datasets"));
    for (size_t i = 0; i < list->n; i++)
        TRY(add_datasets(list->child[i], arena, e));
    return STATUS_OK;
}
