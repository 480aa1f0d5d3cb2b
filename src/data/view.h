/*
 * view.h - all that a model may see: the training rows, and item and user data with everything from held-out
 * pairs masked.  It holds no pointer to the dataset.
 */
#ifndef DATA_VIEW_H
#define DATA_VIEW_H
#include "data/split.h"

struct view {
    uint32_t n_users, n_items;
    const struct csr *by_user; /* [n_users x n_items] train ratings */
    const struct csr *by_item; /* its transpose */
    const int64_t *time;       /* [nnz] of by_user's entries; NULL: unknown */
    const struct csr *whole;   /* of a view of a part of train: all its rows; NULL: by_user is all there is */
    uint32_t n_item_columns, n_user_columns;
    const struct column *item_columns, *user_columns;
    struct texts
        texts; /* without those of held-out pairs (valid, test, dropped), or after the cut of a split by time */
    uint64_t n_masked_texts;
    uint32_t n_features;
    const struct feature *features; /* as published: from_users says which may hold what is held out */
    const struct truth *truth;      /* only the oracle looks; NULL: unknown */
    struct strings user_ids, item_ids;
    float minimum_value, maximum_value; /* of the whole rating scale of the train rows */
};

enum status view_build(const struct dataset *d, const struct fold *fold, struct arena *arena,
                       struct view **out);
/* Is text t kept from models: about a held-out pair, or written after the cut of a split by time?  held_out: [n_users x
 * n_items] the pairs of valid, test and dropped train rows. */
bool view_hides_text(const struct texts *texts, uint64_t t, const struct csr *held_out,
                     const struct fold *fold);
/* May text t say what its user wants?  Not where it is about a row of train that this view lacks: that row is
 * what a model fitted on the others will be asked about (out-of-fold scores). */
bool view_user_text(const struct view *v, uint64_t t);
const struct column *view_item_column(const struct view *v, const char *name); /* NULL: none */
/* "Toy Story (1995) [1]": the item's title and publisher's id, or the id alone where it has no title; in the arena, NULL: memory is out. */
const char *view_item_name(const struct view *v, uint32_t item, struct arena *arena);

/* The text of every item from the fields asked for, in that order, joined by ". ":
 *   "title"     as it is; likewise any other item column
 *   "genres"    names joined by ", "
 *   "tags"      distinct tags of the unmasked texts, most frequent first, ", "
 *   "reviews"   unmasked, in order, at most `max_reviews` an item
 * A field that the dataset lacks is STATUS_UNAVAILABLE with what to do, unless it is "tags" or "reviews" and other fields
 * exist (then it adds nothing).  The strings live in the arena. */
enum status view_item_texts(const struct view *v, const struct param_list *fields, uint32_t max_reviews,
                            struct arena *arena, struct strings *out);

#endif
