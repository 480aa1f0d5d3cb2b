/*
 * spmm.cu - products of sparse and dense matrices: profiles of users from the vectors of their items
 * (dense or sparse), scores of sparse items, subspace iteration.  A team computes a row of the result;
 * entries of a sparse row are added in their order, so sums are the same for any number of threads.
 * Memory-bound: a nonzero is one multiply-add a column for one read.
 */
#include "spmm.h"
#include <math.h>

#include "team.h"

TEAM_FN void spmm_csr_dense_row(const struct spmm_csr_dense *a, long r, struct team *t)
{
    const long row = a->rows == NULL ? r : (long)a->rows[r];
    float *TEAM_RESTRICT out = a->out + (size_t)r * a->ldo;
    const int cols = a->cols;
    (void)t;
    LANE_FOR(k, cols + MUTANT(spmm_csr_dense_outside, 1, 0))
        out[k] = 0.0f;
    for (int64_t e = a->ptr[row] + MUTANT(spmm_csr_dense_index, 1, 0); e < a->ptr[row + 1]; e++) {
        const float *TEAM_RESTRICT b = a->B + (size_t)a->idx[e] * a->ldb;
        const float w = a->val == NULL ? 1.0f : a->val[e];
        LANE_FOR(k, cols)
            out[k] += w * b[k]; /* a lane meets only its own columns: no sync */
    }
}

TEAM_FN void spmm_csr_csr_row(const struct spmm_csr_csr *a, long r, struct team *t)
{
    const long row = a->rows == NULL ? r : (long)a->rows[r];
    float *TEAM_RESTRICT out = a->out + (size_t)r * a->ldo;
    const int cols = a->cols;
    LANE_FOR(k, cols)
        out[k] = 0.0f;
    team_sync(t);
    for (int64_t e = a->ptr[row]; e < a->ptr[row + 1]; e++) {
        const long s = (long)a->idx[e];
        const int64_t low = a->s_ptr[s];
        const int n = (int)(a->s_ptr[s + 1] - low);
        const uint32_t *TEAM_RESTRICT idx = a->s_idx + low;
        const float *TEAM_RESTRICT val = a->s_val + low;
        const float w = a->val == NULL ? 1.0f : a->val[e];
        LANE_FOR(k, n) /* columns of one row differ, so lanes never meet */
            out[idx[k]] += w * val[k];
        MUTANT(spmm_csr_csr_sync, (void)0, team_sync(t));
    }
}

TEAM_FN void spmm_dense_csr_row(const struct spmm_dense_csr *a, long r, struct team *t)
{
    const float *TEAM_RESTRICT d = a->D + (size_t)r * a->ldd;
    float *TEAM_RESTRICT out = a->out + (size_t)r * a->ldo;
    (void)t;
    for (int i = TEAM_LANE; i < a->n; i += TEAM_SIZE) { /* rows of S are short: a lane an item */
        float s = 0.0f;
        for (int64_t e = a->s_ptr[i]; e < a->s_ptr[i + 1]; e++)
            s += d[a->s_idx[e]] * a->s_val[e];
        out[i + MUTANT(spmm_dense_csr_outside, 1, 0)] = s;
    }
}

TEAM_FN void spmm_normalize_row(const struct spmm_normalize *a, long r, struct team *t)
{
    float *TEAM_RESTRICT x = a->X + (size_t)r * a->ld;
    const int cols = a->cols;
    float s = 0.0f;
    LANE_SUM(k, cols, s)
        s += x[k] * x[k];
    MUTANT_LEAVE(spmm_normalize_leaves, TEAM_LANE >= cols);
    s = team_sum(t, s);
    s = s > 0.0f ? 1.0f / sqrtf(s) : 0.0f;
    LANE_FOR(k, cols)
        x[k] *= s;
}

TEAM_KERNEL(spmm_csr_dense, struct spmm_csr_dense, spmm_csr_dense_row(a, row, t))
TEAM_KERNEL(spmm_csr_csr, struct spmm_csr_csr, spmm_csr_csr_row(a, row, t))
TEAM_KERNEL(spmm_dense_csr, struct spmm_dense_csr, spmm_dense_csr_row(a, row, t))
TEAM_KERNEL(spmm_normalize, struct spmm_normalize, spmm_normalize_row(a, row, t))
