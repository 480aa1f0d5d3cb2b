/*
 * check_knn.c - neighbourhoods, Gram matrices and profiles of sparse rows.  Values are small whole numbers,
 * so that sums are exact in float (bound 0) and many similarities are equal: the lists are decided by the tie
 * hash.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "knn.h"
#include "philox.h"

enum { N = 37, M = 23 };

/* A [N x M] and its transpose, sparse and dense. */
struct sparse {
    struct knn_rows a, transpose;
    double dense[N][M];
};

static struct sparse sparse_new(int values)
{
    struct sparse s = {0};
    int64_t *ptr, *t_ptr = NULL, n = 0;
    uint32_t *idx, *t_idx = NULL;
    float *val, *t_val = NULL;
    check_sparse(1, N, M, 0.3, &ptr, &idx);
    val = check_buffer("val", (size_t)ptr[N], sizeof *val);
    t_ptr = check_buffer("t_ptr", M + 1, sizeof *t_ptr);
    t_idx = check_buffer("t_idx", (size_t)ptr[N], sizeof *t_idx);
    t_val = check_buffer("t_val", (size_t)ptr[N], sizeof *t_val);
    for (int r = 0; r < N; r++)
        for (int64_t e = ptr[r]; e < ptr[r + 1]; e++) {
            val[e] = values ? 1.0f + (float)check_whole(2, (uint64_t)e, 3) : 1.0f;
            s.dense[r][idx[e]] = val[e];
        }
    for (int c = 0; c < M; c++) {
        for (uint32_t r = 0; r < N; r++)
            if (s.dense[r][c] != 0)
                t_idx[n] = r, t_val[n++] = (float)s.dense[r][c];
        t_ptr[c + 1] = n;
    }
    s.a = (struct knn_rows){ptr, idx, values ? val : NULL};
    s.transpose = (struct knn_rows){t_ptr, t_idx, values ? t_val : NULL};
    return s;
}

static double dot(const struct sparse *s, int i, int j)
{
    double sum = 0;
    for (int c = 0; c < M; c++)
        sum += s->dense[i][c] * s->dense[j][c];
    return sum;
}

static void similar_writes(const void *args, long row)
{
    const struct knn_similar *a = args;
    const size_t r = (size_t)row + a->first;
    check_may_write(a->neighbour + r * a->k, a->k * sizeof *a->neighbour);
    check_may_write(a->value + r * a->k, a->k * sizeof *a->value);
    check_may_write(a->count + r, sizeof *a->count);
}

static double similarity_of(const struct sparse *s, const struct knn_similar *a, int r, int j)
{
    const double x = dot(s, r, j), mine = a->norm[r], h = (double)a->shrinkage;
    const double other =
        a->similarity == KNN_COSINE && a->other != NULL ? (double)a->other[j] : (double)a->norm[j];
    double n = 0, apart = 0;
    for (int c = 0; c < M; c++)
        if (s->dense[r][c] != 0 && s->dense[j][c] != 0)
            n++, apart += pow(s->dense[r][c] - s->dense[j][c], 2);
    if (a->similarity == KNN_COSINE)
        return x / (mine * other + a->shrinkage);
    if (a->similarity == KNN_CORRELATION)
        return (x - (double)a->other[r] * (double)a->other[j]) / (mine * (double)a->norm[j] + h);
    if (a->similarity == KNN_RATIO)
        return (double)a->scale * x /
               ((double)a->own * mine + (double)a->others * other + (double)a->both * x + h);
    if (a->similarity == KNN_MSD)
        return n > 0 ? n / (n + h) / (apart / n + 1) : 0;
    if (a->similarity == KNN_SUPPORT)
        return n > 1 ? (n - 1) / (n - 1 + h) * x / (mine * other) : 0;
    return a->similarity == KNN_JACCARD ? x / (mine + other - x + a->shrinkage) : x;
}

/* A candidate as the order sees it: the float similarity, then the hash. */
struct candidate {
    float similarity;
    uint32_t hash, column;
};

static int better(const void *x, const void *y)
{
    const struct candidate *a = x, *b = y;
    if (a->similarity != b->similarity)
        return a->similarity > b->similarity ? -1 : 1;
    return (a->hash < b->hash) - (a->hash > b->hash);
}

