/*
 * cmf_solve.c - see cmf_solve.h and, for what is minimised, cmf.c.  Both half-sweeps are systems of als.h:
 *     x    entries: its ratings (weight w_main), its attributes (w 0, base weight x value), one for the means (w 0, base - weight)
 *          G = weight D'D
 *     d_j  entries: who has attribute j (w 0, base weight x value), one for their mean (w 0, base - weight mean_j) whose vector is the sum
 *          of all x; G = weight X'X, in both the columns alone that attributes see
 * Targets change with the other side's biases, so the bases of ratings are made anew each time.
 */
#include "models/cmf_solve.h"

#include <string.h>

#include "models/als_rows.h"

/* Entries of a side's rows: ratings first, then attributes, then the mean. */
static enum status make_rows(struct cmf_side *s, const struct csr *attributes, uint32_t from,
                             struct arena *scratch)
{
    const struct csr *r = s->ratings;
    const bool has = s->n_attributes > 0;
    const size_t nnz = (size_t)(r->nnz + (has ? attributes->nnz + r->n_rows : 0));
    int64_t *ptr, *at, n = 0;
    uint32_t *idx;
    float *val, *ridge;
    ARENA_NEW(ptr, scratch, (size_t)r->n_rows + 1);
    ARENA_NEW(at, scratch, r->n_rows);
    ARENA_NEW(idx, scratch, nnz);
    ARENA_NEW(val, scratch, nnz);
    ARENA_NEW(s->row_base, scratch, nnz);
    ARENA_NEW(ridge, scratch, r->n_rows);
    for (uint32_t row = 0; row < r->n_rows; row++) {
        const int64_t ratings = r->ptr[row + 1] - r->ptr[row];
        at[row] = n;
        for (int64_t e = r->ptr[row]; e < r->ptr[row + 1]; e++)
            idx[n] = r->idx[e], val[n++] = s->o.w_main;
        for (int64_t e = has ? attributes->ptr[row] : 0; has && e < attributes->ptr[row + 1]; e++) {
            idx[n] = r->n_cols + attributes->idx[e] - from;
            s->row_base[n++] = s->o.weight * attributes->val[e];
        }
        if (has)
            idx[n] = r->n_cols + s->n_attributes, s->row_base[n++] = -s->o.weight;
        ridge[row] = s->o.lambda * (s->o.scale_lambda && ratings > 1 ? (float)ratings : 1.0f);
        ptr[row + 1] = n;
    }
    s->rating_at = at;
    s->rows = (struct als){.X = s->X,
                           .Y = s->Y,
                           .G = has ? s->G : NULL,
                           .ridge = ridge,
                           .ptr = ptr,
                           .idx = idx,
                           .val = val,
                           .bases = s->row_base,
                           .alpha = 1.0f,
                           .n_columns = (long)r->n_cols + (has ? s->n_attributes + 1 : 0),
                           .rank = (int)s->o.ld,
                           .steps = s->o.cg_steps};
    return STATUS_OK;
}

