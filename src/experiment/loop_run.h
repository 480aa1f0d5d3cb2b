/*
 * loop_run.h - the feedback loop of a finished run: the row that its block `feedback` names, with what its searches chose.
 */
#ifndef EXPERIMENT_LOOP_RUN_H
#define EXPERIMENT_LOOP_RUN_H
#include "experiment/loop.h"

/* config: SHA-256 of all that determines what the loop does: the cell's key and the block's learning.  experiment: the caller's, to
 * experiment_free(), whatever the status.  STATUS_USAGE: the run has no such block; STATUS_DATA: no run there, its cell is not done. */
enum status loop_of_run(const char *run_dir, struct arena *arena, struct experiment *experiment,
                        struct loop *out, char config[SHA256_HEX]);

#endif
