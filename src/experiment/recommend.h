/*
 * recommend.h - what a model of a run recommends to one user, beside what that user liked before.
 */
#ifndef EXPERIMENT_RECOMMEND_H
#define EXPERIMENT_RECOMMEND_H
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "models/model.h"

struct recommend_options {
    const char *run;               /* folder of results: its experiment.yaml is followed */
    const char *dataset;           /* name */
    const char *model;             /* label */
    const char *user;              /* the publisher's id */
    unsigned top;                  /* how many */
    unsigned fold, point, threads; /* point: place in the model's grid; threads 0: all cores */
    bool explain;                  /* every change that the rules of a model `strategy` made to the list */
    const volatile sig_atomic_t *signal;
};

/* Loads the saved model where the run kept it (experiment.save_models), else fits it again on the fold's train rows.
 * Prints titles and scores, items of the user's test rows marked "held out", and the best rated of the train rows.
 * STATUS_USAGE: unknown dataset, label or user, explain of another model than `strategy`; STATUS_DATA: no run there, the dataset is missing. */
/* The fitted model of a run, taken as recommend_print() takes it, is handed to use().  options->dataset NULL: the run's first; user, top: not looked
 * at.  `what`: "LABEL on DATASET, fold F". */
enum status recommend_model(const struct recommend_options *options,
                            enum status (*use)(void *context, const struct model_type *type,
                                               const void *state, const struct backend *backend,
                                               const char *what),
                            void *context);
enum status recommend_print(const struct recommend_options *options, FILE *out);
/* Every stage of the model for the user: what comes in, what goes out (models/trace.h).  options->dataset NULL: the run's first; model NULL: the
 * run's first that is made of stages.  STATUS_USAGE as above. */
enum status recommend_trace(const struct recommend_options *options, FILE *out);

#endif
