/*
 * test_svdpp.c - SVD++ against itself written down plainly: every step on every y of the user, in double; and the plain
 * step against the numerical gradient of the loss (gsl_deriv_central).
 */
#include "mf_fixture.h"

#include <math.h>
#include <stdlib.h>

#include <gsl/gsl_deriv.h>

extern const struct model_type model_svdpp;

enum { USERS = 12, ITEMS = 9, FACTORS = 5, EPOCHS = 3 };

/* All of a model's numbers in one array, so that a gradient can go over them. */
struct plain {
    double bu[USERS], bi[ITEMS], p[USERS][FACTORS], q[ITEMS][FACTORS], y[ITEMS][FACTORS];
};
enum { N_NUMBERS = sizeof(struct plain) / sizeof(double) };
static const double rate = 0.02, weight = 0.05;

static double predict(const struct plain *m, const struct csr *a, double mean, uint32_t u, uint32_t i)
{
    const double root = 1 / sqrt((double)(a->ptr[u + 1] - a->ptr[u]));
    double r = mean + m->bu[u] + m->bi[i];
    for (int k = 0; k < FACTORS; k++) {
        double x = m->p[u][k];
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            x += root * m->y[a->idx[e]][k];
        r += m->q[i][k] * x;
    }
    return r;
}

/* Half the squared error of one rating and what it regularises: b_u, b_i, p_u, q_i and the y of N(u). */
static double loss(const struct plain *m, const struct csr *a, double mean, uint32_t u, uint32_t i,
                   double value)
{
    const double error = value - predict(m, a, mean, u, i);
    double squares = m->bu[u] * m->bu[u] + m->bi[i] * m->bi[i];
    for (int k = 0; k < FACTORS; k++) {
        squares += m->p[u][k] * m->p[u][k] + m->q[i][k] * m->q[i][k];
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            squares += m->y[a->idx[e]][k] * m->y[a->idx[e]][k];
    }
    return (error * error + weight * squares) / 2;
}

static void plain_step(struct plain *m, const struct csr *a, double mean, uint32_t u, uint32_t i,
                       double value)
{
    const double error = value - predict(m, a, mean, u, i),
                 root = 1 / sqrt((double)(a->ptr[u + 1] - a->ptr[u]));
    m->bu[u] += rate * (error - weight * m->bu[u]);
    m->bi[i] += rate * (error - weight * m->bi[i]);
    for (int k = 0; k < FACTORS; k++) {
        const double p = m->p[u][k], q = m->q[i][k];
        double sum = 0;
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            sum += root * m->y[a->idx[e]][k];
        m->p[u][k] += rate * (error * q - weight * p);
        m->q[i][k] += rate * (error * (p + sum) - weight * q);
        for (int64_t e = a->ptr[u]; e < a->ptr[u + 1]; e++)
            m->y[a->idx[e]][k] += rate * (error * q * root - weight * m->y[a->idx[e]][k]);
    }
}

static void data(struct fixture *f)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    size_t n = 0;
    for (uint32_t u = 0; u + 1 < USERS; u++) /* the last user and the last item have no ratings */
        for (uint32_t i = 0; i + 1 < ITEMS; i++)
            if (random_unit(3, RANDOM_SYNTH, 0, u * ITEMS + i) < 0.6) {
                user[n] = u, item[n] = i;
                value[n++] = (float)(1 + floor(5 * random_unit(3, RANDOM_SYNTH, 1, u * ITEMS + i)));
            }
    fixture_open(f, USERS, ITEMS, n, user, item, value);
}

static void start(struct plain *m, const struct fixture *f)
{
    memset(m, 0, sizeof *m);
    for (uint32_t r = 0; r < USERS; r++)
        for (uint32_t k = 0; k < FACTORS && f->by_user.ptr[r] < f->by_user.ptr[r + 1]; k++)
            m->p[r][k] = (float)(0.1 * random_normal(f->run.seed, RANDOM_INIT, 0, r * FACTORS + k));
    for (uint32_t r = 0; r < ITEMS; r++)
        for (uint32_t k = 0; k < FACTORS && f->by_item.ptr[r] < f->by_item.ptr[r + 1]; k++) {
            m->q[r][k] = (float)(0.1 * random_normal(f->run.seed, RANDOM_INIT, 1, r * FACTORS + k));
            m->y[r][k] = (float)(0.1 * random_normal(f->run.seed, RANDOM_INIT, 2, r * FACTORS + k));
        }
}

