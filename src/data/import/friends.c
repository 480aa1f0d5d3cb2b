/*
 * friends.c - see friends.h.  Links are kept as a list of ids, as a publisher's also-bought lists of items are: a filter that drops a user
 * drops his list, and whoever reads the lists of the others passes over ids that are gone (models/friends.h).
 */
#include "data/import/friends.h"

#include <string.h>

enum status friends_open(struct friends *f)
{
    return attributes_define(&f->users, "friends", COLUMN_LIST, &f->column);
}

void friends_close(struct friends *f)
{
    attributes_close(&f->users);
}

enum status friends_add(struct friends *f, const struct import *im, struct field user, struct field other)
{
    const uint32_t u = string_map_find(im->users, user.at, user.length);
    const uint32_t v = string_map_find(im->users, other.at, other.length);
    if (u == UINT32_MAX || v == UINT32_MAX || u == v) {
        const int self = user.length == other.length && memcmp(user.at, other.at, user.length) == 0;
        f->n_selves += self;
        f->n_unknown += !self;
        return STATUS_OK;
    }
    f->n++;
    return attributes_entry(&f->users, f->column, u, other);
}

enum status friends_finish(struct friends *f, struct import *im, struct arena *arena)
{
    const uint32_t before = im->n_user_columns;
    if (before == sizeof im->user_columns / sizeof *im->user_columns)
        return status_fail(STATUS_DATA, "the users have %u columns already, there is no room for friends",
                           before);
    TRY(attributes_finish(&f->users, im->user_columns, &im->n_user_columns, string_map_size(im->users),
                          arena));
    const uint64_t kept = im->n_user_columns > before ? (uint64_t)im->user_columns[before].list.nnz : 0;
    TRY(import_note_count(im, "friends_unknown_dropped", f->n_unknown));
    TRY(import_note_count(im, "friends_selves_dropped", f->n_selves));
    return import_note_count(im, "friends_repeated_dropped", f->n - kept);
}

struct links_file {
    struct friends friends;
    bool both, begun;
};

static bool is_header(struct field f)
{
    return field_is(f, "user") || field_is(f, "userid") || field_is(f, "user_id");
}

static enum status parse_link(struct import *im, const struct record_reader *r, struct links_file *file)
{
    if (r->n != 2)
        return record_count_expected(r, "2: a user's id and that of a friend");
    for (size_t k = 0; k < 2; k++)
        if (r->field[k].length == 0)
            return record_expected(r, k, "a user id");
    TRY(friends_add(&file->friends, im, r->field[0], r->field[1]));
    return file->both ? friends_add(&file->friends, im, r->field[1], r->field[0]) : STATUS_OK;
}

static enum status link_row(struct import *im, const struct record_reader *r, void *context)
{
    struct links_file *file = context;
    const bool header = !file->begun && is_header(r->field[0]);
    file->begun = true;
    return header ? STATUS_OK : import_row_done(im, parse_link(im, r, file));
}

static enum status read_links(struct import *im, const char *path, struct links_file *file,
                              struct arena *arena)
{
    TRY(friends_open(&file->friends));
    TRY(import_each_row(im, path, import_is_csv(path) ? RECORD_CSV : RECORD_TAB, READER_UTF8, NULL, link_row,
                        file));
    return friends_finish(&file->friends, im, arena);
}

enum status friends_read_option(struct import *im, const char *option, struct arena *arena)
{
    struct links_file file = {.both = import_ends_with(option, ",both")};
    const char *path =
        arena_printf(arena, "%.*s", (int)(strlen(option) - (file.both ? strlen(",both") : 0)), option);
    if (path == NULL)
        return STATUS_SYSTEM;
    for (uint32_t k = 0; k < im->n_user_columns; k++)
        if (strcmp(im->user_columns[k].name, "friends") == 0)
            return status_fail(STATUS_USAGE,
                               "--friends %s: the users have a column friends from the source already; leave "
                               "the option out",
                               option);
    const enum status status = read_links(im, path, &file, arena);
    friends_close(&file.friends);
    return status;
}
