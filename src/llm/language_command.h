/*
 * language_command.h - `recfuse logits`, `score` and `generate`: what a decoder says of a text, one JSON line each.
 */
#ifndef LLM_LANGUAGE_COMMAND_H
#define LLM_LANGUAGE_COMMAND_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "backend/backend.h"
#include "llm/generate.h"

struct language_model {
    const char *path; /* a GGUF file, or a folder with one */
    enum decoder_activations activations;
    bool cache_int8; /* keys and values in 8 bits */
    const struct backend *backend;
};

/* Each opens the model; statuses of decoder_open() and decoder_forward(), STATUS_USAGE for a text that is longer than the model's
 * context, STATUS_SYSTEM when `out` can't be written.  Texts are taken behind the begin-of-text token where the model wants one;
 * special: control tokens written out in them count as such. */

/* {"text", "ids", "top": [[id, logit], ...]}: the `top` best next tokens of a text, of equal ones the lower id first. */
enum status logits_print(const struct language_model *model, const char *text, bool special, uint32_t top,
                         FILE *out);

/* {"continuation", "ids", "logprob"} a line: the log-probability of each text (tokens of its own) behind the prompt, which is
 * computed once for all. */
enum status score_print(const struct language_model *model, const char *prompt,
                        const char *const *continuations, size_t n, bool special, FILE *out);

struct generate_request {
    struct generate_options options; /* all but grammar, stream and context */
    const char *const
        *choices; /* [n_choices] the only texts allowed, as tokens of their own; none: any text */
    size_t n_choices;
    bool json;    /* one JSON value; not with choices */
    bool special; /* of the texts */
    bool stream;  /* a line {"index", "token", "new"} as each token comes */
};
/* {"ids", "text"} a text: how the model goes on with it, the new tokens alone.  All texts run together. */
enum status generate_print(const struct language_model *model, const char *const *texts, size_t n,
                           const struct generate_request *request, FILE *out);

#endif
