/*
 * encoder_load.c - a BERT or XLM-RoBERTa encoder's config.json and tensors into what runs.
 *
 * Names of tensors as Hugging Face writes them, with or without "bert." or "roberta." before.  The pooler and position_ids
 * are not used.  Word vectors stay in the mapped file (unless float32 that are not aligned there); dense layers are packed for
 * the kernels.  Limits: head sizes that are multiples of 32; erf-GELU; absolute positions.
 */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "llm/encoder_internal.h"
#include "llm/quantize.h"
#include "llm/safetensors_matrix.h"
#include "nn.h"
#include "nn8.h"
#include "quant.h"

static enum status config_int(const char *path, const json_t *config, const char *key, int least, int most,
                              int *out)
{
    const json_t *value = json_object_get(config, key);
    if (!json_is_integer(value))
        return status_fail(STATUS_DATA, "%s: %s is missing or not a whole number", path, key);
    if (json_integer_value(value) < least || json_integer_value(value) > most)
        return status_fail(STATUS_DATA, "%s: %s is %lld, expected %d to %d", path, key,
                           (long long)json_integer_value(value), least, most);
    *out = (int)json_integer_value(value);
    return STATUS_OK;
}

/* A key that must have this value, where it is there at all. */
static enum status config_word(const char *path, const json_t *config, const char *key, const char *expected)
{
    const json_t *value = json_object_get(config, key);
    if (value == NULL || (json_is_string(value) && strcmp(json_string_value(value), expected) == 0))
        return STATUS_OK;
    return status_fail(STATUS_DATA, "%s: %s is '%.40s'; only '%s' is supported", path, key,
                       json_is_string(value) ? json_string_value(value) : "no string", expected);
}

/* Heads that a layer has lost, as Hugging Face's `pruned_heads` writes it: {"layer": [head, ...], ...}. */
static enum status read_pruned_heads(const char *path, const json_t *config, struct encoder *e)
{
    const json_t *pruned = json_object_get(config, "pruned_heads");
    ARENA_NEW(e->layers, e->arena, (size_t)e->n_layers);
    for (int i = 0; i < e->n_layers; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        const json_t *heads = json_object_get(pruned, key);
        int n = e->n_heads;
        for (size_t j = 0; j < json_array_size(heads); j++) {
            const json_t *head = json_array_get(heads, j);
            bool good = json_is_integer(head) && json_integer_value(head) >= 0 &&
                        json_integer_value(head) < e->n_heads;
            for (size_t before = 0; before < j; before++)
                good = good && json_integer_value(json_array_get(heads, before)) != json_integer_value(head);
            if (!good || --n == 0)
                return status_fail(
                    STATUS_DATA,
                    "%s: pruned_heads of layer %d: expected different heads from 0 to %d, not all", path, i,
                    e->n_heads - 1);
        }
        e->layers[i].n_heads = n;
    }
    return STATUS_OK;
}

static enum status read_config(const char *path, const json_t *config, struct encoder *e)
{
    const char *kind = json_string_value(json_object_get(config, "model_type"));
    const bool xlm = kind != NULL && strcmp(kind, "xlm-roberta") == 0;
    if (!xlm)
        TRY(config_word(path, config, "model_type", "bert"));
    TRY(config_word(path, config, "hidden_act", "gelu"));
    TRY(config_word(path, config, "position_embedding_type", "absolute"));
    TRY(config_int(path, config, "vocab_size", 1, 1 << 24, &e->vocabulary));
    TRY(config_int(path, config, "hidden_size", 1, 1 << 14, &e->hidden));
    TRY(config_int(path, config, "num_hidden_layers", 1, 1 << 10, &e->n_layers));
    TRY(config_int(path, config, "num_attention_heads", 1, 1 << 10, &e->n_heads));
    TRY(config_int(path, config, "intermediate_size", 1, 1 << 16, &e->feed_forward));
    TRY(config_int(path, config, "max_position_embeddings", 2, 1 << 16, &e->positions));
    const double eps = json_number_value(json_object_get(config, "layer_norm_eps"));
    if (!(eps > 0 && eps < 1))
        return status_fail(STATUS_DATA, "%s: layer_norm_eps is missing or not between 0 and 1", path);
    e->eps = (float)eps;
    if (xlm) { /* positions are counted behind the padding token's id (modeling_xlm_roberta.py) */
        int pad = 1;
        if (json_object_get(config, "pad_token_id") != NULL)
            TRY(config_int(path, config, "pad_token_id", 0, e->positions - 3, &pad));
        e->first_position = pad + 1;
    }
    TRY(encoder_check_sizes(path, e));
    return read_pruned_heads(path, config, e);
}

