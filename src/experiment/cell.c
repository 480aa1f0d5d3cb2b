/* cell.c - see cell.h. */
#include "experiment/cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/view.h"
#include "eval/validate.h"

enum { VALIDATION_CUTOFF = 10 };

/* What run->validate() needs to know. */
struct validation {
    const struct stage *stage;
    const struct model_type *type;
    const struct backend *backend;
    uint64_t seed;
};

/* ndcg@10 over the validation rows, train masked. */
static enum status validate(void *context, const void *state, double *quality)
{
    const struct validation *v = context;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = eval_quality(v->type, state, v->backend, &v->stage->train, &v->stage->valid,
                                            metric_find("ndcg"), VALIDATION_CUTOFF, v->seed, arena, quality);
    arena_free(arena);
    return status;
}

/* What the table of needs can tell before a fit. */
static enum status check_needs(const struct stage *stage, const struct model_type *type)
{
    if ((type->needs & NEEDS_TRUTH) && stage->view->truth == NULL)
        return status_fail(STATUS_UNAVAILABLE,
                           "%s needs a generated dataset (recfuse synth): %s has no known truth", type->name,
                           stage->dataset->name);
    if ((type->needs & NEEDS_TIME) && stage->view->time == NULL)
        return status_fail(STATUS_UNAVAILABLE,
                           "%s needs times of interactions, which %s lacks: import a source that has them",
                           type->name, stage->dataset->name);
    return STATUS_OK;
}

/* A line of curves.csv; a value out of the range of numbers ends a fit soon enough. */
static void hear(void *context, const char *name, int step, double value)
{
    if (isfinite(value))
        fprintf(context, "%s,%d,%.9g\n", name, step, value);
}

enum status cell_fit(const struct stage *stage, const struct model_config *model, long long seed,
                     const struct cell_place *place, struct fitted *out)
{
    *out = (struct fitted){.type = model->type, .arena = arena_new(), .scratch = arena_new()};
    if (out->arena == NULL || out->scratch == NULL)
        return STATUS_SYSTEM;
    TRY(check_needs(stage, model->type));
    void *state = arena_alloc(out->arena, 1, model->type->state_size > 0 ? model->type->state_size : 1);
    if (state == NULL)
        return STATUS_SYSTEM;
    struct validation validation = {stage, model->type, place->backend, (uint64_t)seed};
    struct run run = {.backend = place->backend,
                      .arena = out->arena,
                      .scratch = out->scratch,
                      .seed = (uint64_t)seed,
                      .cache = place->cache,
                      .models = place->models,
                      .cancelled = place->cancelled,
                      .validate = stage->valid.nnz > 0 ? validate : NULL,
                      .validate_context = &validation,
                      .validate_every = place->validate_every};
    FILE *curves = open_memstream(&out->curves, &out->n_curves);
    if (curves == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for training curves");
    run.curve = hear, run.curve_context = curves;
    out->state = state;
    const enum status status = model->type->fit(state, model->params, stage->view, &run);
    fclose(curves);
    TRY(status);
    arena_free(out->scratch);
    out->scratch = NULL;
    return STATUS_OK;
}

void fitted_free(struct fitted *fitted)
{
    if (fitted->type != NULL && fitted->type->free != NULL && fitted->state != NULL)
        fitted->type->free(fitted->state);
    arena_free(fitted->scratch);
    arena_free(fitted->arena);
    free(fitted->curves);
    *fitted = (struct fitted){0};
}
