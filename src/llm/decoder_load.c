/*
 * decoder_load.c - a GGUF file's metadata and tensors into the description of a decoder.
 *
 * What a block has is read from which tensors are there; what the architecture implies and files do not say (Gemma's choice of
 * global blocks, its second rotary base, which way pairs lie) is in the table below, after llama.cpp's llama-model.cpp.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "llm/decoder_internal.h"

static const struct architecture {
    const char *name;
    int interleaved, curve;
    bool scaled_embedding, learned_positions, centred;
    int every;         /* sliding window: each block but those with i % every == every - 1; 0: none */
    double local_base; /* rotary base of sliding blocks; 0: the global one */
} architectures[] = {
    {"llama", 1, DECODER_SILU, false, false, false, 0, 0},
    {"qwen2", 0, DECODER_SILU, false, false, false, 0, 0},
    {"qwen3", 0, DECODER_SILU, false, false, false, 0, 0},
    {"gemma", 0, DECODER_GELU_TANH, true, false, false, 0, 0},
    {"gemma2", 0, DECODER_GELU_TANH, true, false, false, 2, 0},
    {"gemma3", 0, DECODER_GELU_TANH, true, false, false, 6, 10000},
    {"gpt2", 0, DECODER_GELU_TANH, false, true, true, 0, 0},
};

struct loader {
    struct decoder *d;
    const struct gguf *file;
    const struct architecture *a;
    char key[160];
};

static const char *key(struct loader *l, const char *name)
{
    snprintf(l->key, sizeof l->key, "%s.%s", l->a->name, name);
    return l->key;
}

static enum status whole(struct loader *l, const char *name, bool needed, int64_t low, int64_t high, int *out)
{
    int64_t value = *out;
    TRY(gguf_whole(l->file, key(l, name), needed, low, high, &value));
    *out = (int)value;
    return STATUS_OK;
}

static enum status real(struct loader *l, const char *name, bool needed, double low, double high, double *out)
{
    return gguf_real(l->file, key(l, name), needed, low, high, out);
}

static enum status find_architecture(struct loader *l)
{
    struct gguf_text name = {0};
    TRY(gguf_string(l->file, "general.architecture", true, &name));
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
        if (strlen(architectures[i].name) == name.length &&
            memcmp(architectures[i].name, name.bytes, name.length) == 0)
            l->a = &architectures[i];
    if (l->a != NULL)
        return STATUS_OK;
    return status_fail(
        STATUS_DATA,
        "%s: the architecture is '%.*s'; llama, qwen2, qwen3, gemma, gemma2, gemma3 and gpt2 are run",
        l->file->path, (int)(name.length < 60 ? name.length : 60), name.bytes);
}

/* Radians a position for each pair: base^(-2 i / n_rotated) over `factor` and the file's own factors. */
static enum status frequencies(struct loader *l, double base, double factor, double **out)
{
    const int half = l->d->n_rotated / 2;
    const struct gguf_tensor *own = gguf_tensor_find(l->file, "rope_freqs.weight");
    if (own != NULL && (own->type != QUANT_F32 || own->n_rows != 1 || own->shape[0] != (uint64_t)half))
        return status_fail(STATUS_DATA, "%s: rope_freqs.weight is not of %d float32", l->file->path, half);
    ARENA_NEW(*out, l->d->file.arena, (size_t)half);
    for (int i = 0; i < half; i++) {
        float divisor = 1;
        if (own != NULL)
            memcpy(&divisor, own->data + 4 * (size_t)i, 4);
        if (!(divisor > 0 && isfinite(divisor)))
            return status_fail(STATUS_DATA, "%s: rope_freqs.weight holds %g", l->file->path, (double)divisor);
        (*out)[i] = pow(base, -2.0 * i / l->d->n_rotated) / factor / (double)divisor;
    }
    return STATUS_OK;
}

