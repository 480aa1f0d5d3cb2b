/*
 * table_strata.c - values of each model in each part of the users and the items (evaluate: strata), with intervals, and what differs there
 * from the best.
 *
 * A table a measure and kind of stratum: the whole first, then the parts, a few a table.  What kind a part is of its name tells (eval/strata.h).
 */
#include <math.h>
#include <string.h>

#include "base/csv_put.h"
#include "eval/metrics.h"
#include "report/parts.h"

enum { MOST_PARTS = 4, MOST_MEASURES = 32 };

/* The kind of a stratum, as `evaluate` calls it: its first letters and how many they are. */
static const char *kind_of(const char *stratum, size_t *length)
{
    static const char *const kinds[][2] = {{"head", "item_popularity"},   {"tail", "item_popularity"},
                                           {"warm_items", "item_warmth"}, {"cold_items", "item_warmth"},
                                           {"warm_users", "user_warmth"}, {"cold_users", "user_warmth"}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (records_same(stratum, kinds[i][0])) {
            *length = strlen(kinds[i][1]);
            return kinds[i][1];
        }
    const char *value = strchr(stratum, '='), *quarter = strrchr(stratum, '_');
    const char *end = value != NULL ? value : quarter;
    if (value == NULL && quarter != NULL && strncmp(stratum, "activity_q", 10) == 0) {
        *length = strlen("user_activity");
        return "user_activity";
    }
    *length = end != NULL ? (size_t)(end - stratum) : strlen(stratum);
    return stratum;
}

bool strata_same_kind(const char *a, const char *b)
{
    size_t n, m;
    const char *x = kind_of(a, &n), *y = kind_of(b, &m);
    return n == m && strncmp(x, y, n) == 0;
}

size_t strata_of_kind(const struct records *r, size_t first, const char **kind, size_t *length)
{
    size_t end = first + 1;
    *kind = kind_of(r->stratum[first], length);
    while (end < r->n_strata && end - first < MOST_PARTS &&
           strata_same_kind(r->stratum[first], r->stratum[end]))
        end++;
    return end;
}

static bool is_tested(const struct records *r)
{
    return r->tests != NULL && r->n_part_pairs > 0;
}

const char *strata_tests(const struct records *r, struct arena *arena)
{
    if (r->tests == NULL)
        return "";
    if (r->over_folds)
        return "Differences in strata are not tested: compare is over folds.";
    if (!r->tests_strata)
        return "Differences in strata are not tested: the run has no significance-strata.csv (recfuse run "
               "into "
               "the same folder makes it).";
    if (r->n_part_pairs == 0)
        return "Differences in strata are not tested: no part of the users has enough of them.";
    return arena_printf(arena, "p corrected for %zu test%s in strata, of the whole (all) for %zu: %s.",
                        r->n_part_pairs, r->n_part_pairs == 1 ? "" : "s", r->n_pairs, r->tests);
}

/* Where the values of a measure in a part stand in a series. */
static size_t place_of(const struct records *r, size_t part, size_t m)
{
    return (part + 1) * r->n_measures + m;
}

/* Is it shown: has it a value in any part first .. end? */
static bool has_value(const struct records *r, const struct series *s, size_t first, size_t end, size_t m)
{
    for (size_t part = first; part < end && s->n_cells > 0; part++)
        if (!isnan(s->mean[place_of(r, part, m)]))
            return true;
    return false;
}

/* Do the parts first .. end tell more than the whole: has any model a value in one of several, or another value than its own of all? */
static bool tells_more(const struct records *r, const char *dataset, size_t first, size_t end, size_t m)
{
    for (size_t s = 0; s < r->n_series; s++) {
        const struct series *series = &r->series[s];
        if (records_same(series->dataset, dataset) && has_value(r, series, first, end, m) &&
            (end - first > 1 || series->mean[place_of(r, first, m)] != series->mean[m]))
            return true;
    }
    return false;
}

bool strata_has(const struct records *r, const char *dataset)
{
    for (size_t at = 0; at < r->n_series * r->n_measures; at++) {
        const struct series *s = &r->series[at / r->n_measures];
        if (records_same(s->dataset, dataset) && has_value(r, s, 0, r->n_strata, at % r->n_measures))
            return true;
    }
    return false;
}

static struct grid_cell cell_of(const struct records *r, const struct series *s, size_t at)
{
    return (struct grid_cell){.kind = GRID_VALUE,
                              .value = s->mean[at],
                              .interval = true,
                              .low = s->low[at],
                              .high = s->high[at],
                              .best = records_best(r, s, at),
                              .marked = records_below_best(r, s, at)};
}

/* The parts first .. end of one kind. */
static enum status write_parts(const struct records *r, const char *dataset, size_t first, size_t end,
                               size_t m, enum table_form form, struct arena *arena, FILE *out)
{
    size_t length;
    const char *kind, *k = r->measure[m].k;
    strata_of_kind(r, first, &kind, &length);
    struct grid g = {.dataset = dataset, .n_columns = end - first + 1};
    ARENA_NEW(g.row, arena, r->n_series);
    ARENA_NEW(g.column, arena, g.n_columns);
    ARENA_NEW(g.cell, arena, r->n_series * g.n_columns);
    g.column[0] = "all";
    for (size_t part = first; part < end; part++)
        g.column[part - first + 1] = r->stratum[part];
    for (size_t i = 0; i < r->n_series; i++) {
        const struct series *s = &r->series[i];
        if (!records_same(s->dataset, dataset) || !has_value(r, s, first, end, m))
            continue;
        struct grid_cell *cell = g.cell + g.n_rows * g.n_columns;
        g.row[g.n_rows++] = s->name;
        cell[0] = cell_of(r, s, m);
        for (size_t part = first; part < end; part++)
            cell[part - first + 1] = cell_of(r, s, place_of(r, part, m));
    }
    g.title = arena_printf(arena, "%s%s%s by %.*s", r->measure[m].metric, k[0] != '\0' ? "@" : "", k,
                           (int)length, kind);
    g.name = arena_printf(arena, "%s-%s-%s-%s", dataset, r->measure[m].metric, k, r->stratum[first]);
    const char *tests = strata_tests(r, arena);
    if (g.title == NULL || g.name == NULL || tests == NULL)
        return STATUS_SYSTEM;
    if (form != TABLE_TERMINAL) {
        g.note = arena_printf(arena, "95 %% intervals over users; best value of a column bold%s.%s%s",
                              is_tested(r) ? "; † differs from it significantly" : "",
                              tests[0] != '\0' ? " " : "", tests);
        if (g.note == NULL)
            return STATUS_SYSTEM;
    }
    grid_write(&g, form, out);
    return STATUS_OK;
}

enum status strata_write(const struct records *r, const char *dataset, size_t most, enum table_form form,
                         struct arena *arena, FILE *out)
{
    size_t measure[MOST_MEASURES], length;
    const char *kind, *tests = strata_tests(r, arena);
    bool any = false;
    const size_t n = records_main_measures(r, dataset, measure, most < MOST_MEASURES ? most : MOST_MEASURES);
    for (size_t i = 0; i < n; i++)
        for (size_t first = 0, end; first < r->n_strata; first = end) {
            end = strata_of_kind(r, first, &kind, &length);
            if (!tells_more(r, dataset, first, end, measure[i]))
                continue;
            TRY(write_parts(r, dataset, first, end, measure[i], form, arena, out));
            any = true;
        }
    if (tests != NULL && any && form == TABLE_TERMINAL && !is_tested(r) && tests[0] != '\0')
        fprintf(out, "%s\n", tests); /* else it stands below the differences */
    return tests != NULL ? STATUS_OK : STATUS_SYSTEM;
}

void strata_write_csv(const struct records *r, const char *dataset, FILE *out)
{
    fputs("label,model,params,metric,k,stratum,value,low,high\n", out);
    for (size_t i = 0; i < r->n_series; i++) {
        const struct series *s = &r->series[i];
        for (size_t at = 0; at < r->n_strata * r->n_measures && records_same(s->dataset, dataset); at++) {
            const struct measure *m = &r->measure[at % r->n_measures];
            if (s->n_cells == 0 || isnan(s->stratum_mean[at]))
                continue;
            const char *const fields[] = {s->label,  s->model, s->params,
                                          m->metric, m->k,     r->stratum[at / r->n_measures]};
            for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
                csv_put(out, fields[f]);
                fputc(',', out);
            }
            fprintf(out, "%.9g", s->stratum_mean[at]);
            if (isnan(s->stratum_low[at]))
                fputs(",,\n", out);
            else
                fprintf(out, ",%.9g,%.9g\n", s->stratum_low[at], s->stratum_high[at]);
        }
    }
}
