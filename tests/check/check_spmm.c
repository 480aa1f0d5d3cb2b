/*
 * check_spmm.c - products of sparse and dense matrices, rows divided by their length; against plain loops in
 * double.
 */
#include <math.h>

#include "check.h"
#include "spmm.h"

enum { ROWS = 7, MIDDLE = 23, COLS = 41, LD = COLS + 3 };

/* Row r of a sparse matrix, dense. */
static void spread(const int64_t *ptr, const uint32_t *idx, const float *val, long r, double *out, int n)
{
    for (int k = 0; k < n; k++)
        out[k] = 0;
    for (int64_t e = ptr[r]; e < ptr[r + 1]; e++)
        out[idx[e]] = val == NULL ? 1 : val[e];
}

/* out[r][j] = sum_m A[rows[r]][m] B[m][j] */
static void check_product(const float *out, const uint32_t *rows, double A[][MIDDLE], double B[][COLS])
{
    for (long r = 0; r < ROWS; r++)
        for (long j = 0; j < COLS; j++) {
            double sum = 0, size = 0;
            for (int m = 0; m < MIDDLE; m++) {
                const double term = A[rows == NULL ? (size_t)r : rows[r]][m] * B[m][j];
                sum += term, size += fabs(term);
            }
            check_near("out", r * LD + j, out[r * LD + j], sum, 4 * CHECK_EPS * size);
        }
}

struct sparse {
    int64_t *ptr;
    uint32_t *idx;
    float *val, *out;
    uint32_t *rows;
    double dense[ROWS][MIDDLE];
};

static void sparse_new(struct sparse *s, int picked)
{
    check_sparse(1, ROWS, MIDDLE, 0.4, &s->ptr, &s->idx);
    s->val = picked ? check_floats("val", (size_t)s->ptr[ROWS], 2) : NULL;
    s->out = check_floats("out", ROWS * LD, 3);
    s->rows = picked ? check_buffer("rows", ROWS, sizeof *s->rows) : NULL;
    for (uint32_t r = 0; r < ROWS; r++) {
        if (picked)
            s->rows[r] = (3 * r + 2) % ROWS;
        spread(s->ptr, s->idx, s->val, r, s->dense[r], MIDDLE);
    }
}

static void csr_dense_writes(const void *args, long row)
{
    const struct spmm_csr_dense *a = args;
    check_may_write(a->out + (size_t)row * a->ldo, (size_t)a->cols * sizeof(float));
}

static void csr_dense_cases(const char *kernel)
{
    static double B[MIDDLE][COLS];
    for (int picked = 0; picked < 2; picked++) {
        struct sparse s;
        sparse_new(&s, picked);
        const float *b = check_floats("B", MIDDLE * LD, 4);
        for (int i = 0; i < MIDDLE * COLS; i++)
            B[i / COLS][i % COLS] = b[i / COLS * LD + i % COLS];
        const struct spmm_csr_dense a = {.ptr = s.ptr,
                                         .idx = s.idx,
                                         .val = s.val,
                                         .rows = s.rows,
                                         .B = b,
                                         .out = s.out,
                                         .ldb = LD,
                                         .ldo = LD,
                                         .cols = COLS};
        check_run(kernel, &a, ROWS, 0);
        check_product(s.out, s.rows, s.dense, B);
        check_end();
    }
}

static void csr_csr_writes(const void *args, long row)
{
    const struct spmm_csr_csr *a = args;
    check_may_write(a->out + (size_t)row * a->ldo, (size_t)a->cols * sizeof(float));
}

static void csr_csr_cases(const char *kernel)
{
    static double B[MIDDLE][COLS];
    for (int picked = 0; picked < 2; picked++) {
        struct sparse s;
        int64_t *ptr;
        uint32_t *idx;
        sparse_new(&s, picked);
        check_sparse(5, MIDDLE, COLS, 0.5, &ptr, &idx);
        const float *val = check_floats("s_val", (size_t)ptr[MIDDLE], 6);
        for (int m = 0; m < MIDDLE; m++)
            spread(ptr, idx, val, m, B[m], COLS);
        const struct spmm_csr_csr a = {.ptr = s.ptr,
                                       .idx = s.idx,
                                       .val = s.val,
                                       .rows = s.rows,
                                       .s_ptr = ptr,
                                       .s_idx = idx,
                                       .s_val = val,
                                       .out = s.out,
                                       .ldo = LD,
                                       .cols = COLS};
        check_run(kernel, &a, ROWS, 0);
        check_product(s.out, s.rows, s.dense, B);
        check_end();
    }
}

static void dense_csr_writes(const void *args, long row)
{
    const struct spmm_dense_csr *a = args;
    check_may_write(a->out + (size_t)row * a->ldo, (size_t)a->n * sizeof(float));
}

static void dense_csr_cases(const char *kernel)
{
    static double A[ROWS][MIDDLE], B[MIDDLE][COLS];
    int64_t *ptr;
    uint32_t *idx;
    check_sparse(7, COLS, MIDDLE, 0.3, &ptr, &idx);
    const float *val = check_floats("s_val", (size_t)ptr[COLS], 8), *d = check_floats("D", ROWS * LD, 9);
    for (int i = 0; i < ROWS * MIDDLE; i++)
        A[i / MIDDLE][i % MIDDLE] = d[i / MIDDLE * LD + i % MIDDLE];
    for (int j = 0; j < COLS; j++) {
        double row[MIDDLE];
        spread(ptr, idx, val, j, row, MIDDLE);
        for (int m = 0; m < MIDDLE; m++)
            B[m][j] = row[m];
    }
    const struct spmm_dense_csr a = {.D = d,
                                     .ldd = LD,
                                     .s_ptr = ptr,
                                     .s_idx = idx,
                                     .s_val = val,
                                     .out = check_floats("out", ROWS * LD, 10),
                                     .ldo = LD,
                                     .n = COLS};
    check_run(kernel, &a, ROWS, 0);
    check_product(a.out, NULL, A, B);
    check_end();
}

static void normalize_writes(const void *args, long row)
{
    const struct spmm_normalize *a = args;
    check_may_write(a->X + (size_t)row * a->ld, (size_t)a->cols * sizeof(float));
}

static void normalize_cases(const char *kernel)
{
    for (int cols = 5; cols <= COLS; cols += 36) {
        double before[ROWS][COLS];
        struct spmm_normalize a = {.X = check_floats("X", ROWS * LD, 11), .ld = LD, .cols = cols};
        for (int k = 0; k < cols; k++)
            a.X[2 * LD + k] = 0;
        for (int i = 0; i < ROWS * cols; i++)
            before[i / cols][i % cols] = a.X[i / cols * LD + i % cols];
        check_run(kernel, &a, ROWS, 0);
        for (int r = 0; r < ROWS; r++) {
            double squares = 0;
            for (int k = 0; k < cols; k++)
                squares += before[r][k] * before[r][k];
            for (int k = 0; k < cols; k++) {
                const double want = squares > 0 ? before[r][k] / sqrt(squares) : 0;
                check_near("X", r * LD + k, a.X[r * LD + k], want, 4 * CHECK_EPS * fabs(want));
            }
        }
        check_end();
    }
}

const struct check_kernel check_spmm[] = {
    {"spmm_csr_dense", csr_dense_cases, csr_dense_writes},
    {"spmm_csr_csr", csr_csr_cases, csr_csr_writes},
    {"spmm_dense_csr", dense_csr_cases, dense_csr_writes},
    {"spmm_normalize", normalize_cases, normalize_writes},
    {NULL, NULL, NULL},
};
