/*
 * config_search.c - the block `search` of a model: its strategy and its space, each dimension checked against the model's table of
 * parameters.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "experiment/config_parts.h"

struct search_block {
    int strategy, trials, initial, seed, k, negatives;
    const char *metric, *resource;
    const struct node *space, *from, *to;
    double eta;
    bool test_too;
};
#define B struct search_block
static const struct param search_params[] = {
    PARAM_CHOICE(B, strategy, "sobol", SEARCH_STRATEGIES, "how settings are chosen"),
    PARAM_INT(B, trials, 16, 1, 100000, "settings that are tried; of halving: in its first rung"),
    PARAM_INT(B, seed, 0, 0, 2147483647, "of the settings; the model's own is the experiment's"),
    PARAM_INT(B, initial, 8, 2, 100000, "bayesian: trials by Sobol's sequence before the first model"),
    PARAM_STRING(B, metric, "ndcg", "by which validation rows judge"),
    PARAM_INT(B, k, 10, 1, 10000, "its cut-off; none for rmse and mae"),
    PARAM_INT(B, negatives, 0, 0, 1000000,
              "validation rows are judged among so many drawn items a user; 0: among all"),
    PARAM_STRING(B, resource, NULL,
                 "halving: the whole number that settings get more of, epochs for example"),
    PARAM_NODE(B, from, "halving: the resource of the first rung"),
    PARAM_NODE(B, to, "halving: of the last"),
    PARAM_REAL(B, eta, 3, 1.1, 100, "halving: one setting of eta goes on, with eta times the resource"),
    PARAM_BOOL(B, test_too, 0,
               "each setting is also measured on the test rows, for the record: never to select"),
    PARAM_NODE(B, space, "parameters: {low, high, log, steps}, a list of values, or all"),
    PARAM_END};
#undef B

struct range {
    const struct node *low, *high;
    bool log;
    int steps;
};
static const struct param range_params[] = {
    PARAM_NODE(struct range, low, "smallest value"), PARAM_NODE(struct range, high, "largest value"),
    PARAM_BOOL(struct range, log, 0, "even in the logarithm"),
    PARAM_INT(struct range, steps, 0, 0, 10000, "values of a grid, both ends among them"), PARAM_END};

/* Tries the parameter's own check of a value; what it would be set to is thrown away. */
static enum status check_value(const struct model_type *type, const struct param *p, const struct node *value,
                               struct arena *arena)
{
    void *room = arena_alloc(arena, 1, type->params_size);
    return room != NULL ? param_set(p, type->name, value, arena, room) : STATUS_SYSTEM;
}

static bool same_value(const struct node *a, const struct node *b)
{
    return a->kind == NODE_SCALAR && b->kind == NODE_SCALAR && strcmp(a->text, b->text) == 0;
}

static enum status read_choices(const struct node *list, const struct model_type *type, struct arena *arena,
                                struct search_parameter *s, struct search_dimension *d)
{
    if (list->n < 2)
        return node_fail(list, "search of %s: '%s' has %zu values; a choice needs two or more", type->name,
                         list->key, list->n);
    for (size_t i = 0; i < list->n; i++) {
        TRY(check_value(type, s->param, list->child[i], arena));
        for (size_t j = 0; j < i; j++)
            if (same_value(list->child[i], list->child[j]))
                return node_fail(list->child[i], "search of %s: '%s' has the value %s twice", type->name,
                                 list->key, list->child[i]->text);
    }
    s->choice = (const struct node *const *)list->child;
    *d = (struct search_dimension){.kind = SEARCH_CHOICE, .high = (double)list->n - 1};
    return STATUS_OK;
}

