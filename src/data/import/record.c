/*
 * record.c - rows of fields, and the numbers in them.
 *
 * CSV goes through libcsv, a physical line at a time so that a row's line is known; spaces around fields are
 * kept as published (libcsv would strip them).  Numbers are read here, since strtod() obeys the locale and is
 * slow: up to 19 digits are kept exactly, scaled in long double (64 bits of mantissa), far below the error of
 * a float.
 */
#include "data/import/record.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int no_space(unsigned char byte)
{
    (void)byte;
    return 0;
}

enum status record_open(struct record_reader *r, const char *path, enum record_separator separator,
                        enum reader_text text, struct source_log *log)
{
    memset(r, 0, sizeof *r);
    r->separator = separator;
    TRY(reader_open(&r->reader, path, text, log));
    if (separator != RECORD_CSV)
        return STATUS_OK;
    if (csv_init(&r->csv, CSV_STRICT | CSV_STRICT_FINI) != 0) {
        reader_close(&r->reader);
        return status_fail(STATUS_SYSTEM, "out of memory reading %s", path);
    }
    csv_set_space_func(&r->csv, no_space);
    r->csv_open = true;
    return STATUS_OK;
}

void record_close(struct record_reader *r)
{
    reader_close(&r->reader);
    if (r->csv_open)
        csv_free(&r->csv);
    r->csv_open = false;
    free(r->copy);
    r->copy = NULL;
}

/* libcsv's callbacks.  Fields are first kept as lengths, and get their addresses when the row is whole. */
static void csv_field(void *bytes, size_t length, void *context)
{
    struct record_reader *r = context;
    if (r->n == RECORD_FIELDS_MAX || r->copy_length + length > r->copy_allocated) {
        r->too_many = true;
        return;
    }
    if (length > 0)
        memcpy(r->copy + r->copy_length, bytes, length);
    r->copy_length += length;
    r->field[r->n++].length = length;
}
static void csv_row(int terminator, void *context)
{
    struct record_reader *r = context;
    (void)terminator;
    r->row_done = true;
}

static size_t trim_line_end(const char *line, size_t length)
{
    if (length > 0 && line[length - 1] == '\n')
        length--;
    if (length > 0 && line[length - 1] == '\r')
        length--;
    return length;
}

static enum status csv_fail(struct record_reader *r)
{
    if (csv_error(&r->csv) == CSV_EPARSE)
        return reader_fail(
            &r->reader, r->reader.line, 0,
            "a quote where none may be; in CSV a quoted field is \"...\" with \"\" for a quote in it");
    return status_fail(STATUS_SYSTEM, "out of memory reading %s", r->reader.path);
}

/* Feeds lines to libcsv until a row is whole. */
static enum status record_next_csv(struct record_reader *r, const char *line, size_t length)
{
    r->copy_length = 0;
    r->row_done = r->too_many = false;
    size_t total = 0;
    while (length > 0) {
        total += length;
        if (total > READER_LINE_MAX)
            return reader_fail(&r->reader, r->line, 0, "the row is longer than %u bytes: a quote left open?",
                               READER_LINE_MAX);
        if (total > r->copy_allocated) {
            char *copy = realloc(r->copy, 2 * total + 256);
            if (copy == NULL)
                return status_fail(STATUS_SYSTEM, "out of memory reading %s", r->reader.path);
            r->copy = copy;
            r->copy_allocated = 2 * total + 256;
        }
        r->raw = line;
        r->raw_length = length;
        if (csv_parse(&r->csv, line, length, csv_field, csv_row, r) != length)
            return csv_fail(r);
        if (r->row_done)
            break;
        TRY(reader_line(&r->reader, &line, &length));
    }
    if (!r->row_done && csv_fini(&r->csv, csv_field, csv_row, r) != 0)
        return reader_fail(&r->reader, r->line, 0, "a quote is opened in this row and never closed");
    if (r->too_many)
        return reader_fail(&r->reader, r->line, 0, "more than %d fields", RECORD_FIELDS_MAX);
    const char *at = r->copy;
    for (size_t i = 0; i < r->n; i++) {
        r->field[i].at = at;
        at += r->field[i].length;
    }
    return STATUS_OK;
}

