/*
 * records_judge.c - which value of a column is the best, and which differ from it significantly; which measures are looked at first.
 */
#include <math.h>

#include "eval/metrics.h"
#include "report/parts.h"

bool records_searched(const struct records *r, const char *dataset)
{
    for (size_t s = 0; s < r->n_series; s++)
        if (records_same(r->series[s].dataset, dataset) && r->series[s].n_trials > 0)
            return true;
    return false;
}

bool series_is_oracle(const struct series *s)
{
    return records_same(s->model, "oracle");
}

bool records_best(const struct records *r, const struct series *s, size_t at)
{
    if (isnan(s->mean[at]) || series_is_oracle(s))
        return false;
    const struct metric_type *metric = metric_find(r->measure[at % r->n_measures].metric);
    const double sign = metric != NULL && metric->lower_is_better ? -1 : 1;
    for (size_t t = 0; t < r->n_series; t++)
        if (records_same(r->series[t].dataset, s->dataset) && !series_is_oracle(&r->series[t]) &&
            sign * r->series[t].mean[at] > sign * s->mean[at])
            return false;
    return true;
}

bool records_below_best(const struct records *r, const struct series *s, size_t at)
{
    const struct measure *m = &r->measure[at % r->n_measures];
    const bool whole = at < r->n_measures;
    for (size_t p = 0; p < (whole ? r->n_pairs : r->n_part_pairs); p++) {
        const struct pair_row *pair = whole ? &r->pair[p] : &r->part_pair[p];
        if (!pair->significant || pair->stratum != at / r->n_measures ||
            !records_same(pair->dataset, s->dataset) || !records_same(pair->metric, m->metric) ||
            !records_same(pair->k, m->k) ||
            !(records_same(pair->a, s->label) || records_same(pair->b, s->label)))
            continue;
        const char *other = records_same(pair->a, s->label) ? pair->b : pair->a;
        for (size_t t = 0; t < r->n_series; t++)
            if (records_same(r->series[t].dataset, s->dataset) && records_same(r->series[t].label, other) &&
                records_best(r, &r->series[t], at))
                return true;
    }
    return false;
}

const struct series *records_labelled(const struct records *r, const char *dataset, const char *label)
{
    for (size_t s = 0; s < r->n_series; s++)
        if (records_same(r->series[s].dataset, dataset) && records_same(r->series[s].label, label) &&
            r->series[s].n_cells > 0)
            return &r->series[s];
    return NULL;
}

size_t records_measure(const struct records *r, const char *metric, const char *k)
{
    size_t m = 0;
    while (m < r->n_measures &&
           !(records_same(r->measure[m].metric, metric) && records_same(r->measure[m].k, k)))
        m++;
    return m;
}

size_t records_main_measures(const struct records *r, const char *dataset, size_t *out, size_t limit)
{
    size_t n = 0;
    for (size_t p = 0; p < r->n_pairs; p++) {
        const size_t m = records_measure(r, r->pair[p].metric, r->pair[p].k);
        bool known = m == r->n_measures || !records_same(r->pair[p].dataset, dataset);
        for (size_t i = 0; i < n && !known; i++)
            known = out[i] == m;
        if (!known && n < limit)
            out[n++] = m;
    }
    if (n > 0 || r->n_measures == 0 || limit == 0)
        return n;
    const size_t usual = records_measure(r, "ndcg", table_main_k(r));
    out[0] = usual < r->n_measures ? usual : 0;
    return 1;
}
