/*
 * test_fm.c - factorization machines: a step of each loss against the numerical gradient (gsl_deriv_central) of the loss as
 * Rendle 2010, equation 1 writes it; alternating least squares end where no parameter alone can lower the loss; features.
 */
#include "mf_fixture.h"

#include <gsl/gsl_deriv.h>
#include <math.h>
#include <stdio.h>

#include "models/fm_machine.h"

extern const struct model_type model_fm, model_fm_ranking;

enum { RANK = 32, FEATURES = 6, USERS = 40, ITEMS = 30 };

/* ------------------------------------------------------------------------------------------------------ gradients */

/* User 0 has features 0, 1; item 0 has 2, 4, 5 and item 1 has 3, 4: they share feature 4 at other values. */
static const int64_t user_ptr[] = {0, 2}, item_ptr[] = {0, 3, 5};
static const uint32_t user_idx[] = {0, 1}, item_idx[] = {2, 4, 5, 3, 4};
static const float user_val[] = {1, -0.7f}, item_val[] = {1, 0.5f, 2, 1, 1.5f};

struct one {
    double bias, w[FEATURES], v[FEATURES][RANK], target;
    int loss;
    const float *reg; /* of bias, weights, factors */
    double *at;       /* the parameter that moves */
};

/* Over pairs, as the paper has it. */
static double score(const struct one *o, int item)
{
    double x[FEATURES] = {0}, y = o->bias;
    for (int e = 0; e < 2; e++)
        x[user_idx[e]] = (double)user_val[e];
    for (int64_t e = item_ptr[item]; e < item_ptr[item + 1]; e++)
        x[item_idx[e]] = (double)item_val[e];
    for (int j = 0; j < FEATURES; j++) {
        y += o->w[j] * x[j];
        for (int l = j + 1; l < FEATURES; l++) {
            double dot = 0;
            for (int k = 0; k < RANK; k++)
                dot += o->v[j][k] * o->v[l][k];
            y += dot * x[j] * x[l];
        }
    }
    return y;
}

static double loss(double value, void *context)
{
    struct one *o = context;
    const double kept = *o->at;
    *o->at = value;
    const double y = score(o, 0);
    double sum = o->loss == FM_SQUARED    ? (y - o->target) * (y - o->target) / 2
                 : o->loss == FM_LOGISTIC ? log1p(exp(o->target > 0 ? -y : y))
                                          : log1p(exp(-(y - score(o, 1))));
    if (o->loss != FM_BPR)
        sum += (double)o->reg[0] * o->bias * o->bias / 2;
    for (int j = 0; j < FEATURES; j++) {
        if (j == 3 && o->loss != FM_BPR)
            continue; /* not in the sample */
        sum += (double)o->reg[1] * o->w[j] * o->w[j] / 2;
        for (int k = 0; k < RANK; k++)
            sum += (double)o->reg[2] * o->v[j][k] * o->v[j][k] / 2;
    }
    *o->at = kept;
    return sum;
}

static void near(const char *what, int j, double *at, struct one *o, float before, float after, double rate)
{
    gsl_function f = {loss, o};
    double gradient, error;
    o->at = at;
    gsl_deriv_central(&f, *at, 1e-3, &gradient, &error);
    if (fabs(((double)before - (double)after) / rate - gradient) > 2e-5 * (1 + fabs(gradient)) + 10 * error)
        fail_msg("loss %d: %s %d moves by %.9g, its gradient is %.9g", o->loss, what, j,
                 ((double)before - (double)after) / rate, gradient);
}

