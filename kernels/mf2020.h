/*
 * mf2020.h - arguments of mf2020_*: matrix factorization with biases by stochastic gradient descent on the logistic loss, with negatives that
 * are drawn from all items (Rendle, Krichene, Zhang, Anderson 2020), by blocks that don't conflict.
 *
 *     y(u, i) = b + b_u + b_i + p_u . q_i;  a sample (u, i) and each of its `negatives` items j is a step of its own, in this order:
 *     loss = log(1 + e^-y(u, i)),  or log(1 + e^y(u, j));  plus reg (|p|^2 + |q|^2 + b^2 + b_u^2 + b_i^2) / 2 of what takes part
 *
 * Samples, parts, blocks and launches are those of bpr.h.  j comes from i's part, so the blocks of a diagonal share no item: it is i itself with
 * probability 1 / n_items, else uniform among the others of the part.  Where parts are dealt at random j is then uniform over all items, the
 * user's own among them.  b belongs to all samples: a launch row starts from the mean of what the rows of the last launch ended with.
 */
#ifndef MF2020_H
#define MF2020_H
#include "bpr.h"

#define MF2020_PAD     32
#define MF2020_AHEAD   128                                     /* draws made at once, four of a Philox */
#define MF2020_SCRATCH (MF2020_AHEAD * sizeof(uint32_t) + 128) /* bytes a team */

struct mf2020 {
    float *user, *item; /* [n_users x rank], [n_items x rank]; unused columns are zero and stay zero */
    float *user_bias, *item_bias; /* [n_users], [n_items] */
    const float *bias_from;       /* [grid] b, as the rows of the last launch left it */
    float *bias_to;               /* [grid] and as this one does; not bias_from */
    const struct bpr_sample *sample;
    const int64_t *block;      /* [grid x grid + 1] */
    const uint32_t *part;      /* [grid + 1] part h holds part_item[part[h]] .. part_item[part[h + 1] - 1] */
    const uint32_t *part_item; /* [n_items] */
    const uint32_t *place;     /* [n_items] part_item[place[i]] == i */
    size_t n_users;
    uint64_t seed,
        stream; /* negative k of sample e is draw d = e negatives + k: word d % 4 of Philox(seed, stream, d / 4) */
    float learning_rate, reg;
    int negatives, rank, grid, diagonal;
};

#endif