/* `all`: every choice of the parameter's table, or false and true. */
static enum status read_all(const struct node *node, const struct model_type *type, struct arena *arena,
                            struct search_parameter *s, struct search_dimension *d)
{
    const char *list = s->param->kind == PARAM_KIND_BOOL     ? "false|true"
                       : s->param->kind == PARAM_KIND_CHOICE ? s->param->choices
                                                             : NULL;
    struct node *all;
    size_t n = 1;
    if (list == NULL || strcmp(node->text, "all") != 0)
        return node_fail(node,
                         "search of %s: '%s' is '%s'; expected {low, high} of a number, a list of values, or "
                         "all (of a choice)",
                         type->name, node->key, node->text);
    for (const char *c = list; *c != '\0'; c++)
        n += *c == '|';
    ARENA_NEW(all, arena, 1);
    *all = *node;
    all->kind = NODE_LIST;
    ARENA_NEW(all->child, arena, n);
    for (const char *at = list; all->n < n; at += strcspn(at, "|") + 1) {
        struct node *one;
        ARENA_NEW(one, arena, 1);
        *one = *node;
        one->text = arena_printf(arena, "%.*s", (int)strcspn(at, "|"), at);
        if (one->text == NULL)
            return STATUS_SYSTEM;
        all->child[all->n++] = one;
    }
    return read_choices(all, type, arena, s, d);
}

static enum status read_range(const struct node *node, const struct model_type *type,
                              enum search_strategy strategy, struct arena *arena, struct search_parameter *s,
                              struct search_dimension *d)
{
    struct range range = {0};
    const struct node *unused;
    const bool integer = s->param->kind == PARAM_KIND_INT;
    if (!integer && s->param->kind != PARAM_KIND_REAL)
        return node_fail(node, "search of %s: '%s' is no number; give a list of values", type->name,
                         node->key);
    TRY(config_required(node, "low", node->key, &unused));
    TRY(config_required(node, "high", node->key, &unused));
    TRY(params_default(range_params, arena, &range));
    TRY(params_set(range_params, node->key, node, arena, &range));
    TRY(check_value(type, s->param, range.low, arena));
    TRY(check_value(type, s->param, range.high, arena));
    *d = (struct search_dimension){
        .kind = integer ? SEARCH_INTEGER : SEARCH_REAL, .log = range.log, .steps = (uint32_t)range.steps};
    TRY(node_double(range.low, &d->low));
    TRY(node_double(range.high, &d->high));
    if (!(d->low < d->high))
        return node_fail(range.high, "search of %s: '%s' goes from %.9g to %.9g; expected low below high",
                         type->name, node->key, d->low, d->high);
    if (d->log && !(d->low > 0))
        return node_fail(range.low, "search of %s: '%s' begins at %.9g; a log scale needs more than 0",
                         type->name, node->key, d->low);
    if (strategy == SEARCH_GRID && !integer && d->steps < 2)
        return node_fail(node, "search of %s: a grid needs steps (2 or more) for '%s'", type->name,
                         node->key);
    return STATUS_OK;
}

static enum status find_parameter(const struct node *at, const char *word, const struct model_type *type,
                                  const struct param **out)
{
    const char *names[256];
    size_t n = 0;
    char what[128];
    *out = param_find(type->params, word);
    if (*out != NULL)
        return STATUS_OK;
    for (const struct param *p = type->params; p != NULL && p->name != NULL && n < 256; p++)
        names[n++] = p->name;
    snprintf(what, sizeof what, "parameter of %s", type->name);
    struct node scalar = {
        .kind = NODE_SCALAR, .text = word, .file = at->file, .line = at->key_line, .column = at->key_column};
    if (at->key == NULL || strcmp(at->key, word) != 0)
        scalar.line = at->line, scalar.column = at->column;
    return config_unknown(&scalar, what, names, n);
}

static enum status read_space(const struct node *space, const struct model_type *type,
                              const struct node *params, struct arena *arena, struct search_config *s)
{
    struct search_dimension *dimension;
    if (space->kind != NODE_MAP || space->n == 0)
        return node_fail(space, "search of %s: space needs parameters, as in {%s: {low: 1, high: 100}}",
                         type->name,
                         type->params != NULL && type->params->name != NULL ? type->params->name : "factors");
    if (space->n > SEARCH_DIMENSIONS)
        return node_fail(space, "search of %s: %zu parameters; at most %d", type->name, space->n,
                         SEARCH_DIMENSIONS);
    ARENA_NEW(dimension, arena, space->n);
    ARENA_NEW(s->parameter, arena, space->n);
    for (size_t i = 0; i < space->n; i++) {
        const struct node *node = space->child[i];
        struct search_parameter *p = &s->parameter[i];
        TRY(find_parameter(node, node->key, type, &p->param));
        if (params != NULL && node_get(params, node->key) != NULL)
            return node_fail_key(node, "'%s' of %s stands under params and under search; keep one", node->key,
                                 type->name);
        if (node->kind == NODE_LIST)
            TRY(read_choices(node, type, arena, p, &dimension[i]));
        else if (node->kind == NODE_SCALAR)
            TRY(read_all(node, type, arena, p, &dimension[i]));
        else
            TRY(read_range(node, type, s->options.strategy, arena, p, &dimension[i]));
    }
    s->space = (struct search_space){space->n, dimension};
    return STATUS_OK;
}

