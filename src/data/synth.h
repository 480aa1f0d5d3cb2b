/*
 * synth.h - a MovieLens-shaped dataset of any size with a known true preference, from a seed.
 *
 * The model (synth.c) is a softmax choice model: user u's items are drawn without replacement with
 * probability proportional to exp(preference(u, i) + exposure(i)), where preference = user[u] . item[i] +
 * item_bias[i].  Titles, genres, descriptions, tags and reviews are written from the same item vectors in
 * plain words, so that both what people chose and what is written tell of the same taste; image and audio
 * vectors tell of half of it each.  docs/synthetic-data.md says why, with plots against MovieLens.
 */
#ifndef DATA_SYNTH_H
#define DATA_SYNTH_H
#include "data/dataset.h"

enum synth_language { SYNTH_ENGLISH, SYNTH_CHINESE };
/* What the items are; taste, choice and truth are drawn alike.  Films: title, genres, year, description; tags and reviews.  Shop: goods
 * with title, categories, brand, price, stock, description; reviews, and the searches (kind query) that led to a quarter of the rows.
 * Courses: title, subject, level, prerequisites, description; tags and reviews; the value is the grade of a test. */
enum synth_scenario { SYNTH_FILMS, SYNTH_SHOP, SYNTH_COURSES };

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
    /* The share of exposure taken away: 1: what is seen is what is liked; 0: popularity falls as rank^-.8 beside taste; below, down to
     * 1 - SYNTH_EXPOSURE_MOST, steeper (-.8: as in MovieLens). */
    double less_exposure;
    /* 0 .. 1: how far tastes turn from a user's first rows to the last; at 1 the first taste has nothing to do with the
     * last.  The truth holds the last. */
    double drift;
    double fewer_texts; /* 0 .. 1: the share of reviews, tags and queries left out; 1: none are written */
    double
        untold; /* 0 .. 1: the share of the themes that no text and no genre tells of, though taste acts on them; 1: texts tell nothing */
    double
        noise; /* 0 .. 1: the share of the words that are of a theme drawn at random, whatever the item is */
    enum synth_language language; /* of all texts */
    bool dialects; /* films only: half of the users and items use other words for the same themes; below */
    uint32_t n_image, n_audio; /* widths of the features image and audio; 0: none */
    enum synth_scenario scenario;
    uint32_t n_friends; /* friends of a user, about; 0: the users have no column friends */
    double
        homophily; /* 0 .. 100: a candidate is taken with probability proportional to exp(homophily cos(taste, taste)) */
};
#define SYNTH_EXPOSURE_MOST 4.0
#define SYNTH_FRIENDS_MOST  200
/* MovieLens-100K's size: 943 users, 1,682 items, 100,000 rows; seed 1, signal 1, 8 factors. */
#define SYNTH_DEFAULTS                                                                                       \
    (struct synth_options)                                                                                   \
    {                                                                                                        \
        .n_users = 943, .n_items = 1682, .n_interactions = 100000, .seed = 1, .signal = 1, .factors = 8,     \
        .homophily = 4                                                                                       \
    }

/* With dialects each theme's words fall into two halves without a word in common: a user of dialect b never writes a word
 * that one of dialect a writes (but for words of no theme), an item's title, genres and description are of the item's
 * dialect, drawn by a coin; taste knows nothing of it.  So counting words finds half of the items at best, and a model that
 * knows what words mean finds all.  The user column `dialect` holds "a" or "b".
 *
 * The dataset in the arena, truth included; content_sha256 is left to store_write().  The same options give
 * the same bytes, with any number of threads.  STATUS_USAGE: an option out of range, or more or fewer rows
 * than users and items allow (says which).  STATUS_SYSTEM: memory. */
enum status synth_generate(const struct synth_options *options, struct arena *arena, struct dataset **out);

struct synth_counts {
    uint64_t n_texts;
    char content_sha256[SHA256_HEX];
};
/* The same set straight into a dataset file, a range of users at a time: memory doesn't grow with the rows (some 100 MB, and
 * what users and items take).  The content is that of synth_generate() and store_write(). */
enum status synth_write(const struct synth_options *options, const char *path, struct synth_counts *counts);

#endif
