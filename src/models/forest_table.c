/* forest_table.c - columns cut into bins; see forest.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "models/forest.h"

/* Upper ends of a number's bins from its sorted known values: between neighbours where they are few, else at equal shares. */
static uint16_t cut_number(const float *sorted, uint64_t n, float *upper)
{
    uint64_t distinct = 0;
    uint16_t b = 1;
    for (uint64_t i = 0; i < n; i++)
        distinct += i == 0 || sorted[i] != sorted[i - 1];
    const double share = distinct <= TREE_BINS - 1 ? 0 : (double)n / (TREE_BINS - 1);
    double filled = 0;
    for (uint64_t i = 0, end; i < n; i = end) { /* a run of equal values is never cut */
        for (end = i; end < n && sorted[end] == sorted[i]; end++)
            ;
        filled += (double)(end - i);
        if (end == n || b == TREE_BINS - 1)
            break;
        if (filled >= share) {
            const float middle = sorted[i] + (sorted[end] - sorted[i]) / 2;
            upper[b++] = middle < sorted[end] ? middle : sorted[i]; /* the middle may round up */
            filled = 0;
        }
    }
    upper[b++] = INFINITY;
    return b;
}

static uint8_t bin_of(const float *upper, uint16_t bins, float x)
{
    uint16_t low = 1, high = (uint16_t)(bins - 1);
    if (isnan(x))
        return 0;
    while (low < high) {
        const uint16_t middle = (uint16_t)((low + high) / 2);
        if (x <= upper[middle])
            high = middle;
        else
            low = (uint16_t)(middle + 1);
    }
    return (uint8_t)low;
}

static enum status bin_column(struct tree_table *t, uint32_t c, const float *x, float *room)
{
    const uint32_t n_columns = t->columns->n;
    float *upper = t->upper + (size_t)c * TREE_BINS;
    uint64_t known = 0;
    upper[0] = -INFINITY;
    for (uint64_t i = 0; i < t->n; i++) {
        const float v = x[i * n_columns + c];
        if (t->columns->category[c] && v >= TREE_BINS)
            return status_fail(STATUS_DATA, "column %s has category %g: a tree takes at most %d",
                               t->columns->name[c], (double)v, TREE_BINS - 1);
        if (!isnan(v))
            room[known++] = v;
    }
    if (t->columns->category[c]) {
        t->bins[c] = TREE_BINS;
        for (uint64_t i = 0; i < t->n; i++) {
            const float v = x[i * n_columns + c];
            t->bin[i * t->ld + c] = (uint8_t)(v >= 1.0f ? v : 0.0f);
        }
        return STATUS_OK;
    }
    qsort(room, known, sizeof *room, rising_f32);
    t->bins[c] = cut_number(room, known, upper);
    for (uint64_t i = 0; i < t->n; i++)
        t->bin[i * t->ld + c] = bin_of(upper, t->bins[c], x[i * n_columns + c]);
    return STATUS_OK;
}

enum status tree_table_build(const struct tree_columns *columns, const float *x, uint64_t n,
                             struct arena *arena, struct arena *scratch, struct tree_table *out)
{
    float *room;
    *out = (struct tree_table){.columns = columns,
                               .n = n,
                               .ld = ((size_t)columns->n + TREE_COLUMNS - 1) / TREE_COLUMNS * TREE_COLUMNS};
    ARENA_NEW(out->bin, arena, n * out->ld);
    ARENA_NEW(out->upper, arena, (size_t)columns->n * TREE_BINS);
    ARENA_NEW(out->bins, arena, columns->n);
    ARENA_NEW(room, scratch, n);
    for (uint32_t c = 0; c < columns->n; c++)
        TRY(bin_column(out, c, x, room));
    return STATUS_OK;
}
