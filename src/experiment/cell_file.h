/*
 * cell_file.h - the result of one finished cell: every metric of every user, in cells/KEY.cell of a results folder.
 *
 * Layout, little-endian: the 16 bytes "recfuse cell 6\n\0"; SHA-256 (32 bytes) of all that follows; u32 n_users,
 * u32 n_values; u64 n_id_bytes, u64 n_extra, u64 n_packed, u64 n of each of `more`; then n_packed bytes that zlib unpacks to u32 users [n_users],
 * u32 rows [n_users], u64 id offsets [n_users + 1], the ids' bytes, f64 values [n_values x n_users], f64 pooled [n_values], the
 * n_extra bytes of `extra`, the bytes of `more`.  It appears whole or not at all, and a file that doesn't match its checksum counts as a cell not done.
 */
#ifndef EXPERIMENT_CELL_FILE_H
#define EXPERIMENT_CELL_FILE_H
#include <stdint.h>

#include "base/arena.h"
#include "base/strings.h"

/* Lines of csv files of their own, without the columns that name the cell, each ended by a newline; and what intervals are computed
 * from (cell_parts.h). */
enum cell_more { CELL_CURVES, CELL_POPULARITY, CELL_MULTIVERSE, CELL_PARTS, CELL_MORE };
struct cell_text {
    const char *bytes; /* [n] */
    uint64_t n;
};

struct cell_values {
    uint32_t n_users, n_values; /* n_values: evaluate_config.measures, in that order */
    const uint32_t *users;      /* [n_users] dense index in the dataset, rising */
    const uint32_t *rows;       /* [n_users] test rows of each */
    struct strings ids;         /* [n_users] the publisher's */
    const double *values;       /* [n_values x n_users]; NaN for what is one number for all users */
    const double *pooled;       /* [n_values] what they come to over the fold */
    /* Further lines of metrics.csv from the column `candidates` on, each ended by a newline: strata, corrected estimates. */
    const char *extra; /* [n_extra] */
    uint64_t n_extra;
    struct cell_text more[CELL_MORE];
};

/* STATUS_SYSTEM: disk. */
enum status cell_write(const char *folder, const char *key, const struct cell_values *values);
/* STATUS_DATA: missing, or damaged. */
enum status cell_read(const char *folder, const char *key, struct arena *arena, struct cell_values *out);

#endif
