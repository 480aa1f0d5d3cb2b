/*
 * biased_factors.h - the fitted state of models that predict a rating as mean + user bias + item bias + user . item (als, svd, mf2020, cmf), and
 * of social_reg and sbpr, whose mean and user biases are 0: scores, factors,
 * and their arrays in a model's file.
 */
#ifndef MODELS_BIASED_FACTORS_H
#define MODELS_BIASED_FACTORS_H
#include <stdbool.h>

#include "models/model_io.h"

struct biased_factors {
    uint32_t n_users, n_items, factors;
    uint32_t first; /* scores see columns first .. first + factors - 1; 0 but for cmf */
    size_t ld;
    float *user, *item;           /* [n_users x ld], [n_items x ld] */
    float *user_bias, *item_bias; /* [n_users], [n_items] */
    float mean, low, high;        /* low, high: what predictions are clipped to; infinite where they aren't */
};

/* As the functions of model_type; `state` is a struct biased_factors.  score_pairs clips, the factors don't. */
enum status biased_factors_score_pairs(const void *state, const uint32_t *users, const uint32_t *items,
                                       size_t n, float *scores);
enum status biased_factors_factors(const void *state, struct factors *out);
enum status biased_factors_save(const void *state, struct model_writer *w);
/* ld: that of the kernel for these parameters; clip: are predictions clipped?  first is 0.  STATUS_DATA: arrays of other sizes. */
enum status biased_factors_load(struct biased_factors *s, uint32_t factors, size_t ld, bool clip,
                                struct model_reader *r);

#endif
