/*
 * distribution.c - see distribution.h.
 *
 * lift: of two items i and j the users who have both, over what would be expected if they were taken independently, n n_ij / (n_i
 * n_j); of all pairs among the LIFT_ITEMS most popular, its distribution in steps of a quarter of a doubling.  Where tastes don't matter it is
 * a narrow peak at or above 1 (active users have both more often); the more taste there is the wider it gets.
 */
#include "data/distribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csr.h"
#include "base/order.h"

enum { GROUPS = 20, LIFT_ITEMS = 300, LIFT_HALF = 16 /* steps on each side of 1 */ };

static enum status pairs(const struct dataset *d, bool by_item, struct arena *arena, struct csr *out)
{
    const struct interactions *x = &d->interactions;
    return csr_from_triples(by_item ? d->n_items : d->n_users, by_item ? d->n_users : d->n_items, x->n,
                            by_item ? x->item : x->user, by_item ? x->user : x->item, NULL, arena, out, NULL);
}

/* Rank from 1, number of pairs; those without any are left out. */
static enum status ranked(const struct dataset *d, bool by_item, struct arena *arena,
                          struct distribution *out)
{
    struct csr a;
    double *count;
    TRY(pairs(d, by_item, arena, &a));
    ARENA_NEW(count, arena, a.n_rows);
    ARENA_NEW(out->values, arena, 2 * (size_t)a.n_rows);
    for (uint32_t k = 0; k < a.n_rows; k++)
        count[k] = (double)(a.ptr[k + 1] - a.ptr[k]);
    qsort(count, a.n_rows, sizeof *count, falling_f64);
    for (; out->n < a.n_rows && count[out->n] > 0; out->n++) {
        out->values[2 * out->n] = (double)(out->n + 1);
        out->values[2 * out->n + 1] = count[out->n];
    }
    out->x = "rank";
    out->y = by_item ? "users" : "items";
    return STATUS_OK;
}

static enum status popularity(const struct dataset *d, struct arena *arena, struct distribution *out)
{
    return ranked(d, true, arena, out);
}
static enum status activity(const struct dataset *d, struct arena *arena, struct distribution *out)
{
    return ranked(d, false, arena, out);
}

static enum status ratings(const struct dataset *d, struct arena *arena, struct distribution *out)
{
    const uint64_t n = d->interactions.n;
    float *value;
    ARENA_NEW(value, arena, n);
    ARENA_NEW(out->values, arena, 2 * n);
    if (n > 0)
        memcpy(value, d->interactions.value, n * sizeof *value);
    qsort(value, n, sizeof *value, rising_f32);
    for (uint64_t r = 0, end; r < n; r = end) {
        for (end = r; end < n && value[end] == value[r]; end++)
            ;
        out->values[2 * out->n] = (double)value[r];
        out->values[2 * out->n++ + 1] = (double)(end - r) / (double)n;
    }
    out->x = "rating";
    out->y = "share";
    return STATUS_OK;
}

struct item_sum {
    double n, sum;
};
static int by_n(const void *a, const void *b)
{
    return falling_f64(&((const struct item_sum *)a)->n, &((const struct item_sum *)b)->n);
}

/* Items by falling popularity in groups of as many rows each: the middle of a group as a share of the rows, its mean rating. */
static enum status mean_ratings(const struct dataset *d, struct arena *arena, struct distribution *out)
{
    const struct interactions *x = &d->interactions;
    struct item_sum *item, group = {0, 0};
    double done = 0;
    ARENA_NEW(item, arena, d->n_items);
    ARENA_NEW(out->values, arena, 2 * GROUPS);
    for (uint64_t r = 0; r < x->n; r++) {
        item[x->item[r]].n++;
        item[x->item[r]].sum += (double)x->value[r];
    }
    qsort(item, d->n_items, sizeof *item, by_n);
    for (uint32_t i = 0; i < d->n_items && out->n < GROUPS; i++) {
        group.n += item[i].n;
        group.sum += item[i].sum;
        if (done + group.n < (double)x->n * (double)(out->n + 1) / GROUPS)
            continue;
        out->values[2 * out->n] = (done + group.n / 2) / (double)x->n;
        out->values[2 * out->n++ + 1] = group.sum / group.n;
        done += group.n;
        group = (struct item_sum){0, 0};
    }
    out->x = "share_of_rows_of_more_popular_items";
    out->y = "mean_rating";
    return STATUS_OK;
}

