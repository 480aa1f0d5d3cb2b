/*
 * gguf_write.h - a GGUF file made from another one: its metadata, tensors of new types and shapes.
 */
#ifndef LLM_GGUF_WRITE_H
#define LLM_GGUF_WRITE_H
#include <stdio.h>

#include "llm/gguf.h"

/* A whole number of the metadata that takes another's place, or is added. */
struct gguf_change {
    const char *key;
    uint32_t value;
};

struct gguf_plan {
    const char *name;
    int type; /* enum quant_type */
    size_t n_dims;
    uint64_t shape[GGUF_DIMS];
};

/* Writes magic, version 3, the source's metadata with the changes, and the tensors' entries; then zeros up to the first tensor's data.  Data
 * must follow in the plan's order, each padded by gguf_write_pad().  Alignment is 32.  STATUS_SYSTEM: `out` can't be written. */
enum status gguf_write_header(const struct gguf *source, const struct gguf_change *changes, size_t n_changes,
                              const struct gguf_plan *plan, size_t n_tensors, FILE *out);
/* Zeros behind n bytes of data, up to the next tensor's. */
enum status gguf_write_pad(uint64_t n, FILE *out);
uint64_t gguf_plan_bytes(const struct gguf_plan *plan);

#endif