/* Entries of the attributes: who has each, then the mean. */
static enum status make_attributes(struct cmf_side *s, const struct csr *attributes, uint32_t from,
                                   struct arena *scratch)
{
    const uint32_t n_rows = attributes->n_rows, n = s->n_attributes;
    const size_t nnz = (size_t)attributes->nnz + n;
    int64_t *ptr, *at;
    uint32_t *idx;
    float *val, *base, *ridge, *mean;
    ARENA_NEW(ptr, scratch, (size_t)n + 1);
    ARENA_NEW(at, scratch, n);
    ARENA_NEW(idx, scratch, nnz);
    ARENA_NEW(val, scratch, nnz); /* 0 */
    ARENA_NEW(base, scratch, nnz);
    ARENA_NEW(ridge, scratch, n);
    ARENA_NEW(mean, scratch, n);
    for (int64_t e = 0; e < attributes->nnz; e++)
        ptr[attributes->idx[e] - from + 1]++;
    for (uint32_t j = 0; j < n; j++)
        ptr[j + 1] += ptr[j] + 1, at[j] = ptr[j], ridge[j] = s->o.lambda_attributes;
    for (uint32_t row = 0; row < n_rows; row++)
        for (int64_t e = attributes->ptr[row]; e < attributes->ptr[row + 1]; e++) {
            const uint32_t j = attributes->idx[e] - from;
            idx[at[j]] = row;
            base[at[j]++] = s->o.weight * attributes->val[e];
            mean[j] += attributes->val[e] / (float)n_rows;
        }
    for (uint32_t j = 0; j < n; j++)
        idx[at[j]] = n_rows, base[at[j]] = -s->o.weight * mean[j];
    s->mean = mean;
    s->attributes = (struct als){.X = s->Y + (size_t)s->ratings->n_cols * s->o.ld,
                                 .Y = s->masked,
                                 .G = s->G,
                                 .ridge = ridge,
                                 .ptr = ptr,
                                 .idx = idx,
                                 .val = val,
                                 .bases = base,
                                 .alpha = 1.0f,
                                 .n_columns = (long)n_rows + 1,
                                 .rank = (int)s->o.ld,
                                 .steps = s->o.cg_steps};
    return STATUS_OK;
}

static enum status gram_new(struct gram *g, const float *Y, uint32_t n, size_t ld, struct arena *scratch)
{
    *g = (struct gram){.Y = Y, .n = n, .rank = (int)ld, .n_blocks = gram_blocks(n)};
    ARENA_NEW(g->part, scratch, (size_t)g->n_blocks * ld * ld);
    return STATUS_OK;
}

enum status cmf_side_new(struct cmf_side *side, const struct cmf_options *options, const struct csr *ratings,
                         const struct csr *attributes, uint32_t from, uint32_t to, float *X, float *Y,
                         float *bias, const float *other_bias, struct arena *scratch)
{
    const size_t ld = options->ld;
    *side = (struct cmf_side){.o = *options,
                              .ratings = ratings,
                              .n_attributes = options->weight > 0 ? to - from : 0,
                              .X = X,
                              .Y = Y,
                              .bias = bias,
                              .other_bias = other_bias};
    if (side->n_attributes > 0) {
        ARENA_NEW(side->G, scratch, ld * ld);
        ARENA_NEW(side->masked, scratch, ((size_t)ratings->n_rows + 1) * ld);
        TRY(gram_new(&side->gram, Y + (size_t)ratings->n_cols * ld, side->n_attributes, ld, scratch));
        TRY(gram_new(&side->masked_gram, side->masked, ratings->n_rows, ld, scratch));
        TRY(make_attributes(side, attributes, from, scratch));
    }
    ARENA_NEW(side->kept, scratch, (size_t)ratings->n_cols * (options->other_to - options->other_from));
    return make_rows(side, attributes, from, scratch);
}

static enum status take_gram(const struct cmf_side *s, const struct gram *gram, const struct backend *b)
{
    const struct gram_sum sum = {
        .part = gram->part, .G = s->G, .scale = s->o.weight, .rank = gram->rank, .n_blocks = gram->n_blocks};
    TRY(backend_launch(b, &kernel_gram, gram, (long)gram->n_blocks * gram->rank / ALS_GRAM_ROWS, 0));
    return backend_launch(b, &kernel_gram_sum, &sum, gram->rank, 0);
}

static enum status solve(const struct cmf_side *s, const struct als *rows, long n, const struct backend *b)
{
    const struct kernel *kernel;
    als_rank((int)s->o.ld, s->o.solver, &kernel);
    return backend_launch(b, kernel, rows, n,
                          s->o.solver == ALS_CG ? als_cg_scratch((int)s->o.ld)
                                                : als_cholesky_scratch((int)s->o.ld));
}

