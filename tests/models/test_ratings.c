/*
 * test_ratings.c - baseline, slope_one, knn_ratings, nmf, co_clustering: each against its formula written down plainly, in
 * double, pair by pair.
 */
#include "mf_fixture.h"

#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_deriv.h>
#include <gsl/gsl_linalg.h>

extern const struct model_type model_baseline, model_slope_one, model_knn_ratings, model_nmf,
    model_co_clustering;

enum { USERS = 14, ITEMS = 11 };   /* the last of each has no ratings */
static double table[USERS][ITEMS]; /* 0: none */

static void data(struct fixture *f)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    size_t n = 0;
    memset(table, 0, sizeof table);
    for (uint32_t u = 0; u + 1 < USERS; u++)
        for (uint32_t i = 0; i + 1 < ITEMS; i++)
            if (random_unit(5, RANDOM_SYNTH, 0, u * ITEMS + i) < 0.55) {
                user[n] = u, item[n] = i;
                value[n] = (float)(1 + floor(5 * random_unit(5, RANDOM_SYNTH, 1, u * ITEMS + i)));
                table[u][i] = (double)value[n++];
            }
    fixture_open(f, USERS, ITEMS, n, user, item, value);
}

static double mean_of_all(void)
{
    double sum = 0;
    int n = 0;
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            sum += table[u][i], n += table[u][i] > 0;
    return sum / n;
}

static float score_of(const struct fixture *f, const struct model_type *type, const void *state, uint32_t u,
                      uint32_t i)
{
    float score;
    assert_int_equal(model_score_pairs(type, state, f->backend, &u, &i, 1, ITEMS, &score), STATUS_OK);
    return score;
}

/* The biases of als, run long, are the ridge solution: a linear system, here solved by GSL's Cholesky.  Those of sgd are
 * one pass of steps written down. */
static void baseline_is_the_ridge_solution(void **unused)
{
    enum { N = USERS + ITEMS };
    struct fixture f;
    (void)unused;
    data(&f);
    const double mean = mean_of_all();
    gsl_matrix *a = gsl_matrix_calloc(N, N);
    gsl_vector *b = gsl_vector_calloc(N);
    for (size_t r = 0; r < N; r++)
        gsl_matrix_set(a, r, r, r < USERS ? 15 : 10);
    for (size_t u = 0; u < USERS; u++)
        for (size_t i = 0; i < ITEMS; i++)
            if (table[u][i] > 0) {
                *gsl_matrix_ptr(a, u, u) += 1;
                *gsl_matrix_ptr(a, USERS + i, USERS + i) += 1;
                *gsl_matrix_ptr(a, u, USERS + i) += 1;
                *gsl_matrix_ptr(a, USERS + i, u) += 1;
                *gsl_vector_ptr(b, u) += table[u][i] - mean;
                *gsl_vector_ptr(b, USERS + i) += table[u][i] - mean;
            }
    gsl_linalg_cholesky_decomp1(a);
    gsl_linalg_cholesky_svx(a, b);
    const void *als = fixture_fit(&f, &model_baseline, "{epochs: 500}");
    /* sgd: one pass, written down */
    const void *sgd = fixture_fit(&f, &model_baseline, "{method: sgd, epochs: 1, learning_rate: 0.01}");
    double bu[USERS] = {0}, bi[ITEMS] = {0};
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            if (table[u][i] > 0) {
                const double error = table[u][i] - mean - bu[u] - bi[i];
                bu[u] += 0.01 * (error - 0.02 * bu[u]);
                bi[i] += 0.01 * (error - 0.02 * bi[i]);
            }
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++) {
            const double want = mean + gsl_vector_get(b, u) + gsl_vector_get(b, USERS + i);
            assert_true(fabs((double)score_of(&f, &model_baseline, als, u, i) - want) < 1e-6);
            assert_true(fabs((double)score_of(&f, &model_baseline, sgd, u, i) - (mean + bu[u] + bi[i])) <
                        1e-6);
        }
    gsl_matrix_free(a);
    gsl_vector_free(b);
    fixture_close(&f);
}

static double row_mean(int u)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < ITEMS; i++)
        sum += table[u][i], n += table[u][i] > 0;
    return n > 0 ? sum / n : mean_of_all();
}

static int raters(int i)
{
    int n = 0;
    for (int u = 0; u < USERS; u++)
        n += table[u][i] > 0;
    return n;
}

static double plain_slope_one(int u, int i)
{
    double sum = 0;
    int n = 0;
    if (raters(i) == 0)
        return mean_of_all();
    for (int j = 0; j < ITEMS; j++) {
        double difference = 0;
        int both = 0;
        for (int v = 0; v < USERS && table[u][j] > 0; v++)
            if (table[v][i] > 0 && table[v][j] > 0)
                difference += table[v][i] - table[v][j], both++;
        if (both > 0)
            sum += difference / both, n++;
    }
    return row_mean(u) + (n > 0 ? sum / n : 0);
}

