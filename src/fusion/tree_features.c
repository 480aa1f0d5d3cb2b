/* tree_features.c - see tree_features.h. */
#include "fusion/tree_features.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fusion/cross_feature.h"
#include "models/history.h"

enum { CATEGORIES_MOST = 255 };

static uint32_t n_columns(const struct tree_features *f)
{
    return f->n_pair + f->n_user + f->n_item;
}

/* ------------------------------------------------------------------------------------------------------ description */

/* Columns of one side while they are collected. */
struct side {
    uint32_t n_rows, n, allocated;
    const float **value; /* [n][n_rows] */
    const char **name;
    bool *category;
};

static enum status side_add(struct side *s, const float *value, const char *name, bool category,
                            struct arena *scratch)
{
    if (s->n == s->allocated) {
        const uint32_t more = s->allocated * 2 + 16;
        const float **values = arena_alloc(scratch, more, sizeof *values);
        const char **names = arena_alloc(scratch, more, sizeof *names);
        bool *categories = arena_alloc(scratch, more, sizeof *categories);
        if (values == NULL || names == NULL || categories == NULL)
            return STATUS_SYSTEM;
        if (s->n > 0) {
            memcpy(values, s->value, s->n * sizeof *values);
            memcpy(names, s->name, s->n * sizeof *names);
            memcpy(categories, s->category, s->n * sizeof *categories);
        }
        s->value = values, s->name = names, s->category = categories, s->allocated = more;
    }
    s->value[s->n] = value, s->name[s->n] = name, s->category[s->n++] = category;
    return STATUS_OK;
}

/* A text column as categories 1, 2 ... in order of first appearance; nothing where it is no category. */
static enum status add_category(struct side *s, const struct column *c, struct arena *scratch)
{
    float *value;
    uint32_t known = 0;
    ARENA_NEW(value, scratch, s->n_rows);
    struct string_map *map = string_map_new();
    if (map == NULL)
        return STATUS_SYSTEM;
    for (uint32_t r = 0; r < s->n_rows && string_map_size(map) <= CATEGORIES_MOST; r++)
        if (strings_length(&c->text, r) > 0) {
            value[r] = (float)(string_map_add(map, strings_at(&c->text, r), strings_length(&c->text, r)) + 1);
            known++;
        }
    const uint32_t n = string_map_size(map);
    string_map_free(map);
    return n > CATEGORIES_MOST || n * 2 > known ? STATUS_OK : side_add(s, value, c->name, true, scratch);
}

/* 0 / 1 for each of the most frequent names of a list. */
static enum status add_names(struct side *s, const struct column *c, uint32_t most, struct arena *scratch)
{
    uint32_t *count;
    const uint32_t n = (uint32_t)c->names.n;
    ARENA_NEW(count, scratch, n);
    for (int64_t e = 0; e < c->list.nnz; e++)
        count[c->list.idx[e]]++;
    for (uint32_t k = 0; k < most && k < n; k++) {
        uint32_t best = 0;
        float *value;
        for (uint32_t j = 1; j < n; j++)
            best = count[j] > count[best] ? j : best;
        if (count[best] == 0)
            break;
        count[best] = 0;
        ARENA_NEW(value, scratch, s->n_rows);
        for (uint32_t r = 0; r < s->n_rows; r++)
            value[r] = csr_has(&c->list, r, best) ? 1.0f : 0.0f;
        const char *name = strings_copy(&c->names, best, scratch);
        name = name != NULL ? arena_printf(scratch, "%s=%s", c->name, name) : NULL;
        if (name == NULL)
            return STATUS_SYSTEM;
        TRY(side_add(s, value, name, false, scratch));
    }
    return STATUS_OK;
}

static enum status collect_side(struct side *s, const struct column *columns, uint32_t n, uint32_t max_names,
                                struct arena *scratch)
{
    for (uint32_t i = 0; i < n; i++)
        if (columns[i].kind == COLUMN_NUMBER)
            TRY(side_add(s, columns[i].number, columns[i].name, false, scratch));
        else if (columns[i].kind == COLUMN_TEXT)
            TRY(add_category(s, &columns[i], scratch));
        else
            TRY(add_names(s, &columns[i], max_names, scratch));
    return STATUS_OK;
}

static enum status side_table(const struct side *s, struct arena *arena, const float **out)
{
    float *x;
    ARENA_NEW(x, arena, (size_t)s->n_rows * s->n);
    for (uint32_t r = 0; r < s->n_rows; r++)
        for (uint32_t c = 0; c < s->n; c++)
            x[(size_t)r * s->n + c] = s->value[c][r];
    *out = x;
    return STATUS_OK;
}

