/* chosen.c - see chosen.h. */
#include "experiment/chosen.h"

#include <string.h>

#include "base/strings.h"
#include "experiment/again.h"
#include "experiment/run.h"

static enum status find_user(const struct chosen_options *o, struct chosen *c)
{
    const struct strings *ids = &c->stage.dataset->user_ids;
    for (c->user = 0; c->user < c->stage.dataset->n_users; c->user++)
        if (strings_equal(ids, c->user, o->user))
            return STATUS_OK;
    char *first = ids->n > 0 ? strings_copy(ids, 0, c->arena) : NULL;
    return status_fail(STATUS_USAGE,
                       "dataset %s has no user '%s' (an id as its publisher gives it, '%s' for example)",
                       c->dataset->name, o->user, first != NULL ? first : "");
}

/* The experiment's pipeline, else the first model that has stages to show. */
static enum status usual_model(const struct chosen_options *o, struct chosen *c)
{
    c->model = c->experiment.pipeline;
    for (size_t m = 0; m < c->experiment.n_models && c->model == NULL; m++)
        if (c->experiment.models[m].type->trace != NULL)
            c->model = &c->experiment.models[m];
    return c->model != NULL
               ? STATUS_OK
               : status_fail(STATUS_USAGE, "no model of %s is made of stages; name one with --model", o->run);
}

static enum status fetch(const struct chosen_options *o, struct chosen *c)
{
    TRY(again_load(o->run, c->arena, &c->experiment));
    if (o->dataset == NULL)
        c->dataset = &c->experiment.datasets[0];
    else
        TRY(again_dataset(&c->experiment, o->dataset, &c->dataset));
    if (o->model == NULL)
        TRY(usual_model(o, c));
    else
        TRY(again_model(&c->experiment, o->model, o->point, &c->model));
    TRY(backend_open(o->device != NULL ? o->device : "auto", (int)o->threads, &c->backend));
    TRY(stage_open(c->dataset, &c->stage));
    if (o->fold >= c->stage.n_folds)
        return status_fail(STATUS_USAGE, "--fold %u: %s has %zu folds, counted from 0", o->fold,
                           c->dataset->name, c->stage.n_folds);
    if (o->user != NULL)
        TRY(find_user(o, c));
    TRY(stage_fold(&c->stage, o->fold));
    const struct again_cell cell = {o->run,   &c->experiment, c->dataset,
                                    c->model, o->fold,        c->experiment.seeds[0]};
    const struct cell_place place = {c->backend, run_cache_folder(), run_models_folder(), o->signal, 0, NULL};
    return again_fit(&cell, &c->stage, &place, c->arena, &c->fitted);
}

enum status chosen_open(const struct chosen_options *options, struct chosen *out)
{
    *out = (struct chosen){.arena = arena_new()};
    return out->arena != NULL ? fetch(options, out) : STATUS_SYSTEM;
}

void chosen_close(struct chosen *c)
{
    fitted_free(&c->fitted);
    stage_close(&c->stage);
    experiment_free(&c->experiment);
    arena_free(c->arena);
}
