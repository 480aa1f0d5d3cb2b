/*
 * tiny_decoder.h - small decoders of each family by formula, as GGUF files: the same to the bit as tools/golden-llm.py makes them.
 *
 * A tensor's bytes are draws of splitmix64 (Steele, Lea, Flood 2014), seeded by the FNV-1a hash of "MODEL/TENSOR"; over a block's bytes
 * go scales.  Matrices take the nine types by turns, in the order of their making.
 */
#ifndef TESTS_TINY_DECODER_H
#define TESTS_TINY_DECODER_H
#include <math.h>

#include "tiny_gguf.h"

enum {
    TINY_HIDDEN = 256,
    TINY_INSIDE = 512,
    TINY_LAYERS = 3,
    TINY_HEADS = 4,
    TINY_KV = 2,
    TINY_HEAD = 64,
    TINY_VOCABULARY = 262,
    TINY_CONTEXT = 64
};

struct tiny_model {
    struct tiny_gguf g;
    const char *name;
    int n; /* matrices made */
};

static inline void tiny_draws(const char *model, const char *tensor, unsigned char *out, size_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *part = model; part != NULL; part = part == model ? tensor : NULL) {
        for (const char *c = part; *c != '\0'; c++)
            h = (h ^ (unsigned char)*c) * 0x100000001b3u;
        if (part == model)
            h = (h ^ '/') * 0x100000001b3u;
    }
    for (size_t i = 0; i < n; i++) {
        uint64_t z = h + (i + 1) * 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        out[i] = (unsigned char)(z ^ z >> 31);
    }
}

static inline void tiny_vector(struct tiny_model *m, const char *tensor, uint64_t n, float centre)
{
    unsigned char *data = tiny_tensor(&m->g, tensor, QUANT_F32, n, 0), *bytes = malloc(n);
    tiny_draws(m->name, tensor, bytes, n);
    for (uint64_t i = 0; i < n; i++) {
        const float x = centre + (float)(2 * bytes[i] - 255) / 2048;
        memcpy(data + 4 * i, &x, 4);
    }
    free(bytes);
}

/* Half of x, a number of few bits within its normal range or 0. */
static inline uint16_t tiny_half(float x)
{
    uint32_t u;
    memcpy(&u, &x, 4);
    return (uint16_t)((u >> 16 & 0x8000) | (x == 0 ? 0 : ((u >> 23 & 255) - 112) << 10 | (u >> 13 & 1023)));
}

static inline void tiny_scale(unsigned char *at, unsigned half)
{
    half |= *at & 63;
    at[0] = (unsigned char)(half & 255);
    at[1] = (unsigned char)(half >> 8);
}

static inline void tiny_matrix(struct tiny_model *m, const char *tensor, uint64_t rows, uint64_t k)
{
    static const int types[] = {QUANT_F32,  QUANT_F16,  QUANT_BF16, QUANT_Q4_0, QUANT_Q5_0,
                                QUANT_Q8_0, QUANT_Q4_K, QUANT_Q5_K, QUANT_Q6_K};
    const int type = types[m->n++ % 9];
    unsigned char *data = tiny_tensor(&m->g, tensor, type, k, rows);
    if (quant_block_weights(type) == 1) {
        unsigned char *bytes = malloc(rows * k);
        tiny_draws(m->name, tensor, bytes, rows * k);
        for (size_t i = 0; i < rows * k; i++) {
            const float x = (float)(2 * bytes[i] - 255) / 4096;
            const uint16_t half = tiny_half(x);
            if (type == QUANT_F32)
                memcpy(data + 4 * i, &x, 4);
            else if (type == QUANT_F16)
                memcpy(data + 2 * i, &half, 2);
            else
                memcpy(data + 2 * i, (const char *)&x + 2, 2);
        }
        free(bytes);
        return;
    }
    const size_t n = rows * quant_row_bytes(type, k), block = (size_t)quant_block_bytes(type);
    tiny_draws(m->name, tensor, data, n);
    for (unsigned char *b = data; b < data + n; b += block) {
        if (type == QUANT_Q6_K)
            tiny_scale(b + 208, 0x0200);
        else
            tiny_scale(b, type == QUANT_Q4_0   ? 0x2000
                          : type == QUANT_Q5_0 ? 0x1c00
                          : type == QUANT_Q8_0 ? 0x1000
                          : type == QUANT_Q4_K ? 0x0c00
                                               : 0x0800);
        if (type == QUANT_Q4_K || type == QUANT_Q5_K)
            tiny_scale(b + 2, type == QUANT_Q4_K ? 0x1780 : 0x17c0);
    }
}

