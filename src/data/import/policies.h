/*
 * policies.h - what becomes of rows that are not as they should be: declared by the user, the same for every format, counted,
 * and written into the attribute `policies` of the dataset file (docs/dataset-file.md has the keys).
 *
 * Malformed rows are build.h's import_row_done(); what is here needs all rows.
 */
#ifndef IMPORT_POLICIES_H
#define IMPORT_POLICIES_H
#include "data/import/build.h"

/* Words of the command line ("last") to a value of the enums in import.h; -1: no such word. */
int policies_word(const char *const *words, const char *word);
extern const char *const policies_duplicates[], *const policies_out_of_range[],
                                                    *const policies_missing_times[];
/* "0.5..5" (low below high, finite). */
bool policies_scale(const char *text, float *low, float *high);

/* May a rating of this format be `value`, whose scale is low .. high?  False: the caller says so in its own words, with the
 * place.  Under --out-of-range skip or clip it is true, and the scale is kept for policies_rows(). */
bool policies_in_scale(struct import *im, float value, float low, float high);
/* The time of a row that has none: true, and *time is IMPORT_NO_TIME, unless missing times are an error (then the
 * caller says so). */
bool policies_no_time(const struct import *im, int64_t *time);

/* Rows in source order, x->source_row counting: takes out what --missing-times and --out-of-range say.  *has_time is false when no
 * times are kept.  STATUS_DATA: a row breaks an `error` policy. */
enum status policies_rows(struct import *im, const char *source, struct interactions *x, bool *has_time);
/* Rows in the order of the dataset file: --duplicates.  STATUS_DATA under `error` names user, item and rows. */
enum status policies_apply_duplicates(struct import *im, const char *source, uint32_t n_items,
                                      struct interactions *x);

#endif
