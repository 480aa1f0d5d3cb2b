/*
 * test_llm_similarity.c - llm_ease against its closed form by GSL in double, llm_item_knn against plain loops; without text both are
 * ease and item_knn; new items have scores.
 */
#include "../models/small_view.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_linalg.h>

#include "models/item_vectors.h"

extern const struct model_type model_ease, model_item_knn, model_llm_ease, model_llm_item_knn;

enum { USERS = 60, ITEMS = 90, COLD = 10, WIDTH = 8 }; /* the last COLD items have no train row */

struct world {
    struct small s;
    struct feature feature;
    float value[ITEMS * WIDTH];
};

static void open_world(struct world *w, int threads)
{
    uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    float value[USERS * ITEMS];
    uint64_t n = 0;
    small_new(&w->s, USERS, ITEMS, 0.12, 1, 3, threads);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++) {
            double *x = &w->s.dense[u * ITEMS + i];
            *x = i < ITEMS - COLD ? *x : 0;
            if (*x != 0)
                user[n] = u, item[n] = i, value[n++] = (float)*x;
        }
    assert_int_equal(csr_from_triples(USERS, ITEMS, n, user, item, value, w->s.arena, &w->s.by_user, NULL),
                     STATUS_OK);
    assert_int_equal(csr_transpose(&w->s.by_user, w->s.arena, &w->s.by_item), STATUS_OK);
    for (size_t e = 0; e < ITEMS * WIDTH; e++)
        w->value[e] = (float)random_normal(9, RANDOM_SYNTH, 0, e);
    w->feature = (struct feature){.name = "x", .width = WIDTH, .value = w->value};
    w->s.view.features = &w->feature;
    w->s.view.n_features = 1;
}

static void *params_of(struct world *w, const struct model_type *type, const char *yaml)
{
    struct node *map = NULL;
    void *params = arena_alloc(w->s.arena, 1, type->params_size);
    assert_int_equal(params_default(type->params, w->s.arena, params), STATUS_OK);
    assert_int_equal(node_parse("test", yaml, strlen(yaml), w->s.arena, &map), STATUS_OK);
    assert_int_equal(params_set(type->params, type->name, map, w->s.arena, params), STATUS_OK);
    return params;
}

static struct item_vectors vectors(struct world *w)
{
    struct item_vectors out;
    const struct item_vectors_options options = {.encoder = "feature:x", .center = true};
    assert_int_equal(item_vectors_build(&options, &w->s.view, &w->s.run, &out), STATUS_OK);
    return out;
}

static double dot(const struct item_vectors *v, uint32_t i, uint32_t j)
{
    double sum = 0;
    for (uint32_t k = 0; k < v->d; k++)
        sum += (double)v->v[i * v->d + k] * (double)v->v[j * v->d + k];
    return sum;
}

static double common(const struct world *w, uint32_t i, uint32_t j, bool binary)
{
    double sum = 0;
    for (uint32_t u = 0; u < USERS; u++) {
        const double x = w->s.dense[u * ITEMS + i], y = w->s.dense[u * ITEMS + j];
        sum += binary ? (x != 0 && y != 0) : x * y;
    }
    return sum;
}

/* share * B of G = rows X'X + text V V' + l2, added to B [ITEMS x ITEMS], over the items of `list` (n of them). */
static void add_weights(const struct world *w, const struct item_vectors *v, const uint32_t *list, uint32_t n,
                        double rows, double text, double l2, double share, double *B)
{
    gsl_matrix *P = gsl_matrix_alloc(n, n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            gsl_matrix_set(P, i, j,
                           (rows > 0 ? rows * common(w, list[i], list[j], true) : 0) +
                               text * dot(v, list[i], list[j]) + (i == j ? l2 : 0));
    gsl_linalg_cholesky_decomp1(P);
    gsl_linalg_cholesky_invert(P);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            if (i != j)
                B[list[i] * ITEMS + list[j]] -= share * gsl_matrix_get(P, i, j) / gsl_matrix_get(P, j, j);
    gsl_matrix_free(P);
}

/* Columns of new items: weights b of the others that minimise |v_j - sum_i b_i v_i|^2 + ridge |b|^2, in the n x n form. */
static void add_new(const struct item_vectors *v, const uint32_t *list, uint32_t n, double ridge, double *B)
{
    gsl_matrix *A = gsl_matrix_alloc(n, n);
    gsl_vector *y = gsl_vector_alloc(n), *x = gsl_vector_alloc(n);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++)
            gsl_matrix_set(A, i, j, dot(v, list[i], list[j]) + (i == j ? ridge : 0));
    gsl_linalg_cholesky_decomp1(A);
    for (uint32_t j = ITEMS - COLD; j < ITEMS; j++) {
        for (uint32_t i = 0; i < n; i++)
            gsl_vector_set(y, i, dot(v, list[i], j));
        gsl_linalg_cholesky_solve(A, y, x);
        for (uint32_t i = 0; i < n; i++)
            B[list[i] * ITEMS + j] = gsl_vector_get(x, i);
    }
    gsl_matrix_free(A);
    gsl_vector_free(y);
    gsl_vector_free(x);
}

