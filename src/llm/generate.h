/*
 * generate.h - how a decoder goes on with texts: one or many at once, drawn or the best, free or within a grammar.
 */
#ifndef LLM_GENERATE_H
#define LLM_GENERATE_H
#include "llm/decoder.h"
#include "llm/grammar.h"
#include "llm/sample.h"

struct generate_options {
    uint32_t tokens; /* at most so many */
    struct sample_options sample;
    const char *const *stops; /* [n_stops] texts at which it ends; they are left out */
    size_t n_stops;
    const struct grammar *grammar; /* NULL: any text */
    bool cache_int8;               /* keys and values in 8 bits */
    /* NULL, or called with each new token of text `which` and what it adds to the text, whole characters only, none of a stop. */
    enum status (*stream)(void *context, size_t which, uint32_t token, const char *bytes, size_t length);
    void *context;
};

struct generated {
    uint32_t *ids; /* [n] the new tokens */
    size_t n;
    char *text; /* of the new tokens, cut at a stop */
    size_t length;
};

struct prompt {
    const uint32_t *ids; /* [n], at least one */
    size_t n;
};

/* Goes on with every prompt, out [n_prompts] in the arena.  What the prompts begin with in common runs once; then all texts take a step
 * at a time together.  A text's draws depend on the seed and its number, not on the others.  Ends with an end token, at a stop, at the
 * grammar's end, at `tokens`, or at the model's context.  Statuses of decoder_forward(). */
enum status generate(const struct decoder *decoder, const struct prompt *prompts, size_t n_prompts,
                     const struct generate_options *options, struct arena *arena, struct generated *out);

#endif
