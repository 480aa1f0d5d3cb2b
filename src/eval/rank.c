/*
 * rank.c - top-k lists: users are cut into blocks, blocks go to threads, a block is scored a tile at a time
 * and each tile is fed to the kernel topk.  What is held: a tile and k candidates a user of the block, for
 * each thread.
 *
 * Lists do not depend on threads or blocks: tiles of factor models have one fixed, padded shape (factors.h),
 * the kernel's selection is exact, and ties go by a hash of (seed, user, item).
 */
#include "eval/rank.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/factors.h"

const char *const rank_ties_names[] = {"hash",           "index_rising",  "index_falling",
                                       "relevant_first", "relevant_last", NULL};

/* Tiles side by side that the kernel sees at once.  Four are 2.1 MiB: products are as fast as with one or two (measured), and the
 * first threshold, from so many items, lets few scores pass. */
enum { SLAB_TILES = 4 };

static bool by_relevance(const struct rank_options *o)
{
    return o->ties == TOPK_TIES_RELEVANT_FIRST || o->ties == TOPK_TIES_RELEVANT_LAST;
}

/* Where tiles come from: factors (GEMM) or a model's own function (whole rows). */
struct source {
    const char *name;              /* of the model, for messages */
    const struct model_type *type; /* NULL: factors */
    const void *state;
    struct factors_tiles tiles;
    uint32_t n_items;                /* of candidates: the longest row of them */
    const struct rank_options *only; /* not NULL: its candidates alone, each at its place in the user's row */
    uint32_t n_all;
    uint32_t rows, cols; /* of a tile */
    size_t ld;
};

/* What one thread holds. */
struct work {
    float *scores;    /* [rows x ld] */
    float *packed;    /* [rows x factors] user factors of the block */
    uint64_t *keys;   /* [rows x TOPK_CAPACITY(k)] */
    uint64_t *lost;   /* [rows] */
    uint32_t *count;  /* [rows] */
    float *threshold; /* [rows] */
    uint32_t *user;   /* [cols] of candidates: the user of each pair */
};

/* A failure inside a thread, told again by the calling thread: the one of the first block wins. */
struct failure {
    enum status status;
    uint32_t block;
    char sentence[600];
};

static void keep_sentence(void *context, enum status status, const char *sentence)
{
    struct failure *f = context;
    f->status = status;
    snprintf(f->sentence, sizeof f->sentence, "%s", sentence);
}

static int work_open(struct work *w, const struct source *s, uint32_t k)
{
    const size_t width = s->type == NULL && s->tiles.f->factors > 0 ? s->tiles.f->factors : 1;
    w->scores = aligned_alloc(64, (s->rows * s->ld * sizeof(float) + 63) & ~(size_t)63);
    w->packed = malloc(s->rows * width * sizeof(float));
    w->keys = malloc(s->rows * TOPK_CAPACITY(k) * sizeof(uint64_t));
    w->lost = malloc(s->rows * sizeof(uint64_t));
    w->count = malloc(s->rows * sizeof(uint32_t));
    w->threshold = malloc(s->rows * sizeof(float));
    w->user = malloc((s->only != NULL ? (size_t)s->cols : 0) * sizeof(uint32_t) + 1);
    return w->scores != NULL && w->packed != NULL && w->keys != NULL && w->lost != NULL && w->count != NULL &&
           w->threshold != NULL && w->user != NULL;
}

/* On a device the tile of a factor model never leaves it: sgemm writes it and the kernel reads it there. */
static enum status work_keep(const struct work *w, const struct source *s, const struct backend *b,
                             uint32_t k)
{
    if (s->type != NULL)
        return STATUS_OK;
    TRY(backend_keep(b, w->scores, s->rows * s->ld * sizeof *w->scores));
    TRY(backend_keep(b, w->packed, s->rows * s->tiles.f->factors * sizeof *w->packed));
    TRY(backend_keep(b, w->keys, s->rows * TOPK_CAPACITY(k) * sizeof *w->keys));
    TRY(backend_keep(b, w->lost, s->rows * sizeof *w->lost));
    TRY(backend_keep(b, w->count, s->rows * sizeof *w->count));
    return backend_keep(b, w->threshold, s->rows * sizeof *w->threshold);
}

static void work_close(struct work *w, const struct backend *b)
{
    const void *const arrays[] = {w->scores, w->packed, w->keys, w->lost, w->count, w->threshold};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        (void)backend_forget(b, arrays[i]);
    free(w->scores);
    free(w->packed);
    free(w->keys);
    free(w->lost);
    free(w->count);
    free(w->threshold);
    free(w->user);
}