static void slope_one_as_written_down(void **unused)
{
    struct fixture f;
    (void)unused;
    data(&f);
    const void *state = fixture_fit(&f, &model_slope_one, "");
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            assert_true(fabs((double)score_of(&f, &model_slope_one, state, u, i) -
                             plain_slope_one((int)u, (int)i)) < 1e-5);
    fixture_close(&f);
}

static double similarity_of(int kind, int u, int v)
{
    double n = 0, uv = 0, uu = 0, vv = 0, su = 0, sv = 0, gap = 0;
    for (int i = 0; i < ITEMS; i++)
        if (table[u][i] > 0 && table[v][i] > 0) {
            const double a = table[u][i], b = table[v][i];
            n++, uv += a * b, uu += a * a, vv += b * b, su += a, sv += b, gap += (a - b) * (a - b);
        }
    if (n == 0)
        return 0;
    const double spread = sqrt((uu - su * su / n) * (vv - sv * sv / n));
    return kind == 0       ? uv / sqrt(uu * vv)
           : kind == 1     ? 1 / (gap / n + 1)
           : spread > 1e-9 ? (uv - su * sv / n) / spread
                           : 0;
}

static double row_deviation(int u)
{
    double sum = 0, all = 0, mean = row_mean(u), whole = mean_of_all();
    int n = 0, n_all = 0;
    for (int v = 0; v < USERS; v++)
        for (int i = 0; i < ITEMS; i++)
            if (table[v][i] > 0) {
                all += (table[v][i] - whole) * (table[v][i] - whole), n_all++;
                if (v == u)
                    sum += (table[v][i] - mean) * (table[v][i] - mean), n++;
            }
    return n > 0 && sum > 0 ? sqrt(sum / n) : sqrt(all / n_all);
}

/* variant 0: basic, 1: means, 2: zscore; users; the k best by selection, the smaller of a tie. */
static double plain_knn(int variant, int kind, int k, int min_k, int u, int i)
{
    int taken[USERS] = {0}, n = 0;
    double sum = 0, below = 0;
    const double base = variant == 0 ? 0 : row_mean(u), scale = variant == 2 ? row_deviation(u) : 1;
    if (raters(i) == 0)
        return mean_of_all();
    for (; n < k; n++) {
        int best = -1;
        for (int v = 0; v < USERS; v++)
            if (!taken[v] && table[v][i] > 0 && similarity_of(kind, u, v) > 1e-9 &&
                (best < 0 || similarity_of(kind, u, v) > similarity_of(kind, u, best) + 1e-7))
                best = v;
        if (best < 0)
            break;
        taken[best] = 1;
        const double s = similarity_of(kind, u, best);
        sum += s * (table[best][i] - (variant == 0 ? 0 : row_mean(best))) /
               (variant == 2 ? row_deviation(best) : 1);
        below += s;
    }
    if (n < min_k)
        return variant == 0 ? mean_of_all() : base;
    return base + scale * sum / below;
}

static void knn_as_written_down(void **unused)
{
    static const char *const variant[] = {"basic", "means", "zscore"};
    static const char *const kind[] = {"cosine", "msd", "pearson"};
    struct fixture f;
    (void)unused;
    data(&f);
    for (int v = 0; v < 3; v++)
        for (int s = 0; s < 3; s++) {
            char yaml[128];
            snprintf(yaml, sizeof yaml, "{variant: %s, similarity: %s, k: 3, min_k: 2}", variant[v], kind[s]);
            const void *state = fixture_fit(&f, &model_knn_ratings, yaml);
            for (uint32_t u = 0; u < USERS; u++)
                for (uint32_t i = 0; i < ITEMS; i++)
                    assert_true(fabs((double)score_of(&f, &model_knn_ratings, state, u, i) -
                                     plain_knn(v, s, 3, 2, (int)u, (int)i)) < 1e-5);
        }
    fixture_close(&f);
}

/* Multiplicative updates never raise the error that they minimise; factors stay above zero. */
/* Half the squared error of one factor, as a function of one of its numbers. */
struct rank_one {
    double user[USERS], item[ITEMS], *moved;
};
static double squared_error(double value, void *context)
{
    struct rank_one *m = context;
    const double kept = *m->moved;
    double sum = 0;
    *m->moved = value;
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++)
            sum += table[u][i] > 0 ? pow(table[u][i] - m->user[u] * m->item[i], 2) / 2 : 0;
    *m->moved = kept;
    return sum;
}
static double slope_at(struct rank_one *m, double *moved)
{
    const gsl_function f = {squared_error, m};
    double slope, error;
    m->moved = moved;
    assert_int_equal(gsl_deriv_central(&f, *moved, 1e-4, &slope, &error), 0);
    return slope;
}

/* A sweep is a step down the gradient, of length x / (sum of predictions times the other side): with one factor and no
 * regularization x becomes x - x gradient / that sum, so a prediction changes by the product of both sides' shares. */
