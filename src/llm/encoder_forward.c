/*
 * encoder_forward.c - one batch through a BERT encoder (Devlin et al. 2018), as kernel launches.
 *
 * Post-layer-norm: x = LN(x + O attention(x)), x = LN(x + W2 gelu(W1 x)); then the mean over a text's tokens (or the first one), scaled to
 * length 1 (Reimers and Gurevych 2019).  Texts lie end to end without padding, so no work goes into padding tokens, and
 * nothing that a text's numbers pass through (kernels/nn.cu, attention.cu) depends on the texts beside it.
 */
#include <math.h>
#include <string.h>

#include "attention.h"
#include "decode.h"
#include "llm/encoder_internal.h"
#include "nn.h"
#include "nn8.h"
#include "quant.h"

/* Weights of a group of panels stay in the second-level cache while all tokens pass. */
enum { GROUP_BYTES = 400 * 1024 };
enum { BLOCKS_GROUP = 64 }; /* outputs that are unpacked together */

enum status encoder_work_new(const struct encoder *e, uint32_t n_tokens, struct arena *arena,
                             struct encoder_work *out)
{
    const size_t rows = (size_t)NN_PAD_ROWS(n_tokens), hidden = (size_t)e->hidden;
    ARENA_NEW(out->x, arena, rows * hidden);
    ARENA_NEW(out->qkv, arena,
              (rows + NN_TILE_ROWS) * 3 * hidden); /* attention looks at a tile beyond the end */
    ARENA_NEW(out->mixed, arena, rows * hidden);
    ARENA_NEW(out->wide, arena, rows * (size_t)NN_PAD_COLS(e->feed_forward));
    ARENA_NEW(out->y, arena, rows * hidden);
    out->a = NULL, out->q = NULL;
    if (e->precision == ENCODER_FP32)
        return STATUS_OK;
    const size_t tokens = (size_t)NN8_PAD_ROWS(n_tokens);
    const int widest = e->feed_forward > e->hidden ? NN_PAD_COLS(e->feed_forward) : e->hidden;
    if (e->precision == ENCODER_W8A8) {
        ARENA_NEW(out->q, arena, tokens * (size_t)quant_round_ldq(widest));
        ARENA_NEW(out->part, arena, tokens * (size_t)quant_round_ld_part(widest));
        return STATUS_OK;
    }
    ARENA_NEW(out->a, arena, tokens * (size_t)NN8_PAD_K(widest));
    ARENA_NEW(out->scale, arena, tokens);
    return STATUS_OK;
}

static enum status dense8(const struct encoder *e, const struct encoder_dense *d, uint32_t n_tokens,
                          const struct encoder_work *work, const float *x, long ldx, float *y, long ldy,
                          int gelu)
{
    const int panels = NN_PAD_COLS(d->n_out) / NN_TILE_COLS, k = NN8_PAD_K(d->n_in);
    const int path = encoder_int8_path();
    int group = GROUP_BYTES / (k * NN_TILE_COLS);
    group = group < 1 ? 1 : group > panels ? panels : group;
    const struct nn8_quantize quantize = {
        .x = x, .a = work->a, .scale = work->scale, .ldx = ldx, .k = d->n_in, .planes = path == NN8_AMX};
    const struct nn8_linear args = {.a = work->a,
                                    .a_scale = work->scale,
                                    .q = d->q,
                                    .scale = d->scale,
                                    .bias = d->bias,
                                    .y = y,
                                    .ldy = ldy,
                                    .n_tokens = n_tokens,
                                    .n_tiles = NN8_PAD_ROWS((long)n_tokens) / NN8_ROWS,
                                    .k = k,
                                    .n_panels = panels,
                                    .group = group,
                                    .gelu = gelu,
                                    .path = path};
    TRY(backend_launch(e->backend, &kernel_nn8_quantize, &quantize, n_tokens, 0));
    return backend_launch(e->backend, &kernel_nn8_linear, &args,
                          args.n_tiles * ((panels + group - 1) / group), 0);
}

