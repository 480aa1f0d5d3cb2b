/*
 * view.c - what a model may see of a dataset under one fold.
 *
 * A view is built from the train rows and from the parts of the dataset that hold nothing of a held-out pair:
 * ids, columns of users and items (facts of the publisher's), and the texts of all other pairs.  Held-out
 * values, times and texts are never read here, only which pairs are held out: perturb them, and the view
 * keeps its bytes (tests/data/test_view.c holds this).
 */
#include "data/view.h"

#include <math.h>
#include <string.h>

/* The position of (row, col), which is there. */
static int64_t csr_position(const struct csr *a, uint32_t row, uint32_t col)
{
    int64_t low = a->ptr[row], high = a->ptr[row + 1] - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (a->idx[middle] < col)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum status view_matrices(const struct interactions *train, struct arena *arena, struct view *v)
{
    struct csr *by_user, *by_item;
    ARENA_NEW(by_user, arena, 1);
    ARENA_NEW(by_item, arena, 1);
    TRY(csr_from_triples(v->n_users, v->n_items, train->n, train->user, train->item, train->value, arena,
                         by_user, NULL));
    TRY(csr_transpose(by_user, arena, by_item));
    v->by_user = by_user;
    v->by_item = by_item;
    if (train->time != NULL) {
        int64_t *time;
        ARENA_NEW(time, arena, (size_t)by_user->nnz);
        for (uint64_t r = 0; r < train->n;
             r++) /* in the same order as csr_from_triples: the last of a pair stays */
            time[csr_position(by_user, train->user[r], train->item[r])] = train->time[r];
        v->time = time;
    }
    v->minimum_value = INFINITY;
    v->maximum_value = -INFINITY;
    for (int64_t e = 0; e < by_user->nnz; e++) {
        v->minimum_value = fminf(v->minimum_value, by_user->val[e]);
        v->maximum_value = fmaxf(v->maximum_value, by_user->val[e]);
    }
    return STATUS_OK;
}

/* The pairs of test, valid and dropped train rows as one matrix. */
static enum status held_out_pairs(const struct dataset *d, const struct fold *fold, struct arena *arena,
                                  struct csr *out)
{
    const struct interactions *parts[] = {&fold->test, &fold->valid, &fold->dropped};
    const uint64_t n = fold->test.n + fold->valid.n + fold->dropped.n;
    uint32_t *user, *item;
    uint64_t k = 0;
    ARENA_NEW(user, arena, n);
    ARENA_NEW(item, arena, n);
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        for (uint64_t r = 0; r < parts[p]->n; r++, k++) {
            user[k] = parts[p]->user[r];
            item[k] = parts[p]->item[r];
        }
    return csr_from_triples(d->n_users, d->n_items, n, user, item, NULL, arena, out, NULL);
}

bool view_hides_text(const struct texts *texts, uint64_t t, const struct csr *held_out,
                     const struct fold *fold)
{
    if (fold->cuts_texts && texts->time != NULL && texts->time[t] >= fold->texts_before)
        return true;
    return texts->item[t] != UINT32_MAX && csr_has(held_out, texts->user[t], texts->item[t]);
}

static enum status view_texts(const struct texts *texts, const struct csr *held_out, const struct fold *fold,
                              struct arena *arena, struct view *v)
{
    uint64_t n = 0, n_bytes = 0;
    for (uint64_t t = 0; t < texts->n; t++) {
        if (view_hides_text(texts, t, held_out, fold))
            continue;
        n++;
        n_bytes += strings_length(&texts->text, t);
    }
    uint32_t *user, *item;
    int64_t *time = NULL;
    uint8_t *kind;
    uint64_t *offsets;
    char *bytes;
    ARENA_NEW(user, arena, n);
    ARENA_NEW(item, arena, n);
    ARENA_NEW(kind, arena, n);
    ARENA_NEW(offsets, arena, n + 1);
    ARENA_NEW(bytes, arena, n_bytes);
    if (texts->time != NULL)
        ARENA_NEW(time, arena, n);
    uint64_t k = 0;
    for (uint64_t t = 0; t < texts->n; t++) {
        if (view_hides_text(texts, t, held_out, fold))
            continue;
        const size_t length = strings_length(&texts->text, t);
        user[k] = texts->user[t];
        item[k] = texts->item[t];
        kind[k] = texts->kind[t];
        if (time != NULL)
            time[k] = texts->time[t];
        memcpy(bytes + offsets[k], strings_at(&texts->text, t), length);
        offsets[k + 1] = offsets[k] + length;
        k++;
    }
    v->texts = (struct texts){n, user, item, time, kind, {n, offsets, bytes}};
    v->n_masked_texts = texts->n - n;
    return STATUS_OK;
}

enum status view_build(const struct dataset *d, const struct fold *fold, struct arena *arena,
                       struct view **out)
{
    struct view *v;
    struct csr held_out;
    ARENA_NEW(v, arena, 1);
    v->n_users = d->n_users;
    v->n_items = d->n_items;
    v->n_item_columns = d->n_item_columns;
    v->n_user_columns = d->n_user_columns;
    v->item_columns = d->item_columns;
    v->user_columns = d->user_columns;
    v->user_ids = d->user_ids;
    v->item_ids = d->item_ids;
    v->n_features = d->n_features;
    v->features = d->features;
    v->truth = d->truth;
    if (fold->train.n == 0)
        return status_fail(STATUS_DATA, "dataset '%s': a fold without train rows", d->name);
    TRY(view_matrices(&fold->train, arena, v));
    TRY(held_out_pairs(d, fold, arena, &held_out));
    TRY(view_texts(&d->texts, &held_out, fold, arena, v));
    *out = v;
    return STATUS_OK;
}

bool view_user_text(const struct view *v, uint64_t t)
{
    const uint32_t user = v->texts.user[t], item = v->texts.item[t];
    return v->whole == NULL || item == UINT32_MAX || !csr_has(v->whole, user, item) ||
           csr_has(v->by_user, user, item);
}

const struct column *view_item_column(const struct view *v, const char *name)
{
    for (uint32_t k = 0; k < v->n_item_columns; k++)
        if (strcmp(v->item_columns[k].name, name) == 0)
            return &v->item_columns[k];
    return NULL;
}
