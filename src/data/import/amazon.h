/*
 * amazon.h - what the parts of the Amazon importer share.
 */
#ifndef IMPORT_AMAZON_H
#define IMPORT_AMAZON_H
#include "data/import/build.h"
#include "data/import/json.h"

/* One review, whatever file it came from; fields point into the row that was read. */
struct amazon_review {
    struct field user, item, text, summary;
    float rating;
    int64_t time;
    bool has_time;
};
struct amazon_counts {
    uint64_t n_without_text, n_milliseconds;
};

/* Adds the review and its text. */
enum status amazon_add(struct import *im, const struct amazon_review *review, struct amazon_counts *counts);
/* Times of the 2023 edition are in milliseconds: brought to seconds (rounded down), and counted. */
int64_t amazon_seconds(double time, struct amazon_counts *counts);

/* Reviews as JSON lines; as csv with a header (Kaggle's edition of 2014, the 5-core of 2023) or without one
 * (the "ratings only" files: user,item,rating,time in 2014, item,user,rating,time in 2018). */
enum status amazon_read_json(struct import *im, const char *path, struct amazon_counts *counts);
enum status amazon_read_csv(struct import *im, const char *path, struct amazon_counts *counts);

/* Titles, descriptions, brands, categories, prices, sales ranks of the products that were reviewed. */
enum status amazon_read_meta(struct import *im, const char *path, struct arena *arena);

#endif
