/*
 * test_ials.c - the iALS model: its loss falls, planted taste is found, threads change nothing, files come
 * back. Rows against GSL's Cholesky: tests/kernels/test_als.c.
 */
#include "mf_fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fsio.h"

extern const struct model_type model_ials;

enum { USERS = 60, ITEMS = 45 };

/* Two tastes: even users take even items, odd users odd ones; user 7 and item 9 have nothing. */
static void open_tastes(struct fixture *f, uint32_t n_users)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    uint64_t n = 0;
    for (uint32_t u = 0; u < n_users; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (u != 7 && i != 9 && u % 2 == i % 2 && random_unit(1, RANDOM_SYNTH, u, i) < 0.5)
                user[n] = u, item[n] = i, value[n++] = 1.0f + (float)(i % 5);
    fixture_open(f, n_users, ITEMS, n, user, item, value);
}

static double dot(const struct factors *m, uint32_t u, uint32_t i)
{
    double s = 0;
    for (uint32_t k = 0; k < m->factors; k++)
        s += (double)m->user[u * m->ld_user + k] * m->item[i * m->ld_item + k];
    return s;
}

static double norm2(const float *x, uint32_t n)
{
    double s = 0;
    for (uint32_t k = 0; k < n; k++)
        s += (double)x[k] * x[k];
    return s;
}

/* The losses at the head of ials.c, term by term, in double. */
static double loss(const struct fixture *f, const void *state, bool hu, double alpha, double regularization)
{
    struct factors m;
    double sum = 0;
    assert_int_equal(model_ials.factors(state, &m), STATUS_OK);
    for (uint32_t u = 0; u < m.n_users; u++) {
        int64_t e = f->by_user.ptr[u];
        const double n_u = (double)(f->by_user.ptr[u + 1] - e);
        for (uint32_t i = 0; i < m.n_items; i++) {
            const double score = dot(&m, u, i);
            const bool seen = e < f->by_user.ptr[u + 1] && f->by_user.idx[e] == i;
            if (hu)
                sum += (seen ? 1 + alpha * f->by_user.val[e] : 1.0) * (score - seen) * (score - seen);
            else
                sum += alpha * score * score + (seen ? (score - 1) * (score - 1) : 0);
            e += seen;
        }
        sum += regularization * (hu ? 1 : n_u + alpha * m.n_items) * norm2(m.user + u * m.ld_user, m.factors);
    }
    for (uint32_t i = 0; i < m.n_items; i++) {
        const double n_i = (double)(f->by_item.ptr[i + 1] - f->by_item.ptr[i]);
        sum += regularization * (hu ? 1 : n_i + alpha * m.n_users) * norm2(m.item + i * m.ld_item, m.factors);
    }
    return sum;
}

static void test_loss_falls(void **unused)
{
    (void)unused;
    struct fixture f;
    open_tastes(&f, USERS);
    for (int hu = 0; hu < 2; hu++) {
        double last = INFINITY;
        for (int iterations = 1; iterations <= 12; iterations++) {
            char yaml[200];
            snprintf(yaml, sizeof yaml,
                     "{factors: 12, iterations: %d, solver: cholesky, confidence: %s, alpha: 2, "
                     "regularization: %s}",
                     iterations, hu ? "hu" : "rendle", hu ? "0.5" : "0.01");
            const double now =
                loss(&f, fixture_fit(&f, &model_ials, yaml), hu, hu ? 2 : 0.1, hu ? 0.5 : 0.01);
            assert_true(now < last * (1 + 1e-7));
            last = now;
        }
        /* and conjugate gradient with enough steps ends at the same place */
        const void *cg =
            fixture_fit(&f, &model_ials,
                        hu ? "{factors: 12, iterations: 12, cg_steps: 60, confidence: hu, alpha: 2, "
                             "regularization: 0.5}"
                           : "{factors: 12, iterations: 12, cg_steps: 60, regularization: 0.01}");
        const double other = loss(&f, cg, hu, hu ? 2 : 0.1, hu ? 0.5 : 0.01);
        assert_true(fabs(other - last) < 1e-4 * last);
        /* and so do blocks of which one holds all factors */
        const void *block =
            fixture_fit(&f, &model_ials,
                        hu ? "{factors: 12, iterations: 12, solver: block, confidence: hu, alpha: 2, "
                             "regularization: 0.5}"
                           : "{factors: 12, iterations: 12, solver: block, regularization: 0.01}");
        assert_true(fabs(loss(&f, block, hu, hu ? 2 : 0.1, hu ? 0.5 : 0.01) - last) < 1e-4 * last);
    }
    fixture_close(&f);
}

/* At a minimum no small change of any row makes the loss smaller: the loss above is the one that is
 * minimised. */
/* iALS++: with several blocks a sweep is no more than coordinate descent, but each lowers the loss and many of them end where
 * the exact solver ends. */
