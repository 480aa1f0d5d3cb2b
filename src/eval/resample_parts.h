/* resample_parts.h - what resample.c and resample_change.c share: one cell at work. */
#ifndef EVAL_RESAMPLE_PARTS_H
#define EVAL_RESAMPLE_PARTS_H
#include "eval/resample.h"

/* How a measure is computed under weights. */
enum way { WAY_NONE, WAY_MEAN, WAY_WEIGHTED_MEAN, WAY_PARTS, WAY_SPREAD };
/* Resamples at a time, side by side as lanes; users at a time; columns at a time. */
enum { LANES = 16, CHUNK = 1024, UNROLL = 4 };

/* One cell at work.  All but the spread are functions of weighted sums of columns of numbers, one a user. */
struct work {
    struct resampled *r;
    const struct measured *cell;
    const uint32_t *place;
    enum way *way;         /* [n_measures] */
    const double **parts;  /* [n_measures] of those that have parts */
    size_t *first;         /* [n_measures] its first column */
    size_t n_columns;      /* column 0: ones */
    const double **column; /* [n_columns] of [n_users] */
    double *made;          /* owner of those that are not values as they are */
    size_t *by_cutoff;     /* [n_spread] measures of the lists' spread by rising cut-off */
    size_t n_spread;
    uint32_t size, most; /* items of the lists; the largest count of one */
};

/* A thread's room. */
struct room {
    uint32_t *drawn;  /* [n] how often a resample holds each of the n */
    uint32_t *weight; /* [LANES x n_users] the same of the cell's users, of each lane */
    double *lanes;    /* [CHUNK x LANES] a chunk's weights, lanes side by side */
    double *sum;      /* [n_columns x LANES] */
    uint32_t *count;  /* [size] by item */
    uint32_t *times;  /* [most + 1] */
};

/* Adds places from .. to of every list to the counts; weight NULL: each once. */
void resample_count(const struct measured *cell, const uint32_t *weight, uint32_t from, uint32_t to,
                    uint32_t *count);
/* Adds the cell's values to means, and what leaving each user out changes to changes.  false: memory is out. */
bool resample_changes(const struct work *w, struct room *room);

#endif
