/*
 * gguf.c - see gguf.h.
 *
 * The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.  Everything in the file is a claim until it was
 * compared with the bytes that are there: a count is believed only where that many of the smallest entries fit behind it, so
 * what is allocated stays below the file's size.  Hosts are little-endian, like the file.
 */
#include "llm/gguf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "quant.h"

enum { KEY_LONGEST = 65535, NAME_LONGEST = 1024, LEAST_VALUE = 14, LEAST_TENSOR = 33, MOST_ENTRIES = 65536 };

static const struct {
    const char *name;
    size_t size; /* 0: not of a fixed size */
} types[GGUF_TYPES] = {{"uint8", 1},  {"int8", 1},    {"uint16", 2}, {"int16", 2},  {"uint32", 4},
                       {"int32", 4},  {"float32", 4}, {"bool", 1},   {"string", 0}, {"array", 0},
                       {"uint64", 8}, {"int64", 8},   {"float64", 8}};

/* What is left of the file. */
struct reader {
    const char *path;
    const unsigned char *begin, *at, *end;
};

static enum status cut_off(const struct reader *r, const char *what)
{
    return status_fail(STATUS_DATA, "%s: the file ends at byte %zu, within %s: is it cut off?", r->path,
                       (size_t)(r->end - r->begin), what);
}

static enum status take(struct reader *r, void *out, size_t n, const char *what)
{
    if ((size_t)(r->end - r->at) < n)
        return cut_off(r, what);
    memcpy(out, r->at, n);
    r->at += n;
    return STATUS_OK;
}

/* A string's bytes in the file. */
static enum status take_text(struct reader *r, const char *what, struct gguf_text *out)
{
    uint64_t length = 0;
    TRY(take(r, &length, sizeof length, what));
    if (length > (uint64_t)(r->end - r->at))
        return status_fail(STATUS_DATA, "%s: %s at byte %zu claims %llu bytes, but only %zu follow", r->path,
                           what, (size_t)(r->at - r->begin), (unsigned long long)length,
                           (size_t)(r->end - r->at));
    *out = (struct gguf_text){(const char *)r->at, (size_t)length};
    r->at += length;
    return STATUS_OK;
}

/* A key or a name: not empty, valid UTF-8 without NUL, not seen before. */
static enum status take_name(struct reader *r, const char *what, size_t longest, struct string_map *seen,
                             struct arena *arena, const char **out)
{
    struct gguf_text text = {0};
    TRY(take_text(r, what, &text));
    if (text.length == 0 || text.length > longest)
        return status_fail(STATUS_DATA, "%s: %s before byte %zu has %zu bytes, expected 1 to %zu", r->path,
                           what, (size_t)(r->at - r->begin), text.length, longest);
    if (utf8_valid_prefix(text.bytes, text.length) != text.length ||
        memchr(text.bytes, 0, text.length) != NULL)
        return status_fail(STATUS_DATA, "%s: %s before byte %zu is not valid UTF-8", r->path, what,
                           (size_t)(r->at - r->begin));
    char *copy = arena_alloc(arena, text.length + 1, 1);
    if (copy == NULL)
        return STATUS_SYSTEM;
    memcpy(copy, text.bytes, text.length);
    *out = copy;
    const uint32_t before = string_map_size(seen);
    const uint32_t at = string_map_add(seen, text.bytes, text.length);
    if (at == UINT32_MAX)
        return STATUS_SYSTEM;
    if (at != before)
        return status_fail(STATUS_DATA, "%s: %s '%.100s' is there twice", r->path, what, copy);
    return STATUS_OK;
}

static enum status read_value(struct reader *r, struct gguf_value *v)
{
    uint32_t type = 0, element = 0;
    TRY(take(r, &type, sizeof type, "the type of a value"));
    v->n = 1;
    if (type == GGUF_ARRAY) {
        TRY(take(r, &element, sizeof element, "the type of an array"));
        TRY(take(r, &v->n, sizeof v->n, "the length of an array"));
        if (element == GGUF_ARRAY)
            return status_fail(STATUS_DATA, "%s: '%.100s' is an array of arrays, which is not read", r->path,
                               v->key);
    } else
        element = type;
    if (type >= GGUF_TYPES || element >= GGUF_TYPES)
        return status_fail(STATUS_DATA, "%s: '%.100s' has the unknown type %u", r->path, v->key,
                           type >= GGUF_TYPES ? type : element);
    v->type = (enum gguf_type)type;
    v->element = (enum gguf_type)element;
    v->data = r->at;
    const size_t least = element == GGUF_STRING ? sizeof(uint64_t) : types[element].size;
    if (v->n > (uint64_t)(r->end - r->at) / least)
        return status_fail(STATUS_DATA, "%s: '%.100s' claims %llu elements, but only %zu bytes follow",
                           r->path, v->key, (unsigned long long)v->n, (size_t)(r->end - r->at));
    struct gguf_text text;
    if (element == GGUF_STRING)
        for (uint64_t i = 0; i < v->n; i++)
            TRY(take_text(r, "a string", &text));
    else
        r->at += v->n * types[element].size;
    for (uint64_t i = 0; element == GGUF_BOOL && i < v->n; i++)
        if (v->data[i] > 1)
            return status_fail(STATUS_DATA, "%s: '%.100s' holds %u where a bool is 0 or 1", r->path, v->key,
                               v->data[i]);
    return STATUS_OK;
}

