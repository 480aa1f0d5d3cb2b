/*
 * resample.h - every measure of a model when its users weigh differently: for bootstrap intervals over users.
 *
 * A measure is the mean over cells (folds, seeds) of one number a cell: a mean over users, a function of sums over users
 * (metric_type.of_parts), or how lists spread over the items (spread.h).  A resample of users says how often it holds each; the same
 * resamples serve all measures and models, so that comparing two is paired.
 */
#ifndef EVAL_RESAMPLE_H
#define EVAL_RESAMPLE_H
#include "base/arena.h"
#include "eval/bootstrap.h"
#include "eval/metrics.h"

/* One cell, or a part of its users and items. */
struct measured {
    uint32_t n_users, n_items,
        depth;                  /* n_items: that could be listed; depth: places of lists, 0: none are kept */
    const uint32_t *users;      /* [n_users] rising */
    const uint32_t *n_relevant; /* [n_users] */
    const double *values;       /* [n_measures x n_users]; NaN: no value, or one number for all */
    const double *pooled;       /* [n_measures]; NaN: not defined */
    const double *parts;        /* [n_users x n_parts] of each measure that has parts, one after the other */
    const uint32_t *lists;      /* [n_users x depth]; UINT32_MAX: nothing, or an item of another part */
};
/* Doubles a user of all parts of the first n measures. */
size_t measured_parts(const struct metric_at *measures, size_t n);
/* The largest cut-off of a measure that needs the lists; 0: none does. */
uint32_t measured_depth(const struct metric_at *measures, size_t n);

struct resampled {
    const struct metric_at *measures;
    size_t n_measures;
    uint32_t n, n_draws; /* n: users of any cell */
    uint64_t seed;
    double *draws;     /* [n_measures x n_draws] sums over cells */
    double *change;    /* [n_measures x n] likewise, of leaving a user out */
    double *mean;      /* [n_measures] likewise, of the value itself */
    uint32_t *n_cells; /* [n_measures] cells that have one */
};
/* Room of the arena, zeroed.  STATUS_USAGE as bootstrap_check(). */
enum status resampled_make(const struct metric_at *measures, size_t n_measures, uint32_t n, uint32_t n_draws,
                           uint64_t seed, struct arena *arena, struct resampled *out);
/* Adds a cell.  place: [cell->n_users] of its users among the n.  The bytes don't depend on the number of threads.  STATUS_SYSTEM:
 * memory is out. */
enum status resampled_add(struct resampled *r, const struct measured *cell, const uint32_t *place);
/* Of measure m, once: draws and changes are used up.  NaN where no cell has it. */
struct interval resampled_interval(struct resampled *r, size_t m, double level);

#endif
