/*
 * items.c - item columns from a csv (or tsv) file beside the interactions: one row an item, the first line names the
 * columns, or the user does. Every other column becomes a text, kept as published (HTML entities too: cleaning is the text
 * room's work), unless the user says that it is a number or a list.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "data/import/attributes.h"

struct items {
    struct string_builder *column; /* [n_columns]; the id's own stays empty */
    const char *name[RECORD_FIELDS_MAX];
    enum column_kind kind[RECORD_FIELDS_MAX];
    uint32_t attribute[RECORD_FIELDS_MAX]; /* of numbers and lists: which column of the table */
    struct attributes *table;
    size_t n_columns, id_at;
    uint64_t n_headers; /* 1, or 0: the user names the columns */
    struct string_map *seen;
    uint32_t *owner; /* [n rows] the item of each row */
    uint64_t n_allocated;
};

/* The columns' names, and which is the id. */
static enum status name_columns(struct items *items, const struct record_reader *r, const struct field *names,
                                size_t n, const char *item_id, struct arena *arena)
{
    items->n_columns = n;
    items->id_at = item_id == NULL ? 0 : SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        items->name[i] = arena_printf(arena, "%.*s", (int)names[i].length, names[i].at);
        if (items->name[i] == NULL)
            return STATUS_SYSTEM;
        if (item_id != NULL && strcmp(items->name[i], item_id) == 0)
            items->id_at = i;
    }
    if (items->id_at == SIZE_MAX)
        return reader_fail(&r->reader, r->line, 0,
                           "the header names no column '%s', which was given as the item id", item_id);
    for (size_t i = 0; i < n; i++)
        if (i != items->id_at &&
            (names[i].length == 0 || names[i].length > 64 || strchr(items->name[i], '/') != NULL ||
             strcmp(items->name[i], "id") == 0 || items->name[i][0] == '.'))
            return record_expected(r, i, "a column's name: 1 to 64 bytes, no '/', not 'id', no dot in front");
    return STATUS_OK;
}

/* "asin,title": the names of a file without a header. */
static enum status name_from(struct items *items, const struct record_reader *r, const char *names,
                             const char *item_id, struct arena *arena)
{
    struct field field[RECORD_FIELDS_MAX];
    size_t n = 0;
    for (const char *at = names;; at++) {
        const size_t length = strcspn(at, ",");
        if (n == RECORD_FIELDS_MAX)
            return status_fail(STATUS_USAGE, "--item-columns: more than %d names", RECORD_FIELDS_MAX);
        field[n++] = (struct field){at, length};
        at += length;
        if (*at == '\0')
            break;
    }
    if (n != r->n)
        return reader_fail(&r->reader, r->line, 0,
                           "found %zu field%s, expected %zu as --item-columns names them", r->n,
                           r->n == 1 ? "" : "s", n);
    return name_columns(items, r, field, n, item_id, arena);
}

/* "price=number,genres=list" */
static enum status name_kinds(struct items *items, const char *kinds)
{
    for (size_t i = 0; i < items->n_columns; i++)
        items->kind[i] = COLUMN_TEXT;
    for (const char *at = kinds; at != NULL && *at != '\0';) {
        const size_t length = strcspn(at, ","), name = strcspn(at, "=,"), rest = length - name;
        const bool number = rest == 7 && memcmp(at + name, "=number", 7) == 0,
                   list = rest == 5 && memcmp(at + name, "=list", 5) == 0;
        size_t i = 0;
        while (i < items->n_columns &&
               (strlen(items->name[i]) != name || memcmp(items->name[i], at, name) != 0))
            i++;
        if (!number && !list)
            return status_fail(STATUS_USAGE, "--item-kinds: found '%.*s', expected NAME=number or NAME=list",
                               (int)length, at);
        if (i == items->n_columns || i == items->id_at)
            return status_fail(STATUS_USAGE,
                               "--item-kinds: the file of --items has no column '%.*s' beside its id",
                               (int)name, at);
        if (items->kind[i] != COLUMN_TEXT)
            return status_fail(STATUS_USAGE, "--item-kinds: '%.*s' stands twice", (int)name, at);
        items->kind[i] = number ? COLUMN_NUMBER : COLUMN_LIST;
        TRY(attributes_define(items->table, items->name[i], items->kind[i], &items->attribute[i]));
        at += length + (at[length] == ',');
    }
    return STATUS_OK;
}

