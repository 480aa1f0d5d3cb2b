/*
 * words_content.h - what the content models of words share: a user's profile is a weighted sum of rows of one sparse matrix
 * over the items that the user had, a score its product with the item's row of another.
 */
#ifndef MODELS_WORDS_CONTENT_H
#define MODELS_WORDS_CONTENT_H
#include "models/history.h"
#include "models/model_io.h"

struct words_content {
    const struct backend *backend;
    struct csr history; /* [n_users x n_profiles] val: what each counts; NULL: 1 */
    struct csr
        profiles; /* [n_profiles x n_words] what is added to the profile of a user who had it: items, then perhaps more */
    struct csr items; /* [n_items x n_words] what a profile meets */
    uint32_t n_words;
    bool cosine;   /* profiles are divided by their L2 norm */
    bool positive; /* what is below 0 in a profile becomes 0 first */
};

/* Profiles are made when users are scored, dense [users of the tile x n_words], since a user of a few hundred items has
 * most words anyway.  A user without history, and every item without a word, scores 0. */
enum status words_content_score(const void *state, const uint32_t *users, size_t n, const struct tile *out);
/* One matrix is written once where both are the same. */
enum status words_content_save(const void *state, struct model_writer *w);
enum status words_content_load(void *state, const void *params, struct model_reader *r, struct run *run);

#endif
