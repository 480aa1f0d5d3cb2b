/*
 * forest.h - decision trees over a table of numbers and categories: one grower for CART, random forests and boosting.
 *
 * A row has a gradient g and a hessian h; a set of rows with sums G, H is worth value -G / (H + lambda) and scores G^2 / (H +
 * lambda) (Chen, Guestrin 2016, equations 5 and 6).  g = -w y, h = w, lambda = 0 is the regression tree of CART (Breiman et
 * al. 1984): values are means, the score's rise is the fall of the squared error; of labels 0 and 1 that is half the fall of
 * Gini's impurity, so the same tree.
 */
#ifndef MODELS_FOREST_H
#define MODELS_FOREST_H
#include "models/model_io.h"
#include "tree.h"

struct tree_columns {
    uint32_t n;
    const char **name;
    bool *category; /* [n]: values are 1 .. 255, whole; 0 or NaN: missing */
};

/* A table cut into bins: of numbers, at most 255 between values of equal share (exact where there are no more distinct ones). */
struct tree_table {
    const struct tree_columns *columns;
    uint64_t n;
    size_t ld;      /* columns rounded up to TREE_COLUMNS */
    uint8_t *bin;   /* [n x ld] */
    float *upper;   /* [columns x TREE_BINS] bin b holds values <= upper[b], above upper[b - 1] */
    uint16_t *bins; /* [columns] used, with bin 0 */
};
/* x [n x columns], row-major.  STATUS_DATA: a category beyond 255, naming the column; STATUS_SYSTEM. */
enum status tree_table_build(const struct tree_columns *columns, const float *x, uint64_t n,
                             struct arena *arena, struct arena *scratch, struct tree_table *out);

struct tree_options {
    uint32_t max_leaves; /* best gain first; 0: any number */
    uint32_t max_depth;  /* 0: any */
    double min_hessian;  /* of a leaf: its rows, where h is 1 */
    double lambda, min_gain;
    uint32_t columns_tried; /* at each split, drawn at random; 0: all */
    double
        ccp_alpha; /* cost-complexity pruning (Breiman et al. 1984, section 3.3): least fall of squared error / sum of h
                         that a leaf must bring */
};

/* Trees that add up. */
struct forest {
    float start;
    uint32_t n_trees, n_nodes, n_sets, n_allocated, n_sets_allocated, n_trees_allocated;
    struct tree_node *node; /* [n_nodes] */
    float *cover, *gain;    /* [n_nodes] sum of h; rise of the score by the split (0: a leaf) */
    uint32_t *root;         /* [n_trees] */
    uint32_t *set;          /* [n_sets x TREE_SETS] */
};
/* Grows one tree on rows index[0 .. m - 1] (which are put into another order) and adds it, its leaf values times `shrinkage`.
 * `stream` names its random draws.  Memory of the arena. */
enum status forest_grow(struct forest *f, const struct tree_table *table, uint32_t *index, uint64_t m,
                        const float *gradient, const float *hessian, const struct tree_options *options,
                        double shrinkage, uint32_t stream, struct run *run, struct arena *arena);
/* y[i] = start + sum of leaves, x [n x ldx]. */
enum status forest_predict(const struct forest *f, const struct backend *backend, const float *x, size_t ldx,
                           uint64_t n, float *y);
/* The same for rows of a binned table, one tree, added to y [n]. */
void forest_add_tree(const struct forest *f, uint32_t tree, const struct tree_table *table, float *y);
/* Total gain of each column's splits, [columns]. */
void forest_importance(const struct forest *f, uint32_t n_columns, double *importance);

enum status forest_save(const struct forest *f, struct model_writer *w);
enum status forest_load(struct forest *f, uint32_t n_columns, struct model_reader *r);

#endif
