/* safetensors_matrix.c - see safetensors_matrix.h. */
#include "llm/safetensors_matrix.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "quant.h"

/* A compressed matrix in the file. */
struct parts {
    int type; /* QUANT_Q8_0, QUANT_Q4_0; -1: not compressed */
    const struct safetensors_tensor *q, *scale;
};

static bool shaped(const struct safetensors_tensor *t, const char *type, uint64_t rows, uint64_t cols)
{
    return strcmp(t->type, type) == 0 && t->n_dims == 2 && t->shape[0] == rows && t->shape[1] == cols;
}

static const struct safetensors_tensor *part(const struct safetensors *file, const char *name,
                                             const char *suffix)
{
    char full[256];
    snprintf(full, sizeof full, "%s%s", name, suffix);
    return safetensors_find(file, full);
}

static enum status find_parts(const struct safetensors *file, const char *name, uint64_t rows, uint64_t cols,
                              struct parts *out)
{
    const struct safetensors_tensor *whole = safetensors_find(file, name),
                                    *packed = part(file, name, "_packed");
    *out = (struct parts){.type = -1};
    if (whole != NULL && strcmp(whole->type, "I8") == 0)
        *out = (struct parts){QUANT_Q8_0, whole, part(file, name, "_scale")};
    else if (whole == NULL && packed != NULL)
        *out = (struct parts){QUANT_Q4_0, packed, part(file, name, "_scale")};
    else
        return STATUS_OK;
    if (cols % 32 != 0 || out->scale == NULL ||
        !(out->type == QUANT_Q8_0 ? shaped(out->q, "I8", rows, cols)
                                  : shaped(out->q, "I32", rows, cols / 8)) ||
        !(shaped(out->scale, "F16", rows, cols / 32) ||
          (out->type == QUANT_Q8_0 && shaped(out->scale, "F16", rows, 1))))
        return status_fail(STATUS_DATA,
                           "%s: the compressed matrix '%s' does not fit config.json's %llu x %llu: expected "
                           "I8 (or I32 of 8 weights each) and F16 scales, one a row or one for 32 weights",
                           file->path, name, (unsigned long long)rows, (unsigned long long)cols);
    return STATUS_OK;
}

static enum status scales_are_finite(const struct safetensors *file, const struct safetensors_tensor *scale)
{
    for (uint64_t i = 0; i < scale->n; i++) {
        uint16_t half;
        memcpy(&half, scale->data + 2 * i, sizeof half);
        if ((half >> 10 & 31) == 31)
            return status_fail(STATUS_DATA,
                               "%s: tensor '%s' holds a number that is not finite, at position %llu",
                               file->path, scale->name, (unsigned long long)i);
    }
    return STATUS_OK;
}

/* A block of 4 bits has weight j beside j + 16 in a byte, the file beside j + 1. */
static void join_q4_0(const unsigned char *q, unsigned char *block)
{
    for (size_t j = 0; j < 16; j++) {
        const unsigned low = q[j / 2] >> 4 * (j % 2) & 15, high = q[8 + j / 2] >> 4 * (j % 2) & 15;
        block[j] = (unsigned char)(low | high << 4);
    }
}
static void split_q4_0(const unsigned char *block, unsigned char *q)
{
    for (size_t j = 0; j < 8; j++) {
        q[j] = (unsigned char)((block[2 * j] & 15) | (block[2 * j + 1] & 15) << 4);
        q[8 + j] = (unsigned char)(block[2 * j] >> 4 | (block[2 * j + 1] & 0xf0));
    }
}

static enum status join(const struct safetensors *file, const struct parts *p, uint64_t rows, uint64_t cols,
                        struct arena *arena, unsigned char **out)
{
    const size_t held = (size_t)quant_block_bytes(p->type), in_file = p->type == QUANT_Q8_0 ? 32 : 16;
    const uint64_t blocks = cols / 32, n_scales = p->scale->shape[1];
    unsigned char *block;
    TRY(scales_are_finite(file, p->scale));
    ARENA_NEW(block, arena, (size_t)(rows * blocks) * held);
    *out = block;
    for (uint64_t i = 0; i < rows * blocks; i++, block += held) {
        const unsigned char *q = p->q->data + i * in_file;
        memcpy(block, p->scale->data + 2 * (n_scales == 1 ? i / blocks : i), 2);
        if (p->type == QUANT_Q8_0)
            memcpy(block + 2, q, 32);
        else
            join_q4_0(q, block + 2);
    }
    return STATUS_OK;
}

enum status safetensors_matrix(const struct safetensors *file, const char *name, uint64_t rows, uint64_t cols,
                               struct arena *arena, const unsigned char **data, int *type)
{
    const uint64_t shape[2] = {rows, cols};
    struct parts p;
    unsigned char *blocks = NULL;
    TRY(find_parts(file, name, rows, cols, &p));
    if (p.type < 0)
        return safetensors_check(file, name, 2, shape, data, type);
    TRY(join(file, &p, rows, cols, arena, &blocks));
    *data = blocks;
    *type = p.type;
    return STATUS_OK;
}

enum status safetensors_matrix_floats(const struct safetensors *file, const char *name, uint64_t rows,
                                      uint64_t cols, struct arena *arena, float **out)
{
    const uint64_t shape[2] = {rows, cols};
    struct parts p;
    unsigned char *blocks = NULL;
    TRY(find_parts(file, name, rows, cols, &p));
    if (p.type < 0)
        return safetensors_floats(file, name, 2, shape, arena, out);
    TRY(join(file, &p, rows, cols, arena, &blocks));
    const struct safetensors_tensor t = {.name = name,
                                         .type = p.type == QUANT_Q8_0 ? "Q8_0" : "Q4_0",
                                         .n_dims = 2,
                                         .shape = {rows, cols},
                                         .n = rows * cols,
                                         .data = blocks};
    const struct safetensors one = {.path = file->path, .n = 1, .tensors = &t};
    return safetensors_floats(&one, name, 2, shape, arena, out);
}

void safetensors_matrix_split(int type, const unsigned char *blocks, uint64_t rows, uint64_t cols,
                              uint64_t n_scales, unsigned char *q, uint16_t *scale)
{
    const size_t held = (size_t)quant_block_bytes(type), in_file = type == QUANT_Q8_0 ? 32 : 16;
    const uint64_t in_row = cols / 32;
    for (uint64_t i = 0; i < rows * in_row; i++, blocks += held, q += in_file) {
        memcpy(scale + (n_scales == 1 ? i / in_row : i), blocks, 2);
        if (type == QUANT_Q8_0)
            memcpy(q, blocks + 2, 32);
        else
            split_q4_0(blocks + 2, q);
    }
}
