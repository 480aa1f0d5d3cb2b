/*
 * fm_machine.h - one machine under two models: fm (predicts ratings) and fm_ranking (ranks what is taken or not).
 */
#ifndef MODELS_FM_MACHINE_H
#define MODELS_FM_MACHINE_H
#include "models/early.h"
#include "models/fm_design.h"
#include "models/model_io.h"

/* Bias, weights and factors of all features while they are learned. */
struct fm_machine {
    struct fm_design design;
    size_t ld; /* of a row of factors: a multiple of FM_PAD */
    uint32_t factors;
    float *bias;   /* [1] */
    float *weight; /* [n_features], from 0 */
    float *factor; /* [n_features x ld], from normal(0, init_std) */
};
enum status fm_machine_new(const struct fm_design *design, int factors, double init_std, uint64_t seed,
                           struct arena *arena, struct fm_machine *out);
/* STATUS_DATA, naming model, epoch and learning rate, where a number is no longer finite. */
enum status fm_machine_check(const struct fm_machine *m, const char *model, int epoch, double learning_rate);

/* What is left once features have been added up: a factor model. */
struct fm_state {
    uint32_t n_users, n_items, factors;
    size_t ld;
    float *user, *item;           /* [n_users x ld], [n_items x ld] */
    float *user_bias, *item_bias; /* [n_users], [n_items]: weights, and the pairs of features of one side */
    float bias, low, high;        /* low, high: what predictions are clipped to; infinite where they aren't */
};
/* Memory for it; s->low and s->high are the caller's. */
enum status fm_state_new(struct fm_state *s, const struct fm_machine *m, const struct view *train,
                         struct arena *arena);
/* From the machine as it stands. */
void fm_state_fill(struct fm_state *s, const struct fm_machine *m);
enum status fm_factors(const void *state, struct factors *out);
enum status fm_score_pairs(const void *state, const uint32_t *users, const uint32_t *items, size_t n,
                           float *scores);
enum status fm_save(const void *state, struct model_writer *w);
/* Of rows of `factors` columns. */
enum status fm_load_state(struct fm_state *s, int factors, struct model_reader *r);

#define FM_OPTIMIZERS "sgd|adagrad"
enum fm_optimizer { FM_SGD, FM_ADAGRAD };
/* Room for AdaGrad's sums, where it is asked for. */
enum status fm_sgd_prepare(const struct fm_machine *m, enum fm_optimizer optimizer, struct arena *scratch,
                           struct fm_sgd *args);
/* Takes the samples through fm_sgd, some ten thousand a launch.  STATUS_STOPPED when the run is cancelled. */
enum status fm_sgd_run(const struct fm_machine *m, struct fm_sgd *args, const struct fm_sample *sample,
                       int64_t n, struct run *run);
/* Alternating least squares on the train ratings: `epochs` times bias, weights, factors.  STATUS_STOPPED when the run is
 * cancelled. */
/* Early stopping, and the validation curve, of a machine that is being fitted; s: room for what it scores by. */
struct fm_watch {
    const struct fm_machine *m;
    struct fm_state *s;
    struct early early;
};
enum status fm_watch_open(struct fm_watch *w, const struct fm_machine *m, struct fm_state *s, int patience,
                          struct run *run);
/* After epoch `epoch` (from 1).  Then, when the fit is over, early_close(): the best epoch's parameters are back. */
enum status fm_watch_step(struct fm_watch *w, int epoch, struct run *run, bool *stop);

struct fm_als_options {
    int epochs;
    double reg_bias, reg_weight, reg_factor;
};
/* watch: is asked after each sweep; NULL: nobody. */
enum status fm_als_run(const struct fm_machine *m, const struct fm_als_options *o, const struct view *train,
                       struct fm_watch *watch, struct run *run);

#endif
