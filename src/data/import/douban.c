/*
 * douban.c - two samples of Douban film reviews (Chinese), told by the files in the folder, plain or .gz:
 * reviews.jsonl with movies.jsonl (DMR-Dataset), or comments.csv with movies.csv (AntSpider).
 *
 * A review is an interaction (1 to 5 stars) and, where it isn't empty, a text of kind review; the words that DMR's users tagged the
 * film with are texts of kind tag.  Comments
 * without stars are kept as texts alone, counted.  Films become items with title, description (the
 * storyline), genres, directors, actors, writers, languages, regions, tags, year, score (the site's mean; 0.0
 * means none); films that nobody reviewed are kept, since AntSpider's two files have no film in common.
 * Dates carry no time zone and are taken as UTC. Quoted fields of comments.csv hold line breaks of all three
 * kinds (the CSV reader takes them).
 */
#include <string.h>

#include "data/import/attributes.h"
#include "data/import/json.h"
#include "data/import/policies.h"

enum {
    TITLE,
    DESCRIPTION,
    GENRES,
    DIRECTORS,
    ACTORS,
    WRITERS,
    LANGUAGES,
    REGIONS,
    TAGS,
    YEAR,
    SCORE,
    N_FILM_COLUMNS
};

static const struct {
    const char *name, *json, *csv;
    enum column_kind kind;
} film[N_FILM_COLUMNS] = {{"title", "movie_name", "NAME", COLUMN_TEXT},
                          {"description", NULL, "STORYLINE", COLUMN_TEXT},
                          {"genres", "genres", "GENRES", COLUMN_LIST},
                          {"directors", "directors", "DIRECTORS", COLUMN_LIST},
                          {"actors", "actors", "ACTORS", COLUMN_LIST},
                          {"writers", "writers", NULL, COLUMN_LIST},
                          {"languages", "languages", "LANGUAGES", COLUMN_LIST},
                          {"regions", "producing_regions", "REGIONS", COLUMN_LIST},
                          {"tags", NULL, "TAGS", COLUMN_LIST},
                          {"year", "release_times", "YEAR", COLUMN_NUMBER},
                          {"score", "average_stars", "DOUBAN_SCORE", COLUMN_NUMBER}};

struct douban {
    struct attributes table;
    uint32_t column[N_FILM_COLUMNS];
    int at[N_FILM_COLUMNS], id_at; /* csv: where the column stands */
    size_t n_fields;
    uint64_t n_without_stars, n_without_text, n_numbers_missing, n_new;
};

/* One value of a film from text: numbers above 0 only; lists parted by `separator`. */
static enum status add_film_value(struct douban *d, int k, uint32_t item, struct field text, char separator)
{
    float number;
    if (film[k].kind == COLUMN_TEXT)
        return attributes_text(&d->table, d->column[k], item, text);
    if (film[k].kind == COLUMN_LIST)
        return attributes_entries(&d->table, d->column[k], item, text, separator);
    if (k == YEAR && text.length > 4)
        text.length = 4; /* "2019-09-06" */
    if (field_real(text, &number) && number > 0)
        return attributes_number(&d->table, d->column[k], item, number);
    d->n_numbers_missing++;
    return STATUS_OK;
}

static enum status film_item(struct import *im, struct douban *d, struct field id, uint32_t *item,
                             bool *again)
{
    const uint32_t before = string_map_size(im->items);
    *item = string_map_add(im->items, id.at, id.length);
    if (*item == UINT32_MAX)
        return STATUS_SYSTEM;
    d->n_new += *item == before;
    return attributes_row(&d->table, *item, again);
}

static enum status add_review(struct import *im, struct douban *d, struct field user, struct field item,
                              bool stars, float value, int64_t time, struct field text)
{
    const uint32_t u = string_map_add(im->users, user.at, user.length);
    const uint32_t i = string_map_add(im->items, item.at, item.length);
    if (u == UINT32_MAX || i == UINT32_MAX)
        return STATUS_SYSTEM;
    d->n_without_stars += !stars;
    d->n_without_text += text.length == 0;
    if (stars)
        TRY(import_add_ids(im, user, item, value, time));
    return text.length > 0 ? import_add_text(im, TEXT_REVIEW, u, i, text, time) : STATUS_OK;
}

/* ---- DMR-Dataset ---- */