static enum status read_rope(struct loader *l)
{
    struct decoder *d = l->d;
    double base = 10000, local = l->a->local_base, factor = 1;
    struct gguf_text scaling = {"none", 4};
    d->interleaved = l->a->interleaved;
    d->n_rotated = l->a->learned_positions ? 0 : d->head_size;
    if (l->a->learned_positions)
        return STATUS_OK;
    TRY(whole(l, "rope.dimension_count", false, 2, d->head_size, &d->n_rotated));
    if (d->n_rotated % 2 != 0)
        return status_fail(STATUS_DATA, "%s: rope.dimension_count is odd", l->file->path);
    TRY(real(l, "rope.freq_base", false, 1, 1e12, &base));
    TRY(real(l, "rope.freq_base_swa", false, 1, 1e12, &local));
    TRY(gguf_string(l->file, key(l, "rope.scaling.type"), false, &scaling));
    if (scaling.length == 6 && memcmp(scaling.bytes, "linear", 6) == 0)
        TRY(real(l, "rope.scaling.factor", true, 1e-3, 1e6, &factor));
    else if (scaling.length != 4 || memcmp(scaling.bytes, "none", 4) != 0)
        return status_fail(STATUS_DATA, "%s: rope.scaling.type is '%.*s'; none and linear are read",
                           l->file->path, (int)(scaling.length < 20 ? scaling.length : 20), scaling.bytes);
    TRY(frequencies(l, base, factor, &d->frequency[0]));
    return local > 0 ? frequencies(l, local, 1, &d->frequency[1])
                     : frequencies(l, base, factor, &d->frequency[1]);
}

static enum status read_shape(struct loader *l)
{
    struct decoder *d = l->d;
    double eps = 1e-5, cap = 0, logit_cap = 0, scale = 0;
    TRY(whole(l, "block_count", true, 1, 1024, &d->n_layers));
    TRY(whole(l, "embedding_length", true, 32, 1 << 16, &d->hidden));
    TRY(whole(l, "context_length", true, 1, 1 << 24, &d->context));
    TRY(whole(l, "feed_forward_length", true, 32, 1 << 20, &d->feed_forward));
    TRY(whole(l, "attention.head_count", true, 1, 1 << 12, &d->n_heads));
    d->n_kv = d->n_heads;
    TRY(whole(l, "attention.head_count_kv", false, 1, d->n_heads, &d->n_kv));
    d->head_size = d->hidden / d->n_heads;
    TRY(whole(l, "attention.key_length", false, 32, 1024, &d->head_size));
    int value_length = d->head_size;
    TRY(whole(l, "attention.value_length", false, 32, 1024, &value_length));
    TRY(real(l, l->a->centred ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", true, 0,
             1, &eps));
    TRY(real(l, "attn_logit_softcapping", false, 0, 1e6, &cap));
    TRY(real(l, "final_logit_softcapping", false, 0, 1e6, &logit_cap));
    TRY(real(l, "attention.scale", false, 0, 1e6, &scale));
    if (d->n_heads % d->n_kv != 0 || value_length != d->head_size || d->head_size % 32 != 0 ||
        d->head_size == 0 || d->hidden % 32 != 0 || d->feed_forward % 32 != 0)
        return status_fail(
            STATUS_DATA,
            "%s: %d heads over %d key heads of %d and %d numbers, %d wide, %d inside: key heads must "
            "divide heads, keys be as long as values, sizes multiples of 32",
            l->file->path, d->n_heads, d->n_kv, d->head_size, value_length, d->hidden, d->feed_forward);
    d->eps = (float)eps;
    d->attention_cap = (float)cap;
    d->logit_cap = (float)logit_cap;
    const bool is_27b = (strcmp(l->a->name, "gemma2") == 0 && d->n_layers == 46) ||
                        (strcmp(l->a->name, "gemma3") == 0 && d->n_layers == 62);
    d->q_scale =
        scale > 0 ? (float)scale : 1 / sqrtf((float)(is_27b ? d->hidden / d->n_heads : d->head_size));
    d->embedding_scale = l->a->scaled_embedding ? sqrtf((float)d->hidden) : 1;
    d->centred = l->a->centred;
    d->curve = l->a->curve;
    return read_rope(l);
}

