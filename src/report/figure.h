/*
 * figure.h - one figure of a report: what plot.c, which draws, and the figures' own files share.
 *
 * A figure is a gnuplot script that stands alone: sizes and data written by the figure's file (figure_NAME.c), then the
 * recipe plots/NAME.gp, which is built into the program.  To add one: those two files, and a line in plot.c and config.c.
 */
#ifndef REPORT_FIGURE_H
#define REPORT_FIGURE_H
#include <stdio.h>

#include "report/parts.h"

enum { FIGURE_CUTOFFS = 32, FIGURE_METRICS = 32, FIGURE_MODELS = 128 };

/* What there is to show: one dataset's series that have values, its metrics and cut-offs (rising). */
struct figure {
    const struct records *r;
    const char *dataset;
    const struct series *series[FIGURE_MODELS];
    const char *name[FIGURE_MODELS]; /* as the figure shows it: cut to a fair width */
    size_t n_series;
    const char *metric[FIGURE_METRICS];
    size_t n_metrics;
    const char *cutoff[FIGURE_CUTOFFS];
    size_t n_cutoffs;
    size_t rows, columns; /* of panels, one a metric */
};

struct figure_kind {
    const char *name, *recipe;
    bool has_key;                            /* plots/key.gp goes before the recipe */
    bool needs_cutoff;                       /* metrics without a cut-off have no place in it */
    bool whole_run;                          /* one figure for all datasets: f->dataset is NULL, no series */
    bool (*applies)(const struct figure *f); /* has the run what it shows?  NULL: always */
    /* Writes sizes and data as the recipe's head says, and the picture's size in pixels. */
    void (*write)(const struct figure *f, FILE *out, int *width, int *height);
};
extern const struct figure_kind figure_budget, figure_metrics, figure_per_k, figure_time, figure_strata,
    figure_tradeoff, figure_ranks, figure_curves, figure_popularity, figure_multiverse;

/* n_metrics, metric_names, rows and columns of panels: again, where a figure shows some metrics alone. */
void figure_write_metrics(struct figure *f, FILE *out);
/* Collects; STATUS_SYSTEM: memory is out. */
enum status figure_collect(struct figure *f, bool needs_cutoff, struct arena *arena);

/* The names of the models as a gnuplot array; returns the widest one's columns.  As names of tics they leave the oracle
 * out and double each '%', for gnuplot takes those for formats. */
size_t figure_write_names(const struct figure *f, bool as_tics, FILE *out);
/* What key.gp asks for, and the sizes of a figure of panels with a key; lines: does the key show lines, or points alone?
 * below: pixels more below each panel, for long tics. */
void figure_write_panels(const struct figure *f, bool lines, int below, FILE *out, int *width, int *height);
/* NAME = "WORD WORD ..." */
void figure_write_words(FILE *out, const char *name, const char *const *word, size_t n);
/* A text in gnuplot's single quotes, which runs nothing. */
void figure_write_quoted(FILE *out, const char *text, bool double_percent);
/* " VALUE", or " NaN". */
void figure_write_number(FILE *out, double value);
/* figure_title = 'DATASET', or 'DATASET, k = K' where k is not empty. */
void figure_write_title(const struct figure *f, const char *k, FILE *out);

/* The column of a metric at a cut-off (or without one); n_measures where there is none. */
size_t figure_measure(const struct figure *f, size_t metric, const char *k);
/* A series' value there; NaN where there is none. */
double figure_value(const struct figure *f, const struct series *s, size_t metric, const char *k);

#endif
