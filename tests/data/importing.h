/*
 * importing.h - what the tests of the import formats share: import a file, look at the result, find a real
 * set.
 */
#ifndef TESTS_DATA_IMPORTING_H
#define TESTS_DATA_IMPORTING_H
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/log.h"
#include "data/import.h"
#include "data/import/build.h"
#include "data/store.h"

static char *folder;

static inline const char *write_file(const char *name, const char *text)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_ok(make_folders(path));
    *slash = '/';
    const size_t n = strlen(name);
    if (n > 3 && strcmp(name + n - 3, ".gz") == 0) {
        gzFile file = gzopen(path, "wb");
        assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), strlen(text));
        assert_int_equal(gzclose(file), Z_OK);
    } else {
        test_write(path, text);
    }
    return test_path(folder, name);
}

static inline struct dataset *imported(const char *format, const char *source,
                                       const struct import_options *options, struct arena *arena)
{
    struct dataset *d;
    char out[4200];
    snprintf(out, sizeof out, "%s/out.h5", folder);
    if (import_run(format, source, options, out) != STATUS_OK)
        fail_msg("%s", status_sentence());
    assert_ok(store_read(out, arena, &d));
    return d;
}

/* The import fails with STATUS_DATA, the sentence holds both words, and nothing is left behind. */
static inline void refused(const char *format, const char *source, const struct import_options *options,
                           const char *word, const char *other)
{
    char out[4200];
    snprintf(out, sizeof out, "%s/never.h5", folder);
    const enum status status = import_run(format, source, options, out);
    if (status != STATUS_DATA || strstr(status_sentence(), word) == NULL ||
        strstr(status_sentence(), other) == NULL)
        fail_msg("status %d, \"%s\", expected '%s' and '%s' in it", (int)status, status_sentence(), word,
                 other);
    assert_false(file_exists(out));
}

/* FOLDER/NAME, for longer than test_path()'s 8 calls: until the next call of this. */
static inline const char *lasting_path(const char *name)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* One file NAME of that text, imported from the file itself. */
static inline void refused_text(const char *format, const char *name, const char *text, const char *word,
                                const char *other)
{
    refused(format, write_file(name, text), NULL, word, other);
}

static inline void is_string(const struct strings *s, uint64_t i, const char *expected)
{
    if (i >= s->n || !strings_equal(s, i, expected))
        fail_msg("string %llu is '%.*s', expected '%s'", (unsigned long long)i,
                 i < s->n ? (int)strings_length(s, i) : 0, i < s->n ? strings_at(s, i) : "", expected);
}

/* The names of a list cell, joined by commas. */
static inline const char *list_of(const struct column *column, uint32_t row)
{
    static char text[512];
    text[0] = '\0';
    for (int64_t i = column->list.ptr[row]; i < column->list.ptr[row + 1]; i++) {
        const uint32_t name = column->list.idx[i];
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", text[0] ? "," : "",
                 (int)strings_length(&column->names, name), strings_at(&column->names, name));
    }
    return text;
}

static inline const struct column *item_column(const struct dataset *d, const char *name)
{
    const struct column *column = dataset_item_column(d, name);
    if (column == NULL)
        fail_msg("no item column '%s'", name);
    return column;
}

static inline const struct column *user_column(const struct dataset *d, const char *name)
{
    for (uint32_t i = 0; i < d->n_user_columns; i++)
        if (strcmp(d->user_columns[i].name, name) == 0)
            return &d->user_columns[i];
    fail_msg("no user column '%s'", name);
    return NULL;
}

static inline void says(const struct dataset *d, const char *key, long long count)
{
    json_t *policies = json_loads(d->policies, 0, NULL);
    const json_t *value = json_object_get(policies, key);
    if (!json_is_integer(value) || json_integer_value(value) != count)
        fail_msg("policy %s is not %lld: %s", key, count, d->policies);
    json_decref(policies);
}

static inline void counts(const struct dataset *d, uint32_t n_users, uint32_t n_items, uint64_t n,
                          uint64_t n_texts)
{
    assert_int_equal(d->n_users, n_users);
    assert_int_equal(d->n_items, n_items);
    assert_int_equal(d->interactions.n, n);
    assert_int_equal(d->texts.n, n_texts);
}

/* The folder of a real set, if it is at hand and holds that file; else the test is skipped. */
static inline const char *real(const char *name, const char *file)
{
    static char place[4096];
    char probe[4200];
    const char *data = getenv("RECFUSE_DATA");
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            snprintf(place, sizeof place, "datasets/%s/raw", name);
        else
            snprintf(place, sizeof place, "%s/%s", data != NULL && data[0] ? data : "../shared/data", name);
        snprintf(probe, sizeof probe, "%s/%s", place, file);
        if (file_exists(probe))
            return place;
    }
    print_message("skipped: %s is not at hand, run tools/get-data.sh %s\n", name, name);
    skip();
    return NULL;
}

static int set_up(void **state)
{
    (void)state;
    folder = test_folder();
    test_quiet();
    log_set_verbose(false);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

#endif
