/*
 * decoder.c - tokens through a decoder, as kernel launches (kernels/quant.cu, decode.cu).
 *
 * One description serves all families: x += post(attention(norm(x))), x += post(feed(norm(x))), where post is a norm (Gemma) or
 * nothing.  Tokens go through in chunks, whatever sequences they belong to: products see rows, attention sees tiles of one sequence
 * with its cells.  A chunk's keys are in the cache before its attention runs, so a chunk ends where it likes.
 */
#include "llm/decoder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "llm/decoder_internal.h"

enum { CHUNK = 512 };

/* One chunk's room. */
struct work {
    struct decoder_rounded rounded;
    float *x, *h, *qkv, *mixed, *wide, *y; /* [n x hidden], ..., [n x 2 feed_forward], [n x hidden] */
    float *angle[2];                       /* [n][n_rotated / 2][2] */
    unsigned *ids, *place, *cell;          /* [n] */
    struct decoder_tile *tile;
    size_t n_tiles;
    uint32_t n, most_keys;
    long wide_ld, qkv_ld;
};

enum status decoder_open(const char *path, const struct backend *backend, struct decoder **out)
{
    struct decoder *d = calloc(1, sizeof *d);
    if (d == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: decoder %s", path);
    d->backend = backend;
    d->chunk = CHUNK;
    enum status status = gguf_file_open(path, &d->file);
    if (status == STATUS_OK)
        status = decoder_load(d);
    if (status != STATUS_OK) {
        decoder_close(d);
        return status;
    }
    *out = d;
    return STATUS_OK;
}

void decoder_close(struct decoder *decoder)
{
    if (decoder == NULL)
        return;
    gguf_file_close(&decoder->file);
    free(decoder);
}

void decoder_set_activations(struct decoder *decoder, enum decoder_activations activations)
{
    decoder->activations = activations;
}

const struct tokenizer *decoder_tokenizer(const struct decoder *decoder)
{
    return decoder->tokenizer;
}
uint32_t decoder_vocabulary(const struct decoder *decoder)
{
    return (uint32_t)decoder->vocabulary;
}
uint32_t decoder_hidden(const struct decoder *decoder)
{
    return (uint32_t)decoder->hidden;
}
uint32_t decoder_context(const struct decoder *decoder)
{
    return (uint32_t)decoder->context;
}

static enum status norm(const struct decoder *d, const struct work *w, const float *add, const float *post,
                        const float *gamma, const float *beta)
{
    const struct decoder_norm args = {.x = w->x,
                                      .add = add,
                                      .post = post,
                                      .out = w->h,
                                      .gamma = gamma,
                                      .beta = beta,
                                      .ldx = d->hidden,
                                      .ld_add = d->hidden,
                                      .ld_out = d->hidden,
                                      .width = d->hidden,
                                      .centre = d->centred,
                                      .eps = d->eps};
    return decoder_launch(d, &kernel_decoder_norm, &args, w->n, 0);
}

/* A cache in 8 bits: the sequences' earlier cells of the layer. */
static void earlier_cells(struct decoder_cache *cache, const struct work *w, int layer)
{
    uint32_t shared = 0;
    for (size_t i = 0; i < w->n_tiles; i++)
        shared = w->tile[i].shared > shared ? w->tile[i].shared : shared;
    decoder_cache_unpack(cache, layer, 0, shared);
    for (size_t i = 0; i < w->n_tiles;
         i++) { /* a run's tiles follow each other; its first knows what was before */
        const struct decoder_tile *t = &w->tile[i];
        const bool first = i == 0 || t[-1].own != t->own || t[-1].position + t[-1].n != t->position;
        if (first && t->position > t->shared)
            decoder_cache_unpack(cache, layer, t->own, t->position - t->shared);
    }
}

static enum status attend(const struct decoder *d, int layer, const struct work *w,
                          struct decoder_cache *cache)
{
    const struct decoder_layer *l = &d->layers[layer];
    const bool packed = cache->packed_keys != NULL;
    float *keys = cache->keys + (packed ? 0 : (size_t)layer * cache->layer);
    float *values = cache->values + (packed ? 0 : (size_t)layer * cache->layer);
    const int q = d->n_heads * d->head_size;
    const struct decoder_rope rope = {.qkv = w->qkv,
                                      .angle = w->angle[l->rope],
                                      .q_norm = l->q_norm,
                                      .k_norm = l->k_norm,
                                      .keys = keys,
                                      .values = values,
                                      .cell = w->cell,
                                      .ld = w->qkv_ld,
                                      .n_heads = d->n_heads,
                                      .n_kv = d->n_kv,
                                      .head_size = d->head_size,
                                      .n_rotated = d->n_rotated,
                                      .interleaved = d->interleaved,
                                      .eps = d->eps,
                                      .q_scale = d->q_scale};
    TRY(decoder_launch(d, &kernel_decoder_rope, &rope, (long)w->n * (d->n_heads + 2 * d->n_kv), 0));
    if (packed) {
        earlier_cells(cache, w, layer);
#pragma omp parallel for if (w->n > 16)
        for (uint32_t i = 0; i < w->n; i++)
            decoder_cache_pack(cache, layer, w->cell[i]);
    }
    const struct decoder_attention args = {.q = w->qkv,
                                           .keys = keys,
                                           .values = values,
                                           .out = w->mixed,
                                           .tile = w->tile,
                                           .ld = w->qkv_ld,
                                           .ld_out = q,
                                           .n_heads = d->n_heads,
                                           .n_kv = d->n_kv,
                                           .head_size = d->head_size,
                                           .window = l->window,
                                           .cap = d->attention_cap};
    return decoder_launch(d, &kernel_decoder_attention, &args, (long)w->n_tiles * d->n_kv,
                          decoder_attention_scratch(w->most_keys, (size_t)d->head_size));
}

/* What the trace of place `at` gets. */
static void trace(const struct decoder *d, const struct work *w, int at, const float *state)
{
    const size_t n = (size_t)w->n * (size_t)d->hidden;
    if (d->trace != NULL)
        memcpy(d->trace + (size_t)at * n, state, n * sizeof *state);
}

/* One chunk; w->h holds the final states afterwards. */
static enum status forward_chunk(const struct decoder *d, struct decoder_cache *cache, const struct work *w)
{
    const struct quant_rows embed = {.w = d->words.w,
                                     .p = d->places.w,
                                     .ids = w->ids,
                                     .places = w->place,
                                     .x = w->x,
                                     .row_bytes = (long)d->words.row_bytes,
                                     .row_bytes_p = (long)d->places.row_bytes,
                                     .ldx = d->hidden,
                                     .type = d->words.type,
                                     .type_p = d->places.type,
                                     .k = d->hidden,
                                     .scale = d->embedding_scale};
    TRY(decoder_launch(d, &kernel_quant_rows, &embed, w->n, 0));
    const float *added = NULL, *post = NULL;
    for (int i = 0; i < d->n_layers; i++) {
        const struct decoder_layer *l = &d->layers[i];
        TRY(norm(d, w, added, post, l->attention_norm, l->attention_norm_bias));
        trace(d, w, i, w->x);
        TRY(decoder_product(d, l->qkv, l->n_qkv, w->h, d->hidden, w->n, w->qkv, w->qkv_ld, &w->rounded));
        TRY(attend(d, i, w, cache));
        TRY(decoder_product(d, &l->out, 1, w->mixed, l->out.k, w->n, w->y, d->hidden, &w->rounded));
        TRY(norm(d, w, w->y, l->post_attention, l->feed_norm, l->feed_norm_bias));
        TRY(decoder_product(d, l->up, l->n_up, w->h, d->hidden, w->n, w->wide, w->wide_ld, &w->rounded));
        const struct decoder_gate gate = {.x = w->wide,
                                          .ldx = w->wide_ld,
                                          .width = d->feed_forward,
                                          .gated = l->n_up == 2,
                                          .curve = d->curve};
        TRY(decoder_launch(d, &kernel_decoder_gate, &gate, w->n, 0));
        TRY(decoder_product(d, &l->down, 1, w->wide, w->wide_ld, w->n, w->y, d->hidden, &w->rounded));
        added = w->y;
        post = l->post_feed;
    }
    TRY(norm(d, w, added, post, d->final_norm, d->final_norm_bias));
    trace(d, w, d->n_layers, w->x);
    trace(d, w, d->n_layers + 1, w->h);
    return STATUS_OK;
}

static enum status work_new(const struct decoder *d, uint32_t n, struct arena *arena, struct work *w)
{
    const size_t q = (size_t)d->n_heads * (size_t)d->head_size, kv = (size_t)d->n_kv * (size_t)d->head_size;
    w->qkv_ld = (long)(q + 2 * kv);
    w->wide_ld = 2L * d->feed_forward + 32; /* rows in different sets of the cache */
    ARENA_NEW(w->x, arena, (size_t)n * (size_t)d->hidden);
    ARENA_NEW(w->h, arena, (size_t)n * (size_t)d->hidden);
    ARENA_NEW(w->y, arena, (size_t)n * (size_t)d->hidden);
    ARENA_NEW(w->qkv, arena, (size_t)n * (size_t)w->qkv_ld);
    ARENA_NEW(w->mixed, arena, (size_t)n * q);
    ARENA_NEW(w->wide, arena, (size_t)n * (size_t)w->wide_ld);
    ARENA_NEW(w->angle[0], arena, (size_t)n * (size_t)d->n_rotated + 1);
    ARENA_NEW(w->angle[1], arena, (size_t)n * (size_t)d->n_rotated + 1);
    const size_t inner = q > (size_t)d->hidden ? q : (size_t)d->hidden;
    TRY(decoder_rounded_new(d, n, inner > (size_t)d->feed_forward ? inner : (size_t)d->feed_forward, arena,
                            &w->rounded));
    ARENA_NEW(w->ids, arena, n);
    ARENA_NEW(w->place, arena, n);
    ARENA_NEW(w->cell, arena, n);
    ARENA_NEW(w->tile, arena, n);
    return STATUS_OK;
}

/* n tokens of a run from its token `from` on, as rows of the chunk from w->n on. */
static void add_rows(const struct decoder *d, const struct decoder_run *run, uint32_t from, uint32_t n,
                     const uint32_t *ids, struct work *w)
{
    const uint32_t tokens = (uint32_t)decoder_tile_tokens(d->n_heads / d->n_kv);
    const int half = d->n_rotated / 2;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t row = w->n + i, position = run->position + from + i;
        w->ids[row] = ids[i];
        w->place[row] = position;
        w->cell[row] = run->own + position - run->shared;
        for (int which = 0; half > 0 && which < 2; which++)
            for (int j = 0; j < half; j++) {
                const double angle = position * d->frequency[which][j];
                w->angle[which][2 * ((size_t)row * (size_t)half + (size_t)j)] = (float)cos(angle);
                w->angle[which][2 * ((size_t)row * (size_t)half + (size_t)j) + 1] = (float)sin(angle);
            }
    }
    for (uint32_t i = 0; i < n; i += tokens)
        w->tile[w->n_tiles++] = (struct decoder_tile){.first = w->n + i,
                                                      .n = n - i < tokens ? n - i : tokens,
                                                      .position = run->position + from + i,
                                                      .shared = run->shared,
                                                      .own = run->own};
    if (run->position + from + n > w->most_keys)
        w->most_keys = run->position + from + n;
    w->n += n;
}

