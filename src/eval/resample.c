/* resample.c - see resample.h. */
#include "eval/resample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* How a measure is computed under weights. */
enum way { WAY_NONE, WAY_MEAN, WAY_WEIGHTED_MEAN, WAY_PARTS, WAY_SPREAD };

/* One cell at work. */
struct work {
    struct resampled *r;
    const struct measured *cell;
    const uint32_t *place;
    enum way *way;        /* [n_measures] */
    const double **parts; /* [n_measures] of those that have parts */
    size_t *by_cutoff;    /* [n_spread] measures of the lists' spread by rising cut-off */
    size_t n_spread;
    uint32_t size, most; /* items of the lists; the largest count of one */
};

/* A thread's room. */
struct room {
    uint32_t *drawn;  /* [n] how often the resample holds each of the n */
    uint32_t *weight; /* [n_users] the same of the cell's users */
    uint32_t *count;  /* [size] by item */
    uint32_t *times;  /* [most + 1] */
};

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

static bool work_open(struct work *w)
{
    const struct resampled *r = w->r;
    const size_t n_users = w->cell->n_users;
    w->way = malloc(r->n_measures * sizeof *w->way + 1);
    w->parts = malloc(r->n_measures * sizeof *w->parts + 1);
    w->by_cutoff = malloc(r->n_measures * sizeof *w->by_cutoff + 1);
    if (w->way == NULL || w->parts == NULL || w->by_cutoff == NULL)
        return false;
    for (size_t m = 0; m < r->n_measures; m++) {
        w->way[m] = isnan(w->cell->pooled[m])
                        ? WAY_NONE
                        : way_of(w->cell, &r->measures[m], w->cell->values + m * n_users);
        w->parts[m] = w->cell->parts + measured_parts(r->measures, m) * n_users;
        if (w->way[m] != WAY_SPREAD)
            continue;
        size_t at = w->n_spread++;
        for (; at > 0 && r->measures[w->by_cutoff[at - 1]].k > r->measures[m].k; at--)
            w->by_cutoff[at] = w->by_cutoff[at - 1];
        w->by_cutoff[at] = m;
    }
    w->most = r->n; /* a list holds an item once */
    for (size_t j = 0; w->n_spread > 0 && j < n_users * w->cell->depth; j++)
        if (w->cell->lists[j] != UINT32_MAX && w->cell->lists[j] >= w->size)
            w->size = w->cell->lists[j] + 1;
    return true;
}

static void work_close(struct work *w)
{
    free(w->way), free(w->parts), free(w->by_cutoff);
}

static bool room_open(const struct work *w, struct room *room)
{
    room->drawn = malloc(((size_t)w->r->n + 1) * sizeof *room->drawn);
    room->weight = malloc(((size_t)w->cell->n_users + 1) * sizeof *room->weight);
    room->count = malloc(((size_t)w->size + 1) * sizeof *room->count);
    room->times = malloc(((size_t)w->most + 1) * sizeof *room->times);
    return room->drawn != NULL && room->weight != NULL && room->count != NULL && room->times != NULL;
}

static void room_close(struct room *room)
{
    free(room->drawn), free(room->weight), free(room->count), free(room->times);
}

/* Four sums, so that additions need not wait for one another. */
static double mean_under(const double *x, const uint32_t *weight, uint32_t n, double total)
{
    double sum[4] = {0, 0, 0, 0};
    uint32_t u = 0;
    for (; u + 4 <= n; u += 4)
        for (uint32_t l = 0; l < 4; l++)
            sum[l] += weight[u + l] * x[u + l];
    for (; u < n; u++)
        sum[0] += weight[u] * x[u];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) / total;
}

/* Sums of x and of weights, over the users who have one. */
static void sums_under(const struct measured *cell, const struct metric_at *measure, const double *x,
                       const uint32_t *weight, double *sum, double *total)
{
    *sum = *total = 0;
    for (uint32_t u = 0; u < cell->n_users; u++)
        if (!isnan(x[u])) {
            const double own = metrics_weight(measure, cell->n_relevant[u]);
            const double factor = weight != NULL ? weight[u] * own : own;
            *sum += factor * x[u];
            *total += factor;
        }
}

