/* test_preference.c - the logistic head: the mission's worked example, gradients, training, threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <gsl/gsl_deriv.h>

#include "fusion/preference.h"

static const struct backend *backend;

static int open_backend(void **state)
{
    (void)state;
    return backend_open("cpu", 1, &backend) != STATUS_OK;
}

/* The mission's example: W = (1.84603, -1.68617), b = 0; q_1 -> 0.8165, q_2 -> 0.4321. */
static const float example_W[] = {1.84603F, -1.68617F}, example_q[] = {0.9F, 0.1F, 0.4F, 0.6F};
static const float example_p[] = {0.8165F, 0.4321F};

/* The loss in double over a table, of d weights and b in `w`: written from the formula, not from the
 * kernels. */
struct reference {
    const float *q, *y;
    size_t n, d, moved;
    double regularization;
    double w[64];
};
static double reference_loss(double x, void *context)
{
    struct reference *r = context;
    const double kept = r->w[r->moved];
    double loss = 0;
    r->w[r->moved] = x;
    for (size_t s = 0; s < r->n; s++) {
        double z = r->w[r->d];
        for (size_t k = 0; k < r->d; k++)
            z += (double)r->q[s * r->d + k] * r->w[k];
        const double p = 1 / (1 + exp(-z));
        loss -= ((double)r->y[s] * log(p) + (1 - (double)r->y[s]) * log(1 - p)) / (double)r->n;
    }
    for (size_t k = 0; k < r->d; k++)
        loss += r->regularization / 2 * r->w[k] * r->w[k];
    r->w[r->moved] = kept;
    return loss;
}

struct table {
    const float *q, *y;
    size_t d;
};
static enum status fill(const void *context, const uint64_t *groups, size_t n, float *q, float *target)
{
    const struct table *t = context;
    for (size_t s = 0; s < n; s++) {
        memcpy(q + s * t->d, t->q + groups[s] * t->d, t->d * sizeof *q);
        target[s] = t->y[groups[s]];
    }
    return STATUS_OK;
}

/* preference_loss() against the reference: loss, and every component of the gradient by
 * gsl_deriv_central. */
static void assert_gradient(const float *q, const float *y, size_t n, size_t d, const float *W, float b,
                            double regularization)
{
    struct arena *scratch = arena_new();
    const struct table table = {q, y, d};
    const struct preference_samples samples = {n, 1, (uint32_t)d, fill, &table};
    const struct preference_options options = {.regularization = regularization, .batch_size = 7};
    struct reference r = {q, y, n, d, 0, regularization, {0}};
    double loss = 0, gradient[64];
    for (size_t k = 0; k < d; k++)
        r.w[k] = (double)W[k];
    r.w[d] = (double)b;
    assert_int_equal(preference_loss(backend, &samples, &options, W, b, scratch, &loss, gradient), STATUS_OK);
    assert_true(fabs(loss - reference_loss(r.w[0], &r)) < 1e-6);
    for (size_t k = 0; k <= d; k++) {
        double numeric = 0, error = 0;
        r.moved = k;
        gsl_function f = {reference_loss, &r};
        assert_int_equal(gsl_deriv_central(&f, r.w[k], 1e-3, &numeric, &error), 0);
        assert_true(fabs(gradient[k] - numeric) < 1e-6 + 10 * error);
    }
    arena_free(scratch);
}

static void worked_example(void **state)
{
    (void)state;
    for (int s = 0; s < 2; s++) {
        const double z = (double)example_W[0] * (double)example_q[2 * s] +
                         (double)example_W[1] * (double)example_q[2 * s + 1];
        assert_true(fabs(preference_sigmoid(z) - (double)example_p[s]) < 5e-5);
    }
    const float clicks[] = {1, 0};
    assert_gradient(example_q, clicks, 2, 2, example_W, 0, 0);
    assert_gradient(example_q, clicks, 2, 2, example_W, 0, 0.1);
    /* At the soft targets these weights are the optimum: the gradient is zero to the four digits of the
     * targets. */
    struct arena *scratch = arena_new();
    const struct table table = {example_q, example_p, 2};
    const struct preference_samples samples = {2, 1, 2, fill, &table};
    const struct preference_options options = {.batch_size = 2};
    double loss = 0, gradient[3];
    assert_int_equal(preference_loss(backend, &samples, &options, example_W, 0, scratch, &loss, gradient),
                     STATUS_OK);
    for (int k = 0; k < 3; k++)
        assert_true(fabs(gradient[k]) < 5e-5);
    arena_free(scratch);
}

