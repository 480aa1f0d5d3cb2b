/*
 * compress.c - see compress.h.
 *
 * A matrix goes through a stretch of rows at a time: unpacked (kernels/quant.cu), rows and columns of parts that go left out, weights
 * pruned, packed again (compress_rows.c).  Calibration runs the text through the model and keeps, for each matrix, the mean square of
 * each input (importance.h).
 */
#include "llm/compress.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "llm/compress_rows.h"
#include "llm/decoder_internal.h"
#include "llm/gguf_write.h"
#include "llm/importance.h"
#include "llm/prune.h"
#include "llm/quantize.h"

enum { WINDOW = 512, STRETCH = 1024 };

struct compression {
    const struct compress_options *o;
    struct decoder *d;
    struct arena *arena;
    struct importance *importance; /* NULL: not calibrated */
    uint32_t **heads, **neurons;   /* [n_layers] those that stay, rising; NULL: all */
    uint32_t n_heads, n_neurons;
};

/* ------------------------------------------------------------------------------------------------------ calibration */

static void watch(void *context, const struct decoder_matrix *m, const float *x, long ldx, uint32_t n)
{
    const struct compression *c = context;
    importance_take(c->importance, m->w, x, ldx, n);
}

/* Calls `each` with windows of the text's tokens, begin-of-text before each. */
static enum status windows(struct decoder *d, const char *text, size_t length, struct arena *arena,
                           enum status (*each)(void *context, const uint32_t *ids, size_t n), void *context)
{
    uint32_t *ids;
    size_t n;
    TRY(tokenizer_encode(d->tokenizer, text, length, TOKENIZER_BEGIN, arena, &ids, &n));
    const size_t most = d->context < WINDOW ? (size_t)d->context : WINDOW;
    uint32_t *window;
    ARENA_NEW(window, arena, most);
    uint32_t *begin;
    size_t n_begin;
    TRY(tokenizer_encode(d->tokenizer, "", 0, TOKENIZER_BEGIN, arena, &begin, &n_begin));
    for (size_t at = n_begin; at < n;) {
        const size_t room = most - n_begin, take = n - at < room ? n - at : room;
        memcpy(window, begin, n_begin * sizeof *window);
        memcpy(window + n_begin, ids + at, take * sizeof *window);
        TRY(each(context, window, n_begin + take));
        at += take;
    }
    return STATUS_OK;
}

struct passes {
    struct decoder *d;
    struct decoder_cache *cache;
};

static enum status run_window(void *context, const uint32_t *ids, size_t n)
{
    struct passes *p = context;
    const struct decoder_run run = {.n = (uint32_t)n};
    return decoder_forward(p->d, p->cache, ids, &run, 1, NULL, 0, NULL);
}

static enum status calibrate(struct compression *c)
{
    struct decoder *d = c->d;
    struct passes p = {.d = d};
    TRY(importance_new((size_t)d->n_layers * 7, c->arena, &c->importance));
    for (int i = 0; i < d->n_layers; i++) {
        const struct decoder_layer *l = &d->layers[i];
        for (int j = 0; j < l->n_qkv; j++)
            TRY(importance_add(c->importance, l->qkv[j].w, l->qkv[j].k, c->arena));
        for (int j = 0; j < l->n_up; j++)
            TRY(importance_add(c->importance, l->up[j].w, l->up[j].k, c->arena));
        TRY(importance_add(c->importance, l->out.w, l->out.k, c->arena));
        TRY(importance_add(c->importance, l->down.w, l->down.k, c->arena));
    }
    TRY(decoder_cache_new(d, WINDOW, &p.cache));
    d->watch = watch;
    d->watch_context = c;
    const enum status status = windows(d, c->o->calibration, c->o->n_calibration, c->arena, run_window, &p);
    d->watch = NULL;
    decoder_cache_free(p.cache);
    return status;
}

/* ------------------------------------------------------------------------------------------------------ parts that go */

