/*
 * records.h - a run's records in memory: what the tables and plots are made of.
 */
#ifndef REPORT_RECORDS_H
#define REPORT_RECORDS_H
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/status.h"

/* One line of metrics.csv (split test, dialect default, stratum all). */
struct metric_row {
    const char *dataset, *fold, *model, *label, *params, *seed, *metric, *k;
    double value;
    long n_users;
};
/* One cell of record.json. */
struct cell_row {
    const char *dataset, *fold, *model, *label, *params, *seed, *status, *message;
    double fit_seconds, rank_seconds;
};
/* A table's row: one label (with one setting of its grid) on one dataset, over folds and seeds. */
struct series {
    const char *dataset, *model, *label, *params, *name; /* name: the label, and what its grid varies */
    const char *skipped;                                 /* why; NULL: it has values */
    double fit_seconds, rank_seconds;                    /* means over cells */
    size_t n_cells;
    double *mean, *deviation; /* [n_measures] over the cells; NaN where missing */
};
/* A table's column. */
struct measure {
    const char *metric, *k; /* k "" for a metric without cut-off */
};
struct records {
    const char *run_dir, *experiment;
    size_t n_rows, n_cells, n_datasets, n_measures, n_series;
    struct metric_row *row;
    struct cell_row *cell;
    const char **dataset;    /* in order of the plan */
    struct measure *measure; /* in order of metrics.csv */
    struct series *series;   /* in order of the plan */
    size_t n_tables, n_plots;
    const char **tables, **plots; /* as the config asks */
};

/* Reads and joins; STATUS_DATA naming file and line. */
enum status records_read(const char *run_dir, struct arena *arena, struct records **out);
/* Of the series of a dataset, is this one's value the best in the column?  Oracles (model "oracle") do not
 * count. */
bool records_best(const struct records *r, const struct series *s, size_t measure);
/* Is the series the oracle's, which is drawn as a line? */
bool series_is_oracle(const struct series *s);

#endif
