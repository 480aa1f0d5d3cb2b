/*
 * tiny_bert.h - a random BERT of some thousand weights, as the files that an encoder is made of.  For test_encoder.c, test_encoder_folder.c and test_cache.c.
 */
#ifndef TESTS_LLM_TINY_BERT_H
#define TESTS_LLM_TINY_BERT_H
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "base/fsio.h"
#include "llm/encoder.h"

enum { TINY_TENSORS = 64 };

struct tiny_tensor {
    char name[160];
    uint64_t rows, cols; /* cols 0: a vector */
    float *value;        /* [rows x max(cols, 1)] */
};
struct tiny {
    int vocabulary, hidden, n_layers, n_heads, feed_forward, positions;
    uint64_t seed;
    struct arena *arena;
    size_t n;
    struct tiny_tensor tensor[TINY_TENSORS];
};

/* Line i is the piece i. */
static const char *const tiny_pieces[] = {
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the",    "a",      "of",    "and",          "night",
    "day",   "river", "story", "toy",   "heat",   "moon",   "war",    "love",  "city",         "man",
    "dark",  "last",  "first", "house", "summer", "garden", "##s",    "##ing", "##ed",         "(",
    ")",     ".",     ",",     ":",     "-",      "'",      "19",     "20",    "##95",         "##99",
    "##01",  "1995",  "b",     "c",     "##a",    "##b",    "##c",    "##d",   "\xE4\xB8\xAD", "e",
    "f",     "g",     "##e",   "##f",   "##g",    "return", "secret", "film",  "two",          "friends"};
enum { TINY_VOCABULARY = sizeof tiny_pieces / sizeof *tiny_pieces };

static void tiny_add(struct tiny *t, const char *name, int rows, int cols, double mean, double spread)
{
    struct tiny_tensor *tensor = &t->tensor[t->n];
    const size_t n = (size_t)rows * (size_t)(cols > 0 ? cols : 1);
    assert_true(t->n < TINY_TENSORS);
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
    tensor->rows = (uint64_t)rows;
    tensor->cols = (uint64_t)cols;
    tensor->value = arena_alloc(t->arena, n, sizeof *tensor->value);
    assert_non_null(tensor->value);
    for (size_t i = 0; i < n; i++)
        tensor->value[i] = (float)(mean + spread * random_normal(t->seed, RANDOM_INIT, (uint32_t)t->n, i));
    t->n++;
}

static void tiny_add_pair(struct tiny *t, const char *name, int rows, int cols)
{
    char full[128];
    snprintf(full, sizeof full, "%s.weight", name);
    tiny_add(t, full, rows, cols, cols > 0 ? 0 : 1, cols > 0 ? 1.5 / sqrt(cols) : 0.1);
    snprintf(full, sizeof full, "%s.bias", name);
    tiny_add(t, full, rows, 0, 0, 0.1);
}

static void tiny_make_wide(struct tiny *t, struct arena *arena, uint64_t seed, int positions,
                           int feed_forward)
{
    *t = (struct tiny){.vocabulary = TINY_VOCABULARY,
                       .hidden = 96,
                       .n_layers = 2,
                       .n_heads = 3,
                       .feed_forward = feed_forward,
                       .positions = positions,
                       .seed = seed,
                       .arena = arena};
    static const char *const square[] = {"attention.self.query", "attention.self.key", "attention.self.value",
                                         "attention.output.dense"};
    char name[96];
    const int h = t->hidden;
    tiny_add(t, "embeddings.word_embeddings.weight", t->vocabulary, h, 0, 1);
    tiny_add(t, "embeddings.position_embeddings.weight", positions, h, 0, 0.3);
    tiny_add(t, "embeddings.token_type_embeddings.weight", 2, h, 0, 0.3);
    tiny_add_pair(t, "embeddings.LayerNorm", h, 0);
    for (int i = 0; i < t->n_layers; i++) {
        for (int j = 0; j < 4; j++) {
            snprintf(name, sizeof name, "encoder.layer.%d.%s", i, square[j]);
            tiny_add_pair(t, name, h, h);
        }
        snprintf(name, sizeof name, "encoder.layer.%d.attention.output.LayerNorm", i);
        tiny_add_pair(t, name, h, 0);
        snprintf(name, sizeof name, "encoder.layer.%d.intermediate.dense", i);
        tiny_add_pair(t, name, t->feed_forward, h);
        snprintf(name, sizeof name, "encoder.layer.%d.output.dense", i);
        tiny_add_pair(t, name, h, t->feed_forward);
        snprintf(name, sizeof name, "encoder.layer.%d.output.LayerNorm", i);
        tiny_add_pair(t, name, h, 0);
    }
    tiny_add_pair(t, "pooler.dense", h, h); /* unused, as in the real one */
}

