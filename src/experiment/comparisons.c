/*
 * comparisons.c - the family of tests that `compare` declares: significance.csv, and ranks.csv.
 *
 * Pairs are users (a user's value is its mean over folds and seeds, so that a user who is tested in five folds counts once) or folds
 * (means over seeds; Student's t with Nadeau and Bengio's variance, since the folds' train rows overlap).  Never seeds.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "eval/correction.h"
#include "eval/friedman.h"
#include "eval/paired.h"
#include "eval/significance.h"
#include "experiment/gather.h"

struct result {
    const struct dataset_config *dataset;
    const struct comparison *comparison;
    size_t n;
    double mean_a, mean_b, wilcoxon, sign, randomisation, delta;
    double chosen, holm, bonferroni, bh;
    struct paired_test test;
};

/* Values of both models, pair by pair. */
static enum status pair_users(const struct record *r, const struct comparison *c,
                              const struct dataset_config *dataset, struct arena *arena, double **x,
                              double **y, size_t *n)
{
    struct gathered a, b;
    TRY(gather_users(r, dataset, c->a, arena, &a));
    TRY(gather_users(r, dataset, c->b, arena, &b));
    const uint32_t size = a.size < b.size ? a.size : b.size;
    ARENA_NEW(*x, arena, size);
    ARENA_NEW(*y, arena, size);
    *n = 0;
    for (uint32_t u = 0; u < size; u++) {
        const double va = a.value[c->measure * a.size + u], vb = b.value[c->measure * b.size + u];
        if (isnan(va) || isnan(vb))
            continue;
        (*x)[*n] = va;
        (*y)[(*n)++] = vb;
    }
    return STATUS_OK;
}

static enum status pair_folds(const struct record *r, const struct comparison *c,
                              const struct dataset_config *dataset, struct arena *arena, double **x,
                              double **y, size_t *n, double *test_share)
{
    struct gathered_folds a, b;
    TRY(gather_folds(r, dataset, c->a, c->measure, arena, &a));
    TRY(gather_folds(r, dataset, c->b, c->measure, arena, &b));
    ARENA_NEW(*x, arena, a.n);
    ARENA_NEW(*y, arena, a.n);
    *n = 0;
    for (size_t i = 0; i < a.n; i++)
        for (size_t j = 0; j < b.n; j++)
            if (a.fold[i] == b.fold[j]) {
                (*x)[*n] = a.value[i];
                (*y)[(*n)++] = b.value[j];
            }
    *test_share = a.test_share;
    if (*n == 1)
        log_warn("%s: compare over folds: there is one fold, and the seeds of one split show nothing but the "
                 "algorithm's "
                 "own chance; %s and %s are not tested (take over: users, or a split of several folds)",
                 dataset->name, c->a->label, c->b->label);
    return STATUS_OK;
}

/* One dataset; out->n stays 0 when either model isn't there or they share fewer than two pairs. */
static enum status compare_one(const struct record *r, const struct comparison *c,
                               const struct dataset_config *dataset, struct arena *arena, struct result *out)
{
    const struct compare_config *how = &r->experiment->compare;
    struct rank_test wilcoxon, sign;
    double *x, *y, share = 0;
    size_t n;
    *out = (struct result){.dataset = dataset, .comparison = c};
    TRY(how->over_folds ? pair_folds(r, c, dataset, arena, &x, &y, &n, &share)
                        : pair_users(r, c, dataset, arena, &x, &y, &n));
    if (n < 2)
        return STATUS_OK;
    for (size_t u = 0; u < n; u++) {
        out->mean_a += x[u];
        out->mean_b += y[u];
    }
    out->mean_a /= (double)n;
    out->mean_b /= (double)n;
    out->n = n;
    TRY(how->over_folds ? significance_overlapping_t(x, y, n, share, &out->test)
                        : significance_paired_t(x, y, n, &out->test));
    TRY(paired_wilcoxon(x, y, n, &wilcoxon));
    TRY(paired_sign(x, y, n, &sign));
    TRY(paired_randomisation(NULL, x, y, n, how->draws, 0, &out->randomisation));
    out->wilcoxon = wilcoxon.p;
    out->sign = sign.p;
    const double p[] = {out->test.p, out->wilcoxon, out->sign, out->randomisation};
    out->chosen = p[how->test];
    return paired_cliffs_delta(x, y, n, &out->delta);
}

