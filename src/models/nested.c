/* nested.c - see nested.h. */
#include "models/nested.h"

#include <string.h>

#include "base/strings.h"
#include "models/item_vectors.h"

static enum status find(const struct node *name, const char *what, const struct model_type **out)
{
    const char *names[256];
    size_t n = 0;
    if (name->kind != NODE_SCALAR)
        return node_fail(name, "%s names no model: {name: ease, params: {l2: 300}}", what);
    for (; n < 256 && model_types[n] != NULL; n++) {
        names[n] = model_types[n]->name;
        if (strcmp(names[n], name->text) == 0) {
            *out = model_types[n];
            return STATUS_OK;
        }
    }
    const char *nearest = string_nearest(name->text, names, n);
    return node_fail(name, "%s: unknown model '%s'%s%s%s; `recfuse models` lists them", what, name->text,
                     nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                     nearest != NULL ? "'" : "");
}

enum status nested_parse(const struct node *node, const char *what, struct arena *arena, struct nested *out)
{
    const struct node *name = node, *given = NULL;
    *out = (struct nested){0};
    if (node == NULL)
        return status_fail(STATUS_USAGE, "%s is not set: {name: ease, params: {l2: 300}}", what);
    if (node->kind == NODE_MAP) {
        name = node_get(node, "name");
        given = node_get(node, "params");
        out->where = node;
        out->search = node_get(node, "search");
        for (size_t i = 0; i < node->n; i++)
            if (strcmp(node->child[i]->key, "name") != 0 && strcmp(node->child[i]->key, "params") != 0 &&
                strcmp(node->child[i]->key, "search") != 0)
                return node_fail_key(node->child[i],
                                     "%s has '%s'; a model here has a name, params and search", what,
                                     node->child[i]->key);
        if (name == NULL)
            return node_fail(node, "%s names no model: {name: ease, params: {l2: 300}}", what);
    }
    TRY(find(name, what, &out->type));
    void *values = arena_alloc(arena, 1, out->type->params_size);
    if (values == NULL)
        return STATUS_SYSTEM;
    TRY(params_default(out->type->params, arena, values));
    TRY(params_set(out->type->params, out->type->name, given, arena, values));
    TRY(item_vectors_check_params(node, out->type->params, values));
    if (out->type->check != NULL)
        TRY(out->type->check(values, node));
    out->params = values;
    return STATUS_OK;
}

static enum status new_state(struct nested *m, struct arena *arena)
{
    m->state = arena_alloc(arena, 1, m->type->state_size > 0 ? m->type->state_size : 1);
    return m->state != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status nested_fit(struct nested *m, const struct view *train, struct run *run)
{
    struct run inner = *run;
    if (m->search != NULL)
        return node_fail_key(m->search, "search of %s: only an experiment searches (`recfuse run`)",
                             m->type->name);
    inner.validate = NULL; /* it judges the outer model's state */
    inner.curve = NULL;    /* training curves are those of the outer model */
    TRY(new_state(m, run->arena));
    return m->type->fit(m->state, m->params, train, &inner);
}

enum status nested_save(const struct nested *m, const char *name, struct model_writer *w)
{
    return model_put_model(w, name, m->type, m->state);
}

enum status nested_load(struct nested *m, const char *name, struct model_reader *r, struct run *run)
{
    TRY(new_state(m, run->arena));
    return model_get_model(r, name, m->type, m->params, run, m->state);
}

void nested_free(struct nested *m)
{
    if (m->state != NULL && m->type->free != NULL)
        m->type->free(m->state);
    m->state = NULL;
}
