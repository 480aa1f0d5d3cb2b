/* config_after.c - the blocks of what an experiment does once its cells are done: each is of one model and one dataset. */
#include <string.h>

#include "experiment/config_parts.h"
#include "experiment/present_settings.h"

/* The block where it stands: at the top, or in `fusion`, whose pipeline is its model; NULL: nowhere. */
static enum status block_of(const struct node *top, const struct node *in_fusion, const char *name,
                            const struct node **out)
{
    *out = top != NULL ? top : in_fusion;
    if (top != NULL && in_fusion != NULL)
        return node_fail(in_fusion, "%s stands under fusion and at the top of the file; keep one", name);
    if (*out != NULL && (*out)->kind != NODE_MAP)
        return node_fail(*out, "%s: expected a mapping", name);
    return STATUS_OK;
}

/* Takes `model` and `dataset` out of the block; *rest: what is left of it. */
static enum status read_of(const struct node *block, const char *name, const char *pipeline, bool in_fusion,
                           struct arena *arena, const struct experiment *e,
                           const struct dataset_config **dataset, const struct model_config **model,
                           struct node **rest)
{
    const struct node *its = node_get(block, "model"), *on = node_get(block, "dataset");
    struct node label = {.kind = NODE_SCALAR,
                         .text = pipeline,
                         .file = block->file,
                         .line = block->line,
                         .column = block->column};
    if (its != NULL && in_fusion)
        return node_fail_key(its,
                             "%s of fusion is of the pipeline; at the top of the file it may name another "
                             "model",
                             name);
    if (its == NULL && pipeline == NULL)
        return config_required(block, "model", name, &its);
    TRY(config_find_model(its != NULL ? its : &label, e, model));
    *dataset = &e->datasets[0];
    if (on != NULL)
        TRY(config_find_dataset(on, e, dataset));
    *rest = config_node(block, NODE_MAP, block->n, arena);
    if (*rest == NULL)
        return STATUS_SYSTEM;
    for (size_t i = 0; i < block->n; i++)
        if (block->child[i] != its && block->child[i] != on)
            (*rest)->child[(*rest)->n++] = block->child[i];
    return STATUS_OK;
}

/* Every setting but those that are not set, with the names of model and dataset. */
static json_t *resolved(const char *settings, const struct dataset_config *dataset,
                        const struct model_config *model)
{
    const char *key;
    json_t *all = json_loads(settings, 0, NULL), *value,
           *out = json_pack("{s:s, s:s}", "model", model->label, "dataset", dataset->name);
    json_object_foreach(all, key, value) if (!json_is_null(value)) json_object_set(out, key, value);
    json_decref(all);
    return out;
}

enum status config_present(const struct node *top, const struct config_pipeline *pipeline,
                           struct arena *arena, struct experiment *e)
{
    const struct node *block;
    struct node *rest = NULL;
    struct present_config *p;
    char *json;
    TRY(block_of(top, pipeline->present, "present", &block));
    if (block == NULL)
        return STATUS_OK;
    ARENA_NEW(p, arena, 1);
    TRY(read_of(block, "present", pipeline->label, block == pipeline->present, arena, e, &p->dataset,
                &p->model, &rest));
    TRY(params_default(present_params, arena, &p->settings));
    TRY(params_set(present_params, "present", rest, arena, &p->settings));
    TRY(params_json(present_params, &p->settings, arena, &json));
    p->json = json;
    e->present = p;
    json_object_set_new(e->resolved, "present", resolved(json, p->dataset, p->model));
    return STATUS_OK;
}
