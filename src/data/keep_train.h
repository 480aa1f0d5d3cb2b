/*
 * keep_train.h - a share of the train rows, by lots: the same study with less data.
 *
 * Test rows, users, items and what is ranked stay as they are at every share, and a larger share of one seed holds the smaller
 * one, so that what differs between two shares is what models learned from.
 */
#ifndef DATA_KEEP_TRAIN_H
#define DATA_KEEP_TRAIN_H
#include "data/split.h"

struct keep_train {
    double share; /* above 0, at most 1; 0: was not asked for */
    int seed;
};

/* Reads `0.25`, `[0.1, 1]`, `{share: 0.25, seed: 7}` or `{share: [0.1, 1], seed: 7}`: one or more entries in the order of the list,
 * all of one seed.  *is_list: whether shares were a list, be it of one.  STATUS_USAGE: a share out of range, another key. */
enum status keep_train_parse(const struct node *node, struct arena *arena, struct keep_train **out, size_t *n,
                             bool *is_list);
/* Of the fold's n train rows the floor(n * share) with the smallest lots stay; the others go to fold->dropped.  As many in proportion of
 * the validation rows are marked in fold->unlearned: they measure as before, and a model fitted on train+valid doesn't get them.  A lot
 * belongs to (seed, user, item) by the numbers of `d`, so this comes before dataset_compact().  The counts are not touched (split_count_fold()).
 * STATUS_DATA: no train row is left; `name`: of the dataset, for the sentence. */
enum status keep_train_apply(const struct keep_train *keep, const char *name, struct fold *fold,
                             struct arena *arena);

#endif
