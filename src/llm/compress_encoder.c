/*
 * compress_encoder.c - see compress_encoder.h.
 *
 * The new tensors are made in memory, a matrix at a time, and written in one go.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "llm/compress_encoder_parts.h"
#include "llm/compress_rows.h"
#include "llm/quantize.h"
#include "llm/safetensors_matrix.h"
#include "llm/safetensors_write.h"

enum { PARTS = 3 }; /* tensors that a matrix becomes, at most */

/* ------------------------------------------------------------------------------------------------------ the new tensors */

/* Outputs or inputs of the heads that stay. */
static enum status head_indices(const struct encoder_compression *c, int layer, const uint32_t **out,
                                size_t *n)
{
    const uint32_t size = (uint32_t)c->e->head_size;
    uint32_t *indices;
    ARENA_NEW(indices, c->arena, (size_t)c->n_heads * size);
    for (uint32_t i = 0; i < c->n_heads * size; i++)
        indices[i] = c->heads[layer][i / size] * size + i % size;
    *out = indices;
    *n = (size_t)c->n_heads * size;
    return STATUS_OK;
}

/* The dense layer that a tensor of a layer belongs to, and which of its sides lose what: rows are outputs. */
static enum status plan_layer(const struct encoder_compression *c, const char *name, int layer,
                              struct compress_part *p, const struct encoder_dense **dense)
{
    static const struct {
        const char *name;
        int dense; /* qkv, out, up, down */
    } known[] = {{"attention.self.query.", 0},   {"attention.self.key.", 0}, {"attention.self.value.", 0},
                 {"attention.output.dense.", 1}, {"intermediate.dense.", 2}, {"output.dense.", 3}};
    const struct encoder_layer *l = &c->e->layers[layer];
    const struct encoder_dense *const all[] = {&l->qkv, &l->out, &l->up, &l->down};
    size_t which = 0;
    while (which < 6 && strncmp(name, known[which].name, strlen(known[which].name)) != 0)
        which++;
    if (which == 6)
        return STATUS_OK;
    const bool weight = strcmp(name + strlen(known[which].name), "weight") == 0;
    const int d = known[which].dense;
    *dense = weight ? all[d] : NULL;
    p->pruned = weight;
    if (c->heads[layer] != NULL && d == 0)
        TRY(head_indices(c, layer, &p->rows, &p->n_rows));
    if (c->heads[layer] != NULL && d == 1 && weight)
        TRY(head_indices(c, layer, &p->columns, &p->n_columns));
    if (c->neurons[layer] != NULL && d == 2)
        p->rows = c->neurons[layer], p->n_rows = c->n_neurons;
    if (c->neurons[layer] != NULL && d == 3 && weight)
        p->columns = c->neurons[layer], p->n_columns = c->n_neurons;
    return STATUS_OK;
}

static void add(struct encoder_compression *c, const char *name, const char *type, uint64_t rows,
                uint64_t cols, const void *data)
{
    c->tensors[c->n++] = (struct safetensors_tensor){
        .name = name, .type = type, .n_dims = cols > 0 ? 2 : 1, .shape = {rows, cols}, .data = data};
}

/* A vector or matrix whose rows go, its numbers as they are. */
static enum status add_rows(struct encoder_compression *c, const struct safetensors_tensor *from,
                            const struct compress_part *p)
{
    const size_t row = (size_t)(safetensors_bytes(from) / from->shape[0]);
    struct safetensors_tensor to = *from;
    unsigned char *bytes;
    ARENA_NEW(bytes, c->arena, p->n_rows * row);
    for (size_t i = 0; i < p->n_rows; i++)
        memcpy(bytes + i * row, from->data + p->rows[i] * row, row);
    to.shape[0] = p->n_rows;
    to.data = bytes;
    c->tensors[c->n++] = to;
    return STATUS_OK;
}

