/*
 * after.h - what an experiment does once its cells are done: texts for what a model recommends (the block `present`), the
 * feedback loop among simulated users (`simulate` of the block `feedback`).
 *
 * Each such step has a key, the SHA-256 of all that determines its result, the key of the cell it builds on among it, and a line in the
 * journal: {"after": name, "key", "status": "done" | "skipped" | "failed" | "off", "message", "seconds", "finished"}.  What is done is not done
 * again; a step that was stopped goes on from the lines that it kept (kept.h); where its key changed, its files are made anew.
 */
#ifndef EXPERIMENT_AFTER_H
#define EXPERIMENT_AFTER_H
#include "experiment/folder.h"
#include "experiment/plan.h"
#include "experiment/run.h"

struct after {
    const struct experiment *experiment;
    const struct plan *plan;
    struct folder *folder; /* its experiment.yaml is there */
    const struct run_options *options;
    const char *device;
    struct arena *arena;
    size_t n_failed; /* steps that failed, of those that were tried now */
};
/* STATUS_STOPPED on a signal; STATUS_SYSTEM: the journal can't be written.  What fails otherwise is noted and told. */
enum status after_cells(struct after *a);

#endif
