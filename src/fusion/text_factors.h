/*
 * text_factors.h - what the models share whose items come from text vectors and that score by user . item + item bias: the parameters
 * that say which vectors, the fitted state, its file.
 */
#ifndef FUSION_TEXT_FACTORS_H
#define FUSION_TEXT_FACTORS_H
#include "models/item_vectors.h"
#include "models/model_io.h"

/* The rows of those parameters, for a struct with a member `struct item_vectors_options vectors`. */
#define TEXT_FACTORS_PARAMS(P) ITEM_VECTORS_PARAMS(P, vectors., "minilm", "title|genres|tags", 0, 0, 4096, 1)

/* score(u, i) = user[u] . item[i] + item_bias[i] */
struct text_factors {
    uint32_t n_users, n_items, factors;
    float *user, *item; /* [n_users x factors], [n_items x factors] */
    float *item_bias;   /* [n_items] */
};

/* Zeros, in the arena. */
enum status text_factors_new(uint32_t n_users, uint32_t n_items, uint32_t factors, struct arena *arena,
                             struct text_factors *out);
/* As the functions of model_type; `state` is a struct text_factors. */
enum status text_factors_factors(const void *state, struct factors *out);
enum status text_factors_save(const void *state, struct model_writer *w);
enum status text_factors_load(void *state, const void *params, struct model_reader *r, struct run *run);

#endif
