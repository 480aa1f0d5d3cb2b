/*
 * merge.h - shards of one experiment into one folder of results.
 */
#ifndef EXPERIMENT_MERGE_H
#define EXPERIMENT_MERGE_H
#include <stddef.h>

#include "base/status.h"

/* Joins the results in `folders` into the new folder `out`, with records and report as of one run.  The dataset files
 * aren't needed.  STATUS_USAGE: they are no shards of one plan, or `out` holds something; STATUS_STOPPED: cells are
 * missing (`recfuse run ... --out OUT` goes on there); else as run_experiment(). */
enum status merge_shards(const char *const *folders, size_t n_folders, const char *out);

#endif
