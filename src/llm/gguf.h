/*
 * gguf.h - the GGUF model file: typed metadata and named tensors, mapped and checked before anything of it is used.
 */
#ifndef LLM_GGUF_H
#define LLM_GGUF_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum { GGUF_DIMS = 4 };

enum gguf_type {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_TYPES
};

struct gguf_text { /* bytes in the file, not terminated */
    const char *bytes;
    size_t length;
};

struct gguf_value {
    const char *key;           /* terminated, in the arena */
    enum gguf_type type;       /* of the value; GGUF_ARRAY: of many */
    enum gguf_type element;    /* arrays: of each */
    uint64_t n;                /* arrays: how many; 1 for a scalar */
    const unsigned char *data; /* the first one, at any alignment */
};

struct gguf_tensor {
    const char *name; /* terminated, in the arena */
    int type;         /* enum quant_type (kernels/quant.h) */
    size_t n_dims;
    uint64_t shape[GGUF_DIMS]; /* [0] is the row's length (weights side by side); 1 beyond n_dims */
    uint64_t n_rows;           /* product of shape[1 ..] */
    uint64_t bytes;
    const unsigned char *data;
};

struct gguf {
    const char *path; /* for messages */
    uint32_t version;
    size_t n_values, n_tensors;
    const struct gguf_value *values;   /* [n_values], in file order */
    const struct gguf_tensor *tensors; /* [n_tensors], in file order */
};

/* Reads a file's bytes, which must outlive *out.  Checked: magic, version (2 or 3), counts and lengths against the bytes that
 * are left (before anything is allocated), keys and names not empty and not twice there, types known, at most 4 dimensions, rows
 * of whole blocks, sizes that do not wrap, general.alignment a power of two from 8 to 65,536, data aligned, within the file and
 * without overlap.  At most 65,536 values and tensors, and memory for no more than the file can hold.  STATUS_DATA says what is wrong and where. */
enum status gguf_parse(const char *path, const void *bytes, size_t n, struct arena *arena, struct gguf *out);

const struct gguf_value *gguf_find(const struct gguf *file, const char *key);          /* NULL: not there */
const struct gguf_tensor *gguf_tensor_find(const struct gguf *file, const char *name); /* NULL: not there */

/* The value of a key: *out stays as it is where the key is missing and `needed` is false.  STATUS_DATA: missing though needed,
 * of another kind (whole numbers of any width pass for one another), or out of [low, high]. */
enum status gguf_whole(const struct gguf *file, const char *key, bool needed, int64_t low, int64_t high,
                       int64_t *out);
enum status gguf_real(const struct gguf *file, const char *key, bool needed, double low, double high,
                      double *out);
enum status gguf_bool(const struct gguf *file, const char *key, bool needed, bool *out);
enum status gguf_string(const struct gguf *file, const char *key, bool needed, struct gguf_text *out);

/* An array of strings as pointers into the file, [*n] in the arena; of numbers as they lie there.  STATUS_DATA: missing, or
 * of other elements. */
enum status gguf_strings(const struct gguf *file, const char *key, struct arena *arena,
                         struct gguf_text **out, uint64_t *n);
enum status gguf_numbers(const struct gguf *file, const char *key, enum gguf_type element,
                         const unsigned char **out, uint64_t *n);

#endif
