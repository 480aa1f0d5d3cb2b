/*
 * figure_ranks.c - the critical-difference diagram (Demsar 2006, JMLR 7, figure 1): mean ranks on an axis, models that Nemenyi's test
 * can't tell apart joined by a bar (plots/ranks.gp).  Of the first measure that ranks.csv has for the dataset.
 */
#include <stdlib.h>
#include <string.h>

#include "base/columns.h"
#include "plot_recipes.h"
#include "report/figure.h"

static const struct rank_row *first_of(const struct figure *f)
{
    for (size_t i = 0; i < f->r->n_ranks; i++)
        if (strcmp(f->r->rank[i].dataset, f->dataset) == 0)
            return &f->r->rank[i];
    return NULL;
}

static bool applies(const struct figure *f)
{
    return first_of(f) != NULL;
}

static int by_rank(const void *a, const void *b)
{
    const struct rank_row *x = *(const struct rank_row *const *)a, *y = *(const struct rank_row *const *)b;
    return (x->mean_rank > y->mean_rank) - (x->mean_rank < y->mean_rank);
}

static void write_figure(const struct figure *f, FILE *out, int *width, int *height)
{
    const struct rank_row *first = first_of(f), *row[FIGURE_MODELS];
    size_t n = 0, n_bars = 0, widest = 8, reach = 0;
    for (size_t i = 0; i < f->r->n_ranks && n < FIGURE_MODELS; i++) {
        const struct rank_row *r = &f->r->rank[i];
        if (strcmp(r->dataset, first->dataset) == 0 && strcmp(r->metric, first->metric) == 0 &&
            strcmp(r->k, first->k) == 0)
            row[n++] = r;
    }
    qsort(row, n, sizeof *row, by_rank);
    fprintf(out, "n_models = %zu\narray names[%zu]\narray ranks[%zu]\n", n, n, n);
    for (size_t i = 0; i < n; i++) {
        const size_t columns = text_columns(row[i]->name);
        widest = columns > widest ? columns : widest;
        fprintf(out, "names[%zu] = ", i + 1);
        figure_write_quoted(out, row[i]->name, false);
        fprintf(out, "\nranks[%zu] = %.9g\n", i + 1, row[i]->mean_rank);
    }
    fputs("$bars << EOD\n", out); /* the longest runs within the critical difference, none inside another */
    for (size_t i = 0; i < n; i++) {
        size_t last = i;
        while (last + 1 < n && row[last + 1]->mean_rank - row[i]->mean_rank <= first->critical_difference)
            last++;
        if (last > i && last + 1 > reach)
            fprintf(out, "%.9g %.9g %zu\n", row[i]->mean_rank, row[last]->mean_rank, n_bars++);
        reach = last + 1 > reach ? last + 1 : reach;
    }
    fputs("0 0 -1\nEOD\n", out); /* never empty */
    fprintf(out, "n_bars = %zu\ncritical = %.9g\nover = '%.0f %s'\np = '%s%.2g'\n", n_bars,
            first->critical_difference, first->n_blocks, first->over, first->p > 1e-300 ? "= " : "< ",
            first->p > 1e-300 ? first->p : 1e-300);
    fprintf(out, "measure = '%s%s%s'\n", first->metric, first->k[0] != '\0' ? "@" : "", first->k);
    const size_t cut = widest > 44 ? 44 : widest;
    *width = 560 + 2 * (int)cut * 8;
    *height = 150 + 14 * (int)n_bars + 22 * (int)((n + 1) / 2);
    fprintf(out, "side = %.4f\nwhole = %d\nbar_room = %d\n", (20.0 + (double)cut * 8) / *width, *height,
            14 * (int)n_bars);
    figure_write_title(f, "", out);
}

const struct figure_kind figure_ranks = {
    .name = "ranks", .recipe = PLOT_RECIPE_ranks, .applies = applies, .write = write_figure};
