/*
 * ratings.h - what the models of ratings share: means and the baseline estimates mean + b_u + b_i.
 */
#ifndef MODELS_RATINGS_H
#define MODELS_RATINGS_H
#include "models/model.h"

/* STATUS_DATA where the train rows have no ratings; `model` goes into the sentence. */
enum status ratings_check(const struct view *train, const char *model);
/* Mean of all values; 0 without any. */
double ratings_mean(const struct csr *a);
/* mean[r]: mean of row r's values, `empty` for a row without any.  mean: [n_rows] */
void ratings_row_means(const struct csr *a, double empty, double *mean);

#define BASELINE_METHODS "als|sgd"
enum baseline_method { BASELINE_ALS, BASELINE_SGD };
struct baseline_options {
    int method, epochs;                   /* enum baseline_method; epochs 0: 10 of als, 20 of sgd */
    double reg_u, reg_i;                  /* als: added to the number of ratings */
    double learning_rate, regularization; /* sgd */
};
/* The biases that minimise the squared error of mean + b_u + b_i over the train rows, with zero ones for users and items
 * without ratings.  user_bias: [n_users], item_bias: [n_items], zeroed.  STATUS_STOPPED when cancelled.  The run hears the
 * "rmse" of each pass over the train rows (sgd: of the errors before their steps). */
enum status baseline_biases(const struct view *train, const struct baseline_options *options, double mean,
                            const struct run *run, double *user_bias, double *item_bias);

#endif