static void parts_under(const double *part, const uint32_t *weight, uint32_t n_users, unsigned n_parts,
                        double *sum)
{
    for (unsigned p = 0; p < n_parts; p++)
        sum[p] = 0;
    for (uint32_t u = 0; u < n_users; u++)
        for (unsigned p = 0; p < n_parts; p++)
            sum[p] += (weight != NULL ? weight[u] : 1) * part[(size_t)u * n_parts + p];
}

/* Adds places from .. to of every list to the counts. */
static void count_lists(const struct measured *cell, const uint32_t *weight, uint32_t from, uint32_t to,
                        uint32_t *count)
{
    for (uint32_t u = 0; u < cell->n_users; u++) {
        const uint32_t times = weight != NULL ? weight[u] : 1, *item = cell->lists + (size_t)u * cell->depth;
        for (uint32_t j = from; j < to && times > 0; j++)
            if (item[j] != UINT32_MAX)
                count[item[j]] += times;
    }
}

static void spread_under(const struct work *w, struct room *room, uint32_t draw)
{
    const struct resampled *r = w->r;
    memset(room->count, 0, w->size * sizeof *room->count);
    for (size_t s = 0, counted = 0; s < w->n_spread; s++) {
        const size_t m = w->by_cutoff[s];
        const uint32_t k = r->measures[m].k;
        if (s == 0 || k > counted) {
            count_lists(w->cell, room->weight, (uint32_t)counted, k, room->count);
            spread_times(room->count, w->size, w->most, room->times);
            counted = k;
        }
        r->draws[m * r->n_draws + draw] +=
            spread_value(r->measures[m].metric, room->times, w->most, w->cell->n_items);
    }
}

static void add_draw(const struct work *w, struct room *room, uint32_t draw)
{
    const struct resampled *r = w->r;
    const struct measured *cell = w->cell;
    double total = 0, sum[METRIC_PARTS_MOST], weights;
    bootstrap_resample(r->n, r->seed, draw, room->drawn);
    for (uint32_t u = 0; u < cell->n_users; u++) {
        room->weight[u] = room->drawn[w->place[u]];
        total += room->weight[u];
    }
    for (size_t m = 0; m < r->n_measures; m++) {
        const struct metric_at *x = &r->measures[m];
        const double *values = cell->values + m * cell->n_users;
        double *to = &r->draws[m * r->n_draws + draw];
        if (w->way[m] == WAY_MEAN)
            *to += mean_under(values, room->weight, cell->n_users, total);
        else if (w->way[m] == WAY_WEIGHTED_MEAN) {
            sums_under(cell, x, values, room->weight, &sum[0], &weights);
            *to += sum[0] / weights;
        } else if (w->way[m] == WAY_PARTS) {
            parts_under(w->parts[m], room->weight, cell->n_users, x->metric->n_parts, sum);
            *to += x->metric->of_parts(sum);
        }
    }
    spread_under(w, room, draw);
}

/* ---- what leaving one user out changes */
static void change_of_mean(const struct work *w, size_t m, double *change)
{
    const struct measured *cell = w->cell;
    const struct metric_at *x = &w->r->measures[m];
    const double *values = cell->values + m * cell->n_users;
    double sum, total;
    sums_under(cell, x, values, NULL, &sum, &total);
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
    parts_under(w->parts[m], NULL, w->cell->n_users, n, sum);
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
        count_lists(cell, NULL, 0, x->k, room->count);
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

static bool add_changes(const struct work *w, struct room *room)
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
        for (uint32_t i = 0; i < r->n_draws; i++)
            if (!failed)
                add_draw(&w, &room, i);
#pragma omp single
        failed |= failed || !add_changes(&w, &room);
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
