/*
 * check_slim.c - slim_column against the same sweeps in double: a Gram matrix of numbers below 1 with a heavy diagonal, so that
 * the sweeps contract and rounding does not grow.
 */
#include <math.h>

#include "check.h"
#include "slim.h"

enum { N = 37, LD = 40, ROWS = 5, FIRST = 3 };

static void slim_writes(const void *args, long row)
{
    const struct slim *a = args;
    check_may_write(a->residual + (size_t)row * a->ld, a->n * sizeof(float));
    check_may_write(a->weight + (size_t)row * a->ld, a->n * sizeof(float));
    check_may_write(a->swept + row, sizeof(int));
}

static double shrink(const struct slim *a, double z, double below)
{
    const double l1 = (double)a->l1, w = z > l1 ? (z - l1) / below : z < -l1 ? (z + l1) / below : 0;
    return a->positive && w < 0 ? 0 : w;
}

/* The column after as many sweeps as the kernel says it made. */
static void exact_column(const struct slim *a, int j, int sweeps, double *w)
{
    for (int i = 0; i < N; i++)
        w[i] = 0;
    for (int s = 0; s < sweeps; s++)
        for (int i = 0; i < N; i++) {
            double z = (double)a->gram[i * LD + j];
            if (i == j)
                continue;
            for (int c = 0; c < N; c++)
                z -= c == i ? 0 : (double)a->gram[i * LD + c] * w[c];
            w[i] = shrink(a, z, (double)a->gram[i * LD + i] + (double)a->l2);
        }
}

static void slim_cases(const char *kernel)
{
    for (int c = 0; c < 4; c++) {
        float *gram = check_floats("gram", N * LD, 1);
        float *diagonal = check_buffer("diagonal", N, sizeof *diagonal);
        struct slim a = {.gram = gram,
                         .diagonal = diagonal,
                         .ld = LD,
                         .n = N,
                         .first = FIRST,
                         .l1 = c < 2 ? 0.05f : 0.0f,
                         .l2 = 2.0f,
                         .positive = c % 2,
                         .sweeps = c == 3 ? 2 : 60,
                         .tolerance = 1e-5f,
                         .residual = check_floats("residual", ROWS * LD, 2),
                         .weight = check_floats("weight", ROWS * LD, 3),
                         .swept = check_buffer("swept", ROWS, sizeof(int))};
        for (int i = 0; i < N; i++) {
            gram[i * LD + i] = diagonal[i] = 18.0f;
            for (int k = 0; k < i; k++)
                gram[i * LD + k] = gram[k * LD + i];
        }
        check_run(kernel, &a, ROWS, 0);
        for (int r = 0; r < ROWS; r++) {
            double w[N];
            const int swept = a.swept[r];
            if (c < 3)
                check_near("converged,", r, swept < 60, 1, 0);
            else
                check_near("sweeps", r, swept, 3, 0);
            exact_column(&a, FIRST + r, swept < a.sweeps ? swept : a.sweeps, w);
            /* The kept gradient has taken at most a step a coordinate and sweep, each rounded at the size of 1. */
            for (int i = 0; i < N; i++)
                check_near("weight", r * LD + i, (double)a.weight[r * LD + i], w[i],
                           CHECK_EPS * N * (double)(swept < a.sweeps ? swept : a.sweeps) / 18);
        }
        check_end();
    }
}

const struct check_kernel check_slim[] = {
    {"slim_column", slim_cases, slim_writes},
    {NULL, NULL, NULL},
};
