/*
 * tree_picture.h - one tree of a model as text and as a picture, for people.
 */
#ifndef REPORT_TREE_PICTURE_H
#define REPORT_TREE_PICTURE_H
#include <stdio.h>

#include "models/forest.h"

struct tree_view {
    const struct forest *forest;
    const struct tree_columns *columns;
    uint32_t tree;     /* which, from 0 */
    unsigned depth;    /* splits above what is shown; what lies below is one box */
    const char *title; /* "LABEL on DATASET, fold F" */
};

/* A line a node: the split, what it is worth, how many rows (sum of hessians) lie there. */
enum status tree_print(const struct tree_view *view, FILE *out);
/* PATH.svg and PATH.png by gnuplot, PATH.gp the script; `path` without its ending.  STATUS_UNAVAILABLE: gnuplot is not installed. */
enum status tree_draw(const struct tree_view *view, const char *path);

#endif
