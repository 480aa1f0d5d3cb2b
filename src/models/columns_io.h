/*
 * columns_io.h - strings and item columns as arrays of a model's file, for models that look at them when they score.
 */
#ifndef MODELS_COLUMNS_IO_H
#define MODELS_COLUMNS_IO_H
#include "models/model_io.h"

/* As PREFIX_bytes (four to a word) and PREFIX_ends. */
enum status strings_put(struct model_writer *w, const char *prefix, const struct strings *s,
                        struct arena *scratch);
/* n 0: any number.  STATUS_DATA: ends that fall or pass the bytes. */
enum status strings_get(struct model_reader *r, const char *prefix, uint64_t n, struct arena *arena,
                        struct strings *out);
/* A whole column, with its name and kind. */
enum status column_put(struct model_writer *w, const char *prefix, const struct column *c, uint32_t n_items,
                       struct arena *scratch);
enum status column_get(struct model_reader *r, const char *prefix, uint32_t n_items, struct arena *arena,
                       struct column *out);

#endif
