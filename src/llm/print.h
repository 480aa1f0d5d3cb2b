/*
 * print.h - what the commands of the language model share: texts from arguments or lines, JSON out.
 */
#ifndef LLM_PRINT_H
#define LLM_PRINT_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/* The bytes as a JSON string; those that are not UTF-8 are shown as U+FFFD.  STATUS_SYSTEM when memory is out or `out` can't be
 * written. */
enum status print_json_text(const char *text, size_t length, FILE *out);
/* [1, 2, 3] */
void print_json_ids(const uint32_t *ids, size_t n, FILE *out);
/* Flushes; STATUS_SYSTEM when anything before could not be written. */
enum status print_flush(FILE *out);

/* Calls `each` for every text (terminated), or, where n_texts is 0, for every line of `in` without its end ("\n" or "\r\n").
 * STATUS_SYSTEM when `in` can't be read; else what `each` returns. */
enum status print_each(const char *const *texts, size_t n_texts, FILE *in,
                       enum status (*each)(void *context, const char *text, size_t length), void *context);

#endif
