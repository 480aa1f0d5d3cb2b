/*
 * build.h - a dataset while it is being read: id maps, rows, columns, texts, counts; what every format
 * shares.
 */
#ifndef IMPORT_BUILD_H
#define IMPORT_BUILD_H
#include <jansson.h>

#include "data/import.h"
#include "data/import/record.h"

/* The time of a row or text that has none. */
#define IMPORT_NO_TIME INT64_MIN

struct import {
    struct source_log log;
    struct string_map *users, *items; /* ids in order of first appearance */
    json_t *policies;                 /* what was done, with counts */
    /* /interactions in source order */
    uint64_t n, n_allocated;
    uint32_t *user, *item;
    float *value;
    int64_t *time;
    bool has_time, has_value;
    /* /texts */
    struct string_builder text;
    uint64_t n_texts_allocated;
    uint32_t *text_user, *text_item;
    int64_t *text_time;
    uint8_t *text_kind;
    /* columns, finished */
    struct column user_columns[16], item_columns[RECORD_FIELDS_MAX];
    uint32_t n_user_columns, n_item_columns;
    struct feature features[16]; /* finished (features.h) */
    uint32_t n_features;
    uint64_t n_bad, max_bad; /* malformed rows skipped, and how many may be */
    /* policies.h: what the user declared; the scale is his, or the format's own */
    const struct import_options *options;
    bool has_scale;
    float scale_low, scale_high;
};

/* In the arena's sense none of it: import_close() frees it, filled or not. */
enum status import_open(struct import *im);
void import_close(struct import *im);

/* The frame of a format: opens an import, lets `fill` read SOURCE into it, finishes the dataset. */
typedef enum status import_filler(struct import *im, const char *source, const struct import_options *options,
                                  struct arena *arena);
enum status import_fill(const char *source, const struct import_options *options, struct arena *arena,
                        import_filler *fill, struct dataset **out);
/* What became of a row: STATUS_DATA (its sentence is out already) is forgiven and counted, up to max_bad
 * times. Only for rows that have added nothing yet, and never for a file that can't be read on. */
enum status import_row_done(struct import *im, enum status status);

/* Room for n interactions in all, so that im->user, item, value and time can be written from im->n on. */
enum status import_make_room(struct import *im, uint64_t n);
/* One interaction; ids not empty. */
enum status import_add_row(struct import *im, const struct record_reader *r, size_t user_at, size_t item_at,
                           float value, int64_t time);
enum status import_add_ids(struct import *im, struct field user, struct field item, float value,
                           int64_t time);
/* One text of that kind with its time. */
enum status import_add_text(struct import *im, enum text_kind kind, uint32_t user, uint32_t item,
                            struct field text, int64_t time);
/* One tag text with its time. */
enum status import_add_tag(struct import *im, uint32_t user, uint32_t item, struct field text, int64_t time);
/* The id's position, added when new; STATUS_DATA when the field is empty.  `what`: "a user id". */
enum status import_id(const struct record_reader *r, size_t at, const char *what, struct string_map *map,
                      uint32_t *out);

/* Reads a whole file of rows `user item [rating [time]]`.  header: the first line names the columns (user,
 * userId, user_id; item, itemId, item_id, movieId; rating, value; timestamp, time), others are counted and
 * said. */
enum status import_read_rows(struct import *im, const char *path, enum record_separator separator,
                             bool header);

/* The same of SOURCE, a file or a folder with the files of a split; `ending`: of these files.  The first line is a header if the
 * options say so. */
enum status import_read_rows_of(struct import *im, const char *source, enum record_separator separator,
                                const char *ending, const struct import_options *options,
                                struct arena *arena);

/* The name that `columns` ("user=visitor,item=sku") gives to that role; false: it gives none. */
bool import_column_name(const char *columns, const char *role, struct field *name);
/* STATUS_USAGE: not "user=NAME,item=NAME[,rating=NAME][,time=NAME]". */
enum status import_check_columns(const char *columns);

