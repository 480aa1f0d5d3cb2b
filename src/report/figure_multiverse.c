/*
 * figure_multiverse.c - does the order of the models survive?  One figure a run (plots/multiverse.gp).  Left: each model's rank
 * under every split and mask, with a bar over its ranks under all rules of ties, metrics, cut-offs and dialects there.  Right:
 * Kendall's tau between universes that differ in one choice alone.
 */
#include <math.h>
#include <string.h>

#include "base/columns.h"
#include "plot_recipes.h"
#include "report/figure.h"
#include "report/multiverse.h"

enum { GAP = 90, TAU = 240 };

static bool applies(const struct figure *f)
{
    return f->r->multiverse != NULL && f->r->multiverse->n_universes > 1;
}

/* Rank in the column's reference, lowest and highest in the column, a model after the other. */
static void write_ranks(const struct multiverse *m, const char *k, FILE *out)
{
    fputs("$ranks << EOD\n", out);
    for (size_t c = 0; c < m->n_columns; c++) {
        const struct universe *reference = multiverse_reference(m, c, k);
        fprintf(out, "%zu", c + 1);
        for (size_t s = 0; s < m->n_models; s++) {
            double low = reference->rank[s], high = low;
            for (size_t u = 0; u < m->n_universes; u++)
                if (m->universe[u].column == c) {
                    low = fmin(low, m->universe[u].rank[s]);
                    high = fmax(high, m->universe[u].rank[s]);
                }
            fprintf(out, " %g %g %g", reference->rank[s], low, high);
        }
        fputc('\n', out);
    }
    fputs("EOD\n", out);
}

/* Columns of a split: where there are no validation rows both masks are one. */
static size_t n_masks(const struct multiverse *m, const char *split)
{
    size_t n = 0;
    for (size_t c = 0; c < m->n_columns; c++)
        n += strcmp(m->universe[m->first_of_column[c]].choice[CHOICE_SPLIT], split) == 0;
    return n;
}

static size_t write_effects(const struct multiverse *m, FILE *out)
{
    size_t n = 0;
    double least = 1;
    fputs("$effects << EOD\n", out);
    for (int c = 0; c <= N_CHOICES; c++) {
        const struct choice_effect *e = c < N_CHOICES ? &m->effect[c] : &m->all;
        if (e->n_pairs == 0)
            continue;
        fprintf(out, "%zu %.9g %.9g %.9g %.9g\n", ++n, e->mean, e->low, e->high, e->same_best);
        least = fmin(least, e->low);
    }
    fprintf(out, "EOD\narray effects[%zu]\nleast = %.9g\n", n, least);
    n = 0;
    for (int c = 0; c <= N_CHOICES; c++) {
        const struct choice_effect *e = c < N_CHOICES ? &m->effect[c] : &m->all;
        if (e->n_pairs > 0)
            fprintf(out, "effects[%zu] = '%s'\n", ++n, c < N_CHOICES ? choice_names[c] : "everything");
    }
    fprintf(out, "n_effects = %zu\n", n);
    return n;
}

static void write_figure(const struct figure *f, FILE *out, int *width, int *height)
{
    const struct multiverse *m = f->r->multiverse;
    const char *k = table_main_k(f->r);
    size_t widest = 6;
    fprintf(out, "n_models = %zu\narray names[%zu]\n", m->n_models, m->n_models);
    for (size_t s = 0; s < m->n_models; s++) {
        fprintf(out, "names[%zu] = ", s + 1);
        figure_write_quoted(out, m->model[s], false);
        fputc('\n', out);
        const size_t columns = text_columns(m->model[s]);
        widest = columns > widest ? columns : widest;
    }
    fprintf(out, "n_columns = %zu\narray splits[%zu]\narray masks[%zu]\n", m->n_columns, m->n_columns,
            m->n_columns);
    for (size_t c = 0; c < m->n_columns; c++) {
        const struct universe *u = &m->universe[m->first_of_column[c]];
        fprintf(out, "splits[%zu] = ", c + 1);
        figure_write_quoted(out, u->choice[CHOICE_SPLIT], true);
        const bool one = m->effect[CHOICE_MASK].n_values > 1 && n_masks(m, u->choice[CHOICE_SPLIT]) == 1;
        fprintf(out, one ? "\nmasks[%zu] = 'no validation'\n" : "\nmasks[%zu] = '%s masked'\n", c + 1,
                u->choice[CHOICE_MASK]);
    }
    write_ranks(m, k, out);
    const size_t n_effects = write_effects(m, out);
    const struct universe *reference = multiverse_reference(m, 0, k);
    const int side = 24 + 8 * (int)(widest > 44 ? 44 : widest), columns = 92 * (int)m->n_columns;
    const int heading = 410 - 2 * (24 + side); /* of the ranks, centred, is wider than one column */
    const int bump = columns > heading ? columns : heading;
    const int tall = 26 * (int)(m->n_models > n_effects + 2 ? m->n_models : n_effects + 2);
    *width = 24 + side + bump + side + GAP + TAU + 120;
    *height = 120 + tall + 70;
    fprintf(out,
            "bump_left = %.4f\nbump_right = %.4f\neffect_left = %.4f\neffect_right = %.4f\nbottom = "
            "%.4f\ntop = %.4f\n",
            (24.0 + side) / *width, (24.0 + side + bump) / *width, (24.0 + 2 * side + bump + GAP) / *width,
            (24.0 + 2 * side + bump + GAP + TAU) / *width, 70.0 / *height, 1 - 100.0 / *height);
    char title[600];
    snprintf(title, sizeof title, "%s: does the order of %zu models survive %zu universes?", f->r->experiment,
             m->n_models, m->n_universes);
    fputs("figure_title = ", out);
    figure_write_quoted(out, title, false);
    snprintf(title, sizeof title, "rank by %s%s%s; bar: under all other choices",
             reference->choice[CHOICE_METRIC], reference->choice[CHOICE_CUTOFF][0] != '\0' ? "@" : "",
             reference->choice[CHOICE_CUTOFF]);
    fputs("\nrank_title = ", out);
    figure_write_quoted(out, title, false);
    fputc('\n', out);
}

const struct figure_kind figure_multiverse = {.name = "multiverse",
                                              .recipe = PLOT_RECIPE_multiverse,
                                              .whole_run = true,
                                              .applies = applies,
                                              .write = write_figure};
