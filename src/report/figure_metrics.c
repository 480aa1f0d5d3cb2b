/* figure_metrics.c - bars: one panel a metric, one bar a model with its interval, at the main cut-off
 * (plots/metrics.gp). */
#include <math.h>

#include "plot_recipes.h"
#include "report/figure.h"

/* Each oracle's name and values, a line each in the plot; returns their number. */
static size_t write_oracles(const struct figure *f, const char *k, FILE *out)
{
    size_t n = 0;
    fprintf(out, "array oracle_names[%zu]\narray oracle[%zu]\n", f->n_series, f->n_series * f->n_metrics);
    for (size_t s = 0; s < f->n_series; s++) {
        if (!series_is_oracle(f->series[s]))
            continue;
        for (size_t m = 0; m < f->n_metrics; m++) {
            fprintf(out, "oracle[%zu] =", n * f->n_metrics + m + 1);
            figure_write_number(out, figure_value(f, f->series[s], m, k));
            fputc('\n', out);
        }
        fprintf(out, "oracle_names[%zu] = ", ++n);
        figure_write_quoted(out, f->name[s], false);
        fputc('\n', out);
    }
    fprintf(out, "n_oracles = %zu\n", n);
    return n;
}

static void write_figure(const struct figure *f, FILE *out, int *width, int *height)
{
    const char *k = table_main_k(f->r);
    size_t n_bars = 0;
    const size_t widest = figure_write_names(f, true, out);
    fputs("$data << EOD\n", out);
    for (size_t s = 0; s < f->n_series; s++) {
        if (series_is_oracle(f->series[s]))
            continue;
        for (size_t m = 0; m < f->n_metrics; m++)
            figure_write_number(out, figure_value(f, f->series[s], m, k));
        for (size_t m = 0; m < f->n_metrics; m++) {
            const size_t at = figure_measure(f, m, k);
            fprintf(out, " %d", at < f->r->n_measures && records_best(f->r, f->series[s], at));
        }
        for (int end = 0; end < 2; end++)
            for (size_t m = 0; m < f->n_metrics; m++) {
                const size_t at = figure_measure(f, m, k);
                const double *ends = end == 0 ? f->series[s]->low : f->series[s]->high;
                const bool known = at < f->r->n_measures && !isnan(ends[at]);
                figure_write_number(out, known ? ends[at] : figure_value(f, f->series[s], m, k));
            }
        fputc('\n', out);
        n_bars++;
    }
    fprintf(out, "EOD\narray top[%zu]\n", f->n_metrics);
    for (size_t m = 0; m < f->n_metrics; m++) {
        double top = 0;
        for (size_t s = 0; s < f->n_series; s++) {
            const double value = figure_value(f, f->series[s], m, k);
            const size_t at = figure_measure(f, m, k);
            top = value > top ? value : top;
            if (at < f->r->n_measures && f->series[s]->high[at] > top)
                top = f->series[s]->high[at];
        }
        fprintf(out, "top[%zu] = %.9g\n", m + 1, top > 0 ? top : 1);
    }
    const size_t n_oracles = write_oracles(f, k, out);
    const int panel = 20 + 19 * ((int)n_bars + (int)n_oracles), gap = 76;
    *height = 110 + (int)f->rows * panel + ((int)f->rows - 1) * gap;
    const int left = 24 + (int)widest * 8;
    *width = left + 280 * (int)f->columns + 20;
    fprintf(out,
            "n_models = %zu\nleft_margin = %.4f\nbottom_margin = %.4f\ntop_margin = %.4f\npanel_gap = %.4f\n",
            n_bars, (double)left / *width, 34.0 / *height, 1.0 - 76.0 / *height, (double)gap / *height);
    figure_write_title(f, k, out);
}

const struct figure_kind figure_metrics = {
    .name = "metrics", .recipe = PLOT_RECIPE_metrics, .write = write_figure};
