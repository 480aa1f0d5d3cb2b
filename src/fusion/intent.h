/*
 * intent.h - what a user wants, as vectors, and the questions that the preference model learns from.
 *
 * A question (a group) is: of these candidates, which one did this user take?  It is made of a train
 * row: the user without that row's item and without what he wrote about it, so that nothing of the answer is
 * in the question; the item; and negatives drawn among the items that the user does not have.
 */
#ifndef FUSION_INTENT_H
#define FUSION_INTENT_H
#include "fusion/preference.h"
#include "models/item_vectors.h"

struct intent_options {
    uint32_t n_negatives; /* a positive */
    bool popular;         /* negatives in proportion to their train rows, else uniform over items */
    uint64_t samples;     /* about so many train rows become groups, drawn at random; 0: all */
    uint32_t n_folds;     /* 2 or more: see `fold` */
    double validation;    /* share of the groups held out for early stopping */
    uint64_t seed;
};

struct intent_groups {
    uint64_t n;
    uint32_t n_candidates; /* 1 + n_negatives */
    uint32_t n_extra;
    double positives_kept,
        negatives_kept;        /* shares of all positives and of all negatives, for prior correction */
    uint32_t *user;            /* [n] rising */
    uint32_t *item;            /* [n x n_candidates], the positive first */
    float *weight;             /* [n] of the positive in its user's history */
    unsigned char *alone;      /* [n] 1: the user has no other item */
    unsigned char *validation; /* [n] 1: held out */
    uint32_t *fold;            /* [n] intent_fold() of the train row */
    float *extra;              /* [n x n_candidates x n_extra], set by collaborative_extra() */
};

/* The fold of train row e (entry of by_user): out-of-fold models that score it are fitted without its
 * fold. */
uint32_t intent_fold(uint64_t seed, int64_t e, uint32_t n_folds);

/* Groups of a history [n_users x n_items] (its values are the weights; NULL: ones), in the arena.  A
 * user who has every item gives none. */
enum status intent_sample(const struct csr *history, const struct intent_options *options,
                          struct arena *arena, struct intent_groups *out);

/* Keeps the groups of that fold, of which user, item, fold and validation are then in order. */
void intent_keep_fold(struct intent_groups *groups, uint32_t fold);

/* Which interaction features a question has.  Column order of q: product [d], difference [d], cosine
 * [1], extra. */
struct intent_features {
    bool product, difference, cosine;
};

/* preference_samples over some of the groups; `context` of its fill is this struct. */
struct intent_source {
    const struct backend *backend;
    const struct item_vectors *items;
    const float *sums;  /* [n_users x d] item_vectors_profiles(normalize = false) */
    const float *texts; /* [rows x d] what users wrote, without texts about the question's item; NULL: none
                           (user_texts.h) */
    const uint32_t *text_row; /* [groups] */
    float text_weight;
    const struct intent_groups *groups;
    struct intent_features features;
    const uint64_t *chosen;    /* [n] group numbers; sample i is group chosen[i] */
    const float *mean, *scale; /* [columns]; NULL: features as they are */
};
uint32_t intent_columns(const struct intent_source *source);
enum status intent_fill(const void *context, const uint64_t *groups, size_t n, float *q, float *target);

/* Mean and 1 / standard deviation of every column over (at most 4,096 of) n samples; scale 0 for a
 * constant. */
enum status intent_moments(const struct intent_source *source, uint64_t n, struct arena *scratch, float *mean,
                           float *scale);

#endif
