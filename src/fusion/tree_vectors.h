/*
 * tree_vectors.h - what trees see of a user's and an item's text vector: their cosine, and, over the first principal components of the items'
 * vectors, the two themselves (a concatenation), their product and the absolute value of their difference.
 *
 * A tree splits on one column at a time, so a concatenation says something here that it can't say to a linear head; but vectors of hundreds of
 * columns would be hundreds of thin slices, and so the blocks take a few components.
 */
#ifndef FUSION_TREE_VECTORS_H
#define FUSION_TREE_VECTORS_H
#include "models/item_vectors.h"

#define TREE_VECTORS_FEATURES "cosine|user|item|product|difference"

struct tree_vectors {
    bool cosine, user, item, product, difference;
    uint32_t d, k;           /* of the items' vectors, 0: no text; of the blocks, 0: there are none */
    const float *directions; /* [d x k] */
    const float *items;      /* [n_items x k] */
};

/* Blocks of that list, over at most so many components. */
void tree_vectors_choose(const struct param_list *features, uint32_t components, struct tree_vectors *out);
/* Sets d, k, directions and items. */
enum status tree_vectors_describe(struct tree_vectors *v, const struct backend *b,
                                  const struct item_vectors *items, struct arena *arena,
                                  struct arena *scratch);
uint32_t tree_vectors_columns(const struct tree_vectors *v);
/* Into name [columns]. */
enum status tree_vectors_names(const struct tree_vectors *v, struct arena *arena, const char **name);
/* Components [n x k] of n users from their vectors [n x d]. */
enum status tree_vectors_users(const struct tree_vectors *v, const struct backend *b, const float *vectors,
                               size_t n, float *out);
/* Writes the columns of one user (vector [d], components [k]) and one item (vector [d]); returns where they end. */
float *tree_vectors_row(const struct tree_vectors *v, const float *user, const float *components,
                        const float *item_vector, uint32_t item, float *x);

/* The directions, where there are blocks; items are the vectors of the same file. */
enum status tree_vectors_save(const struct tree_vectors *v, struct model_writer *w);
enum status tree_vectors_load(struct tree_vectors *v, const struct item_vectors *items,
                              struct model_reader *r, struct run *run);

#endif
