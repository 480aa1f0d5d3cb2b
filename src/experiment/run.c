/*
 * run.c - runs what is missing of an experiment.
 *
 * A cell is first written to its file, then noted in the journal: a kill in between loses at most the cell at hand,
 * which comes out with the same bytes when it runs again.  metrics.csv, per_user.h5 and the rest are made anew from
 * the journal at every end of a run, so that they don't depend on how often it was interrupted.
 */
#include "experiment/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "experiment/after.h"
#include "experiment/capture.h"
#include "experiment/cell.h"
#include "experiment/finish.h"
#include "experiment/plan.h"
#include "experiment/searches.h"
#include "models/model_io.h"

const char *run_models_folder(void)
{
    const char *folder = getenv("RECFUSE_MODELS");
    return folder != NULL && folder[0] != '\0' ? folder : "models";
}

const char *run_cache_folder(void)
{
    const char *folder = getenv("RECFUSE_CACHE");
    return folder != NULL && folder[0] != '\0' ? folder : "cache";
}

struct runner {
    const struct experiment *experiment;
    const struct run_options *options;
    const struct backend *backend;
    struct plan plan;
    struct folder folder;
    struct arena *arena;
    struct progress *progress;
    struct stage stage;
    size_t stage_dataset, stage_fold; /* SIZE_MAX: none */
};

static bool in_shard(const struct run_options *o, size_t cell)
{
    return o->n_shards == 0 || cell % o->n_shards == o->shard % o->n_shards;
}

/* STATUS_OK when at least one dataset can be used or is merely not there. */
static enum status check_datasets(const struct runner *r)
{
    const struct dataset_plan *bad = NULL;
    for (size_t d = 0; d < r->experiment->n_datasets; d++) {
        const struct dataset_plan *p = &r->plan.datasets[d];
        if (p->status == STATUS_OK)
            return STATUS_OK;
        if (p->status != STATUS_UNAVAILABLE && bad == NULL)
            bad = p;
    }
    return bad != NULL ? status_fail(bad->status, "%s", bad->sentence) : STATUS_OK;
}

/* The data of finished cells must be the data that the plan saw. */
static enum status check_content(const struct runner *r)
{
    const char *key;
    json_t *line;
    json_object_foreach(r->folder.journal.entries, key, line)
    {
        const char *name = json_string_value(json_object_get(line, "dataset"));
        const char *sha256 = json_string_value(json_object_get(line, "dataset_sha256"));
        for (size_t d = 0; name != NULL && sha256 != NULL && d < r->experiment->n_datasets; d++) {
            const char *now = r->plan.datasets[d].sha256;
            if (strcmp(name, r->experiment->datasets[d].name) == 0 && sha256[0] != '\0' && now[0] != '\0' &&
                strcmp(sha256, now) != 0)
                return status_fail(
                    STATUS_USAGE,
                    "%s: the content of dataset %s changed (content_sha256 was %.12s..., is %.12s...); "
                    "--fresh moves the old results aside, --out DIR writes elsewhere",
                    r->folder.path, name, sha256, now);
        }
    }
    return STATUS_OK;
}

/* The lines that still hold and stand above the last head, below it again. */
static enum status repeat_lines(struct runner *r)
{
    for (size_t i = 0; i < r->plan.n_cells; i++) {
        json_t *line = journal_find(&r->folder.journal, r->plan.cells[i].key);
        if (line == NULL || json_object_get(r->folder.journal.current, r->plan.cells[i].key) != NULL)
            continue;
        json_object_set_new(line, "cell", json_integer((json_int_t)i));
        TRY(journal_append(&r->folder.journal, line));
    }
    return STATUS_OK;
}

