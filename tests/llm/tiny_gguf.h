/*
 * tiny_gguf.h - GGUF files of our own making, built in memory.
 */
#ifndef TESTS_TINY_GGUF_H
#define TESTS_TINY_GGUF_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/gguf.h"
#include "quant.h"

struct tiny_gguf {
    unsigned char head[1 << 16], *data; /* what stands behind the counts; tensor data */
    size_t n_head, n_data, room;
    uint64_t n_values, n_tensors;
    unsigned char tensors[1 << 16];
    size_t n_tensor_bytes;
};

static inline void tiny_put(struct tiny_gguf *g, const void *bytes, size_t n)
{
    memcpy(g->head + g->n_head, bytes, n);
    g->n_head += n;
}
static inline void tiny_u32(struct tiny_gguf *g, uint32_t x)
{
    tiny_put(g, &x, sizeof x);
}
static inline void tiny_u64(struct tiny_gguf *g, uint64_t x)
{
    tiny_put(g, &x, sizeof x);
}
static inline void tiny_text(struct tiny_gguf *g, const char *text)
{
    tiny_u64(g, strlen(text));
    tiny_put(g, text, strlen(text));
}
/* A key and the type of its value. */
static inline void tiny_key(struct tiny_gguf *g, const char *key, uint32_t type)
{
    tiny_text(g, key);
    tiny_u32(g, type);
    g->n_values++;
}
static inline void tiny_whole(struct tiny_gguf *g, const char *key, uint32_t value)
{
    tiny_key(g, key, GGUF_U32);
    tiny_u32(g, value);
}
static inline void tiny_real(struct tiny_gguf *g, const char *key, float value)
{
    tiny_key(g, key, GGUF_F32);
    tiny_put(g, &value, sizeof value);
}
static inline void tiny_bool(struct tiny_gguf *g, const char *key, int value)
{
    const unsigned char byte = (unsigned char)value;
    tiny_key(g, key, GGUF_BOOL);
    tiny_put(g, &byte, 1);
}
static inline void tiny_string(struct tiny_gguf *g, const char *key, const char *value)
{
    tiny_key(g, key, GGUF_STRING);
    tiny_text(g, value);
}
static inline void tiny_array(struct tiny_gguf *g, const char *key, uint32_t element, uint64_t n)
{
    tiny_key(g, key, GGUF_ARRAY);
    tiny_u32(g, element);
    tiny_u64(g, n);
}
static inline void tiny_strings(struct tiny_gguf *g, const char *key, const char *const *texts, uint64_t n)
{
    tiny_array(g, key, GGUF_STRING, n);
    for (uint64_t i = 0; i < n; i++)
        tiny_text(g, texts[i]);
}
/* A tensor of n_rows rows of `width` weights (n_rows 0: one dimension); room for its data, zeroed. */
static inline unsigned char *tiny_tensor(struct tiny_gguf *g, const char *name, int type, uint64_t width,
                                         uint64_t n_rows)
{
    const size_t bytes = quant_row_bytes(type, width) * (n_rows > 0 ? n_rows : 1);
    const size_t from = (g->n_data + 31) / 32 * 32;
    const uint32_t n_dims = n_rows > 0 ? 2 : 1, kind = (uint32_t)type;
    const uint64_t length = strlen(name), offset = from;
    unsigned char *at = g->tensors + g->n_tensor_bytes;
#define TINY_ADD(x, n) (memcpy(at, x, n), at += (n))
    TINY_ADD(&length, 8);
    TINY_ADD(name, length);
    TINY_ADD(&n_dims, 4);
    TINY_ADD(&width, 8);
    if (n_rows > 0)
        TINY_ADD(&n_rows, 8);
    TINY_ADD(&kind, 4);
    TINY_ADD(&offset, 8);
#undef TINY_ADD
    g->n_tensor_bytes = (size_t)(at - g->tensors);
    g->n_tensors++;
    if (from + bytes > g->room) {
        g->room = 2 * (from + bytes);
        g->data = realloc(g->data, g->room);
    }
    memset(g->data + g->n_data, 0, from + bytes - g->n_data);
    g->n_data = from + bytes;
    return g->data + from;
}
/* The whole file; free() it.  The builder is used up. */
static inline char *tiny_finish(struct tiny_gguf *g, size_t *n)
{
    const size_t header = 24 + g->n_head + g->n_tensor_bytes, data = (header + 31) / 32 * 32;
    char *file = calloc(1, data + g->n_data + 1);
    const uint32_t version = 3;
    memcpy(file, "GGUF", 4);
    memcpy(file + 4, &version, 4);
    memcpy(file + 8, &g->n_tensors, 8);
    memcpy(file + 16, &g->n_values, 8);
    memcpy(file + 24, g->head, g->n_head);
    memcpy(file + 24 + g->n_head, g->tensors, g->n_tensor_bytes);
    if (g->n_data > 0)
        memcpy(file + data, g->data, g->n_data);
    free(g->data);
    g->data = NULL;
    *n = data + g->n_data;
    return file;
}

#endif
