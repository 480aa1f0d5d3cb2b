/*
 * sgd.h - arguments of sgd_*: stochastic gradient descent on ratings with biases, by blocks that don't conflict.
 *
 *     r(u, i) = mean + b_u + b_i + p_u . q_i,    loss of a sample = ((value - r)^2 + reg_bu b_u^2 + reg_bi b_i^2 + reg_pu |p_u|^2 + reg_qi |q_i|^2) / 2
 * and each part has a step length of its own; 0 leaves it as it is.
 *
 * Users and items are cut into `grid` parts each, so samples fall into grid x grid blocks.  A launch goes through one
 * diagonal: launch row g takes block (g, (g + diagonal) mod grid), sample after sample in the order they lie there.
 * The blocks of a diagonal share no user and no item (Gemulla et al. 2011), so rows may run at once and in any order.
 */
#ifndef SGD_H
#define SGD_H
#include <stddef.h>
#include <stdint.h>

#define SGD_PAD 32

struct sgd_sample {
    uint32_t user, item;
    float value;
};

struct sgd {
    float *user, *item; /* [n_users x rank], [n_items x rank]; unused columns are zero and stay zero */
    float *user_bias, *item_bias; /* [n_users], [n_items] */
    const struct sgd_sample *sample;
    const int64_t *
        block; /* [grid x grid + 1] block (g, h) holds samples block[g grid + h] .. block[g grid + h + 1] - 1 */
    size_t n_users, n_items;
    float mean, lr_bu, lr_bi, lr_pu, lr_qi, reg_bu, reg_bi, reg_pu, reg_qi;
    int rank, grid, diagonal;
};

#endif
