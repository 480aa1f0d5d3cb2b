/* als_side.c - see als_side.h. */
#include "models/als_side.h"

#include <math.h>

enum status als_side_new(struct als_side *s, const struct csr *a, uint32_t n_gram,
                         const struct als_side_options *o, const float *ridge, float *X, const float *Y,
                         struct arena *scratch)
{
    float *part, *G, *prediction = NULL;
    uint32_t *order;
    const size_t ld = o->ld;
    const int blocks = gram_blocks(n_gram), rank = (int)ld;
    ARENA_NEW(part, scratch, (size_t)blocks * ld * ld);
    ARENA_NEW(G, scratch, ld * ld);
    if (o->solver == ALS_BLOCK)
        ARENA_NEW(prediction, scratch, (size_t)a->nnz);
    TRY(als_longest_first(a, scratch, &order));
    *s = (struct als_side){.kernel = o->kernel,
                           .scratch = o->solver == ALS_CG ? als_cg_scratch(rank) : als_cholesky_scratch(rank),
                           .n_rows = (long)a->n_rows,
                           .block_width = o->solver == ALS_BLOCK ? o->block_width : 0};
    s->gram = (struct gram){.Y = Y, .part = part, .n = n_gram, .rank = rank, .n_blocks = blocks};
    s->sum =
        (struct gram_sum){.part = part, .G = G, .scale = (float)o->alpha0, .rank = rank, .n_blocks = blocks};
    s->a = (struct als){.X = X,
                        .Y = Y,
                        .G = G,
                        .ridge = ridge,
                        .ptr = a->ptr,
                        .idx = a->idx,
                        .val = a->val,
                        .prediction = prediction,
                        .order = order,
                        .alpha = 1,
                        .n_columns = a->n_cols,
                        .rank = rank,
                        .steps = o->cg_steps};
    return STATUS_OK;
}

enum status als_side_ridge(const struct csr *a, double regularization, double alpha0, double nu,
                           struct arena *scratch, float **out)
{
    ARENA_NEW(*out, scratch, a->n_rows);
    for (uint32_t r = 0; r < a->n_rows; r++)
        (*out)[r] =
            (float)(regularization * pow((double)(a->ptr[r + 1] - a->ptr[r]) + alpha0 * a->n_cols, nu));
    return STATUS_OK;
}

enum status als_side_keep(const struct als_side *s, const struct backend *b)
{
    const int rank = s->a.rank;
    TRY(backend_keep_launch(b, &kernel_gram, &s->gram, (long)s->gram.n_blocks * rank / ALS_GRAM_ROWS));
    TRY(backend_keep_launch(b, &kernel_gram_sum, &s->sum, rank));
    return backend_keep_launch(b, s->kernel, &s->a, s->n_rows);
}

enum status als_side_solve(const struct als_side *s, struct run *run)
{
    const int rank = s->a.rank;
    if (*run->cancelled)
        return STATUS_STOPPED;
    TRY(backend_launch(run->backend, &kernel_gram, &s->gram, (long)s->gram.n_blocks * rank / ALS_GRAM_ROWS,
                       0));
    TRY(backend_launch(run->backend, &kernel_gram_sum, &s->sum, rank, 0));
    if (s->block_width > 0) {
        struct als blocks = s->a;
        return als_blocks(run->backend, &blocks, s->n_rows, s->block_width);
    }
    return backend_launch(run->backend, s->kernel, &s->a, s->n_rows, s->scratch);
}