/* As the decoder's products in 8 bits (decoder_product.c); GELU in a pass of its own. */
static enum status dense_blocks(const struct encoder *e, const struct encoder_dense *d, uint32_t n_tokens,
                                const struct encoder_work *work, const float *x, long ldx, float *y, long ldy,
                                int gelu)
{
    const struct quant_round round = {.x = x,
                                      .q = work->q,
                                      .part = work->part,
                                      .ldx = ldx,
                                      .ldq = quant_round_ldq(d->n_in),
                                      .ld_part = quant_round_ld_part(d->n_in),
                                      .k = d->n_in};
    const struct decoder_gate curve = {
        .x = y, .ldx = ldy, .width = NN_PAD_COLS(d->n_out), .curve = DECODER_GELU_ERF};
    struct quant_int8 args = {.q = work->q,
                              .part = work->part,
                              .y = y,
                              .ldq = round.ldq,
                              .ld_part = round.ld_part,
                              .ldy = ldy,
                              .n_tokens = (int)n_tokens,
                              .k = d->n_in,
                              .group = BLOCKS_GROUP,
                              .n_matrices = d->n_blocks};
    memcpy(args.m, d->blocks, sizeof args.m);
    TRY(backend_launch(e->backend, &kernel_quant_round, &round, n_tokens, 0));
    TRY(backend_launch(e->backend, &kernel_quant_int8, &args, quant_int8_rows(&args),
                       quant_int8_scratch(&args)));
    return gelu ? backend_launch(e->backend, &kernel_decoder_gate, &curve, n_tokens, 0) : STATUS_OK;
}

enum status encoder_linear(const struct backend *backend, const struct encoder_dense *d, uint32_t n_tokens,
                           const float *x, long ldx, float *y, long ldy, int gelu)
{
    const int panels = NN_PAD_COLS(d->n_out) / NN_TILE_COLS;
    int group = GROUP_BYTES / (d->n_in * NN_TILE_COLS * (int)sizeof(float));
    group = group < 1 ? 1 : group > panels ? panels : group;
    const long tiles = (long)NN_PAD_ROWS(n_tokens) / NN_TILE_ROWS;
    const struct nn_linear args = {.x = x,
                                   .w = d->w,
                                   .bias = d->bias,
                                   .y = y,
                                   .ldx = ldx,
                                   .ldy = ldy,
                                   .n_tiles = tiles,
                                   .k = d->n_in,
                                   .n_panels = panels,
                                   .group = group,
                                   .gelu = gelu};
    return backend_launch(backend, &kernel_nn_linear, &args, tiles * ((panels + group - 1) / group), 0);
}

static enum status dense(const struct encoder *e, const struct encoder_dense *d, uint32_t n_tokens,
                         const struct encoder_work *work, const float *x, long ldx, float *y, long ldy,
                         int gelu)
{
    if (e->watch != NULL)
        e->watch(e->watch_context, d, x, ldx, n_tokens);
    if (d->n_blocks > 0)
        return dense_blocks(e, d, n_tokens, work, x, ldx, y, ldy, gelu);
    if (d->w == NULL)
        return dense8(e, d, n_tokens, work, x, ldx, y, ldy, gelu);
    return encoder_linear(e->backend, d, n_tokens, x, ldx, y, ldy, gelu);
}

static enum status norm(const struct encoder *e, const struct encoder_norm *n, uint32_t n_tokens, float *x,
                        const float *add)
{
    const struct nn_layer_norm args = {.x = x,
                                       .add = add,
                                       .gamma = n->gamma,
                                       .beta = n->beta,
                                       .ldx = e->hidden,
                                       .ld_add = e->hidden,
                                       .width = e->hidden,
                                       .eps = e->eps};
    return backend_launch(e->backend, &kernel_nn_layer_norm, &args, n_tokens, 0);
}

