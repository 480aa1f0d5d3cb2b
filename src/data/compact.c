/* compact.c - see compact.h. */
#include "data/compact.h"

#include <string.h>

/* What is kept of one id space, and its new numbers. */
struct subset {
    uint32_t n_old, n;
    uint32_t *old; /* [n] rising */
    uint32_t *new; /* [n_old] UINT32_MAX: dropped */
};

static enum status subset_make(uint32_t n_old, const uint8_t *used, struct arena *arena, struct subset *s)
{
    s->n_old = n_old;
    s->n = 0;
    ARENA_NEW(s->old, arena, n_old);
    ARENA_NEW(s->new, arena, n_old);
    for (uint32_t i = 0; i < n_old; i++) {
        s->new[i] = used[i] ? s->n : UINT32_MAX;
        if (used[i])
            s->old[s->n++] = i;
    }
    return STATUS_OK;
}

static enum status strings_take(const struct strings *in, const struct subset *s, struct arena *arena,
                                struct strings *out)
{
    uint64_t *offsets;
    char *bytes;
    ARENA_NEW(offsets, arena, (size_t)s->n + 1);
    for (uint32_t i = 0; i < s->n; i++)
        offsets[i + 1] = offsets[i] + strings_length(in, s->old[i]);
    ARENA_NEW(bytes, arena, offsets[s->n]);
    for (uint32_t i = 0; i < s->n; i++)
        memcpy(bytes + offsets[i], strings_at(in, s->old[i]), strings_length(in, s->old[i]));
    *out = (struct strings){s->n, offsets, bytes};
    return STATUS_OK;
}

/* [s->n x width] of [s->n_old x width]. */
static enum status floats_take(const float *in, size_t width, const struct subset *s, struct arena *arena,
                               const float **out)
{
    float *copy;
    ARENA_NEW(copy, arena, s->n * width);
    for (uint32_t i = 0; i < s->n; i++)
        memcpy(copy + i * width, in + s->old[i] * width, width * sizeof *copy);
    *out = copy;
    return STATUS_OK;
}

static enum status list_take(const struct csr *in, const struct subset *s, struct arena *arena,
                             struct csr *out)
{
    int64_t *ptr;
    uint32_t *idx;
    ARENA_NEW(ptr, arena, (size_t)s->n + 1);
    for (uint32_t i = 0; i < s->n; i++)
        ptr[i + 1] = ptr[i] + in->ptr[s->old[i] + 1] - in->ptr[s->old[i]];
    ARENA_NEW(idx, arena, (size_t)ptr[s->n]);
    for (uint32_t i = 0; i < s->n; i++)
        memcpy(idx + ptr[i], in->idx + in->ptr[s->old[i]], (size_t)(ptr[i + 1] - ptr[i]) * sizeof *idx);
    *out = (struct csr){s->n, in->n_cols, ptr[s->n], ptr, idx, NULL};
    return STATUS_OK;
}

static enum status columns_take(const struct column *in, uint32_t n, const struct subset *s,
                                struct arena *arena, const struct column **out)
{
    struct column *copy = arena_copy(arena, in, n, sizeof *in);
    if (copy == NULL)
        return STATUS_SYSTEM;
    for (uint32_t c = 0; c < n; c++) {
        if (copy[c].kind == COLUMN_TEXT)
            TRY(strings_take(&in[c].text, s, arena, &copy[c].text));
        else if (copy[c].kind == COLUMN_LIST)
            TRY(list_take(&in[c].list, s, arena, &copy[c].list));
        else
            TRY(floats_take(in[c].number, 1, s, arena, &copy[c].number));
    }
    *out = copy;
    return STATUS_OK;
}

static enum status features_take(const struct feature *in, uint32_t n, const struct subset *items,
                                 struct arena *arena, const struct feature **out)
{
    struct feature *copy = arena_copy(arena, in, n, sizeof *in);
    if (copy == NULL)
        return STATUS_SYSTEM;
    for (uint32_t k = 0; k < n; k++)
        TRY(floats_take(in[k].value, in[k].width, items, arena, &copy[k].value));
    *out = copy;
    return STATUS_OK;
}

/* Texts about kept items, and those about none (queries) of kept users. */
static enum status texts_take(const struct texts *in, const struct subset *users, const struct subset *items,
                              struct arena *arena, struct texts *out)
{
    struct subset rows;
    uint8_t *used, *kind;
    uint32_t *user, *item;
    int64_t *time = NULL;
    ARENA_NEW(used, arena, in->n);
    for (uint64_t t = 0; t < in->n; t++)
        used[t] = in->item[t] == UINT32_MAX ? users->new[in->user[t]] != UINT32_MAX
                                            : items->new[in->item[t]] != UINT32_MAX;
    TRY(subset_make((uint32_t)in->n, used, arena, &rows));
    ARENA_NEW(user, arena, rows.n);
    ARENA_NEW(item, arena, rows.n);
    ARENA_NEW(kind, arena, rows.n);
    if (in->time != NULL)
        ARENA_NEW(time, arena, rows.n);
    for (uint32_t t = 0; t < rows.n; t++) {
        const uint32_t from = rows.old[t];
        user[t] = users->new[in->user[from]];
        item[t] = in->item[from] == UINT32_MAX ? UINT32_MAX : items->new[in->item[from]];
        kind[t] = in->kind[from];
        if (time != NULL)
            time[t] = in->time[from];
    }
    *out = (struct texts){.n = rows.n, .user = user, .item = item, .time = time, .kind = kind};
    return strings_take(&in->text, &rows, arena, &out->text);
}

