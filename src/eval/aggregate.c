/*
 * aggregate.c - what is one number for all lists together (beyond.h): how they spread over the items (spread.h), and whether popular
 * items are favoured.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/beyond.h"
#include "eval/metrics_list.h"
#include "eval/spread.h"

/* Parts of a user, tail and head: hits or listed items; relevant or unseen items. */
enum { ABOVE, BELOW = 2, PARTS = 4 };

/* Population deviation / mean of two shares. */
static double deviation(const double *sum)
{
    if (sum[BELOW] <= 0 || sum[BELOW + 1] <= 0)
        return NAN;
    const double tail = sum[ABOVE] / sum[BELOW], head = sum[ABOVE + 1] / sum[BELOW + 1];
    return tail + head > 0 ? fabs(tail - head) / (tail + head) : NAN;
}

#define BIAS(variable, title, text)                                                                          \
    const struct metric_type variable = {.name = title,                                                      \
                                         .formula = text,                                                    \
                                         .source = "Zhu, Wang, Caverlee, SIGIR 2020",                        \
                                         .kind = METRIC_AGGREGATE,                                           \
                                         .n_parts = PARTS,                                                   \
                                         .of_parts = deviation,                                              \
                                         .lower_is_better = true}
BIAS(metric_pop_reo, "pop_reo",
     "deviation / mean, over head and tail, of hits / relevant pairs: equal opportunity; 0: alike");
BIAS(metric_pop_rsp, "pop_rsp",
     "deviation / mean, over head and tail, of listed / unseen pairs: statistical parity; 0: alike");

/* What is asked, and room. */
struct asked {
    const struct lists *lists;
    const uint32_t *users;
    const struct relevance *relevance;
    const struct beyond_facts *facts;
    double items[2]; /* that there are: tail, head */
    uint32_t n_items;
    uint32_t *count; /* [items of the dataset] */
    uint32_t *times; /* [lists + 1] */
    double *parts;   /* [lists x PARTS] */
};

/* Hits of relevant items that the user has not seen. */
static void opportunity(const struct asked *a, uint32_t u, uint32_t k, double part[PARTS])
{
    const struct csr *relevant = &a->relevance->items;
    const uint32_t user = a->users[u], *item = a->lists->item + (size_t)u * a->lists->k;
    for (uint32_t j = 0; j < k && item[j] != UINT32_MAX; j++)
        part[ABOVE + a->facts->head[item[j]]] += csr_has(relevant, user, item[j]);
    for (int64_t e = relevant->ptr[user]; e < relevant->ptr[user + 1]; e++)
        part[BELOW + a->facts->head[relevant->idx[e]]] += !csr_has(a->facts->train, user, relevant->idx[e]);
}

/* Listed of unseen items. */
static void parity(const struct asked *a, uint32_t u, uint32_t k, double part[PARTS])
{
    const struct beyond_facts *f = a->facts;
    const uint32_t user = a->users[u], *item = a->lists->item + (size_t)u * a->lists->k;
    for (uint32_t j = 0; j < k && item[j] != UINT32_MAX; j++)
        part[ABOVE + f->head[item[j]]]++;
    part[BELOW] = a->items[0], part[BELOW + 1] = a->items[1];
    for (int64_t e = f->train->ptr[user]; e < f->train->ptr[user + 1]; e++)
        part[BELOW + f->head[f->train->idx[e]]] -= f->only == NULL || f->only[f->train->idx[e]];
}

static double bias(const struct asked *a, const struct metric_at *x, double *parts)
{
    double sum[PARTS] = {0};
    memset(parts, 0, (size_t)a->lists->n_users * PARTS * sizeof *parts);
    for (uint32_t u = 0; u < a->lists->n_users; u++) {
        double *part = parts + (size_t)u * PARTS;
        (x->metric == &metric_pop_reo ? opportunity : parity)(a, u, x->k, part);
        for (int p = 0; p < PARTS; p++)
            sum[p] += part[p];
    }
    return deviation(sum);
}

static double spread(struct asked *a, const struct metric_at *x)
{
    const struct lists *l = a->lists;
    const uint32_t size = a->relevance->items.n_cols;
    memset(a->count, 0, size * sizeof *a->count);
    for (uint32_t u = 0; u < l->n_users; u++)
        for (uint32_t j = 0; j < x->k && l->item[(size_t)u * l->k + j] != UINT32_MAX; j++)
            a->count[l->item[(size_t)u * l->k + j]]++;
    spread_times(a->count, size, l->n_users, a->times);
    return spread_value(x->metric, a->times, l->n_users, a->n_items);
}

enum status beyond_all(const struct lists *lists, const uint32_t *users, const struct relevance *relevance,
                       const struct beyond_facts *facts, const struct metric_at *measures, size_t n_measures,
                       double *out, double *parts)
{
    const uint32_t size = relevance->items.n_cols;
    if (n_measures == 0)
        return STATUS_OK;
    struct asked a = {.lists = lists,
                      .users = users,
                      .relevance = relevance,
                      .facts = facts,
                      .count = malloc(((size_t)size + 1) * sizeof *a.count),
                      .times = malloc(((size_t)lists->n_users + 1) * sizeof *a.times),
                      .parts = malloc((size_t)lists->n_users * PARTS * sizeof *a.parts + 1)};
    const bool fine = a.count != NULL && a.times != NULL && a.parts != NULL;
    for (uint32_t i = 0; i < size; i++)
        if (facts->only == NULL || facts->only[i])
            a.items[facts->head[i]]++, a.n_items++;
    for (size_t m = 0; m < n_measures && fine; m++) {
        if (spread_has(measures[m].metric)) {
            out[m] = spread(&a, &measures[m]);
            continue;
        }
        out[m] = bias(&a, &measures[m], parts != NULL ? parts : a.parts);
        parts += parts != NULL ? (size_t)lists->n_users * PARTS : 0;
    }
    free(a.count), free(a.times), free(a.parts);
    return fine ? STATUS_OK : status_fail(STATUS_SYSTEM, "memory is out: counts of %u items", size);
}
