/* features.c - see features.h. */
#include "data/import/features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "data/import/npy.h"

/* A row is finite, or NaN throughout. */
static enum status check_row(const char *path, uint64_t row, const float *value, uint32_t width)
{
    const bool missing = isnan(value[0]) != 0;
    for (uint32_t k = 0; k < width; k++)
        if (missing ? !isnan(value[k]) : !isfinite(value[k]))
            return status_fail(
                STATUS_DATA,
                "%s: row %llu, column %u: found %g, expected a finite number (or a row of NaN: no vector)",
                path, (unsigned long long)row, k, (double)value[k]);
    return STATUS_OK;
}

enum status features_add(struct import *im, const char *name, uint32_t width, bool from_users,
                         const float *value)
{
    const uint32_t most = sizeof im->features / sizeof *im->features;
    if (im->n_features == most)
        return status_fail(STATUS_USAGE, "feature %s: more than %u features", name, most);
    for (uint32_t i = 0; i < im->n_features; i++)
        if (strcmp(im->features[i].name, name) == 0)
            return status_fail(STATUS_USAGE, "feature %s is given twice", name);
    im->features[im->n_features++] = (struct feature){name, width, from_users, value};
    return STATUS_OK;
}

/* A matrix on its way: all NaN at first. */
struct matrix {
    float *value; /* [n_items x width] */
    uint8_t *has; /* [n_items] a row came */
    uint64_t n_unknown;
};

static enum status matrix_new(const struct import *im, uint32_t width, struct arena *arena,
                              struct matrix *out)
{
    const uint32_t n_items = string_map_size(im->items);
    ARENA_NEW(out->has, arena, n_items);
    ARENA_NEW(out->value, arena, (size_t)n_items * width);
    for (size_t k = 0; k < (size_t)n_items * width; k++)
        out->value[k] = NAN;
    out->n_unknown = 0;
    return STATUS_OK;
}

static enum status matrix_done(struct import *im, const char *name, uint32_t width, const struct matrix *m,
                               struct arena *arena)
{
    const uint32_t n_items = string_map_size(im->items);
    uint64_t n_missing = 0;
    for (uint32_t i = 0; i < n_items; i++)
        n_missing += !m->has[i];
    if (n_missing == n_items)
        return status_fail(STATUS_DATA,
                           "feature %s: none of its rows is of an item of the dataset: are the ids right?",
                           name);
    const char *unknown = arena_printf(arena, "feature_%s_rows_unknown", name);
    const char *missing = arena_printf(arena, "feature_%s_items_missing", name);
    if (unknown == NULL || missing == NULL)
        return STATUS_SYSTEM;
    TRY(import_note_count(im, unknown, m->n_unknown));
    TRY(import_note_count(im, missing, n_missing));
    return features_add(im, name, width, false, m->value);
}

/* Row k's item by its id; *item UINT32_MAX: unknown to the dataset. */
static enum status row_item(struct import *im, struct reader *ids, uint64_t row, uint32_t *item)
{
    char number[24];
    const char *id = number;
    size_t length = (size_t)snprintf(number, sizeof number, "%llu", (unsigned long long)row);
    if (ids->path != NULL) {
        TRY(reader_line(ids, &id, &length));
        if (length == 0)
            return status_fail(STATUS_DATA, "%s: holds %llu ids, expected one for each row of the feature",
                               ids->path, (unsigned long long)row);
        while (length > 0 && (id[length - 1] == '\n' || id[length - 1] == '\r'))
            length--;
    }
    *item = string_map_find(im->items, id, length);
    return STATUS_OK;
}

static enum status npy_rows(struct import *im, struct npy_pull *p, const struct npy *shape,
                            struct reader *ids, struct arena *arena, struct matrix *m)
{
    const uint32_t width = (uint32_t)shape->width;
    const size_t bytes = (size_t)(shape->kind - '0') * width;
    unsigned char *raw;
    float *scratch;
    ARENA_NEW(raw, arena, bytes);
    ARENA_NEW(scratch, arena, width);
    size_t got;
    for (uint64_t row = 0; row < shape->rows; row++) {
        uint32_t item = UINT32_MAX;
        TRY(npy_pull(p, raw, bytes, &got));
        if (got < bytes)
            return status_fail(STATUS_DATA, "%s: ends in row %llu, expected %llu rows", p->reader.path,
                               (unsigned long long)row, (unsigned long long)shape->rows);
        TRY(row_item(im, ids, row, &item));
        npy_floats(raw, shape->kind, width, scratch);
        TRY(check_row(p->reader.path, row, scratch, width));
        m->n_unknown += item == UINT32_MAX;
        if (item == UINT32_MAX)
            continue;
        if (m->has[item])
            return status_fail(STATUS_DATA, "%s: row %llu is of an item that has a row already",
                               p->reader.path, (unsigned long long)row);
        m->has[item] = !isnan(scratch[0]);
        memcpy(m->value + (size_t)item * width, scratch, width * sizeof *scratch);
    }
    TRY(npy_pull(p, raw, 1, &got));
    if (got > 0)
        return status_fail(STATUS_DATA, "%s: goes on after its %llu rows", p->reader.path,
                           (unsigned long long)shape->rows);
    return STATUS_OK;
}