static enum status correct(struct result *results, size_t n, struct arena *arena)
{
    double *p, *corrected;
    ARENA_NEW(p, arena, n);
    ARENA_NEW(corrected, arena, n);
    for (size_t i = 0; i < n; i++)
        p[i] = results[i].chosen;
    for (int how = CORRECTION_HOLM; how <= CORRECTION_BH; how++) {
        TRY(correct_p((enum correction)how, p, n, corrected));
        for (size_t i = 0; i < n; i++)
            *(how == CORRECTION_HOLM         ? &results[i].holm
              : how == CORRECTION_BONFERRONI ? &results[i].bonferroni
                                             : &results[i].bh) = corrected[i];
    }
    return STATUS_OK;
}

/* Labels may hold commas and quotes. */
static void write_quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++)
        fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    fputs("\",", out);
}

static void write_measure(FILE *out, const struct metric_at *x)
{
    fprintf(out, "%s,", x->metric->name);
    if (x->k > 0)
        fprintf(out, "%u", x->k);
}

static void write_result(const struct record *r, const struct result *x, FILE *out)
{
    static const char *const tests[] = {"t", "wilcoxon", "sign", "randomisation"};
    const struct compare_config *how = &r->experiment->compare;
    const struct metric_at *measure = &r->experiment->evaluate.measures[x->comparison->measure];
    const double corrected[] = {x->holm, x->bonferroni, x->bh};
    write_quoted(out, x->dataset->name);
    write_quoted(out, x->comparison->a->label);
    write_quoted(out, x->comparison->b->label);
    write_measure(out, measure);
    fprintf(out, ",%zu,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g", x->n, x->mean_a, x->mean_b,
            x->test.mean_difference, x->test.low, x->test.high, x->test.t, x->test.degrees, x->test.p,
            x->holm, x->test.cohen_d);
    fprintf(out, ",%s,%s,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%s,%d\n", dialect_types[measure->dialect].name,
            how->over_folds ? "folds" : "users", x->wilcoxon, x->sign, x->randomisation, x->bonferroni, x->bh,
            x->delta, tests[how->test], corrected[how->correction] < how->alpha);
}

static enum status write_results(const struct record *r, const struct result *results, size_t n)
{
    char path[4096];
    struct atomic_file file;
    TRY(path_join(r->folder, "significance.csv", path));
    TRY(atomic_open(&file, path));
    fputs("dataset,a,b,metric,k,n_users,mean_a,mean_b,mean_difference,low,high,t,degrees,p,p_holm,cohen_d,"
          "dialect,over,"
          "p_wilcoxon,p_sign,p_randomisation,p_bonferroni,p_bh,cliffs_delta,test,significant\n",
          file.stream);
    for (size_t i = 0; i < n; i++)
        write_result(r, &results[i], file.stream);
    return atomic_commit(&file);
}

/* ---- all models ranked */
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
        write_quoted(out, dataset);
        write_measure(out, x);
        fprintf(out, ",%s,%s,", dialect_types[x->dialect].name,
                r->experiment->compare.over_folds ? "folds" : "users");
        write_quoted(out, b->model[m]->label);
        write_quoted(out, b->model[m]->grid_json);
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

static enum status record_ranks(const struct record *r)
{
    char path[4096];
    struct atomic_file file;
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

enum status record_compare(const struct record *r)
{
    const struct experiment *e = r->experiment;
    if (e->compare.n_ranks > 0)
        TRY(record_ranks(r));
    if (e->n_comparisons == 0)
        return STATUS_OK;
    struct arena *arena = arena_new();
    struct result *results =
        arena != NULL ? arena_alloc(arena, e->n_comparisons * e->n_datasets, sizeof *results) : NULL;
    enum status status = results != NULL ? STATUS_OK : STATUS_SYSTEM;
    size_t n = 0;
    for (size_t i = 0; i < e->n_comparisons; i++)
        for (size_t d = 0; d < e->n_datasets && status == STATUS_OK; d++) {
            const struct comparison *c = &e->comparisons[i];
            if (c->dataset != NULL && c->dataset != &e->datasets[d])
                continue;
            struct arena *scratch = arena_new();
            status =
                scratch != NULL ? compare_one(r, c, &e->datasets[d], scratch, &results[n]) : STATUS_SYSTEM;
            arena_free(scratch);
            n += status == STATUS_OK && results[n].n > 0;
        }
    if (status == STATUS_OK)
        status = correct(results, n, arena);
    if (status == STATUS_OK)
        status = write_results(r, results, n);
    arena_free(arena);
    return status;
}