/* Blocks as the tensors of safetensors_matrix.h. */
static enum status add_blocks(struct encoder_compression *c, const char *name, int asked, size_t rows,
                              size_t cols, const unsigned char *blocks)
{
    const int type = quantize_stored(asked, cols);
    const size_t n_scales = asked == COMPRESS_INT8_ROW ? 1 : cols / 32;
    unsigned char *q;
    uint16_t *scale;
    int64_t *shape;
    ARENA_NEW(q, c->arena, type == QUANT_Q8_0 ? rows * cols : rows * cols / 2);
    ARENA_NEW(scale, c->arena, rows * n_scales);
    ARENA_NEW(shape, c->arena, 2);
    const char *packed = arena_printf(c->arena, "%s_packed", name);
    const char *scales = arena_printf(c->arena, "%s_scale", name);
    const char *shapes = arena_printf(c->arena, "%s_shape", name);
    if (packed == NULL || scales == NULL || shapes == NULL)
        return STATUS_SYSTEM;
    safetensors_matrix_split(type, blocks, rows, cols, n_scales, q, scale);
    shape[0] = (int64_t)rows, shape[1] = (int64_t)cols;
    if (type == QUANT_Q8_0)
        add(c, name, "I8", rows, cols, q);
    else {
        add(c, packed, "I32", rows, cols / 8, q);
        add(c, shapes, "I64", 2, 0, shape);
    }
    add(c, scales, "F16", rows, n_scales, scale);
    return STATUS_OK;
}

/* Rows that stay, as float32, made into blocks of the type. */
static enum status add_matrix(struct encoder_compression *c, const struct safetensors_tensor *from,
                              const struct compress_part *p, const float *importance)
{
    const size_t k = (size_t)from->shape[1], n = p->n_columns;
    const size_t row_bytes = quant_row_bytes(quantize_stored(p->type, n), n);
    struct arena *scratch = arena_new();
    const float *kept_importance;
    float *x = NULL;
    unsigned char *packed = NULL;
    if (scratch == NULL)
        return STATUS_SYSTEM;
    enum status status = safetensors_matrix_floats(&c->source, from->name, from->shape[0], k, scratch, &x);
    if (status == STATUS_OK)
        status = compress_importance(p, importance, c->arena, &kept_importance);
    if (status == STATUS_OK)
        packed = arena_alloc(c->arena, p->n_rows * row_bytes, 1);
    if (packed == NULL)
        status = status == STATUS_OK ? STATUS_SYSTEM : status;
    for (size_t i = 0; status == STATUS_OK && p->rows != NULL && i < p->n_rows; i++)
        memmove(x + i * k, x + p->rows[i] * k, k * sizeof *x); /* rows rise: nothing is lost */
    if (status == STATUS_OK)
        status = compress_rows(p, c->o, kept_importance, x, p->n_rows, k, packed);
    arena_free(scratch);
    TRY(status);
    if (quant_block_weights(quantize_stored(p->type, n)) > 1)
        return add_blocks(c, from->name, p->type, p->n_rows, n, packed);
    add(c, from->name,
        p->type == QUANT_F32   ? "F32"
        : p->type == QUANT_F16 ? "F16"
                               : "BF16",
        p->n_rows, n, packed);
    return STATUS_OK;
}

static int type_of(const struct safetensors_tensor *t)
{
    return strcmp(t->type, "F32") == 0    ? QUANT_F32
           : strcmp(t->type, "F16") == 0  ? QUANT_F16
           : strcmp(t->type, "BF16") == 0 ? QUANT_BF16
                                          : -1;
}

static enum status add_tensor(struct encoder_compression *c, const struct safetensors_tensor *from)
{
    const size_t skip = strlen(c->prefix);
    const char *name = strncmp(from->name, c->prefix, skip) == 0 ? from->name + skip : from->name;
    const struct encoder_dense *dense = NULL;
    const bool words = strcmp(name, "embeddings.word_embeddings.weight") == 0;
    int layer = 0, end = 0;
    struct compress_part p = {.n_rows = from->n_dims > 0 ? (size_t)from->shape[0] : 1,
                              .n_columns = from->n_dims > 1 ? (size_t)from->shape[1] : 1,
                              .type = type_of(from)};
    if (sscanf(name, "encoder.layer.%d.%n", &layer, &end) == 1 && end > 0 && layer >= 0 &&
        layer < c->e->n_layers)
        TRY(plan_layer(c, name + end, layer, &p, &dense));
    const int asked = words ? c->o->embedding_type : dense != NULL ? c->o->type : -1;
    if (asked >= 0)
        p.type = asked;
    if (p.type == type_of(from) && !compress_changes_weights(&p, c->o)) {
        c->tensors[c->n++] = *from;
        return STATUS_OK;
    }
    if (from->n_dims == 1)
        return add_rows(c, from, &p);
    if (quant_block_weights(quantize_stored(p.type, p.n_columns)) > 1 && p.n_columns % 32 != 0)
        return status_fail(STATUS_USAGE,
                           "%s: tensor '%s' has rows of %zu weights, no whole blocks of 32 for %s",
                           c->source.path, from->name, p.n_columns, quantize_name(p.type));
    return add_matrix(c, from, &p, dense != NULL ? importance_of(c->importance, dense) : NULL);
}