/* The columns' names and kinds: pair, user, item. */
static enum status name_columns(struct tree_features *f, const char *const *list_name,
                                const struct side *user, const struct side *item, struct arena *arena)
{
    uint32_t at = 0;
    f->columns.n = n_columns(f);
    ARENA_NEW(f->columns.name, arena, f->columns.n);
    ARENA_NEW(f->columns.category, arena, f->columns.n);
    f->columns.name[at++] = "activity";
    f->columns.name[at++] = "popularity";
    TRY(tree_vectors_names(&f->vectors, arena, f->columns.name + at));
    at += tree_vectors_columns(&f->vectors);
    if (f->cross)
        f->columns.name[at++] = CROSS_FEATURE;
    for (uint32_t j = 0; j < f->collaborative.n; j++)
        f->columns.name[at++] =
            arena_printf(arena, "score:%s",
                         f->collaborative.type[j] != NULL ? f->collaborative.type[j]->name : "popularity");
    for (uint32_t l = 0; l < f->n_lists; l++)
        f->columns.name[at++] = arena_printf(arena, "share:%s", list_name[l]);
    for (int side = 0; side < 2; side++) {
        const struct side *s = side == 0 ? user : item;
        for (uint32_t c = 0; c < s->n; c++) {
            f->columns.category[at] = s->category[c];
            f->columns.name[at++] = arena_printf(arena, "%s:%s", side == 0 ? "user" : "item", s->name[c]);
        }
    }
    for (uint32_t c = 0; c < f->columns.n; c++)
        if (f->columns.name[c] == NULL)
            return STATUS_SYSTEM;
    return STATUS_OK;
}

enum status tree_features_describe(struct tree_features *f, const struct view *view, double row_scale,
                                   uint32_t max_names, struct arena *arena, struct arena *scratch)
{
    struct side user = {.n_rows = view->n_users}, item = {.n_rows = view->n_items};
    const char *list_name[TREE_LISTS_MOST];
    float *rows;
    ARENA_NEW(rows, arena, view->n_items);
    f->row_scale = (float)row_scale;
    for (uint32_t i = 0; i < view->n_items; i++)
        rows[i] = log1pf(f->row_scale * (float)(view->by_item->ptr[i + 1] - view->by_item->ptr[i]));
    f->item_rows = rows;
    TRY(history_copy(view->by_user, HISTORY_EQUAL, arena, &f->history));
    TRY(collect_side(&user, view->user_columns, view->n_user_columns, max_names, scratch));
    TRY(collect_side(&item, view->item_columns, view->n_item_columns, max_names, scratch));
    for (uint32_t i = 0; i < view->n_item_columns && f->n_lists < TREE_LISTS_MOST; i++)
        if (view->item_columns[i].kind == COLUMN_LIST) {
            TRY(history_copy(&view->item_columns[i].list, HISTORY_EQUAL, arena, &f->list[f->n_lists]));
            list_name[f->n_lists++] = view->item_columns[i].name;
        }
    TRY(tree_vectors_describe(&f->vectors, f->backend, &f->items, arena, scratch));
    f->n_pair = 2 + tree_vectors_columns(&f->vectors) + f->cross + f->collaborative.n + f->n_lists;
    f->n_user = user.n, f->n_item = item.n;
    TRY(side_table(&user, arena, &f->user_x));
    TRY(side_table(&item, arena, &f->item_x));
    return name_columns(f, list_name, &user, &item, arena);
}

/* ------------------------------------------------------------------------------------------------------ rows */

enum status tree_room_new(const struct tree_features *f, struct tree_room *out)
{
    const size_t n = f->collaborative.n > 0 ? f->collaborative.n : 1;
    size_t names = 1;
    for (uint32_t l = 0; l < f->n_lists; l++)
        names += f->list[l].n_cols;
    out->signal = malloc(n * TREE_TILE * f->history.n_cols * sizeof(float) + 1);
    out->vector = malloc(TREE_TILE * (size_t)f->items.d * sizeof(float) + 1);
    out->part = malloc(TREE_TILE * (size_t)f->vectors.k * sizeof(float) + 1);
    out->names = malloc(names * sizeof(float));
    if (out->signal != NULL && out->vector != NULL && out->part != NULL && out->names != NULL)
        return STATUS_OK;
    tree_room_free(out);
    status_fail(STATUS_SYSTEM, "out of memory for the scores of a tile of users");
    return STATUS_SYSTEM;
}

void tree_room_free(struct tree_room *room)
{
    free(room->signal);
    free(room->vector);
    free(room->part);
    free(room->names);
}