static enum status read_tensor(struct reader *r, struct gguf_tensor *t, uint64_t *offset)
{
    uint32_t n_dims = 0, type = 0;
    TRY(take(r, &n_dims, sizeof n_dims, "a tensor's number of dimensions"));
    if (n_dims < 1 || n_dims > GGUF_DIMS)
        return status_fail(STATUS_DATA, "%s: tensor '%.100s' has %u dimensions, 1 to %d are read", r->path,
                           t->name, n_dims, GGUF_DIMS);
    t->n_dims = n_dims;
    t->n_rows = 1;
    for (size_t i = 0; i < GGUF_DIMS; i++)
        t->shape[i] = 1;
    TRY(take(r, t->shape, n_dims * sizeof *t->shape, "a tensor's shape"));
    TRY(take(r, &type, sizeof type, "a tensor's type"));
    TRY(take(r, offset, sizeof *offset, "a tensor's offset"));
    t->type = type > 1000 ? -1 : (int)type;
    const uint64_t block = (uint64_t)quant_block_weights(t->type);
    if (block == 0)
        return status_fail(STATUS_DATA,
                           "%s: tensor '%.100s' has the type %u; F32, F16, BF16, Q4_0, Q5_0, Q8_0, Q4_K, "
                           "Q5_K and Q6_K are read",
                           r->path, t->name, type);
    bool wraps = false;
    for (size_t i = 0; i < n_dims; i++) {
        if (t->shape[i] == 0 || t->shape[i] > INT64_MAX)
            return status_fail(STATUS_DATA, "%s: tensor '%.100s' has a side of %llu", r->path, t->name,
                               (unsigned long long)t->shape[i]);
        wraps |= i > 0 && __builtin_mul_overflow(t->n_rows, t->shape[i], &t->n_rows);
    }
    if (t->shape[0] % block != 0)
        return status_fail(STATUS_DATA,
                           "%s: rows of tensor '%.100s' have %llu weights, no whole blocks of %llu", r->path,
                           t->name, (unsigned long long)t->shape[0], (unsigned long long)block);
    uint64_t row;
    wraps |= __builtin_mul_overflow(t->shape[0] / block, (uint64_t)quant_block_bytes(t->type), &row);
    wraps |= __builtin_mul_overflow(row, t->n_rows, &t->bytes);
    if (wraps)
        return status_fail(STATUS_DATA, "%s: the shape of tensor '%.100s' is beyond 2^64 bytes", r->path,
                           t->name);
    return STATUS_OK;
}

static int by_position(const void *left, const void *right)
{
    const struct gguf_tensor *a = *(const struct gguf_tensor *const *)left,
                             *b = *(const struct gguf_tensor *const *)right;
    return a->data < b->data ? -1 : a->data > b->data;
}

/* Where each tensor's data lies: aligned, in the file, no two on the same bytes. */
static enum status place_tensors(const struct reader *r, uint64_t alignment, struct gguf_tensor *tensors,
                                 const uint64_t *offsets, size_t n, struct arena *arena)
{
    const uint64_t size = (uint64_t)(r->end - r->begin);
    const uint64_t data = ((uint64_t)(r->at - r->begin) + alignment - 1) / alignment * alignment;
    struct gguf_tensor **order;
    ARENA_NEW(order, arena, n);
    for (size_t i = 0; i < n; i++) {
        struct gguf_tensor *t = &tensors[i];
        if (offsets[i] % alignment != 0)
            return status_fail(STATUS_DATA,
                               "%s: the data of tensor '%.100s' begin at %llu, no multiple of %llu", r->path,
                               t->name, (unsigned long long)offsets[i], (unsigned long long)alignment);
        if (data > size || offsets[i] > size - data || t->bytes > size - data - offsets[i])
            return status_fail(STATUS_DATA,
                               "%s: the data of tensor '%.100s' (%llu bytes from %llu) do not lie within the "
                               "file's %llu bytes: is it cut off?",
                               r->path, t->name, (unsigned long long)t->bytes, (unsigned long long)offsets[i],
                               (unsigned long long)size);
        t->data = r->begin + data + offsets[i];
        order[i] = t;
    }
    qsort(order, n, sizeof *order, by_position);
    for (size_t i = 1; i < n; i++)
        if (order[i - 1]->data + order[i - 1]->bytes > order[i]->data)
            return status_fail(STATUS_DATA, "%s: the data of the tensors '%.100s' and '%.100s' overlap",
                               r->path, order[i - 1]->name, order[i]->name);
    return STATUS_OK;
}

