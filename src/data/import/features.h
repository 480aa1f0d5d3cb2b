/*
 * features.h - vectors of items (/features) from the files in which they are published.
 */
#ifndef IMPORT_FEATURES_H
#define IMPORT_FEATURES_H
#include "data/import/build.h"

/* After everything else of the import is read: its items must be known.  Each adds one feature `name`, [n_items x width],
 * and two counts to the policies: feature_NAME_rows_unknown (rows of items that the dataset hasn't) and
 * feature_NAME_items_missing (items without a row; NaN). STATUS_DATA names file and row. */

/* numpy's .npy, version 1 or 2, of float16, float32 or float64, C order, [rows x width], plain or .gz.  ids NULL: row k is of
 * the item with the id "k" (from 0); else a file with one id a line, the k-th of row k. */
enum status features_read_npy(struct import *im, const char *name, const char *path, const char *ids,
                              struct arena *arena);
/* Amazon's image features: a product's 10 bytes of id, then 4096 float32, little-endian, again and again; plain or .gz
 * (He, McAuley 2016, VBPR). */
enum status features_read_amazon(struct import *im, const char *name, const char *path, struct arena *arena);

/* How many rows an .npy file has, for those whose rows make the items. */
enum status features_npy_rows(const char *path, uint64_t *n_rows);

/* "NAME=FILE" or "NAME=FILE,IDS": .b and .b.gz are Amazon's, all else .npy.  STATUS_USAGE: no such form. */
enum status features_read_option(struct import *im, const char *option, struct arena *arena);
/* One that is in memory already: value [n_items x width] in the arena. */
enum status features_add(struct import *im, const char *name, uint32_t width, bool from_users,
                         const float *value);

#endif
