/*
 * record.h - what a run leaves behind, from its journal and cell files alone: metrics.csv, per_user.h5,
 * significance.csv, significance-strata.csv, record.json (docs/results.md).
 *
 * A line of the journal about a cell: {"cell": place in the plan, "key", "status": "done" | "skipped" | "failed",
 * "message", "dataset", "dataset_sha256", "fold", "model", "label", "params", "grid", "seed", "block", "point",
 * "n_users", "n_tied", "n_train" ..., "fit_seconds", "fit_cpu_seconds", "rank_seconds", ..., "peak_rss_mib", "device", "threads",
 * "finished"}.
 */
#ifndef EXPERIMENT_RECORD_H
#define EXPERIMENT_RECORD_H
#include <stdio.h>

#include "experiment/experiment.h"
#include "experiment/journal.h"

struct record {
    const struct experiment *experiment;
    const char *folder;
    size_t n_cells; /* of the whole plan */
    size_t n_lines;
    json_t **lines;       /* [n_lines] in the order of the plan */
    double *means;        /* [n_lines x n_values]; NaN where a cell isn't done; filled by record_results() */
    size_t n_values;      /* metrics x cut-offs, cut-offs fastest */
    json_t *expectations; /* array for record.json; filled by record_expect() */
    size_t n_expect_failed, n_done, n_skipped, n_failed;
};

/* metrics.csv and per_user.h5, and the means. */
enum status record_results(struct record *r, struct arena *arena);
/* Fills `expectations` and counts those that failed. */
enum status record_expect(struct record *r);
/* A line an expectation, for people. */
void record_expect_print(const struct record *r, FILE *out);
/* Removes that file from the folder: what an earlier run into it left is no result of this one. */
enum status record_without(const struct record *r, const char *name);
/* significance.csv, significance-strata.csv: where the experiment compares. */
enum status record_compare(const struct record *r);
/* ranks.csv: where it ranks all models. */
enum status record_ranks(const struct record *r);
/* intervals.csv: a confidence interval of every measure of every model. */
enum status record_intervals(const struct record *r);
/* audit.csv: what the leakage auditor counted. */
enum status record_audit(const struct record *r);
struct audit;
/* The same as an object of a cell's line: {"later_rows": {"count", "of", "verdict", "detail"}, ...}. */
json_t *audit_json(const struct audit *a);
/* curves.csv, popularity.csv, multiverse.csv: what cells have lines for. */
enum status record_more(const struct record *r);
/* "DATASET,FOLD,MODEL,LABEL,PARAMS,SEED,": the columns that name a cell in a csv file. */
enum status record_csv_cell(FILE *out, const json_t *line);
/* record.json; device and threads of this run. */
enum status record_json(const struct record *r, const struct journal *journal, const char *device,
                        int threads);
/* Of a line, or a part of one: the text under a key, "" where there is none; the number, NaN likewise; its status. */
const char *record_text(const json_t *line, const char *key);
double record_number(const json_t *line, const char *key);
const char *record_status(const json_t *line);

#endif
