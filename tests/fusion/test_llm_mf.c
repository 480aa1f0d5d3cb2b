/*
 * test_llm_mf.c - llm_reg_mf's fixed point against the normal equations by GSL in double, its loss falls from sweep to sweep, new items lie
 * where the map puts them; llm_init_mf without text is ials, with text it starts from principal components.
 */
#include "../models/mf_fixture.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>

#include "fusion/text_factors.h"

extern const struct model_type model_llm_init_mf, model_llm_reg_mf, model_ials;

enum {
    USERS = 30,
    ITEMS = 40,
    COLD = 8,
    WIDTH = 6,
    FACTORS = 5
}; /* items from ITEMS - COLD on have no train row */

struct world {
    struct fixture f;
    struct feature feature;
    float value[ITEMS * WIDTH];
};

static void open_world(struct world *w)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    uint64_t n = 0;
    for (size_t e = 0; e < ITEMS * WIDTH; e++)
        w->value[e] = (float)random_normal(5, RANDOM_SYNTH, 0, e);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS - COLD; i++)
            if (random_unit(6, RANDOM_SYNTH, u, i) <
                1 / (1 + exp(1 - 2 * (double)w->value[i * WIDTH] * (u % 2 ? 1 : -1))))
                user[n] = u, item[n] = i, value[n++] = 1;
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

/* What the tests' runs have in common. */
#define SETTINGS                                                                                             \
    "encoder: 'feature:x', factors: 5, regularization: 0.3, nu: 0.5, alpha0: 0.2, map_regularization: 20, "  \
    "solver: cholesky"
static const double REGULARIZATION = 0.3, NU = 0.5, ALPHA0 = 0.2, MAP = 20;

static double ridge_of(const struct csr *a, uint32_t row)
{
    return REGULARIZATION * pow((double)(a->ptr[row + 1] - a->ptr[row]) + ALPHA0 * a->n_cols, NU);
}

/* prior [ITEMS x FACTORS] = v W, the weighed ridge regression of the items' factors; returns |W|^2. */
static double map_of(const struct world *w, const struct item_vectors *v, const struct text_factors *m,
                     double *prior)
{
    const size_t d = v->d;
    double squares = 0;
    gsl_matrix *A = gsl_matrix_calloc(d, d);
    gsl_vector *b = gsl_vector_alloc(d), *x = gsl_vector_alloc(d);
#define V(i, k) ((double)v->v[(i)*v->d + (k)])
    for (uint32_t i = 0; i < ITEMS - COLD; i++)
        for (size_t k = 0; k < d; k++)
            for (size_t l = 0; l < d; l++)
                *gsl_matrix_ptr(A, k, l) += ridge_of(&w->f.by_item, i) * V(i, k) * V(i, l);
    for (size_t k = 0; k < v->d; k++)
        *gsl_matrix_ptr(A, k, k) += MAP;
    gsl_linalg_cholesky_decomp1(A);
    for (uint32_t c = 0; c < FACTORS; c++) {
        gsl_vector_set_zero(b);
        for (uint32_t i = 0; i < ITEMS - COLD; i++)
            for (size_t k = 0; k < d; k++)
                b->data[k] += ridge_of(&w->f.by_item, i) * V(i, k) * (double)m->item[i * m->factors + c];
        gsl_linalg_cholesky_solve(A, b, x);
        for (uint32_t i = 0; i < ITEMS; i++) {
            prior[i * FACTORS + c] = 0;
            for (size_t k = 0; k < d; k++)
                prior[i * FACTORS + c] += gsl_vector_get(x, k) * V(i, k);
        }
        for (size_t k = 0; k < v->d; k++)
            squares += gsl_vector_get(x, k) * gsl_vector_get(x, k);
    }
    gsl_matrix_free(A);
    gsl_vector_free(b);
    gsl_vector_free(x);
    return squares;
}

/* Row `row` of one side, solved by GSL from the other side's n rows (new items are none) and its prior. */
static void solve_row(const struct csr *a, uint32_t row, const float *Y, size_t ld, uint32_t n,
                      const double *prior, double *out)
{
    const double ridge = ridge_of(a, row);
    gsl_matrix *A = gsl_matrix_calloc(FACTORS, FACTORS);
    gsl_vector *b = gsl_vector_calloc(FACTORS), *x = gsl_vector_alloc(FACTORS);
    for (uint32_t j = 0; j < n; j++) {
        const double seen = csr_has(a, row, j);
        for (size_t k = 0; k < FACTORS; k++) {
            b->data[k] += seen * (double)Y[j * ld + k];
            for (size_t l = 0; l < FACTORS; l++)
                *gsl_matrix_ptr(A, k, l) += (ALPHA0 + seen) * (double)Y[j * ld + k] * (double)Y[j * ld + l];
        }
    }
    for (size_t k = 0; k < FACTORS; k++) {
        *gsl_matrix_ptr(A, k, k) += ridge;
        b->data[k] += prior != NULL ? ridge * prior[k] : 0;
    }
    gsl_linalg_cholesky_decomp1(A);
    gsl_linalg_cholesky_solve(A, b, x);
    for (size_t k = 0; k < FACTORS; k++)
        out[k] = gsl_vector_get(x, k);
    gsl_matrix_free(A);
    gsl_vector_free(b);
    gsl_vector_free(x);
}

