/*
 * store_check.c - is this a dataset?  The same checks before writing and after reading, so that no file holds
 * what a reader would refuse, and nothing after store_read() needs to check again.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "data/store_parts.h"

struct check {
    const char *path;
};

static enum status check_strings(const struct check *c, const char *object, const char *part,
                                 const struct strings *s, uint64_t n)
{
    if (s->n != n)
        return status_fail(STATUS_DATA, "%s: %s%s: holds %llu strings, expected %llu", c->path, object, part,
                           (unsigned long long)s->n, (unsigned long long)n);
    if (n == 0)
        return STATUS_OK;
    if (s->offsets[0] != 0)
        return status_fail(STATUS_DATA, "%s: %s%s/offsets: must begin with 0", c->path, object, part);
    for (uint64_t i = 0; i < n; i++)
        if (s->offsets[i + 1] < s->offsets[i])
            return status_fail(STATUS_DATA, "%s: %s%s/offsets: falls at %llu", c->path, object, part,
                               (unsigned long long)i + 1);
    const uint64_t length = s->offsets[n];
    const uint64_t valid = length > 0 ? utf8_valid_prefix(s->bytes, length) : 0;
    if (valid < length)
        return status_fail(STATUS_DATA, "%s: %s%s/bytes: invalid UTF-8 at byte %llu", c->path, object, part,
                           (unsigned long long)valid);
    const char *nul = length > 0 ? memchr(s->bytes, 0, length) : NULL;
    if (nul != NULL)
        return status_fail(STATUS_DATA, "%s: %s%s/bytes: a NUL at byte %llu", c->path, object, part,
                           (unsigned long long)(nul - s->bytes));
    for (uint64_t i = 0; i < n; i++)
        if (s->offsets[i] < length && ((unsigned char)s->bytes[s->offsets[i]] & 0xc0) == 0x80)
            return status_fail(STATUS_DATA, "%s: %s%s/offsets: %llu cuts a character in two", c->path, object,
                               part, (unsigned long long)i);
    return STATUS_OK;
}

/* Distinct and not empty. */
static enum status check_names(const struct check *c, const char *object, const char *part,
                               const struct strings *s)
{
    struct string_map *map = string_map_new();
    enum status status = map != NULL ? STATUS_OK : STATUS_SYSTEM;
    for (uint64_t i = 0; status == STATUS_OK && i < s->n; i++) {
        const size_t length = strings_length(s, i);
        if (length == 0) {
            status = status_fail(STATUS_DATA, "%s: %s%s: string %llu is empty", c->path, object, part,
                                 (unsigned long long)i);
            break;
        }
        const uint32_t at = string_map_add(map, strings_at(s, i), length);
        if (at == UINT32_MAX)
            status = STATUS_SYSTEM;
        else if (at != i)
            status = status_fail(STATUS_DATA, "%s: %s%s: '%.*s' occurs twice", c->path, object, part,
                                 length < 60 ? (int)length : 60, strings_at(s, i));
    }
    string_map_free(map);
    return status;
}

static enum status check_indices(const struct check *c, const char *object, const uint32_t *index, uint64_t n,
                                 uint32_t limit, bool none_allowed)
{
    for (uint64_t i = 0; i < n; i++)
        if (index[i] >= limit && !(none_allowed && index[i] == UINT32_MAX))
            return status_fail(STATUS_DATA, "%s: %s: row %llu holds %u, expected below %u", c->path, object,
                               (unsigned long long)i, index[i], limit);
    return STATUS_OK;
}

static enum status check_finite(const struct check *c, const char *object, const char *name,
                                const float *number, uint64_t n, bool missing_allowed)
{
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(number[i]) && !(missing_allowed && isnan(number[i])))
            return status_fail(STATUS_DATA, "%s: %s%s: row %llu is not a finite number", c->path, object,
                               name, (unsigned long long)i);
    return STATUS_OK;
}

static enum status check_list(const struct check *c, const char *object, const struct column *column,
                              uint32_t n)
{
    const struct csr *a = &column->list;
    char part[80];
    snprintf(part, sizeof part, "%s/names", column->name);
    TRY(check_strings(c, object, part, &column->names, a->n_cols));
    TRY(check_names(c, object, part, &column->names));
    if (a->n_rows != n || a->nnz < 0 || a->ptr[0] != 0 || a->ptr[n] != a->nnz)
        return status_fail(STATUS_DATA, "%s: %s%s/ptr: doesn't fit %u rows and %lld entries", c->path, object,
                           column->name, n, (long long)a->nnz);
    for (uint32_t row = 0; row < n; row++)
        if (a->ptr[row + 1] < a->ptr[row])
            return status_fail(STATUS_DATA, "%s: %s%s/ptr: falls at %u", c->path, object, column->name,
                               row + 1);
    for (uint32_t row = 0; row < n; row++)
        for (int64_t j = a->ptr[row]; j < a->ptr[row + 1]; j++)
            if (a->idx[j] >= a->n_cols || (j > a->ptr[row] && a->idx[j] <= a->idx[j - 1]))
                return status_fail(STATUS_DATA, "%s: %s%s/idx: row %u must rise and stay below %u", c->path,
                                   object, column->name, row, a->n_cols);
    return STATUS_OK;
}

