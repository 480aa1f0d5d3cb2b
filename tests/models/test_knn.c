/* item_knn and user_knn against dense double-precision computations from the definitions in neighbours.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "small_view.h"

#include "golden.h"
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

/* sqrt(v) idf. */
static void tf_idf(double *x, size_t n, size_t m)
{
    for (size_t c = 0; c < m; c++) {
        double frequency = 0;
        for (size_t i = 0; i < n; i++)
            frequency += x[i * m + c] != 0;
        for (size_t i = 0; i < n; i++)
            x[i * m + c] = sqrt(x[i * m + c]) * (log((double)n) - log(1 + frequency));
    }
}

/* Biases of rows and columns by alternating least squares: items, then users, ten times, weights 10 and 15. */
static void baseline(const double *x, bool items, size_t n, size_t m, double *row, double *column,
                     double *mean)
{
    double count = 0;
    *mean = 0;
    for (size_t e = 0; e < n * m; e++)
        *mean += x[e], count += x[e] != 0;
    *mean /= count;
    for (int half = 0; half < 20; half++) {
        const bool rows = (half % 2 == 0) == items; /* rows are items, and items come first */
        for (size_t i = 0; i < (rows ? n : m); i++) {
            double sum = 0, known = 0;
            for (size_t c = 0; c < (rows ? m : n); c++) {
                const double v = rows ? x[i * m + c] : x[c * m + i];
                sum += v != 0 ? v - *mean - (rows ? column[c] : row[c]) : 0;
                known += v != 0;
            }
            (rows ? row : column)[i] = known > 0 ? sum / (known + (half % 2 == 0 ? 10 : 15)) : 0;
        }
    }
}

/* What exceeds the row's mean, the column's, or the baseline; there [n x m]: is it rated? */
static void centre(double *a, const bool *there, bool items, size_t n, size_t m, int similarity)
{
    double *row = calloc(n, sizeof *row), *column = calloc(m, sizeof *column), mean = 0;
    if (similarity == SIMILARITY_PEARSON_BASELINE)
        baseline(a, items, n, m, row, column, &mean);
    for (size_t i = 0; i < (similarity == SIMILARITY_PEARSON           ? n
                            : similarity == SIMILARITY_ADJUSTED_COSINE ? m
                                                                       : 0);
         i++) {
        double sum = 0, known = 0;
        for (size_t c = 0; c < (similarity == SIMILARITY_PEARSON ? m : n); c++) {
            const size_t e = similarity == SIMILARITY_PEARSON ? i * m + c : c * m + i;
            sum += a[e], known += there[e];
        }
        (similarity == SIMILARITY_PEARSON ? row : column)[i] = known > 0 ? sum / known : 0;
    }
    for (size_t e = 0; e < n * m; e++)
        a[e] = there[e] ? a[e] - mean - row[e / m] - column[e % m] : 0;
    free(row);
    free(column);
}

/* x = a . b, squares and common columns to the similarity of neighbours.h. */
static double similarity_of(const struct knn_params *p, double x, double a, double b, double n, double apart)
{
    const double h = p->shrinkage, alpha = p->asymmetric_alpha;
    switch (p->similarity) {
    case SIMILARITY_JACCARD:
    case SIMILARITY_TANIMOTO:
        return x / (a + b - x + h);
    case SIMILARITY_DICE:
        return 2 * x / (a + b + h);
    case SIMILARITY_TVERSKY:
        return x / (x + p->tversky_alpha * (a - x) + p->tversky_beta * (b - x) + h);
    case SIMILARITY_ASYMMETRIC_COSINE:
        return x / (pow(a, alpha) * pow(b, 1 - alpha) + h);
    case SIMILARITY_MSD:
        return n > 0 ? n / (n + h) / (apart / n + 1) : 0;
    case SIMILARITY_PEARSON_BASELINE:
        return n > 1 ? (n - 1) / (n - 1 + h) * x / sqrt(a * b) : 0;
    case SIMILARITY_BM25:
    case SIMILARITY_DOT:
        return x;
    default:
        return x / (sqrt(a * b) + h);
    }
}

/* sim [n x n], not yet cut to k. */
static double *similarities(const double *x, bool items, const struct knn_params *p)
{
    const size_t n = items ? ITEMS : USERS, m = items ? USERS : ITEMS;
    double *a = calloc(n * m, sizeof *a), *sim = calloc(n * n, sizeof *sim),
           *square = calloc(n, sizeof *square);
    bool *there = calloc(n * m, sizeof *there);

    for (size_t e = 0; e < n * m; e++)
        a[e] = entry(x, items, e / m, e % m), there[e] = a[e] != 0;
    if (p->similarity == SIMILARITY_BM25 || p->weighting == WEIGHTING_BM25)
        bm25(a, n, m, p);
    if (p->weighting == WEIGHTING_TF_IDF)
        tf_idf(a, n, m);
    if (p->similarity >= SIMILARITY_ADJUSTED_COSINE && p->similarity <= SIMILARITY_PEARSON_BASELINE)
        centre(a, there, items, n, m, p->similarity);
    for (size_t i = 0; i < n && p->similarity == SIMILARITY_CORRELATION; i++) {
        double sum = 0;
        for (size_t c = 0; c < m; c++)
            sum += a[i * m + c];
        for (size_t c = 0; c < m; c++)
            a[i * m + c] -= sum / (double)m;
    }
    for (size_t e = 0; e < n * m; e++)
        square[e / m] += a[e] * a[e];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double dot = 0, common = 0, apart = 0;
            for (size_t c = 0; c < m; c++) {
                dot += a[i * m + c] * a[j * m + c];
                if (there[i * m + c] && there[j * m + c])
                    common++, apart += pow(a[i * m + c] - a[j * m + c], 2);
            }
            const double value = similarity_of(p, dot, square[i], square[j], common, apart);
            sim[i * n + j] = i == j || !(value > 0) ? 0 : value;
        }
    free(a);
    free(square);
    free(there);
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

