/*
 * parts.h - the pieces of a report, each written atomically below the run's folder.
 */
#ifndef REPORT_PARTS_H
#define REPORT_PARTS_H
#include <stdio.h>

#include "report/grid.h"
#include "report/records.h"

/* tables/DATASET.csv (every metric and cut-off), .md and .tex (booktabs; one table a cut-off), as the config
 * asks. */
enum status tables_write(const struct records *r, struct arena *arena);
/* The table of one dataset at one cut-off as a terminal shows it. */
void table_print(const struct records *r, const char *dataset, const char *k, FILE *out);
/* The number of a series' trials; nothing where it did not search. */
void table_trials(const struct series *series, FILE *out);
/* The cut-off shown first: 10 when it is there, else the first; "" when no metric has one. */
const char *table_main_k(const struct records *r);
/* The distinct cut-offs, in order; returns their number (at most `limit`). */
size_t table_cutoffs(const struct records *r, const char **out, size_t limit);

/* Text with the characters that markdown or LaTeX take for their own escaped. */
void table_md_text(FILE *out, const char *text);
void table_tex_text(FILE *out, const char *text);
/* Text of a paragraph: a line may end behind every sign, and in a word behind so many letters (usually TABLE_TEX_WORD).  A name for LaTeX's
 * references: other characters than letters, digits and points become '-'. */
enum { TABLE_TEX_WORD = 16 };
void table_tex_paragraph(FILE *out, const char *text, int longest);
void table_tex_name(FILE *out, const char *name);
/* LaTeX that a page holds: the column of the labels of a dataset's models (out NULL: none is written), whose width in characters it
 * returns; a label in it; the width of a metric's column, its gap included; a line has TABLE_TEX_LINE at \small of article's 345 pt. */
enum { TABLE_TEX_LINE = 76 };
size_t table_tex_labels(const struct records *r, const char *dataset, FILE *out);
void table_tex_label(FILE *out, const char *name);
size_t table_tex_width(const char *metric);

/* Does a column belong to the table of this cut-off?  Metrics without one belong to every table.  And how many do. */
bool table_has(const struct measure *m, const char *k);
size_t table_columns(const struct records *r, const char *k);
/* Comparisons, strata and shares of the oracles of a dataset, in that order. */
enum status tables_further(const struct records *r, const char *dataset, enum table_form form,
                           struct arena *arena, FILE *out);
/* A dataset's tables in LaTeX, one a cut-off; its further ones (comparisons, strata, shares of its oracles). */
enum status table_write_tex(const struct records *r, const char *dataset, struct arena *arena, FILE *out);

/* Shares of the oracles (oracle.c), at the main cut-off, one table an oracle; nothing where the dataset has none. */
enum status oracle_write(const struct records *r, const char *dataset, enum table_form form,
                         struct arena *arena, FILE *out);
/* tables/DATASET-oracle.csv, every metric and cut-off: dataset,oracle,label,model,params,metric,k,value,oracle_value,share. */
bool oracle_has(const struct records *r, const char *dataset);
void oracle_write_csv(const struct records *r, const char *dataset, FILE *out);
/* A dataset's comparisons (table_compare.c), a table a measure, for the first `most` measures.  Its models' values in each stratum
 * (table_strata.c), a table a kind of stratum and measure, for the first `most` of records_main_measures(); the comparisons there, as many
 * (table_compare_strata.c).  Nothing where the run has none. */
enum status compare_write(const struct records *r, const char *dataset, size_t most, enum table_form form,
                          struct arena *arena, FILE *out);
enum status strata_write(const struct records *r, const char *dataset, size_t most, enum table_form form,
                         struct arena *arena, FILE *out);
enum status compare_strata_write(const struct records *r, const char *dataset, size_t most,
                                 enum table_form form, struct arena *arena, FILE *out);
