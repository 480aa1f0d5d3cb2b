/*
 * item_vectors.h - the one source of item vectors for the models that fuse text: the language model's,
 * and its controls, so that a table shows what the language model itself brought.
 */
#ifndef MODELS_ITEM_VECTORS_H
#define MODELS_ITEM_VECTORS_H
#include "base/csr.h"
#include "models/model.h"

enum item_encoder {
    ITEM_ENCODER_MINILM,   /* sentence vectors of the item's text, from the folder run->models/minilm */
    ITEM_ENCODER_TFIDF,    /* latent semantic analysis of the same text: words without a language model */
    ITEM_ENCODER_SHUFFLED, /* minilm's vectors, each at a random other item: the same numbers without their
                              sense */
    ITEM_ENCODER_RANDOM,   /* independent normal numbers */
    ITEM_ENCODER_NONE      /* no vectors: dimensions 0 */
};
#define ITEM_ENCODERS "minilm|tfidf|shuffled|random|none"

struct item_vectors_options {
    int encoder;            /* enum item_encoder */
    struct param_list text; /* fields as of view_item_texts() */
    int max_reviews;
    int dimensions; /* principal components kept of the vectors; 0: all (minilm), 128 (tfidf, random) */
    bool center;    /* subtract the mean over items first: sentence vectors share a large common part */
};

struct item_vectors {
    uint32_t n_items, d;
    float *v; /* [n_items x d] rows of L2 norm 1, or zero (an item without a word, under tfidf) */
};

/* Vectors of all items of the view, owned by run->arena.  The same (options, view, seed) gives the same
 * bits. STATUS_UNAVAILABLE: no text, or no model folder (the sentence says what to do). */
enum status item_vectors_build(const struct item_vectors_options *options, const struct view *view,
                               struct run *run, struct item_vectors *out);

/* Profiles of users: out[r] = weighted sum of the vectors of the history's row users[r] (NULL: row r),
 * divided by its norm when `normalize`.  out [n x d]; a user without history gets zeros. */
enum status item_vectors_profiles(const struct backend *b, const struct csr *history,
                                  const struct item_vectors *items, const uint32_t *users, size_t n,
                                  bool normalize, float *out);

#endif
