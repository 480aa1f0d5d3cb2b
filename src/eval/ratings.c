/*
 * ratings.c - see ratings.h.  A user is predicted at once and its errors are added in order of the items, in double.
 *
 * A fold's rmse, mae and r2 are over all test rows, its fcp over all pairs of rows of one user.
 */
#include "eval/ratings.h"

#include <math.h>
#include <stdlib.h>

#include "eval/metrics_list.h"

const struct metric_type metric_rmse = {
    .name = "rmse",
    .formula =
        "square root of the mean over test rows of (prediction - rating)^2; no cut-off; lower is better",
    .source = "Herlocker et al., ACM TOIS 22(1), 2004; Bennett, Lanning, KDD Cup and Workshop 2007",
    .kind = METRIC_RATING,
    .power = 2,
    .lower_is_better = true};
const struct metric_type metric_mae = {
    .name = "mae",
    .formula = "mean over test rows of |prediction - rating|; no cut-off; lower is better",
    .source = "Shardanand, Maes, CHI 1995; Herlocker et al., ACM TOIS 22(1), 2004",
    .kind = METRIC_RATING,
    .power = 1,
    .lower_is_better = true};

const struct metric_type metric_r2 = {
    .name = "r2",
    .formula = "1 - sum (prediction - rating)^2 / sum (mean rating - rating)^2 over test rows; no cut-off",
    .source = "Draper, Smith, Applied Regression Analysis, 1998 (coefficient of determination)",
    .kind = METRIC_RATING};
const struct metric_type metric_fcp = {
    .name = "fcp",
    .formula =
        "share of a user's pairs of test rows with different ratings that the predictions order alike; equal "
        "predictions count as wrong; no cut-off",
    .source = "Koren, Sill, OrdRec, RecSys 2011, equation 13",
    .kind = METRIC_RATING};

/* Room for one user's rows. */
struct room {
    uint32_t *users; /* [longest] the same one */
    float *scores;   /* [longest] */
};

/* What the fold's value is made of. */
struct sums {
    double errors, squares; /* of predictions */
    double values, values_squared;
    double right, wrong; /* pairs */
    double rows;
};

static uint32_t longest_row(const uint32_t *users, uint32_t n_users, const struct csr *test)
{
    int64_t longest = 1;
    for (uint32_t u = 0; u < n_users; u++)
        if (test->ptr[users[u] + 1] - test->ptr[users[u]] > longest)
            longest = test->ptr[users[u] + 1] - test->ptr[users[u]];
    return (uint32_t)longest;
}

static void count_pairs(const float *score, const float *value, uint32_t n, struct sums *out)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            if (value[i] > value[j]) {
                out->right += score[i] > score[j];
                out->wrong += !(score[i] > score[j]);
            }
}

static struct sums sums_of(float *score, const float *value, uint32_t n, float low, float high, bool pairs)
{
    struct sums s = {.rows = n};
    for (uint32_t e = 0; e < n; e++) {
        score[e] = score[e] < low ? low : score[e] > high ? high : score[e];
        const double d = fabs((double)score[e] - (double)value[e]), x = (double)value[e];
        s.errors += d;
        s.squares += d * d;
        s.values += x;
        s.values_squared += x * x;
    }
    if (pairs)
        count_pairs(score, value, n, &s);
    return s;
}

/* NaN where there is nothing to divide by. */
static double value_of(const struct metric_type *metric, const struct sums *s)
{
    if (metric == &metric_rmse)
        return s->rows > 0 ? sqrt(s->squares / s->rows) : NAN;
    if (metric == &metric_mae)
        return s->rows > 0 ? s->errors / s->rows : NAN;
    if (metric == &metric_fcp)
        return s->right + s->wrong > 0 ? s->right / (s->right + s->wrong) : NAN;
    const double spread = s->rows > 0 ? s->values_squared - s->values * s->values / s->rows : 0;
    return spread > 1e-9 * s->values_squared ? 1 - s->squares / spread : NAN;
}

static void add_sums(struct sums *to, const struct sums *s)
{
    to->errors += s->errors, to->squares += s->squares;
    to->values += s->values, to->values_squared += s->values_squared;
    to->right += s->right, to->wrong += s->wrong;
    to->rows += s->rows;
}

/* rmse and mae by metrics_pool(), which adds with compensation. */
static void pool(const struct metric_at *measures, size_t n_measures, const double *values,
                 const uint32_t *users, uint32_t n_users, const struct csr *test, const struct sums *all,
                 uint32_t *rows, double *pooled)
{
    for (uint32_t u = 0; u < n_users; u++)
        rows[u] = (uint32_t)(test->ptr[users[u] + 1] - test->ptr[users[u]]);
    for (size_t m = 0; m < n_measures; m++)
        pooled[m] = measures[m].metric->power > 0
                        ? metrics_pool(&measures[m], values + m * n_users, rows, n_users)
                        : value_of(measures[m].metric, all);
}

enum status ratings_compute(const struct model_type *type, const void *state, const struct backend *backend,
                            const uint32_t *users, uint32_t n_users, const struct csr *test, float low,
                            float high, const struct metric_at *measures, size_t n_measures, double *values,
                            double *pooled)
{
    bool pairs = false;
    for (size_t v = 0; v < n_measures * n_users; v++)
        values[v] = NAN;
    for (size_t m = 0; m < n_measures; m++) {
        pooled[m] = NAN;
        pairs = pairs || measures[m].metric == &metric_fcp;
    }
    if (!(type->needs & NEEDS_RATINGS))
        return STATUS_OK;
    if (test->val == NULL)
        return status_fail(STATUS_DATA, "the test rows have no ratings: %s can't be had on this dataset",
                           measures[0].metric->name);
    const uint32_t longest = longest_row(users, n_users, test), most = longest > n_users ? longest : n_users;
    struct room room = {malloc(most * sizeof *room.users), malloc(longest * sizeof *room.scores)};
    enum status status = room.users != NULL && room.scores != NULL
                             ? STATUS_OK
                             : status_fail(STATUS_SYSTEM, "memory is out: %u predictions", longest);
    struct sums all = {0};
    for (uint32_t u = 0; u < n_users && status == STATUS_OK; u++) {
        const int64_t first = test->ptr[users[u]];
        const uint32_t n = (uint32_t)(test->ptr[users[u] + 1] - first);
        for (uint32_t e = 0; e < n; e++)
            room.users[e] = users[u];
        status = model_score_pairs(type, state, backend, room.users, test->idx + first, n, test->n_cols,
                                   room.scores);
        if (status != STATUS_OK)
            break;
        const struct sums s = sums_of(room.scores, test->val + first, n, low, high, pairs);
        add_sums(&all, &s);
        for (size_t m = 0; m < n_measures; m++)
            values[m * n_users + u] = value_of(measures[m].metric, &s);
    }
    if (status == STATUS_OK)
        pool(measures, n_measures, values, users, n_users, test, &all, room.users, pooled);
    free(room.users);
    free(room.scores);
    return status;
}
