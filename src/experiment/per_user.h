/*
 * per_user.h - per_user.h5: every metric of every user, one HDF5 dataset [n_users] a cell, metric and cut-off.
 *
 *     /                             attributes: schema_version (1), experiment
 *     /users/DATASET/FOLD/index     u32 [n_users] place among the users that filters and split left, rising: the test users of the fold
 *     /users/DATASET/FOLD/id_bytes, id_offsets   the publisher's ids: UTF-8 bytes, u64 [n_users + 1]
 *     /cells/00000 ...              attributes: key, dataset, fold, model, label, params, seed; the cell's place in the plan
 *     /cells/00000/METRIC@K         f64 [n_users], users as in /users/DATASET/FOLD
 * Built in memory (base/image.h). No variable-length types, object times off: the same results give the same bytes.
 */
#ifndef EXPERIMENT_PER_USER_H
#define EXPERIMENT_PER_USER_H
#include <jansson.h>

#include "base/image.h"
#include "experiment/cell_file.h"
#include "experiment/experiment.h"

struct per_user {
    char path[4096];
    struct image image;
};
/* STATUS_SYSTEM: memory. */
enum status per_user_create(const char *path, const char *experiment, struct per_user *out);
enum status per_user_add(struct per_user *p, size_t place, const json_t *line,
                         const struct evaluate_config *evaluate, const struct cell_values *values);
/* Writes the file, whole or not at all, and closes. STATUS_SYSTEM: disk, memory. */
enum status per_user_commit(struct per_user *p);
void per_user_close(struct per_user *p); /* takes a zeroed or committed one */

#endif