static enum status truth_take(const struct truth *in, const struct subset *users, const struct subset *items,
                              struct arena *arena, const struct truth **out)
{
    struct truth *copy = arena_copy(arena, in, 1, sizeof *in);
    if (copy == NULL)
        return STATUS_SYSTEM;
    TRY(floats_take(in->user, in->factors, users, arena, &copy->user));
    TRY(floats_take(in->item, in->factors, items, arena, &copy->item));
    TRY(floats_take(in->item_bias, 1, items, arena, &copy->item_bias));
    TRY(floats_take(in->exposure, 1, items, arena, &copy->exposure));
    *out = copy;
    return STATUS_OK;
}

static enum status renumber(struct interactions *rows, const struct subset *users, const struct subset *items,
                            struct arena *arena)
{
    uint32_t *user, *item;
    ARENA_NEW(user, arena, rows->n);
    ARENA_NEW(item, arena, rows->n);
    for (uint64_t r = 0; r < rows->n; r++) {
        user[r] = users->new[rows->user[r]];
        item[r] = items->new[rows->item[r]];
    }
    rows->user = user;
    rows->item = item;
    return STATUS_OK;
}

static void mark(const struct interactions *rows, uint8_t *user, uint8_t *item)
{
    for (uint64_t r = 0; r < rows->n; r++) {
        user[rows->user[r]] = 1;
        item[rows->item[r]] = 1;
    }
}

/* The dataset's own rows whose user and item are kept. */
static enum status rows_take(const struct interactions *in, const struct subset *users,
                             const struct subset *items, struct arena *arena, struct interactions *out)
{
    uint8_t *part;
    ARENA_NEW(part, arena, in->n);
    for (uint64_t r = 0; r < in->n; r++)
        part[r] = users->new[in->user[r]] != UINT32_MAX && items->new[in->item[r]] != UINT32_MAX;
    TRY(split_take(in, part, 1, arena, out));
    return renumber(out, users, items, arena);
}

enum status dataset_compact(const struct dataset *d, struct fold *folds, size_t n_folds, struct arena *arena,
                            const struct dataset **out)
{
    struct subset users, items;
    uint8_t *used_user, *used_item;
    ARENA_NEW(used_user, arena, d->n_users);
    ARENA_NEW(used_item, arena, d->n_items);
    for (size_t f = 0; f < n_folds; f++) {
        mark(&folds[f].train, used_user, used_item);
        mark(&folds[f].valid, used_user, used_item);
        mark(&folds[f].test, used_user, used_item);
        mark(&folds[f].dropped, used_user, used_item);
    }
    for (uint64_t t = 0; t < d->texts.n; t++)
        if (d->texts.item[t] != UINT32_MAX && used_item[d->texts.item[t]])
            used_user[d->texts.user[t]] = 1;
    TRY(subset_make(d->n_users, used_user, arena, &users));
    TRY(subset_make(d->n_items, used_item, arena, &items));
    *out = d;
    if (users.n == d->n_users && items.n == d->n_items)
        return STATUS_OK;

    struct dataset *copy = arena_copy(arena, d, 1, sizeof *d);
    if (copy == NULL)
        return STATUS_SYSTEM;
    copy->n_users = users.n;
    copy->n_items = items.n;
    TRY(strings_take(&d->user_ids, &users, arena, &copy->user_ids));
    TRY(strings_take(&d->item_ids, &items, arena, &copy->item_ids));
    TRY(columns_take(d->user_columns, d->n_user_columns, &users, arena, &copy->user_columns));
    TRY(columns_take(d->item_columns, d->n_item_columns, &items, arena, &copy->item_columns));
    TRY(texts_take(&d->texts, &users, &items, arena, &copy->texts));
    TRY(features_take(d->features, d->n_features, &items, arena, &copy->features));
    if (d->truth != NULL)
        TRY(truth_take(d->truth, &users, &items, arena, &copy->truth));
    TRY(rows_take(&d->interactions, &users, &items, arena, &copy->interactions));
    for (size_t f = 0; f < n_folds; f++) {
        TRY(renumber(&folds[f].train, &users, &items, arena));
        TRY(renumber(&folds[f].valid, &users, &items, arena));
        TRY(renumber(&folds[f].test, &users, &items, arena));
        TRY(renumber(&folds[f].dropped, &users, &items, arena));
    }
    *out = copy;
    return STATUS_OK;
}