/* tables/DATASET-compare.csv: a,b,metric,k,value_a,low_a,high_a,value_b,low_b,high_b,difference,low,high,p,p_corrected,significant.
 * tables/DATASET-strata.csv: label,model,params,metric,k,stratum,value,low,high, every metric and cut-off.
 * tables/DATASET-compare-strata.csv: a,b,metric,k,stratum,n_users,value_a,value_b,difference,low,high,p,p_corrected,significant. */
bool compare_has(const struct records *r, const char *dataset);
bool strata_has(const struct records *r, const char *dataset);
void compare_write_csv(const struct records *r, const char *dataset, FILE *out);
void strata_write_csv(const struct records *r, const char *dataset, FILE *out);
bool compare_strata_has(const struct records *r, const char *dataset);
void compare_strata_write_csv(const struct records *r, const char *dataset, FILE *out);
/* Are two strata, by their names, of one kind (head and tail, quarters of activity)? */
bool strata_same_kind(const char *a, const char *b);
/* The strata of the first one's kind that a table holds: *kind, *length its name as `evaluate` calls it; returns the number after the
 * last.  How the strata's differences are tested, or why not, in a sentence; "" where nothing is compared, NULL: memory is out. */
size_t strata_of_kind(const struct records *r, size_t first, const char **kind, size_t *length);
const char *strata_tests(const struct records *r, struct arena *arena);

/* The comparisons of a dataset by one measure. */
struct compare_family {
    const struct records *r;
    size_t n;
    const struct pair_row **pair; /* [n] */
    bool one_a, one_b;            /* the same a, or b, in all */
};
/* The first comparison of each family, in the order of the file; returns their number.  And the family of one. */
enum { COMPARE_FAMILIES = 32 };
size_t compare_families(const struct records *r, const char *dataset,
                        const struct pair_row *first[COMPARE_FAMILIES]);
enum status compare_family_of(const struct records *r, const struct pair_row *first, struct arena *arena,
                              struct compare_family *out);
/* "metric@k"; what its differences are, as a note begins ("" where each row says it).  NULL: memory is out. */
const char *compare_measure(const struct pair_row *pair, struct arena *arena);
const char *compare_sides(const struct compare_family *f, struct arena *arena);
/* A difference with its interval and mark; a line of csv: fields, values (nothing of NaN), 0 or 1. */
struct grid_cell compare_difference(const struct pair_row *pair);
void compare_csv_row(const char *const *field, size_t n_fields, const double *value, size_t n_values,
                     bool significant, FILE *out);

/* The dataset's oracles one after the other; NULL: no more. */
const struct series *oracle_next(const struct records *r, const char *dataset, const struct series *before);

/* plots/DATASET-NAME.{gp,svg,png} for every dataset and plot of the config; *drawn false when gnuplot is
 * missing. */
enum status plots_write(const struct records *r, struct arena *arena, bool *drawn);
/* The file name without ending, "plots/movielens-latest-small-metrics". */
const char *plot_name(const char *dataset, const char *plot, struct arena *arena);
/* Is there one figure of that name for the whole run, "plots/multiverse"? */
bool plot_is_of_run(const char *plot);

/* Runs gnuplot on SCRIPT in FOLDER with suffix = ".tmp"; *missing when there is no gnuplot. */
enum status plot_run_gnuplot(const char *folder, const char *script, bool *missing);

/* index.html: tables and svg plots in one file, sortable, light and dark, no network. */
enum status page_write(const struct records *r, struct arena *arena);

/* A csv file of the run's folder as a folded table of the page; nothing where there is no such file. */
enum status page_csv(const struct records *r, const char *name, const char *title, struct arena *arena,
                     FILE *out);
/* Text with the characters that HTML takes for its own escaped. */
void page_text(FILE *out, const char *text);
/* The auditor's section of a dataset; nothing where the run has no audit.csv. */
enum status audit_section(const struct records *r, const char *dataset, struct arena *arena, FILE *out);

/* A dataset's name as a file name: letters, digits, '.', '-' and '_' stay, others become '_'. */
char *report_file_name(const char *name, struct arena *arena);

#endif