/* X where attributes see it, 0 elsewhere; behind it the sum of its rows. */
static void mask(const struct cmf_side *s)
{
    const uint32_t n = s->ratings->n_rows;
    const size_t ld = s->o.ld;
#pragma omp parallel for schedule(static)
    for (uint32_t r = 0; r < n; r++)
        for (uint32_t k = 0; k < s->o.shared_to; k++)
            if ((k >= s->o.own_from && k < s->o.own_to) || k >= s->o.shared_from)
                s->masked[r * ld + k] = s->X[r * ld + k];
    for (uint32_t k = 0; k < s->o.shared_to; k++) {
        double sum = 0;
        for (uint32_t r = 0; r < n; r++)
            sum += (double)s->masked[r * ld + k];
        s->masked[n * ld + k] = (float)sum;
    }
}

enum status cmf_solve_attributes(struct cmf_side *s, struct run *run)
{
    const size_t ld = s->o.ld;
    if (*run->cancelled)
        return STATUS_STOPPED;
    if (s->n_attributes == 0)
        return STATUS_OK;
    mask(s);
    TRY(take_gram(s, &s->masked_gram, run->backend));
    TRY(solve(s, &s->attributes, s->n_attributes, run->backend));
    float *mean = s->attributes.X + s->n_attributes * ld;
    for (uint32_t k = 0; k < ld; k++) {
        double sum = 0;
        for (uint32_t j = 0; j < s->n_attributes; j++)
            sum += (double)s->mean[j] * (double)s->attributes.X[j * ld + k];
        mean[k] = (float)sum;
    }
    return STATUS_OK;
}

/* Column of the biases, of n rows: `value`, or a constant. */
static void set_column(float *x, uint32_t n, const struct cmf_options *o, const float *value, float constant)
{
    for (uint32_t r = 0; r < n; r++)
        x[r * o->ld + o->bias_column] = value != NULL ? value[r] : constant;
}

/* Ratings do not see the columns of the other side's attributes alone: they are put away while rows are solved. */
static void put_away(const struct cmf_side *s, bool away)
{
    const uint32_t width = s->o.other_to - s->o.other_from;
    for (uint32_t r = 0; r < s->ratings->n_cols; r++)
        for (uint32_t k = 0; k < width; k++) {
            float *y = &s->Y[r * s->o.ld + s->o.other_from + k], *kept = &s->kept[(size_t)r * width + k];
            if (away)
                *kept = *y, *y = 0;
            else
                *y = *kept;
        }
}

enum status cmf_solve_rows(struct cmf_side *s, struct run *run)
{
    const struct csr *r = s->ratings;
    if (*run->cancelled)
        return STATUS_STOPPED;
#pragma omp parallel for schedule(static)
    for (uint32_t row = 0; row < r->n_rows; row++)
        for (int64_t e = r->ptr[row], to = s->rating_at[row]; e < r->ptr[row + 1]; e++, to++)
            s->row_base[to] = s->o.w_main * (r->val[e] - s->o.mean - s->other_bias[r->idx[e]] - 1.0f);
    if (s->n_attributes > 0)
        TRY(take_gram(s, &s->gram, run->backend));
    if (s->o.bias) {
        set_column(s->Y, r->n_cols, &s->o, NULL, 1.0f);
        set_column(s->X, r->n_rows, &s->o, s->bias, 0.0f); /* where cg starts */
    }
    put_away(s, true);
    TRY(solve(s, &s->rows, r->n_rows, run->backend));
    put_away(s, false);
    if (s->o.bias) {
        for (uint32_t row = 0; row < r->n_rows; row++)
            s->bias[row] = s->X[row * s->o.ld + s->o.bias_column];
        set_column(s->Y, r->n_cols, &s->o, NULL, 0.0f);
        set_column(s->X, r->n_rows, &s->o, NULL, 0.0f);
    }
    return STATUS_OK;
}
