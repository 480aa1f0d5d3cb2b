/*
 * test_hybrid.c - weighted, switching and stacking on generated data: given weights are the sum that they say, learned ones beat every single model on
 * the lesson, groups get the model that serves them, a stack is better than its parts; the lesson holds nothing that its models saw.
 */
#include "../models/small_view.h"

#include <math.h>
#include <string.h>

#include "fusion/hybrid.h"
#include "registry.h"

static void parse(const struct model_type *type, const char *yaml, struct small *s, void **params,
                  enum status expected)
{
    struct node *node;
    *params = arena_alloc(s->arena, 1, type->params_size);
    assert_int_equal(params_default(type->params, s->arena, *params), STATUS_OK);
    assert_int_equal(node_parse("test", yaml, strlen(yaml), s->arena, &node), STATUS_OK);
    assert_int_equal(params_set(type->params, type->name, node, s->arena, *params), STATUS_OK);
    assert_int_equal(type->check(*params, node), expected);
}

static void *fit(const char *name, const char *yaml, struct small *s)
{
    const struct model_type *type = model_find(name);
    void *params, *state = arena_alloc(s->arena, 1, type->state_size);
    parse(type, yaml, s, &params, STATUS_OK);
    assert_int_equal(type->fit(state, params, &s->view, &s->run), STATUS_OK);
    return state;
}

static float *scores(const char *name, const void *state, struct small *s)
{
    float *out = arena_alloc(s->arena, (size_t)s->view.n_users * s->view.n_items, sizeof *out);
    uint32_t *users = arena_alloc(s->arena, s->view.n_users, sizeof *users);
    for (uint32_t u = 0; u < s->view.n_users; u++)
        users[u] = u;
    const struct tile tile = {out, s->view.n_items, s->view.n_items};
    assert_int_equal(model_find(name)->score_users(state, users, s->view.n_users, &tile), STATUS_OK);
    return out;
}

/* Two thirds of users like blocks of items (an item-item model sees that), the rest take popular items alone. */
static void mixed(struct small *s, int threads)
{
    enum { USERS = 240, ITEMS = 60 };
    uint32_t *user, *item, n = 0;
    small_new(s, 2, 2, 1, 0, 1, threads);
    user = arena_alloc(s->arena, (size_t)USERS * ITEMS, sizeof *user);
    item = arena_alloc(s->arena, (size_t)USERS * ITEMS, sizeof *item);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++) {
            const bool popular = u % 3 == 0;
            const double p = popular ? (i < 12 ? 0.5 : 0.01) : i % 6 == u % 6 ? 0.7 : 0.03;
            if (random_unit(11, RANDOM_SYNTH, 0, u * ITEMS + i) < p)
                user[n] = u, item[n++] = i;
        }
    assert_int_equal(csr_from_triples(USERS, ITEMS, n, user, item, NULL, s->arena, &s->by_user, NULL),
                     STATUS_OK);
    assert_int_equal(csr_transpose(&s->by_user, s->arena, &s->by_item), STATUS_OK);
    s->view =
        (struct view){.n_users = USERS, .n_items = ITEMS, .by_user = &s->by_user, .by_item = &s->by_item};
}

#define TWO "models: [popularity, {name: item_knn, params: {k: 10}}], candidates: 20, folds: 4"

static void test_given_weights(void **state)
{
    struct small s;
    (void)state;
    mixed(&s, 1);
    const float *blend =
        scores("weighted", fit("weighted", "{" TWO ", weights: [0.25, 2], scale: minmax}", &s), &s);
    struct hybrid h;
    const struct hybrid_params p = {.models = NULL, .scale = HYBRID_MINMAX};
    struct node *list;
    struct hybrid_params given = p;
    assert_int_equal(
        node_parse("test", "[popularity, {name: item_knn, params: {k: 10}}]", 47, s.arena, &list), STATUS_OK);
    given.models = list;
    assert_int_equal(hybrid_parse(&given, "test", s.arena, &h), STATUS_OK);
    assert_int_equal(hybrid_fit(&h, &s.view, &s.run), STATUS_OK);
    float *S[2];
    for (uint32_t m = 0; m < 2; m++)
        for (uint32_t u = 0; u < s.view.n_users; u++) {
            if (u == 0)
                S[m] = arena_alloc(s.arena, (size_t)s.view.n_users * s.view.n_items, sizeof(float));
            assert_int_equal(hybrid_scores(&h, m, &u, 1, S[m] + (size_t)u * s.view.n_items), STATUS_OK);
        }
    for (size_t e = 0; e < (size_t)s.view.n_users * s.view.n_items; e++) {
        assert_true(S[0][e] >= 0 && S[0][e] <= 1);
        assert_true(fabsf(blend[e] - (0.25f * S[0][e] + 2 * S[1][e])) < 1e-5f);
    }
    hybrid_free(&h);
    small_free(&s);
}

