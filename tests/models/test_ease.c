/* ease against a double-precision solution by GSL, and its promises. */
#include <math.h>
#include <string.h>

#include "small_view.h"

#include <gsl/gsl_linalg.h>

extern const struct model_type model_ease;

static void *ease_params(struct small *s, double l2, bool binary)
{
    void *params = arena_alloc(s->arena, 1, model_ease.params_size);

    assert_int_equal(params_default(model_ease.params, s->arena, params), STATUS_OK);
    *(double *)((char *)params + param_find(model_ease.params, "l2")->offset) = l2;
    *(bool *)((char *)params + param_find(model_ease.params, "binary")->offset) = binary;
    return params;
}

/* x_u B in double, from the definition. */
static double *exact_scores(const struct small *s, double l2, bool binary)
{
    const size_t m = s->view.n_users, n = s->view.n_items;
    double *x = arena_alloc(s->arena, m * n, sizeof *x),
           *scores = arena_alloc(s->arena, m * n, sizeof *scores);
    gsl_matrix *P = gsl_matrix_alloc(n, n);

    for (size_t e = 0; e < m * n; e++)
        x[e] = binary ? s->dense[e] != 0 : s->dense[e];
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = i == j ? l2 : 0;
            for (size_t u = 0; u < m; u++)
                sum += x[u * n + i] * x[u * n + j];
            gsl_matrix_set(P, i, j, sum);
        }
    gsl_linalg_cholesky_decomp1(P);
    gsl_linalg_cholesky_invert(P);
    for (size_t u = 0; u < m; u++)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                if (j != i)
                    scores[u * n + i] -= x[u * n + j] * gsl_matrix_get(P, j, i) / gsl_matrix_get(P, i, i);
    gsl_matrix_free(P);
    return scores;
}

static void test_against_double(void **state)
{
    const double l2[] = {2, 50}, density[] = {0.1, 0.01}; /* at 0.01 many items have no interaction */

    (void)state;
    for (int binary = 0; binary < 2; binary++)
        for (size_t c = 0; c < 4; c++) {
            struct small s;
            small_new(&s, 90, 333, density[c / 2], 1, 3, 2);
            const float *scores = small_scores(&s, &model_ease, ease_params(&s, l2[c % 2], binary), NULL);
            const double *exact = exact_scores(&s, l2[c % 2], binary);
            double largest = 0, worst = 0;
            for (size_t e = 0; e < (size_t)90 * 333; e++) {
                largest = fmax(largest, fabs(exact[e]));
                worst = fmax(worst, fabs(exact[e] - (double)scores[e]));
            }
            assert_true(largest > 0.001);
            assert_true(worst <= 1e-4 * largest);
            small_free(&s);
        }
}

static void test_without_history(void **state)
{
    struct small s;

    (void)state;
    small_new(&s, 8, 40, 0.4, 1, 4, 1);
    const float *scores = small_scores(&s, &model_ease, ease_params(&s, 10, true), NULL);
    for (uint32_t i = 0; i < 40; i++)
        assert_true(scores[7 * 40 + i] == 0); /* the user without history */
    for (uint32_t u = 0; u < 8; u++)
        assert_true(scores[u * 40 + 39] == 0); /* the item without interactions */
    small_free(&s);
    small_new(&s, 1, 1, 1, 0, 4, 1);
    scores = small_scores(&s, &model_ease, ease_params(&s, 10, true), NULL);
    assert_true(scores[0] == 0); /* the diagonal of B */
    small_free(&s);
}

static void test_threads_give_the_same_bytes(void **state)
{
    struct small one, two;

    (void)state;
    small_new(&one, 150, 700, 0.1, 0, 5, 1);
    const float *a = small_scores(&one, &model_ease, ease_params(&one, 5, false), NULL);
    small_new(&two, 150, 700, 0.1, 0, 5, 2);
    const float *b = small_scores(&two, &model_ease, ease_params(&two, 5, false), NULL);
    assert_memory_equal(a, b, (size_t)150 * 700 * sizeof *a);
    small_free(&one);
    small_free(&two);
}

static void test_save_and_load(void **state)
{
    (void)state;
    for (int binary = 0; binary < 2; binary++) {
        struct small s;
        void *fitted;
        small_new(&s, 20, 33, 0.3, 1, 5, 1);
        void *params = ease_params(&s, 3, binary);
        const float *scores = small_scores(&s, &model_ease, params, &fitted);
        small_round_trip(&s, &model_ease, params, fitted, scores);
        small_free(&s);
    }
}

static void keep_sentence(void *context, enum status status, const char *sentence)
{
    (void)status;
    snprintf(context, 256, "%s", sentence);
}

static void test_l2_too_small(void **state)
{
    struct small s;
    char sentence[256] = "";

    (void)state;
    small_new(&s, 5, 60, 0.5, 0, 6, 1); /* 60 items of 5 users: X'X has rank 5 */
    void *fitted = arena_alloc(s.arena, 1, model_ease.state_size);
    status_set_handler(keep_sentence, sentence, NULL, NULL);
    assert_int_equal(model_ease.fit(fitted, ease_params(&s, 0, true), &s.view, &s.run), STATUS_USAGE);
    status_set_handler(NULL, NULL, NULL, NULL);
    assert_non_null(strstr(sentence, "raise l2"));
    small_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_double), cmocka_unit_test(test_without_history),
        cmocka_unit_test(test_threads_give_the_same_bytes), cmocka_unit_test(test_save_and_load),
        cmocka_unit_test(test_l2_too_small)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
