/*
 * fm.h - arguments of the kernels of factorization machines: fm_sgd, fm_als, fm_als_sums, fm_als_change.
 *
 * A sample's features are those of its user and those of its item, x_j each, and its score is (Rendle 2010, equation 1)
 *     y = bias + sum_j weight_j x_j + 1/2 (|s|^2 - sum_j x_j^2 |v_j|^2),   s = sum_j x_j v_j
 * where v_j is row j of `factor`.
 */
#ifndef FM_H
#define FM_H
#include <stddef.h>
#include <stdint.h>

#define FM_ADAGRAD_EPS 1e-8f
#define FM_PAD         32 /* divides the rank; unused columns are zero and stay zero */

enum fm_loss {
    FM_SQUARED,  /* (y - target)^2 / 2 */
    FM_LOGISTIC, /* log(1 + e^-y) where target is 1, log(1 + e^y) where it is 0 */
    FM_BPR       /* log(1 + e^-(y - y of the negative item)) */
};

/* Sparse rows: features of users or items, or owners of features. */
struct fm_rows {
    const int64_t *ptr;
    const uint32_t *idx; /* rising within a row */
    const float *val;
};
struct fm_sample {
    uint32_t user, item, negative; /* negative: bpr only */
    float target;
};

/* One launch row goes through all samples in order, a step each on loss + (reg_bias bias^2 + reg_weight weight_j^2 +
 * reg_factor |v_j|^2, over the sample's features) / 2.  Scratch: fm_sgd_scratch(). */
struct fm_sgd {
    float *bias;   /* [1] */
    float *weight; /* [n_features] */
    float *factor; /* [n_features x rank] */
    /* Sums of squared gradients, shaped as the above (Duchi, Hazan, Singer 2011): a step is then divided by the root of its
     * parameter's sum, so that rare features move as far as frequent ones.  All NULL: steps as they are. */
    float *bias_squares, *weight_squares, *factor_squares;
    struct fm_rows user, item;
    const struct fm_sample *sample; /* [n] */
    int64_t n;
    float learning_rate, reg_bias, reg_weight, reg_factor;
    uint32_t n_users, n_items, n_features;
    int loss, rank;
};
static inline size_t fm_sgd_scratch(int rank)
{
    return 2 * (size_t)rank * sizeof(float) + 256;
}

/* One parameter theta_j of a feature at a time, all others fixed: the least of sum error^2 + regularization theta_j^2 (Rendle
 * 2012, equation 11).  h = d score / d theta_j is x for a weight, x (q - x theta_j) for a column of the factors. */
struct fm_als {
    float *error; /* [n] target - score of each train row, by user */
    float *q;     /* [n] the column's sum over the row's features; not read for weights */
    float *theta; /* feature j's parameter is theta[j * stride] */
    long stride;
    struct fm_rows owner; /* row j: the users, or items, that have feature j */
    const int64_t *ptr;   /* an owner's train rows */
    const int64_t *place; /* [n] where an item's train row stands among those by user; NULL: there */
    float *part;          /* fm_als_sums: [launch rows x 2] sum h^2, sum h error */
    int64_t n;            /* train rows */
    uint32_t n_owners, n_features;
    uint32_t feature; /* fm_als: launch row r is feature + r.  The others: this feature */
    int chunk;        /* fm_als_sums, fm_als_change: owners a launch row */
    float change;     /* fm_als_change: what theta gains, after which it is the old value + change */
    float regularization;
    int linear; /* 1: theta are weights */
};

#endif
