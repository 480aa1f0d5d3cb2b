/* loop.c - see loop.h. */
#include "experiment/loop.h"

#include <string.h>

#include "data/store.h"
#include "fusion/strategy_model.h"

#define V struct item_vectors_options
const struct param loop_vector_params[] = {ITEM_VECTORS_PARAMS(V, , "tfidf", "title", 16, 1, BANDIT_MOST, 1),
                                           PARAM_END};
#undef V

#define H struct serve_settings
const struct param serve_params[] = {
    PARAM_INT(H, refit_every, 1000, 1, 1e9, "answered events between two fits of the model"),
    PARAM_INT(H, seed, 0, 0, 1e9, "of the model and of what is drawn"), PARAM_END};
#undef H

/* Nothing hears of fatigue without a rule for it. */
static enum status settle(struct loop *loop, const struct node *block)
{
    TRY(feedback_suits(loop->base.type, block, &loop->feedback));
    if (!strategy_has_rule(loop->rules, "fatigue"))
        loop->feedback.fatigue = false;
    return STATUS_OK;
}

enum status loop_read(const struct loop_blocks *blocks, const struct node *root, struct arena *arena,
                      struct loop *out)
{
    *out = (struct loop){.file = blocks->dataset};
    if (blocks->dataset == NULL)
        return node_fail(root, "the file names no dataset: `dataset: datasets/synth/synth.h5`");
    if (blocks->base == NULL)
        return node_fail(root, "the file names no base: `base: {name: ials}`");
    TRY(nested_parse(blocks->base, "base", arena, &out->base));
    if (out->base.search != NULL)
        return node_fail_key(out->base.search, "a loop searches nothing; write the parameters down");
    TRY(strategy_parse(blocks->rules, arena, &out->rules));
    TRY(params_default(loop_vector_params, arena, &out->vectors));
    TRY(params_set(loop_vector_params, "vectors", blocks->vectors, arena, &out->vectors));
    TRY(params_default(feedback_params, arena, &out->feedback));
    TRY(params_set(feedback_params, "feedback", blocks->feedback, arena, &out->feedback));
    return settle(out, blocks->feedback);
}

/* The first model, from the outside in, whose parameters say what its text vectors are; *type NULL: none. */
static enum status vectors_inside(const struct model_type *type, const void *params, struct arena *arena,
                                  const struct model_type **found, const void **its)
{
    const struct nested *inside = NULL;
    size_t n = 0;
    *found = param_find(type->params, "encoder") != NULL ? type : NULL;
    *its = params;
    if (*found == NULL && type->inside != NULL)
        TRY(type->inside(params, arena, &inside, &n));
    for (size_t i = 0; i < n && *found == NULL; i++)
        TRY(vectors_inside(inside[i].type, inside[i].params, arena, found, its));
    return STATUS_OK;
}

/* The model's parameters of that name and kind in place of the defaults, but for the number of dimensions: LinUCB wants few. */
static enum status take_vectors(const struct nested *base, struct arena *arena,
                                struct item_vectors_options *out)
{
    const struct model_type *type;
    const void *params;
    TRY(vectors_inside(base->type, base->params, arena, &type, &params));
    for (const struct param *p = loop_vector_params; type != NULL && p->name != NULL; p++) {
        const struct param *its = param_find(type->params, p->name);
        if (its == NULL || its->kind != p->kind || strcmp(p->name, "dimensions") == 0)
            continue;
        const size_t size = p->kind == PARAM_KIND_REAL   ? sizeof(double)
                            : p->kind == PARAM_KIND_BOOL ? sizeof(bool)
                            : p->kind == PARAM_KIND_LIST ? sizeof(struct param_list)
                            : p->kind == PARAM_KIND_STRING || p->kind == PARAM_KIND_NODE ? sizeof(void *)
                                                                                         : sizeof(int);
        memcpy((char *)out + p->offset, (const char *)params + its->offset, size);
    }
    return STATUS_OK;
}

enum status loop_of_model(const struct feedback_config *config, const struct model_config *model,
                          struct arena *arena, struct loop *out)
{
    *out = (struct loop){.config = config->dataset, .feedback = config->options};
    if (model->type == &model_strategy)
        TRY(strategy_model_parts(model->params, arena, &out->base, &out->rules, &out->rule_vectors));
    else {
        out->base = (struct nested){.type = model->type, .params = model->params};
        TRY(strategy_parse(NULL, arena, &out->rules));
    }
    TRY(params_default(loop_vector_params, arena, &out->vectors));
    TRY(take_vectors(&out->base, arena, &out->vectors));
    TRY(params_set(loop_vector_params, "vectors", config->vectors, arena, &out->vectors));
    return settle(out, config->block);
}

static enum status open_stage(struct loop *loop)
{
    if (loop->config->unavailable != NULL)
        return status_fail(STATUS_UNAVAILABLE, "%s", loop->config->unavailable);
    TRY(stage_open(loop->config, &loop->stage));
    TRY(stage_fold(&loop->stage, 0));
    loop->dataset = loop->stage.dataset;
    return stage_all(&loop->stage, &loop->view);
}

void loop_close(struct loop *loop)
{
    stage_close(&loop->stage);
}

enum status loop_open(struct loop *loop, struct arena *arena)
{
    struct dataset *d;
    struct fold *fold;
    if (loop->config != NULL)
        return open_stage(loop);
    ARENA_NEW(fold, arena, 1);
    TRY(store_read(loop->file, arena, &d));
    fold->train = d->interactions;
    loop->dataset = d;
    return view_build(d, fold, arena, &loop->view);
}

enum status loop_prepare(struct loop *loop, struct run *run, struct item_vectors *vectors)
{
    *vectors = (struct item_vectors){0};
    if (strcmp(loop->vectors.encoder, ITEM_ENCODER_NONE) != 0)
        TRY(item_vectors_build(&loop->vectors, loop->view, run, vectors));
    const struct item_vectors *by_text = vectors;
    if (loop->rule_vectors != NULL && strategy_needs_vectors(loop->rules)) {
        struct item_vectors *own;
        ARENA_NEW(own, run->arena, 1);
        TRY(item_vectors_build(loop->rule_vectors, loop->view, run, own));
        by_text = own;
    }
    const struct strategy_facts facts = strategy_facts_of(loop->view, by_text);
    return strategy_prepare(loop->rules, &facts, run->arena);
}