static enum status layer(const struct encoder *e, const struct encoder_layer *l,
                         const struct encoder_batch *b, const struct encoder_work *w, uint32_t longest)
{
    const int hidden = e->hidden, wide = NN_PAD_COLS(e->feed_forward), heads = l->n_heads * e->head_size;
    TRY(dense(e, &l->qkv, b->n_tokens, w, w->x, hidden, w->qkv, 3L * heads, 0));
    const struct attention args = {.qkv = w->qkv,
                                   .first = b->first,
                                   .out = w->mixed,
                                   .ld = 3L * heads,
                                   .ld_out = heads,
                                   .n_heads = l->n_heads,
                                   .head_size = e->head_size,
                                   .scale = 1.0f / sqrtf((float)e->head_size)};
    TRY(backend_launch(e->backend, &kernel_attention, &args, (long)b->n_texts * l->n_heads,
                       attention_scratch(longest, (size_t)e->head_size)));
    TRY(dense(e, &l->out, b->n_tokens, w, w->mixed, heads, w->y, hidden, 0));
    TRY(norm(e, &l->after_attention, b->n_tokens, w->x, w->y));
    TRY(dense(e, &l->up, b->n_tokens, w, w->x, hidden, w->wide, wide, 1));
    TRY(dense(e, &l->down, b->n_tokens, w, w->wide, wide, w->y, hidden, 0));
    return norm(e, &l->after_feed_forward, b->n_tokens, w->x, w->y);
}

/* Word, position and type of each token. */
static enum status embed(const struct encoder *e, const struct encoder_batch *batch,
                         const struct encoder_work *work)
{
    const long row = (long)quant_row_bytes(e->words_type, (size_t)e->hidden);
    const struct nn_embed plain = {.ids = batch->ids,
                                   .places = batch->positions,
                                   .words = (const float *)(const void *)e->words,
                                   .positions = e->places,
                                   .type = e->type,
                                   .x = work->x,
                                   .ldx = e->hidden,
                                   .width = e->hidden};
    const struct quant_rows packed = {.w = e->words,
                                      .p = (const unsigned char *)e->places,
                                      .ids = batch->ids,
                                      .places = batch->positions,
                                      .x = work->x,
                                      .row_bytes = row,
                                      .row_bytes_p = (long)sizeof(float) * e->hidden,
                                      .ldx = e->hidden,
                                      .type = e->words_type,
                                      .type_p = QUANT_F32,
                                      .k = e->hidden,
                                      .scale = 1};
    return e->words_type == QUANT_F32
               ? backend_launch(e->backend, &kernel_nn_embed, &plain, batch->n_tokens, 0)
               : backend_launch(e->backend, &kernel_quant_rows, &packed, batch->n_tokens, 0);
}

static uint32_t longest_of(const struct encoder_batch *batch)
{
    uint32_t longest = 0;
    for (uint32_t i = 0; i < batch->n_texts; i++)
        if (batch->first[i + 1] - batch->first[i] > longest)
            longest = batch->first[i + 1] - batch->first[i];
    return longest;
}

enum status encoder_states(const struct encoder *e, const struct encoder_batch *batch,
                           const struct encoder_work *work, int n_layers, float *trace)
{
    const size_t state = (size_t)batch->n_tokens * (size_t)e->hidden;
    const uint32_t longest = longest_of(batch);
    TRY(embed(e, batch, work));
    TRY(norm(e, &e->embedding_norm, batch->n_tokens, work->x, NULL));
    for (int i = 0; i <= n_layers; i++) {
        if (trace != NULL)
            memcpy(trace + (size_t)i * state, work->x, state * sizeof *trace);
        if (i < n_layers)
            TRY(layer(e, &e->layers[i], batch, work, longest));
    }
    return STATUS_OK;
}

enum status encoder_forward(const struct encoder *e, const struct encoder_batch *batch,
                            const struct encoder_work *work, float *out, float *trace)
{
    const struct nn_pool pool = {.x = work->x,
                                 .first = batch->first,
                                 .row = batch->row,
                                 .out = out,
                                 .ldx = e->hidden,
                                 .width = e->hidden,
                                 .cls = e->cls};
    TRY(encoder_states(e, batch, work, e->n_layers, trace));
    return backend_launch(e->backend, &kernel_nn_pool, &pool, batch->n_texts, 0);
}
