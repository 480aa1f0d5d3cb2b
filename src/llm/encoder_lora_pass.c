/*
 * encoder_lora_pass.c - the adapted layers forward and backward (encoder_lora.h).
 *
 * Of a post-layer-norm layer,  x1 = LN(x + O attention(q, k, v)),  x2 = LN(x1 + W2 gelu(W1 x1)),  the way back is
 *     g = LN'(of x2),  g = LN'(g + W1' gelu'(W2' g)),  of q, k, v = attention'(O' g),  of x = g + W_qkv' (of q, k, v) + A' (of A x)
 * and of the adapters  of B = scale (of q)' A x,  of A = (scale of q B)' x.  No gradient by W is made, so what W met need not be kept.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "attention_back.h"
#include "llm/encoder_lora_parts.h"
#include "nn_back.h"

static enum status norm_keep(const struct encoder_lora_parts *p, const struct lora_layer *a, int which,
                             const float *x, long ldx, float *y, long ldy)
{
    const struct encoder_norm *norm = which == 0 ? &a->base->after_attention : &a->base->after_feed_forward;
    const long h = p->e->hidden;
    const struct nn_norm_keep args = {.x = x,
                                      .add = p->y,
                                      .gamma = norm->gamma,
                                      .beta = norm->beta,
                                      .y = y,
                                      .normal = a->normal[which],
                                      .scale = a->scale[which],
                                      .ldx = ldx,
                                      .ld_add = h,
                                      .ldy = ldy,
                                      .ld_normal = h,
                                      .width = p->e->hidden,
                                      .eps = p->e->eps};
    return backend_launch(p->e->backend, &kernel_nn_norm_keep, &args, p->n_tokens, 0);
}

/* y (+)= dropout(x) of layer `index` in this step, or x itself. */
static enum status drop(const struct encoder_lora_parts *p, int index, const float *x, long ldx, bool add,
                        float *y)
{
    const struct nn_dropout args = {
        .x = x,
        .y = y,
        .place = p->place,
        .seed = p->o.seed,
        .stream = (uint64_t)(p->step * (uint32_t)p->n_layers + (uint32_t)index) << 32 | RANDOM_DROPOUT,
        .ldx = ldx,
        .ldy = p->e->hidden,
        .width = p->e->hidden,
        .add = add,
        .below = p->drops ? (uint32_t)(p->o.dropout * 0x1p32) : 0,
        .scale = p->drops ? (float)(1 / (1 - p->o.dropout)) : 1};
    return backend_launch(p->e->backend, &kernel_nn_dropout, &args, p->n_tokens, 0);
}

static enum status layer_forward(struct encoder_lora_parts *p, int index, float *to, long ld_to)
{
    const struct encoder *e = p->e;
    const struct lora_layer *a = &p->layer[index];
    const struct encoder_layer *l = a->base;
    const long h = e->hidden, ld = h + 2L * p->padded, wide = NN_PAD_COLS(e->feed_forward), heads = a->heads;
    const struct backend *b = e->backend;
    const uint32_t n = p->n_tokens;
    if (p->drops)
        TRY(drop(p, index, a->x, ld, false, a->dropped));
    TRY(encoder_linear(b, &a->to_rank, n, p->drops ? a->dropped : a->x, p->drops ? h : ld, a->x + h, ld, 0));
    TRY(encoder_linear(b, &a->qkv, n, a->x, ld, a->projected, 3 * heads, 0));
    const struct attention attention = {.qkv = a->projected,
                                        .first = p->start,
                                        .out = p->mixed,
                                        .ld = 3 * heads,
                                        .ld_out = heads,
                                        .n_heads = l->n_heads,
                                        .head_size = e->head_size,
                                        .scale = 1.0F / sqrtf((float)e->head_size)};
    TRY(backend_launch(b, &kernel_attention, &attention, (long)p->n * l->n_heads,
                       attention_scratch(p->longest, (size_t)e->head_size)));
    TRY(encoder_linear(b, &l->out, n, p->mixed, heads, p->y, h, 0));
    TRY(norm_keep(p, a, 0, a->x, ld, p->middle, h));
    TRY(encoder_linear(b, &l->up, n, p->middle, h, a->before, wide, 0));
    const struct nn_gelu gelu = {.x = a->before, .y = p->wide, .ldx = wide, .ldy = wide, .width = (int)wide};
    TRY(backend_launch(b, &kernel_nn_gelu, &gelu, n, 0));
    TRY(encoder_linear(b, &l->down, n, p->wide, wide, p->y, h, 0));
    return norm_keep(p, a, 1, p->middle, h, to, ld_to);
}