enum status encoder_check_sizes(const char *path, struct encoder *e)
{
    if (e->hidden % e->n_heads != 0 || e->hidden / e->n_heads % NN_TILE_COLS != 0)
        return status_fail(
            STATUS_DATA,
            "%s: hidden_size %d over %d heads gives no head size that is a multiple of %d, as needed", path,
            e->hidden, e->n_heads, NN_TILE_COLS);
    e->head_size = e->hidden / e->n_heads;
    return STATUS_OK;
}

enum status encoder_load_config(const char *path, const char *bytes, size_t n, struct encoder *e)
{
    json_error_t error;
    json_t *config = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
    if (config == NULL)
        return status_fail(STATUS_DATA, "%s:%d:%d: not JSON: %s", path, error.line, error.column, error.text);
    const enum status status = json_is_object(config) ? read_config(path, config, e)
                                                      : status_fail(STATUS_DATA, "%s: no JSON object", path);
    json_decref(config);
    return status;
}

/* Where weights come from and go to. */
struct loader {
    const struct safetensors *file;
    const char *prefix; /* of all names: "", "bert." or "roberta." */
    struct encoder *e;
};

static enum status load(const struct loader *l, struct arena *arena, const char *name, uint64_t rows,
                        uint64_t cols, float **out)
{
    char full[256];
    snprintf(full, sizeof full, "%s%s", l->prefix, name);
    const uint64_t shape[2] = {rows, cols};
    return cols == 0 ? safetensors_floats(l->file, full, 1, shape, arena, out)
                     : safetensors_matrix_floats(l->file, full, rows, cols, arena, out);
}

static enum status load_norm(const struct loader *l, const char *name, struct encoder_norm *out)
{
    char full[200];
    float *gamma = NULL, *beta = NULL;
    snprintf(full, sizeof full, "%s.weight", name);
    TRY(load(l, l->e->arena, full, (uint64_t)l->e->hidden, 0, &gamma));
    snprintf(full, sizeof full, "%s.bias", name);
    TRY(load(l, l->e->arena, full, (uint64_t)l->e->hidden, 0, &beta));
    *out = (struct encoder_norm){.gamma = gamma, .beta = beta};
    return STATUS_OK;
}

/* The matrix w [n_out x n_in] into part i of the layer's packed weights. */
static enum status pack(const struct encoder *e, const float *w, int n_in, int n_out, size_t i, float *packed,
                        struct encoder_dense *d)
{
    const size_t panels = (size_t)NN_PAD_COLS(n_out) / NN_TILE_COLS, columns = panels * NN_TILE_COLS;
    if (e->precision == ENCODER_FP32) {
        const struct nn_pack args = {
            .w = w, .packed = packed + i * columns * (size_t)n_in, .n = n_out, .k = n_in};
        return backend_launch(e->backend, &kernel_nn_pack, &args, (long)panels, 0);
    }
    const size_t blocks = (size_t)NN8_PAD_K(n_in) / NN8_BLOCK;
    const struct nn8_pack args = {.w = w,
                                  .q = (signed char *)d->q + i * columns * (size_t)NN8_PAD_K(n_in),
                                  .scale = (float *)d->scale + i * columns * blocks,
                                  .n = n_out,
                                  .k = n_in};
    return backend_launch(e->backend, &kernel_nn8_pack, &args, (long)columns, 0);
}

