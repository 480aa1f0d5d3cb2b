/* check_gemm.c - products of every combination of transposes, with edges, against sums in double. */
#include <math.h>

#include "check.h"
#include "gemm.h"

enum { M = 19, N = 70, K = 13, LDA = 21, LDB = 72, LDC = 75 };

static void gemm_writes(const void *args, long row)
{
    const struct gemm *a = args;
    const size_t across = (a->n + GEMM_COLS - 1) / GEMM_COLS;
    const size_t i0 = (size_t)row / across * GEMM_ROWS, j0 = (size_t)row % across * GEMM_COLS;
    for (size_t i = i0; i < i0 + GEMM_ROWS && i < a->m; i++)
        check_may_write(a->C + i * a->ldc + j0,
                        (a->n - j0 < GEMM_COLS ? a->n - j0 : GEMM_COLS) * sizeof(float));
}

static void gemm_cases(const char *kernel)
{
    for (int c = 0; c < 8; c++) {
        const int ta = c & 1, tb = c >> 1 & 1;
        const float beta = c & 4 ? 0.5f : 0.0f;
        float *A = check_floats("A", (size_t)(ta ? K : M) * LDA, 1);
        float *B = check_floats("B", (size_t)(tb ? N : K) * LDB, 2);
        float *C = check_floats("C", (size_t)(M + 1) * LDC, 3) /* a row that nothing may write */,
              *before = check_floats("before", (size_t)M * LDC, 3);
        const struct gemm a = {A, B, C, LDA, LDB, LDC, M, N, K, 1.5f, beta, ta, tb};
        check_run(kernel, &a, gemm_rows(M, N), 0);
        for (int i = 0; i < M; i++)
            for (int j = 0; j < N; j++) {
                double want = 0, size = 0;
                for (int p = 0; p < K; p++) {
                    const double x = (double)(ta ? A[p * LDA + i] : A[i * LDA + p]) *
                                     (double)(tb ? B[j * LDB + p] : B[p * LDB + j]);
                    want += 1.5 * x, size += 1.5 * fabs(x);
                }
                want += (double)beta * (double)before[i * LDC + j];
                size += (double)beta * fabs((double)before[i * LDC + j]);
                check_near("C", i * LDC + j, (double)C[i * LDC + j], want, (K + 3) * CHECK_EPS * size);
            }
        check_end();
    }
}

const struct check_kernel check_gemm[] = {
    {"gemm", gemm_cases, gemm_writes},
    {NULL, NULL, NULL},
};
