/* cell.c - see cell.h. */
#include "experiment/cell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/view.h"
#include "eval/ratings.h"
#include "eval/validate.h"

enum { VALIDATION_CUTOFF = 10 };

/* What run->validate() needs to know. */
struct validation {
    const struct stage *stage;
    const struct model_type *type;
    const struct backend *backend;
    const struct metric_type *metric;
    uint32_t k;
    const struct candidates_config *candidates;
    uint64_t seed;
};

static enum status rating_quality(const struct stage *s, const struct model_type *type, const void *state,
                                  const struct backend *backend, const struct metric_type *metric,
                                  const struct csr *part, struct arena *arena, double *out)
{
    const struct metric_at measure = {metric, 0, DIALECT_DEFAULT};
    uint32_t *users, n = 0;
    double *values;
    ARENA_NEW(users, arena, part->n_rows);
    for (uint32_t u = 0; u < part->n_rows; u++)
        if (part->ptr[u + 1] > part->ptr[u])
            users[n++] = u;
    ARENA_NEW(values, arena, n);
    return ratings_compute(type, state, backend, users, n, part, s->view->minimum_value,
                           s->view->maximum_value, &measure, 1, values, out, NULL);
}

enum status cell_quality(const struct stage *s, const struct model_type *type, const void *state,
                         const struct backend *backend, const struct metric_type *metric, uint32_t k,
                         const struct candidates_config *candidates, bool test, bool mask_valid,
                         uint64_t seed, struct arena *arena, double *out)
{
    const struct csr *part = test ? &s->test : &s->valid;
    if (metric->kind == METRIC_RATING)
        return rating_quality(s, type, state, backend, metric, part, arena, out);
    const struct csr *const masks[2] = {&s->train, test && mask_valid ? &s->valid : NULL};
    return eval_quality(type, state, backend, masks, part, metric, k, candidates, seed, arena, out);
}

/* Over the validation rows, train masked; higher is better. */
static enum status validate(void *context, const void *state, double *quality)
{
    const struct validation *v = context;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = cell_quality(v->stage, v->type, state, v->backend, v->metric, v->k,
                                            v->candidates, false, false, v->seed, arena, quality);
    arena_free(arena);
    *quality = v->metric->lower_is_better ? -*quality : *quality;
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

enum status cell_fit(struct stage *stage, const struct model_config *model, long long seed,
                     const struct cell_place *place, const struct cell_how *how, struct fitted *out)
{
    const struct view *view = stage->view;
    *out = (struct fitted){.type = model->type, .arena = arena_new(), .scratch = arena_new()};
    if (out->arena == NULL || out->scratch == NULL)
        return STATUS_SYSTEM;
    TRY(check_needs(stage, model->type));
    void *state = arena_alloc(out->arena, 1, model->type->state_size > 0 ? model->type->state_size : 1);
    if (state == NULL)
        return STATUS_SYSTEM;
    const bool default_metric = how->metric == NULL;
    struct validation validation = {.stage = stage,
                                    .type = model->type,
                                    .backend = place->backend,
                                    .metric = default_metric ? metric_find("ndcg") : how->metric,
                                    .k = default_metric ? VALIDATION_CUTOFF : how->k,
                                    .candidates = how->candidates,
                                    .seed = (uint64_t)seed};
    if (how->with_valid)
        TRY(stage_whole(stage, &view));
    struct run run = {.backend = place->backend,
                      .arena = out->arena,
                      .scratch = out->scratch,
                      .seed = (uint64_t)seed,
                      .dataset = stage->name,
                      .fold = (size_t)(stage->fold - stage->folds),
                      .cache = place->cache,
                      .models = place->models,
                      .cancelled = place->cancelled,
                      .validate = stage->valid.nnz > 0 && !how->with_valid ? validate : NULL,
                      .validate_context = &validation,
                      .validate_every = place->validate_every,
                      .encoded = place->encoded};
    FILE *curves = open_memstream(&out->curves, &out->n_curves);
    if (curves == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory for training curves");
    if (!how->is_trial)
        run.curve = hear, run.curve_context = curves;
    else
        run.validate_every = 0;
    out->state = state;
    out->params = model->params;
    const enum status status = model->type->fit(state, model->params, view, &run);
    fclose(curves);
    TRY(status);
    out->epochs = run.epochs;
    arena_free(out->scratch);
    out->scratch = NULL;
    return STATUS_OK;
}

enum status cell_set_history(struct stage *stage, const struct model_config *model, long long seed,
                             const struct cell_place *place, struct fitted *fitted)
{
    const struct view *history;
    struct arena *scratch;
    if (!model->history_valid || model->fit_valid)
        return STATUS_OK;
    TRY(stage_whole(stage, &history));
    scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    struct run run = {.backend = place->backend,
                      .arena = fitted->arena,
                      .scratch = scratch,
                      .seed = (uint64_t)seed,
                      .dataset = stage->name,
                      .cancelled = place->cancelled};
    const enum status status = model->type->set_history(fitted->state, model->params, history, &run);
    arena_free(scratch);
    return status;
}

const struct param *cell_epochs_param(const struct model_type *type)
{
    const struct param *p = param_find(type->params, "epochs");
    return p != NULL ? p : param_find(type->params, "iterations");
}

enum status cell_set_epochs(struct model_config *model, uint32_t epochs, struct arena *arena)
{
    const struct param *p = cell_epochs_param(model->type);
    if (epochs == 0 || p == NULL)
        return STATUS_OK;
    model->params = arena_copy(arena, model->params, 1, model->type->params_size);
    if (model->params == NULL)
        return STATUS_SYSTEM;
    *(int *)((char *)model->params + p->offset) = (int)epochs;
    return STATUS_OK;
}

const struct candidates_config *cell_validation_candidates(const struct evaluate_config *evaluate)
{
    const enum candidates_kind kind = evaluate->candidates.kind;
    return kind == CANDIDATES_COLD || kind == CANDIDATES_MATCHED ? &evaluate->candidates : NULL;
}

/* Where the experiment measures ratings alone, they are what early stopping goes by. */
static struct cell_how how_of(const struct evaluate_config *evaluate)
{
    struct cell_how how = {.candidates = cell_validation_candidates(evaluate)};
    if (evaluate->longest == 0)
        for (size_t m = 0; m < evaluate->n_metrics && how.metric == NULL; m++)
            if (evaluate->metrics[m]->power > 0)
                how.metric = evaluate->metrics[m];
    return how;
}

enum status cell_fit_final(struct stage *stage, const struct model_config *model, bool searched,
                           long long seed, const struct evaluate_config *evaluate,
                           const struct cell_place *place, struct fitted *out)
{
    struct cell_how how = how_of(evaluate);
    struct model_config m = *model;
    struct arena *arena;
    if (m.search != NULL)
        how.metric = m.search->metric, how.k = m.search->k;
    if (!m.fit_valid) {
        TRY(cell_fit(stage, &m, seed, place, &how, out));
        return cell_set_history(stage, &m, seed, place, out);
    }
    arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = STATUS_OK;
    const struct param *patience = param_find(m.type->params, "patience");
    if (!searched && patience != NULL && *(const int *)((const char *)m.params + patience->offset) > 0) {
        status = cell_fit(stage, &m, seed, place, &how, out);
        if (status == STATUS_OK)
            status = cell_set_epochs(&m, out->epochs, arena);
        fitted_free(out);
    }
    how.with_valid = true;
    if (status == STATUS_OK)
        status = cell_fit(stage, &m, seed, place, &how, out);
    arena_free(arena);
    return status;
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
