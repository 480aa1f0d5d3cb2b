/*
 * evaluation_strata.c - every measure of one fitted model for parts of the users and of the items.
 *
 * A stratum of users: the users' values are pooled, what is one number for all is computed anew for them.  A stratum of items: only its
 * items are relevant (or test rows, or pairs); what lists are like is told of the places up to the cut-off that hold its items.  The
 * lists themselves stay.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_put.h"
#include "eval/auc_pairs.h"
#include "eval/positions.h"
#include "eval/probability.h"
#include "eval/ratings.h"
#include "eval/strata.h"
#include "experiment/evaluation.h"

/* One stratum as users and items that are measured, and where to. */
struct part {
    const struct evaluation *v;
    const struct stratum *stratum;
    struct arena *arena, *kept; /* kept: of users, n_relevant, values, pooled, parts */
    uint32_t n_users;
    uint32_t *users, *place; /* [n_users] and their places among the cell's users */
    struct relevance relevance;
    struct csr test;
    uint32_t *rows, *n_relevant; /* [n_users] */
    double *values;              /* [n_measures x n_users] */
    double *pooled;              /* [n_measures] */
    double *parts;               /* of each measure that has parts */
    uint32_t *n;                 /* [n_measures] users with a value */
};

static void print_line(FILE *out, const struct evaluation *v, const struct metric_at *x, const char *stratum,
                       double value, uint32_t n)
{
    fprintf(out, "%s,", candidates_kinds[v->evaluate->candidates.kind]);
    metric_at_csv(out, x);
    fprintf(out, ",%s,", dialect_types[x->dialect].name);
    csv_put(out, stratum);
    fprintf(out, ",%.9g,%u\n", value, n);
}

/* Test rows of the stratum's items alone. */
static enum status restrict_test(const struct csr *all, const uint8_t *items, struct arena *arena,
                                 struct csr *out)
{
    int64_t *ptr, n = 0;
    uint32_t *idx;
    float *val = NULL;
    ARENA_NEW(ptr, arena, (size_t)all->n_rows + 1);
    ARENA_NEW(idx, arena, (size_t)all->nnz);
    if (all->val != NULL)
        ARENA_NEW(val, arena, (size_t)all->nnz);
    for (uint32_t u = 0; u < all->n_rows; u++) {
        for (int64_t e = all->ptr[u]; e < all->ptr[u + 1]; e++)
            if (items[all->idx[e]]) {
                if (val != NULL)
                    val[n] = all->val[e];
                idx[n++] = all->idx[e];
            }
        ptr[u + 1] = n;
    }
    *out = *all;
    out->ptr = ptr, out->idx = idx, out->val = val, out->nnz = n;
    return STATUS_OK;
}

static enum status part_make(struct part *p)
{
    const struct stage *s = p->v->stage;
    const struct stratum *x = p->stratum;
    ARENA_NEW(p->users, p->kept, s->n_users);
    ARENA_NEW(p->place, p->arena, s->n_users);
    for (uint32_t u = 0; u < s->n_users; u++)
        if (x->users == NULL || x->users[u])
            p->place[p->n_users] = u, p->users[p->n_users++] = s->users[u];
    p->relevance = p->v->relevance;
    p->test = s->test;
    if (x->items != NULL) {
        TRY(strata_restrict(&p->v->relevance, x, p->arena, &p->relevance));
        TRY(restrict_test(&s->test, x->items, p->arena, &p->test));
    }
    const size_t n_measures = p->v->evaluate->n_measures;
    ARENA_NEW(p->rows, p->arena, p->n_users);
    ARENA_NEW(p->n_relevant, p->kept, p->n_users);
    ARENA_NEW(p->values, p->kept, n_measures * p->n_users);
    ARENA_NEW(p->pooled, p->kept, n_measures);
    ARENA_NEW(p->parts, p->kept, measured_parts(p->v->evaluate->measures, n_measures) * p->n_users);
    ARENA_NEW(p->n, p->arena, n_measures);
    for (size_t i = 0; i < n_measures * p->n_users; i++)
        p->values[i] = NAN;
    for (size_t m = 0; m < n_measures; m++)
        p->pooled[m] = NAN;
    for (uint32_t u = 0; u < p->n_users; u++) {
        const uint32_t user = p->users[u];
        p->rows[u] = (uint32_t)(p->test.ptr[user + 1] - p->test.ptr[user]);
        p->n_relevant[u] = (uint32_t)(p->relevance.items.ptr[user + 1] - p->relevance.items.ptr[user]);
    }
    return STATUS_OK;
}

