/*
 * check_als.c - als_cg_*, als_cholesky_*, als_block_*, gram, gram_sum.
 *
 * A solution x is judged by its residual in double, b - A x, against S = |b| + |A| |x| summed over the same
 * products: the bound
 * ||b - A x|| <= c eps ||S|| is the arithmetic's own and does not grow with the condition of A.
 */
#include <math.h>
#include <string.h>

#include "als.h"
#include "check.h"

enum { ROWS = 5, COLUMNS = 45, RANK_MOST = 288 };

static void als_writes(const void *args, long row)
{
    const struct als *a = args;
    const size_t u = a->order != NULL ? a->order[row] : (size_t)row;
    check_may_write(a->X + u * (size_t)a->rank, (size_t)a->rank * sizeof(float));
}

/* Rows of 0, 1 and about 10 to 40 entries (als_cholesky packs ALS_CHUNK at a time); `factors` of rank columns
 * used. */
enum { RENDLE, HU, RATINGS, MODES };
static struct als problem(int factors, int rank, int mode)
{
    const int hu = mode == HU;
    struct als a = {.alpha = hu ? 3.0f : 1.0f,
                    .base = hu ? 1.0f : 0.0f,
                    .n_columns = COLUMNS,
                    .rank = rank,
                    .steps = 100};
    float *Y = check_buffer("Y", (size_t)COLUMNS * (size_t)rank, 4), *ridge = check_floats("ridge", ROWS, 2);
    float *G = check_buffer("G", (size_t)rank * (size_t)rank, 4),
          *val = check_buffer("val", ROWS * COLUMNS, 4);
    uint32_t *order = check_buffer("order", ROWS, 4), *idx = check_buffer("idx", ROWS * COLUMNS, 4);
    int64_t *ptr = check_buffer("ptr", ROWS + 1, 8), n = 0;
    a.X = check_buffer("X", (size_t)ROWS * (size_t)rank, 4);
    for (int r = 0; r < ROWS; r++) {
        const float density[ROWS] = {0.9f, 0.0f, 0.4f, 0.2f, 0.6f};
        for (uint32_t c = 0; c < COLUMNS; c++)
            if (check_unit(3, (uint64_t)r * COLUMNS + c) < density[r] || (r == 1 && c == 7 && hu))
                idx[n] = c, val[n++] = 1.0f + (float)(c % 5);
        ptr[r + 1] = n;
        order[r] = (uint32_t)(r * 2 + 1) % ROWS;
        ridge[r] = 2.0f + ridge[r];
        for (int k = 0; k < factors; k++)
            a.X[r * rank + k] = check_unit(4, (uint64_t)(r * rank + k)) - 0.5f;
    }
    for (int c = 0; c < COLUMNS; c++)
        for (int k = 0; k < factors; k++)
            Y[c * rank + k] = check_unit(5, (uint64_t)(c * rank + k)) - 0.5f;
    for (int i = 0; i < rank; i++)
        for (int j = 0; j < rank; j++)
            for (int c = 0; c < COLUMNS; c++)
                G[i * rank + j] += (hu ? 1.0f : 0.1f) * Y[c * rank + i] * Y[c * rank + j];
    a.Y = Y, a.G = G, a.ridge = ridge, a.ptr = ptr, a.idx = idx;
    a.val = hu ? val : NULL, a.order = hu ? order : NULL;
    if (mode == RATINGS)
        a.G = NULL, a.bases = val;
    return a;
}

