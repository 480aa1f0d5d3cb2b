/*
 * sbpr.h - arguments of sbpr_*: BPR with an item of friends between a user's own and all others (Zhao, McAuley, King 2014, SBPR-1), by blocks
 * that don't conflict.
 *
 *     x(i) = b_i + p_u . q_i;   i an item of user u, k one of friends that u does not have, j one of neither
 *     loss of a sample = log(1 + e^-(weight (x(i) - x(k)))) + log(1 + e^-(x(k) - x(j)))
 *                        + (reg_user |p_u|^2 + reg_item (|q_i|^2 + |q_k|^2 + |q_j|^2) + reg_bias (b_i^2 + b_k^2 + b_j^2)) / 2
 * with weight 1 / (1 + the number of friends who have k).  Without an i (a user of whom only friends are known), or without a k (a user without
 * friends: k is then his own item, and this is BPR), `item` is `social` and weight 0: the first term is a constant, its row counts once.
 *
 * Grid, blocks and launches are those of bpr.h; i, k and j of a sample come from one part of the items, so the blocks of a diagonal share none.
 */
#ifndef SBPR_H
#define SBPR_H
#include <stddef.h>
#include <stdint.h>

#define SBPR_NONE 0xFFFFFFFFu

struct sbpr_sample {
    uint32_t user, item, social, negative; /* negative SBPR_NONE: none was found, the sample is passed over */
    float weight;
};

struct sbpr {
    float *user, *item; /* [n_users x rank], [n_items x rank]; unused columns are zero and stay zero */
    float *item_bias;   /* [n_items]; stays as it is where use_bias is 0 */
    const struct sbpr_sample *sample;
    const int64_t *block; /* [grid x grid + 1] as in sgd.h */
    size_t n_users, n_items;
    float learning_rate, reg_user, reg_item, reg_bias;
    int use_bias, rank, grid, diagonal;
};

#endif