/* Scores the candidates of the users of a block, a row each, -infinity behind them. */
static enum status score_candidates(const struct source *s, const struct backend *backend,
                                    const uint32_t *users, uint32_t rows, struct work *w)
{
    const struct csr *only = s->only->candidates;
    for (uint32_t r = 0; r < rows; r++) {
        float *row = w->scores + r * s->ld;
        const int64_t first = only->ptr[users[r]];
        const uint32_t n = (uint32_t)(only->ptr[users[r] + 1] - first);
        for (uint32_t i = 0; i < n; i++)
            w->user[i] = users[r];
        for (size_t i = n; i < s->ld; i++)
            row[i] = -INFINITY;
        TRY(model_score_pairs(s->type, s->state, backend, w->user, only->idx + first, n, s->n_all, row));
        if (s->only->candidate_scores != NULL)
            memcpy(s->only->candidate_scores + first, row, n * sizeof *row);
    }
    return STATUS_OK;
}

/* Ranks the users of one block; `a` holds what all blocks share. */
static enum status rank_block(const struct source *s, const struct backend *backend,
                              const struct topk *shared, uint32_t first_row, uint32_t rows, struct work *w)
{
    struct topk a = *shared;
    a.scores = w->scores, a.ld = s->ld;
    a.keys = w->keys, a.lost = w->lost, a.count = w->count, a.threshold = w->threshold;
    a.users += first_row, a.tied += first_row, a.bad += first_row;
    a.item += (size_t)first_row * a.k, a.score += (size_t)first_row * a.k;
    if (s->type == NULL) {
        factors_pack(s->tiles.f, a.users, rows, w->packed);
        TRY(backend_changed(backend, w->packed));
    }
    for (uint32_t first = 0; first < s->n_items; first += s->cols) {
        a.first_item = first;
        a.n_items = s->n_items - first < s->cols ? s->n_items - first : s->cols;
        a.first = first == 0, a.last = first + a.n_items == s->n_items;
        if (s->type == NULL) {
            for (uint32_t c = 0; c < a.n_items; c += FACTORS_COLS)
                TRY(factors_tile(&s->tiles, backend, w->packed, first + c, w->scores + c, s->ld));
        } else if (s->only != NULL) {
            TRY(score_candidates(s, backend, a.users, rows, w));
        } else {
            const struct tile tile = {.scores = w->scores, .ld = s->ld, .n_items = s->n_items};
            TRY(model_score_users(s->type, s->state, backend, a.users, rows, &tile));
        }
        TRY(backend_launch(backend, &kernel_topk, &a, rows, TOPK_SCRATCH(a.k)));
    }
    return STATUS_OK;
}

/* All blocks, in parallel. */
static enum status rank_blocks(const struct source *s, const struct backend *backend,
                               const struct topk *shared, uint32_t n)
{
    struct failure first = {.status = STATUS_OK, .block = UINT32_MAX};
    const uint32_t n_blocks = n / s->rows + (n % s->rows != 0);
#pragma omp parallel num_threads(backend->threads)
    {
        struct failure mine = {.status = STATUS_OK};
        status_handler *old;
        void *old_context;
        status_set_handler(keep_sentence, &mine, &old, &old_context);
        struct work w;
        const int ready = work_open(&w, s, shared->k) && work_keep(&w, s, backend, shared->k) == STATUS_OK;
#pragma omp for schedule(dynamic, 1)
        for (uint32_t b = 0; b < n_blocks; b++) {
            if (mine.status != STATUS_OK)
                continue;
            const uint32_t row = b * s->rows, rows = n - row < s->rows ? n - row : s->rows;
            const enum status status =
                ready ? rank_block(s, backend, shared, row, rows, &w)
                      : status_fail(STATUS_SYSTEM, "memory is out: a tile of %u users x %zu items", s->rows,
                                    s->ld);
            if (status == STATUS_OK)
                continue;
#pragma omp critical(rank_failure)
            if (b < first.block) {
                first = mine;
                first.status = status, first.block = b;
            }
        }
        work_close(&w, backend);
        status_set_handler(old, old_context, NULL, NULL);
    }
    return first.status == STATUS_OK ? STATUS_OK : status_fail(first.status, "%s", first.sentence);
}