static void fixture_silent(void *context, enum status status, const char *sentence)
{
    (void)context, (void)status, (void)sentence;
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
        for (int similarity = 0; similarity <= SIMILARITY_CORRELATION; similarity++)
            for (int k = 0; k < 3; k++)
                for (int s = 0; s < (similarity == SIMILARITY_BM25 || similarity == SIMILARITY_DOT ? 1 : 3);
                     s++) {
                    struct knn_params p = {.similarity = similarity,
                                           .k = ks[k],
                                           .shrinkage = shrinkages[s],
                                           .bm25_k1 = 1.2,
                                           .bm25_b = 0.75,
                                           .asymmetric_alpha = 0.3,
                                           .tversky_alpha = 0.5,
                                           .tversky_beta = 1.5};
                    compare(items, &p);
                    if (similarity >= SIMILARITY_ADJUSTED_COSINE && similarity <= SIMILARITY_MSD)
                        continue; /* of ratings */
                    p.weighting = similarity == SIMILARITY_BM25 ? WEIGHTING_NONE : 1 + k % 2;
                    compare(items, &p);
                    p.weighting = WEIGHTING_NONE;
                    p.binary = true; /* many equal similarities: only where all neighbours are kept */
                    p.k = 1000;
                    compare(items, &p);
                }
}

/* Times of entry e: a day apart, out of order, so that decay and half-life can be written down. */
static void test_decay_and_normalize(void **state)
{
    (void)state;
    for (int items = 0; items < 2; items++) {
        struct small s;
        small_new(&s, USERS, ITEMS, 0.25, 0, 11, 2);
        int64_t *time = arena_alloc(s.arena, (size_t)s.by_user.nnz, sizeof *time), latest = 0;
        for (int64_t e = 0; e < s.by_user.nnz; e++) {
            time[e] = e * 37 % 101 * 86400;
            latest = time[e] > latest ? time[e] : latest;
        }
        s.view.time = time;
        const struct knn_params p = {.k = 1000, .binary = true, .decay = 0.5, .half_life = 20};
        struct csr profile, even, shares;
        assert_int_equal(knn_profiles(&s.view, items, &p, &s.run, &profile), STATUS_OK);
        for (uint32_t u = 0; u < USERS; u++)
            for (int64_t e = s.by_user.ptr[u]; e < s.by_user.ptr[u + 1]; e++) {
                int64_t last = 0;
                int later = 0;
                for (int64_t o = s.by_user.ptr[u]; o < s.by_user.ptr[u + 1]; o++) {
                    later += time[o] > time[e] || (time[o] == time[e] && o > e);
                    last = time[o] > last ? time[o] : last;
                }
                const double age = (double)((items ? last : latest) - time[e]) / 86400;
                const double want = pow(0.5, later) * pow(0.5, age / 20);
                assert_true(fabs((double)profile.val[e] - want) <= 1e-6 * want);
            }
        /* One half-life of a lifetime: similarities change little; a short one makes them those of the newest. */
        struct knn_params q = {.k = 1000, .binary = true, .similarity_half_life = 1e6};
        struct csr same;
        assert_int_equal(knn_neighbours(&s.view, items, &q, &s.run, &same), STATUS_OK);
        q.similarity_half_life = 0;
        assert_int_equal(knn_neighbours(&s.view, items, &q, &s.run, &even), STATUS_OK);
        assert_int_equal(same.nnz, even.nnz);
        for (int64_t e = 0; e < even.nnz; e++)
            assert_true(fabs((double)same.val[e] - (double)even.val[e]) < 1e-3);
        for (q.normalize = NORM_SUM; q.normalize <= NORM_MAX; q.normalize++) {
            assert_int_equal(knn_neighbours(&s.view, items, &q, &s.run, &shares), STATUS_OK);
            for (uint32_t r = 0; r < shares.n_rows; r++) {
                double sum = 0, most = 0, whole = 0, largest = 0;
                for (int64_t e = shares.ptr[r]; e < shares.ptr[r + 1]; e++) {
                    sum += (double)shares.val[e], most = fmax(most, (double)shares.val[e]);
                    whole += (double)even.val[e], largest = fmax(largest, (double)even.val[e]);
                }
                assert_true(fabs((q.normalize == NORM_SUM ? sum : most) - 1) < 1e-5);
                assert_true(fabs(most * (q.normalize == NORM_SUM ? whole : largest) - largest) < 1e-5);
            }
        }
        s.view.time = NULL;
        status_set_handler(fixture_silent, NULL, NULL, NULL);
        assert_int_equal(knn_profiles(&s.view, items, &p, &s.run, &profile), STATUS_UNAVAILABLE);
        assert_non_null(strstr(status_sentence(), "no times"));
        status_set_handler(NULL, NULL, NULL, NULL);
        small_free(&s);
    }
}

