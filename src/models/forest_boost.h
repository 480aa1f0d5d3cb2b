/*
 * forest_boost.h - forests learned from a table: bagged (Breiman 2001) or boosted (Friedman 2001).
 */
#ifndef MODELS_FOREST_BOOST_H
#define MODELS_FOREST_BOOST_H
#include "models/forest.h"

enum boost_loss {
    BOOST_SQUARED,   /* (y - F)^2 / 2 */
    BOOST_LOGISTIC,  /* log(1 + e^F) - y F, y in [0, 1] */
    BOOST_LAMBDAMART /* pairs of a group by the change of its NDCG (Burges 2010); y: relevance, gain 2^y - 1 */
};
#define BOOST_LOSSES "squared|logistic|lambdamart"

struct boost_options {
    int loss;                 /* enum boost_loss */
    uint32_t trees, patience; /* patience: trees without a better validation loss before it stops; 0: never */
    double learning_rate, row_share,
        column_share; /* shares of rows (whole groups) and columns that a tree sees */
    struct tree_options tree;
};
/* What is learned from: targets y [n] of the table's rows, which come in groups of group_size neighbours; valid [n /
 * group_size] 1: the group only decides when to stop (NULL: none does). */
struct boost_data {
    const struct tree_table *table;
    const float *y;
    uint32_t group_size;
    const unsigned char *valid;
};
struct boost_report {
    uint32_t trees; /* kept */
    double train_loss,
        validation_loss; /* of those; validation NaN without such groups.  lambdamart: 1 - NDCG */
};
/* Boosting.  Out: the trees up to the best validation loss.  STATUS_STOPPED when the run is cancelled. */
enum status boost_fit(const struct boost_data *data, const struct boost_options *options, struct run *run,
                      struct arena *arena, struct forest *out, struct boost_report *report);

/* The mean of `trees` trees of targets, each grown on as many rows as there are, drawn with repetition (by whole groups);
 * trees 1 without `bagging`: one tree of all rows.  Groups of `valid` count as others do. */
enum status bagging_fit(const struct boost_data *data, const struct tree_options *options, uint32_t trees,
                        bool bagging, struct run *run, struct arena *arena, struct forest *out);

/* The gradient and hessian of the loss at F [n], and its sum over groups (for tests too). */
double boost_loss(const struct boost_data *data, int loss, const float *F, bool of_valid, float *gradient,
                  float *hessian);

#endif
