/* figure_per_k.c - lines: one panel a metric, its value against the cut-off, one line a model (plots/per_k.gp). */
#include "plot_recipes.h"
#include "report/figure.h"

static void write_figure(const struct figure *f, FILE *out, int *width, int *height)
{
    figure_write_panels(f, true, 0, out, width, height);
    fputs("$data << EOD\n", out);
    for (size_t c = 0; c < f->n_cutoffs; c++) {
        fputs(f->cutoff[c], out);
        for (size_t m = 0; m < f->n_metrics; m++)
            for (size_t s = 0; s < f->n_series; s++)
                figure_write_number(out, figure_value(f, f->series[s], m, f->cutoff[c]));
        fputc('\n', out);
    }
    fprintf(out, "EOD\nn_cutoffs = %zu\n", f->n_cutoffs);
    figure_write_words(out, "cutoffs", f->cutoff, f->n_cutoffs);
    figure_write_title(f, "", out);
}

const struct figure_kind figure_per_k = {.name = "per_k",
                                         .recipe = PLOT_RECIPE_per_k,
                                         .has_key = true,
                                         .needs_cutoff = true,
                                         .write = write_figure};
