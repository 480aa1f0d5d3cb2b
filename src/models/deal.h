/*
 * deal.h - the order of an epoch of stochastic gradient descent that runs in parallel and still has one result (DSGD: Gemulla, Nijkamp, Haas,
 * Sismanis 2011): users and items are dealt anew and at random into a grid of parts, interactions fall into its blocks, and the blocks of a
 * diagonal share no user and no item.  Nothing depends on the number of threads.
 */
#ifndef MODELS_DEAL_H
#define MODELS_DEAL_H
#include "bpr.h"
#include "models/model.h"

enum { DEAL_MOST = 32 }; /* parts */
struct deal {
    int grid;                           /* parts of users, and of items */
    uint32_t diagonal[DEAL_MOST];       /* [grid] the order of the diagonals */
    uint32_t *place;                    /* [max(n_users, n_items)] item i is part_item[place[i]] */
    uint32_t *user_part, *item_part;    /* [n_users], [n_items] */
    uint32_t *part, *part_item;         /* [grid + 1], [n_items] as in bpr.h */
    uint32_t *order;                    /* [nnz] */
    struct bpr_sample *sorted, *sample; /* [nnz]; sample: block by block, in random order within each */
    int64_t *block, *at;                /* [grid^2 + 1] as in bpr.h */
};
/* by_user: [n_users x n_items] with below 2^32 interactions.  Memory: 20 bytes an interaction. */
enum status deal_new(struct deal *d, const struct csr *by_user, struct arena *scratch);
/* Deals epoch `epoch` (from 0): a function of the seed and the interactions. */
void deal_epoch(struct deal *d, const struct csr *by_user, uint64_t seed, uint32_t epoch);

#endif
