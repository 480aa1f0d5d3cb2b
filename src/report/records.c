/* records.c - see records.h: metrics.csv and record.json, joined to the series that tables show. */
#include "report/records.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "report/csv_table.h"

enum { LIMIT = 1 << 30, MAX_STRATA = 64 };

/* The number of the stratum of that name, added when new; MAX_STRATA: there is no room. */
static size_t stratum_of(struct records *r, const char *name)
{
    size_t i = 0;
    const char *end = strrchr(name, '_');
    if (end != NULL && records_same(end, "_gap")) /* a difference between parts, itself none */
        return MAX_STRATA;
    while (i < r->n_strata && !records_same(r->stratum[i], name))
        i++;
    if (i == r->n_strata && i < MAX_STRATA)
        r->stratum[r->n_strata++] = name;
    return i;
}

const char *records_shown_name(const char *metric, const char *dialect, struct arena *arena)
{
    if (records_same(dialect, "default"))
        return metric;
    if (records_same(dialect, "unbiased_rank") || records_same(dialect, "cls") || records_same(dialect, "bv"))
        return arena_printf(arena, "%s (%s)", metric, dialect);
    return NULL;
}

/* What tables say of measures among a few candidates. */
static enum status warn_of(const char *candidates, struct arena *arena, const char **out)
{
    if (!records_same(candidates, "sampled") && !records_same(candidates, "given"))
        return STATUS_OK;
    *out = arena_printf(
        arena,
        "Lists of %s candidates, not of all items: such measures can order models differently, even "
        "in expectation; those named (unbiased_rank), (cls) and (bv) estimate the measures of all "
        "items (Krichene, Rendle, KDD 2020).",
        candidates);
    return *out != NULL ? STATUS_OK : STATUS_SYSTEM;
}