static enum status check_options(const struct rank_options *o, const uint32_t *users, uint32_t n,
                                 uint32_t n_items)
{
    if (o->k == 0 || o->k > 1u << 22)
        return status_fail(STATUS_USAGE, "a list of %u items was asked for: take 1 to %u", o->k, 1u << 22);
    if (by_relevance(o) && (o->relevant == NULL || n_items > INT32_MAX))
        return status_fail(STATUS_SYSTEM,
                           "ties go by relevance: relevant items are missing, or %u items are "
                           "more than 2^31",
                           n_items);
    for (size_t m = 0; m <= TOPK_MASKS; m++) {
        const struct csr *mask = m < TOPK_MASKS ? o->masks[m] : by_relevance(o) ? o->relevant : NULL;
        if (mask == NULL)
            continue;
        if (mask->n_cols > n_items)
            return status_fail(STATUS_SYSTEM, "mask %zu has %u items where the model has %u", m, mask->n_cols,
                               n_items);
        for (uint32_t u = 0; u < n; u++)
            if (users[u] >= mask->n_rows)
                return status_fail(STATUS_SYSTEM, "user %u is to be ranked, mask %zu has %u users", users[u],
                                   m, mask->n_rows);
    }
    return STATUS_OK;
}

static enum status rank(struct source *s, const struct backend *backend, const uint32_t *users, uint32_t n,
                        const struct rank_options *o, struct arena *arena, struct lists *out)
{
    TRY(check_options(o, users, n, s->only != NULL ? s->n_all : s->n_items));
    *out = (struct lists){.n_users = n, .k = o->k};
    ARENA_NEW(out->item, arena, (size_t)n * o->k);
    ARENA_NEW(out->score, arena, (size_t)n * o->k);
    struct topk a = {.k = o->k, .seed = o->seed, .purpose = RANDOM_TIES, .users = users};
    a.item = out->item, a.score = out->score;
    a.item_bias = s->type == NULL ? s->tiles.f->item_bias : NULL;
    for (size_t m = 0; m < TOPK_MASKS; m++)
        if (o->masks[m] != NULL && s->only == NULL)
            a.mask[m] = (struct topk_mask){.ptr = o->masks[m]->ptr, .idx = o->masks[m]->idx};
    a.ties = o->ties;
    if (by_relevance(o))
        a.relevant = (struct topk_mask){.ptr = o->relevant->ptr, .idx = o->relevant->idx};
    ARENA_NEW(a.tied, arena, n);
    ARENA_NEW(a.bad, arena, n);
    for (uint32_t u = 0; u < n && s->n_items == 0; u++) {
        a.bad[u] = TOPK_NONE;
        for (uint32_t c = 0; c < o->k; c++)
            out->item[(size_t)u * o->k + c] = UINT32_MAX, out->score[(size_t)u * o->k + c] = -INFINITY;
    }
    TRY(rank_blocks(s, backend, &a, n));
    for (uint32_t u = 0; u < n; u++) {
        if (a.bad[u] != TOPK_NONE)
            return status_fail(
                STATUS_SYSTEM,
                "%s gave user %u and item %u (counted from 0) a score that is NaN or infinite: the fit "
                "has diverged (try a smaller learning rate or more regularization)",
                s->name, users[u],
                s->only == NULL ? a.bad[u] : o->candidates->idx[o->candidates->ptr[users[u]] + a.bad[u]]);
        out->n_tied += a.tied[u];
    }
    return STATUS_OK;
}

/* What every block reads. */
static enum status items_keep(const struct source *s, const struct backend *b, const struct rank_options *o)
{
    const struct factors *f = s->tiles.f;
    for (size_t m = 0; m < TOPK_MASKS; m++)
        if (o->masks[m] != NULL)
            TRY(backend_keep_csr(b, o->masks[m]));
    if (by_relevance(o))
        TRY(backend_keep_csr(b, o->relevant));
    TRY(backend_keep(b, s->tiles.last, FACTORS_COLS * f->factors * sizeof *s->tiles.last));
    TRY(backend_keep(b, f->item_bias, f->n_items * sizeof *f->item_bias));
    return backend_keep(b, f->item, f->n_items * f->ld_item * sizeof *f->item);
}
static void items_forget(const struct source *s, const struct backend *b, const struct rank_options *o)
{
    const void *const arrays[] = {s->tiles.last, s->tiles.f->item_bias, s->tiles.f->item};
    for (size_t m = 0; m < TOPK_MASKS; m++)
        if (o->masks[m] != NULL)
            (void)backend_forget_csr(b, o->masks[m]);
    if (by_relevance(o))
        (void)backend_forget_csr(b, o->relevant);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        (void)backend_forget(b, arrays[i]);
}

