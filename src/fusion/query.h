/*
 * query.h - what a search text asks for, matched to items by meaning, with filters and, where a user is known, with that user's preference.
 *
 * The query and the items' texts go through one sentence encoder (its prompts "query" and "passage" where it has them); an item's score is
 *     z(cosine) + weight z(preference),
 * both standardised over the items that pass the filters.
 */
#ifndef FUSION_QUERY_H
#define FUSION_QUERY_H
#include "fusion/strategy.h"

/* "genres=Comedy", "year>=1990", "price<=500": a column and what it must hold. */
struct query_filter {
    const char *column, *value; /* value: a word, or NULL */
    double minimum, maximum;
};
/* STATUS_USAGE: no such form.  Strings are in the arena. */
enum status query_filter_parse(const char *text, struct arena *arena, struct query_filter *out);

struct query {
    const char *text;
    const char *encoder; /* below `models`, or a path */
    const char *models, *cache;
    struct param_list fields; /* of the items' texts, as of view_item_texts() */
    uint32_t max_reviews;
    size_t n_filters;
    const struct query_filter *filters; /* all must hold */
    const struct csr *without; /* [n_users x n_items] items of row `user` are left out; NULL: none are */
    uint32_t user;
    const float *preference; /* [n_items] the model's scores for the user; NULL: the query alone counts */
    double weight;
};
struct query_hit {
    uint32_t item;
    double score, cosine;
};

/* The best `top` items, best first (of equal scores the lower number), in the arena; *n: how many there are.  STATUS_USAGE: an empty query, a
 * filter of words without a word; STATUS_UNAVAILABLE: no such column (names those there are), no encoder. */
enum status query_match(const struct query *q, const struct view *view, const struct backend *backend,
                        uint32_t top, struct arena *arena, struct query_hit **out, uint32_t *n);

/* Searches whose outcome is known: user user[k] searched for text k and then took item[k]. */
struct query_cases {
    struct strings text;
    const uint32_t *user, *item; /* [text.n] */
};
/* Scores of a user for all items into score[n_items]. */
typedef enum status query_preference(void *context, uint32_t user, float *score);

enum query_way { QUERY_RANDOM, QUERY_TEXT, QUERY_PREFERENCE, QUERY_BOTH, QUERY_WAYS };
/* Means over the cases, of the item's place among those that pass the filters and that row `user` of q->without lacks; an item that doesn't pass
 * counts 0.  QUERY_RANDOM: what is to be expected of a random order. */
struct query_measure {
    double mrr, hit_1, hit_10;
};
/* How well the query alone, preference alone and both, as query_match() blends them, find what was taken; q->text, user and preference are not
 * looked at.  Of equal scores the lower item number stands first.  STATUS_USAGE: no cases.  Else as query_match() and `preference`. */
enum status query_measure_cases(const struct query *q, const struct view *view, const struct backend *backend,
                                const struct query_cases *cases, query_preference *preference, void *context,
                                struct query_measure out[QUERY_WAYS]);

#endif
