/*
 * feedback_settings.h - the block `feedback` of an experiment: how a row of it, as a system in use, learns from what users do.
 *
 * `recfuse serve-events --run DIR` serves that system; with `simulate` in the block, `recfuse run` shows it to simulated users once the cells
 * are done.  The learning itself has the parameters of fusion/feedback.h, the users those of fusion/simulate.h.
 */
#ifndef EXPERIMENT_FEEDBACK_SETTINGS_H
#define EXPERIMENT_FEEDBACK_SETTINGS_H
#include "fusion/feedback.h"
#include "fusion/simulate.h"

/* Of `recfuse serve-events`, in LOOP.yaml under `serve`, here beside the rest. */
struct serve_settings {
    int refit_every, seed;
};
extern const struct param serve_params[]; /* loop.c */

struct dataset_config;
struct model_config;
struct feedback_config {
    const struct dataset_config *dataset;
    const struct model_config *model;
    const struct node *block; /* for messages */
    struct feedback_options options;
    struct serve_settings serve;
    const struct node
        *vectors; /* of the profile and LinUCB, where they are not the model's own; NULL: they are */
    bool simulated;
    struct simulate_options how;
    int seeds;        /* 0 .. seeds - 1 */
    const char *json; /* every setting of the learning, defaults included */
    const char *simulate_json;
};

#endif
