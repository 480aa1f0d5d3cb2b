/* import_embeddings.c - `recfuse import-embeddings FILE --ids FILE -o models/NAME`: vectors that another program made, for `encoder: NAME`. */
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "data/import/embeddings.h"
#include "data/store.h"
#include "llm/vectors.h"

enum { OPTION_IDS = 256, OPTION_NAME, OPTION_DATASET, OPTION_MISSING, OPTION_UNKNOWN };
enum { UNKNOWN_KEEP, UNKNOWN_DROP, UNKNOWN_REFUSE };

struct arguments {
    const char *file, *ids, *name, *out, *dataset;
    bool allow_missing;
    int unknown;
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case 'o':
        a->out = argument;
        return 0;
    case OPTION_IDS:
        a->ids = argument;
        return 0;
    case OPTION_NAME:
        a->name = argument;
        return 0;
    case OPTION_DATASET:
        a->dataset = argument;
        return 0;
    case OPTION_MISSING:
        a->allow_missing = strcmp(argument, "allow") == 0;
        if (!a->allow_missing && strcmp(argument, "refuse") != 0)
            argp_error(state, "--missing: found '%s', expected refuse or allow", argument);
        return 0;
    case OPTION_UNKNOWN:
        a->unknown = strcmp(argument, "drop") == 0     ? UNKNOWN_DROP
                     : strcmp(argument, "refuse") == 0 ? UNKNOWN_REFUSE
                                                       : UNKNOWN_KEEP;
        if (a->unknown == UNKNOWN_KEEP && strcmp(argument, "keep") != 0)
            argp_error(state, "--unknown: found '%s', expected keep, drop or refuse", argument);
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 0)
            argp_error(state, "one file of vectors at a time");
        a->file = argument;
        return 0;
    case ARGP_KEY_END:
        if (a->file == NULL || a->ids == NULL || a->out == NULL)
            argp_error(state, "FILE.npy or FILE.h5, --ids FILE and -o models/NAME are needed");
        if (a->dataset == NULL && (a->allow_missing || a->unknown != UNKNOWN_KEEP))
            argp_error(state, "--missing and --unknown are about the items of --dataset FILE.h5");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Against the dataset's items: counted, and refused where that was not allowed. */
static enum status match(const struct arguments *a, struct embeddings *e, struct arena *arena,
                         uint32_t *n_items, uint32_t *missing, uint32_t *unknown)
{
    struct dataset *d = NULL;
    uint32_t one = 0;
    TRY(store_read(a->dataset, arena, &d));
    *n_items = d->n_items;
    TRY(embeddings_match(e, &d->item_ids, a->unknown == UNKNOWN_DROP, arena, missing, unknown, &one));
    if (*missing == *n_items || (*missing > 0 && !a->allow_missing))
        return status_fail(
            STATUS_DATA,
            "%s: %u of the %u items of %s have no vector, '%.*s' for one: are the ids the publisher's? "
            "(--missing=allow lets some go without)",
            a->ids, *missing, *n_items, a->dataset, (int)strings_length(&d->item_ids, one),
            strings_at(&d->item_ids, one));
    if (*unknown > 0 && a->unknown == UNKNOWN_REFUSE)
        return status_fail(STATUS_DATA, "%s: %u of the %u ids are of no item of %s", a->ids, *unknown, e->n,
                           a->dataset);
    return STATUS_OK;
}

static enum status import_embeddings(const struct arguments *a, struct arena *arena)
{
    struct embeddings e;
    uint32_t n_items = 0, missing = 0, unknown = 0;
    TRY(embeddings_read(a->file, a->name, a->ids, arena, &e));
    const uint32_t n_read = e.n;
    if (a->dataset != NULL)
        TRY(match(a, &e, arena, &n_items, &missing, &unknown));
    TRY(vectors_write(a->out, &e.ids, e.d, e.value, e.source, e.source_sha256));
    printf("{\"rows\": %u, \"dimensions\": %u, \"written\": %u", n_read, e.d, e.n);
    if (a->dataset != NULL)
        printf(", \"items\": %u, \"items_missing\": %u, \"rows_unknown\": %u", n_items, missing, unknown);
    printf("}\n");
    return STATUS_OK;
}

static enum status run(int argc, char **argv)
{
    static const struct argp_option options[] = {
        {"output", 'o', "DIR", 0,
         "The folder to write, models/NAME: then `encoder: NAME` of llm_content, llm_fusion and all other "
         "models that take "
         "text vectors means these",
         0},
        {"ids", OPTION_IDS, "FILE", 0, "The publisher's item ids, one a line: line k is row k's", 0},
        {"name", OPTION_NAME, "NAME", 0,
         "Which dataset of an HDF5 file (default: its only one of two dimensions)", 0},
        {"dataset", OPTION_DATASET, "FILE.h5", 0, "Count against the items of this dataset file", 0},
        {"missing", OPTION_MISSING, "WHAT", 0, "Items of it without a vector: refuse (default) or allow", 0},
        {"unknown", OPTION_UNKNOWN, "WHAT", 0, "Vectors of no item of it: keep (default), drop or refuse", 0},
        {0}};
    const struct argp argp = {
        options,
        parse,
        "FILE.npy|FILE.h5",
        "Vectors of items from any other program (a larger language model, an image encoder), as "
        "item vectors of every experiment.",
        NULL,
        NULL,
        NULL};
    struct arguments a = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    struct arena *arena = arena_new();
    const enum status status = arena != NULL ? import_embeddings(&a, arena) : STATUS_SYSTEM;
    arena_free(arena);
    return status;
}

const struct command command_import_embeddings = {"import-embeddings",
                                                  "FILE.npy|FILE.h5 --ids FILE -o models/NAME",
                                                  "vectors of another model, by item id", run};
