/*
 * grammar.h - what a language model may say: one of some texts (item titles), or one JSON value.
 */
#ifndef LLM_GRAMMAR_H
#define LLM_GRAMMAR_H
#include <stdbool.h>

#include "llm/tokenizer.h"

struct grammar;

/* Only the given texts, as tokens of their own: a trie over tokens.  Everything lives in the arena.  STATUS_USAGE: no text, or one
 * without a token. */
enum status grammar_choices(const struct tokenizer *tokenizer, const char *const *texts, size_t n,
                            struct arena *arena, struct grammar **out);
/* One JSON value (RFC 8259), at most GRAMMAR_JSON_DEPTH deep, with at most one blank between two signs, numbers of at most 15 digits
 * and exponents of two, no \u escape that is half a pair or NUL. */
enum { GRAMMAR_JSON_DEPTH = 32 };
enum status grammar_json(const struct tokenizer *tokenizer, struct arena *arena, struct grammar **out);

/* Where one text has got to; zeroed at its beginning. */
struct grammar_state {
    uint32_t low, high, depth; /* choices: those that begin as the text does, and its tokens */
    bool begun;
    unsigned char stack[GRAMMAR_JSON_DEPTH]; /* JSON: open '[' and '{' */
    unsigned char mode, n_stack, key, left, digits, literal, first, blank, form;
};

/* The tokens that may follow, rising, in out [vocabulary]; *may_end: the text may end here.  `left`: how many tokens there is room for;
 * where they get few a JSON value is made to close (with room for two tokens and more it always does).  Returns how many. */
size_t grammar_next(const struct grammar *grammar, const struct grammar_state *state, uint32_t left,
                    uint32_t *out, bool *may_end);
/* The token, one of grammar_next()'s, was taken. */
void grammar_take(const struct grammar *grammar, struct grammar_state *state, uint32_t token);

#endif
