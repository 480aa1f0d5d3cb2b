/*
 * safetensors.c - see safetensors.h.
 *
 * The format: https://github.com/huggingface/safetensors (README, "Format").  Jansson reads the header: it refuses
 * duplicate keys, numbers beyond 63 bits and depth beyond 2,048.  As the format's own reader does, we refuse a header
 * that does not begin with '{' or is longer than 100 MB, and data with holes.  Hosts are little-endian, like the file.
 */
#include "llm/safetensors.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "quant.h"

#define HEADER_LONGEST 100000000u

static const struct type {
    const char *name;
    uint64_t size;
} types[] = {{"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
             {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
             {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};

static const struct type *type_find(const char *name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return &types[i];
    return NULL;
}

uint64_t safetensors_type_bytes(const char *name)
{
    const struct type *type = type_find(name);
    return type != NULL ? type->size : 0;
}

/* A whole number of 0 or more. */
static bool whole(const json_t *value, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

/* One entry of the header into *t; data_size: bytes behind the header. */
static enum status read_entry(const char *path, const char *name, const json_t *entry,
                              const unsigned char *data, uint64_t data_size, struct safetensors_tensor *t)
{
    const char *type_name = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape"), *offsets = json_object_get(entry, "data_offsets");
    if (type_name == NULL || !json_is_array(shape) || !json_is_array(offsets) ||
        json_array_size(offsets) != 2)
        return status_fail(STATUS_DATA, "%s: tensor '%.100s' lacks a dtype, a shape or two data_offsets",
                           path, name);
    const struct type *type = type_find(type_name);
    if (type == NULL)
        return status_fail(STATUS_DATA, "%s: tensor '%.100s' has the unknown type '%.20s'", path, name,
                           type_name);
    t->type = type->name;
    t->n_dims = json_array_size(shape);
    if (t->n_dims > SAFETENSORS_DIMS)
        return status_fail(STATUS_DATA, "%s: tensor '%.100s' has %zu dimensions, at most %d are read", path,
                           name, t->n_dims, SAFETENSORS_DIMS);
    uint64_t size = type->size;
    t->n = 1;
    for (size_t i = 0; i < t->n_dims; i++) {
        if (!whole(json_array_get(shape, i), &t->shape[i]))
            return status_fail(STATUS_DATA, "%s: the shape of tensor '%.100s' is not of whole numbers", path,
                               name);
        if (__builtin_mul_overflow(size, t->shape[i], &size) ||
            __builtin_mul_overflow(t->n, t->shape[i], &t->n))
            return status_fail(STATUS_DATA, "%s: the shape of tensor '%.100s' is beyond 2^64 bytes", path,
                               name);
    }
    uint64_t begin, end;
    if (!whole(json_array_get(offsets, 0), &begin) || !whole(json_array_get(offsets, 1), &end) ||
        begin > end || end > data_size)
        return status_fail(
            STATUS_DATA,
            "%s: the data_offsets of tensor '%.100s' do not lie within the file's %llu bytes of data "
            "(is the file cut off?)",
            path, name, (unsigned long long)data_size);
    if (end - begin != size)
        return status_fail(STATUS_DATA,
                           "%s: tensor '%.100s' has %llu bytes of data, its shape and type need %llu", path,
                           name, (unsigned long long)(end - begin), (unsigned long long)size);
    t->data = data + begin;
    return STATUS_OK;
}

/* By position; an empty tensor before the one that begins where it stands. */
static int by_position(const void *left, const void *right)
{
    const struct safetensors_tensor *a = left, *b = right;
    if (a->data != b->data)
        return a->data < b->data ? -1 : 1;
    return (a->n > 0) - (b->n > 0);
}

static enum status read_header(const char *path, const json_t *header, const unsigned char *data,
                               uint64_t data_size, struct arena *arena, struct safetensors *out)
{
    struct safetensors_tensor *tensors;
    ARENA_NEW(tensors, arena, json_object_size(header));
    size_t n = 0;
    const char *name;
    json_t *entry;
    json_object_foreach((json_t *)header, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0)
            continue;
        tensors[n].name = arena_strdup(arena, name);
        if (tensors[n].name == NULL)
            return STATUS_SYSTEM;
        TRY(read_entry(path, name, entry, data, data_size, &tensors[n]));
        n++;
    }
    qsort(tensors, n, sizeof *tensors, by_position);
    uint64_t position = 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t begin = (uint64_t)(tensors[i].data - data);
        if (begin != position)
            return status_fail(STATUS_DATA, "%s: %s before tensor '%.100s', at byte %llu of the data", path,
                               begin > position ? "a hole" : "an overlap", tensors[i].name,
                               (unsigned long long)begin);
        position += tensors[i].n * type_find(tensors[i].type)->size;
    }
    if (position != data_size)
        return status_fail(STATUS_DATA, "%s: %llu bytes behind the last tensor belong to none", path,
                           (unsigned long long)(data_size - position));
    *out = (struct safetensors){.path = path, .n = n, .tensors = tensors};
    return STATUS_OK;
}

enum status safetensors_parse(const char *path, const void *bytes, size_t n, struct arena *arena,
                              struct safetensors *out)
{
    uint64_t length = 0;
    if (n < sizeof length)
        return status_fail(STATUS_DATA, "%s: %zu bytes are too few for a safetensors file", path, n);
    memcpy(&length, bytes, sizeof length);
    const char *header = (const char *)bytes + sizeof length;
    if (length > n - sizeof length)
        return status_fail(
            STATUS_DATA,
            "%s: the header's length is %llu bytes, but only %zu follow: not a safetensors file, or cut "
            "off",
            path, (unsigned long long)length, n - sizeof length);
    if (length > HEADER_LONGEST)
        return status_fail(STATUS_DATA, "%s: the header's length is %llu bytes, at most %u are allowed", path,
                           (unsigned long long)length, HEADER_LONGEST);
    if (length == 0 || header[0] != '{')
        return status_fail(STATUS_DATA, "%s: the header does not begin with '{': not a safetensors file",
                           path);
    json_error_t error;
    json_t *json = json_loadb(header, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        return status_fail(STATUS_DATA, "%s: the header is not JSON: %s, at byte %d", path, error.text,
                           error.position + 8);
    const enum status status = read_header(path, json, (const unsigned char *)header + length,
                                           n - sizeof length - length, arena, out);
    json_decref(json);
    return status;
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

/* IEEE 754 binary16, exactly: the exponent moves by 112, by a product, so that small numbers come right too. */
static float half_value(uint16_t bits)
{
    const uint32_t word = (bits & 0x7FFFu) << 13, sign = (bits & 0x8000u) << 16;
    float size;
    uint32_t both;
    memcpy(&size, &word, sizeof size);
    size = (bits >> 10 & 31) == 31 ? ((bits & 1023) != 0 ? NAN : INFINITY) : size * 0x1p112f;
    memcpy(&both, &size, sizeof both);
    both |= sign;
    memcpy(&size, &both, sizeof size);
    return size;
}

/* The tensor of that name, if it has this shape. */
static enum status find_shaped(const struct safetensors *file, const char *name, size_t n_dims,
                               const uint64_t *shape, const struct safetensors_tensor **out)
{
    const struct safetensors_tensor *t = safetensors_find(file, name);
    if (t == NULL)
        return status_fail(STATUS_DATA, "%s: the tensor '%s' is missing", file->path, name);
    bool same = t->n_dims == n_dims;
    for (size_t i = 0; same && i < n_dims; i++)
        same = t->shape[i] == shape[i];
    if (!same)
        return status_fail(STATUS_DATA,
                           "%s: tensor '%s' is not of the shape that config.json asks for (%llu, %llu)",
                           file->path, name, (unsigned long long)(n_dims > 0 ? shape[0] : 1),
                           (unsigned long long)(n_dims > 1 ? shape[1] : 1));
    *out = t;
    return STATUS_OK;
}

/* enum quant_type of a tensor of numbers; -1: another type. */
static int numbers_type(const struct safetensors_tensor *t)
{
    static const struct {
        const char *name;
        int type;
    } known[] = {{"F32", QUANT_F32},
                 {"F16", QUANT_F16},
                 {"BF16", QUANT_BF16},
                 {"Q4_0", QUANT_Q4_0},
                 {"Q8_0", QUANT_Q8_0}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(t->type, known[i].name) == 0)
            return known[i].type;
    return -1;
}

/* Numbers i .. i + n - 1 of the tensor; n is 32, or what is left (then the type has no blocks). */
static void unpack(const struct safetensors_tensor *t, int type, uint64_t i, size_t n, float *out)
{
    const unsigned char *block = t->data + i / 32 * 18;
    uint16_t bits;
    float scale;
    switch (type) {
    case QUANT_F32:
        memcpy(out, t->data + 4 * i, 4 * n);
        break;
    case QUANT_F16:
        for (size_t k = 0; k < n; k++) {
            memcpy(&bits, t->data + 2 * (i + k), sizeof bits);
            out[k] = half_value(bits);
        }
        break;
    case QUANT_BF16:
        for (size_t k = 0; k < n; k++) {
            memcpy(&bits, t->data + 2 * (i + k), sizeof bits);
            const uint32_t word = (uint32_t)bits << 16;
            memcpy(&out[k], &word, sizeof word);
        }
        break;
    case QUANT_Q8_0:
        block = t->data + i / 32 * 34;
        memcpy(&bits, block, sizeof bits);
        scale = half_value(bits);
        for (size_t k = 0; k < n; k++)
            out[k] = scale * (float)(signed char)block[2 + k];
        break;
    default: /* Q4_0 */
        memcpy(&bits, block, sizeof bits);
        scale = half_value(bits);
        for (size_t k = 0; k < n / 2; k++) {
            out[k] = scale * (float)((block[2 + k] & 15) - 8);
            out[k + 16] = scale * (float)((block[2 + k] >> 4) - 8);
        }
    }
}

/* All numbers, checked; out NULL: only checked. */
static enum status read_numbers(const struct safetensors *file, const struct safetensors_tensor *t, int type,
                                float *out)
{
    enum { AT_ONCE = 32 };
    for (uint64_t i = 0; i < t->n; i += AT_ONCE) {
        const size_t n = t->n - i < AT_ONCE ? (size_t)(t->n - i) : AT_ONCE;
        float some[AT_ONCE] = {0}, sum = 0;
        unpack(t, type, i, n, some);
        for (size_t k = 0; k < n; k++)
            sum += some[k] * 0.0f; /* NaN where one is not finite */
        for (size_t k = 0; sum != 0 && k < n; k++)
            if (!isfinite(some[k]))
                return status_fail(STATUS_DATA,
                                   "%s: tensor '%s' holds a number that is not finite, at position %llu",
                                   file->path, t->name, (unsigned long long)(i + k));
        if (out != NULL)
            memcpy(out + i, some, n * sizeof *some);
    }
    return STATUS_OK;
}

static enum status find_numbers(const struct safetensors *file, const char *name, size_t n_dims,
                                const uint64_t *shape, const struct safetensors_tensor **t, int *type)
{
    TRY(find_shaped(file, name, n_dims, shape, t));
    *type = numbers_type(*t);
    return *type >= 0
               ? STATUS_OK
               : status_fail(STATUS_DATA, "%s: tensor '%s' has the type %s; F32, F16 and BF16 are read",
                             file->path, name, (*t)->type);
}

enum status safetensors_check(const struct safetensors *file, const char *name, size_t n_dims,
                              const uint64_t *shape, const unsigned char **data, int *type)
{
    const struct safetensors_tensor *t = NULL;
    TRY(find_numbers(file, name, n_dims, shape, &t, type));
    *data = t->data;
    return read_numbers(file, t, *type, NULL);
}

enum status safetensors_floats(const struct safetensors *file, const char *name, size_t n_dims,
                               const uint64_t *shape, struct arena *arena, float **out)
{
    const struct safetensors_tensor *t = NULL;
    int type;
    TRY(find_numbers(file, name, n_dims, shape, &t, &type));
    ARENA_NEW(*out, arena, t->n);
    return read_numbers(file, t, type, *out);
}
