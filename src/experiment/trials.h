/*
 * trials.h - the trials of a search, each kept as soon as it is done: trials/KEY.jsonl of a results folder, a line a trial,
 * appended and fsync'ed.  A search that was stopped reads them back and goes on; when the cell is done they stand in its line of the
 * journal, and the file goes.  The key is that of the search (plan.h): rows that search the same model in the same space share the trials.
 */
#ifndef EXPERIMENT_TRIALS_H
#define EXPERIMENT_TRIALS_H
#include "experiment/cell.h"
#include "experiment/journal.h"
#include "experiment/record.h"

struct trials_keep {
    const char *folder; /* of results */
    const struct journal *journal;
};

/*
 * Runs what is missing of a model's search on the stage's fold.  *chosen: its best setting as parameters (of the arena); *record: an object for
 * the cell's line, {"n_trials", "chosen_trial", "search_key", "chosen": {...}, "trials": [{"trial", "rung", "resource", "params", "value", "test", "epochs", "seconds",
 * "status", "message"}]}, the caller's.  STATUS_DATA: every trial failed, with the first one's sentence; STATUS_STOPPED: run again to go on.
 */
enum status trials_run(struct stage *stage, const struct model_config *model, long long seed,
                       const struct evaluate_config *evaluate, const struct cell_place *place,
                       const struct trials_keep *keep, const char *key, struct arena *arena,
                       struct model_config *chosen, json_t **record);
/* Removes the file; nothing where there is none. */
void trials_forget(const char *folder, const char *key);

/* trials.csv: every trial of every search, from the journal's lines; nothing where there was no search.  `inside`: the place in its row of the
 * model that was searched, empty where it is the row's own.  trials_csv.c. */
enum status record_trials(const struct record *r);

#endif
