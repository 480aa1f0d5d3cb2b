/*
 * record.c - metrics.csv, per_user.h5 and record.json from journal lines and cell files.
 */
#include "experiment/record.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/csv_put.h"
#include "experiment/cell_file.h"
#include "experiment/machine.h"
#include "experiment/per_user.h"

const char *record_text(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));
    return text != NULL ? text : "";
}

double record_number(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *record_status(const json_t *line)
{
    return record_text(line, "status");
}

enum status record_without(const struct record *r, const char *name)
{
    char path[4096];
    TRY(path_join(r->folder, name, path));
    if (unlink(path) != 0 && errno != ENOENT)
        return status_fail(STATUS_SYSTEM, "%s is of an earlier run and can't be removed: %s", path,
                           strerror(errno));
    return STATUS_OK;
}

enum status record_csv_cell(FILE *out, const json_t *line)
{
    char *params =
        json_dumps(json_object_get(line, "params"), JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    if (params == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while writing csv");
    csv_put(out, record_text(line, "dataset"));
    fprintf(out, ",%lld,", (long long)json_integer_value(json_object_get(line, "fold")));
    csv_put(out, record_text(line, "model"));
    fputc(',', out);
    csv_put(out, record_text(line, "label"));
    fputc(',', out);
    csv_put(out, params);
    fprintf(out, ",%lld,", (long long)json_integer_value(json_object_get(line, "seed")));
    free(params);
    return STATUS_OK;
}

/* The users that a measure has a value for; all of them where it is one number. */
static uint32_t count_users(const struct metric_at *measure, const double *values, uint32_t n_users)
{
    uint32_t n = 0;
    for (uint32_t u = 0; u < n_users; u++)
        n += !metric_is_per_user(measure->metric) || !isnan(values[u]);
    return n;
}

/* A metric that the model doesn't have (ratings of a model that predicts none) has no line. */
static enum status csv_cell(const struct record *r, FILE *out, const json_t *line,
                            const struct cell_values *cell)
{
    const struct evaluate_config *e = &r->experiment->evaluate;
    for (size_t v = 0; v < e->n_measures; v++) {
        const struct metric_at *x = &e->measures[v];
        if (isnan(cell->pooled[v]) && x->metric->kind != METRIC_RANKING)
            continue;
        TRY(record_csv_cell(out, line));
        fprintf(out, "test,%s,", candidates_kinds[e->candidates.kind]);
        metric_at_csv(out, x);
        fprintf(out, ",%s,all,%.9g,%u\n", dialect_types[x->dialect].name, cell->pooled[v],
                count_users(x, cell->values + v * cell->n_users, cell->n_users));
    }
    for (const char *at = cell->extra, *end = at + cell->n_extra; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop != NULL ? stop + 1 : end;
        TRY(record_csv_cell(out, line));
        fputs("test,", out);
        fwrite(at, 1, (size_t)(stop - at), out);
        at = stop;
    }
    return STATUS_OK;
}

/* One cell into both files. */
static enum status add_cell(struct record *r, size_t i, FILE *csv, struct per_user *users)
{
    const json_t *line = r->lines[i];
    const size_t place = (size_t)json_integer_value(json_object_get(line, "cell"));
    double *means = r->means + i * r->n_values;
    struct cell_values values;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = cell_read(r->folder, record_text(line, "key"), arena, &values);
    if (status == STATUS_OK && values.n_values != r->n_values)
        status = status_fail(STATUS_DATA, "%s/cells/%s.cell: holds %u values a user, %zu expected", r->folder,
                             record_text(line, "key"), values.n_values, r->n_values);
    for (size_t v = 0; status == STATUS_OK && v < r->n_values; v++)
        means[v] = values.pooled[v];
    if (status == STATUS_OK)
        status = csv_cell(r, csv, line, &values);
    if (status == STATUS_OK)
        status = per_user_add(users, place, line, &r->experiment->evaluate, &values);
    arena_free(arena);
    return status;
}

static enum status fill(struct record *r, struct atomic_file *csv, struct per_user *users)
{
    fputs("dataset,fold,model,label,params,seed,split,candidates,metric,k,dialect,stratum,value,n_users\n",
          csv->stream);
    for (size_t i = 0; i < r->n_lines; i++) {
        for (size_t v = 0; v < r->n_values; v++)
            r->means[i * r->n_values + v] = NAN;
        const char *status = record_status(r->lines[i]);
        r->n_done += strcmp(status, "done") == 0;
        r->n_skipped += strcmp(status, "skipped") == 0;
        r->n_failed += strcmp(status, "failed") == 0;
        if (strcmp(status, "done") == 0)
            TRY(add_cell(r, i, csv->stream, users));
    }
    return STATUS_OK;
}

enum status record_results(struct record *r, struct arena *arena)
{
    char path[4096];
    struct atomic_file csv;
    struct per_user users;
    r->n_values = r->experiment->evaluate.n_measures;
    ARENA_NEW(r->means, arena, r->n_lines * r->n_values);
    TRY(path_join(r->folder, "per_user.h5", path));
    enum status status = per_user_create(path, r->experiment->name, &users);
    if (status == STATUS_OK)
        status = path_join(r->folder, "metrics.csv", path);
    if (status == STATUS_OK)
        status = atomic_open(&csv, path);
    if (status != STATUS_OK) {
        per_user_close(&users);
        return status;
    }
    status = fill(r, &csv, &users);
    if (status == STATUS_OK)
        status = per_user_commit(&users);
    if (status == STATUS_OK)
        return atomic_commit(&csv);
    atomic_abort(&csv);
    per_user_close(&users);
    return status;
}

/* What the report is asked for, and how the run ended. */
static enum status fill_json(const struct record *r, const struct journal *journal, const char *device,
                             int threads, json_t *out)
{
    char now[32];
    json_t *cells = json_array(), *datasets = json_object();
    machine_time(now);
    for (size_t i = 0; i < r->n_lines; i++) {
        const char *sha256 = record_text(r->lines[i], "dataset_sha256");
        if (sha256[0] != '\0')
            json_object_set_new(datasets, record_text(r->lines[i], "dataset"), json_string(sha256));
        json_array_append(cells, r->lines[i]);
    }
    json_object_set_new(out, "schema_version", json_integer(1));
    json_object_set_new(out, "experiment", json_string(r->experiment->name));
    json_object_set_new(out, "config_sha256", json_string(r->experiment->sha256));
    json_object_set_new(out, "dataset_sha256", datasets);
    json_object_set_new(out, "device", json_string(device));
    json_object_set_new(out, "threads", json_integer(threads));
    json_object_set_new(out, "started", json_string(record_text(journal->first, "started")));
    json_object_set_new(out, "ended", json_string(now));
    json_object_set_new(out, "n_cells", json_integer((json_int_t)r->n_cells));
    json_object_set_new(out, "complete", json_boolean(r->n_done + r->n_skipped + r->n_failed == r->n_cells));
    json_object_set_new(out, "cells", cells);
    json_object_set(out, "after", journal->after);
    json_object_set(out, "expect", r->expectations);
    json_object_set(out, "report", json_object_get(r->experiment->resolved, "report"));
    json_object_set(out, "evaluate", json_object_get(r->experiment->resolved, "evaluate"));
    json_object_set(out, "compare", json_object_get(r->experiment->resolved, "compare"));
    return STATUS_OK;
}

enum status record_json(const struct record *r, const struct journal *journal, const char *device,
                        int threads)
{
    char path[4096];
    TRY(path_join(r->folder, "record.json", path));
    json_t *out = machine_describe();
    if (out == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while writing %s", path);
    enum status status = fill_json(r, journal, device, threads, out);
    char *text = json_dumps(out, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    json_decref(out);
    if (status == STATUS_OK && text == NULL)
        status = status_fail(STATUS_SYSTEM, "out of memory while writing %s", path);
    if (status == STATUS_OK) {
        const size_t n = strlen(text);
        text[n] = '\n'; /* in place of the terminator */
        status = atomic_write(path, text, n + 1);
    }
    free(text);
    return status;
}