static enum status add_value(struct items *items, const struct record_reader *r, size_t i, uint32_t item)
{
    float number;
    switch (items->kind[i]) {
    case COLUMN_NUMBER:
        if (r->field[i].length == 0)
            return STATUS_OK; /* unknown */
        if (!field_real(r->field[i], &number))
            return record_expected(r, i, "a number, or nothing where it is unknown");
        return attributes_number(items->table, items->attribute[i], item, number);
    case COLUMN_LIST:
        return attributes_entries(items->table, items->attribute[i], item, r->field[i], '|');
    default:
        return string_builder_add(&items->column[i], r->field[i].at, r->field[i].length);
    }
}

static enum status read_item(struct import *im, struct items *items, const struct record_reader *r)
{
    uint32_t item, place;
    if (r->n != items->n_columns)
        return reader_fail(&r->reader, r->line, 0, "found %zu field%s, expected %zu as in the header", r->n,
                           r->n == 1 ? "" : "s", items->n_columns);
    TRY(import_id(r, items->id_at, "an item id", im->items, &item));
    TRY(import_id(r, items->id_at, "an item id", items->seen, &place));
    if (place + 1 != string_map_size(items->seen) || place + 1 + items->n_headers != r->row)
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
    bool again;
    TRY(attributes_row(items->table, item, &again));
    for (size_t i = 0; i < r->n; i++)
        if (i != items->id_at)
            TRY(add_value(items, r, i, item));
    return STATUS_OK;
}

static enum status read_items(struct import *im, struct items *items, struct record_reader *r,
                              const struct import_options *o, struct arena *arena)
{
    bool found;
    const uint32_t n_before = string_map_size(im->items);
    TRY(record_next(r, &found));
    if (!found)
        return status_fail(STATUS_DATA, "%s: is empty, expected a header line and items", r->reader.path);
    items->n_headers = o->item_columns == NULL;
    if (items->n_headers == 0)
        TRY(name_from(items, r, o->item_columns, o->item_id, arena));
    else {
        TRY(name_columns(items, r, r->field, r->n, o->item_id, arena));
        TRY(record_next(r, &found));
    }
    TRY(name_kinds(items, o->item_kinds));
    while (found) {
        TRY(read_item(im, items, r));
        TRY(record_next(r, &found));
    }
    const uint32_t n_items = string_map_size(im->items);
    for (size_t i = 0; i < items->n_columns; i++)
        if (i != items->id_at && items->kind[i] == COLUMN_TEXT)
            TRY(import_text_column(&im->item_columns[im->n_item_columns++], items->name[i], &items->column[i],
                                   items->owner, n_items, arena));
    TRY(attributes_finish(items->table, im->item_columns, &im->n_item_columns, n_items, arena));
    const uint32_t n_rows = string_map_size(items->seen), n_new = n_items - n_before;
    TRY(import_note_count(im, "items_without_interaction", n_new));
    return import_note_count(im, "items_without_columns", n_before - (n_rows - n_new));
}

static bool is_tsv(const char *path)
{
    const size_t n = strlen(path), packed = n > 3 && strcmp(path + n - 3, ".gz") == 0 ? 3 : 0;
    return n - packed > 4 && memcmp(path + n - packed - 4, ".tsv", 4) == 0;
}

static enum status read_file(struct import *im, const struct import_options *options, struct arena *arena)
{
    struct record_reader r;
    struct items items = {.column = calloc(RECORD_FIELDS_MAX, sizeof *items.column),
                          .seen = string_map_new(),
                          .table = calloc(1, sizeof *items.table)};
    enum status status = STATUS_SYSTEM;
    if (items.column == NULL || items.table == NULL)
        status_fail(STATUS_SYSTEM, "out of memory reading %s", options->items);
    else if (items.seen != NULL)
        status = record_open(&r, options->items, is_tsv(options->items) ? RECORD_TAB : RECORD_CSV,
                             READER_UTF8, &im->log);
    if (status == STATUS_OK) {
        status = read_items(im, &items, &r, options, arena);
        record_close(&r);
    }
    for (size_t i = 0; items.column != NULL && i < RECORD_FIELDS_MAX; i++)
        string_builder_free(&items.column[i]);
    free(items.column);
    if (items.table != NULL)
        attributes_close(items.table);
    free(items.table);
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