/* Held-out rows are the positives, no train row of the part is a candidate, and the weights that are found do best among many. */
static void test_lesson(void **state)
{
    struct small s;
    struct hybrid h;
    struct lesson l;
    const struct hybrid_params p = {.folds = 4, .candidates = 20, .users = 150};
    (void)state;
    mixed(&s, 2);
    assert_int_equal(hybrid_parse(&p, "test", s.arena, &h), STATUS_OK);
    h.backend = s.run.backend;
    assert_int_equal(hybrid_lesson(&h, &p, &s.view, &s.run, s.arena, &l), STATUS_OK);
    assert_true(l.n > 100 && l.n <= 150);
    uint64_t positives = 0, relevant = 0;
    for (uint32_t u = 0; u < l.n; u++) {
        uint32_t mine = 0;
        assert_true(u == 0 || l.user[u] > l.user[u - 1]);
        for (uint64_t r = l.ptr[u]; r < l.ptr[u + 1]; r++) {
            assert_true(r == l.ptr[u] || l.item[r] > l.item[r - 1]);
            assert_int_equal(l.y[r], csr_has(&s.by_user, l.user[u], l.item[r]) !=
                                         0); /* what train has and is shown was held out */
            mine += l.y[r];
        }
        assert_true(mine <= l.n_relevant[u] && l.n_relevant[u] > 0);
        positives += mine;
        relevant += l.n_relevant[u];
    }
    assert_true(positives > relevant / 2);
    double weight[HYBRID_MOST] = {0};
    assert_true(isnan(lesson_ndcg(&l, h.n, weight, (unsigned char[150]){0})));
    for (uint32_t m = 0; m < h.n; m++) {
        memset(weight, 0, sizeof weight);
        weight[m] = 1;
        const double one = lesson_ndcg(&l, h.n, weight, NULL);
        weight[m] = 7.5; /* the scale of weights changes no order */
        assert_true(one > 0.05 && one < 1 && fabs(lesson_ndcg(&l, h.n, weight, NULL) - one) < 1e-12);
    }
    small_free(&s);
}

/* A part of train is cut off as a test; the mean over users of NDCG@10 on it. */
static double quality(const char *name, const char *yaml, int threads)
{
    enum { USERS = 240, ITEMS = 60 };
    struct small s;
    uint32_t *user, *item, n = 0;
    double sum = 0, counted = 0;
    mixed(&s, threads);
    const struct csr all = s.by_user;
    user = arena_alloc(s.arena, (size_t)all.nnz, sizeof *user);
    item = arena_alloc(s.arena, (size_t)all.nnz, sizeof *item);
    for (uint32_t u = 0; u < USERS; u++)
        for (int64_t e = all.ptr[u]; e < all.ptr[u + 1]; e++)
            if (random_unit(3, RANDOM_SYNTH, 1, (uint64_t)e) > 0.25)
                user[n] = u, item[n++] = all.idx[e];
    assert_int_equal(csr_from_triples(USERS, ITEMS, n, user, item, NULL, s.arena, &s.by_user, NULL),
                     STATUS_OK);
    assert_int_equal(csr_transpose(&s.by_user, s.arena, &s.by_item), STATUS_OK);
    void *state = fit(name, yaml, &s);
    const float *score = scores(name, state, &s);
    for (uint32_t u = 0; u < USERS; u++) {
        double dcg = 0, ideal = 0;
        uint32_t held = 0;
        for (uint32_t i = 0; i < ITEMS; i++) {
            const float mine = score[u * ITEMS + i];
            uint32_t place = 0;
            assert_true(isfinite(mine));
            if (!csr_has(&all, u, i) || csr_has(&s.by_user, u, i))
                continue;
            for (uint32_t j = 0; j < ITEMS; j++)
                place += !csr_has(&s.by_user, u, j) &&
                         (score[u * ITEMS + j] > mine || (score[u * ITEMS + j] == mine && j < i));
            dcg += place < 10 ? 1 / log2(place + 2.0) : 0;
            ideal += held++ < 10 ? 1 / log2(held + 1.0) : 0;
        }
        if (held > 0)
            sum += dcg / ideal, counted++;
    }
    if (model_find(name)->free != NULL)
        model_find(name)->free(state);
    small_free(&s);
    return sum / counted;
}

