/*
 * table_compare.c - the declared comparisons as tables: what each model reaches, by how much it differs, and whether that is significant
 * in the family of all tests.
 *
 * Comparisons of a dataset by one measure make a table.  Where one model stands in all of them (a pipeline and what it is compared with), it
 * is the first row and the others follow, each with its difference; else every row is a pair.  Values and their intervals are those
 * of metrics.csv and intervals.csv, differences those of significance.csv.
 */
#include <math.h>
#include <string.h>

#include "base/csv_put.h"
#include "report/parts.h"

enum { COLUMNS_OF_ONE = 3, COLUMNS_OF_PAIRS = 4 };

static bool same_measure(const struct pair_row *x, const struct pair_row *y)
{
    return records_same(x->metric, y->metric) && records_same(x->k, y->k);
}

bool compare_has(const struct records *r, const char *dataset)
{
    for (size_t p = 0; p < r->n_pairs; p++)
        if (records_same(r->pair[p].dataset, dataset))
            return true;
    return false;
}

size_t compare_families(const struct records *r, const char *dataset,
                        const struct pair_row *first[COMPARE_FAMILIES])
{
    size_t n = 0;
    for (size_t p = 0; p < r->n_pairs; p++) {
        bool known = !records_same(r->pair[p].dataset, dataset);
        for (size_t i = 0; i < n && !known; i++)
            known = same_measure(first[i], &r->pair[p]);
        if (!known && n < COMPARE_FAMILIES)
            first[n++] = &r->pair[p];
    }
    return n;
}

enum status compare_family_of(const struct records *r, const struct pair_row *first, struct arena *arena,
                              struct compare_family *out)
{
    *out = (struct compare_family){.r = r, .one_a = true, .one_b = true};
    ARENA_NEW(out->pair, arena, r->n_pairs);
    for (size_t p = 0; p < r->n_pairs; p++) {
        const struct pair_row *pair = &r->pair[p];
        if (!records_same(pair->dataset, first->dataset) || !same_measure(pair, first))
            continue;
        out->pair[out->n++] = pair;
        out->one_a = out->one_a && records_same(pair->a, first->a);
        out->one_b = out->one_b && records_same(pair->b, first->b);
    }
    out->one_b = out->one_b && !out->one_a;
    return STATUS_OK;
}

/* What a label reaches; of a dialect that tables do not show, `mean` without an interval. */
static struct grid_cell value_cell(const struct records *r, const struct pair_row *pair, const char *label,
                                   double mean)
{
    const struct series *s = records_labelled(r, pair->dataset, label);
    const size_t m = records_measure(r, pair->metric, pair->k);
    struct grid_cell cell = {.kind = GRID_VALUE, .value = mean, .interval = true, .low = NAN, .high = NAN};
    if (s != NULL && m < r->n_measures)
        cell.value = s->mean[m], cell.low = s->low[m], cell.high = s->high[m];
    return cell;
}

struct grid_cell compare_difference(const struct pair_row *pair)
{
    return (struct grid_cell){.kind = GRID_DIFFERENCE,
                              .value = pair->difference,
                              .interval = true,
                              .low = pair->low,
                              .high = pair->high,
                              .marked = pair->significant};
}

static struct grid_cell p_cell(const struct pair_row *pair)
{
    return (struct grid_cell){.kind = GRID_P, .value = pair->p_corrected};
}

/* One model and what it is compared with. */
static void fill_one(const struct compare_family *f, struct grid *g)
{
    const struct pair_row *first = f->pair[0];
    g->row[0] = f->one_a ? first->a : first->b;
    g->cell[0] = value_cell(f->r, first, g->row[0], f->one_a ? first->mean_a : first->mean_b);
    for (size_t i = 0; i < f->n; i++) {
        const struct pair_row *pair = f->pair[i];
        struct grid_cell *cell = g->cell + (i + 1) * COLUMNS_OF_ONE;
        g->row[i + 1] = f->one_a ? pair->b : pair->a;
        cell[0] = value_cell(f->r, pair, g->row[i + 1], f->one_a ? pair->mean_b : pair->mean_a);
        cell[1] = compare_difference(pair);
        cell[2] = p_cell(pair);
    }
}

static enum status fill_pairs(const struct compare_family *f, struct arena *arena, struct grid *g)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct pair_row *pair = f->pair[i];
        struct grid_cell *cell = g->cell + i * COLUMNS_OF_PAIRS;
        g->row[i] = arena_printf(arena, "%s less %s", pair->a, pair->b);
        if (g->row[i] == NULL)
            return STATUS_SYSTEM;
        cell[0] = value_cell(f->r, pair, pair->a, pair->mean_a);
        cell[1] = value_cell(f->r, pair, pair->b, pair->mean_b);
        cell[2] = compare_difference(pair);
        cell[3] = p_cell(pair);
    }
    return STATUS_OK;
}