static void test_step_is_the_gradient(void **unused)
{
    _Alignas(64) float v[FEATURES * RANK], v0[FEATURES * RANK];
    float w[FEATURES], w0[FEATURES], bias, bias0;
    static const float reg[3] = {0.1f, 0.2f, 0.3f};
    const struct backend *backend;
    (void)unused;
    assert_int_equal(backend_open("cpu", 1, &backend), STATUS_OK);
    for (int trial = 0; trial < 9; trial++) {
        struct one o = {.loss = trial % 3, .target = trial < 3 ? 1 : 0, .reg = reg};
        const struct fm_sample sample = {.user = 0, .item = 0, .negative = 1, .target = (float)o.target};
        const uint32_t t = (uint32_t)trial;
        o.bias = bias = bias0 = (float)random_normal(3, RANDOM_SYNTH, t, 9999);
        for (int j = 0; j < FEATURES; j++) {
            o.w[j] = w[j] = w0[j] = (float)random_normal(3, RANDOM_SYNTH, t, (uint64_t)j);
            for (int k = 0; k < RANK; k++)
                o.v[j][k] = v[j * RANK + k] = v0[j * RANK + k] =
                    0.2f * (float)random_normal(3, RANDOM_SYNTH, t, (uint64_t)(100 + j * RANK + k));
        }
        const struct fm_sgd a = {.bias = &bias,
                                 .weight = w,
                                 .factor = v,
                                 .user = {user_ptr, user_idx, user_val},
                                 .item = {item_ptr, item_idx, item_val},
                                 .sample = &sample,
                                 .n = 1,
                                 .learning_rate = 0.5f,
                                 .reg_bias = reg[0],
                                 .reg_weight = reg[1],
                                 .reg_factor = reg[2],
                                 .loss = o.loss,
                                 .rank = RANK};
        assert_int_equal(backend_launch(backend, &kernel_fm_sgd, &a, 1, fm_sgd_scratch(RANK)), STATUS_OK);
        near("bias", 0, &o.bias, &o, bias0, bias, 0.5);
        for (int j = 0; j < FEATURES; j++) {
            near("weight", j, &o.w[j], &o, w0[j], w[j], 0.5);
            for (int k = 0; k < RANK; k++)
                near("factor of feature", j, &o.v[j][k], &o, v0[j * RANK + k], v[j * RANK + k], 0.5);
        }
    }
}

/* ------------------------------------------------------------------------------------------------------ als */

/* What users and items are, besides their ids. */
static uint32_t genre_idx[2 * ITEMS];
static int64_t genre_ptr[ITEMS + 1];
static float age[USERS];
static struct column user_columns[2], item_columns[1];

static void open_planted(struct fixture *f)
{
    static uint32_t user[USERS * ITEMS], item[USERS * ITEMS];
    static float value[USERS * ITEMS];
    static uint64_t sex_offsets[USERS + 1];
    static char sex[USERS];
    uint64_t n = 0;
    for (uint32_t u = 0; u < USERS; u++) {
        age[u] = u == 7 ? NAN : (float)(20 + u);
        sex[u] = u % 3 == 0 ? 'F' : 'M';
        sex_offsets[u + 1] = u + 1;
    }
    for (uint32_t i = 0; i < ITEMS; i++) { /* two genres of four, one for every fifth item */
        int64_t *end = &genre_ptr[i + 1];
        *end = genre_ptr[i];
        genre_idx[(*end)++] = i % 3;
        if (i % 5 != 0)
            genre_idx[(*end)++] = 3;
    }
    user_columns[0] = (struct column){.name = "age", .kind = COLUMN_NUMBER, .number = age};
    user_columns[1] =
        (struct column){.name = "gender", .kind = COLUMN_TEXT, .text = {USERS, sex_offsets, sex}};
    static const uint64_t name_offsets[] = {0, 1, 2, 3, 4};
    item_columns[0] = (struct column){
        .name = "genres",
        .kind = COLUMN_LIST,
        .list = {.n_rows = ITEMS, .n_cols = 4, .nnz = genre_ptr[ITEMS], .ptr = genre_ptr, .idx = genre_idx},
        .names = {4, name_offsets, "abcd"}};
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (u != 4 && i != 8 && random_unit(6, RANDOM_SYNTH, u, i) < 0.4) {
                user[n] = u, item[n] = i;
                value[n++] =
                    (float)(3 + (u % 3 == i % 3 ? 1.5 : -0.5) + 0.3 * random_normal(7, RANDOM_SYNTH, u, i));
            }
    fixture_open(f, USERS, ITEMS, n, user, item, value);
    f->view.n_user_columns = 2, f->view.user_columns = user_columns;
    f->view.n_item_columns = 1, f->view.item_columns = item_columns;
}

static const char *const everything[] = {"user", "item", "columns", "history"};

static void machine_of(struct fixture *f, struct fm_machine *m)
{
    const struct fm_design_options options = {.features = {4, (const char **)(uintptr_t)everything}};
    struct fm_design design;
    assert_int_equal(fm_design_build(&options, &f->view, "fm", f->arena, f->arena, &design), STATUS_OK);
    assert_int_equal(fm_machine_new(&design, 5, 0.1, 3, f->arena, m), STATUS_OK);
}

