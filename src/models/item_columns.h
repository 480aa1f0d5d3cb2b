/*
 * item_columns.h - what the dataset's columns say of each item, as a matrix of zeros and ones: the control of text without words.
 */
#ifndef MODELS_ITEM_COLUMNS_H
#define MODELS_ITEM_COLUMNS_H
#include "models/model.h"

enum { ITEM_COLUMNS_PERIODS = 10 };

/* *out [n_items x columns]: of every list column a name each (1 / names of the item), of every category (text column of at most
 * 1,000 texts, half as many as items or fewer) a text each, of every number column (year, price) the ITEM_COLUMNS_PERIODS ranges
 * that hold equally many items, fewer where values repeat.  `name`: one column alone; NULL: all.  In the arena.
 * STATUS_UNAVAILABLE: there is no such column, or none at all. */
enum status item_columns_build(const struct view *view, const char *name, struct arena *arena,
                               struct arena *scratch, struct csr *out);

#endif
