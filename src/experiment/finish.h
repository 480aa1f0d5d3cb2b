/*
 * finish.h - the end of a run or of a merge: records, claims, report, and which status all that makes.
 */
#ifndef EXPERIMENT_FINISH_H
#define EXPERIMENT_FINISH_H
#include "experiment/folder.h"
#include "experiment/record.h"

/* r: experiment, folder, n_cells, lines filled in.  `part`: a shard, whose claims are left to the merge.
 * STATUS_OK, STATUS_EXPECT, STATUS_PARTIAL, STATUS_DATA when no cell at all is done, STATUS_SYSTEM. */
enum status finish(struct record *r, const struct folder *folder, const char *device, int threads, bool part);
/* experiment.yaml: the resolved experiment. */
enum status finish_yaml(const struct experiment *e, const char *folder, struct arena *arena);

#endif
