/*
 * book_crossing.c - Book-Crossing (Ziegler, McNee, Konstan, Lausen 2005): as published (bx.c), or in the edition of CaseRecommender: a
 * folder with book_ratings.dat, items_info.dat, users_info.dat, plain or .gz; or the file book_history.dat
 * (accesses without ratings) or book_ratings.dat, whose folder then describes books and users.
 *
 * Ratings are 1 to 10.  Rows of items_info and users_info end in a tab, and the edition split fields at
 * semicolons ("W. W. Norton &amp; Company", "Little Instruction Book; Volume II"): 973 rows have too many
 * fields.  They are put together again, counted: the year is the last whole number that a publisher and three
 * addresses follow; the author stands before it, with what a "&amp" at a field's end holds together; the rest
 * is the title.  Ages above 110 (they run to 239) and years 0 are missing values, counted.  Books and users
 * without an interaction are left out, counted.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/import/attributes.h"
#include "data/import/bx.h"
#include "data/import/policies.h"

#define BOOK_FIELDS 9
#define OLDEST_AGE  110

struct book_crossing {
    struct attributes items, users;
    uint32_t isbn, title, author, publisher, year, location, age;
    uint64_t n_mended, n_items_left_out, n_users_left_out, n_bad_ages, n_bad_years;
    struct string_builder joined; /* title, author, publisher of a row, mended */
};

static enum status parse_interaction(struct import *im, const struct record_reader *r, const bool *is_rating)
{
    float value;
    if (r->n != 3)
        return record_count_expected(r, "3 parted by tabs: user, item, rating (or accessed)");
    TRY(record_real(r, 2, *is_rating ? "a rating" : "a count", &value));
    if (*is_rating && !policies_in_scale(im, value, 1, 10))
        return record_expected(r, 2, "a rating from 1 to 10");
    return import_add_row(im, r, 0, 1, *is_rating ? value : 1, 0);
}

static enum status interaction(struct import *im, const struct record_reader *r, void *context)
{
    return import_row_done(im, parse_interaction(im, r, context));
}

static struct field part(const struct book_crossing *b, size_t i)
{
    const uint64_t begin = b->joined.offsets[i];
    return (struct field){b->joined.bytes + begin, (size_t)(b->joined.offsets[i + 1] - begin)};
}

/* Fields first .. last of the row as one, with the semicolons that stood between them. */
static enum status join(struct book_crossing *b, const struct record_reader *r, size_t first, size_t last)
{
    for (size_t i = first; i <= last; i++) {
        if (i > first)
            TRY(string_builder_append(&b->joined, ";", 1));
        TRY(string_builder_append(&b->joined, r->field[i].at, r->field[i].length));
    }
    return string_builder_end(&b->joined);
}

static bool ends_in_amp(struct field f)
{
    return f.length >= 4 && memcmp(f.at + f.length - 4, "&amp", 4) == 0;
}

/* The row as title, author, year, publisher in b->joined.  *year_at: where the year was found, 0: nowhere. */
static enum status mend(struct book_crossing *b, const struct record_reader *r, size_t *year_at)
{
    size_t n = r->n > BOOK_FIELDS && r->field[r->n - 1].length == 0 ? r->n - 1 : r->n;
    int64_t year;
    *year_at = 0;
    string_builder_free(&b->joined);
    if (n < BOOK_FIELDS)
        return STATUS_OK;
    n -= 3; /* the addresses */
    for (size_t i = 4; i + 1 < n; i++)
        if (field_integer(r->field[i], &year) && year >= 0 && year <= 2100)
            *year_at = i;
    if (*year_at == 0)
        return STATUS_OK;
    size_t author = *year_at - 1;
    while (author > 3 && ends_in_amp(r->field[author - 1]))
        author--;
    b->n_mended += n + 3 > BOOK_FIELDS;
    TRY(join(b, r, 2, author - 1));
    TRY(join(b, r, author, *year_at - 1));
    return join(b, r, *year_at + 1, n - 1);
}

static enum status book(struct import *im, const struct record_reader *r, void *context)
{
    struct book_crossing *b = context;
    bool again;
    size_t year_at;
    float year;
    TRY(mend(b, r, &year_at));
    if (year_at == 0)
        return record_count_expected(
            r, "9 parted by tabs (a last tab may follow): Book_ID, ISBN, title, author, year "
               "(a number), publisher, 3 addresses");
    const uint32_t item = string_map_find(im->items, r->field[0].at, r->field[0].length);
    if (item == UINT32_MAX) {
        b->n_items_left_out++;
        return STATUS_OK;
    }
    TRY(attributes_row(&b->items, item, &again));
    if (again)
        return record_expected(r, 0, "each book only once in this file");
    TRY(attributes_text(&b->items, b->isbn, item, r->field[1]));
    TRY(attributes_text(&b->items, b->title, item, part(b, 0)));
    TRY(attributes_text(&b->items, b->author, item, part(b, 1)));
    TRY(attributes_text(&b->items, b->publisher, item, part(b, 2)));
    TRY(record_real(r, year_at, "a year of publication", &year));
    if (year > 0)
        return attributes_number(&b->items, b->year, item, year);
    b->n_bad_years++;
    return STATUS_OK;
}