/* ------------------------------------------------------------------------------------------------------ the folder */

static enum status write_folder(struct encoder_compression *c, const char *target)
{
    static const struct safetensors_note notes[] = {{"format", "pt"}, {NULL, NULL}};
    ARENA_NEW(c->tensors, c->arena, c->source.n * PARTS);
    for (size_t i = 0; i < c->source.n; i++)
        TRY(add_tensor(c, &c->source.tensors[i]));
    TRY(make_folders(target));
    for (int i = FILE_CONFIG; i < N_ENCODER_FILES; i++) {
        const char *path = arena_printf(c->arena, "%s/%s", target, encoder_file_name(i));
        if (path == NULL)
            return STATUS_SYSTEM;
        if (c->files.path[i] == NULL)
            continue;
        if (i == FILE_POOLING)
            TRY(make_folders(arena_printf(c->arena, "%s/1_Pooling", target)));
        TRY(i == FILE_CONFIG ? compress_encoder_config(c, path)
                             : atomic_write(path, c->files.bytes[i], c->files.n[i]));
    }
    const char *path = arena_printf(c->arena, "%s/%s", target, encoder_file_name(FILE_WEIGHTS));
    return path != NULL ? safetensors_write(path, notes, c->tensors, c->n) : STATUS_SYSTEM;
}

static enum status check_options(const struct compress_options *o)
{
    const int types[] = {o->type, o->embedding_type};
    if (!(o->sparsity >= 0 && o->sparsity < 1) || !(o->neurons >= 0 && o->neurons < 1))
        return status_fail(STATUS_USAGE, "shares to prune are %g and %g, expected 0 to below 1", o->sparsity,
                           o->neurons);
    for (int i = 0; i < 2; i++)
        if (types[i] == QUANT_Q5_0 || types[i] == QUANT_Q4_K)
            return status_fail(STATUS_USAGE,
                               "%s is for GGUF files: an encoder's weights become f32, f16, bf16, q8_0, "
                               "int8_row or q4_0",
                               quantize_name(types[i]));
    return STATUS_OK;
}

static enum status check_source(struct encoder_compression *c, const char *source, const char *target)
{
    char *from = realpath(source, NULL), *to = realpath(target, NULL);
    const bool same = from != NULL && to != NULL && strcmp(from, to) == 0;
    free(from);
    free(to);
    if (same)
        return status_fail(STATUS_USAGE, "%s: the new model would take the old one's place", target);
    if (c->files.path[FILE_WEIGHTS] == NULL)
        return status_fail(STATUS_USAGE,
                           "%s: no model.safetensors to compress (an E5S1 file has 4 bits a weight as it is)",
                           source);
    return STATUS_OK;
}

static enum status run(struct encoder_compression *c, const char *source, const char *target,
                       const struct backend *backend)
{
    TRY(check_options(c->o));
    TRY(encoder_open(source, backend, &c->e));
    TRY(encoder_files_find(source, c->arena, &c->files));
    TRY(check_source(c, source, target));
    TRY(encoder_files_read(&c->files, c->arena));
    TRY(safetensors_parse(c->files.path[FILE_WEIGHTS], c->files.bytes[FILE_WEIGHTS], c->files.n[FILE_WEIGHTS],
                          c->arena, &c->source));
    c->prefix = encoder_names_prefix(&c->source);
    for (size_t i = 0; i < c->source.n; i++)
        if (strcmp(c->source.tensors[i].type, "I8") == 0 ||
            strstr(c->source.tensors[i].name, "_packed") != NULL)
            return status_fail(STATUS_USAGE, "%s is compressed already; start from the model it was made of",
                               c->source.path);
    if (c->o->calibration != NULL)
        TRY(compress_encoder_calibrate(c));
    TRY(compress_encoder_choose(c));
    return write_folder(c, target);
}

enum status compress_encoder(const char *source, const char *target, const struct compress_options *options,
                             const struct backend *backend)
{
    struct encoder_compression c = {.o = options, .arena = arena_new()};
    const enum status status = c.arena != NULL ? run(&c, source, target, backend) : STATUS_SYSTEM;
    encoder_files_close(&c.files);
    encoder_close(c.e);
    arena_free(c.arena);
    return status;
}
