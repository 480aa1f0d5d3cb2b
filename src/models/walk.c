/*
 * walk.c - see walk.h.  The product of the two steps and the k largest of each of its rows are the kernel
 * knn_similar with weighted matrices: no row of W is ever whole in memory.  Limits: below 2^24 items.
 */
#include "models/walk.h"

#include <math.h>

#include "knn.h"
#include "models/history.h"
#include "models/sparsify.h"

/* Is every rating a weight of a step? */
static enum status check_ratings(const struct csr *a, const char *name, bool binary)
{
    for (int64_t e = 0; !binary && a->val != NULL && e < a->nnz; e++)
        if (!(a->val[e] > 0) || !isfinite(a->val[e]))
            return status_fail(STATUS_DATA,
                               "%s: with binary: false ratings are weights above 0, and a train rating is "
                               "%g; filter them, or set binary: true",
                               name, (double)a->val[e]);
    return STATUS_OK;
}

/* Values of the step from item to user, [nnz] of by_item. */
static enum status step_to_users(const struct csr *by_item, double alpha, struct arena *scratch, float **out)
{
    ARENA_NEW(*out, scratch, (size_t)by_item->nnz);
#pragma omp parallel for schedule(static)
    for (uint32_t i = 0; i < by_item->n_rows; i++) {
        const int64_t low = by_item->ptr[i], high = by_item->ptr[i + 1];
        const float p = high > low ? (float)pow((double)(high - low), -alpha) : 0;

        for (int64_t e = low; e < high; e++)
            (*out)[e] = p;
    }
    return STATUS_OK;
}

/* Values of the step from user to item times the discount of popular items, [nnz] of by_user. */
static enum status step_to_items(const struct view *train, const struct walk_params *p, struct arena *scratch,
                                 float **out)
{
    const struct csr *a = train->by_user, *by_item = train->by_item;
    const bool ones = p->binary || a->val == NULL;
    double *discount;

    ARENA_NEW(*out, scratch, (size_t)a->nnz);
    ARENA_NEW(discount, scratch, train->n_items);
    for (uint32_t i = 0; i < train->n_items; i++)
        if (by_item->ptr[i + 1] > by_item->ptr[i])
            discount[i] = pow((double)(by_item->ptr[i + 1] - by_item->ptr[i]), -p->beta);
#pragma omp parallel for schedule(static)
    for (uint32_t u = 0; u < a->n_rows; u++) {
        double sum = 0;

        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            sum += ones ? 1.0 : (double)a->val[e];
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            (*out)[e] = (float)(pow((ones ? 1.0 : (double)a->val[e]) / sum, p->alpha) * discount[a->idx[e]]);
    }
    return STATUS_OK;
}

static void normalize_rows(const struct csr *w, float *val)
{
    for (uint32_t r = 0; r < w->n_rows; r++) {
        double sum = 0;

        for (int64_t e = w->ptr[r]; e < w->ptr[r + 1]; e++)
            sum += (double)val[e];
        for (int64_t e = w->ptr[r]; e < w->ptr[r + 1]; e++)
            val[e] = (float)((double)val[e] / sum);
    }
}

enum status walk_set_history(void *state, const void *params, const struct view *history, struct run *run)
{
    const struct walk_params *p = params;
    return history_copy(history->by_user, p->binary ? HISTORY_EQUAL : HISTORY_RATING, run->arena,
                        &((struct knn_state *)state)->profile);
}

enum status walk_fit(struct knn_state *s, const char *name, const struct walk_params *p,
                     const struct view *train, struct run *run)
{
    const uint32_t n = train->n_items, k_kept = (uint32_t)p->k < n ? (uint32_t)p->k : n;
    struct run inner = *run;
    struct csr rows, columns, cut;
    float *to_users, *to_items, *val;

    if (n >= 1u << 24)
        return status_fail(STATUS_USAGE, "%s takes fewer than %u items, here are %u", name, 1u << 24, n);
    TRY(check_ratings(train->by_user, name, p->binary));
    TRY(step_to_users(train->by_item, p->alpha, run->scratch, &to_users));
    TRY(step_to_items(train, p, run->scratch, &to_items));
    struct knn_similar k = {.a = {train->by_item->ptr, train->by_item->idx, to_users},
                            .transpose = {train->by_user->ptr, train->by_user->idx, to_items},
                            .n = n,
                            .k = k_kept,
                            .similarity = KNN_DOT};
    inner.arena = run->scratch;
    TRY(knn_launch(&k, &inner, &rows));
    val = arena_copy(run->scratch, rows.val, (size_t)rows.nnz, sizeof *val);
    if (val == NULL)
        return STATUS_SYSTEM;
    if (p->normalize_similarity)
        normalize_rows(&rows, val);
    rows.val = val;
    TRY(csr_transpose(&rows, run->scratch, &columns));
    TRY(csr_keep_largest(&columns, k_kept, run->seed, run->scratch, run->scratch, &cut));
    TRY(csr_transpose(&cut, run->arena, &s->matrix));
    TRY(walk_set_history(s, p, train, run));
    s->n_items = n;
    s->backend = run->backend;
    return STATUS_OK;
}

void walk_cost(const void *params, uint32_t n_users, uint32_t n_items, uint64_t nnz, double *bytes,
               double *flops)
{
    const struct walk_params *p = params;
    const struct knn_params similar = {.k = p->k};

    knn_cost(&similar, n_items, n_users, nnz, bytes, flops);
    *bytes += 8.0 * (double)nnz + 36.0 * (double)n_items * (p->k < (int)n_items ? p->k : (int)n_items);
}
