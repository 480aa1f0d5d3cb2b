/*
 * tokenizer_parts.h - what tokenizer.c and tokenizer_open.c share; not for other rooms.
 */
#ifndef LLM_TOKENIZER_PARTS_H
#define LLM_TOKENIZER_PARTS_H
#include "llm/tokenizer.h"
#include "text/byte_bpe.h"
#include "text/unigram.h"

enum token_type { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE };
#define SPACE "\xE2\x96\x81" /* U+2581 stands for a space */

enum tokenizer_model { TOKENIZER_SCORES, TOKENIZER_RANKS, TOKENIZER_UNIGRAM }; /* "llama", "gpt2", "t5" */

struct tokenizer {
    enum tokenizer_model model;
    struct sentencepiece scores; /* its vocabulary has all pieces, of Unigram too */
    struct byte_bpe ranks;
    struct unigram unigram;
    const struct vocabulary *vocabulary; /* all pieces */
    const unsigned char *type;           /* [n], enum token_type */
    uint32_t begin, end, turn_end;       /* UINT32_MAX: none */
    bool add_begin, add_space;
    struct vocabulary special;    /* pieces of user-defined, control and unknown tokens */
    const uint32_t *special_id;   /* [special.n] */
    bool special_begins[256];     /* with this byte */
    uint32_t n_lengths, *lengths; /* of special tokens, longest first */
};

#endif
