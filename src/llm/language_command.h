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

/* Each opens the GGUF file or folder `model`; statuses of decoder_open() and decoder_forward(), STATUS_USAGE for a text that
 * is longer than the model's context, STATUS_SYSTEM when `out` can't be written.  Texts are taken behind the begin-of-text token where
 * the model wants one; special: control tokens written out in them count as such. */

/* {"text", "ids", "top": [[id, logit], ...]}: the `top` best next tokens of a text, of equal ones the lower id first. */
enum status logits_print(const char *model, const char *text, bool special, uint32_t top, FILE *out,
                         const struct backend *backend);

/* {"continuation", "ids", "logprob"} a line: the log-probability of each text (tokens of its own) behind the prompt, which is
 * computed once for all. */
enum status score_print(const char *model, const char *prompt, const char *const *continuations, size_t n,
                        bool special, FILE *out, const struct backend *backend);

struct generate_options {
    uint32_t tokens;    /* at most so many */
    double temperature; /* 0: the best token each time */
    uint32_t top_k;     /* only the k best are drawn from; 0: all */
    double top_p,
        min_p; /* the fewest whose probability reaches top_p (Holtzman et al. 2020; 1: all); those of min_p of the best's */
    double
        repetition_penalty; /* of tokens already there: logits divided (negative ones times) by it (Keskar et al. 2019; 1: none) */
    uint64_t seed;
    const char *const *stops; /* [n_stops] texts at which it ends; they are left out */
    size_t n_stops;
    const char *const
        *choices; /* [n_choices] the only texts allowed, as tokens of their own; none: any text */
    size_t n_choices;
};
/* {"ids", "text"}: how the model goes on with the text, the new tokens alone. */
enum status generate_print(const char *model, const char *text, bool special,
                           const struct generate_options *options, FILE *out, const struct backend *backend);

#endif