static enum status read_npy(struct import *im, struct npy_pull *p, const char *name, const char *path,
                            struct reader *ids, struct arena *arena)
{
    struct npy shape = {0};
    struct matrix m;
    TRY(npy_open(p, path, &im->log, &shape));
    TRY(matrix_new(im, (uint32_t)shape.width, arena, &m));
    TRY(npy_rows(im, p, &shape, ids, arena, &m));
    const char *line;
    size_t length = 0;
    if (ids->path != NULL)
        TRY(reader_line(ids, &line, &length));
    if (length > 0)
        return status_fail(STATUS_DATA, "%s: holds more ids than the feature's %llu rows", ids->path,
                           (unsigned long long)shape.rows);
    return matrix_done(im, name, (uint32_t)shape.width, &m, arena);
}

enum status features_read_npy(struct import *im, const char *name, const char *path, const char *ids,
                              struct arena *arena)
{
    struct npy_pull p = {0};
    struct reader id_reader = {0};
    enum status status = ids != NULL ? reader_open(&id_reader, ids, READER_UTF8, &im->log) : STATUS_OK;
    if (status == STATUS_OK)
        status = read_npy(im, &p, name, path, &id_reader, arena);
    reader_close(&id_reader);
    reader_close(&p.reader);
    return status;
}

enum status features_npy_rows(const char *path, uint64_t *n_rows)
{
    struct npy_pull p = {0};
    struct npy shape = {0};
    const enum status status = npy_open(&p, path, NULL, &shape);
    reader_close(&p.reader);
    *n_rows = shape.rows;
    return status;
}

enum { AMAZON_ID = 10, AMAZON_WIDTH = 4096 };

static enum status amazon_rows(struct import *im, struct npy_pull *p, const char *path, unsigned char *raw,
                               struct matrix *m)
{
    const size_t bytes = AMAZON_ID + sizeof(float) * AMAZON_WIDTH;
    size_t got;
    for (uint64_t row = 0;; row++) {
        TRY(npy_pull(p, raw, bytes, &got));
        if (got == 0)
            return STATUS_OK;
        if (got < bytes)
            return status_fail(STATUS_DATA, "%s: ends in row %llu: a row has 10 bytes of id and 4096 float32",
                               path, (unsigned long long)row);
        for (int k = 0; k < AMAZON_ID; k++)
            if (raw[k] < '0' || raw[k] > 'z')
                return status_fail(
                    STATUS_DATA,
                    "%s: row %llu doesn't begin with 10 letters and digits of an id: not Amazon's image "
                    "features",
                    path, (unsigned long long)row);
        const uint32_t item = string_map_find(im->items, (const char *)raw, AMAZON_ID);
        m->n_unknown += item == UINT32_MAX;
        if (item == UINT32_MAX)
            continue;
        float *value =
            m->value + (size_t)item * AMAZON_WIDTH; /* of a product that comes twice the last row stays */
        npy_floats(raw + AMAZON_ID, '4', AMAZON_WIDTH, value);
        TRY(check_row(path, row, value, AMAZON_WIDTH));
        m->has[item] = !isnan(value[0]);
    }
}

enum status features_read_amazon(struct import *im, const char *name, const char *path, struct arena *arena)
{
    struct npy_pull p = {0};
    struct matrix m;
    unsigned char *raw;
    TRY(matrix_new(im, AMAZON_WIDTH, arena, &m));
    ARENA_NEW(raw, arena, AMAZON_ID + sizeof(float) * AMAZON_WIDTH);
    enum status status = reader_open(&p.reader, path, READER_UTF8, &im->log);
    if (status == STATUS_OK)
        status = amazon_rows(im, &p, path, raw, &m);
    reader_close(&p.reader);
    return status == STATUS_OK ? matrix_done(im, name, AMAZON_WIDTH, &m, arena) : status;
}

static bool ends_in(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n > m && strcmp(text + n - m, ending) == 0;
}

enum status features_read_option(struct import *im, const char *option, struct arena *arena)
{
    char *name = arena_strdup(arena, option);
    if (name == NULL)
        return STATUS_SYSTEM;
    char *path = strchr(name, '=');
    if (path == NULL || path == name || path[1] == '\0')
        return status_fail(STATUS_USAGE, "--feature: found '%s', expected NAME=FILE or NAME=FILE,IDS",
                           option);
    *path++ = '\0';
    if (strlen(name) > 64 || strchr(name, '/') != NULL || name[0] == '.')
        return status_fail(
            STATUS_USAGE,
            "--feature: found the name '%s', expected 1 to 64 bytes without '/' and no dot in front", name);
    char *ids = strrchr(path, ',');
    if (ids != NULL)
        *ids++ = '\0';
    if (!ends_in(path, ".b") && !ends_in(path, ".b.gz"))
        return features_read_npy(im, name, path, ids, arena);
    if (ids != NULL)
        return status_fail(STATUS_USAGE, "--feature: %s holds its ids itself, '%s' can't be used", path, ids);
    return features_read_amazon(im, name, path, arena);
}
