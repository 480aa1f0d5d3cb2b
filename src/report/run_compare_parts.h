/* run_compare_parts.h - what the files of a comparison of two runs share. */
#ifndef REPORT_RUN_COMPARE_PARTS_H
#define REPORT_RUN_COMPARE_PARTS_H
#include <jansson.h>

#include "base/node.h"
#include "eval/significance.h"
#include "report/per_user_read.h"
#include "report/records.h"
#include "report/run_compare.h"

struct run_side {
    const char *folder;
    json_t *record;
    struct node *experiment;
    struct per_user_file users;
    struct records *records;
};
/* One setting of one model: its cells in either run, paired by fold and place of the seed. */
struct pairing {
    const char *dataset, *label, *grid;
    size_t n; /* pairs of cells that both runs finished */
    const json_t **cell[2];
};
/* One line of the results. */
struct outcome {
    const struct pairing *pairing;
    const char *measure;
    size_t n_users;
    double mean[2];
    struct paired_test test;
    double holm;
};
struct comparison {
    struct arena *arena;
    FILE *out;
    struct run_side side[2];
    size_t n_pairings, n_outcomes, n_allocated;
    struct pairing *pairings;
    struct outcome *outcomes; /* those that differ at all */
    size_t n_equal;           /* measures of settings that are equal to the bit */
};

/* A member of a JSON object as text; the arena's. */
const char *run_compare_text(const json_t *object, const char *key, struct arena *arena);
/* run_compare_config.c: prints what differs in program and machine, experiment, data. */
enum status run_compare_config(struct comparison *c);
void run_compare_data(struct comparison *c);
/* run_compare_users.c: compares and tests every measure that is one number a user; fills outcomes and n_equal. */
enum status run_compare_users(struct comparison *c);
/* run_compare_numbers.c: prints measures that are one number for all users and differ; returns how many do, and of those how many have
 * intervals that don't meet.  *n_equal: those that don't differ. */
size_t run_compare_numbers(struct comparison *c, bool all, size_t *n_apart, size_t *n_equal);

#endif
