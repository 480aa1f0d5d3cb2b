/*
 * config_models.c - the models of an experiment, their grids expanded: every point is checked before any work.
 */
#include <stdlib.h>
#include <string.h>

#include "experiment/config_parts.h"
#include "models/item_vectors.h"
#include "registry.h"

enum { LIMIT_POINTS = 100000 };

struct model_block {
    const char *name, *label;
    const struct node *params, *grid, *search, *controls;
    int fit_on, history;
};
static const struct param block_params[] = {
    PARAM_STRING(struct model_block, name, NULL, "the model: `recfuse models` lists them"),
    PARAM_STRING(struct model_block, label, NULL, "how tables call it; default: its name"),
    PARAM_NODE(struct model_block, params, "its parameters: `recfuse models NAME`"),
    PARAM_NODE(struct model_block, grid, "parameters with a list of values each: all combinations run"),
    PARAM_NODE(struct model_block, search, "parameters that are chosen on validation rows"),
    PARAM_NODE(struct model_block, controls,
               "rows beside a model that takes text vectors, as under fusion; none: it needs none"),
    PARAM_CHOICE(struct model_block, fit_on, "train", "train|train+valid",
                 "the rows that the model which is measured is fitted on"),
    PARAM_CHOICE(struct model_block, history, "fit_on", "fit_on|train+valid",
                 "the rows that users' histories are made of when test rows are ranked"),
    PARAM_END};

static enum status check_grid(const struct node *grid, const struct model_type *type,
                              const struct node *params, size_t *n_points)
{
    const char *names[256];
    size_t n = 0;
    *n_points = 1;
    if (grid == NULL)
        return STATUS_OK;
    if (grid->kind != NODE_MAP || grid->n == 0)
        return node_fail(grid, "grid of %s: expected parameters with a list of values each", type->name);
    for (const struct param *p = type->params; p != NULL && p->name != NULL && n < 256; p++)
        names[n++] = p->name;
    for (size_t i = 0; i < grid->n; i++) {
        const struct node *list = grid->child[i];
        if (param_find(type->params, list->key) == NULL) {
            const struct node at = {.kind = NODE_SCALAR,
                                    .text = list->key,
                                    .file = list->file,
                                    .line = list->key_line,
                                    .column = list->key_column};
            char what[128];
            snprintf(what, sizeof what, "parameter of %s", type->name);
            return config_unknown(&at, what, names, n);
        }
        if (params != NULL && node_get(params, list->key) != NULL)
            return node_fail_key(list, "'%s' of %s stands under params and under grid; keep one", list->key,
                                 type->name);
        if (list->kind != NODE_LIST)
            return node_fail(list, "grid of %s: '%s' needs a list of values", type->name, list->key);
        if (list->n == 0)
            return node_fail(list, "grid of %s: the list of '%s' is empty", type->name, list->key);
        if (list->n > LIMIT_POINTS / *n_points)
            return node_fail(list, "grid of %s: more than %d points", type->name, LIMIT_POINTS);
        *n_points *= list->n;
    }
    return STATUS_OK;
}

