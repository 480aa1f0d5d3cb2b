/*
 * tree.h - arguments of the kernels of decision trees: tree_histogram, tree_histogram_sum, tree_predict.
 */
#ifndef TREE_H
#define TREE_H
#include <stddef.h>
#include <stdint.h>

#define TREE_BINS    256 /* of a column; bin 0 holds the missing values */
#define TREE_COLUMNS 32  /* columns of a group: launch rows take one group each */
#define TREE_SETS    8   /* words of a set of categories: a bit a bin */

/* Sums of gradients and hessians of a node's rows, by column and bin.  Launch row c * n_groups + g: the rows of chunk c, the
 * columns of group g. */
struct tree_histogram {
    const uint8_t *bin;              /* [n x ld], ld = n_groups * TREE_COLUMNS */
    const uint32_t *index;           /* [m] the node's rows */
    const float *gradient, *hessian; /* [n] */
    double *part;                    /* [n_chunks x n_groups x TREE_COLUMNS x TREE_BINS x 2] */
    size_t ld;
    long n, m; /* rows of all, rows of the node */
    int chunk, n_groups;
};

/* The sum of the chunks in order; a launch row is a column of a group. */
struct tree_histogram_sum {
    const double *part; /* as above */
    double *sum;        /* [n_groups * TREE_COLUMNS x TREE_BINS x 2] */
    int n_chunks, n_groups;
};

/* A node: x[column] <= threshold goes left, else right (left + 1); of categories those whose bit is in its set go left; a
 * missing value (NaN, an unknown category) goes where missing_left says.  column -1: a leaf, worth `value`. */
struct tree_node {
    float threshold, value;
    int32_t column;
    uint32_t left;
    int32_t set; /* -1: by threshold */
    uint32_t missing_left;
};

/* y[row] = start + sum over trees of the leaf that x[row] reaches. */
struct tree_predict {
    const float *x;               /* [n x ldx] */
    const struct tree_node *node; /* [n_nodes] */
    const uint32_t *root;         /* [n_trees] */
    const uint32_t *set;          /* [n_sets x TREE_SETS] */
    float *y;                     /* [n] */
    size_t ldx, n_nodes, n_sets;
    int n_trees;
    float start;
};

#endif
