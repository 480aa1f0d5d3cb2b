/*
 * item_texts.c - a text column of the items from one JSON object {item: text}, plain or .gz: what a catalogue, or a language model, says of each
 * item (CoLaKG publishes MovieLens so: Cui et al. 2025).
 *
 * Keys are the publisher's item ids.  Items that the interactions and the catalogue don't have are left out, counted.
 */
#include <string.h>

#include "data/import/attributes.h"
#include "data/import/json.h"

#define DOCUMENT_MAX ((size_t)1 << 30)

static enum status add_texts(struct import *im, struct attributes *t, const char *name, const char *path,
                             json_t *object, struct arena *arena)
{
    uint32_t column;
    uint64_t n_left_out = 0;
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return status_fail(STATUS_DATA, "%s: found %s, expected an object {item: text}", path,
                           json_kind(object));
    TRY(attributes_define(t, name, COLUMN_TEXT, &column));
    json_object_foreach(object, key, value)
    {
        bool again;
        const uint32_t item = string_map_find(im->items, key, strlen(key));
        if (!json_is_string(value))
            return status_fail(STATUS_DATA, "%s: item '%s' has %s, expected a text", path, key,
                               json_kind(value));
        if (item == UINT32_MAX) {
            n_left_out++;
            continue;
        }
        TRY(attributes_row(t, item, &again));
        TRY(attributes_text(t, column, item,
                            (struct field){json_string_value(value), json_string_length(value)}));
    }
    if (t->n_described == 0)
        return status_fail(STATUS_DATA,
                           "%s: none of its %zu keys is an item's id (as the publisher gives it)", path,
                           json_object_size(object));
    const char *left_out = arena_printf(arena, "%s_of_no_item", name),
               *without = arena_printf(arena, "items_without_%s", name);
    if (left_out == NULL || without == NULL)
        return STATUS_SYSTEM;
    TRY(import_note_count(im, left_out, n_left_out));
    return import_note_count(im, without, string_map_size(im->items) - t->n_described);
}

enum status import_read_item_text(struct import *im, const char *option, struct arena *arena)
{
    const char *equals = strchr(option, '=');
    const size_t length = equals != NULL ? (size_t)(equals - option) : 0;
    struct attributes t = {0};
    json_t *object;
    if (length == 0 || length > 64 || equals[1] == '\0' || memchr(option, '/', length) != NULL ||
        option[0] == '.')
        return status_fail(STATUS_USAGE,
                           "--item-text '%s': expected NAME=FILE, NAME of 1 to 64 bytes without '/'", option);
    const char *name = arena_printf(arena, "%.*s", (int)length, option);
    if (name == NULL)
        return STATUS_SYSTEM;
    for (uint32_t k = 0; k < im->n_item_columns; k++)
        if (strcmp(im->item_columns[k].name, name) == 0)
            return status_fail(STATUS_USAGE, "--item-text '%s': the items have a column '%s' already", option,
                               name);
    if (im->n_item_columns == RECORD_FIELDS_MAX)
        return status_fail(STATUS_DATA, "--item-text '%s': the items have %d columns already", option,
                           RECORD_FIELDS_MAX);
    TRY(json_document(equals + 1, DOCUMENT_MAX, &im->log, &object));
    enum status status = add_texts(im, &t, name, equals + 1, object, arena);
    if (status == STATUS_OK)
        status =
            attributes_finish(&t, im->item_columns, &im->n_item_columns, string_map_size(im->items), arena);
    json_decref(object);
    attributes_close(&t);
    return status;
}
