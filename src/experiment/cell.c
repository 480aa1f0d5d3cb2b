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

/* What the measures of one cell are computed from, and where to. */
struct evaluation {
    const struct stage *stage;
    const struct fitted *fitted;
    const struct evaluate_config *evaluate;
    uint64_t seed;
    const struct backend *backend;
    struct arena *arena; /* of the values */
    struct relevance relevance;
    uint32_t *n_relevant; /* [n_users] relevant items of each user */
    uint32_t *rows;       /* [n_users] test rows of each user */
    double *values;       /* [n_measures x n_users] */
    double *pooled;       /* [n_measures] */
};

static double *values_of(const struct evaluation *v, size_t measure)
{
    return v->values + measure * v->stage->n_users;
}

/* Lists, and what is measured on them. */
static enum status rank_and_score(struct evaluation *v, struct arena *scratch, struct cell_outcome *out)
{
    const struct evaluate_config *e = v->evaluate;
    const struct rank_options options = {
        .k = e->longest,
        .seed = v->seed,
        .masks = {&v->stage->train, e->mask_valid ? &v->stage->valid : NULL}};
    struct lists lists = {0};
    struct clocks start = clocks_now();
    TRY(rank_users(v->fitted->type, v->fitted->state, v->backend, v->stage->dataset->n_items, v->stage->users,
                   v->stage->n_users, &options, scratch, &lists));
    out->rank = since(start);
    start = clocks_now();
    TRY(metrics_score(v->backend, &lists, v->stage->users, &v->relevance, e->measures,
                      e->first[METRIC_RANKING + 1], v->values));
    out->evaluate = since(start);
    out->n_tied = lists.n_tied;
    return STATUS_OK;
}

static enum status rate(struct evaluation *v)
{
    const struct evaluate_config *e = v->evaluate;
    const size_t first = e->first[METRIC_RATING], n = e->first[METRIC_RATING + 1] - first;
    return n == 0 ? STATUS_OK
                  : ratings_compute(v->fitted->type, v->fitted->state, v->backend, v->stage->users,
                                    v->stage->n_users, &v->stage->test, v->stage->view->minimum_value,
                                    v->stage->view->maximum_value, e->measures + first, n,
                                    values_of(v, first), v->pooled + first);
}

static enum status all_values(struct evaluation *v, struct cell_outcome *out)
{
    if (v->evaluate->longest > 0) {
        struct arena *scratch = arena_new();
        const enum status status = scratch != NULL ? rank_and_score(v, scratch, out) : STATUS_SYSTEM;
        arena_free(scratch);
        TRY(status);
    }
    const struct clocks start = clocks_now();
    TRY(rate(v));
    for (size_t m = 0; m < v->evaluate->n_measures; m++) {
        const struct metric_at *x = &v->evaluate->measures[m];
        if (metric_is_per_user(x->metric) && x->metric->kind != METRIC_RATING)
            v->pooled[m] = metrics_pool(x, values_of(v, m), v->n_relevant, v->stage->n_users);
    }
    const struct clocks took = since(start);
    out->evaluate.wall += took.wall;
    out->evaluate.cpu += took.cpu;
    return STATUS_OK;
}

enum status cell_evaluate(const struct stage *stage, const struct fitted *fitted,
                          const struct evaluate_config *evaluate, long long seed,
                          const struct backend *backend, struct arena *arena, struct cell_outcome *out)
{
    struct evaluation v = {.stage = stage,
                           .fitted = fitted,
                           .evaluate = evaluate,
                           .seed = (uint64_t)seed,
                           .backend = backend,
                           .arena = arena};
    ARENA_NEW(v.values, arena, evaluate->n_measures * stage->n_users);
    ARENA_NEW(v.pooled, arena, evaluate->n_measures);
    ARENA_NEW(v.rows, arena, stage->n_users);
    ARENA_NEW(v.n_relevant, arena, stage->n_users);
    TRY(relevance_make(&stage->test, evaluate->graded, evaluate->relevant_from, arena, &v.relevance));
    for (uint32_t i = 0; i < stage->n_users; i++) {
        const uint32_t u = stage->users[i];
        v.rows[i] = (uint32_t)(stage->test.ptr[u + 1] - stage->test.ptr[u]);
        v.n_relevant[i] = (uint32_t)(v.relevance.items.ptr[u + 1] - v.relevance.items.ptr[u]);
    }
    TRY(all_values(&v, out));
    out->values = (struct cell_values){.n_users = stage->n_users,
                                       .n_values = (uint32_t)evaluate->n_measures,
                                       .users = stage->users,
                                       .rows = v.rows,
                                       .values = v.values,
                                       .pooled = v.pooled,
                                       .extra = ""};
    out->peak_rss_mib = machine_peak_mib();
    return user_ids(stage, arena, &out->values.ids);
}
