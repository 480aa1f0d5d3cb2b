/* figure.c - see figure.h. */
#include "report/figure.h"
#include "base/columns.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_COLUMNS = 44 };

size_t figure_measure(const struct figure *f, size_t metric, const char *k)
{
    const struct records *r = f->r;
    size_t m = 0;
    while (m < r->n_measures && !(strcmp(r->measure[m].metric, f->metric[metric]) == 0 &&
                                  (r->measure[m].k[0] == '\0' || strcmp(r->measure[m].k, k) == 0)))
        m++;
    return m;
}

double figure_value(const struct figure *f, const struct series *s, size_t metric, const char *k)
{
    const size_t m = figure_measure(f, metric, k);
    return m < f->r->n_measures ? s->mean[m] : NAN;
}

void figure_write_quoted(FILE *out, const char *text, bool double_percent)
{
    fputc('\'', out); /* between double quotes gnuplot gives `what stands in backticks` to the shell */
    for (; *text != '\0'; text++) {
        if (*text == '\'' || (*text == '%' && double_percent))
            fputc(*text, out);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
    fputc('\'', out);
}

void figure_write_words(FILE *out, const char *name, const char *const *word, size_t n)
{
    fprintf(out, "%s = \"", name);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", word[i]);
    fputs("\"\n", out);
}

void figure_write_number(FILE *out, double value)
{
    if (isnan(value))
        fputs(" NaN", out);
    else
        fprintf(out, " %.9g", value);
}

void figure_write_title(const struct figure *f, const char *k, FILE *out)
{
    char title[512];
    snprintf(title, sizeof title, k[0] != '\0' ? "%s, k = %s" : "%s", f->dataset, k);
    fputs("figure_title = ", out);
    figure_write_quoted(out, title, false);
    fputc('\n', out);
}

size_t figure_write_names(const struct figure *f, bool as_tics, FILE *out)
{
    size_t widest = 8, n = 0;
    for (size_t s = 0; s < f->n_series; s++)
        n += !as_tics || !series_is_oracle(f->series[s]);
    fprintf(out, "array names[%zu]\n", n);
    n = 0;
    for (size_t s = 0; s < f->n_series; s++) {
        if (as_tics && series_is_oracle(f->series[s]))
            continue;
        fprintf(out, "names[%zu] = ", ++n);
        figure_write_quoted(out, f->name[s], as_tics);
        fputc('\n', out);
        const size_t columns = text_columns(f->name[s]);
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

void figure_write_panels(const struct figure *f, bool lines, int below, FILE *out, int *width, int *height)
{
    const size_t widest = figure_write_names(f, false, out);
    const int key = 70 + (int)widest * 8, key_height = 90 + 20 * (int)f->n_series;
    const int panels = 94 + (int)f->rows * (258 + below);
    *height = panels > key_height ? panels : key_height;
    *width = 60 + 270 * (int)f->columns + key;
    fprintf(out, "array is_oracle[%zu]\n", f->n_series);
    for (size_t s = 0; s < f->n_series; s++)
        fprintf(out, "is_oracle[%zu] = %d\n", s + 1, series_is_oracle(f->series[s]));
    fprintf(out,
            "n_models = %zu\nkey_lines = %d\nleft_margin = %.4f\nright_margin = %.4f\nbottom_margin = %.4f\n"
            "top_margin = %.4f\npanel_gap = %.4f\nkey_left = %.4f\nkey_row = %.4f\n",
            f->n_series, lines, 58.0 / *width, 1.0 - (double)(key + 16) / *width, (50.0 + below) / *height,
            1.0 - 78.0 / *height, (92.0 + below) / *height, 24.0 / *width, 20.0 / *height);
}

/* Cut-offs from small to large, whatever their order in the experiment. */
static int by_number(const void *a, const void *b)
{
    const double x = atof(*(const char *const *)a), y = atof(*(const char *const *)b);
    return (x > y) - (x < y);
}

static void lay_out(struct figure *f)
{
    f->columns = f->n_metrics < 3 ? f->n_metrics : 3; /* panels in at most three columns */
    if (f->n_metrics == 4)
        f->columns = 2;
    f->rows = f->columns > 0 ? (f->n_metrics + f->columns - 1) / f->columns : 0;
}

void figure_write_metrics(struct figure *f, FILE *out)
{
    lay_out(f);
    fprintf(out, "n_metrics = %zu\nrows = %zu\ncolumns = %zu\n", f->n_metrics, f->rows, f->columns);
    figure_write_words(out, "metric_names", f->metric, f->n_metrics);
}

enum status figure_collect(struct figure *f, bool needs_cutoff, struct arena *arena)
{
    const struct records *r = f->r;
    for (size_t s = 0; s < r->n_series && f->n_series < FIGURE_MODELS; s++)
        if (strcmp(r->series[s].dataset, f->dataset) == 0 && r->series[s].n_cells > 0) {
            const char *name = text_shortened(r->series[s].name, NAME_COLUMNS, arena);
            if (name == NULL)
                return STATUS_SYSTEM;
            f->name[f->n_series] = name;
            f->series[f->n_series++] = &r->series[s];
        }
    for (size_t m = 0; m < r->n_measures; m++) {
        size_t i = 0;
        while (i < f->n_metrics && strcmp(f->metric[i], r->measure[m].metric) != 0)
            i++;
        if (i == f->n_metrics && i < FIGURE_METRICS && !(needs_cutoff && r->measure[m].k[0] == '\0'))
            f->metric[f->n_metrics++] = r->measure[m].metric;
    }
    f->n_cutoffs = table_cutoffs(r, f->cutoff, FIGURE_CUTOFFS);
    qsort(f->cutoff, f->n_cutoffs, sizeof *f->cutoff, by_number);
    lay_out(f);
    return STATUS_OK;
}
