/*
 * comparisons.c - the families of tests that `compare` declares: significance.csv, and the same in each stratum, significance-strata.csv.
 *
 * Pairs are users (a user's value is its mean over folds and seeds, so that a user who is tested in five folds counts once) or folds
 * (means over seeds; Student's t with Nadeau and Bengio's variance, since the folds' train rows overlap).  Never seeds.
 *
 * In a stratum pairs are users: those who have a value there under both models.  All tests of strata are one family, that of the whole
 * another, so what is found of the whole doesn't depend on how often one looks closer.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_put.h"
#include "base/log.h"
#include "eval/correction.h"
#include "eval/paired.h"
#include "eval/significance.h"
#include "experiment/gather.h"

/* Of a few users t's p says little, and that of equal differences is 0. */
enum { STRATUM_PAIRS_LEAST = 10 };

struct result {
    const struct dataset_config *dataset;
    const struct comparison *comparison;
    const char *stratum; /* "all" */
    size_t n;
    double mean_a, mean_b, wilcoxon, sign, randomisation, delta;
    double chosen, holm, bonferroni, bh;
    struct paired_test test;
};

/* Tests that are corrected together. */
struct family {
    const struct record *r;
    struct arena *arena;
    struct result *result; /* [n] */
    size_t n, room;
};

/* Values of both models, pair by pair. */
struct pairs {
    size_t n;
    double *x, *y;
    double test_share; /* of folds */
};

static enum status pair_users(const struct gathered *a, const struct gathered *b, struct arena *arena,
                              struct pairs *out)
{
    const uint32_t size = a->size < b->size ? a->size : b->size;
    *out = (struct pairs){0};
    ARENA_NEW(out->x, arena, size);
    ARENA_NEW(out->y, arena, size);
    for (uint32_t u = 0; u < size; u++) {
        if (isnan(a->value[u]) || isnan(b->value[u]))
            continue;
        out->x[out->n] = a->value[u];
        out->y[out->n++] = b->value[u];
    }
    return STATUS_OK;
}

static enum status pair_folds(const struct record *r, const struct comparison *c,
                              const struct dataset_config *dataset, struct arena *arena, struct pairs *out)
{
    struct gathered_folds a, b;
    TRY(gather_folds(r, dataset, c->a, c->measure, arena, &a));
    TRY(gather_folds(r, dataset, c->b, c->measure, arena, &b));
    *out = (struct pairs){.test_share = a.test_share};
    ARENA_NEW(out->x, arena, a.n);
    ARENA_NEW(out->y, arena, a.n);
    for (size_t i = 0; i < a.n; i++)
        for (size_t j = 0; j < b.n; j++)
            if (a.fold[i] == b.fold[j]) {
                out->x[out->n] = a.value[i];
                out->y[out->n++] = b.value[j];
            }
    if (out->n == 1)
        log_warn("%s: compare over folds: there is one fold, and the seeds of one split show nothing but the "
                 "algorithm's "
                 "own chance; %s and %s are not tested (take over: users, or a split of several folds)",
                 dataset->name, c->a->label, c->b->label);
    return STATUS_OK;
}

static enum status test_pairs(const struct compare_config *how, const struct pairs *p, struct result *out)
{
    struct rank_test wilcoxon, sign;
    const double *x = p->x, *y = p->y;
    const size_t n = p->n;
    for (size_t u = 0; u < n; u++) {
        out->mean_a += x[u];
        out->mean_b += y[u];
    }
    out->mean_a /= (double)n;
    out->mean_b /= (double)n;
    out->n = n;
    TRY(how->over_folds ? significance_overlapping_t(x, y, n, p->test_share, &out->test)
                        : significance_paired_t(x, y, n, &out->test));
    TRY(paired_wilcoxon(x, y, n, &wilcoxon));
    TRY(paired_sign(x, y, n, &sign));
    TRY(paired_randomisation(NULL, x, y, n, how->draws, 0, &out->randomisation));
    out->wilcoxon = wilcoxon.p;
    out->sign = sign.p;
    const double p_of[] = {out->test.p, out->wilcoxon, out->sign, out->randomisation};
    out->chosen = p_of[how->test];
    return paired_cliffs_delta(x, y, n, &out->delta);
}

