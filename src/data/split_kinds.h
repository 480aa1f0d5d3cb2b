/*
 * split_kinds.h - the splits, one a file; split.c lists them.
 */
#ifndef DATA_SPLIT_KINDS_H
#define DATA_SPLIT_KINDS_H
#include "data/split.h"

extern const struct split_type split_random, split_k_fold, split_folds, split_leave_one_out,
    split_leave_last_n, split_temporal_global, split_temporal_user, split_cold_users, split_cold_items,
    split_given;

#endif
