/*
 * figure_time.c - points: one panel a metric, its value at the main cut-off against the seconds of one fit (plots/time.gp).
 *
 * The one figure whose bytes differ from run to run, as times do.
 */
#include <math.h>

#include "plot_recipes.h"
#include "report/figure.h"

enum { FASTEST = -3 }; /* a decade: what takes less than a millisecond stands at one */

static void write_figure(const struct figure *f, FILE *out, int *width, int *height)
{
    const char *k = table_main_k(f->r);
    double slowest = 0;
    figure_write_panels(f, false, 0, out, width, height);
    fputs("$data << EOD\n", out);
    for (size_t s = 0; s < f->n_series; s++) {
        const double seconds = fmax(f->series[s]->fit_seconds, pow(10, FASTEST));
        slowest = fmax(slowest, seconds);
        fprintf(out, "%.4g", seconds);
        for (size_t m = 0; m < f->n_metrics; m++)
            figure_write_number(out, figure_value(f, f->series[s], m, k));
        fputc('\n', out);
    }
    fprintf(out, "EOD\nfirst = %g\nlast = %g\n", pow(10, FASTEST) * 0.6, pow(10, ceil(log10(slowest))) * 1.7);
    figure_write_title(f, k, out);
}

const struct figure_kind figure_time = {
    .name = "time", .recipe = PLOT_RECIPE_time, .has_key = true, .write = write_figure};
