/*
 * compress_rows.h - a matrix on its way into a smaller model: rows and columns that stay, weights that are pruned, the type that they get.
 */
#ifndef LLM_COMPRESS_ROWS_H
#define LLM_COMPRESS_ROWS_H
#include "llm/compress.h"

struct compress_part {
    const uint32_t *rows, *columns; /* those that stay, rising; NULL: all */
    size_t n_rows, n_columns;
    bool pruned; /* weights of a block's matrix: options' sparsity and two_four are for them */
    int type;    /* as asked for (quantize.h) */
};

/* Does the matrix stay as it is, but for its type? */
bool compress_changes_weights(const struct compress_part *p, const struct compress_options *o);
/* The importance of the columns that stay, [n_columns] in the arena; NULL for NULL. */
enum status compress_importance(const struct compress_part *p, const float *importance, struct arena *arena,
                                const float **out);
/* m rows x [m x k], k columns as they were, into blocks, quant_row_bytes() of quantize_stored() each.  importance: of those that stay. */
enum status compress_rows(const struct compress_part *p, const struct compress_options *o,
                          const float *importance, const float *x, size_t m, size_t k, unsigned char *out);

#endif
