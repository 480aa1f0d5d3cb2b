/*
 * metrics.c - the metrics of the dialect `default`, and the one pass over the lists that computes them.
 *
 * A user's list is turned into places that hold a test item once; every metric then reads those at every
 * cut-off. Symbols of the formulas: h(j) 1 if place j (from 1) holds a test item, R number of test items, k
 * the cut-off.
 */
#include "eval/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint32_t hits(const struct ranking *r, uint32_t k)
{
    uint32_t n = 0;
    for (uint32_t j = 0; j < k && j < r->length; j++)
        n += r->relevant[j];
    return n;
}

static uint32_t best_possible(const struct ranking *r, uint32_t k)
{
    return r->n_relevant < k ? r->n_relevant : k;
}

static double precision(const struct ranking *r, uint32_t k)
{
    return (double)hits(r, k) / k;
}

static double recall(const struct ranking *r, uint32_t k)
{
    return (double)hits(r, k) / r->n_relevant;
}

/* 2PR / (P + R) with P = h / k and R = h / n is 2h / (k + n). */
static double f1(const struct ranking *r, uint32_t k)
{
    return 2.0 * hits(r, k) / ((double)k + r->n_relevant);
}

static double hit_rate(const struct ranking *r, uint32_t k)
{
    return hits(r, k) > 0 ? 1.0 : 0.0;
}

static double ndcg(const struct ranking *r, uint32_t k)
{
    double dcg = 0;
    for (uint32_t j = 0; j < k && j < r->length; j++)
        if (r->relevant[j])
            dcg += r->discount[j];
    return dcg / r->ideal[best_possible(r, k)];
}

static double average_precision(const struct ranking *r, uint32_t k)
{
    double sum = 0;
    uint32_t n = 0;
    for (uint32_t j = 0; j < k && j < r->length; j++)
        if (r->relevant[j])
            sum += (double)++n / (j + 1);
    return sum / best_possible(r, k);
}

static double reciprocal_rank(const struct ranking *r, uint32_t k)
{
    for (uint32_t j = 0; j < k && j < r->length; j++)
        if (r->relevant[j])
            return 1.0 / (j + 1);
    return 0;
}

#define RANKING(function, title, text, from)                                                                 \
    static const struct metric_type metric_##function = {                                                    \
        .name = title, .formula = text, .source = from, .kind = METRIC_RANKING, .value = function}

RANKING(precision, "precision", "sum h(j), j <= k, / k; k also where the list is shorter",
        "Cleverdon, Mills, Keen 1966; at a cut-off: Herlocker et al., ACM TOIS 22(1), 2004");
RANKING(recall, "recall", "sum h(j), j <= k, / R",
        "Cleverdon, Mills, Keen 1966; at a cut-off: Herlocker et al., ACM TOIS 22(1), 2004");
RANKING(ndcg, "ndcg", "sum h(j) / log2(j + 1), j <= k, / sum 1 / log2(j + 1), j <= min(k, R)",
        "Jarvelin, Kekalainen, ACM TOIS 20(4), 2002, binary gains; discount log2(j + 1): Burges et al., ICML "
        "2005");
RANKING(average_precision, "map", "sum h(j) precision(j), j <= k, / min(k, R)",
        "Voorhees, Harman, TREC 2005; divided by min(k, R) as in the Million Song Dataset Challenge, McFee "
        "et al. 2012");
RANKING(reciprocal_rank, "mrr", "1 / the least j <= k with h(j) = 1; 0 where there is none",
        "Voorhees, TREC-8 Question Answering Track Report, 1999");
RANKING(hit_rate, "hit_rate", "1 where any h(j) = 1, j <= k; else 0",
        "Karypis, Evaluation of Item-Based Top-N, CIKM 2001");
RANKING(f1, "f1", "2 sum h(j), j <= k, / (k + R): harmonic mean of precision and recall",
        "van Rijsbergen, Information Retrieval, 1979, chapter 7");

static const struct metric_type metric_rmse = {
    .name = "rmse",
    .formula =
        "square root of the mean over test rows of (prediction - rating)^2; no cut-off; lower is better",
    .source = "Herlocker et al., ACM TOIS 22(1), 2004; Bennett, Lanning, KDD Cup and Workshop 2007",
    .kind = METRIC_RATING,
    .power = 2,
    .lower_is_better = true};