/* Strings given in the order of a file, with the user or item that each belongs to: a column of n texts.
 * Those without an entry are empty. */
enum status import_text_column(struct column *column, const char *name, const struct string_builder *texts,
                               const uint32_t *owner, uint32_t n, struct arena *arena);
enum status import_number_column(struct column *column, const char *name, const float *numbers,
                                 uint64_t n_numbers, const uint32_t *owner, uint32_t n, struct arena *arena);

/* The list column `attributes` from a JSON object {key: [attribute, ...]}; column NULL: keys are item ids, else what that text column
 * of the items holds. */
enum status import_read_attributes(struct import *im, const char *path, const char *column,
                                   struct arena *arena);
/* Item columns from options->items: a csv file with a header line; then options->attributes. */
enum status import_read_items(struct import *im, const struct import_options *options, struct arena *arena);

/* FOLDER/NAME or FOLDER/NAME.gz in the arena; NULL in *path when neither is there. */
enum status import_find(const char *folder, const char *name, struct arena *arena, char **path);
/* SOURCE is a file whose name ends in `ending` (or that with .gz), or a folder with just one such: *path, and
 * *prefix is the path without the ending.  STATUS_DATA otherwise. */
enum status import_main_file(const char *source, const char *ending, struct arena *arena, char **prefix,
                             char **path);
/* PREFIX ENDING, or that with .gz; NULL in *path when neither is there. */
enum status import_beside(const char *prefix, const char *ending, struct arena *arena, char **path);
bool import_is_folder(const char *path);
/* Does the name end so, in small letters or capitals; in .csv or .csv.gz? */
bool import_ends_with(const char *name, const char *ending);
bool import_is_csv(const char *name);
/* train, valid (or val) and test of the folder, as far as they are there, each with that ending (or that and .gz), one after the
 * other; their rows are counted.  STATUS_DATA: no train. */
typedef enum status import_part(struct import *im, const char *path, void *context);
enum status import_each_part(struct import *im, const char *folder, const char *ending, import_part *part,
                             void *context, struct arena *arena);
/* STATUS_USAGE when an option is given that this format can't use. */
enum status import_refuse_items_and_header(const struct import_options *options, const char *format);
/* `user item item ...` a line, values 1, no times. */
enum status import_read_adjacency(struct import *im, const char *path);
/* Every row of a file to `row`.  header NULL: none; else the first line must begin with that name and is
 * passed over. */
typedef enum status import_row(struct import *im, const struct record_reader *r, void *context);
enum status import_each_row(struct import *im, const char *path, enum record_separator separator,
                            enum reader_text text, const char *header, import_row *row, void *context);
/* "2018-09-05", or "2018-09-05 19:42:07" (taken as UTC), as seconds since 1970; years 1 to 9999. */
bool import_date(struct field f, int64_t *out);
/* "978300760" or "978300760.0" as seconds (rounded down). */
bool import_seconds(struct field f, int64_t *out);
int64_t import_day(int64_t year, int month, int day); /* seconds since 1970 of that day's beginning */

/* "NAME=FILE.json": a text column of the items (item_texts.c). */
enum status import_read_item_text(struct import *im, const char *option, struct arena *arena);
/* Adds a count or a sentence to the policies. */
enum status import_note_count(struct import *im, const char *key, uint64_t count);
enum status import_note(struct import *im, const char *key, const char *sentence);

/* The dataset: sorted rows, ids, texts, policies.  STATUS_DATA when there is no interaction. */
enum status import_finish(struct import *im, const char *source, struct arena *arena, struct dataset **out);

extern const struct import_format import_movielens, import_tsv, import_csv, import_adjacency, import_amazon,
    import_lastfm, import_citeulike, import_book_crossing, import_ncf, import_s3rec, import_recbole,
    import_libfm, import_douban, import_npy_features;

#endif
