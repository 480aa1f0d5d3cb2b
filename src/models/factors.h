/*
 * factors.h - scores of factor models by GEMM, in tiles of one fixed shape.
 *
 * A tile is always FACTORS_ROWS users x FACTORS_COLS items: ends are padded, since BLAS computes the edge of
 * a matrix by other code than its middle.  So a score depends on user and item (and the item's place) alone,
 * not on who else is ranked with the user.  The shape: 128 x 928 floats (464 KiB) stay in the second-level
 * cache, 128 users pay for packing the items, and 928 is no power of two, whose rows would fall on the same
 * cache lines (measured: 92 GFLOP/s of sgemm's 95; 1024 columns: 70 to 89).
 */
#ifndef MODELS_FACTORS_H
#define MODELS_FACTORS_H
#include "models/model.h"

enum { FACTORS_ROWS = 128, FACTORS_COLS = 928 };

struct factors_tiles {
    const struct factors *f;
    float *last; /* [FACTORS_COLS x factors] the last, incomplete tile's items, padded with zeros */
};

/* Memory for `last`, from malloc: factors_tiles_close() frees it. */
enum status factors_tiles_open(const struct factors *f, struct factors_tiles *tiles);
void factors_tiles_close(struct factors_tiles *tiles);
/* packed [FACTORS_ROWS x factors]: rows of users[0 .. n - 1], n at most FACTORS_ROWS, zeros below. */
void factors_pack(const struct factors *f, const uint32_t *users, size_t n, float *packed);
/* scores [FACTORS_ROWS x ld] = packed . items first_item .. first_item + FACTORS_COLS - 1; first_item a
 * multiple of FACTORS_COLS, ld at least FACTORS_COLS.  Only the product: biases and offset are the caller's.
 */
enum status factors_tile(const struct factors_tiles *tiles, const struct backend *backend,
                         const float *packed, uint32_t first_item, float *scores, size_t ld);

#endif