enum status tree_room_fill(const struct tree_features *f, const uint32_t *users, size_t n,
                           struct tree_room *room)
{
    for (uint32_t j = 0; j < f->collaborative.n; j++)
        TRY(collaborative_scores(&f->collaborative, j, f->backend, users, n,
                                 room->signal + (size_t)j * TREE_TILE * f->history.n_cols));
    if (f->items.d == 0)
        return STATUS_OK;
    TRY(item_vectors_profiles(f->backend, &f->history, &f->items, users, n, true, room->vector));
    user_texts_blend(&f->texts, users, n, room->vector);
    return tree_vectors_users(&f->vectors, f->backend, room->vector, n, room->part);
}

/* How many of the user's items have each name of each list. */
static void count_names(const struct tree_features *f, uint32_t u, float *counts)
{
    for (uint32_t l = 0; l < f->n_lists; l++) {
        memset(counts, 0, f->list[l].n_cols * sizeof *counts);
        for (int64_t e = f->history.ptr[u]; e < f->history.ptr[u + 1]; e++) {
            const uint32_t i = f->history.idx[e];
            for (int64_t g = f->list[l].ptr[i]; g < f->list[l].ptr[i + 1]; g++)
                counts[f->list[l].idx[g]] += 1;
        }
        counts += f->list[l].n_cols;
    }
}

/* Mean over the item's names of the share of the user's items that have it; NaN: no names, or no items. */
static float name_share(const struct csr *list, uint32_t i, float n, const float *counts)
{
    const int64_t names = list->ptr[i + 1] - list->ptr[i];
    float sum = 0;
    for (int64_t g = list->ptr[i]; g < list->ptr[i + 1]; g++)
        sum += counts[list->idx[g]];
    return names > 0 && n > 0 ? sum / ((float)names * n) : NAN;
}

void tree_features_rows(const struct tree_features *f, uint32_t u, size_t r, const uint32_t *items,
                        uint32_t n, struct tree_room *room, float *x)
{
    const uint32_t d = f->items.d;
    const float taken = (float)(f->history.ptr[u + 1] - f->history.ptr[u]);
    count_names(f, u, room->names);
    for (uint32_t c = 0; c < n; c++) {
        const uint32_t i = items[c];
        const float *counts = room->names;
        *x++ = log1pf(f->row_scale * taken);
        *x++ = f->item_rows[i];
        if (d > 0)
            x = tree_vectors_row(&f->vectors, room->vector + r * d, room->part + r * f->vectors.k,
                                 f->items.v + (size_t)i * d, i, x);
        if (f->cross)
            *x++ = room->cross[c];
        for (uint32_t j = 0; j < f->collaborative.n; j++)
            *x++ = room->signal[((size_t)j * TREE_TILE + r) * f->history.n_cols + i];
        for (uint32_t l = 0; l < f->n_lists; counts += f->list[l++].n_cols)
            *x++ = name_share(&f->list[l], i, taken, counts);
        for (uint32_t k = 0; k < f->n_user; k++)
            *x++ = f->user_x[(size_t)u * f->n_user + k];
        for (uint32_t k = 0; k < f->n_item; k++)
            *x++ = f->item_x[(size_t)i * f->n_item + k];
    }
}

/* Groups rise by user: a tile is the groups of the next TREE_TILE users. */
enum status tree_features_groups(const struct tree_features *f, const struct intent_groups *groups,
                                 const float *cross, struct run *run, float **out)
{
    const uint32_t width = n_columns(f), c = groups->n_candidates;
    struct tree_room room;
    enum status status = STATUS_OK;
    ARENA_NEW(*out, run->scratch, groups->n * c * width);
    TRY(tree_room_new(f, &room));
    for (uint64_t first = 0, end; first < groups->n && status == STATUS_OK; first = end) {
        uint32_t users[TREE_TILE], n = 0;
        for (end = first; end < groups->n; end++) {
            const bool is_new = n == 0 || users[n - 1] != groups->user[end];
            if (is_new && n == TREE_TILE)
                break;
            if (is_new)
                users[n++] = groups->user[end];
        }
        status = *run->cancelled ? STATUS_STOPPED : tree_room_fill(f, users, n, &room);
        uint32_t r = 0;
        for (uint64_t g = first; g < end && status == STATUS_OK; g++) {
            while (users[r] != groups->user[g])
                r++;
            room.cross = cross != NULL ? cross + g * c : NULL;
            tree_features_rows(f, users[r], r, groups->item + g * c, c, &room, *out + g * c * width);
        }
    }
    tree_room_free(&room);
    return status;
}