static void the_fixed_point_solves_all_equations(void **state)
{
    struct world w;
    double prior[ITEMS * FACTORS], want[FACTORS], from_prior = 0;
    (void)state;
    open_world(&w);
    const struct item_vectors v = vectors(&w);
    const struct text_factors *m = fixture_fit(&w.f, &model_llm_reg_mf, "{" SETTINGS ", iterations: 3000}");
    map_of(&w, &v, m, prior);
    for (uint32_t u = 0; u < USERS; u++) {
        solve_row(&w.f.by_user, u, m->item, m->factors, ITEMS - COLD, NULL, want);
        for (uint32_t k = 0; k < FACTORS; k++)
            assert_true(fabs((double)m->user[u * m->factors + k] - want[k]) < 2e-4);
    }
    for (uint32_t i = 0; i < ITEMS; i++) {
        if (i < ITEMS - COLD)
            solve_row(&w.f.by_item, i, m->user, m->factors, USERS, prior + i * FACTORS, want);
        else
            memcpy(want, prior + i * FACTORS, sizeof want);
        for (uint32_t k = 0; k < FACTORS; k++) {
            if (!(fabs((double)m->item[i * m->factors + k] - want[k]) < 2e-4))
                fail_msg("item %u, column %u: %g, exactly %g", i, k, (double)m->item[i * m->factors + k],
                         want[k]);
            from_prior += fabs(prior[i * FACTORS + k]);
        }
        for (uint32_t k = FACTORS; k < m->factors; k++)
            assert_true(m->item[i * m->factors + k] == 0);
    }
    assert_true(from_prior > 1); /* the map says something */
    fixture_close(&w.f);
}

static double loss(const struct world *w, const struct item_vectors *v, const struct text_factors *m)
{
    double prior[ITEMS * FACTORS], sum = MAP * map_of(w, v, m, prior);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS - COLD; i++) {
            double r = 0;
            for (uint32_t k = 0; k < FACTORS; k++)
                r += (double)m->user[u * m->factors + k] * (double)m->item[i * m->factors + k];
            sum += ALPHA0 * r * r + (csr_has(&w->f.by_user, u, i) ? (r - 1) * (r - 1) : 0);
        }
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t k = 0; k < FACTORS; k++)
            sum += ridge_of(&w->f.by_user, u) * pow((double)m->user[u * m->factors + k], 2);
    for (uint32_t i = 0; i < ITEMS - COLD; i++)
        for (uint32_t k = 0; k < FACTORS; k++)
            sum += ridge_of(&w->f.by_item, i) *
                   pow((double)m->item[i * m->factors + k] - prior[i * FACTORS + k], 2);
    return sum;
}

static void the_loss_falls(void **state)
{
    struct world w;
    double first = 0, last = INFINITY;
    (void)state;
    open_world(&w);
    const struct item_vectors v = vectors(&w);
    for (int iterations = 1; iterations < 15; iterations++) {
        char yaml[300];
        snprintf(yaml, sizeof yaml, "{" SETTINGS ", iterations: %d}", iterations);
        const double now = loss(&w, &v, fixture_fit(&w.f, &model_llm_reg_mf, yaml));
        if (!(now < last * (1 + 1e-6)))
            fail_msg("after %d iterations the loss is %.9g, before it was %.9g", iterations, now, last);
        first = iterations == 1 ? now : first;
        last = now;
    }
    assert_true(last < 0.95 * first);
    fixture_close(&w.f);
}

static void without_text_it_is_ials(void **state)
{
    struct world w;
    struct factors ials;
    (void)state;
    open_world(&w);
    for (int cg = 0; cg < 2; cg++) {
        const char *const solver = cg ? "cg" : "cholesky";
        char yaml[120];
        snprintf(yaml, sizeof yaml, "{factors: 5, solver: %s}", solver);
        assert_int_equal(model_ials.factors(fixture_fit(&w.f, &model_ials, yaml), &ials), STATUS_OK);
        snprintf(yaml, sizeof yaml, "{factors: 5, solver: %s, encoder: none}", solver);
        const struct text_factors *m = fixture_fit(&w.f, &model_llm_init_mf, yaml);
        assert_int_equal(m->factors, ials.ld_item);
        assert_memory_equal(m->user, ials.user, USERS * m->factors * sizeof(float));
        assert_memory_equal(m->item, ials.item, (ITEMS - COLD) * m->factors * sizeof(float));
    }
    fixture_close(&w.f);
}

/* Before any sweep had an effect (all weights on the norms), users are 0; so the start shows after one sweep of cg from it: here instead two
 * items with equal vectors and equal rows stay equal, and without text they don't. */
static void items_start_from_their_texts(void **state)
{
    struct world w;
    (void)state;
    for (int text = 0; text < 2; text++) {
        uint32_t user[USERS * 4], item[USERS * 4], n = 0;
        float value[USERS * 4];
        open_world(&w);
        memcpy(w.value + WIDTH, w.value, WIDTH * sizeof(float));
        for (uint32_t u = 0; u < USERS; u++)
            for (uint32_t i = 0; i < 4; i++)
                if (random_unit(8, RANDOM_SYNTH, u, i < 2 ? 0 : i) < 0.5)
                    user[n] = u, item[n] = i, value[n++] = 1;
        fixture_close(&w.f);
        fixture_open(&w.f, USERS, ITEMS, n, user, item, value);
        w.f.view.features = &w.feature;
        w.f.view.n_features = 1;
        const struct text_factors *m =
            fixture_fit(&w.f, &model_llm_init_mf,
                        text ? "{encoder: 'feature:x', factors: 5, iterations: 1, cg_steps: 1}"
                             : "{encoder: none, factors: 5, iterations: 1, cg_steps: 1}");
        const int same = memcmp(m->item, m->item + m->factors, m->factors * sizeof(float)) == 0;
        assert_int_equal(same, text);
        fixture_close(&w.f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fixed_point_solves_all_equations), cmocka_unit_test(the_loss_falls),
        cmocka_unit_test(without_text_it_is_ials), cmocka_unit_test(items_start_from_their_texts)};
    return cmocka_run_group_tests_name("llm mf", tests, NULL, NULL);
}
