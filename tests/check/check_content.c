/*
 * check_content.c - content_bayes of all kinds against the formulas in double; content_positive.
 */
#include <math.h>

#include "check.h"
#include "content.h"

enum { ROWS = 4, COLS = 41, LD = 48 };

static void positive_writes(const void *args, long row)
{
    const struct content_positive *a = args;
    check_may_write(a->X + row * (long)a->ld, (size_t)a->cols * sizeof(float));
}

static void positive_cases(const char *kernel)
{
    static double want[ROWS * LD];
    const struct content_positive a = {check_floats("X", ROWS * LD, 1), LD, COLS};
    for (int i = 0; i < ROWS * LD; i++)
        want[i] = a.X[i] > 0 || i % LD >= COLS ? (double)a.X[i] : 0;
    check_run(kernel, &a, ROWS, 0);
    for (int i = 0; i < ROWS * LD; i++)
        check_near("X", i, (double)a.X[i], want[i], 0);
    check_end();
}

static void bayes_writes(const void *args, long row)
{
    const struct content_bayes *a = args;
    check_may_write(a->X + row * (long)a->ld, (size_t)a->cols * sizeof(float));
    check_may_write(a->constant + row, sizeof(float));
}

static void exact(const struct content_bayes *a, const double *x, const double *z, long r, double *weight,
                  double *constant)
{
    const double alpha = (double)a->smoothing, liked = (double)a->n_liked[r], other = (double)a->n_other[r];
    const int bernoulli = a->kind == BAYES_BERNOULLI;
    double sum_x = 0, sum_z = 0, logs_x = 0, logs_z = 0, absent = 0;
    for (int w = 0; w < COLS; w++)
        sum_x += x[w], sum_z += z[w];
    const double below_x = bernoulli ? liked + 2 * alpha : sum_x + alpha * COLS,
                 below_z = bernoulli ? other + 2 * alpha : sum_z + alpha * COLS;
    for (int w = 0; w < COLS; w++) {
        const double theta = (x[w] + alpha) / below_x, phi = (z[w] + alpha) / below_z;
        logs_x += log(theta), logs_z += log(phi);
        absent += bernoulli ? log(1 - theta) - log(1 - phi) : 0;
        weight[w] = log(theta) - log(phi) - (bernoulli ? log(1 - theta) - log(1 - phi) : 0);
    }
    for (int w = 0; w < COLS && a->kind == BAYES_COMPLEMENT && a->normalize; w++)
        weight[w] = log((z[w] + alpha) / below_z) / logs_z - log((x[w] + alpha) / below_x) / logs_x;
    *constant = absent + (a->prior ? log(liked / other) : 0);
    for (int w = 0; w < COLS && (liked == 0 || other == 0); w++)
        weight[w] = *constant = 0;
}

static void bayes_cases(const char *kernel)
{
    static double weight[ROWS][COLS], constant[ROWS];
    for (int c = 0; c < 6; c++) {
        float *X = check_buffer("X", ROWS * LD, sizeof *X), *Z = check_buffer("Z", ROWS * LD, sizeof *Z);
        float *all = check_buffer("all", COLS, sizeof *all),
              *liked = check_buffer("liked", ROWS, sizeof *liked),
              *other = check_buffer("other", ROWS, sizeof *other);
        for (uint32_t w = 0; w < COLS; w++) {
            all[w] = 12;
            for (uint32_t r = 0; r < ROWS; r++) {
                X[r * LD + w] = (float)check_whole(r, w, 4);
                Z[r * LD + w] = (float)check_whole(r + 10, w, 6);
            }
        }
        for (int r = 0; r < ROWS; r++)
            liked[r] = r == 2 ? 0 : 5.0f + (float)r, other[r] = 20.0f - (float)r;
        const struct content_bayes a = {.X = X,
                                        .Z = c % 2 ? Z : NULL,
                                        .all = c % 2 ? NULL : all,
                                        .n_liked = liked,
                                        .n_other = other,
                                        .constant = check_buffer("constant", ROWS, sizeof(float)),
                                        .ld = LD,
                                        .smoothing = 0.5f,
                                        .kind = c / 2,
                                        .normalize = c == 4,
                                        .prior = c < 3,
                                        .cols = COLS};
        for (long r = 0; r < ROWS; r++) {
            double x[COLS], z[COLS];
            for (int w = 0; w < COLS; w++) {
                x[w] = (double)X[r * LD + w];
                z[w] = a.Z != NULL ? (double)Z[r * LD + w] : (double)all[w] - x[w];
            }
            exact(&a, x, z, r, weight[r], &constant[r]);
        }
        check_run(kernel, &a, ROWS, 0);
        for (int r = 0; r < ROWS; r++) {
            check_near("constant", r, (double)a.constant[r], constant[r], 20 * COLS * CHECK_EPS);
            for (int w = 0; w < COLS; w++)
                check_near("X", r * LD + w, (double)X[r * LD + w], weight[r][w], 20 * CHECK_EPS);
        }
        check_end();
    }
}

const struct check_kernel check_content[] = {{"content_positive", positive_cases, positive_writes},
                                             {"content_bayes", bayes_cases, bayes_writes},
                                             {NULL, NULL, NULL}};
