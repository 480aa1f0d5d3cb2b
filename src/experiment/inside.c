/* inside.c - see inside.h. */
#include "experiment/inside.h"

#include <string.h>

#include "experiment/cell.h"
#include "experiment/config_parts.h"

/* The tree with the choices in their places; a part without any is shared, not copied. */
static enum status replace(const struct node *at, const struct inside_choice *choices, size_t n,
                           struct arena *arena, const struct node **out)
{
    *out = at;
    for (size_t c = 0; c < n; c++)
        if (choices[c].from == at) {
            struct node *copy;
            ARENA_NEW(copy, arena, 1);
            *copy = *choices[c].to;
            copy->key = at->key, copy->key_line = at->key_line, copy->key_column = at->key_column;
            *out = copy;
            return STATUS_OK;
        }
    struct node *grown = NULL;
    for (size_t i = 0; i < at->n; i++) {
        const struct node *child;
        TRY(replace(at->child[i], choices, n, arena, &child));
        if (child == at->child[i])
            continue;
        if (grown == NULL && (grown = config_grown(at, at, 0, arena)) == NULL)
            return STATUS_SYSTEM;
        grown->child[i] = (struct node *)(uintptr_t)child;
        *out = grown;
    }
    return STATUS_OK;
}

enum status inside_params(const struct model_type *type, const void *params,
                          const struct inside_choice *choices, size_t n, struct arena *arena, void **out)
{
    *out = arena_copy(arena, params, 1, type->params_size > 0 ? type->params_size : 1);
    if (*out == NULL)
        return STATUS_SYSTEM;
    for (const struct param *p = type->params; p != NULL && p->name != NULL; p++) {
        const struct node **at = (const struct node **)(void *)((char *)*out + p->offset);
        if (p->kind == PARAM_KIND_NODE && *at != NULL)
            TRY(replace(*at, choices, n, arena, at));
    }
    return STATUS_OK;
}

enum status inside_choose(const struct inside_search *s, const json_t *setting, uint32_t epochs,
                          const struct inside_choice *earlier, size_t n, struct arena *arena,
                          struct inside_choice *out)
{
    const struct node *given = node_get(s->where, "params");
    const char *key;
    json_t *value;
    if (given != NULL && given->kind == NODE_MAP)
        TRY(replace(given, earlier, n, arena, &given));
    else
        given = NULL;
    struct node *to = config_node(s->where, NODE_MAP, 2, arena),
                *params = config_grown(s->where, given, json_object_size(setting) + 1, arena);
    if (to == NULL || params == NULL)
        return STATUS_SYSTEM;
    json_object_foreach((json_t *)(uintptr_t)setting, key, value)
    {
        struct node node;
        const char *name = arena_strdup(arena, key);
        if (name == NULL)
            return STATUS_SYSTEM;
        TRY(search_value_node(value, arena, &node));
        TRY(config_put(params, name, &node, arena));
    }
    const struct param *p = cell_epochs_param(s->model.type);
    if (epochs > 0 && p != NULL)
        TRY(config_put_text(params, p->name, arena_printf(arena, "%u", epochs), arena));
    TRY(config_put_text(to, "name", s->model.type->name, arena));
    TRY(config_put(to, "params", params, arena));
    *out = (struct inside_choice){s->where, to};
    return STATUS_OK;
}
