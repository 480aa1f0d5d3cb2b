/*
 * attributes.c - see attributes.h.  Values are kept sparse (owner, value) until the number of owners is
 * known.
 */
#include "data/import/attributes.h"

#include <stdlib.h>
#include <string.h>

void attributes_close(struct attributes *t)
{
    for (uint32_t k = 0; k < t->n; k++) {
        struct attribute *a = &t->attribute[k];
        free(a->owner);
        free(a->number);
        free(a->entry);
        string_builder_free(&a->text);
        string_map_free(a->names);
    }
    free(t->described);
    memset(t, 0, sizeof *t);
}

enum status attributes_define(struct attributes *t, const char *name, enum column_kind kind, uint32_t *out)
{
    if (t->n == ATTRIBUTES_MAX)
        return status_fail(STATUS_DATA, "more than %d columns of users or items", ATTRIBUTES_MAX);
    struct attribute *a = &t->attribute[t->n];
    *out = t->n++;
    a->name = name;
    a->kind = kind;
    if (kind != COLUMN_LIST)
        return STATUS_OK;
    a->names = string_map_new();
    return a->names != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status attributes_row(struct attributes *t, uint32_t owner, bool *again)
{
    if (owner >= t->n_described_allocated) {
        const uint64_t more = 2 * (uint64_t)owner + 4096;
        uint8_t *grown = realloc(t->described, more);
        if (grown == NULL)
            return status_fail(STATUS_SYSTEM, "out of memory reading columns");
        memset(grown + t->n_described_allocated, 0, more - t->n_described_allocated);
        t->described = grown;
        t->n_described_allocated = more;
    }
    *again = t->described[owner] != 0;
    t->n_described += !*again;
    t->described[owner] = 1;
    return STATUS_OK;
}

static bool grow(void *pointer, uint64_t n, size_t size)
{
    void **array = pointer, *grown = realloc(*array, n * size);
    if (grown != NULL)
        *array = grown;
    return grown != NULL;
}

/* Room for one more value. */
static enum status add_owner(struct attribute *a, uint32_t owner)
{
    if (a->n == a->n_allocated) {
        const uint64_t more = a->n > 0 ? 2 * a->n : 4096;
        if (!grow(&a->owner, more, sizeof *a->owner) ||
            (a->kind == COLUMN_NUMBER && !grow(&a->number, more, sizeof *a->number)) ||
            (a->kind == COLUMN_LIST && !grow(&a->entry, more, sizeof *a->entry)))
            return status_fail(STATUS_SYSTEM, "out of memory reading column %s", a->name);
        a->n_allocated = more;
    }
    a->owner[a->n++] = owner;
    return STATUS_OK;
}

enum status attributes_text(struct attributes *t, uint32_t k, uint32_t owner, struct field text)
{
    if (text.length == 0)
        return STATUS_OK;
    TRY(add_owner(&t->attribute[k], owner));
    return string_builder_add(&t->attribute[k].text, text.at, text.length);
}

enum status attributes_number(struct attributes *t, uint32_t k, uint32_t owner, float number)
{
    struct attribute *a = &t->attribute[k];
    TRY(add_owner(a, owner));
    a->number[a->n - 1] = number;
    return STATUS_OK;
}

enum status attributes_entry(struct attributes *t, uint32_t k, uint32_t owner, struct field name)
{
    struct attribute *a = &t->attribute[k];
    if (name.length == 0)
        return STATUS_OK;
    const uint32_t entry = string_map_add(a->names, name.at, name.length);
    if (entry == UINT32_MAX)
        return STATUS_SYSTEM;
    TRY(add_owner(a, owner));
    a->entry[a->n - 1] = entry;
    return STATUS_OK;
}

enum status attributes_entries(struct attributes *t, uint32_t k, uint32_t owner, struct field names,
                               char separator)
{
    const char *at = names.at, *end = names.at + names.length;
    while (at < end) {
        const char *stop = memchr(at, separator, (size_t)(end - at));
        stop = stop != NULL ? stop : end;
        const char *last = stop;
        while (at < last && *at == ' ')
            at++;
        while (last > at && last[-1] == ' ')
            last--;
        TRY(attributes_entry(t, k, owner, (struct field){at, (size_t)(last - at)}));
        at = stop + 1;
    }
    return STATUS_OK;
}

static enum status finish_list(const struct attribute *a, struct column *column, uint32_t n,
                               struct arena *arena)
{
    const struct strings names = string_map_strings(a->names);
    *column = (struct column){.name = a->name, .kind = COLUMN_LIST};
    TRY(csr_from_triples(n, (uint32_t)names.n, a->n, a->owner, a->entry, NULL, arena, &column->list, NULL));
    column->names.n = names.n;
    column->names.offsets = arena_copy(arena, names.offsets, names.n + 1, sizeof *names.offsets);
    column->names.bytes = arena_copy(arena, names.bytes, names.offsets[names.n], 1);
    return column->names.offsets != NULL && column->names.bytes != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status attributes_finish(struct attributes *t, struct column *columns, uint32_t *n_columns, uint32_t n,
                              struct arena *arena)
{
    for (uint32_t k = 0; k < t->n; k++) {
        const struct attribute *a = &t->attribute[k];
        if (a->n == 0)
            continue;
        struct column *column = &columns[(*n_columns)++];
        if (a->kind == COLUMN_TEXT)
            TRY(import_text_column(column, a->name, &a->text, a->owner, n, arena));
        else if (a->kind == COLUMN_NUMBER)
            TRY(import_number_column(column, a->name, a->number, a->n, a->owner, n, arena));
        else
            TRY(finish_list(a, column, n, arena));
    }
    return STATUS_OK;
}
