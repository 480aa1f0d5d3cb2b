/*
 * report.h - tables, plots and one page from the records of a run alone, so they can be made again at any
 * time.
 *
 * Read from RUN_DIR (docs/results.md):
 *   metrics.csv   its columns as documented; rows of split "test", dialect "default", stratum "all" are shown
 *   record.json   "experiment": name; "cells": [{"dataset", "fold", "model", "label", "params", "seed",
 *                 "status": "done" | "skipped" | "failed", "message": why, "fit_seconds", ...}] in the order
 *                 of the plan; "compare": {"test", "over", "correction", "alpha"}; "report": {"tables": ["csv", "md", "tex"],
 *                 "plots": ["metrics", "per_k", "time"], "strata": false}
 *   significance.csv, intervals.csv ... when they are there
 * Written: tables/DATASET.{csv,md,tex}, tables/DATASET-{compare,strata,compare-strata,oracle}.csv, plots/DATASET-PLOT.{svg,png} and the gnuplot
 * scripts that drew them (.gp, self-contained), index.html (tables and plots in one file, no network).
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H
#include <stdio.h>

#include "base/arena.h"
#include "base/status.h"

/* Makes all of it.  STATUS_DATA: no run there, or its records are damaged (file and line).  STATUS_SYSTEM:
 * disk. Without gnuplot the plots are left out and a warning says what to install. */
enum status report_run(const char *run_dir);

/* The tables as a person reads them on a terminal: dataset by dataset, one row a label, best value marked
 * with *; comparisons by the first measure; strata, and the comparisons there, where the record asks. */
enum status report_print(const char *run_dir, FILE *out);

#endif
