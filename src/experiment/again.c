/* again.c - see again.h. */
#include "experiment/again.h"

#include <string.h>

#include "base/strings.h"
#include "experiment/capture.h"
#include "experiment/journal.h"
#include "experiment/record.h"
#include "experiment/searches.h"
#include "models/model_io.h"

static enum status unknown(const char *what, const char *word, const char *const *names, size_t n)
{
    const char *nearest = string_nearest(word, names, n);
    char known[1024] = "";
    for (size_t i = 0; i < n; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i > 0 ? ", " : "", names[i]);
    if (nearest != NULL)
        return status_fail(STATUS_USAGE, "unknown %s '%s'; did you mean '%s'?", what, word, nearest);
    return status_fail(STATUS_USAGE, "unknown %s '%s'; the run has %s", what, word, known);
}

enum status again_dataset(const struct experiment *e, const char *name, const struct dataset_config **out)
{
    const char *names[64];
    size_t n = 0;
    *out = NULL;
    for (size_t i = 0; i < e->n_datasets; i++) {
        if (strcmp(e->datasets[i].name, name) == 0)
            *out = &e->datasets[i];
        if (n < 64)
            names[n++] = e->datasets[i].name;
    }
    if (*out == NULL)
        return unknown("dataset", name, names, n);
    if ((*out)->unavailable != NULL)
        return status_fail(STATUS_DATA, "%s", (*out)->unavailable);
    return STATUS_OK;
}

enum status again_model(const struct experiment *e, const char *label, unsigned point,
                        const struct model_config **out)
{
    const char *names[64];
    size_t n = 0, n_points = 0;
    *out = NULL;
    for (size_t i = 0; i < e->n_models; i++) {
        const struct model_config *m = &e->models[i];
        if (strcmp(m->label, label) == 0) {
            n_points++;
            if (m->point == point)
                *out = m;
        }
        if (m->point == 0 && n < 64)
            names[n++] = m->label;
    }
    if (n_points == 0)
        return unknown("model", label, names, n);
    if (*out == NULL)
        return status_fail(STATUS_USAGE, "--point %u: '%s' has %zu grid points, counted from 0", point, label,
                           n_points);
    return STATUS_OK;
}

enum status again_load(const char *run_dir, struct arena *arena, struct experiment *out)
{
    char path[4096];
    TRY(path_join(run_dir, "experiment.yaml", path));
    if (!file_exists(path))
        return status_fail(STATUS_DATA, "%s: there is no run (no experiment.yaml)", run_dir);
    return experiment_load(path, NULL, 0, arena, out);
}

/* The run's line about the cell, with its key; NULL: there is none. */
static const char *line_of(const struct again_cell *c, const struct journal *journal, json_t **found)
{
    const char *key;
    json_t *line;
    json_object_foreach(journal->entries, key, line)
    {
        const char *dataset = json_string_value(json_object_get(line, "dataset"));
        const char *label = json_string_value(json_object_get(line, "label"));
        if (dataset != NULL && label != NULL && strcmp(dataset, c->dataset->name) == 0 &&
            strcmp(label, c->model->label) == 0 &&
            json_integer_value(json_object_get(line, "fold")) == (json_int_t)c->fold &&
            json_integer_value(json_object_get(line, "point")) == (json_int_t)c->model->point &&
            json_integer_value(json_object_get(line, "seed")) == c->seed) {
            *found = line;
            return key;
        }
    }
    return NULL;
}

static enum status load_saved(const struct model_config *model, long long seed, const char *path,
                              const struct cell_place *place, struct fitted *out)
{
    const struct model_type *type = model->type;
    struct run run = {.backend = place->backend,
                      .seed = (uint64_t)seed,
                      .cache = place->cache,
                      .models = place->models,
                      .cancelled = place->cancelled};
    *out = (struct fitted){.type = type, .arena = arena_new(), .scratch = arena_new()};
    run.arena = out->arena;
    run.scratch = out->scratch;
    if (run.arena == NULL || run.scratch == NULL)
        return STATUS_SYSTEM;
    void *state = arena_alloc(run.arena, 1, type->state_size > 0 ? type->state_size : 1);
    if (state == NULL)
        return STATUS_SYSTEM;
    TRY(model_load(path, type, model->params, &run, state));
    out->state = state;
    out->params = model->params;
    return STATUS_OK;
}

/* What the journal says of the cell: the key, "" where it says nothing; whether it searched, and *model with what was chosen. */
static enum status recorded(const struct again_cell *cell, struct arena *arena, struct model_config *model,
                            char key[SHA256_HEX], bool *done)
{
    struct journal journal;
    struct capture capture;
    enum status status = STATUS_OK;
    json_t *line = NULL;
    *model = *cell->model;
    key[0] = '\0';
    capture_begin(&capture); /* without a journal there is no cell */
    if (journal_read(cell->run_dir, &journal) == STATUS_OK) {
        const char *found = line_of(cell, &journal, &line);
        if (found != NULL)
            snprintf(key, SHA256_HEX, "%s", found);
        *done = line != NULL && strcmp(record_status(line), "done") == 0;
        if (*done && searches_any(model))
            status = searches_recorded(cell->model, line, arena, model);
    } else
        *done = false;
    journal_close(&journal);
    capture_end(&capture);
    return status == STATUS_OK ? STATUS_OK : status_fail(status, "%s", capture.sentence);
}

enum status again_chosen(const struct again_cell *cell, struct arena *arena, struct model_config *model,
                         char key[SHA256_HEX])
{
    bool done;
    TRY(recorded(cell, arena, model, key, &done));
    return done ? STATUS_OK
                : status_fail(STATUS_DATA, "%s: %s on %s is not done; run the experiment first",
                              cell->run_dir, cell->model->label, cell->dataset->name);
}

enum status again_fit(const struct again_cell *cell, struct stage *stage, const struct cell_place *place,
                      struct arena *arena, struct fitted *out)
{
    struct model_config model;
    char path[4096], key[SHA256_HEX];
    bool done;
    TRY(recorded(cell, arena, &model, key, &done));
    if (searches_any(&model) && !done)
        return status_fail(STATUS_DATA, "%s: the search of %s is not done; run the experiment first",
                           cell->run_dir, model.label);
    snprintf(path, sizeof path, "%s/models/%s.h5", cell->run_dir, key);
    if (key[0] != '\0' && file_exists(path))
        return load_saved(&model, cell->seed, path, place, out);
    return cell_fit_final(stage, &model, done && searches_any(&model), cell->seed,
                          &cell->experiment->evaluate, place, out);
}
