/*
 * synth.h - a MovieLens-shaped dataset of any size with a known true preference, from a seed.
 *
 * The model (synth.c) is a softmax choice model: user u's items are drawn without replacement with
 * probability proportional to exp(preference(u, i) + exposure(i)), where preference = user[u] . item[i] +
 * item_bias[i].  Titles, genres, descriptions, tags and reviews are written from the same item vectors in
 * plain English words, so that both what people chose and what is written tell of the same taste.
 */
#ifndef DATA_SYNTH_H
#define DATA_SYNTH_H
#include "data/dataset.h"

struct synth_options {
    uint32_t n_users, n_items;
    uint64_t
        n_interactions; /* exactly so many rows, distinct pairs; 5 a user at least, 0.6 n_items at most */
    uint64_t seed;
    /* Scales preference and exposure alike.  1: as a real set.  0: every item is as likely as any other,
     * ratings are noise and texts tell of an item's themes that nobody chose by: no model can beat a random
     * order. */
    double signal;
    uint32_t factors; /* 2 .. 16: each owns a theme of words (space, war, romance ...) */
};
/* MovieLens-100K's size: 943 users, 1,682 items, 100,000 rows; seed 1, signal 1, 8 factors. */
#define SYNTH_DEFAULTS                                                                                       \
    (struct synth_options)                                                                                   \
    {                                                                                                        \
        .n_users = 943, .n_items = 1682, .n_interactions = 100000, .seed = 1, .signal = 1, .factors = 8      \
    }

/* The dataset in the arena, truth included; content_sha256 is left to store_write().  The same options give
 * the same bytes, with any number of threads.  STATUS_USAGE: an option out of range, or more or fewer rows
 * than users and items allow (says which).  STATUS_SYSTEM: memory. */
enum status synth_generate(const struct synth_options *options, struct arena *arena, struct dataset **out);

#endif