static double mean_of(const struct csr *a)
{
    double sum = 0;
    for (int64_t e = 0; e < a->nnz; e++)
        sum += (double)a->val[e];
    return sum / (double)a->nnz;
}

static void same_as_written_down(void **unused)
{
    struct fixture f;
    static struct plain m;
    (void)unused;
    data(&f);
    const struct csr *a = &f.by_user;
    const double mean = mean_of(a);
    start(&m, &f);
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        for (uint32_t u = 0; u < USERS; u++) {
            uint32_t order[ITEMS];
            const uint32_t n = (uint32_t)(a->ptr[u + 1] - a->ptr[u]);
            random_permutation(f.run.seed, RANDOM_ORDER, u, n, order);
            for (uint32_t o = 0; o < n; o++)
                plain_step(&m, a, mean, u, a->idx[a->ptr[u] + order[o]],
                           (double)a->val[a->ptr[u] + order[o]]);
        }
    const void *state =
        fixture_fit(&f, &model_svdpp, "{factors: 5, epochs: 3, learning_rate: 0.02, regularization: 0.05}");
    for (uint32_t u = 0; u + 1 < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++) {
            float score;
            assert_int_equal(model_score_pairs(&model_svdpp, state, f.backend, &u, &i, 1, ITEMS, &score),
                             STATUS_OK);
            assert_true(fabs((double)score - predict(&m, a, mean, u, i)) < 2e-5);
        }
    const uint32_t nobody = USERS - 1, nothing = ITEMS - 1; /* the mean is all that remains */
    float score;
    assert_int_equal(model_score_pairs(&model_svdpp, state, f.backend, &nobody, &nothing, 1, ITEMS, &score),
                     STATUS_OK);
    assert_true(fabs((double)score - mean) < 1e-6);
    fixture_close(&f);
}

struct along {
    struct plain *m;
    const struct csr *a;
    double mean, value;
    uint32_t u, i;
    size_t number;
};

static double loss_along(double x, void *context)
{
    struct along *l = context;
    double *number = (double *)l->m + l->number, kept = *number;
    *number = x;
    const double out = loss(l->m, l->a, l->mean, l->u, l->i, l->value);
    *number = kept;
    return out;
}

static void plain_step_follows_the_gradient(void **unused)
{
    struct fixture f;
    static struct plain m, after;
    (void)unused;
    data(&f);
    start(&m, &f);
    const uint32_t u = 4, i = f.by_user.idx[f.by_user.ptr[4]];
    struct along l = {&m, &f.by_user, mean_of(&f.by_user), 4, u, i, 0};
    assert_true(f.by_user.ptr[5] - f.by_user.ptr[4] > 2);
    after = m;
    plain_step(&after, l.a, l.mean, u, i, l.value);
    const gsl_function function = {loss_along, &l};
    for (l.number = 0; l.number < N_NUMBERS; l.number++) {
        double gradient, error;
        gsl_deriv_central(&function, ((double *)&m)[l.number], 1e-4, &gradient, &error);
        const double moved = ((double *)&after)[l.number] - ((double *)&m)[l.number];
        assert_true(fabs(moved + rate * gradient) < 1e-9);
    }
    fixture_close(&f);
}

static void refuses(void **unused)
{
    struct fixture f;
    (void)unused;
    data(&f);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    void *params = fixture_params(&f, &model_svdpp, "{learning_rate: 10, epochs: 200}");
    assert_int_equal(model_svdpp.fit(fixture_state(&f, &model_svdpp), params, &f.view, &f.run), STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "learning_rate"));
    fixture_cancelled = 1;
    params = fixture_params(&f, &model_svdpp, "");
    assert_int_equal(model_svdpp.fit(fixture_state(&f, &model_svdpp), params, &f.view, &f.run),
                     STATUS_STOPPED);
    fixture_cancelled = 0;
    f.by_user.val = NULL;
    assert_int_equal(model_svdpp.fit(fixture_state(&f, &model_svdpp), params, &f.view, &f.run), STATUS_DATA);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_as_written_down),
                                       cmocka_unit_test(plain_step_follows_the_gradient),
                                       cmocka_unit_test(refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
