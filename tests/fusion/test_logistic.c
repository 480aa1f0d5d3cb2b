/* test_logistic.c - fusion/logistic.c: the gradient is zero where it ends, and what has no finite weights is told, not returned. */
#include "../test.h"

#include <math.h>

#include "backend/backend.h"
#include "fusion/logistic.h"

enum { N = 400, D = 3 };
static float x[N * D], y[N];

static void draw(void)
{
    for (uint32_t r = 0; r < N; r++) {
        double f = 0.3;
        for (uint32_t c = 0; c < D; c++) {
            x[r * D + c] = (float)random_normal(4, RANDOM_SYNTH, c, r);
            f += (c == 0 ? 1.5 : -0.5) * (double)x[r * D + c];
        }
        y[r] = random_unit(4, RANDOM_SYNTH, 9, r) < 1 / (1 + exp(-f));
    }
}

/* At the minimum the sum of (p - y) x is -l2 w, and that of p - y is 0. */
static void the_gradient_is_zero(void **state)
{
    (void)state;
    draw();
    for (int i = 0; i < 3; i++) {
        const double l2 = i == 0 ? 0 : i == 1 ? 1 : 50;
        double w[D + 1] = {0}, g[D + 1] = {0};
        assert_ok(logistic_fit("test", x, y, N, D, l2, w));
        for (uint32_t r = 0; r < N; r++) {
            double f = w[D];
            for (uint32_t c = 0; c < D; c++)
                f += w[c] * (double)x[r * D + c];
            const double e = 1 / (1 + exp(-f)) - (double)y[r];
            for (uint32_t c = 0; c < D; c++)
                g[c] += e * (double)x[r * D + c];
            g[D] += e;
        }
        for (uint32_t c = 0; c <= D; c++)
            assert_float_equal(g[c] + (c < D ? l2 * w[c] : 0), 0, 1e-6);
        assert_true(w[0] > fabs(w[1]));
    }
}

/* A score that is no number, or one too large for the matrix: neither convergence nor a lack of memory. */
static void what_is_no_number_is_told(void **state)
{
    static const float bad[] = {NAN, INFINITY, 3e38F};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double w[D + 1] = {0};
        draw();
        x[7 * D + 1] = bad[i];
        x[9 * D + 1] = -bad[i];
        const enum status status = logistic_fit("stacking", x, y, N, D, 1, w);
        if (i < 2)
            test_fails(status, STATUS_DATA, "stacking: ", "no finite weights", NULL);
        for (uint32_t c = 0; c <= D; c++)
            assert_true(status != STATUS_OK || isfinite(w[c]));
    }
}

/* One column twice, and no penalty: the matrix is singular but for what is added to its diagonal; separable rows: weights without bound. */
static void hard_ones_end(void **state)
{
    double w[D + 1] = {0};
    (void)state;
    draw();
    for (uint32_t r = 0; r < N; r++) {
        x[r * D + 2] = x[r * D + 1];
        y[r] = x[r * D] > 0;
    }
    const enum status status = logistic_fit("test", x, y, N, D, 0, w);
    assert_true(status == STATUS_OK || status == STATUS_DATA);
    for (uint32_t c = 0; c <= D; c++)
        assert_true(isfinite(w[c]));
}

static int quiet(void **state)
{
    (void)state;
    test_quiet();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_zero),
        cmocka_unit_test(what_is_no_number_is_told),
        cmocka_unit_test(hard_ones_end),
    };
    return cmocka_run_group_tests_name("logistic", tests, quiet, NULL);
}