static enum status read_metrics(struct records *r, struct arena *arena)
{
    static const char *const columns[] = {"dataset", "fold",    "model",      "label",  "params",
                                          "seed",    "split",   "candidates", "metric", "k",
                                          "dialect", "stratum", "value",      "n_users"};
    struct csv_table t;
    const char *path = arena_printf(arena, "%s/metrics.csv", r->run_dir);
    if (path == NULL)
        return STATUS_SYSTEM;
    TRY(csv_table_read(path, columns, sizeof columns / sizeof *columns, arena, &t));
    ARENA_NEW(r->row, arena, t.n_rows);
    ARENA_NEW(r->stratum, arena, MAX_STRATA);
    for (size_t i = 0; i < t.n_rows; i++) {
        double value;
        TRY(csv_number(&t, i, 12, "value", &value));
        const char *stratum = csv_cell(&t, i, 11);
        const char *metric = records_shown_name(csv_cell(&t, i, 8), csv_cell(&t, i, 10), arena);
        if (records_same(csv_cell(&t, i, 6), "valid") || metric == NULL)
            continue;
        if (r->warning == NULL)
            TRY(warn_of(csv_cell(&t, i, 7), arena, &r->warning));
        const size_t part = records_same(stratum, "all") ? 0 : stratum_of(r, stratum) + 1;
        if (part > MAX_STRATA)
            continue;
        r->row[r->n_rows++] = (struct metric_row){.dataset = csv_cell(&t, i, 0),
                                                  .fold = csv_cell(&t, i, 1),
                                                  .model = csv_cell(&t, i, 2),
                                                  .label = csv_cell(&t, i, 3),
                                                  .params = csv_cell(&t, i, 4),
                                                  .seed = csv_cell(&t, i, 5),
                                                  .metric = metric,
                                                  .k = csv_cell(&t, i, 9),
                                                  .stratum = part,
                                                  .value = value,
                                                  .n_users = strtol(csv_cell(&t, i, 13), NULL, 10)};
    }
    return STATUS_OK;
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
    char *dump = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
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

/* How the experiment tests differences, for captions. */
static enum status take_tests(struct records *r, const json_t *compare, struct arena *arena)
{
    if (json_array_size(json_object_get(compare, "pairs")) == 0)
        return STATUS_OK;
    static const char *const words[][2] = {{"t", "paired t"},
                                           {"wilcoxon", "Wilcoxon"},
                                           {"holm", "Holm"},
                                           {"bonferroni", "Bonferroni"},
                                           {"bh", "Benjamini-Hochberg"}};
    const char *part[4] = {"test", "over", "correction", "alpha"};
    for (size_t i = 0; i < 4; i++) {
        part[i] = text_of(compare, part[i], arena);
        if (part[i] == NULL)
            return STATUS_SYSTEM;
        for (size_t w = 0; w < sizeof words / sizeof *words; w++)
            if (records_same(part[i], words[w][0]))
                part[i] = words[w][1];
    }
    r->tests = arena_printf(arena, "%s over %s, %s, alpha %s", part[0], part[1], part[2], part[3]);
    return r->tests != NULL ? STATUS_OK : STATUS_SYSTEM;
}

/* The steps after the cells that have nothing to show, and why. */
static enum status take_after(struct records *r, const json_t *steps, struct arena *arena)
{
    const char *name;
    json_t *step;
    ARENA_NEW(r->after, arena, json_object_size(steps));
    json_object_foreach((json_t *)(uintptr_t)steps, name, step)
    {
        struct after_row *row = &r->after[r->n_after];
        *row = (struct after_row){text_of(step, "after", arena), text_of(step, "status", arena),
                                  text_of(step, "message", arena)};
        if (row->name == NULL || row->status == NULL || row->message == NULL)
            return STATUS_SYSTEM;
        r->n_after += records_same(row->status, "skipped") || records_same(row->status, "failed");
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
                                       .rank_seconds = json_number_value(json_object_get(c, "rank_seconds")),
                                       .n_trials = (long)json_integer_value(json_object_get(c, "n_trials"))};
        const struct cell_row *row = &r->cell[i];
        if (row->dataset == NULL || row->fold == NULL || row->model == NULL || row->label == NULL ||
            row->params == NULL || row->seed == NULL || row->status == NULL || row->message == NULL)
            return STATUS_SYSTEM;
    }
    TRY(take_after(r, json_object_get(record, "after"), arena));
    TRY(take_tests(r, json_object_get(record, "compare"), arena));
    r->correction = text_of(json_object_get(record, "compare"), "correction", arena);
    r->prints_strata = json_is_true(json_object_get(report, "strata"));
    const char *over = text_of(json_object_get(record, "compare"), "over", arena);
    if (r->correction == NULL || over == NULL)
        return STATUS_SYSTEM;
    r->over_folds = records_same(over, "folds");
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

/* Adds a cell to its dataset and series, both in the order of the plan. */
static enum status collect_cell(struct records *r, const struct cell_row *c, struct arena *arena)
{
    size_t d = 0, s = 0;
    while (d < r->n_datasets && !records_same(r->dataset[d], c->dataset))
        d++;
    if (d == r->n_datasets)
        r->dataset[r->n_datasets++] = c->dataset;
    while (s < r->n_series &&
           !(records_same(r->series[s].dataset, c->dataset) && records_same(r->series[s].label, c->label) &&
             records_same(r->series[s].params, c->params)))
        s++;
    struct series *series = &r->series[s];
    if (s == r->n_series) {
        r->n_series++;
        *series =
            (struct series){.dataset = c->dataset, .model = c->model, .label = c->label, .params = c->params};
    }
    if (records_same(c->status, "done")) {
        series->n_cells++;
        series->fit_seconds += c->fit_seconds;
        series->rank_seconds += c->rank_seconds;
        series->n_trials = c->n_trials > series->n_trials ? c->n_trials : series->n_trials;
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
    while (m < r->n_measures &&
           !(records_same(r->measure[m].metric, row->metric) && records_same(r->measure[m].k, row->k)))
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

bool series_is_of(const struct series *s, const char *dataset, const char *label, const char *params)
{
    return records_same(dataset, s->dataset) && records_same(label, s->label) &&
           records_same(params, s->params);
}

/* Mean and standard deviation of one series over its cells, and its means by stratum. */
static enum status average(struct records *r, struct series *series, struct arena *arena)
{
    const size_t n_means = (r->n_strata + 1) * r->n_measures;
    double *square, *mean;
    size_t *n;
    ARENA_NEW(mean, arena, n_means);
    ARENA_NEW(series->deviation, arena, r->n_measures);
    ARENA_NEW(series->low, arena, n_means);
    ARENA_NEW(series->high, arena, n_means);
    ARENA_NEW(square, arena, r->n_measures);
    ARENA_NEW(n, arena, n_means);
    if (series->n_cells > 0) {
        series->skipped = NULL;
        series->fit_seconds /= (double)series->n_cells;
        series->rank_seconds /= (double)series->n_cells;
    }
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < r->n_rows; i++) {
            const struct metric_row *row = &r->row[i];
            if (!series_is_of(series, row->dataset, row->label, row->params))
                continue;
            const size_t m = measure_of(r, row), at = row->stratum * r->n_measures + m;
            const double d = row->value - mean[at];
            if (pass == 0) {
                mean[at] += row->value;
                n[at]++;
            } else if (row->stratum == 0)
                square[m] += d * d;
        }
        for (size_t at = 0; at < n_means && pass == 0; at++)
            mean[at] = n[at] > 0 ? mean[at] / (double)n[at] : NAN;
    }
    for (size_t m = 0; m < r->n_measures; m++)
        series->deviation[m] = n[m] > 1 ? sqrt(square[m] / (double)(n[m] - 1)) : NAN;
    for (size_t at = 0; at < n_means; at++)
        series->low[at] = series->high[at] = NAN;
    series->mean = mean;
    series->stratum_mean = mean + r->n_measures;
    series->stratum_low = series->low + r->n_measures;
    series->stratum_high = series->high + r->n_measures;
    return STATUS_OK;
}

/* Does the parameter's value differ from that of another series of the same dataset and label? */
static bool varies(const struct records *r, const struct series *series, const char *key, const json_t *value)
{
    bool differs = false;
    for (size_t t = 0; t < r->n_series && !differs; t++) {
        const struct series *other = &r->series[t];
        if (other == series || !records_same(other->dataset, series->dataset) ||
            !records_same(other->label, series->label))
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
    TRY(records_read_statistics(r, arena));
    TRY(records_read_more(r, arena));
    TRY(records_read_probe(r, arena));
    *out = r;
    return STATUS_OK;
}
