/*
 * bpr.h - arguments of bpr_*: pairwise stochastic gradient descent by blocks that don't conflict.
 *
 *     x = b_i - b_j + p_u . (q_i - q_j),   i an item of user u, j one that u does not have
 *     loss of a sample = log(1 + e^-x) + (reg_user |p_u|^2 + reg_positive |q_i|^2 + reg_negative |q_j|^2
 *                        + reg_bias (b_i^2 + b_j^2)) / 2
 *
 * Users and items are cut into `grid` parts each, so samples fall into grid x grid blocks.  A launch goes through one
 * diagonal: launch row g takes block (g, (g + diagonal) mod grid), sample after sample in the order they lie there.
 * j is drawn from the items of i's own part, so the blocks of a diagonal share no user and no item.
 */
#ifndef BPR_H
#define BPR_H
#include <stddef.h>
#include <stdint.h>

#define BPR_AHEAD   32                                       /* samples whose negatives are found at once */
#define BPR_SCRATCH (BPR_AHEAD * 5 * sizeof(uint32_t) + 128) /* bytes a team */
#define BPR_TRIES   32 /* draws of j before a sample is passed over: a user may have all items of the part */

struct bpr_sample {
    uint32_t user, item;
};

struct bpr {
    float *user, *item; /* [n_users x rank], [n_items x rank]; unused columns are zero and stay zero */
    float *item_bias;   /* [n_items]; stays as it is where use_bias is 0 */
    const struct bpr_sample *sample;
    const int64_t *block;      /* [grid x grid + 1] as in sgd.h */
    const uint32_t *part;      /* [grid + 1] part h holds part_item[part[h]] .. part_item[part[h + 1] - 1] */
    const uint32_t *part_item; /* [n_items] */
    const int64_t *ptr;        /* [n_users + 1] the users' items, rising: what j may not be */
    const uint32_t *idx;       /* [nnz] */
    size_t n_users;
    uint64_t seed, stream; /* sample e draws from Philox(seed, stream, e * BPR_TRIES / 4 + ...) */
    float learning_rate, reg_user, reg_positive, reg_negative, reg_bias;
    int use_bias, rank, grid, diagonal;
};

#endif
