/*
 * gather.h - the values of finished cells put together: by user over folds and seeds, or by fold over seeds.
 */
#ifndef EXPERIMENT_GATHER_H
#define EXPERIMENT_GATHER_H
#include "experiment/record.h"

/* What a user's values of every measure come to: the mean over the folds and seeds in which the user was tested. */
struct gathered {
    size_t n_cells;
    uint32_t size;  /* 1 + the largest user */
    uint8_t *there; /* [size] 1: tested in some cell */
    double *value;  /* [n_measures x size]; NaN: no value */
};
/* Is the line about a done cell of that dataset and model (label and grid point)? */
bool gather_is_done(const json_t *line, const struct dataset_config *dataset,
                    const struct model_config *model);
/* Reads every done cell of the model on the dataset, each once.  STATUS_DATA: a damaged cell. */
enum status gather_users(const struct record *r, const struct dataset_config *dataset,
                         const struct model_config *model, struct arena *arena, struct gathered *out);

/* One measure of the users of a stratum (eval/strata.h): each user's mean over the cells in which it was of the stratum and has a value. */
struct gathered_part {
    const char *stratum;
    struct gathered users; /* value: [size] */
    struct gathered_part *next;
};
/* *out: all users ("all"), then every stratum of any cell, in the order of the cells' files; NULL where no cell is done.
 * STATUS_DATA: a damaged cell. */
enum status gather_parts(const struct record *r, const struct dataset_config *dataset,
                         const struct model_config *model, size_t measure, struct arena *arena,
                         struct gathered_part **out);

/* One measure by fold: the mean over seeds of the cells' pooled values. */
struct gathered_folds {
    size_t n;          /* folds, rising */
    long long *fold;   /* [n] */
    double *value;     /* [n] */
    double test_share; /* test rows / train rows, mean over folds */
};
enum status gather_folds(const struct record *r, const struct dataset_config *dataset,
                         const struct model_config *model, size_t measure, struct arena *arena,
                         struct gathered_folds *out);

#endif
