/* again.h - a model of a finished run once more: loaded where the run kept it, else fitted again, to the same bits. */
#ifndef EXPERIMENT_AGAIN_H
#define EXPERIMENT_AGAIN_H
#include "experiment/cell.h"

/* Reads RUN_DIR/experiment.yaml.  STATUS_DATA: there is no run. */
enum status again_load(const char *run_dir, struct arena *arena, struct experiment *out);
/* Which cell of it. */
struct again_cell {
    const char *run_dir;
    const struct experiment *experiment;
    const struct dataset_config *dataset;
    const struct model_config *model;
    size_t fold;
    long long seed;
};
/* stage: of that dataset and fold.  A search's choice is the run's: STATUS_DATA where it isn't made.  arena: as long as the
 * model.  Whatever the status, fitted_free() gives it back. */
enum status again_fit(const struct again_cell *cell, struct stage *stage, const struct cell_place *place,
                      struct arena *arena, struct fitted *out);
/* The cell's model with what its searches chose (of the arena), and the cell's key.  STATUS_DATA: the cell is not done. */
enum status again_chosen(const struct again_cell *cell, struct arena *arena, struct model_config *model,
                         char key[SHA256_HEX]);
/* The dataset or model of that name.  point: of a model's grid.  STATUS_USAGE with what there is, STATUS_DATA: the dataset is missing. */
enum status again_dataset(const struct experiment *e, const char *name, const struct dataset_config **out);
enum status again_model(const struct experiment *e, const char *label, unsigned point,
                        const struct model_config **out);

#endif