/* The weights; sizes that are no multiples of a tile's where the encoder allows that. */
static inline void tiny_make(struct tiny *t, struct arena *arena, uint64_t seed, int positions)
{
    tiny_make_wide(t, arena, seed, positions, 80);
}

static inline float *tiny_find(const struct tiny *t, const char *format, int layer)
{
    char name[96];
    snprintf(name, sizeof name, format, layer);
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->tensor[i].name, name) == 0)
            return t->tensor[i].value;
    fail_msg("no tensor %s", name);
    return NULL;
}

/* ------------------------------------------------------------------ files */

static void tiny_write_vocabulary(const char *folder, int n)
{
    FILE *file = fopen(test_path(folder, "vocab.txt"), "wb");
    assert_non_null(file);
    for (int i = 0; i < n; i++)
        fprintf(file, "%s\n", tiny_pieces[i]);
    assert_int_equal(fclose(file), 0);
}

static void tiny_write_config(const struct tiny *t, const char *folder)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\"model_type\": \"bert\", \"hidden_act\": \"gelu\", \"vocab_size\": %d, \"hidden_size\": %d,\n"
             " \"num_hidden_layers\": %d, \"num_attention_heads\": %d, \"intermediate_size\": %d,\n"
             " \"max_position_embeddings\": %d, \"layer_norm_eps\": 1e-12}\n",
             t->vocabulary, t->hidden, t->n_layers, t->n_heads, t->feed_forward, t->positions);
    test_write(test_path(folder, "config.json"), text);
}

/* prefix: before each name.  skip: a tensor left out (NULL: none). */
static void tiny_write_weights(const struct tiny *t, const char *folder, const char *prefix, const char *skip)
{
    char header[16384];
    size_t length = 0;
    uint64_t at = 0;
    for (size_t i = 0; i < t->n; i++) {
        const struct tiny_tensor *tensor = &t->tensor[i];
        const uint64_t size = 4 * tensor->rows * (tensor->cols > 0 ? tensor->cols : 1);
        char shape[64];
        if (skip != NULL && strcmp(skip, tensor->name) == 0)
            continue;
        snprintf(shape, sizeof shape, tensor->cols > 0 ? "%llu,%llu" : "%llu",
                 (unsigned long long)tensor->rows, (unsigned long long)tensor->cols);
        length +=
            (size_t)snprintf(header + length, sizeof header - length,
                             "%c\"%s%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%llu,%llu]}",
                             length == 0 ? '{' : ',', prefix, tensor->name, shape, (unsigned long long)at,
                             (unsigned long long)(at + size));
        at += size;
    }
    header[length++] = '}';
    const uint64_t n = length;
    FILE *file = fopen(test_path(folder, "model.safetensors"), "wb");
    assert_non_null(file);
    fwrite(&n, sizeof n, 1, file);
    fwrite(header, 1, length, file);
    for (size_t i = 0; i < t->n; i++)
        if (skip == NULL || strcmp(skip, t->tensor[i].name) != 0)
            fwrite(t->tensor[i].value, 4,
                   (size_t)(t->tensor[i].rows * (t->tensor[i].cols > 0 ? t->tensor[i].cols : 1)), file);
    assert_int_equal(fclose(file), 0);
}

static void tiny_write(const struct tiny *t, const char *folder)
{
    tiny_write_vocabulary(folder, t->vocabulary);
    tiny_write_config(t, folder);
    tiny_write_weights(t, folder, "", NULL);
}

/* ------------------------------------------------------------------ texts */

/* n made-up texts of 0 to `most` words. */
static inline void tiny_texts(struct arena *arena, uint64_t seed, uint32_t n, uint32_t most,
                              struct strings *out)
{
    struct string_builder builder = {0};
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t words = random_u32(seed, RANDOM_ORDER, 0, i) % (most + 1);
        for (uint32_t j = 0; j < words; j++) {
            const char *piece =
                tiny_pieces[5 + random_u32(seed, RANDOM_ORDER, 1 + j, i) % (TINY_VOCABULARY - 5)];
            piece += piece[0] == '#' ? 2 : 0;
            string_builder_append(&builder, piece, strlen(piece));
            string_builder_append(&builder, " ", random_u32(seed, RANDOM_ORDER, 999 + j, i) % 4 > 0);
        }
        assert_ok(string_builder_end(&builder));
    }
    assert_ok(string_builder_finish(&builder, arena, out));
}

#endif
