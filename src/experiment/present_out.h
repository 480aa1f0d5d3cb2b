/*
 * present_out.h - where present.c's texts go: JSON lines, a csv file for the report, and what is counted over all of them.
 */
#ifndef EXPERIMENT_PRESENT_OUT_H
#define EXPERIMENT_PRESENT_OUT_H
#include <stdio.h>

#include "base/fsio.h"
#include "fusion/present.h"

/* One user's items and their texts. */
struct present_user {
    uint32_t user;
    const uint32_t *items, *history;
    size_t n, n_history;
    const struct presented *texts; /* [n] */
};

/* What is counted of one kind of text. */
struct present_count {
    uint64_t n, n_first, n_template; /* texts, that passed at the first try, that a template gave */
    const char **written;            /* [n_written] by the model, passed */
    size_t n_written, room;
    double *gain; /* [n_gains] a user */
    size_t n_gains;
};

struct present_out {
    FILE *out;
    const struct view *view;
    struct arena *arena;
    bool with_gain;
    struct atomic_file csv; /* stream NULL: none */
    struct present_count count[PRESENT_KINDS];
    uint64_t n_users;
};

/* n_users: at most so many; folder: of present.csv, NULL: none.  The first five fields are set. */
enum status present_out_open(struct present_out *o, uint32_t n_users, const char *folder);
enum status present_out_user(struct present_out *o, const struct present_user *u);
/* A user's mean gain of a kind. */
enum status present_out_gain(struct present_out *o, enum present_kind kind, double gain);
/* The summary; the csv file takes its place. */
enum status present_out_end(struct present_out *o);
/* Another status than STATUS_OK: a csv file that was begun goes.  Takes a zeroed one. */
void present_out_close(struct present_out *o, enum status status);

#endif
