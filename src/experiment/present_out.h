/*
 * present_out.h - where present.c's texts go: JSON lines, csv files for the report, and what is counted over all of them.
 */
#ifndef EXPERIMENT_PRESENT_OUT_H
#define EXPERIMENT_PRESENT_OUT_H
#include <jansson.h>
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
    FILE *out; /* NULL: no lines */
    struct arena *arena;
    bool with_gain;
    struct atomic_file csv, summary; /* stream NULL: none */
    struct present_count count[PRESENT_KINDS];
    uint64_t n_users;
};

/* A user's line {"user", "items": [{"place", "item", "facts", "title", ...}]}, into `line`: all that the rest needs; {"gain": {"title", ...}}
 * beside it where gains are measured. */
enum status present_out_line(const struct view *view, const struct present_user *u, struct arena *arena,
                             json_t *line);
/* n_users: at most so many; folder: of present.csv and present-summary.csv, NULL: none.  out, arena and with_gain are set. */
enum status present_out_open(struct present_out *o, uint32_t n_users, const char *folder);
/* Takes a line in: prints its items, into the csv file, into what is counted. */
enum status present_out_user(struct present_out *o, const json_t *line);
/* The summary; the csv files take their places. */
enum status present_out_end(struct present_out *o);
/* Another status than STATUS_OK: csv files that were begun go.  Takes a zeroed one. */
void present_out_close(struct present_out *o, enum status status);

#endif
