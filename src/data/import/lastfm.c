/*
 * lastfm.c - Last.fm 2K of HetRec 2011 (Cantador, Brusilovsky, Kuflik): a folder with user_artists.dat and,
 * where they are, artists.dat, tags.dat, user_taggedartists.dat, user_friends.dat; each plain or .gz.
 *
 * An artist's name is the column title.  The value is the play count as published (1 to 352,698): binarize or
 * take logs in the experiment.  Fields are parted by tabs and never quoted: names hold quotes.  Other copies
 * of tags.dat and artists.dat are ISO-8859-1, so both encodings are taken.  Tags of artists that nobody
 * listened to and artists.dat doesn't know are dropped and counted; dates before Last.fm's first year (2002)
 * are the publisher's mistakes, kept as published and counted.
 */
#include <stdlib.h>
#include <string.h>

#include "data/import/friends.h"

struct lastfm {
    struct attributes items;
    uint32_t name;
    struct friends friends;
    struct string_map *tag_ids; /* tagID to its place in `tags` */
    struct string_builder tags;
    uint64_t n_unknown_artists, n_unknown_tags, n_early, n_not_heard;
};

static enum status parse_plays(struct import *im, const struct record_reader *r)
{
    float count;
    if (r->n != 3)
        return record_count_expected(r, "3 parted by tabs: userID, artistID, weight");
    TRY(record_real(r, 2, "a play count", &count));
    if (count <= 0)
        return record_expected(r, 2, "a play count above 0");
    return import_add_row(im, r, 0, 1, count, 0);
}

static enum status plays(struct import *im, const struct record_reader *r, void *context)
{
    (void)context;
    return import_row_done(im, parse_plays(im, r));
}

static enum status artist(struct import *im, const struct record_reader *r, void *context)
{
    struct lastfm *l = context;
    uint32_t item;
    bool again;
    if (r->n < 2 || r->n > 4)
        return record_count_expected(r, "4 parted by tabs: id, name, url, pictureURL");
    const uint32_t before = string_map_size(im->items);
    TRY(import_id(r, 0, "an artist's id", im->items, &item));
    l->n_not_heard += item == before;
    TRY(attributes_row(&l->items, item, &again));
    if (again)
        return record_expected(r, 0, "each artist's id only once in this file");
    return attributes_text(&l->items, l->name, item, r->field[1]);
}

static enum status tag(struct import *im, const struct record_reader *r, void *context)
{
    struct lastfm *l = context;
    uint32_t place;
    (void)im;
    if (r->n != 2)
        return record_count_expected(r, "2 parted by tabs: tagID, tagValue");
    TRY(import_id(r, 0, "a tag's id", l->tag_ids, &place));
    if (place != l->tags.n)
        return record_expected(r, 0, "each tag's id only once in this file");
    return string_builder_add(&l->tags, r->field[1].at, r->field[1].length);
}

static enum status tagged_time(const struct record_reader *r, int64_t *time)
{
    int64_t day, month, year;
    TRY(record_integer(r, 3, "a day", &day));
    TRY(record_integer(r, 4, "a month", &month));
    TRY(record_integer(r, 5, "a year", &year));
    if (day < 1 || day > 31)
        return record_expected(r, 3, "a day from 1 to 31");
    if (month < 1 || month > 12)
        return record_expected(r, 4, "a month from 1 to 12");
    if (year < 1 || year > 9999)
        return record_expected(r, 5, "a year from 1 to 9999");
    *time = import_day(year, (int)month, (int)day);
    return STATUS_OK;
}