static enum status check_runs(const struct decoder *d, const struct decoder_cache *cache, const uint32_t *ids,
                              const struct decoder_run *runs, size_t n_runs, size_t *n)
{
    *n = 0;
    for (size_t r = 0; r < n_runs; r++) {
        const struct decoder_run *run = &runs[r];
        const uint64_t end = (uint64_t)run->position + run->n;
        if (end > (uint64_t)d->context)
            return status_fail(STATUS_USAGE, "%s: %llu tokens, but the model was made for at most %d",
                               d->file.gguf.path, (unsigned long long)end, d->context);
        if (run->position < run->shared || run->own + (end - run->shared) > cache->n_cells ||
            run->shared > cache->n_cells)
            return status_fail(STATUS_SYSTEM, "the cache of %u cells has no room for position %llu",
                               cache->n_cells, (unsigned long long)end);
        for (uint32_t i = 0; i < run->n; i++)
            if (ids[*n + i] >= (uint32_t)d->vocabulary)
                return status_fail(STATUS_USAGE, "token id %u is beyond the vocabulary of %d", ids[*n + i],
                                   d->vocabulary);
        *n += run->n;
    }
    return STATUS_OK;
}

static enum status forward_all(const struct decoder *d, struct decoder_cache *cache, const uint32_t *ids,
                               size_t n, const struct decoder_run *runs, const uint32_t *wanted,
                               size_t n_wanted, float *states, struct arena *arena)
{
    struct work w = {0};
    const size_t hidden = (size_t)d->hidden;
    size_t got = 0;
    uint32_t in_run = 0;
    TRY(work_new(d, n < d->chunk ? (uint32_t)n : d->chunk, arena, &w));
    for (size_t at = 0; at < n;) {
        w.n = w.most_keys = 0;
        w.n_tiles = 0;
        while (w.n < d->chunk && at + w.n < n) {
            const uint32_t left = runs->n - in_run, room = d->chunk - w.n, take = left < room ? left : room;
            add_rows(d, runs, in_run, take, ids + at + w.n, &w);
            in_run += take;
            if (in_run == runs->n)
                runs++, in_run = 0;
        }
        TRY(forward_chunk(d, cache, &w));
        for (; got < n_wanted && wanted[got] < at + w.n; got++)
            memcpy(states + got * hidden, w.h + (wanted[got] - at) * hidden, hidden * sizeof *states);
        at += w.n;
    }
    return STATUS_OK;
}

enum status decoder_forward(const struct decoder *decoder, struct decoder_cache *cache, const uint32_t *ids,
                            const struct decoder_run *runs, size_t n_runs, const uint32_t *wanted,
                            size_t n_wanted, float *states)
{
    size_t n;
    TRY(check_runs(decoder, cache, ids, runs, n_runs, &n));
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status =
        n == 0 ? STATUS_OK : forward_all(decoder, cache, ids, n, runs, wanted, n_wanted, states, arena);
    arena_free(arena);
    return status;
}
