/*
 * aggregate.c - how all lists together spread over the items (beyond.h).  c(i): lists that hold item i up to the cut-off; n items.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/beyond.h"
#include "eval/metrics_list.h"

#define AGGREGATE(variable, title, text, from, low)                                                          \
    const struct metric_type variable = {                                                                    \
        .name = title, .formula = text, .source = from, .kind = METRIC_AGGREGATE, .lower_is_better = low}
AGGREGATE(metric_coverage, "coverage", "items in any list / all items",
          "Ge, Delgado-Battenfeld, Jannach, RecSys 2010", false);
AGGREGATE(metric_gini, "gini", "sum over items by rising c of (2 i - n - 1) c(i) / (n sum c); 0: all alike",
          "Gini 1912; Fleder, Hosanagar, Management Science 55(5), 2009", true);
AGGREGATE(metric_entropy, "entropy", "- sum c(i) / sum c log2(c(i) / sum c), in bits", "Shannon 1948", false);
AGGREGATE(metric_pop_reo, "pop_reo",
          "deviation / mean, over head and tail, of hits / relevant pairs: equal opportunity; 0: alike",
          "Zhu, Wang, Caverlee, SIGIR 2020", true);
AGGREGATE(metric_pop_rsp, "pop_rsp",
          "deviation / mean, over head and tail, of listed / unseen pairs: statistical parity; 0: alike",
          "Zhu, Wang, Caverlee, SIGIR 2020", true);

/* Of all lists at one cut-off; tail, head by index. */
struct spread {
    double *count; /* [n_items] */
    double listed[2], hits[2], unseen[2], relevant[2];
};

static void add_list(const struct lists *lists, uint32_t u, uint32_t user, const struct relevance *relevance,
                     const struct beyond_facts *f, uint32_t k, struct spread *s)
{
    const uint32_t *item = lists->item + (size_t)u * lists->k;
    for (uint32_t j = 0; j < k && item[j] != UINT32_MAX; j++) {
        s->count[item[j]]++;
        s->listed[f->head[item[j]]]++;
        s->hits[f->head[item[j]]] += csr_has(&relevance->items, user, item[j]);
    }
    for (int64_t e = relevance->items.ptr[user]; e < relevance->items.ptr[user + 1]; e++)
        s->relevant[f->head[relevance->items.idx[e]]] += !csr_has(f->train, user, relevance->items.idx[e]);
    for (int64_t e = f->train->ptr[user]; e < f->train->ptr[user + 1]; e++)
        s->unseen[f->head[f->train->idx[e]]] -= f->only == NULL || f->only[f->train->idx[e]];
}

static int rising(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Population deviation / mean of two shares. */
static double deviation(const double above[2], const double below[2])
{
    if (below[0] <= 0 || below[1] <= 0)
        return NAN;
    const double tail = above[0] / below[0], head = above[1] / below[1];
    return tail + head > 0 ? fabs(tail - head) / (tail + head) : NAN;
}

/* Sorts the counts. */
static double value_of(const struct metric_type *metric, struct spread *s, uint32_t n_items,
                       const uint8_t *only)
{
    double total = 0, sum = 0, covered = 0;
    if (metric == &metric_pop_reo)
        return deviation(s->hits, s->relevant);
    if (metric == &metric_pop_rsp)
        return deviation(s->listed, s->unseen);
    if (only != NULL) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < n_items; i++)
            if (only[i])
                s->count[n++] = s->count[i];
        n_items = n;
    }
    qsort(s->count, n_items, sizeof *s->count, rising);
    for (uint32_t i = 0; i < n_items; i++) {
        total += s->count[i];
        covered += s->count[i] > 0;
    }
    if (metric == &metric_coverage)
        return n_items > 0 ? covered / n_items : NAN;
    for (uint32_t i = 0; i < n_items; i++)
        if (metric == &metric_gini)
            sum += (2.0 * (i + 1) - n_items - 1) * s->count[i];
        else if (s->count[i] > 0)
            sum -= s->count[i] / total * log2(s->count[i] / total);
    if (total == 0)
        return NAN;
    return metric == &metric_gini ? sum / (n_items * total) : sum;
}

enum status beyond_all(const struct lists *lists, const uint32_t *users, const struct relevance *relevance,
                       const struct beyond_facts *facts, const struct metric_at *measures, size_t n_measures,
                       double *out)
{
    const uint32_t n_items = relevance->items.n_cols;
    struct spread s = {.count = malloc(((size_t)n_items + 1) * sizeof *s.count)};
    if (s.count == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: counts of %u items", n_items);
    for (size_t m = 0; m < n_measures; m++) {
        double heads = 0;
        memset(s.count, 0, n_items * sizeof *s.count);
        memset(s.listed, 0, sizeof s.listed), memset(s.hits, 0, sizeof s.hits);
        memset(s.relevant, 0, sizeof s.relevant);
        double items = 0;
        for (uint32_t i = 0; i < n_items; i++)
            if (facts->only == NULL || facts->only[i])
                heads += facts->head[i], items++;
        s.unseen[0] = (items - heads) * lists->n_users, s.unseen[1] = heads * lists->n_users;
        for (uint32_t u = 0; u < lists->n_users; u++)
            add_list(lists, u, users[u], relevance, facts, measures[m].k, &s);
        out[m] = value_of(measures[m].metric, &s, n_items, facts->only);
    }
    free(s.count);
    return STATUS_OK;
}