static enum status tagged(struct import *im, const struct record_reader *r, void *context)
{
    struct lastfm *l = context;
    uint32_t user;
    int64_t time = 0;
    if (r->n != 6)
        return record_count_expected(r, "6 parted by tabs: userID, artistID, tagID, day, month, year");
    TRY(tagged_time(r, &time));
    const uint32_t item = string_map_find(im->items, r->field[1].at, r->field[1].length);
    const uint32_t place = string_map_find(l->tag_ids, r->field[2].at, r->field[2].length);
    if (item == UINT32_MAX || place == UINT32_MAX) {
        l->n_unknown_artists += item == UINT32_MAX;
        l->n_unknown_tags += item != UINT32_MAX;
        return STATUS_OK;
    }
    l->n_early += time < import_day(2002, 1, 1);
    TRY(import_id(r, 0, "a user id", im->users, &user));
    const uint64_t begin = l->tags.offsets[place], end = l->tags.offsets[place + 1];
    return import_add_tag(im, user, item, (struct field){l->tags.bytes + begin, (size_t)(end - begin)}, time);
}

static enum status friendship(struct import *im, const struct record_reader *r, void *context)
{
    struct lastfm *l = context;
    if (r->n != 2)
        return record_count_expected(r, "2 parted by tabs: userID, friendID");
    for (size_t k = 0; k < 2; k++)
        if (r->field[k].length == 0)
            return record_expected(r, k, "a user id");
    return friends_add(&l->friends, im, r->field[0], r->field[1]);
}

/* The file if it is there. */
static enum status optional(struct import *im, const char *folder, const char *name, const char *header,
                            import_row *row, struct lastfm *l, struct arena *arena)
{
    char *path;
    TRY(import_find(folder, name, arena, &path));
    if (path == NULL)
        return STATUS_OK;
    return import_each_row(im, path, RECORD_TAB, READER_LATIN1, header, row, l);
}

static enum status read_files(struct import *im, struct lastfm *l, const char *folder, struct arena *arena)
{
    char *path;
    TRY(attributes_define(&l->items, "title", COLUMN_TEXT, &l->name));
    TRY(friends_open(&l->friends));
    TRY(import_find(folder, "user_artists.dat", arena, &path));
    if (path == NULL)
        return status_fail(STATUS_DATA, "%s: no user_artists.dat (or user_artists.dat.gz) in this folder",
                           folder);
    im->has_value = true;
    TRY(import_each_row(im, path, RECORD_TAB, READER_UTF8, "userID", plays, l));
    TRY(optional(im, folder, "artists.dat", "id", artist, l, arena));
    TRY(optional(im, folder, "tags.dat", "tagID", tag, l, arena));
    TRY(optional(im, folder, "user_taggedartists.dat", "userID", tagged, l, arena));
    TRY(optional(im, folder, "user_friends.dat", "userID", friendship, l, arena));
    TRY(attributes_finish(&l->items, im->item_columns, &im->n_item_columns, string_map_size(im->items),
                          arena));
    TRY(import_note_count(im, "items_without_interaction", l->n_not_heard));
    TRY(import_note_count(im, "tags_of_unknown_artists_dropped", l->n_unknown_artists));
    TRY(import_note_count(im, "tags_without_a_name_dropped", l->n_unknown_tags));
    TRY(import_note_count(im, "tags_dated_before_2002", l->n_early));
    return friends_finish(&l->friends, im, arena);
}

static enum status read_all(struct import *im, const char *source, const struct import_options *options,
                            struct arena *arena)
{
    struct lastfm l = {.tag_ids = string_map_new()};
    enum status status = import_refuse_items_and_header(options, "lastfm");
    if (status == STATUS_OK)
        status = l.tag_ids != NULL ? read_files(im, &l, source, arena) : STATUS_SYSTEM;
    attributes_close(&l.items);
    friends_close(&l.friends);
    string_map_free(l.tag_ids);
    string_builder_free(&l.tags);
    return status;
}

static enum status read_lastfm(const char *source, const struct import_options *options, struct arena *arena,
                               struct dataset **out)
{
    return import_fill(source, options, arena, read_all, out);
}

const struct import_format import_lastfm = {
    .name = "lastfm",
    .help = "the folder of Last.fm 2K (HetRec 2011): play counts, artists, tags, friends",
    .example = "userID artistID weight, then 2 51 13883 (tabs)",
    .read = read_lastfm,
    .takes = IMPORT_TAKES_MAX_BAD,
};