static enum status record_next_plain(struct record_reader *r, const char *line, size_t length)
{
    const char separator = r->separator == RECORD_TAB ? '\t' : r->separator == RECORD_PIPE ? '|' : ':';
    const size_t width = r->separator == RECORD_COLONS ? 2 : 1;
    const char *end = line + trim_line_end(line, length), *at = line, *scan = line;
    r->raw = line;
    r->raw_length = (size_t)(end - line);
    for (;;) {
        const char *stop = memchr(scan, separator, (size_t)(end - scan));
        if (stop != NULL && width == 2 && (stop + 1 == end || stop[1] != ':')) {
            scan = stop + 1;
            continue;
        }
        if (r->n == RECORD_FIELDS_MAX)
            return reader_fail(&r->reader, r->line, 0, "more than %d fields", RECORD_FIELDS_MAX);
        r->field[r->n].at = at;
        r->field[r->n++].length = (size_t)((stop != NULL ? stop : end) - at);
        if (stop == NULL)
            return STATUS_OK;
        at = scan = stop + width;
    }
}

enum status record_next(struct record_reader *r, bool *found)
{
    const char *line;
    size_t length;
    uint64_t empty_line = 0;
    *found = false;
    r->n = 0;
    do {
        TRY(reader_line(&r->reader, &line, &length));
        if (length == 0)
            return STATUS_OK;
        if (trim_line_end(line, length) == 0)
            empty_line = empty_line ? empty_line : r->reader.line;
    } while (trim_line_end(line, length) == 0);
    r->line = r->reader.line;
    if (empty_line > 0)
        return reader_fail(&r->reader, empty_line, 0, "an empty line between rows: remove it");
    if (r->separator == RECORD_CSV)
        TRY(record_next_csv(r, line, length));
    else
        TRY(record_next_plain(r, line, length));
    *found = true;
    r->row++;
    return STATUS_OK;
}

struct field record_join(const struct record_reader *r, size_t first, size_t last)
{
    const struct field *a = &r->field[first], *b = &r->field[last];
    return (struct field){a->at, (size_t)(b->at + b->length - a->at)};
}

/* The column (byte, from 1) where field `at` begins; 0 when the row has several lines. */
static size_t record_column(const struct record_reader *r, size_t at)
{
    if (r->separator != RECORD_CSV)
        return (size_t)(r->field[at].at - r->raw) + 1;
    if (r->line != r->reader.line)
        return 0;
    bool quoted = false;
    size_t i = 0;
    for (; i < r->raw_length && at > 0; i++) {
        if (r->raw[i] == '"')
            quoted = !quoted;
        else if (r->raw[i] == ',' && !quoted)
            at--;
    }
    return i + 1;
}

enum status record_expected(const struct record_reader *r, size_t at, const char *format, ...)
{
    char expected[512], found[48];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(expected, sizeof expected, format, arguments);
    va_end(arguments);
    const size_t shown = r->field[at].length < 40 ? r->field[at].length : 40;
    for (size_t i = 0; i < shown; i++)
        found[i] = (unsigned char)r->field[at].at[i] < ' ' ? '?' : r->field[at].at[i];
    /* Never half a character. */
    size_t whole = shown;
    while (shown < r->field[at].length && whole > 0 && ((unsigned char)r->field[at].at[whole] & 0xc0) == 0x80)
        whole--;
    found[whole] = 0;
    return reader_fail(&r->reader, r->line, record_column(r, at), "found '%s'%s, expected %s", found,
                       shown < r->field[at].length ? "..." : "", expected);
}

