/*
 * test_cmf.c - collective matrix factorization: the solved items against GSL's double-precision solution of their normal equations,
 * the whole objective falls, attributes place a user without ratings, threads change nothing.
 */
#include "mf_fixture.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdio.h>

extern const struct model_type model_cmf;

enum { USERS = 60, ITEMS = 40, KINDS = 3, MOST = 40 };

/* Ratings of a taste that a user's group and an item's kind tell; user 7 has no ratings, item 9 none and no attribute either. */
static void open_described(struct fixture *f, struct column *group, struct column *kind)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    static int64_t ptr[ITEMS + 1];
    static uint32_t idx[ITEMS * KINDS];
    static float age[USERS];
    uint64_t n = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (u != 7 && i != 9 && random_unit(1, RANDOM_SYNTH, u, i) < 0.4) {
                user[n] = u, item[n] = i;
                value[n++] = (float)(3.0 + 0.3 * (u % 3) + (u % 2 == i % 2 ? 0.9 : -0.9) +
                                     0.2 * random_unit(2, RANDOM_SYNTH, u, i));
            }
    fixture_open(f, USERS, ITEMS, n, user, item, value);
    ptr[0] = 0;
    for (uint32_t i = 0; i < ITEMS; i++) { /* one name or two, the first tells the kind */
        ptr[i + 1] = ptr[i];
        if (i == 9)
            continue;
        idx[ptr[i + 1]++] = i % 2;
        if (i % 5 == 0)
            idx[ptr[i + 1]++] = 2;
    }
    struct string_builder b = {0};
    for (int j = 0; j < KINDS; j++)
        assert_int_equal(string_builder_add(&b, "kind", 4), STATUS_OK);
    *kind = (struct column){
        .name = "kind", .kind = COLUMN_LIST, .list = {ITEMS, KINDS, ptr[ITEMS], ptr, idx, NULL}};
    assert_int_equal(string_builder_finish(&b, f->arena, &kind->names), STATUS_OK);
    for (uint32_t u = 0; u < USERS; u++)
        age[u] = u % 2 == 0 ? 20.0f : 60.0f;
    *group = (struct column){.name = "age", .kind = COLUMN_NUMBER, .number = age};
    f->view.user_columns = group, f->view.n_user_columns = 1;
    f->view.item_columns = kind, f->view.n_item_columns = 1;
}

/* A fitted model as its arrays, features behind the factors as cmf_fit lays them out. */
struct arrays {
    const float *user, *item, *user_bias, *item_bias;
    size_t ld;
    double mean;
};
static struct arrays arrays_of(const void *state, uint32_t first)
{
    struct factors m;
    assert_int_equal(model_cmf.factors(state, &m), STATUS_OK);
    return (struct arrays){m.user - first, m.item - first, m.user_bias,
                           m.item_bias,    m.ld_user,      (double)m.offset};
}

/* Item i's attribute l: share of its names. */
static double attribute(const struct column *kind, uint32_t i, uint32_t l)
{
    const int64_t n = kind->list.ptr[i + 1] - kind->list.ptr[i];
    for (int64_t e = kind->list.ptr[i]; e < kind->list.ptr[i + 1]; e++)
        if (kind->list.idx[e] == l)
            return 1.0 / (double)n;
    return 0;
}
static double attribute_mean(const struct column *kind, uint32_t l)
{
    double sum = 0;
    for (uint32_t i = 0; i < ITEMS; i++)
        sum += attribute(kind, i, l) / ITEMS;
    return sum;
}

