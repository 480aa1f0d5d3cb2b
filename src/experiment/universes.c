/* universes.c - see universes.h. */
#include "experiment/universes.h"

#include <math.h>

struct universes {
    const struct stage *stage;
    const struct fitted *fitted;
    const struct evaluate_config *evaluate;
    uint64_t seed;
    const struct backend *backend;
    const struct relevance *relevance;
    const uint32_t *n_relevant; /* [n_users] */
    const struct metric_at *measures;
    size_t n_measures;
    double *values; /* [n_measures x n_users] of the lists last ranked */
    uint32_t n_tied;
};

static enum status rank_and_score(struct universes *v, bool mask_valid, enum topk_ties ties)
{
    const struct stage *s = v->stage;
    const struct rank_options options = {.k = v->evaluate->longest,
                                         .seed = v->seed,
                                         .masks = {&s->train, mask_valid ? &s->valid : NULL},
                                         .ties = ties,
                                         .relevant = &v->relevance->items};
    struct lists lists;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = rank_users(v->fitted->type, v->fitted->state, v->backend, s->dataset->n_items,
                                    s->users, s->n_users, &options, arena, &lists);
    if (status == STATUS_OK)
        status =
            metrics_score(v->backend, &lists, s->users, v->relevance, v->measures, v->n_measures, v->values);
    v->n_tied = lists.n_tied;
    arena_free(arena);
    return status;
}

static void write_lines(const struct universes *v, bool mask_valid, enum topk_ties ties, FILE *out)
{
    const uint32_t n_users = v->stage->n_users;
    for (size_t m = 0; m < v->n_measures; m++) {
        const struct metric_at *x = &v->measures[m];
        const double *values = v->values + m * n_users;
        uint32_t n = 0;
        for (uint32_t u = 0; u < n_users; u++)
            n += !isnan(values[u]);
        fprintf(out, "%s,%s,", mask_valid ? "train+valid" : "train", rank_ties_names[ties]);
        metric_at_csv(out, x);
        fprintf(out, ",%s,%.9g,%u,%u\n", dialect_types[x->dialect].name,
                metrics_pool(x, values, v->n_relevant, n_users), n, v->n_tied);
    }
}

static enum status measure(struct universes *v, struct arena *scratch, FILE *out)
{
    const struct multiverse_config *m = &v->evaluate->multiverse;
    ARENA_NEW(v->values, scratch, v->n_measures * v->stage->n_users);
    for (size_t i = 0; i < (v->stage->valid.nnz > 0 ? m->n_masks : 1); i++) {
        v->n_tied = UINT32_MAX;
        for (size_t t = 0; t < m->n_ties; t++) {
            if (v->n_tied > 0) /* without a tie every rule gives the same lists */
                TRY(rank_and_score(v, m->mask_valid[i], m->ties[t]));
            write_lines(v, m->mask_valid[i], m->ties[t], out);
        }
    }
    return STATUS_OK;
}

enum status universes_measure(const struct stage *stage, const struct fitted *fitted,
                              const struct evaluate_config *evaluate, uint64_t seed,
                              const struct backend *backend, const struct relevance *relevance,
                              const uint32_t *n_relevant, FILE *out)
{
    struct universes v = {.stage = stage,
                          .fitted = fitted,
                          .evaluate = evaluate,
                          .seed = seed,
                          .backend = backend,
                          .relevance = relevance,
                          .n_relevant = n_relevant,
                          .measures = evaluate->measures + evaluate->first[METRIC_RANKING],
                          .n_measures =
                              evaluate->first[METRIC_RANKING + 1] - evaluate->first[METRIC_RANKING]};
    struct arena *scratch = arena_new();
    if (scratch == NULL)
        return STATUS_SYSTEM;
    const enum status status = measure(&v, scratch, out);
    arena_free(scratch);
    return status;
}
