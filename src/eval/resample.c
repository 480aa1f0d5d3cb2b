/* resample.c - see resample.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/resample_parts.h"
#include "eval/spread.h"

size_t measured_parts(const struct metric_at *measures, size_t n)
{
    size_t parts = 0;
    for (size_t m = 0; m < n; m++)
        parts += measures[m].metric->n_parts;
    return parts;
}

uint32_t measured_depth(const struct metric_at *measures, size_t n)
{
    uint32_t depth = 0;
    for (size_t m = 0; m < n; m++)
        if (spread_has(measures[m].metric) && measures[m].k > depth)
            depth = measures[m].k;
    return depth;
}

enum status resampled_make(const struct metric_at *measures, size_t n_measures, uint32_t n, uint32_t n_draws,
                           uint64_t seed, struct arena *arena, struct resampled *out)
{
    TRY(bootstrap_check(n_draws, 0.5));
    *out = (struct resampled){
        .measures = measures, .n_measures = n_measures, .n = n, .n_draws = n_draws, .seed = seed};
    ARENA_NEW(out->draws, arena, n_measures * n_draws);
    ARENA_NEW(out->change, arena, n_measures * n);
    ARENA_NEW(out->mean, arena, n_measures);
    ARENA_NEW(out->n_cells, arena, n_measures);
    return STATUS_OK;
}

static enum way way_of(const struct measured *cell, const struct metric_at *x, const double *values)
{
    if (x->metric->n_parts > 0)
        return WAY_PARTS;
    if (spread_has(x->metric))
        return WAY_SPREAD;
    enum way way = WAY_MEAN;
    for (uint32_t u = 0; u < cell->n_users; u++)
        if (isnan(values[u]) || metrics_weight(x, cell->n_relevant[u]) != 1)
            way = WAY_WEIGHTED_MEAN;
    return way;
}

/* Libraries agree more often than not: the column of equal values; a new one where there is none. */
static size_t column_of_values(struct work *w, const double *values)
{
    const size_t bytes = w->cell->n_users * sizeof *values;
    for (size_t c = 1; c < w->n_columns; c++)
        if (memcmp(w->column[c], values, bytes) == 0)
            return c;
    w->column[w->n_columns] = values;
    return w->n_columns++;
}

/* Columns of measure m.  made: where the next one of its own goes; returns behind them. */
static double *add_columns(struct work *w, size_t m, double *made)
{
    const struct measured *cell = w->cell;
    const struct metric_at *x = &w->r->measures[m];
    const double *values = cell->values + m * cell->n_users;
    const unsigned n_own = w->way[m] == WAY_PARTS           ? x->metric->n_parts
                           : w->way[m] == WAY_WEIGHTED_MEAN ? 2
                                                            : 0;
    w->first[m] = w->way[m] == WAY_MEAN ? column_of_values(w, values) : w->n_columns;
    for (unsigned c = 0; c < n_own; c++, made += cell->n_users) {
        w->column[w->n_columns++] = made;
        for (uint32_t u = 0; u < cell->n_users; u++) {
            const double own = metrics_weight(x, cell->n_relevant[u]);
            made[u] = w->way[m] == WAY_PARTS ? w->parts[m][(size_t)u * n_own + c]
                      : isnan(values[u])     ? 0
                                             : own * (c == 0 ? values[u] : 1);
        }
    }
    return made;
}

static void open_spread(struct work *w, size_t m)
{
    const struct metric_at *measures = w->r->measures;
    size_t at = w->n_spread++;
    for (; at > 0 && measures[w->by_cutoff[at - 1]].k > measures[m].k; at--)
        w->by_cutoff[at] = w->by_cutoff[at - 1];
    w->by_cutoff[at] = m;
}

