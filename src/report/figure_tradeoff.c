/*
 * figure_tradeoff.c - points: the first accuracy metric of the experiment at the main cut-off against each metric beyond accuracy
 * (coverage, novelty ...), one panel each; models that no other beats in both are ringed and joined: the Pareto front
 * (plots/tradeoff.gp).  Nothing where the run has not both kinds.
 */
#include <math.h>
#include <string.h>

#include "eval/metrics.h"
#include "plot_recipes.h"
#include "report/figure.h"

static bool is_beyond(const char *name)
{
    const struct metric_type *t = metric_find(name);
    return t != NULL && (t->kind == METRIC_BEYOND || t->kind == METRIC_AGGREGATE);
}

/* The first accuracy metric with a cut-off; n_metrics: none. */
static size_t accuracy_of(const struct figure *f)
{
    size_t m = 0;
    while (m < f->n_metrics && is_beyond(f->metric[m]))
        m++;
    return m;
}

static bool applies(const struct figure *f)
{
    size_t n = 0;
    for (size_t m = 0; m < f->n_metrics; m++)
        n += is_beyond(f->metric[m]);
    return n > 0 && accuracy_of(f) < f->n_metrics;
}

/* No other model is at least as good in both and better in one. */
static bool on_front(const struct figure *f, size_t s, size_t x, size_t y, const char *k)
{
    const double sign = metric_find(f->metric[x])->lower_is_better ? -1 : 1;
    const double mine[2] = {sign * figure_value(f, f->series[s], x, k), figure_value(f, f->series[s], y, k)};
    if (series_is_oracle(f->series[s]) || isnan(mine[0]) || isnan(mine[1]))
        return false;
    for (size_t t = 0; t < f->n_series; t++) {
        const double a = sign * figure_value(f, f->series[t], x, k), b = figure_value(f, f->series[t], y, k);
        if (!series_is_oracle(f->series[t]) && a >= mine[0] && b >= mine[1] && (a > mine[0] || b > mine[1]))
            return false;
    }
    return true;
}

/* A step of 1, 2 or 5 times a power of ten of which three to seven make up the metric's range: more numbers would run into one
 * another.  0: the range is none. */
static double step_of(const struct figure *f, size_t metric, const char *k)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t s = 0; s < f->n_series; s++) {
        const double value = figure_value(f, f->series[s], metric, k);
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    if (!(high > low))
        return 0;
    const double third = (high - low) / 3, power = pow(10, floor(log10(third))), times = third / power;
    return power * (times < 2 ? 1 : times < 5 ? 2 : 5);
}

static void write_figure(const struct figure *f, FILE *out, int *width, int *height)
{
    const char *k = table_main_k(f->r);
    const size_t y = accuracy_of(f);
    struct figure panels = *f; /* one a metric beyond accuracy */
    panels.n_metrics = 0;
    for (size_t m = 0; m < f->n_metrics; m++)
        if (is_beyond(f->metric[m]))
            panels.metric[panels.n_metrics++] = f->metric[m];
    figure_write_metrics(&panels, out);
    figure_write_panels(&panels, false, 0, out, width, height);
    fprintf(out, "array step[%zu]\n", panels.n_metrics);
    for (size_t m = 0; m < panels.n_metrics; m++)
        fprintf(out, "step[%zu] = %.9g\n", m + 1, step_of(&panels, m, k));
    fputs("accuracy = ", out);
    figure_write_quoted(out, f->metric[y], false);
    fputs("\n$data << EOD\n", out);
    for (size_t s = 0; s < f->n_series; s++) {
        fprintf(out, "%.9g", figure_value(f, f->series[s], y, k));
        for (size_t m = 0; m < panels.n_metrics; m++)
            figure_write_number(out, figure_value(&panels, f->series[s], m, k));
        for (size_t m = 0; m < f->n_metrics; m++)
            if (is_beyond(f->metric[m]))
                fprintf(out, " %d", on_front(f, s, m, y, k));
        fputc('\n', out);
    }
    fputs("EOD\n", out);
    figure_write_title(f, k, out);
}

const struct figure_kind figure_tradeoff = {.name = "tradeoff",
                                            .recipe = PLOT_RECIPE_tradeoff,
                                            .has_key = true,
                                            .needs_cutoff = true,
                                            .applies = applies,
                                            .write = write_figure};
