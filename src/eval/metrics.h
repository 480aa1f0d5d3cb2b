/*
 * metrics.h - every ranking metric of every cut-off and dialect in one pass over the lists, per user.
 *
 * The formulas stand in metrics_value.c, `recfuse metrics` prints them.  Metrics of ratings have no cut-off: ratings.h
 * computes them; those over whole rankings: positions.h; beyond accuracy: beyond.h.
 */
#ifndef EVAL_METRICS_H
#define EVAL_METRICS_H
#include <stdbool.h>

#include "eval/dialect.h"
#include "eval/rank.h"

/* A block of users' lists up to one cut-off, seen from a metric: every number of each user side by side, so that a formula is a loop that
 * the compiler makes SIMD of.  Counts are doubles for the same reason. */
enum { RANKINGS_BLOCK = 16 };
struct rankings {
    double
        k[RANKINGS_BLOCK]; /* the cut-off; of a metric without: R, or the list's length where that is less */
    double length[RANKINGS_BLOCK];   /* places filled, at most k */
    double relevant[RANKINGS_BLOCK]; /* R, relevant items of the user */
    /* kernels/hits.h: over the places up to the cut-off */
    double hits[RANKINGS_BLOCK], first[RANKINGS_BLOCK], dcg[RANKINGS_BLOCK], clipped[RANKINGS_BLOCK];
    double linear[RANKINGS_BLOCK], exponential[RANKINGS_BLOCK];
    double precisions[RANKINGS_BLOCK], averages[RANKINGS_BLOCK], before[RANKINGS_BLOCK];
    /* DCG of the best lists of k places */
    double ideal[RANKINGS_BLOCK], ideal_clipped[RANKINGS_BLOCK];
    double ideal_linear[RANKINGS_BLOCK], ideal_exponential[RANKINGS_BLOCK];
    double ideal_full[RANKINGS_BLOCK]; /* as if k items were relevant */
    _Alignas(64) double n_items;       /* all there are */
};

enum metric_kind {
    METRIC_RANKING,   /* a user, a cut-off: from a list and the relevant items */
    METRIC_CORRECTED, /* no metric's own: estimates of METRIC_RANKING from sampled candidates (corrected.h) */
    METRIC_BEYOND,    /* a user, a cut-off: beyond accuracy (beyond.h) */
    METRIC_AGGREGATE, /* a cut-off: one number for all lists together (beyond.h) */
    METRIC_POSITION,  /* a user: from the whole ranking (positions.h) */
    METRIC_RATING,    /* a user: predicted ratings (ratings.h) */
    METRIC_POOLED,    /* one number: the scores of all users together (auc_pairs.h) */
    METRIC_PROBABILITY, /* one number: predicted probabilities (probability.h) */
    METRIC_KINDS
};
/* out[u] of the n users of a block; `nothing` for one with nothing relevant. */
typedef void metric_values(const struct rankings *r, uint32_t n, double nothing, double *out);
enum { METRIC_PARTS_MOST = 16 };
struct metric_type {
    const char *name;    /* "ndcg" */
    const char *formula; /* as text */
    const char *source;  /* who, where, year */
    enum metric_kind kind;
    metric_values *value[N_DIALECTS]; /* METRIC_RANKING: NULL where a library has it not; else all NULL */
    bool no_cutoff;                   /* METRIC_RANKING: the cut-off is R */
    bool usual;                       /* taken where an experiment names no metrics */
    int power;                        /* rmse, mae: (mean of |error|^power)^(1 / power); else 0 */
    bool lower_is_better;
    /* Of one number for all users that is not a mean of theirs: what each user adds, and the number from the sums over users; else 0. */
    unsigned n_parts; /* at most METRIC_PARTS_MOST */
    double (*of_parts)(const double *sum /* [n_parts] */);
};
extern const struct metric_type *const metric_types[];   /* NULL-ended */
const struct metric_type *metric_find(const char *name); /* NULL: none */
/* A formula that is the same where every gain is 1: of those that are, one. */
metric_values *metric_binary(metric_values *values);
/* Does a formula take the gains' powers? */
bool metric_needs_power(metric_values *values);
/* Has it a cut-off, is it one number a user? */
bool metric_has_cutoff(const struct metric_type *metric);
bool metric_is_per_user(const struct metric_type *metric);

/* One number a user: a metric at a cut-off as a library defines it. */
struct metric_at {
    const struct metric_type *metric;
    uint32_t k;           /* 0: the metric has no cut-off */
    enum dialect dialect; /* or an estimator */
};
/* "ndcg@10", "rmse", "ndcg@10.elliot". */
const char *metric_at_name(const struct metric_at *measure, char name[96]);
/* Two fields of a csv file: "ndcg,10"; the second is empty where there is no cut-off. */
void metric_at_csv(FILE *out, const struct metric_at *measure);

/* What is relevant to whom. */
struct relevance {
    struct csr items;           /* [n_users x n_items] relevant items alone */
    const double *gain, *power; /* [nnz] g and 2^g - 1; NULL: 1, for g = 1 */
};
/* Binary: every row of `test` is relevant.  Graded: rows with a value >= `from` are, with g = value - from + 1.  `test` must
 * outlive `out`.  STATUS_DATA where it has no values to grade by; STATUS_SYSTEM. */
enum status relevance_make(const struct csr *test, bool graded, double from, struct arena *arena,
                           struct relevance *out);

/* One pass over the lists, users in parallel.  measures: METRIC_RANKING, each k at most lists->k (else STATUS_USAGE; STATUS_DATA where 2^gain is no number and a measure takes it), each in
 * the metric's dialects.  backend NULL: the CPU.  values[m * n_users + u] for measure m, list u of user users[u]; NaN where
 * the dialect leaves the user out.  Means are taken by metrics_pool(): a fixed order of summation, in double. */
enum status metrics_score(const struct backend *backend, const struct lists *lists, const uint32_t *users,
                          const struct relevance *relevance, const struct metric_at *measures,
                          size_t n_measures, double *values);
/* The same for metrics x cut-offs of the dialect `default`, every row of `test` relevant:
 * values[(m * n_k + c) * n_users + u]. */
enum status metrics_compute(const struct lists *lists, const uint32_t *users, const struct csr *test,
                            const struct metric_type *const *metrics, size_t n_metrics, const uint32_t *k,
                            size_t n_k, double *values);
/* Over the users that have a value; NaN when none has. */
double metrics_mean(const double *values, uint32_t n_users);
/* A user's weight, of as many rows, in what follows. */
double metrics_weight(const struct metric_at *measure, uint32_t rows);
/* What one fold's values come to: the mean over users of a ranking metric (implicit's precision: hits over all users by
 * possible hits); of rmse and mae the value over all test rows at once.  rows: [n_users] of relevant items of each user, for
 * rmse and mae of test rows. */
double metrics_pool(const struct metric_at *measure, const double *values, const uint32_t *rows,
                    uint32_t n_users);

#endif
