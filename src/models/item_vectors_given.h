/* item_vectors_given.h - item vectors that somebody else made, for item_vectors.c alone. */
#ifndef MODELS_ITEM_VECTORS_GIVEN_H
#define MODELS_ITEM_VECTORS_GIVEN_H
#include "models/item_vectors.h"

/* The dataset's feature of that name, or, where folder is not NULL, the vectors imported into it: *v [n_items
 * x *d] in scratch, *has: which items have one.  Statuses as of item_vectors_build(). */
enum status item_vectors_given(const struct item_vectors_options *o, const char *feature, const char *folder,
                               const struct view *view, struct run *run, uint32_t *d,
                               const unsigned char **has, float **v);

#endif
