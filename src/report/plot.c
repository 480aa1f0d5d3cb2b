/*
 * plot.c - figures by gnuplot.  A figure is a script that stands alone: terminal, data and title written
 * here, then the recipe from plots/NAME.gp (built into the program).  It is kept beside the picture, so that
 * a user can restyle it.
 *
 * svg and png hold no times and no paths: the same records give the same bytes with the same gnuplot.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/log.h"
#include "plot_recipes.h"
#include "report/parts.h"

enum { MAX_CUTOFFS = 32, MAX_METRICS = 32, MAX_MODELS = 128, NAME_COLUMNS = 44 };

/* What a figure shows: one dataset's series that have values, and its metrics. */
struct figure {
    const struct records *r;
    const char *dataset, *stem; /* stem: file name without folder and ending */
    const struct series *series[MAX_MODELS];
    const char *name[MAX_MODELS]; /* as the figure shows it: at most NAME_COLUMNS wide */
    size_t n_series;
    const char *metric[MAX_METRICS];
    size_t n_metrics;
    const char *cutoff[MAX_CUTOFFS];
    size_t n_cutoffs;
};

const char *plot_name(const struct records *r, const char *dataset, const char *plot, struct arena *arena)
{
    (void)r;
    const char *stem = report_file_name(dataset, arena);
    return stem != NULL ? arena_printf(arena, "plots/%s-%s", stem, plot) : NULL;
}

/* The column of a metric at a cut-off (or without one); r->n_measures when there is none. */
static size_t find_measure(const struct records *r, const char *metric, const char *k)
{
    size_t m = 0;
    while (m < r->n_measures && !(strcmp(r->measure[m].metric, metric) == 0 &&
                                  (r->measure[m].k[0] == '\0' || strcmp(r->measure[m].k, k) == 0)))
        m++;
    return m;
}

/* Single quotes: between double ones gnuplot gives `what stands in backticks` to the shell. */
static void quote(FILE *out, const char *text, bool double_percent)
{
    fputc('\'', out);
    for (; *text != '\0'; text++) {
        if (*text == '\'' || (*text == '%' && double_percent))
            fputc(*text, out);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
    }
    fputc('\'', out);
}

/* Cut-offs from small to large, whatever their order in the experiment. */
static int by_number(const void *a, const void *b)
{
    const double x = atof(*(const char *const *)a), y = atof(*(const char *const *)b);
    return (x > y) - (x < y);
}

static enum status collect(struct figure *f, bool need_cutoff, struct arena *arena)
{
    const struct records *r = f->r;
    for (size_t s = 0; s < r->n_series && f->n_series < MAX_MODELS; s++)
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
        if (i == f->n_metrics && i < MAX_METRICS && !(need_cutoff && r->measure[m].k[0] == '\0'))
            f->metric[f->n_metrics++] = r->measure[m].metric;
    }
    f->n_cutoffs = table_cutoffs(r, f->cutoff, MAX_CUTOFFS);
    qsort(f->cutoff, f->n_cutoffs, sizeof *f->cutoff, by_number);
    return STATUS_OK;
}

/* The names of the models as a gnuplot array; returns the widest one's columns. As names of tics they leave the oracle
 * out and double each '%', for gnuplot takes those for formats. */
static size_t write_names(const struct figure *f, bool as_tics, FILE *out)
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
        quote(out, f->name[s], as_tics);
        fputc('\n', out);
        const size_t columns = text_columns(f->name[s]);
        widest = columns > widest ? columns : widest;
    }
    return widest;
}

static double value_at(const struct figure *f, const struct series *s, size_t metric, const char *k)
{
    const size_t m = find_measure(f->r, f->metric[metric], k);
    return m < f->r->n_measures ? s->mean[m] : NAN;
}

static void number(FILE *out, double value)
{
    if (isnan(value))
        fputs(" NaN", out);
    else
        fprintf(out, " %.9g", value);
}

static void write_words(FILE *out, const char *name, const char *const *word, size_t n)
{
    fprintf(out, "%s = \"", name);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", word[i]);
    fputs("\"\n", out);
}

/* Panels in at most three columns. */
static void layout(const struct figure *f, size_t *rows, size_t *columns)
{
    *columns = f->n_metrics < 3 ? f->n_metrics : 3;
    if (f->n_metrics == 4)
        *columns = 2;
    *rows = (f->n_metrics + *columns - 1) / *columns;
}

