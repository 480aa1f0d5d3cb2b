/*
 * rank.h - from scores to top-k lists: tiles of users x all items, masked, selected; never a users x items
 * matrix.
 */
#ifndef EVAL_RANK_H
#define EVAL_RANK_H
#include "models/model.h"
#include "topk.h"

/* Lists of `users`: best first.  A user with fewer than k candidates has the rest UINT32_MAX. */
struct lists {
    uint32_t n_users, k;
    uint32_t *item;  /* [n_users x k] */
    float *score;    /* [n_users x k] */
    uint32_t n_tied; /* users for whom a tie touched the list: equal scores inside it or across its end */
};

/* What fixes a ranking besides the scores. */
struct rank_options {
    uint32_t k;
    uint64_t seed;              /* ties break by a hash of (seed, user, item) */
    const struct csr *masks[2]; /* items not to be ranked: train, valid; NULL: none */
    /* Libraries' own rules for equal scores: TOPK_TIES_HASH (0) is ours.  TOPK_TIES_RELEVANT_* look at `relevant`
     * (indices rising within a user); they tell how much ties can matter, no system could follow them. */
    enum topk_ties ties;
    const struct csr *relevant;
    /* [n_users x n_items] what alone is ranked for a user, whatever the masks say (candidates.h); NULL: all items.  Not with
     * TOPK_TIES_RELEVANT_*. */
    const struct csr *candidates;
    float *candidate_scores; /* [nnz of candidates] what the model says of each; NULL: not wanted */
};
/* Names of the rules as experiments write them ("hash", "index_rising" ...), by enum topk_ties; NULL-ended. */
extern const char *const rank_ties_names[];

/* Ranks `users` [n] over all items.  A score NaN or +infinity: STATUS_SYSTEM naming user and item; -infinity: an item
 * that the model does not want ranked.  k: 1 .. 2^22, else STATUS_USAGE.  Lists live in the arena; places without a
 * candidate hold the score -infinity.  What a model reports in a worker thread reaches the caller's handler. */
enum status rank_users(const struct model_type *type, const void *state, const struct backend *backend,
                       uint32_t n_items, const uint32_t *users, uint32_t n,
                       const struct rank_options *options, struct arena *arena, struct lists *out);
/* The same from factors alone: the fast path that rank_users() takes where the model has them. */
enum status rank_factors(const struct factors *f, const struct backend *backend, const uint32_t *users,
                         uint32_t n, const struct rank_options *options, struct arena *arena,
                         struct lists *out);

#endif
