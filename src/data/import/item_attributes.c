/*
 * item_attributes.c - a list column of the items, `attributes`, from one JSON object {item: [attribute, ...]}, plain or .gz: the
 * form of S3-Rec's files (Zhou et al. 2020).
 *
 * Keys are item ids, or what stands in a column of --items, where the file counts items otherwise than the interactions do.
 * Attributes stay as published, numbers as their digits.  Items that the interactions don't have are left out, counted.
 */
#include <stdio.h>
#include <string.h>

#include "data/import/attributes.h"
#include "data/import/json.h"

/* Yelp's, the largest published, is below 10 MB. */
#define DOCUMENT_MAX ((size_t)1 << 30)

/* map NULL: keys are item ids; else owner[place in map] is the item. */
struct keys {
    struct string_map *map;
    uint32_t *owner, n;
};

static uint32_t find(const struct import *im, const struct keys *keys, const char *key)
{
    const uint32_t at = string_map_find(keys->map != NULL ? keys->map : im->items, key, strlen(key));
    return keys->map == NULL || at == UINT32_MAX ? at : keys->owner[at];
}

static enum status add_attribute(struct attributes *t, uint32_t column, uint32_t item, const char *path,
                                 const char *key, const json_t *value)
{
    char text[24];
    if (json_is_integer(value)) {
        const int n = snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
        return attributes_entry(t, column, item, (struct field){text, (size_t)n});
    }
    if (!json_is_string(value))
        return status_fail(STATUS_DATA, "%s: item '%s' holds %s, expected attribute ids", path, key,
                           json_kind(value));
    return attributes_entry(t, column, item,
                            (struct field){json_string_value(value), json_string_length(value)});
}

static enum status read_object(struct import *im, const struct keys *keys, struct attributes *t,
                               const char *path, json_t *object)
{
    uint32_t column;
    uint64_t n_left_out = 0;
    const char *key;
    json_t *list;
    const json_t *value;
    size_t i;
    if (!json_is_object(object))
        return status_fail(STATUS_DATA, "%s: found %s, expected an object {item: [attribute, ...]}", path,
                           json_kind(object));
    TRY(attributes_define(t, "attributes", COLUMN_LIST, &column));
    json_object_foreach(object, key, list)
    {
        bool again;
        const uint32_t item = find(im, keys, key);
        if (!json_is_array(list))
            return status_fail(STATUS_DATA, "%s: item '%s' has %s, expected a list of attributes", path, key,
                               json_kind(list));
        if (item == UINT32_MAX) {
            n_left_out++;
            continue;
        }
        TRY(attributes_row(t, item, &again));
        json_array_foreach(list, i, value) TRY(add_attribute(t, column, item, path, key, value));
    }
    TRY(import_note_count(im, "items_without_interaction_left_out", n_left_out));
    return import_note_count(im, "items_without_columns", string_map_size(im->items) - t->n_described);
}

static enum status read_document(struct import *im, const char *path, const struct keys *keys,
                                 struct arena *arena)
{
    struct attributes t = {0};
    json_t *object;
    TRY(json_document(path, DOCUMENT_MAX, &im->log, &object));
    enum status status = read_object(im, keys, &t, path, object);
    if (status == STATUS_OK && im->n_item_columns == RECORD_FIELDS_MAX)
        status =
            status_fail(STATUS_DATA, "%s: the items have %d columns already, there is no room for attributes",
                        path, RECORD_FIELDS_MAX);
    if (status == STATUS_OK)
        status =
            attributes_finish(&t, im->item_columns, &im->n_item_columns, string_map_size(im->items), arena);
    json_decref(object);
    attributes_close(&t);
    return status;
}

/* What stands in that column of the items, each value once. */
static enum status keys_of(const struct import *im, const char *path, const char *column, struct arena *arena,
                           struct keys *keys)
{
    const struct column *found = NULL;
    for (uint32_t k = 0; k < im->n_item_columns; k++)
        if (im->item_columns[k].kind == COLUMN_TEXT && strcmp(im->item_columns[k].name, column) == 0)
            found = &im->item_columns[k];
    if (found == NULL)
        return status_fail(STATUS_DATA,
                           "%s: the items have no text column '%s', which --attributes names as its keys",
                           path, column);
    const struct strings *s = &found->text;
    ARENA_NEW(keys->owner, arena, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        if (strings_length(s, i) == 0)
            continue;
        const uint32_t place = string_map_add(keys->map, strings_at(s, i), strings_length(s, i));
        if (place == UINT32_MAX)
            return STATUS_SYSTEM;
        if (place != keys->n)
            return status_fail(STATUS_DATA,
                               "%s: '%.*s' stands twice in the items' column '%s', so it can't be a key",
                               path, (int)strings_length(s, i), strings_at(s, i), column);
        keys->owner[keys->n++] = i;
    }
    return STATUS_OK;
}

enum status import_read_attributes(struct import *im, const char *path, const char *column,
                                   struct arena *arena)
{
    struct keys keys = {0};
    if (column == NULL)
        return read_document(im, path, &keys, arena);
    keys.map = string_map_new();
    enum status status = keys.map != NULL ? keys_of(im, path, column, arena, &keys) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = read_document(im, path, &keys, arena);
    string_map_free(keys.map);
    return status;
}