struct popular {
    int64_t n;
    uint32_t item;
};
static int by_popularity(const void *a, const void *b)
{
    const struct popular *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : (x->item > y->item) - (x->item < y->item);
}

/* bit[k] has the users of the k-th most popular item. */
static enum status user_bits(const struct csr *by_item, uint32_t n, size_t words, struct arena *arena,
                             uint64_t **bit, struct popular **all)
{
    ARENA_NEW(*all, arena, by_item->n_rows);
    ARENA_NEW(*bit, arena, n * words);
    for (uint32_t i = 0; i < by_item->n_rows; i++)
        (*all)[i] = (struct popular){by_item->ptr[i + 1] - by_item->ptr[i], i};
    qsort(*all, by_item->n_rows, sizeof **all, by_popularity);
    for (uint32_t k = 0; k < n; k++)
        for (int64_t e = by_item->ptr[(*all)[k].item]; e < by_item->ptr[(*all)[k].item + 1]; e++)
            (*bit)[k * words + by_item->idx[e] / 64] |= (uint64_t)1 << by_item->idx[e] % 64;
    return STATUS_OK;
}

static enum status lift(const struct dataset *d, struct arena *arena, struct distribution *out)
{
    struct csr by_item;
    struct popular *all;
    uint64_t *bit;
    const uint32_t n = d->n_items < LIFT_ITEMS ? d->n_items : LIFT_ITEMS;
    const size_t words = (d->n_users + 63) / 64;
    double n_pairs = 0;
    TRY(pairs(d, true, arena, &by_item));
    TRY(user_bits(&by_item, n, words, arena, &bit, &all));
    out->n = 2 * LIFT_HALF + 1;
    ARENA_NEW(out->values, arena, 2 * out->n);
    for (uint64_t k = 0; k < out->n; k++)
        out->values[2 * k] = exp2(((double)k - LIFT_HALF) / 4);
    for (uint32_t a = 0; a < n && all[a].n > 0; a++)
        for (uint32_t b = 0; b < a; b++, n_pairs++) {
            uint64_t both = 0;
            for (size_t w = 0; w < words; w++)
                both += (uint64_t)__builtin_popcountll(bit[a * words + w] & bit[b * words + w]);
            const double expected = (double)all[a].n * (double)all[b].n / d->n_users;
            const double step = both > 0 ? round(4 * log2((double)both / expected)) : -LIFT_HALF;
            out->values[2 * (size_t)(fmin(fmax(step, -LIFT_HALF), LIFT_HALF) + LIFT_HALF) + 1]++;
        }
    for (uint64_t k = 0; k < out->n && n_pairs > 0; k++)
        out->values[2 * k + 1] /= n_pairs;
    out->x = "lift";
    out->y = "share_of_pairs";
    return STATUS_OK;
}

const struct distribution_type distribution_types[] = {
    {"popularity", "users of each item, from the most popular on", popularity},
    {"activity", "items of each user, from the most active on", activity},
    {"ratings", "the share of each rating", ratings},
    {"mean_ratings", "mean ratings of items, from the popular to the rare", mean_ratings},
    {"lift", "how much more often than by chance two of the most popular items meet in a user", lift},
    {NULL, NULL, NULL}};

enum status distribution_make(const char *name, const struct dataset *d, struct arena *arena,
                              struct distribution *out)
{
    char list[256] = "";
    for (const struct distribution_type *t = distribution_types; t->name != NULL; t++) {
        if (strcmp(t->name, name) == 0) {
            *out = (struct distribution){.n = 0};
            return t->make(d, arena, out);
        }
        strcat(strcat(list, list[0] != '\0' ? ", " : ""), t->name);
    }
    return status_fail(STATUS_USAGE, "unknown distribution '%s'; known: %s", name, list);
}
