/*
 * safetensors.h - named arrays of numbers in one file (Hugging Face's format): a u64 little-endian length, a JSON header
 * of that length, then the raw row-major data.
 */
#ifndef LLM_SAFETENSORS_H
#define LLM_SAFETENSORS_H
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum { SAFETENSORS_DIMS = 8 };

struct safetensors_tensor {
    const char *name;
    const char *
        type; /* "F32", "F16", "BF16", "I64", ...; in memory also "Q4_0" and "Q8_0" (E5S1, safetensors_matrix.h) */
    size_t n_dims;
    uint64_t shape[SAFETENSORS_DIMS];
    uint64_t n;                /* elements: the product of the shape; 1 for a scalar */
    const unsigned char *data; /* [n elements], in the caller's bytes, at any alignment */
};

struct safetensors {
    const char *path; /* for messages */
    size_t n;
    const struct safetensors_tensor *tensors; /* [n], by position in the file */
};

/* Reads the header of the file's bytes, which must outlive *out, and checks all of it before anything is used: length
 * and JSON, no name twice, known types, shapes whose size is that of the data, data without holes or overlaps that end
 * with the file.  Memory, from the arena, is less than the header's own times a small constant.  STATUS_DATA says what
 * is wrong with which tensor.
 *
 * Bytes may come from read_whole_file() or mapped_open(), which says what happens when a mapped file shrinks. */
enum status safetensors_parse(const char *path, const void *bytes, size_t n, struct arena *arena,
                              struct safetensors *out);

/* Bytes of a number of that type; 0: there is no such type. */
uint64_t safetensors_type_bytes(const char *type);

/* The tensor of that name, or NULL. */
const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name);

/* Where the numbers of one tensor lie and their type (enum quant_type), all checked; of a type of floats or blocks.
 * STATUS_DATA as below. */
enum status safetensors_check(const struct safetensors *file, const char *name, size_t n_dims,
                              const uint64_t *shape, const unsigned char **data, int *type);

/* The numbers of one tensor as float32 in the arena, [product of shape]; of type F32, F16 or BF16, little-endian.
 * Nothing is allocated before the shape was found right.  STATUS_DATA: no such tensor, another shape, another type, a NaN
 * or an infinity in it. */
enum status safetensors_floats(const struct safetensors *file, const char *name, size_t n_dims,
                               const uint64_t *shape, struct arena *arena, float **out);

#endif
