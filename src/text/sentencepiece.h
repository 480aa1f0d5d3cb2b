/*
 * sentencepiece.h - SentencePiece's two models (Kudo and Richardson 2018): byte-pair merging by scores, with byte tokens for what
 * no piece covers (Llama, Gemma), and Unigram (Kudo 2018), the most probable cut (XLM-RoBERTa, e5).
 */
#ifndef TEXT_SENTENCEPIECE_H
#define TEXT_SENTENCEPIECE_H
#include <stddef.h>
#include <stdint.h>

#include "text/vocabulary.h"

struct sentencepiece {
    struct vocabulary vocabulary;
    const float *score; /* [n] */
    uint32_t byte[256]; /* the byte tokens' numbers; UINT32_MAX: none */
    uint32_t unknown;   /* the number for what nothing covers */
    float least;        /* the lowest score; Unigram alone looks at it */
};

/* Merges the characters of the text (spaces already written as U+2581).  A character that no piece is becomes its byte tokens, or
 * `unknown` where there are none; so do the bytes of ill-formed UTF-8.  ids has room for one a byte.  Never more than `length`
 * ids.  STATUS_SYSTEM: memory is out. */
enum status sentencepiece_merge(const struct sentencepiece *model, const char *text, size_t length,
                                struct arena *arena, uint32_t *ids, size_t *n);

/* Viterbi's table: the best cut of the text before a place. */
struct sentencepiece_place {
    double score;
    uint32_t id, bytes; /* its last piece */
};
/* Unigram: the cut of the text into pieces whose scores sum to the most; a character that no piece covers alone may count as `unknown`,
 * with the lowest score - 10, and neighbours of those become one (as sentencepiece and tokenizers do).  best has room for length + 1; ids
 * as above.  Needs no memory of its own. */
void sentencepiece_cut(const struct sentencepiece *model, const char *text, size_t length,
                       struct sentencepiece_place *best, uint32_t *ids, size_t *n);

#endif
