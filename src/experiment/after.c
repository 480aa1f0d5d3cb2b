/* after.c - see after.h. */
#include "experiment/after.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "experiment/capture.h"
#include "experiment/loop_run.h"
#include "experiment/present.h"
#include "experiment/record.h"
#include "experiment/simulation_play.h"

struct step {
    const char *name;         /* the block's, and the folder's of what it keeps */
    const char *const *files; /* NULL-ended: what it writes into the folder of results */
    const char *const *plots; /* NULL-ended: what it draws there, where there is a gnuplot */
    /* What it is of; model NULL: the experiment doesn't ask for it. */
    void (*of)(const struct experiment *e, const struct dataset_config **dataset,
               const struct model_config **model);
    /* What determines its result beside that cell.  STATUS_UNAVAILABLE: what it needs isn't there, with what to do. */
    enum status (*part)(const struct after *a, json_t *out);
    enum status (*work)(const struct after *a, const char *key);
};

/* ------------------------------------------------------------------------------------------------------ present */

static void present_of(const struct experiment *e, const struct dataset_config **dataset,
                       const struct model_config **model)
{
    *dataset = e->present != NULL ? e->present->dataset : NULL;
    *model = e->present != NULL ? e->present->model : NULL;
}

static enum status present_key(const struct after *a, json_t *out)
{
    json_object_set_new(out, "version", json_integer(1));
    json_object_set_new(out, "settings", json_loads(a->experiment->present->json, 0, NULL));
    return present_part(&a->experiment->present->settings, run_models_folder(), out);
}

static enum status present_work(const struct after *a, const char *key)
{
    const struct present_config *p = a->experiment->present;
    const struct present_run run = {.chosen = {.run = a->folder->path,
                                               .dataset = p->dataset->name,
                                               .model = p->model->label,
                                               .point = (unsigned)p->model->point,
                                               .threads = (unsigned)a->options->threads,
                                               .device = a->device,
                                               .signal = a->options->signal},
                                    .settings = p->settings,
                                    .save = true,
                                    .key = key};
    log_info("present: %d users, %d items each, by %s", p->settings.users, p->settings.top, p->model->label);
    return present_print(&run, NULL);
}

/* ------------------------------------------------------------------------------------------------------ feedback */

static void feedback_of(const struct experiment *e, const struct dataset_config **dataset,
                        const struct model_config **model)
{
    const bool asked = e->feedback != NULL && e->feedback->simulated;
    *dataset = asked ? e->feedback->dataset : NULL;
    *model = asked ? e->feedback->model : NULL;
}

static enum status feedback_key(const struct after *a, json_t *out)
{
    const struct feedback_config *f = a->experiment->feedback;
    json_object_set_new(out, "version", json_integer(1));
    json_object_set_new(out, "learning", json_loads(f->json, 0, NULL));
    json_object_set_new(out, "users", json_loads(f->simulate_json, 0, NULL));
    json_object_set_new(out, "seeds", json_integer(f->seeds));
    return STATUS_OK;
}

static enum status play(const struct after *a, struct loop *loop, struct kept *kept)
{
    const struct feedback_config *f = a->experiment->feedback;
    long long *seed;
    bool drawn;
    struct simulation s = {.arena = a->arena,
                           .signal = a->options->signal,
                           .how = f->how,
                           .loop = loop,
                           .n_seeds = (size_t)f->seeds,
                           .kept = kept,
                           .out = a->folder->path,
                           .prefix = "feedback-"};
    ARENA_NEW(seed, a->arena, s.n_seeds);
    for (size_t k = 0; k < s.n_seeds; k++)
        seed[k] = (long long)k;
    s.seed = seed;
    TRY(backend_open("cpu", a->options->threads, &s.backend));
    TRY(loop_open(loop, a->arena));
    TRY(simulation_play(&s));
    printf("\nfeedback of %s\n", f->model->label);
    return simulation_write(&s, stdout, &drawn);
}

static enum status feedback_work(const struct after *a, const char *key)
{
    struct experiment again = {0};
    struct loop loop = {0};
    struct kept kept = {.file = -1};
    char unused[SHA256_HEX];
    enum status status = loop_of_run(a->folder->path, a->arena, &again, &loop, unused);
    if (status == STATUS_OK)
        status = kept_open(a->folder->path, "feedback", key, &kept);
    if (status == STATUS_OK)
        status = play(a, &loop, &kept);
    kept_close(&kept);
    if (status == STATUS_OK)
        kept_forget(a->folder->path, "feedback", key);
    loop_close(&loop);
    experiment_free(&again);
    return status;
}

static const char *const feedback_files[] = {"feedback-systems.csv", "feedback-tests.csv",
                                             "feedback-rounds.csv", NULL};
static const char *const feedback_plots[] = {"plots/feedback-regret.gp", "plots/feedback-regret.svg",
                                             "plots/feedback-regret.png", NULL};
static const char *const present_files[] = {"present.csv", "present-summary.csv", NULL};
static const char *const no_plots[] = {NULL};
static const struct step steps[] = {
    {"present", present_files, no_plots, present_of, present_key, present_work},
    {"feedback", feedback_files, feedback_plots, feedback_of, feedback_key, feedback_work},
};

