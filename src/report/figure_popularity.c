/*
 * figure_popularity.c - lines: how popular the recommended items are beside those that users took, at the main cut-off, one line
 * a model (plots/popularity.gp).  Left: of the items in ten groups with a tenth of the train rows each, the share of the lists.
 * Right: of the users in tenths by the popularity of what they took, the popularity of what they are recommended.
 */
#include <math.h>
#include <string.h>

#include "plot_recipes.h"
#include "report/figure.h"

enum { GROUPS = 10 };
enum what { COUNT, TRAIN, TEST, RECOMMENDED };

static double pick(const struct popularity_row *row, enum what what)
{
    return what == COUNT ? row->n : what == TRAIN ? row->train : what == TEST ? row->test : row->recommended;
}

/* The mean over a model's cells (folds and seeds); NaN where there is none. */
static double mean_of(const struct figure *f, size_t s, bool by_users, int group, enum what what)
{
    const struct records *r = f->r;
    const char *k = table_main_k(r);
    double sum = 0, n = 0;
    for (size_t i = 0; i < r->n_popularity; i++) {
        const struct popularity_row *row = &r->popularity[i];
        if (row->series == f->series[s] && row->by_users == by_users && row->group == group &&
            strcmp(row->k, k) == 0 && !isnan(pick(row, what)))
            sum += pick(row, what), n++;
    }
    return n > 0 ? sum / n : NAN;
}

static bool applies(const struct figure *f)
{
    for (size_t s = 0; s < f->n_series; s++)
        if (!isnan(mean_of(f, s, false, 1, RECOMMENDED)))
            return true;
    return false;
}

static void write_block(const struct figure *f, bool by_users, FILE *out)
{
    fprintf(out, "%s << EOD\n", by_users ? "$users" : "$items");
    for (int g = 1; g <= GROUPS; g++) {
        fprintf(out, "%d", g);
        for (enum what what = COUNT; what <= TEST; what++) { /* the same for every model that ran */
            double value = NAN;
            for (size_t s = 0; s < f->n_series && isnan(value); s++)
                value = mean_of(f, s, by_users, g, what);
            figure_write_number(out, value);
        }
        for (size_t s = 0; s < f->n_series; s++)
            figure_write_number(out, mean_of(f, s, by_users, g, RECOMMENDED));
        fputc('\n', out);
    }
    fputs("EOD\n", out);
}

static void write_figure(const struct figure *whole, FILE *out, int *width, int *height)
{
    struct figure panels = *whole;
    panels.n_metrics = 2;
    figure_write_metrics(&panels, out);
    panels.columns = 3; /* two panels as wide as three */
    figure_write_panels(&panels, true, 30, out, width, height);
    write_block(whole, false, out);
    write_block(whole, true, out);
    figure_write_title(whole, table_main_k(whole->r), out);
}

const struct figure_kind figure_popularity = {.name = "popularity",
                                              .recipe = PLOT_RECIPE_popularity,
                                              .has_key = true,
                                              .applies = applies,
                                              .write = write_figure};
