/*
 * filter_popularity.c - the head or the tail of the items.
 *
 * Items stand in order of their number of distinct users, most first, ties by the order of the dataset.  The head of
 * share s is the shortest beginning of that list whose items have at least s of all pairs; the tail of share s is
 * what the head of 1 - s leaves.  So {head_items: 0.8} and {tail_items: 0.2} have every item once between them.
 */
#include <stdlib.h>

#include "base/csr.h"
#include "data/filter_kinds.h"

struct popularity_params {
    double share;
};

static const struct param params[] = {PARAM_REAL(struct popularity_params, share, 0.8, 0, 1,
                                                 "share of the (user, item) pairs that the items have"),
                                      PARAM_END};

struct popular {
    uint32_t item;
    int64_t n;
};

static int compare(const void *a, const void *b)
{
    const struct popular *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* head[item] = 1 for those of the head of that share. */
static enum status mark_head(double share, const struct dataset *d, const struct interactions *in,
                             struct arena *arena, uint8_t **head)
{
    struct csr by_user, by_item;
    struct popular *order;
    TRY(csr_from_triples(d->n_users, d->n_items, in->n, in->user, in->item, NULL, arena, &by_user, NULL));
    TRY(csr_transpose(&by_user, arena, &by_item));
    ARENA_NEW(order, arena, d->n_items);
    ARENA_NEW(*head, arena, d->n_items);
    for (uint32_t i = 0; i < d->n_items; i++)
        order[i] = (struct popular){i, by_item.ptr[i + 1] - by_item.ptr[i]};
    qsort(order, d->n_items, sizeof *order, compare);
    int64_t pairs = 0;
    for (uint32_t k = 0; k < d->n_items && (double)pairs < share * (double)by_user.nnz - 1e-9; k++) {
        (*head)[order[k].item] = 1;
        pairs += order[k].n;
    }
    return STATUS_OK;
}

static enum status keep_items(const struct interactions *in, const uint8_t *head, uint8_t wanted,
                              struct arena *arena, struct interactions *out)
{
    uint8_t *keep;
    ARENA_NEW(keep, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++)
        keep[r] = head[in->item[r]] == wanted;
    return filter_take(in, keep, arena, out);
}

static enum status head_items(const void *values, const struct dataset *d, const struct interactions *in,
                              struct arena *arena, struct interactions *out)
{
    const struct popularity_params *p = values;
    uint8_t *head;
    TRY(mark_head(p->share, d, in, arena, &head));
    return keep_items(in, head, 1, arena, out);
}

static enum status tail_items(const void *values, const struct dataset *d, const struct interactions *in,
                              struct arena *arena, struct interactions *out)
{
    const struct popularity_params *p = values;
    uint8_t *head;
    TRY(mark_head(1 - p->share, d, in, arena, &head));
    return keep_items(in, head, 0, arena, out);
}

const struct filter_type filter_head_items = {
    .name = "head_items",
    .help = "the fewest most popular items that have this share of the pairs",
    .params = params,
    .params_size = sizeof(struct popularity_params),
    .apply = head_items};
const struct filter_type filter_tail_items = {
    .name = "tail_items",
    .help = "what head_items of one minus this share leaves: the rare items",
    .params = params,
    .params_size = sizeof(struct popularity_params),
    .apply = tail_items};
