/*
 * multiverse.h - does the order of the models survive the analyst's choices?  What multiverse.csv comes to.
 *
 * A universe is one choice each of split (dataset), mask, rule of ties, metric, cut-off and dialect; it ranks the models.  Two
 * universes that differ in one choice alone are compared by Kendall's tau-b.
 */
#ifndef REPORT_MULTIVERSE_H
#define REPORT_MULTIVERSE_H
#include "report/records.h"

/* All pairs of universes that differ in one choice alone. */
struct choice_effect {
    size_t n_values, n_pairs; /* of the choice; of universes */
    double mean, low, high;   /* Kendall's tau-b; NaN where there are no pairs */
    double same_best;         /* share of the pairs in which the same model is best */
};
struct universe {
    const char *choice[N_CHOICES];
    size_t column; /* of (split, mask), in order of the plan */
    double *value; /* [n_models] means over folds and seeds; more is better */
    double *rank;  /* [n_models] 1: the best; equal values share the mean rank */
};
struct multiverse {
    size_t n_models, n_universes, n_columns;
    const char **model; /* [n_models] names, in order of the plan; all but oracles */
    struct universe *universe;
    size_t *first_of_column; /* [n_columns] a universe of it */
    size_t n_splits;
    const char **split; /* [n_splits] */
    struct choice_effect
        *within; /* [n_splits x N_CHOICES] of choices other than the split, under one split */
    struct choice_effect
        *between; /* [n_splits x n_splits] of two splits, all else alike; below the diagonal */
    struct choice_effect effect[N_CHOICES], all; /* all: every pair of universes, whatever differs */
};
/* "split", "mask" ... */
extern const char *const choice_names[N_CHOICES];
/* Models that lack a value in a universe where others have one are left out of all.  records_read() calls it for r->multiverse;
 * *out NULL: the run has no multiverse, or
 * fewer than two models. */
enum status multiverse_make(const struct records *r, struct arena *arena, struct multiverse **out);
/* Kendall's tau-b of x and y [n]; 1 where either has only equal values. */
double kendall_tau(const double *x, const double *y, size_t n);
/* The universe that stands for a column (split and mask): the first metric, rule of ties and dialect of the run, cut-off k. */
const struct universe *multiverse_reference(const struct multiverse *m, size_t column, const char *k);
/* tables/multiverse-choices.csv, -splits.csv, -models.csv and tables/multiverse.md; nothing where there is no multiverse. */
enum status multiverse_tables(const struct records *r, struct arena *arena);

#endif