/* The two kinds of users need two models: a hybrid is no worse than the better one. */
static void test_hybrids_beat_their_parts(void **state)
{
    (void)state;
    const double popular = quality("weighted", "{" TWO ", weights: [1, 0]}", 1),
                 knn = quality("weighted", "{" TWO ", weights: [0, 1]}", 1);
    const double better = fmax(popular, knn);
    assert_true(quality("switching", "{" TWO ", by: popularity, groups: 3}", 1) > better - 0.01);
    assert_true(quality("weighted", "{" TWO "}", 1) > better - 0.005);
    assert_true(quality("weighted", "{" TWO ", scale: rank}", 1) > better - 0.02);
    assert_true(quality("stacking", "{" TWO "}", 1) > better - 0.01);
    assert_true(quality("stacking", "{" TWO ", meta: gbdt, min_samples_leaf: 2}", 1) > popular);
    assert_true(quality("stacking",
                        "{" TWO ", meta: gbdt, loss: lambdamart, min_samples_leaf: 0.5, learning_rate: 0.05}",
                        1) > popular);
}

/* Each user's scores are those of one of the models, and both are taken. */
static void test_switching_takes_one_model(void **state)
{
    struct small s;
    int taken[2] = {0};
    (void)state;
    mixed(&s, 2);
    const float *mine =
        scores("switching", fit("switching", "{" TWO ", by: popularity, bounds: [4.2]}", &s), &s);
    const float *part[2] = {scores("weighted", fit("weighted", "{" TWO ", weights: [1, 0]}", &s), &s),
                            scores("weighted", fit("weighted", "{" TWO ", weights: [0, 1]}", &s), &s)};
    for (uint32_t u = 0; u < s.view.n_users; u++) {
        bool same = false;
        for (int m = 0; m < 2 && !same; m++) {
            same = memcmp(mine + (size_t)u * s.view.n_items, part[m] + (size_t)u * s.view.n_items,
                          s.view.n_items * sizeof *mine) == 0;
            taken[m] += same;
        }
        assert_true(same);
    }
    assert_true(taken[0] > 0 && taken[1] > 0);
    small_free(&s);
}

static void test_refused(void **state)
{
    static const char *const bad[] = {"{models: [ease]}", "{models: ease}", "{models: [ease, eas]}",
                                      "{models: [ease, {name: ials, params: {factors: -1}}]}",
                                      "{models: [ease, {nam: ials}]}"};
    struct small s;
    void *params;
    (void)state;
    small_new(&s, 4, 4, 1, 0, 1, 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        parse(model_find("weighted"), bad[i], &s, &params, STATUS_USAGE);
        parse(model_find("switching"), bad[i], &s, &params, STATUS_USAGE);
        parse(model_find("stacking"), bad[i], &s, &params, STATUS_USAGE);
    }
    parse(model_find("weighted"), "{models: [ease, ials], weights: [1]}", &s, &params, STATUS_USAGE);
    parse(model_find("weighted"), "{models: [ease, ials], weights: [0, 0]}", &s, &params, STATUS_USAGE);
    parse(model_find("weighted"), "{models: [ease, ials], weights: [1, -1]}", &s, &params, STATUS_USAGE);
    parse(model_find("switching"), "{models: [ease, ials], bounds: [5, 5]}", &s, &params, STATUS_USAGE);
    small_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_given_weights),
        cmocka_unit_test(test_lesson),
        cmocka_unit_test(test_hybrids_beat_their_parts),
        cmocka_unit_test(test_switching_takes_one_model),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