/* "唯美 爱情": a tag each word. */
static enum status add_tags(struct import *im, struct field user, struct field item, struct field tags,
                            int64_t time)
{
    const uint32_t u = string_map_find(im->users, user.at, user.length),
                   i = string_map_find(im->items, item.at, item.length);
    for (const char *at = tags.at, *end = tags.at + tags.length; at < end;) {
        const char *stop = memchr(at, ' ', (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        if (stop > at)
            TRY(import_add_tag(im, u, i, (struct field){at, (size_t)(stop - at)}, time));
        at = stop + 1;
    }
    return STATUS_OK;
}

static enum status json_review(struct import *im, struct douban *d, const struct json_lines *j)
{
    struct field user, item, text, date, tags;
    double stars = 0;
    bool has_stars, there;
    int64_t time;
    TRY(json_id(j, "user", NULL, &user));
    TRY(json_id(j, "movie", NULL, &item));
    TRY(json_number(j, "stars", NULL, &stars, &has_stars));
    if (has_stars && !policies_in_scale(im, (float)stars, 1, 5))
        return json_lines_fail(j, "'stars' is %g, expected 1 to 5", stars);
    TRY(json_text(j, "date", NULL, &date, &there));
    if (!import_date(date, &time))
        return json_lines_fail(j, "'date' is '%.*s', expected one like 2021-03-31",
                               date.length < 40 ? (int)date.length : 40, date.at);
    TRY(json_text(j, "text", NULL, &text, &there));
    TRY(json_text(j, "tags", NULL, &tags, &there));
    TRY(add_review(im, d, user, item, has_stars, (float)stars, time, text));
    return there ? add_tags(im, user, item, tags, time) : STATUS_OK;
}

static enum status json_film(struct import *im, struct douban *d, const struct json_lines *j)
{
    struct field id, text;
    uint32_t item;
    bool again, there;
    size_t i;
    TRY(json_id(j, "movie", NULL, &id));
    TRY(film_item(im, d, id, &item, &again));
    if (again)
        return json_lines_fail(j, "film '%.*s' is in this file already", id.length < 40 ? (int)id.length : 40,
                               id.at);
    for (int k = 0; k < N_FILM_COLUMNS; k++) {
        const json_t *value = film[k].json != NULL ? json_either(j, film[k].json, NULL) : NULL, *part;
        if (value == NULL)
            continue;
        if (film[k].kind != COLUMN_LIST || !json_is_array(value)) {
            TRY(json_text(j, film[k].json, NULL, &text, &there));
            TRY(add_film_value(d, k, item, text, '/'));
            continue;
        }
        json_array_foreach(value, i, part)
        {
            if (!json_is_string(part))
                return json_lines_fail(j, "'%s' holds %s, expected strings", film[k].json, json_kind(part));
            TRY(attributes_entry(&d->table, d->column[k], item,
                                 (struct field){json_string_value(part), json_string_length(part)}));
        }
    }
    return STATUS_OK;
}

typedef enum status json_taker(struct import *im, struct douban *d, const struct json_lines *j);

static enum status each_object(struct import *im, struct douban *d, const char *path, json_taker *take)
{
    struct json_lines j;
    const char *line;
    size_t length;
    TRY(json_lines_open(&j, path, &im->log));
    enum status status = json_lines_next(&j, &line, &length);
    while (status == STATUS_OK && length > 0) {
        status = json_lines_parse(&j, line, length);
        if (status == STATUS_OK)
            status = take(im, d, &j); /* fails before it adds anything, but of a film */
        status = import_row_done(im, status);
        if (status == STATUS_OK)
            status = json_lines_next(&j, &line, &length);
    }
    json_lines_close(&j);
    return status;
}

/* ---- AntSpider ---- */

static enum status parse_comment(struct import *im, const struct record_reader *r, struct douban *d)
{
    float stars = 0;
    int64_t time;
    if (r->n != 6)
        return record_count_expected(r, "6: user_md5, douban_id, rating, comment_time, votes, content");
    if (r->field[0].length == 0)
        return record_expected(r, 0, "a user id");
    if (r->field[1].length == 0)
        return record_expected(r, 1, "a film's id");
    const bool has_stars = r->field[2].length > 0;
    if (has_stars)
        TRY(record_real(r, 2, "a rating", &stars));
    if (has_stars && !policies_in_scale(im, stars, 1, 5))
        return record_expected(r, 2, "a rating from 1 to 5, or nothing");
    if (!import_date(r->field[3], &time))
        return record_expected(r, 3, "a time like 2018-09-05 19:42:07");
    return add_review(im, d, r->field[0], r->field[1], has_stars, stars, time, r->field[5]);
}

static enum status csv_comment(struct import *im, const struct record_reader *r, void *context)
{
    return import_row_done(im, parse_comment(im, r, context));
}

static enum status film_header(struct douban *d, const struct record_reader *r)
{
    d->id_at = -1;
    d->n_fields = r->n;
    for (size_t i = 0; i < r->n; i++)
        if (field_is(r->field[i], "MOVIE_ID"))
            d->id_at = (int)i;
    if (d->id_at < 0)
        return reader_fail(&r->reader, r->line, 0, "the header names no MOVIE_ID");
    for (int k = 0; k < N_FILM_COLUMNS; k++) {
        d->at[k] = -1;
        for (size_t i = 0; film[k].csv != NULL && i < r->n; i++)
            if (field_is(r->field[i], film[k].csv))
                d->at[k] = (int)i;
    }
    return STATUS_OK;
}

static enum status csv_film(struct import *im, const struct record_reader *r, void *context)
{
    struct douban *d = context;
    uint32_t item;
    bool again;
    if (r->row == 1)
        return film_header(d, r);
    if (r->n != d->n_fields)
        return reader_fail(&r->reader, r->line, 0, "found %zu fields, expected %zu as in the header", r->n,
                           d->n_fields);
    if (r->field[d->id_at].length == 0)
        return record_expected(r, (size_t)d->id_at, "a film's id");
    TRY(film_item(im, d, r->field[d->id_at], &item, &again));
    if (again)
        return record_expected(r, (size_t)d->id_at, "each film only once in this file");
    for (int k = 0; k < N_FILM_COLUMNS; k++)
        if (d->at[k] >= 0)
            TRY(add_film_value(d, k, item, r->field[d->at[k]], '/'));
    return STATUS_OK;
}

static enum status read_folder(struct import *im, struct douban *d, const char *folder, struct arena *arena)
{
    char *reviews, *comments, *films;
    TRY(import_find(folder, "reviews.jsonl", arena, &reviews));
    TRY(import_find(folder, "comments.csv", arena, &comments));
    TRY(import_find(folder, reviews != NULL ? "movies.jsonl" : "movies.csv", arena, &films));
    if ((reviews == NULL) == (comments == NULL))
        return status_fail(STATUS_DATA,
                           "%s: expected one of reviews.jsonl and comments.csv (or with .gz) in this folder",
                           folder);
    for (int k = 0; k < N_FILM_COLUMNS; k++)
        TRY(attributes_define(&d->table, film[k].name, film[k].kind, &d->column[k]));
    im->has_value = im->has_time = true;
    if (reviews != NULL)
        TRY(each_object(im, d, reviews, json_review));
    else
        TRY(import_each_row(im, comments, RECORD_CSV, READER_UTF8, "user_md5", csv_comment, d));
    const uint32_t n_reviewed = string_map_size(im->items);
    if (films != NULL && reviews != NULL)
        TRY(each_object(im, d, films, json_film));
    else if (films != NULL)
        TRY(import_each_row(im, films, RECORD_CSV, READER_UTF8, NULL, csv_film, d));
    TRY(import_note_count(im, "ratings_missing", d->n_without_stars));
    TRY(import_note_count(im, "reviews_without_text", d->n_without_text));
    TRY(import_note_count(im, "films_without_review", d->n_new));
    TRY(import_note_count(im, "items_without_columns", n_reviewed - (d->table.n_described - d->n_new)));
    TRY(import_note_count(im, "years_and_scores_missing", d->n_numbers_missing));
    return attributes_finish(&d->table, im->item_columns, &im->n_item_columns, string_map_size(im->items),
                             arena);
}

static enum status read_all(struct import *im, const char *source, const struct import_options *options,
                            struct arena *arena)
{
    struct douban d = {.id_at = -1};
    TRY(import_refuse_items_and_header(options, "douban"));
    const enum status status = read_folder(im, &d, source, arena);
    attributes_close(&d.table);
    return status;
}

static enum status read_douban(const char *source, const struct import_options *options, struct arena *arena,
                               struct dataset **out)
{
    return import_fill(source, options, arena, read_all, out);
}

const struct import_format import_douban = {
    .name = "douban",
    .help = "a folder of Douban reviews: reviews.jsonl + movies.jsonl (DMR) or comments.csv + movies.csv "
            "(AntSpider)",
    .example = "{\"user\": \"5323\", \"movie\": \"25779217\", \"stars\": 5.0, \"date\": \"2021-03-31\", "
               "\"text\": \"...\"}",
    .read = read_douban,
    .takes = IMPORT_TAKES_MAX_BAD,
};
