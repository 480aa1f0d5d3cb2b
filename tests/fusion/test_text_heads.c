/*
 * test_text_heads.c - linear maps from text vectors: linear_map, predicted_popularity and attribute_mapping against GSL in double.
 */
#include "../models/mf_fixture.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>

#include "fusion/linear_map.h"
#include "fusion/text_factors.h"

extern const struct model_type model_predicted_popularity, model_attribute_mapping, model_ials;

enum { USERS = 30, ITEMS = 40, COLD = 8, WIDTH = 6 }; /* items from ITEMS - COLD on have no train row */

struct world {
    struct fixture f;
    struct feature feature;
    float value[ITEMS * WIDTH];
};

/* A user takes the items on the user's side of the first number of the item's vector, the more so the larger the second. */
static void open_world(struct world *w)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    uint64_t n = 0;
    for (size_t e = 0; e < ITEMS * WIDTH; e++)
        w->value[e] = (float)random_normal(5, RANDOM_SYNTH, 0, e);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS - COLD; i++) {
            const double x = (double)w->value[i * WIDTH] * (u % 2 ? 1 : -1),
                         y = (double)w->value[i * WIDTH + 1];
            if (random_unit(6, RANDOM_SYNTH, u, i) < 1 / (1 + exp(1 - 2 * x - y)))
                user[n] = u, item[n] = i, value[n++] = 1;
        }
    fixture_open(&w->f, USERS, ITEMS, n, user, item, value);
    w->feature = (struct feature){.name = "x", .width = WIDTH, .value = w->value};
    w->f.view.features = &w->feature;
    w->f.view.n_features = 1;
}

static struct item_vectors vectors(struct world *w)
{
    struct item_vectors out;
    const struct item_vectors_options options = {.encoder = "feature:x", .center = true};
    assert_int_equal(item_vectors_build(&options, &w->f.view, &w->f.run, &out), STATUS_OK);
    return out;
}

/* Predictions for all items of the ridge regression with an intercept of y on V over the first n items, weighed. */
static void ridge(const struct item_vectors *v, uint32_t n, const double *y, const double *weight,
                  double regularization, double *prediction)
{
    const size_t d = v->d + 1; /* the intercept is one more column without penalty */
    gsl_matrix *A = gsl_matrix_calloc(d, d);
    gsl_vector *b = gsl_vector_calloc(d), *x = gsl_vector_alloc(d);
    for (uint32_t i = 0; i < n; i++)
        for (size_t k = 0; k < d; k++) {
            const double w = weight == NULL ? 1 : weight[i], p = k < v->d ? (double)v->v[i * v->d + k] : 1;
            b->data[k] += w * p * y[i];
            for (size_t l = 0; l < d; l++)
                *gsl_matrix_ptr(A, k, l) += w * p * (l < v->d ? (double)v->v[i * v->d + l] : 1);
        }
    for (size_t k = 0; k < v->d; k++)
        *gsl_matrix_ptr(A, k, k) += regularization;
    gsl_linalg_cholesky_decomp1(A);
    gsl_linalg_cholesky_solve(A, b, x);
    for (uint32_t i = 0; i < v->n_items; i++) {
        prediction[i] = gsl_vector_get(x, v->d);
        for (size_t k = 0; k < v->d; k++)
            prediction[i] += gsl_vector_get(x, k) * (double)v->v[i * v->d + k];
    }
    gsl_matrix_free(A);
    gsl_vector_free(b);
    gsl_vector_free(x);
}

static void a_map_is_the_weighed_ridge_regression(void **state)
{
    struct world w;
    struct linear_map map;
    float Y[ITEMS * 5], out[ITEMS * 3], weight[ITEMS];
    double weights[ITEMS], y[ITEMS], want[ITEMS];
    (void)state;
    open_world(&w);
    const struct item_vectors v = vectors(&w);
    for (uint32_t i = 0; i < ITEMS; i++) {
        weight[i] = i % 5 == 0 ? 0 : (float)(1 + i % 3);
        weights[i] = (double)weight[i];
        for (uint32_t k = 0; k < 5; k++)
            Y[i * 5 + k] = (float)(10 * k + random_normal(7, RANDOM_SYNTH, k, i));
    }
    for (int weighed = 0; weighed < 2; weighed++) {
        assert_int_equal(linear_map_fit(w.f.backend, "test", v.v, ITEMS, v.d, Y, 5, 3,
                                        weighed ? weight : NULL, 0.5, true, w.f.arena, w.f.arena, &map),
                         STATUS_OK);
        assert_int_equal(linear_map_apply(w.f.backend, &map, v.v, ITEMS, out, 3), STATUS_OK);
        for (uint32_t k = 0; k < 3; k++) {
            for (uint32_t i = 0; i < ITEMS; i++)
                y[i] = (double)Y[i * 5 + k];
            ridge(&v, ITEMS, y, weighed ? weights : NULL, 0.5, want);
            for (uint32_t i = 0; i < ITEMS; i++)
                assert_true(fabs((double)out[i * 3 + k] - want[i]) < 2e-5 * (1 + fabs(want[i])));
        }
    }
    /* Without vectors the map is the mean. */
    assert_int_equal(linear_map_fit(w.f.backend, "test", NULL, ITEMS, 0, Y, 5, 1, NULL, 0.5, true, w.f.arena,
                                    w.f.arena, &map),
                     STATUS_OK);
    double mean = 0;
    for (uint32_t i = 0; i < ITEMS; i++)
        mean += (double)Y[i * 5] / ITEMS;
    assert_true(fabs((double)map.b[0] - mean) < 1e-5);
    fixture_close(&w.f);
}

