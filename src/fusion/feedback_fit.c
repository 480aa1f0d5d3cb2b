/* feedback_fit.c - the model under the loop: fitted on train rows, and again with what users took since. */
#include <stdlib.h>
#include <string.h>

#include "fusion/feedback.h"

/* Train rows and the pairs taken, as triples in run->scratch and matrices in run->arena; their times are unknown. */
static enum status grow(const struct view *view, const uint32_t *user, const uint32_t *item, uint64_t n,
                        struct run *run, struct view *out)
{
    const struct csr *train = view->by_user;
    const uint64_t m = (uint64_t)train->nnz;
    uint32_t *u = NULL, *i = NULL;
    float *value = NULL;
    struct csr *matrix = NULL;
    ARENA_NEW(u, run->scratch, m + n);
    ARENA_NEW(i, run->scratch, m + n);
    ARENA_NEW(value, run->scratch, m + n);
    ARENA_NEW(matrix, run->arena, 2);
    for (uint32_t row = 0; row < view->n_users; row++)
        for (int64_t e = train->ptr[row]; e < train->ptr[row + 1]; e++)
            u[e] = row, i[e] = train->idx[e], value[e] = train->val != NULL ? train->val[e] : 1;
    for (uint64_t e = 0; e < n; e++)
        u[m + e] = user[e], i[m + e] = item[e], value[m + e] = train->val != NULL ? view->maximum_value : 1;
    TRY(csr_from_triples(view->n_users, view->n_items, m + n, u, i, value, run->arena, &matrix[0], NULL));
    TRY(csr_transpose(&matrix[0], run->arena, &matrix[1]));
    *out = *view;
    out->by_user = &matrix[0];
    out->by_item = &matrix[1];
    out->time = NULL;
    return STATUS_OK;
}

enum status feedback_fit(const struct nested *base, const struct view *view, const struct feedback *taken,
                         struct run *run, struct nested *out, struct factors *factors)
{
    struct view *grown = arena_copy(run->arena, view, 1, sizeof *view); /* lives as long as the model */
    *out = *base;
    if (grown == NULL)
        return STATUS_SYSTEM;
    if (taken != NULL) {
        uint32_t *user, *item;
        uint64_t n;
        TRY(feedback_taken(taken, &user, &item, &n));
        const enum status status = grow(view, user, item, n, run, grown);
        free(user);
        free(item);
        TRY(status);
    }
    TRY(nested_fit(out, grown, run));
    *factors = (struct factors){.n_users = view->n_users, .n_items = view->n_items};
    return out->type->factors != NULL ? out->type->factors(out->state, factors) : STATUS_OK;
}

enum status feedback_fit_again(const struct nested *base, const struct view *view, struct feedback *f,
                               struct run *run)
{
    struct run inner = *run;
    struct nested fitted = {0};
    struct factors factors;
    inner.arena = arena_new();
    inner.scratch = arena_new();
    enum status status = inner.arena != NULL && inner.scratch != NULL ? STATUS_OK : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = feedback_fit(base, view, f, &inner, &fitted, &factors);
    if (status == STATUS_OK)
        status = feedback_refit(f, &factors);
    if (status == STATUS_OK && factors.factors == 0) {
        feedback_scored_by(f, &fitted, run->backend, inner.arena);
        arena_free(inner.scratch);
        return STATUS_OK;
    }
    nested_free(&fitted);
    arena_free(inner.scratch);
    arena_free(inner.arena);
    return status;
}