/* Are all numbers of the tensor finite?  Of a block only its scales can be otherwise. */
static bool finite_tensor(const struct gguf_tensor *t)
{
    const size_t block = (size_t)quant_block_bytes(t->type);
    const long n = block > 0 ? (long)(t->bytes / block) : 0;
    const bool single = t->type == QUANT_F32 || t->type == QUANT_BF16;
    const size_t scale = t->type == QUANT_Q6_K ? 208 : 0;
    const bool two = t->type == QUANT_Q4_K || t->type == QUANT_Q5_K;
    long bad = 0;
#pragma omp parallel for reduction(+ : bad) schedule(static)
    for (long i = 0; i < n; i++) {
        const unsigned char *b = t->data + (size_t)i * block;
        if (single)
            bad += (b[block - 1] & 0x7f) == 0x7f && (b[block - 2] & 0x80) != 0;
        else
            bad += (b[scale + 1] & 0x7c) == 0x7c || (two && (b[3] & 0x7c) == 0x7c);
    }
    return bad == 0;
}

static const struct gguf_tensor *tensor(struct loader *l, const char *format, int index)
{
    char name[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(name, sizeof name, format, index);
#pragma GCC diagnostic pop
    snprintf(l->key, sizeof l->key, "%s", name);
    return gguf_tensor_find(l->file, name);
}

static enum status check(struct loader *l, const struct gguf_tensor *t, int k, int n)
{
    if (t == NULL)
        return status_fail(STATUS_DATA, "%s: the tensor '%s' is missing", l->file->path, l->key);
    if (t->shape[0] != (uint64_t)k || t->n_rows != (uint64_t)n)
        return status_fail(STATUS_DATA, "%s: tensor '%s' is %llu x %llu, the metadata ask for %d x %d",
                           l->file->path, t->name, (unsigned long long)t->shape[0],
                           (unsigned long long)t->n_rows, k, n);
    if (!finite_tensor(t))
        return status_fail(STATUS_DATA, "%s: tensor '%s' holds a number that is not finite", l->file->path,
                           t->name);
    return STATUS_OK;
}

/* A vector of float32; NULL where it is missing and not needed. */
static enum status vector(struct loader *l, const char *format, int index, int n, bool needed,
                          const float **out)
{
    const struct gguf_tensor *t = tensor(l, format, index);
    *out = NULL;
    if (t == NULL && !needed)
        return STATUS_OK;
    TRY(check(l, t, n, 1));
    if (t->type != QUANT_F32)
        return status_fail(STATUS_DATA, "%s: tensor '%s' is not float32", l->file->path, t->name);
    *out = (const float *)(const void *)t->data;
    return STATUS_OK;
}

/* "NAME.weight" and, where it is there, "NAME.bias". */
static enum status matrix(struct loader *l, const char *name, int index, int k, int n,
                          struct decoder_matrix *out)
{
    char format[96];
    snprintf(format, sizeof format, "%s.weight", name);
    const struct gguf_tensor *t = tensor(l, format, index);
    TRY(check(l, t, k, n));
    *out = (struct decoder_matrix){
        .w = t->data, .row_bytes = quant_row_bytes(t->type, (size_t)k), .type = t->type, .n = n, .k = k};
    snprintf(format, sizeof format, "%s.bias", name);
    return vector(l, format, index, n, false, &out->bias);
}

static enum status read_layer(struct loader *l, int i, struct decoder_layer *y)
{
    const struct decoder *d = l->d;
    const int q = d->n_heads * d->head_size, kv = d->n_kv * d->head_size;
    TRY(vector(l, "blk.%d.attn_norm.weight", i, d->hidden, true, &y->attention_norm));
    TRY(vector(l, "blk.%d.attn_norm.bias", i, d->hidden, false, &y->attention_norm_bias));
    TRY(vector(l, "blk.%d.ffn_norm.weight", i, d->hidden, true, &y->feed_norm));
    TRY(vector(l, "blk.%d.ffn_norm.bias", i, d->hidden, false, &y->feed_norm_bias));
    TRY(vector(l, "blk.%d.post_attention_norm.weight", i, d->hidden, false, &y->post_attention));
    TRY(vector(l, "blk.%d.post_ffw_norm.weight", i, d->hidden, false, &y->post_feed));
    TRY(vector(l, "blk.%d.attn_q_norm.weight", i, d->head_size, false, &y->q_norm));
    TRY(vector(l, "blk.%d.attn_k_norm.weight", i, d->head_size, false, &y->k_norm));
    if (tensor(l, "blk.%d.attn_qkv.weight", i) != NULL) {
        y->n_qkv = 1;
        TRY(matrix(l, "blk.%d.attn_qkv", i, d->hidden, q + 2 * kv, &y->qkv[0]));
    } else {
        y->n_qkv = 3;
        TRY(matrix(l, "blk.%d.attn_q", i, d->hidden, q, &y->qkv[0]));
        TRY(matrix(l, "blk.%d.attn_k", i, d->hidden, kv, &y->qkv[1]));
        TRY(matrix(l, "blk.%d.attn_v", i, d->hidden, kv, &y->qkv[2]));
    }
    TRY(matrix(l, "blk.%d.attn_output", i, q, d->hidden, &y->out));
    if (tensor(l, "blk.%d.ffn_gate.weight", i) != NULL)
        TRY(matrix(l, "blk.%d.ffn_gate", i, d->hidden, d->feed_forward, &y->up[y->n_up++]));
    TRY(matrix(l, "blk.%d.ffn_up", i, d->hidden, d->feed_forward, &y->up[y->n_up++]));
    return matrix(l, "blk.%d.ffn_down", i, d->feed_forward, d->hidden, &y->down);
}

/* Which blocks see how far. */
static enum status read_windows(struct loader *l)
{
    int window = 0, every = l->a->every;
    if (every == 0)
        return STATUS_OK;
    TRY(whole(l, "attention.sliding_window", true, 1, 1 << 24, &window));
    const struct gguf_value *pattern = gguf_find(l->file, key(l, "attention.sliding_window_pattern"));
    if (pattern != NULL && pattern->type != GGUF_ARRAY)
        TRY(whole(l, "attention.sliding_window_pattern", true, 1, 1024, &every));
    for (int i = 0; i < l->d->n_layers; i++)
        if (i % every != every - 1) {
            l->d->layers[i].window = window;
            l->d->layers[i].rope = 1;
        }
    return STATUS_OK;
}

enum status decoder_load(struct decoder *d)
{
    struct loader l = {.d = d, .file = &d->file.gguf};
    TRY(find_architecture(&l));
    TRY(read_shape(&l));
    TRY(tokenizer_open(l.file, d->file.arena, &d->tokenizer));
    d->vocabulary = (int)tokenizer_size(d->tokenizer);
    TRY(matrix(&l, "token_embd", 0, d->hidden, d->vocabulary, &d->words));
    d->head = d->words;
    if (gguf_tensor_find(l.file, "output.weight") != NULL)
        TRY(matrix(&l, "output", 0, d->hidden, d->vocabulary, &d->head));
    if (l.a->learned_positions)
        TRY(matrix(&l, "position_embd", 0, d->hidden, d->context, &d->places));
    TRY(vector(&l, "output_norm.weight", 0, d->hidden, true, &d->final_norm));
    TRY(vector(&l, "output_norm.bias", 0, d->hidden, false, &d->final_norm_bias));
    ARENA_NEW(d->layers, d->file.arena, (size_t)d->n_layers);
    for (int i = 0; i < d->n_layers; i++)
        TRY(read_layer(&l, i, &d->layers[i]));
    return read_windows(&l);
}
