/* loop.c - see loop.h. */
#include "experiment/loop.h"

#include <string.h>

#include "data/store.h"

#define V struct item_vectors_options
const struct param loop_vector_params[] = {ITEM_VECTORS_PARAMS(V, , "tfidf", "title", 16, 1, BANDIT_MOST, 1),
                                           PARAM_END};
#undef V

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
    if (out->base.type->factors == NULL)
        return node_fail(blocks->base,
                         "the loop needs a model of factors (ials, bpr_mf, svd ...), and %s has none",
                         out->base.type->name);
    TRY(strategy_parse(blocks->rules, arena, &out->rules));
    TRY(params_default(loop_vector_params, arena, &out->vectors));
    TRY(params_set(loop_vector_params, "vectors", blocks->vectors, arena, &out->vectors));
    TRY(params_default(feedback_params, arena, &out->feedback));
    return params_set(feedback_params, "feedback", blocks->feedback, arena, &out->feedback);
}

enum status loop_open(struct loop *loop, struct arena *arena)
{
    struct dataset *d;
    struct fold *fold;
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
    const struct strategy_facts facts = strategy_facts_of(loop->view, vectors);
    return strategy_prepare(loop->rules, &facts, run->arena);
}
