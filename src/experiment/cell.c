/* cell.c - see cell.h. */
#include "experiment/cell.h"

#include "data/view.h"
#include "eval/rank.h"
#include "eval/ratings.h"
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
                      .validate_context = &validation};
    out->state = state;
    TRY(model->type->fit(state, model->params, stage->view, &run));
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
    *fitted = (struct fitted){0};
}

static struct clocks since(struct clocks start)
{
    const struct clocks now = clocks_now();
    return (struct clocks){now.wall - start.wall, now.cpu - start.cpu};
}

static enum status user_ids(const struct stage *stage, struct arena *arena, struct strings *out)
{
    struct string_builder builder = {0};
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < stage->n_users && status == STATUS_OK; i++) {
        const uint32_t u = stage->users[i];
        status = string_builder_add(&builder, strings_at(&stage->dataset->user_ids, u),
                                    strings_length(&stage->dataset->user_ids, u));
    }
    if (status == STATUS_OK)
        return string_builder_finish(&builder, arena, out);
    string_builder_free(&builder);
    return status;
}

static enum status rank_and_score(const struct stage *stage, const struct fitted *fitted,
                                  const struct evaluate_config *evaluate, long long seed,
                                  const struct backend *backend, double *values, struct cell_outcome *out)
{
    const struct rank_options options = {
        .k = evaluate->longest,
        .seed = (uint64_t)seed,
        .masks = {&stage->train, evaluate->mask_valid ? &stage->valid : NULL}};
    struct arena *scratch = arena_new();
    struct lists lists = {0};
    if (scratch == NULL)
        return STATUS_SYSTEM;
    struct clocks start = clocks_now();
    enum status status = rank_users(fitted->type, fitted->state, backend, stage->dataset->n_items,
                                    stage->users, stage->n_users, &options, scratch, &lists);
    out->rank = since(start);
    start = clocks_now();
    if (status == STATUS_OK)
        status = metrics_compute(&lists, stage->users, &stage->test, evaluate->metrics, evaluate->n_ranking,
                                 evaluate->k, evaluate->n_k, values);
    out->evaluate = since(start);
    out->n_tied = lists.n_tied;
    arena_free(scratch);
    return status;
}

/* Ranking metrics first, as evaluate->metrics has them. */
static enum status all_values(const struct stage *stage, const struct fitted *fitted,
                              const struct evaluate_config *evaluate, long long seed,
                              const struct backend *backend, double *values, struct cell_outcome *out)
{
    const size_t n_ranking = evaluate->n_ranking, n_rating = evaluate->n_metrics - n_ranking;
    if (n_ranking > 0)
        TRY(rank_and_score(stage, fitted, evaluate, seed, backend, values, out));
    if (n_rating == 0)
        return STATUS_OK;
    const struct clocks start = clocks_now();
    TRY(ratings_compute(fitted->type, fitted->state, backend, stage->users, stage->n_users, &stage->test,
                        stage->view->minimum_value, stage->view->maximum_value, evaluate->metrics + n_ranking,
                        n_rating, values + n_ranking * evaluate->n_k * stage->n_users));
    const struct clocks took = since(start);
    out->evaluate.wall += took.wall;
    out->evaluate.cpu += took.cpu;
    return STATUS_OK;
}

enum status cell_evaluate(const struct stage *stage, const struct fitted *fitted,
                          const struct evaluate_config *evaluate, long long seed,
                          const struct backend *backend, struct arena *arena, struct cell_outcome *out)
{
    double *values;
    uint32_t *rows;
    ARENA_NEW(values, arena, evaluate->n_measures * stage->n_users);
    ARENA_NEW(rows, arena, stage->n_users);
    for (uint32_t i = 0; i < stage->n_users; i++)
        rows[i] = (uint32_t)(stage->test.ptr[stage->users[i] + 1] - stage->test.ptr[stage->users[i]]);
    TRY(all_values(stage, fitted, evaluate, seed, backend, values, out));
    out->values = (struct cell_values){.n_users = stage->n_users,
                                       .n_values = (uint32_t)evaluate->n_measures,
                                       .users = stage->users,
                                       .rows = rows,
                                       .values = values};
    out->peak_rss_mib = machine_peak_mib();
    return user_ids(stage, arena, &out->values.ids);
}