static void write_metrics_data(const struct figure *f, FILE *out, int *width, int *height)
{
    const char *k = table_main_k(f->r);
    size_t rows, columns, n_bars = 0;
    layout(f, &rows, &columns);
    const size_t widest = write_names(f, true, out);
    fputs("$data << EOD\n", out);
    for (size_t s = 0; s < f->n_series; s++) {
        if (series_is_oracle(f->series[s]))
            continue;
        for (size_t m = 0; m < f->n_metrics; m++)
            number(out, value_at(f, f->series[s], m, k));
        for (size_t m = 0; m < f->n_metrics; m++) {
            const size_t at = find_measure(f->r, f->metric[m], k);
            fprintf(out, " %d", at < f->r->n_measures && records_best(f->r, f->series[s], at));
        }
        fputc('\n', out);
        n_bars++;
    }
    fprintf(out, "EOD\narray oracle[%zu]\narray top[%zu]\n", f->n_metrics, f->n_metrics);
    for (size_t m = 0; m < f->n_metrics; m++) {
        double oracle = NAN, top = 0;
        for (size_t s = 0; s < f->n_series; s++) {
            const double value = value_at(f, f->series[s], m, k);
            top = value > top ? value : top;
            if (series_is_oracle(f->series[s]) && isnan(oracle))
                oracle = value;
        }
        fprintf(out, "top[%zu] = %.9g\noracle[%zu] =", m + 1, top > 0 ? top : 1, m + 1);
        number(out, oracle);
        fputc('\n', out);
    }
    const bool has_oracle = n_bars < f->n_series;
    fprintf(out, "has_oracle = %d\n", has_oracle);
    const int panel = 20 + 19 * ((int)n_bars + has_oracle), gap = 76;
    *height = 110 + (int)rows * panel + ((int)rows - 1) * gap;
    const int left = 24 + (int)widest * 8;
    *width = left + 280 * (int)columns + 20;
    fprintf(out,
            "n_models = %zu\nleft_margin = %.4f\nbottom_margin = %.4f\ntop_margin = %.4f\npanel_gap = %.4f\n",
            n_bars, (double)left / *width, 34.0 / *height, 1.0 - 76.0 / *height, (double)gap / *height);
    fputs("figure_title = ", out);
    char title[512];
    if (k[0] != '\0')
        snprintf(title, sizeof title, "%s, k = %s", f->dataset, k);
    else
        snprintf(title, sizeof title, "%s", f->dataset);
    quote(out, title, false);
    fputc('\n', out);
}

static void write_per_k_data(const struct figure *f, FILE *out, int *width, int *height)
{
    size_t rows, columns;
    layout(f, &rows, &columns);
    const size_t widest = write_names(f, false, out);
    fputs("$data << EOD\n", out);
    for (size_t c = 0; c < f->n_cutoffs; c++) {
        fputs(f->cutoff[c], out);
        for (size_t m = 0; m < f->n_metrics; m++)
            for (size_t s = 0; s < f->n_series; s++)
                number(out, value_at(f, f->series[s], m, f->cutoff[c]));
        fputc('\n', out);
    }
    fprintf(out, "EOD\narray is_oracle[%zu]\n", f->n_series);
    for (size_t s = 0; s < f->n_series; s++)
        fprintf(out, "is_oracle[%zu] = %d\n", s + 1, series_is_oracle(f->series[s]));
    const int key = 70 + (int)widest * 8;
    const int key_height = 90 + 20 * (int)f->n_series, panels = 94 + (int)rows * 258;
    *height = panels > key_height ? panels : key_height;
    *width = 60 + 270 * (int)columns + key;
    fprintf(out,
            "n_models = %zu\nn_cutoffs = %zu\nleft_margin = %.4f\nright_margin = %.4f\nbottom_margin = %.4f\n"
            "top_margin = %.4f\npanel_gap = %.4f\nkey_left = %.4f\nkey_row = %.4f\n",
            f->n_series, f->n_cutoffs, 58.0 / *width, 1.0 - (double)(key + 16) / *width, 50.0 / *height,
            1.0 - 78.0 / *height, 92.0 / *height, 24.0 / *width, 20.0 / *height);
    write_words(out, "cutoffs", f->cutoff, f->n_cutoffs);
    fputs("figure_title = ", out);
    quote(out, f->dataset, false);
    fputc('\n', out);
}