static void popularity_is_predicted_by_ridge_regression(void **state)
{
    struct world w;
    double y[ITEMS], want[ITEMS];
    uint32_t users[2] = {0, 1}, item;
    float score[2];
    (void)state;
    open_world(&w);
    const struct item_vectors v = vectors(&w);
    const struct text_factors *m =
        fixture_fit(&w.f, &model_predicted_popularity, "{encoder: 'feature:x', regularization: 0.25}");
    for (uint32_t i = 0; i < ITEMS; i++)
        y[i] = log(1 + (double)(w.f.by_item.ptr[i + 1] - w.f.by_item.ptr[i]));
    ridge(&v, ITEMS - COLD, y, NULL, 0.25, want);
    for (item = 0; item < ITEMS; item++) {
        assert_int_equal(model_score_pairs(&model_predicted_popularity, m, w.f.backend, users,
                                           (uint32_t[]){item, item}, 2, ITEMS, score),
                         STATUS_OK);
        assert_true(score[0] == score[1] && fabs((double)score[0] - want[item]) < 2e-5);
    }
    fixture_close(&w.f);
}

/* A user's scores are the ridge regression of the user's 0 / 1 row over the items with train rows, but for a constant. */
static void rows_are_mapped_user_by_user(void **state)
{
    struct world w;
    double y[ITEMS], want[ITEMS], right = 0;
    uint32_t all[ITEMS], users[ITEMS];
    float score[ITEMS];
    (void)state;
    open_world(&w);
    const struct item_vectors v = vectors(&w);
    const struct text_factors *m =
        fixture_fit(&w.f, &model_attribute_mapping, "{encoder: 'feature:x', regularization: 2}");
    for (uint32_t u = 0; u < USERS; u++) {
        for (uint32_t i = 0; i < ITEMS; i++)
            y[i] = csr_has(&w.f.by_user, u, i), all[i] = i, users[i] = u;
        ridge(&v, ITEMS - COLD, y, NULL, 2, want);
        assert_int_equal(
            model_score_pairs(&model_attribute_mapping, m, w.f.backend, users, all, ITEMS, ITEMS, score),
            STATUS_OK);
        for (uint32_t i = 1; i < ITEMS; i++)
            assert_true(fabs((double)(score[i] - score[0]) - (want[i] - want[0])) < 2e-5);
        for (uint32_t i = ITEMS - COLD; i < ITEMS; i++)
            for (uint32_t j = ITEMS - COLD; j < ITEMS; j++)
                right += (score[i] > score[j]) == ((w.value[i * WIDTH] > w.value[j * WIDTH]) == (u % 2 == 1));
    }
    assert_true(right > 0.7 * USERS * COLD * COLD); /* new items stand on the right side */
    fixture_close(&w.f);
}

/* Items with train rows keep the base's factors, the others get the map's; `mapped`: all do. */
static void factors_are_mapped(void **state)
{
    struct world w;
    struct factors base;
    double y[ITEMS], want[ITEMS];
    static const char *const yaml[] = {"{encoder: 'feature:x', target: factors, regularization: 0.5, base: "
                                       "{name: ials, params: {factors: 4}}}",
                                       "{encoder: 'feature:x', target: factors, regularization: 0.5, base: "
                                       "{name: ials, params: {factors: 4}}, "
                                       "warm: mapped}"};
    (void)state;
    open_world(&w);
    const struct item_vectors v = vectors(&w);
    assert_int_equal(model_ials.factors(fixture_fit(&w.f, &model_ials, "{factors: 4}"), &base), STATUS_OK);
    for (int mapped = 0; mapped < 2; mapped++) {
        const struct text_factors *m = fixture_fit(&w.f, &model_attribute_mapping, yaml[mapped]);
        assert_int_equal(m->factors, 4);
        for (uint32_t k = 0; k < 4; k++) {
            for (uint32_t i = 0; i < ITEMS; i++)
                y[i] = (double)base.item[i * base.ld_item + k];
            ridge(&v, ITEMS - COLD, y, NULL, 0.5, want);
            for (uint32_t i = 0; i < ITEMS; i++) {
                const bool kept = i < ITEMS - COLD && !mapped;
                assert_true(fabs((double)m->item[i * 4 + k] - (kept ? y[i] : want[i])) < 2e-5);
            }
            for (uint32_t u = 0; u < USERS; u++)
                assert_true(m->user[u * 4 + k] == base.user[u * base.ld_user + k]);
        }
    }
    fixture_close(&w.f);
}

static void mistakes(void **state)
{
    struct world w;
    (void)state;
    open_world(&w);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(
        model_attribute_mapping.check(
            fixture_params(&w.f, &model_attribute_mapping, "{target: factors, base: {name: ease}}"), NULL),
        STATUS_USAGE);
    assert_non_null(strstr(status_sentence(), "ease has no factors"));
    /* Five equal columns at next to no regularization. */
    for (size_t e = 0; e < ITEMS * WIDTH; e++)
        w.value[e] = w.value[e - e % WIDTH];
    struct linear_map map;
    assert_int_equal(linear_map_fit(w.f.backend, "some_model", w.value, ITEMS, WIDTH, w.value, WIDTH, 1, NULL,
                                    0, true, w.f.arena, w.f.arena, &map),
                     STATUS_USAGE);
    assert_non_null(strstr(status_sentence(), "some_model"));
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&w.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_map_is_the_weighed_ridge_regression),
                                       cmocka_unit_test(popularity_is_predicted_by_ridge_regression),
                                       cmocka_unit_test(rows_are_mapped_user_by_user),
                                       cmocka_unit_test(factors_are_mapped), cmocka_unit_test(mistakes)};
    return cmocka_run_group_tests_name("text heads", tests, NULL, NULL);
}
