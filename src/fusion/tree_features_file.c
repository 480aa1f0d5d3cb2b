/* tree_features_file.c - what trees are asked about, in a model's file. */
#include <stdlib.h>
#include <string.h>

#include "fusion/tree_features.h"
#include "models/history.h"
#include "models/model_io.h"

/* Names as numbers, a byte each, with a NUL behind each. */
static enum status put_names(const struct tree_columns *c, struct model_writer *w)
{
    size_t n = 0;
    for (uint32_t i = 0; i < c->n; i++)
        n += strlen(c->name[i]) + 1;
    uint32_t *bytes = malloc(n * sizeof *bytes + 1), *kinds = malloc(c->n * sizeof *kinds + 1);
    enum status status = bytes == NULL || kinds == NULL
                             ? status_fail(STATUS_SYSTEM, "out of memory for column names")
                             : STATUS_OK;
    n = 0;
    for (uint32_t i = 0; i < c->n && status == STATUS_OK; i++) {
        kinds[i] = c->category[i];
        for (const char *at = c->name[i];; at++) {
            bytes[n++] = (unsigned char)*at;
            if (*at == '\0')
                break;
        }
    }
    if (status == STATUS_OK)
        status = model_put(w, "column_names", ARRAY_U32, n, 1, bytes);
    if (status == STATUS_OK)
        status = model_put(w, "column_kinds", ARRAY_U32, c->n, 1, kinds);
    free(bytes);
    free(kinds);
    return status;
}

static enum status get_names(struct tree_columns *c, struct model_reader *r, struct arena *arena)
{
    uint64_t n = 0, n_kinds = c->n, one = 1;
    const void *bytes, *kinds;
    char *text;
    TRY(model_get(r, "column_names", ARRAY_U32, &n, &one, &bytes));
    TRY(model_get(r, "column_kinds", ARRAY_U32, &n_kinds, &one, &kinds));
    ARENA_NEW(text, arena, n + 1);
    ARENA_NEW(c->name, arena, c->n);
    ARENA_NEW(c->category, arena, c->n);
    for (uint64_t i = 0; i < n; i++)
        text[i] = (char)((const uint32_t *)bytes)[i];
    const char *at = text;
    for (uint32_t i = 0; i < c->n; i++) {
        if (at >= text + n)
            return status_fail(STATUS_DATA,
                               "the model file names fewer columns than it has: the file is damaged");
        c->name[i] = at;
        c->category[i] = ((const uint32_t *)kinds)[i] != 0;
        at += strlen(at) + 1;
    }
    return STATUS_OK;
}

enum status tree_features_save(const struct tree_features *f, struct model_writer *w)
{
    const uint32_t shape[7] = {f->history.n_rows, f->history.n_cols, f->items.d, f->n_lists,
                               f->n_pair,         f->n_user,         f->n_item};
    TRY(model_put(w, "features", ARRAY_U32, 7, 1, shape));
    TRY(csr_put(w, "history", &f->history));
    TRY(model_put(w, "item_rows", ARRAY_F32, f->history.n_cols, 1, f->item_rows));
    if (f->items.d > 0)
        TRY(model_put(w, "vectors", ARRAY_F32, f->items.n_items, f->items.d, f->items.v));
    TRY(user_texts_save(&f->texts, w));
    for (uint32_t l = 0; l < f->n_lists; l++) {
        char name[16], list[16];
        snprintf(name, sizeof name, "names%u", l);
        snprintf(list, sizeof list, "list%u", l);
        TRY(model_put(w, name, ARRAY_U32, 1, 1, &f->list[l].n_cols));
        TRY(csr_put(w, list, &f->list[l]));
    }
    if (f->n_user > 0)
        TRY(model_put(w, "user_x", ARRAY_F32, f->history.n_rows, f->n_user, f->user_x));
    if (f->n_item > 0)
        TRY(model_put(w, "item_x", ARRAY_F32, f->history.n_cols, f->n_item, f->item_x));
    TRY(tree_vectors_save(&f->vectors, w));
    TRY(put_names(&f->columns, w));
    return collaborative_save(&f->collaborative, w);
}

enum status tree_features_load(struct tree_features *f, const struct user_texts_options *own,
                               const struct item_vectors_options *vectors, struct model_reader *r,
                               struct run *run)
{
    uint64_t seven = 7, one = 1, n_users, n_items, d, width;
    const void *shape, *array;
    f->backend = run->backend;
    f->row_scale = 1;
    TRY(model_get(r, "features", ARRAY_U32, &seven, &one, &shape));
    const uint32_t *s = shape;
    n_users = s[0], n_items = s[1], d = s[2];
    f->n_lists = s[3], f->n_pair = s[4], f->n_user = s[5], f->n_item = s[6];
    TRY(csr_get(r, "history", s[1], false, &f->history));
    TRY(model_get(r, "item_rows", ARRAY_F32, &n_items, &one, &array));
    f->item_rows = array;
    f->items = (struct item_vectors){.n_items = s[1], .d = s[2]};
    if (d > 0) {
        TRY(model_get(r, "vectors", ARRAY_F32, &n_items, &d, &array));
        f->items.v = (float *)(uintptr_t)array;
    }
    TRY(user_texts_load(&f->texts, own, vectors, s[0], s[2], r));
    TRY(tree_vectors_load(&f->vectors, &f->items, r, run));
    if (f->n_lists > TREE_LISTS_MOST || f->n_user > UINT16_MAX || f->n_item > UINT16_MAX ||
        f->n_pair != 2 + tree_vectors_columns(&f->vectors) + f->cross + f->collaborative.n + f->n_lists)
        return status_fail(STATUS_DATA,
                           "the shapes in the model file don't fit one another: the file is damaged");
    for (uint32_t l = 0; l < f->n_lists; l++) {
        char name[16], list[16];
        snprintf(name, sizeof name, "names%u", l);
        snprintf(list, sizeof list, "list%u", l);
        TRY(model_get(r, name, ARRAY_U32, &one, &one, &array));
        TRY(csr_get(r, list, *(const uint32_t *)array, false, &f->list[l]));
        if (f->list[l].n_rows != s[1])
            return status_fail(STATUS_DATA,
                               "a list of the model file has not one row an item: the file is damaged");
    }
    width = f->n_user;
    if (width > 0) {
        TRY(model_get(r, "user_x", ARRAY_F32, &n_users, &width, &array));
        f->user_x = array;
    }
    width = f->n_item;
    if (width > 0) {
        TRY(model_get(r, "item_x", ARRAY_F32, &n_items, &width, &array));
        f->item_x = array;
    }
    f->columns.n = f->n_pair + f->n_user + f->n_item;
    TRY(get_names(&f->columns, r, run->arena));
    f->collaborative.n_items = s[1];
    return collaborative_load(&f->collaborative, r, run);
}
