/* search.c - see search.h. */
#include "experiment/search.h"

#include <stdlib.h>
#include <string.h>

static json_t *node_json(const struct node *node, enum param_kind kind)
{
    double number;
    if (node->kind == NODE_LIST) {
        json_t *list = json_array();
        for (size_t i = 0; i < node->n; i++)
            json_array_append_new(list, node_json(node->child[i], PARAM_KIND_STRING));
        return list;
    }
    switch (kind) {
    case PARAM_KIND_INT:
        return json_integer(strtoll(node->text, NULL, 10));
    case PARAM_KIND_REAL:
        return node_double(node, &number) == STATUS_OK ? json_real(number) : json_null();
    case PARAM_KIND_BOOL:
        return json_boolean(strcmp(node->text, "true") == 0);
    default:
        return json_string(node->text);
    }
}

json_t *search_choice_json(const struct search_parameter *p, size_t c)
{
    return node_json(p->choice[c], p->param->kind);
}

json_t *search_setting_json(const struct search_config *s, const struct search_trial *trial)
{
    json_t *out = json_object();
    for (size_t i = 0; i < s->space.n; i++) {
        const enum search_kind kind = s->space.dimension[i].kind;
        json_object_set_new(out, s->parameter[i].param->name,
                            kind == SEARCH_CHOICE ? search_choice_json(&s->parameter[i], (size_t)trial->x[i])
                            : kind == SEARCH_INTEGER ? json_integer((json_int_t)trial->x[i])
                                                     : json_real(trial->x[i]));
    }
    if (s->resource != NULL)
        json_object_set_new(out, s->resource->name, json_integer((json_int_t)trial->resource));
    return out;
}

enum status search_value_node(const json_t *value, struct arena *arena, struct node *out)
{
    *out = (struct node){.kind = NODE_SCALAR, .file = "trial", .line = 1, .column = 1};
    if (json_is_array(value)) {
        out->kind = NODE_LIST;
        out->n = json_array_size(value);
        ARENA_NEW(out->child, arena, out->n);
        for (size_t i = 0; i < out->n; i++) {
            ARENA_NEW(out->child[i], arena, 1);
            TRY(search_value_node(json_array_get(value, i), arena, out->child[i]));
        }
        return STATUS_OK;
    }
    if (json_is_string(value)) {
        out->text = arena_strdup(arena, json_string_value(value));
        out->quoted = true;
    } else if (json_is_integer(value))
        out->text = arena_printf(arena, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        out->text = arena_printf(arena, "%.9g", json_real_value(value));
    else
        out->text = arena_strdup(arena, json_is_true(value) ? "true" : "false");
    return out->text != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status search_apply(const struct model_type *type, const void *params, const json_t *chosen,
                         struct arena *arena, void **out)
{
    const char *key;
    json_t *value;
    *out = arena_copy(arena, params, 1, type->params_size > 0 ? type->params_size : 1);
    if (*out == NULL)
        return STATUS_SYSTEM;
    json_object_foreach((json_t *)(uintptr_t)chosen, key, value)
    {
        struct node node;
        const struct param *p = param_find(type->params, key);
        if (p == NULL)
            return status_fail(STATUS_DATA, "a recorded setting names '%s', which %s does not have", key,
                               type->name);
        TRY(search_value_node(value, arena, &node));
        TRY(param_set(p, type->name, &node, arena, *out));
    }
    return type->check != NULL ? type->check(*out, &(struct node){.file = "trial", .line = 1, .column = 1})
                               : STATUS_OK;
}