static const struct metric_type metric_mae = {
    .name = "mae",
    .formula = "mean over test rows of |prediction - rating|; no cut-off; lower is better",
    .source = "Shardanand, Maes, CHI 1995; Herlocker et al., ACM TOIS 22(1), 2004",
    .kind = METRIC_RATING,
    .power = 1,
    .lower_is_better = true};

const struct metric_type *const metric_types[] = {&metric_precision,
                                                  &metric_recall,
                                                  &metric_ndcg,
                                                  &metric_average_precision,
                                                  &metric_reciprocal_rank,
                                                  &metric_hit_rate,
                                                  &metric_f1,
                                                  &metric_rmse,
                                                  &metric_mae,
                                                  NULL};

const struct metric_type *metric_find(const char *name)
{
    for (size_t m = 0; metric_types[m] != NULL; m++)
        if (strcmp(metric_types[m]->name, name) == 0)
            return metric_types[m];
    return NULL;
}

/* The user's list as places with a test item; filled up to the first empty place. */
static void mark_relevant(const struct lists *lists, uint32_t u, uint32_t longest, const struct csr *test,
                          uint32_t user, uint8_t *relevant, struct ranking *r)
{
    const uint32_t *item = lists->item + (size_t)u * lists->k;
    r->relevant = relevant;
    r->n_relevant = (uint32_t)(test->ptr[user + 1] - test->ptr[user]);
    for (r->length = 0; r->length < longest && item[r->length] != UINT32_MAX; r->length++)
        relevant[r->length] = (uint8_t)csr_has(test, user, item[r->length]);
}

enum status metrics_compute(const struct lists *lists, const uint32_t *users, const struct csr *test,
                            const struct metric_type *const *metrics, size_t n_metrics, const uint32_t *k,
                            size_t n_k, double *values)
{
    uint32_t longest = 0;
    for (size_t c = 0; c < n_k; c++) {
        if (k[c] == 0 || k[c] > lists->k)
            return status_fail(STATUS_USAGE, "a cut-off of %u on lists of %u items: take 1 to %u", k[c],
                               lists->k, lists->k);
        longest = k[c] > longest ? k[c] : longest;
    }
    for (uint32_t u = 0; u < lists->n_users; u++)
        if (users[u] >= test->n_rows)
            return status_fail(STATUS_SYSTEM, "list %u is of user %u, the test rows have %u users", u,
                               users[u], test->n_rows);
    double *table = malloc((2 * (size_t)longest + 1) * sizeof *table);
    if (table == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu bytes of discounts",
                           (2 * (size_t)longest + 1) * 8);
    double *discount = table, *ideal = table + longest;
    ideal[0] = 0;
    for (uint32_t j = 0; j < longest; j++) {
        discount[j] = 1.0 / log2(j + 2.0);
        ideal[j + 1] = ideal[j] + discount[j];
    }
    int failed = 0;
#pragma omp parallel reduction(| : failed)
    {
        uint8_t *relevant = malloc((size_t)longest + 1);
        failed = relevant == NULL;
#pragma omp for schedule(static)
        for (uint32_t u = 0; u < lists->n_users; u++) {
            if (failed)
                continue;
            struct ranking r = {.discount = discount, .ideal = ideal};
            mark_relevant(lists, u, longest, test, users[u], relevant, &r);
            for (size_t m = 0; m < n_metrics; m++)
                for (size_t c = 0; c < n_k; c++)
                    values[(m * n_k + c) * lists->n_users + u] =
                        r.n_relevant > 0 ? metrics[m]->value(&r, k[c]) : NAN;
        }
        free(relevant);
    }
    free(table);
    return failed ? status_fail(STATUS_SYSTEM, "memory is out: %u bytes a thread", longest) : STATUS_OK;
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

double metrics_pool(const struct metric_type *metric, const double *values, const uint32_t *rows,
                    uint32_t n_users)
{
    struct total total = {0, 0};
    uint64_t n = 0;
    if (metric->kind == METRIC_RANKING)
        return metrics_mean(values, n_users);
    for (uint32_t u = 0; u < n_users; u++)
        if (!isnan(values[u])) {
            add(&total, rows[u] * (metric->power == 2 ? values[u] * values[u] : values[u]));
            n += rows[u];
        }
    const double mean = n > 0 ? (total.sum + total.lost) / (double)n : NAN;
    return metric->power == 2 ? sqrt(mean) : mean;
}
