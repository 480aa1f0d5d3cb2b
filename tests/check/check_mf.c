/*
 * check_mf.c - mf_rows_* on all losses and both updates, with and without negatives, against the same steps in double; mf_move.
 */
#include <math.h>
#include <string.h>

#include "check.h"
#include "mf.h"
#include "philox.h"

enum { ROWS = 5, COLUMNS = 70, RANK_MOST = 128 };

static void rows_writes(const void *args, long row)
{
    const struct mf_rows *a = args;
    check_may_write(a->X + row * a->rank, (size_t)a->rank * sizeof(float));
    check_may_write(a->S + row * a->rank, (size_t)a->rank * sizeof(float));
}

static double score(const struct mf_rows *a, const float *x, uint32_t column)
{
    double s = 0;
    for (int k = 0; k < a->rank; k++)
        s += (double)x[k] * (double)a->Y[column * (uint32_t)a->rank + (uint32_t)k];
    return s;
}

/* Row r's direction and, in *size, the sum of the sizes of what it adds. */
static void direction(const struct mf_rows *a, const float *x, long r, double *d, double *size)
{
    const int64_t n = a->ptr[r + 1] - a->ptr[r];
    const int64_t drawn = n * a->negatives < a->n_columns ? n * a->negatives : a->n_columns;
    *size = 0;
    for (int k = 0; k < a->rank; k++)
        d[k] = -(double)a->regularization * (a->weighted ? (double)n : 1) * (double)x[k];
    for (int64_t j = 0; j < n + drawn; j++) {
        const int64_t e = a->ptr[r] + j, m = j - n;
        const uint32_t word = philox4x32(a->seed, a->stream, ((uint64_t)r << 32) + (uint64_t)m / 4).v[m & 3];
        const uint32_t column = j < n ? a->idx[e] : a->drawn[(uint64_t)word * (uint64_t)a->n_drawn >> 32];
        const double s = score(a, x, column), sigma = 1 / (1 + exp(-s));
        const double val = j >= n ? 0 : a->val != NULL ? (double)a->val[e] : 1;
        double worth = a->loss == MF_LOGISTIC  ? (j < n ? val * (1 - sigma) : -sigma)
                       : a->loss == MF_SQUARED ? val - s
                                               : (val - sigma) * sigma * (1 - sigma);
        *size += fabs(val) + fabs(s) + 1;
        for (int k = 0; k < a->rank; k++)
            d[k] += worth * (double)a->Y[column * (uint32_t)a->rank + (uint32_t)k];
    }
}

static void check_case(const char *kernel, const struct mf_rows *a)
{
    static double x[ROWS * RANK_MOST], s[ROWS * RANK_MOST], size[ROWS];
    for (long r = 0; r < ROWS; r++) {
        double d[RANK_MOST];
        direction(a, a->X + r * a->rank, r, d, &size[r]);
        for (int k = 0; k < a->rank; k++) {
            const long at = r * a->rank + k;
            const double move = k == a->fixed ? 0 : d[k], old = (double)a->S[at], rate = (double)a->rate;
            x[at] = (double)a->X[at], s[at] = old;
            if (a->ptr[r] == a->ptr[r + 1])
                continue;
            if (a->update == MF_ADAGRAD) {
                s[at] += move * move;
                x[at] += rate * move / sqrt(1e-6 + s[at]);
            } else
                s[at] = k == a->fixed ? 0 : (double)a->momentum * old + rate * move;
        }
    }
    check_run(kernel, a, ROWS, mf_scratch(a->rank));
    /* A score is a sum of rank products of numbers below 1; a direction d is off by its sizes times eps, its square by 2 d that. */
    for (long at = 0; at < (long)ROWS * a->rank; at++) {
        const double n = size[at / a->rank] + 1, bound = 0.2 * CHECK_EPS * n * sqrt(a->rank);
        check_near("S", at, (double)a->S[at], s[at], bound * (2 * n + 1));
        check_near("X", at, (double)a->X[at], x[at], bound * 8);
    }
}

static void rows_cases(const char *kernel)
{
    const char *suffix = strrchr(kernel, '_') + 1;
    const int rank = strcmp(suffix, "any") == 0   ? 96
                     : strcmp(suffix, "128") == 0 ? 128
                     : strcmp(suffix, "64") == 0  ? 64
                                                  : 32;
    for (int c = 0; c < 6; c++) {
        int64_t *ptr;
        uint32_t *idx;
        check_sparse(1, ROWS, COLUMNS, 0.6, &ptr, &idx);
        const size_t n = (size_t)(ROWS * rank), nnz = (size_t)ptr[ROWS];
        float *S = check_floats("S", n, 2), *X = check_floats("X", n, 3), *val = check_floats("val", nnz, 5);
        for (size_t i = 0; i < n; i++) {
            S[i] = 1.5f + S[i];
            X[i] *= 0.25f;
        }
        for (size_t e = 0; e < nnz; e++)
            val[e] = 0.5f + 0.5f * val[e];
        const struct mf_rows a = {.X = X,
                                  .S = S,
                                  .Y = check_floats("Y", (size_t)(COLUMNS * rank), 4),
                                  .ptr = ptr,
                                  .idx = idx,
                                  .val = c == 1 ? NULL : val,
                                  .drawn = idx,
                                  .n_drawn = (int64_t)nnz,
                                  .seed = 7,
                                  .stream = 9,
                                  .rate = 0.1f,
                                  .regularization = 0.3f,
                                  .momentum = 0.8f,
                                  .n_columns = COLUMNS,
                                  .loss = c < 3   ? MF_LOGISTIC
                                          : c < 5 ? MF_SQUARED
                                                  : MF_SIGMOID,
                                  .update = c % 2,
                                  .fixed = c == 2 ? 3 : -1,
                                  .negatives = c < 3 ? c : 0,
                                  .weighted = c == 4,
                                  .rank = rank};
        check_case(kernel, &a);
        check_end();
    }
}

static void move_writes(const void *args, long row)
{
    const struct mf_move *a = args;
    check_may_write(a->X + row * a->rank, (size_t)a->rank * sizeof(float));
}

static void move_cases(const char *kernel)
{
    static double want[ROWS * 64];
    const struct mf_move a = {check_floats("X", ROWS * 64, 1), check_floats("S", ROWS * 64, 2), 64};
    for (int i = 0; i < ROWS * 64; i++)
        want[i] = (double)a.X[i] + (double)a.S[i];
    check_run(kernel, &a, ROWS, 0);
    for (int i = 0; i < ROWS * 64; i++)
        check_near("X", i, (double)a.X[i], want[i], 2 * CHECK_EPS);
    check_end();
}

const struct check_kernel check_mf[] = {
    {"mf_rows_32", rows_cases, rows_writes},  {"mf_rows_64", rows_cases, rows_writes},
    {"mf_rows_128", rows_cases, rows_writes}, {"mf_rows_any", rows_cases, rows_writes},
    {"mf_move", move_cases, move_writes},     {NULL, NULL, NULL},
};