static bool work_open(struct work *w)
{
    const struct resampled *r = w->r;
    const size_t n_users = w->cell->n_users, n_parts = measured_parts(r->measures, r->n_measures);
    const size_t most = 1 + 2 * r->n_measures + n_parts;
    w->way = malloc(r->n_measures * sizeof *w->way + 1);
    w->parts = malloc(r->n_measures * sizeof *w->parts + 1);
    w->first = malloc(r->n_measures * sizeof *w->first + 1);
    w->by_cutoff = malloc(r->n_measures * sizeof *w->by_cutoff + 1);
    w->column = malloc(most * sizeof *w->column);
    if (w->way == NULL || w->parts == NULL || w->first == NULL || w->by_cutoff == NULL || w->column == NULL)
        return false;
    size_t n_made = 1;
    for (size_t m = 0; m < r->n_measures; m++) {
        w->way[m] = isnan(w->cell->pooled[m])
                        ? WAY_NONE
                        : way_of(w->cell, &r->measures[m], w->cell->values + m * n_users);
        w->parts[m] = w->cell->parts + measured_parts(r->measures, m) * n_users;
        n_made += w->way[m] == WAY_WEIGHTED_MEAN ? 2 : r->measures[m].metric->n_parts;
        if (w->way[m] == WAY_SPREAD)
            open_spread(w, m);
    }
    double *made = w->made = malloc(n_made * n_users * sizeof *made + 1);
    if (made == NULL)
        return false;
    for (uint32_t u = 0; u < n_users; u++)
        made[u] = 1;
    w->column[w->n_columns++] = made;
    made += n_users;
    for (size_t m = 0; m < r->n_measures; m++)
        if (w->way[m] != WAY_NONE && w->way[m] != WAY_SPREAD)
            made = add_columns(w, m, made);
    w->most = r->n; /* a list holds an item once */
    for (size_t j = 0; w->n_spread > 0 && j < n_users * w->cell->depth; j++)
        if (w->cell->lists[j] != UINT32_MAX && w->cell->lists[j] >= w->size)
            w->size = w->cell->lists[j] + 1;
    return true;
}

static void work_close(struct work *w)
{
    free(w->way), free(w->parts), free(w->first), free(w->by_cutoff), free(w->column), free(w->made);
}

static bool room_open(const struct work *w, struct room *room)
{
    room->drawn = malloc(((size_t)w->r->n + 1) * sizeof *room->drawn);
    room->weight = malloc(LANES * (size_t)w->cell->n_users * sizeof *room->weight + 1);
    room->lanes = aligned_alloc(64, CHUNK * LANES * sizeof *room->lanes);
    room->sum = aligned_alloc(64, w->n_columns * LANES * sizeof *room->sum);
    room->count = malloc(((size_t)w->size + 1) * sizeof *room->count);
    room->times = malloc(((size_t)w->most + 1) * sizeof *room->times);
    return room->drawn != NULL && room->weight != NULL && room->lanes != NULL && room->sum != NULL &&
           room->count != NULL && room->times != NULL;
}

static void room_close(struct room *room)
{
    free(room->drawn), free(room->weight), free(room->lanes), free(room->sum);
    free(room->count), free(room->times);
}

/* Adds n users of up to UNROLL columns to their sums: a broadcast number times LANES weights. */
static void add_chunk(const double *const *column, size_t n_columns, size_t from, uint32_t n,
                      const double *lanes, double *sum)
{
    double total[UNROLL][LANES];
    memcpy(total, sum, n_columns * sizeof *total);
    if (n_columns == UNROLL) {
        const double *a = column[0] + from, *b = column[1] + from, *c = column[2] + from,
                     *d = column[3] + from;
        for (uint32_t u = 0; u < n; u++, lanes += LANES)
            for (int l = 0; l < LANES; l++) {
                total[0][l] += a[u] * lanes[l];
                total[1][l] += b[u] * lanes[l];
                total[2][l] += c[u] * lanes[l];
                total[3][l] += d[u] * lanes[l];
            }
    } else
        for (uint32_t u = 0; u < n; u++, lanes += LANES)
            for (size_t k = 0; k < n_columns; k++)
                for (int l = 0; l < LANES; l++)
                    total[k][l] += column[k][from + u] * lanes[l];
    memcpy(sum, total, n_columns * sizeof *total);
}

/* Weighted sums of all columns, in order of the users. */
static void sum_columns(const struct work *w, struct room *room)
{
    const uint32_t n_users = w->cell->n_users;
    memset(room->sum, 0, w->n_columns * LANES * sizeof *room->sum);
    for (uint32_t from = 0; from < n_users; from += CHUNK) {
        const uint32_t n = n_users - from < CHUNK ? n_users - from : CHUNK;
        for (uint32_t u = 0; u < n; u++)
            for (int l = 0; l < LANES; l++)
                room->lanes[u * LANES + l] = room->weight[(size_t)l * n_users + from + u];
        for (size_t c = 0; c < w->n_columns; c += UNROLL)
            add_chunk(w->column + c, w->n_columns - c < UNROLL ? w->n_columns - c : UNROLL, from, n,
                      room->lanes, room->sum + c * LANES);
    }
}

