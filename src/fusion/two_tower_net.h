/*
 * two_tower_net.h - two towers over item vectors and the softmax that trains them (Yi, Yang, Hong, Cheng, Heldt, Kumthekar, Zhao, Wei, Chi,
 * "Sampling-bias-corrected neural modeling for large corpus item recommendations", RecSys 2019).  Symbols:
 *
 *     y_i            the item's vector from outside (an encoder's, of length 1), d numbers
 *     v_i = unit(y_i W)                                    the item tower; W [d x k], the identity at first where k is d
 *     u   = unit(h W + e_u),  h = sum a_j y_j              the user tower, over the user's train items without the one asked for;
 *                                                          a: equal, or softmax over j of y_j . q;  e_u: of the user's id, if asked for
 *     loss = mean over a batch's pairs (u, i) of -log( exp(s_ui - log p_i) / (exp(s_ui - log p_i) + sum_j n_j exp(s_uj - log p_j)) )
 *     s_uj = u . v_j / temperature
 *
 * j runs over the batch's items that the user has no train row of (his own are hits, not misses), n_j of the batch's pairs ask for j,
 * p_j is j's share of the train rows: the correction.  The h of users are made of a cache of vectors (Y), as they stood when it was last
 * filled, and no gradient goes there; the gradient by y_i goes through the item tower alone.
 *
 * Without vectors (d 0: "ids") y_i is a free vector of k numbers, learnt, W is left out.
 */
#ifndef FUSION_TWO_TOWER_NET_H
#define FUSION_TWO_TOWER_NET_H
#include "backend/backend.h"
#include "base/arena.h"

struct two_tower_options {
    uint32_t d, k; /* of y and v; d 0: ids.  Without projection k is d. */
    bool projection, attention, user_embedding, log_q;
    double temperature;
};

struct two_tower_batch {
    uint32_t n, m;         /* pairs, and the different items that they ask for */
    const uint32_t *user;  /* [n] */
    const uint32_t *place; /* [n] of the pair's item among `item` */
    const uint32_t *item;  /* [m] */
};

struct two_tower_net {
    const struct backend *backend;
    struct two_tower_options o;
    uint32_t n_users, n_items, most; /* a batch has at most so many pairs */
    const struct csr *history;       /* [n_users x n_items] */
    float *Y;                        /* [n_items x d] the cache; ids: the weights themselves */
    size_t n_weights, query, users;  /* W, or the free y, from 0; q, e_u from these places on */
    float *weights, *gradient;
    float *log_p;               /* [n_items] */
    float *attended;            /* [n_items] y . q */
    float *H, *of_H, *Q;        /* [most x d] */
    float *U, *V, *of_U, *of_V; /* [most x k] */
    float *norm_u, *norm_v;     /* [most] */
    float *score;               /* [most x ld] */
    float *positive, *loss;     /* [most] */
    uint32_t *skip, *count;     /* [most] */
    uint32_t *slot;             /* [n_items] 1 + place among the batch's items; 0: none */
};

/* All memory of the arena; by_user, by_item [n_users x n_items] and its transpose must stay.  Y is zeros, to be filled. */
enum status two_tower_new(const struct backend *backend, const struct two_tower_options *options,
                          const struct csr *by_user, const struct csr *by_item, uint32_t most, uint64_t seed,
                          struct arena *arena, struct two_tower_net *net);
/* The mean loss of a batch whose items have the vectors y [m x d] now, and its gradient into net->gradient and, unless NULL, of_y [m x d].
 * ids: y and of_y are not read. */
enum status two_tower_loss(struct two_tower_net *net, const struct two_tower_batch *batch, const float *y,
                           double *loss, float *of_y);
/* v of all items [n_items x k], and u of all users by all their train items [n_users x k], from Y. */
enum status two_tower_items(struct two_tower_net *net, float *out);
enum status two_tower_users(struct two_tower_net *net, float *out);

#endif
