/*
 * linear_map.h - ridge regression of many numbers at once on an item's text vector: the map from what is known of an item to what
 * was learned of it (Hoerl, Kennard 1970; for cold items Gantner, Drumond, Freudenthaler, Rendle, Schmidt-Thieme, ICDM 2010).
 */
#ifndef FUSION_LINEAR_MAP_H
#define FUSION_LINEAR_MAP_H
#include "backend/backend.h"
#include "base/arena.h"

struct linear_map {
    uint32_t d, k;
    float *W; /* [d x k] */
    float *b; /* [k] */
};

/* Minimises  sum_i weight_i |y_i - x_i W - b|^2 + regularization |W|^2  over the n rows of X [n x d] and Y [n x ldy], of which k columns
 * count; b has no penalty (without `intercept`: b is 0).  weight [n]: NULL all ones; a row of weight 0 is as if not there.  d may be 0: b is then the mean, and W
 * and b are 0 where no row has a weight.  Solved in double by Cholesky's decomposition from products in single precision;
 * the same bits for any number of threads.  W and b in `arena`.  `model` goes into the sentence of STATUS_USAGE: X'X +
 * regularization is not positive definite. */
enum status linear_map_fit(const struct backend *b, const char *model, const float *X, uint32_t n, uint32_t d,
                           const float *Y, size_t ldy, uint32_t k, const float *weight, double regularization,
                           bool intercept, struct arena *arena, struct arena *scratch,
                           struct linear_map *out);
/* out [n x ldo] = X W + b. */
enum status linear_map_apply(const struct backend *b, const struct linear_map *map, const float *X,
                             uint32_t n, float *out, size_t ldo);

/* *out [d x d] = (sum_i weight_i x_i' x_i + regularization)^-1, in the arena; the rest as above. */
enum status linear_map_inverse(const struct backend *b, const char *model, const float *X, uint32_t n,
                               uint32_t d, const float *weight, double regularization, struct arena *arena,
                               struct arena *scratch, float **out);

/* Weights 1 of items with train rows, 0 of the others: [n_items of by_item], in the arena. */
struct csr;
enum status linear_map_warm(const struct csr *by_item, struct arena *arena, float **weight);

#endif
