/*
 * safetensors_write.h - a safetensors file made from tensors in memory.
 */
#ifndef LLM_SAFETENSORS_WRITE_H
#define LLM_SAFETENSORS_WRITE_H
#include "llm/safetensors.h"

/* What the file says of itself: keys and values, NULL-ended. */
struct safetensors_note {
    const char *key, *value;
};

/* Writes `path`, whole or not at all: the tensors (name, type, n_dims, shape, data are read), those of the largest numbers first, then by
 * name, so that each lies aligned, as the format's own writer does it.  Sorts the array.  STATUS_SYSTEM: disk, memory. */
enum status safetensors_write(const char *path, const struct safetensors_note *notes,
                              struct safetensors_tensor *tensors, size_t n);

/* Bytes of the tensor's data. */
uint64_t safetensors_bytes(const struct safetensors_tensor *t);

#endif
