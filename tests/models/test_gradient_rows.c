/*
 * test_gradient_rows.c - logistic_mf and pmf: the direction of kernels/mf.h against the numerical gradient of what is maximised
 * (gsl_deriv_central), logistic_mf against `implicit`, planted structure, threads.
 */
#include "mf_fixture.h"

#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_deriv.h>

#include "golden.h"
#include "mf.h"
#include "philox.h"

extern const struct model_type model_logistic_mf, model_pmf;

enum { RANK = 32, COLUMNS = 20, ENTRIES = 9 };

/* One row's objective as a function of one of its numbers: the negatives are drawn once, by the kernel's own rule. */
struct objective {
    double x[RANK];
    const float *Y, *val;
    const uint32_t *idx, *drawn;
    int n, n_drawn, loss, moved;
    double weight;
};
static double objective_at(double value, void *context)
{
    struct objective *o = context;
    const double kept = o->x[o->moved];
    double sum = 0;
    o->x[o->moved] = value;
    for (int e = 0; e < o->n + o->n_drawn; e++) {
        const uint32_t column = e < o->n ? o->idx[e] : o->drawn[e - o->n];
        double s = 0;
        for (int k = 0; k < RANK; k++)
            s += o->x[k] * (double)o->Y[column * RANK + (uint32_t)k];
        const double sigma = 1 / (1 + exp(-s)), target = e < o->n ? (double)o->val[e] : 0;
        sum += o->loss == MF_LOGISTIC ? (e < o->n ? target * log(sigma) : log(1 - sigma))
                                      : -0.5 * pow(target - (o->loss == MF_SQUARED ? s : sigma), 2);
    }
    for (int k = 0; k < RANK; k++)
        sum -= 0.5 * o->weight * o->x[k] * o->x[k];
    o->x[o->moved] = kept;
    return sum;
}

static void test_direction_is_the_gradient(void **unused)
{
    (void)unused;
    static float X[RANK], S[RANK], Y[COLUMNS * RANK], val[ENTRIES];
    static uint32_t idx[ENTRIES], drawn[2 * ENTRIES];
    const int64_t ptr[2] = {0, ENTRIES};
    for (uint64_t i = 0; i < COLUMNS * RANK; i++)
        Y[i] = (float)(0.3 * random_normal(1, RANDOM_SYNTH, 0, i));
    for (uint32_t e = 0; e < ENTRIES; e++)
        idx[e] = 2 * e + 1, val[e] = 0.1f + 0.1f * (float)e;
    for (int c = 0; c < 4; c++) {
        const int loss = c == 3 ? MF_LOGISTIC : c;
        struct mf_rows a = {
            .X = X, .S = S, .Y = Y, .ptr = ptr, .idx = idx, .val = val, .drawn = idx, .n_drawn = ENTRIES};
        a.seed = 4, a.stream = 5, a.rate = 1, a.regularization = 0.2f, a.n_columns = COLUMNS;
        a.loss = loss, a.update = MF_MOMENTUM, a.fixed = -1, a.negatives = c == 3 ? 2 : 0,
        a.weighted = c == 1, a.rank = RANK;
        for (uint64_t k = 0; k < RANK; k++)
            X[k] = (float)(0.5 * random_normal(2, RANDOM_SYNTH, 0, k)), S[k] = 0;
        for (uint32_t j = 0; j < 2 * ENTRIES; j++) /* min(20 columns, 2 x 9) of them */
            drawn[j] = idx[(uint64_t)philox4x32(4, 5, j / 4).v[j % 4] * ENTRIES >> 32];
        struct objective o = {.Y = Y, .val = val, .idx = idx, .drawn = drawn, .n = ENTRIES, .loss = loss};
        o.n_drawn = c == 3 ? 2 * ENTRIES : 0, o.weight = 0.2 * (c == 1 ? ENTRIES : 1);
        for (int k = 0; k < RANK; k++)
            o.x[k] = (double)X[k];
        assert_int_equal(kernel_mf_rows_32.cpu(&a, 1, mf_scratch(RANK)), 0);
        for (o.moved = 0; o.moved < RANK; o.moved++) {
            const gsl_function f = {objective_at, &o};
            double slope, error;
            assert_int_equal(gsl_deriv_central(&f, o.x[o.moved], 1e-3, &slope, &error), 0);
            if (!(fabs((double)S[o.moved] - slope) < 1e-5 * (1 + fabs(slope))))
                fail_msg("loss %d: a direction of %g against a slope of %g", c, (double)S[o.moved], slope);
        }
    }
}

