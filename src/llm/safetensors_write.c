/* safetensors_write.c - see safetensors_write.h. */
#include "llm/safetensors_write.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"

static uint64_t elements(const struct safetensors_tensor *t)
{
    uint64_t n = 1;
    for (size_t i = 0; i < t->n_dims; i++)
        n *= t->shape[i];
    return n;
}

uint64_t safetensors_bytes(const struct safetensors_tensor *t)
{
    return elements(t) * safetensors_type_bytes(t->type);
}

static int larger_first(const void *left, const void *right)
{
    const struct safetensors_tensor *a = left, *b = right;
    const uint64_t x = safetensors_type_bytes(a->type), y = safetensors_type_bytes(b->type);
    return x != y ? (x < y ? 1 : -1) : strcmp(a->name, b->name);
}

/* The header with spaces behind it, to a multiple of 8 bytes; malloc'ed. */
static char *make_header(const struct safetensors_note *notes, const struct safetensors_tensor *tensors,
                         size_t n, size_t *length)
{
    json_t *json = json_object(), *metadata = json_object();
    uint64_t at = 0;
    for (; notes->key != NULL; notes++)
        json_object_set_new(metadata, notes->key, json_string(notes->value));
    json_object_set_new(json, "__metadata__", metadata);
    for (size_t i = 0; i < n && json != NULL; i++) {
        json_t *shape = json_array();
        for (size_t d = 0; d < tensors[i].n_dims; d++)
            json_array_append_new(shape, json_integer((json_int_t)tensors[i].shape[d]));
        const uint64_t end = at + safetensors_bytes(&tensors[i]);
        json_object_set_new(json, tensors[i].name,
                            json_pack("{s:s,s:o,s:[I,I]}", "dtype", tensors[i].type, "shape", shape,
                                      "data_offsets", (json_int_t)at, (json_int_t)end));
        at = end;
    }
    const size_t n_text = json != NULL ? json_dumpb(json, NULL, 0, JSON_COMPACT) : 0;
    *length = (n_text + 7) / 8 * 8;
    char *padded = n_text > 0 ? malloc(*length + 1) : NULL;
    if (padded != NULL) {
        memset(padded, ' ', *length);
        json_dumpb(json, padded, n_text, JSON_COMPACT);
    }
    json_decref(json);
    return padded;
}

enum status safetensors_write(const char *path, const struct safetensors_note *notes,
                              struct safetensors_tensor *tensors, size_t n)
{
    struct atomic_file file;
    size_t length = 0;
    qsort(tensors, n, sizeof *tensors, larger_first);
    char *header = make_header(notes, tensors, n, &length);
    if (header == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: the header of %s", path);
    enum status status = atomic_open(&file, path);
    if (status == STATUS_OK) {
        const uint64_t n_header = length;
        fwrite(&n_header, sizeof n_header, 1, file.stream); /* atomic_commit() sees what failed */
        fwrite(header, 1, length, file.stream);
        for (size_t i = 0; i < n; i++)
            fwrite(tensors[i].data, 1, (size_t)safetensors_bytes(&tensors[i]), file.stream);
        status = atomic_commit(&file);
    }
    free(header);
    return status;
}
