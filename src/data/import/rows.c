/*
 * rows.c - `user item [rating [time]]` a line: tsv, csv, and the ratings files of MovieLens.
 */
#include <string.h>

#include "base/log.h"
#include "data/import/build.h"
#include "data/import/numbers.h"
#include "data/import/policies.h"

/* Which field holds what; -1: not there. */
struct row_layout {
    int user, item, value, time;
    size_t n; /* fields a row */
};

static const char *const user_names[] = {"user", "userId", "user_id", NULL};
static const char *const item_names[] = {"item", "itemId", "item_id", "movie", "movieId", "movie_id", NULL};
static const char *const value_names[] = {"rating", "value", NULL};
static const char *const roles[] = {"user", "item", "rating", "time"};
static const char *const time_names[] = {"timestamp", "time", NULL};

static bool is_one_of(struct field f, const char *const *names)
{
    for (; *names != NULL; names++)
        if (field_is(f, *names))
            return true;
    return false;
}

static enum status take_column(const struct record_reader *r, size_t at, int *place)
{
    if (*place >= 0)
        return record_expected(r, at, "each of user, item, rating and time only once in the header");
    *place = (int)at;
    return STATUS_OK;
}

bool import_column_name(const char *columns, const char *role, struct field *name)
{
    const size_t n = strlen(role);
    for (const char *at = columns; *at != '\0';) {
        const size_t length = strcspn(at, ",");
        if (length > n && memcmp(at, role, n) == 0 && at[n] == '=') {
            *name = (struct field){at + n + 1, length - n - 1};
            return true;
        }
        at += length + (at[length] == ',');
    }
    return false;
}

enum status import_check_columns(const char *columns)
{
    struct field name;
    size_t n = 0, n_parts = 1;
    for (const char *at = columns; *at != '\0'; at++)
        n_parts += *at == ',';
    for (size_t k = 0; k < sizeof roles / sizeof *roles; k++)
        n += import_column_name(columns, roles[k], &name) && name.length > 0;
    if (n != n_parts || !import_column_name(columns, "user", &name) ||
        !import_column_name(columns, "item", &name))
        return status_fail(
            STATUS_USAGE,
            "--columns: found '%s', expected user=NAME,item=NAME and where there are such columns "
            "rating=NAME,time=NAME",
            columns);
    return STATUS_OK;
}

/* "user=2,item=1": all names are numbers of columns, from 1, and there is no header. */
static bool columns_are_numbers(const char *columns)
{
    for (size_t k = 0; k < sizeof roles / sizeof *roles; k++) {
        struct field name;
        int64_t number;
        if (import_column_name(columns, roles[k], &name) && (!field_integer(name, &number) || number < 1))
            return false;
    }
    return true;
}

static enum status layout_from_numbers(struct import *im, const struct record_reader *r,
                                       struct row_layout *layout)
{
    int *const places[] = {&layout->user, &layout->item, &layout->value, &layout->time};
    uint64_t n_used = 0;
    for (size_t k = 0; k < sizeof roles / sizeof *roles; k++) {
        struct field name;
        int64_t number = 0;
        if (!import_column_name(im->options->columns, roles[k], &name))
            continue;
        if (!field_integer(name, &number) || number > (int64_t)r->n)
            return reader_fail(&r->reader, r->line, 0,
                               "found %zu field%s, expected at least %lld: --columns gives that one as %s",
                               r->n, r->n == 1 ? "" : "s", (long long)number, roles[k]);
        *places[k] = (int)number - 1;
        n_used++;
    }
    return import_note_count(im, "columns_not_used", r->n - n_used);
}

/* The layout from a header line whose names the user gave. */
static enum status layout_from_columns(struct import *im, const struct record_reader *r,
                                       struct row_layout *layout)
{
    int *const places[] = {&layout->user, &layout->item, &layout->value, &layout->time};
    uint64_t n_used = 0;
    for (size_t k = 0; k < sizeof roles / sizeof *roles; k++) {
        struct field name;
        if (!import_column_name(im->options->columns, roles[k], &name))
            continue;
        for (size_t i = 0; i < r->n && *places[k] < 0; i++)
            if (r->field[i].length == name.length && memcmp(r->field[i].at, name.at, name.length) == 0)
                *places[k] = (int)i;
        if (*places[k] < 0)
            return reader_fail(&r->reader, r->line, 0,
                               "the header names no column '%.*s', which --columns gives as %s%s",
                               (int)name.length, name.at, roles[k], record_hint(r));
        n_used++;
    }
    return import_note_count(im, "columns_not_used", r->n - n_used);
}

/* The layout from a header line. */
static enum status layout_from_header(struct import *im, const struct record_reader *r,
                                      struct row_layout *layout)
{
    uint64_t n_unknown = 0;
    if (im->options->columns != NULL)
        return layout_from_columns(im, r, layout);
    for (size_t i = 0; i < r->n; i++) {
        if (is_one_of(r->field[i], user_names))
            TRY(take_column(r, i, &layout->user));
        else if (is_one_of(r->field[i], item_names))
            TRY(take_column(r, i, &layout->item));
        else if (is_one_of(r->field[i], value_names))
            TRY(take_column(r, i, &layout->value));
        else if (is_one_of(r->field[i], time_names))
            TRY(take_column(r, i, &layout->time));
        else
            n_unknown++;
    }
    if (layout->user < 0 || layout->item < 0)
        return reader_fail(
            &r->reader, r->line, 0,
            "the header names no %s column; expected user, userId or user_id, and item, itemId, item_id or "
            "movieId; --columns user=NAME,item=NAME names others%s",
            layout->user < 0 ? "user" : "item", record_hint(r));
    if (n_unknown > 0)
        log_info("%s: %llu of %zu columns are not used", r->reader.path, (unsigned long long)n_unknown, r->n);
    return import_note_count(im, "columns_not_used", n_unknown);
}

