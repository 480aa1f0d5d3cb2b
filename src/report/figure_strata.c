/*
 * figure_strata.c - lines: one panel a metric, its value at the main cut-off in each part of users and items, one line a model
 * (plots/strata.gp), with its interval.  Nothing where the run measured no parts apart.
 */
#include <math.h>

#include "plot_recipes.h"
#include "report/figure.h"

/* Has any model a value of the metric in any part? */
static bool is_measured(const struct figure *f, size_t metric)
{
    const struct records *r = f->r;
    const size_t at = figure_measure(f, metric, table_main_k(r));
    for (size_t part = 0; part < r->n_strata && at < r->n_measures; part++)
        for (size_t s = 0; s < f->n_series; s++)
            if (!isnan(f->series[s]->stratum_mean[part * r->n_measures + at]))
                return true;
    return false;
}

static bool applies(const struct figure *f)
{
    bool any = false;
    for (size_t m = 0; m < f->n_metrics; m++)
        any = any || is_measured(f, m);
    return any;
}

/* The part's number; all models' means, then lower ends, then upper ends, of each metric in turn. */
static void write_part(const struct figure *f, size_t part, const char *k, FILE *out)
{
    fprintf(out, "%zu", part + 1);
    for (int what = 0; what < 3; what++)
        for (size_t m = 0; m < f->n_metrics; m++) {
            const size_t at = part * f->r->n_measures + figure_measure(f, m, k);
            for (size_t s = 0; s < f->n_series; s++) {
                const struct series *x = f->series[s];
                const double *value = what == 0   ? x->stratum_mean
                                      : what == 1 ? x->stratum_low
                                                  : x->stratum_high;
                figure_write_number(out, value[at]);
            }
        }
    fputc('\n', out);
}

static void write_figure(const struct figure *whole, FILE *out, int *width, int *height)
{
    struct figure panels = *whole, *f = &panels; /* metrics that are measured apart */
    const struct records *r = f->r;
    const char *k = table_main_k(r);
    f->n_metrics = 0;
    for (size_t m = 0; m < whole->n_metrics; m++)
        if (is_measured(whole, m))
            f->metric[f->n_metrics++] = whole->metric[m];
    figure_write_metrics(f, out);
    figure_write_panels(f, true, 34, out, width, height);
    fprintf(out, "n_strata = %zu\narray strata[%zu]\n", r->n_strata, r->n_strata);
    for (size_t s = 0; s < r->n_strata; s++) {
        fprintf(out, "strata[%zu] = ", s + 1);
        figure_write_quoted(out, r->stratum[s], true);
        fputc('\n', out);
    }
    fputs("$data << EOD\n", out);
    for (size_t part = 0; part < r->n_strata; part++) {
        if (part > 0 && !strata_same_kind(r->stratum[part - 1], r->stratum[part]))
            fputc('\n', out); /* no line from one kind of parts to another */
        write_part(f, part, k, out);
    }
    fputs("EOD\n", out);
    figure_write_title(f, k, out);
}

const struct figure_kind figure_strata = {.name = "strata",
                                          .recipe = PLOT_RECIPE_strata,
                                          .has_key = true,
                                          .needs_cutoff = true,
                                          .applies = applies,
                                          .write = write_figure};