/* Row r's list: as long as it can be, no value off, none left out that is clearly better; equal dots of whole
 * numbers (exact in float) are chosen by the hash. */
static void check_list(const struct sparse *s, const struct knn_similar *a, int r)
{
    struct candidate all[N];
    uint32_t n = 0;
    int taken[N] = {0};
    for (int j = 0; j < N; j++)
        if (j != r && similarity_of(s, a, r, j) > 0) {
            const uint32_t hash = philox4x32(a->seed, a->stream, (uint64_t)r << 32 | (uint64_t)j).v[0];
            all[n++] = (struct candidate){(float)similarity_of(s, a, r, j), hash, (uint32_t)j};
        }
    qsort(all, n, sizeof *all, better);
    n = n < a->k ? n : a->k;
    check_near("count", r, a->count[r], n, 0);
    if (a->count[r] != n)
        return;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t j = a->neighbour[(size_t)r * a->k + i];
        if (j >= N || taken[j]++) {
            check_near("neighbour, once and below n,", r, j, 0, 0);
            continue;
        }
        const double want = similarity_of(s, a, r, (int)j);
        /* a correlation is a difference of numbers that may be larger */
        const double lost =
            a->similarity == KNN_CORRELATION ? dot(s, r, (int)j) / (a->norm[r] * (double)a->norm[j]) : 0;
        check_near("value", (long)(r * (int)a->k + (int)i), a->value[(size_t)r * a->k + i], want,
                   4 * CHECK_EPS * (fabs(want) + lost));
    }
    for (uint32_t i = 0; i < n; i++) {
        const int sure = a->similarity == KNN_DOT || all[i].similarity > (1 + 1e-5f) * all[n - 1].similarity;
        if (sure)
            check_near("a neighbour among the best, taken,", all[i].column, taken[all[i].column], 1, 0);
    }
}

static void similar_cases(const char *kernel)
{
    static const uint32_t lengths[] = {1, 6, N};
    for (int c = 0; c < 24; c++) {
        struct sparse s = sparse_new(c % 2);
        float *norm = check_buffer("norm", N, sizeof *norm), *other = check_buffer("other", N, sizeof *other);
        struct knn_similar a = {.a = s.a,
                                .transpose = s.transpose,
                                .norm = norm,
                                .n = N,
                                .k = lengths[c / 8],
                                .similarity = c % 8 % 7, /* cosine twice: with one norm and with two */
                                .shrinkage = c < 8 ? 0.0f : 2.0f,
                                .scale = 2.0f,
                                .own = 0.75f,
                                .others = 1.25f,
                                .both = -0.5f,
                                .seed = 9,
                                .stream = 3};
        for (int r = 0; r < N; r++) {
            const double square = dot(&s, r, r);
            norm[r] =
                (float)(a.similarity == KNN_COSINE || a.similarity == KNN_SUPPORT ? sqrt(square) : square);
            other[r] = (float)(2 * sqrt(square) + 1);
            if (a.similarity == KNN_CORRELATION) {
                double sum = 0;
                for (int m = 0; m < M; m++)
                    sum += s.dense[r][m];
                other[r] = (float)(sum / sqrt(M));
                norm[r] = (float)sqrt(square - sum * sum / M);
            }
        }
        a.other = c % 8 == 7 || a.similarity == KNN_CORRELATION ? other : NULL;
        a.neighbour = check_buffer("neighbour", N * a.k, sizeof *a.neighbour);
        a.value = check_floats("value", N * a.k, 4);
        a.count = check_buffer("count", N, sizeof *a.count);
        check_run(kernel, &a, N, KNN_SIMILAR_SCRATCH(N));
        for (int r = 0; r < N; r++)
            check_list(&s, &a, r);
        check_end();
    }
}

static void gram_writes(const void *args, long row)
{
    const struct knn_gram *a = args;
    const size_t r = (size_t)row + a->first;
    check_may_write(a->gram + r * a->ld, (r + 1) * sizeof(float));
}

