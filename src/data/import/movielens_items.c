/*
 * movielens_items.c - films and users of MovieLens: titles, genres, years; gender, age, occupation.
 *
 * Titles stay as published ("Toy Story (1995)"); the year is read from them, since 100K's release date is the
 * date of the release in the USA and the later versions have none.  "(no genres listed)" is an empty list.
 * Ages of 1M are the publisher's codes (1: under 18, 18: 18-24, ...), occupations its numbers; zip codes are
 * left out: nothing here needs them, and together with age and occupation they name people.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "data/import/movielens.h"

float movielens_year(struct field title)
{
    const char *end = title.at + title.length;
    while (end > title.at && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    const char *open = memrchr(title.at, '(', (size_t)(end - title.at));
    if (open == NULL || end[-1] != ')' || end - open < 6)
        return NAN;
    int year = 0;
    for (int i = 1; i <= 4; i++) {
        if (open[i] < '0' || open[i] > '9')
            return NAN;
        year = 10 * year + (open[i] - '0');
    }
    const bool range = open[5] == '-' || memcmp(open + 5, "\xe2\x80\x93", end - open >= 9 ? 3 : 1) == 0;
    return year >= 1800 && year <= 2200 && (open + 6 == end || range) ? (float)year : NAN;
}

/* Rows of a file of films or users, with the id's position each. */
struct table {
    uint32_t *owner;
    float *number; /* year or age */
    uint64_t n, n_allocated;
    struct string_builder text, second; /* title; gender, occupation */
    struct string_map *seen, *genres;
    uint32_t *pair_row, *pair_genre; /* [n_pairs] position in the file, genre */
    uint64_t n_pairs, n_pairs_allocated;
};

