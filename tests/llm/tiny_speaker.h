/*
 * tiny_speaker.h - a small decoder that reads any text, a byte a token: the layers of tiny_decoder.h's "qwen3" with a begin and an end token and
 * all bytes.  What it says means nothing; it says it the same everywhere.
 */
#ifndef TESTS_TINY_SPEAKER_H
#define TESTS_TINY_SPEAKER_H
#include "tiny_decoder.h"

enum { SPEAKER_VOCABULARY = 258 };

static inline void tiny_speaker_metadata(struct tiny_model *m, uint32_t context)
{
    static char text[SPEAKER_VOCABULARY][8];
    const char *tokens[SPEAKER_VOCABULARY];
    struct tiny_gguf *g = &m->g;
    tiny_string(g, "general.architecture", m->name);
    tiny_whole(g, tiny_meta(m, "block_count"), TINY_LAYERS);
    tiny_whole(g, tiny_meta(m, "embedding_length"), TINY_HIDDEN);
    tiny_whole(g, tiny_meta(m, "context_length"), context);
    tiny_whole(g, tiny_meta(m, "feed_forward_length"), TINY_INSIDE);
    tiny_whole(g, tiny_meta(m, "attention.head_count"), TINY_HEADS);
    tiny_whole(g, tiny_meta(m, "attention.head_count_kv"), TINY_KV);
    tiny_whole(g, tiny_meta(m, "attention.key_length"), TINY_HEAD);
    tiny_whole(g, tiny_meta(m, "attention.value_length"), TINY_HEAD);
    tiny_real(g, tiny_meta(m, "rope.freq_base"), 1e6f);
    tiny_real(g, tiny_meta(m, "attention.layer_norm_rms_epsilon"), 1e-6f);
    for (int i = 0; i < SPEAKER_VOCABULARY; i++) {
        snprintf(text[i], sizeof text[i], i < 2 ? "<c%d>" : "<0x%02X>", i < 2 ? i : i - 2);
        tokens[i] = text[i];
    }
    tiny_string(g, "tokenizer.ggml.model", "llama");
    tiny_strings(g, "tokenizer.ggml.tokens", tokens, SPEAKER_VOCABULARY);
    tiny_array(g, "tokenizer.ggml.scores", GGUF_F32, SPEAKER_VOCABULARY);
    for (int i = 0; i < SPEAKER_VOCABULARY; i++)
        tiny_u32(g, 0);
    tiny_array(g, "tokenizer.ggml.token_type", GGUF_I32, SPEAKER_VOCABULARY);
    for (int i = 0; i < SPEAKER_VOCABULARY; i++)
        tiny_u32(g, i < 2 ? 3 : 6);
    tiny_whole(g, "tokenizer.ggml.bos_token_id", 0);
    tiny_whole(g, "tokenizer.ggml.eos_token_id", 1);
    tiny_bool(g, "tokenizer.ggml.add_bos_token", 1);
    tiny_bool(g, "tokenizer.ggml.add_space_prefix", 0);
}

/* The whole file; free() it.  context: positions that the model was made for. */
static inline char *tiny_speaker(uint32_t context, size_t *n)
{
    static struct tiny_model model;
    struct tiny_model *m = &model;
    memset(m, 0, sizeof *m);
    m->name = "qwen3";
    tiny_speaker_metadata(m, context);
    tiny_matrix(m, "token_embd.weight", SPEAKER_VOCABULARY, TINY_HIDDEN);
    tiny_vector(m, "output_norm.weight", TINY_HIDDEN, 1);
    for (int i = 0; i < TINY_LAYERS; i++)
        tiny_layer(m, i);
    return tiny_finish(&m->g, n);
}

#endif