/* The lists of the part's users: their first k places, those of the stratum's items alone. */
static enum status part_lists(const struct part *p, uint32_t k, struct lists *out)
{
    const struct lists *all = &p->v->lists;
    const uint8_t *items = p->stratum->items;
    *out = (struct lists){.n_users = p->n_users, .k = all->k};
    ARENA_NEW(out->item, p->arena, (size_t)p->n_users * all->k);
    ARENA_NEW(out->score, p->arena, (size_t)p->n_users * all->k);
    for (uint32_t u = 0; u < p->n_users; u++) {
        const size_t from = (size_t)p->place[u] * all->k, to = (size_t)u * all->k;
        uint32_t n = 0;
        for (uint32_t j = 0; j < all->k; j++)
            if (items == NULL || (j < k && all->item[from + j] != UINT32_MAX && items[all->item[from + j]])) {
                out->score[to + n] = all->score[from + j];
                out->item[to + n++] = all->item[from + j];
            }
        for (; n < all->k; n++)
            out->item[to + n] = UINT32_MAX, out->score[to + n] = -INFINITY;
    }
    return STATUS_OK;
}

/* Measures of what lists are like; per_user: beyond_users(), else beyond_all(). */
static enum status measure_beyond(struct part *p, enum metric_kind kind)
{
    const struct evaluation *v = p->v;
    const size_t first = v->evaluate->first[kind], n = count(v, kind);
    struct beyond_facts facts = v->facts;
    struct lists lists;
    facts.only = p->stratum->items;
    for (size_t m = 0; m < n; m++) {
        const struct metric_at *x = measures_of(v, kind) + m;
        TRY(part_lists(p, x->k, &lists));
        if (kind == METRIC_BEYOND)
            TRY(beyond_users(&lists, p->users, &p->relevance, &facts, x, 1,
                             p->values + (first + m) * p->n_users));
        else
            TRY(beyond_all(&lists, p->users, &p->relevance, &facts, x, 1, p->pooled + first + m,
                           parts_at(v, p->parts, first + m, p->n_users)));
    }
    return STATUS_OK;
}

/* What is computed anew for the part. */
static enum status measure_part(struct part *p)
{
    const struct evaluation *v = p->v;
    const struct evaluate_config *e = v->evaluate;
    const struct fitted *f = v->fitted;
    const size_t n_users = p->n_users, rating = e->first[METRIC_RATING];
    const bool of_items = p->stratum->items != NULL;
    struct lists lists;
    if (of_items && count(v, METRIC_RANKING) > 0)
        TRY(metrics_score(v->backend, &v->lists, p->users, &p->relevance, measures_of(v, METRIC_RANKING),
                          count(v, METRIC_RANKING), p->values + e->first[METRIC_RANKING] * n_users));
    if (of_items && count(v, METRIC_POSITION) > 0)
        TRY(positions_compute(f->type, f->state, v->backend, v->stage->dataset->n_items, p->users, p->n_users,
                              v->masks, ranked_items(v), &p->relevance, measures_of(v, METRIC_POSITION),
                              count(v, METRIC_POSITION), p->values + e->first[METRIC_POSITION] * n_users));
    if (of_items)
        TRY(measure_beyond(p, METRIC_BEYOND));
    if (!of_items && count(v, METRIC_AGGREGATE) > 0) {
        TRY(part_lists(p, 0, &lists));
        TRY(beyond_all(&lists, p->users, &p->relevance, &v->facts, measures_of(v, METRIC_AGGREGATE),
                       count(v, METRIC_AGGREGATE), p->pooled + e->first[METRIC_AGGREGATE],
                       parts_at(v, p->parts, e->first[METRIC_AGGREGATE], p->n_users)));
    } else if (of_items)
        TRY(measure_beyond(p, METRIC_AGGREGATE));
    if (count(v, METRIC_RATING) > 0)
        TRY(ratings_compute(
            f->type, f->state, v->backend, p->users, p->n_users, &p->test, v->stage->view->minimum_value,
            v->stage->view->maximum_value, measures_of(v, METRIC_RATING), count(v, METRIC_RATING),
            p->values + rating * n_users, p->pooled + rating, parts_at(v, p->parts, rating, p->n_users)));
    TRY(auc_pairs_compute(f->type, f->state, v->backend, v->stage->dataset->n_items, p->users, p->n_users,
                          v->masks, ranked_items(v), p->stratum->items, &p->relevance,
                          count(v, METRIC_POOLED), p->pooled + e->first[METRIC_POOLED],
                          parts_at(v, p->parts, e->first[METRIC_POOLED], p->n_users)));
    return probability_compute(f->type, f->state, v->stage->dataset->n_items, p->users, p->n_users, v->masks,
                               p->stratum->items, &p->relevance, measures_of(v, METRIC_PROBABILITY),
                               count(v, METRIC_PROBABILITY), p->pooled + e->first[METRIC_PROBABILITY],
                               parts_at(v, p->parts, e->first[METRIC_PROBABILITY], p->n_users));
}

