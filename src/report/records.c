/* records.c - see records.h. */
#include "report/records.h"

#include <csv.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "eval/metrics.h"

enum { LIMIT = 1 << 30, N_COLUMNS = 14 };
static const char *const COLUMNS[N_COLUMNS] = {"dataset", "fold",    "model",      "label",  "params",
                                               "seed",    "split",   "candidates", "metric", "k",
                                               "dialect", "stratum", "value",      "n_users"};

struct csv_reader {
    struct arena *arena;
    struct records *r;
    const char *path;
    size_t allocated, line;
    int column;
    const char *field[N_COLUMNS];
    enum status status;
};

static void on_field(void *bytes, size_t n, void *context)
{
    struct csv_reader *c = context;
    if (c->column < N_COLUMNS && c->status == STATUS_OK) {
        c->field[c->column] = arena_printf(c->arena, "%.*s", (int)n, n > 0 ? (const char *)bytes : "");
        if (c->field[c->column] == NULL)
            c->status = STATUS_SYSTEM;
    }
    c->column++;
}

static enum status add_row(struct csv_reader *c)
{
    struct records *r = c->r;
    char *end;
    const double value = strtod(c->field[12], &end);
    if (end == c->field[12] || *end != '\0')
        return status_fail(STATUS_DATA, "%s:%zu: found '%s' in column value, expected a number", c->path,
                           c->line, c->field[12]);
    if (strcmp(c->field[6], "valid") == 0 || strcmp(c->field[10], "default") != 0 ||
        strcmp(c->field[11], "all") != 0)
        return STATUS_OK;
    if (r->n_rows == c->allocated) {
        c->allocated = c->allocated == 0 ? 256 : c->allocated * 2;
        struct metric_row *grown = arena_alloc(c->arena, c->allocated, sizeof *grown);
        if (grown == NULL)
            return STATUS_SYSTEM;
        if (r->n_rows > 0)
            memcpy(grown, r->row, r->n_rows * sizeof *grown);
        r->row = grown;
    }
    r->row[r->n_rows++] = (struct metric_row){.dataset = c->field[0],
                                              .fold = c->field[1],
                                              .model = c->field[2],
                                              .label = c->field[3],
                                              .params = c->field[4],
                                              .seed = c->field[5],
                                              .metric = c->field[8],
                                              .k = c->field[9],
                                              .value = value,
                                              .n_users = strtol(c->field[13], NULL, 10)};
    return STATUS_OK;
}

static void on_line(int end, void *context)
{
    struct csv_reader *c = context;
    (void)end;
    c->line++;
    const int n = c->column;
    c->column = 0;
    if (c->status != STATUS_OK || n == 0)
        return;
    if (n != N_COLUMNS) {
        c->status =
            status_fail(STATUS_DATA, "%s:%zu: found %d columns, expected %d", c->path, c->line, n, N_COLUMNS);
        return;
    }
    if (c->line == 1) {
        for (int i = 0; i < N_COLUMNS && c->status == STATUS_OK; i++)
            if (strcmp(c->field[i], COLUMNS[i]) != 0)
                c->status = status_fail(STATUS_DATA, "%s:1: column %d is '%s', expected '%s'", c->path, i + 1,
                                        c->field[i], COLUMNS[i]);
        return;
    }
    c->status = add_row(c);
}

static enum status read_metrics(struct records *r, struct arena *arena)
{
    struct csv_reader c = {.arena = arena, .r = r};
    struct csv_parser parser;
    char *bytes;
    size_t n;
    c.path = arena_printf(arena, "%s/metrics.csv", r->run_dir);
    if (c.path == NULL)
        return STATUS_SYSTEM;
    TRY(read_whole_file(c.path, LIMIT, arena, &bytes, &n));
    if (csv_init(&parser, CSV_STRICT) != 0)
        return status_fail(STATUS_SYSTEM, "out of memory for the csv parser");
    const bool parsed = csv_parse(&parser, bytes, n, on_field, on_line, &c) == n &&
                        csv_fini(&parser, on_field, on_line, &c) == 0;
    csv_free(&parser);
    TRY(c.status);
    return parsed ? STATUS_OK : status_fail(STATUS_DATA, "%s:%zu: not valid csv", c.path, c.line + 1);
}

static const char *text_of(const json_t *object, const char *key, struct arena *arena)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value))
        return arena_strdup(arena, json_string_value(value));
    if (json_is_integer(value))
        return arena_printf(arena, "%lld", (long long)json_integer_value(value));
    if (value == NULL || json_is_null(value))
        return "";
    char *dump = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    const char *copy = dump != NULL ? arena_strdup(arena, dump) : NULL;
    free(dump);
    return copy;
}

