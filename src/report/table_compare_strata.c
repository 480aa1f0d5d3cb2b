/*
 * table_compare_strata.c - the declared comparisons in each stratum: differences with intervals, and which are significant among all tests in
 * strata.
 *
 * A table a measure and kind of stratum, a row a comparison: the difference of the whole (as table_compare.c has it), then of the parts.  The
 * numbers are those of significance.csv and significance-strata.csv.
 */
#include <stdint.h>

#include "base/csv_put.h"
#include "report/parts.h"

enum { TEX_COLUMNS = 4 };
static const size_t WHOLE = SIZE_MAX; /* in place of a stratum's number */

/* The same comparison in a stratum, or NULL. */
static const struct pair_row *in_part(const struct records *r, const struct pair_row *pair, size_t part)
{
    for (size_t p = 0; p < r->n_part_pairs; p++) {
        const struct pair_row *row = &r->part_pair[p];
        if (row->stratum == part + 1 && records_same(row->dataset, pair->dataset) &&
            records_same(row->a, pair->a) && records_same(row->b, pair->b) &&
            records_same(row->metric, pair->metric) && records_same(row->k, pair->k))
            return row;
    }
    return NULL;
}

static bool is_tested(const struct compare_family *f, size_t part)
{
    for (size_t i = 0; i < f->n; i++)
        if (in_part(f->r, f->pair[i], part) != NULL)
            return true;
    return false;
}

/* Rows and cells of the parts of the columns; intervals: with them. */
static enum status fill(const struct compare_family *f, const size_t *part, bool intervals,
                        struct arena *arena, struct grid *g)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct pair_row *pair = f->pair[i];
        g->row[i] = f->one_a   ? pair->b
                    : f->one_b ? pair->a
                               : arena_printf(arena, "%s less %s", pair->a, pair->b);
        if (g->row[i] == NULL)
            return STATUS_SYSTEM;
        for (size_t c = 0; c < g->n_columns; c++) {
            const struct pair_row *row = part[c] == WHOLE ? pair : in_part(f->r, pair, part[c]);
            struct grid_cell *cell = &g->cell[i * g->n_columns + c];
            if (row != NULL)
                *cell = compare_difference(row);
            cell->interval = intervals;
        }
    }
    return STATUS_OK;
}

/* The strata first .. end, of one kind; nothing where none is tested.  A terminal has no intervals, for room; LaTeX's line has room for four
 * columns with them, so where there are four parts the whole, which the table of comparisons has, is left out. */
static enum status write_kind(const struct compare_family *f, size_t first, size_t end, const char *kind,
                              size_t length, enum table_form form, struct arena *arena, FILE *out)
{
    const struct records *r = f->r;
    const bool intervals = form != TABLE_TERMINAL;
    size_t *part, n_tested = 0;
    struct grid g = {.dataset = f->pair[0]->dataset, .n_rows = f->n};
    ARENA_NEW(part, arena, end - first + 1);
    ARENA_NEW(g.row, arena, f->n);
    ARENA_NEW(g.column, arena, end - first + 1);
    ARENA_NEW(g.cell, arena, f->n * (end - first + 1));
    for (size_t p = first; p < end; p++)
        n_tested += is_tested(f, p);
    if (n_tested == 0)
        return STATUS_OK;
    if (form != TABLE_TEX || n_tested < TEX_COLUMNS) {
        part[g.n_columns] = WHOLE;
        g.column[g.n_columns++] = "all";
    }
    for (size_t p = first; p < end; p++)
        if (is_tested(f, p)) {
            part[g.n_columns] = p;
            g.column[g.n_columns++] = r->stratum[p];
        }
    TRY(fill(f, part, intervals, arena, &g));
    const char *measure = compare_measure(f->pair[0], arena), *sides = compare_sides(f, arena),
               *tests = strata_tests(r, arena);
    if (measure == NULL || sides == NULL || tests == NULL)
        return STATUS_SYSTEM;
    g.title = arena_printf(arena, "Differences in %s by %.*s", measure, (int)length, kind);
    g.name = arena_printf(arena, "%s-compare-%s-%s", g.dataset, measure, r->stratum[first]);
    g.note = arena_printf(arena, "%s%s† significant; %s", sides, intervals ? "95 % intervals; " : "", tests);
    if (g.title == NULL || g.name == NULL || g.note == NULL)
        return STATUS_SYSTEM;
    grid_write(&g, form, out);
    return STATUS_OK;
}

enum status compare_strata_write(const struct records *r, const char *dataset, size_t most,
                                 enum table_form form, struct arena *arena, FILE *out)
{
    const struct pair_row *of[COMPARE_FAMILIES];
    const size_t n = compare_families(r, dataset, of);
    for (size_t i = 0; i < n && i < most; i++) {
        struct compare_family f;
        TRY(compare_family_of(r, of[i], arena, &f));
        for (size_t first = 0, end; first < r->n_strata; first = end) {
            const char *kind;
            size_t length;
            end = strata_of_kind(r, first, &kind, &length);
            TRY(write_kind(&f, first, end, kind, length, form, arena, out));
        }
    }
    return STATUS_OK;
}

bool compare_strata_has(const struct records *r, const char *dataset)
{
    for (size_t p = 0; p < r->n_part_pairs; p++)
        if (records_same(r->part_pair[p].dataset, dataset))
            return true;
    return false;
}

void compare_strata_write_csv(const struct records *r, const char *dataset, FILE *out)
{
    fputs("a,b,metric,k,stratum,n_users,value_a,value_b,difference,low,high,p,p_corrected,significant\n",
          out);
    for (size_t p = 0; p < r->n_part_pairs; p++) {
        const struct pair_row *row = &r->part_pair[p];
        if (!records_same(row->dataset, dataset) || row->stratum == 0 || row->stratum > r->n_strata)
            continue;
        const char *const fields[] = {row->a, row->b, row->metric, row->k, r->stratum[row->stratum - 1]};
        const double values[] = {row->n,   row->mean_a, row->mean_b, row->difference,
                                 row->low, row->high,   row->p,      row->p_corrected};
        compare_csv_row(fields, sizeof fields / sizeof *fields, values, sizeof values / sizeof *values,
                        row->significant, out);
    }
}
