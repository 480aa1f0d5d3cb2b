/*
 * byte_bpe.h - byte-level byte-pair encoding (Radford et al. 2019): every byte is a printable character, words are cut out by a
 * pattern, and merged by a list of ranked pairs.  GPT-2, Llama 3, Qwen 2 and 3.
 */
#ifndef TEXT_BYTE_BPE_H
#define TEXT_BYTE_BPE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/vocabulary.h"

enum byte_bpe_pattern { BYTE_BPE_GPT2, BYTE_BPE_LLAMA3, BYTE_BPE_QWEN2 };
enum { BYTE_BPE_LONGEST = 2048 }; /* bytes of a merge that can be used */

struct byte_bpe {
    struct vocabulary vocabulary;
    struct vocabulary merges; /* "left right", in order of rank */
    enum byte_bpe_pattern pattern;
    bool whole_words; /* a word that is a piece stays whole, whatever the merges say (Llama 3) */
};

/* Bytes of the word at text[at], at < length. */
size_t byte_bpe_word(enum byte_bpe_pattern pattern, const char *text, size_t length, size_t at);

/* ids has room for one a byte of the text.  A byte without a piece of its own gives none.  STATUS_SYSTEM: memory is out. */
enum status byte_bpe_encode(const struct byte_bpe *model, const char *text, size_t length,
                            struct arena *arena, uint32_t *ids, size_t *n);

/* The bytes that a piece stands for, at most one a byte of it; returns their number.  Characters that stand for no byte stay. */
size_t byte_bpe_decode(const char *piece, size_t length, char *out);

#endif
