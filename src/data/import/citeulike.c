/*
 * citeulike.c - citeulike-a and -t (Wang and Blei 2011; Wang, Chen and Li 2013): a folder with users.dat and,
 * where they are, item-tag.dat with tags.dat, and citations.dat; or one file in the form of users.dat alone
 * (a split's). Each plain or .gz.
 *
 * A line of users.dat is a count and that many item numbers; the user is the number of the line, from 0.
 * item-tag.dat and citations.dat have a line an item.  A line `0` is an empty list.  Items become columns
 * `tags` (the tag's words) and `citations` (ids of the articles cited).  Titles and abstracts (raw-data.csv)
 * are not read.
 */
#include <stdio.h>
#include <string.h>

#include "data/import/attributes.h"

/* One line's numbers, checked against its count. */
struct numbers {
    const char *at, *end;
    int64_t left;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool next_word(struct numbers *l, struct field *word)
{
    while (l->at < l->end && is_blank(*l->at))
        l->at++;
    word->at = l->at;
    while (l->at < l->end && !is_blank(*l->at))
        l->at++;
    word->length = (size_t)(l->at - word->at);
    return word->length > 0;
}

static enum status begin_line(const struct reader *r, const char *line, size_t length, struct numbers *l)
{
    struct field word;
    *l = (struct numbers){line, line + length, 0};
    if (!next_word(l, &word))
        return reader_fail(r, r->line, 0, "an empty line, expected a count and that many numbers (0: none)");
    if (!field_integer(word, &l->left) || l->left < 0)
        return reader_fail(r, r->line, 1, "found '%.*s', expected the count of the numbers that follow",
                           word.length < 40 ? (int)word.length : 40, word.at);
    int64_t n = 0;
    struct numbers scan = *l;
    while (next_word(&scan, &word)) {
        int64_t number;
        if (!field_integer(word, &number) || number < 0 || number >= UINT32_MAX)
            return reader_fail(r, r->line, (size_t)(word.at - line) + 1,
                               "found '%.*s', expected a number from 0 (below 2^32 - 1)",
                               word.length < 40 ? (int)word.length : 40, word.at);
        n++;
    }
    if (n != l->left)
        return reader_fail(r, r->line, 0, "found %lld numbers, expected %lld as the first number says",
                           (long long)n, (long long)l->left);
    return STATUS_OK;
}

typedef enum status line_of(struct import *im, uint64_t line, struct numbers *l, void *context);

static enum status each_line(struct import *im, const char *path, line_of *take, void *context)
{
    struct reader r;
    const char *line;
    size_t length;
    struct numbers l;
    TRY(reader_open(&r, path, READER_UTF8, &im->log));
    enum status status = reader_line(&r, &line, &length);
    while (status == STATUS_OK && length > 0) {
        status = begin_line(&r, line, length, &l);
        if (status == STATUS_OK)
            status = take(im, r.line - 1, &l, context);
        if (status == STATUS_OK)
            status = reader_line(&r, &line, &length);
    }
    reader_close(&r);
    return status;
}

static struct field printed(uint64_t number, char text[24])
{
    return (struct field){text, (size_t)snprintf(text, 24, "%llu", (unsigned long long)number)};
}

static enum status library(struct import *im, uint64_t line, struct numbers *l, void *context)
{
    char text[24];
    struct field item;
    uint64_t *n_empty = context;
    const struct field user = printed(line, text);
    if (l->left == 0) {
        (*n_empty)++;
        return string_map_add(im->users, user.at, user.length) == UINT32_MAX ? STATUS_SYSTEM : STATUS_OK;
    }
    while (next_word(l, &item)) {
        int64_t number = 0;
        char id[24];
        field_integer(item, &number); /* "007" and "7" are one item */
        TRY(import_add_ids(im, user, printed((uint64_t)number, id), 1, 0));
    }
    return STATUS_OK;
}

struct citeulike {
    struct attributes table;
    uint32_t column; /* the one being read */
    struct string_builder tags;
    const char *tags_path;
    uint64_t n_new_items;
};

/* The item of that line, added when new. */
static enum status item_of_line(struct import *im, struct citeulike *c, uint64_t line, uint32_t *out)
{
    char text[24];
    const struct field id = printed(line, text);
    const uint32_t before = string_map_size(im->items);
    *out = string_map_add(im->items, id.at, id.length);
    c->n_new_items += *out == before;
    return *out == UINT32_MAX ? STATUS_SYSTEM : STATUS_OK;
}

static enum status item_tags(struct import *im, uint64_t line, struct numbers *l, void *context)
{
    struct citeulike *c = context;
    struct field word;
    uint32_t item;
    TRY(item_of_line(im, c, line, &item));
    while (next_word(l, &word)) {
        int64_t tag = 0;
        field_integer(word, &tag);
        if ((uint64_t)tag >= c->tags.n)
            return status_fail(
                STATUS_DATA, "item-tag.dat:%llu: found tag %lld, expected below %llu, the lines of %s",
                (unsigned long long)line + 1, (long long)tag, (unsigned long long)c->tags.n, c->tags_path);
        const uint64_t begin = c->tags.offsets[tag];
        TRY(attributes_entry(
            &c->table, c->column, item,
            (struct field){c->tags.bytes + begin, (size_t)(c->tags.offsets[tag + 1] - begin)}));
    }
    return STATUS_OK;
}

static enum status cited(struct import *im, uint64_t line, struct numbers *l, void *context)
{
    struct citeulike *c = context;
    struct field word;
    uint32_t item;
    TRY(item_of_line(im, c, line, &item));
    while (next_word(l, &word))
        TRY(attributes_entry(&c->table, c->column, item, word));
    return STATUS_OK;
}

static enum status read_tag_names(struct import *im, struct citeulike *c)
{
    struct reader r;
    const char *line;
    size_t length;
    TRY(reader_open(&r, c->tags_path, READER_LATIN1, &im->log));
    enum status status = reader_line(&r, &line, &length);
    while (status == STATUS_OK && length > 0) {
        while (length > 0 && is_blank(line[length - 1]))
            length--;
        status = string_builder_add(&c->tags, line, length);
        if (status == STATUS_OK)
            status = reader_line(&r, &line, &length);
    }
    reader_close(&r);
    return status;
}

static enum status read_folder(struct import *im, struct citeulike *c, const char *folder,
                               struct arena *arena)
{
    char *users, *tags, *names, *citations;
    uint64_t n_empty = 0;
    TRY(import_find(folder, "users.dat", arena, &users));
    TRY(import_find(folder, "item-tag.dat", arena, &tags));
    TRY(import_find(folder, "tags.dat", arena, &names));
    TRY(import_find(folder, "citations.dat", arena, &citations));
    if (users == NULL)
        return status_fail(STATUS_DATA, "%s: no users.dat (or users.dat.gz) in this folder", folder);
    if (tags != NULL && names == NULL)
        return status_fail(STATUS_DATA, "%s: holds item-tag.dat and no tags.dat, which names the tags",
                           folder);
    TRY(each_line(im, users, library, &n_empty));
    TRY(import_note_count(im, "users_without_items", n_empty));
    if (tags != NULL) {
        c->tags_path = names;
        TRY(read_tag_names(im, c));
        TRY(attributes_define(&c->table, "tags", COLUMN_LIST, &c->column));
        TRY(each_line(im, tags, item_tags, c));
    }
    if (citations != NULL) {
        TRY(attributes_define(&c->table, "citations", COLUMN_LIST, &c->column));
        TRY(each_line(im, citations, cited, c));
    }
    TRY(import_note_count(im, "items_without_interaction", c->n_new_items));
    return attributes_finish(&c->table, im->item_columns, &im->n_item_columns, string_map_size(im->items),
                             arena);
}

static enum status read_all(struct import *im, const char *source, const struct import_options *options,
                            struct arena *arena)
{
    struct citeulike c = {0};
    uint64_t n_empty = 0;
    TRY(import_refuse_items_and_header(options, "citeulike"));
    if (!import_is_folder(source)) {
        TRY(each_line(im, source, library, &n_empty));
        return import_note_count(im, "users_without_items", n_empty);
    }
    const enum status status = read_folder(im, &c, source, arena);
    attributes_close(&c.table);
    string_builder_free(&c.tags);
    return status;
}

static enum status read_citeulike(const char *source, const struct import_options *options,
                                  struct arena *arena, struct dataset **out)
{
    return import_fill(source, options, arena, read_all, out);
}

const struct import_format import_citeulike = {
    .name = "citeulike",
    .help = "the folder of citeulike-a or -t (users.dat, item-tag.dat, tags.dat, citations.dat), or one such "
            "list",
    .example = "3 495 1631 2317",
    .read = read_citeulike,
};
