/*
 * encoder_lora.c - adapters of an encoder's top layers: their memory, the states below them, weights packed for the kernels.
 *
 * Why one product for W x + B A x: (x, A x) lie side by side in a row, and (W, scale B) in the packed weights, so that an output is one
 * chain of multiply-adds, whose end adds exact zeros while B is 0.
 *
 * Memory, in floats, with h hidden and f feed-forward units: h a token of all texts (states), and of a batch's tokens 7 h + f +
 * 2 padded (h more with dropout) a layer and 9 h + 2 f once.
 */
#include "llm/encoder_lora.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "llm/encoder_lora_parts.h"
#include "nn.h"

enum { CHUNK_TOKENS = 1536 };

static enum status refuse(const struct encoder *e, const struct encoder_lora_options *o)
{
    if (e->e5s1)
        return status_fail(
            STATUS_USAGE,
            "LoRA: the encoder is an E5S1 file, whose weights have 4 bits; adapters take a folder "
            "with model.safetensors (minilm)");
    if (e->precision != ENCODER_FP32)
        return status_fail(STATUS_USAGE,
                           "LoRA: adapters take an encoder in precision fp32, not int8 or w8a8");
    if (o->tokens == 1)
        return status_fail(STATUS_USAGE, "LoRA: of a text 1 token is to be read; its begin and end are two");
    if (o->layers < 1 || o->layers > e->n_layers)
        return status_fail(STATUS_USAGE, "LoRA: %d layers are to carry adapters, the encoder has %d",
                           o->layers, e->n_layers);
    return STATUS_OK;
}

/* Texts as tokens; ids and positions in scratch, p->first in the arena. */
static enum status tokenize(struct encoder_lora_parts *p, const struct strings *texts, struct arena *arena,
                            struct arena *scratch, uint32_t **ids)
{
    struct encoder e = *p->e; /* reads less of a text */
    uint32_t *one = NULL;
    if (p->o.tokens > 0 && (uint32_t)p->o.tokens < e.max_tokens)
        e.max_tokens = (uint32_t)p->o.tokens;
    ARENA_NEW(one, scratch, e.max_tokens);
    ARENA_NEW(p->first, arena, texts->n + 1);
    for (int fill = 0; fill < 2; fill++) { /* counted, then kept */
        if (fill)
            ARENA_NEW(*ids, scratch, p->first[texts->n]);
        for (uint64_t i = 0; i < texts->n; i++) {
            uint32_t n;
            TRY(encoder_ids(&e, strings_at(texts, i), strings_length(texts, i),
                            fill ? *ids + p->first[i] : one, &n));
            p->first[i + 1] = p->first[i] + n;
        }
    }
    return STATUS_OK;
}

/* Tokens of the `most` longest texts; *longest: of one. */
static enum status tokens_of_longest(struct encoder_lora_parts *p, struct arena *scratch, uint64_t *tokens,
                                     uint32_t *longest)
{
    uint32_t *length = NULL;
    ARENA_NEW(length, scratch, p->n_texts);
    for (uint32_t i = 0; i < p->n_texts; i++)
        length[i] = (uint32_t)(p->first[i + 1] - p->first[i]);
    qsort(length, p->n_texts, sizeof *length, falling_u32);
    *longest = p->n_texts > 0 ? length[0] : 0;
    *tokens = 0;
    for (uint32_t i = 0; i < p->most; i++)
        *tokens += length[i];
    return STATUS_OK;
}

/* A float array of the batch's tokens, in whole tiles, with the tile beyond that attention looks at. */
static enum status room(struct encoder_lora_parts *p, struct arena *arena, size_t width, float **out)
{
    const size_t rows = (size_t)NN_PAD_ROWS((uint64_t)p->most_tokens) + NN_TILE_ROWS;
    p->bytes += (double)(rows * width * sizeof **out);
    if (p->bytes > p->o.most_bytes)
        return status_fail(
            STATUS_USAGE,
            "LoRA: the states below %d layers of %llu tokens, and the activations of batches of %u "
            "texts, take more than the %.0f MiB allowed; take fewer tokens a text, fewer layers, "
            "smaller batches, or allow more",
            p->n_layers, (unsigned long long)p->first[p->n_texts], p->most, p->o.most_bytes / 1048576);
    ARENA_NEW(*out, arena, rows * width);
    return STATUS_OK;
}

