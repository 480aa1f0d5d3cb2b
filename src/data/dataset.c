/* dataset.c - see dataset.h; the order of rows is made in sort.c. */
#include "data/dataset.h"

#include <string.h>

const struct column *dataset_item_column(const struct dataset *d, const char *name)
{
    for (uint32_t i = 0; i < d->n_item_columns; i++)
        if (strcmp(d->item_columns[i].name, name) == 0)
            return &d->item_columns[i];
    return NULL;
}

const struct column *dataset_user_column(const struct dataset *d, const char *name)
{
    for (uint32_t i = 0; i < d->n_user_columns; i++)
        if (strcmp(d->user_columns[i].name, name) == 0)
            return &d->user_columns[i];
    return NULL;
}

static enum status count_links(const struct dataset *d, const struct column *friends,
                               const struct interactions *rows, struct arena *arena, uint64_t *n)
{
    uint32_t *user;
    uint8_t *there;
    TRY(strings_places(&d->user_ids, &friends->names, arena, &user));
    ARENA_NEW(there, arena, d->n_users);
    for (uint64_t r = 0; r < rows->n; r++)
        there[rows->user[r]] = 1;
    for (uint32_t u = 0; u < d->n_users; u++)
        for (int64_t e = friends->list.ptr[u]; there[u] && e < friends->list.ptr[u + 1]; e++) {
            const uint32_t other = user[friends->list.idx[e]];
            *n += other != UINT32_MAX && other != u && there[other];
        }
    return STATUS_OK;
}

enum status dataset_links(const struct dataset *d, const struct interactions *rows, uint64_t *n)
{
    const struct column *friends = dataset_user_column(d, "friends");
    *n = 0;
    if (friends == NULL || friends->kind != COLUMN_LIST)
        return STATUS_OK;
    struct arena *scratch = arena_new();
    const enum status status = scratch != NULL ? count_links(d, friends, rows, scratch, n) : STATUS_SYSTEM;
    arena_free(scratch);
    return status;
}

const struct feature *dataset_feature(const struct dataset *d, const char *name)
{
    for (uint32_t i = 0; i < d->n_features; i++)
        if (strcmp(d->features[i].name, name) == 0)
            return &d->features[i];
    return NULL;
}
