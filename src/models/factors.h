/*
 * factors.h - scores of factor models, in tiles of one fixed shape.
 *
 * On the CPU the items are packed once into the panels of nn_linear (kernels/nn.h), where sgemm packs them at every call: a product
 * here takes four fifths of its time (bench/ranking).  On a device tiles go to backend_sgemm().  Either way a score depends on user and
 * item (and, by sgemm, the item's place) alone, not on who else is ranked with the user: ends are padded, since BLAS computes the edge
 * of a matrix by other code than its middle.  The shape: 144 x 928 floats (522 KiB) stay in the second-level cache, 144 is whole tiles
 * of nn_linear's 12 and sgemm's 16, and 928 is no power of two, whose rows would fall on the same cache lines.
 */
#ifndef MODELS_FACTORS_H
#define MODELS_FACTORS_H
#include "models/model.h"

enum { FACTORS_ROWS = 144, FACTORS_COLS = 928 };

struct factors_tiles {
    const struct factors *f;
    /* On the CPU: [n_tiles x FACTORS_COLS / 32][factors][32] the items, and as many zeros as a tile has columns. */
    float *panels, *zeros;
    /* Elsewhere: [FACTORS_COLS x factors] the last, incomplete tile's items, padded with zeros. */
    float *last;
};

/* For products on that backend.  Memory is malloc's: factors_tiles_close() frees it. */
enum status factors_tiles_open(const struct factors *f, const struct backend *backend,
                               struct factors_tiles *tiles);
void factors_tiles_close(struct factors_tiles *tiles);
/* packed [FACTORS_ROWS x factors]: rows of users[0 .. n - 1], n at most FACTORS_ROWS, zeros below. */
void factors_pack(const struct factors *f, const uint32_t *users, size_t n, float *packed);
/* scores [FACTORS_ROWS x ld] = packed . items first_item .. first_item + FACTORS_COLS - 1; first_item a
 * multiple of FACTORS_COLS, ld at least FACTORS_COLS.  Only the product: biases and offset are the caller's.
 */
enum status factors_tile(const struct factors_tiles *tiles, const struct backend *backend,
                         const float *packed, uint32_t first_item, float *scores, size_t ld);

#endif
