/*
 * embed_command.h - `recfuse embed`: texts in, one JSON line a text out.
 */
#ifndef LLM_EMBED_COMMAND_H
#define LLM_EMBED_COMMAND_H
#include <stddef.h>
#include <stdio.h>

#include "llm/encoder.h"

/* Writes {"text": ..., "ids": [...], "embedding": [...]} for each of the texts (terminated), or, where n_texts is 0, for
 * each line of `in` (without its end, "\n" or "\r\n"); order kept, some hundred lines at a time, so that a stream of any
 * length passes.  Numbers as %.9g, which read back to the same float32.  Bytes of a text that are not UTF-8 are shown as
 * U+FFFD.  Statuses: encoder_open_with()'s; STATUS_SYSTEM when `in` can't be read or `out` not be written. */
enum status embed_print(const char *folder, const char *const *texts, size_t n_texts, FILE *in, FILE *out,
                        const struct encoder_options *options, const struct backend *backend);

#endif