/* implicit's CosineRecommender, TFIDFRecommender and BM25Recommender, numpy's corrcoef: their similarities are ours. */
static void test_equals_libraries(void **state)
{
    static const struct {
        const char *name;
        int similarity, weighting;
    } cases[] = {{"knn_cosine", SIMILARITY_COSINE, WEIGHTING_NONE},
                 {"knn_tf_idf", SIMILARITY_COSINE, WEIGHTING_TF_IDF},
                 {"knn_bm25", SIMILARITY_DOT, WEIGHTING_BM25},
                 {"knn_bm25", SIMILARITY_BM25, WEIGHTING_NONE},
                 {"knn_correlation", SIMILARITY_CORRELATION, WEIGHTING_NONE}};
    static uint32_t user[GOLDEN_USERS * GOLDEN_ITEMS], item[GOLDEN_USERS * GOLDEN_ITEMS];
    static float value[GOLDEN_USERS * GOLDEN_ITEMS];
    struct small s;
    size_t n = 0;
    (void)state;
    small_new(&s, GOLDEN_USERS, GOLDEN_ITEMS, 0, 0, 1, 2);
    for (int u = 0; u < GOLDEN_USERS; u++)
        for (int i = 0; i < GOLDEN_ITEMS; i++)
            if (golden_rating(u, i) > 0)
                user[n] = (uint32_t)u, item[n] = (uint32_t)i, value[n++] = (float)golden_rating(u, i);
    assert_int_equal(
        csr_from_triples(GOLDEN_USERS, GOLDEN_ITEMS, n, user, item, value, s.arena, &s.by_user, NULL),
        STATUS_OK);
    assert_int_equal(csr_transpose(&s.by_user, s.arena, &s.by_item), STATUS_OK);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const struct knn_params p = {.similarity = cases[c].similarity,
                                     .weighting = cases[c].weighting,
                                     .k = GOLDEN_ITEMS,
                                     .bm25_k1 = 1.2,
                                     .bm25_b = 0.75};
        double want[GOLDEN_ITEMS * GOLDEN_ITEMS], got[GOLDEN_ITEMS * GOLDEN_ITEMS] = {0};
        struct csr lists;
        assert_int_equal(golden_read(cases[c].name, GOLDEN_ITEMS, GOLDEN_ITEMS, want),
                         GOLDEN_ITEMS * GOLDEN_ITEMS);
        assert_int_equal(knn_neighbours(&s.view, true, &p, &s.run, &lists), STATUS_OK);
        for (uint32_t r = 0; r < GOLDEN_ITEMS; r++)
            for (int64_t e = lists.ptr[r]; e < lists.ptr[r + 1]; e++)
                got[r * GOLDEN_ITEMS + lists.idx[e]] = (double)lists.val[e];
        for (int e = 0; e < GOLDEN_ITEMS * GOLDEN_ITEMS; e++) /* an item is its own neighbour there */
            if (e / GOLDEN_ITEMS != e % GOLDEN_ITEMS &&
                !(fabs(got[e] - fmax(want[e], 0)) < 1e-5 * (1 + fabs(want[e]))))
                fail_msg("%s: items %d and %d: %g, the library says %g", cases[c].name, e / GOLDEN_ITEMS,
                         e % GOLDEN_ITEMS, got[e], want[e]);
    }
    small_free(&s);
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
        assert_int_equal(knn_neighbours(&s.view, true, &p, &s.run, &neighbours), STATUS_OK);
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
        for (int similarity = 0; similarity <= SIMILARITY_CORRELATION; similarity++) {
            const struct model_type *type = items ? &model_item_knn : &model_user_knn;
            const bool ratings = similarity >= SIMILARITY_ADJUSTED_COSINE && similarity <= SIMILARITY_MSD;
            const struct knn_params p = {.similarity = similarity,
                                         .k = 10,
                                         .binary = items && !ratings,
                                         .bm25_k1 = 1.2,
                                         .bm25_b = 0.75};
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
    p.similarity = SIMILARITY_JACCARD;
    assert_int_equal(knn_check(&p, &where), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_double),
                                       cmocka_unit_test(test_decay_and_normalize),
                                       cmocka_unit_test(test_equals_libraries),
                                       cmocka_unit_test(test_ties_favour_no_index),
                                       cmocka_unit_test(test_threads_give_the_same_bytes),
                                       cmocka_unit_test(test_edges),
                                       cmocka_unit_test(test_save_and_load),
                                       cmocka_unit_test(test_check)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