static void ease_is_its_closed_form(void **state)
{
    static const char *const yaml[] = {
        "{encoder: 'feature:x', l2: 5, text_weight: 3}",
        "{encoder: 'feature:x', l2: 5, method: additive, text_share: 0.4, text_l2: 0.7}"};
    (void)state;
    for (int additive = 0; additive < 2; additive++) {
        struct world w;
        open_world(&w, 1 + additive);
        uint32_t list[ITEMS], n = 0;
        double *B = arena_alloc(w.s.arena, ITEMS * ITEMS, sizeof *B), largest = 0, worst = 0;
        const struct item_vectors v = vectors(&w);
        for (uint32_t i = 0; i < ITEMS; i++)
            if (w.s.by_item.ptr[i + 1] > w.s.by_item.ptr[i])
                list[n++] = i;
        assert_true(n > 70 && n <= ITEMS - COLD);
        add_weights(&w, &v, list, n, 1, additive ? 0 : 3, 5, additive ? 0.6 : 1, B);
        if (additive)
            add_weights(&w, &v, list, n, 0, 1, 0.7, 0.4, B);
        add_new(&v, list, n, additive ? 0.7 : 5.0 / 3, B);
        void *fitted, *params = params_of(&w, &model_llm_ease, yaml[additive]);
        const float *scores = small_scores(&w.s, &model_llm_ease, params, &fitted);
        for (uint32_t u = 0; u < USERS; u++)
            for (uint32_t j = 0; j < ITEMS; j++) {
                double want = 0;
                for (uint32_t i = 0; i < ITEMS; i++)
                    want += (w.s.dense[u * ITEMS + i] != 0) * B[i * ITEMS + j];
                if (j >= ITEMS - COLD || w.s.by_item.ptr[j + 1] > w.s.by_item.ptr[j]) {
                    largest = fmax(largest, fabs(want));
                    worst = fmax(worst, fabs(want - (double)scores[u * ITEMS + j]));
                }
            }
        assert_true(largest > 0.1 && worst < 2e-5 * largest);
        small_round_trip(&w.s, &model_llm_ease, params, fitted, scores);
        small_free(&w.s);
    }
}

static void without_text_they_are_the_classical_ones(void **state)
{
    static const struct {
        const struct model_type *fused, *classical;
        const char *yaml, *classical_yaml;
    } cases[] = {{&model_llm_ease, &model_ease, "{encoder: none, l2: 7}", "{l2: 7}"},
                 {&model_llm_ease, &model_ease, "{encoder: none, l2: 7, method: additive}", "{l2: 7}"},
                 {&model_llm_item_knn, &model_item_knn,
                  "{encoder: 'feature:x', text_share: 0, k: 9, shrinkage: 2}", "{k: 9, shrinkage: 2}"},
                 {&model_llm_item_knn, &model_item_knn,
                  "{encoder: none, text_share: 0, k: 200, binary: false}", "{k: 90, binary: false}"}};
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct world w;
        open_world(&w, 2);
        const float *a = small_scores(&w.s, cases[c].fused, params_of(&w, cases[c].fused, cases[c].yaml),
                                      NULL),
                    *b = small_scores(&w.s, cases[c].classical,
                                      params_of(&w, cases[c].classical, cases[c].classical_yaml), NULL);
        double size = 0, off = 0; /* at the cut, equal similarities may be told apart otherwise */
        for (size_t e = 0; e < (size_t)USERS * ITEMS; e++)
            size += fabs((double)b[e]), off += fabs((double)a[e] - (double)b[e]);
        assert_true(size > 10 && off < (c == 2 ? 0.05 : 1e-5) * size);
        small_free(&w.s);
    }
}

/* The sum over the k best positive similarities of each item, by sorting all. */
static void knn_is_its_definition(void **state)
{
    enum { K = 12 };
    struct world w;
    (void)state;
    open_world(&w, 2);
    const struct item_vectors v = vectors(&w);
    void *fitted,
        *params = params_of(&w, &model_llm_item_knn,
                            "{encoder: 'feature:x', text_share: 0.35, k: 12, shrinkage: 1.5, binary: false}");
    const float *scores = small_scores(&w.s, &model_llm_item_knn, params, &fitted);
    int new_ones = 0;
    for (uint32_t i = 0; i < ITEMS; i++) {
        double sim[ITEMS], kept[ITEMS] = {0};
        for (uint32_t j = 0; j < ITEMS; j++) {
            const double norm = sqrt(common(&w, i, i, false)) * sqrt(common(&w, j, j, false)) + 1.5;
            sim[j] = i == j ? -1 : 0.65 * common(&w, i, j, false) / norm + 0.35 * dot(&v, i, j);
        }
        for (int m = 0; m < K; m++) {
            uint32_t best = 0;
            for (uint32_t j = 1; j < ITEMS; j++)
                best = sim[j] > sim[best] ? j : best;
            if (sim[best] > 0)
                kept[best] = sim[best];
            sim[best] = -1;
        }
        for (uint32_t u = 0; u < USERS; u++) {
            double want = 0;
            for (uint32_t j = 0; j < ITEMS; j++)
                want += w.s.dense[u * ITEMS + j] * kept[j];
            assert_true(fabs(want - (double)scores[u * ITEMS + i]) < 1e-4 * (1 + fabs(want)));
            new_ones += i >= ITEMS - COLD && want > 0;
        }
    }
    assert_true(new_ones > USERS);
    small_round_trip(&w.s, &model_llm_item_knn, params, fitted, scores);
    small_free(&w.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ease_is_its_closed_form),
                                       cmocka_unit_test(without_text_they_are_the_classical_ones),
                                       cmocka_unit_test(knn_is_its_definition)};
    return cmocka_run_group_tests_name("llm similarity", tests, NULL, NULL);
}