static enum status rooms_new(struct encoder_lora_parts *p, struct arena *arena)
{
    const size_t h = (size_t)p->e->hidden, wide = (size_t)NN_PAD_COLS(p->e->feed_forward),
                 rank = 2 * (size_t)p->padded;
    for (int i = 0; i < p->n_layers; i++) {
        struct lora_layer *a = &p->layer[i];
        const size_t heads = (size_t)a->heads;
        TRY(room(p, arena, h + rank, &a->x));
        if (p->o.dropout > 0)
            TRY(room(p, arena, h, &a->dropped));
        TRY(room(p, arena, 3 * heads, &a->projected));
        TRY(room(p, arena, wide, &a->before));
        for (int k = 0; k < 2; k++) {
            TRY(room(p, arena, h, &a->normal[k]));
            TRY(room(p, arena, 1, &a->scale[k]));
        }
    }
    struct {
        float **at;
        size_t width;
    } once[] = {{&p->last, h},
                {&p->mixed, h},
                {&p->middle, h},
                {&p->wide, wide},
                {&p->y, h},
                {&p->of, h},
                {&p->z, h},
                {&p->z2, h},
                {&p->of_wide, wide},
                {&p->of_mixed, h},
                {&p->of_projected, 3 * h},
                {&p->of_rank, rank}};
    for (size_t k = 0; k < sizeof once / sizeof *once; k++)
        TRY(room(p, arena, once[k].width, once[k].at));
    ARENA_NEW(p->start, arena, p->most + 1);
    ARENA_NEW(p->row, arena, p->most);
    ARENA_NEW(p->place, arena, p->most_tokens);
    for (uint32_t i = 0; i < p->most; i++)
        p->row[i] = i;
    return STATUS_OK;
}

/* The states of all texts below the adapted layers, some texts at a time. */
static enum status fill_states(struct encoder_lora_parts *p, const uint32_t *ids, uint32_t longest,
                               struct arena *scratch)
{
    const struct encoder *e = p->e;
    const size_t h = (size_t)e->hidden;
    const uint32_t most = longest > CHUNK_TOKENS ? longest : CHUNK_TOKENS;
    struct encoder_work work;
    uint32_t *first = NULL, *positions = NULL;
    ARENA_NEW(first, scratch, most + 2);
    ARENA_NEW(positions, scratch, most);
    TRY(encoder_work_new(e, most, scratch, &work));
    for (uint32_t from = 0, to = 0; from < p->n_texts; from = to) {
        const uint64_t at = p->first[from];
        while (to < p->n_texts && p->first[to + 1] - at <= most && to - from <= most)
            to++;
        for (uint32_t i = from; i <= to; i++)
            first[i - from] = (uint32_t)(p->first[i] - at);
        for (uint32_t i = from; i < to; i++)
            for (uint64_t t = p->first[i]; t < p->first[i + 1]; t++)
                positions[t - at] = (uint32_t)e->first_position + (uint32_t)(t - p->first[i]);
        const struct encoder_batch batch = {.n_texts = to - from,
                                            .n_tokens = first[to - from],
                                            .ids = ids + at,
                                            .positions = positions,
                                            .first = first};
        TRY(encoder_states(e, &batch, &work, e->n_layers - p->n_layers, NULL));
        memcpy(p->states + at * h, work.x, batch.n_tokens * h * sizeof *work.x);
    }
    return STATUS_OK;
}

/* A dense layer with packed weights to come and no bias of its own (zeros). */
static enum status dense_new(int n_in, int n_out, const float *bias, struct arena *arena,
                             struct encoder_dense *out)
{
    float *w = NULL;
    ARENA_NEW(w, arena, (size_t)n_in * (size_t)NN_PAD_COLS(n_out));
    *out = (struct encoder_dense){.n_in = n_in, .n_out = n_out, .w = w, .bias = bias};
    return STATUS_OK;
}

/* Packs w [n_out x n_in] from column `column` on (a panel's first). */
static enum status pack(const struct backend *b, const float *w, int n_out, const struct encoder_dense *d,
                        int column)
{
    const struct nn_pack args = {
        .w = w, .packed = (float *)d->w + (size_t)column * (size_t)d->n_in, .n = n_out, .k = d->n_in};
    return backend_launch(b, &kernel_nn_pack, &args, NN_PAD_COLS(n_out) / NN_TILE_COLS, 0);
}