static enum status table_open(struct table *t)
{
    memset(t, 0, sizeof *t);
    t->seen = string_map_new();
    t->genres = string_map_new();
    return t->seen != NULL && t->genres != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static void table_close(struct table *t)
{
    free(t->owner);
    free(t->number);
    free(t->pair_row);
    free(t->pair_genre);
    string_builder_free(&t->text);
    string_builder_free(&t->second);
    string_map_free(t->seen);
    string_map_free(t->genres);
}

/* A new row; its id must not have been in this file yet. */
static enum status table_row(struct table *t, const struct record_reader *r, struct string_map *map,
                             const char *what, float number)
{
    uint32_t owner, place;
    TRY(import_id(r, 0, what, map, &owner));
    TRY(import_id(r, 0, what, t->seen, &place));
    if (place != t->n)
        return record_expected(r, 0, "%s that is not in this file already", what);
    if (t->n == t->n_allocated) {
        const uint64_t more = t->n > 0 ? 2 * t->n : 4096;
        uint32_t *owners = realloc(t->owner, more * sizeof *owners);
        t->owner = owners != NULL ? owners : t->owner;
        float *numbers = realloc(t->number, more * sizeof *numbers);
        t->number = numbers != NULL ? numbers : t->number;
        if (owners == NULL || numbers == NULL)
            return status_fail(STATUS_SYSTEM, "out of memory reading %s", r->reader.path);
        t->n_allocated = more;
    }
    t->owner[t->n] = owner;
    t->number[t->n++] = number;
    return STATUS_OK;
}

/* The row just added has this genre. */
static enum status table_genre(struct table *t, uint32_t genre)
{
    if (t->n_pairs == t->n_pairs_allocated) {
        const uint64_t more = t->n_pairs > 0 ? 2 * t->n_pairs : 8192;
        uint32_t *rows = realloc(t->pair_row, more * sizeof *rows);
        t->pair_row = rows != NULL ? rows : t->pair_row;
        uint32_t *genres = realloc(t->pair_genre, more * sizeof *genres);
        t->pair_genre = genres != NULL ? genres : t->pair_genre;
        if (rows == NULL || genres == NULL)
            /* cppcheck-suppress memleak ; both belong to the table */
            return status_fail(STATUS_SYSTEM, "out of memory");
        t->n_pairs_allocated = more;
    }
    t->pair_row[t->n_pairs] = t->owner[t->n - 1];
    t->pair_genre[t->n_pairs++] = genre;
    return STATUS_OK;
}

/* "Animation|Children's|Comedy" */
static enum status split_genres(struct table *t, struct field genres)
{
    static const char none[] = "(no genres listed)";
    if (genres.length == sizeof none - 1 && memcmp(genres.at, none, genres.length) == 0)
        return STATUS_OK;
    const char *at = genres.at, *end = genres.at + genres.length;
    while (at < end) {
        const char *stop = memchr(at, '|', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        if (stop > at) {
            const uint32_t genre = string_map_add(t->genres, at, (size_t)(stop - at));
            if (genre == UINT32_MAX)
                return STATUS_SYSTEM;
            TRY(table_genre(t, genre));
        }
        at = stop + 1;
    }
    return STATUS_OK;
}

/* id, title, release date, video date, address, one flag a genre. */
static enum status read_u_item(struct import *im, struct table *t, const struct record_reader *r)
{
    const size_t n_genres = string_map_size(t->genres);
    if (n_genres > 0 ? r->n != 5 + n_genres : r->n < 2)
        return reader_fail(&r->reader, r->line, 0,
                           "found %zu fields, expected 5 and one for each of the %zu genres of u.genre", r->n,
                           n_genres);
    TRY(table_row(t, r, im->items, "an item id", movielens_year(r->field[1])));
    TRY(string_builder_add(&t->text, r->field[1].at, r->field[1].length));
    for (size_t g = 0; g < n_genres; g++) {
        if (field_is(r->field[5 + g], "1"))
            TRY(table_genre(t, (uint32_t)g));
        else if (!field_is(r->field[5 + g], "0"))
            return record_expected(r, 5 + g, "a genre's flag, 0 or 1");
    }
    return STATUS_OK;
}

/* id, title, genres; a title may hold "::". */
static enum status read_movie(struct import *im, struct table *t, const struct record_reader *r)
{
    if (r->n < 3 || (r->n > 3 && r->separator == RECORD_CSV))
        return record_count_expected(r, "3: movie, title, genres");
    const struct field title = r->n == 3 ? r->field[1] : record_join(r, 1, r->n - 2);
    TRY(table_row(t, r, im->items, "an item id", movielens_year(title)));
    TRY(string_builder_add(&t->text, title.at, title.length));
    return split_genres(t, r->field[r->n - 1]);
}

/* u.genre: name|number, numbers rising from 0. */
static enum status read_u_genre(struct import *im, struct table *t, const char *folder, struct arena *arena)
{
    char *path;
    struct record_reader r;
    bool found;
    TRY(movielens_find(folder, "u.genre", arena, &path));
    if (path == NULL) {
        log_warn("%s: no u.genre, so the films have no genres", folder);
        return STATUS_OK;
    }
    TRY(record_open(&r, path, RECORD_PIPE, READER_UTF8, &im->log));
    enum status status = record_next(&r, &found);
    while (status == STATUS_OK && found) {
        int64_t number = -1;
        uint32_t genre;
        if (r.n != 2)
            status = record_count_expected(&r, "2: a genre and its number");
        if (status == STATUS_OK)
            status = record_integer(&r, 1, "a genre's number", &number);
        if (status == STATUS_OK)
            status = import_id(&r, 0, "a genre", t->genres, &genre);
        if (status == STATUS_OK && (number != (int64_t)r.row - 1 || genre != number))
            status = record_expected(&r, 1, "the genres' numbers from 0 on, no genre twice");
        if (status == STATUS_OK)
            status = record_next(&r, &found);
    }
    record_close(&r);
    return status;
}

static enum status finish_items(struct import *im, struct table *t, struct arena *arena)
{
    const uint32_t n = string_map_size(im->items);
    struct column *column = im->item_columns;
    TRY(import_text_column(&column[0], "title", &t->text, t->owner, n, arena));
    const struct strings names = string_map_strings(t->genres);
    struct string_builder copy = {0};
    column[1] = (struct column){.name = "genres", .kind = COLUMN_LIST};
    for (uint64_t i = 0; i < names.n; i++)
        TRY(string_builder_add(&copy, strings_at(&names, i), strings_length(&names, i)));
    TRY(string_builder_finish(&copy, arena, &column[1].names));
    TRY(csr_from_triples(n, (uint32_t)names.n, t->n_pairs, t->pair_row, t->pair_genre, NULL, arena,
                         &column[1].list, NULL));
    TRY(import_number_column(&column[2], "year", t->number, t->n, t->owner, n, arena));
    im->n_item_columns = 3;
    TRY(import_note(im, "title", "as published, the year in it"));
    TRY(import_note(im, "year", "from the title"));
    return import_note_count(im, "items_without_title", n - t->n);
}

enum status movielens_read_items(struct import *im, const char *folder, enum movielens_version version,
                                 struct arena *arena)
{
    static const char *const names[] = {"u.item", "movies.dat", "movies.csv"};
    char *path;
    struct record_reader r;
    struct table t;
    bool found = false;
    TRY(movielens_find(folder, names[version], arena, &path));
    if (path == NULL) {
        log_warn("%s: no %s, so the films have no titles", folder, names[version]);
        return STATUS_OK;
    }
    enum status status = table_open(&t);
    if (status == STATUS_OK && version == MOVIELENS_U)
        status = read_u_genre(im, &t, folder, arena);
    if (status == STATUS_OK)
        status = record_open(&r, path,
                             version == MOVIELENS_U     ? RECORD_PIPE
                             : version == MOVIELENS_DAT ? RECORD_COLONS
                                                        : RECORD_CSV,
                             version == MOVIELENS_CSV ? READER_UTF8 : READER_LATIN1, &im->log);
    if (status == STATUS_OK) {
        status = movielens_first_row(&r, "movieId", &found);
        while (status == STATUS_OK && found) {
            status = version == MOVIELENS_U ? read_u_item(im, &t, &r) : read_movie(im, &t, &r);
            if (status == STATUS_OK)
                status = record_next(&r, &found);
        }
        if (status == STATUS_OK)
            status = import_note_count(im, "lines_from_latin1", r.reader.n_latin1);
        record_close(&r);
    }
    if (status == STATUS_OK)
        status = finish_items(im, &t, arena);
    table_close(&t);
    return status;
}

/* u.user: id|age|gender|occupation|zip; users.dat: id::gender::age::occupation::zip. */
static enum status read_user(struct import *im, struct table *t, const struct record_reader *r)
{
    const size_t age_at = r->separator == RECORD_PIPE ? 1 : 2, gender_at = 3 - age_at;
    float age;
    if (r->n != 5)
        return record_count_expected(r, "5: id, age, gender, occupation, zip code");
    TRY(record_real(r, age_at, "an age", &age));
    TRY(table_row(t, r, im->users, "a user id", age));
    TRY(string_builder_add(&t->text, r->field[gender_at].at, r->field[gender_at].length));
    return string_builder_add(&t->second, r->field[3].at, r->field[3].length);
}

enum status movielens_read_users(struct import *im, const char *folder, enum movielens_version version,
                                 struct arena *arena)
{
    char *path;
    struct record_reader r;
    struct table t;
    bool found = false;
    if (version == MOVIELENS_CSV)
        return STATUS_OK;
    TRY(movielens_find(folder, version == MOVIELENS_U ? "u.user" : "users.dat", arena, &path));
    if (path == NULL)
        return STATUS_OK;
    enum status status = table_open(&t);
    if (status == STATUS_OK)
        status = record_open(&r, path, version == MOVIELENS_U ? RECORD_PIPE : RECORD_COLONS, READER_UTF8,
                             &im->log);
    if (status == STATUS_OK) {
        status = record_next(&r, &found);
        while (status == STATUS_OK && found) {
            status = read_user(im, &t, &r);
            if (status == STATUS_OK)
                status = record_next(&r, &found);
        }
        record_close(&r);
    }
    const uint32_t n = string_map_size(im->users);
    struct column *column = im->user_columns;
    if (status == STATUS_OK)
        status = import_text_column(&column[0], "gender", &t.text, t.owner, n, arena);
    if (status == STATUS_OK)
        status = import_number_column(&column[1], "age", t.number, t.n, t.owner, n, arena);
    if (status == STATUS_OK)
        status = import_text_column(&column[2], "occupation", &t.second, t.owner, n, arena);
    im->n_user_columns = 3;
    table_close(&t);
    return status;
}
