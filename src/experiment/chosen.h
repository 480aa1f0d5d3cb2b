/*
 * chosen.h - a model of a finished run, chosen by name and fitted, for commands that ask it something: recommend, explain, trace, query.
 */
#ifndef EXPERIMENT_CHOSEN_H
#define EXPERIMENT_CHOSEN_H
#include <signal.h>
#include <stdbool.h>

#include "experiment/cell.h"

struct chosen_options {
    const char *run;     /* folder of results: its experiment.yaml is followed */
    const char *dataset; /* name; NULL: the run's first */
    const char *
        model; /* label; NULL: the experiment's pipeline, else the first that is made of stages (models/trace.h) */
    const char *user;              /* the publisher's id; NULL: none */
    unsigned fold, point, threads; /* point: place in the model's grid; threads 0: all cores */
    const char *device;            /* auto, cpu, cuda; NULL: auto */
    const volatile sig_atomic_t *signal;
};
struct chosen {
    struct arena *arena;
    struct experiment experiment;
    const struct dataset_config *dataset;
    const struct model_config *model;
    const struct backend *backend;
    struct stage stage; /* the fold is up */
    struct fitted fitted;
    uint32_t user; /* where one was named */
};

/* Loads the saved model where the run kept it (experiment.save_models), else fits it again on the fold's train rows.  Whatever the status,
 * chosen_close() gives it back.  STATUS_USAGE: unknown dataset, label, fold or user; STATUS_DATA: no run there, the dataset is missing. */
enum status chosen_open(const struct chosen_options *options, struct chosen *out);
void chosen_close(struct chosen *c);

#endif
