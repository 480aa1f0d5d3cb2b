/* gguf_write.c - see gguf_write.h.  Format: ggml/docs/gguf.md. */
#include "llm/gguf_write.h"

#include <string.h>

#include "quant.h"

enum { ALIGNMENT = 32 };

static void put(FILE *out, const void *bytes, size_t n, uint64_t *written)
{
    fwrite(bytes, 1, n, out);
    *written += n;
}
static void put_u32(FILE *out, uint32_t x, uint64_t *written)
{
    put(out, &x, sizeof x, written);
}
static void put_u64(FILE *out, uint64_t x, uint64_t *written)
{
    put(out, &x, sizeof x, written);
}
static void put_text(FILE *out, const char *text, uint64_t *written)
{
    put_u64(out, strlen(text), written);
    put(out, text, strlen(text), written);
}

/* Bytes of a value as it lies in the file. */
static size_t value_bytes(const struct gguf_value *v)
{
    static const size_t sizes[GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (v->element != GGUF_STRING)
        return (size_t)v->n * sizes[v->element];
    size_t bytes = 0;
    for (uint64_t i = 0; i < v->n; i++) {
        uint64_t length;
        memcpy(&length, v->data + bytes, sizeof length);
        bytes += sizeof length + (size_t)length;
    }
    return bytes;
}

static const struct gguf_change *change_of(const char *key, const struct gguf_change *changes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(changes[i].key, key) == 0)
            return &changes[i];
    return NULL;
}

static void put_value(const struct gguf_value *v, const struct gguf_change *change, FILE *out,
                      uint64_t *written)
{
    put_text(out, v->key, written);
    if (change != NULL) {
        put_u32(out, GGUF_U32, written);
        put_u32(out, change->value, written);
        return;
    }
    put_u32(out, v->type, written);
    if (v->type == GGUF_ARRAY) {
        put_u32(out, v->element, written);
        put_u64(out, v->n, written);
    }
    put(out, v->data, value_bytes(v), written);
}

static enum status written_well(FILE *out)
{
    return ferror(out) ? status_fail(STATUS_SYSTEM, "the model file can't be written: is the disk full?")
                       : STATUS_OK;
}

uint64_t gguf_plan_bytes(const struct gguf_plan *plan)
{
    uint64_t rows = 1;
    for (size_t i = 1; i < plan->n_dims; i++)
        rows *= plan->shape[i];
    return rows * quant_row_bytes(plan->type, (size_t)plan->shape[0]);
}

enum status gguf_write_pad(uint64_t n, FILE *out)
{
    static const char zeros[ALIGNMENT];
    fwrite(zeros, 1, (ALIGNMENT - n % ALIGNMENT) % ALIGNMENT, out);
    return written_well(out);
}

enum status gguf_write_header(const struct gguf *source, const struct gguf_change *changes, size_t n_changes,
                              const struct gguf_plan *plan, size_t n_tensors, FILE *out)
{
    uint64_t written = 0, n_values = 0, offset = 0;
    for (size_t i = 0; i < source->n_values; i++)
        n_values += strcmp(source->values[i].key, "general.alignment") != 0;
    for (size_t i = 0; i < n_changes; i++)
        n_values += gguf_find(source, changes[i].key) == NULL;
    put(out, "GGUF", 4, &written);
    put_u32(out, 3, &written);
    put_u64(out, n_tensors, &written);
    put_u64(out, n_values, &written);
    for (size_t i = 0; i < source->n_values; i++) {
        const struct gguf_value *v = &source->values[i];
        if (strcmp(v->key, "general.alignment") != 0)
            put_value(v, change_of(v->key, changes, n_changes), out, &written);
    }
    for (size_t i = 0; i < n_changes; i++)
        if (gguf_find(source, changes[i].key) == NULL)
            put_value(&(struct gguf_value){.key = changes[i].key}, &changes[i], out, &written);
    for (size_t i = 0; i < n_tensors; i++) {
        put_text(out, plan[i].name, &written);
        put_u32(out, (uint32_t)plan[i].n_dims, &written);
        for (size_t k = 0; k < plan[i].n_dims; k++)
            put_u64(out, plan[i].shape[k], &written);
        put_u32(out, (uint32_t)plan[i].type, &written);
        put_u64(out, offset, &written);
        offset += (gguf_plan_bytes(&plan[i]) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    return gguf_write_pad(written, out);
}
