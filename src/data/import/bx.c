/*
 * bx.c - Book-Crossing as published (Ziegler, McNee, Konstan, Lausen 2005), semicolons and all.
 *
 * Every field but a missing one (NULL) stands in double quotes, \" within; the bytes are ISO-8859-1 throughout, even
 * where some lines happen to be valid UTF-8.  This is not RFC 4180, so libcsv isn't asked.  In three rows of BX-Books the closing
 * quote of the title is escaped, so that title and author are one field: a row with a field too few is divided where its title
 * holds `";`, counted.
 * A rating of 0 says that the user had the book, without an opinion (62 % of the rows): kept with the value 0 and
 * counted; `filter: [{min_rating: 1}]` leaves the opinions.  Ages above 110 and years 0 are missing values, counted; books and
 * users without an interaction are left out, counted.
 */
#include "data/import/bx.h"

#include <stdlib.h>
#include <string.h>

#include "data/import/attributes.h"
#include "data/import/policies.h"

enum { BOOK_FIELDS = 8, OLDEST_AGE = 110, FIELDS_MAX = 16 };

struct bx {
    struct attributes items, users;
    uint32_t title, author, publisher, year, location, age;
    uint64_t n_zero, n_divided, n_items_left_out, n_users_left_out, n_bad_ages, n_bad_years;
};

size_t bx_fields(char *line, size_t length, struct field *fields, size_t most)
{
    size_t n = 0, at = 0;
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
        length--;
    for (;;) {
        if (n == most)
            return 0;
        char *to = line + at, *begin = to;
        if (at < length && line[at] == '"') {
            begin = to = line + at + 1;
            for (at++; at < length && line[at] != '"'; at++) {
                at += line[at] == '\\' && at + 1 < length;
                *to++ = line[at];
            }
            if (at >= length)
                return 0;
            at++;
        } else {
            while (at < length && line[at] != ';')
                at++;
            to = line + at;
            if (to - begin == 4 && memcmp(begin, "NULL", 4) == 0)
                to = begin;
        }
        fields[n++] = (struct field){begin, (size_t)(to - begin)};
        if (at == length)
            return n;
        if (line[at++] != ';')
            return 0;
    }
}

/* A row of one of the files. */
typedef enum status bx_row(struct import *im, struct bx *b, const struct reader *r, const struct field *f,
                           size_t n);

static enum status each_line(struct import *im, struct bx *b, struct reader *r, const char *header,
                             bx_row *row)
{
    const char *line;
    size_t length;
    struct field fields[FIELDS_MAX];
    char *copy = malloc(2 * (size_t)READER_LINE_MAX);
    enum status status = copy != NULL ? reader_line(r, &line, &length) : STATUS_SYSTEM;
    while (status == STATUS_OK && length > 0) {
        memcpy(copy, line, length);
        const size_t n = bx_fields(copy, length, fields, FIELDS_MAX);
        if (n == 0)
            status = reader_fail(r, r->line, 0, "not a row of fields in double quotes parted by semicolons");
        else if (r->line == 1 && !field_is(fields[0], header))
            status = reader_fail(r, 1, 0, "found a header line that begins with '%.*s', expected %s",
                                 (int)(fields[0].length < 60 ? fields[0].length : 60), fields[0].at, header);
        else if (r->line > 1)
            status = row(im, b, r, fields, n);
        if (r->line > 1)
            status = import_row_done(im, status);
        if (status == STATUS_OK)
            status = reader_line(r, &line, &length);
    }
    free(copy);
    return status;
}

static enum status each_row(struct import *im, struct bx *b, const char *path, const char *header,
                            bx_row *row)
{
    struct reader r;
    TRY(reader_open(&r, path, READER_LATIN1_ALL, &im->log));
    const enum status status = each_line(im, b, &r, header, row);
    reader_close(&r);
    return status;
}

static enum status rating_row(struct import *im, struct bx *b, const struct reader *r, const struct field *f,
                              size_t n)
{
    float value;
    if (n != 3)
        return reader_fail(r, r->line, 0, "found %zu fields, expected 3: User-ID, ISBN, Book-Rating", n);
    if (f[0].length == 0 || f[1].length == 0)
        return reader_fail(r, r->line, 0, "found an empty user or book, expected an id");
    if (!field_real(f[2], &value) || !policies_in_scale(im, value, 0, 10))
        return reader_fail(r, r->line, 0, "found '%.*s', expected a rating from 0 to 10",
                           (int)(f[2].length < 60 ? f[2].length : 60), f[2].at);
    b->n_zero += value == 0;
    return import_add_ids(im, f[0], f[1], value, 0);
}

/* Title and author in one field: divided, counted. */
static bool divide(struct bx *b, const struct field *f, size_t n, struct field out[BOOK_FIELDS])
{
    const char *at = n == BOOK_FIELDS - 1 ? memmem(f[1].at, f[1].length, "\";", 2) : NULL;
    if (n == BOOK_FIELDS) {
        memcpy(out, f, n * sizeof *f);
        return true;
    }
    if (at == NULL)
        return false;
    b->n_divided++;
    out[0] = f[0];
    out[1] = (struct field){f[1].at, (size_t)(at - f[1].at)};
    out[2] = (struct field){at + 2, (size_t)(f[1].at + f[1].length - at - 2)};
    memcpy(out + 3, f + 2, (BOOK_FIELDS - 3) * sizeof *f);
    return true;
}

