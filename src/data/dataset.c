/*
 * dataset.c - see dataset.h.
 *
 * Sorting: a counting sort by user (stable, O(n)), then a comparison sort within each user whose rows are not
 * in order yet.  Most publishers' files are grouped by user already, so this is nearly one pass.
 */
#include "data/dataset.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const struct column *dataset_item_column(const struct dataset *d, const char *name)
{
    for (uint32_t i = 0; i < d->n_item_columns; i++)
        if (strcmp(d->item_columns[i].name, name) == 0)
            return &d->item_columns[i];
    return NULL;
}

const struct feature *dataset_feature(const struct dataset *d, const char *name)
{
    for (uint32_t i = 0; i < d->n_features; i++)
        if (strcmp(d->features[i].name, name) == 0)
            return &d->features[i];
    return NULL;
}

enum { MANY = 65536 }; /* rows that are worth waking threads for */

/* One row on its way: what the order within a user depends on, and where the row stood. */
struct sort_row {
    int64_t time;
    uint64_t source_row, from;
};

static int sort_row_compare(const void *left, const void *right)
{
    const struct sort_row *a = left, *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    if (a->source_row != b->source_row)
        return a->source_row < b->source_row ? -1 : 1;
    return a->from < b->from ? -1 : a->from > b->from;
}

/* order: the rows' old places in their new order. */
static void interactions_order(uint32_t n_users, const struct interactions *rows, uint64_t *start,
                               struct sort_row *order)
{
    for (uint64_t i = 0; i < rows->n; i++)
        start[rows->user[i] + 1]++;
    for (uint32_t u = 0; u < n_users; u++)
        start[u + 1] += start[u];
    for (uint64_t i = 0; i < rows->n; i++)
        order[start[rows->user[i]]++] =
            (struct sort_row){rows->time != NULL ? rows->time[i] : 0, rows->source_row[i], i};
#pragma omp parallel for schedule(dynamic, 256) if (rows->n > MANY)
    for (uint32_t u = 0; u < n_users; u++) { /* start[u] is by now where user u ends */
        const uint64_t begin = u > 0 ? start[u - 1] : 0, end = start[u];
        bool sorted = true;
        for (uint64_t i = begin + 1; i < end; i++)
            sorted = sorted && sort_row_compare(&order[i - 1], &order[i]) < 0;
        if (!sorted)
            qsort(order + begin, end - begin, sizeof *order, sort_row_compare);
    }
}

/* Brings one array into the order, through `copy`. */
static void permute(void *array, size_t size, const struct sort_row *order, uint64_t n, void *copy)
{
    memcpy(copy, array, n * size);
    if (size == 4)
#pragma omp parallel for schedule(static) if (n > MANY)
        for (uint64_t i = 0; i < n; i++)
            ((uint32_t *)array)[i] = ((const uint32_t *)copy)[order[i].from];
    else
#pragma omp parallel for schedule(static) if (n > MANY)
        for (uint64_t i = 0; i < n; i++)
            ((uint64_t *)array)[i] = ((const uint64_t *)copy)[order[i].from];
}

enum status interactions_sort(uint32_t n_users, struct interactions *rows)
{
    if (rows->n == 0)
        return STATUS_OK;
    uint64_t *start = calloc((size_t)n_users + 1, sizeof *start);
    struct sort_row *order = malloc(rows->n * sizeof *order);
    void *copy = malloc(rows->n * sizeof(uint64_t));
    const bool enough = start != NULL && order != NULL && copy != NULL;
    if (enough) {
        interactions_order(n_users, rows, start, order);
        permute(rows->user, sizeof *rows->user, order, rows->n, copy);
        permute(rows->item, sizeof *rows->item, order, rows->n, copy);
        permute(rows->value, sizeof *rows->value, order, rows->n, copy);
        if (rows->time != NULL)
            permute(rows->time, sizeof *rows->time, order, rows->n, copy);
        permute(rows->source_row, sizeof *rows->source_row, order, rows->n, copy);
    }
    free(start);
    free(order);
    free(copy);
    return enough ? STATUS_OK
                  : status_fail(STATUS_SYSTEM, "out of memory sorting %llu interactions",
                                (unsigned long long)rows->n);
}
