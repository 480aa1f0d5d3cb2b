/*
 * tokenize_command.h - `recfuse tokenize`: texts in, one JSON line with token ids a text out.
 */
#ifndef LLM_TOKENIZE_COMMAND_H
#define LLM_TOKENIZE_COMMAND_H
#include <stdbool.h>
#include <stdio.h>

#include "backend/backend.h"

/* Writes {"text": ..., "ids": [...]} for each text, or each line of `in` where n_texts is 0.  `model`: a GGUF file or folder
 * (the ids begin with what the model wants before a text; `special`: control tokens in the text count), or an encoder's
 * folder.  Statuses: gguf_file_open()'s, tokenizer_open()'s, encoder_open()'s; STATUS_SYSTEM when reading or writing
 * fails. */
enum status tokenize_print(const char *model, bool special, const char *const *texts, size_t n_texts,
                           FILE *in, FILE *out, const struct backend *backend);

#endif