/* A head line for this plan, unless the last one says the same. */
static enum status write_head(struct runner *r)
{
    char now[32];
    const char *before = json_string_value(json_object_get(r->folder.journal.head, "plan_sha256"));
    if (before != NULL && strcmp(before, r->plan.sha256) == 0)
        return STATUS_OK;
    machine_time(now);
    json_t *line = json_pack("{s:i, s:O, s:s, s:s, s:I, s:s}", "journal", 1, "config",
                             r->experiment->resolved, "config_sha256", r->experiment->sha256, "plan_sha256",
                             r->plan.sha256, "n_cells", (json_int_t)r->plan.n_cells, "started", now);
    if (line == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for the journal");
    const enum status status = journal_append(&r->folder.journal, line);
    json_decref(line);
    return status;
}

static bool is_done(const struct runner *r, size_t i)
{
    const json_t *line = journal_find(&r->folder.journal, r->plan.cells[i].key);
    if (line == NULL || strcmp(record_status(line), "done") != 0)
        return false;
    struct cell_values values;
    struct capture capture;
    struct arena *arena = arena_new();
    capture_begin(&capture);
    const enum status status =
        arena != NULL ? cell_read(r->folder.path, r->plan.cells[i].key, arena, &values) : STATUS_SYSTEM;
    capture_end(&capture);
    arena_free(arena);
    if (status != STATUS_OK)
        log_warn("%s; the cell runs again", capture.sentence);
    return status == STATUS_OK;
}

/* Of a GPU, or of the lack of one. */
static void add_device(const struct backend *b, json_t *line)
{
    const char *const texts[] = {b->card, b->fallback, backend_note(b)};
    const char *const keys[] = {"card", "device_fallback", "device_note"};
    for (int i = 0; i < 3 && line != NULL; i++)
        if (texts[i] != NULL)
            json_object_set_new(line, keys[i], json_string(texts[i]));
}

/* The line of a cell, so far without figures. */
static json_t *new_line(const struct runner *r, size_t i, const char *status, const char *message)
{
    char now[32];
    const struct cell *cell = &r->plan.cells[i];
    const struct model_config *m = &r->experiment->models[cell->model];
    machine_time(now);
    json_t *line = json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:s, s:i, s:s}", "cell",
        (json_int_t)i, "key", cell->key, "status", status, "message", message, "dataset",
        r->experiment->datasets[cell->dataset].name, "dataset_sha256", r->plan.datasets[cell->dataset].sha256,
        "fold", (json_int_t)cell->fold, "model", m->type->name, "label", m->label, "params",
        json_loads(m->params_json, 0, NULL), "grid", json_loads(m->grid_json, 0, NULL), "seed",
        (json_int_t)r->experiment->seeds[cell->seed], "block", (json_int_t)m->block, "point",
        (json_int_t)m->point, "device", r->backend->name, "threads", r->backend->threads, "finished", now);
    add_device(r->backend, line);
    return line;
}

