/*
 * metrics.c - the one pass over the lists: the kernel gives sums over hits for every cut-off (kernels/hits.h), the formulas
 * of metrics_value.c turn them into every measure of the user, while they are in the first-level cache.
 */
#include "eval/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "hits.h"

/* Sums of a part stay in the second-level cache until they are used, values of a block in the first. */
enum { PART_USERS = 4096 };

bool metric_has_cutoff(const struct metric_type *metric)
{
    return (metric->kind == METRIC_RANKING && !metric->no_cutoff) || metric->kind == METRIC_BEYOND ||
           metric->kind == METRIC_AGGREGATE;
}

bool metric_is_per_user(const struct metric_type *metric)
{
    return metric->kind != METRIC_AGGREGATE && metric->kind != METRIC_POOLED &&
           metric->kind != METRIC_PROBABILITY;
}

const char *metric_at_name(const struct metric_at *measure, char name[96])
{
    char cut[16] = "";
    if (measure->k > 0)
        snprintf(cut, sizeof cut, "@%u", measure->k);
    snprintf(name, 96, "%s%s%s%s", measure->metric->name, cut, measure->dialect != DIALECT_DEFAULT ? "." : "",
             measure->dialect != DIALECT_DEFAULT ? dialect_types[measure->dialect].name : "");
    return name;
}

void metric_at_csv(FILE *out, const struct metric_at *measure)
{
    fprintf(out, "%s,", measure->metric->name);
    if (measure->k > 0)
        fprintf(out, "%u", measure->k);
}

enum status relevance_make(const struct csr *test, bool graded, double from, struct arena *arena,
                           struct relevance *out)
{
    *out = (struct relevance){.items = *test};
    if (!graded)
        return STATUS_OK;
    if (test->val == NULL)
        return status_fail(STATUS_DATA, "relevance can't be graded: the test rows have no values");
    int64_t *ptr;
    uint32_t *idx;
    double *gain, *power;
    ARENA_NEW(ptr, arena, (size_t)test->n_rows + 1);
    ARENA_NEW(idx, arena, (size_t)test->nnz);
    ARENA_NEW(gain, arena, (size_t)test->nnz);
    ARENA_NEW(power, arena, (size_t)test->nnz);
    int64_t n = 0;
    for (uint32_t u = 0; u < test->n_rows; u++) {
        for (int64_t e = test->ptr[u]; e < test->ptr[u + 1]; e++) {
            if ((double)test->val[e] < from)
                continue;
            idx[n] = test->idx[e];
            gain[n] = (double)test->val[e] - from + 1;
            power[n] = exp2(gain[n]) - 1;
            n++;
        }
        ptr[u + 1] = n;
    }
    out->items.ptr = ptr, out->items.idx = idx, out->items.nnz = n, out->items.val = NULL;
    out->gain = gain, out->power = power;
    return STATUS_OK;
}

/* What the pass shares: tables over places, distinct cut-offs, and for each measure its formula and the place of its cut-off. */
struct pass {
    struct hits hits;
    uint32_t *k;                   /* [n_k] distinct */
    double *table;                 /* owner of the tables below */
    double *ideal, *ideal_clipped; /* [longest + 1] sums of the first discounts */
    metric_values **value;         /* [n_measures] */
    uint32_t *cut;                 /* [n_measures] position in k; n_k: R */
    size_t
        *same; /* [n_measures] the first measure of that formula, cut-off and rule: itself, or one to copy */
    const struct relevance *relevance;
    const struct metric_at *measures;
    size_t n_measures, n_relevant_most;
    double *values;
};

static void pass_close(struct pass *p)
{
    free(p->k);
    free(p->table);
    free(p->value);
    free(p->cut);
    free(p->same);
    free(p->hits.out);
    free(p->hits.length);
}

static uint32_t cut_of(struct pass *p, uint32_t k)
{
    uint32_t c = 0;
    while (c < p->hits.n_k && p->k[c] != k)
        c++;
    if (c == p->hits.n_k)
        p->k[p->hits.n_k++] = k;
    return c;
}