/* "blk.I.PART". */
static inline const char *tiny_block(int i, const char *part)
{
    static char name[96];
    snprintf(name, sizeof name, "blk.%d.%s", i, part);
    return name;
}

static inline int tiny_is(const struct tiny_model *m, const char *name)
{
    return strcmp(m->name, name) == 0;
}

static inline void tiny_layer(struct tiny_model *m, int i)
{
    const int q = TINY_HEADS * TINY_HEAD, kv = TINY_KV * TINY_HEAD;
    tiny_matrix(m, tiny_block(i, "attn_q.weight"), (uint64_t)q, TINY_HIDDEN);
    tiny_matrix(m, tiny_block(i, "attn_k.weight"), (uint64_t)kv, TINY_HIDDEN);
    tiny_matrix(m, tiny_block(i, "attn_v.weight"), (uint64_t)kv, TINY_HIDDEN);
    tiny_matrix(m, tiny_block(i, "attn_output.weight"), TINY_HIDDEN, (uint64_t)q);
    tiny_matrix(m, tiny_block(i, "ffn_gate.weight"), TINY_INSIDE, TINY_HIDDEN);
    tiny_matrix(m, tiny_block(i, "ffn_up.weight"), TINY_INSIDE, TINY_HIDDEN);
    tiny_matrix(m, tiny_block(i, "ffn_down.weight"), TINY_HIDDEN, TINY_INSIDE);
    tiny_vector(m, tiny_block(i, "attn_norm.weight"), TINY_HIDDEN, 1);
    tiny_vector(m, tiny_block(i, "ffn_norm.weight"), TINY_HIDDEN, 1);
    if (tiny_is(m, "gemma2")) {
        tiny_vector(m, tiny_block(i, "post_attention_norm.weight"), TINY_HIDDEN, 1);
        tiny_vector(m, tiny_block(i, "post_ffw_norm.weight"), TINY_HIDDEN, 1);
    }
    if (tiny_is(m, "qwen2")) {
        tiny_vector(m, tiny_block(i, "attn_q.bias"), (uint64_t)q, 0);
        tiny_vector(m, tiny_block(i, "attn_k.bias"), (uint64_t)kv, 0);
        tiny_vector(m, tiny_block(i, "attn_v.bias"), (uint64_t)kv, 0);
    }
    if (tiny_is(m, "qwen3")) {
        tiny_vector(m, tiny_block(i, "attn_q_norm.weight"), TINY_HEAD, 1);
        tiny_vector(m, tiny_block(i, "attn_k_norm.weight"), TINY_HEAD, 1);
    }
}

static inline void tiny_gpt2_layer(struct tiny_model *m, int i)
{
    static const struct {
        const char *name;
        int rows, k;
    } parts[] = {{"attn_qkv", 3 * TINY_HIDDEN, TINY_HIDDEN},
                 {"attn_output", TINY_HIDDEN, TINY_HIDDEN},
                 {"ffn_up", TINY_INSIDE, TINY_HIDDEN},
                 {"ffn_down", TINY_HIDDEN, TINY_INSIDE}};
    char part[64];
    for (int p = 0; p < 4; p++) {
        snprintf(part, sizeof part, "%s.weight", parts[p].name);
        tiny_matrix(m, tiny_block(i, part), (uint64_t)parts[p].rows, (uint64_t)parts[p].k);
        snprintf(part, sizeof part, "%s.bias", parts[p].name);
        tiny_vector(m, tiny_block(i, part), (uint64_t)parts[p].rows, 0);
    }
    for (int p = 0; p < 2; p++) {
        snprintf(part, sizeof part, "%s.weight", p == 0 ? "attn_norm" : "ffn_norm");
        tiny_vector(m, tiny_block(i, part), TINY_HIDDEN, 1);
        snprintf(part, sizeof part, "%s.bias", p == 0 ? "attn_norm" : "ffn_norm");
        tiny_vector(m, tiny_block(i, part), TINY_HIDDEN, 0);
    }
}

static inline const char *tiny_meta(const struct tiny_model *m, const char *part)
{
    static char key[96];
    snprintf(key, sizeof key, "%s.%s", tiny_is(m, "llama3") ? "llama" : m->name, part);
    return key;
}

/* Llama 3.1's divisors of its frequencies, as its files hold them (transformers' _compute_llama3_parameters: factor 8, bounds 1 and 4,
 * made for 16 tokens). */
