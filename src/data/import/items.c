/*
 * items.c - item columns from a csv file beside the interactions: one row an item, the first line names the
 * columns. Every other column becomes a text, kept as published (HTML entities too: cleaning is the text
 * room's work).
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "data/import/build.h"

struct items {
    struct string_builder *column; /* [n_columns]; the id's own stays empty */
    const char *name[RECORD_FIELDS_MAX];
    size_t n_columns, id_at;
    struct string_map *seen;
    uint32_t *owner; /* [n rows] the item of each row */
    uint64_t n_allocated;
};

static enum status read_header(struct items *items, const struct record_reader *r, const char *item_id,
                               struct arena *arena)
{
    items->n_columns = r->n;
    items->id_at = item_id == NULL ? 0 : SIZE_MAX;
    for (size_t i = 0; i < r->n; i++) {
        items->name[i] = arena_printf(arena, "%.*s", (int)r->field[i].length, r->field[i].at);
        if (items->name[i] == NULL)
            return STATUS_SYSTEM;
        if (item_id != NULL && strcmp(items->name[i], item_id) == 0)
            items->id_at = i;
    }
    if (items->id_at == SIZE_MAX)
        return reader_fail(&r->reader, r->line, 0,
                           "the header names no column '%s', which was given as the item id", item_id);
    for (size_t i = 0; i < r->n; i++)
        if (i != items->id_at &&
            (r->field[i].length == 0 || r->field[i].length > 64 || strchr(items->name[i], '/') != NULL ||
             strcmp(items->name[i], "id") == 0 || items->name[i][0] == '.'))
            return record_expected(r, i, "a column's name: 1 to 64 bytes, no '/', not 'id', no dot in front");
    return STATUS_OK;
}

static enum status read_item(struct import *im, struct items *items, const struct record_reader *r)
{
    uint32_t item, place;
    if (r->n != items->n_columns)
        return reader_fail(&r->reader, r->line, 0, "found %zu field%s, expected %zu as in the header", r->n,
                           r->n == 1 ? "" : "s", items->n_columns);
    TRY(import_id(r, items->id_at, "an item id", im->items, &item));
    TRY(import_id(r, items->id_at, "an item id", items->seen, &place));
    if (place + 1 != string_map_size(items->seen) || place + 2 != r->row)
        return record_expected(r, items->id_at, "each item id only once in this file");
    if (place == items->n_allocated) {
        const uint64_t more = place > 0 ? 2 * (uint64_t)place : 4096;
        uint32_t *owner = realloc(items->owner, more * sizeof *owner);
        if (owner == NULL)
            return status_fail(STATUS_SYSTEM, "out of memory reading %s", r->reader.path);
        items->owner = owner;
        items->n_allocated = more;
    }
    items->owner[place] = item;
    for (size_t i = 0; i < r->n; i++)
        if (i != items->id_at)
            TRY(string_builder_add(&items->column[i], r->field[i].at, r->field[i].length));
    return STATUS_OK;
}

static enum status read_items(struct import *im, struct items *items, struct record_reader *r,
                              const char *item_id, struct arena *arena)
{
    bool found;
    const uint32_t n_before = string_map_size(im->items);
    TRY(record_next(r, &found));
    if (!found)
        return status_fail(STATUS_DATA, "%s: is empty, expected a header line and items", r->reader.path);
    TRY(read_header(items, r, item_id, arena));
    TRY(record_next(r, &found));
    while (found) {
        TRY(read_item(im, items, r));
        TRY(record_next(r, &found));
    }
    const uint32_t n_items = string_map_size(im->items);
    for (size_t i = 0; i < items->n_columns; i++)
        if (i != items->id_at)
            TRY(import_text_column(&im->item_columns[im->n_item_columns++], items->name[i], &items->column[i],
                                   items->owner, n_items, arena));
    const uint32_t n_rows = string_map_size(items->seen), n_new = n_items - n_before;
    TRY(import_note_count(im, "items_without_interaction", n_new));
    return import_note_count(im, "items_without_columns", n_before - (n_rows - n_new));
}

static enum status read_file(struct import *im, const struct import_options *options, struct arena *arena)
{
    struct record_reader r;
    struct items items = {.column = calloc(RECORD_FIELDS_MAX, sizeof *items.column),
                          .seen = string_map_new()};
    enum status status = STATUS_SYSTEM;
    if (items.column == NULL)
        status_fail(STATUS_SYSTEM, "out of memory reading %s", options->items);
    else if (items.seen != NULL)
        status = record_open(&r, options->items, RECORD_CSV, READER_UTF8, &im->log);
    if (status == STATUS_OK) {
        status = read_items(im, &items, &r, options->item_id, arena);
        record_close(&r);
    }
    for (size_t i = 0; items.column != NULL && i < RECORD_FIELDS_MAX; i++)
        string_builder_free(&items.column[i]);
    free(items.column);
    free(items.owner);
    string_map_free(items.seen);
    return status;
}

/* "FILE", or "FILE,COLUMN" */
static enum status read_attributes(struct import *im, const char *argument, struct arena *arena)
{
    char *path = arena_strdup(arena, argument);
    if (path == NULL)
        return STATUS_SYSTEM;
    char *column = strrchr(path, ',');
    if (column != NULL)
        *column++ = '\0';
    return import_read_attributes(im, path, column, arena);
}

enum status import_read_items(struct import *im, const struct import_options *options, struct arena *arena)
{
    if (options->items != NULL)
        TRY(read_file(im, options, arena));
    return options->attributes != NULL ? read_attributes(im, options->attributes, arena) : STATUS_OK;
}