static enum status append(struct runner *r, json_t *line)
{
    if (line == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for the journal");
    const enum status status = journal_append(&r->folder.journal, line);
    json_decref(line);
    return status;
}

static void add_clocks(json_t *line, const char *what, struct clocks clocks)
{
    char name[64];
    snprintf(name, sizeof name, "%s_seconds", what);
    json_object_set_new(line, name, json_real(clocks.wall));
    snprintf(name, sizeof name, "%s_cpu_seconds", what);
    json_object_set_new(line, name, json_real(clocks.cpu));
}

/* What was counted when the fold was made (split.h). */
static void add_counts(json_t *line, const struct fold_plan *fold)
{
    const struct {
        const char *name;
        uint64_t n;
    } counts[] = {{"n_train", fold->n_train},
                  {"n_valid", fold->n_valid},
                  {"n_test", fold->n_test},
                  {"n_duplicates", fold->n_duplicates},
                  {"n_unknown_dropped", fold->n_unknown_dropped},
                  {"n_train_test_pairs", fold->n_train_test_pairs},
                  {"n_cold_test_items", fold->n_cold_test_items},
                  {"n_filtered_dropped", fold->n_filtered_dropped},
                  {"n_not_in_dataset", fold->n_not_in_dataset},
                  {"n_cold_test_users", fold->n_cold_test_users},
                  {"n_users_without_test", fold->n_users_without_test},
                  {"n_left_out", fold->n_left_out},
                  {"n_train_dropped", fold->n_train_dropped}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(line, counts[i].name, json_integer((json_int_t)counts[i].n));
    json_object_set_new(line, "audit", audit_json(&fold->audit));
}

/* What a reader of the tables should know of the data. */
static void tell_counts(const struct runner *r)
{
    for (size_t d = 0; d < r->experiment->n_datasets; d++)
        for (size_t f = 0; f < r->plan.datasets[d].n_folds; f++) {
            const struct fold_plan *p = &r->plan.datasets[d].folds[f];
            if (p->n_duplicates + p->n_unknown_dropped + p->n_train_test_pairs == 0)
                continue;
            log_info("%s fold %zu: %llu duplicate pairs (the last was kept), %llu rows with unknown ids "
                     "dropped, %llu pairs "
                     "in train and test (masked when ranking, so missed)",
                     r->experiment->datasets[d].name, f, (unsigned long long)p->n_duplicates,
                     (unsigned long long)p->n_unknown_dropped, (unsigned long long)p->n_train_test_pairs);
        }
}

/* What a language model read while the cell was ranked and measured. */
static void add_usage(json_t *line, const struct fitted *fitted)
{
    struct model_usage u;
    if (fitted->type->usage == NULL)
        return;
    fitted->type->usage(fitted->state, &u);
    const double n = u.n_users > 0 ? (double)u.n_users : 1;
    json_object_set_new(line, "language_model",
                        json_pack("{s:I, s:I, s:I, s:I, s:f, s:f}", "users", (json_int_t)u.n_users, "items",
                                  (json_int_t)u.n_items, "tokens", (json_int_t)u.n_tokens, "tokens_unshared",
                                  (json_int_t)u.n_tokens_unshared, "tokens_a_user", (double)u.n_tokens / n,
                                  "ms_a_user", 1000 * u.seconds / n));
}

/* What texts were encoded for the cell's fits, trials among them. */
static void add_encoding(json_t *line, const struct encoder_use *use)
{
    const double n = use->n_encoded > 0 ? (double)use->n_encoded : 1;
    if (use->n_texts > 0)
        json_object_set_new(
            line, "encoding",
            json_pack("{s:I, s:I, s:I, s:f, s:f, s:f, s:f}", "texts", (json_int_t)use->n_texts, "encoded",
                      (json_int_t)use->n_encoded, "tokens", (json_int_t)use->n_tokens, "seconds",
                      use->seconds, "cpu_seconds", use->cpu_seconds, "tokens_a_text",
                      (double)use->n_tokens / n, "cpu_ms_a_text", 1000 * use->cpu_seconds / n));
}

static enum status write_done(struct runner *r, size_t i, const struct cell_outcome *outcome,
                              const struct fitted *fitted, json_t *search)
{
    TRY(cell_write(r->folder.path, r->plan.cells[i].key, &outcome->values));
    json_t *line = new_line(r, i, "done", "");
    if (line != NULL) {
        json_object_set_new(line, "n_users", json_integer(outcome->values.n_users));
        json_object_set_new(line, "n_tied", json_integer(outcome->n_tied));
        json_object_set_new(line, "peak_rss_mib", json_real(outcome->peak_rss_mib));
        add_counts(line, &r->plan.datasets[r->plan.cells[i].dataset].folds[r->plan.cells[i].fold]);
        add_clocks(line, "fit", outcome->fit);
        add_clocks(line, "rank", outcome->rank);
        add_clocks(line, "evaluate", outcome->evaluate);
        add_usage(line, fitted);
        add_encoding(line, &outcome->encoded);
        json_object_update(line, search);
    }
    TRY(append(r, line));
    const struct model_config *m = &r->experiment->models[r->plan.cells[i].model];
    for (size_t k = 0; search != NULL && k <= m->n_inside; k++)
        trials_forget(r->folder.path, r->plan.cells[i].search_keys[k]);
    return STATUS_OK;
}

static enum status save_model(const struct runner *r, size_t i, const struct fitted *fitted)
{
    char path[4096];
    const struct cell *cell = &r->plan.cells[i];
    if (!r->experiment->save_models || fitted->type->save == NULL)
        return STATUS_OK;
    snprintf(path, sizeof path, "%s/models", r->folder.path);
    TRY(make_folders(path));
    snprintf(path, sizeof path, "%s/models/%s.h5", r->folder.path, cell->key);
    return model_save(path, fitted->type, fitted->params, fitted->state);
}

/* Dataset and fold of the cell in memory. */
static enum status bring_stage(struct runner *r, const struct cell *cell)
{
    if (r->stage_dataset != cell->dataset) {
        stage_close(&r->stage);
        r->stage_dataset = r->stage_fold = SIZE_MAX;
        TRY(stage_open(&r->experiment->datasets[cell->dataset], &r->stage));
        r->stage_dataset = cell->dataset;
    }
    if (r->stage_fold != cell->fold) {
        r->stage_fold = SIZE_MAX;
        TRY(stage_fold(&r->stage, cell->fold));
        r->stage_fold = cell->fold;
    }
    return STATUS_OK;
}

/* Fit to metrics; what fails here is the cell's own failure. */
static enum status compute(struct runner *r, size_t i, struct arena *arena, struct fitted *fitted,
                           struct cell_outcome *outcome, json_t **search)
{
    const struct cell *cell = &r->plan.cells[i];
    const long long seed = r->experiment->seeds[cell->seed];
    const struct cell_place place = {r->backend,
                                     run_cache_folder(),
                                     run_models_folder(),
                                     r->options->signal,
                                     (int)r->experiment->evaluate.validation_every,
                                     &outcome->encoded};
    TRY(bring_stage(r, cell));
    machine_reset_peak();
    const struct clocks start = clocks_now();
    const struct model_config *m = &r->experiment->models[cell->model];
    const struct trials_keep keep = {r->folder.path, &r->folder.journal};
    struct model_config chosen;
    TRY(searches_run(&r->stage, m, cell->search_keys, seed, &r->experiment->evaluate, &place, &keep, arena,
                     &chosen, search));
    TRY(cell_fit_final(&r->stage, &chosen, m->search != NULL, seed, &r->experiment->evaluate, &place,
                       fitted));
    fitted->params = chosen.params;
    const struct clocks end = clocks_now();
    outcome->fit = (struct clocks){end.wall - start.wall, end.cpu - start.cpu};
    TRY(cell_evaluate(&r->stage, fitted, &r->experiment->evaluate, seed, &place, arena, outcome));
    outcome->values.more[CELL_CURVES] = (struct cell_text){fitted->curves, fitted->n_curves};
    return STATUS_OK;
}

static enum status run_cell(struct runner *r, size_t i)
{
    const struct cell *cell = &r->plan.cells[i];
    const struct model_config *m = &r->experiment->models[cell->model];
    const char *dataset = r->experiment->datasets[cell->dataset].name;
    struct cell_outcome outcome = {0};
    struct fitted fitted = {0};
    json_t *search = NULL; /* the record of its trials */
    struct capture capture;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    progress_label(r->progress, "%s fold %zu: %s", dataset, cell->fold, m->label);
    capture_begin(&capture);
    enum status status = compute(r, i, arena, &fitted, &outcome, &search);
    capture_end(&capture);
    if (status == STATUS_OK) {
        status = save_model(r, i, &fitted);
        if (status == STATUS_OK)
            status = write_done(r, i, &outcome, &fitted, search);
    } else if (*r->options->signal == 0) {
        const bool skipped = status == STATUS_UNAVAILABLE;
        const char *sentence = capture.sentence[0] != '\0' ? capture.sentence : "no reason was given";
        log_warn("%s fold %zu %s: %s: %s", dataset, cell->fold, m->label, skipped ? "skipped" : "failed",
                 sentence);
        status = append(r, new_line(r, i, skipped ? "skipped" : "failed", sentence));
    } else {
        status = STATUS_STOPPED;
    }
    json_decref(search);
    fitted_free(&fitted);
    arena_free(arena);
    return status;
}

/* The cells of datasets that can't be used: a line each, unless the journal says the same already. */
static enum status skip_cells(struct runner *r)
{
    for (size_t i = 0; i < r->plan.n_cells; i++) {
        const struct dataset_plan *dataset = &r->plan.datasets[r->plan.cells[i].dataset];
        const char *status = dataset->status == STATUS_UNAVAILABLE ? "skipped" : "failed";
        if (dataset->status == STATUS_OK || !in_shard(r->options, i))
            continue;
        const json_t *line = journal_find(&r->folder.journal, r->plan.cells[i].key);
        const char *message = json_string_value(json_object_get(line, "message"));
        if (message == NULL || strcmp(record_status(line), status) != 0 ||
            strcmp(message, dataset->sentence) != 0)
            TRY(append(r, new_line(r, i, status, dataset->sentence)));
    }
    for (size_t d = 0; d < r->experiment->n_datasets; d++)
        if (r->plan.datasets[d].status != STATUS_OK)
            log_warn("%s: %s: %s", r->experiment->datasets[d].name,
                     r->plan.datasets[d].status == STATUS_UNAVAILABLE ? "skipped" : "failed",
                     r->plan.datasets[d].sentence);
    return STATUS_OK;
}

static enum status run_cells(struct runner *r)
{
    bool *todo;
    size_t n_todo = 0, n_done = 0;
    ARENA_NEW(todo, r->arena, r->plan.n_cells);
    for (size_t i = 0; i < r->plan.n_cells; i++) {
        const bool usable = r->plan.datasets[r->plan.cells[i].dataset].status == STATUS_OK;
        todo[i] = usable && in_shard(r->options, i) && !is_done(r, i);
        n_todo += todo[i];
    }
    log_info("%s: %zu cells, %zu to run, into %s", r->experiment->name, r->plan.n_cells, n_todo,
             r->folder.path);
    tell_counts(r);
    if (candidates_warned(r->experiment->evaluate.candidates.kind))
        log_warn("%s", candidates_warning);
    TRY(skip_cells(r));
    r->progress = progress_new(n_todo);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < r->plan.n_cells && status == STATUS_OK; i++) {
        if (!todo[i])
            continue;
        status = *r->options->signal != 0 ? STATUS_STOPPED : run_cell(r, i);
        progress_update(r->progress, ++n_done);
    }
    progress_free(r->progress);
    r->progress = NULL;
    stage_close(&r->stage);
    return status;
}

/* The lines of this plan's cells, in its order. */
static enum status end(struct runner *r)
{
    struct record record = {
        .experiment = r->experiment, .folder = r->folder.path, .n_cells = r->plan.n_cells};
    ARENA_NEW(record.lines, r->arena, r->plan.n_cells);
    for (size_t i = 0; i < r->plan.n_cells; i++) {
        json_t *line = journal_find(&r->folder.journal, r->plan.cells[i].key);
        if (line != NULL)
            record.lines[record.n_lines++] = line;
    }
    return finish(&record, &r->folder, r->backend->name, r->backend->threads, r->options->n_shards > 0);
}

static enum status run_in_folder(struct runner *r)
{
    TRY(check_content(r));
    TRY(write_head(r));
    TRY(repeat_lines(r));
    enum status status = run_cells(r);
    struct after after = {.experiment = r->experiment,
                          .plan = &r->plan,
                          .folder = &r->folder,
                          .options = r->options,
                          .device = r->backend->name,
                          .arena = r->arena};
    if (status == STATUS_OK && r->options->n_shards == 0) {
        TRY(finish_yaml(r->experiment, r->folder.path, r->arena));
        status = after_cells(&after);
    }
    if (status == STATUS_STOPPED) {
        const int number = (int)*r->options->signal;
        log_info("stopped; finished cells are kept: run the same command again to go on");
        return number == SIGINT ? STATUS_INTERRUPTED : STATUS_STOPPED;
    }
    TRY(status);
    status = end(r);
    return status == STATUS_OK && after.n_failed > 0
               ? status_fail(STATUS_PARTIAL, "what comes after the cells failed: the sentences above say why")
               : status;
}

static const char *default_folder(const struct runner *r)
{
    if (r->options->out != NULL)
        return r->options->out;
    if (r->options->n_shards == 0)
        return arena_printf(r->arena, "results/%s", r->experiment->name);
    const unsigned shard = r->options->shard % r->options->n_shards;
    return arena_printf(r->arena, "results/%s-shard-%u-of-%u", r->experiment->name,
                        shard == 0 ? r->options->n_shards : shard, r->options->n_shards);
}

static enum status prepare(struct runner *r)
{
    TRY(backend_open(r->options->device, r->options->threads, &r->backend));
    TRY(plan_make(r->experiment, r->backend->name, run_models_folder(), r->arena, &r->plan, &r->stage));
    if (r->stage.dataset != NULL)
        r->stage_dataset = 0;
    TRY(check_datasets(r));
    const char *path = default_folder(r);
    if (path == NULL)
        return STATUS_SYSTEM;
    TRY(folder_open(path, r->experiment, r->options->fresh, r->arena, &r->folder));
    const enum status status = run_in_folder(r);
    folder_close(&r->folder);
    return status;
}

enum status run_experiment(const struct experiment *e, const struct run_options *options)
{
    struct runner r = {.experiment = e,
                       .options = options,
                       .stage_dataset = SIZE_MAX,
                       .stage_fold = SIZE_MAX,
                       .arena = arena_new()};
    if (r.arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = prepare(&r);
    stage_close(&r.stage);
    arena_free(r.arena);
    return status;
}
