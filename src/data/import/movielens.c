/*
 * movielens.c - every version of MovieLens (GroupLens; Harper and Konstan 2015), told by the files in the
 * folder, each plain or .gz.
 *
 * The versions differ in all they can: 100K is tab and "|" with flags for genres, 1M and 10M part by "::",
 * the later ones are quoted CSV with CRLF; titles of 100K and 1M are ISO-8859-1, the rest is UTF-8.
 * ratings_no_timestamp.dat is a 1M without times.  A single file in place of a folder is a ratings file
 * alone: no titles.
 */
#include "data/import/movielens.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

static const struct {
    const char *ratings;
    enum movielens_version version;
} known[] = {{"ratings.csv", MOVIELENS_CSV},
             {"ratings.dat", MOVIELENS_DAT},
             {"ratings_no_timestamp.dat", MOVIELENS_DAT},
             {"u.data", MOVIELENS_U}};

enum status movielens_find(const char *folder, const char *name, struct arena *arena, char **path)
{
    static const char *const endings[] = {"", ".gz"};
    for (size_t i = 0; i < 2; i++) {
        *path = arena_printf(arena, "%s/%s%s", folder, name, endings[i]);
        if (*path == NULL)
            return STATUS_SYSTEM;
        if (file_exists(*path))
            return STATUS_OK;
    }
    *path = NULL;
    return STATUS_OK;
}

enum status movielens_first_row(struct record_reader *r, const char *header, bool *found)
{
    TRY(record_next(r, found));
    if (!*found || r->separator != RECORD_CSV)
        return STATUS_OK;
    if (!field_is(r->field[0], header))
        return record_expected(r, 0, "a header line that begins with %s", header);
    return record_next(r, found);
}

static enum status find_ratings(const char *folder, struct arena *arena, char **path,
                                enum movielens_version *version)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        TRY(movielens_find(folder, known[i].ratings, arena, path));
        *version = known[i].version;
        if (*path != NULL)
            return STATUS_OK;
    }
    return status_fail(STATUS_DATA,
                       "%s: no ratings file of MovieLens in this folder, expected ratings.csv, ratings.dat, "
                       "ratings_no_timestamp.dat or u.data (or one of them with .gz)",
                       folder);
}

/* A single file: its first line tells. */
static enum status version_of_file(const char *path, enum movielens_version *version)
{
    struct reader r;
    const char *line;
    size_t length;
    TRY(reader_open(&r, path, READER_UTF8, NULL));
    enum status status = reader_line(&r, &line, &length);
    if (status == STATUS_OK) {
        if (memmem(line, length, "::", 2) != NULL)
            *version = MOVIELENS_DAT;
        else if (memchr(line, '\t', length) != NULL)
            *version = MOVIELENS_U;
        else if (memchr(line, ',', length) != NULL)
            *version = MOVIELENS_CSV;
        else
            status = reader_fail(
                &r, 1, 0, "not a ratings file of MovieLens, expected fields parted by tabs, '::' or commas");
    }
    reader_close(&r);
    return status;
}

static enum status read_ratings(struct import *im, const char *path, enum movielens_version version)
{
    return import_read_rows(im, path,
                            version == MOVIELENS_U     ? RECORD_TAB
                            : version == MOVIELENS_DAT ? RECORD_COLONS
                                                       : RECORD_CSV,
                            version == MOVIELENS_CSV);
}

/* userId, movieId, tag, timestamp; a tag may hold "::". */
static enum status read_tag(struct import *im, const struct record_reader *r, uint64_t *n_unknown,
                            uint64_t *n_empty)
{
    int64_t time;
    uint32_t user;
    if (r->n < 4 || (r->n > 4 && r->separator == RECORD_CSV))
        return record_count_expected(r, "4: user, movie, tag, time");
    TRY(record_time(r, r->n - 1, "a time in seconds since 1970", &time));
    const struct field tag = r->n == 4 ? r->field[2] : record_join(r, 2, r->n - 2);
    const uint32_t item = string_map_find(im->items, r->field[1].at, r->field[1].length);
    if (item == UINT32_MAX || tag.length == 0) {
        *n_unknown += item == UINT32_MAX;
        *n_empty += item != UINT32_MAX;
        return STATUS_OK;
    }
    TRY(import_id(r, 0, "a user id", im->users, &user));
    return import_add_tag(im, user, item, tag, time);
}

static enum status read_tags(struct import *im, const char *folder, enum movielens_version version,
                             struct arena *arena)
{
    char *path;
    struct record_reader r;
    bool found = false;
    uint64_t n_unknown = 0, n_empty = 0;
    if (version == MOVIELENS_U)
        return STATUS_OK;
    TRY(movielens_find(folder, version == MOVIELENS_CSV ? "tags.csv" : "tags.dat", arena, &path));
    if (path == NULL)
        return STATUS_OK;
    TRY(record_open(&r, path, version == MOVIELENS_CSV ? RECORD_CSV : RECORD_COLONS, READER_UTF8, &im->log));
    enum status status = movielens_first_row(&r, "userId", &found);
    while (status == STATUS_OK && found) {
        status = read_tag(im, &r, &n_unknown, &n_empty);
        if (status == STATUS_OK)
            status = record_next(&r, &found);
    }
    record_close(&r);
    TRY(status);
    TRY(import_note_count(im, "tags_of_unknown_movies_dropped", n_unknown));
    return import_note_count(im, "tags_empty_dropped", n_empty);
}

static enum status fill(struct import *im, const char *source, const struct import_options *options,
                        struct arena *arena)
{
    if (options->items != NULL)
        return status_fail(STATUS_USAGE,
                           "import movielens: its own files describe the items, --items can't be used");
    struct stat info;
    enum movielens_version version = MOVIELENS_CSV;
    char *path;
    if (stat(source, &info) != 0)
        return status_fail(STATUS_DATA, "%s: no such file or folder", source);
    if (!S_ISDIR(info.st_mode)) {
        TRY(version_of_file(source, &version));
        return read_ratings(im, source, version);
    }
    TRY(find_ratings(source, arena, &path, &version));
    TRY(read_ratings(im, path, version));
    const uint32_t n_rated = string_map_size(im->items);
    const uint32_t n_raters = string_map_size(im->users);
    TRY(movielens_read_items(im, source, version, arena));
    TRY(import_note_count(im, "items_without_interaction", string_map_size(im->items) - n_rated));
    TRY(read_tags(im, source, version, arena));
    if (version == MOVIELENS_CSV)
        TRY(movielens_read_more(im, source, arena));
    /* After the tags: the columns need the final number of users. */
    TRY(movielens_read_users(im, source, version, arena));
    return import_note_count(im, "users_without_interaction", string_map_size(im->users) - n_raters);
}

static enum status read_movielens(const char *source, const struct import_options *options,
                                  struct arena *arena, struct dataset **out)
{
    return import_fill(source, options, arena, fill, out);
}

const struct import_format import_movielens = {
    .name = "movielens",
    .help = "a folder of any MovieLens version (100K, 1M, 10M, 20M, 25M, 32M, latest; .gz too), or a ratings "
            "file "
            "alone",
    .example = "1::1193::5::978300760",
    .read = read_movielens,
    .takes = IMPORT_TAKES_MAX_BAD,
};