/* The pooled values of the part, of all that its users have as they were measured with everyone. */
static void pool_part(struct part *p)
{
    const struct evaluation *v = p->v;
    for (size_t m = 0; m < v->evaluate->n_measures; m++) {
        const struct metric_at *x = &v->evaluate->measures[m];
        double *values = p->values + m * p->n_users;
        const bool kept =
            p->stratum->items == NULL && metric_is_per_user(x->metric) && x->metric->kind != METRIC_RATING;
        for (uint32_t u = 0; u < p->n_users; u++) {
            values[u] = kept ? values_of(v, m)[p->place[u]] : values[u];
            p->n[m] += !metric_is_per_user(x->metric) || !isnan(values[u]);
        }
        if (metric_is_per_user(x->metric) && x->metric->kind != METRIC_RATING)
            p->pooled[m] = metrics_pool(x, values, p->n_relevant, p->n_users);
        p->n[m] = isnan(p->pooled[m]) ? 0 : p->n[m];
    }
}

static enum status measure_stratum(struct part *p)
{
    TRY(part_make(p));
    if (p->n_users == 0)
        return STATUS_OK;
    TRY(measure_part(p));
    pool_part(p);
    return STATUS_OK;
}

/* The best and the worst of the strata of one kind so far. */
struct gap {
    double low, high;
    uint32_t n;
};

/* What intervals of the part are computed from: lists as they were, with holes for items of other parts. */
static enum status keep_part(struct evaluation *v, const struct part *p)
{
    const struct evaluate_config *e = v->evaluate;
    const uint8_t *only = p->stratum->items;
    const uint32_t depth = measured_depth(e->measures, e->n_measures), n_items = v->stage->dataset->n_items;
    uint32_t *lists, n_own = 0;
    ARENA_NEW(lists, v->arena, (size_t)p->n_users * depth);
    for (uint32_t u = 0; u < p->n_users; u++)
        for (uint32_t j = 0; j < depth; j++) {
            const uint32_t item = v->lists.item[(size_t)p->place[u] * v->lists.k + j];
            const bool own = only == NULL || (item != UINT32_MAX && only[item]);
            lists[(size_t)u * depth + j] = own ? item : UINT32_MAX;
        }
    for (uint32_t i = 0; i < n_items; i++)
        n_own += only == NULL || only[i];
    v->strata[v->n_strata++] = (struct cell_part){.stratum = p->stratum->name,
                                                  .measured = {.n_users = p->n_users,
                                                               .n_items = n_own,
                                                               .depth = depth,
                                                               .users = p->users,
                                                               .n_relevant = p->n_relevant,
                                                               .values = p->values,
                                                               .pooled = p->pooled,
                                                               .parts = p->parts,
                                                               .lists = lists}};
    return STATUS_OK;
}

static enum status one_stratum(struct evaluation *v, const struct stratum *s, struct gap *gap, FILE *out)
{
    struct part p = {.v = v, .stratum = s, .arena = arena_new(), .kept = v->arena};
    if (p.arena == NULL)
        return STATUS_SYSTEM;
    enum status status = measure_stratum(&p);
    if (status == STATUS_OK && p.n_users > 0)
        status = keep_part(v, &p);
    for (size_t m = 0; m < v->evaluate->n_measures && status == STATUS_OK && p.n_users > 0; m++) {
        if (p.n[m] == 0)
            continue;
        print_line(out, v, &v->evaluate->measures[m], s->name, p.pooled[m], p.n[m]);
        gap[m].low = gap[m].n == 0 ? p.pooled[m] : fmin(gap[m].low, p.pooled[m]);
        gap[m].high = gap[m].n == 0 ? p.pooled[m] : fmax(gap[m].high, p.pooled[m]);
        gap[m].n += p.n[m];
    }
    arena_free(p.arena);
    return status;
}

/* Groups of users: how far the best is from the worst. */
static void print_gaps(const struct evaluation *v, const struct gap *gap, const char *kind, FILE *out)
{
    char name[256];
    snprintf(name, sizeof name, "%s_gap", strncmp(kind, "user:", 5) == 0 ? kind + 5 : kind);
    for (size_t m = 0; m < v->evaluate->n_measures; m++)
        if (gap[m].n > 0)
            print_line(out, v, &v->evaluate->measures[m], name, gap[m].high - gap[m].low, gap[m].n);
}

enum status evaluation_strata(struct evaluation *v, FILE *out)
{
    struct stratum *s;
    size_t n;
    TRY(strata_make(&v->evaluate->strata, &v->facts, v->stage->view->by_user, v->stage->view->user_columns,
                    v->stage->view->n_user_columns, v->stage->users, v->stage->n_users, v->arena, &s, &n));
    ARENA_NEW(v->strata, v->arena, n);
    for (size_t i = 0, end; i < n; i = end) {
        struct gap *gap;
        ARENA_NEW(gap, v->arena, v->evaluate->n_measures);
        for (end = i; end < n && s[end].group == s[i].group; end++)
            TRY(one_stratum(v, &s[end], gap, out));
        if (s[i].users != NULL)
            print_gaps(v, gap, v->evaluate->strata.item[s[i].group], out);
    }
    return STATUS_OK;
}