static void write_script(const struct figure *f, const char *plot, FILE *out)
{
    const bool bars = strcmp(plot, "metrics") == 0;
    size_t rows, columns;
    int width, height;
    layout(f, &rows, &columns);
    fprintf(out, "# Drawn by recfuse; `gnuplot %s.gp` in this folder draws it again.\n", f->stem);
    fputs("if (!exists(\"suffix\")) { suffix = \"\" }\n", out);
    fprintf(out, "n_metrics = %zu\nrows = %zu\ncolumns = %zu\n", f->n_metrics, rows, columns);
    write_words(out, "metric_names", f->metric, f->n_metrics);
    if (bars)
        write_metrics_data(f, out, &width, &height);
    else
        write_per_k_data(f, out, &width, &height);
    const char *recipe = bars ? PLOT_RECIPE_metrics : PLOT_RECIPE_per_k;
    fprintf(out,
            "set terminal svg size %d, %d font \"DejaVu Sans,12\" background rgb \"#ffffff\" noenhanced\n"
            "set output \"%s.svg\" . suffix\n%s\nunset output\nreset\n",
            width, height, f->stem, recipe);
    fprintf(
        out,
        "set terminal pngcairo size %d, %d font \"DejaVu Sans,12\" background rgb \"#ffffff\" noenhanced\n"
        "set output \"%s.png\" . suffix\n%s\nunset output\n",
        width, height, f->stem, recipe);
}

/* Runs gnuplot on SCRIPT in FOLDER; *missing when there is no gnuplot. */
static enum status run_gnuplot(const char *folder, const char *script, bool *missing)
{
    const pid_t child = fork();
    if (child < 0)
        return status_fail(STATUS_SYSTEM, "gnuplot could not be started: %s", strerror(errno));
    if (child == 0) {
        if (chdir(folder) != 0)
            _exit(126);
        execlp("gnuplot", "gnuplot", "-e", "suffix = \".tmp\"", script, (char *)NULL);
        _exit(127);
    }
    int state;
    while (waitpid(child, &state, 0) < 0)
        if (errno != EINTR)
            return status_fail(STATUS_SYSTEM, "gnuplot could not be waited for: %s", strerror(errno));
    *missing = WIFEXITED(state) && WEXITSTATUS(state) == 127;
    if (*missing || (WIFEXITED(state) && WEXITSTATUS(state) == 0))
        return STATUS_OK;
    return status_fail(STATUS_SYSTEM, "gnuplot failed on %s/%s: run it by hand to see why", folder, script);
}

static enum status draw(struct figure *f, const char *folder, const char *plot, struct arena *arena,
                        bool *missing)
{
    struct atomic_file file;
    const char *script = arena_printf(arena, "%s.gp", f->stem);
    const char *path = arena_printf(arena, "%s/%s.gp", folder, f->stem);
    if (script == NULL || path == NULL)
        return STATUS_SYSTEM;
    TRY(atomic_open(&file, path));
    write_script(f, plot, file.stream);
    TRY(atomic_commit(&file));
    TRY(run_gnuplot(folder, script, missing));
    for (int i = 0; i < 2 && !*missing; i++) {
        const char *final = arena_printf(arena, "%s/%s.%s", folder, f->stem, i == 0 ? "svg" : "png");
        if (final == NULL)
            return STATUS_SYSTEM;
        struct atomic_file picture;
        TRY(atomic_name(&picture, final));
        snprintf(picture.temporary, sizeof picture.temporary, "%s.tmp",
                 final); /* what gnuplot was told to write */
        TRY(atomic_commit(&picture));
    }
    return STATUS_OK;
}

enum status plots_write(const struct records *r, struct arena *arena, bool *drawn)
{
    const char *folder = arena_printf(arena, "%s/plots", r->run_dir);
    bool missing = false;
    if (folder == NULL)
        return STATUS_SYSTEM;
    TRY(make_folders(folder));
    for (size_t d = 0; d < r->n_datasets; d++)
        for (size_t p = 0; p < r->n_plots && !missing; p++) {
            struct figure *f;
            ARENA_NEW(f, arena, 1);
            f->r = r;
            f->dataset = r->dataset[d];
            const char *name = plot_name(r, f->dataset, r->plots[p], arena);
            if (name == NULL)
                return STATUS_SYSTEM;
            f->stem = name + strlen("plots/");
            TRY(collect(f, strcmp(r->plots[p], "per_k") == 0, arena));
            size_t n_compared = 0;
            for (size_t s = 0; s < f->n_series; s++)
                n_compared += !series_is_oracle(f->series[s]);
            if (n_compared == 0 || f->n_metrics == 0)
                continue; /* nothing was had on this dataset: its table says why */
            TRY(draw(f, folder, r->plots[p], arena, &missing));
        }
    if (missing)
        log_warn("no plots: gnuplot is not installed (tools/install-deps.sh installs it; then `recfuse "
                 "report %s`)",
                 r->run_dir);
    *drawn = !missing;
    return STATUS_OK;
}
