/* info.c - `recfuse info FILE.h5`: what is in a dataset file. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/command.h"
#include "data/store.h"

struct arguments {
    const char *file;
    bool json;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'j':
        a->json = true;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "one file at a time");
        a->file = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->file == NULL)
            argp_error(state, "which file?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *column_kind(const struct column *column)
{
    return column->kind == COLUMN_TEXT ? "text" : column->kind == COLUMN_LIST ? "list" : "number";
}

static json_t *columns(const struct column *column, uint32_t n)
{
    json_t *out = json_object();
    for (uint32_t i = 0; i < n; i++)
        json_object_set_new(out, column[i].name, json_string(column_kind(&column[i])));
    return out;
}

static json_t *describe(const struct dataset *d)
{
    const struct interactions *rows = &d->interactions;
    json_t *out =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:b}", "schema_version", DATASET_SCHEMA,
                  "name", d->name, "source", d->source != NULL ? d->source : "", "source_sha256",
                  d->source_sha256, "content_sha256", d->content_sha256, "n_users", (json_int_t)d->n_users,
                  "n_items", (json_int_t)d->n_items, "n_interactions", (json_int_t)rows->n, "n_texts",
                  (json_int_t)d->texts.n, "has_time", rows->time != NULL, "has_truth", d->truth != NULL);
    if (out == NULL)
        return NULL;
    float low = rows->n > 0 ? rows->value[0] : 0, high = low;
    for (uint64_t i = 0; i < rows->n; i++) {
        low = rows->value[i] < low ? rows->value[i] : low;
        high = rows->value[i] > high ? rows->value[i] : high;
    }
    json_object_set_new(out, "minimum_value", json_real(low));
    json_object_set_new(out, "maximum_value", json_real(high));
    json_object_set_new(out, "item_columns", columns(d->item_columns, d->n_item_columns));
    json_object_set_new(out, "user_columns", columns(d->user_columns, d->n_user_columns));
    json_t *features = json_object();
    for (uint32_t i = 0; i < d->n_features; i++)
        json_object_set_new(features, d->features[i].name, json_integer((json_int_t)d->features[i].width));
    json_object_set_new(out, "features", features);
    json_t *policies = json_loads(d->policies != NULL ? d->policies : "{}", 0, NULL);
    json_object_set_new(out, "policies", policies != NULL ? policies : json_object());
    return out;
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {{"json", 'j', NULL, 0, "As one JSON object", 0}, {0}};
    const struct argp argp = {options, parse, "FILE.h5", "What is in a dataset file.", NULL, NULL, NULL};
    struct arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);

    struct dataset *dataset = NULL;
    struct arena *arena = arena_new();
    enum status status = arena != NULL ? store_read(a.file, arena, &dataset) : STATUS_SYSTEM;
    json_t *all = status == STATUS_OK ? describe(dataset) : NULL;
    if (status == STATUS_OK && all == NULL)
        status = status_fail(STATUS_SYSTEM, "out of memory");
    if (status == STATUS_OK && a.json) {
        char *text = json_dumps(all, JSON_SORT_KEYS | JSON_COMPACT);
        puts(text != NULL ? text : "{}");
        free(text);
    } else if (status == STATUS_OK) {
        const char *key;
        json_t *value;
        json_object_foreach(all, key, value)
        {
            char *text = json_dumps(value, JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
            printf("%-16s %s\n", key,
                   json_is_string(value) ? json_string_value(value)
                   : text != NULL        ? text
                                         : "");
            free(text);
        }
    }
    json_decref(all);
    arena_free(arena);
    return status;
}

const struct command command_info = {"info", "FILE.h5 [--json]", "what is in a dataset file", run};
