/* records_statistics.c - intervals.csv, ranks.csv and significance.csv, where a run has them, joined to its series. */
#include <string.h>

#include "base/fsio.h"
#include "report/csv_table.h"
#include "report/records.h"

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static size_t measure_named(const struct records *r, const char *metric, const char *k)
{
    size_t m = 0;
    while (m < r->n_measures && !(same(r->measure[m].metric, metric) && same(r->measure[m].k, k)))
        m++;
    return m;
}

/* intervals.csv, where the run has one. */
static enum status read_intervals(struct records *r, struct arena *arena)
{
    static const char *const columns[] = {"dataset", "label",   "params", "metric", "k",
                                          "dialect", "stratum", "mean",   "low",    "high"};
    const char *path = arena_printf(arena, "%s/intervals.csv", r->run_dir);
    struct csv_table t;
    if (path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(path))
        return STATUS_OK;
    TRY(csv_table_read(path, columns, sizeof columns / sizeof *columns, arena, &t));
    for (size_t i = 0; i < t.n_rows; i++) {
        const char *metric = records_shown_name(csv_cell(&t, i, 3), csv_cell(&t, i, 5), arena);
        const size_t m = metric != NULL ? measure_named(r, metric, csv_cell(&t, i, 4)) : r->n_measures;
        double low, high;
        if (m == r->n_measures || !same(csv_cell(&t, i, 6), "all"))
            continue;
        TRY(csv_number(&t, i, 8, "low", &low));
        TRY(csv_number(&t, i, 9, "high", &high));
        for (size_t s = 0; s < r->n_series; s++)
            if (series_is_of(&r->series[s], csv_cell(&t, i, 0), csv_cell(&t, i, 1), csv_cell(&t, i, 2)))
                r->series[s].low[m] = low, r->series[s].high[m] = high;
    }
    return STATUS_OK;
}

/* ranks.csv, where the run has one. */
static enum status read_ranks(struct records *r, struct arena *arena)
{
    static const char *const columns[] = {"dataset",
                                          "metric",
                                          "k",
                                          "dialect",
                                          "over",
                                          "label",
                                          "grid",
                                          "mean_rank",
                                          "n_blocks",
                                          "chi_square",
                                          "p",
                                          "p_f",
                                          "critical_difference",
                                          "alpha"};
    const char *path = arena_printf(arena, "%s/ranks.csv", r->run_dir);
    struct csv_table t;
    if (path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(path))
        return STATUS_OK;
    TRY(csv_table_read(path, columns, sizeof columns / sizeof *columns, arena, &t));
    ARENA_NEW(r->rank, arena, t.n_rows);
    for (size_t i = 0; i < t.n_rows; i++) {
        struct rank_row *row = &r->rank[r->n_ranks++];
        const char *grid = csv_cell(&t, i, 6);
        *row = (struct rank_row){.dataset = csv_cell(&t, i, 0),
                                 .metric = csv_cell(&t, i, 1),
                                 .k = csv_cell(&t, i, 2),
                                 .over = csv_cell(&t, i, 4)};
        row->name = same(grid, "") || same(grid, "{}")
                        ? csv_cell(&t, i, 5)
                        : arena_printf(arena, "%s %s", csv_cell(&t, i, 5), grid);
        if (row->name == NULL)
            return STATUS_SYSTEM;
        TRY(csv_number(&t, i, 7, "mean_rank", &row->mean_rank));
        TRY(csv_number(&t, i, 8, "n_blocks", &row->n_blocks));
        TRY(csv_number(&t, i, 10, "p", &row->p));
        TRY(csv_number(&t, i, 12, "critical_difference", &row->critical_difference));
    }
    return STATUS_OK;
}

/* significance.csv, where the run has one: pairs of labels that differ significantly. */
static enum status read_significance(struct records *r, struct arena *arena)
{
    static const char *const columns[] = {"dataset",      "a",          "b",
                                          "metric",       "k",          "n_users",
                                          "mean_a",       "mean_b",     "mean_difference",
                                          "low",          "high",       "t",
                                          "degrees",      "p",          "p_holm",
                                          "cohen_d",      "dialect",    "over",
                                          "p_wilcoxon",   "p_sign",     "p_randomisation",
                                          "p_bonferroni", "p_bh",       "cliffs_delta",
                                          "test",         "significant"};
    const char *path = arena_printf(arena, "%s/significance.csv", r->run_dir);
    struct csv_table t;
    if (path == NULL)
        return STATUS_SYSTEM;
    if (!file_exists(path))
        return STATUS_OK;
    TRY(csv_table_read(path, columns, sizeof columns / sizeof *columns, arena, &t));
    ARENA_NEW(r->pair, arena, t.n_rows);
    for (size_t i = 0; i < t.n_rows; i++)
        if (same(csv_cell(&t, i, 25), "1") && same(csv_cell(&t, i, 16), "default"))
            r->pair[r->n_pairs++] =
                (struct pair_row){csv_cell(&t, i, 0), csv_cell(&t, i, 1), csv_cell(&t, i, 2),
                                  csv_cell(&t, i, 3), csv_cell(&t, i, 4)};
    return STATUS_OK;
}

enum status records_read_statistics(struct records *r, struct arena *arena)
{
    TRY(read_intervals(r, arena));
    TRY(read_ranks(r, arena));
    return read_significance(r, arena);
}
