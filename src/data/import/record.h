/*
 * record.h - a text file as rows of fields: parted by tab, "|", "::", blanks, or CSV with quotes (libcsv).
 */
#ifndef IMPORT_RECORD_H
#define IMPORT_RECORD_H
#include <csv.h>

#include "data/import/reader.h"

enum record_separator { RECORD_TAB, RECORD_PIPE, RECORD_COLONS, RECORD_CSV };

struct field {
    const char *at; /* not terminated */
    size_t length;
};

#define RECORD_FIELDS_MAX 256

struct record_reader {
    struct reader reader;
    enum record_separator separator;
    size_t n; /* fields of this row */
    struct field field[RECORD_FIELDS_MAX];
    uint64_t line; /* where the row began, from 1 */
    uint64_t row;  /* rows given so far */
    /* inside */
    struct csv_parser csv;
    bool csv_open, row_done, too_many;
    char *copy; /* CSV: the fields' bytes one behind the other */
    size_t copy_length, copy_allocated;
    const char *raw; /* the row's last physical line */
    size_t raw_length;
};

/* Errors as reader_open(). */
enum status record_open(struct record_reader *r, const char *path, enum record_separator separator,
                        enum reader_text text, struct source_log *log);
void record_close(struct record_reader *r);

/* The next row; *found false at the end of the file.  Fields are valid until the next call.  Empty lines are
 * taken at the end of the file only.  STATUS_DATA: as reader_line(), bad quotes, too many fields, an empty
 * line in between. */
enum status record_next(struct record_reader *r, bool *found);

/* What a line looks parted by, if not by what it was taken for, as the end of a sentence: "; it looks parted by commas, which
 * `recfuse import csv` reads"; empty when nothing says so.  `taken`: the separators that were looked for. */
const char *record_looks_parted(const char *line, size_t length, const char *taken);
/* The same of a row that was found to be one field; empty for a row of more. */
const char *record_hint(const struct record_reader *r);

/* Joins fields first .. last again, with the separators that stood between them (not CSV). */
struct field record_join(const struct record_reader *r, size_t first, size_t last);

/* STATUS_DATA "FILE:LINE:COLUMN: found 'abc', expected ..."; `at`: the field's number, from 0. */
enum status record_expected(const struct record_reader *r, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* STATUS_DATA "FILE:LINE: found N fields, expected ..." */
enum status record_count_expected(const struct record_reader *r, const char *expected);

/* The field as a number, whatever the locale: decimal, an exponent allowed, finite as a float.  `what` names
 * it in the message: "a rating". */
enum status record_real(const struct record_reader *r, size_t at, const char *what, float *out);
enum status record_integer(const struct record_reader *r, size_t at, const char *what, int64_t *out);
/* A whole number that isn't negative. */
enum status record_time(const struct record_reader *r, size_t at, const char *what, int64_t *out);
/* As above, without a message: false when it is no such number. */
bool field_real(struct field f, float *out);
bool field_integer(struct field f, int64_t *out);
/* Equal to the terminated word, ASCII letters in either case? */
bool field_is(struct field f, const char *word);

#endif
