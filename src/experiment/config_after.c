/* config_after.c - the blocks of what an experiment does once its cells are done: each is of one model and one dataset. */
#include <string.h>

#include "experiment/config_parts.h"
#include "experiment/feedback_settings.h"
#include "experiment/loop.h"
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

struct feedback_block {
    const struct node *vectors, *simulate;
};
static const struct param feedback_block_params[] = {
    PARAM_NODE(struct feedback_block, vectors,
               "of the profile and LinUCB, as the model's own vectors with these changes: {dimensions: 32}"),
    PARAM_NODE(struct feedback_block, simulate, "simulated users: {rounds: 20, seeds: 5, users: 200}"),
    PARAM_END};

struct simulate_block {
    int seeds;
};
static const struct param simulate_block_params[] = {
    PARAM_INT(struct simulate_block, seeds, 5, 1, 1000, "every system runs once a seed, from 0"), PARAM_END};

static enum status read_simulate(const struct node *block, struct arena *arena, struct feedback_config *f)
{
    struct simulate_block own;
    const struct param *const tables[] = {simulate_block_params, simulate_params};
    void *const values[] = {&own, &f->how};
    char *json;
    if (block->kind != NODE_MAP)
        return node_fail(block, "simulate of feedback: expected a mapping: {rounds: 20, seeds: 5}");
    TRY(config_deal(block, "simulate", arena, tables, values, 2));
    TRY(params_json(simulate_params, &f->how, arena, &json));
    f->simulated = true;
    f->seeds = own.seeds;
    f->simulate_json = json;
    return STATUS_OK;
}

static void merge_json(json_t *into, const char *json)
{
    json_t *from = json_loads(json, 0, NULL);
    json_object_update(into, from);
    json_decref(from);
}

static enum status resolve_feedback(struct feedback_config *f, const struct feedback_block *own,
                                    struct arena *arena, json_t **out)
{
    char *learning, *serving, *more;
    TRY(params_json(feedback_params, &f->options, arena, &learning));
    TRY(params_json(serve_params, &f->serve, arena, &serving));
    TRY(params_json(feedback_block_params, own, arena, &more));
    f->json = arena_printf(arena, "[%s,%s,%s]", learning, serving, more);
    json_t *extra = json_loads(more, 0, NULL);
    *out = resolved(learning, f->dataset, f->model);
    merge_json(*out, serving);
    if (own->vectors != NULL)
        json_object_set(*out, "vectors", json_object_get(extra, "vectors"));
    json_decref(extra);
    if (f->simulated) {
        json_t *simulate = json_loads(f->simulate_json, 0, NULL);
        json_object_set_new(simulate, "seeds", json_integer(f->seeds));
        json_object_set_new(*out, "simulate", simulate);
    }
    return f->json != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status config_feedback(const struct node *top, const struct config_pipeline *pipeline,
                            struct arena *arena, struct experiment *e)
{
    const struct node *block;
    struct node *rest = NULL;
    struct feedback_config *f;
    struct feedback_block own;
    struct item_vectors_options unused;
    json_t *out = NULL;
    TRY(block_of(top, pipeline->feedback, "feedback", &block));
    if (block == NULL)
        return STATUS_OK;
    ARENA_NEW(f, arena, 1);
    f->block = block;
    TRY(read_of(block, "feedback", pipeline->label, block == pipeline->feedback, arena, e, &f->dataset,
                &f->model, &rest));
    const struct param *const tables[] = {feedback_block_params, serve_params, feedback_params};
    void *const values[] = {&own, &f->serve, &f->options};
    TRY(config_deal(rest, "feedback", arena, tables, values, 3));
    TRY(params_default(loop_vector_params, arena, &unused));
    TRY(params_set(loop_vector_params, "vectors", own.vectors, arena, &unused));
    f->vectors = own.vectors;
    if (own.simulate != NULL)
        TRY(read_simulate(own.simulate, arena, f));
    struct loop loop;
    TRY(loop_of_model(f, f->model, arena, &loop)); /* complains of what can't go together */
    f->options = loop.feedback;
    TRY(resolve_feedback(f, &own, arena, &out));
    e->feedback = f;
    json_object_set_new(e->resolved, "feedback", out);
    return STATUS_OK;
}
