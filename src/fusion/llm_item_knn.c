/*
 * llm_item_knn.c - item neighbourhoods on a similarity blended of what users did and of what the texts say (the content-boosted
 * similarities of Melville, Mooney, Nagarajan 2002 and Barragans-Martinez et al. 2010, with text vectors).
 *
 *     sim(i, j) = (1 - text_share) x_i . x_j / (|x_i| |x_j| + shrinkage) + text_share v_i . v_j
 *
 * x_i: the item's column of train rows; v_i: its unit text vector.  The k largest positive ones are an item's neighbours, and scores are
 * item_knn's: the sum of sim over the user's items that are neighbours of the item scored.  An item without train rows has neighbours by
 * its text.  Similarities are made a tile of items at a time: no n_items x n_items matrix.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "fusion/text_factors.h"
#include "models/history.h"
#include "models/neighbours.h"
#include "spmm.h"
#include "topk.h"

enum { TILE = 256 };

struct llm_item_knn_params {
    struct item_vectors_options vectors;
    int k;
    double text_share, shrinkage;
    bool binary;
};
#define P struct llm_item_knn_params
static const struct param llm_item_knn_params[] = {
    TEXT_FACTORS_PARAMS(P),
    PARAM_INT(P, k, 100, 1, 100000, "neighbours kept"),
    PARAM_REAL(P, text_share, 0.3, 0, 1, "share of the text in the similarity"),
    PARAM_REAL(P, shrinkage, 0, 0, 1e9, "added to the norms of train rows: distrusts what few say"),
    PARAM_BOOL(P, binary, 1, "every interaction counts 1, whatever its value"),
    PARAM_END};
#undef P

/* What a tile of similarities is made of. */
struct blend {
    struct csr by_item, by_user;
    const struct item_vectors *items;
    float *norm;      /* [n_items] lengths of the columns of train rows */
    uint32_t *row;    /* [n_items] 0, 1, 2 ... */
    int64_t *self;    /* [n_items + 1] the mask that hides each item from itself */
    float *tile;      /* [TILE x n_items] */
    struct topk topk; /* its room and results */
};

static enum status blend_new(const struct llm_item_knn_params *p, const struct view *train,
                             const struct item_vectors *items, struct run *run, struct blend *b)
{
    const uint32_t n = train->n_items, k = (uint32_t)p->k < n ? (uint32_t)p->k : n;
    struct arena *scratch = run->scratch;
    *b = (struct blend){.by_item = *train->by_item, .by_user = *train->by_user, .items = items};
    if (p->binary || train->by_item->val == NULL) {
        float *ones = NULL;
        ARENA_NEW(ones, scratch, (size_t)train->by_user->nnz);
        for (int64_t e = 0; e < train->by_user->nnz; e++)
            ones[e] = 1;
        b->by_item.val = b->by_user.val = ones;
    }
    ARENA_NEW(b->norm, scratch, n);
    ARENA_NEW(b->row, scratch, n);
    ARENA_NEW(b->self, scratch, (size_t)n + 1);
    ARENA_NEW(b->tile, scratch, (size_t)TILE * n);
    for (uint32_t i = 0; i < n; i++) {
        double sum = 0;
        for (int64_t e = b->by_item.ptr[i]; e < b->by_item.ptr[i + 1]; e++)
            sum += (double)b->by_item.val[e] * (double)b->by_item.val[e];
        b->norm[i] = (float)sqrt(sum);
        b->row[i] = i;
        b->self[i + 1] = i + 1;
    }
    b->topk = (struct topk){.scores = b->tile,
                            .ld = n,
                            .n_items = n,
                            .first = 1,
                            .last = 1,
                            .k = k,
                            .seed = run->seed,
                            .purpose = RANDOM_TIES,
                            .mask = {{b->self, b->row}}};
    ARENA_NEW(b->topk.keys, scratch, TILE * TOPK_CAPACITY(k));
    ARENA_NEW(b->topk.count, scratch, TILE);
    ARENA_NEW(b->topk.threshold, scratch, TILE);
    ARENA_NEW(b->topk.lost, scratch, TILE);
    ARENA_NEW(b->topk.item, scratch, (size_t)TILE * k);
    ARENA_NEW(b->topk.score, scratch, (size_t)TILE * k);
    ARENA_NEW(b->topk.tied, scratch, TILE);
    ARENA_NEW(b->topk.bad, scratch, TILE);
    return STATUS_OK;
}

