/*
 * ranks.c - ranks.csv: all models by their mean ranks over users or folds, where `compare: ranks` asks (eval/friedman.h).
 */
#include <math.h>

#include "base/csv_put.h"
#include "base/log.h"
#include "eval/friedman.h"
#include "experiment/gather.h"

/* The blocks of one measure: users of a dataset, or folds of all datasets. */
struct blocks {
    const struct model_config **model; /* [n_models] those that have every block */
    size_t n_models, n;
    double *value; /* [n x n_models] */
};

static enum status blocks_of_users(const struct record *r, const struct dataset_config *dataset,
                                   size_t measure, struct arena *arena, struct blocks *out)
{
    const struct experiment *e = r->experiment;
    struct gathered *g;
    uint32_t size = UINT32_MAX;
    ARENA_NEW(g, arena, e->n_models);
    for (size_t m = 0; m < e->n_models; m++) {
        TRY(gather_users(r, dataset, &e->models[m], arena, &g[out->n_models]));
        if (g[out->n_models].n_cells == 0)
            continue;
        size = g[out->n_models].size < size ? g[out->n_models].size : size;
        out->model[out->n_models++] = &e->models[m];
    }
    if (out->n_models == 0)
        return STATUS_OK;
    ARENA_NEW(out->value, arena, (size_t)size * out->n_models);
    for (uint32_t u = 0; u < size; u++) {
        double *row = out->value + out->n * out->n_models;
        size_t n = 0;
        for (; n < out->n_models; n++) {
            row[n] = g[n].value[measure * g[n].size + u];
            if (isnan(row[n]))
                break;
        }
        out->n += n == out->n_models;
    }
    return STATUS_OK;
}

static enum status blocks_of_folds(const struct record *r, size_t measure, struct arena *arena,
                                   struct blocks *out)
{
    const struct experiment *e = r->experiment;
    out->n_models = e->n_models;
    for (size_t m = 0; m < e->n_models; m++)
        out->model[m] = &e->models[m];
    ARENA_NEW(out->value, arena, (r->n_lines + 1) * e->n_models);
    for (size_t d = 0; d < e->n_datasets; d++) {
        struct gathered_folds first, g;
        TRY(gather_folds(r, &e->datasets[d], &e->models[0], measure, arena, &first));
        for (size_t f = 0; f < first.n; f++) {
            double *row = out->value + out->n * e->n_models;
            size_t n = 0;
            for (size_t m = 0; m < e->n_models; m++) {
                TRY(gather_folds(r, &e->datasets[d], &e->models[m], measure, arena, &g));
                for (size_t i = 0; i < g.n; i++)
                    if (g.fold[i] == first.fold[f])
                        row[m] = g.value[i], n++;
            }
            out->n += n == e->n_models;
        }
    }
    return STATUS_OK;
}

static enum status write_ranks(const struct record *r, const char *dataset, size_t measure,
                               const struct blocks *b, struct arena *arena, FILE *out)
{
    const struct metric_at *x = &r->experiment->evaluate.measures[measure];
    struct friedman f;
    double *rank;
    if (b->n < 2 || b->n_models < 2) {
        log_warn("%s: %zu models are there on %zu %s: not ranked by %s", dataset, b->n_models, b->n,
                 r->experiment->compare.over_folds ? "folds" : "users", x->metric->name);
        return STATUS_OK;
    }
    ARENA_NEW(rank, arena, b->n_models);
    TRY(friedman_test(b->value, b->n, b->n_models, !x->metric->lower_is_better, r->experiment->compare.alpha,
                      rank, &f));
    for (size_t m = 0; m < b->n_models; m++) {
        csv_put_quoted(out, dataset);
        metric_at_csv(out, x);
        fprintf(out, ",%s,%s,", dialect_types[x->dialect].name,
                r->experiment->compare.over_folds ? "folds" : "users");
        csv_put_quoted(out, b->model[m]->label);
        csv_put_quoted(out, b->model[m]->grid_json);
        fprintf(out, "%.9g,%zu,%.9g,%.9g,%.9g,%.9g,%.9g\n", rank[m], b->n, f.chi_square, f.p, f.p_f,
                f.critical_difference, r->experiment->compare.alpha);
    }
    return STATUS_OK;
}

static enum status rank_measure(const struct record *r, size_t measure, FILE *out)
{
    const struct experiment *e = r->experiment;
    for (size_t d = 0; d < (e->compare.over_folds ? 1 : e->n_datasets); d++) {
        struct blocks b = {0};
        struct arena *arena = arena_new();
        b.model = arena != NULL ? arena_alloc(arena, e->n_models, sizeof *b.model) : NULL;
        enum status status = b.model == NULL ? STATUS_SYSTEM
                             : e->compare.over_folds
                                 ? blocks_of_folds(r, measure, arena, &b)
                                 : blocks_of_users(r, &e->datasets[d], measure, arena, &b);
        if (status == STATUS_OK)
            status =
                write_ranks(r, e->compare.over_folds ? "all" : e->datasets[d].name, measure, &b, arena, out);
        arena_free(arena);
        TRY(status);
    }
    return STATUS_OK;
}

enum status record_ranks(const struct record *r)
{
    char path[4096];
    struct atomic_file file;
    if (r->experiment->compare.n_ranks == 0)
        return record_without(r, "ranks.csv");
    TRY(path_join(r->folder, "ranks.csv", path));
    TRY(atomic_open(&file, path));
    fputs("dataset,metric,k,dialect,over,label,grid,mean_rank,n_blocks,chi_square,p,p_f,critical_difference,"
          "alpha\n",
          file.stream);
    for (size_t i = 0; i < r->experiment->compare.n_ranks; i++) {
        const enum status status = rank_measure(r, r->experiment->compare.ranks[i], file.stream);
        if (status != STATUS_OK) {
            atomic_abort(&file);
            return status;
        }
    }
    return atomic_commit(&file);
}