void resample_count(const struct measured *cell, const uint32_t *weight, uint32_t from, uint32_t to,
                    uint32_t *count)
{
    for (uint32_t u = 0; u < cell->n_users; u++) {
        const uint32_t times = weight != NULL ? weight[u] : 1, *item = cell->lists + (size_t)u * cell->depth;
        for (uint32_t j = from; j < to && times > 0; j++)
            if (item[j] != UINT32_MAX)
                count[item[j]] += times;
    }
}

static void spread_under(const struct work *w, struct room *room, const uint32_t *weight, uint32_t draw)
{
    const struct resampled *r = w->r;
    memset(room->count, 0, w->size * sizeof *room->count);
    for (size_t s = 0, counted = 0; s < w->n_spread; s++) {
        const size_t m = w->by_cutoff[s];
        const uint32_t k = r->measures[m].k;
        if (s == 0 || k > counted) {
            resample_count(w->cell, weight, (uint32_t)counted, k, room->count);
            spread_times(room->count, w->size, w->most, room->times);
            counted = k;
        }
        r->draws[m * r->n_draws + draw] +=
            spread_value(r->measures[m].metric, room->times, w->most, w->cell->n_items);
    }
}

/* Measure m from the sums of one lane. */
static double value_under(const struct work *w, size_t m, const double *sums, int lane)
{
    const double *sum = sums + w->first[m] * LANES + lane;
    double part[METRIC_PARTS_MOST];
    if (w->way[m] == WAY_MEAN)
        return sum[0] / sums[lane];
    if (w->way[m] == WAY_WEIGHTED_MEAN)
        return sum[0] / sum[LANES];
    for (unsigned p = 0; p < w->r->measures[m].metric->n_parts; p++)
        part[p] = sum[(size_t)p * LANES];
    return w->r->measures[m].metric->of_parts(part);
}

/* Draws first .. first + LANES - 1, as far as there are any. */
static void add_draws(const struct work *w, struct room *room, uint32_t first)
{
    const struct resampled *r = w->r;
    const uint32_t n_users = w->cell->n_users, left = r->n_draws - first;
    const int n = left < LANES ? (int)left : LANES;
    for (int l = 0; l < n; l++) {
        bootstrap_resample(r->n, r->seed, first + (uint32_t)l, room->drawn);
        for (uint32_t u = 0; u < n_users; u++)
            room->weight[(size_t)l * n_users + u] = room->drawn[w->place[u]];
    }
    memset(room->weight + (size_t)n * n_users, 0, (size_t)(LANES - n) * n_users * sizeof *room->weight);
    sum_columns(w, room);
    for (int l = 0; l < n; l++) {
        for (size_t m = 0; m < r->n_measures; m++)
            if (w->way[m] != WAY_NONE && w->way[m] != WAY_SPREAD)
                r->draws[m * r->n_draws + first + (uint32_t)l] += value_under(w, m, room->sum, l);
        spread_under(w, room, room->weight + (size_t)l * n_users, first + (uint32_t)l);
    }
}

enum status resampled_add(struct resampled *r, const struct measured *cell, const uint32_t *place)
{
    struct work w = {.r = r, .cell = cell, .place = place};
    const bool opened = work_open(&w);
    int failed = !opened;
#pragma omp parallel reduction(| : failed)
    {
        struct room room = {0};
        failed |= !opened || !room_open(&w, &room);
#pragma omp for schedule(static)
        for (uint32_t i = 0; i < r->n_draws; i += LANES)
            if (!failed)
                add_draws(&w, &room, i);
#pragma omp single
        failed |= failed || !resample_changes(&w, &room);
        room_close(&room);
    }
    work_close(&w);
    return failed ? status_fail(STATUS_SYSTEM, "memory is out: resamples of %u users, lists of %u places",
                                cell->n_users, cell->depth)
                  : STATUS_OK;
}

struct interval resampled_interval(struct resampled *r, size_t m, double level)
{
    double *draws = r->draws + m * r->n_draws, *change = r->change + m * r->n;
    const double n = r->n_cells[m];
    if (n == 0)
        return (struct interval){NAN, NAN, NAN, false};
    for (uint32_t i = 0; i < r->n_draws; i++)
        draws[i] /= n;
    for (uint32_t u = 0; u < r->n; u++)
        change[u] /= n;
    return bootstrap_interval(r->mean[m] / n, change, r->n, draws, r->n_draws, level);
}
