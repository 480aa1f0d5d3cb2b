/*
 * ratings.c - see ratings.h.
 *
 * Baselines: Koren, "Factor in the Neighbors", ACM TKDD 4(1), 2010, section 2.1.  als takes all item biases, then all user
 * biases, each the regularised mean of what the other side leaves; rows are independent, so they run in parallel.  sgd
 * takes one rating after the other, user by user, in double: one thread, for two numbers change a rating.
 */
#include "models/ratings.h"

#include <math.h>

#include "models/curve.h"

enum status ratings_check(const struct view *train, const char *model)
{
    if (train->by_user->val == NULL)
        return status_fail(STATUS_DATA,
                           "%s: the dataset has no ratings; use a model of implicit feedback (ials)", model);
    return STATUS_OK;
}

double ratings_mean(const struct csr *a)
{
    double sum = 0;
    for (int64_t e = 0; e < a->nnz; e++)
        sum += (double)a->val[e];
    return a->nnz > 0 ? sum / (double)a->nnz : 0;
}

void ratings_row_means(const struct csr *a, double empty, double *mean)
{
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < a->n_rows; r++) {
        double sum = 0;
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            sum += (double)a->val[e];
        mean[r] = a->ptr[r + 1] > a->ptr[r] ? sum / (double)(a->ptr[r + 1] - a->ptr[r]) : empty;
    }
}

/* bias[r] = sum of (value - mean - other) / (weight + number of values) */
static void half_sweep(const struct csr *a, double mean, double weight, const double *other, double *bias)
{
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < a->n_rows; r++) {
        double sum = 0;
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            sum += (double)a->val[e] - mean - other[a->idx[e]];
        if (a->ptr[r + 1] > a->ptr[r])
            bias[r] = sum / (weight + (double)(a->ptr[r + 1] - a->ptr[r]));
    }
}

static void tell_rmse(const struct run *run, const struct curve_pairs *pairs, double mean,
                      const double *user_bias, const double *item_bias, int step)
{
    double sum = 0;
    for (uint32_t j = 0; j < pairs->n; j++) {
        const double error =
            (double)pairs->value[j] - (mean + user_bias[pairs->user[j]] + item_bias[pairs->item[j]]);
        sum += error * error;
    }
    if (pairs->n > 0)
        run_curve(run, "rmse", step, sqrt(sum / pairs->n));
}

/* Returns the sum of the squared errors, each before its step. */
static double sgd_epoch(const struct csr *a, double mean, const struct baseline_options *o, double *user_bias,
                        double *item_bias)
{
    double squares = 0;
    for (uint32_t u = 0; u < a->n_rows; u++)
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++) {
            double *bu = &user_bias[u], *bi = &item_bias[a->idx[e]];
            const double error = (double)a->val[e] - (mean + *bu + *bi);
            squares += error * error;
            *bu += o->learning_rate * (error - o->regularization * *bu);
            *bi += o->learning_rate * (error - o->regularization * *bi);
        }
    return squares;
}

enum status baseline_biases(const struct view *train, const struct baseline_options *options, double mean,
                            const struct run *run, double *user_bias, double *item_bias)
{
    struct curve_pairs pairs;
    const int usual = options->method == BASELINE_ALS ? 10 : 20;
    TRY(curve_pairs_new(train->by_user, run, &pairs));
    for (int epoch = 0; epoch < (options->epochs > 0 ? options->epochs : usual); epoch++) {
        if (*run->cancelled)
            return STATUS_STOPPED;
        if (options->method == BASELINE_SGD) {
            const double squares = sgd_epoch(train->by_user, mean, options, user_bias, item_bias);
            if (train->by_user->nnz > 0)
                run_curve(run, "rmse", epoch + 1, sqrt(squares / (double)train->by_user->nnz));
            continue;
        }
        half_sweep(train->by_item, mean, options->reg_i, user_bias, item_bias);
        half_sweep(train->by_user, mean, options->reg_u, item_bias, user_bias);
        tell_rmse(run, &pairs, mean, user_bias, item_bias, epoch + 1);
    }
    return STATUS_OK;
}