static void training_finds_the_example(void **state)
{
    (void)state;
    struct arena *scratch = arena_new();
    const struct preference_options options = {.learning_rate = 0.02,
                                               .beta1 = 0.9,
                                               .beta2 = 0.999,
                                               .epsilon = 1e-8,
                                               .epochs = 4000,
                                               .batch_size = 2};
    float W[2] = {0, 0}, b = 0;
    assert_int_equal(preference_train(backend, example_q, example_p, 2, 2, &options, scratch, W, &b),
                     STATUS_OK);
    for (int s = 0; s < 2; s++) {
        const double z =
            (double)W[0] * (double)example_q[2 * s] + (double)W[1] * (double)example_q[2 * s + 1] + (double)b;
        assert_true(fabs(preference_sigmoid(z) - (double)example_p[s]) < 1e-4);
    }
    arena_free(scratch);
}

enum { N = 333, D = 19 };
static void make_table(float *q, float *y)
{
    for (size_t i = 0; i < (size_t)N * D; i++)
        q[i] = (float)random_normal(5, RANDOM_INIT, 0, i);
    for (size_t s = 0; s < N; s++) {
        const double z = (double)q[s * D] - 2 * (double)q[s * D + 1] + 0.5;
        y[s] = random_unit(5, RANDOM_INIT, 1, s) < preference_sigmoid(z) ? 1.0F : 0.0F;
    }
}

static void gradient_is_that_of_the_loss(void **state)
{
    (void)state;
    static float q[N * D], y[N];
    float W[D];
    make_table(q, y);
    for (int k = 0; k < D; k++)
        W[k] = (float)random_normal(6, RANDOM_INIT, 0, (uint64_t)k);
    assert_gradient(q, y, N, D, W, 0.3F, 0);
    assert_gradient(q, y, N, D, W, -0.7F, 0.05);
}

static void early_stopping_keeps_the_best(void **state)
{
    (void)state;
    static float q[N * D], y[N];
    struct arena *scratch = arena_new();
    make_table(q, y);
    const struct table first = {q, y, D}, last = {q + 40 * D, y + 40, D};
    const struct preference_samples train = {40, 1, D, fill, &first}, valid = {N - 40, 1, D, fill, &last};
    const struct preference_options options = {.learning_rate = 0.05,
                                               .beta1 = 0.9,
                                               .beta2 = 0.999,
                                               .epsilon = 1e-8,
                                               .epochs = 500,
                                               .batch_size = 8,
                                               .patience = 10};
    struct preference_report report;
    float W[D] = {0}, b = 0;
    double loss = 0;
    assert_int_equal(preference_fit(backend, &train, &valid, &options, scratch, W, &b, &report), STATUS_OK);
    assert_true(report.epochs < 500 && report.best_epoch + 10 == report.epochs);
    assert_int_equal(preference_loss(backend, &valid, &options, W, b, scratch, &loss, NULL), STATUS_OK);
    assert_true(fabs(loss - report.validation_loss) < 1e-6);
    assert_true(loss < log(2.0)); /* better than knowing nothing */
    arena_free(scratch);
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    static float q[N * D], y[N];
    float W[2][D] = {{0}}, b[2] = {0};
    make_table(q, y);
    const struct preference_options options = {.learning_rate = 0.01,
                                               .beta1 = 0.9,
                                               .beta2 = 0.999,
                                               .epsilon = 1e-8,
                                               .epochs = 3,
                                               .batch_size = 256,
                                               .seed = 9};
    for (int i = 0; i < 2; i++) {
        struct arena *scratch = arena_new();
        const struct backend *other;
        assert_int_equal(backend_open("cpu", i + 1, &other), STATUS_OK);
        assert_int_equal(preference_train(other, q, y, N, D, &options, scratch, W[i], &b[i]), STATUS_OK);
        arena_free(scratch);
    }
    assert_memory_equal(W[0], W[1], sizeof W[0]);
    assert_memory_equal(&b[0], &b[1], sizeof b[0]);
    assert_true(W[0][0] > 0 && W[0][1] < 0);
}

/* King and Zeng's correction brings the mean probability back to the share of positives. */
static void prior_correction_restores_the_share(void **state)
{
    (void)state;
    const double share = 0.02, kept = 0.05; /* of the negatives */
    const double sampled = share / (share + (1 - share) * kept);
    const double b = log(sampled / (1 - sampled)) + preference_prior_correction(1, kept);
    assert_true(fabs(preference_sigmoid(b) - share) < 1e-12);
    assert_true(preference_sigmoid(-800) >= 0 && preference_sigmoid(800) == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(worked_example),
                                       cmocka_unit_test(training_finds_the_example),
                                       cmocka_unit_test(gradient_is_that_of_the_loss),
                                       cmocka_unit_test(early_stopping_keeps_the_best),
                                       cmocka_unit_test(threads_do_not_matter),
                                       cmocka_unit_test(prior_correction_restores_the_share)};
    return cmocka_run_group_tests_name("preference", tests, open_backend, NULL);
}
