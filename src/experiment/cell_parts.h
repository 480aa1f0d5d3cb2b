/*
 * cell_parts.h - what intervals over users are computed from, as bytes of a cell's file: of the whole cell and of each stratum.
 *
 * Little-endian, as the machine holds it: u32 n_parts, then of each: u32 n_name, its bytes; u32 n_users, n_items, depth; u32 users [n_users],
 * u32 n_relevant [n_users], f64 values [n_measures x n_users], f64 pooled [n_measures] (users, values and pooled of the first, "all", are
 * those of the cell and left out), f64 parts, u32 lists [n_users x depth] (eval/resample.h).
 */
#ifndef EXPERIMENT_CELL_PARTS_H
#define EXPERIMENT_CELL_PARTS_H
#include <stdio.h>

#include "eval/resample.h"
#include "experiment/cell_file.h"

struct cell_part {
    const char *stratum; /* "all", "head" ... */
    struct measured measured;
};
/* Into an open_memstream().  STATUS_SYSTEM: memory is out. */
enum status cell_parts_write(const struct cell_part *whole, const struct cell_part *strata, size_t n_strata,
                             const struct metric_at *measures, size_t n_measures, FILE *out);
/* Of a cell that was read, for the same measures: *out[0] is the whole.  STATUS_DATA: it is damaged. */
enum status cell_parts_read(const struct cell_values *cell, const struct metric_at *measures,
                            size_t n_measures, struct arena *arena, struct cell_part **out, size_t *n_out);

#endif
