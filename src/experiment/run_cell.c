/*
 * run_cell.c - one cell of a run: from its data to its file and its line in the journal.
 *
 * The file comes first, then the line: a kill in between loses at most the cell at hand, which comes out with the same bytes when it
 * runs again.
 */
#include "base/log.h"
#include "experiment/capture.h"
#include "experiment/cell.h"
#include "experiment/run_parts.h"
#include "experiment/searches.h"
#include "models/model_io.h"

/* ---- its line */

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

enum status run_note(struct runner *r, size_t i, const char *status, const char *message)
{
    return append(r, new_line(r, i, status, message));
}

static void add_clocks(json_t *line, const char *what, struct clocks clocks)
{
    char name[64];
    snprintf(name, sizeof name, "%s_seconds", what);
    json_object_set_new(line, name, json_real(clocks.wall));
    snprintf(name, sizeof name, "%s_cpu_seconds", what);
    json_object_set_new(line, name, json_real(clocks.cpu));
}

/* What was counted when the dataset was filtered and the fold was made (stage.h, split.h). */
static void add_counts(json_t *line, const struct dataset_plan *dataset, const struct fold_plan *fold)
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
                  {"n_train_dropped", fold->n_train_dropped},
                  {"n_links", dataset->n_links},
                  {"n_links_dropped", dataset->n_links - dataset->n_links_filtered}};
    const size_t n = sizeof counts / sizeof *counts - (dataset->n_links > 0 ? 0 : 2);
    for (size_t i = 0; i < n; i++)
        json_object_set_new(line, counts[i].name, json_integer((json_int_t)counts[i].n));
    json_object_set_new(line, "audit", audit_json(&fold->audit));
}

/* What a language model read while the cell was ranked and measured. */
static void add_usage(json_t *line, const struct fitted *fitted)
{
    struct model_usage u;
    if (fitted->type->usage == NULL)
        return;
    fitted->type->usage(fitted->state, &u);
    if (u.n_users == 0) /* a model that can have one and has none */
        return;
    const double n = (double)u.n_users;
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
        const struct dataset_plan *dataset = &r->plan.datasets[r->plan.cells[i].dataset];
        add_counts(line, dataset, &dataset->folds[r->plan.cells[i].fold]);
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

/* ---- the cell */

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

enum status run_cell(struct runner *r, size_t i)
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
        status = run_note(r, i, skipped ? "skipped" : "failed", sentence);
    } else {
        status = STATUS_STOPPED;
    }
    json_decref(search);
    fitted_free(&fitted);
    arena_free(arena);
    return status;
}
