/*
 * split_last.h - the last rows of each user, for the splits that take them.
 */
#ifndef DATA_SPLIT_LAST_H
#define DATA_SPLIT_LAST_H
#include "data/split.h"

/* Marks the last n_test rows of a user (begin .. end - 1, in the order of the dataset: by time, ties and missing times
 * by the source) as test and the n_valid before as validation; rows that are SPLIT_NOWHERE don't count. */
void split_mark_last(uint8_t *part, uint64_t begin, uint64_t end, uint64_t n_test, uint64_t n_valid);
/* How many rows of begin .. end - 1 are not SPLIT_NOWHERE. */
uint64_t split_count(const uint8_t *part, uint64_t begin, uint64_t end);
/* Where the rows of the user of row `begin` end. */
uint64_t split_user_end(const struct interactions *in, uint64_t begin);

#endif
