/*
 * distribution.h - the shape of a dataset's interactions: what is compared when a generated set is held against a real one.
 */
#ifndef DATA_DISTRIBUTION_H
#define DATA_DISTRIBUTION_H
#include "data/dataset.h"

struct distribution {
    const char *x, *y; /* what the columns are */
    uint64_t n;
    double *values; /* [n x 2] */
};
struct distribution_type {
    const char *name, *help;
    enum status (*make)(const struct dataset *d, struct arena *arena, struct distribution *out);
};
extern const struct distribution_type distribution_types[]; /* ended by a NULL name */

/* In the arena.  Distinct (user, item) pairs count once, but for `ratings`.  STATUS_USAGE: unknown name (lists them);
 * STATUS_SYSTEM: memory. */
enum status distribution_make(const char *name, const struct dataset *d, struct arena *arena,
                              struct distribution *out);

#endif
