/* item_knn and user_knn against dense double-precision computations from the definitions in neighbours.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "small_view.h"

#include "models/neighbours.h"

extern const struct model_type model_item_knn, model_user_knn;

enum { USERS = 60, ITEMS = 45 };

/* Row a, column c of the matrix whose rows are compared: items of users, or users of items. */
static double entry(const double *x, bool items, size_t a, size_t c)
{
    return items ? x[c * ITEMS + a] : x[a * ITEMS + c];
}

/* w_at of neighbours.h, [n x m]. */
static void bm25(double *x, size_t n, size_t m, const struct knn_params *p)
{
    double total = 0;

    for (size_t e = 0; e < n * m; e++)
        total += x[e];
    double *length = calloc(n, sizeof *length), *frequency = calloc(m, sizeof *frequency);
    for (size_t e = 0; e < n * m; e++) {
        length[e / m] += x[e];
        frequency[e % m] += x[e] != 0;
    }
    for (size_t e = 0; e < n * m; e++)
        x[e] = x[e] == 0
                   ? 0
                   : x[e] * (p->bm25_k1 + 1) /
                         (p->bm25_k1 * (1 - p->bm25_b + p->bm25_b * length[e / m] / (total / (double)n)) +
                          x[e]) *
                         (log((double)n) - log(1 + frequency[e % m]));
    free(length);
    free(frequency);
}

/* sim [n x n], not yet cut to k. */
static double *similarities(const double *x, bool items, const struct knn_params *p)
{
    const size_t n = items ? ITEMS : USERS, m = items ? USERS : ITEMS;
    double *a = calloc(n * m, sizeof *a), *sim = calloc(n * n, sizeof *sim),
           *square = calloc(n, sizeof *square);

    for (size_t e = 0; e < n * m; e++)
        a[e] = entry(x, items, e / m, e % m);
    if (p->similarity == 2)
        bm25(a, n, m, p);
    for (size_t e = 0; e < n * m; e++)
        square[e / m] += a[e] * a[e];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double dot = 0, below = 1;
            for (size_t c = 0; c < m; c++)
                dot += a[i * m + c] * a[j * m + c];
            if (p->similarity == 0)
                below = sqrt(square[i]) * sqrt(square[j]) + p->shrinkage;
            else if (p->similarity == 1)
                below = square[i] + square[j] - dot + p->shrinkage;
            sim[i * n + j] = i == j || dot <= 0 ? 0 : dot / below;
        }
    free(a);
    free(square);
    return sim;
}

/* Is j among the k nearest of i?  Ties do not occur in the matrices given here. */
static bool is_neighbour(const double *sim, size_t n, size_t i, size_t j, size_t k)
{
    size_t better = 0;

    for (size_t c = 0; c < n; c++)
        better += sim[i * n + c] > sim[i * n + j];
    return sim[i * n + j] > 0 && better < k;
}

static double *exact_scores(const struct small *s, bool items, const struct knn_params *p)
{
    double *x = calloc(USERS * ITEMS, sizeof *x), *scores = calloc(USERS * ITEMS, sizeof *scores);
    for (size_t e = 0; e < USERS * ITEMS; e++)
        x[e] = p->binary ? s->dense[e] != 0 : s->dense[e];
    double *sim = similarities(x, items, p);

    for (size_t u = 0; u < USERS; u++)
        for (size_t i = 0; i < ITEMS; i++)
            if (items) {
                for (size_t j = 0; j < ITEMS; j++)
                    if (is_neighbour(sim, ITEMS, i, j, (size_t)p->k))
                        scores[u * ITEMS + i] += x[u * ITEMS + j] * sim[i * ITEMS + j];
            } else {
                for (size_t v = 0; v < USERS; v++)
                    if (is_neighbour(sim, USERS, u, v, (size_t)p->k))
                        scores[u * ITEMS + i] += sim[u * USERS + v] * x[v * ITEMS + i];
            }
    free(x);
    free(sim);
    return scores;
}

static void compare(bool items, const struct knn_params *p)
{
    const struct model_type *type = items ? &model_item_knn : &model_user_knn;
    struct small s;

    small_new(&s, USERS, ITEMS, 0.25, 1, 11, 2);
    const float *scores = small_scores(&s, type, p, NULL);
    double *exact = exact_scores(&s, items, p), total = 0;
    for (size_t e = 0; e < USERS * ITEMS; e++) {
        total += fabs(exact[e]);
        if (fabs((double)scores[e] - exact[e]) > 1e-5 * (1 + fabs(exact[e])))
            fail_msg("%s, similarity %d, k %d, shrinkage %g, binary %d: score %zu is %.9g, expected %.9g",
                     type->name, p->similarity, p->k, p->shrinkage, p->binary, e, (double)scores[e],
                     exact[e]);
    }
    assert_true(total > 1);
    free(exact);
    small_free(&s);
}

static void test_against_double(void **state)
{
    const double shrinkages[] = {0, 2.5, 100};
    const int ks[] = {1, 4, 1000};

    (void)state;
    for (int items = 0; items < 2; items++)
        for (int similarity = 0; similarity < 3; similarity++)
            for (int k = 0; k < 3; k++)
                for (int s = 0; s < (similarity == 2 ? 1 : 3); s++) {
                    struct knn_params p = {.similarity = similarity,
                                           .k = ks[k],
                                           .shrinkage = shrinkages[s],
                                           .bm25_k1 = 1.2,
                                           .bm25_b = 0.75};
                    compare(items, &p);
                    p.binary = true; /* many equal similarities: only where all neighbours are kept */
                    p.k = 1000;
                    compare(items, &p);
                }
}