/* The batch's texts end to end, their states as the lowest adapted layer's input. */
static void gather(struct encoder_lora_parts *p, const uint32_t *texts, uint32_t n)
{
    const size_t h = (size_t)p->e->hidden, ld = h + 2 * (size_t)p->padded;
    p->n = n, p->n_tokens = 0, p->longest = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t from = p->first[texts[i]], to = p->first[texts[i] + 1];
        p->start[i] = p->n_tokens;
        for (uint64_t t = from; t < to; t++)
            p->place[p->n_tokens++] = (uint32_t)t;
        p->longest = to - from > p->longest ? (uint32_t)(to - from) : p->longest;
    }
    p->start[n] = p->n_tokens;
#pragma omp parallel for schedule(static)
    for (uint32_t t = 0; t < p->n_tokens; t++)
        memcpy(p->layer[0].x + t * ld, p->states + p->place[t] * h, h * sizeof *p->states);
}

static enum status run_batch(struct encoder_lora_parts *p, const uint32_t *texts, uint32_t n, float *out)
{
    const long h = p->e->hidden, ld = h + 2L * p->padded;
    gather(p, texts, n);
    for (int i = 0; i < p->n_layers; i++) {
        const bool top = i + 1 == p->n_layers;
        TRY(layer_forward(p, i, top ? p->last : p->layer[i + 1].x, top ? h : ld));
    }
    const struct nn_pool pool = {.x = p->last,
                                 .first = p->start,
                                 .row = p->row,
                                 .out = out,
                                 .ldx = h,
                                 .width = p->e->hidden,
                                 .cls = p->e->cls};
    return backend_launch(p->e->backend, &kernel_nn_pool, &pool, n, 0);
}

enum status encoder_lora_vectors(struct encoder_lora *lora, float *out)
{
    struct encoder_lora_parts *p = lora->parts;
    uint32_t *texts = malloc((p->most > 0 ? p->most : 1) * sizeof *texts);
    enum status status =
        texts == NULL ? status_fail(STATUS_SYSTEM, "memory is out: a batch of %u texts", p->most) : STATUS_OK;
    p->drops = false;
    for (uint32_t from = 0; from < p->n_texts && status == STATUS_OK; from += p->most) {
        const uint32_t n = p->n_texts - from < p->most ? p->n_texts - from : p->most;
        for (uint32_t i = 0; i < n; i++)
            texts[i] = from + i;
        status = run_batch(p, texts, n, out + (size_t)from * (size_t)p->e->hidden);
    }
    free(texts);
    return status;
}

enum status encoder_lora_forward(struct encoder_lora *lora, const uint32_t *texts, uint32_t n, uint32_t step,
                                 float *out)
{
    struct encoder_lora_parts *p = lora->parts;
    p->drops = p->o.dropout > 0;
    p->step = step;
    return run_batch(p, texts, n, out);
}

static enum status norm_backward(const struct encoder_lora_parts *p, const struct lora_layer *a, int which,
                                 const float *add)
{
    const struct encoder_norm *norm = which == 0 ? &a->base->after_attention : &a->base->after_feed_forward;
    const long h = p->e->hidden;
    const struct nn_norm_backward args = {.of = p->of,
                                          .add = add,
                                          .gamma = norm->gamma,
                                          .normal = a->normal[which],
                                          .scale = a->scale[which],
                                          .ld_of = h,
                                          .ld_add = h,
                                          .ld_normal = h,
                                          .width = p->e->hidden};
    return backend_launch(p->e->backend, &kernel_nn_norm_backward, &args, p->n_tokens, 0);
}

