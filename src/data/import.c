/*
 * import.c - the formats by name, and the one way from a publisher's files to a dataset file.
 */
#include "data/import.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "base/log.h"
#include "data/import/build.h"
#include "data/store.h"

/* clang-format off */
const struct import_format *const import_formats[] = {
    &import_movielens,
    &import_amazon,
    &import_tsv,
    &import_csv,
    &import_adjacency,
    &import_recbole,
    &import_ncf,
    &import_s3rec,
    &import_libfm,
    &import_lastfm,
    &import_book_crossing,
    &import_citeulike,
    &import_douban,
    &import_npy_features,
    NULL};
/* clang-format on */

static enum status find_format(const char *name, const struct import_format **out)
{
    const char *names[sizeof import_formats / sizeof *import_formats];
    size_t n = 0;
    for (; import_formats[n] != NULL; n++) {
        names[n] = import_formats[n]->name;
        *out = import_formats[n];
        if (strcmp(names[n], name) == 0)
            return STATUS_OK;
    }
    const char *nearest = string_nearest(name, names, n);
    if (nearest != NULL)
        return status_fail(STATUS_USAGE, "unknown import format '%s'; did you mean '%s'?", name, nearest);
    return status_fail(STATUS_USAGE, "unknown import format '%s'; `recfuse formats` lists them", name);
}

/* "datasets/synth/synth.h5" is called synth. */
static const char *name_from_path(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
    const size_t length = strlen(base);
    const size_t kept = length > 3 && strcmp(base + length - 3, ".h5") == 0 ? length - 3 : length;
    return arena_printf(arena, "%.*s", (int)kept, base);
}

/* The policies and what fell under them, a line each. */
static void tell_policies(const struct dataset *d)
{
    static const struct {
        const char *what, *policy, *count;
    } lines[] = {{"pairs that occur again", "duplicates", "duplicate_pairs"},
                 {"malformed rows", "malformed_rows", "malformed_rows_skipped"},
                 {"ratings out of range", "rating_scale", "ratings_out_of_range"},
                 {"rows without a time", "missing_times", "rows_without_time"}};
    json_t *policies = json_loads(d->policies, 0, NULL);
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
        const char *policy = json_string_value(json_object_get(policies, lines[k].policy));
        if (policy != NULL)
            log_info("  %s: %lld (%s)", lines[k].what,
                     (long long)json_integer_value(json_object_get(policies, lines[k].count)), policy);
    }
    json_decref(policies);
}

/* Parquet needs a library larger than recfuse; every tool that writes it writes csv too. */
static enum status refuse_parquet(const char *source)
{
    const size_t n = strlen(source);
    char magic[4] = "";
    struct stat info; /* a pipe can be read only once */
    FILE *file = stat(source, &info) == 0 && S_ISREG(info.st_mode) ? fopen(source, "rb") : NULL;
    if (file != NULL) {
        if (fread(magic, 1, sizeof magic, file) != sizeof magic)
            magic[0] = '\0';
        fclose(file);
    }
    if (memcmp(magic, "PAR1", 4) != 0 && !(n > 8 && strcmp(source + n - 8, ".parquet") == 0))
        return STATUS_OK;
    return status_fail(
        STATUS_DATA,
        "%s: is a Parquet file, which recfuse doesn't read; make a csv of it: python3 -c \"import pandas; "
        "pandas.read_parquet('%s').to_csv('data.csv', index=False)\" and import that: recfuse import csv "
        "data.csv --columns user=NAME,item=NAME,rating=NAME,time=NAME",
        source, source);
}

/* Who has friends among the users, where the column is there. */
static void tell_friends(const struct dataset *d)
{
    const struct column *friends = dataset_user_column(d, "friends");
    uint32_t n_with = 0;
    if (friends == NULL || friends->kind != COLUMN_LIST)
        return;
    for (uint32_t u = 0; u < d->n_users; u++)
        n_with += friends->list.ptr[u + 1] > friends->list.ptr[u];
    log_info("  friends: %lld of %u users", (long long)friends->list.nnz, n_with);
}

static enum status run_in(struct arena *arena, const struct import_format *format, const char *source,
                          const struct import_options *options, const char *out_path)
{
    struct dataset *d;
    if (options->meta != NULL && !(format->takes & IMPORT_TAKES_META))
        return status_fail(STATUS_USAGE, "import %s: --meta is for amazon", format->name);
    if (options->max_bad > 0 && !(format->takes & IMPORT_TAKES_MAX_BAD))
        return status_fail(STATUS_USAGE, "import %s: --max-bad can't be used with this format", format->name);
    if (options->columns != NULL && !(format->takes & IMPORT_TAKES_COLUMNS))
        return status_fail(STATUS_USAGE, "import %s: --columns is for tsv and csv", format->name);
    if (options->attributes != NULL && !(format->takes & IMPORT_TAKES_ATTRIBUTES))
        return status_fail(STATUS_USAGE, "import %s: --attributes is for tsv, csv, adjacency and libfm",
                           format->name);
    if (options->columns != NULL)
        TRY(import_check_columns(options->columns));
    TRY(refuse_parquet(source));
    TRY(format->read(source, options, arena, &d));
    d->name = options->name != NULL ? options->name : name_from_path(out_path, arena);
    if (d->name == NULL)
        return STATUS_SYSTEM;
    TRY(make_folder_of(out_path));
    TRY(store_write(out_path, d));
    log_info("%s: %u users, %u items, %llu interactions, %llu texts, %u features", out_path, d->n_users,
             d->n_items, (unsigned long long)d->interactions.n, (unsigned long long)d->texts.n,
             d->n_features);
    tell_friends(d);
    tell_policies(d);
    return STATUS_OK;
}

enum status import_run(const char *format, const char *source, const struct import_options *options,
                       const char *out_path)
{
    static const struct import_options defaults = {0};
    const struct import_format *found;
    TRY(find_format(format, &found));
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = run_in(arena, found, source, options != NULL ? options : &defaults, out_path);
    arena_free(arena);
    return status;
}
