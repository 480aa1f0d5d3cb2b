/*
 * preference.h - the preference model p = sigmoid(q . W + b): how much a user wants an item, from
 * features q of the two (intent.h), trained by binary cross-entropy.
 */
#ifndef FUSION_PREFERENCE_H
#define FUSION_PREFERENCE_H
#include <signal.h>

#include "models/model.h"

/* Where features come from: rows are made when they are needed, a batch at a time, for all of them
 * would not fit. A group is `group_size` rows that belong together (a positive and its negatives); it
 * is drawn as a whole. */
struct preference_samples {
    uint64_t n_groups;
    uint32_t group_size, d;
    /* Rows of groups[0 .. n - 1] into q [n * group_size x d] and their targets, in [0, 1] (soft ones
     * too). */
    enum status (*fill)(const void *context, const uint64_t *groups, size_t n, float *q, float *target);
    const void *context;
};

struct preference_options {
    double learning_rate, beta1, beta2, epsilon; /* Adam */
    double regularization;                       /* the loss has regularization / 2 * |W|^2 */
    uint32_t epochs;                             /* at most */
    uint32_t batch_size;                         /* rows; rounded up to whole groups */
    uint32_t patience; /* stop after so many epochs without a lower validation loss; 0: never */
    uint64_t seed;     /* of the order of groups */
    const volatile sig_atomic_t *cancelled; /* may be NULL */
    const struct run *run;                  /* hears the losses of each epoch; may be NULL */
};

struct preference_report {
    uint32_t epochs, best_epoch;        /* run; whose weights were kept (from 1) */
    double train_loss, validation_loss; /* of the kept weights; validation NaN without validation groups */
};

/* Trains from the W [d] and b given.  `valid` may be NULL or empty: no early stopping, the last weights
 * are kept; else those of the lowest validation loss.  The same bits for any number of threads.
 * `report` may be NULL. STATUS_STOPPED when cancelled. */
enum status preference_fit(const struct backend *backend, const struct preference_samples *train,
                           const struct preference_samples *valid, const struct preference_options *options,
                           struct arena *scratch, float *W, float *b, struct preference_report *report);

/* The same on a table: q [n x d], targets [n] in [0, 1]. */
enum status preference_train(const struct backend *backend, const float *q, const float *targets, size_t n,
                             uint32_t d, const struct preference_options *options, struct arena *scratch,
                             float *W, float *b);

/* The mean loss over all rows with the L2 term, and its gradient: W's d numbers, then b's (NULL: not
 * wanted). */
enum status preference_loss(const struct backend *backend, const struct preference_samples *samples,
                            const struct preference_options *options, const float *W, float b,
                            struct arena *scratch, double *loss, double *gradient);

/* sigmoid(z), without overflow. */
double preference_sigmoid(double z);

/* log of the odds of a row when negatives are as rare as they are in life: a head trained where a share
 * `negatives_kept` of all negatives (and all of the positives, or a share positives_kept of them) was
 * seen has a constant that is too large by log(positives_kept / negatives_kept); this is the number to
 * add to b. */
double preference_prior_correction(double positives_kept, double negatives_kept);

#endif
