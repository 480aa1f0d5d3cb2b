/* resample_change.c - what leaving one user out changes of every measure: exact, and without computing the measure anew. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/resample_parts.h"
#include "eval/spread.h"

/* Sums of x and of weights, over the users who have one. */
static void sums_of(const struct measured *cell, const struct metric_at *measure, const double *x,
                    double *sum, double *total)
{
    *sum = *total = 0;
    for (uint32_t u = 0; u < cell->n_users; u++)
        if (!isnan(x[u])) {
            const double own = metrics_weight(measure, cell->n_relevant[u]);
            *sum += own * x[u];
            *total += own;
        }
}

static void parts_of(const double *part, uint32_t n_users, unsigned n_parts, double *sum)
{
    for (unsigned p = 0; p < n_parts; p++)
        sum[p] = 0;
    for (uint32_t u = 0; u < n_users; u++)
        for (unsigned p = 0; p < n_parts; p++)
            sum[p] += part[(size_t)u * n_parts + p];
}

static void change_of_mean(const struct work *w, size_t m, double *change)
{
    const struct measured *cell = w->cell;
    const struct metric_at *x = &w->r->measures[m];
    const double *values = cell->values + m * cell->n_users;
    double sum, total;
    sums_of(cell, x, values, &sum, &total);
    for (uint32_t u = 0; u < cell->n_users; u++) {
        const double own = metrics_weight(x, cell->n_relevant[u]);
        if (!isnan(values[u]))
            change[w->place[u]] += (sum - own * values[u]) / (total - own) - sum / total;
    }
}

static void change_of_parts(const struct work *w, size_t m, double *change)
{
    const struct metric_type *x = w->r->measures[m].metric;
    const unsigned n = x->n_parts;
    double sum[METRIC_PARTS_MOST], left[METRIC_PARTS_MOST];
    parts_of(w->parts[m], w->cell->n_users, n, sum);
    const double value = x->of_parts(sum);
    for (uint32_t u = 0; u < w->cell->n_users; u++) {
        for (unsigned p = 0; p < n; p++)
            left[p] = sum[p] - w->parts[m][(size_t)u * n + p];
        change[w->place[u]] += x->of_parts(left) - value;
    }
}

/* The items of a list up to k, without holes; own: room behind them. */
static uint32_t items_of(const struct measured *cell, uint32_t u, uint32_t k, uint32_t *items)
{
    uint32_t n = 0;
    for (uint32_t j = 0; j < k; j++)
        if (cell->lists[(size_t)u * cell->depth + j] != UINT32_MAX)
            items[n++] = cell->lists[(size_t)u * cell->depth + j];
    return n;
}

static bool change_of_spread(const struct work *w, size_t m, struct room *room, double *change)
{
    const struct measured *cell = w->cell;
    const struct metric_at *x = &w->r->measures[m];
    uint32_t *before = calloc((size_t)w->most + 1, sizeof *before),
             *items = malloc(2 * (size_t)x->k * sizeof *items);
    const bool fine = before != NULL && items != NULL;
    if (fine) {
        struct spread s = {.n_items = cell->n_items,
                           .size = w->size,
                           .most = w->most,
                           .count = room->count,
                           .times = room->times,
                           .before = before};
        memset(room->count, 0, w->size * sizeof *room->count);
        resample_count(cell, NULL, 0, x->k, room->count);
        spread_times(room->count, w->size, w->most, room->times);
        for (uint32_t c = 1; c <= w->most; c++) {
            before[c] = before[c - 1] + room->times[c];
            s.total += (double)c * room->times[c];
        }
        const double value = spread_value(x->metric, room->times, w->most, cell->n_items);
        for (uint32_t u = 0; u < cell->n_users; u++) {
            const uint32_t n = items_of(cell, u, x->k, items);
            change[w->place[u]] += spread_without(x->metric, &s, value, items, n, items + n) - value;
        }
    }
    free(before), free(items);
    return fine;
}

bool resample_changes(const struct work *w, struct room *room)
{
    struct resampled *r = w->r;
    bool fine = true;
    for (size_t m = 0; m < r->n_measures; m++) {
        double *change = r->change + m * r->n;
        if (w->way[m] == WAY_NONE)
            continue;
        r->mean[m] += w->cell->pooled[m];
        r->n_cells[m]++;
        if (w->way[m] == WAY_PARTS)
            change_of_parts(w, m, change);
        else if (w->way[m] == WAY_SPREAD)
            fine = change_of_spread(w, m, room, change) && fine;
        else
            change_of_mean(w, m, change);
    }
    return fine;
}
