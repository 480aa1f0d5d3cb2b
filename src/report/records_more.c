/* records_more.c - curves.csv, popularity.csv and multiverse.csv, where a run has them, joined to its series. */
#include <math.h>
#include <stdlib.h>

#include "report/csv_table.h"
#include "report/multiverse.h"

enum { DATASET, FOLD, MODEL, LABEL, PARAMS, SEED, FIRST }; /* columns that every file begins with */

/* The series of a row, looked for from where the last one was. */
static const struct series *series_of(const struct records *r, const struct csv_table *t, size_t row,
                                      size_t *last)
{
    for (size_t j = 0; j < r->n_series; j++) {
        const size_t s = (*last + j) % r->n_series;
        const struct series *at = &r->series[s];
        if (records_same(at->dataset, csv_cell(t, row, DATASET)) &&
            records_same(at->label, csv_cell(t, row, LABEL)) &&
            records_same(at->params, csv_cell(t, row, PARAMS))) {
            *last = s;
            return at;
        }
    }
    return NULL;
}

static enum status lost(const struct csv_table *t, size_t row)
{
    return status_fail(
        STATUS_DATA,
        "%s:%zu: '%s' on %s is no cell of record.json: run the experiment again, or with --fresh", t->path,
        t->line[row], csv_cell(t, row, LABEL), csv_cell(t, row, DATASET));
}

static enum status read_curves(struct records *r, struct arena *arena)
{
    static const char *const columns[] = {"dataset", "fold",  "model", "label", "params",
                                          "seed",    "curve", "step",  "value"};
    struct csv_table t;
    size_t last = 0;
    TRY(csv_table_read_some(r->run_dir, "curves.csv", columns, sizeof columns / sizeof *columns, arena, &t));
    ARENA_NEW(r->curve, arena, t.n_rows);
    for (size_t i = 0; i < t.n_rows; i++) {
        struct curve_row *row = &r->curve[r->n_curves++];
        double step;
        *row = (struct curve_row){.series = series_of(r, &t, i, &last), .curve = csv_cell(&t, i, FIRST)};
        if (row->series == NULL)
            return lost(&t, i);
        TRY(csv_number(&t, i, FIRST + 1, "step", &step));
        TRY(csv_number(&t, i, FIRST + 2, "value", &row->value));
        row->step = (long)step;
    }
    return STATUS_OK;
}

static enum status read_popularity(struct records *r, struct arena *arena)
{
    static const char *const columns[] = {"dataset", "fold",  "model", "label", "params", "seed",       "k",
                                          "by",      "group", "n",     "train", "test",   "recommended"};
    static const char *const names[] = {"group", "n", "train", "test", "recommended"};
    struct csv_table t;
    size_t last = 0;
    TRY(csv_table_read_some(r->run_dir, "popularity.csv", columns, sizeof columns / sizeof *columns, arena,
                            &t));
    ARENA_NEW(r->popularity, arena, t.n_rows);
    for (size_t i = 0; i < t.n_rows; i++) {
        struct popularity_row *row = &r->popularity[r->n_popularity++];
        double value[5];
        *row = (struct popularity_row){.series = series_of(r, &t, i, &last),
                                       .k = csv_cell(&t, i, FIRST),
                                       .by_users = records_same(csv_cell(&t, i, FIRST + 1), "users")};
        if (row->series == NULL)
            return lost(&t, i);
        for (size_t c = 0; c < 5; c++) { /* test and recommended may be empty */
            const bool empty = c >= 3 && csv_cell(&t, i, FIRST + 2 + c)[0] == '\0';
            value[c] = NAN;
            if (!empty)
                TRY(csv_number(&t, i, FIRST + 2 + c, names[c], &value[c]));
        }
        row->group = (int)value[0];
        row->n = value[1], row->train = value[2], row->test = value[3], row->recommended = value[4];
    }
    return STATUS_OK;
}

static enum status read_multiverse(struct records *r, struct arena *arena)
{
    static const char *const columns[] = {"dataset", "fold", "model",  "label", "params",  "seed",
                                          "mask",    "ties", "metric", "k",     "dialect", "value"};
    struct csv_table t;
    size_t last = 0;
    TRY(csv_table_read_some(r->run_dir, "multiverse.csv", columns, sizeof columns / sizeof *columns, arena,
                            &t));
    ARENA_NEW(r->universe, arena, t.n_rows);
    for (size_t i = 0; i < t.n_rows; i++) {
        struct universe_row *row = &r->universe[r->n_universe_rows++];
        *row = (struct universe_row){.series = series_of(r, &t, i, &last)};
        if (row->series == NULL)
            return lost(&t, i);
        row->choice[CHOICE_SPLIT] = row->series->dataset;
        for (int c = CHOICE_MASK; c < N_CHOICES; c++)
            row->choice[c] = csv_cell(&t, i, (size_t)(FIRST + c - CHOICE_MASK));
        TRY(csv_number(&t, i, FIRST + 5, "value", &row->value));
    }
    return STATUS_OK;
}

static enum status read_trials(struct records *r, struct arena *arena)
{
    static const char *const columns[] = {"dataset",  "fold",   "label",  "seed",   "trial",   "rung",
                                          "resource", "params", "metric", "k",      "value",   "best",
                                          "test",     "epochs", "chosen", "status", "message", "?inside"};
    struct csv_table t;
    TRY(csv_table_read_some(r->run_dir, "trials.csv", columns, sizeof columns / sizeof *columns, arena, &t));
    ARENA_NEW(r->trial, arena, t.n_rows);
    for (size_t i = 0; i < t.n_rows; i++) {
        if (csv_cell(&t, i, 17)[0] != '\0')
            continue; /* of a model inside: its values are not the row's */
        struct trial_row *row = &r->trial[r->n_trials++];
        double trial;
        *row = (struct trial_row){.fold = csv_cell(&t, i, 1),
                                  .seed = csv_cell(&t, i, 3),
                                  .metric = csv_cell(&t, i, 8),
                                  .k = csv_cell(&t, i, 9),
                                  .value = NAN,
                                  .test = NAN};
        for (size_t s = 0; s < r->n_series; s++) /* a label that searches has one series on a dataset */
            if (records_same(r->series[s].dataset, csv_cell(&t, i, 0)) &&
                records_same(r->series[s].label, csv_cell(&t, i, 2)))
                row->series = &r->series[s];
        if (row->series == NULL)
            return status_fail(
                STATUS_DATA,
                "%s:%zu: '%s' is no cell of record.json: run the experiment again, or with --fresh", t.path,
                t.line[i], csv_cell(&t, i, 2));
        TRY(csv_number(&t, i, 4, "trial", &trial));
        row->trial = (long)trial;
        if (csv_cell(&t, i, 10)[0] != '\0')
            TRY(csv_number(&t, i, 10, "value", &row->value));
        if (csv_cell(&t, i, 12)[0] != '\0')
            TRY(csv_number(&t, i, 12, "test", &row->test));
    }
    return STATUS_OK;
}

enum status records_read_more(struct records *r, struct arena *arena)
{
    TRY(read_curves(r, arena));
    TRY(read_popularity(r, arena));
    TRY(read_multiverse(r, arena));
    TRY(multiverse_make(r, arena, &r->multiverse));
    return read_trials(r, arena);
}