static void test_blocks_lower_the_loss(void **unused)
{
    (void)unused;
    struct fixture f;
    open_tastes(&f, USERS);
    double last = INFINITY;
    for (int iterations = 1; iterations <= 40; iterations += iterations < 4 ? 1 : 12) {
        char yaml[200];
        snprintf(yaml, sizeof yaml,
                 "{factors: 80, iterations: %d, solver: block, block_size: 32, regularization: 0.05}",
                 iterations);
        const double now = loss(&f, fixture_fit(&f, &model_ials, yaml), 0, 0.1, 0.05);
        assert_true(now < last * (1 + 1e-6));
        last = now;
    }
    const double exact = loss(
        &f,
        fixture_fit(&f, &model_ials, "{factors: 80, iterations: 40, solver: cholesky, regularization: 0.05}"),
        0, 0.1, 0.05);
    assert_true(last < exact * 1.01);
    fixture_close(&f);
}

static void test_fit_is_a_minimum_of_the_loss(void **unused)
{
    (void)unused;
    struct fixture f;
    open_tastes(&f, USERS);
    for (int hu = 0; hu < 2; hu++) {
        const double alpha = hu ? 2 : 0.1, regularization = hu ? 0.5 : 0.01;
        const void *state =
            fixture_fit(&f, &model_ials,
                        hu ? "{factors: 5, iterations: 150, solver: cholesky, confidence: hu, alpha: 2, "
                             "regularization: 0.5}"
                           : "{factors: 5, iterations: 150, solver: cholesky, regularization: 0.01}");
        struct factors m;
        assert_int_equal(model_ials.factors(state, &m), STATUS_OK);
        const double at = loss(&f, state, hu, alpha, regularization);
        for (uint32_t r = 0; r < 10; r++)
            for (int side = 0; side < 2; side++) {
                float *x = (float *)(side ? m.item + r * m.ld_item : m.user + r * m.ld_user) + r % 5;
                const float kept = *x;
                for (int sign = -1; sign <= 1; sign += 2) {
                    *x = kept + 0.02f * (float)sign;
                    assert_true(loss(&f, state, hu, alpha, regularization) > at);
                }
                *x = kept;
            }
    }
    fixture_close(&f);
}

static void test_planted_taste_is_found(void **unused)
{
    (void)unused;
    static const char *const settings[] = {"{factors: 8}", "{factors: 40, solver: cholesky}",
                                           "{factors: 300, iterations: 5, regularization: 0.3}",
                                           "{factors: 8, confidence: hu, alpha: 10, regularization: 1}"};
    struct fixture f;
    open_tastes(&f, USERS);
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        const void *state = fixture_fit(&f, &model_ials, settings[s]);
        for (uint32_t u = 0; u < USERS; u++) {
            float score[ITEMS], own = 0, other = 0;
            uint32_t users[ITEMS], items[ITEMS];
            for (uint32_t i = 0; i < ITEMS; i++)
                users[i] = u, items[i] = i;
            assert_int_equal(
                model_score_pairs(&model_ials, state, f.backend, users, items, ITEMS, ITEMS, score),
                STATUS_OK);
            for (uint32_t i = 0; i < ITEMS; i++)
                if (!csr_has(&f.by_user, u, i))
                    *(u % 2 == i % 2 ? &own : &other) += score[i];
            if (u == 7) /* no history: zeros */
                assert_true(own == 0.0f && other == 0.0f);
            else if (!(own > fabsf(other)))
                fail_msg("%s: user %u: %g of the own taste, %g of the other", settings[s], u, (double)own,
                         (double)other);
            assert_true(score[9] == 0.0f);
        }
    }
    fixture_close(&f);
}

static void test_threads_and_repeats_give_the_same_bytes(void **unused)
{
    (void)unused;
    static const char *const settings[] = {"{factors: 20}", "{factors: 70, solver: cholesky}",
                                           "{factors: 260}", "{factors: 100, solver: block}"};
    struct fixture f;
    open_tastes(&f, USERS);
    for (size_t s = 0; s < sizeof settings / sizeof *settings; s++) {
        struct factors one, two;
        assert_int_equal(backend_open("cpu", 1, &f.run.backend), STATUS_OK);
        assert_int_equal(model_ials.factors(fixture_fit(&f, &model_ials, settings[s]), &one), STATUS_OK);
        assert_int_equal(backend_open("cpu", 2, &f.run.backend), STATUS_OK);
        assert_int_equal(model_ials.factors(fixture_fit(&f, &model_ials, settings[s]), &two), STATUS_OK);
        assert_memory_equal(one.user, two.user, USERS * one.ld_user * sizeof(float));
        assert_memory_equal(one.item, two.item, ITEMS * one.ld_item * sizeof(float));
        f.run.seed = 43;
        assert_int_equal(model_ials.factors(fixture_fit(&f, &model_ials, settings[s]), &two), STATUS_OK);
        assert_memory_not_equal(one.user, two.user, USERS * one.ld_user * sizeof(float));
        f.run.seed = 42;
    }
    fixture_close(&f);
}