static void nmf_steps_down_the_gradient(void **unused)
{
    struct fixture f;
    struct rank_one m;
    (void)unused;
    data(&f);
    const void *before = fixture_fit(&f, &model_nmf, "{factors: 1, epochs: 2, reg_pu: 0, reg_qi: 0}"),
               *after = fixture_fit(&f, &model_nmf, "{factors: 1, epochs: 3, reg_pu: 0, reg_qi: 0}");
    for (uint32_t i = 0; i + 1 < ITEMS; i++)
        m.item[i] = (double)score_of(&f, &model_nmf, before, 0, i);
    for (uint32_t u = 0; u + 1 < USERS; u++)
        m.user[u] = (double)score_of(&f, &model_nmf, before, u, 0) / m.item[0];
    m.item[ITEMS - 1] = m.user[USERS - 1] = 0;
    for (uint32_t u = 0; u + 1 < USERS; u++)
        for (uint32_t i = 0; i + 1 < ITEMS; i++) {
            double of_user = 0, of_item = 0;
            for (int j = 0; j < ITEMS; j++)
                of_user += table[u][j] > 0 ? m.user[u] * m.item[j] * m.item[j] : 0;
            for (int v = 0; v < USERS; v++)
                of_item += table[v][i] > 0 ? m.user[v] * m.user[v] * m.item[i] : 0;
            const double want =
                (1 - slope_at(&m, &m.user[u]) / of_user) * (1 - slope_at(&m, &m.item[i]) / of_item);
            const double got = (double)score_of(&f, &model_nmf, after, u, i) /
                               (double)score_of(&f, &model_nmf, before, u, i);
            if (!(fabs(got - want) < 1e-5 * (1 + fabs(want))))
                fail_msg("user %u, item %u: %g of what it was, by the gradient %g", u, i, got, want);
        }
    fixture_close(&f);
}

static void nmf_errors_fall(void **unused)
{
    struct fixture f;
    double before = INFINITY;
    (void)unused;
    data(&f);
    for (int epochs = 1; epochs <= 64; epochs *= 2) {
        char yaml[64];
        double error = 0;
        snprintf(yaml, sizeof yaml, "{epochs: %d, factors: 4, reg_pu: 0, reg_qi: 0}", epochs);
        const void *state = fixture_fit(&f, &model_nmf, yaml);
        for (uint32_t u = 0; u < USERS; u++)
            for (uint32_t i = 0; i < ITEMS; i++) {
                const double score = (double)score_of(&f, &model_nmf, state, u, i);
                assert_true(score >= 0);
                error += table[u][i] > 0 ? pow(score - table[u][i], 2) : 0;
            }
        assert_true(error < before);
        before = error;
    }
    fixture_close(&f);
}

/* Blocks that were planted are found: without noise the crossings of the true clusters predict every rating. */
static void planted_clusters_are_found(void **unused)
{
    static uint32_t user[900], item[900];
    static float value[900];
    struct fixture f;
    size_t n = 0;
    (void)unused;
    for (uint32_t u = 0; u < 30; u++)
        for (uint32_t i = 0; i < 30; i++) {
            user[n] = u, item[n] = i;
            value[n++] = (u % 2 == 0) == (i % 2 == 0) ? 5 : 1;
        }
    fixture_open(&f, 30, 30, n, user, item, value);
    const void *state = fixture_fit(&f, &model_co_clustering, "{n_cltr_u: 2, n_cltr_i: 2}");
    for (size_t e = 0; e < n; e++)
        assert_true(fabs((double)score_of(&f, &model_co_clustering, state, user[e], item[e]) -
                         (double)value[e]) < 1e-5);
    fixture_close(&f);
}

/* One cluster of each: mean + (mean_u - mean) + (mean_i - mean); who has no ratings leaves the other's mean. */
static void one_cluster_is_means_alone(void **unused)
{
    struct fixture f;
    (void)unused;
    data(&f);
    const void *state = fixture_fit(&f, &model_co_clustering, "{n_cltr_u: 1, n_cltr_i: 1}");
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++) {
            double sum = 0;
            for (int v = 0; v < USERS; v++)
                sum += table[v][i];
            const double item_mean = raters((int)i) > 0 ? sum / raters((int)i) : mean_of_all();
            assert_true(fabs((double)score_of(&f, &model_co_clustering, state, u, i) -
                             (row_mean((int)u) + item_mean - mean_of_all())) < 1e-5);
        }
    fixture_close(&f);
}

static void ratings_are_needed(void **unused)
{
    static const struct model_type *const types[] = {&model_baseline, &model_slope_one, &model_knn_ratings,
                                                     &model_nmf, &model_co_clustering};
    struct fixture f;
    (void)unused;
    data(&f);
    f.by_user.val = NULL;
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        void *params = fixture_params(&f, types[t], "");
        assert_int_equal(types[t]->fit(fixture_state(&f, types[t]), params, &f.view, &f.run), STATUS_DATA);
        assert_non_null(strstr(status_sentence(), "no ratings"));
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(baseline_is_the_ridge_solution),
                                       cmocka_unit_test(slope_one_as_written_down),
                                       cmocka_unit_test(knn_as_written_down),
                                       cmocka_unit_test(nmf_steps_down_the_gradient),
                                       cmocka_unit_test(nmf_errors_fall),
                                       cmocka_unit_test(planted_clusters_are_found),
                                       cmocka_unit_test(one_cluster_is_means_alone),
                                       cmocka_unit_test(ratings_are_needed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
