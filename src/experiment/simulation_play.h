/*
 * simulation_play.h - all systems of a simulation, once a seed: played, tested, written; for `recfuse simulate` and for an experiment whose block
 * `feedback` has `simulate`.
 */
#ifndef EXPERIMENT_SIMULATION_PLAY_H
#define EXPERIMENT_SIMULATION_PLAY_H
#include <signal.h>
#include <stdio.h>

#include "experiment/kept.h"
#include "experiment/loop.h"
#include "fusion/simulate.h"

struct simulation {
    struct arena *arena;
    const struct backend *backend;
    const volatile sig_atomic_t *signal;
    struct simulate_options how;
    struct loop *loop; /* opened */
    size_t n_seeds;
    const long long *seed; /* [n_seeds] */
    struct kept *
        kept; /* each system of each seed is kept as it is done, and those that are kept are taken; NULL: none is */
    const char *out, *prefix; /* folder, and what its files' names begin with */

    size_t n_arms; /* by simulation_play() */
    struct simulate_arm *arm;
    struct simulate_result *result; /* [n_arms x n_seeds] */
};

/* STATUS_UNAVAILABLE: the dataset has no known truth; STATUS_STOPPED; those of simulate(). */
enum status simulation_play(struct simulation *s);
/* PREFIXrounds.csv (system, seed, round, regret, cumulative_regret, ndcg, clicks), PREFIXtests.csv (each system against the loop: paired t
 * over users of their regret, Holm-corrected), PREFIXsystems.csv (both in short), plots/PREFIXregret.svg and .png (*drawn false: no gnuplot);
 * a table to `table`. */
enum status simulation_write(const struct simulation *s, FILE *table, bool *drawn);

#endif
