/* slim against the conditions of its minimum and against a dense solution, in double precision. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "small_view.h"

#include "models/neighbours.h"

extern const struct model_type model_slim;

enum { USERS = 80, ITEMS = 40 };

static void *params_of(struct small *s, const char *yaml)
{
    struct node *map;
    void *params = arena_alloc(s->arena, 1, model_slim.params_size);

    assert_int_equal(params_default(model_slim.params, s->arena, params), STATUS_OK);
    assert_int_equal(node_parse("test", yaml, strlen(yaml), s->arena, &map), STATUS_OK);
    assert_int_equal(params_set(model_slim.params, "slim", map, s->arena, params), STATUS_OK);
    return params;
}

static double weight(const struct csr *W, uint32_t i, uint32_t j)
{
    for (int64_t e = W->ptr[i]; e < W->ptr[i + 1]; e++)
        if (W->idx[e] == j)
            return (double)W->val[e];
    return 0;
}

/* Minimises by dense coordinate descent with the residual x_j - X w itself, 2,000 sweeps. */
static void exact_column(const double *x, size_t j, double l1, double l2, bool positive, double *w)
{
    double left[USERS];
    for (size_t u = 0; u < USERS; u++)
        left[u] = x[u * ITEMS + j];
    for (size_t i = 0; i < ITEMS; i++)
        w[i] = 0;
    for (int sweep = 0; sweep < 2000; sweep++)
        for (size_t i = 0; i < ITEMS; i++) {
            double z = 0, square = 0;
            for (size_t u = 0; u < USERS; u++) {
                square += x[u * ITEMS + i] * x[u * ITEMS + i];
                z += x[u * ITEMS + i] * left[u];
            }
            if (i == j || square + l2 <= 0)
                continue;
            z += square * w[i];
            double now = z > l1 ? (z - l1) / (square + l2) : z < -l1 ? (z + l1) / (square + l2) : 0;
            now = positive && now < 0 ? 0 : now;
            for (size_t u = 0; u < USERS; u++)
                left[u] -= (now - w[i]) * x[u * ITEMS + i];
            w[i] = now;
        }
}

static void compare(const char *yaml, double alpha, double l1_ratio, bool positive, bool binary)
{
    struct small s;
    void *state;
    double x[USERS * ITEMS], w[ITEMS], total = 0;

    small_new(&s, USERS, ITEMS, 0.3, 1, 23, 2);
    void *params = params_of(&s, yaml);
    const float *scores = small_scores(&s, &model_slim, params, &state);
    const struct csr *W = &((struct knn_state *)state)->matrix;
    for (size_t e = 0; e < USERS * ITEMS; e++)
        x[e] = binary ? s.dense[e] != 0 : s.dense[e];
    for (uint32_t j = 0; j < ITEMS; j++) {
        exact_column(x, j, USERS * alpha * l1_ratio, USERS * alpha * (1 - l1_ratio), positive, w);
        for (uint32_t i = 0; i < ITEMS; i++) {
            total += fabs(w[i]);
            if (fabs(weight(W, i, j) - w[i]) > 2e-5)
                fail_msg("%s: W(%u, %u) is %.9g, expected %.9g", yaml, i, j, weight(W, i, j), w[i]);
        }
        for (uint32_t u = 0; u < USERS; u++) {
            double want = 0;
            for (uint32_t i = 0; i < ITEMS; i++)
                want += x[u * ITEMS + i] * w[i];
            assert_true(fabs((double)scores[u * ITEMS + j] - want) < 1e-3 * (1 + fabs(want)));
        }
    }
    assert_true(total > 1);
    small_round_trip(&s, &model_slim, params, state, scores);
    small_free(&s);
}

static void test_against_double(void **state)
{
    (void)state;
    compare("{k: 1000, alpha: 0.05, l1_ratio: 0.1, tolerance: 1e-7, max_iterations: 2000}", 0.05, 0.1, true,
            true);
    compare("{k: 1000, alpha: 0.05, l1_ratio: 0.1, tolerance: 1e-7, max_iterations: 2000, positive: false}",
            0.05, 0.1, false, true);
    compare("{k: 1000, alpha: 0.3, l1_ratio: 0.5, tolerance: 1e-7, max_iterations: 2000, positive: false, "
            "binary: false}",
            0.3, 0.5, false, false);
    compare("{k: 1000, alpha: 0.2979, l1_ratio: 4.2e-5, tolerance: 1e-7, max_iterations: 2000}", 0.2979,
            4.2e-5, true, true);
}

/* k: of a column's weights the largest, the rest of the column as it was. */
static void test_k_keeps_the_largest(void **state)
{
    struct small s;
    void *all_state, *cut_state;

    (void)state;
    small_new(&s, USERS, ITEMS, 0.3, 1, 23, 2);
    small_scores(&s, &model_slim, params_of(&s, "{k: 1000, alpha: 0.05, l1_ratio: 0.1}"), &all_state);
    small_scores(&s, &model_slim, params_of(&s, "{k: 5, alpha: 0.05, l1_ratio: 0.1}"), &cut_state);
    const struct csr *all = &((struct knn_state *)all_state)->matrix,
                     *cut = &((struct knn_state *)cut_state)->matrix;
    uint32_t n_cut = 0;
    for (uint32_t j = 0; j < ITEMS; j++) {
        double smallest_kept = INFINITY, largest_left = 0;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < ITEMS; i++) {
            const double w = weight(all, i, j), v = weight(cut, i, j);
            if (v != 0) {
                kept++;
                assert_true(v == w);
                smallest_kept = fmin(smallest_kept, fabs(w));
            } else {
                largest_left = fmax(largest_left, fabs(w));
                n_cut += w != 0;
            }
        }
        assert_true(kept <= 5 && (largest_left == 0 || (kept == 5 && smallest_kept >= largest_left)));
    }
    assert_true(n_cut > 0);
    small_free(&s);
}

static void test_cancelled(void **state)
{
    static const volatile sig_atomic_t yes = 1;
    struct small s;
    struct knn_state model;

    (void)state;
    small_new(&s, USERS, ITEMS, 0.3, 1, 23, 2);
    s.run.cancelled = &yes;
    assert_int_equal(model_slim.fit(&model, params_of(&s, "{}"), &s.view, &s.run), STATUS_STOPPED);
    small_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_double),
                                       cmocka_unit_test(test_k_keeps_the_largest),
                                       cmocka_unit_test(test_cancelled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
