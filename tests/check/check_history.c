/*
 * check_history.c - users as weighted means of their items' vectors, and the gradient of the weights' query, against double.
 */
#include <math.h>

#include "check.h"
#include "history.h"

enum { USERS = 6, ITEMS = 17, D = 45, ROWS = 7 };

static void writes(const void *args, long r)
{
    const struct history *a = args;
    check_may_write(a->out + (size_t)r * (size_t)a->d, (size_t)a->d * sizeof(float));
}

/* User 1 has nothing; one row leaves out all that its user has. */
static struct history made(int attends, int named)
{
    int64_t *ptr;
    uint32_t *idx, *user = check_buffer("user", ROWS, sizeof *user),
                   *skip = check_buffer("skip", ROWS, sizeof *skip);
    check_sparse(1, USERS, ITEMS, 0.4, &ptr, &idx);
    for (int r = 0; r < ROWS; r++) {
        user[r] = (uint32_t)(r * 5 % USERS);
        skip[r] = r == 3 || ptr[user[r] + 1] == ptr[user[r]] ? HISTORY_NONE : idx[ptr[user[r] + 1] - 1];
    }
    float *score = check_floats("score", ITEMS, 2);
    for (int i = 0; i < ITEMS; i++)
        score[i] *= 6;
    return (struct history){.ptr = ptr,
                            .idx = idx,
                            .user = named ? user : NULL,
                            .skip = named ? skip : NULL,
                            .score = attends ? score : NULL,
                            .items = check_floats("items", ITEMS * D, 3),
                            .out = check_floats("out", ROWS * D + 1, 4),
                            .d = D};
}

/* The weights of row r's history, [ITEMS]. */
static void weights(const struct history *a, int r, double *w)
{
    const uint32_t u = a->user == NULL ? (uint32_t)r : a->user[r];
    double total = 0;
    for (int i = 0; i < ITEMS; i++)
        w[i] = 0;
    for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
        if (a->skip == NULL || a->idx[e] != a->skip[r])
            total += w[a->idx[e]] = a->score == NULL ? 1 : exp((double)a->score[a->idx[e]]);
    for (int i = 0; i < ITEMS && total > 0; i++)
        w[i] /= total;
}

static void pool_cases(const char *kernel)
{
    for (int c = 0; c < 4; c++) {
        const struct history a = made(c % 2, c < 2);
        const int rows = c < 2 ? ROWS : USERS;
        check_run(kernel, &a, rows, 0);
        for (int r = 0; r < rows; r++) {
            double w[ITEMS];
            weights(&a, r, w);
            for (int k = 0; k < D; k++) {
                double sum = 0, size = 0;
                for (int i = 0; i < ITEMS; i++)
                    sum += w[i] * (double)a.items[i * D + k], size += w[i] * fabs((double)a.items[i * D + k]);
                check_near("out", r * D + k, a.out[r * D + k], sum, 32 * CHECK_EPS * size);
            }
        }
        check_end();
    }
}

static void back_cases(const char *kernel)
{
    for (int c = 0; c < 2; c++) {
        struct history a = made(1, c == 0);
        const int rows = c == 0 ? ROWS : USERS;
        float *h = check_floats("h", ROWS * D, 5);
        const float *of = check_floats("of", ROWS * D, 6);
        for (int r = 0; r < rows; r++) {
            double w[ITEMS];
            weights(&a, r, w);
            for (int k = 0; k < D; k++) {
                double sum = 0;
                for (int i = 0; i < ITEMS; i++)
                    sum += w[i] * (double)a.items[i * D + k];
                h[r * D + k] = (float)sum;
            }
        }
        a.h = h, a.of = of;
        check_run(kernel, &a, rows, 0);
        for (int r = 0; r < rows; r++) {
            double w[ITEMS], mean = 0, size_of_mean = 0;
            weights(&a, r, w);
            for (int k = 0; k < D; k++) {
                mean += (double)of[r * D + k] * (double)h[r * D + k];
                size_of_mean += fabs((double)of[r * D + k] * (double)h[r * D + k]);
            }
            for (int k = 0; k < D; k++) {
                double sum = 0, size = 0;
                for (int i = 0; i < ITEMS; i++) {
                    double dot = 0, size_of_dot = size_of_mean;
                    for (int m = 0; m < D; m++) {
                        dot += (double)of[r * D + m] * (double)a.items[i * D + m];
                        size_of_dot += fabs((double)of[r * D + m] * (double)a.items[i * D + m]);
                    }
                    sum += w[i] * (dot - mean) * (double)a.items[i * D + k];
                    size += w[i] * size_of_dot * fabs((double)a.items[i * D + k]);
                }
                check_near("out", r * D + k, a.out[r * D + k], sum, 32 * CHECK_EPS * size);
            }
        }
        check_end();
    }
}

const struct check_kernel check_history[] = {
    {"history_pool", pool_cases, writes},
    {"history_back", back_cases, writes},
    {NULL, NULL, NULL},
};
