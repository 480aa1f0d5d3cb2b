/* records_statistics.c - intervals.csv, ranks.csv, significance.csv and significance-strata.csv, where a run has them, joined to its series. */

#include "base/fsio.h"
#include "report/csv_table.h"
#include "report/records.h"

/* The place of a stratum's values, of `all` 0; n_strata + 1: tables have none of that name. */
static size_t place_of(const struct records *r, const char *stratum)
{
    size_t i = 0;
    if (records_same(stratum, "all"))
        return 0;
    while (i < r->n_strata && !records_same(r->stratum[i], stratum))
        i++;
    return i + 1;
}

/* intervals.csv, where the run has one. */
static enum status read_intervals(struct records *r, struct arena *arena)
{
    static const char *const columns[] = {"dataset", "label",   "params", "metric", "k",
                                          "dialect", "stratum", "mean",   "low",    "high"};
    struct csv_table t;
    TRY(csv_table_read_some(r->run_dir, "intervals.csv", columns, sizeof columns / sizeof *columns, arena,
                            &t));
    for (size_t i = 0; i < t.n_rows; i++) {
        const char *metric = records_shown_name(csv_cell(&t, i, 3), csv_cell(&t, i, 5), arena);
        const size_t m = metric != NULL ? records_measure(r, metric, csv_cell(&t, i, 4)) : r->n_measures;
        const size_t place = place_of(r, csv_cell(&t, i, 6)), at = place * r->n_measures + m;
        double low, high;
        if (m == r->n_measures || place > r->n_strata)
            continue;
        TRY(csv_number(&t, i, 8, "low", &low));
        TRY(csv_number(&t, i, 9, "high", &high));
        for (size_t s = 0; s < r->n_series; s++)
            if (series_is_of(&r->series[s], csv_cell(&t, i, 0), csv_cell(&t, i, 1), csv_cell(&t, i, 2)))
                r->series[s].low[at] = low, r->series[s].high[at] = high;
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
    struct csv_table t;
    TRY(csv_table_read_some(r->run_dir, "ranks.csv", columns, sizeof columns / sizeof *columns, arena, &t));
    ARENA_NEW(r->rank, arena, t.n_rows);
    for (size_t i = 0; i < t.n_rows; i++) {
        struct rank_row *row = &r->rank[r->n_ranks++];
        const char *grid = csv_cell(&t, i, 6);
        *row = (struct rank_row){.dataset = csv_cell(&t, i, 0),
                                 .metric = csv_cell(&t, i, 1),
                                 .k = csv_cell(&t, i, 2),
                                 .over = csv_cell(&t, i, 4)};
        row->name = records_same(grid, "") || records_same(grid, "{}")
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

/* Columns of significance.csv, and the last one of significance-strata.csv. */
enum {
    A = 1,
    B,
    METRIC,
    K,
    N,
    MEAN_A,
    MEAN_B,
    DIFFERENCE,
    LOW,
    HIGH,
    P_T = 13,
    P_HOLM,
    DIALECT = 16,
    P_WILCOXON = 18,
    P_SIGN,
    P_RANDOMISATION,
    P_BONFERRONI,
    P_BH,
    TEST = 24,
    SIGNIFICANT,
    STRATUM,
    COLUMNS
};

/* The column of the word; the first where none has it. */
static size_t column_of(const char *word, const char *const *words, const size_t *columns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (records_same(word, words[i]))
            return columns[i];
    return columns[0];
}

static enum status take_pair(const struct records *r, const struct csv_table *t, size_t i,
                             struct arena *arena, struct pair_row *out)
{
    static const char *const tests[] = {"t", "wilcoxon", "sign", "randomisation"};
    static const size_t of_test[] = {P_T, P_WILCOXON, P_SIGN, P_RANDOMISATION};
    static const char *const corrections[] = {"holm", "bonferroni", "bh"};
    static const size_t of_correction[] = {P_HOLM, P_BONFERRONI, P_BH};
    const char *dialect = csv_cell(t, i, DIALECT), *metric = csv_cell(t, i, METRIC);
    const char *shown = records_shown_name(metric, dialect, arena);
    *out =
        (struct pair_row){.dataset = csv_cell(t, i, 0),
                          .a = csv_cell(t, i, A),
                          .b = csv_cell(t, i, B),
                          .metric = shown != NULL ? shown : arena_printf(arena, "%s (%s)", metric, dialect),
                          .k = csv_cell(t, i, K),
                          .significant = records_same(csv_cell(t, i, SIGNIFICANT), "1")};
    if (out->metric == NULL)
        return STATUS_SYSTEM;
    TRY(csv_number(t, i, N, "n_users", &out->n));
    TRY(csv_number(t, i, MEAN_A, "mean_a", &out->mean_a));
    TRY(csv_number(t, i, MEAN_B, "mean_b", &out->mean_b));
    TRY(csv_number(t, i, DIFFERENCE, "mean_difference", &out->difference));
    TRY(csv_number(t, i, LOW, "low", &out->low));
    TRY(csv_number(t, i, HIGH, "high", &out->high));
    TRY(csv_number(t, i, column_of(csv_cell(t, i, TEST), tests, of_test, 4), "p", &out->p));
    return csv_number(t, i, column_of(r->correction, corrections, of_correction, 3), "p corrected",
                      &out->p_corrected);
}

/* One of the files, where the run has it.  Of a stratum that metrics.csv lacks tables show nothing. */
static enum status read_significance(struct records *r, const char *name, bool of_strata, struct arena *arena,
                                     struct pair_row **out, size_t *n)
{
    static const char *const columns[] = {"dataset",      "a",           "b",
                                          "metric",       "k",           "n_users",
                                          "mean_a",       "mean_b",      "mean_difference",
                                          "low",          "high",        "t",
                                          "degrees",      "p",           "p_holm",
                                          "cohen_d",      "dialect",     "over",
                                          "p_wilcoxon",   "p_sign",      "p_randomisation",
                                          "p_bonferroni", "p_bh",        "cliffs_delta",
                                          "test",         "significant", "stratum"};
    struct csv_table t;
    TRY(csv_table_read_some(r->run_dir, name, columns, of_strata ? COLUMNS : STRATUM, arena, &t));
    ARENA_NEW(*out, arena, t.n_rows);
    for (size_t i = 0; i < t.n_rows; i++) {
        TRY(take_pair(r, &t, i, arena, &(*out)[i]));
        if (of_strata)
            (*out)[i].stratum = place_of(r, csv_cell(&t, i, STRATUM));
    }
    *n = t.n_rows;
    return STATUS_OK;
}

static enum status read_tests(struct records *r, struct arena *arena)
{
    static const char strata[] = "significance-strata.csv";
    char path[4096];
    TRY(path_join(r->run_dir, strata, path));
    r->tests_strata = file_exists(path);
    TRY(read_significance(r, "significance.csv", false, arena, &r->pair, &r->n_pairs));
    return read_significance(r, strata, true, arena, &r->part_pair, &r->n_part_pairs);
}

enum status records_read_statistics(struct records *r, struct arena *arena)
{
    TRY(read_intervals(r, arena));
    TRY(read_ranks(r, arena));
    return read_tests(r, arena);
}
