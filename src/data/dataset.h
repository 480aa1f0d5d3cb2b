/*
 * dataset.h - a dataset in memory, as the HDF5 file holds it (DESIGN.md section 3; store.c reads and writes
 * it).
 *
 * Users are 0 .. n_users - 1 and items 0 .. n_items - 1, in order of the map made at import (first
 * appearance, items without an interaction after those with one).
 */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/csr.h"
#include "base/fsio.h"
#include "base/status.h"
#include "base/strings.h"

#define DATASET_SCHEMA 1

/* Rows sorted by user, then time (where there is one), then source order. */
struct interactions {
    uint64_t n;
    uint32_t *user; /* [n] */
    uint32_t *item; /* [n] */
    float *value;   /* [n] rating, 1 where the source has none */
    int64_t *time;  /* [n] seconds since 1970; NULL where the source has none */
    /* [n] data line of the source, from 0, in order of the file(s), headers not counted */
    uint64_t *source_row;
};

enum column_kind {
    COLUMN_TEXT,  /* one string each: title, description; empty when missing */
    COLUMN_LIST,  /* several names each: genres, categories */
    COLUMN_NUMBER /* one number each: year; NaN when missing */
};
struct column {
    const char *name;
    enum column_kind kind;
    struct strings text;  /* TEXT: [n] */
    struct csr list;      /* LIST: [n x names.n], val NULL */
    struct strings names; /* LIST */
    const float *number;  /* NUMBER: [n] */
};

/* What users wrote, each text about one item. */
enum text_kind { TEXT_REVIEW, TEXT_TAG, TEXT_QUERY, TEXT_POST };
struct texts {
    uint64_t n;
    const uint32_t *user; /* [n] */
    const uint32_t *item; /* [n]; UINT32_MAX: none (a query) */
    const int64_t *time;  /* [n]; NULL: unknown */
    const uint8_t *kind;  /* [n] enum text_kind */
    struct strings text;  /* [n] */
};

/* The generator's truth: preference of user u for item i = user[u] . item[i] + item_bias[i], and the
 * probability of being observed is proportional to exp(preference + exposure[i]). */
struct truth {
    uint32_t factors;
    const float *user;      /* [n_users x factors] */
    const float *item;      /* [n_items x factors] */
    const float *item_bias; /* [n_items] */
    const float *exposure;  /* [n_items] */
};

/* A vector of each item: image, audio, genome scores ... */
struct feature {
    const char *name;
    uint32_t width;     /* 1 to FEATURE_WIDTH_MAX */
    bool from_users;    /* made from what users did (genome scores): may hold what is held out */
    const float *value; /* [n_items x width]; an item without a vector: NaN in its whole row */
};
#define FEATURE_WIDTH_MAX 65536

struct dataset {
    const char *name, *source; /* source: the path or generator line it was made from (file names only) */
    const char *policies;      /* what was done to duplicates, malformed rows ... with counts; JSON */
    char source_sha256[SHA256_HEX]; /* of the source files' bytes in the order read */
    char content_sha256[SHA256_HEX];
    uint32_t n_users, n_items;
    struct strings user_ids, item_ids; /* the publisher's */
    struct interactions interactions;
    uint32_t n_user_columns, n_item_columns;
    const struct column *user_columns, *item_columns;
    struct texts texts;
    uint32_t n_features;
    const struct feature *features;
    const struct truth *truth; /* NULL: unknown, as in all real data */
};

/* The item column of that name, or NULL. */
const struct column *dataset_item_column(const struct dataset *d, const char *name);

/* Likewise of the users. */
const struct column *dataset_user_column(const struct dataset *d, const char *name);

/* Links between friends (user column `friends`; 0 without it): those of which both ends are users with a row in `rows`, and not the same.
 * STATUS_SYSTEM: memory. */
enum status dataset_links(const struct dataset *d, const struct interactions *rows, uint64_t *n);

/* The feature of that name, or NULL. */
const struct feature *dataset_feature(const struct dataset *d, const char *name);

/* Puts the rows into the order of the dataset file: by user, then time (where there is one), then source_row.
 * In place; user < n_users.  STATUS_SYSTEM when memory is out. */
enum status interactions_sort(uint32_t n_users, struct interactions *rows);

/* Where the user of that row begins (rows in order; row n: n), so that threads can have whole users each. */
uint64_t interactions_user_begin(const struct interactions *rows, uint64_t row);

#endif
