/*
 * test_mf2020.c - steps of the kernel against the numerical gradient of the loss as mf2020.h states it (gsl_deriv_central); what negatives are
 * drawn; planted taste, threads, seeds, early stopping and divergence of the model.
 */
#include "mf_fixture.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_deriv.h>
#include <math.h>

#include "mf2020.h"
#include "models/deal.h"

extern const struct model_type model_mf2020;

enum { RANK = 32, USERS = 60, ITEMS = 300 };

/* User 0 and one item. */
struct one {
    double p[RANK], q[RANK], b_u, b_i, b, reg, label;
    double *at; /* the parameter that moves */
};

static double loss(double value, void *context)
{
    struct one *o = context;
    const double kept = *o->at;
    *o->at = value;
    double y = o->b + o->b_u + o->b_i, penalty = o->b * o->b + o->b_u * o->b_u + o->b_i * o->b_i;
    for (int k = 0; k < RANK; k++) {
        y += o->p[k] * o->q[k];
        penalty += o->p[k] * o->p[k] + o->q[k] * o->q[k];
    }
    *o->at = kept;
    return log1p(exp(o->label > 0 ? -y : y)) + o->reg * penalty / 2;
}

/* A step against the gradient, by GSL; then takes it. */
static double stepped(double *at, struct one *o, double rate)
{
    gsl_function f = {loss, o};
    double gradient, error;
    o->at = at;
    gsl_deriv_central(&f, *at, 1e-3, &gradient, &error);
    assert_true(error < 1e-6);
    return *at - rate * gradient;
}

static void descend(struct one *o, double rate)
{
    struct one next = *o;
    for (int k = 0; k < RANK; k++) {
        next.p[k] = stepped(&o->p[k], o, rate);
        next.q[k] = stepped(&o->q[k], o, rate);
    }
    next.b_u = stepped(&o->b_u, o, rate);
    next.b_i = stepped(&o->b_i, o, rate);
    next.b = stepped(&o->b, o, rate);
    *o = next;
}

static void near(const char *what, double got, double want)
{
    if (fabs(got - want) > 1e-5)
        fail_msg("%s is %.9g, by the gradient %.9g", what, got, want);
}

/* One user with item 0; there is one item, so each of the negatives is it too: a step up, then two down. */
static void test_steps_are_the_gradient(void **unused)
{
    _Alignas(64) float user[RANK], item[RANK];
    const struct bpr_sample sample = {0, 0};
    const int64_t block[2] = {0, 1};
    const uint32_t part[2] = {0, 1}, part_item[1] = {0}, place[1] = {0};
    const struct backend *backend;
    (void)unused;
    assert_int_equal(backend_open("cpu", 1, &backend), STATUS_OK);
    for (uint32_t trial = 0; trial < 4; trial++) {
        struct one o = {.reg = 0.1, .b = 0.25 * trial, .b_u = -0.5, .b_i = 0.125 * trial};
        float user_bias = (float)o.b_u, item_bias = (float)o.b_i, from = (float)o.b, to = 0;
        for (uint32_t k = 0; k < RANK; k++) {
            user[k] = 0.5f * (float)random_normal(3, RANDOM_SYNTH, trial, k);
            item[k] = 0.5f * (float)random_normal(3, RANDOM_SYNTH, trial, 100 + k);
            o.p[k] = (double)user[k], o.q[k] = (double)item[k];
        }
        const struct mf2020 a = {.user = user,
                                 .item = item,
                                 .user_bias = &user_bias,
                                 .item_bias = &item_bias,
                                 .bias_from = &from,
                                 .bias_to = &to,
                                 .sample = &sample,
                                 .block = block,
                                 .part = part,
                                 .part_item = part_item,
                                 .place = place,
                                 .n_users = 1,
                                 .seed = 1,
                                 .learning_rate = 0.25f,
                                 .reg = 0.1f,
                                 .negatives = 2,
                                 .rank = RANK,
                                 .grid = 1};
        assert_int_equal(backend_launch(backend, &kernel_mf2020_32, &a, 1, MF2020_SCRATCH), STATUS_OK);
        for (int s = 0; s < 3; s++) {
            o.label = s == 0;
            descend(&o, 0.25);
        }
        for (int k = 0; k < RANK; k++) {
            near("user factor", (double)user[k], o.p[k]);
            near("item factor", (double)item[k], o.q[k]);
        }
        near("user bias", (double)user_bias, o.b_u);
        near("item bias", (double)item_bias, o.b_i);
        near("bias", (double)to, o.b);
    }
}

/* Over many deals every item is as often a negative as any other, the sample's own among them: chi-squared, 999 of 1000.
 * Drawn as the kernel draws (tests/check/check_mf2020.c holds the kernel to that rule). */
