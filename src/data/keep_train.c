/*
 * keep_train.c - see keep_train.h.  Lots are drawn for the rows of all users together: a user with few rows may lose them all and
 * is then ranked for without a history, as happens to users where data is scarce.
 */
#include "data/keep_train.h"

#include "data/split_lots.h"

struct keep_train_block {
    const struct node *share;
    int seed;
};
static const struct param params[] = {
    PARAM_NODE(struct keep_train_block, share,
               "share of the train rows that models see; a list: each in turn"),
    PARAM_INT(struct keep_train_block, seed, 42, 0, 2147483647, "of the lots"), PARAM_END};

static enum status read_share(const struct node *node, double *share)
{
    if (node->kind != NODE_SCALAR)
        return node_fail(node, "keep_train: expected a share of the train rows, or a list of shares");
    TRY(node_double(node, share));
    return *share > 0 && *share <= 1
               ? STATUS_OK
               : node_fail(node, "keep_train: %.9g is no share of the train rows; above 0, at most 1",
                           *share);
}

enum status keep_train_parse(const struct node *node, struct arena *arena, struct keep_train **out, size_t *n,
                             bool *is_list)
{
    struct keep_train_block block = {.share = node};
    TRY(params_default(params, arena, &block));
    block.share = node;
    if (node->kind == NODE_MAP) {
        block.share = NULL;
        TRY(params_set(params, "keep_train", node, arena, &block));
        if (block.share == NULL)
            return node_fail(node, "keep_train: 'share' is missing: {share: 0.25, seed: 42}");
    }
    *is_list = block.share->kind == NODE_LIST;
    *n = *is_list ? block.share->n : 1;
    if (*n == 0)
        return node_fail(block.share, "keep_train: the list of shares is empty");
    ARENA_NEW(*out, arena, *n);
    for (size_t k = 0; k < *n; k++) {
        (*out)[k].seed = block.seed;
        TRY(read_share(*is_list ? block.share->child[k] : block.share, &(*out)[k].share));
    }
    return STATUS_OK;
}

/* dropped [rows->n]: 1 for the rows beyond the floor(n * share) smallest lots. */
static enum status draw(const struct keep_train *keep, const struct interactions *rows, struct arena *arena,
                        uint8_t **dropped)
{
    struct lot *lots;
    ARENA_NEW(lots, arena, rows->n);
    ARENA_NEW(*dropped, arena, rows->n);
    for (uint64_t r = 0; r < rows->n; r++) {
        const uint64_t pair = (uint64_t)rows->user[r] << 32 | rows->item[r];
        lots[r] = (struct lot){lot_of_one(keep->seed, LOTS_OF_TRAIN, pair), r};
    }
    lots_sort(lots, rows->n);
    for (uint64_t k = lots_share(rows->n, keep->share); k < rows->n; k++)
        (*dropped)[lots[k].what] = 1;
    return STATUS_OK;
}

enum status keep_train_apply(const struct keep_train *keep, const char *name, struct fold *fold,
                             struct arena *arena)
{
    const struct interactions all = fold->train;
    uint8_t *dropped, *unlearned;
    TRY(draw(keep, &all, arena, &dropped));
    TRY(split_take(&all, dropped, 0, arena, &fold->train));
    TRY(split_take(&all, dropped, 1, arena, &fold->dropped));
    TRY(draw(keep, &fold->valid, arena, &unlearned));
    fold->unlearned = unlearned;
    if (fold->train.n == 0)
        return status_fail(STATUS_DATA, "dataset '%s': keep_train %.9g leaves none of %llu train rows", name,
                           keep->share, (unsigned long long)all.n);
    return STATUS_OK;
}