/* (vector, bias) of item i by GSL, from users and item attributes as they stand; all columns but k_user's. */
static void exact(const struct fixture *f, const struct arrays *m, const struct column *kind, uint32_t i,
                  uint32_t k_user, uint32_t k_item, uint32_t width, double lambda, double w_main,
                  double w_item, double *out)
{
    const size_t n = width + 1;
    const float *attributes = m->user + USERS * m->ld; /* e_l */
    gsl_matrix *A = gsl_matrix_calloc(n, n);
    gsl_vector *b = gsl_vector_calloc(n), *x = gsl_vector_alloc(n);
    for (int part = 0; part < 2; part++)
        for (int64_t e = part ? 0 : f->by_item.ptr[i]; e < (part ? KINDS : f->by_item.ptr[i + 1]); e++) {
            const float *v = part ? attributes + (size_t)e * m->ld : m->user + f->by_item.idx[e] * m->ld;
            double y[MOST] = {0}, target;
            for (uint32_t k = 0; k < width; k++)
                y[k] = part || k >= k_user + k_item ? (double)v[k] : 0;
            y[width] = part ? 0 : 1;
            target = part ? attribute(kind, i, (uint32_t)e) - attribute_mean(kind, (uint32_t)e)
                          : (double)f->by_item.val[e] - m->mean - (double)m->user_bias[f->by_item.idx[e]];
            for (size_t k = 0; k < n; k++) {
                b->data[k] += (part ? w_item : w_main) * target * y[k];
                for (size_t l = 0; l < n; l++)
                    *gsl_matrix_ptr(A, k, l) += (part ? w_item : w_main) * y[k] * y[l];
            }
        }
    for (size_t k = 0; k < n; k++)
        *gsl_matrix_ptr(A, k, k) += lambda;
    gsl_linalg_cholesky_decomp1(A);
    gsl_linalg_cholesky_solve(A, b, x);
    for (size_t k = 0; k < n; k++)
        out[k] = gsl_vector_get(x, k);
    gsl_matrix_free(A);
    gsl_vector_free(b);
    gsl_vector_free(x);
}

static void test_items_against_gsl(void **unused)
{
    struct fixture f;
    struct column group, kind;
    (void)unused;
    open_described(&f, &group, &kind);
    for (int c = 0; c < 4; c++) {
        const uint32_t k_user = c & 1 ? 2 : 0, k_item = c & 1 ? 3 : 0, k_main = c & 1 ? 2 : 0,
                       width = k_user + k_item + 5 + k_main;
        char yaml[300];
        snprintf(yaml, sizeof yaml,
                 "{factors: 5, k_user: %u, k_item: %u, k_main: %u, regularization: 0.7, w_main: 0.8, w_item: "
                 "3, w_user: 2, "
                 "iterations: 4, solver: %s, cg_steps: 60}",
                 k_user, k_item, k_main, c & 2 ? "cg" : "cholesky");
        const struct arrays m = arrays_of(fixture_fit(&f, &model_cmf, yaml), k_user + k_item);
        for (uint32_t i = 0; i < ITEMS; i++) {
            double want[MOST];
            exact(&f, &m, &kind, i, k_user, k_item, width, 0.7, 0.8, 3, want);
            for (uint32_t k = 0; k < width; k++)
                if (!(fabs((double)m.item[i * m.ld + k] - want[k]) < 5e-5))
                    fail_msg("%s: item %u, column %u: %g, exactly %g", yaml, i, k,
                             (double)m.item[i * m.ld + k], want[k]);
            assert_true(fabs((double)m.item_bias[i] - want[width]) < 5e-5);
        }
    }
    fixture_close(&f);
}

