/* trials.c - see trials.h. */
#include "experiment/trials.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "experiment/capture.h"

struct trials {
    struct stage *stage;
    const struct model_config *model;
    const struct search_config *search;
    long long seed;
    const struct evaluate_config *evaluate;
    const struct cell_place *place;
    struct arena *arena;
    char path[4096];
    int file;
    size_t n;
    struct search_trial *done; /* [total] */
    json_t *lines;             /* array, a trial each */
};

/* ---- the file */
static enum status append(struct trials *t, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    if (text == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while writing %s", t->path);
    const size_t n = strlen(text);
    text[n] = '\n'; /* in place of the terminator: one write */
    errno = 0;
    const ssize_t written = write(t->file, text, n + 1);
    free(text);
    if (written != (ssize_t)(n + 1) || fsync(t->file) != 0)
        return status_fail(STATUS_SYSTEM, "%s: can't be written: %s", t->path,
                           strerror(errno != 0 ? errno : ENOSPC));
    return STATUS_OK;
}

/* The number under the key; NaN: none. */
static double number_of(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static double signed_value(const struct trials *t, double value)
{
    return t->search->metric->lower_is_better ? -value : value;
}

/* Takes a line as trial t->n; false: it isn't the one that comes next. */
static bool take(struct trials *t, const struct search_trial *next, json_t *line)
{
    json_t *setting = search_setting_json(t->search, next);
    char *mine = json_dumps(setting, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    char *theirs =
        json_dumps(json_object_get(line, "params"), JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    const bool same = mine != NULL && theirs != NULL && strcmp(mine, theirs) == 0;
    free(mine);
    free(theirs);
    json_decref(setting);
    if (!same || json_integer_value(json_object_get(line, "trial")) != (json_int_t)t->n)
        return false;
    t->done[t->n] = *next;
    t->done[t->n++].value = signed_value(t, number_of(line, "value"));
    return true;
}

/* What an earlier run left; from the first line that does not fit on, nothing counts. */
static enum status read_back(struct trials *t)
{
    char *bytes;
    size_t n = 0, good = 0;
    if (file_exists(t->path))
        TRY(read_whole_file(t->path, (size_t)1 << 32, t->arena, &bytes, &n));
    while (good < n) {
        const char *end = memchr(bytes + good, '\n', n - good);
        struct search_trial next;
        bool over;
        if (end == NULL)
            break; /* torn */
        TRY(search_next(&t->search->options, &t->search->space, t->done, t->n, t->arena, &next, &over));
        json_t *line = json_loadb(bytes + good, (size_t)(end - bytes) - good, JSON_REJECT_DUPLICATES, NULL);
        const bool fine = !over && json_is_object(line) && take(t, &next, line);
        if (fine)
            json_array_append(t->lines, line);
        json_decref(line);
        if (!fine)
            break;
        good = (size_t)(end - bytes) + 1;
    }
    t->file = open(t->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (t->file < 0 || ftruncate(t->file, (off_t)good) != 0)
        return status_fail(STATUS_SYSTEM, "%s: can't be written: %s", t->path, strerror(errno));
    return STATUS_OK;
}

void trials_forget(const char *folder, const char *key)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/trials/%s.jsonl", folder, key) < (int)sizeof path)
        unlink(path);
    if (snprintf(path, sizeof path, "%s/trials", folder) < (int)sizeof path)
        rmdir(path); /* when it is empty */
}

/* ---- one trial */
static enum status measure(const struct trials *t, const struct fitted *fitted, bool test, double *value)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const struct candidates_config drawn = {.kind = CANDIDATES_SAMPLED,
                                            .by = CANDIDATES_UNIFORM,
                                            .negatives = t->search->negatives,
                                            .seed = (uint64_t)t->seed};
    const struct candidates_config *candidates =
        !test && drawn.negatives > 0 ? &drawn : cell_validation_candidates(t->evaluate);
    const enum status status = cell_quality(t->stage, fitted->type, fitted->state, t->place->backend,
                                            t->search->metric, t->search->k, candidates, test,
                                            t->evaluate->mask_valid, (uint64_t)t->seed, arena, value);
    arena_free(arena);
    *value = search_round(*value);
    return status;
}

/* Fits and measures one setting; on test rows after a fit on what the final model will be fitted on. */
static enum status try_setting(const struct trials *t, const struct model_config *m, double *value,
                               double *test, uint32_t *epochs)
{
    struct fitted fitted = {0};
    const struct cell_how how = {.metric = t->search->metric,
                                 .k = t->search->k,
                                 .candidates = cell_validation_candidates(t->evaluate),
                                 .is_trial = true};
    enum status status = cell_fit(t->stage, m, t->seed, t->place, &how, &fitted);
    *epochs = fitted.epochs;
    if (status == STATUS_OK)
        status = measure(t, &fitted, false, value);
    if (status == STATUS_OK && t->search->test_too && !m->fit_valid)
        status = cell_set_history(t->stage, m, t->seed, t->place, &fitted);
    if (status == STATUS_OK && t->search->test_too && !m->fit_valid)
        status = measure(t, &fitted, true, test);
    fitted_free(&fitted);
    if (status != STATUS_OK || !t->search->test_too || !m->fit_valid)
        return status;
    struct model_config whole = *m;
    struct arena *arena = arena_new();
    status = arena != NULL ? cell_set_epochs(&whole, *epochs, arena) : STATUS_SYSTEM;
    const struct cell_how all = {.with_valid = true, .is_trial = true};
    if (status == STATUS_OK)
        status = cell_fit(t->stage, &whole, t->seed, t->place, &all, &fitted);
    if (status == STATUS_OK)
        status = measure(t, &fitted, true, test);
    fitted_free(&fitted);
    arena_free(arena);
    return status;
}

static json_t *trial_line(const struct trials *t, const struct search_trial *next, enum status status,
                          const char *sentence, double value, double test, uint32_t epochs, double seconds)
{
    json_t *line =
        json_pack("{s:I, s:i, s:f, s:o, s:s, s:s, s:f}", "trial", (json_int_t)t->n, "rung", (int)next->rung,
                  "resource", next->resource, "params", search_setting_json(t->search, next), "status",
                  status == STATUS_OK ? "done" : "failed", "message", status == STATUS_OK ? "" : sentence,
                  "seconds", seconds);
    if (status == STATUS_OK && isfinite(value))
        json_object_set_new(line, "value", json_real(value));
    if (status == STATUS_OK && isfinite(test))
        json_object_set_new(line, "test", json_real(test));
    if (epochs > 0)
        json_object_set_new(line, "epochs", json_integer(epochs));
    return line;
}

/* A setting that fails (it diverged, or the model refuses it) is a trial without a value. */
static enum status run_trial(struct trials *t, const struct search_trial *next)
{
    struct model_config m = *t->model;
    struct capture capture;
    double value = NAN, test = NAN;
    uint32_t epochs = 0;
    const struct clocks start = clocks_now();
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    json_t *setting = search_setting_json(t->search, next);
    capture_begin(&capture);
    enum status status = search_apply(m.type, m.params, setting, arena, &m.params);
    if (status == STATUS_OK)
        status = try_setting(t, &m, &value, &test, &epochs);
    capture_end(&capture);
    json_decref(setting);
    arena_free(arena);
    if (*t->place->cancelled)
        return STATUS_STOPPED;
    if (status == STATUS_UNAVAILABLE)
        return status_fail(status, "%s", capture.sentence);
    json_t *line =
        trial_line(t, next, status, capture.sentence, value, test, epochs, clocks_now().wall - start.wall);
    if (line == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for a trial");
    t->done[t->n] = *next;
    t->done[t->n++].value = status == STATUS_OK ? signed_value(t, value) : NAN;
    status = append(t, line);
    json_array_append_new(t->lines, line);
    return status;
}

/* ---- the search */
static enum status choose(struct trials *t, struct model_config *chosen, json_t **record)
{
    const size_t best = search_best(t->done, t->n);
    if (best == SIZE_MAX) {
        const char *why = json_string_value(json_object_get(json_array_get(t->lines, 0), "message"));
        return status_fail(STATUS_DATA, "all %zu trials failed, the first: %s", t->n,
                           why != NULL ? why : "without a value");
    }
    const json_t *line = json_array_get(t->lines, best);
    json_t *setting = json_object_get(line, "params");
    *chosen = *t->model;
    TRY(search_apply(chosen->type, chosen->params, setting, t->arena, &chosen->params));
    if (chosen->fit_valid)
        TRY(cell_set_epochs(chosen, (uint32_t)json_integer_value(json_object_get(line, "epochs")), t->arena));
    *record = json_pack("{s:I, s:I, s:O, s:O}", "n_trials", (json_int_t)t->n, "chosen_trial",
                        (json_int_t)best, "chosen", setting, "trials", t->lines);
    return *record != NULL ? STATUS_OK
                           : status_fail(STATUS_SYSTEM, "out of memory for the record of a search");
}

static enum status search(struct trials *t, struct model_config *chosen, json_t **record)
{
    const size_t total = search_total(&t->search->options, &t->search->space);
    ARENA_NEW(t->done, t->arena, total);
    if (t->stage->valid.nnz == 0)
        return status_fail(
            STATUS_DATA,
            "%s: a search needs validation rows: give the dataset a part of train for it, as in "
            "validation: {kind: random, test: 0.1}",
            t->model->label);
    TRY(read_back(t));
    while (true) {
        struct search_trial next;
        bool end;
        TRY(search_next(&t->search->options, &t->search->space, t->done, t->n, t->arena, &next, &end));
        if (end)
            break;
        TRY(run_trial(t, &next));
    }
    return choose(t, chosen, record);
}

enum status trials_run(struct stage *stage, const struct model_config *model, long long seed,
                       const struct evaluate_config *evaluate, const struct cell_place *place,
                       const char *folder, const char *key, struct arena *arena, struct model_config *chosen,
                       json_t **record)
{
    struct trials t = {.stage = stage,
                       .model = model,
                       .search = model->search,
                       .seed = seed,
                       .evaluate = evaluate,
                       .place = place,
                       .arena = arena,
                       .file = -1,
                       .lines = json_array()};
    char path[4096];
    if (snprintf(path, sizeof path, "%s/trials", folder) >= (int)sizeof path ||
        snprintf(t.path, sizeof t.path, "%s/trials/%s.jsonl", folder, key) >= (int)sizeof t.path)
        return status_fail(STATUS_SYSTEM, "%s: the path is too long", folder);
    *record = NULL;
    enum status status = make_folders(path);
    if (status == STATUS_OK)
        status = search(&t, chosen, record);
    if (t.file >= 0)
        close(t.file);
    json_decref(t.lines);
    return status;
}

/* ---- trials.csv */
static const char *text_of(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));
    return text != NULL ? text : "";
}

static void csv_number(FILE *out, double value)
{
    if (isfinite(value))
        fprintf(out, ",%.9g", value);
    else
        fputc(',', out);
}

static enum status csv_trial(const json_t *line, const json_t *trial, bool chosen,
                             const struct search_config *s, double *best, FILE *out)
{
    char *params =
        json_dumps(json_object_get(trial, "params"), JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    const double value = number_of(trial, "value");
    const bool better =
        isfinite(value) && (isnan(*best) || (s->metric->lower_is_better ? value < *best : value > *best));
    if (params == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while writing trials.csv");
    *best = better ? value : *best;
    record_csv_field(out, text_of(line, "dataset"));
    fprintf(out, ",%lld,", (long long)json_integer_value(json_object_get(line, "fold")));
    record_csv_field(out, text_of(line, "label"));
    fprintf(out, ",%lld,%lld,%lld,%.9g,", (long long)json_integer_value(json_object_get(line, "seed")),
            (long long)json_integer_value(json_object_get(trial, "trial")) + 1,
            (long long)json_integer_value(json_object_get(trial, "rung")), number_of(trial, "resource"));
    record_csv_field(out, params);
    free(params);
    fprintf(out, ",%s,", s->metric->name);
    if (s->k > 0)
        fprintf(out, "%u", s->k);
    csv_number(out, value);
    csv_number(out, *best);
    csv_number(out, number_of(trial, "test"));
    csv_number(out, number_of(trial, "epochs"));
    fprintf(out, ",%d,%s,", chosen, text_of(trial, "status"));
    record_csv_field(out, text_of(trial, "message"));
    fputc('\n', out);
    return STATUS_OK;
}

enum status record_trials(const struct record *r)
{
    char path[4096];
    struct atomic_file csv;
    bool any = false;
    for (size_t i = 0; i < r->n_lines; i++)
        any |=
            json_object_get(r->lines[i], "trials") != NULL && strcmp(record_status(r->lines[i]), "done") == 0;
    if (snprintf(path, sizeof path, "%s/trials.csv", r->folder) >= (int)sizeof path)
        return status_fail(STATUS_SYSTEM, "%s: the path is too long", r->folder);
    if (!any) {
        unlink(path);
        return STATUS_OK;
    }
    TRY(atomic_open(&csv, path));
    fputs("dataset,fold,label,seed,trial,rung,resource,params,metric,k,value,best,test,epochs,chosen,status,"
          "message\n",
          csv.stream);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < r->n_lines && status == STATUS_OK; i++) {
        const json_t *line = r->lines[i], *trials = json_object_get(line, "trials");
        const json_int_t chosen = json_integer_value(json_object_get(line, "chosen_trial"));
        const struct search_config *s = NULL;
        double best = NAN;
        for (size_t m = 0; m < r->experiment->n_models; m++)
            if (strcmp(r->experiment->models[m].label, text_of(line, "label")) == 0)
                s = r->experiment->models[m].search;
        for (size_t k = 0; s != NULL && k < json_array_size(trials) && status == STATUS_OK; k++)
            status =
                csv_trial(line, json_array_get(trials, k), (json_int_t)k == chosen, s, &best, csv.stream);
    }
    if (status == STATUS_OK)
        return atomic_commit(&csv);
    atomic_abort(&csv);
    return status;
}
