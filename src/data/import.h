/*
 * import.h - from a publisher's files to a dataset.
 */
#ifndef DATA_IMPORT_H
#define DATA_IMPORT_H
#include <stdbool.h>

#include "data/dataset.h"

/* What becomes of rows that are not as they should be (import/policies.h); the first of each is the default. */
enum duplicates { DUPLICATES_ALL, DUPLICATES_LAST, DUPLICATES_FIRST, DUPLICATES_SUM, DUPLICATES_ERROR };
enum out_of_range { OUT_OF_RANGE_ERROR, OUT_OF_RANGE_SKIP, OUT_OF_RANGE_CLIP };
enum missing_times { MISSING_TIMES_ERROR, MISSING_TIMES_SKIP, MISSING_TIMES_NONE };

struct import_options {
    bool header; /* tsv, csv: the first line names the columns */
    const char *
        columns; /* tsv, csv: which is what, "user=NAME,item=NAME,rating=NAME,time=NAME"; NULL: usual names */
    const char *items; /* csv or tsv file with item columns; NULL: none */
    const char *
        item_columns; /* "NAME,NAME ...": the columns of a file of items without a header line; NULL: it has one */
    const char *item_id; /* its id column; NULL: the first */
    const char *
        item_kinds; /* "price=number,genres=list": columns of it that are no texts; a list's entries are parted by | */
    const char *
        attributes; /* "FILE" or "FILE,COLUMN": a JSON object {key: [attribute, ...]} of the items; NULL: none */
    const char *name;      /* dataset name; NULL: from the output file */
    const char *meta;      /* amazon: the file of product metadata; NULL: found in the folder */
    const char **features; /* [n_features] "NAME=FILE" or "NAME=FILE,IDS": vectors of the items */
    size_t n_features;
    const char **item_texts; /* [n_item_texts] "NAME=FILE.json": text columns of the items */
    size_t n_item_texts;
    const char *friends; /* "FILE" or "FILE,both": links between users (import/friends.h); NULL: none */
    const char
        *queries; /* "FILE" or "FILE,user=NAME,text=NAME ...": searches (import/queries.h); NULL: none */
    int duplicates, out_of_range, missing_times; /* of the enums above */
    bool has_scale;                              /* ratings lie within scale_low .. scale_high */
    float scale_low, scale_high;
    uint64_t max_bad; /* so many malformed rows are skipped, each with its sentence; one more is an error */
};
/* Options that only some formats take. */
enum {
    IMPORT_TAKES_META = 1,
    IMPORT_TAKES_MAX_BAD = 2,
    IMPORT_TAKES_COLUMNS = 4,
    IMPORT_TAKES_ATTRIBUTES = 8
};
struct import_format {
    const char *name, *help, *example; /* example: one line of such a file */
    enum status (*read)(const char *source, const struct import_options *options, struct arena *arena,
                        struct dataset **out);
    unsigned takes; /* IMPORT_TAKES_... */
};
extern const struct import_format *const import_formats[]; /* NULL-ended */

/* Reads SOURCE in that format and writes OUT (store_write); prints what was counted. */
enum status import_run(const char *format, const char *source, const struct import_options *options,
                       const char *out_path);

#endif