/* The transpose of a packed matrix, packed. */
static enum status transposed(const struct backend *b, const struct encoder_dense *d, const float *zeros,
                              struct arena *arena, struct encoder_dense *out)
{
    float *w = NULL;
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    enum status status = dense_new(d->n_out, d->n_in, zeros, arena, out);
    w = arena_alloc(scratch, (size_t)d->n_in * (size_t)d->n_out, sizeof *w);
    for (int k = 0; k < d->n_in && w != NULL; k++)
        for (int n = 0; n < d->n_out; n++)
            w[(size_t)k * (size_t)d->n_out + (size_t)n] =
                d->w[((size_t)(n / NN_TILE_COLS) * (size_t)d->n_in + (size_t)k) * NN_TILE_COLS +
                     (size_t)(n % NN_TILE_COLS)];
    if (status == STATUS_OK)
        status = w != NULL ? pack(b, w, d->n_in, out, 0) : STATUS_SYSTEM;
    arena_free(scratch);
    return status;
}

static enum status layer_new(struct encoder_lora_parts *p, struct lora_layer *a, const float *zeros,
                             struct arena *arena)
{
    const struct encoder *e = p->e;
    const struct encoder_layer *l = a->base;
    const int h = e->hidden, all = h + 2 * p->padded;
    TRY(dense_new(h, 2 * p->padded, zeros, arena, &a->to_rank));
    TRY(dense_new(all, 3 * a->heads, l->qkv.bias, arena, &a->qkv));
    for (int k = 0; k < 2; k++)
        TRY(dense_new(a->heads, p->o.rank, zeros, arena, &a->back_B[k]));
    TRY(dense_new(2 * p->padded, h, zeros, arena, &a->back_A));
    for (int panel = 0; panel < 3 * a->heads / NN_TILE_COLS; panel++)
        memcpy((float *)a->qkv.w + (size_t)panel * (size_t)all * NN_TILE_COLS,
               l->qkv.w + (size_t)panel * (size_t)h * NN_TILE_COLS, (size_t)h * NN_TILE_COLS * sizeof(float));
    TRY(transposed(e->backend, &l->qkv, zeros, arena, &a->back_qkv));
    TRY(transposed(e->backend, &l->out, zeros, arena, &a->back_out));
    TRY(transposed(e->backend, &l->up, zeros, arena, &a->back_up));
    return transposed(e->backend, &l->down, zeros, arena, &a->back_down);
}

/* Where each layer's adapters lie, and their first values. */
static enum status weights_new(struct encoder_lora *lora, struct arena *arena)
{
    struct encoder_lora_parts *p = lora->parts;
    const size_t rank = (size_t)p->o.rank, h = (size_t)p->e->hidden;
    for (int i = 0; i < p->n_layers; i++)
        lora->n_weights += 2 * rank * (h + (size_t)p->layer[i].heads);
    ARENA_NEW(lora->weights, arena, lora->n_weights);
    ARENA_NEW(lora->gradient, arena, lora->n_weights);
    size_t at = 0;
    for (int i = 0; i < p->n_layers; i++)
        for (int k = 0; k < 2; k++) {
            struct lora_layer *a = &p->layer[i];
            a->A[k] = lora->weights + at, a->of_A[k] = lora->gradient + at;
            for (size_t e = 0; e < rank * h; e++)
                a->A[k][e] =
                    (float)((2 * random_unit(p->o.seed, RANDOM_INIT, 1, at + e) - 1) / sqrt((double)h));
            at += rank * h;
            a->B[k] = lora->weights + at, a->of_B[k] = lora->gradient + at;
            at += rank * (size_t)a->heads;
        }
    return STATUS_OK;
}