/* n items that are all alike: which are kept at the cut must favour no place in the order, and follow the
 * seed. */
static void test_ties_favour_no_index(void **state)
{
    enum { N = 200, K = 20 };
    int kept[N] = {0}, differ = 0;
    uint32_t first[N * K];

    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct small s;
        struct csr neighbours;
        const struct knn_params p = {.k = K, .binary = true};
        small_new(&s, 3, N, 1, 0, 11, 2);
        s.run.seed = seed;
        assert_int_equal(knn_neighbours(&s.by_item, &s.by_user, &p, &s.run, &neighbours), STATUS_OK);
        assert_int_equal(neighbours.nnz, N * K);
        for (int e = 0; e < N * K; e++) {
            assert_int_not_equal(neighbours.idx[e], e / K);
            kept[neighbours.idx[e]]++;
            differ += seed == 2 && neighbours.idx[e] != first[e];
            first[e] = neighbours.idx[e];
        }
        small_free(&s);
    }
    for (int c = 0; c < N; c++)
        assert_in_range(kept[c], 10, 80); /* binomial(400, 0.1): mean 40, standard deviation 6 */
    assert_true(differ > N * K / 2);
}

static void test_threads_give_the_same_bytes(void **state)
{
    (void)state;
    for (int items = 0; items < 2; items++)
        for (int similarity = 0; similarity < 3; similarity++) {
            const struct model_type *type = items ? &model_item_knn : &model_user_knn;
            const struct knn_params p = {
                .similarity = similarity, .k = 10, .binary = items, .bm25_k1 = 1.2, .bm25_b = 0.75};
            struct small one, two;
            small_new(&one, 300, 200, 0.2, 0, 5, 1);
            const float *a = small_scores(&one, type, &p, NULL);
            small_new(&two, 300, 200, 0.2, 0, 5, 2);
            const float *b = small_scores(&two, type, &p, NULL);
            assert_memory_equal(a, b, (size_t)300 * 200 * sizeof *a);
            small_free(&one);
            small_free(&two);
        }
}

static void test_edges(void **state)
{
    (void)state;
    for (int items = 0; items < 2; items++)
        for (int similarity = 0; similarity < 3; similarity++) {
            const struct model_type *type = items ? &model_item_knn : &model_user_knn;
            const struct knn_params p = {
                .similarity = similarity, .k = 5, .binary = true, .bm25_k1 = 1.2, .bm25_b = 0.75};
            struct small s;
            small_new(&s, 20, 15, 0.5, 1, 5, 1);
            const float *scores = small_scores(&s, type, &p, NULL);
            for (int i = 0; i < 15; i++)
                assert_true(scores[19 * 15 + i] == 0); /* the user without history */
            for (int u = 0; u < 20; u++)
                assert_true(scores[u * 15 + 14] == 0); /* the item without interactions */
            small_free(&s);
            small_new(&s, 1, 6, 1, 0, 5, 1); /* one user */
            scores = small_scores(&s, type, &p, NULL);
            for (int i = 0; i < 6; i++)
                assert_true(isfinite(scores[i]));
            small_free(&s);
            small_new(&s, 4, 4, 0, 0, 5, 1); /* nothing at all */
            scores = small_scores(&s, type, &p, NULL);
            for (int e = 0; e < 16; e++)
                assert_true(scores[e] == 0);
            small_free(&s);
        }
}

static void test_save_and_load(void **state)
{
    (void)state;
    for (int items = 0; items < 2; items++)
        for (int binary = 0; binary < 2; binary++) {
            const struct model_type *type = items ? &model_item_knn : &model_user_knn;
            const struct knn_params p = {.k = 5, .binary = binary, .bm25_k1 = 1.2, .bm25_b = 0.75};
            struct small s;
            void *fitted;
            small_new(&s, 40, 30, 0.3, 1, 5, 1);
            const float *scores = small_scores(&s, type, &p, &fitted);
            small_round_trip(&s, type, &p, fitted, scores);
            small_free(&s);
        }
}

static void keep_sentence(void *context, enum status status, const char *sentence)
{
    (void)status;
    snprintf(context, 256, "%s", sentence);
}

static void test_check(void **state)
{
    const struct node where = {.file = "experiment.yaml", .line = 7, .column = 3};
    struct knn_params p = {.similarity = 2, .k = 5, .shrinkage = 3};
    char sentence[256] = "";

    (void)state;
    status_set_handler(keep_sentence, sentence, NULL, NULL);
    assert_int_equal(knn_check(&p, &where), STATUS_USAGE);
    assert_string_equal(
        sentence, "experiment.yaml:7:3: shrinkage is 3, but bm25 has no norm to add it to: set shrinkage: 0");
    assert_int_equal(knn_check(&p, NULL), STATUS_USAGE);
    status_set_handler(NULL, NULL, NULL, NULL);
    p.similarity = 1;
    assert_int_equal(knn_check(&p, &where), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_double),
                                       cmocka_unit_test(test_ties_favour_no_index),
                                       cmocka_unit_test(test_threads_give_the_same_bytes),
                                       cmocka_unit_test(test_edges),
                                       cmocka_unit_test(test_save_and_load),
                                       cmocka_unit_test(test_check)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