/* Adds the test to the family; not where there are fewer than `least` pairs. */
static enum status add_test(struct family *f, const struct comparison *c,
                            const struct dataset_config *dataset, const char *stratum, const struct pairs *p,
                            size_t least)
{
    if (p->n < least)
        return STATUS_OK;
    if (f->n == f->room) {
        struct result *more;
        f->room = 2 * f->room + 16;
        ARENA_NEW(more, f->arena, f->room);
        if (f->n > 0)
            memcpy(more, f->result, f->n * sizeof *more);
        f->result = more;
    }
    struct result *result = &f->result[f->n++];
    *result =
        (struct result){.dataset = dataset, .comparison = c, .stratum = arena_strdup(f->arena, stratum)};
    return result->stratum != NULL ? test_pairs(&f->r->experiment->compare, p, result) : STATUS_SYSTEM;
}

/* A stratum that holds everything of all (warm_items where no item is cold) is no further test. */
static bool is_whole(const struct pairs *p, const struct pairs *whole)
{
    return p->n == whole->n && memcmp(p->x, whole->x, p->n * sizeof *p->x) == 0 &&
           memcmp(p->y, whole->y, p->n * sizeof *p->y) == 0;
}

static enum status compare_users(const struct record *r, const struct comparison *c,
                                 const struct dataset_config *dataset, struct arena *arena,
                                 struct family *wholes, struct family *strata)
{
    struct gathered_part *a, *b;
    struct pairs whole, part;
    TRY(gather_parts(r, dataset, c->a, c->measure, arena, &a));
    TRY(gather_parts(r, dataset, c->b, c->measure, arena, &b));
    if (a == NULL || b == NULL)
        return STATUS_OK;
    TRY(pair_users(&a->users, &b->users, arena, &whole));
    TRY(add_test(wholes, c, dataset, a->stratum, &whole, 2));
    for (a = a->next; a != NULL; a = a->next) {
        const struct gathered_part *other = b->next;
        while (other != NULL && strcmp(other->stratum, a->stratum) != 0)
            other = other->next;
        if (other == NULL)
            continue;
        TRY(pair_users(&a->users, &other->users, arena, &part));
        if (!is_whole(&part, &whole))
            TRY(add_test(strata, c, dataset, a->stratum, &part, STRATUM_PAIRS_LEAST));
    }
    return STATUS_OK;
}

/* One dataset; adds nothing where either model isn't there or they share too few pairs. */
static enum status compare_one(const struct comparison *c, const struct dataset_config *dataset,
                               struct family *wholes, struct family *strata)
{
    const struct record *r = wholes->r;
    struct pairs pairs;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status;
    if (!r->experiment->compare.over_folds)
        status = compare_users(r, c, dataset, arena, wholes, strata);
    else {
        status = pair_folds(r, c, dataset, arena, &pairs);
        if (status == STATUS_OK)
            status = add_test(wholes, c, dataset, "all", &pairs, 2);
    }
    arena_free(arena);
    return status;
}

static enum status correct(struct family *f)
{
    double *p, *corrected;
    ARENA_NEW(p, f->arena, f->n);
    ARENA_NEW(corrected, f->arena, f->n);
    for (size_t i = 0; i < f->n; i++)
        p[i] = f->result[i].chosen;
    for (int how = CORRECTION_HOLM; how <= CORRECTION_BH; how++) {
        TRY(correct_p((enum correction)how, p, f->n, corrected));
        for (size_t i = 0; i < f->n; i++)
            *(how == CORRECTION_HOLM         ? &f->result[i].holm
              : how == CORRECTION_BONFERRONI ? &f->result[i].bonferroni
                                             : &f->result[i].bh) = corrected[i];
    }
    return STATUS_OK;
}

