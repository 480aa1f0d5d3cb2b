/*
 * amazon_csv.c - Amazon reviews as csv.
 *
 * With a header the columns are found by name.  Without one these are the "ratings only" files, which have
 * their first two columns the other way round in 2018 (item,user) than in 2014 (user,item): products have ids
 * of exactly 10 characters and users nearly always longer ones, so the first row where just one of the two
 * has 10 decides.
 */
#include <math.h>
#include <string.h>

#include "data/import/amazon.h"
#include "data/import/policies.h"

static const char *const column_names[][3] = {
    {"reviewerID", "user_id", NULL},       {"parent_asin", "asin", NULL}, {"overall", "rating", NULL},
    {"unixReviewTime", "timestamp", NULL}, {"reviewText", "text", NULL},  {"summary", "title", NULL}};
enum { USER, ITEM, RATING, TIME, TEXT, SUMMARY, N_COLUMNS };

struct layout {
    int at[N_COLUMNS]; /* -1: not there */
    size_t n;
    bool header;
};

/* The earlier name of a pair wins (parent_asin over asin). */
static void layout_from_header(const struct record_reader *r, struct layout *layout)
{
    layout->n = r->n;
    for (int c = 0; c < N_COLUMNS; c++) {
        layout->at[c] = -1;
        for (size_t k = 0; layout->at[c] < 0 && column_names[c][k] != NULL; k++)
            for (size_t i = 0; i < r->n && layout->at[c] < 0; i++)
                if (field_is(r->field[i], column_names[c][k]))
                    layout->at[c] = (int)i;
    }
    layout->header = layout->at[USER] >= 0 || layout->at[ITEM] >= 0;
}

static enum status layout_from_rows(struct record_reader *r, struct layout *layout)
{
    bool found = true;
    *layout = (struct layout){{-1, -1, 2, 3, -1, -1}, 4, false};
    while (found) {
        if (r->n != 4)
            return record_count_expected(
                r, "4: user, item, rating, time (2014), or item, user, rating, time (2018)");
        const bool first = r->field[0].length == 10, second = r->field[1].length == 10;
        if (first != second) {
            layout->at[USER] = first ? 1 : 0;
            layout->at[ITEM] = first ? 0 : 1;
            return STATUS_OK;
        }
        TRY(record_next(r, &found));
    }
    return status_fail(
        STATUS_DATA,
        "%s: which of the first two columns is the product can't be told (ids of products have 10 "
        "characters, those of users more); import it as csv with a header line",
        r->reader.path);
}

static enum status find_layout(const char *path, struct layout *layout)
{
    struct record_reader r;
    bool found;
    TRY(record_open(&r, path, RECORD_CSV, READER_UTF8, NULL));
    enum status status = record_next(&r, &found);
    if (status == STATUS_OK && !found)
        status = status_fail(STATUS_DATA, "%s: is empty, expected reviews", path);
    if (status == STATUS_OK) {
        layout_from_header(&r, layout);
        if (!layout->header)
            status = layout_from_rows(&r, layout);
        else if (layout->at[USER] < 0 || layout->at[ITEM] < 0 || layout->at[RATING] < 0)
            status =
                reader_fail(&r.reader, 1, 0,
                            "the header lacks a column, expected reviewerID or user_id, asin or parent_asin, "
                            "overall or rating");
    }
    record_close(&r);
    return status;
}

static enum status parse_row(struct import *im, const struct record_reader *r, const struct layout *layout,
                             struct amazon_review *out, struct amazon_counts *counts)
{
    int64_t time = 0;
    const int *at = layout->at;
    *out = (struct amazon_review){.has_time = at[TIME] >= 0};
    if (r->n != layout->n)
        return reader_fail(&r->reader, r->line, 0, "found %zu field%s, expected %zu", r->n,
                           r->n == 1 ? "" : "s", layout->n);
    out->user = r->field[at[USER]];
    out->item = r->field[at[ITEM]];
    if (out->user.length == 0)
        return record_expected(r, (size_t)at[USER], "a user id");
    if (out->item.length == 0)
        return record_expected(r, (size_t)at[ITEM], "an item id");
    TRY(record_real(r, (size_t)at[RATING], "a rating", &out->rating));
    if (!policies_in_scale(im, out->rating, 0, 5))
        return record_expected(r, (size_t)at[RATING], "a rating from 0 to 5");
    out->time = IMPORT_NO_TIME;
    if (at[TIME] >= 0 && !(r->field[at[TIME]].length == 0 && policies_no_time(im, &out->time))) {
        TRY(record_time(r, (size_t)at[TIME], "a time in seconds or milliseconds since 1970", &time));
        out->time = amazon_seconds((double)time, counts);
    }
    if (at[TEXT] >= 0)
        out->text = r->field[at[TEXT]];
    if (at[SUMMARY] >= 0)
        out->summary = r->field[at[SUMMARY]];
    return STATUS_OK;
}

enum status amazon_read_csv(struct import *im, const char *path, struct amazon_counts *counts)
{
    struct record_reader r;
    struct layout layout;
    struct amazon_review review;
    bool found;
    TRY(find_layout(path, &layout));
    TRY(record_open(&r, path, RECORD_CSV, READER_UTF8, &im->log));
    enum status status = record_next(&r, &found);
    if (status == STATUS_OK && layout.header)
        status = record_next(&r, &found);
    while (status == STATUS_OK && found) {
        const uint64_t n_bad = im->n_bad;
        status = import_row_done(im, parse_row(im, &r, &layout, &review, counts));
        if (status == STATUS_OK && n_bad == im->n_bad)
            status = amazon_add(im, &review, counts);
        if (status == STATUS_OK)
            status = record_next(&r, &found);
    }
    record_close(&r);
    return status;
}
