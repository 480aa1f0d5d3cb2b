/*
 * build.c - see build.h.  Rows are kept in source order (24 bytes each) until the end, when one sort makes
 * the order of the dataset file; source_row is then simply the place where a row stood.
 */
#include "data/import/build.h"
#include "data/import/features.h"
#include "data/import/friends.h"
#include "data/import/policies.h"
#include "data/import/queries.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/pages.h"

enum { MANY = 65536 }; /* rows that are worth waking threads for */

enum status import_open(struct import *im)
{
    memset(im, 0, sizeof *im);
    TRY(source_log_open(&im->log));
    im->users = string_map_new();
    im->items = string_map_new();
    im->policies = json_object();
    if (im->users == NULL || im->items == NULL || im->policies == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory");
    return STATUS_OK;
}

void import_close(struct import *im)
{
    string_map_free(im->users);
    string_map_free(im->items);
    json_decref(im->policies);
    pages_free(im->user, im->n_allocated * sizeof *im->user);
    pages_free(im->item, im->n_allocated * sizeof *im->item);
    pages_free(im->value, im->n_allocated * sizeof *im->value);
    pages_free(im->time, im->n_allocated * sizeof *im->time);
    string_builder_free(&im->text);
    free(im->text_user);
    free(im->text_item);
    free(im->text_time);
    free(im->text_kind);
    memset(im, 0, sizeof *im);
}

static enum status note_bad_rows(struct import *im)
{
    char text[64] = "an error";
    if (im->max_bad > 0)
        snprintf(text, sizeof text, "up to %llu skipped", (unsigned long long)im->max_bad);
    TRY(import_note(im, "malformed_rows", text));
    return import_note_count(im, "malformed_rows_skipped", im->n_bad);
}

enum status import_fill(const char *source, const struct import_options *options, struct arena *arena,
                        import_filler *fill, struct dataset **out)
{
    struct import im;
    enum status status = import_open(&im);
    im.max_bad = options->max_bad;
    im.options = options;
    im.has_scale = options->has_scale;
    im.scale_low = options->scale_low;
    im.scale_high = options->scale_high;
    if (status == STATUS_OK)
        status = fill(&im, source, options, arena);
    for (size_t k = 0; status == STATUS_OK && k < options->n_item_texts; k++)
        status = import_read_item_text(&im, options->item_texts[k], arena);
    for (size_t k = 0; status == STATUS_OK && k < options->n_features; k++)
        status = features_read_option(&im, options->features[k], arena);
    if (status == STATUS_OK && options->friends != NULL)
        status = friends_read_option(&im, options->friends, arena);
    if (status == STATUS_OK && options->queries != NULL)
        status = queries_read_option(&im, options->queries, arena);
    if (status == STATUS_OK)
        status = note_bad_rows(&im);
    if (status == STATUS_OK)
        status = import_finish(&im, source, arena, out);
    import_close(&im);
    return status;
}

enum status import_row_done(struct import *im, enum status status)
{
    if (status != STATUS_DATA || im->n_bad >= im->max_bad)
        return status;
    im->n_bad++;
    log_info("skipped this row (%llu of at most %llu)", (unsigned long long)im->n_bad,
             (unsigned long long)im->max_bad);
    return STATUS_OK;
}

static bool grow(void *pointer, uint64_t n, size_t size)
{
    void **array = pointer, *grown = realloc(*array, n * size);
    if (grown == NULL)
        return false;
    *array = grown;
    return true;
}

static bool grow_pages(void *pointer, uint64_t before, uint64_t n, size_t size)
{
    void **array = pointer, *grown = pages_grow(*array, before * size, n * size);
    if (grown == NULL)
        return false;
    *array = grown;
    return true;
}

enum status import_make_room(struct import *im, uint64_t n)
{
    uint64_t more = im->n_allocated > 0 ? im->n_allocated : 1u << 16;
    if (n <= im->n_allocated)
        return STATUS_OK;
    while (more < n)
        more *= 2;
    const uint64_t before = im->n_allocated;
    if (!grow_pages(&im->user, before, more, sizeof *im->user) ||
        !grow_pages(&im->item, before, more, sizeof *im->item) ||
        !grow_pages(&im->value, before, more, sizeof *im->value) ||
        !grow_pages(&im->time, before, more, sizeof *im->time))
        return status_fail(STATUS_SYSTEM, "out of memory after %llu interactions", (unsigned long long)im->n);
    im->n_allocated = more;
    return STATUS_OK;
}

static enum status add_row(struct import *im, uint32_t user, uint32_t item, float value, int64_t time)
{
    TRY(import_make_room(im, im->n + 1));
    im->user[im->n] = user;
    im->item[im->n] = item;
    im->value[im->n] = value;
    im->time[im->n++] = time;
    return STATUS_OK;
}

enum status import_id(const struct record_reader *r, size_t at, const char *what, struct string_map *map,
                      uint32_t *out)
{
    if (r->field[at].length == 0)
        return record_expected(r, at, "%s", what);
    *out = string_map_add(map, r->field[at].at, r->field[at].length);
    return *out == UINT32_MAX ? STATUS_SYSTEM : STATUS_OK;
}

enum status import_add_row(struct import *im, const struct record_reader *r, size_t user_at, size_t item_at,
                           float value, int64_t time)
{
    uint32_t user = 0, item = 0;
    if (r->field[item_at].length == 0) /* before the user is added: a malformed row leaves nothing behind */
        return record_expected(r, item_at, "an item id");
    TRY(import_id(r, user_at, "a user id", im->users, &user));
    TRY(import_id(r, item_at, "an item id", im->items, &item));
    return add_row(im, user, item, value, time);
}

enum status import_add_ids(struct import *im, struct field user, struct field item, float value, int64_t time)
{
    const uint32_t u = string_map_add(im->users, user.at, user.length);
    const uint32_t i = string_map_add(im->items, item.at, item.length);
    return u == UINT32_MAX || i == UINT32_MAX ? STATUS_SYSTEM : add_row(im, u, i, value, time);
}

enum status import_add_tag(struct import *im, uint32_t user, uint32_t item, struct field text, int64_t time)
{
    return import_add_text(im, TEXT_TAG, user, item, text, time);
}

enum status import_add_text(struct import *im, enum text_kind kind, uint32_t user, uint32_t item,
                            struct field text, int64_t time)
{
    const uint64_t n = im->text.n;
    if (n == im->n_texts_allocated) {
        const uint64_t more = n > 0 ? 2 * n : 1u << 12;
        if (!grow(&im->text_user, more, sizeof *im->text_user) ||
            !grow(&im->text_item, more, sizeof *im->text_item) ||
            !grow(&im->text_time, more, sizeof *im->text_time) ||
            !grow(&im->text_kind, more, sizeof *im->text_kind))
            return status_fail(STATUS_SYSTEM, "out of memory after %llu texts", (unsigned long long)n);
        im->n_texts_allocated = more;
    }
    im->text_user[n] = user;
    im->text_item[n] = item;
    im->text_time[n] = time;
    im->text_kind[n] = (uint8_t)kind;
    return string_builder_add(&im->text, text.at, text.length);
}

enum status import_note_count(struct import *im, const char *key, uint64_t count)
{
    if (json_object_set_new(im->policies, key, json_integer((json_int_t)count)) != 0)
        return status_fail(STATUS_SYSTEM, "out of memory");
    return STATUS_OK;
}

enum status import_note(struct import *im, const char *key, const char *sentence)
{
    if (json_object_set_new(im->policies, key, json_string(sentence)) != 0)
        return status_fail(STATUS_SYSTEM, "out of memory");
    return STATUS_OK;
}

enum status import_text_column(struct column *column, const char *name, const struct string_builder *texts,
                               const uint32_t *owner, uint32_t n, struct arena *arena)
{
    uint64_t *offsets;
    char *bytes;
    ARENA_NEW(offsets, arena, (size_t)n + 1);
    for (uint64_t i = 0; i < texts->n; i++)
        offsets[owner[i] + 1] = texts->offsets[i + 1] - texts->offsets[i];
    for (uint32_t i = 0; i < n; i++)
        offsets[i + 1] += offsets[i];
    ARENA_NEW(bytes, arena, offsets[n]);
    for (uint64_t i = 0; i < texts->n; i++)
        if (texts->offsets[i + 1] > texts->offsets[i])
            memcpy(bytes + offsets[owner[i]], texts->bytes + texts->offsets[i],
                   texts->offsets[i + 1] - texts->offsets[i]);
    *column = (struct column){.name = name, .kind = COLUMN_TEXT, .text = {n, offsets, bytes}};
    return STATUS_OK;
}

enum status import_number_column(struct column *column, const char *name, const float *numbers,
                                 uint64_t n_numbers, const uint32_t *owner, uint32_t n, struct arena *arena)
{
    float *number;
    ARENA_NEW(number, arena, n);
    for (uint32_t i = 0; i < n; i++)
        number[i] = NAN;
    for (uint64_t i = 0; i < n_numbers; i++)
        number[owner[i]] = numbers[i];
    *column = (struct column){.name = name, .kind = COLUMN_NUMBER, .number = number};
    return STATUS_OK;
}

/* The array is the arena's from now on. */
static bool give(struct import *im, void *pointer, size_t size, struct arena *arena)
{
    void **array = pointer;
    const bool given = arena_take_pages(arena, *array, im->n_allocated * size, im->n * size) != NULL;
    if (given)
        *array = NULL;
    return given;
}

static enum status finish_rows(struct import *im, const char *source, struct dataset *d, struct arena *arena)
{
    struct interactions *x = &d->interactions;
    bool has_time = im->has_time;
    *x = (struct interactions){im->n, im->user, im->item, im->value, has_time ? im->time : NULL, NULL};
    if (!give(im, &im->user, sizeof *im->user, arena) || !give(im, &im->item, sizeof *im->item, arena) ||
        !give(im, &im->value, sizeof *im->value, arena) ||
        (has_time && !give(im, &im->time, sizeof *im->time, arena)))
        return STATUS_SYSTEM;
    ARENA_NEW(x->source_row, arena, im->n);
#pragma omp parallel for schedule(static) if (im->n > MANY)
    for (uint64_t i = 0; i < im->n; i++)
        x->source_row[i] = i;
    TRY(policies_rows(im, source, x, &has_time));
    if (!has_time)
        x->time = NULL;
    TRY(interactions_sort(d->n_users, x));
    TRY(policies_apply_duplicates(im, source, d->n_items, x));
    return import_note(im, "values", im->has_value ? "as published" : "the source has none: 1");
}

static enum status copy_ids(const struct string_map *map, struct arena *arena, struct strings *out)
{
    const struct strings ids = string_map_strings(map);
    if (ids.n == 0) {
        uint64_t *zero;
        ARENA_NEW(zero, arena, 1);
        *out = (struct strings){0, zero, ""};
        return STATUS_OK;
    }
    const uint64_t *offsets = arena_copy(arena, ids.offsets, ids.n + 1, sizeof *offsets);
    const char *bytes = arena_copy(arena, ids.bytes, ids.offsets[ids.n], 1);
    *out = (struct strings){ids.n, offsets, bytes};
    return offsets != NULL && bytes != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static enum status finish_texts(struct import *im, struct texts *t, struct arena *arena)
{
    t->n = im->text.n;
    if (t->n == 0)
        return STATUS_OK;
    t->kind = arena_copy(arena, im->text_kind, t->n, sizeof *t->kind);
    t->user = arena_copy(arena, im->text_user, t->n, sizeof *t->user);
    t->item = arena_copy(arena, im->text_item, t->n, sizeof *t->item);
    bool has_time = true;
    for (uint64_t i = 0; i < t->n; i++)
        has_time = has_time && im->text_time[i] != IMPORT_NO_TIME;
    t->time = has_time ? arena_copy(arena, im->text_time, t->n, sizeof *t->time) : NULL;
    if (t->kind == NULL || t->user == NULL || t->item == NULL || (has_time && t->time == NULL))
        return STATUS_SYSTEM;
    return string_builder_finish(&im->text, arena, &t->text);
}

enum status import_finish(struct import *im, const char *source, struct arena *arena, struct dataset **out)
{
    struct dataset *d;
    if (im->n == 0)
        return status_fail(STATUS_DATA, "%s: holds no interaction", source);
    ARENA_NEW(d, arena, 1);
    d->n_users = string_map_size(im->users);
    d->n_items = string_map_size(im->items);
    TRY(copy_ids(im->users, arena, &d->user_ids));
    TRY(copy_ids(im->items, arena, &d->item_ids));
    TRY(finish_rows(im, source, d, arena));
    TRY(finish_texts(im, &d->texts, arena));
    d->n_user_columns = im->n_user_columns;
    d->n_item_columns = im->n_item_columns;
    d->user_columns = arena_copy(arena, im->user_columns, im->n_user_columns, sizeof *im->user_columns);
    d->item_columns = arena_copy(arena, im->item_columns, im->n_item_columns, sizeof *im->item_columns);
    d->n_features = im->n_features;
    d->features = arena_copy(arena, im->features, im->n_features, sizeof *im->features);
    source_log_close(&im->log, d->source_sha256);
    d->source = arena_strdup(arena, im->log.names);
    char *policies = json_dumps(im->policies, JSON_COMPACT | JSON_SORT_KEYS);
    d->policies = policies != NULL ? arena_strdup(arena, policies) : NULL;
    free(policies);
    if (d->source == NULL || d->policies == NULL || d->user_columns == NULL || d->item_columns == NULL ||
        d->features == NULL)
        return STATUS_SYSTEM;
    *out = d;
    return STATUS_OK;
}