const char *record_looks_parted(const char *line, size_t length, const char *taken)
{
    static const struct {
        const char *separator, *hint;
    } known[] = {
        {"\t", "; it looks parted by tabs, which `recfuse import tsv` reads"},
        {"::", "; it looks parted by '::', which `recfuse import movielens` reads in ratings.dat"},
        {";", "; it looks parted by semicolons: make commas of them for `recfuse import csv`"},
        {",", "; it looks parted by commas, which `recfuse import csv` reads"},
        {"|", "; it looks parted by bars: make tabs of them for `recfuse import tsv`"},
        {" ", "; it looks parted by blanks: make tabs of them for `recfuse import tsv`"},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (strstr(taken, known[k].separator) == NULL &&
            memmem(line, length, known[k].separator, strlen(known[k].separator)) != NULL)
            return known[k].hint;
    return "";
}

const char *record_hint(const struct record_reader *r)
{
    static const char *const taken[] = {
        [RECORD_TAB] = "\t", [RECORD_PIPE] = "|", [RECORD_COLONS] = "::", [RECORD_CSV] = ","};
    return r->n == 1 ? record_looks_parted(r->raw, trim_line_end(r->raw, r->raw_length), taken[r->separator])
                     : "";
}

enum status record_count_expected(const struct record_reader *r, const char *expected)
{
    return reader_fail(&r->reader, r->line, 0, "found %zu field%s, expected %s%s", r->n, r->n == 1 ? "" : "s",
                       expected, record_hint(r));
}

/* Powers of ten by squaring; the exponent is below 400 in size, and long double reaches 1e4932. */
static long double ten_to(int exponent)
{
    long double result = 1, square = 10;
    for (unsigned e = (unsigned)(exponent < 0 ? -exponent : exponent); e > 0; e >>= 1, square *= square)
        if (e & 1)
            result *= square;
    return exponent < 0 ? 1 / result : result;
}

bool field_real(struct field f, float *out)
{
    const char *at = f.at, *end = f.at + f.length;
    const bool minus = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    uint64_t digits = 0;
    long exponent = 0;
    bool any = false, point = false;
    for (; at < end; at++) {
        if (*at == '.' && !point) {
            point = true;
            continue;
        }
        if (*at < '0' || *at > '9')
            break;
        any = true;
        if (digits < UINT64_MAX / 10 - 1) {
            digits = 10 * digits + (uint64_t)(*at - '0');
            exponent -= point;
        } else {
            exponent += !point;
        }
    }
    if (!any)
        return false;
    if (at < end && (*at == 'e' || *at == 'E')) {
        int64_t e;
        if (!field_integer((struct field){at + 1, (size_t)(end - at - 1)}, &e) || e < -100000 || e > 100000)
            return false;
        exponent += (long)e;
        at = end;
    }
    if (at != end)
        return false;
    if (exponent > 400 && digits > 0)
        return false;
    const long double size = digits == 0 || exponent < -400 ? 0 : (long double)digits * ten_to((int)exponent);
    *out = (float)(minus ? -size : size);
    return isfinite(*out);
}

bool field_integer(struct field f, int64_t *out)
{
    const char *at = f.at, *end = f.at + f.length;
    const bool minus = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+'))
        at++;
    if (at == end)
        return false;
    uint64_t size = 0;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9' || size > (uint64_t)INT64_MAX / 10)
            return false;
        size = 10 * size + (uint64_t)(*at - '0');
    }
    if (size > (uint64_t)INT64_MAX)
        return false;
    *out = minus ? -(int64_t)size : (int64_t)size;
    return true;
}

enum status record_real(const struct record_reader *r, size_t at, const char *what, float *out)
{
    if (!field_real(r->field[at], out))
        return record_expected(r, at, "%s (a finite number)", what);
    return STATUS_OK;
}

enum status record_integer(const struct record_reader *r, size_t at, const char *what, int64_t *out)
{
    if (!field_integer(r->field[at], out))
        return record_expected(r, at, "%s (a whole number)", what);
    return STATUS_OK;
}

enum status record_time(const struct record_reader *r, size_t at, const char *what, int64_t *out)
{
    if (!field_integer(r->field[at], out) || *out < 0)
        return record_expected(r, at, "%s (a whole number, not negative)", what);
    return STATUS_OK;
}

bool field_is(struct field f, const char *word)
{
    return strlen(word) == f.length && strncasecmp(f.at, word, f.length) == 0;
}
