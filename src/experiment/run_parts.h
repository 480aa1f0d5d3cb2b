/* run_parts.h - what run.c and run_cell.c share: a run at work. */
#ifndef EXPERIMENT_RUN_PARTS_H
#define EXPERIMENT_RUN_PARTS_H
#include "experiment/folder.h"
#include "experiment/plan.h"
#include "experiment/run.h"

struct runner {
    const struct experiment *experiment;
    const struct run_options *options;
    const struct backend *backend;
    struct plan plan;
    struct folder folder;
    struct arena *arena;
    struct progress *progress;
    struct stage stage;
    size_t stage_dataset, stage_fold; /* SIZE_MAX: none */
};

/*
 * Searches, fits, ranks and measures cell i of the plan, writes its file and its line in the journal, and its model where the experiment
 * keeps models.  A cell that fails or can't be had is told and noted: STATUS_OK.  STATUS_STOPPED on a signal: nothing is noted.
 * STATUS_SYSTEM: the journal or a file can't be written.
 */
enum status run_cell(struct runner *r, size_t i);
/* A line of the journal about cell i that has no figures: "skipped" or "failed", and why. */
enum status run_note(struct runner *r, size_t i, const char *status, const char *message);

#endif