static inline void tiny_rope_factors(struct tiny_model *m)
{
    unsigned char *data = tiny_tensor(&m->g, "rope_freqs.weight", QUANT_F32, TINY_HEAD / 2, 0);
    for (int i = 0; i < TINY_HEAD / 2; i++) {
        const double wave = 2 * M_PI * pow(10000, 2.0 * i / TINY_HEAD), smooth = (16 / wave - 1) / 3;
        const float factor = wave < 4 ? 1 : wave > 16 ? 8 : (float)(1 / ((1 - smooth) / 8 + smooth));
        memcpy(data + 4 * i, &factor, 4);
    }
}

static inline void tiny_metadata(struct tiny_model *m)
{
    static char text[TINY_VOCABULARY][8];
    static const char *tokens[TINY_VOCABULARY];
    const int gpt2 = tiny_is(m, "gpt2"), gemma2 = tiny_is(m, "gemma2");
    const float zero = 0;
    struct tiny_gguf *g = &m->g;
    tiny_string(g, "general.architecture", tiny_is(m, "llama3") ? "llama" : m->name);
    tiny_whole(g, tiny_meta(m, "block_count"), TINY_LAYERS);
    tiny_whole(g, tiny_meta(m, "embedding_length"), TINY_HIDDEN);
    tiny_whole(g, tiny_meta(m, "context_length"), TINY_CONTEXT);
    tiny_whole(g, tiny_meta(m, "feed_forward_length"), TINY_INSIDE);
    tiny_whole(g, tiny_meta(m, "attention.head_count"), TINY_HEADS);
    if (!gpt2) {
        tiny_whole(g, tiny_meta(m, "attention.head_count_kv"), TINY_KV);
        tiny_whole(g, tiny_meta(m, "attention.key_length"), TINY_HEAD);
        tiny_whole(g, tiny_meta(m, "attention.value_length"), TINY_HEAD);
        tiny_real(g, tiny_meta(m, "rope.freq_base"), strncmp(m->name, "qwen", 4) == 0 ? 1e6f : 1e4f);
    }
    tiny_real(g, tiny_meta(m, gpt2 ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon"),
              gpt2 ? 1e-5f : 1e-6f);
    if (gemma2) {
        tiny_real(g, tiny_meta(m, "attn_logit_softcapping"), 0.5f);
        tiny_real(g, tiny_meta(m, "final_logit_softcapping"), 1.5f);
        tiny_whole(g, tiny_meta(m, "attention.sliding_window"), 8);
    }
    for (int i = 0; i < TINY_VOCABULARY; i++) {
        snprintf(text[i], sizeof text[i], "t%d", i);
        tokens[i] = text[i];
    }
    tiny_string(g, "tokenizer.ggml.model", "llama");
    tiny_strings(g, "tokenizer.ggml.tokens", tokens, TINY_VOCABULARY);
    tiny_array(g, "tokenizer.ggml.scores", GGUF_F32, TINY_VOCABULARY);
    for (int i = 0; i < TINY_VOCABULARY; i++)
        tiny_put(g, &zero, 4);
    tiny_bool(g, "tokenizer.ggml.add_space_prefix", 0);
}

/* The whole file of a family; free() it. */
static inline char *tiny_decoder(const char *family, size_t *n)
{
    static struct tiny_model model;
    struct tiny_model *m = &model;
    memset(m, 0, sizeof *m);
    m->name = family;
    tiny_metadata(m);
    tiny_matrix(m, "token_embd.weight", TINY_VOCABULARY, TINY_HIDDEN);
    if (tiny_is(m, "gpt2"))
        tiny_matrix(m, "position_embd.weight", TINY_CONTEXT, TINY_HIDDEN);
    else if (strncmp(family, "gemma", 5) != 0 && !tiny_is(m, "qwen3"))
        tiny_matrix(m, "output.weight", TINY_VOCABULARY, TINY_HIDDEN);
    tiny_vector(m, "output_norm.weight", TINY_HIDDEN, 1);
    if (tiny_is(m, "gpt2"))
        tiny_vector(m, "output_norm.bias", TINY_HIDDEN, 0);
    if (tiny_is(m, "llama3"))
        tiny_rope_factors(m);
    for (int i = 0; i < TINY_LAYERS; i++)
        tiny_is(m, "gpt2") ? tiny_gpt2_layer(m, i) : tiny_layer(m, i);
    return tiny_finish(&m->g, n);
}

#endif