static enum status rank_by_factors(const char *name, const struct factors *f, const struct backend *backend,
                                   const uint32_t *users, uint32_t n, const struct rank_options *options,
                                   struct arena *arena, struct lists *out)
{
    struct source s = {.name = name, .n_items = f->n_items, .rows = FACTORS_ROWS};
    const uint32_t tiles = (f->n_items + FACTORS_COLS - 1) / FACTORS_COLS;
    s.cols = FACTORS_COLS * (tiles == 0 ? 1 : tiles < SLAB_TILES ? tiles : SLAB_TILES);
    s.ld = s.cols;
    for (uint32_t u = 0; u < n; u++)
        if (users[u] >= f->n_users)
            return status_fail(STATUS_SYSTEM, "user %u is to be ranked, the model has %u users", users[u],
                               f->n_users);
    TRY(factors_tiles_open(f, backend, &s.tiles));
    enum status status = items_keep(&s, backend, options);
    if (status == STATUS_OK)
        status = rank(&s, backend, users, n, options, arena, out);
    items_forget(&s, backend, options);
    factors_tiles_close(&s.tiles);
    TRY(status);
    /* What is the same for all items of a user takes no part in the order (and would only round scores
     * together). */
    for (uint32_t u = 0; u < n; u++) {
        const float constant = f->offset + (f->user_bias != NULL ? f->user_bias[users[u]] : 0.0f);
        for (uint32_t c = 0; c < out->k; c++)
            out->score[(size_t)u * out->k + c] += constant;
    }
    return STATUS_OK;
}

enum status rank_factors(const struct factors *f, const struct backend *backend, const uint32_t *users,
                         uint32_t n, const struct rank_options *options, struct arena *arena,
                         struct lists *out)
{
    return rank_by_factors("the model", f, backend, users, n, options, arena, out);
}

/* Candidates alone: rows as long as the longest user's. */
static enum status rank_candidates(struct source *s, const struct backend *backend, const uint32_t *users,
                                   uint32_t n, const struct rank_options *options, struct arena *arena,
                                   struct lists *out)
{
    const struct csr *only = options->candidates;
    s->n_all = s->n_items;
    s->n_items = 0;
    for (uint32_t u = 0; u < n; u++) {
        if (users[u] >= only->n_rows || only->n_cols > s->n_all)
            return status_fail(STATUS_SYSTEM,
                               "user %u is to be ranked among %u items, there are candidates of %u users "
                               "among %u",
                               users[u], s->n_all, only->n_rows, only->n_cols);
        const int64_t length = only->ptr[users[u] + 1] - only->ptr[users[u]];
        s->n_items = length > s->n_items ? (uint32_t)length : s->n_items;
    }
    s->only = options;
    s->cols = s->n_items;
    s->ld = ((size_t)s->n_items + 31) / 32 * 32;
    TRY(rank(s, backend, users, n, options, arena, out));
    for (size_t i = 0; i < (size_t)n * out->k; i++)
        if (out->item[i] != UINT32_MAX)
            out->item[i] = only->idx[only->ptr[users[i / out->k]] + out->item[i]];
    return STATUS_OK;
}

enum status rank_users(const struct model_type *type, const void *state, const struct backend *backend,
                       uint32_t n_items, const uint32_t *users, uint32_t n,
                       const struct rank_options *options, struct arena *arena, struct lists *out)
{
    if (options->candidates != NULL) {
        struct source few = {
            .name = type->name, .type = type, .state = state, .n_items = n_items, .rows = FACTORS_ROWS};
        return rank_candidates(&few, backend, users, n, options, arena, out);
    }
    if (type->factors != NULL) {
        struct factors f;
        TRY(type->factors(state, &f));
        if (f.n_items != n_items)
            return status_fail(STATUS_SYSTEM, "model %s has factors of %u items, the dataset has %u",
                               type->name, f.n_items, n_items);
        return rank_by_factors(type->name, &f, backend, users, n, options, arena, out);
    }
    /* Whole rows; a tile of at most 8 MiB, but one row at least. */
    struct source s = {.name = type->name, .type = type, .state = state, .n_items = n_items, .cols = n_items};
    s.ld = ((size_t)n_items + 31) / 32 * 32;
    s.rows = FACTORS_ROWS;
    while (s.rows > 1 && s.rows * s.ld > 2u << 20)
        s.rows /= 2;
    return rank(&s, backend, users, n, options, arena, out);
}