static void test_one_user(void **unused)
{
    (void)unused;
    struct fixture f;
    struct factors m;
    open_tastes(&f, 1);
    for (int solver = 0; solver < 2; solver++) {
        const void *state = fixture_fit(&f, &model_ials, solver ? "{solver: cholesky}" : "");
        assert_int_equal(model_ials.factors(state, &m), STATUS_OK);
        for (uint32_t i = 0; i < ITEMS; i++)
            assert_true(isfinite(dot(&m, 0, i)) && (dot(&m, 0, i) > 0.1) == csr_has(&f.by_user, 0, i));
    }
    fixture_close(&f);
}

static void test_saved_and_loaded_is_the_same(void **unused)
{
    (void)unused;
    struct fixture f;
    struct factors a, b;
    char path[] = "/tmp/recfuse-ials-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    open_tastes(&f, USERS);
    const void *params = fixture_params(&f, &model_ials, "{factors: 20}");
    void *state = fixture_fit(&f, &model_ials, "{factors: 20}"), *again = fixture_state(&f, &model_ials);
    assert_int_equal(model_save(path, &model_ials, params, state), STATUS_OK);
    assert_int_equal(model_load(path, &model_ials, params, &f.run, again), STATUS_OK);
    assert_int_equal(model_ials.factors(state, &a), STATUS_OK);
    assert_int_equal(model_ials.factors(again, &b), STATUS_OK);
    assert_true(a.n_users == b.n_users && a.n_items == b.n_items && a.factors == b.factors &&
                a.ld_user == b.ld_user);
    assert_memory_equal(a.user, b.user, USERS * a.ld_user * sizeof(float));
    assert_memory_equal(a.item, b.item, ITEMS * a.ld_item * sizeof(float));
    unlink(path);
    fixture_close(&f);
}

static void test_cancelled_stops(void **unused)
{
    (void)unused;
    struct fixture f;
    open_tastes(&f, USERS);
    fixture_cancelled = 1;
    assert_int_equal(
        model_ials.fit(fixture_state(&f, &model_ials), fixture_params(&f, &model_ials, ""), &f.view, &f.run),
        STATUS_STOPPED);
    fixture_close(&f);
}

/* Quality is best at the third look: the factors of the third iteration come back. */
static int looks;
static enum status third_is_best(void *context, const void *state, double *quality)
{
    static const double qualities[] = {0.1, 0.2, 0.5, 0.4, 0.5, 0.3, 0.9};
    (void)context, (void)state;
    assert_true(looks < 7);
    *quality = qualities[looks++];
    return STATUS_OK;
}
static void test_early_stopping_keeps_the_best(void **unused)
{
    (void)unused;
    struct fixture f;
    struct factors a, b;
    open_tastes(&f, USERS);
    assert_int_equal(model_ials.factors(fixture_fit(&f, &model_ials, "{iterations: 3}"), &a), STATUS_OK);
    looks = 0;
    f.run.validate = third_is_best;
    assert_int_equal(model_ials.factors(fixture_fit(&f, &model_ials, "{iterations: 50, patience: 3}"), &b),
                     STATUS_OK);
    assert_int_equal(looks, 6);
    assert_memory_equal(a.user, b.user, USERS * a.ld_user * sizeof(float));
    assert_memory_equal(a.item, b.item, ITEMS * a.ld_item * sizeof(float));
    fixture_close(&f);
}

static void test_negative_values_are_refused_by_hu(void **unused)
{
    (void)unused;
    struct fixture f;
    const uint32_t user[] = {0, 1}, item[] = {0, 1};
    const float value[] = {1, -2};
    fixture_open(&f, 2, 2, 2, user, item, value);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(model_ials.fit(fixture_state(&f, &model_ials),
                                    fixture_params(&f, &model_ials, "{confidence: hu}"), &f.view, &f.run),
                     STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "-2"));
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_fit(&f, &model_ials, ""); /* rendle doesn't look at values */
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss_falls),
        cmocka_unit_test(test_blocks_lower_the_loss),
        cmocka_unit_test(test_fit_is_a_minimum_of_the_loss),
        cmocka_unit_test(test_planted_taste_is_found),
        cmocka_unit_test(test_threads_and_repeats_give_the_same_bytes),
        cmocka_unit_test(test_one_user),
        cmocka_unit_test(test_saved_and_loaded_is_the_same),
        cmocka_unit_test(test_cancelled_stops),
        cmocka_unit_test(test_early_stopping_keeps_the_best),
        cmocka_unit_test(test_negative_values_are_refused_by_hu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
