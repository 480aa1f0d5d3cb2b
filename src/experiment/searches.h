/*
 * searches.h - all searches of one cell: of the models inside its model (inside.h), then of the model itself.
 */
#ifndef EXPERIMENT_SEARCHES_H
#define EXPERIMENT_SEARCHES_H
#include "base/fsio.h"
#include "experiment/trials.h"

/*
 * *chosen: `model` with what its searches chose, as parameters of the arena.  keys [model->n_inside + 1]: of each search (plan.h), the
 * model's own last.  *record: for the cell's line, the caller's; NULL where nothing is searched: what trials_run() says of the model's own
 * search, "inside": [the same of each model inside, and its "path", "model"]; "n_trials" is of all together.  Statuses: those of trials_run().
 */
enum status searches_run(struct stage *stage, const struct model_config *model,
                         const char (*keys)[SHA256_HEX], long long seed,
                         const struct evaluate_config *evaluate, const struct cell_place *place,
                         const struct trials_keep *keep, struct arena *arena, struct model_config *chosen,
                         json_t **record);
/* The same from the line of a cell that is done.  STATUS_DATA: it tells of no such search. */
enum status searches_recorded(const struct model_config *model, const json_t *line, struct arena *arena,
                              struct model_config *chosen);
/* Are there any? */
bool searches_any(const struct model_config *model);
/* Trials that they take in all. */
size_t searches_trials(const struct model_config *model);

#endif
