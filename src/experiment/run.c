/*
 * run.c - runs what is missing of an experiment.
 *
 * Each cell leaves its file and its line in the journal (run_cell.c).  metrics.csv, per_user.h5 and the rest are made anew from
 * the journal at every end of a run, so that they don't depend on how often it was interrupted.
 */
#include "experiment/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "experiment/after.h"
#include "experiment/capture.h"
#include "experiment/cell_file.h"
#include "experiment/finish.h"
#include "experiment/machine.h"
#include "experiment/run_parts.h"

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

/* What a reader of the tables should know of the data. */
static void tell_counts(const struct runner *r)
{
    for (size_t d = 0; d < r->experiment->n_datasets; d++) {
        const struct dataset_plan *set = &r->plan.datasets[d];
        if (set->n_links_filtered < set->n_links)
            log_info("%s: of %llu links between friends %llu are between users with rows after filters",
                     r->experiment->datasets[d].name, (unsigned long long)set->n_links,
                     (unsigned long long)set->n_links_filtered);
        for (size_t f = 0; f < set->n_folds; f++) {
            const struct fold_plan *p = &set->folds[f];
            if (p->n_duplicates + p->n_unknown_dropped + p->n_train_test_pairs == 0)
                continue;
            log_info("%s fold %zu: %llu duplicate pairs (the last was kept), %llu rows with unknown ids "
                     "dropped, %llu pairs "
                     "in train and test (masked when ranking, so missed)",
                     r->experiment->datasets[d].name, f, (unsigned long long)p->n_duplicates,
                     (unsigned long long)p->n_unknown_dropped, (unsigned long long)p->n_train_test_pairs);
        }
    }
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
            TRY(run_note(r, i, status, dataset->sentence));
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
    bool *to_run;
    size_t n_to_run = 0, n_done = 0;
    ARENA_NEW(to_run, r->arena, r->plan.n_cells);
    for (size_t i = 0; i < r->plan.n_cells; i++) {
        const bool usable = r->plan.datasets[r->plan.cells[i].dataset].status == STATUS_OK;
        to_run[i] = usable && in_shard(r->options, i) && !is_done(r, i);
        n_to_run += to_run[i];
    }
    log_info("%s: %zu cells, %zu to run, into %s", r->experiment->name, r->plan.n_cells, n_to_run,
             r->folder.path);
    tell_counts(r);
    if (candidates_warned(r->experiment->evaluate.candidates.kind))
        log_warn("%s", candidates_warning);
    TRY(skip_cells(r));
    r->progress = progress_new(n_to_run);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < r->plan.n_cells && status == STATUS_OK; i++) {
        if (!to_run[i])
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