static double als_loss(struct fixture *f, const struct fm_machine *m, const struct fm_als_options *o)
{
    struct fm_state s = {.low = -INFINITY, .high = INFINITY};
    double sum = o->reg_bias * (double)m->bias[0] * (double)m->bias[0];
    assert_int_equal(fm_state_new(&s, m, &f->view, f->arena), STATUS_OK);
    fm_state_fill(&s, m);
    for (uint32_t u = 0; u < USERS; u++)
        for (int64_t e = f->by_user.ptr[u]; e < f->by_user.ptr[u + 1]; e++) {
            double y = (double)s.bias + (double)s.user_bias[u] + (double)s.item_bias[f->by_user.idx[e]];
            for (uint32_t k = 0; k < s.factors; k++)
                y += (double)s.user[u * s.ld + k] * (double)s.item[f->by_user.idx[e] * s.ld + k];
            sum += pow((double)f->by_user.val[e] - y, 2);
        }
    for (uint32_t j = 0; j < m->design.n_features; j++) {
        sum += o->reg_weight * (double)m->weight[j] * (double)m->weight[j];
        for (uint32_t k = 0; k < m->factors; k++)
            sum += o->reg_factor * (double)m->factor[j * m->ld + k] * (double)m->factor[j * m->ld + k];
    }
    return sum;
}

static void test_als_falls_to_a_least(void **unused)
{
    const struct fm_als_options one = {1, 0.3, 0.7, 1.1}, many = {300, 0.3, 0.7, 1.1};
    struct fixture f;
    struct fm_machine m;
    (void)unused;
    open_planted(&f);
    machine_of(&f, &m);
    double last = INFINITY;
    for (int sweep = 0; sweep < 6; sweep++) {
        assert_int_equal(fm_als_run(&m, &one, &f.view, NULL, &f.run), STATUS_OK);
        const double now = als_loss(&f, &m, &one);
        if (!(now < last * (1 + 1e-6)))
            fail_msg("sweep %d: the loss rises from %g to %g", sweep, last, now);
        last = now;
    }
    assert_int_equal(fm_als_run(&m, &many, &f.view, NULL, &f.run), STATUS_OK);
    const double least = als_loss(&f, &m, &one);
    for (uint32_t j = 0; j < m.design.n_features; j++) /* no parameter alone can lower it */
        for (int k = -1; k < (int)m.factors; k++) {
            float *at = k < 0 ? &m.weight[j] : &m.factor[j * m.ld + (size_t)k];
            const float kept = *at;
            for (float step = -0.02f; step < 0.03f; step += 0.04f) {
                *at = kept + step;
                if (!(als_loss(&f, &m, &one) > least - 1e-4))
                    fail_msg("feature %u, column %d: a step of %g lowers the loss from %.6f", j, k,
                             (double)step, least);
            }
            *at = kept;
        }
    fixture_close(&f);
}

static void test_threads_give_the_same_bytes(void **unused)
{
    static const char *const settings[] = {
        "{features: [user, item, columns, history], factors: 40, epochs: 4}",
        "{features: [user, item, genres], solver: adagrad, epochs: 3}"};
    struct fixture f;
    struct factors a, b;
    (void)unused;
    open_planted(&f);
    for (int s = 0; s < 2; s++) {
        assert_int_equal(backend_open("cpu", 1, &f.run.backend), STATUS_OK);
        assert_int_equal(model_fm.factors(fixture_fit(&f, &model_fm, settings[s]), &a), STATUS_OK);
        assert_int_equal(backend_open("cpu", 2, &f.run.backend), STATUS_OK);
        assert_int_equal(model_fm.factors(fixture_fit(&f, &model_fm, settings[s]), &b), STATUS_OK);
        assert_memory_equal(a.user, b.user, USERS * a.ld_user * sizeof(float));
        assert_memory_equal(a.item, b.item, ITEMS * a.ld_item * sizeof(float));
        assert_memory_equal(a.user_bias, b.user_bias, USERS * sizeof(float));
        assert_memory_equal(a.item_bias, b.item_bias, ITEMS * sizeof(float));
    }
    fixture_close(&f);
}

/* ------------------------------------------------------------------------------------------------------ features */

static void test_features(void **unused)
{
    struct fixture f;
    struct fm_machine m;
    (void)unused;
    open_planted(&f);
    machine_of(&f, &m);
    const struct fm_design *d = &m.design;
    static const char *const names[] = {"user", "age", "gender", "history", "item", "genres"};
    static const uint32_t sizes[] = {USERS, 1, 2, ITEMS, ITEMS, 4};
    assert_int_equal(d->n_fields, 6);
    for (int i = 0; i < 6; i++) {
        assert_string_equal(d->fields[i].name, names[i]);
        assert_int_equal(d->fields[i].last - d->fields[i].first, sizes[i]);
        assert_int_equal(d->fields[i].of_users, i < 4);
    }
    double ages = 0, squares = 0, history = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (int64_t e = d->users.ptr[u]; e < d->users.ptr[u + 1]; e++) {
            const double x = (double)d->users.val[e];
            if (d->users.idx[e] == USERS)
                ages += x, squares += x * x;
            if (u == 9 && d->users.idx[e] >= d->fields[3].first)
                history += x * x;
            assert_false(u == 4 && d->users.idx[e] == 4); /* no id feature without train rows */
            assert_false(u == 7 && d->users.idx[e] == USERS);
        }
    assert_float_equal(ages, 0, 1e-4);
    assert_float_equal(squares, USERS - 1, 1e-3);
    assert_float_equal(history, 1, 1e-5);
    assert_float_equal(d->items.val[d->items.ptr[1] + 1], 0.5, 0); /* one of two genres */
    fixture_close(&f);
}