static enum status layout_from_first_row(struct import *im, const struct record_reader *r,
                                         struct row_layout *layout)
{
    if (im->options->columns != NULL)
        return layout_from_numbers(im, r, layout);
    if (r->n < 2 || r->n > 4)
        return record_count_expected(
            r, r->separator == RECORD_TAB   ? "2 to 4 parted by tabs: user, item, rating, time"
               : r->separator == RECORD_CSV ? "2 to 4 parted by commas: user, item, rating, time"
                                            : "2 to 4 parted by '::': user, item, rating, time");
    if (is_one_of(r->field[0], user_names) && is_one_of(r->field[1], item_names))
        return reader_fail(&r->reader, r->line, 1, "found a header line, expected a row: give --header");
    layout->user = 0;
    layout->item = 1;
    layout->value = r->n > 2 ? 2 : -1;
    layout->time = r->n > 3 ? 3 : -1;
    return STATUS_OK;
}

static enum status read_time(const struct import *im, const struct record_reader *r, size_t at, int64_t *time)
{
    if (r->field[at].length == 0 && policies_no_time(im, time))
        return STATUS_OK;
    return record_time(r, at, "a time in seconds since 1970", time);
}

static enum status add_record(struct import *im, const struct record_reader *r,
                              const struct row_layout *layout)
{
    float value = 1;
    int64_t time = 0;
    if (r->n != layout->n)
        return reader_fail(&r->reader, r->line, 0, "found %zu field%s, expected %zu as in the first line%s",
                           r->n, r->n == 1 ? "" : "s", layout->n, record_hint(r));
    if (layout->value >= 0)
        TRY(record_real(r, (size_t)layout->value, "a rating", &value));
    if (layout->time >= 0)
        TRY(read_time(im, r, (size_t)layout->time, &time));
    return import_add_row(im, r, (size_t)layout->user, (size_t)layout->item, value, time);
}

/* user, item, rating, time in this order, as many as there are. */
static struct number_form quick_form(const struct record_reader *r, const struct row_layout *l)
{
    const bool fits = l->n <= 4 && l->user == 0 && l->item == 1 && l->value == (l->n > 2 ? 2 : -1) &&
                      l->time == (l->n > 3 ? 3 : -1) && r->separator != RECORD_PIPE;
    return (struct number_form){r->separator == RECORD_TAB   ? '\t'
                                : r->separator == RECORD_CSV ? ','
                                                             : ':',
                                fits ? (unsigned)l->n : 0};
}

static enum status read_rows(struct import *im, struct numbers *numbers, struct record_reader *r, bool header)
{
    struct row_layout layout = {-1, -1, -1, -1, 0};
    bool found;
    TRY(record_next(r, &found));
    if (!found)
        return status_fail(STATUS_DATA, "%s: is empty, expected rows of user, item, rating, time",
                           r->reader.path);
    layout.n = r->n;
    if (header) {
        TRY(layout_from_header(im, r, &layout));
        TRY(record_next(r, &found));
    } else {
        TRY(layout_from_first_row(im, r, &layout));
    }
    if (!found)
        return status_fail(STATUS_DATA, "%s: has a header and no row", r->reader.path);
    numbers->form = quick_form(r, &layout);
    while (found) {
        TRY(import_row_done(im, add_record(im, r, &layout)));
        TRY(numbers_read(im, numbers, r));
        TRY(record_next(r, &found));
    }
    im->has_value = layout.value >= 0;
    im->has_time = layout.time >= 0;
    return STATUS_OK;
}

enum status import_read_rows(struct import *im, const char *path, enum record_separator separator,
                             bool header)
{
    struct record_reader r;
    TRY(record_open(&r, path, separator, READER_UTF8, &im->log));
    struct numbers numbers = {0};
    const enum status status = read_rows(im, &numbers, &r, header);
    numbers_close(&numbers);
    record_close(&r);
    return status;
}

struct row_files {
    enum record_separator separator;
    bool header;
};

static enum status read_part(struct import *im, const char *path, void *context)
{
    const struct row_files *files = context;
    return import_read_rows(im, path, files->separator, files->header);
}

enum status import_read_rows_of(struct import *im, const char *source, enum record_separator separator,
                                const char *ending, const struct import_options *options, struct arena *arena)
{
    struct row_files files = {
        separator, options->header || (options->columns != NULL && !columns_are_numbers(options->columns))};
    if (options->header && options->columns != NULL && columns_are_numbers(options->columns))
        return status_fail(
            STATUS_USAGE, "--columns: found '%s', numbers of columns, which are for files without a --header",
            options->columns);
    return import_is_folder(source) ? import_each_part(im, source, ending, read_part, &files, arena)
                                    : read_part(im, source, &files);
}