/* How many different settings there are; infinite where a real is among them. */
static double settings_of(const struct search_space *space)
{
    double n = 1;
    for (size_t i = 0; i < space->n; i++)
        n *= space->dimension[i].kind == SEARCH_REAL ? INFINITY
                                                     : space->dimension[i].high - space->dimension[i].low + 1;
    return n;
}

static enum status read_resource(const struct node *node, const struct search_block *b,
                                 const struct model_type *type, struct arena *arena, struct search_config *s)
{
    const struct node *unused;
    if (s->options.strategy != SEARCH_HALVING) {
        const struct node *odd = b->resource != NULL ? node_get(node, "resource")
                                 : b->from != NULL   ? b->from
                                                     : b->to;
        return odd == NULL
                   ? STATUS_OK
                   : node_fail(odd, "search of %s: resource, from and to belong to halving", type->name);
    }
    TRY(config_required(node, "resource", "search by halving", &unused));
    TRY(config_required(node, "from", "search by halving", &unused));
    TRY(config_required(node, "to", "search by halving", &unused));
    TRY(find_parameter(node_get(node, "resource"), b->resource, type, &s->resource));
    if (s->resource->kind != PARAM_KIND_INT)
        return node_fail(node_get(node, "resource"), "search of %s: '%s' is no whole number", type->name,
                         b->resource);
    for (size_t i = 0; i < s->space.n; i++)
        if (s->parameter[i].param == s->resource)
            return node_fail(node_get(node, "resource"), "search of %s: '%s' stands under resource and space",
                             type->name, b->resource);
    TRY(check_value(type, s->resource, b->from, arena));
    TRY(check_value(type, s->resource, b->to, arena));
    TRY(node_double(b->from, &s->options.resource_low));
    TRY(node_double(b->to, &s->options.resource_high));
    if (!(s->options.resource_low >= 1 && s->options.resource_low <= s->options.resource_high))
        return node_fail(b->from, "search of %s: from %.9g to %.9g; expected 1 or more, from at most to",
                         type->name, s->options.resource_low, s->options.resource_high);
    s->options.eta = b->eta;
    return STATUS_OK;
}

static enum status read_metric(const struct node *node, const struct search_block *b,
                               const struct model_type *type, struct search_config *s)
{
    const char *names[256];
    size_t n = 0;
    const struct node *at = node_get(node, "metric"), *k = node_get(node, "k");
    s->metric = metric_find(b->metric);
    for (size_t i = 0; metric_types[i] != NULL && n < 256; i++)
        if (metric_types[i]->kind == METRIC_RANKING || metric_types[i]->power > 0)
            names[n++] = metric_types[i]->name;
    if (s->metric == NULL)
        return config_unknown(at, "metric", names, n);
    if (s->metric->kind != METRIC_RANKING && s->metric->power == 0)
        return node_fail(
            at, "search of %s: validation rows can't be judged by %s; take a ranking metric, rmse or mae",
            type->name, b->metric);
    if (s->metric->kind == METRIC_RATING && !(type->needs & NEEDS_RATINGS))
        return node_fail(at, "%s does not predict ratings, so it has no %s", type->name, b->metric);
    if (!metric_has_cutoff(s->metric) && k != NULL)
        return node_fail(k, "%s has no cut-off; leave k out", b->metric);
    if (s->metric->kind == METRIC_RATING && b->negatives > 0)
        return node_fail(node_get(node, "negatives"), "%s is of ratings, without negatives", b->metric);
    s->k = metric_has_cutoff(s->metric) ? (uint32_t)b->k : 0;
    s->negatives = (uint32_t)b->negatives;
    return STATUS_OK;
}

