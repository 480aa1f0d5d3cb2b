/*
 * ratings.c - see ratings.h.  A user is predicted at once and its errors are added in order of the items, in double.
 *
 * A fold's rmse, mae and r2 are over all test rows, its fcp over all pairs of rows of one user.
 */
#include "eval/ratings.h"

#include <math.h>
#include <stdlib.h>

#include "eval/metrics_list.h"

/* Parts of a user's rows: squares and rows; errors and rows; squares, ratings, their squares and rows; right pairs and pairs. */
static double rmse_of(const double *sum)
{
    return sum[1] > 0 ? sqrt(sum[0] / sum[1]) : NAN;
}
static double share_of(const double *sum)
{
    return sum[1] > 0 ? sum[0] / sum[1] : NAN;
}
static double r2_of(const double *sum)
{
    const double spread = sum[3] > 0 ? sum[2] - sum[1] * sum[1] / sum[3] : 0;
    return spread > 1e-9 * sum[2] ? 1 - sum[0] / spread : NAN;
}

const struct metric_type metric_rmse = {
    .name = "rmse",
    .formula =
        "square root of the mean over test rows of (prediction - rating)^2; no cut-off; lower is better",
    .source = "Herlocker et al., ACM TOIS 22(1), 2004; Bennett, Lanning, KDD Cup and Workshop 2007",
    .kind = METRIC_RATING,
    .power = 2,
    .n_parts = 2,
    .of_parts = rmse_of,
    .lower_is_better = true};
const struct metric_type metric_mae = {
    .name = "mae",
    .formula = "mean over test rows of |prediction - rating|; no cut-off; lower is better",
    .source = "Shardanand, Maes, CHI 1995; Herlocker et al., ACM TOIS 22(1), 2004",
    .kind = METRIC_RATING,
    .power = 1,
    .n_parts = 2,
    .of_parts = share_of,
    .lower_is_better = true};

const struct metric_type metric_r2 = {
    .name = "r2",
    .formula = "1 - sum (prediction - rating)^2 / sum (mean rating - rating)^2 over test rows; no cut-off",
    .source = "Draper, Smith, Applied Regression Analysis, 1998 (coefficient of determination)",
    .kind = METRIC_RATING,
    .n_parts = 4,
    .of_parts = r2_of};
const struct metric_type metric_fcp = {
    .name = "fcp",
    .formula =
        "share of a user's pairs of test rows with different ratings that the predictions order alike; equal "
        "predictions count as wrong; no cut-off",
    .source = "Koren, Sill, OrdRec, RecSys 2011, equation 13",
    .kind = METRIC_RATING,
    .n_parts = 2,
    .of_parts = share_of};

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

/* What one user, or all, add to a metric. */
static void parts_of(const struct metric_type *metric, const struct sums *s, double *part)
{
    if (metric == &metric_fcp)
        part[0] = s->right, part[1] = s->right + s->wrong;
    else if (metric == &metric_r2)
        part[0] = s->squares, part[1] = s->values, part[2] = s->values_squared, part[3] = s->rows;
    else
        part[0] = metric == &metric_rmse ? s->squares : s->errors, part[1] = s->rows;
}

/* NaN where there is nothing to divide by. */
static double value_of(const struct metric_type *metric, const struct sums *s)
{
    double part[METRIC_PARTS_MOST];
    parts_of(metric, s, part);
    return metric->of_parts(part);
}

static void add_sums(struct sums *to, const struct sums *s)
{
    to->errors += s->errors, to->squares += s->squares;
    to->values += s->values, to->values_squared += s->values_squared;
    to->right += s->right, to->wrong += s->wrong;
    to->rows += s->rows;
}

/* One user's value of every measure, and parts. */
static void keep_user(const struct metric_at *measures, size_t n_measures, const struct sums *s, uint32_t u,
                      uint32_t n_users, double *values, double *parts)
{
    for (size_t m = 0; m < n_measures; m++) {
        const struct metric_type *x = measures[m].metric;
        values[m * n_users + u] = value_of(x, s);
        if (parts == NULL)
            continue;
        parts_of(x, s, parts + (size_t)u * x->n_parts);
        parts += (size_t)n_users * x->n_parts;
    }
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
                            double *pooled, double *parts)
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
        keep_user(measures, n_measures, &s, u, n_users, values, parts);
    }
    if (status == STATUS_OK)
        pool(measures, n_measures, values, users, n_users, test, &all, room.users, pooled);
    free(room.users);
    free(room.scores);
    return status;
}
