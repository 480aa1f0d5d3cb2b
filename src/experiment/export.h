/* export.h - the lists of a run as files that any system reads, by the publisher's ids. */
#ifndef EXPERIMENT_EXPORT_H
#define EXPERIMENT_EXPORT_H
#include <signal.h>
#include <stdbool.h>

#include "base/status.h"

struct export_options {
    const char *run;             /* folder of results: its experiment.yaml is followed */
    const char *out;             /* folder that is written to */
    const char *dataset, *model; /* name, label; NULL: all */
    long fold;                   /* -1: all */
    unsigned top;                /* places a list; 0: the largest cut-off of the run */
    bool csv;                    /* else TREC's formats */
    bool rows;                   /* train and validation rows too */
    unsigned threads;            /* 0: all cores */
    const volatile sig_atomic_t *signal;
};

/* Writes, for each dataset D and fold F, D.foldF.qrels (the test rows: 1, or the rating where relevance is graded) and with `rows`
 * D.foldF.train.csv and D.foldF.valid.csv, and for each model L, grid point P (where there are several) and seed S
 * D.foldF.L.pointP.seedS.run: the lists that the run evaluated.  `csv`: names end in .csv too.  Models are loaded where the run kept
 * them, else fitted again.  STATUS_USAGE, STATUS_DATA: as recommend_print(), and ids with blanks, which TREC's formats can't hold. */
enum status export_topk(const struct export_options *options);

#endif
