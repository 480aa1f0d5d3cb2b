/*
 * oracle.c - what share of what can be known each model has, where the truth is known (recfuse synth, models/oracle.c).
 *
 * A share is a model's value over an oracle's.  Of the oracle `observed` (preference and exposure), the best ranking there is of rows
 * that were held out, no model has more than 100 % but by chance.  Of the oracle `preference` it may have more: what is observed follows
 * exposure too, and a model that has learnt what is seen much gains by it.  Shares are given for metrics that say how good lists
 * are, more being better.
 */
#include <math.h>
#include <string.h>

#include "base/csv_put.h"
#include "eval/metrics.h"
#include "report/parts.h"

static bool has_share(const struct records *r, size_t measure)
{
    const struct metric_type *metric = metric_find(r->measure[measure].metric);
    return metric != NULL && metric->kind == METRIC_RANKING && !metric->lower_is_better;
}

/* Does the column belong to a table of shares? */
static bool is_shown(const struct records *r, size_t measure)
{
    const char *k = r->measure[measure].k;
    return has_share(r, measure) && (k[0] == '\0' || strcmp(k, table_main_k(r)) == 0);
}

const struct series *oracle_next(const struct records *r, const char *dataset, const struct series *before)
{
    for (size_t s = before != NULL ? (size_t)(before - r->series) + 1 : 0; s < r->n_series; s++)
        if (strcmp(r->series[s].dataset, dataset) == 0 && r->series[s].n_cells > 0 &&
            series_is_oracle(&r->series[s]))
            return &r->series[s];
    return NULL;
}

/* NaN: it has none. */
static double share_of(const struct series *oracle, const struct series *s, size_t measure)
{
    return s->n_cells > 0 && oracle->mean[measure] > 0 ? s->mean[measure] / oracle->mean[measure]
                                                       : (double)NAN;
}

static bool is_model_of(const struct series *s, const char *dataset)
{
    return strcmp(s->dataset, dataset) == 0 && s->n_cells > 0;
}

/* LaTeX has the columns that a line holds in one table. */
static size_t end_of(const struct records *r, const struct series *oracle, size_t first, enum table_form form)
{
    size_t m = first, width = table_tex_labels(r, oracle->dataset, NULL);
    for (size_t n = 0; m < r->n_measures; m++) {
        const size_t own = is_shown(r, m) ? table_tex_width(r->measure[m].metric) + 3 : 0; /* @10 */
        if (form == TABLE_TEX && own > 0 && n > 0 && width + own > TABLE_TEX_LINE * 4 / 5)
            break;
        width += own;
        n += own > 0;
    }
    return m;
}

/* Measures first .. end that are shown. */
static enum status write_shares(const struct records *r, const struct series *oracle, size_t first,
                                size_t end, enum table_form form, struct arena *arena, FILE *out)
{
    struct grid g = {.title = arena_printf(arena, "In %% of %s", oracle->name)};
    ARENA_NEW(g.row, arena, r->n_series);
    ARENA_NEW(g.column, arena, end - first);
    ARENA_NEW(g.cell, arena, r->n_series * (end - first));
    for (size_t m = first; m < end; m++)
        if (is_shown(r, m)) {
            g.column[g.n_columns] = arena_printf(arena, "%s%s%s", r->measure[m].metric,
                                                 r->measure[m].k[0] != '\0' ? "@" : "", r->measure[m].k);
            if (g.column[g.n_columns++] == NULL)
                return STATUS_SYSTEM;
        }
    for (size_t s = 0; s < r->n_series; s++) {
        size_t c = g.n_rows * g.n_columns;
        if (!is_model_of(&r->series[s], oracle->dataset) || &r->series[s] == oracle)
            continue;
        g.row[g.n_rows++] = r->series[s].name;
        for (size_t m = first; m < end; m++)
            if (is_shown(r, m))
                g.cell[c++] =
                    (struct grid_cell){.kind = GRID_SHARE, .value = share_of(oracle, &r->series[s], m)};
    }
    if (g.title == NULL)
        return STATUS_SYSTEM;
    grid_write(&g, form, out);
    return STATUS_OK;
}

enum status oracle_write(const struct records *r, const char *dataset, enum table_form form,
                         struct arena *arena, FILE *out)
{
    size_t n_shown = 0;
    for (size_t m = 0; m < r->n_measures; m++)
        n_shown += is_shown(r, m);
    if (n_shown == 0)
        return STATUS_OK;
    for (const struct series *o = oracle_next(r, dataset, NULL); o != NULL; o = oracle_next(r, dataset, o))
        for (size_t m = 0, end; m < r->n_measures; m = end) {
            end = end_of(r, o, m, form);
            TRY(write_shares(r, o, m, end, form, arena, out));
        }
    return STATUS_OK;
}

bool oracle_has(const struct records *r, const char *dataset)
{
    return oracle_next(r, dataset, NULL) != NULL;
}

void oracle_write_csv(const struct records *r, const char *dataset, FILE *out)
{
    fputs("dataset,oracle,label,model,params,metric,k,value,oracle_value,share\n", out);
    for (const struct series *o = oracle_next(r, dataset, NULL); o != NULL; o = oracle_next(r, dataset, o))
        for (size_t i = 0; i < r->n_series * r->n_measures; i++) {
            const struct series *s = &r->series[i / r->n_measures];
            const size_t m = i % r->n_measures;
            if (!is_model_of(s, dataset) || !has_share(r, m) || isnan(share_of(o, s, m)))
                continue;
            const char *fields[] = {
                dataset, o->name, s->label, s->model, s->params, r->measure[m].metric, r->measure[m].k};
            for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
                csv_put(out, fields[f]);
                fputc(',', out);
            }
            fprintf(out, "%.9g,%.9g,%.9g\n", s->mean[m], o->mean[m], share_of(o, s, m));
        }
}