static enum status lora_fill(struct encoder_lora *lora, const struct strings *texts, struct arena *arena,
                             struct arena *scratch)
{
    struct encoder_lora_parts *p = lora->parts;
    const struct encoder *e = p->e;
    uint32_t *ids = NULL, longest = 0;
    uint64_t tokens;
    float *zeros = NULL;
    int widest = e->feed_forward > 3 * e->hidden ? e->feed_forward : 3 * e->hidden;
    widest = widest > 2 * p->padded ? widest : 2 * p->padded;
    TRY(tokenize(p, texts, arena, scratch, &ids));
    TRY(tokens_of_longest(p, scratch, &tokens, &longest));
    if (p->first[p->n_texts] > UINT32_MAX)
        return status_fail(STATUS_USAGE, "LoRA: the texts have %llu tokens, more than 2^32",
                           (unsigned long long)p->first[p->n_texts]);
    p->most_tokens = (uint32_t)tokens;
    p->bytes = (double)p->first[p->n_texts] * e->hidden * (double)sizeof *p->states;
    ARENA_NEW(p->layer, arena, (size_t)p->n_layers);
    ARENA_NEW(zeros, arena, (size_t)NN_PAD_COLS(widest));
    for (int i = 0; i < p->n_layers; i++) {
        p->layer[i].base = &e->layers[e->n_layers - p->n_layers + i];
        p->layer[i].heads = p->layer[i].base->n_heads * e->head_size;
    }
    TRY(rooms_new(p, arena)); /* refuses before anything is computed */
    for (int i = 0; i < p->n_layers; i++)
        TRY(layer_new(p, &p->layer[i], zeros, arena));
    TRY(weights_new(lora, arena));
    ARENA_NEW(p->states, arena, (size_t)p->first[p->n_texts] * (size_t)e->hidden);
    TRY(fill_states(p, ids, longest, scratch));
    return encoder_lora_changed(lora);
}

enum status encoder_lora_new(const struct encoder *encoder, const struct strings *texts, uint32_t most,
                             const struct encoder_lora_options *options, struct arena *arena,
                             struct encoder_lora *out)
{
    struct encoder_lora_parts *p = NULL;
    TRY(refuse(encoder, options));
    ARENA_NEW(p, arena, 1);
    *p = (struct encoder_lora_parts){.e = encoder,
                                     .o = *options,
                                     .padded = NN_PAD_COLS(options->rank),
                                     .n_layers = options->layers,
                                     .n_texts = (uint32_t)texts->n,
                                     .most = most < texts->n ? most : (uint32_t)texts->n};
    *out = (struct encoder_lora){.parts = p};
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    const enum status status = lora_fill(out, texts, arena, scratch);
    arena_free(scratch);
    return status;
}

/* Packs one layer's adapters; w: room for hidden x 2 padded, and heads x rank. */
static enum status pack_layer(const struct encoder_lora_parts *p, const struct lora_layer *a, float *w)
{
    const struct backend *b = p->e->backend;
    const int h = p->e->hidden, rank = p->o.rank, padded = p->padded, all = h + 2 * padded;
    const float scale = (float)(p->o.alpha / rank);
    for (int k = 0; k < 2; k++) {
        TRY(pack(b, a->A[k], rank, &a->to_rank, k * padded));
        for (int i = 0; i < rank; i++)
            for (int n = 0; n < a->heads; n++)
                w[(size_t)i * (size_t)a->heads + (size_t)n] = scale * a->B[k][n * rank + i];
        TRY(pack(b, w, rank, &a->back_B[k], 0));
        for (int n = 0; n < a->heads; n++) { /* queries are the first part of the outputs, values the third */
            const int column = 2 * k * a->heads + n;
            float *to = (float *)a->qkv.w + (size_t)(column / NN_TILE_COLS) * (size_t)all * NN_TILE_COLS +
                        (size_t)(h + k * padded) * NN_TILE_COLS + column % NN_TILE_COLS;
            for (int i = 0; i < rank; i++)
                to[i * NN_TILE_COLS] = scale * a->B[k][n * rank + i];
        }
    }
    memset(w, 0, (size_t)h * 2 * (size_t)padded * sizeof *w);
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < rank; i++)
            for (int j = 0; j < h; j++)
                w[(size_t)j * 2 * (size_t)padded + (size_t)(k * padded + i)] = a->A[k][i * h + j];
    return pack(b, w, h, &a->back_A, 0);
}

enum status encoder_lora_changed(struct encoder_lora *lora)
{
    const struct encoder_lora_parts *p = lora->parts;
    float *w = malloc((size_t)p->e->hidden * 2 * (size_t)p->padded * sizeof *w);
    enum status status =
        w == NULL ? status_fail(STATUS_SYSTEM, "memory is out: adapters of rank %d", p->o.rank) : STATUS_OK;
    for (int i = 0; i < p->n_layers && status == STATUS_OK; i++)
        status = pack_layer(p, &p->layer[i], w);
    free(w);
    return status;
}

double encoder_lora_bytes(const struct encoder_lora *lora)
{
    return lora->parts->bytes;
}
