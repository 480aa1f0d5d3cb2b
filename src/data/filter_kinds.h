/*
 * filter_kinds.h - the filters, a few of a kind in one file; filter.c lists them.
 */
#ifndef DATA_FILTER_KINDS_H
#define DATA_FILTER_KINDS_H
#include "data/filter.h"

extern const struct filter_type filter_min_rating, filter_max_rating, filter_binarize; /* filter_rating.c */
extern const struct filter_type filter_kcore, filter_min_user_interactions, filter_max_user_interactions,
    filter_min_item_interactions, filter_max_item_interactions;       /* filter_counts.c */
extern const struct filter_type filter_head_items, filter_tail_items; /* filter_popularity.c */
extern const struct filter_type filter_time_window;                   /* filter_time.c */
extern const struct filter_type filter_sample_users;                  /* filter_sample.c */
extern const struct filter_type filter_with_text;                     /* filter_text.c */

/* For all of them: the rows with keep[row] == 1, in their order. */
enum status filter_take(const struct interactions *in, const uint8_t *keep, struct arena *arena,
                        struct interactions *out);

#endif
