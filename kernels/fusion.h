/*
 * fusion.h - arguments of the kernels in fusion.cu and preference.cu: features of user and item
 * vectors, the logistic head on them, and scores of whole tiles.
 */
#ifndef FUSION_H
#define FUSION_H
#include <stddef.h>
#include <stdint.h>

enum { FUSION_TILE = 256 }; /* items a row of fusion_score computes */
enum { FUSION_ATTEND_PAD = 32 };

/* A group is a query and its candidates: the user of a train row without that row's item, and the item
 * itself with its sampled negatives.  Row r writes features of its candidates: q = [u * v | abs(u - v)
 * | u . v | extra], each block when asked, each column k as (x - mean[k]) * scale[k] where u =
 * (sums[user] - weight * v_positive) / norm and v the candidate's unit vector.  A user with nothing
 * else in the history has u = 0 and text features 0.  With texts u is that blended with the user's own, t =
 * texts[text_row]: the direction of (1 - text_weight) u + text_weight t, and the one of them that is there
 * where the other is zero. */
struct fusion_features {
    const uint64_t *groups;     /* [n_rows] the groups wanted; the arrays below have a row for every group */
    const float *sums;          /* [n_users x d] weighted sums of the vectors of the history */
    const float *V;             /* [n_items x d] */
    const uint32_t *user;       /* [n_groups] */
    const uint32_t *item;       /* [n_groups x n_candidates], the positive first */
    const float *weight;        /* [n_groups] what the positive weighed in the sum */
    const unsigned char *alone; /* [n_groups] 1: the positive is all the user has */
    const float *extra;         /* [n_groups x n_candidates x n_extra] */
    const float *texts;         /* [text rows x d] of norm 1, or zero; NULL: none are read */
    const uint32_t *text_row;   /* [n_groups] */
    const float *mean, *scale;  /* [columns of q]; NULL: as they are */
    float *q;                   /* [n_rows x n_candidates x ldq] */
    size_t ldq;
    float text_weight; /* 0 .. 1 */
    int d, n_candidates, n_extra;
    int product, difference, cosine; /* 0 or 1: which blocks q has, in that order */
};

/* out[r][i] = item_bias[i] + A[r] . v_i + sum_k D_k abs(U[r]_k - v_ik): row r * n_tiles + j computes
 * tile j. */
struct fusion_score {
    const float *A; /* [n_users x d] weights of v, already multiplied by the user's vector; NULL: none */
    const float *U; /* [n_users x d] */
    const float *D; /* [d]; NULL: no difference block */
    const unsigned char *known; /* [n_users] 0: no history, only the bias is written */
    const float *VT;            /* [d x ldv] the item vectors' transpose */
    const float *item_bias;     /* [n_items] */
    float *out;                 /* [n_users x ldo] */
    size_t ldv, ldo;
    int d, n_items, n_tiles;
};

/* z = (S[r] - mean of S[r]) / standard deviation of S[r] (0 where that is 0); out[r] += weight * z, or
 * S[r] = z when out is NULL. */
struct fusion_standardize {
    float *S; /* [n_rows x lds] */
    float *out;
    size_t lds, ldo;
    float weight;
    int n_items;
};

/* out[i] = sum_j w_ij S[i][j] / (sum_j w_ij)^beta, w_ij = weight[j] exp(sharpness (S[i][j] - 1)): how alike item i is to what the user had, the
 * likest counting most.  beta 1: their mean; 0: their sum.  n at least 1, one weight above 0. */
struct fusion_attend {
    const float *
        S; /* [n_rows x lds] cosines of an item with the n items of a history; what lies beyond n is not used */
    const float *weight; /* [lds] 0 beyond n */
    float *out;          /* [n_rows] */
    size_t lds;          /* n, rounded up to a multiple of FUSION_ATTEND_PAD */
    float sharpness;     /* 1 / temperature; 0: all alike */
    float beta;          /* 0 .. 1 */
    int n;
};

/* Row s: z = q[s] . W + b, residual[s] = sigmoid(z) - target[s], loss[s] = log(1 + exp(z)) - target[s]
 * z. */
struct preference_forward {
    const float *q; /* [n_rows x ldq] */
    const float *target;
    const float *W; /* [d] */
    float *residual, *loss;
    size_t ldq;
    float b;
    int d;
};

/* Row c: partial[c] = sum of residual[s] q[s] over samples s of chunk c, in their order. */
struct preference_gradient {
    const float *q, *residual;
    float *partial; /* [n_rows x d] */
    size_t ldq;
    long n;
    int d, chunk;
};

#endif