/* One dimension as the file may say it. */
static json_t *resolve_dimension(const struct search_parameter *p, const struct search_dimension *d)
{
    if (d->kind == SEARCH_CHOICE) {
        json_t *list = json_array();
        for (size_t c = 0; c <= (size_t)d->high; c++)
            json_array_append_new(list, search_choice_json(p, c));
        return list;
    }
    json_t *out = d->kind == SEARCH_INTEGER
                      ? json_pack("{s:I, s:I, s:b}", "low", (json_int_t)d->low, "high", (json_int_t)d->high,
                                  "log", d->log)
                      : json_pack("{s:f, s:f, s:b}", "low", d->low, "high", d->high, "log", d->log);
    if (d->steps > 0)
        json_object_set_new(out, "steps", json_integer(d->steps));
    return out;
}

static json_t *resolve(const struct search_block *b, const struct search_config *s)
{
    static const char *const names[] = {"grid", "random", "sobol", "bayesian", "halving"};
    json_t *out = json_pack("{s:s, s:i, s:s, s:b}", "strategy", names[s->options.strategy], "seed", b->seed,
                            "metric", s->metric->name, "test_too", s->test_too),
           *space = json_object();
    if (s->k > 0)
        json_object_set_new(out, "k", json_integer(s->k));
    if (s->negatives > 0)
        json_object_set_new(out, "negatives", json_integer(s->negatives));
    if (s->options.strategy != SEARCH_GRID)
        json_object_set_new(out, "trials", json_integer(b->trials));
    if (s->options.strategy == SEARCH_BAYESIAN)
        json_object_set_new(out, "initial", json_integer(b->initial));
    if (s->options.strategy == SEARCH_HALVING) {
        json_object_set_new(out, "resource", json_string(s->resource->name));
        json_object_set_new(out, "from", json_integer((json_int_t)s->options.resource_low));
        json_object_set_new(out, "to", json_integer((json_int_t)s->options.resource_high));
        json_object_set_new(out, "eta", json_real(s->options.eta));
    }
    for (size_t i = 0; i < s->space.n; i++)
        json_object_set_new(space, s->parameter[i].param->name,
                            resolve_dimension(&s->parameter[i], &s->space.dimension[i]));
    json_object_set_new(out, "space", space);
    return out;
}

enum status config_search(const struct node *node, const struct model_type *type, const struct node *params,
                          struct arena *arena, struct search_config **out, json_t **resolved)
{
    struct search_block b = {0};
    struct search_config *s;
    const struct node *unused;
    ARENA_NEW(s, arena, 1);
    TRY(params_default(search_params, arena, &b));
    TRY(params_set(search_params, "search", node, arena, &b));
    TRY(config_required(node, "space", "search", &unused));
    s->where = node;
    s->test_too = b.test_too;
    s->options = (struct search_options){.strategy = (enum search_strategy)b.strategy,
                                         .trials = (uint32_t)b.trials,
                                         .seed = (uint64_t)b.seed,
                                         .initial = (uint32_t)b.initial};
    TRY(read_space(b.space, type, params, arena, s));
    TRY(read_resource(node, &b, type, arena, s));
    TRY(read_metric(node, &b, type, s));
    if (s->options.strategy == SEARCH_GRID && node_get(node, "trials") != NULL)
        return node_fail(node_get(node, "trials"),
                         "search of %s: a grid has its own number of trials (%zu); leave trials out",
                         type->name, search_grid_size(&s->space));
    if (s->options.strategy == SEARCH_GRID && search_grid_size(&s->space) > SEARCH_LEVELS)
        return node_fail(b.space, "search of %s: the grid has more than %d points", type->name,
                         SEARCH_LEVELS);
    if (s->options.strategy != SEARCH_GRID && settings_of(&s->space) < b.trials)
        return node_fail(
            b.space, "search of %s: the space has %.0f settings, fewer than %d trials; take strategy: grid",
            type->name, settings_of(&s->space), b.trials);
    *resolved = resolve(&b, s);
    *out = s;
    return STATUS_OK;
}
