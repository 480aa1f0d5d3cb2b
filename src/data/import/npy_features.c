/*
 * npy_features.c - a folder as the multimodal recommenders publish their sets (MMGCN, MMSSL, DiffMM): train, valid and test
 * as `user TAB item`, ids from 0, and one .npy file a modality whose row k is item k.
 *
 * The rows of the files make the items, so that one without any interaction is there too; image_feat.npy becomes
 * /features/image.  The parts are read one after the other (source_row counts on); the split itself is a given
 * split that names the same files.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "data/import/features.h"

enum { MODALITIES_MAX = 16 };

struct modalities {
    size_t n;
    char *file[MODALITIES_MAX]; /* names within the folder, in order */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum status find_modalities(const char *folder, struct arena *arena, struct modalities *out)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    enum status status = STATUS_OK;
    if (open == NULL)
        return status_fail(STATUS_DATA, "%s: can't be read as a folder with train.tsv and .npy files",
                           folder);
    while (status == STATUS_OK && (entry = readdir(open)) != NULL) {
        const size_t n = strlen(entry->d_name);
        if (n < 5 || strcmp(entry->d_name + n - 4, ".npy") != 0)
            continue;
        if (out->n == MODALITIES_MAX)
            status = status_fail(STATUS_DATA, "%s: holds more than %d .npy files", folder, MODALITIES_MAX);
        else if ((out->file[out->n++] = arena_strdup(arena, entry->d_name)) == NULL)
            status = STATUS_SYSTEM;
    }
    closedir(open);
    if (status == STATUS_OK && out->n == 0)
        status = status_fail(STATUS_DATA, "%s: holds no .npy file", folder);
    qsort(out->file, out->n, sizeof *out->file, by_name);
    return status;
}

/* "image_feat.npy" is the feature image. */
static char *modality_name(const char *file, struct arena *arena)
{
    static const char *const endings[] = {"_features", "_feature", "_feats", "_feat"};
    size_t n = strlen(file) - 4;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t m = strlen(endings[i]);
        if (n > m && memcmp(file + n - m, endings[i], m) == 0) {
            n -= m;
            break;
        }
    }
    return arena_printf(arena, "%.*s", (int)n, file);
}

/* Items 0 .. rows - 1; all files must have the same number of rows. */
static enum status add_items(struct import *im, const char *folder, const struct modalities *files,
                             struct arena *arena)
{
    uint64_t rows = 0;
    for (size_t k = 0; k < files->n; k++) {
        uint64_t n;
        const char *path = arena_printf(arena, "%s/%s", folder, files->file[k]);
        if (path == NULL)
            return STATUS_SYSTEM;
        TRY(features_npy_rows(path, &n));
        if (k > 0 && n != rows)
            return status_fail(STATUS_DATA, "%s: has %llu rows, expected %llu as in %s", path,
                               (unsigned long long)n, (unsigned long long)rows, files->file[0]);
        rows = n;
    }
    const uint32_t before = string_map_size(im->items);
    for (uint64_t row = 0; row < rows; row++) {
        char id[24];
        const int length = snprintf(id, sizeof id, "%llu", (unsigned long long)row);
        if (string_map_add(im->items, id, (size_t)length) == UINT32_MAX)
            return STATUS_SYSTEM;
    }
    if (string_map_size(im->items) != rows)
        return status_fail(STATUS_DATA,
                           "%s: train, valid and test name items that are not 0 to %llu, the rows of %s",
                           folder, (unsigned long long)rows - 1, files->file[0]);
    return import_note_count(im, "items_without_interaction", rows - before);
}

static enum status fill(struct import *im, const char *source, const struct import_options *options,
                        struct arena *arena)
{
    static const char *const parts[] = {"train.tsv", "valid.tsv", "test.tsv"};
    struct modalities files = {0};
    TRY(import_refuse_items_and_header(options, "npy-features"));
    TRY(find_modalities(source, arena, &files));
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        char *path;
        const uint64_t before = im->n;
        TRY(import_find(source, parts[p], arena, &path));
        if (path == NULL && p == 0)
            return status_fail(STATUS_DATA, "%s: holds no train.tsv (or .gz) of user TAB item", source);
        if (path != NULL)
            TRY(import_read_rows(im, path, RECORD_TAB, false));
        const char *key = arena_printf(arena, "rows_of_%.*s", (int)strcspn(parts[p], "."), parts[p]);
        if (key == NULL)
            return STATUS_SYSTEM;
        TRY(import_note_count(im, key, im->n - before));
    }
    TRY(add_items(im, source, &files, arena));
    for (size_t k = 0; k < files.n; k++) {
        const char *path = arena_printf(arena, "%s/%s", source, files.file[k]);
        const char *name = modality_name(files.file[k], arena);
        if (path == NULL || name == NULL)
            return STATUS_SYSTEM;
        TRY(features_read_npy(im, name, path, NULL, arena));
    }
    return STATUS_OK;
}

static enum status read_npy_features(const char *source, const struct import_options *options,
                                     struct arena *arena, struct dataset **out)
{
    return import_fill(source, options, arena, fill, out);
}

const struct import_format import_npy_features = {
    .name = "npy-features",
    .help =
        "a folder: train.tsv, valid.tsv, test.tsv (user item, from 0) and .npy files whose row k is item k",
    .example = "17\t242 (tabs); image_feat.npy of float16, float32 or float64, [items x width]",
    .read = read_npy_features,
    .takes = IMPORT_TAKES_MAX_BAD,
};
