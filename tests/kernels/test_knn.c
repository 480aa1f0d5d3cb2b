/* The kernels of knn.cu against plain loops. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "backend/backend.h"
#include "base/csr.h"
#include "knn.h"

enum { N = 70, M = 50 };

struct sparse {
    struct arena *arena;
    struct csr a, transpose; /* [N x M] and [M x N] */
    double dense[N][M];
    const struct backend *backend;
};

/* values: small whole numbers, so that many similarities are equal. */
static void sparse_new(struct sparse *s, double density)
{
    uint32_t row[N * M], col[N * M];
    float value[N * M];
    size_t n = 0;

    memset(s, 0, sizeof *s);
    s->arena = arena_new();
    for (uint32_t r = 0; r < N - 1; r++)
        for (uint32_t c = 0; c < M; c++)
            if (random_unit(3, RANDOM_SYNTH, 0, r * M + c) < density) {
                row[n] = r;
                col[n] = c;
                value[n] = (float)(1 + random_u32(3, RANDOM_SYNTH, 1, r * M + c) % 3);
                s->dense[r][c] = (double)value[n];
                n++;
            }
    assert_int_equal(csr_from_triples(N, M, n, row, col, value, s->arena, &s->a, NULL), STATUS_OK);
    assert_int_equal(csr_transpose(&s->a, s->arena, &s->transpose), STATUS_OK);
    assert_int_equal(backend_open("cpu", 2, &s->backend), STATUS_OK);
}

static struct knn_rows rows_of(const struct csr *a, bool values)
{
    return (struct knn_rows){a->ptr, a->idx, values ? a->val : NULL};
}

struct candidate {
    float similarity;
    uint32_t hash, column;
};
static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->similarity != y->similarity)
        return x->similarity > y->similarity ? -1 : 1;
    return x->hash > y->hash ? -1 : x->hash < y->hash;
}

/* The list of row r by sorting all; ties by the documented hash, written here with the backend's
 * generator. */
static size_t sorted_row(const struct sparse *s, int similarity, float shrinkage, uint64_t seed, uint32_t r,
                         struct candidate *list)
{
    size_t n = 0;
    float square[N] = {0};

    for (int i = 0; i < N; i++)
        for (int c = 0; c < M; c++)
            square[i] += (float)(s->dense[i][c] * s->dense[i][c]);
    for (uint32_t j = 0; j < N; j++) {
        float dot = 0;
        for (int c = 0; c < M; c++)
            dot += (float)(s->dense[r][c] * s->dense[j][c]);
        if (j == r || dot <= 0)
            continue;
        const float value = similarity == KNN_COSINE ? dot / (sqrtf(square[r]) * sqrtf(square[j]) + shrinkage)
                            : similarity == KNN_JACCARD ? dot / (square[r] + square[j] - dot + shrinkage)
                                                        : dot;
        list[n++] = (struct candidate){value, random_u32(seed, RANDOM_TIES, 0, (uint64_t)r << 32 | j), j};
    }
    qsort(list, n, sizeof *list, compare_candidates);
    return n;
}

static void check_rows(const struct sparse *s, const struct knn_similar *k, bool exact_ties)
{
    for (uint32_t r = 0; r < N; r++) {
        struct candidate list[N];
        size_t n = sorted_row(s, k->similarity, k->shrinkage, k->seed, r, list);
        n = n < k->k ? n : k->k;
        assert_int_equal(k->count[r], n);
        for (size_t i = 0; i < n; i++) { /* the kernel's list is in no order */
            const uint32_t *neighbour = k->neighbour + (size_t)r * k->k;
            size_t at = 0;
            while (at < n && neighbour[at] != list[i].column)
                at++;
            if (exact_ties)
                assert_true(at < n);
            if (at < n)
                assert_true(fabsf(k->value[(size_t)r * k->k + at] - list[i].similarity) <=
                            1e-6f * list[i].similarity);
        }
    }
}

static void test_similar(void **state)
{
    struct sparse s;
    const uint32_t ks[] = {1, 7, 30, N};
    const float shrinkages[] = {0, 4};

    (void)state;
    sparse_new(&s, 0.15);
    for (int similarity = 0; similarity < 3; similarity++)
        for (int i = 0; i < 4; i++)
            for (int h = 0; h < 2; h++) {
                struct knn_similar k = {.a = rows_of(&s.a, true),
                                        .transpose = rows_of(&s.transpose, true),
                                        .n = N,
                                        .k = ks[i],
                                        .similarity = similarity,
                                        .shrinkage = shrinkages[h],
                                        .seed = 9,
                                        .stream = RANDOM_TIES};
                float norm[N] = {0};
                for (int r = 0; r < N; r++) {
                    for (int c = 0; c < M; c++)
                        norm[r] += (float)(s.dense[r][c] * s.dense[r][c]);
                    norm[r] = similarity == KNN_COSINE ? sqrtf(norm[r]) : norm[r];
                }
                k.norm = norm;
                k.neighbour = calloc(N * k.k, sizeof *k.neighbour);
                k.value = calloc(N * k.k, sizeof *k.value);
                k.count = calloc(N, sizeof *k.count);
                assert_int_equal(
                    backend_launch(s.backend, &kernel_knn_similar, &k, N, KNN_SIMILAR_SCRATCH(N)), STATUS_OK);
                /* jaccard and dot of whole numbers are exact here and there; cosine's last bit is the
                 * compiler's */
                check_rows(&s, &k, similarity != KNN_COSINE);
                free(k.neighbour);
                free(k.value);
                free(k.count);
            }
    arena_free(s.arena);
}

