/*
 * filter.c - which rows of a dataset take part in an experiment: the list of filters, from the config to the rows that
 * are left.  The filters themselves: filter_rating.c, filter_counts.c, filter_popularity.c ...
 *
 * Filters run in the order of the config.  Each keeps rows in their order and leaves the dense ids alone, so
 * that a filtered dataset still speaks of the same users and items (those without rows are simply not
 * evaluated).
 */
#include "data/filter.h"

#include <stdio.h>
#include <string.h>

#include "base/strings.h"
#include "data/filter_kinds.h"
#include "data/split.h"

/* clang-format off */
const struct filter_type *const filter_types[] = {
    &filter_min_rating,
    &filter_max_rating,
    &filter_binarize,
    &filter_kcore,
    &filter_min_user_interactions,
    &filter_max_user_interactions,
    &filter_min_item_interactions,
    &filter_max_item_interactions,
    &filter_head_items,
    &filter_tail_items,
    &filter_time_window,
    &filter_sample_users,
    &filter_with_text,
    NULL};
/* clang-format on */

enum status filter_take(const struct interactions *in, const uint8_t *keep, struct arena *arena,
                        struct interactions *out)
{
    return split_take(in, keep, 1, arena, out);
}

static const struct filter_type *filter_find(const char *name)
{
    for (size_t i = 0; filter_types[i] != NULL; i++)
        if (strcmp(filter_types[i]->name, name) == 0)
            return filter_types[i];
    return NULL;
}

static enum status filter_unknown(const struct node *node)
{
    const char *names[sizeof filter_types / sizeof *filter_types];
    char list[512] = "";
    size_t n = 0;
    for (; filter_types[n] != NULL; n++) {
        names[n] = filter_types[n]->name;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", n > 0 ? ", " : "", names[n]);
    }
    const char *nearest = string_nearest(node->key, names, n);
    if (nearest != NULL)
        return node_fail_key(node, "unknown filter '%s'; did you mean '%s'?", node->key, nearest);
    return node_fail_key(node, "unknown filter '%s'; there are %s", node->key, list);
}

/* Element k of the list: its type and its parameters, checked. */
static enum status filter_at(const struct node *filters, size_t k, struct arena *arena,
                             const struct filter_type **type, void **values)
{
    const struct node *entry = filters->child[k];
    if (entry->kind != NODE_MAP || entry->n != 1)
        return node_fail(entry, "a filter is one name with its value, as in {min_rating: 4}");
    const struct node *value = entry->child[0];
    *type = filter_find(value->key);
    if (*type == NULL)
        return filter_unknown(value);
    *values = arena_alloc(arena, 1, (*type)->params_size);
    if (*values == NULL)
        return STATUS_SYSTEM;
    TRY(params_default((*type)->params, arena, *values));
    if (value->kind == NODE_MAP)
        TRY(params_set((*type)->params, (*type)->name, value, arena, *values));
    else
        TRY(param_set(&(*type)->params[0], (*type)->name, value, arena, *values));
    return (*type)->check != NULL ? (*type)->check(*values, value) : STATUS_OK;
}

/* {"kcore":10}, or with all parameters where there are several: {"sample_users":{"n":100,"seed":42,"share":0}}. */
static enum status filter_json(const struct filter_type *type, const void *values, struct arena *arena,
                               char **out)
{
    char *json;
    TRY(params_json(type->params, values, arena, &json));
    if (type->params[1].name == NULL) { /* {"count":10} */
        json = strchr(json, ':') + 1;
        *out = arena_printf(arena, "{\"%s\":%.*s}", type->name, (int)strlen(json) - 1, json);
    } else {
        *out = arena_printf(arena, "{\"%s\":%s}", type->name, json);
    }
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status filters_check(const struct node *filters, struct arena *arena, char **json)
{
    char *text = arena_strdup(arena, "["), *one;
    if (text == NULL)
        return STATUS_SYSTEM;
    if (filters != NULL && filters->kind != NODE_LIST)
        return node_fail(filters, "`filter` is a list, as in [{min_rating: 4}, {kcore: 10}]");
    for (size_t k = 0; filters != NULL && k < filters->n; k++) {
        const struct filter_type *type;
        void *values;
        TRY(filter_at(filters, k, arena, &type, &values));
        TRY(filter_json(type, values, arena, &one));
        text = arena_printf(arena, "%s%s%s", text, k > 0 ? "," : "", one);
        if (text == NULL)
            return STATUS_SYSTEM;
    }
    text = arena_printf(arena, "%s]", text);
    if (text == NULL)
        return STATUS_SYSTEM;
    if (json != NULL)
        *json = text;
    return STATUS_OK;
}

enum status filters_apply(const struct node *filters, const struct dataset *d, struct arena *arena,
                          struct interactions *out)
{
    TRY(filters_check(filters, arena, NULL));
    *out = d->interactions;
    if (out->n == 0)
        return status_fail(STATUS_DATA, "dataset '%s' has no interactions", d->name);
    for (size_t k = 0; filters != NULL && k < filters->n; k++) {
        const struct filter_type *type;
        const struct node *where = filters->child[k]->child[0];
        const uint64_t before = out->n;
        struct interactions next;
        void *values;
        TRY(filter_at(filters, k, arena, &type, &values));
        if (type->needs_time && out->time == NULL)
            return status_fail(STATUS_DATA, "%s:%d:%d: %s needs times, and dataset '%s' has none",
                               where->file, where->line, where->column, type->name, d->name);
        TRY(type->apply(values, d, out, arena, &next));
        *out = next;
        if (out->n == 0)
            return status_fail(STATUS_DATA,
                               "%s:%d:%d: no row of dataset '%s' is left after filter {%s: %s}; %llu rows "
                               "were there before it",
                               where->file, where->line, where->column, d->name, type->name,
                               where->kind == NODE_SCALAR ? where->text : "...", (unsigned long long)before);
    }
    return STATUS_OK;
}
