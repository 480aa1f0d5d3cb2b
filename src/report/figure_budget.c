/*
 * figure_budget.c - the winner by budget: what each model reaches on test rows with 1, 2, 4 ... trials of its search (plots/budget.gp).
 *
 * Two panels: the setting selected on validation rows, and selected on the test rows themselves, as many published tables are.  The first b
 * trials of random, sobol and bayesian are the whole search of budget b (search/propose.h).  Needs test_too; means over folds and seeds.
 */
#include <math.h>
#include <string.h>

#include "eval/metrics.h"
#include "plot_recipes.h"
#include "report/figure.h"

static bool has_trials(const struct records *r, const struct series *s)
{
    for (size_t i = 0; i < r->n_trials; i++)
        if (r->trial[i].series == s && !isnan(r->trial[i].test))
            return true;
    return false;
}

static bool applies(const struct figure *f)
{
    for (size_t s = 0; s < f->n_series; s++)
        if (has_trials(f->r, f->series[s]))
            return true;
    return false;
}

static double sign_of(const struct trial_row *row)
{
    const struct metric_type *metric = metric_find(row->metric);
    return metric != NULL && metric->lower_is_better ? -1 : 1;
}

/* The test value that a budget of `trials` gives, mean over cells: rows of a cell stand together, trials rising. */
static double reached(const struct records *r, const struct series *s, long trials, bool on_test)
{
    double sum = 0, n = 0, best = NAN, value = NAN;
    for (size_t i = 0; i <= r->n_trials; i++) {
        const struct trial_row *row = i < r->n_trials ? &r->trial[i] : NULL;
        const bool begins = row == NULL || i == 0 || row->series != r->trial[i - 1].series ||
                            strcmp(row->fold, r->trial[i - 1].fold) != 0 ||
                            strcmp(row->seed, r->trial[i - 1].seed) != 0;
        if (begins && !isnan(value))
            sum += value, n++;
        if (begins)
            best = value = NAN;
        if (row == NULL || row->series != s || row->trial > trials || isnan(row->test) || isnan(row->value))
            continue;
        const double judged = sign_of(row) * (on_test ? row->test : row->value);
        if (isnan(best) || judged > best)
            best = judged, value = row->test;
    }
    return n > 0 ? sum / n : NAN;
}

static void write_figure(const struct figure *f, FILE *out, int *width, int *height)
{
    struct figure panels = *f;
    long most = 0;
    const char *metric = "", *k = "";
    char title[512];
    panels.n_series = 0;
    for (size_t s = 0; s < f->n_series; s++)
        if (has_trials(f->r, f->series[s])) {
            panels.series[panels.n_series] = f->series[s];
            panels.name[panels.n_series++] = f->name[s];
        }
    for (size_t i = 0; i < f->r->n_trials; i++)
        for (size_t s = 0; s < panels.n_series; s++)
            if (f->r->trial[i].series == panels.series[s]) {
                most = f->r->trial[i].trial > most ? f->r->trial[i].trial : most;
                metric = f->r->trial[i].metric, k = f->r->trial[i].k;
            }
    panels.n_metrics = 2;
    panels.metric[0] = "validation", panels.metric[1] = "test";
    figure_write_metrics(&panels, out);
    figure_write_panels(&panels, true, 0, out, width, height);
    snprintf(title, sizeof title, "%s: %s%s%s on test rows", f->dataset, metric, k[0] != '\0' ? "@" : "", k);
    fputs("figure_title = ", out);
    figure_write_quoted(out, title, false);
    fprintf(out, "\nmost = %ld\n$data << EOD\n", most);
    for (long b = 1; b <= most; b = b < most && b * 2 > most ? most : b * 2) {
        fprintf(out, "%ld", b);
        for (int on_test = 0; on_test < 2; on_test++)
            for (size_t s = 0; s < panels.n_series; s++)
                figure_write_number(out, reached(f->r, panels.series[s], b, on_test));
        fputc('\n', out);
    }
    fputs("EOD\n", out);
}

const struct figure_kind figure_budget = {.name = "budget",
                                          .recipe = PLOT_RECIPE_budget,
                                          .has_key = true,
                                          .needs_cutoff = false,
                                          .applies = applies,
                                          .write = write_figure};