static enum status parse_entries(struct reader *r, uint64_t n_values, uint64_t n_tensors,
                                 struct string_map *keys, struct string_map *names, struct arena *arena,
                                 struct gguf *out)
{
    struct gguf_value *values;
    struct gguf_tensor *tensors;
    uint64_t *offsets;
    ARENA_NEW(values, arena, (size_t)n_values);
    out->values = values;
    for (; out->n_values < n_values; out->n_values++) {
        struct gguf_value *v = &values[out->n_values];
        TRY(take_name(r, "a metadata key", KEY_LONGEST, keys, arena, &v->key));
        TRY(read_value(r, v));
    }
    if (n_tensors > (uint64_t)(r->end - r->at) / LEAST_TENSOR)
        return status_fail(STATUS_DATA, "%s: the header claims %llu tensors, but only %zu bytes follow",
                           r->path, (unsigned long long)n_tensors, (size_t)(r->end - r->at));
    ARENA_NEW(tensors, arena, (size_t)n_tensors);
    ARENA_NEW(offsets, arena, (size_t)n_tensors);
    out->tensors = tensors;
    for (; out->n_tensors < n_tensors; out->n_tensors++) {
        struct gguf_tensor *t = &tensors[out->n_tensors];
        TRY(take_name(r, "a tensor's name", NAME_LONGEST, names, arena, &t->name));
        TRY(read_tensor(r, t, &offsets[out->n_tensors]));
    }
    int64_t alignment = 32;
    TRY(gguf_whole(out, "general.alignment", false, 0, INT64_MAX, &alignment));
    if (alignment < 8 || alignment > 65536 || (alignment & (alignment - 1)) != 0)
        return status_fail(STATUS_DATA,
                           "%s: general.alignment is %lld, expected a power of two from 8 to 65536", r->path,
                           (long long)alignment);
    return place_tensors(r, (uint64_t)alignment, tensors, offsets, (size_t)n_tensors, arena);
}

enum status gguf_parse(const char *path, const void *bytes, size_t n, struct arena *arena, struct gguf *out)
{
    if (n == 0)
        bytes = ""; /* a map of nothing is NULL */
    struct reader r = {path, bytes, bytes, (const unsigned char *)bytes + n};
    *out = (struct gguf){.path = path};
    char magic[4];
    uint64_t n_tensors = 0, n_values = 0;
    if (n < sizeof magic || memcmp(bytes, "GGUF", sizeof magic) != 0)
        return status_fail(STATUS_DATA, "%s: does not begin with GGUF, so it is no GGUF file", path);
    TRY(take(&r, magic, sizeof magic, "the magic"));
    TRY(take(&r, &out->version, sizeof out->version, "the version"));
    if (out->version != 2 && out->version != 3)
        return status_fail(STATUS_DATA, "%s: GGUF version %u; versions 2 and 3 are read", path, out->version);
    TRY(take(&r, &n_tensors, sizeof n_tensors, "the number of tensors"));
    TRY(take(&r, &n_values, sizeof n_values, "the number of metadata values"));
    const uint64_t left = (uint64_t)(r.end - r.at);
    if (n_values > left / LEAST_VALUE || n_tensors > left / LEAST_TENSOR || n_values > MOST_ENTRIES ||
        n_tensors > MOST_ENTRIES)
        return status_fail(STATUS_DATA,
                           "%s: the header claims %llu metadata values and %llu tensors, but %llu bytes "
                           "follow (and at most %d of either are read)",
                           path, (unsigned long long)n_values, (unsigned long long)n_tensors,
                           (unsigned long long)left, MOST_ENTRIES);
    struct string_map *keys = string_map_new(), *names = string_map_new();
    const enum status status = keys != NULL && names != NULL
                                   ? parse_entries(&r, n_values, n_tensors, keys, names, arena, out)
                                   : STATUS_SYSTEM;
    string_map_free(keys);
    string_map_free(names);
    return status;
}

const struct gguf_value *gguf_find(const struct gguf *file, const char *key)
{
    for (size_t i = 0; i < file->n_values; i++)
        if (strcmp(file->values[i].key, key) == 0)
            return &file->values[i];
    return NULL;
}

