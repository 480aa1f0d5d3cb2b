/*
 * item_columns.c - see item_columns.h.  Lists and categories are fm_design.h's features; numbers become ranges, so that a linear head
 * can follow a taste for the films of one time, which is not a line over years.
 */
#include "models/item_columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "models/fm_design.h"

/* A number column's upper bounds, rising, without equal ones; item x is in range `first bound >= x`. */
struct periods {
    uint32_t n;
    float bound[ITEM_COLUMNS_PERIODS];
};

static enum status periods_of(const struct column *c, uint32_t n_items, struct arena *scratch,
                              struct periods *out)
{
    float *sorted = NULL;
    uint32_t n = 0;
    ARENA_NEW(sorted, scratch, n_items);
    for (uint32_t i = 0; i < n_items; i++)
        if (isfinite(c->number[i]))
            sorted[n++] = c->number[i];
    qsort(sorted, n, sizeof *sorted, rising_f32);
    out->n = 0;
    for (uint64_t k = 1; n > 0 && k <= ITEM_COLUMNS_PERIODS; k++) {
        const float bound = sorted[(k * n + ITEM_COLUMNS_PERIODS - 1) / ITEM_COLUMNS_PERIODS - 1];
        if (out->n == 0 || bound > out->bound[out->n - 1])
            out->bound[out->n++] = bound;
    }
    return STATUS_OK;
}

static uint32_t period_of(const struct periods *p, float x)
{
    uint32_t k = 0;
    while (k + 1 < p->n && x > p->bound[k])
        k++;
    return k;
}

/* How the features of fm_design.h become columns here. */
struct layout {
    const struct fm_design *design;
    const struct column **number; /* [n_fields] NULL: no number column */
    struct periods *periods;      /* [n_fields] */
    uint32_t *first;              /* [n_fields] */
    uint32_t n_columns;
};

static enum status lay_out(const struct view *view, struct arena *scratch, struct layout *l)
{
    ARENA_NEW(l->number, scratch, l->design->n_fields);
    ARENA_NEW(l->periods, scratch, l->design->n_fields);
    ARENA_NEW(l->first, scratch, l->design->n_fields);
    for (uint32_t f = 0; f < l->design->n_fields; f++) {
        const struct fm_field *field = &l->design->fields[f];
        const struct column *c = view_item_column(view, field->name);
        if (field->of_users)
            continue;
        l->first[f] = l->n_columns;
        l->number[f] = c != NULL && c->kind == COLUMN_NUMBER ? c : NULL;
        if (l->number[f] != NULL)
            TRY(periods_of(c, view->n_items, scratch, &l->periods[f]));
        l->n_columns += l->number[f] != NULL ? l->periods[f].n : field->last - field->first;
    }
    return STATUS_OK;
}

/* Entries of item i in one field, to idx and val; returns how many. */
static int64_t field_entries(const struct layout *l, uint32_t f, uint32_t i, uint32_t *idx, float *val)
{
    const struct fm_field *field = &l->design->fields[f];
    const struct csr *a = &l->design->items;
    int64_t n = 0;
    if (l->number[f] != NULL) {
        const float x = l->number[f]->number[i];
        if (!isfinite(x))
            return 0;
        *idx = l->first[f] + period_of(&l->periods[f], x), *val = 1;
        return 1;
    }
    for (int64_t e = a->ptr[i]; e < a->ptr[i + 1]; e++)
        if (a->idx[e] >= field->first && a->idx[e] < field->last) {
            idx[n] = l->first[f] + a->idx[e] - field->first;
            val[n++] = a->val[e];
        }
    return n;
}

enum status item_columns_build(const struct view *view, const char *name, struct arena *arena,
                               struct arena *scratch, struct csr *out)
{
    const char *wanted[1] = {name != NULL ? name : "columns"};
    const struct fm_design_options options = {.features = {.n = 1, .item = wanted}, .min_df = 1};
    struct fm_design design = {0};
    struct layout l = {.design = &design};
    int64_t *ptr = NULL, nnz = 0;
    uint32_t *idx = NULL;
    float *val = NULL;
    if (name == NULL || view_item_column(view, name) != NULL) {
        TRY(fm_design_build(&options, view, "encoder: columns", scratch, scratch, &design));
        TRY(lay_out(view, scratch, &l));
    }
    if (l.n_columns == 0)
        return status_fail(
            STATUS_UNAVAILABLE,
            "encoder: columns needs a list, number or category column of items%s%s; the dataset "
            "has none",
            name != NULL ? " named " : "", name != NULL ? name : "");
    const size_t most = (size_t)design.items.nnz + (size_t)view->n_items * design.n_fields;
    ARENA_NEW(ptr, arena, (size_t)view->n_items + 1);
    ARENA_NEW(idx, arena, most);
    ARENA_NEW(val, arena, most);
    for (uint32_t i = 0; i < view->n_items; i++) {
        for (uint32_t f = 0; f < design.n_fields; f++)
            if (!design.fields[f].of_users)
                nnz += field_entries(&l, f, i, idx + nnz, val + nnz);
        ptr[i + 1] = nnz;
    }
    *out = (struct csr){view->n_items, l.n_columns, nnz, ptr, idx, val};
    return STATUS_OK;
}
