/* config_inside.c - the searches of models inside a model: found through the model's own table of what it holds, each checked like one outside. */
#include <string.h>

#include "experiment/config_parts.h"
#include "experiment/inside.h"
#include "models/nested.h"

enum { INSIDE_MOST = 32 };

/* Where `target` stands below `at`, whose own place is `path`; NULL: not there. */
static const char *path_of(const struct node *at, const struct node *target, const char *path,
                           struct arena *arena)
{
    const char *found = at == target ? path : NULL;
    for (size_t i = 0; i < at->n && found == NULL && path != NULL; i++) {
        const char *next = at->kind == NODE_MAP ? arena_printf(arena, "%s.%s", path, at->child[i]->key)
                                                : arena_printf(arena, "%s.%zu", path, i);
        found = path_of(at->child[i], target, next, arena);
    }
    return found;
}

static enum status add(struct model_config *m, struct inside_search *list, const struct nested *inner,
                       struct arena *arena)
{
    struct search_config *search;
    json_t *resolved = NULL;
    char *json;
    const char *path = NULL;
    for (size_t i = 0; i < m->n_inside; i++)
        if (list[i].where == inner->where)
            return STATUS_OK; /* one place of the file, twice in the row by an alias */
    if (m->n_inside == INSIDE_MOST)
        return node_fail_key(inner->search, "%s: more than %d models inside it are searched", m->label,
                             INSIDE_MOST);
    for (const struct param *p = m->type->params; p != NULL && p->name != NULL && path == NULL; p++) {
        const struct node *const *at = (const void *)((const char *)m->params + p->offset);
        if (p->kind == PARAM_KIND_NODE && *at != NULL)
            path = path_of(*at, inner->where, p->name, arena);
    }
    const char *label = path != NULL ? arena_printf(arena, "%s, %s", m->label, path) : NULL;
    if (label == NULL)
        return STATUS_SYSTEM;
    struct inside_search *s = &list[m->n_inside++];
    *s = (struct inside_search){.where = inner->where,
                                .path = path,
                                .model = {.type = inner->type,
                                          .label = label,
                                          .params = (void *)(uintptr_t)inner->params,
                                          .fit_valid = m->fit_valid,
                                          .grid_json = "{}",
                                          .where = inner->where}};
    TRY(config_search(inner->search, inner->type, node_get(inner->where, "params"), arena, &search,
                      &resolved));
    s->model.search = search;
    TRY(params_json(inner->type->params, inner->params, arena, &json));
    const enum status status =
        config_searched_json(json, search, resolved, m->fit_valid, false, arena, &s->model.params_json);
    json_decref(resolved);
    return status;
}

/* Depth first: what is inside a model is chosen before it is. */
static enum status collect(struct model_config *m, const struct model_type *type, const void *params,
                           struct inside_search *list, struct arena *arena)
{
    const struct nested *inside = NULL;
    size_t n = 0;
    if (type->inside != NULL)
        TRY(type->inside(params, arena, &inside, &n));
    for (size_t i = 0; i < n; i++) {
        TRY(collect(m, inside[i].type, inside[i].params, list, arena));
        if (inside[i].search != NULL)
            TRY(add(m, list, &inside[i], arena));
    }
    return STATUS_OK;
}

enum status config_inside(struct model_config *m, struct arena *arena)
{
    struct inside_search *list;
    ARENA_NEW(list, arena, INSIDE_MOST);
    m->n_inside = 0;
    m->inside = list;
    return collect(m, m->type, m->params, list, arena);
}
