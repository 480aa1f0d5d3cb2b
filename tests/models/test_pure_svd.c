/* test_pure_svd.c - scores against GSL's singular value decomposition in double precision. */
#include "mf_fixture.h"

#include <gsl/gsl_linalg.h>
#include <math.h>

extern const struct model_type model_pure_svd;

enum { USERS = 70, ITEMS = 40, FACTORS = 6 };

/* A few planted directions and noise, so that the singular values fall apart. */
static void open_planted(struct fixture *f, double X[USERS * ITEMS])
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    uint64_t n = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++) {
            const double liking = 0.08 + (u % 8 == i % 8 ? 0.08 * (double)(u % 8 + 2) : 0);
            X[u * ITEMS + i] = 0;
            if (u != 4 && i != 8 && random_unit(6, RANDOM_SYNTH, u, i) < liking) {
                user[n] = u, item[n] = i;
                value[n] = (float)(1 + random_unit(7, RANDOM_SYNTH, u, i));
                X[u * ITEMS + i] = (double)value[n++];
            }
        }
    fixture_open(f, USERS, ITEMS, n, user, item, value);
}

/* out = X V V', V the first FACTORS right singular vectors. */
static void exact(const double *X, double *out)
{
    gsl_matrix *A = gsl_matrix_alloc(USERS, ITEMS), *V = gsl_matrix_alloc(ITEMS, ITEMS);
    gsl_vector *values = gsl_vector_alloc(ITEMS), *work = gsl_vector_alloc(ITEMS);
    for (size_t e = 0; e < (size_t)USERS * ITEMS; e++)
        A->data[e] = X[e];
    gsl_linalg_SV_decomp(A, V, values, work);
    assert_true(gsl_vector_get(values, FACTORS - 1) > 1.02 * gsl_vector_get(values, FACTORS));
    for (size_t u = 0; u < USERS; u++)
        for (size_t i = 0; i < ITEMS; i++) {
            out[u * ITEMS + i] = 0;
            for (size_t k = 0; k < FACTORS; k++)
                out[u * ITEMS + i] +=
                    gsl_matrix_get(A, u, k) * gsl_vector_get(values, k) * gsl_matrix_get(V, i, k);
        }
    gsl_matrix_free(A);
    gsl_matrix_free(V);
    gsl_vector_free(values);
    gsl_vector_free(work);
}

static void test_against_gsl(void **unused)
{
    static double X[USERS * ITEMS], want[USERS * ITEMS];
    struct fixture f;
    (void)unused;
    open_planted(&f, X);
    for (int binary = 0; binary < 2; binary++) {
        struct factors got;
        for (size_t e = 0; binary && e < (size_t)USERS * ITEMS; e++)
            X[e] = X[e] != 0;
        exact(X, want);
        const void *state = fixture_fit(&f, &model_pure_svd,
                                        binary ? "{factors: 6, iterations: 30}"
                                               : "{factors: 6, iterations: 30, binary: false}");
        assert_int_equal(model_pure_svd.factors(state, &got), STATUS_OK);
        double worst = 0;
        for (size_t u = 0; u < USERS; u++)
            for (size_t i = 0; i < ITEMS; i++) {
                double score = 0;
                for (size_t k = 0; k < FACTORS; k++)
                    score += (double)got.user[u * got.ld_user + k] * (double)got.item[i * got.ld_item + k];
                worst = fmax(worst, fabs(score - want[u * ITEMS + i]));
            }
        if (!(worst < 2e-5))
            fail_msg("binary %d: a score is off by %g", binary, worst);
    }
    fixture_close(&f);
}

static void test_more_factors_than_rank(void **unused)
{
    static const uint32_t user[] = {0, 1, 2}, item[] = {0, 1, 1};
    struct fixture f;
    struct factors got;
    (void)unused;
    fixture_open(&f, 3, 2, 3, user, item, NULL);
    const void *state = fixture_fit(&f, &model_pure_svd, "{factors: 20}");
    assert_int_equal(model_pure_svd.factors(state, &got), STATUS_OK);
    for (size_t u = 0; u < 3; u++)
        for (size_t i = 0; i < 2; i++) { /* full rank: X itself comes back */
            double score = 0;
            for (size_t k = 0; k < 20; k++)
                score += (double)got.user[u * got.ld_user + k] * (double)got.item[i * got.ld_item + k];
            assert_float_equal(score, item[u] == i ? 1 : 0, 1e-5);
        }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_gsl),
                                       cmocka_unit_test(test_more_factors_than_rank)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