/* Rows of a matrix as float32. */
static enum status unpack(const struct compression *c, const unsigned char *w, int type, size_t k,
                          const uint32_t *rows, size_t n, float *out)
{
    const struct quant_rows args = {.w = w,
                                    .ids = rows,
                                    .x = out,
                                    .row_bytes = (long)quant_row_bytes(type, k),
                                    .ldx = (long)k,
                                    .type = type,
                                    .k = (int)k,
                                    .scale = 1};
    return backend_launch(c->d->backend, &kernel_quant_rows, &args, (long)n, 0);
}

/* How much each column of a matrix gives: its weights' squares times the mean square of what meets it. */
static enum status column_scores(const struct compression *c, const struct decoder_matrix *m, double *score)
{
    float *w;
    uint32_t *rows;
    const float *importance = importance_of(c->importance, m->w);
    ARENA_NEW(w, c->arena, (size_t)m->n * (size_t)m->k);
    ARENA_NEW(rows, c->arena, (size_t)m->n);
    for (int i = 0; i < m->n; i++)
        rows[i] = (uint32_t)i;
    TRY(unpack(c, m->w, m->type, (size_t)m->k, rows, (size_t)m->n, w));
    prune_column_scores(w, (size_t)m->n, (size_t)m->k, importance, score);
    return STATUS_OK;
}

/* Of each key head's query heads those that give most. */
static enum status choose_heads(struct compression *c, int layer)
{
    const struct decoder *d = c->d;
    const uint32_t group = (uint32_t)(d->n_heads / d->n_kv), stay = c->n_heads / (uint32_t)d->n_kv;
    double *score, *of_head;
    ARENA_NEW(score, c->arena, (size_t)(d->n_heads * d->head_size));
    ARENA_NEW(of_head, c->arena, (size_t)d->n_heads);
    ARENA_NEW(c->heads[layer], c->arena, c->n_heads);
    TRY(column_scores(c, &d->layers[layer].out, score));
    for (int i = 0; i < d->n_heads * d->head_size; i++)
        of_head[i / d->head_size] += score[i];
    for (uint32_t kv = 0; kv < (uint32_t)d->n_kv; kv++) {
        uint32_t *kept;
        TRY(prune_keep(of_head + kv * group, group, stay, c->arena, &kept));
        for (uint32_t i = 0; i < stay; i++)
            c->heads[layer][kv * stay + i] = kv * group + kept[i];
    }
    return STATUS_OK;
}

static enum status choose_neurons(struct compression *c, int layer)
{
    double *score;
    ARENA_NEW(score, c->arena, (size_t)c->d->feed_forward);
    TRY(column_scores(c, &c->d->layers[layer].down, score));
    return prune_keep(score, (uint32_t)c->d->feed_forward, c->n_neurons, c->arena, &c->neurons[layer]);
}

static enum status choose(struct compression *c)
{
    const struct compress_options *o = c->o;
    const struct decoder *d = c->d;
    c->n_heads = (uint32_t)d->n_heads - (o->heads < (uint32_t)d->n_heads ? o->heads : 0);
    if (o->heads > 0 && d->layers[0].n_qkv == 1)
        return status_fail(STATUS_USAGE, "heads of %s cannot go: its queries, keys and values are one matrix",
                           d->file.gguf.path);
    if (o->heads > 0 && (o->heads >= (uint32_t)d->n_heads || o->heads % (uint32_t)d->n_kv != 0))
        return status_fail(STATUS_USAGE,
                           "%u heads cannot go of %d over %d key heads: take a multiple of %d below %d",
                           o->heads, d->n_heads, d->n_kv, d->n_kv, d->n_heads);
    const uint32_t all = (uint32_t)d->feed_forward, unit = all % 256 == 0 ? 256 : 32;
    c->n_neurons = (uint32_t)llround((double)all * (1 - o->neurons) / unit) * unit;
    c->n_neurons = c->n_neurons < unit ? unit : c->n_neurons > all ? all : c->n_neurons;
    ARENA_NEW(c->heads, c->arena, (size_t)d->n_layers);
    ARENA_NEW(c->neurons, c->arena, (size_t)d->n_layers);
    for (int i = 0; i < d->n_layers; i++) {
        if (o->heads > 0)
            TRY(choose_heads(c, i));
        if (c->n_neurons < all)
            TRY(choose_neurons(c, i));
    }
    return STATUS_OK;
}

