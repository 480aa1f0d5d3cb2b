/* trials_csv.c - see record_trials() of trials.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_put.h"
#include "base/fsio.h"
#include "experiment/inside.h"
#include "experiment/trials.h"

static void csv_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, ",%.9g", value);
    else
        fputc(',', out);
}

static enum status csv_trial(const json_t *line, const char *inside, const json_t *trial, bool chosen,
                             const struct search_config *s, double *best, FILE *out)
{
    char *params =
        json_dumps(json_object_get(trial, "params"), JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    const double value = record_number(trial, "value");
    const bool better =
        isfinite(value) && (isnan(*best) || (s->metric->lower_is_better ? value < *best : value > *best));
    if (params == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while writing trials.csv");
    *best = better ? value : *best;
    csv_put(out, record_text(line, "dataset"));
    fprintf(out, ",%lld,", (long long)json_integer_value(json_object_get(line, "fold")));
    csv_put(out, record_text(line, "label"));
    fprintf(out, ",%lld,%lld,%lld,%.9g,", (long long)json_integer_value(json_object_get(line, "seed")),
            (long long)json_integer_value(json_object_get(trial, "trial")) + 1,
            (long long)json_integer_value(json_object_get(trial, "rung")), record_number(trial, "resource"));
    csv_put(out, params);
    free(params);
    fprintf(out, ",%s,", s->metric->name);
    if (s->k > 0)
        fprintf(out, "%u", s->k);
    csv_number(out, value);
    csv_number(out, *best);
    csv_number(out, record_number(trial, "test"));
    csv_number(out, record_number(trial, "epochs"));
    fprintf(out, ",%d,%s,", chosen, record_text(trial, "status"));
    csv_put(out, record_text(trial, "message"));
    fprintf(out, ",%s\n", inside);
    return STATUS_OK;
}

/* The trials of one search: `of` is the cell's line, or the part of it that tells of a model inside. */
static enum status csv_search(const json_t *line, const json_t *of, const struct search_config *s, FILE *out)
{
    const json_t *trials = json_object_get(of, "trials");
    const json_int_t chosen = json_integer_value(json_object_get(of, "chosen_trial"));
    double best = NAN;
    for (size_t k = 0; s != NULL && k < json_array_size(trials); k++)
        TRY(csv_trial(line, of == line ? "" : record_text(of, "path"), json_array_get(trials, k),
                      (json_int_t)k == chosen, s, &best, out));
    return STATUS_OK;
}

static enum status csv_line(const struct experiment *e, const json_t *line, FILE *out)
{
    const json_t *inside = json_object_get(line, "inside");
    for (size_t m = 0; m < e->n_models; m++) {
        const struct model_config *model = &e->models[m];
        if (strcmp(model->label, record_text(line, "label")) != 0 ||
            json_integer_value(json_object_get(line, "point")) != (json_int_t)model->point)
            continue;
        for (size_t i = 0; i < model->n_inside; i++)
            TRY(csv_search(line, json_array_get(inside, i), model->inside[i].model.search, out));
        return csv_search(line, line, model->search, out);
    }
    return STATUS_OK;
}

enum status record_trials(const struct record *r)
{
    char path[4096];
    struct atomic_file csv;
    bool any = false;
    for (size_t i = 0; i < r->n_lines; i++)
        any |= (json_object_get(r->lines[i], "trials") != NULL ||
                json_object_get(r->lines[i], "inside") != NULL) &&
               strcmp(record_status(r->lines[i]), "done") == 0;
    if (!any)
        return record_without(r, "trials.csv");
    TRY(path_join(r->folder, "trials.csv", path));
    TRY(atomic_open(&csv, path));
    fputs("dataset,fold,label,seed,trial,rung,resource,params,metric,k,value,best,test,epochs,chosen,status,"
          "message,inside\n",
          csv.stream);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < r->n_lines && status == STATUS_OK; i++)
        status = csv_line(r->experiment, r->lines[i], csv.stream);
    if (status == STATUS_OK)
        return atomic_commit(&csv);
    atomic_abort(&csv);
    return status;
}
