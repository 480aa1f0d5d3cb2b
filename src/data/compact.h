/*
 * compact.h - the dataset as a split left it: only its users and items, numbered anew.
 *
 * A published protocol ranks the items of the filtered data, not those that the filters threw away; and no model should
 * pay for items without a row (EASE on latest-small after min_rating 4 and kcore 5: 2,000 items in place of 9,742).
 */
#ifndef DATA_COMPACT_H
#define DATA_COMPACT_H
#include "data/split.h"

/* Keeps the items that have a row in some part of some fold, and the users that do or that wrote a text about a kept
 * item; orders stay.  The folds' user and item arrays are replaced by new ones in the arena; *out is `d` itself when
 * nothing falls away, else a new dataset in the arena that shares what it can (attributes, among them content_sha256,
 * are those of `d`).  STATUS_SYSTEM: memory. */
enum status dataset_compact(const struct dataset *d, struct fold *folds, size_t n_folds, struct arena *arena,
                            const struct dataset **out);

#endif
