/*
 * s3rec.c - the files of S3-Rec (Zhou et al. 2020): NAME.txt, `user item item ...` a line in order of time,
 * and NAME_item2attributes.json, one JSON object {item: [attribute, ...]}; plain or .gz.
 *
 * Items get a column `attributes` (ids as published: brands and categories without names).  Items that no
 * sequence holds are left out, counted.
 */
#include <stdio.h>
#include <string.h>

#include "data/import/attributes.h"
#include "data/import/json.h"

#define ATTRIBUTES_ENDING "_item2attributes.json"
/* Yelp's, the largest published, is below 10 MB. */
#define DOCUMENT_MAX ((size_t)1 << 30)

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

static enum status read_object(struct import *im, struct attributes *t, const char *path, json_t *object)
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
        const uint32_t item = string_map_find(im->items, key, strlen(key));
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

static enum status read_attributes(struct import *im, const char *path, struct arena *arena)
{
    struct attributes t = {0};
    json_t *object;
    TRY(json_document(path, DOCUMENT_MAX, &im->log, &object));
    enum status status = read_object(im, &t, path, object);
    if (status == STATUS_OK)
        status =
            attributes_finish(&t, im->item_columns, &im->n_item_columns, string_map_size(im->items), arena);
    json_decref(object);
    attributes_close(&t);
    return status;
}

static enum status read_all(struct import *im, const char *source, const struct import_options *options,
                            struct arena *arena)
{
    char *prefix, *sequences, *attributes;
    TRY(import_refuse_items_and_header(options, "s3rec"));
    if (import_is_folder(source)) {
        TRY(import_main_file(source, ATTRIBUTES_ENDING, arena, &prefix, &attributes));
        TRY(import_beside(prefix, ".txt", arena, &sequences));
        if (sequences == NULL)
            return status_fail(STATUS_DATA,
                               "%s: no %s.txt (or with .gz), the sequences that belong to the attributes",
                               source, prefix);
    } else {
        TRY(import_main_file(source, ".txt", arena, &prefix, &sequences));
        TRY(import_beside(prefix, ATTRIBUTES_ENDING, arena, &attributes));
    }
    TRY(import_read_adjacency(im, sequences));
    return attributes != NULL ? read_attributes(im, attributes, arena) : STATUS_OK;
}

static enum status read_s3rec(const char *source, const struct import_options *options, struct arena *arena,
                              struct dataset **out)
{
    return import_fill(source, options, arena, read_all, out);
}

const struct import_format import_s3rec = {
    .name = "s3rec",
    .help =
        "NAME.txt, user item item ... in order, with NAME_item2attributes.json beside it, or their folder",
    .example = "1 4 83 165; attributes: {\"4\": [1, 2], \"83\": [5]}",
    .read = read_s3rec,
};
