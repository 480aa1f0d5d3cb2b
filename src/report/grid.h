/*
 * grid.h - a table of a few columns in each of the report's forms: markdown, LaTeX, the page, a terminal.
 */
#ifndef REPORT_GRID_H
#define REPORT_GRID_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum table_form { TABLE_MD, TABLE_TEX, TABLE_HTML, TABLE_TERMINAL };

enum grid_kind {
    GRID_EMPTY,
    GRID_VALUE,      /* four decimals */
    GRID_DIFFERENCE, /* the same with its sign */
    GRID_SHARE,      /* in per cent with one decimal */
    GRID_P           /* two digits */
};
struct grid_cell {
    enum grid_kind kind;
    double value;     /* NaN: the cell is empty */
    bool interval;    /* low and high stand behind the value, or in LaTeX below it where a line has no room */
    double low, high; /* NaN: there is none */
    bool best, marked; /* bold (on a terminal *); with a dagger */
};
struct grid {
    const char *dataset;        /* LaTeX's caption begins with it; NULL: it doesn't */
    const char *title, *note;   /* plain text; the note is one or more sentences, NULL: none */
    const char *name;           /* of LaTeX's label, as plain text; NULL: none */
    size_t n_rows, n_columns;   /* without the column of labels */
    const char **row, **column; /* [n_rows] labels, [n_columns] headings: plain text */
    struct grid_cell *cell;     /* [n_rows x n_columns] */
};
void grid_write(const struct grid *g, enum table_form form, FILE *out);
/* LaTeX alone (grid_tex.c). */
void grid_write_tex(const struct grid *g, FILE *out);
/* The number of a cell as plain text; "" of an empty one. */
enum { GRID_NUMBER = 48 };
void grid_number(enum grid_kind kind, double value, char text[GRID_NUMBER]);
bool grid_is_empty(const struct grid_cell *c);
bool grid_has_interval(const struct grid_cell *c);

#endif