/* Vectors of /features: standardised, an item without one has none, and a machine of ids and vectors learns. */
static void test_vectors_are_features(void **unused)
{
    enum { WIDTH = 3 };
    static float value[ITEMS * WIDTH];
    static const char *const names[] = {"item", "image"};
    struct fixture f;
    struct fm_design d;
    (void)unused;
    open_planted(&f);
    for (uint32_t i = 0; i < ITEMS; i++)
        for (uint32_t k = 0; k < WIDTH; k++) /* the third is the same for all */
            value[i * WIDTH + k] = i == 2 ? NAN : k == 2 ? 5.0f : (float)(10 * k + i % (3 + k));
    const struct feature image = {.name = "image", .width = WIDTH, .value = value};
    f.view.features = &image, f.view.n_features = 1;
    const struct fm_design_options options = {.features = {2, (const char **)(uintptr_t)names}};
    assert_int_equal(fm_design_build(&options, &f.view, "fm", f.arena, f.arena, &d), STATUS_OK);
    assert_int_equal(d.n_features, ITEMS + WIDTH);
    double sum[WIDTH] = {0}, squares[WIDTH] = {0};
    for (uint32_t i = 0; i < ITEMS; i++)
        for (int64_t e = d.items.ptr[i]; e < d.items.ptr[i + 1]; e++)
            if (d.items.idx[e] >= ITEMS) {
                const double x = (double)d.items.val[e];
                assert_true(i != 2);
                sum[d.items.idx[e] - ITEMS] += x, squares[d.items.idx[e] - ITEMS] += x * x;
            }
    for (int k = 0; k < WIDTH; k++) {
        assert_float_equal(sum[k], 0, 1e-4);
        assert_float_equal(squares[k], k == 2 ? 0 : ITEMS - 1, 1e-3);
    }
    fixture_fit(&f, &model_fm, "{features: [user, item, image], epochs: 3}");
    fixture_fit(&f, &model_fm,
                "{features: [user, image], solver: sgd, epochs: 2, reg_weight: 0.02, reg_factor: 0.05}");
    fixture_close(&f);
}

static void test_unknown_column(void **unused)
{
    struct fixture f;
    (void)unused;
    open_planted(&f);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(model_fm.fit(fixture_state(&f, &model_fm),
                                  fixture_params(&f, &model_fm, "{features: [user, colour]}"), &f.view,
                                  &f.run),
                     STATUS_UNAVAILABLE);
    assert_non_null(strstr(status_sentence(), "'colour'"));
    assert_non_null(strstr(status_sentence(), "age, gender, genres"));
    assert_int_equal(
        model_fm_ranking.fit(
            fixture_state(&f, &model_fm_ranking),
            fixture_params(&f, &model_fm_ranking, "{optimizer: sgd, learning_rate: 10, reg_factor: 900}"),
            &f.view, &f.run),
        STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "lower learning_rate"));
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&f);
}

/* A user without a rating is told apart by what describes her. */
static void test_columns_reach_new_users(void **unused)
{
    struct fixture f;
    struct factors got;
    (void)unused;
    open_planted(&f);
    const void *state =
        fixture_fit(&f, &model_fm, "{features: [user, item, gender], reg_weight: 1, reg_factor: 1}");
    assert_int_equal(model_fm.factors(state, &got), STATUS_OK);
    double squares = 0;
    for (uint32_t k = 0; k < got.factors; k++)
        squares += (double)got.user[4 * got.ld_user + k] * (double)got.user[4 * got.ld_user + k];
    assert_true(squares > 1e-6);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_is_the_gradient),        cmocka_unit_test(test_als_falls_to_a_least),
        cmocka_unit_test(test_threads_give_the_same_bytes), cmocka_unit_test(test_features),
        cmocka_unit_test(test_vectors_are_features),        cmocka_unit_test(test_unknown_column),
        cmocka_unit_test(test_columns_reach_new_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