/* The matrix in blocks: as the file has it, or made of its floats. */
static enum status load_blocks(const struct loader *l, struct arena *scratch, const char *name, int n_in,
                               int n_out, struct quant_matrix *out)
{
    char full[256];
    float *w = NULL;
    unsigned char *blocks;
    if (n_in % 32 != 0)
        return status_fail(STATUS_USAGE, "%s: precision w8a8 takes rows of whole blocks of 32, '%s' has %d",
                           l->file->path, name, n_in);
    snprintf(full, sizeof full, "%s%s", l->prefix, name);
    out->n = n_out;
    TRY(safetensors_matrix(l->file, full, (uint64_t)n_out, (uint64_t)n_in, l->e->arena, &out->w, &out->type));
    if (!quant_is_whole(out->type)) {
        TRY(load(l, scratch, name, (uint64_t)n_out, (uint64_t)n_in, &w));
        out->type = QUANT_Q8_0;
        const size_t bytes = quant_row_bytes(out->type, (size_t)n_in);
        ARENA_NEW(blocks, l->e->arena, (size_t)n_out * bytes);
        for (size_t i = 0; i < (size_t)n_out; i++)
            quantize_row(out->type, w + i * (size_t)n_in, NULL, (size_t)n_in, blocks + i * bytes);
        out->w = blocks;
    }
    out->row_bytes = (long)quant_row_bytes(out->type, (size_t)n_in);
    return STATUS_OK;
}

/* n_parts matrices [n_out x n_in] of layer `index`, packed one behind the other as one dense layer. */
static enum status load_dense(const struct loader *l, struct arena *scratch, int index,
                              const char *const *parts, int n_parts, int n_in, int n_out,
                              struct encoder_dense *out)
{
    const size_t columns = (size_t)NN_PAD_COLS(n_out), all = columns * (size_t)n_parts;
    struct arena *arena = l->e->arena;
    float *packed = NULL, *bias, *scale;
    signed char *q;
    char full[200];
    *out = (struct encoder_dense){.n_in = n_in, .n_out = n_out * n_parts};
    if (l->e->precision == ENCODER_FP32)
        ARENA_NEW(packed, arena, all * (size_t)n_in);
    else if (l->e->precision == ENCODER_INT8) {
        ARENA_NEW(q, arena, all * (size_t)NN8_PAD_K(n_in));
        ARENA_NEW(scale, arena, all * (size_t)NN8_PAD_K(n_in) / NN8_BLOCK);
        out->q = q, out->scale = scale;
    }
    ARENA_NEW(bias, arena, all);
    out->w = packed;
    out->bias = bias;
    for (int i = 0; i < n_parts; i++) {
        float *w = NULL, *b = NULL;
        snprintf(full, sizeof full, "encoder.layer.%d.%s.weight", index, parts[i]);
        if (l->e->precision == ENCODER_W8A8) {
            TRY(load_blocks(l, scratch, full, n_in, n_out, &out->blocks[i]));
            out->blocks[i].column = (long)(columns * (size_t)i);
            out->blocks[i].bias = bias + columns * (size_t)i;
            out->n_blocks = n_parts;
        } else {
            TRY(load(l, scratch, full, (uint64_t)n_out, (uint64_t)n_in, &w));
            TRY(pack(l->e, w, n_in, n_out, (size_t)i, packed, out));
        }
        snprintf(full, sizeof full, "encoder.layer.%d.%s.bias", index, parts[i]);
        TRY(load(l, scratch, full, (uint64_t)n_out, 0, &b));
        memcpy(bias + columns * (size_t)i, b, (size_t)n_out * sizeof *bias);
    }
    return STATUS_OK;
}