/* Tables of discounts and their sums, for `longest` places. */
static bool fill_tables(struct pass *p)
{
    const uint32_t longest = p->hits.longest;
    double *discount = p->table = malloc((5 * ((size_t)longest + 1)) * sizeof *p->table);
    if (discount == NULL)
        return false;
    double *clipped = discount + longest + 1, *harmonic = clipped + longest + 1;
    p->ideal = harmonic + longest + 1;
    p->ideal_clipped = p->ideal + longest + 1;
    p->ideal[0] = p->ideal_clipped[0] = harmonic[0] = 0;
    for (uint32_t j = 0; j < longest; j++) {
        discount[j] = 1.0 / log2(j + 2.0);
        clipped[j] = 1.0 / log2(j < 1 ? 2.0 : j + 1.0);
        harmonic[j + 1] = harmonic[j] + 1.0 / (j + 1.0);
        p->ideal[j + 1] = p->ideal[j] + discount[j];
        p->ideal_clipped[j + 1] = p->ideal_clipped[j] + clipped[j];
    }
    p->hits.discount = discount, p->hits.clipped = clipped, p->hits.harmonic = harmonic;
    return true;
}

static bool counts_irrelevant(const struct pass *p, size_t m)
{
    return dialect_types[p->measures[m].dialect].zero_irrelevant;
}

/* Libraries agree more often than not: what one measure has computed, the others copy. */
static void find_same(struct pass *p)
{
    for (size_t m = 0; m < p->n_measures; m++) {
        size_t s = 0;
        while (s < m && (p->value[s] != p->value[m] || p->cut[s] != p->cut[m] ||
                         counts_irrelevant(p, s) != counts_irrelevant(p, m)))
            s++;
        p->same[m] = s;
    }
}