static void test_gram(void **state)
{
    struct sparse s;

    (void)state;
    sparse_new(&s, 0.2);
    for (int values = 0; values < 2; values++) {
        float gram[N * (N + 1)];
        for (int e = 0; e < N * (N + 1); e++)
            gram[e] = -7;
        const struct knn_gram k = {.a = rows_of(&s.a, values),
                                   .transpose = rows_of(&s.transpose, values),
                                   .diagonal = 0.5f,
                                   .gram = gram,
                                   .ld = N + 1};
        assert_int_equal(backend_launch(s.backend, &kernel_knn_gram, &k, N, 0), STATUS_OK);
        for (int i = 0; i < N; i++)
            for (int j = 0; j <= N; j++) {
                double sum = i == j ? 0.5 : 0;
                for (int c = 0; c < M && j < N; c++)
                    sum += values ? s.dense[i][c] * s.dense[j][c] : s.dense[i][c] != 0 && s.dense[j][c] != 0;
                assert_true((double)gram[i * (N + 1) + j] ==
                            (j <= i ? sum : -7)); /* the upper triangle is left alone */
            }
    }
    arena_free(s.arena);
}

static void test_profiles(void **state)
{
    const uint32_t users[] = {5, 0, N - 1, 5};
    struct sparse s;

    (void)state;
    sparse_new(&s, 0.2);
    for (int values = 0; values < 2; values++) /* P = A [N x M], B = A' [M x N], sparse and dense */
        for (int dense = 0; dense < 2; dense++) {
            static float B[M * (N + 3)], out[4 * (N + 2)];
            for (int c = 0; c < M; c++)
                for (int j = 0; j < N; j++)
                    B[c * (N + 3) + j] = (float)(values ? s.dense[j][c] : s.dense[j][c] != 0);
            for (int e = 0; e < 4 * (N + 2); e++)
                out[e] = -7;
            const struct knn_profile k = {.profile = rows_of(&s.a, values),
                                          .rows = users,
                                          .sparse = rows_of(&s.transpose, values),
                                          .dense = B,
                                          .ld_dense = N + 3,
                                          .n_columns = N,
                                          .out = out,
                                          .ld = N + 2};
            assert_int_equal(backend_launch(s.backend,
                                            dense ? &kernel_knn_profile_dense : &kernel_knn_profile_sparse,
                                            &k, 4, 0),
                             STATUS_OK);
            for (int u = 0; u < 4; u++)
                for (int j = 0; j < N + 2; j++) {
                    double sum = 0;
                    for (int c = 0; c < M && j < N; c++)
                        sum += values ? s.dense[users[u]][c] * s.dense[j][c]
                                      : s.dense[users[u]][c] != 0 && s.dense[j][c] != 0;
                    assert_true((double)out[u * (N + 2) + j] == (j < N ? sum : -7));
                }
        }
    arena_free(s.arena);
}

/* Columns of a dense B that go elsewhere, the rest of a row 0. */
static void test_profile_to_columns(void **state)
{
    const uint32_t users[] = {2}, column[] = {1, 4, 5};
    struct sparse s;

    (void)state;
    sparse_new(&s, 0.3);
    float *matrix = arena_alloc(s.arena, M * 3, sizeof *matrix), out[7];
    for (int e = 0; e < M * 3; e++)
        matrix[e] = (float)(e % 5);
    for (int e = 0; e < 7; e++)
        out[e] = -7;
    const struct knn_profile k = {.profile = rows_of(&s.a, true),
                                  .rows = users,
                                  .dense = matrix,
                                  .ld_dense = 3,
                                  .n_columns = 3,
                                  .column = column,
                                  .n_out = 6,
                                  .out = out,
                                  .ld = 7};
    assert_int_equal(backend_launch(s.backend, &kernel_knn_profile_dense, &k, 1, 0), STATUS_OK);
    for (int j = 0; j < 3; j++) {
        double sum = 0;
        for (int c = 0; c < M; c++)
            sum += s.dense[2][c] * ((c * 3 + j) % 5);
        assert_true((double)out[column[j]] == sum && sum > 0);
    }
    assert_true(out[0] == 0 && out[2] == 0 && out[3] == 0 && out[6] == -7);
    arena_free(s.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_similar), cmocka_unit_test(test_gram),
                                       cmocka_unit_test(test_profiles),
                                       cmocka_unit_test(test_profile_to_columns)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