/* Similarities of items first .. first + rows - 1 to all, and the best of them. */
static enum status fill_tile(struct blend *b, const struct llm_item_knn_params *p, uint32_t first,
                             uint32_t rows, const struct backend *backend)
{
    const uint32_t n = b->items->n_items, d = b->items->d;
    const float own = (float)(1 - p->text_share), shrinkage = (float)p->shrinkage;
    const struct spmm_csr_csr common = {.ptr = b->by_item.ptr,
                                        .idx = b->by_item.idx,
                                        .val = b->by_item.val,
                                        .rows = b->row + first,
                                        .s_ptr = b->by_user.ptr,
                                        .s_idx = b->by_user.idx,
                                        .s_val = b->by_user.val,
                                        .out = b->tile,
                                        .ldo = n,
                                        .cols = (int)n};
    TRY(backend_launch(backend, &kernel_spmm_csr_csr, &common, (long)rows, 0));
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < rows; r++)
        for (uint32_t j = 0; j < n; j++) {
            float *x = &b->tile[(size_t)r * n + j];
            *x = *x == 0 ? 0 : own * *x / (b->norm[first + r] * b->norm[j] + shrinkage);
        }
    if (d > 0 && p->text_share > 0)
        TRY(backend_sgemm(backend, false, true, rows, n, d, (float)p->text_share,
                          b->items->v + (size_t)first * d, d, b->items->v, d, 1, b->tile, n));
    b->topk.users = b->row + first;
    memset(b->topk.count, 0, TILE * sizeof *b->topk.count);
    return backend_launch(backend, &kernel_topk, &b->topk, (long)rows, TOPK_SCRATCH(b->topk.k));
}

/* Neighbour lists while they are gathered, tile after tile. */
struct lists {
    int64_t *ptr;
    uint32_t *idx;
    float *val;
};

/* The positive ones of a tile's lists, columns rising. */
static void keep_positive(const struct blend *b, uint32_t first, uint32_t rows, struct lists *lists)
{
    struct pair {
        uint32_t column;
        float value;
    } *pair = (struct pair *)(void *)b->topk.keys; /* its room is free: 8 bytes each, more than k of them */
    const uint32_t k = b->topk.k;
    for (uint32_t r = 0; r < rows; r++) {
        int64_t n = 0;
        for (uint32_t m = 0; m < k && b->topk.score[(size_t)r * k + m] > 0; m++)
            pair[n++] = (struct pair){b->topk.item[(size_t)r * k + m], b->topk.score[(size_t)r * k + m]};
        qsort(pair, (size_t)n, sizeof *pair, rising_u32);
        const int64_t at = lists->ptr[first + r];
        for (int64_t m = 0; m < n; m++)
            lists->idx[at + m] = pair[m].column, lists->val[at + m] = pair[m].value;
        lists->ptr[first + r + 1] = at + n;
    }
}

static enum status neighbours(const struct llm_item_knn_params *p, const struct view *train, struct run *run,
                              struct csr *out)
{
    struct item_vectors items;
    struct blend b;
    struct lists lists = {0};
    struct run inner = *run;
    inner.arena = run->scratch; /* vectors are not kept */
    TRY(item_vectors_build(&p->vectors, train, &inner, &items));
    TRY(blend_new(p, train, &items, run, &b));
    const uint32_t n = train->n_items;
    ARENA_NEW(lists.ptr, run->scratch, (size_t)n + 1);
    ARENA_NEW(lists.idx, run->scratch, (size_t)n * b.topk.k);
    ARENA_NEW(lists.val, run->scratch, (size_t)n * b.topk.k);
    for (uint32_t first = 0; first < n; first += TILE) {
        const uint32_t rows = n - first < TILE ? n - first : TILE;
        if (*run->cancelled)
            return STATUS_STOPPED;
        TRY(fill_tile(&b, p, first, rows, run->backend));
        keep_positive(&b, first, rows, &lists);
    }
    *out = (struct csr){n, n, lists.ptr[n], lists.ptr, lists.idx, lists.val};
    return STATUS_OK;
}

static enum status llm_item_knn_set_history(void *state, const void *params, const struct view *history,
                                            struct run *run)
{
    const struct llm_item_knn_params *p = params;
    return history_copy(history->by_user, p->binary ? HISTORY_EQUAL : HISTORY_RATING, run->arena,
                        &((struct knn_state *)state)->profile);
}

static enum status llm_item_knn_fit(void *state, const void *params, const struct view *train,
                                    struct run *run)
{
    struct knn_state *s = state;
    const struct llm_item_knn_params *p = params;
    struct csr lists;
    TRY(neighbours(p, train, run, &lists));
    TRY(csr_transpose(&lists, run->arena, &s->matrix));
    TRY(llm_item_knn_set_history(s, p, train, run));
    s->n_items = train->n_items;
    s->backend = run->backend;
    return STATUS_OK;
}

extern const struct model_type model_llm_item_knn;
const struct model_type model_llm_item_knn = {
    .name = "llm_item_knn",
    .family = "fusion",
    .source = "Melville, Mooney, Nagarajan 2002; Deshpande, Karypis 2004",
    .help = "items similar to those of the user's history, by train rows and text vectors together",
    .version = 1,
    .params = llm_item_knn_params,
    .params_size = sizeof(struct llm_item_knn_params),
    .needs = NEEDS_TEXT | NEEDS_ENCODER,
    .state_size = sizeof(struct knn_state),
    .fit = llm_item_knn_fit,
    .set_history = llm_item_knn_set_history,
    .score_users = knn_score_users,
    .save = knn_save,
    .load = knn_load};