/* Row u: ||b - A x|| in columns first .. first + width - 1 against c eps ||S||. */
static void check_columns(const struct als *a, long u, int first, int width, double c)
{
    static double residual[RANK_MOST], size[RANK_MOST];
    const int rank = a->rank;
    const float *x = a->X + u * rank;
    double norm = 0, most = 0;
    for (int i = 0; i < rank; i++) {
        residual[i] = -(double)a->ridge[u] * x[i];
        size[i] = fabs(residual[i]);
        for (int j = 0; j < rank; j++) {
            const double term = a->G != NULL ? (double)a->G[i * rank + j] * x[j] : 0.0;
            residual[i] -= term, size[i] += fabs(term);
        }
    }
    for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++) {
        const float *y = a->Y + (size_t)a->idx[e] * (size_t)rank;
        const double w = a->val != NULL ? (double)a->alpha * a->val[e] : a->alpha;
        const double base = a->bases != NULL ? a->bases[e] : a->base;
        double dot = 0, dot_size = 0;
        for (int k = 0; k < rank; k++)
            dot += (double)y[k] * x[k], dot_size += fabs((double)y[k] * x[k]);
        for (int k = 0; k < rank; k++) {
            residual[k] += (base + w - w * dot) * y[k];
            size[k] += fabs((base + w + w * dot_size) * y[k]);
        }
    }
    for (int k = first; k < first + width; k++)
        norm += residual[k] * residual[k], most += size[k] * size[k];
    if (a->ptr[u] == a->ptr[u + 1]) { /* no entries: zeros */
        for (int k = 0; k < rank; k++)
            check_near("X of a row without entries", u * rank + k, x[k], 0, 0);
        return;
    }
    check_near("residual of row", u, sqrt(norm), 0, c * CHECK_EPS * sqrt(most));
}

static void check_row(const struct als *a, long u, double c)
{
    check_columns(a, u, 0, a->rank, c);
}

static void solver_cases(const char *kernel, int cholesky)
{
    static const struct {
        const char *suffix;
        int factors, rank;
    } shapes[] = {{"_32", 20, 32},    {"_32", 32, 32},    {"_64", 50, 64},  {"_128", 128, 128},
                  {"_192", 180, 192}, {"_256", 250, 256}, {"_any", 70, 96}, {"_any", 64, 64}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int mode = 0; mode < MODES && strcmp(strrchr(kernel, '_'), shapes[i].suffix) == 0; mode++) {
            const struct als a = problem(shapes[i].factors, shapes[i].rank, mode);
            check_run(kernel, &a, ROWS, cholesky ? als_cholesky_scratch(a.rank) : als_cg_scratch(a.rank));
            for (long u = 0; u < ROWS; u++) {
                check_row(&a, u, 4);
                for (int k = shapes[i].factors; k < a.rank; k++)
                    check_near("unused column of X", u * a.rank + k, a.X[u * a.rank + k], 0, 0);
            }
            check_end();
        }
}

static void cg_cases(const char *kernel)
{
    solver_cases(kernel, 0);
}
static void cholesky_cases(const char *kernel)
{
    solver_cases(kernel, 1);
}

static void block_writes(const void *args, long row)
{
    const struct als *a = args;
    const size_t u = a->order != NULL ? a->order[row] : (size_t)row;
    als_writes(args, row);
    check_may_write(a->prediction + a->ptr[u], (size_t)(a->ptr[u + 1] - a->ptr[u]) * sizeof(float));
}

/* All blocks of a row of 96 or 128, each exact where it has just been solved. */
static void block_cases(const char *kernel)
{
    const int width = strcmp(kernel, "als_block_64") == 0 ? 64 : 32, rank = width == 64 ? 128 : 96;
    for (int mode = 0; mode < MODES; mode++) {
        struct als a = problem(rank - 10, rank, mode);
        a.prediction = check_buffer("prediction", (size_t)a.ptr[ROWS] + 1, sizeof(float));
        for (int k = 0; a.ptr[1] == a.ptr[2] && k < rank; k++)
            a.X[rank + k] = 0; /* a row without entries is 0 from the start */
        for (a.first = 0; a.first < rank; a.first += width) {
            check_run(kernel, &a, ROWS, als_cholesky_scratch(width));
            for (long u = 0; u < ROWS; u++)
                check_columns(&a, u, a.first, width, 8);
        }
        for (long u = 0; u < ROWS; u++)
            for (int64_t e = a.ptr[u]; e < a.ptr[u + 1]; e++) {
                double dot = 0, size = 0;
                for (int k = 0; k < rank; k++) {
                    const double term =
                        (double)a.X[u * rank + k] * (double)a.Y[a.idx[e] * (uint32_t)rank + (uint32_t)k];
                    dot += term, size += fabs(term);
                }
                check_near("prediction", (long)e, (double)a.prediction[e], dot, 8 * CHECK_EPS * (size + 1));
            }
        check_end();
    }
}

