/*
 * curve.h - training curves: what a fit says of itself, epoch by epoch, through run_curve() of model.h.
 *
 * Where a fit has no loss at hand, it is measured on a fixed sample of the train pairs, small beside an epoch.  Nothing is
 * measured where nobody listens, and nothing that is measured changes the fit.
 */
#ifndef MODELS_CURVE_H
#define MODELS_CURVE_H
#include "models/model.h"

/* Train pairs, drawn at random with replacement: at most 8,192, and a thirty-second of all where that is less. */
struct curve_pairs {
    uint32_t n; /* 0: nobody listens, or there are none */
    uint32_t *user, *item;
    uint32_t *other,
        *other_user; /* [n] an item, and a user, drawn among all: losses over pairs that aren't in train */
    float *value;    /* [n] of (user, item); 1 where the rows have none */
    float *score, *other_score; /* [n] room */
};
enum status curve_pairs_new(const struct csr *by_user, const struct run *run, struct curve_pairs *out);

typedef enum status curve_scorer(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                                 float *scores);
/* "rmse": root of the mean squared error over the sample. */
enum status curve_rmse(const struct run *run, struct curve_pairs *pairs, curve_scorer *scorer,
                       const void *state, int step);
/* "loss": mean of log(1 + e^-(x_ui - x_uj)), i the pair's item and j the other one; pairs with j = i are left out. */
enum status curve_pairwise(const struct run *run, struct curve_pairs *pairs, curve_scorer *scorer,
                           const void *state, int step);

/* "loss": mean over the sample of c log(1 + e^-x_ui) + negatives log(1 + e^x_uj), j the item of another train pair, so drawn by
 * popularity; c: alpha, times the pair's value where use_values. */
struct curve_logistic {
    double alpha, negatives;
    bool use_values;
};
enum status curve_logistic(const struct run *run, struct curve_pairs *pairs, curve_scorer *scorer,
                           const void *state, const struct curve_logistic *how, int step);

/* "validation ndcg@10": run->validate() in every run->validate_every'th step; nothing where that is 0. */
enum status curve_validation(const struct run *run, const void *state, int step);

#endif
