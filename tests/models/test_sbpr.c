/*
 * test_sbpr.c - one step of the kernel against the numerical gradient of the loss as sbpr.h states it (gsl_deriv_central), of samples with and
 * without an own item; and of the model: planted taste, of a user without rows too, the same bytes for threads and repeats, divergence said.
 */
#include "mf_fixture.h"

#include <gsl/gsl_deriv.h>
#include <math.h>
#include <stdio.h>

#include "../test.h"
#include "models/biased_factors.h"
#include "sbpr.h"

extern const struct model_type model_sbpr;

enum { RANK = 32, USERS = 60, ITEMS = 300 };

/* A single sample: user 0, items 0 (own), 1 (of friends), 2 (of neither). */
struct one {
    double p[RANK], q[3][RANK], b[3], weight, reg_user, reg_item, reg_bias;
    int own;    /* 0: item is social */
    double *at; /* the parameter that moves */
};

static double loss(double value, void *context)
{
    struct one *o = context;
    const double kept = *o->at;
    double x[3], penalty = 0;
    *o->at = value;
    for (int i = 0; i < 3; i++) {
        x[i] = o->b[i];
        for (int k = 0; k < RANK; k++)
            x[i] += o->p[k] * o->q[i][k];
        for (int k = 0; k < RANK && (i > 0 || o->own); k++)
            penalty += o->reg_item * o->q[i][k] * o->q[i][k];
        penalty += i > 0 || o->own ? o->reg_bias * o->b[i] * o->b[i] : 0;
    }
    for (int k = 0; k < RANK; k++)
        penalty += o->reg_user * o->p[k] * o->p[k];
    *o->at = kept;
    return (o->own ? log1p(exp(-o->weight * (x[0] - x[1]))) : 0) + log1p(exp(-(x[1] - x[2]))) + penalty / 2;
}

static void near(const char *what, int k, double *at, struct one *o, float before, float after, double rate)
{
    gsl_function f = {loss, o};
    double gradient, error;
    o->at = at;
    gsl_deriv_central(&f, *at, 1e-3, &gradient, &error);
    if (fabs(((double)before - (double)after) / rate - gradient) > 2e-5 + 10 * error)
        fail_msg("%s %d moves by %.9g, its gradient is %.9g", what, k,
                 ((double)before - (double)after) / rate, gradient);
}

static void step_is_the_gradient(void **unused)
{
    _Alignas(64) float user[RANK], item[3][RANK];
    float bias[3], user0[RANK], item0[3][RANK], bias0[3];
    const int64_t block[2] = {0, 1};
    const struct backend *backend;
    (void)unused;
    assert_ok(backend_open("cpu", 1, &backend));
    for (uint32_t trial = 0; trial < 6; trial++) {
        struct one o = {.reg_user = 0.1, .reg_item = 0.2, .reg_bias = 0.4, .own = trial % 3 != 2};
        o.weight = 1.0 / (1 + trial);
        for (int k = 0; k < RANK; k++) {
            o.p[k] = user[k] = user0[k] = (float)random_normal(3, RANDOM_SYNTH, trial, (uint64_t)k);
            for (int i = 0; i < 3; i++)
                o.q[i][k] = item[i][k] = item0[i][k] =
                    0.3f * (float)random_normal(3, RANDOM_SYNTH, trial, (uint64_t)(100 + 50 * i + k));
        }
        for (int i = 0; i < 3; i++)
            o.b[i] = bias[i] = bias0[i] = (float)random_normal(3, RANDOM_SYNTH, trial, (uint64_t)(300 + i));
        const struct sbpr_sample sample = {0, o.own ? 0 : 1, 1, 2, o.own ? (float)o.weight : 0};
        const struct sbpr a = {.user = user,
                               .item = item[0],
                               .item_bias = bias,
                               .sample = &sample,
                               .block = block,
                               .n_users = 1,
                               .n_items = 3,
                               .learning_rate = 0.5f,
                               .reg_user = 0.1f,
                               .reg_item = 0.2f,
                               .reg_bias = 0.4f,
                               .use_bias = 1,
                               .rank = RANK,
                               .grid = 1};
        assert_ok(backend_launch(backend, &kernel_sbpr_32, &a, 1, 0));
        for (int k = 0; k < RANK; k++) {
            near("user factor", k, &o.p[k], &o, user0[k], user[k], 0.5);
            near("own item's factor", k, &o.q[0][k], &o, item0[0][k], item[0][k], 0.5);
            near("friends' item's factor", k, &o.q[1][k], &o, item0[1][k], item[1][k], 0.5);
            near("other item's factor", k, &o.q[2][k], &o, item0[2][k], item[2][k], 0.5);
        }
        for (int i = 0; i < 3; i++)
            near("bias", i, &o.b[i], &o, bias0[i], bias[i], 0.5);
    }
}