static void test_negatives_are_uniform(void **unused)
{
    enum { N = 40, EPOCHS = 4000 };
    static uint32_t user[N], item[N];
    struct fixture f;
    struct deal d;
    double count[N] = {0}, chi = 0;
    (void)unused;
    for (uint32_t u = 0; u < N; u++)
        user[u] = u, item[u] = u / 2;
    fixture_open(&f, N, N, N, user, item, NULL);
    assert_int_equal(deal_new(&d, &f.by_user, f.arena), STATUS_OK);
    assert_int_equal(d.grid, 2);
    for (uint32_t epoch = 0; epoch < EPOCHS; epoch++) {
        deal_epoch(&d, &f.by_user, 5, epoch);
        const uint32_t i = 7, h = d.item_part[i], first = d.part[h], n = d.part[h + 1] - first;
        const double unit = random_unit(5, RANDOM_SYNTH, epoch, 0) * N;
        uint32_t j = i;
        if (unit >= 1) {
            const uint32_t other = first + (uint32_t)((unit - floor(unit)) * (n - 1));
            j = d.part_item[other >= d.place[i] ? other + 1 : other];
            assert_int_equal(d.item_part[j], h);
        }
        count[j]++;
    }
    for (int i = 0; i < N; i++)
        chi += (count[i] - (double)EPOCHS / N) * (count[i] - (double)EPOCHS / N) / ((double)EPOCHS / N);
    assert_true(count[7] > 0);
    assert_true(gsl_cdf_chisq_Q(chi, N - 1) > 0.001);
    fixture_close(&f);
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

static float score_of(const struct fixture *f, const void *state, uint32_t user, uint32_t item)
{
    float score;
    assert_int_equal(model_score_pairs(&model_mf2020, state, f->backend, &user, &item, 1, ITEMS, &score),
                     STATUS_OK);
    return score;
}

static void test_planted_taste_is_found(void **unused)
{
    (void)unused;
    struct fixture f;
    uint64_t right = 0, all = 0;
    open_thirds(&f);
    const void *state = fixture_fit(&f, &model_mf2020, "");
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = u % 3; u != 4 && i + 1 < ITEMS;
             i += 3) { /* an item of the user's third that it lacks, and the next one */
            if (i == 8 || i + 1 == 8 || csr_has(&f.by_user, u, i))
                continue;
            right += score_of(&f, state, u, i) > score_of(&f, state, u, i + 1), all++;
        }
    if (!((double)right > 0.95 * (double)all))
        fail_msg("%llu of %llu pairs in order", (unsigned long long)right, (unsigned long long)all);
    assert_true(isfinite(score_of(&f, state, 4, 8)));
    fixture_close(&f);
}

/* Does every number have the same bits? */
static bool same_bits(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] || signbit(a[i]) != signbit(b[i]))
            return false;
    return true;
}

static void same_or_not(const struct factors *one, const struct factors *two, bool same)
{
    assert_int_equal(same_bits(one->user, two->user, USERS * one->ld_user), same);
    assert_int_equal(same_bits(one->item, two->item, ITEMS * one->ld_item), same);
    assert_int_equal(same_bits(one->user_bias, two->user_bias, USERS), same);
    assert_int_equal(same_bits(one->item_bias, two->item_bias, ITEMS), same);
    assert_int_equal(same_bits(&one->offset, &two->offset, 1), same);
}

static void test_threads_and_repeats_give_the_same_bytes(void **unused)
{
    (void)unused;
    struct fixture f;
    struct factors one, two;
    static const char *const settings[] = {"{epochs: 5}", "{epochs: 5, factors: 191}",
                                           "{epochs: 5, factors: 200, negatives: 1}"};
    open_thirds(&f);
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        f.run.seed = 42;
        assert_int_equal(backend_open("cpu", 1, &f.run.backend), STATUS_OK);
        assert_int_equal(model_mf2020.factors(fixture_fit(&f, &model_mf2020, settings[s]), &one), STATUS_OK);
        assert_int_equal(backend_open("cpu", 2, &f.run.backend), STATUS_OK);
        assert_int_equal(model_mf2020.factors(fixture_fit(&f, &model_mf2020, settings[s]), &two), STATUS_OK);
        same_or_not(&one, &two, true);
        f.run.seed = 43;
        assert_int_equal(model_mf2020.factors(fixture_fit(&f, &model_mf2020, settings[s]), &two), STATUS_OK);
        same_or_not(&one, &two, false);
    }
    fixture_close(&f);
}

static void test_cancelled_diverged(void **unused)
{
    (void)unused;
    struct fixture f;
    open_thirds(&f);
    fixture_cancelled = 1;
    assert_int_equal(model_mf2020.fit(fixture_state(&f, &model_mf2020), fixture_params(&f, &model_mf2020, ""),
                                      &f.view, &f.run),
                     STATUS_STOPPED);
    fixture_cancelled = 0;
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(
        model_mf2020.fit(fixture_state(&f, &model_mf2020),
                         fixture_params(&f, &model_mf2020, "{learning_rate: 10, regularization: 100}"),
                         &f.view, &f.run),
        STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "learning_rate"));
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_are_the_gradient),
        cmocka_unit_test(test_negatives_are_uniform),
        cmocka_unit_test(test_planted_taste_is_found),
        cmocka_unit_test(test_threads_and_repeats_give_the_same_bytes),
        cmocka_unit_test(test_cancelled_diverged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
