/*
 * split.h - from interactions to folds of train, valid and test.
 */
#ifndef DATA_SPLIT_H
#define DATA_SPLIT_H
#include <stdbool.h>

#include "base/param.h"
#include "data/dataset.h"

/* One train/valid/test division.  Rows of each part keep the order of the dataset. */
struct fold {
    struct interactions train, valid, test; /* valid.n may be 0 */
    /* Of keep_train (keep_train.h): train rows that no model sees, nor their texts; they are masked when ranking as if they were
     * there, so that the same items are ranked. */
    struct interactions dropped; /* n 0: none */
    const uint8_t
        *unlearned; /* [valid.n] 1: not fitted on by a model that is fitted on train+valid; NULL: none */
    /* A split by time: texts written from texts_before on are held out with the rows. */
    bool cuts_texts;
    int64_t texts_before; /* seconds since 1970 */
    /* what was counted, for the record and the plan */
    uint64_t n_unknown_dropped;  /* rows of a given split with unknown ids */
    uint64_t n_filtered_dropped; /* rows of a given split whose pair the filters removed from the dataset */
    uint64_t n_not_in_dataset; /* pairs of a given split that the dataset lacks: kept, source_row 2^64 - 1 */
    uint64_t n_duplicates;     /* pairs that occurred more than once in a part: the last was kept */
    uint64_t n_train_test_pairs;              /* pairs in train and in test: masked when ranking, so missed */
    uint64_t n_test_users, n_cold_test_items; /* users with test rows; test items without a train row */
    uint64_t n_cold_test_users;               /* users with test rows and no train row */
    uint64_t n_users_without_test;            /* users with train rows and no test row: not evaluated */
    uint64_t n_left_out; /* rows that the split puts into no part (duplicates not counted) */
};

struct split_type {
    const char *name; /* "random", "temporal_global" ... */
    const char *help;
    const char
        *loses;      /* what this way of dividing can't show or leaves out, in half a sentence, for people */
    bool needs_time; /* a dataset without times is an error that says so */
    const struct param *params;
    size_t params_size;
    /* Checks what the params alone can tell (files exist, combinations); may be NULL. */
    enum status (*check)(const void *params, const struct node *where);
    /* The files that it reads, for the cell's key; NULL: none. */
    enum status (*files)(const void *params, struct arena *arena, struct param_list *out);
    /* `in`: what the filters left. */
    enum status (*apply)(const void *params, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct fold **folds, size_t *n_folds);
};
extern const struct split_type *const split_types[]; /* NULL-ended */

/* A split from the config: `{kind: random, test: 0.2, scope: per_user, seed: 42}`. */
struct split {
    const struct split_type *type;
    void *params;
    const struct node *where;
    char *json; /* canonical: part of a cell's key, with the sha256 of every file that it names */
};
/* STATUS_USAGE: unknown kind or key, value out of range.  STATUS_DATA: a file that it names is missing. */
enum status split_parse(const struct node *node, struct arena *arena, struct split *out);
/* Applies the split, drops duplicates (last kept), counts.  STATUS_DATA when train or test is empty. */
enum status split_apply(const struct split *split, const struct dataset *d, const struct interactions *in,
                        struct arena *arena, struct fold **folds, size_t *n_folds);

/* The counts of a fold from its parts: pairs in train and test, cold users and items, users without test rows.  Anew after train was cut. */
enum status split_count_fold(const struct dataset *d, struct fold *fold, struct arena *arena);

/* For the split files: the rows of `in` where part[row] == wanted, in their order. */
enum status split_take(const struct interactions *in, const uint8_t *part, uint8_t wanted,
                       struct arena *arena, struct interactions *out);
/* Train, valid and test are the rows with part 0, 1 and 2. */
enum status split_take_fold(const struct interactions *in, const uint8_t *part, struct arena *arena,
                            struct fold *out);
/* Marks rows of `in` (sorted by user) of which a later row has the same pair: duplicate[r] = 1; *n says how
 * many. */
enum status split_duplicates(const struct dataset *d, const struct interactions *in, struct arena *arena,
                             uint8_t **duplicate, uint64_t *n);
/* The parts of the rows before they are dealt: 0 train, SPLIT_NOWHERE for rows of which a later one has the same
 * pair; fold->n_duplicates counts those. */
enum { SPLIT_TRAIN = 0, SPLIT_VALID = 1, SPLIT_TEST = 2, SPLIT_NOWHERE = 3 };
enum status split_parts(const struct dataset *d, const struct interactions *in, struct arena *arena,
                        uint8_t **part, uint64_t *n_duplicates);

#endif