static enum status pass_open(struct pass *p, const struct lists *lists)
{
    p->k = malloc((p->n_measures + 1) * sizeof *p->k);
    p->value = malloc((p->n_measures + 1) * sizeof *p->value);
    p->cut = malloc((p->n_measures + 1) * sizeof *p->cut);
    p->same = malloc((p->n_measures + 1) * sizeof *p->same);
    if (p->k == NULL || p->value == NULL || p->cut == NULL || p->same == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu measures", p->n_measures);
    for (size_t m = 0; m < p->n_measures; m++) {
        const struct metric_at *x = &p->measures[m];
        p->value[m] = x->metric->value[x->dialect];
        if (p->value[m] != NULL && p->relevance->gain == NULL)
            p->value[m] = metric_binary(p->value[m]);
        if (p->value[m] == NULL)
            return status_fail(STATUS_USAGE, "%s has no %s", dialect_types[x->dialect].name, x->metric->name);
        if (x->metric->no_cutoff)
            continue;
        if (x->k == 0 || x->k > lists->k)
            return status_fail(STATUS_USAGE, "a cut-off of %u on lists of %u items: take 1 to %u", x->k,
                               lists->k, lists->k);
        p->cut[m] = cut_of(p, x->k);
        p->hits.longest = x->k > p->hits.longest ? x->k : p->hits.longest;
    }
    for (size_t m = 0; m < p->n_measures; m++)
        if (p->measures[m].metric->no_cutoff)
            p->cut[m] = p->hits.n_k, p->hits.longest = lists->k;
    find_same(p);
    p->hits.k = p->k;
    p->hits.out = aligned_alloc(64, ((size_t)PART_USERS * (p->hits.n_k + 1)) * sizeof *p->hits.out);
    p->hits.length = malloc(PART_USERS * sizeof *p->hits.length);
    return p->hits.out != NULL && p->hits.length != NULL && fill_tables(p)
               ? STATUS_OK
               : status_fail(STATUS_SYSTEM, "memory is out: sums of %u lists at %u cut-offs", lists->n_users,
                             p->hits.n_k);
}

/* DCG of the best list of k places, of gains or of their powers.  sorted: [n], room of the thread. */
static void ideals_of(const struct pass *p, const double *gains, uint32_t n, double *sorted,
                      struct rankings *r, uint32_t lane, bool exponential)
{
    memcpy(sorted, gains, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, falling_f64);
    for (uint32_t c = 0; c <= p->hits.n_k; c++) {
        double sum = 0;
        for (uint32_t j = 0; j < n && j < (uint32_t)r[c].k[lane]; j++)
            sum += sorted[j] * p->hits.discount[j];
        (exponential ? r[c].ideal_exponential : r[c].ideal_linear)[lane] = sum;
    }
}

/* List u as lane `lane` of the blocks of every cut-off.  r: [n_k + 1]. */
static void see(const struct pass *p, uint32_t u, uint32_t user, uint32_t lane, double *sorted,
                struct rankings *r)
{
    const struct csr *items = &p->relevance->items;
    const int64_t first = items->ptr[user];
    const uint32_t n = (uint32_t)(items->ptr[user + 1] - first), n_k = p->hits.n_k;
    const uint32_t filled = p->hits.length[u];
    for (uint32_t c = 0; c <= n_k; c++, r++) {
        const struct hits_sums *s = p->hits.out + (size_t)u * (n_k + 1) + c;
        uint32_t k = c < n_k ? p->k[c] : n;
        k = k < p->hits.longest ? k : p->hits.longest;
        const uint32_t best = n < k ? n : k;
        r->k[lane] = k, r->length[lane] = filled < k ? filled : k, r->relevant[lane] = n;
        r->hits[lane] = s->hits, r->first[lane] = s->first;
        r->dcg[lane] = s->dcg, r->clipped[lane] = s->clipped;
        r->linear[lane] = s->linear, r->exponential[lane] = s->exponential;
        r->precisions[lane] = s->precisions, r->averages[lane] = s->averages, r->before[lane] = s->before;
        r->ideal[lane] = r->ideal_linear[lane] = r->ideal_exponential[lane] = p->ideal[best];
        r->ideal_clipped[lane] = p->ideal_clipped[best], r->ideal_full[lane] = p->ideal[k];
        r->n_items = items->n_cols;
    }
    if (p->relevance->gain != NULL && n > 0) {
        r -= n_k + 1;
        ideals_of(p, p->relevance->gain + first, n, sorted, r, lane, false);
        ideals_of(p, p->relevance->power + first, n, sorted, r, lane, true);
    }
}

/* A block of users, measure by measure, so that writes go side by side.  r: [n_k + 1]; `first`: of all lists. */
static void values_of_block(const struct pass *p, size_t n_users, size_t first, uint32_t n,
                            const struct rankings *r)
{
    for (size_t m = 0; m < p->n_measures; m++) {
        double *out = p->values + m * n_users + first;
        if (p->same[m] != m)
            memcpy(out, p->values + p->same[m] * n_users + first, n * sizeof *out);
        else
            p->value[m](r + p->cut[m], n, counts_irrelevant(p, m) ? 0 : (double)NAN, out);
    }
}

/* Users part .. part + n - 1, whose sums are there. */
static bool values_of_part(const struct pass *p, size_t n_users, const uint32_t *users, size_t part,
                           uint32_t n)
{
    int failed = 0;
    const uint32_t n_cuts = p->hits.n_k + 1;
#pragma omp parallel reduction(| : failed)
    {
        struct rankings *r = aligned_alloc(64, n_cuts * sizeof *r);
        double *sorted = malloc((p->n_relevant_most + 1) * sizeof *sorted);
        failed = r == NULL || sorted == NULL;
#pragma omp for schedule(static)
        for (uint32_t first = 0; first < n; first += RANKINGS_BLOCK) {
            const uint32_t left = n - first, block = left < RANKINGS_BLOCK ? left : RANKINGS_BLOCK;
            if (failed)
                continue;
            for (uint32_t u = 0; u < block; u++)
                see(p, first + u, users[part + first + u], u, sorted, r);
            values_of_block(p, n_users, part + first, block, r);
        }
        free(r);
        free(sorted);
    }
    return !failed;
}

static enum status score_part(struct pass *p, const struct backend *backend, const struct lists *lists,
                              const uint32_t *users, size_t part)
{
    const size_t left = lists->n_users - part;
    const uint32_t n = (uint32_t)(left < PART_USERS ? left : PART_USERS);
    p->hits.item = lists->item + part * lists->k;
    p->hits.users = users + part;
    if (backend != NULL)
        TRY(backend_launch(backend, &kernel_hits, &p->hits, n, HITS_SCRATCH(p->hits.longest)));
    else if (kernel_hits.cpu(&p->hits, n, HITS_SCRATCH(p->hits.longest)) != 0)
        return status_fail(STATUS_SYSTEM, "memory is out: lists of %u places", p->hits.longest);
    return values_of_part(p, lists->n_users, users, part, n)
               ? STATUS_OK
               : status_fail(STATUS_SYSTEM, "memory is out: %zu relevant items", p->n_relevant_most);
}

/* 2^gain of a play count is no number. */
static enum status check_powers(const struct pass *p)
{
    const struct relevance *r = p->relevance;
    for (size_t m = 0; m < p->n_measures && r->power != NULL; m++)
        for (int64_t e = 0; metric_needs_power(p->value[m]) && e < r->items.nnz; e++)
            if (!isfinite(r->power[e])) {
                char name[96];
                return status_fail(
                    STATUS_DATA,
                    "%s: a relevant item has gain %g, and 2^gain is more than a number can be; leave "
                    "measures of exponential gain out, or take smaller grades",
                    metric_at_name(&p->measures[m], name), r->gain[e]);
            }
    return STATUS_OK;
}

static enum status score(struct pass *p, const struct backend *backend, const struct lists *lists,
                         const uint32_t *users)
{
    const struct csr *items = &p->relevance->items;
    for (uint32_t u = 0; u < lists->n_users; u++) {
        if (users[u] >= items->n_rows)
            return status_fail(STATUS_SYSTEM, "list %u is of user %u, the test rows have %u users", u,
                               users[u], items->n_rows);
        const size_t n = (size_t)(items->ptr[users[u] + 1] - items->ptr[users[u]]);
        p->n_relevant_most = n > p->n_relevant_most ? n : p->n_relevant_most;
    }
    TRY(pass_open(p, lists));
    TRY(check_powers(p));
    p->hits.ld = lists->k;
    p->hits.ptr = items->ptr, p->hits.idx = items->idx;
    p->hits.gain = p->relevance->gain, p->hits.power = p->relevance->power;
    for (size_t part = 0; part < lists->n_users; part += PART_USERS)
        TRY(score_part(p, backend, lists, users, part));
    return STATUS_OK;
}

enum status metrics_score(const struct backend *backend, const struct lists *lists, const uint32_t *users,
                          const struct relevance *relevance, const struct metric_at *measures,
                          size_t n_measures, double *values)
{
    struct pass p = {
        .relevance = relevance, .measures = measures, .n_measures = n_measures, .values = values};
    const enum status status = score(&p, backend, lists, users);
    pass_close(&p);
    return status;
}

enum status metrics_compute(const struct lists *lists, const uint32_t *users, const struct csr *test,
                            const struct metric_type *const *metrics, size_t n_metrics, const uint32_t *k,
                            size_t n_k, double *values)
{
    const struct relevance relevance = {.items = *test};
    struct metric_at *measures = malloc((n_metrics * n_k + 1) * sizeof *measures);
    if (measures == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu measures", n_metrics * n_k);
    for (size_t m = 0; m < n_metrics; m++)
        for (size_t c = 0; c < n_k; c++)
            measures[m * n_k + c] = (struct metric_at){metrics[m], k[c], DIALECT_DEFAULT};
    const enum status status =
        metrics_score(NULL, lists, users, &relevance, measures, n_metrics * n_k, values);
    free(measures);
    return status;
}

/* Adds with Neumaier's compensation (1974): an error of one rounding, whatever the number of terms. */
struct total {
    double sum, lost;
};
static void add(struct total *t, double x)
{
    const double next = t->sum + x;
    t->lost += fabs(t->sum) >= fabs(x) ? (t->sum - next) + x : (x - next) + t->sum;
    t->sum = next;
}

/* In order of the users. */
double metrics_mean(const double *values, uint32_t n_users)
{
    struct total total = {0, 0};
    uint32_t n = 0;
    for (uint32_t u = 0; u < n_users; u++)
        if (!isnan(values[u])) {
            add(&total, values[u]);
            n++;
        }
    return n > 0 ? (total.sum + total.lost) / n : NAN;
}

double metrics_weight(const struct metric_at *measure, uint32_t rows)
{
    if (measure->metric->power > 0)
        return rows;
    if (measure->dialect == DIALECT_IMPLICIT && strcmp(measure->metric->name, "precision") == 0)
        return rows < measure->k ? rows : measure->k;
    return 1;
}

double metrics_pool(const struct metric_at *measure, const double *values, const uint32_t *rows,
                    uint32_t n_users)
{
    struct total total = {0, 0}, weights = {0, 0};
    const int power = measure->metric->power;
    for (uint32_t u = 0; u < n_users; u++)
        if (!isnan(values[u])) {
            const double weight = metrics_weight(measure, rows[u]);
            add(&total, weight * (power == 2 ? values[u] * values[u] : values[u]));
            add(&weights, weight);
        }
    const double n = weights.sum + weights.lost, mean = n > 0 ? (total.sum + total.lost) / n : NAN;
    return power == 2 ? sqrt(mean) : mean;
}
