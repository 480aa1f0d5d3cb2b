/* info.c - `recfuse info FILE.h5`: what is in a dataset file, and how its rows are distributed. */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "command/command.h"
#include "data/distribution.h"
#include "data/store.h"

struct arguments {
    const char *file;
    bool json;
    const char *distribution;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'j':
        a->json = true;
        return 0;
    case 'd':
        a->distribution = argument;
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

/* Links between users, and how many have one. */
static json_t *friends(const struct column *column, uint32_t n_users)
{
    json_int_t n_with = 0, most = 0;
    for (uint32_t u = 0; u < n_users; u++) {
        const json_int_t n = column->list.ptr[u + 1] - column->list.ptr[u];
        n_with += n > 0;
        most = n > most ? n : most;
    }
    return json_pack("{s:I, s:I, s:I}", "links", (json_int_t)column->list.nnz, "users_with_friends", n_with,
                     "most", most);
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
    const struct column *links = dataset_user_column(d, "friends");
    if (links != NULL && links->kind == COLUMN_LIST)
        json_object_set_new(out, "friends", friends(links, d->n_users));
    json_t *features = json_object();
    for (uint32_t i = 0; i < d->n_features; i++)
        json_object_set_new(features, d->features[i].name, json_integer((json_int_t)d->features[i].width));
    json_object_set_new(out, "features", features);
    json_t *policies = json_loads(d->policies != NULL ? d->policies : "{}", 0, NULL);
    json_object_set_new(out, "policies", policies != NULL ? policies : json_object());
    return out;
}

static enum status print_description(const struct dataset *d, bool as_json)
{
    json_t *all = describe(d);
    if (all == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory");
    if (as_json) {
        char *text = json_dumps(all, JSON_SORT_KEYS | JSON_COMPACT);
        puts(text != NULL ? text : "{}");
        free(text);
    } else {
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
    return STATUS_OK;
}

static enum status print_distribution(const struct dataset *d, const char *name, struct arena *arena)
{
    struct distribution x;
    TRY(distribution_make(name, d, arena, &x));
    printf("%s,%s\n", x.x, x.y);
    for (uint64_t k = 0; k < x.n; k++)
        printf("%.9g,%.9g\n", x.values[2 * k], x.values[2 * k + 1]);
    return STATUS_OK;
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"json", 'j', NULL, 0, "As one JSON object", 0},
        {"distribution", 'd', "NAME", 0,
         "As csv: popularity, activity, ratings, mean_ratings or lift of the interactions", 0},
        {0}};
    const struct argp argp = {options, parse, "FILE.h5", "What is in a dataset file.", NULL, NULL, NULL};
    struct arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);

    struct dataset *dataset = NULL;
    struct arena *arena = arena_new();
    enum status status = arena != NULL ? store_read(a.file, arena, &dataset) : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = a.distribution != NULL ? print_distribution(dataset, a.distribution, arena)
                                        : print_description(dataset, a.json);
    arena_free(arena);
    return status;
}

const struct command command_info = {"info", "FILE.h5 [--json] [--distribution NAME]",
                                     "what is in a dataset file", run};
