/*
 * test_bpr_mf.c - one step of the kernel against the numerical gradient of the loss as bpr.h states it (gsl_deriv_central),
 * and threads, seeds and divergence of the model.
 */
#include "mf_fixture.h"

#include <gsl/gsl_deriv.h>
#include <math.h>

#include "bpr.h"

extern const struct model_type model_bpr_mf;

enum { RANK = 32, USERS = 60, ITEMS = 300 };

/* A single sample: user 0, item 0, and item 1 as the only negative there is. */
struct one {
    double p[RANK], q[2][RANK], b[2], reg_user, reg_positive, reg_negative, reg_bias;
    double *at; /* the parameter that moves */
};

static double loss(double value, void *context)
{
    struct one *o = context;
    const double kept = *o->at;
    double x, penalty = 0;
    *o->at = value;
    x = o->b[0] - o->b[1];
    for (int k = 0; k < RANK; k++) {
        x += o->p[k] * (o->q[0][k] - o->q[1][k]);
        penalty += o->reg_user * o->p[k] * o->p[k] + o->reg_positive * o->q[0][k] * o->q[0][k] +
                   o->reg_negative * o->q[1][k] * o->q[1][k];
    }
    penalty += o->reg_bias * (o->b[0] * o->b[0] + o->b[1] * o->b[1]);
    *o->at = kept;
    return log1p(exp(-x)) + penalty / 2;
}

static void near(const char *what, int k, double *at, struct one *o, float before, float after, double rate)
{
    gsl_function f = {loss, o};
    double gradient, error;
    o->at = at;
    gsl_deriv_central(&f, *at, 1e-3, &gradient, &error);
    if (fabs(((double)before - (double)after) / rate - gradient) > 2e-5 + 10 * error)
        fail_msg("%s %d moves by %.9g, its gradient is %.9g", what, k,
                 ((double)before - (double)after) / rate, gradient);
}

static void test_step_is_the_gradient(void **unused)
{
    _Alignas(64) float user[RANK], item[2][RANK];
    float bias[2], user0[RANK], item0[2][RANK], bias0[2];
    const struct bpr_sample sample = {0, 0};
    const int64_t block[2] = {0, 1}, ptr[2] = {0, 1};
    const uint32_t part[2] = {0, 2}, part_item[2] = {0, 1}, idx[1] = {0};
    const struct backend *backend;
    (void)unused;
    assert_int_equal(backend_open("cpu", 1, &backend), STATUS_OK);
    for (int trial = 0; trial < 4; trial++) {
        struct one o = {.reg_user = 0.1, .reg_positive = 0.2, .reg_negative = 0.3, .reg_bias = 0.4};
        for (int k = 0; k < RANK; k++) {
            o.p[k] = user[k] = user0[k] = (float)random_normal(3, RANDOM_SYNTH, (uint32_t)trial, (uint64_t)k);
            for (int i = 0; i < 2; i++)
                o.q[i][k] = item[i][k] = item0[i][k] =
                    0.3f *
                    (float)random_normal(3, RANDOM_SYNTH, (uint32_t)trial, (uint64_t)(100 + 50 * i + k));
        }
        for (int i = 0; i < 2; i++)
            o.b[i] = bias[i] = bias0[i] =
                (float)random_normal(3, RANDOM_SYNTH, (uint32_t)trial, (uint64_t)(300 + i));
        const struct bpr a = {.user = user,
                              .item = item[0],
                              .item_bias = bias,
                              .sample = &sample,
                              .block = block,
                              .part = part,
                              .part_item = part_item,
                              .ptr = ptr,
                              .idx = idx,
                              .seed = 1,
                              .learning_rate = 0.5f,
                              .reg_user = 0.1f,
                              .reg_positive = 0.2f,
                              .reg_negative = 0.3f,
                              .reg_bias = 0.4f,
                              .use_bias = 1,
                              .rank = RANK,
                              .grid = 1};
        assert_int_equal(backend_launch(backend, &kernel_bpr_32, &a, 1, BPR_SCRATCH), STATUS_OK);
        for (int k = 0; k < RANK; k++) {
            near("user factor", k, &o.p[k], &o, user0[k], user[k], 0.5);
            near("positive factor", k, &o.q[0][k], &o, item0[0][k], item[0][k], 0.5);
            near("negative factor", k, &o.q[1][k], &o, item0[1][k], item[1][k], 0.5);
        }
        near("positive bias", 0, &o.b[0], &o, bias0[0], bias[0], 0.5);
        near("negative bias", 1, &o.b[1], &o, bias0[1], bias[1], 0.5);
    }
}