static enum status book_row(struct import *im, struct bx *b, const struct reader *r, const struct field *f,
                            size_t n)
{
    struct field book[BOOK_FIELDS];
    float year;
    bool again;
    if (!divide(b, f, n, book))
        return reader_fail(
            r, r->line, 0,
            "found %zu fields, expected 8: ISBN, title, author, year, publisher and 3 addresses", n);
    const uint32_t item = string_map_find(im->items, book[0].at, book[0].length);
    if (item == UINT32_MAX) {
        b->n_items_left_out++;
        return STATUS_OK;
    }
    TRY(attributes_row(&b->items, item, &again));
    if (again)
        return reader_fail(r, r->line, 0, "book '%.*s' is in this file already", (int)book[0].length,
                           book[0].at);
    TRY(attributes_text(&b->items, b->title, item, book[1]));
    TRY(attributes_text(&b->items, b->author, item, book[2]));
    TRY(attributes_text(&b->items, b->publisher, item, book[4]));
    if (field_real(book[3], &year) && year > 0)
        return attributes_number(&b->items, b->year, item, year);
    b->n_bad_years++;
    return STATUS_OK;
}

static enum status user_row(struct import *im, struct bx *b, const struct reader *r, const struct field *f,
                            size_t n)
{
    float age;
    bool again;
    if (n != 3)
        return reader_fail(r, r->line, 0, "found %zu fields, expected 3: User-ID, Location, Age", n);
    const uint32_t user = string_map_find(im->users, f[0].at, f[0].length);
    if (user == UINT32_MAX) {
        b->n_users_left_out++;
        return STATUS_OK;
    }
    TRY(attributes_row(&b->users, user, &again));
    if (again)
        return reader_fail(r, r->line, 0, "user '%.*s' is in this file already", (int)f[0].length, f[0].at);
    TRY(attributes_text(&b->users, b->location, user, f[1]));
    if (f[2].length == 0)
        return STATUS_OK;
    if (!field_real(f[2], &age))
        return reader_fail(r, r->line, 0, "found '%.*s', expected an age", (int)f[2].length, f[2].at);
    if (age > 0 && age <= OLDEST_AGE)
        return attributes_number(&b->users, b->age, user, age);
    b->n_bad_ages++;
    return STATUS_OK;
}

static enum status define(struct bx *b)
{
    TRY(attributes_define(&b->items, "title", COLUMN_TEXT, &b->title));
    TRY(attributes_define(&b->items, "author", COLUMN_TEXT, &b->author));
    TRY(attributes_define(&b->items, "publisher", COLUMN_TEXT, &b->publisher));
    TRY(attributes_define(&b->items, "year", COLUMN_NUMBER, &b->year));
    TRY(attributes_define(&b->users, "location", COLUMN_TEXT, &b->location));
    return attributes_define(&b->users, "age", COLUMN_NUMBER, &b->age);
}

static enum status read_all(struct import *im, struct bx *b, const char *ratings, const char *folder,
                            struct arena *arena)
{
    char *books, *users;
    TRY(define(b));
    TRY(import_find(folder, "BX-Books.csv", arena, &books));
    TRY(import_find(folder, "BX-Users.csv", arena, &users));
    TRY(each_row(im, b, ratings, "User-ID", rating_row));
    im->has_value = true;
    if (books != NULL)
        TRY(each_row(im, b, books, "ISBN", book_row));
    if (users != NULL)
        TRY(each_row(im, b, users, "User-ID", user_row));
    TRY(attributes_finish(&b->items, im->item_columns, &im->n_item_columns, string_map_size(im->items),
                          arena));
    TRY(attributes_finish(&b->users, im->user_columns, &im->n_user_columns, string_map_size(im->users),
                          arena));
    TRY(import_note_count(im, "ratings_of_zero", b->n_zero));
    TRY(import_note_count(im, "rows_divided_at_an_escaped_quote", b->n_divided));
    TRY(import_note_count(im, "books_without_interaction_left_out", b->n_items_left_out));
    TRY(import_note_count(im, "items_without_columns", string_map_size(im->items) - b->items.n_described));
    TRY(import_note_count(im, "users_without_interaction_left_out", b->n_users_left_out));
    TRY(import_note_count(im, "ages_out_of_range", b->n_bad_ages));
    return import_note_count(im, "years_missing", b->n_bad_years);
}

enum status bx_find(const char *folder, struct arena *arena, char **path)
{
    return import_find(folder, "BX-Book-Ratings.csv", arena, path);
}

enum status bx_read(struct import *im, const char *ratings, const char *folder, struct arena *arena)
{
    struct bx b = {0};
    const enum status status = read_all(im, &b, ratings, folder, arena);
    attributes_close(&b.items);
    attributes_close(&b.users);
    return status;
}