static void gram_writes(const void *args, long row)
{
    const struct gram *a = args;
    const long tiles = a->rank / ALS_GRAM_ROWS, first = row / tiles * a->rank + row % tiles * ALS_GRAM_ROWS;
    check_may_write(a->part + first * a->rank, sizeof(float) * ALS_GRAM_ROWS * (size_t)a->rank);
}

static void gram_cases(const char *kernel)
{
    static const int shapes[][2] = {{1, 32}, {300, 64}, {520, 96}}; /* rows of Y, rank */
    for (int s = 0; s < 3; s++) {
        const int n = shapes[s][0], rank = shapes[s][1], blocks = gram_blocks(n),
                  size = (n + blocks - 1) / blocks;
        const float *Y = check_floats("Y", (size_t)(n * rank), 1);
        const struct gram a = {.Y = Y,
                               .part = check_floats("part", (size_t)(blocks * rank * rank), 2),
                               .n = n,
                               .rank = rank,
                               .n_blocks = blocks};
        check_run(kernel, &a, (long)blocks * rank / ALS_GRAM_ROWS, 0);
        for (int i = 0; i < blocks * rank * rank; i++) {
            const int block = i / rank / rank;
            double sum = 0, most = 0;
            for (int e = block * size; e < n && e < (block + 1) * size; e++) {
                const double term = (double)Y[e * rank + i / rank % rank] * Y[e * rank + i % rank];
                sum += term, most += fabs(term);
            }
            check_near("part", i, a.part[i], sum, 16 * CHECK_EPS * most);
        }
        check_end();
    }
}

static void gram_sum_writes(const void *args, long row)
{
    const struct gram_sum *a = args;
    check_may_write(a->G + row * a->rank, (size_t)a->rank * sizeof(float));
}

static void gram_sum_cases(const char *kernel)
{
    for (int blocks = 1; blocks <= 7; blocks += 3) {
        const int rank = 64, n = rank * rank;
        const struct gram_sum a = {.part = check_floats("part", (size_t)(blocks * n), 1),
                                   .G = check_floats("G", (size_t)n, 2),
                                   .scale = 0.3f,
                                   .rank = rank,
                                   .n_blocks = blocks};
        check_run(kernel, &a, rank, 0);
        for (int i = 0; i < n; i++) {
            double sum = 0, most = 0;
            for (int b = 0; b < blocks; b++)
                sum += a.part[b * n + i], most += fabs((double)a.part[b * n + i]);
            check_near("G", i, a.G[i], a.scale * sum, 4 * CHECK_EPS * a.scale * most);
        }
        check_end();
    }
}

const struct check_kernel check_als[] = {
    {"als_cg_32", cg_cases, als_writes},
    {"als_cg_64", cg_cases, als_writes},
    {"als_cg_128", cg_cases, als_writes},
    {"als_cg_192", cg_cases, als_writes},
    {"als_cg_256", cg_cases, als_writes},
    {"als_cg_any", cg_cases, als_writes},
    {"als_cholesky_32", cholesky_cases, als_writes},
    {"als_cholesky_64", cholesky_cases, als_writes},
    {"als_cholesky_128", cholesky_cases, als_writes},
    {"als_cholesky_192", cholesky_cases, als_writes},
    {"als_cholesky_256", cholesky_cases, als_writes},
    {"als_cholesky_any", cholesky_cases, als_writes},
    {"als_block_32", block_cases, block_writes},
    {"als_block_64", block_cases, block_writes},
    {"gram", gram_cases, gram_writes},
    {"gram_sum", gram_sum_cases, gram_sum_writes},
    {NULL, NULL, NULL},
};