/* Users like the items of their own third; user 4 and item 8 have nothing. */
static void open_thirds(struct fixture *f)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    uint64_t n = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (u != 4 && i != 8 && u % 3 == i % 3 && random_unit(6, RANDOM_SYNTH, u, i) < 0.3)
                user[n] = u, item[n++] = i;
    fixture_open(f, USERS, ITEMS, n, user, item, NULL);
}

static void test_planted_taste_is_found(void **unused)
{
    (void)unused;
    struct fixture f;
    uint64_t right = 0, all = 0;
    open_thirds(&f);
    const void *state = fixture_fit(&f, &model_bpr_mf, "");
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; u != 4 && i + 1 < ITEMS;
             i++) { /* pairs of items not seen, one of the user's third */
            const uint32_t users[2] = {u, u}, items[2] = {i, i + 1};
            float score[2];
            if (u % 3 != i % 3 || i == 8 || i + 1 == 8 || csr_has(&f.by_user, u, i))
                continue;
            assert_int_equal(
                model_score_pairs(&model_bpr_mf, state, f.backend, users, items, 2, ITEMS, score), STATUS_OK);
            right += score[0] > score[1], all++;
        }
    if (!((double)right > 0.95 * (double)all))
        fail_msg("%llu of %llu pairs in order", (unsigned long long)right, (unsigned long long)all);
    const uint32_t user = 4, item = 8;
    float score;
    assert_int_equal(model_score_pairs(&model_bpr_mf, state, f.backend, &user, &item, 1, ITEMS, &score),
                     STATUS_OK);
    assert_true(isfinite(score));
    fixture_close(&f);
}

static void test_threads_and_repeats_give_the_same_bytes(void **unused)
{
    (void)unused;
    struct fixture f;
    struct factors one, two;
    static const char *const settings[] = {"{epochs: 5}", "{epochs: 5, factors: 130, use_bias: false}"};
    open_thirds(&f);
    for (int s = 0; s < 2; s++) {
        f.run.seed = 42;
        assert_int_equal(backend_open("cpu", 1, &f.run.backend), STATUS_OK);
        assert_int_equal(model_bpr_mf.factors(fixture_fit(&f, &model_bpr_mf, settings[s]), &one), STATUS_OK);
        assert_int_equal(backend_open("cpu", 2, &f.run.backend), STATUS_OK);
        assert_int_equal(model_bpr_mf.factors(fixture_fit(&f, &model_bpr_mf, settings[s]), &two), STATUS_OK);
        assert_memory_equal(one.user, two.user, USERS * one.ld_user * sizeof(float));
        assert_memory_equal(one.item, two.item, ITEMS * one.ld_item * sizeof(float));
        assert_memory_equal(one.item_bias, two.item_bias, ITEMS * sizeof(float));
        for (uint32_t i = 0; i < ITEMS; i++)
            assert_true(s == 0 || one.item_bias[i] == 0.0f);
        f.run.seed = 43;
        assert_int_equal(model_bpr_mf.factors(fixture_fit(&f, &model_bpr_mf, settings[s]), &two), STATUS_OK);
        assert_memory_not_equal(one.user, two.user, USERS * one.ld_user * sizeof(float));
    }
    fixture_close(&f);
}

static void test_cancelled_diverged(void **unused)
{
    (void)unused;
    struct fixture f;
    open_thirds(&f);
    fixture_cancelled = 1;
    assert_int_equal(model_bpr_mf.fit(fixture_state(&f, &model_bpr_mf), fixture_params(&f, &model_bpr_mf, ""),
                                      &f.view, &f.run),
                     STATUS_STOPPED);
    fixture_cancelled = 0;
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(
        model_bpr_mf.fit(fixture_state(&f, &model_bpr_mf),
                         fixture_params(&f, &model_bpr_mf, "{learning_rate: 10, user_regularization: 100}"),
                         &f.view, &f.run),
        STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "learning_rate"));
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_is_the_gradient),
        cmocka_unit_test(test_planted_taste_is_found),
        cmocka_unit_test(test_threads_and_repeats_give_the_same_bytes),
        cmocka_unit_test(test_cancelled_diverged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
