/*
 * records.h - a run's records in memory: what the tables and plots are made of.
 */
#ifndef REPORT_RECORDS_H
#define REPORT_RECORDS_H
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/status.h"

/* Two texts of the records, such as labels. */
static inline bool records_same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* One line of metrics.csv (split test, dialect default). */
struct metric_row {
    const char *dataset, *fold, *model, *label, *params, *seed, *metric, *k;
    size_t stratum; /* 0: all; else 1 + its number in records.stratum */
    double value;
    long n_users;
};
/* One cell of record.json. */
struct cell_row {
    const char *dataset, *fold, *model, *label, *params, *seed, *status, *message;
    double fit_seconds, rank_seconds;
    long n_trials; /* of its search; 0: none */
};
/* A table's row: one label (with one setting of its grid) on one dataset, over folds and seeds. */
struct series {
    const char *dataset, *model, *label, *params, *name; /* name: the label, and what its grid varies */
    const char *skipped;                                 /* why; NULL: it has values */
    double fit_seconds, rank_seconds;                    /* means over cells */
    size_t n_cells;
    long n_trials;            /* settings that its search tried, the most of a cell; 0: it did not search */
    double *mean, *deviation; /* [n_measures] over the cells; NaN where missing */
    double *low, *high;       /* [n_measures] of intervals.csv; NaN where missing */
    double *stratum_mean;     /* [n_strata x n_measures]: mean, low and high go on with these of the strata */
    double *stratum_low, *stratum_high; /* likewise */
};
/* A table's column. */
struct measure {
    const char *metric, *k; /* k "" for a metric without cut-off */
};
/* A line of ranks.csv: one model of a Friedman test. */
struct rank_row {
    const char *dataset, *metric, *k, *over, *name;
    double mean_rank, n_blocks, p, critical_difference;
};
/* A line of significance.csv or of significance-strata.csv: two labels. */
struct pair_row {
    const char *dataset, *a, *b, *metric,
        *k;         /* metric: as tables call it, with a dialect that they do not show */
    size_t stratum; /* 0: all; else 1 + its number in records.stratum */
    double n;       /* pairs */
    double mean_a, mean_b;
    double difference, low, high; /* a less b; 95 % interval */
    double p, p_corrected;        /* of the declared test; for the whole family */
    bool significant;             /* after correction */
};
/* A line of trials.csv: one setting of a search. */
struct trial_row {
    const struct series *series;
    const char *fold, *seed, *metric, *k;
    long trial;         /* from 1 */
    double value, test; /* on validation and on test rows; NaN: none */
};
/* A line of curves.csv: a point of a training curve of one cell. */
struct curve_row {
    const struct series *series;
    const char *curve; /* "loss", "validation loss" ... */
    long step;
    double value;
};
/* A line of popularity.csv (eval/profile.h) of one cell. */
struct popularity_row {
    const struct series *series;
    const char *k;
    bool by_users;                      /* else by items */
    int group;                          /* from 1 */
    double n, train, test, recommended; /* test and recommended NaN where a group has none */
};
/* What the analyst chooses, and a line of multiverse.csv: a model's value under one choice of each. */
enum choice {
    CHOICE_SPLIT,
    CHOICE_MASK,
    CHOICE_TIES,
    CHOICE_METRIC,
    CHOICE_CUTOFF,
    CHOICE_DIALECT,
    N_CHOICES
};
struct universe_row {
    const struct series *series;
    const char *choice[N_CHOICES];
    double value;
};
/* What probe.csv says of a decoder on a dataset, in a sentence. */
struct probe_note {
    const char *dataset, *text;
};
/* A step after the cells that is not done: "present", "skipped" or "failed", why. */
struct after_row {
    const char *name, *status, *message;
};
struct records {
    const char *run_dir, *experiment;
    const char
        *tests; /* how differences were tested: "t over users, holm, alpha 0.05"; NULL: none were declared */
    const char *correction; /* "holm", "bonferroni", "bh" */
    bool over_folds;        /* what is paired, where not users */
    bool tests_strata;      /* the run has significance-strata.csv */
    bool prints_strata;     /* tables of strata on the terminal too */
    const char *warning; /* a sentence: a few candidates were ranked, sampled or given; NULL: they were not */
    size_t n_rows, n_cells, n_datasets, n_measures, n_series;
    struct metric_row *row;
    struct cell_row *cell;
    const char **dataset;    /* in order of the plan */
    struct measure *measure; /* in order of metrics.csv */
    struct series *series;   /* in order of the plan */
    size_t n_strata, n_ranks, n_pairs, n_part_pairs;
    const char **stratum; /* parts of users and items beside all, in order of metrics.csv */
    struct rank_row *rank;
    struct pair_row *pair, *part_pair; /* of the whole, of strata */
    size_t n_curves, n_popularity, n_universe_rows;
    size_t n_trials;
    struct trial_row *trial;
    struct curve_row *curve;
    struct popularity_row *popularity;
    struct universe_row *universe;
    struct multiverse *multiverse; /* multiverse.h; NULL: the run has none */
    size_t n_probe_notes;
    struct probe_note *probe_note;
    size_t n_after;
    struct after_row *after;
    size_t n_tables, n_plots;
    const char **tables, **plots; /* as the config asks */
};

/* Reads and joins; STATUS_DATA naming file and line. */
enum status records_read(const char *run_dir, struct arena *arena, struct records **out);
/* intervals.csv, ranks.csv, significance.csv, significance-strata.csv; curves.csv, popularity.csv, multiverse.csv: records_read() calls them. */
enum status records_read_statistics(struct records *r, struct arena *arena);
enum status records_read_more(struct records *r, struct arena *arena);
/* probe.csv: likewise. */
enum status records_read_probe(struct records *r, struct arena *arena);
/* The dataset's n-th note about a language model's memory; NULL: no more. */
const char *records_probe_note(const struct records *r, const char *dataset, size_t n);
/* How tables call a metric under a dialect: the default's by its name, an estimate from sampled candidates by both; NULL: not
 * shown, or memory is out. */
const char *records_shown_name(const char *metric, const char *dialect, struct arena *arena);
bool series_is_of(const struct series *s, const char *dataset, const char *label, const char *params);
/* Of the series of a dataset, is this one's value mean[at] the best in the column?  Oracles (model "oracle") do not
 * count.  at: a measure; of a stratum: (1 + its number) x n_measures more. */
bool records_best(const struct records *r, const struct series *s, size_t at);
/* Does a significant comparison say that the dataset's best series in this column is another one than this? */
bool records_below_best(const struct records *r, const struct series *s, size_t at);
/* The series of a label that stands once on the dataset (as compare has it), with values; NULL: there is none. */
const struct series *records_labelled(const struct records *r, const char *dataset, const char *label);
/* The measure of that name and cut-off; n_measures: tables have none. */
size_t records_measure(const struct records *r, const char *metric, const char *k);
/* Measures that a reader of the dataset looks at first: those of its comparisons, else ndcg at the main cut-off, else the
 * first; returns their number (at most `limit`). */
size_t records_main_measures(const struct records *r, const char *dataset, size_t *out, size_t limit);
/* Did a model of the dataset search?  Its tables have a column of trials then. */
bool records_searched(const struct records *r, const char *dataset);
/* Is the series the oracle's, which is drawn as a line? */
bool series_is_oracle(const struct series *s);

#endif