/* ------------------------------------------------------------------------------------------------------ a step */

/* The cell that the step is of: first fold, first seed. */
static const struct cell *cell_of(const struct after *a, const struct dataset_config *dataset,
                                  const struct model_config *model)
{
    for (size_t i = 0; i < a->plan->n_cells; i++) {
        const struct cell *c = &a->plan->cells[i];
        if (&a->experiment->datasets[c->dataset] == dataset && &a->experiment->models[c->model] == model &&
            c->fold == 0 && c->seed == 0)
            return c;
    }
    return NULL;
}

static enum status key_of(const struct after *a, const struct step *step, const struct cell *cell,
                          char key[SHA256_HEX])
{
    json_t *part = json_pack("{s:s, s:s}", "after", step->name, "cell", cell->key);
    enum status status = part != NULL ? step->part(a, part) : STATUS_SYSTEM;
    char *text = json_dumps(part, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    if (status == STATUS_OK && text == NULL)
        status = status_fail(STATUS_SYSTEM, "out of memory for the key of %s", step->name);
    if (status == STATUS_OK)
        sha256_hex(text, strlen(text), key);
    free(text);
    json_decref(part);
    return status;
}

static bool files_there(const struct after *a, const struct step *step)
{
    char path[4096];
    for (size_t i = 0; step->files[i] != NULL; i++)
        if (path_join(a->folder->path, step->files[i], path) != STATUS_OK || !file_exists(path))
            return false;
    return true;
}

static enum status note(const struct after *a, const struct step *step, const char *key, const char *status,
                        const char *message, double seconds)
{
    char now[32];
    machine_time(now);
    json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:f, s:s}", "after", step->name, "key", key, "status",
                             status, "message", message, "seconds", seconds, "finished", now);
    if (line == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for the journal");
    const enum status result = journal_append(&a->folder->journal, line);
    json_decref(line);
    return result;
}

/* Files of another key are no result of this experiment. */
static enum status remove_files(const struct after *a, const struct step *step)
{
    const char *const *const lists[] = {step->files, step->plots};
    char path[4096];
    for (size_t k = 0; k < sizeof lists / sizeof *lists; k++)
        for (const char *const *file = lists[k]; *file != NULL; file++) {
            TRY(path_join(a->folder->path, *file, path));
            unlink(path);
        }
    return STATUS_OK;
}

/* Skipped or failed: told, noted where the journal doesn't say so already. */
static enum status give_up(struct after *a, const struct step *step, const json_t *before, const char *key,
                           enum status status, const char *sentence)
{
    const char *word = status == STATUS_UNAVAILABLE ? "skipped" : "failed";
    a->n_failed += status != STATUS_UNAVAILABLE;
    log_warn("%s: %s: %s", step->name, word, sentence);
    if (before != NULL && strcmp(record_text(before, "status"), "done") == 0)
        TRY(remove_files(a, step));
    if (strcmp(record_text(before, "status"), word) == 0 &&
        strcmp(record_text(before, "message"), sentence) == 0)
        return STATUS_OK;
    return note(a, step, key, word, sentence, 0);
}

static enum status try_step(struct after *a, const struct step *step, const json_t *before,
                            const struct cell *cell)
{
    char key[SHA256_HEX] = "", why[600];
    const json_t *line = journal_find(&a->folder->journal, cell->key);
    struct capture capture;
    if (strcmp(record_status(line), "done") != 0) {
        snprintf(why, sizeof why, "%s is not done: %s", a->experiment->models[cell->model].label,
                 record_text(line, "message"));
        return give_up(a, step, before, key, STATUS_UNAVAILABLE, why);
    }
    const struct clocks start = clocks_now();
    capture_begin(&capture);
    enum status status = key_of(a, step, cell, key);
    const bool done = status == STATUS_OK && strcmp(record_text(before, "status"), "done") == 0 &&
                      strcmp(record_text(before, "key"), key) == 0 && files_there(a, step);
    if (status == STATUS_OK && !done)
        status = step->work(a, key);
    capture_end(&capture);
    if (done)
        return STATUS_OK;
    if (*a->options->signal != 0)
        return STATUS_STOPPED;
    if (status != STATUS_OK)
        return give_up(a, step, before, key, status, capture.sentence);
    return note(a, step, key, "done", "", clocks_now().wall - start.wall);
}

enum status after_cells(struct after *a)
{
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        const struct step *step = &steps[s];
        const struct dataset_config *dataset;
        const struct model_config *model;
        const json_t *before = json_object_get(a->folder->journal.after, step->name);
        step->of(a->experiment, &dataset, &model);
        const struct cell *cell = model != NULL ? cell_of(a, dataset, model) : NULL;
        if (cell != NULL)
            TRY(try_step(a, step, before, cell));
        else if (before != NULL && strcmp(record_text(before, "status"), "off") != 0) {
            TRY(remove_files(a, step)); /* an earlier experiment asked for it */
            TRY(note(a, step, "", "off", "", 0));
        }
    }
    return STATUS_OK;
}