const char *compare_measure(const struct pair_row *pair, struct arena *arena)
{
    return arena_printf(arena, "%s%s%s", pair->metric, pair->k[0] != '\0' ? "@" : "", pair->k);
}

const char *compare_sides(const struct compare_family *f, struct arena *arena)
{
    const struct pair_row *first = f->pair[0];
    return f->one_a   ? arena_printf(arena, "Difference: %s less the row's model. ", first->a)
           : f->one_b ? arena_printf(arena, "Difference: the row's model less %s. ", first->b)
                      : "";
}

static enum status write_family(const struct compare_family *f, enum table_form form, struct arena *arena,
                                FILE *out)
{
    static const char *const of_one[] = {NULL, "difference", "p"};
    static const char *const of_pairs[] = {"the first", "the second", "difference", "p"};
    const struct records *r = f->r;
    const struct pair_row *first = f->pair[0];
    const bool one = f->one_a || f->one_b;
    const char *measure = compare_measure(first, arena), *sides = compare_sides(f, arena);
    struct grid g = {.dataset = first->dataset,
                     .n_rows = f->n + one,
                     .n_columns = one ? COLUMNS_OF_ONE : COLUMNS_OF_PAIRS};
    ARENA_NEW(g.row, arena, g.n_rows);
    ARENA_NEW(g.column, arena, g.n_columns);
    ARENA_NEW(g.cell, arena, g.n_rows * g.n_columns);
    memcpy(g.column, one ? of_one : of_pairs, g.n_columns * sizeof *g.column);
    if (one) {
        g.column[0] = measure;
        fill_one(f, &g);
    } else
        TRY(fill_pairs(f, arena, &g));
    g.title = measure != NULL ? arena_printf(arena, "Comparisons by %s", measure) : NULL;
    g.name = measure != NULL ? arena_printf(arena, "%s-compare-%s", first->dataset, measure) : NULL;
    g.note =
        sides != NULL
            ? arena_printf(arena, "%s95 %% intervals; p corrected for %zu comparison%s%s%s; † significant.",
                           sides, r->n_pairs, r->n_pairs == 1 ? "" : "s", r->tests != NULL ? ": " : "",
                           r->tests != NULL ? r->tests : "")
            : NULL;
    if (g.title == NULL || g.name == NULL || g.note == NULL)
        return STATUS_SYSTEM;
    grid_write(&g, form, out);
    return STATUS_OK;
}

enum status compare_write(const struct records *r, const char *dataset, size_t most, enum table_form form,
                          struct arena *arena, FILE *out)
{
    const struct pair_row *first[COMPARE_FAMILIES];
    const size_t n = compare_families(r, dataset, first);
    for (size_t i = 0; i < n && i < most; i++) {
        struct compare_family f;
        TRY(compare_family_of(r, first[i], arena, &f));
        TRY(write_family(&f, form, arena, out));
    }
    return STATUS_OK;
}

void compare_csv_row(const char *const *field, size_t n_fields, const double *value, size_t n_values,
                     bool significant, FILE *out)
{
    for (size_t i = 0; i < n_fields; i++) {
        fputs(i > 0 ? "," : "", out);
        csv_put(out, field[i]);
    }
    for (size_t i = 0; i < n_values; i++) {
        fputc(',', out);
        if (!isnan(value[i]))
            fprintf(out, "%.9g", value[i]);
    }
    fprintf(out, ",%d\n", significant);
}

void compare_write_csv(const struct records *r, const char *dataset, FILE *out)
{
    fputs("a,b,metric,k,value_a,low_a,high_a,value_b,low_b,high_b,difference,low,high,p,p_corrected,"
          "significant\n",
          out);
    for (size_t p = 0; p < r->n_pairs; p++) {
        const struct pair_row *pair = &r->pair[p];
        if (!records_same(pair->dataset, dataset))
            continue;
        const struct grid_cell a = value_cell(r, pair, pair->a, pair->mean_a),
                               b = value_cell(r, pair, pair->b, pair->mean_b);
        const char *const fields[] = {pair->a, pair->b, pair->metric, pair->k};
        const double values[] = {a.value,    a.low,   a.high,           b.value,
                                 b.low,      b.high,  pair->difference, pair->low,
                                 pair->high, pair->p, pair->p_corrected};
        compare_csv_row(fields, sizeof fields / sizeof *fields, values, sizeof values / sizeof *values,
                        pair->significant, out);
    }
}
