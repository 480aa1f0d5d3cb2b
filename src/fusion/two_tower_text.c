/* two_tower_text.c - see two_tower_text.h. */
#include "fusion/two_tower_text.h"

#include <stdio.h>
#include <string.h>

#include "fusion/unit_rows.h"
#include "llm/vectors.h"

const char *two_tower_text_refused(const struct item_vectors_options *v)
{
    const bool other = item_vectors_parts(v->encoder) > 1 || item_vectors_folder(v->encoder) == NULL;
    return other ? "has no encoder that could carry adapters, which go into an encoder of texts in "
                   "safetensors (minilm)"
           : v->precision != ENCODER_FP32   ? "is asked for in fewer bits, and adapters take precision fp32"
           : v->whiten || v->dimensions > 0 ? "is asked for whitened or reduced, which changes with every "
                                              "step of the adapters; `factors` sets "
                                              "the dimensions"
                                            : NULL;
}

/* The texts that the encoder reads, each at a random other item where they are shuffled: as item_vectors_build() does it. */
static enum status read_texts(const struct item_vectors_options *vectors, const struct view *view,
                              struct run *run, struct strings *out)
{
    struct strings texts;
    struct string_builder builder = {0};
    uint32_t *order = NULL;
    enum status status = STATUS_OK;
    TRY(item_vectors_texts(vectors, view, run->scratch, &texts));
    *out = texts;
    if (item_vectors_shuffled(vectors->encoder) == NULL)
        return STATUS_OK;
    ARENA_NEW(order, run->scratch, texts.n);
    random_permutation(run->seed, RANDOM_SHUFFLED_TEXT, 0, (uint32_t)texts.n, order);
    for (uint64_t i = 0; i < texts.n && status == STATUS_OK; i++)
        status = string_builder_add(&builder, strings_at(&texts, order[i]), strings_length(&texts, order[i]));
    if (status == STATUS_OK)
        return string_builder_finish(&builder, run->scratch, out);
    string_builder_free(&builder);
    return status;
}

static enum status open_encoder(const struct item_vectors_options *vectors, struct run *run,
                                struct encoder **out)
{
    const struct encoder_options options = {
        .precision = vectors->precision, .pooling = vectors->pooling, .prefix = vectors->prefix};
    const char *folder = arena_printf(run->scratch, "%s/%s", run->models == NULL ? "models" : run->models,
                                      item_vectors_folder(vectors->encoder));
    if (folder == NULL)
        return STATUS_SYSTEM;
    if (vectors_are_in(folder))
        return status_fail(
            STATUS_USAGE,
            "two_tower: %s has imported vectors, which no adapter can change: lora_rank: 0 trains the "
            "projection alone",
            folder);
    return encoder_open_with(folder, &options, run->backend, out);
}

/* The mean over items of the vectors before training. */
static enum status take_mean(struct two_tower_text *text, bool center, struct run *run)
{
    const size_t n = text->n_items, d = text->d;
    float *x = NULL;
    ARENA_NEW(text->mean, run->scratch, d);
    if (!center || n == 0)
        return STATUS_OK;
    struct arena *room = arena_new();
    if (room == NULL)
        return STATUS_SYSTEM;
    x = arena_alloc(room, n * d, sizeof *x);
    const enum status status = x == NULL ? STATUS_SYSTEM : encoder_lora_vectors(&text->lora, x);
    for (size_t i = 0; i < n && status == STATUS_OK; i++)
        for (size_t c = 0; c < d; c++)
            text->mean[c] += (double)x[i * d + c] / (double)n;
    arena_free(room);
    return status;
}

enum status two_tower_text_open(const struct item_vectors_options *vectors,
                                const struct encoder_lora_options *options, uint32_t most,
                                const struct view *view, struct run *run, struct two_tower_text *out)
{
    struct strings texts;
    TRY(read_texts(vectors, view, run, &texts));
    TRY(open_encoder(vectors, run, &out->encoder));
    out->d = encoder_dimensions(out->encoder);
    out->n_items = view->n_items;
    out->most = most;
    TRY(encoder_lora_new(out->encoder, &texts, most, options, run->scratch, &out->lora));
    TRY(adam_new(out->lora.n_weights, run->scratch, &out->adam));
    ARENA_NEW(out->y, run->scratch, (size_t)most * out->d);
    ARENA_NEW(out->of_y, run->scratch, (size_t)most * out->d);
    ARENA_NEW(out->norm, run->scratch, most > view->n_items ? most : view->n_items);
    return take_mean(out, vectors->center, run);
}

void two_tower_text_close(struct two_tower_text *text)
{
    encoder_close(text->encoder);
    text->encoder = NULL;
}

/* x - mean, of length 1. */
static void center(struct two_tower_text *text, float *x, size_t n)
{
    const size_t d = text->d;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++)
            x[i * d + c] -= (float)text->mean[c];
    unit_rows(x, n, d, text->norm);
}

enum status two_tower_text_all(struct two_tower_text *text, float *Y)
{
    TRY(encoder_lora_vectors(&text->lora, Y));
    center(text, Y, text->n_items);
    return STATUS_OK;
}

enum status two_tower_text_forward(struct two_tower_text *text, const uint32_t *items, uint32_t n,
                                   uint32_t step)
{
    text->n = n;
    TRY(encoder_lora_forward(&text->lora, items, n, step, text->y));
    center(text, text->y, n);
    return STATUS_OK;
}

enum status two_tower_text_step(struct two_tower_text *text, double learning_rate, double decay)
{
    unit_rows_backward(text->y, text->norm, text->n, text->d, text->of_y);
    TRY(encoder_lora_backward(&text->lora, text->of_y));
    adam_step(&text->adam, text->lora.weights, text->lora.gradient, learning_rate, decay);
    return encoder_lora_changed(&text->lora);
}