/* ------------------------------------------------------------------------------------------------------ the new file */

/* Rows or columns of the heads that stay. */
static enum status head_indices(const struct compression *c, int layer, const uint32_t **out, size_t *n)
{
    const uint32_t size = (uint32_t)c->d->head_size;
    uint32_t *indices;
    ARENA_NEW(indices, c->arena, (size_t)c->n_heads * size);
    for (uint32_t h = 0; h < c->n_heads; h++)
        for (uint32_t j = 0; j < size; j++)
            indices[h * size + j] = c->heads[layer][h] * size + j;
    *out = indices;
    *n = (size_t)c->n_heads * size;
    return STATUS_OK;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static enum status plan_part(const struct compression *c, const struct gguf_tensor *t,
                             struct compress_part *p)
{
    int layer = 0, end = 0;
    *p = (struct compress_part){
        .n_rows = (size_t)t->n_rows, .n_columns = (size_t)t->shape[0], .type = QUANT_F32};
    const bool in_block =
        sscanf(t->name, "blk.%d.%n", &layer, &end) == 1 && end > 0 && layer >= 0 && layer < c->d->n_layers;
    const char *name = t->name + (in_block ? end : 0);
    const bool matrix = t->n_rows > 1;
    if (matrix) {
        const int asked = in_block ? c->o->type : c->o->embedding_type;
        p->pruned = in_block;
        p->type = asked < 0 ? t->type : asked;
    } else if (t->type != QUANT_F32)
        p->type = t->type;
    if (in_block && c->heads[layer] != NULL && begins(name, "attn_q."))
        TRY(head_indices(c, layer, matrix ? &p->rows : &p->columns, matrix ? &p->n_rows : &p->n_columns));
    if (in_block && c->heads[layer] != NULL && begins(name, "attn_output.w"))
        TRY(head_indices(c, layer, &p->columns, &p->n_columns));
    if (in_block && c->neurons[layer] != NULL && (begins(name, "ffn_up.") || begins(name, "ffn_gate."))) {
        *(matrix ? &p->rows : &p->columns) = c->neurons[layer];
        *(matrix ? &p->n_rows : &p->n_columns) = c->n_neurons;
    }
    if (in_block && c->neurons[layer] != NULL && begins(name, "ffn_down.w"))
        p->columns = c->neurons[layer], p->n_columns = c->n_neurons;
    return STATUS_OK;
}

static enum status write_part(const struct compression *c, const struct gguf_tensor *from,
                              const struct compress_part *p, FILE *out)
{
    const size_t k = (size_t)from->shape[0], n = p->n_columns;
    const size_t row_bytes = quant_row_bytes(quantize_stored(p->type, n), n);
    if (p->type == from->type && !compress_changes_weights(p, c->o)) {
        fwrite(from->data, 1, (size_t)from->bytes, out);
        return gguf_write_pad(from->bytes, out);
    }
    struct arena *arena = arena_new();
    const float *importance;
    float *x;
    unsigned char *packed;
    uint32_t *rows;
    if (arena == NULL)
        return STATUS_SYSTEM;
    ARENA_NEW(x, arena, STRETCH * k);
    ARENA_NEW(packed, arena, STRETCH * row_bytes);
    ARENA_NEW(rows, arena, STRETCH);
    enum status status = compress_importance(p, importance_of(c->importance, from->data), arena, &importance);
    for (size_t at = 0; at < p->n_rows && status == STATUS_OK; at += STRETCH) {
        const size_t m = p->n_rows - at < STRETCH ? p->n_rows - at : STRETCH;
        for (size_t i = 0; i < m; i++)
            rows[i] = p->rows != NULL ? p->rows[at + i] : (uint32_t)(at + i);
        if (from->type == QUANT_F32 && from->n_rows == 1)
            memcpy(x, from->data, k * sizeof *x);
        else
            status = unpack(c, from->data, from->type, k, rows, m, x);
        if (status == STATUS_OK)
            status = compress_rows(p, c->o, importance, x, m, k, packed);
        if (status == STATUS_OK)
            fwrite(packed, 1, m * row_bytes, out);
    }
    arena_free(arena);
    TRY(status);
    return gguf_write_pad(p->n_rows * row_bytes, out);
}

static enum status write_all(const struct compression *c, FILE *out)
{
    const struct gguf *source = &c->d->file.gguf;
    struct compress_part *parts;
    struct gguf_plan *plan;
    struct gguf_text name;
    ARENA_NEW(parts, c->arena, source->n_tensors);
    ARENA_NEW(plan, c->arena, source->n_tensors);
    for (size_t i = 0; i < source->n_tensors; i++) {
        TRY(plan_part(c, &source->tensors[i], &parts[i]));
        const struct compress_part *p = &parts[i];
        plan[i] = (struct gguf_plan){.name = source->tensors[i].name,
                                     .type = quantize_stored(p->type, p->n_columns),
                                     .n_dims = source->tensors[i].n_dims,
                                     .shape = {p->n_columns, p->n_rows, 1, 1}};
        const size_t block = (size_t)quant_block_weights(plan[i].type);
        if (block == 0 || p->n_columns % block != 0)
            return status_fail(STATUS_USAGE, "tensor '%s' has rows of %zu weights, no whole blocks of %s",
                               plan[i].name, p->n_columns, quantize_name(p->type));
    }
    TRY(gguf_string(source, "general.architecture", true, &name));
    const char *a = arena_printf(c->arena, "%.*s", (int)name.length, name.bytes);
    const struct gguf_change changes[] = {
        {arena_printf(c->arena, "%s.attention.head_count", a), c->n_heads},
        {arena_printf(c->arena, "%s.feed_forward_length", a), c->n_neurons},
        {arena_printf(c->arena, "%s.attention.head_count_kv", a), (uint32_t)c->d->n_kv},
        {arena_printf(c->arena, "%s.attention.key_length", a), (uint32_t)c->d->head_size},
        {arena_printf(c->arena, "%s.attention.value_length", a), (uint32_t)c->d->head_size}};
    TRY(gguf_write_header(source, changes, 5, plan, source->n_tensors, out));
    for (size_t i = 0; i < source->n_tensors; i++)
        TRY(write_part(c, &source->tensors[i], &parts[i], out));
    return STATUS_OK;
}

static enum status compress(struct compression *c, const char *target)
{
    struct atomic_file file;
    if (c->o->calibration != NULL)
        TRY(calibrate(c));
    TRY(choose(c));
    TRY(atomic_open(&file, target));
    const enum status status = write_all(c, file.stream);
    if (status != STATUS_OK) {
        atomic_abort(&file);
        return status;
    }
    return atomic_commit(&file);
}

enum status compress_decoder(const char *source, const char *target, const struct compress_options *options,
                             const struct backend *backend)
{
    struct compression c = {.o = options, .arena = arena_new()};
    if (!(options->sparsity >= 0 && options->sparsity < 1) ||
        !(options->neurons >= 0 && options->neurons < 1)) {
        arena_free(c.arena);
        return status_fail(STATUS_USAGE, "shares to prune are %g and %g, expected 0 to below 1",
                           options->sparsity, options->neurons);
    }
    enum status status = c.arena != NULL ? decoder_open(source, backend, &c.d) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = compress(&c, target);
    decoder_close(c.d);
    arena_free(c.arena);
    return status;
}