/* Point `point` of the grid: the last parameter changes fastest. */
static enum status set_point(const struct node *grid, size_t point, struct arena *arena,
                             struct model_config *m)
{
    m->grid_json = "{}";
    if (grid == NULL)
        return STATUS_OK;
    size_t rest = point;
    for (size_t i = grid->n; i-- > 0;) {
        const struct node *list = grid->child[i];
        TRY(param_set(param_find(m->type->params, list->key), m->type->name, list->child[rest % list->n],
                      arena, m->params));
        rest /= list->n;
    }
    char *all = NULL;
    TRY(params_json(m->type->params, m->params, arena, &all));
    json_t *values = json_loads(all, 0, NULL), *chosen = json_object();
    for (size_t i = 0; i < grid->n; i++)
        json_object_set(chosen, grid->child[i]->key, json_object_get(values, grid->child[i]->key));
    char *text = json_dumps(chosen, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    json_decref(values);
    json_decref(chosen);
    m->grid_json = text != NULL ? arena_strdup(arena, text) : NULL;
    free(text);
    return m->grid_json != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static enum status fill_point(const struct node *node, const struct model_block *block, size_t point,
                              struct arena *arena, struct model_config *m)
{
    char *json = NULL;
    m->point = point;
    m->params = arena_alloc(arena, 1, m->type->params_size > 0 ? m->type->params_size : 1);
    if (m->params == NULL)
        return STATUS_SYSTEM;
    TRY(params_default(m->type->params, arena, m->params));
    TRY(params_set(m->type->params, m->type->name, block->params, arena, m->params));
    TRY(set_point(block->grid, point, arena, m));
    TRY(item_vectors_check_params(node, m->type->params, m->params));
    if (m->type->check != NULL)
        TRY(m->type->check(m->params, block->params != NULL ? block->params : node));
    TRY(params_json(m->type->params, m->params, arena, &json));
    m->params_json = json;
    return STATUS_OK;
}

static int compare_points(const void *a, const void *b)
{
    const struct model_config *const *x = a, *const *y = b;
    return strcmp((*x)->params_json, (*y)->params_json);
}

/* Two equal points would run the same cell twice. */
static enum status check_twins(const struct model_config *points, size_t n, const struct node *grid)
{
    const struct model_config **sorted = malloc(n * sizeof *sorted);
    enum status status = STATUS_OK;
    if (sorted == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for a grid of %zu points", n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &points[i];
    qsort(sorted, n, sizeof *sorted, compare_points);
    for (size_t i = 1; i < n && status == STATUS_OK; i++)
        if (compare_points(&sorted[i - 1], &sorted[i]) == 0)
            status = node_fail(grid, "grid of %s: a value stands twice (%s)", points->type->name,
                               sorted[i]->grid_json);
    free(sorted);
    return status;
}

/* {name, label, params without the grid's, grid}, every default written out. */
static json_t *resolve_block(const struct model_config *points, size_t n_points, const struct node *grid)
{
    json_t *params = json_loads(points->params_json, 0, NULL), *kept = json_object(), *value,
           *lists = json_object();
    const char *key;
    json_object_foreach(params, key, value) if (!json_is_null(value) && node_get(grid, key) == NULL)
        json_object_set(kept, key, value);
    size_t stride = n_points;
    for (size_t i = 0; grid != NULL && i < grid->n; i++) {
        const struct node *list = grid->child[i];
        json_t *values = json_array();
        stride /= list->n; /* this many points in a row share a value */
        for (size_t v = 0; v < list->n; v++) {
            json_t *point = json_loads(points[v * stride].params_json, 0, NULL);
            json_array_append(values, json_object_get(point, list->key));
            json_decref(point);
        }
        json_object_set_new(lists, list->key, values);
    }
    json_decref(params);
    json_t *out =
        json_pack("{s:s, s:s, s:o}", "name", points->type->name, "label", points->label, "params", kept);
    if (json_object_size(lists) > 0)
        json_object_set(out, "grid", lists);
    json_decref(lists);
    return out;
}

static enum status read_block(const struct node *node, struct arena *arena, struct model_block *block,
                              const struct model_type **type, size_t *n_points)
{
    const struct node *name;
    const char *names[256];
    size_t n = 0;
    TRY(config_required(node, "name", "a model", &name));
    TRY(params_default(block_params, arena, block));
    TRY(params_set(block_params, "a model", node, arena, block));
    *type = model_find(block->name);
    for (; n < 256 && model_types[n] != NULL; n++)
        names[n] = model_types[n]->name;
    if (*type == NULL)
        return config_unknown(name, "model", names, n);
    if (block->label == NULL)
        block->label = block->name;
    if (block->label[0] == '\0' || strlen(block->label) > 100 || strpbrk(block->label, "\n\r\t") != NULL)
        return node_fail(node_get(node, "label"), "a label is one line of 1 to 100 bytes");
    if (block->params != NULL && block->params->kind == NODE_SCALAR && block->params->text[0] == '\0')
        block->params = NULL; /* `params:` with nothing below it */
    if (block->history == 1 && (*type)->set_history == NULL)
        return node_fail(
            node_get(node, "history"),
            "%s makes no scores from a history of items: `history` goes with item_knn, ease, slim, "
            "p3alpha, rp3beta",
            block->name);
    if (block->search != NULL && block->grid != NULL)
        return node_fail_key(
            block->search,
            "%s has a grid and a search; a grid's points are all reported, a search's best one; keep one",
            block->name);
    return check_grid(block->grid, *type, block->params, n_points);
}

enum status config_searched_json(const char *params_json, const struct search_config *search,
                                 json_t *resolved, bool fit_valid, bool history_valid, struct arena *arena,
                                 const char **out)
{
    const char *key;
    json_t *params = json_loads(params_json, 0, NULL), *value, *kept = search != NULL ? json_object() : NULL;
    json_object_foreach(params, key, value) if (search != NULL && !json_is_null(value))
        json_object_set(kept, key, value);
    for (size_t i = 0; search != NULL && i < search->space.n; i++)
        json_object_del(kept, search->parameter[i].param->name);
    if (search != NULL && search->resource != NULL)
        json_object_del(kept, search->resource->name);
    json_t *all = search != NULL ? kept : params;
    if (search != NULL)
        json_object_set(all, "search", resolved);
    if (fit_valid)
        json_object_set_new(all, "fit_on", json_string("train+valid"));
    if (history_valid)
        json_object_set_new(all, "history", json_string("train+valid"));
    char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    json_decref(params);
    json_decref(kept);
    *out = text != NULL ? arena_strdup(arena, text) : NULL;
    free(text);
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}

/* What `search`, `fit_on` and `history` add to the resolved block and to what the points' key is made of. */
static enum status add_search(const struct model_block *block, struct arena *arena,
                              struct model_config *points, size_t n_points, json_t *resolved)
{
    struct search_config *search = NULL;
    json_t *text = NULL;
    if (block->search != NULL)
        TRY(config_search(block->search, points->type, block->params, arena, &search, &text));
    for (size_t i = 0; search != NULL && i < search->space.n; i++)
        json_object_del(json_object_get(resolved, "params"), search->parameter[i].param->name);
    if (search != NULL && search->resource != NULL)
        json_object_del(json_object_get(resolved, "params"), search->resource->name);
    if (text != NULL)
        json_object_set_new(resolved, "search", text);
    if (block->fit_on == 1)
        json_object_set_new(resolved, "fit_on", json_string("train+valid"));
    if (block->history == 1)
        json_object_set_new(resolved, "history", json_string("train+valid"));
    for (size_t p = 0; p < n_points; p++) {
        struct model_config *m = &points[p];
        m->search = search;
        m->fit_valid = block->fit_on == 1;
        m->history_valid = block->history == 1;
        TRY(config_inside(m, arena));
        if (text != NULL || m->fit_valid || m->history_valid)
            TRY(config_searched_json(m->params_json, search, text, m->fit_valid, m->history_valid, arena,
                                     &m->params_json));
    }
    return STATUS_OK;
}

enum status config_models(const struct node *list, struct arena *arena, struct experiment *e, json_t *blocks)
{
    TRY(config_list(list, "models"));
    struct model_block *block;
    const struct model_type **type;
    size_t *n_points, total = 0;
    ARENA_NEW(block, arena, list->n);
    ARENA_NEW(type, arena, list->n);
    ARENA_NEW(n_points, arena, list->n);
    for (size_t i = 0; i < list->n; i++) {
        TRY(read_block(list->child[i], arena, &block[i], &type[i], &n_points[i]));
        for (size_t j = 0; j < i; j++)
            if (strcmp(block[i].label, block[j].label) == 0)
                return node_fail(list->child[i], "two models are labelled '%s'; give each its own label",
                                 block[i].label);
        total += n_points[i];
    }
    if (total > LIMIT_POINTS)
        return node_fail(list, "the grids have %zu points together; at most %d", total, LIMIT_POINTS);
    ARENA_NEW(e->models, arena, total);
    e->n_blocks = list->n;
    for (size_t i = 0; i < list->n; i++) {
        struct model_config *first = &e->models[e->n_models];
        for (size_t p = 0; p < n_points[i]; p++) {
            struct model_config *m = &e->models[e->n_models++];
            *m = (struct model_config){
                .type = type[i], .label = block[i].label, .block = i, .where = list->child[i]};
            TRY(fill_point(list->child[i], &block[i], p, arena, m));
        }
        if (block[i].grid != NULL)
            TRY(check_twins(first, n_points[i], block[i].grid));
        json_t *resolved = resolve_block(first, n_points[i], block[i].grid);
        json_array_append_new(blocks, resolved);
        TRY(add_search(&block[i], arena, first, n_points[i], resolved));
    }
    return STATUS_OK;
}