/* All that is minimised. */
static double objective(const struct fixture *f, const struct arrays *m, const struct column *kind,
                        double lambda)
{
    const float *of_users = m->item + ITEMS * m->ld, *of_items = m->user + USERS * m->ld;
    double sum = 0, deviation = 20, age_mean = 40;
    for (uint32_t u = 0; u < USERS; u++) {
        double d = 0;
        for (int64_t e = f->by_user.ptr[u]; e < f->by_user.ptr[u + 1]; e++) {
            double r = m->mean + (double)m->user_bias[u] + (double)m->item_bias[f->by_user.idx[e]];
            for (size_t k = 0; k < m->ld; k++)
                r += (double)m->user[u * m->ld + k] * (double)m->item[f->by_user.idx[e] * m->ld + k];
            sum += pow((double)f->by_user.val[e] - r, 2);
        }
        for (size_t k = 0; k < m->ld; k++)
            d += (double)m->user[u * m->ld + k] * (double)of_users[k],
                sum += lambda * pow((double)m->user[u * m->ld + k], 2);
        sum += pow((u % 2 == 0 ? 20 - age_mean : 60 - age_mean) / deviation - d, 2) +
               lambda * pow((double)m->user_bias[u], 2);
    }
    for (uint32_t i = 0; i < ITEMS; i++) {
        for (uint32_t l = 0; l < KINDS; l++) {
            double p = attribute_mean(kind, l);
            for (size_t k = 0; k < m->ld; k++)
                p += (double)m->item[i * m->ld + k] * (double)of_items[l * m->ld + k];
            sum += pow(attribute(kind, i, l) - p, 2);
        }
        for (size_t k = 0; k < m->ld; k++)
            sum += lambda * pow((double)m->item[i * m->ld + k], 2);
        sum += lambda * pow((double)m->item_bias[i], 2);
    }
    for (size_t k = 0; k < m->ld; k++) {
        sum += lambda * pow((double)of_users[k], 2);
        for (uint32_t l = 0; l < KINDS; l++)
            sum += lambda * pow((double)of_items[l * m->ld + k], 2);
    }
    return sum;
}

static void test_objective_falls(void **unused)
{
    struct fixture f;
    struct column group, kind;
    double last = INFINITY;
    (void)unused;
    open_described(&f, &group, &kind);
    for (int iterations = 2; iterations < 14; iterations++) {
        char yaml[120];
        snprintf(yaml, sizeof yaml, "{factors: 6, regularization: 0.5, iterations: %d}", iterations);
        const struct arrays m = arrays_of(fixture_fit(&f, &model_cmf, yaml), 0);
        const double now = objective(&f, &m, &kind, 0.5);
        if (!(now < last * (1 + 1e-6)))
            fail_msg("after %d iterations the objective is %.9g, before it was %.9g", iterations, now, last);
        last = now;
    }
    fixture_close(&f);
}

/* User 7 has no ratings, but an age: the items of the age's taste come first. */
static void test_attributes_place_a_cold_user(void **unused)
{
    struct fixture f;
    struct column group, kind;
    double own = 0, other = 0;
    (void)unused;
    open_described(&f, &group, &kind);
    const void *state =
        fixture_fit(&f, &model_cmf, "{factors: 4, regularization: 0.3, w_user: 5, iterations: 30}");
    for (uint32_t i = 0; i < ITEMS; i++) {
        float r;
        assert_int_equal(model_cmf.score_pairs(state, &(uint32_t){7}, &i, 1, &r), STATUS_OK);
        *(i % 2 == 1 ? &own : &other) += (double)r / (ITEMS / 2);
    }
    assert_true(own > other + 0.5);
    fixture_close(&f);
}

static void test_threads_and_mistakes(void **unused)
{
    struct fixture f;
    struct column group, kind;
    struct factors one, two;
    (void)unused;
    open_described(&f, &group, &kind);
    for (int t = 0; t < 2; t++) {
        assert_int_equal(backend_open("cpu", t + 1, &f.run.backend), STATUS_OK);
        assert_int_equal(
            model_cmf.factors(fixture_fit(&f, &model_cmf, "{factors: 50, solver: cg}"), t ? &two : &one),
            STATUS_OK);
    }
    assert_memory_equal(one.user, two.user, USERS * one.ld_user * sizeof(float));
    assert_memory_equal(one.item, two.item, ITEMS * one.ld_item * sizeof(float));
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(model_cmf.check(fixture_params(&f, &model_cmf, "{features: [item]}"), NULL),
                     STATUS_USAGE);
    assert_non_null(strstr(status_sentence(), "'item'"));
    assert_int_equal(model_cmf.fit(fixture_state(&f, &model_cmf),
                                   fixture_params(&f, &model_cmf, "{features: [shoe_size]}"), &f.view,
                                   &f.run),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(status_sentence(), "shoe_size"));
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_against_gsl), cmocka_unit_test(test_objective_falls),
        cmocka_unit_test(test_attributes_place_a_cold_user), cmocka_unit_test(test_threads_and_mistakes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