static enum status load_layer(const struct loader *l, struct arena *scratch, int index,
                              struct encoder_layer *layer)
{
    static const char *const qkv[] = {"attention.self.query", "attention.self.key", "attention.self.value"};
    static const char *const out[] = {"attention.output.dense"}, *const up[] = {"intermediate.dense"},
                             *const down[] = {"output.dense"};
    const int hidden = l->e->hidden, wide = l->e->feed_forward, heads = layer->n_heads * l->e->head_size;
    char name[160];
    TRY(load_dense(l, scratch, index, qkv, 3, hidden, heads, &layer->qkv));
    TRY(load_dense(l, scratch, index, out, 1, heads, hidden, &layer->out));
    TRY(load_dense(l, scratch, index, up, 1, hidden, wide, &layer->up));
    TRY(load_dense(l, scratch, index, down, 1, wide, hidden, &layer->down));
    snprintf(name, sizeof name, "encoder.layer.%d.attention.output.LayerNorm", index);
    TRY(load_norm(l, name, &layer->after_attention));
    snprintf(name, sizeof name, "encoder.layer.%d.output.LayerNorm", index);
    return load_norm(l, name, &layer->after_feed_forward);
}

/* Word vectors: where they lie in the file, checked. */
static enum status load_words(const struct loader *l, struct encoder *e)
{
    char name[64];
    float *copy = NULL;
    const uint64_t shape[2] = {(uint64_t)e->vocabulary, (uint64_t)e->hidden};
    snprintf(name, sizeof name, "%sembeddings.word_embeddings.weight", l->prefix);
    TRY(safetensors_matrix(l->file, name, shape[0], shape[1], e->arena, &e->words, &e->words_type));
    if (e->words_type != QUANT_F32 || (uintptr_t)e->words % sizeof(float) == 0)
        return STATUS_OK;
    TRY(safetensors_floats(l->file, name, 2, shape, e->arena, &copy));
    e->words = (const unsigned char *)copy;
    return STATUS_OK;
}

static enum status load_embeddings(const struct loader *l, struct encoder *e)
{
    const size_t hidden = (size_t)e->hidden;
    float *places = NULL, *types = NULL;
    char name[64];
    snprintf(name, sizeof name, "%sembeddings.token_type_embeddings.weight", l->prefix);
    const struct safetensors_tensor *type = safetensors_find(l->file, name);
    TRY(load_words(l, e));
    TRY(load(l, e->arena, "embeddings.position_embeddings.weight", (uint64_t)e->positions, hidden, &places));
    TRY(load(l, e->arena, "embeddings.token_type_embeddings.weight",
             type != NULL && type->n_dims > 0 && type->shape[0] > 0 ? type->shape[0] : 1, hidden, &types));
    for (size_t i = 0; e->words_type != QUANT_F32 && i < (size_t)e->positions * hidden; i++)
        places[i] += types[i % hidden];
    e->places = places;
    e->type = types;
    return load_norm(l, "embeddings.LayerNorm", &e->embedding_norm);
}

static enum status load_all(const struct loader *l)
{
    struct encoder *e = l->e;
    TRY(load_embeddings(l, e));
    for (int i = 0; i < e->n_layers; i++) {
        struct arena *scratch = arena_new(); /* the unpacked weights of one layer */
        if (scratch == NULL)
            return STATUS_SYSTEM;
        const enum status status = load_layer(l, scratch, i, &e->layers[i]);
        arena_free(scratch);
        TRY(status);
    }
    return STATUS_OK;
}

const char *encoder_names_prefix(const struct safetensors *file)
{
    static const char *const prefixes[] = {"bert.", "roberta."};
    char name[64];
    for (int i = 0; i < 2; i++)
        for (int packed = 0; packed < 2; packed++) {
            snprintf(name, sizeof name, "%sembeddings.word_embeddings.weight%s", prefixes[i],
                     packed ? "_packed" : "");
            if (safetensors_find(file, name) != NULL)
                return prefixes[i];
        }
    return "";
}

enum status encoder_load_weights(const struct safetensors *file, struct encoder *e)
{
    return load_all(&(struct loader){.file = file, .prefix = encoder_names_prefix(file), .e = e});
}