static enum status reader(struct import *im, const struct record_reader *r, void *context)
{
    struct book_crossing *b = context;
    bool again;
    float age;
    if (r->n != 3 && !(r->n == 4 && r->field[3].length == 0))
        return record_count_expected(r, "3 parted by tabs (a last tab may follow): User-ID, Location, Age");
    const uint32_t user = string_map_find(im->users, r->field[0].at, r->field[0].length);
    if (user == UINT32_MAX) {
        b->n_users_left_out++;
        return STATUS_OK;
    }
    TRY(attributes_row(&b->users, user, &again));
    if (again)
        return record_expected(r, 0, "each user only once in this file");
    TRY(attributes_text(&b->users, b->location, user, r->field[1]));
    if (r->field[2].length == 0 || field_is(r->field[2], "NULL"))
        return STATUS_OK;
    TRY(record_real(r, 2, "an age", &age));
    if (age > 0 && age <= OLDEST_AGE)
        return attributes_number(&b->users, b->age, user, age);
    b->n_bad_ages++;
    return STATUS_OK;
}

static enum status define(struct book_crossing *b)
{
    TRY(attributes_define(&b->items, "title", COLUMN_TEXT, &b->title));
    TRY(attributes_define(&b->items, "author", COLUMN_TEXT, &b->author));
    TRY(attributes_define(&b->items, "publisher", COLUMN_TEXT, &b->publisher));
    TRY(attributes_define(&b->items, "isbn", COLUMN_TEXT, &b->isbn));
    TRY(attributes_define(&b->items, "year", COLUMN_NUMBER, &b->year));
    TRY(attributes_define(&b->users, "location", COLUMN_TEXT, &b->location));
    return attributes_define(&b->users, "age", COLUMN_NUMBER, &b->age);
}

static enum status read_info(struct import *im, struct book_crossing *b, const char *folder,
                             struct arena *arena)
{
    char *books, *users;
    TRY(define(b));
    TRY(import_find(folder, "items_info.dat", arena, &books));
    TRY(import_find(folder, "users_info.dat", arena, &users));
    if (books != NULL)
        TRY(import_each_row(im, books, RECORD_TAB, READER_UTF8, "Book_ID", book, b));
    if (users != NULL)
        TRY(import_each_row(im, users, RECORD_TAB, READER_UTF8, "User-ID", reader, b));
    TRY(attributes_finish(&b->items, im->item_columns, &im->n_item_columns, string_map_size(im->items),
                          arena));
    TRY(attributes_finish(&b->users, im->user_columns, &im->n_user_columns, string_map_size(im->users),
                          arena));
    TRY(import_note_count(im, "rows_mended_at_semicolons", b->n_mended));
    TRY(import_note_count(im, "books_without_interaction_left_out", b->n_items_left_out));
    TRY(import_note_count(im, "users_without_interaction_left_out", b->n_users_left_out));
    TRY(import_note_count(im, "ages_out_of_range", b->n_bad_ages));
    return import_note_count(im, "years_missing", b->n_bad_years);
}

/* Does the header's third name say rating? */
static enum status find_kind(const char *path, bool *is_rating)
{
    struct record_reader r;
    bool found;
    TRY(record_open(&r, path, RECORD_TAB, READER_UTF8, NULL));
    enum status status = record_next(&r, &found);
    if (status == STATUS_OK && (!found || r.n != 3))
        status = record_count_expected(&r, "a header line: user, item, rating (or accessed), parted by tabs");
    *is_rating = status == STATUS_OK && field_is(r.field[2], "rating");
    record_close(&r);
    return status;
}

static enum status read_all(struct import *im, const char *source, const struct import_options *options,
                            struct arena *arena)
{
    struct book_crossing b = {0};
    bool is_rating;
    char *folder = arena_strdup(arena, source), *file = folder;
    TRY(import_refuse_items_and_header(options, "book-crossing"));
    if (folder == NULL)
        return STATUS_SYSTEM;
    if (import_is_folder(source)) {
        TRY(bx_find(source, arena, &file));
        if (file != NULL)
            return bx_read(im, file, source, arena);
        TRY(import_find(source, "book_ratings.dat", arena, &file));
        if (file == NULL)
            return status_fail(
                STATUS_DATA,
                "%s: no BX-Book-Ratings.csv and no book_ratings.dat (or one with .gz) in this folder",
                source);
    } else {
        char *slash = strrchr(folder, '/');
        file = arena_strdup(arena, source);
        if (file == NULL)
            return STATUS_SYSTEM;
        strcpy(slash != NULL ? slash : folder, slash != NULL ? "" : ".");
    }
    TRY(find_kind(file, &is_rating));
    im->has_value = is_rating;
    TRY(import_each_row(im, file, RECORD_TAB, READER_UTF8, "user", interaction, &is_rating));
    const enum status status = read_info(im, &b, folder, arena);
    attributes_close(&b.items);
    attributes_close(&b.users);
    string_builder_free(&b.joined);
    return status;
}

static enum status read_book_crossing(const char *source, const struct import_options *options,
                                      struct arena *arena, struct dataset **out)
{
    return import_fill(source, options, arena, read_all, out);
}

const struct import_format import_book_crossing = {
    .name = "book-crossing",
    .help = "the folder of Book-Crossing: BX-Book-Ratings.csv and the like, or as CaseRecommender publishes "
            "it (or its "
            "book_history.dat)",
    .example =
        "\"276725\";\"034545104X\";\"0\"; CaseRecommender: user item rating, then 1 6264 7.000000 (tabs)",
    .read = read_book_crossing,
    .takes = IMPORT_TAKES_MAX_BAD,
};
