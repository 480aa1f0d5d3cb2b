/* p3alpha and rp3beta against the definition in walk.h, dense and in double precision. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "small_view.h"

#include "models/walk.h"

extern const struct model_type model_p3alpha, model_rp3beta;

enum { USERS = 60, ITEMS = 45 };

/* Keeps the k largest of n numbers that lie `step` apart; they differ. */
static void cut(double *x, size_t step, size_t k)
{
    double kept[ITEMS];
    for (size_t i = 0; i < ITEMS; i++) {
        size_t better = 0;
        for (size_t j = 0; j < ITEMS; j++)
            better += x[j * step] > x[i * step];
        kept[i] = better < k ? x[i * step] : 0;
    }
    for (size_t i = 0; i < ITEMS; i++)
        x[i * step] = kept[i];
}

/* [ITEMS x ITEMS] */
static void exact_weights(const double *r, const struct walk_params *p, double *W)
{
    double count[ITEMS] = {0}, total[USERS] = {0};
    for (size_t u = 0; u < USERS; u++)
        for (size_t i = 0; i < ITEMS; i++) {
            count[i] += r[u * ITEMS + i] != 0;
            total[u] += r[u * ITEMS + i];
        }
    for (size_t i = 0; i < ITEMS; i++) {
        double sum = 0;
        for (size_t j = 0; j < ITEMS; j++) {
            double w = 0;
            for (size_t u = 0; u < USERS; u++)
                if (i != j && r[u * ITEMS + i] != 0 && r[u * ITEMS + j] != 0)
                    w += pow(1 / count[i], p->alpha) * pow(r[u * ITEMS + j] / total[u], p->alpha);
            W[i * ITEMS + j] = w > 0 ? w / pow(count[j], p->beta) : 0;
        }
        cut(W + i * ITEMS, 1, (size_t)p->k);
        for (size_t j = 0; j < ITEMS; j++)
            sum += W[i * ITEMS + j];
        for (size_t j = 0; j < ITEMS && p->normalize_similarity; j++)
            W[i * ITEMS + j] /= sum > 0 ? sum : 1;
    }
    for (size_t j = 0; j < ITEMS; j++)
        cut(W + j, ITEMS, (size_t)p->k);
}

static void compare(const struct model_type *type, const struct walk_params *p)
{
    static double r[USERS * ITEMS], W[ITEMS * ITEMS];
    struct small s;
    double total = 0;
    void *state;

    small_new(&s, USERS, ITEMS, 0.25, 1, 17, 2);
    for (size_t e = 0; e < USERS * ITEMS; e++)
        r[e] = p->binary ? s.dense[e] != 0 : s.dense[e];
    exact_weights(r, p, W);
    const float *scores = small_scores(&s, type, p, &state);
    for (size_t u = 0; u < USERS; u++)
        for (size_t j = 0; j < ITEMS; j++) {
            double want = 0;
            for (size_t i = 0; i < ITEMS; i++)
                want += r[u * ITEMS + i] * W[i * ITEMS + j];
            total += want;
            if (fabs((double)scores[u * ITEMS + j] - want) > 1e-5 * (1e-3 + want))
                fail_msg("%s, alpha %g, beta %g, k %d: score (%zu, %zu) is %.9g, expected %.9g", type->name,
                         p->alpha, p->beta, p->k, u, j, (double)scores[u * ITEMS + j], want);
        }
    assert_true(total > 0.1);
    small_round_trip(&s, type, p, state, scores);
    small_free(&s);
}

static void test_against_double(void **state)
{
    const double alphas[] = {1, 1.435, 0.4}, betas[] = {0, 0.3266, 0.9};
    (void)state;
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++)
            for (int normal = 0; normal < 2; normal++) {
                struct walk_params p = {
                    .alpha = alphas[a], .beta = betas[b], .k = 7, .normalize_similarity = normal};
                compare(b == 0 ? &model_p3alpha : &model_rp3beta, &p);
                p.binary = true; /* ties at the cut are the hash's: all kept */
                p.k = 1000;
                compare(b == 0 ? &model_p3alpha : &model_rp3beta, &p);
            }
}

static void test_bad_ratings(void **state)
{
    const struct walk_params p = {.alpha = 1, .k = 7};
    struct small s;
    struct knn_state model;

    (void)state;
    small_new(&s, USERS, ITEMS, 0.25, 1, 17, 2);
    ((float *)s.by_user.val)[3] = -1;
    assert_int_equal(model_p3alpha.fit(&model, &p, &s.view, &s.run), STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "binary"));
    small_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_double),
                                       cmocka_unit_test(test_bad_ratings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
