/* vectors.c - see vectors.h. */
#include "llm/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "llm/safetensors_write.h"

bool vectors_are_in(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    if (file_exists(path))
        return false;
    snprintf(path, sizeof path, "%s/" VECTORS_FILE, folder);
    return file_exists(path);
}

/* The tensor of that name and type. */
static enum status find(const struct safetensors *file, const char *name, const char *type, size_t n_dims,
                        const struct safetensors_tensor **out)
{
    *out = safetensors_find(file, name);
    if (*out == NULL || strcmp((*out)->type, type) != 0 || (*out)->n_dims != n_dims)
        return status_fail(STATUS_DATA,
                           "%s: '%s' is not there as %s of %zu dimensions; make the file again with recfuse "
                           "import-embeddings",
                           file->path, name, type, n_dims);
    return STATUS_OK;
}

static enum status read_ids(const struct safetensors *file, const struct safetensors_tensor *offsets,
                            const struct safetensors_tensor *ids, struct vectors *out)
{
    uint64_t before = 0;
    for (uint32_t i = 0; i <= out->n; i++) {
        uint64_t at;
        memcpy(&at, offsets->data + 8 * (size_t)i, sizeof at);
        if (i == 0 ? at != 0 : at <= before || at > ids->n)
            return status_fail(STATUS_DATA, "%s: the id of row %u is empty or lies beyond the ids",
                               file->path, i == 0 ? 0 : i - 1);
        if (i > 0) {
            const uint32_t number =
                string_map_add(out->ids, (const char *)ids->data + before, (size_t)(at - before));
            if (number == UINT32_MAX)
                return STATUS_SYSTEM;
            if (number != i - 1)
                return status_fail(STATUS_DATA, "%s: rows %u and %u have the same id", file->path, number,
                                   i - 1);
        }
        before = at;
    }
    return before == ids->n ? STATUS_OK
                            : status_fail(STATUS_DATA, "%s: %llu bytes of ids belong to no row", file->path,
                                          (unsigned long long)(ids->n - before));
}

static enum status read_all(const char *path, struct arena *arena, struct vectors *out)
{
    const struct safetensors_tensor *offsets, *values, *ids;
    const unsigned char *data;
    struct safetensors file;
    int type;
    TRY(mapped_open(path, &out->map));
    TRY(safetensors_parse(path, out->map.bytes, out->map.n, arena, &file));
    TRY(find(&file, "offsets", "U64", 1, &offsets));
    TRY(find(&file, "vectors", "F32", 2, &values));
    TRY(find(&file, "ids", "U8", 1, &ids));
    if (values->shape[0] < 1 || values->shape[0] >= UINT32_MAX || values->shape[1] < 1 ||
        values->shape[1] > 1 << 20 || offsets->n != values->shape[0] + 1 ||
        (uintptr_t)values->data % sizeof(float) != 0)
        return status_fail(STATUS_DATA, "%s: %llu x %llu vectors and %llu offsets do not fit each other",
                           path, (unsigned long long)values->shape[0], (unsigned long long)values->shape[1],
                           (unsigned long long)offsets->n);
    TRY(safetensors_check(&file, "vectors", 2, values->shape, &data, &type));
    out->n = (uint32_t)values->shape[0];
    out->d = (uint32_t)values->shape[1];
    out->value = (const float *)(const void *)data;
    out->ids = string_map_new();
    return out->ids != NULL ? read_ids(&file, offsets, ids, out) : STATUS_SYSTEM;
}

enum status vectors_open(const char *folder, struct vectors *out)
{
    char path[4096];
    struct arena *arena = arena_new();
    *out = (struct vectors){0};
    snprintf(path, sizeof path, "%s/" VECTORS_FILE, folder);
    const enum status status = arena != NULL ? read_all(path, arena, out) : STATUS_SYSTEM;
    arena_free(arena);
    if (status != STATUS_OK)
        vectors_close(out);
    return status;
}

void vectors_close(struct vectors *vectors)
{
    string_map_free(vectors->ids);
    mapped_close(&vectors->map);
    *vectors = (struct vectors){0};
}

const float *vectors_find(const struct vectors *vectors, const char *id, size_t length)
{
    const uint32_t row = string_map_find(vectors->ids, id, length);
    return row == UINT32_MAX ? NULL : vectors->value + (size_t)row * vectors->d;
}

/* ------------------------------------------------------------------ writing */

static enum status ids_differ(const struct strings *ids)
{
    struct string_map *seen = string_map_new();
    enum status status = seen != NULL ? STATUS_OK : STATUS_SYSTEM;
    for (uint64_t i = 0; i < ids->n && status == STATUS_OK; i++) {
        const char *id = strings_at(ids, i);
        const size_t length = strings_length(ids, i);
        const uint32_t number = length > 0 ? string_map_add(seen, id, length) : 0;
        if (length == 0)
            status = status_fail(STATUS_DATA, "the id of row %llu is empty", (unsigned long long)i);
        else if (number == UINT32_MAX)
            status = STATUS_SYSTEM;
        else if (number != i)
            status = status_fail(STATUS_DATA, "the id '%.*s' stands at rows %u and %llu: a vector has one id",
                                 (int)(length < 60 ? length : 60), id, number, (unsigned long long)i);
    }
    string_map_free(seen);
    return status;
}

enum status vectors_write(const char *folder, const struct strings *ids, uint32_t d, const float *value,
                          const char *source, const char *source_sha256)
{
    const struct safetensors_note notes[] = {
        {"format", "recfuse vectors"}, {"source", source}, {"source_sha256", source_sha256}, {NULL, NULL}};
    struct safetensors_tensor tensors[] = {{.name = "offsets",
                                            .type = "U64",
                                            .n_dims = 1,
                                            .shape = {ids->n + 1},
                                            .data = (const unsigned char *)ids->offsets},
                                           {.name = "vectors",
                                            .type = "F32",
                                            .n_dims = 2,
                                            .shape = {ids->n, d},
                                            .data = (const unsigned char *)value},
                                           {.name = "ids",
                                            .type = "U8",
                                            .n_dims = 1,
                                            .shape = {ids->offsets[ids->n]},
                                            .data = (const unsigned char *)ids->bytes}};
    char path[4096];
    TRY(ids_differ(ids));
    TRY(make_folders(folder));
    snprintf(path, sizeof path, "%s/" VECTORS_FILE, folder);
    return safetensors_write(path, notes, tensors, 3);
}
