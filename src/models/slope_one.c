/*
 * slope_one.c - ratings from the average differences between items.
 *
 *     r(u, i) = mean_u + (1 / |R|) sum over j in R of dev(i, j),     R: items of u rated together with i by anyone
 *     dev(i, j) = mean over the users who rated both of (r_ui - r_uj)
 * Source: Lemire, Maclachlan, SIAM Data Mining 2005, in the form of Surprise's SlopeOne (the mean of u where R is empty;
 * the mean of all ratings where user or item has none).  It has no parameters.
 *
 * Row i of dev is made by walking the users of i and their items: sum over users of (number of their ratings)^2 steps,
 * rows in parallel.  Limit: dev is dense, 4 n_items^2 bytes; an entry without a common user is no_common.
 */
#include <float.h>
#include <stdlib.h>

#include "models/history.h"
#include "models/model_io.h"
#include "models/ratings.h"

static const float no_common = FLT_MAX; /* finite, so that a model file may hold it */

static const struct param slope_one_params[] = {PARAM_END};

struct slope_one {
    uint32_t n_items;
    const float *dev;        /* [n_items x n_items] */
    struct csr history;      /* [n_users x n_items] train ratings */
    const double *user_mean; /* [n_users] */
    double mean;
};

/* Row i of dev, through sum [n_items] and n [n_items]. */
static void dev_row(const struct view *train, uint32_t i, double *sum, uint32_t *n, float *dev)
{
    const struct csr *by_item = train->by_item, *by_user = train->by_user;
    for (uint32_t j = 0; j < train->n_items; j++)
        sum[j] = 0, n[j] = 0;
    for (int64_t e = by_item->ptr[i]; e < by_item->ptr[i + 1]; e++) {
        const uint32_t u = by_item->idx[e];
        for (int64_t f = by_user->ptr[u]; f < by_user->ptr[u + 1]; f++) {
            sum[by_user->idx[f]] += (double)by_item->val[e] - (double)by_user->val[f];
            n[by_user->idx[f]]++;
        }
    }
    for (uint32_t j = 0; j < train->n_items; j++)
        dev[j] = n[j] > 0 ? (float)(sum[j] / n[j]) : no_common;
}

static enum status slope_one_fit(void *state, const void *params, const struct view *train, struct run *run)
{
    struct slope_one *s = state;
    const size_t n = train->n_items;
    float *dev;
    double *user_mean;
    int failed = 0;
    (void)params;
    TRY(ratings_check(train, "slope_one"));
    ARENA_NEW(dev, run->arena, n * n);
    ARENA_NEW(user_mean, run->arena, train->n_users);
    *s = (struct slope_one){
        .n_items = train->n_items, .dev = dev, .user_mean = user_mean, .mean = ratings_mean(train->by_user)};
    ratings_row_means(train->by_user, s->mean, user_mean);
#pragma omp parallel reduction(| : failed)
    {
        double *sum = malloc((n + 1) * sizeof *sum);
        uint32_t *count = malloc((n + 1) * sizeof *count);
        failed = sum == NULL || count == NULL;
#pragma omp for schedule(dynamic, 16)
        for (uint32_t i = 0; i < train->n_items; i++)
            if (!failed && !*run->cancelled)
                dev_row(train, i, sum, count, dev + i * n);
        free(sum);
        free(count);
    }
    if (failed)
        return status_fail(STATUS_SYSTEM, "memory is out: %zu bytes a thread in slope_one", 12 * n);
    if (*run->cancelled)
        return STATUS_STOPPED;
    return history_copy(train->by_user, HISTORY_RATING, run->arena, &s->history);
}

static double predict(const struct slope_one *s, uint32_t u, uint32_t i)
{
    const float *dev = s->dev + (size_t)i * s->n_items;
    double sum = 0;
    uint32_t n = 0;
    if (dev[i] == no_common) /* nobody rated the item */
        return s->mean;
    for (int64_t e = s->history.ptr[u]; e < s->history.ptr[u + 1]; e++)
        if (dev[s->history.idx[e]] != no_common) {
            sum += (double)dev[s->history.idx[e]];
            n++;
        }
    return s->user_mean[u] + (n > 0 ? sum / n : 0);
}

static enum status slope_one_score_pairs(const void *state, const uint32_t *users, const uint32_t *items,
                                         size_t n, float *scores)
{
    const struct slope_one *s = state;
    for (size_t j = 0; j < n; j++)
        scores[j] = (float)predict(s, users[j], items[j]);
    return STATUS_OK;
}

static enum status slope_one_save(const void *state, struct model_writer *w)
{
    const struct slope_one *s = state;
    TRY(model_put(w, "dev", ARRAY_F32, s->n_items, s->n_items, s->dev));
    TRY(model_put(w, "user_mean", ARRAY_F64, s->history.n_rows, 1, s->user_mean));
    TRY(model_put(w, "mean", ARRAY_F64, 1, 1, &s->mean));
    return csr_put(w, "history", &s->history);
}

static enum status slope_one_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct slope_one *s = state;
    uint64_t n_rows = 0, n_cols = 0, n_users = 0, one = 1;
    const void *dev, *user_mean, *mean;
    (void)params, (void)run;
    TRY(model_get(r, "dev", ARRAY_F32, &n_rows, &n_cols, &dev));
    TRY(model_get(r, "user_mean", ARRAY_F64, &n_users, &one, &user_mean));
    TRY(model_get(r, "mean", ARRAY_F64, &one, &one, &mean));
    TRY(csr_get(r, "history", (uint32_t)n_rows, true, &s->history));
    if (n_rows != n_cols || n_users != s->history.n_rows)
        return status_fail(STATUS_DATA, "the arrays of slope_one's model file don't fit together; fit again");
    s->n_items = (uint32_t)n_rows, s->dev = dev, s->user_mean = user_mean, s->mean = *(const double *)mean;
    return STATUS_OK;
}

static void slope_one_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz,
                           double *bytes, double *flops)
{
    (void)params;
    *bytes = 4.0 * n_items * n_items + 8.0 * (double)nnz + 16.0 * n_users;
    *flops = 4.0 * (double)nnz * (double)nnz / (n_users > 0 ? n_users : 1); /* users of equal size */
}

extern const struct model_type model_slope_one;
const struct model_type model_slope_one = {
    .name = "slope_one",
    .family = "neighbourhood",
    .source = "Lemire, Maclachlan, SIAM Data Mining 2005",
    .help = "ratings from the average differences between items",
    .version = 1,
    .params = slope_one_params,
    .params_size = 1,
    .needs = NEEDS_RATINGS,
    .state_size = sizeof(struct slope_one),
    .fit = slope_one_fit,
    .score_pairs = slope_one_score_pairs,
    .save = slope_one_save,
    .load = slope_one_load,
    .cost = slope_one_cost,
};
