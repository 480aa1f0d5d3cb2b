/*
 * synth_rows.h - inside of synth: what users take, a range of users at a time.
 */
#ifndef DATA_SYNTH_ROWS_H
#define DATA_SYNTH_ROWS_H
#include "data/synth.h"

#define SYNTH_TASTE_SCALE 1.8 /* at signal 1 */

/* What every user's rows are drawn from. */
struct synth_source {
    const struct synth_options *o;
    const struct truth *truth;
    const float *by_factor; /* [factors x n_items] truth->item the other way round */
    const uint64_t *begin;  /* [n_users + 1] user u has rows begin[u] .. begin[u + 1] - 1 */
    /* Of courses: an item's prerequisites, [n_items x n_items], and the other way round; NULL otherwise. */
    const struct csr *needs, *opens;
};

/* The rows of users first .. end - 1, in order of user and time, in the arena; source_row counts from begin[0].  The same
 * bytes for any number of threads, and whatever the ranges.  STATUS_SYSTEM: memory. */
enum status synth_rows(const struct synth_source *source, uint32_t first, uint32_t end, struct arena *arena,
                       struct interactions *out);

#endif
