/*
 * figure_curves.c - lines: one panel a model that fits by steps: its training loss by epoch, sweep or tree, its loss and its
 * quality on validation rows where the fit measured them (plots/curves.gp).  Means over folds and seeds.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "plot_recipes.h"
#include "report/figure.h"

enum { PANELS = 24, PANEL_WIDTH = 300, PANEL_HEIGHT = 190, GAP = 62, MARGIN = 80, BETWEEN = 132 };

/* The curve's name means quality, which has an axis of its own (a loss is below its name). */
static bool is_quality(const char *curve)
{
    return strncmp(curve, "validation ", 11) == 0 && strcmp(curve, "validation loss") != 0;
}

static bool has_curve(const struct records *r, const struct series *s)
{
    for (size_t i = 0; i < r->n_curves; i++)
        if (r->curve[i].series == s)
            return true;
    return false;
}

static bool applies(const struct figure *f)
{
    for (size_t s = 0; s < f->n_series; s++)
        if (has_curve(f->r, f->series[s]))
            return true;
    return false;
}

enum { TRAIN, VALIDATION, QUALITY, KINDS };
static int kind_of(const char *curve)
{
    return is_quality(curve) ? QUALITY : strcmp(curve, "validation loss") == 0 ? VALIDATION : TRAIN;
}

/* One panel's points: step, train, validation loss, validation quality, each step's mean over the cells. */
static void write_points(const struct records *r, const struct series *s, FILE *out)
{
    long last = 0;
    for (size_t i = 0; i < r->n_curves; i++)
        if (r->curve[i].series == s)
            last = r->curve[i].step > last ? r->curve[i].step : last;
    double *sum = calloc(((size_t)last + 1) * KINDS, sizeof *sum),
           *n = calloc(((size_t)last + 1) * KINDS, sizeof *n);
    for (size_t i = 0; i < r->n_curves && sum != NULL && n != NULL; i++)
        if (r->curve[i].series == s && r->curve[i].step >= 0) {
            const size_t at = (size_t)r->curve[i].step * KINDS + (size_t)kind_of(r->curve[i].curve);
            sum[at] += r->curve[i].value, n[at]++;
        }
    for (long step = 0; step <= last && sum != NULL && n != NULL; step++) {
        const double *of = n + step * KINDS;
        if (of[TRAIN] + of[VALIDATION] + of[QUALITY] == 0)
            continue;
        fprintf(out, "%ld", step);
        for (int kind = 0; kind < KINDS; kind++)
            figure_write_number(out, of[kind] > 0 ? sum[step * KINDS + kind] / of[kind] : NAN);
        fputc('\n', out);
    }
    free(sum);
    free(n);
}

static void write_panel(const struct records *r, const struct series *s, size_t panel, const char *name,
                        FILE *out)
{
    const char *names[KINDS] = {"", "", ""};
    long last = 0;
    for (size_t i = 0; i < r->n_curves; i++)
        if (r->curve[i].series == s) {
            names[kind_of(r->curve[i].curve)] = r->curve[i].curve;
            last = r->curve[i].step > last ? r->curve[i].step : last;
        }
    fprintf(out, "names[%zu] = ", panel);
    figure_write_quoted(out, name, false);
    fprintf(out, "\nsteps[%zu] = %ld\nlosses[%zu] = '%s'\nhas_valid[%zu] = %d\nhas_quality[%zu] = %d\n",
            panel, last, panel, names[TRAIN][0] != '\0' ? names[TRAIN] : "loss", panel,
            names[VALIDATION][0] != '\0', panel, names[QUALITY][0] != '\0');
}

/* What the right axis shows: the curves' one name, or "validation quality" where panels differ in it. */
static const char *quality_name(const struct records *r)
{
    const char *name = "";
    for (size_t i = 0; i < r->n_curves; i++)
        if (is_quality(r->curve[i].curve)) {
            if (name[0] != '\0' && strcmp(name, r->curve[i].curve) != 0)
                return "validation quality";
            name = r->curve[i].curve;
        }
    return name;
}

static void write_figure(const struct figure *f, FILE *out, int *width, int *height)
{
    const struct series *series[PANELS];
    const char *name[PANELS];
    size_t n = 0, n_all = 0;
    for (size_t s = 0; s < f->n_series; s++) {
        if (!has_curve(f->r, f->series[s]))
            continue;
        if (n < PANELS)
            series[n] = f->series[s], name[n++] = f->name[s];
        n_all++;
    }
    const int columns = n == 0 ? 1 : n < 3 ? (int)n : n == 4 ? 2 : 3, rows = ((int)n + columns - 1) / columns;
    *width = 2 * MARGIN + columns * PANEL_WIDTH + (columns - 1) * BETWEEN;
    *height = 118 + rows * PANEL_HEIGHT + (rows - 1) * GAP + 50;
    fprintf(out,
            "n_panels = %zu\nrows = %d\ncolumns = %d\nleft_margin = %.4f\nright_margin = %.4f\nbottom_margin "
            "= %.4f\n"
            "top_margin = %.4f\npanel_gap = %.4f\ncolumn_gap = %.4f\nkey_y = %.4f\nkey_dx = %.4f\n",
            n, rows, columns, (double)MARGIN / *width, 1 - (double)MARGIN / *width, 50.0 / *height,
            1 - 104.0 / *height, (double)GAP / *height, (double)BETWEEN / *width, 1 - 52.0 / *height,
            1.0 / *width);
    fprintf(out,
            "array names[%zu]\narray steps[%zu]\narray losses[%zu]\narray has_valid[%zu]\narray "
            "has_quality[%zu]\n",
            n, n, n, n, n);
    for (size_t p = 0; p < n; p++)
        write_panel(f->r, series[p], p + 1, name[p], out);
    fputs("quality_name = ", out);
    figure_write_quoted(out, quality_name(f->r), false);
    fputs("\n$data << EOD\n", out);
    for (size_t p = 0; p < n; p++) {
        fputs(p > 0 ? "\n\n" : "", out);
        write_points(f->r, series[p], out);
    }
    fputs("EOD\n", out);
    fputs("figure_title = ", out);
    char title[600];
    snprintf(title, sizeof title, n_all > n ? "%s: training, the first %zu of %zu" : "%s: training",
             f->dataset, n, n_all);
    figure_write_quoted(out, title, false);
    fputc('\n', out);
}

const struct figure_kind figure_curves = {
    .name = "curves", .recipe = PLOT_RECIPE_curves, .applies = applies, .write = write_figure};
