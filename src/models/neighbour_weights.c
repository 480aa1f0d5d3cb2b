/*
 * neighbour_weights.c - what an interaction counts in similarities and in profiles (neighbours.h has the formulas).
 *
 * Values are made anew entry by entry over the users' matrix, whose entries carry the times, or over the entities' rows; the other
 * matrix is its transpose.
 */
#include <math.h>

#include "models/history.h"
#include "models/neighbours.h"
#include "models/ratings.h"

static const double SECONDS_A_DAY = 86400;

static enum status need_times(const struct view *train, const char *what)
{
    return train->time != NULL ? STATUS_OK
                               : status_fail(STATUS_UNAVAILABLE,
                                             "%s is set, but the dataset has no times: leave it out", what);
}

static int64_t last_time(const struct view *train, int64_t from, int64_t to)
{
    int64_t last = from < to ? train->time[from] : 0;
    for (int64_t e = from; e < to; e++)
        last = train->time[e] > last ? train->time[e] : last;
    return last;
}

/* The values of the similarity by user, 1 or the rating, halved with age. */
static enum status aged_values(const struct view *train, const struct knn_params *p, struct arena *scratch,
                               float **out)
{
    const struct csr *a = train->by_user;
    TRY(need_times(train, "similarity_half_life"));
    ARENA_NEW(*out, scratch, (size_t)a->nnz);
    const int64_t last = last_time(train, 0, a->nnz);
    for (int64_t e = 0; e < a->nnz; e++) {
        const double age = (double)(last - train->time[e]) / SECONDS_A_DAY;
        const double value = p->binary || a->val == NULL ? 1 : (double)a->val[e];
        (*out)[e] = (float)(value * exp2(-age / p->similarity_half_life));
    }
    return STATUS_OK;
}

/* tf_idf or bm25 in place of the values of entity rows. */
static enum status term_weights(struct csr *a, const struct knn_params *p, bool bm25, struct arena *scratch)
{
    float *weight;
    uint32_t *frequency;
    double total = 0;
    ARENA_NEW(weight, scratch, (size_t)a->nnz);
    ARENA_NEW(frequency, scratch, a->n_cols);
    for (int64_t e = 0; e < a->nnz; e++) {
        total += a->val != NULL ? (double)a->val[e] : 1;
        frequency[a->idx[e]]++;
    }
    const double mean = total / a->n_rows;
    for (uint32_t r = 0; r < a->n_rows; r++) {
        double length = 0;
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            length += a->val != NULL ? (double)a->val[e] : 1;
        const double norm = 1 - p->bm25_b + (mean > 0 ? p->bm25_b * length / mean : 0);
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++) {
            const double v = a->val != NULL ? (double)a->val[e] : 1, below = p->bm25_k1 * norm + v;
            const double idf = log(a->n_rows) - log1p(frequency[a->idx[e]]);
            weight[e] = (float)(!bm25       ? sqrt(fmax(v, 0)) * idf
                                : below > 0 ? v * (p->bm25_k1 + 1) / below * idf
                                            : 0);
        }
    }
    a->val = weight;
    return STATUS_OK;
}

/* Entity rows less their own means, or the means of their columns. */
static enum status centre(struct csr *a, bool by_column, struct arena *scratch)
{
    double *sum;
    uint32_t *n;
    float *val;
    ARENA_NEW(sum, scratch, a->n_cols);
    ARENA_NEW(n, scratch, a->n_cols);
    ARENA_NEW(val, scratch, (size_t)a->nnz);
    for (int64_t e = 0; by_column && e < a->nnz; e++)
        sum[a->idx[e]] += (double)a->val[e], n[a->idx[e]]++;
    for (uint32_t r = 0; r < a->n_rows; r++) {
        double own = 0;
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            own += (double)a->val[e] / (double)(a->ptr[r + 1] - a->ptr[r]);
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            val[e] = (float)((double)a->val[e] - (by_column ? sum[a->idx[e]] / n[a->idx[e]] : own));
    }
    a->val = val;
    return STATUS_OK;
}

/* Entity rows less mean + b_u + b_i, by alternating least squares with Surprise's defaults. */
static enum status take_baseline(const struct view *train, bool items, struct csr *a, struct run *run)
{
    const struct baseline_options options = {.method = BASELINE_ALS, .reg_u = 15, .reg_i = 10};
    const double mean = ratings_mean(train->by_user);
    double *user, *item;
    float *val;
    ARENA_NEW(user, run->scratch, train->n_users);
    ARENA_NEW(item, run->scratch, train->n_items);
    ARENA_NEW(val, run->scratch, (size_t)a->nnz);
    TRY(baseline_biases(train, &options, mean, run, user, item));
    for (uint32_t r = 0; r < a->n_rows; r++)
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            val[e] = (float)((double)a->val[e] - mean -
                             (items ? user[a->idx[e]] + item[r] : user[r] + item[a->idx[e]]));
    a->val = val;
    return STATUS_OK;
}

enum status knn_weigh(const struct view *train, bool items, const struct knn_params *p, struct run *run,
                      struct csr *a, struct csr *transpose)
{
    const bool bm25 = p->similarity == SIMILARITY_BM25 || p->weighting == WEIGHTING_BM25;
    struct csr by_user = *train->by_user, by_item = *train->by_item;
    float *aged = NULL;
    if (p->similarity_half_life > 0) {
        TRY(aged_values(train, p, run->scratch, &aged));
        by_user.val = aged;
        TRY(csr_transpose(&by_user, run->scratch, &by_item));
    } else if (p->binary)
        by_user.val = by_item.val = NULL;
    *a = items ? by_item : by_user, *transpose = items ? by_user : by_item;
    const float *before = a->val;
    if (bm25 || p->weighting == WEIGHTING_TF_IDF)
        TRY(term_weights(a, p, bm25, run->scratch));
    else if (p->similarity == SIMILARITY_ADJUSTED_COSINE || p->similarity == SIMILARITY_PEARSON ||
             p->similarity == SIMILARITY_PEARSON_BASELINE) {
        if (a->val == NULL)
            return status_fail(STATUS_DATA,
                               "a similarity of ratings is asked for, but the dataset has none: take cosine");
        if (p->similarity == SIMILARITY_PEARSON_BASELINE)
            TRY(take_baseline(train, items, a, run));
        else
            TRY(centre(a, p->similarity == SIMILARITY_ADJUSTED_COSINE, run->scratch));
    }
    return a->val != before ? csr_transpose(a, run->scratch, transpose) : STATUS_OK;
}

enum status knn_profiles(const struct view *train, bool items, const struct knn_params *p, struct run *run,
                         struct csr *out)
{
    const struct history_fading fading = {p->decay, p->half_life, !items};
    return history_profiles(train, p->binary ? HISTORY_EQUAL : HISTORY_RATING, &fading, run->arena,
                            run->scratch, out);
}