/* 1 to 64 bytes of UTF-8 that HDF5 takes as one name. */
static enum status check_name(const struct check *c, const char *object, const char *name)
{
    const size_t length = strlen(name);
    if (length == 0 || length > 64 || strchr(name, '/') != NULL || strcmp(name, ".") == 0 ||
        strcmp(name, "..") == 0 || strcmp(name, "id") == 0 || utf8_valid_prefix(name, length) != length)
        return status_fail(
            STATUS_DATA,
            "%s: %s%.64s: not a column's name (1 to 64 bytes of UTF-8 without '/', and not 'id')", c->path,
            object, name);
    return STATUS_OK;
}

static enum status check_columns(const struct check *c, const char *object, uint32_t n_columns,
                                 const struct column *columns, uint32_t n)
{
    for (uint32_t i = 0; i < n_columns; i++) {
        const struct column *column = &columns[i];
        const char *name = column->name;
        TRY(check_name(c, object, name));
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(columns[j].name, name) == 0)
                return status_fail(STATUS_DATA, "%s: %s%s: two columns of that name", c->path, object, name);
        if (column->kind == COLUMN_TEXT)
            TRY(check_strings(c, object, name, &column->text, n));
        else if (column->kind == COLUMN_LIST)
            TRY(check_list(c, object, column, n));
        else
            TRY(check_finite(c, object, name, column->number, n, true));
    }
    return STATUS_OK;
}

static enum status check_interactions(const struct check *c, const struct dataset *d)
{
    const struct interactions *x = &d->interactions;
    TRY(check_indices(c, "/interactions/user", x->user, x->n, d->n_users, false));
    TRY(check_indices(c, "/interactions/item", x->item, x->n, d->n_items, false));
    TRY(check_finite(c, "/interactions/", "value", x->value, x->n, false));
    for (uint64_t i = 1; i < x->n; i++) {
        const int64_t before = x->time != NULL ? x->time[i - 1] : 0, time = x->time != NULL ? x->time[i] : 0;
        if (x->user[i] > x->user[i - 1] || (x->user[i] == x->user[i - 1] && time > before))
            continue;
        if (x->user[i] != x->user[i - 1] || time != before || x->source_row[i] <= x->source_row[i - 1])
            return status_fail(
                STATUS_DATA, "%s: /interactions: row %llu is out of order (user, then time, then source_row)",
                c->path, (unsigned long long)i);
    }
    return STATUS_OK;
}

static enum status check_texts(const struct check *c, const struct dataset *d)
{
    const struct texts *t = &d->texts;
    TRY(check_strings(c, "/texts/", "text", &t->text, t->n));
    TRY(check_indices(c, "/texts/user", t->user, t->n, d->n_users, false));
    TRY(check_indices(c, "/texts/item", t->item, t->n, d->n_items, true));
    for (uint64_t i = 0; i < t->n; i++)
        if (t->kind[i] > TEXT_POST)
            return status_fail(STATUS_DATA, "%s: /texts/kind: row %llu holds %u, expected 0 to %d", c->path,
                               (unsigned long long)i, t->kind[i], TEXT_POST);
    return STATUS_OK;
}

/* Each row is finite, or NaN throughout: an item without a vector. */
static enum status check_features(const struct check *c, const struct dataset *d)
{
    for (uint32_t i = 0; i < d->n_features; i++) {
        const struct feature *f = &d->features[i];
        TRY(check_name(c, "/features/", f->name));
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(d->features[j].name, f->name) == 0)
                return status_fail(STATUS_DATA, "%s: /features/%s: two features of that name", c->path,
                                   f->name);
        for (uint32_t row = 0; row < d->n_items; row++) {
            const float *value = f->value + (size_t)row * f->width;
            uint32_t n_missing = 0, n_finite = 0;
            for (uint32_t k = 0; k < f->width; k++) {
                n_missing += isnan(value[k]) != 0;
                n_finite += isfinite(value[k]) != 0;
            }
            if (n_missing != f->width && n_finite != f->width)
                return status_fail(STATUS_DATA,
                                   "%s: /features/%s: row %u is neither finite nor missing (NaN throughout)",
                                   c->path, f->name, row);
        }
    }
    return STATUS_OK;
}

static enum status check_truth(const struct check *c, const struct dataset *d)
{
    const struct truth *t = d->truth;
    if (t == NULL)
        return STATUS_OK;
    TRY(check_finite(c, "/truth/", "user", t->user, (uint64_t)d->n_users * t->factors, false));
    TRY(check_finite(c, "/truth/", "item", t->item, (uint64_t)d->n_items * t->factors, false));
    TRY(check_finite(c, "/truth/", "item_bias", t->item_bias, d->n_items, false));
    return check_finite(c, "/truth/", "exposure", t->exposure, d->n_items, false);
}

enum status store_check_rows(const struct dataset *d, const char *path)
{
    const struct check c = {path};
    TRY(check_interactions(&c, d));
    return check_texts(&c, d);
}

enum status store_check_rest(const struct dataset *d, const char *path)
{
    const struct check c = {path};
    TRY(check_strings(&c, "/users/", "id", &d->user_ids, d->n_users));
    TRY(check_names(&c, "/users/", "id", &d->user_ids));
    TRY(check_strings(&c, "/items/", "id", &d->item_ids, d->n_items));
    TRY(check_names(&c, "/items/", "id", &d->item_ids));
    TRY(check_columns(&c, "/users/", d->n_user_columns, d->user_columns, d->n_users));
    TRY(check_columns(&c, "/items/", d->n_item_columns, d->item_columns, d->n_items));
    TRY(check_features(&c, d));
    return check_truth(&c, d);
}

enum status store_check(const struct dataset *d, const char *path)
{
    TRY(store_check_rest(d, path));
    return store_check_rows(d, path);
}