/* The gradients by one layer's adapters, from that by its queries, keys and values. */
static enum status adapters_backward(const struct encoder_lora_parts *p, const struct lora_layer *a)
{
    const struct backend *b = p->e->backend;
    const size_t h = (size_t)p->e->hidden, rank = (size_t)p->o.rank, padded = (size_t)p->padded,
                 heads = (size_t)a->heads, ld = h + 2 * padded, n = p->n_tokens;
    const float *x = p->drops ? a->dropped : a->x, scale = (float)(p->o.alpha / p->o.rank);
    for (size_t k = 0; k < 2; k++) {
        const float *of = p->of_projected + 2 * k * heads;
        float *of_rank = p->of_rank + k * padded;
        TRY(encoder_linear(b, &a->back_B[k], p->n_tokens, of, 3 * (long)heads, of_rank, 2 * (long)padded, 0));
        TRY(backend_sgemm(b, true, false, heads, rank, n, scale, of, 3 * heads, a->x + h + k * padded, ld, 0,
                          a->of_B[k], rank));
        TRY(backend_sgemm(b, true, false, rank, h, n, 1, of_rank, 2 * padded, x, p->drops ? h : ld, 0,
                          a->of_A[k], h));
    }
    return STATUS_OK;
}

/* From p->of + add, the gradient by the layer's output, to its adapters' and, for all but the lowest layer, to p->of and p->z, whose
 * sum is the gradient by its input. */
static enum status layer_backward(struct encoder_lora_parts *p, int index, const float *add)
{
    const struct encoder *e = p->e;
    const struct lora_layer *a = &p->layer[index];
    const long h = e->hidden, wide = NN_PAD_COLS(e->feed_forward), heads = a->heads;
    const struct backend *b = e->backend;
    const uint32_t n = p->n_tokens;
    TRY(norm_backward(p, a, 1, add));
    TRY(encoder_linear(b, &a->back_down, n, p->of, h, p->of_wide, wide, 0));
    const struct nn_gelu_backward gelu = {
        .x = a->before, .of = p->of_wide, .ldx = wide, .ld_of = wide, .width = (int)wide};
    TRY(backend_launch(b, &kernel_nn_gelu_backward, &gelu, n, 0));
    TRY(encoder_linear(b, &a->back_up, n, p->of_wide, wide, p->z, h, 0));
    TRY(norm_backward(p, a, 0, p->z));
    TRY(encoder_linear(b, &a->back_out, n, p->of, h, p->of_mixed, heads, 0));
    const struct attention_back attention = {.qkv = a->projected,
                                             .first = p->start,
                                             .of_out = p->of_mixed,
                                             .of_qkv = p->of_projected,
                                             .ld = 3 * heads,
                                             .ld_out = heads,
                                             .ld_of = 3 * heads,
                                             .n_heads = a->base->n_heads,
                                             .head_size = e->head_size,
                                             .scale = 1.0F / sqrtf((float)e->head_size)};
    TRY(backend_launch(b, &kernel_attention_back, &attention, (long)p->n * a->base->n_heads,
                       attention_back_scratch(p->longest, (size_t)e->head_size)));
    TRY(adapters_backward(p, a));
    if (index == 0)
        return STATUS_OK;
    TRY(encoder_linear(b, &a->back_qkv, n, p->of_projected, 3 * heads, p->z, h, 0));
    TRY(encoder_linear(b, &a->back_A, n, p->of_rank, 2L * p->padded, p->z2, h, 0));
    return drop(p, index, p->z2, h, true, p->z);
}

enum status encoder_lora_backward(struct encoder_lora *lora, const float *of_out)
{
    struct encoder_lora_parts *p = lora->parts;
    const struct nn_pool_backward pool = {.x = p->last,
                                          .first = p->start,
                                          .of_out = of_out,
                                          .of_x = p->of,
                                          .ldx = p->e->hidden,
                                          .ld_of = p->e->hidden,
                                          .width = p->e->hidden,
                                          .cls = p->e->cls};
    TRY(backend_launch(p->e->backend, &kernel_nn_pool_backward, &pool, p->n,
                       nn_pool_backward_scratch(p->e->hidden)));
    for (int i = p->n_layers; i-- > 0;)
        TRY(layer_backward(p, i, i + 1 == p->n_layers ? NULL : p->z));
    return STATUS_OK;
}
