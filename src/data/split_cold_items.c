/*
 * split_cold_items.c - items that nobody has met in train: only what is known of the item can recommend it.
 *
 * A share of the items, by lots, is test and another share validation, with all of their rows.  A user all of whose
 * rows are of such items has no train row left (counted as a cold user).  Of a pair that occurs twice the last row is
 * kept first.  Among all items the cold ones compete with the warm ones; the auditor says how many test items are
 * cold (here all).
 */
#include "data/split_kinds.h"
#include "data/split_lots.h"

struct cold_items_params {
    double test, valid;
    int seed;
};

static const struct param params[] = {
    PARAM_REAL(struct cold_items_params, test, 0.1, 0, 1, "share of the items whose rows are test"),
    PARAM_REAL(struct cold_items_params, valid, 0, 0, 1, "share of the items whose rows are validation"),
    PARAM_INT(struct cold_items_params, seed, 42, 0, 2147483647, "of the random lots"), PARAM_END};

static enum status check(const void *values, const struct node *where)
{
    const struct cold_items_params *p = values;
    if (p->test <= 0 || p->test + p->valid >= 1)
        return node_fail(
            where, "cold_items: test is %.9g and valid %.9g; test must be above 0 and their sum below 1",
            p->test, p->valid);
    return STATUS_OK;
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds)
{
    const struct cold_items_params *p = values;
    uint8_t *part, *item_part;
    struct lot *lots;
    uint64_t n = 0;
    ARENA_NEW(*folds, arena, 1);
    *n_folds = 1;
    TRY(split_parts(d, in, arena, &part, &(*folds)->n_duplicates));
    ARENA_NEW(item_part, arena, d->n_items);
    ARENA_NEW(lots, arena, d->n_items);
    for (uint64_t r = 0; r < in->n; r++)
        item_part[in->item[r]] = SPLIT_NOWHERE; /* has a row: takes part in the lots */
    for (uint32_t i = 0; i < d->n_items; i++)
        if (item_part[i] == SPLIT_NOWHERE)
            lots[n++] = (struct lot){lot_of_one(p->seed, LOTS_OF_ITEMS, i), i};
    lots_sort(lots, n);
    const uint64_t n_test = lots_share(n, p->test), n_valid = lots_share(n, p->valid);
    for (uint64_t k = 0; k < n; k++)
        item_part[lots[k].what] = k < n_test ? SPLIT_TEST : k < n_test + n_valid ? SPLIT_VALID : SPLIT_TRAIN;
    for (uint64_t r = 0; r < in->n; r++)
        if (part[r] != SPLIT_NOWHERE)
            part[r] = item_part[in->item[r]];
    return split_take_fold(in, part, arena, *folds);
}

const struct split_type split_cold_items = {
    .name = "cold_items",
    .help = "all rows of a share of the items are test: no model has met them",
    .loses =
        "what is known of those items from other users; users with rows of other items only aren't evaluated",
    .params = params,
    .params_size = sizeof(struct cold_items_params),
    .check = check,
    .apply = apply,
};
