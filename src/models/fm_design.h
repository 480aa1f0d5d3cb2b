/*
 * fm_design.h - the features of a factorization machine: what users and items are described by.
 */
#ifndef MODELS_FM_DESIGN_H
#define MODELS_FM_DESIGN_H
#include "fm.h"
#include "models/item_texts.h"
#include "models/model.h"

/* Features of one kind, numbered first .. last - 1. */
struct fm_field {
    const char *name;
    uint32_t first, last;
    bool of_users; /* described are users; else items */
    bool one_each; /* no user or item has two of them */
};
struct fm_design {
    uint32_t n_features, n_fields;
    struct fm_field *fields; /* those of users first */
    struct csr users, items; /* [n_users x n_features], [n_items x n_features], with values */
};

/* The options stand in each model's parameters (FM_DESIGN_FIELDS, FM_DESIGN_PARAMS) under the same names. */
#define FM_DESIGN_FIELDS                                                                                     \
    struct param_list features; /* names: below */                                                           \
    struct param_list words;    /* fields of the items' text whose words are features; empty: none */        \
    int min_df, max_words, max_reviews;                                                                      \
    struct corruption corruption; /* of that text */
struct fm_design_options {
    FM_DESIGN_FIELDS
};
#define FM_DESIGN_PARAMS(P)                                                                                  \
    PARAM_LIST(P, features, "user|item|columns", NULL,                                                       \
               "user, item: ids; history: the user's train items; columns: every list, number, category; a " \
               "column; vectors of the dataset by name"),                                                    \
        PARAM_LIST(P, words, "", NULL,                                                                       \
                   "fields of the item's text whose words are features: title, tags, reviews"),              \
        PARAM_INT(P, min_df, 3, 1, 1e9, "words: one of fewer items is left out"),                            \
        PARAM_INT(P, max_words, 2000, 1, 1000000, "words: at most so many, the most frequent"),              \
        PARAM_INT(P, max_reviews, 50, 0, 1e9, "words: at most so many reviews an item"),                     \
        CORRUPTION_PARAMS(P, corruption.)
#define FM_DESIGN_OPTIONS(p)                                                                                 \
    ((struct fm_design_options){(p)->features, (p)->words, (p)->min_df, (p)->max_words, (p)->max_reviews,    \
                                (p)->corruption})

/* A feature is: an id, 1 (only where it has train rows: else it could not be learned); an item of the history, 1 / sqrt(items
 * there); a name of a list, 1 / (names there); a category (a text column), 1; a number, in standard deviations from its
 * mean; a word, its TF-IDF; a vector of /features (images, audio), its numbers like columns of numbers.  `columns` takes of the text columns those with at most 1000 texts, half as many as rows or fewer.  STATUS_UNAVAILABLE: no such
 * column, or no text; `model` goes into the sentence.  All of the arena. */
enum status fm_design_build(const struct fm_design_options *options, const struct view *view,
                            const char *model, struct arena *arena, struct arena *scratch,
                            struct fm_design *out);

#endif
