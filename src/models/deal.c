/* deal.c - see deal.h. */
#include "models/deal.h"

enum { STREAMS = 2048 }; /* streams of RANDOM_ORDER an epoch has */
enum { ORDER_USERS, ORDER_ITEMS, ORDER_DIAGONALS, ORDER_BLOCKS };

/* A function of the data alone.  A part holds enough items to draw negatives from. */
static int grid_of(int64_t nnz, uint32_t n_items)
{
    const int grid = nnz < 1000 ? 2 : nnz < 1000000 ? 8 : nnz < 10000000 ? 16 : DEAL_MOST;

    return n_items < 16 ? 1 : n_items < 256 && grid > 2 ? 2 : grid;
}

enum status deal_new(struct deal *d, const struct csr *a, struct arena *scratch)
{
    *d = (struct deal){.grid = grid_of(a->nnz, a->n_cols)};
    const size_t blocks = (size_t)d->grid * (size_t)d->grid;

    ARENA_NEW(d->place, scratch, a->n_rows > a->n_cols ? a->n_rows : a->n_cols);
    ARENA_NEW(d->user_part, scratch, a->n_rows);
    ARENA_NEW(d->item_part, scratch, a->n_cols);
    ARENA_NEW(d->part, scratch, (size_t)d->grid + 1);
    ARENA_NEW(d->part_item, scratch, a->n_cols);
    ARENA_NEW(d->order, scratch, (size_t)a->nnz);
    ARENA_NEW(d->sorted, scratch, (size_t)a->nnz);
    ARENA_NEW(d->sample, scratch, (size_t)a->nnz);
    ARENA_NEW(d->block, scratch, blocks + 1);
    ARENA_NEW(d->at, scratch, blocks + 1);
    return STATUS_OK;
}

/* Users and items into parts; part_item by part. */
static void deal_parts(struct deal *d, const struct csr *a, uint64_t seed, uint32_t stream)
{
    const uint64_t grid = (uint64_t)d->grid;

    random_permutation(seed, RANDOM_ORDER, stream + ORDER_USERS, a->n_rows, d->place);
    for (uint32_t u = 0; u < a->n_rows; u++)
        d->user_part[u] = (uint32_t)(d->place[u] * grid / a->n_rows);
    random_permutation(seed, RANDOM_ORDER, stream + ORDER_ITEMS, a->n_cols, d->place);
    for (uint64_t h = 0; h <= grid; h++)
        d->part[h] = (uint32_t)((h * a->n_cols + grid - 1) / grid); /* the first place of part h */
    for (uint32_t i = 0; i < a->n_cols; i++) {
        d->item_part[i] = (uint32_t)(d->place[i] * grid / a->n_cols);
        d->part_item[d->place[i]] = i; /* parts are ranges of places */
    }
}

/* The interactions block by block, shuffled within each. */
static void deal_samples(struct deal *d, const struct csr *a, uint64_t seed, uint32_t stream)
{
    const uint32_t grid = (uint32_t)d->grid, blocks = grid * grid;

    for (uint32_t b = 0; b <= blocks; b++)
        d->block[b] = 0;
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            d->block[d->user_part[u] * grid + d->item_part[a->idx[e]] + 1]++;
    for (uint32_t b = 0; b < blocks; b++)
        d->block[b + 1] += d->block[b], d->at[b] = d->block[b];
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            d->sorted[d->at[d->user_part[u] * grid + d->item_part[a->idx[e]]]++] =
                (struct bpr_sample){.user = u, .item = a->idx[e]};
#pragma omp parallel for schedule(dynamic, 1)
    for (uint32_t b = 0; b < blocks; b++) {
        random_permutation(seed, RANDOM_ORDER, stream + ORDER_BLOCKS + b,
                           (uint32_t)(d->block[b + 1] - d->block[b]), d->order + d->block[b]);
        for (int64_t e = d->block[b]; e < d->block[b + 1]; e++)
            d->sample[e] = d->sorted[d->block[b] + d->order[e]];
    }
}

void deal_epoch(struct deal *d, const struct csr *a, uint64_t seed, uint32_t epoch)
{
    deal_parts(d, a, seed, epoch * STREAMS);
    deal_samples(d, a, seed, epoch * STREAMS);
    random_permutation(seed, RANDOM_ORDER, epoch * STREAMS + ORDER_DIAGONALS, (uint32_t)d->grid, d->diagonal);
}
