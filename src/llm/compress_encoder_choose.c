/*
 * compress_encoder_choose.c - which inputs of an encoder matter, and the heads and inner units that go: see compress_encoder.h.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "llm/compress_encoder_parts.h"
#include "llm/prune.h"
#include "llm/safetensors_matrix.h"

static void watch(void *context, const struct encoder_dense *d, const float *x, long ldx, uint32_t n)
{
    const struct encoder_compression *c = context;
    importance_take(c->importance, d, x, ldx, n);
}

enum status compress_lines(const char *text, size_t length, struct arena *arena, struct strings *out)
{
    struct string_builder builder = {0};
    enum status status = STATUS_OK;
    for (size_t at = 0; at < length && status == STATUS_OK;) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t n = end != NULL ? (size_t)(end - text) - at : length - at;
        if (n > 0)
            status = string_builder_add(&builder, text + at, n);
        at += n + 1;
    }
    if (status == STATUS_OK)
        status = string_builder_finish(&builder, arena, out);
    string_builder_free(&builder);
    return status;
}

enum status compress_encoder_calibrate(struct encoder_compression *c)
{
    struct encoder *e = c->e;
    const struct backend *usual = e->backend, *one;
    struct strings texts;
    float *vectors;
    TRY(backend_open("cpu", 1, &one));
    TRY(compress_lines(c->o->calibration, c->o->n_calibration, c->arena, &texts));
    TRY(importance_new((size_t)e->n_layers * 4, c->arena, &c->importance));
    for (int i = 0; i < e->n_layers; i++) {
        const struct encoder_layer *l = &e->layers[i];
        const struct encoder_dense *const all[] = {&l->qkv, &l->out, &l->up, &l->down};
        for (size_t j = 0; j < sizeof all / sizeof *all; j++)
            TRY(importance_add(c->importance, all[j], all[j]->n_in, c->arena));
    }
    ARENA_NEW(vectors, c->arena, texts.n * (size_t)e->hidden);
    e->backend = one;
    e->watch = watch;
    e->watch_context = c;
    const enum status status = encoder_embed(e, &texts, vectors);
    e->watch = NULL;
    e->backend = usual;
    return status;
}

/* ------------------------------------------------------------------------------------------------------ parts that go */

/* How much each input of a dense layer gives; d tells its importance. */
static enum status input_scores(const struct encoder_compression *c, int layer, const char *name,
                                const struct encoder_dense *d, double **score)
{
    const size_t n = (size_t)d->n_out, k = (size_t)d->n_in;
    struct arena *scratch = arena_new();
    float *w = NULL;
    char full[200];
    if (scratch == NULL)
        return STATUS_SYSTEM;
    snprintf(full, sizeof full, "%sencoder.layer.%d.%s.weight", c->prefix, layer, name);
    enum status status = safetensors_matrix_floats(&c->source, full, n, k, scratch, &w);
    *score = arena_alloc(c->arena, k, sizeof **score);
    if (*score == NULL)
        status = STATUS_SYSTEM;
    if (status == STATUS_OK)
        prune_column_scores(w, n, k, importance_of(c->importance, d), *score);
    arena_free(scratch);
    return status;
}

static enum status choose_heads(struct encoder_compression *c, int layer)
{
    const struct encoder_layer *l = &c->e->layers[layer];
    double *score, *of_head;
    TRY(input_scores(c, layer, "attention.output.dense", &l->out, &score));
    ARENA_NEW(of_head, c->arena, (size_t)l->n_heads);
    for (int i = 0; i < l->n_heads * c->e->head_size; i++)
        of_head[i / c->e->head_size] += score[i];
    return prune_keep(of_head, (uint32_t)l->n_heads, c->n_heads, c->arena, &c->heads[layer]);
}

static enum status choose_neurons(struct encoder_compression *c, int layer)
{
    double *score;
    TRY(input_scores(c, layer, "output.dense", &c->e->layers[layer].down, &score));
    return prune_keep(score, (uint32_t)c->e->feed_forward, c->n_neurons, c->arena, &c->neurons[layer]);
}

enum status compress_encoder_choose(struct encoder_compression *c)
{
    const struct compress_options *o = c->o;
    const uint32_t all = (uint32_t)c->e->feed_forward, unit = 32;
    c->n_heads = (uint32_t)c->e->n_heads - (o->heads < (uint32_t)c->e->n_heads ? o->heads : 0);
    if (o->heads >= (uint32_t)c->e->n_heads)
        return status_fail(STATUS_USAGE, "%u heads cannot go of the %d of each layer", o->heads,
                           c->e->n_heads);
    c->n_neurons = (uint32_t)llround((double)all * (1 - o->neurons) / unit) * unit;
    c->n_neurons = o->neurons <= 0 || c->n_neurons > all ? all : c->n_neurons < unit ? unit : c->n_neurons;
    ARENA_NEW(c->heads, c->arena, (size_t)c->e->n_layers);
    ARENA_NEW(c->neurons, c->arena, (size_t)c->e->n_layers);
    for (int i = 0; i < c->e->n_layers; i++) {
        if (o->heads > 0 && c->e->layers[i].n_heads != c->e->n_heads)
            return status_fail(STATUS_USAGE, "%s: layer %d has lost heads before; start from the whole model",
                               c->source.path, i);
        if (o->heads > 0)
            TRY(choose_heads(c, i));
        if (c->n_neurons < all)
            TRY(choose_neurons(c, i));
    }
    return STATUS_OK;
}
