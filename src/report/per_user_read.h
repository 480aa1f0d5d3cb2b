/*
 * per_user_read.h - per_user.h5 of a run (docs/results.md), read back.
 */
#ifndef REPORT_PER_USER_READ_H
#define REPORT_PER_USER_READ_H
#include <hdf5.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/strings.h"

struct per_user_file {
    const char *path;
    hid_t file; /* -1: closed */
};
/* STATUS_DATA: missing, or no HDF5 file; names it. */
enum status per_user_open(const char *run_dir, struct arena *arena, struct per_user_file *out);
void per_user_shut(struct per_user_file *f);
/* The publisher's ids of the users evaluated on a fold, in the order of the values; of the arena. */
enum status per_user_ids(const struct per_user_file *f, const char *dataset, const char *fold,
                         struct arena *arena, struct strings *out);
/* Names of the measures of cell number `cell` ("ndcg@10"), in order of the alphabet. */
enum status per_user_measures(const struct per_user_file *f, long cell, struct arena *arena,
                              struct strings *out);
/* The cell's values [n] of a measure; STATUS_DATA where there are not n, or none of that name. */
enum status per_user_values(const struct per_user_file *f, long cell, const char *measure, size_t n,
                            struct arena *arena, double **out);

#endif
