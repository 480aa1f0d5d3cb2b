/*
 * tree_features.h - what trees are asked about: numbers and categories of a user, of an item, and of the two
 * together.
 *
 * A row of the table is [pair | user | item]:
 *   pair   activity, popularity (log(1 + train rows)), what tree_vectors.h makes of the text vectors, what a decoder says of the two
 *          (cross_feature.h), each collaborative score (standardised user by user), and for each list column of items (genres) the share of
 *          the user's items that have its names
 *   user   number and category columns
 *   item   number and category columns, and 0 / 1 for the most frequent names of each list column
 *
 * All of it is made of one view's train rows; users' vectors, where `user_text` asks, of what the view shows of their texts too.  Trees learn
 * from rows that the view lacks: described by rows that hold their own, a tree that tells items apart by their columns would read the answer
 * off a count that is one too high (or, left out, too low).
 */
#ifndef FUSION_TREE_FEATURES_H
#define FUSION_TREE_FEATURES_H
#include "fusion/collaborative.h"
#include "fusion/tree_vectors.h"
#include "models/forest.h"
#include "models/user_texts.h"

enum { TREE_LISTS_MOST = 4 };

struct tree_features {
    const struct backend *backend;
    struct csr history;        /* [n_users x n_items] */
    const float *item_rows;    /* [n_items] log(1 + train rows) */
    float row_scale;           /* of counts: as many train rows as the whole has, to one of the view's */
    struct item_vectors items; /* d 0: no text */
    struct user_texts texts;   /* d 0: the user's vector is the history's alone */
    struct tree_vectors vectors;
    bool cross; /* a column of what a decoder says, which comes with the rows */
    struct collaborative collaborative;
    uint32_t n_lists, n_pair, n_user, n_item;
    struct csr list[TREE_LISTS_MOST]; /* [n_items x names] */
    const float *user_x, *item_x;     /* [n_users x n_user], [n_items x n_item] */
    struct tree_columns columns;      /* names and kinds of [pair | user | item] */
};

/* From the view, whose rows stand for row_scale as many; items, texts, collaborative, cross and the blocks
 * of vectors are set before.  At most max_names names a list column get a 0 / 1 of their own, and only text columns of at
 * most 255 texts, half as many as rows or fewer, count as categories. */
enum status tree_features_describe(struct tree_features *f, const struct view *view, double row_scale,
                                   uint32_t max_names, struct arena *arena, struct arena *scratch);
/* Room for the scores and vectors of a tile of users. */
enum { TREE_TILE = 32 };
struct tree_room {
    float *signal; /* [signals][TREE_TILE x n_items] */
    float *vector; /* [TREE_TILE x d] */
    float *part;   /* [TREE_TILE x k] components of vector */
    float *names;  /* of all list columns */
    const float
        *cross; /* [n] of the rows that are made next: set by the caller where there is such a column */
};
enum status tree_room_new(const struct tree_features *f, struct tree_room *out); /* malloc */
void tree_room_free(struct tree_room *room);
/* Scores and vectors of users [n <= TREE_TILE]. */
enum status tree_room_fill(const struct tree_features *f, const uint32_t *users, size_t n,
                           struct tree_room *room);
/* Rows of user u, the r-th of the tile, with n items: x [n x columns]. */
void tree_features_rows(const struct tree_features *f, uint32_t u, size_t r, const uint32_t *items,
                        uint32_t n, struct tree_room *room, float *x);
/* Rows of the groups' candidates, [n groups x candidates x columns]; cross [n groups x candidates], where there is such a
 * column. */
enum status tree_features_groups(const struct tree_features *f, const struct intent_groups *groups,
                                 const float *cross, struct run *run, float **x);

enum status tree_features_save(const struct tree_features *f, struct model_writer *w);
/* collaborative, cross and the blocks of vectors are chosen before; own: what of users' texts was asked for, of those
 * vectors. */
enum status tree_features_load(struct tree_features *f, const struct user_texts_options *own,
                               const struct item_vectors_options *vectors, struct model_reader *r,
                               struct run *run);

#endif