static void write_result(const struct record *r, const struct result *x, FILE *out)
{
    static const char *const tests[] = {"t", "wilcoxon", "sign", "randomisation"};
    const struct compare_config *how = &r->experiment->compare;
    const struct metric_at *measure = &r->experiment->evaluate.measures[x->comparison->measure];
    const double corrected[] = {x->holm, x->bonferroni, x->bh};
    csv_put_quoted(out, x->dataset->name);
    csv_put_quoted(out, x->comparison->a->label);
    csv_put_quoted(out, x->comparison->b->label);
    metric_at_csv(out, measure);
    fprintf(out, ",%zu,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g", x->n, x->mean_a, x->mean_b,
            x->test.mean_difference, x->test.low, x->test.high, x->test.t, x->test.degrees, x->test.p,
            x->holm, x->test.cohen_d);
    fprintf(out, ",%s,%s,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g,%s,%d", dialect_types[measure->dialect].name,
            how->over_folds ? "folds" : "users", x->wilcoxon, x->sign, x->randomisation, x->bonferroni, x->bh,
            x->delta, tests[how->test], corrected[how->correction] < how->alpha);
}

/* of_strata: with a last column `stratum`. */
static enum status write_family(struct family *f, const char *name, bool of_strata)
{
    char path[4096];
    struct atomic_file file;
    TRY(correct(f));
    TRY(path_join(f->r->folder, name, path));
    TRY(atomic_open(&file, path));
    fprintf(file.stream,
            "dataset,a,b,metric,k,n_users,mean_a,mean_b,mean_difference,low,high,t,degrees,p,p_holm,cohen_d,"
            "dialect,over,"
            "p_wilcoxon,p_sign,p_randomisation,p_bonferroni,p_bh,cliffs_delta,test,significant%s\n",
            of_strata ? ",stratum" : "");
    for (size_t i = 0; i < f->n; i++) {
        write_result(f->r, &f->result[i], file.stream);
        if (of_strata) {
            fputc(',', file.stream);
            csv_put(file.stream, f->result[i].stratum);
        }
        fputc('\n', file.stream);
    }
    return atomic_commit(&file);
}

/* How many strata there are the data say, so that too few draws show here only. */
static void warn_of_draws(const struct family *strata)
{
    const struct compare_config *how = &strata->r->experiment->compare;
    if (how->test == COMPARE_RANDOMISATION && how->draws <= (double)strata->n / how->alpha)
        log_warn("compare: %u draws for a family of %zu tests in strata at alpha %.9g can't show anything "
                 "there; take more than %.0f",
                 how->draws, strata->n, how->alpha, (double)strata->n / how->alpha);
}

/* significance-strata.csv, where strata are tested. */
static enum status write_strata(struct family *strata)
{
    static const char name[] = "significance-strata.csv";
    const struct experiment *e = strata->r->experiment;
    if (e->n_comparisons == 0 || e->evaluate.strata.n == 0 || e->compare.over_folds)
        return record_without(strata->r, name);
    warn_of_draws(strata);
    return write_family(strata, name, true);
}

static enum status compare_all(struct family *wholes, struct family *strata)
{
    const struct experiment *e = wholes->r->experiment;
    for (size_t i = 0; i < e->n_comparisons; i++)
        for (size_t d = 0; d < e->n_datasets; d++) {
            const struct comparison *c = &e->comparisons[i];
            if (c->dataset == NULL || c->dataset == &e->datasets[d])
                TRY(compare_one(c, &e->datasets[d], wholes, strata));
        }
    TRY(e->n_comparisons > 0 ? write_family(wholes, "significance.csv", false)
                             : record_without(wholes->r, "significance.csv"));
    return write_strata(strata);
}

enum status record_compare(const struct record *r)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    struct family wholes = {.r = r, .arena = arena}, strata = {.r = r, .arena = arena};
    const enum status status = compare_all(&wholes, &strata);
    arena_free(arena);
    return status;
}
