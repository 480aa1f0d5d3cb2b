/*
 * run.h - runs an experiment: what is missing of it, cell by cell, then the records.
 */
#ifndef EXPERIMENT_RUN_H
#define EXPERIMENT_RUN_H
#include <signal.h>

#include "experiment/experiment.h"

struct run_options {
    const char *out;    /* folder of results; NULL: results/NAME, of a shard results/NAME-shard-i-of-N */
    bool fresh;         /* older results are moved aside */
    const char *device; /* auto, cpu, cuda */
    int threads;        /* 0: all cores */
    unsigned shard, n_shards; /* every n_shards-th cell, from cell shard % n_shards; n_shards 0: all */
    const volatile sig_atomic_t *signal; /* a signal's number once it came: stop in good order */
};

/* The tables on standard output, the rest in the folder (docs/results.md).
 * STATUS_OK; STATUS_EXPECT; STATUS_PARTIAL; STATUS_DATA when nothing at all could run; STATUS_SYSTEM: disk;
 * STATUS_USAGE: a changed experiment in the folder; STATUS_INTERRUPTED, STATUS_STOPPED on SIGINT, SIGTERM. */
enum status run_experiment(const struct experiment *e, const struct run_options *options);

/* Folders from the environment: RECFUSE_MODELS (default "models") and RECFUSE_CACHE (default "cache"). */
const char *run_models_folder(void);
const char *run_cache_folder(void);

#endif
