/*
 * simulation.h - `recfuse simulate FILE.yaml`: the feedback loop on and off, and with each part off, among users whose taste is known.
 *
 *     simulation: {name: feedback-loop, seeds: [0, 1, 2, 3, 4], users: 200, rounds: 20}   # the rest: `recfuse formats`
 *     dataset, base, vectors, rules, feedback: loop.h; the dataset is one of `recfuse synth`
 */
#ifndef EXPERIMENT_SIMULATION_H
#define EXPERIMENT_SIMULATION_H
#include <signal.h>
#include <stdio.h>

#include "base/param.h"
#include "base/status.h"

struct simulation_options {
    const char *file; /* the YAML */
    const char *out;  /* folder; NULL: results/NAME */
    int threads;      /* 0: all cores; results don't depend on it */
    const volatile sig_atomic_t *signal;
};

/* What simulation_write() writes (simulation_play.h), and the YAML as read; prints a table to `table`.
 * STATUS_USAGE with file:line:column; STATUS_DATA: no dataset; STATUS_UNAVAILABLE: no truth, no text. */
enum status simulation_run(const struct simulation_options *options, FILE *table);

#endif
