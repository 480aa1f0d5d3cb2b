/*
 * run_compare_numbers.c - measures of two runs that are one number for all users: coverage, popularity bias, probabilities.  There is no
 * test over users for them; whether their intervals over users (intervals.csv) meet is told.
 */
#include <math.h>
#include <string.h>

#include "eval/metrics.h"
#include "report/run_compare_parts.h"

/* The same dataset, label and setting: its series in the other run. */
static const struct series *partner(const struct records *r, const struct series *s)
{
    for (size_t i = 0; i < r->n_series; i++)
        if (strcmp(r->series[i].dataset, s->dataset) == 0 && strcmp(r->series[i].name, s->name) == 0)
            return &r->series[i];
    return NULL;
}

static size_t column(const struct records *r, const struct measure *m)
{
    size_t i = 0;
    while (i < r->n_measures &&
           (strcmp(r->measure[i].metric, m->metric) != 0 || strcmp(r->measure[i].k, m->k) != 0))
        i++;
    return i;
}

/* Intervals of either; NaN where a run has none. */
static bool are_apart(const struct series *a, size_t i, const struct series *b, size_t j)
{
    return a->low[i] > b->high[j] || b->low[j] > a->high[i];
}

static void print(struct comparison *c, const struct series *a, size_t i, const struct series *b, size_t j)
{
    char name[64];
    const struct measure *m = &c->side[0].records->measure[i];
    snprintf(name, sizeof name, "%s%s%s", m->metric, m->k[0] != '\0' ? "@" : "", m->k);
    fprintf(c->out, "  %-24s %-28s %-22s %9.4f %9.4f %+10.5f  ", a->dataset, a->name, name, a->mean[i],
            b->mean[j], b->mean[j] - a->mean[i]);
    if (isnan(a->low[i]) || isnan(b->low[j]))
        fputs("no intervals\n", c->out);
    else
        fputs(are_apart(a, i, b, j) ? "intervals apart\n" : "intervals meet\n", c->out);
}

size_t run_compare_numbers(struct comparison *c, bool all, size_t *n_apart, size_t *n_equal)
{
    const struct records *first = c->side[0].records, *second = c->side[1].records;
    size_t n = 0;
    *n_apart = *n_equal = 0;
    for (size_t s = 0; s < first->n_series; s++) {
        const struct series *a = &first->series[s], *b = partner(second, a);
        for (size_t i = 0; i < first->n_measures && b != NULL; i++) {
            const struct metric_type *metric = metric_find(first->measure[i].metric);
            const size_t j = column(second, &first->measure[i]);
            if (metric == NULL || metric_is_per_user(metric) || j == second->n_measures ||
                isnan(a->mean[i]) || isnan(b->mean[j]))
                continue;
            if (a->mean[i] == b->mean[j]) {
                ++*n_equal;
                continue;
            }
            if (n++ == 0)
                fputs("numbers for all users together (first | second)\n", c->out);
            *n_apart += are_apart(a, i, b, j);
            if (all || are_apart(a, i, b, j) || n == 1)
                print(c, a, i, b, j);
        }
    }
    return n;
}
