/* curve.c - see curve.h. */
#include "models/curve.h"

#include <math.h>

enum { MOST = 8192, SHARE = 32, PAIRS = 0, OTHERS = 1, OTHER_USERS = 2 };

/* The user of entry e: the last row that begins at or before it. */
static uint32_t row_of(const struct csr *a, int64_t e)
{
    uint32_t low = 0, high = a->n_rows;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (a->ptr[middle] <= e)
            low = middle;
        else
            high = middle;
    }
    return low;
}

enum status curve_pairs_new(const struct csr *a, const struct run *run, struct curve_pairs *out)
{
    *out = (struct curve_pairs){0};
    if (run->curve == NULL || a->nnz == 0)
        return STATUS_OK;
    const int64_t share = (a->nnz + SHARE - 1) / SHARE;
    out->n = share < MOST ? (uint32_t)share : MOST;
    ARENA_NEW(out->user, run->scratch, out->n);
    ARENA_NEW(out->item, run->scratch, out->n);
    ARENA_NEW(out->other, run->scratch, out->n);
    ARENA_NEW(out->other_user, run->scratch, out->n);
    ARENA_NEW(out->value, run->scratch, out->n);
    ARENA_NEW(out->score, run->scratch, out->n);
    ARENA_NEW(out->other_score, run->scratch, out->n);
    for (uint32_t j = 0; j < out->n; j++) {
        const int64_t e = (int64_t)(random_unit(run->seed, RANDOM_CURVE, PAIRS, j) * (double)a->nnz);
        out->user[j] = row_of(a, e);
        out->item[j] = a->idx[e];
        out->value[j] = a->val != NULL ? a->val[e] : 1.0f;
        out->other[j] = (uint32_t)(random_unit(run->seed, RANDOM_CURVE, OTHERS, j) * (double)a->n_cols);
        out->other_user[j] =
            (uint32_t)(random_unit(run->seed, RANDOM_CURVE, OTHER_USERS, j) * (double)a->n_rows);
    }
    return STATUS_OK;
}

enum status curve_rmse(const struct run *run, struct curve_pairs *p, curve_scorer *scorer, const void *state,
                       int step)
{
    double sum = 0;
    if (p->n == 0)
        return STATUS_OK;
    TRY(scorer(state, p->user, p->item, p->n, p->score));
    for (uint32_t j = 0; j < p->n; j++)
        sum += ((double)p->value[j] - (double)p->score[j]) * ((double)p->value[j] - (double)p->score[j]);
    run_curve(run, "rmse", step, sqrt(sum / p->n));
    return STATUS_OK;
}

/* log(1 + e^x) */
static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

enum status curve_pairwise(const struct run *run, struct curve_pairs *p, curve_scorer *scorer,
                           const void *state, int step)
{
    double sum = 0;
    uint32_t n = 0;
    if (p->n == 0)
        return STATUS_OK;
    TRY(scorer(state, p->user, p->item, p->n, p->score));
    TRY(scorer(state, p->user, p->other, p->n, p->other_score));
    for (uint32_t j = 0; j < p->n; j++) {
        if (p->item[j] == p->other[j])
            continue;
        sum += softplus((double)p->other_score[j] - (double)p->score[j]);
        n++;
    }
    if (n > 0)
        run_curve(run, "loss", step, sum / n);
    return STATUS_OK;
}

enum status curve_logistic(const struct run *run, struct curve_pairs *p, curve_scorer *scorer,
                           const void *state, const struct curve_logistic *how, int step)
{
    double sum = 0;
    if (p->n == 0)
        return STATUS_OK;
    for (uint32_t j = 0; j < p->n; j++)
        p->other[j] = p->item[(j + 1) % p->n];
    TRY(scorer(state, p->user, p->item, p->n, p->score));
    TRY(scorer(state, p->user, p->other, p->n, p->other_score));
    for (uint32_t j = 0; j < p->n; j++) {
        const double c = how->alpha * (how->use_values ? (double)p->value[j] : 1.0);
        sum += c * softplus(-(double)p->score[j]) + how->negatives * softplus((double)p->other_score[j]);
    }
    run_curve(run, "loss", step, sum / p->n);
    return STATUS_OK;
}

enum status curve_validation(const struct run *run, const void *state, int step)
{
    double quality;
    if (run->curve == NULL || run->validate == NULL || run->validate_every <= 0 ||
        step % run->validate_every != 0)
        return STATUS_OK;
    TRY(run->validate(run->validate_context, state, &quality));
    run_curve(run, "validation ndcg@10", step, quality);
    return STATUS_OK;
}