static enum status list_of(const json_t *array, struct arena *arena, const char ***out, size_t *n)
{
    *n = json_array_size(array);
    ARENA_NEW(*out, arena, *n);
    for (size_t i = 0; i < *n; i++) {
        const char *text = json_string_value(json_array_get(array, i));
        (*out)[i] = arena_strdup(arena, text != NULL ? text : "");
        if ((*out)[i] == NULL)
            return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

static enum status take_record(struct records *r, const json_t *record, struct arena *arena)
{
    const json_t *cells = json_object_get(record, "cells"), *report = json_object_get(record, "report");
    r->experiment = text_of(record, "experiment", arena);
    r->n_cells = json_array_size(cells);
    ARENA_NEW(r->cell, arena, r->n_cells);
    for (size_t i = 0; i < r->n_cells; i++) {
        const json_t *c = json_array_get(cells, i);
        r->cell[i] = (struct cell_row){.dataset = text_of(c, "dataset", arena),
                                       .fold = text_of(c, "fold", arena),
                                       .model = text_of(c, "model", arena),
                                       .label = text_of(c, "label", arena),
                                       .params = text_of(c, "params", arena),
                                       .seed = text_of(c, "seed", arena),
                                       .status = text_of(c, "status", arena),
                                       .message = text_of(c, "message", arena),
                                       .fit_seconds = json_number_value(json_object_get(c, "fit_seconds")),
                                       .rank_seconds = json_number_value(json_object_get(c, "rank_seconds"))};
        const struct cell_row *row = &r->cell[i];
        if (row->dataset == NULL || row->fold == NULL || row->model == NULL || row->label == NULL ||
            row->params == NULL || row->seed == NULL || row->status == NULL || row->message == NULL)
            return STATUS_SYSTEM;
    }
    TRY(list_of(json_object_get(report, "tables"), arena, &r->tables, &r->n_tables));
    return list_of(json_object_get(report, "plots"), arena, &r->plots, &r->n_plots);
}

static enum status read_record(struct records *r, struct arena *arena)
{
    const char *path = arena_printf(arena, "%s/record.json", r->run_dir);
    char *bytes;
    size_t n;
    json_error_t error;
    if (path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(path))
        return status_fail(STATUS_DATA,
                           "%s: holds no finished run (record.json is missing): give the folder that "
                           "`recfuse run` wrote, or run it again to go on",
                           r->run_dir);
    TRY(read_whole_file(path, LIMIT, arena, &bytes, &n));
    json_t *record = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
    if (record == NULL)
        return status_fail(STATUS_DATA, "%s:%d: not valid JSON: %s", path, error.line, error.text);
    const enum status s = take_record(r, record, arena);
    json_decref(record);
    return s;
}

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Adds a cell to its dataset and series, both in the order of the plan. */
static enum status collect_cell(struct records *r, const struct cell_row *c, struct arena *arena)
{
    size_t d = 0, s = 0;
    while (d < r->n_datasets && !same(r->dataset[d], c->dataset))
        d++;
    if (d == r->n_datasets)
        r->dataset[r->n_datasets++] = c->dataset;
    while (s < r->n_series && !(same(r->series[s].dataset, c->dataset) &&
                                same(r->series[s].label, c->label) && same(r->series[s].params, c->params)))
        s++;
    struct series *series = &r->series[s];
    if (s == r->n_series) {
        r->n_series++;
        *series =
            (struct series){.dataset = c->dataset, .model = c->model, .label = c->label, .params = c->params};
    }
    if (same(c->status, "done")) {
        series->n_cells++;
        series->fit_seconds += c->fit_seconds;
        series->rank_seconds += c->rank_seconds;
    } else if (series->skipped == NULL) {
        series->skipped = arena_printf(arena, "%s: %s", c->status, c->message);
        if (series->skipped == NULL)
            return STATUS_SYSTEM;
    }
    return STATUS_OK;
}

static size_t measure_of(const struct records *r, const struct metric_row *row)
{
    size_t m = 0;
    while (m < r->n_measures && !(same(r->measure[m].metric, row->metric) && same(r->measure[m].k, row->k)))
        m++;
    return m;
}

static enum status collect(struct records *r, struct arena *arena)
{
    ARENA_NEW(r->dataset, arena, r->n_cells);
    ARENA_NEW(r->series, arena, r->n_cells);
    ARENA_NEW(r->measure, arena, r->n_rows);
    for (size_t i = 0; i < r->n_cells; i++)
        TRY(collect_cell(r, &r->cell[i], arena));
    for (size_t i = 0; i < r->n_rows; i++)
        if (measure_of(r, &r->row[i]) == r->n_measures)
            r->measure[r->n_measures++] = (struct measure){r->row[i].metric, r->row[i].k};
    return STATUS_OK;
}

/* Mean and standard deviation of one series over its cells. */
static enum status average(struct records *r, struct series *series, struct arena *arena)
{
    double *square;
    size_t *n;
    ARENA_NEW(series->mean, arena, r->n_measures);
    ARENA_NEW(series->deviation, arena, r->n_measures);
    ARENA_NEW(square, arena, r->n_measures);
    ARENA_NEW(n, arena, r->n_measures);
    if (series->n_cells > 0) {
        series->skipped = NULL;
        series->fit_seconds /= (double)series->n_cells;
        series->rank_seconds /= (double)series->n_cells;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < r->n_rows; i++) {
            const struct metric_row *row = &r->row[i];
            if (!same(row->dataset, series->dataset) || !same(row->label, series->label) ||
                !same(row->params, series->params))
                continue;
            const size_t m = measure_of(r, row);
            const double d = row->value - series->mean[m];
            if (pass == 0) {
                series->mean[m] += row->value;
                n[m]++;
            } else
                square[m] += d * d;
        }
        for (size_t m = 0; m < r->n_measures; m++)
            if (pass == 0)
                series->mean[m] = n[m] > 0 ? series->mean[m] / (double)n[m] : NAN;
            else
                series->deviation[m] = n[m] > 1 ? sqrt(square[m] / (double)(n[m] - 1)) : NAN;
    }
    return STATUS_OK;
}

/* Does the parameter's value differ from that of another series of the same dataset and label? */
static bool varies(const struct records *r, const struct series *series, const char *key, const json_t *value)
{
    bool differs = false;
    for (size_t t = 0; t < r->n_series && !differs; t++) {
        const struct series *other = &r->series[t];
        if (other == series || !same(other->dataset, series->dataset) || !same(other->label, series->label))
            continue;
        json_t *theirs = json_loads(other->params, 0, NULL);
        differs = !json_equal(value, json_object_get(theirs, key));
        json_decref(theirs);
    }
    return differs;
}

/* A label that stands more than once on a dataset gets what differs between its settings. */
static enum status name_series(const struct records *r, struct series *series, struct arena *arena)
{
    json_t *mine = json_loads(series->params, 0, NULL);
    char *list = arena_strdup(arena, "");
    const char *key;
    json_t *value;
    json_object_foreach(mine, key, value)
    {
        if (!varies(r, series, key, value))
            continue;
        char *dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
        list = arena_printf(arena, "%s%s%s=%s", list, list[0] != '\0' ? ", " : "", key, dump);
        free(dump);
    }
    json_decref(mine);
    series->name = list[0] != '\0' ? arena_printf(arena, "%s (%s)", series->label, list) : series->label;
    return series->name != NULL ? STATUS_OK : STATUS_SYSTEM;
}

enum status records_read(const char *run_dir, struct arena *arena, struct records **out)
{
    struct records *r;
    ARENA_NEW(r, arena, 1);
    r->run_dir = arena_strdup(arena, run_dir);
    if (r->run_dir == NULL)
        return STATUS_SYSTEM;
    TRY(read_record(r, arena));
    TRY(read_metrics(r, arena));
    TRY(collect(r, arena));
    for (size_t s = 0; s < r->n_series; s++) {
        TRY(average(r, &r->series[s], arena));
        TRY(name_series(r, &r->series[s], arena));
    }
    *out = r;
    return STATUS_OK;
}

bool series_is_oracle(const struct series *s)
{
    return same(s->model, "oracle");
}

bool records_best(const struct records *r, const struct series *s, size_t measure)
{
    if (isnan(s->mean[measure]) || series_is_oracle(s))
        return false;
    const struct metric_type *metric = metric_find(r->measure[measure].metric);
    const double sign = metric != NULL && metric->lower_is_better ? -1 : 1;
    for (size_t t = 0; t < r->n_series; t++)
        if (same(r->series[t].dataset, s->dataset) && !series_is_oracle(&r->series[t]) &&
            sign * r->series[t].mean[measure] > sign * s->mean[measure])
            return false;
    return true;
}
