/*
 * intervals.c - intervals.csv: a BCa bootstrap interval of the mean over users for every model and every measure that is one number a
 * user.  A user's value is its mean over folds and seeds; all measures of a model share their resamples.
 */
#include <math.h>
#include <stdlib.h>

#include "eval/bootstrap.h"
#include "experiment/gather.h"

static const double LEVEL = 0.95;

/* The values of users who were tested: [n] of each measure, one after the other. */
static enum status compact(const struct gathered *g, size_t n_measures, struct arena *arena, double **out,
                           uint32_t *n)
{
    *n = 0;
    for (uint32_t u = 0; u < g->size; u++)
        *n += g->there[u];
    ARENA_NEW(*out, arena, n_measures * *n);
    for (size_t m = 0; m < n_measures; m++)
        for (uint32_t u = 0, at = 0; u < g->size; u++)
            if (g->there[u])
                (*out)[m * *n + at++] = g->value[m * g->size + u];
    return STATUS_OK;
}

static void write_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++)
        fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    fputs("\",", out);
}

static enum status write_model(const struct record *r, const struct dataset_config *dataset,
                               const struct model_config *model, struct arena *arena, FILE *out)
{
    const struct evaluate_config *e = &r->experiment->evaluate;
    struct gathered g;
    struct interval *interval;
    const double **series;
    double *values;
    uint32_t n;
    TRY(gather_users(r, dataset, model, arena, &g));
    if (g.n_cells == 0)
        return STATUS_OK;
    TRY(compact(&g, e->n_measures, arena, &values, &n));
    ARENA_NEW(series, arena, e->n_measures);
    ARENA_NEW(interval, arena, e->n_measures);
    for (size_t m = 0; m < e->n_measures; m++)
        series[m] = values + m * n;
    TRY(bootstrap_means(series, e->n_measures, n, r->experiment->compare.intervals, LEVEL, 0, interval));
    for (size_t m = 0; m < e->n_measures; m++) {
        const struct metric_at *x = &e->measures[m];
        if (isnan(interval[m].mean))
            continue;
        write_quoted(out, dataset->name);
        write_quoted(out, model->label);
        write_quoted(out, model->params_json);
        fprintf(out, "%s,", x->metric->name);
        if (x->k > 0)
            fprintf(out, "%u", x->k);
        fprintf(out, ",%s,%.9g,%.9g,%.9g,%u,%u\n", dialect_types[x->dialect].name, interval[m].mean,
                interval[m].low, interval[m].high, n, r->experiment->compare.intervals);
    }
    return STATUS_OK;
}

enum status record_intervals(const struct record *r)
{
    const struct experiment *e = r->experiment;
    char path[4096];
    struct atomic_file file;
    if (e->compare.intervals == 0)
        return STATUS_OK;
    if (snprintf(path, sizeof path, "%s/intervals.csv", r->folder) >= (int)sizeof path)
        return status_fail(STATUS_SYSTEM, "%s: the path is too long", r->folder);
    TRY(atomic_open(&file, path));
    fputs("dataset,label,params,metric,k,dialect,mean,low,high,n_users,draws\n", file.stream);
    enum status status = STATUS_OK;
    for (size_t d = 0; d < e->n_datasets; d++)
        for (size_t m = 0; m < e->n_models && status == STATUS_OK; m++) {
            struct arena *arena = arena_new();
            status = arena != NULL ? write_model(r, &e->datasets[d], &e->models[m], arena, file.stream)
                                   : STATUS_SYSTEM;
            arena_free(arena);
        }
    if (status == STATUS_OK)
        return atomic_commit(&file);
    atomic_abort(&file);
    return status;
}