/* Users like the items of their own third and are friends of two of it; user 4 has no row and friends of the second third, user 7 none. */
static void open_thirds(struct fixture *f, struct column *column)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS], row[2 * USERS], col[2 * USERS];
    uint64_t n = 0, links = 0;
    struct string_builder b = {0};
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (u != 4 && i != 8 && u % 3 == i % 3 && random_unit(6, RANDOM_SYNTH, u, i) < 0.3)
                user[n] = u, item[n++] = i;
    fixture_open(f, USERS, ITEMS, n, user, item, NULL);
    for (uint32_t u = 0; u < USERS; u++) {
        char name[16];
        snprintf(name, sizeof name, "u%u", u);
        assert_ok(string_builder_add(&b, name, strlen(name)));
        for (uint32_t k = 1; k < 3 && u != 7; k++)
            row[links] = u, col[links++] = (u + 3 * k) % USERS;
    }
    assert_ok(string_builder_finish(&b, f->arena, &f->view.user_ids));
    *column = (struct column){.name = "friends", .kind = COLUMN_LIST, .names = f->view.user_ids};
    assert_ok(csr_from_triples(USERS, USERS, links, row, col, NULL, f->arena, &column->list, NULL));
    f->view.user_columns = column;
    f->view.n_user_columns = 1;
}

static void planted_taste_is_found(void **unused)
{
    (void)unused;
    struct fixture f;
    struct column column;
    uint64_t right = 0, all = 0, right_new = 0, all_new = 0;
    open_thirds(&f, &column);
    const void *state = fixture_fit(&f, &model_sbpr, "{epochs: 60}");
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i + 1 < ITEMS; i++) { /* pairs of items not seen, one of the user's third */
            const uint32_t users[2] = {u, u}, items[2] = {i, i + 1};
            float score[2];
            if (u % 3 != i % 3 || i == 8 || i + 1 == 8 || csr_has(&f.by_user, u, i))
                continue;
            assert_ok(model_score_pairs(&model_sbpr, state, f.backend, users, items, 2, ITEMS, score));
            *(u == 4 ? &right_new : &right) += score[0] > score[1], ++*(u == 4 ? &all_new : &all);
        }
    if (!((double)right > 0.95 * (double)all) || !((double)right_new > 0.95 * (double)all_new))
        fail_msg("%llu of %llu pairs in order, of the user without rows %llu of %llu",
                 (unsigned long long)right, (unsigned long long)all, (unsigned long long)right_new,
                 (unsigned long long)all_new);
    fixture_close(&f);
}

static void threads_and_repeats_give_the_same_bytes(void **unused)
{
    (void)unused;
    static const char *const settings[] = {"{epochs: 4}", "{epochs: 4, factors: 130, use_bias: false}",
                                           "{epochs: 4, friends: shuffled}"};
    struct fixture f;
    struct column column;
    open_thirds(&f, &column);
    for (int s = 0; s < 3; s++) {
        const struct biased_factors *m[3];
        for (int k = 0; k < 3; k++) {
            f.run.seed = k < 2 ? 42 : 43;
            assert_ok(backend_open("cpu", k == 1 ? 2 : 1, &f.run.backend));
            m[k] = fixture_fit(&f, &model_sbpr, settings[s]);
        }
        const size_t user = m[0]->n_users * m[0]->ld * sizeof(float),
                     item = m[0]->n_items * m[0]->ld * sizeof(float);
        assert_memory_equal(m[0]->user, m[1]->user, user);
        assert_memory_equal(m[0]->item, m[1]->item, item);
        assert_memory_equal(m[0]->item_bias, m[1]->item_bias, m[0]->n_items * sizeof(float));
        assert_memory_not_equal(m[0]->item, m[2]->item, item);
    }
    fixture_close(&f);
}

static void too_long_a_step_is_said(void **unused)
{
    (void)unused;
    struct fixture f;
    struct column column;
    open_thirds(&f, &column);
    test_quiet();
    assert_int_equal(model_sbpr.fit(fixture_state(&f, &model_sbpr),
                                    fixture_params(&f, &model_sbpr,
                                                   "{learning_rate: 10, user_regularization: 1000, "
                                                   "item_regularization: 1000}"),
                                    &f.view, &f.run),
                     STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "lower learning_rate"));
    fixture_cancelled = 1;
    assert_int_equal(
        model_sbpr.fit(fixture_state(&f, &model_sbpr), fixture_params(&f, &model_sbpr, ""), &f.view, &f.run),
        STATUS_STOPPED);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(step_is_the_gradient), cmocka_unit_test(planted_taste_is_found),
        cmocka_unit_test(threads_and_repeats_give_the_same_bytes), cmocka_unit_test(too_long_a_step_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
