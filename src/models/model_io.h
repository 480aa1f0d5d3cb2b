/*
 * model_io.h - fitted models as named arrays in an HDF5 file, written atomically, checked when read.
 */
#ifndef MODELS_MODEL_IO_H
#define MODELS_MODEL_IO_H
#include "models/model.h"

enum array_type { ARRAY_F32, ARRAY_F64, ARRAY_U32, ARRAY_I64 };

/* An array [rows x cols]; cols 1 for a vector. */
enum status model_put(struct model_writer *w, const char *name, enum array_type type, uint64_t rows,
                      uint64_t cols, const void *data);
/* Into the run's arena.  Expected sizes 0: any; else STATUS_DATA when they differ. */
enum status model_get(struct model_reader *r, const char *name, enum array_type type, uint64_t *rows,
                      uint64_t *cols, const void **data);

/* The arrays "user" [*n_users x ld] and "item" [*n_items x ld] of a factor model. */
enum status model_get_factors(struct model_reader *r, uint64_t ld, uint32_t *n_users, uint32_t *n_items,
                              float **user, float **item);

/* A model inside a model: its arrays in a folder `name` of the file, through its own save and load. */
enum status model_put_model(struct model_writer *w, const char *name, const struct model_type *type,
                            const void *state);
enum status model_get_model(struct model_reader *r, const char *name, const struct model_type *type,
                            const void *params, struct run *run, void *state);

enum status model_save(const char *path, const struct model_type *type, const void *params,
                       const void *state);
/* STATUS_DATA: another model, other parameters or another version stands in the file. */
enum status model_load(const char *path, const struct model_type *type, const void *params, struct run *run,
                       void *state);

#endif