const struct gguf_tensor *gguf_tensor_find(const struct gguf *file, const char *name)
{
    for (size_t i = 0; i < file->n_tensors; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

static enum status missing(const struct gguf *file, const char *key)
{
    return status_fail(STATUS_DATA, "%s: the metadata lack '%s'", file->path, key);
}

static enum status wrong_kind(const struct gguf *file, const struct gguf_value *v, const char *wanted)
{
    return status_fail(STATUS_DATA, "%s: '%s' is of type %s%s, expected %s", file->path, v->key,
                       v->type == GGUF_ARRAY ? "array of " : "", types[v->element].name, wanted);
}

enum status gguf_whole(const struct gguf *file, const char *key, bool needed, int64_t low, int64_t high,
                       int64_t *out)
{
    const struct gguf_value *v = gguf_find(file, key);
    if (v == NULL)
        return needed ? missing(file, key) : STATUS_OK;
    uint64_t bits = 0;
    if (v->type > GGUF_I64 || v->type == GGUF_F32 || v->type == GGUF_BOOL || types[v->type].size == 0)
        return wrong_kind(file, v, "a whole number");
    memcpy(&bits, v->data, types[v->type].size);
    const unsigned shift = 64 - 8 * (unsigned)types[v->type].size;
    const bool is_signed =
        v->type == GGUF_I8 || v->type == GGUF_I16 || v->type == GGUF_I32 || v->type == GGUF_I64;
    const int64_t value = is_signed ? (int64_t)(bits << shift) >> shift : (int64_t)bits;
    if ((!is_signed && bits > INT64_MAX) || value < low || value > high)
        return status_fail(STATUS_DATA, "%s: '%s' is %lld, expected %lld to %lld", file->path, key,
                           (long long)value, (long long)low, (long long)high);
    *out = value;
    return STATUS_OK;
}

enum status gguf_real(const struct gguf *file, const char *key, bool needed, double low, double high,
                      double *out)
{
    const struct gguf_value *v = gguf_find(file, key);
    if (v == NULL)
        return needed ? missing(file, key) : STATUS_OK;
    if (v->type != GGUF_F32 && v->type != GGUF_F64)
        return wrong_kind(file, v, "a real number");
    float single = 0;
    double value = 0;
    memcpy(v->type == GGUF_F32 ? (void *)&single : (void *)&value, v->data, types[v->type].size);
    if (v->type == GGUF_F32)
        value = (double)single;
    if (!(value >= low && value <= high))
        return status_fail(STATUS_DATA, "%s: '%s' is %g, expected %g to %g", file->path, key, value, low,
                           high);
    *out = value;
    return STATUS_OK;
}

enum status gguf_bool(const struct gguf *file, const char *key, bool needed, bool *out)
{
    const struct gguf_value *v = gguf_find(file, key);
    if (v == NULL)
        return needed ? missing(file, key) : STATUS_OK;
    if (v->type != GGUF_BOOL)
        return wrong_kind(file, v, "a bool");
    *out = v->data[0] != 0;
    return STATUS_OK;
}

/* The string whose length stands at `at`: read_value() has checked it. */
static struct gguf_text text_at(const unsigned char *at)
{
    uint64_t length;
    memcpy(&length, at, sizeof length);
    return (struct gguf_text){(const char *)at + sizeof length, (size_t)length};
}

enum status gguf_string(const struct gguf *file, const char *key, bool needed, struct gguf_text *out)
{
    const struct gguf_value *v = gguf_find(file, key);
    if (v == NULL)
        return needed ? missing(file, key) : STATUS_OK;
    if (v->type != GGUF_STRING)
        return wrong_kind(file, v, "a string");
    *out = text_at(v->data);
    return STATUS_OK;
}

enum status gguf_strings(const struct gguf *file, const char *key, struct arena *arena,
                         struct gguf_text **out, uint64_t *n)
{
    const struct gguf_value *v = gguf_find(file, key);
    if (v == NULL)
        return missing(file, key);
    if (v->type != GGUF_ARRAY || v->element != GGUF_STRING)
        return wrong_kind(file, v, "an array of strings");
    struct gguf_text *texts;
    ARENA_NEW(texts, arena, (size_t)v->n);
    const unsigned char *at = v->data;
    for (uint64_t i = 0; i < v->n; i++) {
        texts[i] = text_at(at);
        at = (const unsigned char *)texts[i].bytes + texts[i].length;
    }
    *out = texts;
    *n = v->n;
    return STATUS_OK;
}

enum status gguf_numbers(const struct gguf *file, const char *key, enum gguf_type element,
                         const unsigned char **out, uint64_t *n)
{
    const struct gguf_value *v = gguf_find(file, key);
    if (v == NULL)
        return missing(file, key);
    if (v->type != GGUF_ARRAY || v->element != element)
        return wrong_kind(file, v, types[element].name);
    *out = v->data;
    *n = v->n;
    return STATUS_OK;
}