/* implicit's LogisticMatrixFactorization, three iterations without negatives from the same start. */
static void test_equals_implicit(void **unused)
{
    enum { WIDTH = 6 };
    (void)unused;
    static double want[2][GOLDEN_ITEMS * WIDTH];
    static float X[2][GOLDEN_ITEMS * 32], S[2][GOLDEN_ITEMS * 32];
    uint32_t user[GOLDEN_USERS * GOLDEN_ITEMS], item[GOLDEN_USERS * GOLDEN_ITEMS];
    float value[GOLDEN_USERS * GOLDEN_ITEMS];
    struct fixture f;
    uint64_t n = 0;
    for (int u = 0; u < GOLDEN_USERS; u++)
        for (int i = 0; i < GOLDEN_ITEMS; i++)
            if (golden_rating(u, i) > 0) {
                user[n] = (uint32_t)u, item[n] = (uint32_t)i;
                value[n++] = (float)(1 + golden_rating(u, i) / 5.0);
            }
    fixture_open(&f, GOLDEN_USERS, GOLDEN_ITEMS, n, user, item, value);
    assert_int_equal(golden_read("lmf_user", GOLDEN_USERS, WIDTH, want[0]), GOLDEN_USERS * WIDTH);
    assert_int_equal(golden_read("lmf_item", GOLDEN_ITEMS, WIDTH, want[1]), GOLDEN_ITEMS * WIDTH);
    for (int side = 0; side < 2; side++)
        for (int r = 0; r < (side ? GOLDEN_ITEMS : GOLDEN_USERS); r++)
            for (int k = 0; k < WIDTH; k++)
                X[side][r * 32 + k] =
                    k == (side ? 5 : 4) ? 1.0f : (float)(0.5 * sin(1 + 3 * (r + 100 * side) + 7 * k));
    for (int half = 0; half < 6; half++) {
        const int side = half % 2;
        const struct csr *rows = side ? &f.by_item : &f.by_user;
        const struct mf_rows a = {.X = X[side],
                                  .S = S[side],
                                  .Y = X[1 - side],
                                  .ptr = rows->ptr,
                                  .idx = rows->idx,
                                  .val = rows->val,
                                  .rate = 0.7f,
                                  .regularization = 0.6f,
                                  .n_columns = rows->n_cols,
                                  .loss = MF_LOGISTIC,
                                  .update = MF_ADAGRAD,
                                  .fixed = side ? 5 : 4,
                                  .rank = 32};
        assert_int_equal(kernel_mf_rows_32.cpu(&a, rows->n_rows, mf_scratch(32)), 0);
    }
    for (int side = 0; side < 2; side++)
        for (int r = 0; r < (side ? GOLDEN_ITEMS : GOLDEN_USERS); r++)
            for (int k = 0; k < WIDTH; k++)
                if (!(fabs((double)X[side][r * 32 + k] - want[side][r * WIDTH + k]) < 2e-5))
                    fail_msg("%s %d, column %d: %g, implicit says %g", side ? "item" : "user", r, k,
                             (double)X[side][r * 32 + k], want[side][r * WIDTH + k]);
    fixture_close(&f);
}

enum { PMF_USERS = 70, PMF_ITEMS = 50 };
static double pmf_error(const struct fixture *f, const void *state)
{
    double sum = 0;
    for (uint32_t u = 0; u < PMF_USERS; u++)
        for (int64_t e = f->by_user.ptr[u]; e < f->by_user.ptr[u + 1]; e++) {
            float r;
            assert_int_equal(model_pmf.score_pairs(state, &u, &f->by_user.idx[e], 1, &r), STATUS_OK);
            sum += pow((double)r - (double)f->by_user.val[e], 2);
        }
    return sqrt(sum / (double)f->by_user.nnz);
}

static void test_pmf_finds_what_was_planted(void **unused)
{
    static uint32_t user[PMF_USERS * PMF_ITEMS], item[PMF_USERS * PMF_ITEMS];
    static float value[PMF_USERS * PMF_ITEMS];
    struct fixture f;
    struct factors one, two;
    uint64_t n = 0;
    (void)unused;
    for (uint32_t u = 0; u < PMF_USERS; u++)
        for (uint32_t i = 0; i < PMF_ITEMS; i++)
            if (random_unit(3, RANDOM_SYNTH, u, i) < 0.5) {
                user[n] = u, item[n] = i;
                value[n++] =
                    (float)(3 + random_normal(5, RANDOM_SYNTH, 0, u) * random_normal(6, RANDOM_SYNTH, 0, i));
            }
    fixture_open(&f, PMF_USERS, PMF_ITEMS, n, user, item, value);
    const void *linear = fixture_fit(&f, &model_pmf, "{factors: 4, epochs: 300, regularization: 0.001}");
    assert_true(pmf_error(&f, linear) < 0.1); /* the ratings' own deviation is 1 */
    const void *sigmoid =
        fixture_fit(&f, &model_pmf,
                    "{factors: 4, epochs: 600, regularization: 0.0001, link: sigmoid, learning_rate: 0.1}");
    assert_true(pmf_error(&f, sigmoid) < 0.25);
    for (uint32_t u = 0; u < PMF_USERS; u++) { /* within the scale by nature */
        float r;
        assert_int_equal(model_pmf.score_pairs(sigmoid, &u, &(uint32_t){3}, 1, &r), STATUS_OK);
        assert_true(r >= f.view.minimum_value && r <= f.view.maximum_value);
    }
    for (int t = 0; t < 2; t++) {
        assert_int_equal(backend_open("cpu", t + 1, &f.run.backend), STATUS_OK);
        assert_int_equal(model_pmf.factors(fixture_fit(&f, &model_pmf, "{factors: 40}"), t ? &two : &one),
                         STATUS_OK);
    }
    assert_memory_equal(one.user, two.user, PMF_USERS * one.ld_user * sizeof(float));
    assert_memory_equal(one.item, two.item, PMF_ITEMS * one.ld_item * sizeof(float));
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(model_pmf.fit(fixture_state(&f, &model_pmf),
                                   fixture_params(&f, &model_pmf, "{learning_rate: 10}"), &f.view, &f.run),
                     STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "learning_rate"));
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_direction_is_the_gradient),
                                       cmocka_unit_test(test_equals_implicit),
                                       cmocka_unit_test(test_pmf_finds_what_was_planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
