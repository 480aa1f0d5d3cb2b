/*
 * folder.h - the folder of results: who works in it, whether what is there belongs to this experiment.
 */
#ifndef EXPERIMENT_FOLDER_H
#define EXPERIMENT_FOLDER_H
#include "experiment/experiment.h"
#include "experiment/journal.h"

struct folder {
    char path[2048];
    int lock; /* file descriptor of FOLDER/.lock; -1: none */
    struct journal journal;
};

/* Makes or reopens `path`, and locks it.  Results of the same experiment are gone on with; `fresh` moves older results
 * aside to PATH.old-N.  STATUS_USAGE: results of a changed experiment (says what changed), or a folder that holds
 * something else; STATUS_SYSTEM: a file is in the way, no right, another run works there. */
enum status folder_open(const char *path, const struct experiment *e, bool fresh, struct arena *arena,
                        struct folder *out);
void folder_close(struct folder *folder); /* takes one that failed to open */

#endif
