/*
 * test_als.c - explicit ALS-WR: the solved rows against GSL's Cholesky solution of their normal equations in double precision,
 * threads change nothing, planted factors are found.
 */
#include "mf_fixture.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdio.h>

extern const struct model_type model_als;

enum { USERS = 60, ITEMS = 45, MOST = 40 };

/* Ratings of two planted directions with biases and noise; user 7 and item 9 have nothing. */
static void open_planted(struct fixture *f)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    uint64_t n = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (u != 7 && i != 9 && random_unit(1, RANDOM_SYNTH, u, i) < 0.4) {
                user[n] = u, item[n] = i;
                value[n++] = (float)(3.0 + 0.4 * (u % 3) - 0.3 * (i % 4) + (u % 2 == i % 2 ? 0.8 : -0.8) +
                                     (u % 5 < 2 ? 0.5 : -0.5) * (i % 7 < 3 ? 1 : -1) +
                                     0.1 * random_unit(2, RANDOM_SYNTH, u, i));
            }
    fixture_open(f, USERS, ITEMS, n, user, item, value);
}

/* (factors, bias) of row r of one side, the other side as it stands; r has ratings. */
static void exact(const struct fixture *f, const struct factors *m, bool users, uint32_t r, bool weighted,
                  bool biases, double regularization, double *out)
{
    const struct csr *a = users ? &f->by_user : &f->by_item;
    const float *Y = users ? m->item : m->user, *other = users ? m->item_bias : m->user_bias;
    const size_t ld = users ? m->ld_item : m->ld_user, n = m->factors + (biases ? 1 : 0);
    gsl_matrix *A = gsl_matrix_calloc(n, n);
    gsl_vector *b = gsl_vector_calloc(n), *x = gsl_vector_alloc(n);
    for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++) {
        double y[MOST];
        for (size_t k = 0; k < m->factors; k++)
            y[k] = (double)Y[a->idx[e] * ld + k];
        y[m->factors] = 1;
        const double target = (double)a->val[e] - (double)m->offset - (double)other[a->idx[e]];
        for (size_t k = 0; k < n; k++) {
            b->data[k] += target * y[k];
            for (size_t l = 0; l < n; l++)
                *gsl_matrix_ptr(A, k, l) += y[k] * y[l];
        }
    }
    for (size_t k = 0; k < n; k++)
        *gsl_matrix_ptr(A, k, k) += regularization * (weighted ? (double)(a->ptr[r + 1] - a->ptr[r]) : 1.0);
    gsl_linalg_cholesky_decomp1(A);
    gsl_linalg_cholesky_solve(A, b, x);
    out[m->factors] = 0;
    for (size_t k = 0; k < n; k++)
        out[k] = gsl_vector_get(x, k);
    gsl_matrix_free(A);
    gsl_vector_free(b);
    gsl_vector_free(x);
}

static double worst(const struct fixture *f, const struct factors *m, bool users, bool weighted, bool biases,
                    double regularization)
{
    const uint32_t rows = users ? USERS : ITEMS;
    double most = 0;
    for (uint32_t r = 0; r < rows; r++) {
        const float *x = users ? m->user + r * m->ld_user : m->item + r * m->ld_item;
        const float bias = users ? m->user_bias[r] : m->item_bias[r];
        double want[MOST] = {0};
        if (r != (users ? 7u : 9u))
            exact(f, m, users, r, weighted, biases, regularization, want);
        for (uint32_t k = 0; k < m->factors; k++)
            most = fmax(most, fabs((double)x[k] - want[k]));
        most = fmax(most, fabs((double)bias - want[m->factors]));
    }
    return most;
}

/* Items were solved last: they fit the users as they stand after any iteration; users do so when nothing moves any more. */
static void test_rows_against_gsl(void **unused)
{
    struct fixture f;
    (void)unused;
    open_planted(&f);
    for (int c = 0; c < 8; c++) {
        const bool weighted = c & 1, biases = c & 2, cg = c & 4;
        const double regularization = weighted ? 0.05 : 1.5;
        char yaml[300];
        for (int iterations = 2; iterations <= 600; iterations += 598) {
            struct factors m;
            snprintf(yaml, sizeof yaml,
                     "{factors: %d, iterations: %d, weighted_regularization: %s, biases: %s, regularization: "
                     "%g, solver: %s, cg_steps: 60}",
                     c == 2 ? 32 : 5, iterations, weighted ? "true" : "false", biases ? "true" : "false",
                     regularization, cg ? "cg" : "cholesky");
            assert_int_equal(model_als.factors(fixture_fit(&f, &model_als, yaml), &m), STATUS_OK);
            const double items = worst(&f, &m, false, weighted, biases, regularization);
            const double users = worst(&f, &m, true, weighted, biases, regularization);
            if (!(items < 2e-5) || (iterations == 600 && !(users < 1e-3)))
                fail_msg("%s: items are off by %g, users by %g", yaml, items, users);
        }
    }
    fixture_close(&f);
}

static void test_planted_ratings_are_found(void **unused)
{
    struct fixture f;
    double squares = 0;
    (void)unused;
    open_planted(&f);
    const void *state = fixture_fit(&f, &model_als, "{factors: 4, regularization: 0.002, iterations: 40}");
    for (uint32_t u = 0; u < USERS; u++)
        for (int64_t e = f.by_user.ptr[u]; e < f.by_user.ptr[u + 1]; e++) {
            float score;
            assert_int_equal(model_als.score_pairs(state, &u, &f.by_user.idx[e], 1, &score), STATUS_OK);
            squares += pow((double)score - (double)f.by_user.val[e], 2);
        }
    assert_true(sqrt(squares / (double)f.by_user.nnz) < 0.05); /* the ratings' own deviation is about 1 */
    fixture_close(&f);
}

static void test_threads_give_the_same_bytes(void **unused)
{
    static const char *const settings[] = {"", "{solver: cg, factors: 40}", "{biases: false, factors: 300}"};
    struct fixture f;
    (void)unused;
    open_planted(&f);
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        struct factors one, two;
        assert_int_equal(backend_open("cpu", 1, &f.run.backend), STATUS_OK);
        assert_int_equal(model_als.factors(fixture_fit(&f, &model_als, settings[s]), &one), STATUS_OK);
        assert_int_equal(backend_open("cpu", 2, &f.run.backend), STATUS_OK);
        assert_int_equal(model_als.factors(fixture_fit(&f, &model_als, settings[s]), &two), STATUS_OK);
        assert_memory_equal(one.user, two.user, USERS * one.ld_user * sizeof(float));
        assert_memory_equal(one.item, two.item, ITEMS * one.ld_item * sizeof(float));
        assert_memory_equal(one.user_bias, two.user_bias, USERS * sizeof(float));
        assert_memory_equal(one.item_bias, two.item_bias, ITEMS * sizeof(float));
    }
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows_against_gsl),
                                       cmocka_unit_test(test_planted_ratings_are_found),
                                       cmocka_unit_test(test_threads_give_the_same_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