static void gram_cases(const char *kernel)
{
    for (int values = 0; values < 2; values++) {
        const struct sparse s = sparse_new(values);
        const struct knn_gram a = {.a = s.a,
                                   .transpose = s.transpose,
                                   .diagonal = 0.5f,
                                   .gram = check_floats("gram", N * (N + 2), 5),
                                   .ld = N + 2,
                                   .first = 3};
        check_run(kernel, &a, N - 3, 0);
        for (int i = 3; i < N; i++)
            for (int j = 0; j <= i; j++)
                check_near("gram", i * (N + 2) + j, a.gram[i * (N + 2) + j],
                           dot(&s, i, j) + (i == j ? 0.5 : 0), 0);
        check_end();
    }
}

static void profile_writes(const void *args, long row)
{
    const struct knn_profile *a = args;
    check_may_write(a->out + (size_t)row * a->ld,
                    (a->column != NULL ? a->n_out : a->n_columns) * sizeof(float));
}

enum { PICKED = 6, WIDE = 100, LD = WIDE + 5 };

static void check_profile(const struct sparse *s, const struct knn_profile *a, double B[][WIDE])
{
    for (long r = 0; r < PICKED; r++)
        for (uint32_t j = 0; j < a->n_columns; j++) {
            double sum = 0;
            for (int m = 0; m < M; m++)
                sum += s->dense[a->rows[r]][m] * B[m][j];
            const size_t at = (size_t)r * a->ld + (a->column != NULL ? a->column[j] : j);
            check_near("out", (long)at, a->out[at], sum, 0);
        }
}

static void profile_sparse_cases(const char *kernel)
{
    static double B[M][WIDE];
    for (int values = 0; values < 2; values++) {
        const struct sparse s = sparse_new(values);
        uint32_t *rows = check_buffer("rows", PICKED, sizeof *rows);
        for (uint32_t r = 0; r < PICKED; r++)
            rows[r] = (5 * r + 1) % N;
        for (int i = 0; i < M * N; i++)
            B[i / N][i % N] = s.dense[i % N][i / N];
        const struct knn_profile a = {.profile = s.a,
                                      .rows = rows,
                                      .sparse = s.transpose,
                                      .n_columns = N,
                                      .out = check_floats("out", PICKED * LD, 6),
                                      .ld = LD};
        check_run(kernel, &a, PICKED, 0);
        check_profile(&s, &a, B);
        check_end();
    }
}

static void profile_dense_cases(const char *kernel)
{
    static double B[M][WIDE];
    for (int scattered = 0; scattered < 2; scattered++) {
        const struct sparse s = sparse_new(scattered);
        float *dense = check_buffer("dense", M * LD, sizeof *dense);
        uint32_t *rows = check_buffer("rows", PICKED, sizeof *rows);
        uint32_t *column = check_buffer("column", WIDE, sizeof *column);
        const uint32_t n = scattered ? 47 : WIDE;
        for (uint32_t r = 0; r < PICKED; r++)
            rows[r] = (5 * r + 1) % N;
        for (uint32_t c = 0; c < WIDE; c++)
            column[c] = (2 * c + 1) % WIDE;
        for (int i = 0; i < M * WIDE; i++) {
            B[i / WIDE][i % WIDE] = check_whole(7, (uint64_t)i, 5);
            dense[i / WIDE * LD + i % WIDE] = (float)B[i / WIDE][i % WIDE];
        }
        const struct knn_profile a = {.profile = s.a,
                                      .rows = rows,
                                      .dense = dense,
                                      .ld_dense = LD,
                                      .n_columns = n,
                                      .column = scattered ? column : NULL,
                                      .n_out = WIDE,
                                      .out = check_floats("out", PICKED * LD, 8),
                                      .ld = LD};
        check_run(kernel, &a, PICKED, 0);
        check_profile(&s, &a, B);
        for (int i = 0; i < PICKED * 3 && scattered; i++) /* columns that nothing goes to */
            check_near("out", i / 3 * LD + 2 * (i % 3), a.out[i / 3 * LD + 2 * (i % 3)], 0, 0);
        check_end();
    }
}

const struct check_kernel check_knn[] = {
    {"knn_similar", similar_cases, similar_writes},
    {"knn_gram", gram_cases, gram_writes},
    {"knn_profile_sparse", profile_sparse_cases, profile_writes},
    {"knn_profile_dense", profile_dense_cases, profile_writes},
    {NULL, NULL, NULL},
};
