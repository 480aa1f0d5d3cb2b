/*
 * run_compare.h - two runs side by side: what differs in experiment, data and program, and whether the results differ by more
 * than users differ among themselves.
 */
#ifndef REPORT_RUN_COMPARE_H
#define REPORT_RUN_COMPARE_H
#include <stdbool.h>
#include <stdio.h>

#include "base/status.h"

/* Prints to out.  A model setting (dataset, label, values that its grid chose) that both runs finished is compared measure by
 * measure over the users that both evaluated, each user's value the mean over the folds and seeds that both have (the n-th seed
 * beside the n-th, so that runs of other seeds can be compared):
 * paired t (Student 1908), p values corrected together by Holm 1979, differences of p_holm < 0.05 are called significant.
 * all: print every measure that differs, not only the significant ones and one a setting.  Measures that are one number for all users
 * differ where their 95 % intervals over users don't meet.  *differ: some do, or some differences are significant.
 * STATUS_DATA: a folder holds no finished run, or its files are damaged. */
enum status runs_compare(const char *run_a, const char *run_b, bool all, FILE *out, bool *differ);

#endif
