/*
 * test_friends.c - who is whose friend and what a friend counts, against plain loops; friends_knn against its formula; social_reg where it has
 * converged: GSL's numerical derivative of the loss as social_reg.c states it is 0; and, on made-up data where friends are of one taste, new
 * users without a row of their own.
 */
#include "mf_fixture.h"

#include <gsl/gsl_deriv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../test.h"
#include "data/synth.h"
#include "eval/metrics.h"
#include "eval/significance.h"
#include "models/biased_factors.h"
#include "models/friends.h"
#include "registry.h"

extern const struct model_type model_friends_knn, model_social_reg, model_sbpr;

enum { USERS = 12, ITEMS = 15 };

/* Users u0 .. u11, user 11 without a row; links among them and to "gone". */
struct social {
    struct fixture f;
    struct column column;
    uint8_t taken[USERS][ITEMS], friend[USERS][USERS];
};

static void name_users(struct fixture *f, uint32_t n, const char *last, struct strings *out)
{
    struct string_builder b = {0};
    for (uint32_t u = 0; u < n; u++) {
        char name[16];
        snprintf(name, sizeof name, "u%u", u);
        assert_ok(string_builder_add(&b, name, strlen(name)));
    }
    if (last != NULL)
        assert_ok(string_builder_add(&b, last, strlen(last)));
    assert_ok(string_builder_finish(&b, f->arena, out));
}

static void social_open(struct social *s)
{
    uint32_t user[USERS * ITEMS], item[USERS * ITEMS], row[USERS * USERS], col[USERS * USERS];
    uint64_t n = 0, links = 0;
    memset(s, 0, sizeof *s);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = 0; i < ITEMS; i++)
            if (u != 11 && random_unit(1, RANDOM_SYNTH, u, i) < 0.35)
                user[n] = u, item[n++] = i, s->taken[u][i] = 1;
    fixture_open(&s->f, USERS, ITEMS, n, user, item, NULL);
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t v = 0; v < USERS; v++)
            if (u != v && u != 5 && random_unit(2, RANDOM_SYNTH, u, v) < 0.25) /* user 5 has no friends */
                row[links] = u, col[links++] = USERS - v, s->friend[u][v] = 1;
    row[links] = 0, col[links++] = 0;         /* "gone" */
    row[links] = 3, col[links++] = USERS - 3; /* herself */
    name_users(&s->f, USERS, NULL, &s->f.view.user_ids);
    s->column = (struct column){.name = "friends", .kind = COLUMN_LIST};
    struct string_builder b = {0}; /* names in another order than the users' */
    assert_ok(string_builder_add(&b, "gone", 4));
    for (uint32_t u = USERS; u-- > 0;) {
        char name[16];
        snprintf(name, sizeof name, "u%u", u);
        assert_ok(string_builder_add(&b, name, strlen(name)));
    }
    assert_ok(string_builder_finish(&b, s->f.arena, &s->column.names));
    assert_ok(csr_from_triples(USERS, USERS + 1, links, row, col, NULL, s->f.arena, &s->column.list, NULL));
    /* name k + 1 is user USERS - 1 - k, so col USERS - v is user v */
    s->f.view.user_columns = &s->column;
    s->f.view.n_user_columns = 1;
}

static void links_are_those_of_the_column(void **state)
{
    (void)state;
    struct social s;
    struct csr f, g, h;
    social_open(&s);
    assert_ok(friends_of("test", &s.f.view, FRIENDS_GIVEN, 7, s.f.arena, &f));
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t v = 0; v < USERS; v++)
            assert_int_equal(csr_has(&f, u, v), s.friend[u][v]);
    /* Shuffled: every list is another one's, less its new owner; a function of the seed. */
    assert_ok(friends_of("test", &s.f.view, FRIENDS_SHUFFLED, 7, s.f.arena, &g));
    assert_ok(friends_of("test", &s.f.view, FRIENDS_SHUFFLED, 7, s.f.arena, &h));
    assert_memory_equal(g.ptr, h.ptr, (USERS + 1) * sizeof *g.ptr);
    assert_memory_equal(g.idx, h.idx, (size_t)g.nnz * sizeof *g.idx);
    uint32_t order[USERS], moved = 0;
    random_permutation(7, RANDOM_FRIENDS, 2, USERS, order);
    for (uint32_t u = 0; u < USERS; u++) {
        moved += order[u] != u;
        for (uint32_t v = 0; v < USERS; v++)
            assert_int_equal(csr_has(&g, u, v), u != v && s.friend[order[u]][v]);
    }
    assert_true(moved > USERS / 2);
    fixture_close(&s.f);
}

static void without_the_column_it_says_what_to_do(void **state)
{
    (void)state;
    struct social s;
    social_open(&s);
    test_quiet();
    s.f.view.n_user_columns = 0;
    const struct model_type *const types[] = {&model_friends_knn, &model_social_reg, &model_sbpr};
    for (int k = 0; k < 3; k++) {
        assert_true((types[k]->needs & NEEDS_FRIENDS) != 0);
        assert_int_equal(types[k]->fit(fixture_state(&s.f, types[k]), fixture_params(&s.f, types[k], ""),
                                       &s.f.view, &s.f.run),
                         STATUS_UNAVAILABLE);
        assert_non_null(strstr(status_sentence(), types[k]->name));
        assert_non_null(strstr(status_sentence(), "--friends FILE"));
    }
    fixture_close(&s.f);
}

/* The formulas of friends.h from the dense tables; NaN: not known. */
static double plain_weight(const struct social *s, uint32_t u, uint32_t v, enum friend_weight weight)
{
    double both = 0, n_u = 0, n_v = 0, any = 0;
    if (weight == FRIEND_COMMON) {
        for (uint32_t w = 0; w < USERS; w++) {
            const int a = w == u || s->friend[u][w], b = w == v || s->friend[v][w];
            both += a && b, any += a || b;
        }
        return both / any;
    }
    for (uint32_t i = 0; i < ITEMS; i++)
        both += s->taken[u][i] && s->taken[v][i], n_u += s->taken[u][i], n_v += s->taken[v][i];
    if (weight == FRIEND_COSINE)
        return both / sqrt(n_u * n_v);
    double cov = 0, var_u = 0, var_v = 0;
    for (uint32_t i = 0; i < ITEMS; i++) {
        const double a = s->taken[u][i] - n_u / ITEMS, b = s->taken[v][i] - n_v / ITEMS;
        cov += a * b, var_u += a * a, var_v += b * b;
    }
    return (1 + cov / sqrt(var_u * var_v)) / 2;
}

static void weights_are_their_formulas(void **state)
{
    (void)state;
    struct social s;
    struct csr f, w;
    social_open(&s);
    assert_ok(friends_of("test", &s.f.view, FRIENDS_GIVEN, 7, s.f.arena, &f));
    assert_true(f.ptr[12] > f.ptr[11]); /* user 11, without a row, has friends */
    for (int kind = FRIEND_NONE; kind <= FRIEND_COMMON; kind++) {
        double sum = 0, known = 0;
        assert_ok(friends_weigh(s.f.view.by_user, &f, (enum friend_weight)kind, s.f.arena, &w));
        for (int pass = 0; pass < 2; pass++)
            for (uint32_t u = 0; u < USERS; u++)
                for (int64_t e = f.ptr[u]; e < f.ptr[u + 1]; e++) {
                    double expected =
                        kind == FRIEND_NONE ? 1 : plain_weight(&s, u, f.idx[e], (enum friend_weight)kind);
                    if (pass == 0 && isfinite(expected))
                        sum += expected, known++;
                    if (!isfinite(expected))
                        expected = sum / known;
                    if (pass == 1)
                        assert_float_equal(w.val[e], expected, 1e-6);
                }
    }
    fixture_close(&s.f);
}

/* friends_knn's formula, densely: [USERS x ITEMS]. */
static void plain_scores(const struct social *s, int hops, double second_hop, double prior, int normalize,
                         double *out)
{
    for (uint32_t u = 0; u < USERS; u++) {
        double w[USERS] = {0}, first = 0, sum = prior;
        for (uint32_t v = 0; v < USERS; v++)
            first += s->friend[u][v], w[v] = s->friend[u][v];
        for (uint32_t v = 0; hops == 2 && v < USERS; v++)
            for (uint32_t f = 0; f < USERS; f++)
                if (v != u && !s->friend[u][v] && s->friend[u][f] && s->friend[f][v])
                    w[v] += second_hop / first;
        for (uint32_t v = 0; v < USERS; v++)
            sum += w[v];
        for (uint32_t i = 0; i < ITEMS; i++) {
            double score = 0, all = 0;
            for (uint32_t v = 0; v < USERS; v++)
                score += w[v] * s->taken[v][i], all += s->taken[v][i];
            score += prior * all / USERS;
            out[u * ITEMS + i] = normalize && sum > 0 ? score / sum : score;
        }
    }
}

static void friends_knn_is_its_formula(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        int hops;
        double second_hop, prior;
        int normalize;
    } cases[] = {{"", 1, 0, 1, 1},
                 {"{prior: 0}", 1, 0, 0, 1},
                 {"{normalize: false, prior: 2.5}", 1, 0, 2.5, 0},
                 {"{hops: 2, prior: 0.5}", 2, 0.5, 0.5, 1},
                 {"{hops: 2, second_hop: 1, normalize: false}", 2, 1, 1, 0}};
    struct social s;
    social_open(&s);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double expected[USERS * ITEMS];
        float scores[USERS * ITEMS];
        uint32_t users[USERS];
        const void *fitted = fixture_fit(&s.f, &model_friends_knn, cases[c].yaml);
        plain_scores(&s, cases[c].hops, cases[c].second_hop, cases[c].prior, cases[c].normalize, expected);
        for (uint32_t u = 0; u < USERS; u++)
            users[u] = u;
        assert_ok(model_friends_knn.score_users(fitted, users, USERS, &(struct tile){scores, ITEMS, ITEMS}));
        for (int e = 0; e < USERS * ITEMS; e++)
            if (fabs((double)scores[e] - expected[e]) > 1e-5)
                fail_msg("case %zu: user %d, item %d: %g, expected %g", c, e / ITEMS, e % ITEMS,
                         (double)scores[e], expected[e]);
    }
    fixture_close(&s.f);
}

/* social_reg's loss. */
enum { RANK = 3 };
struct loss_at {
    const struct social *s;
    double x[USERS][RANK], y[ITEMS][RANK], weight[USERS][USERS], beta, alpha0, regularization;
    double *at; /* the parameter that moves */
};

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int k = 0; k < RANK; k++)
        sum += a[k] * b[k];
    return sum;
}

static double loss(double value, void *context)
{
    struct loss_at *l = context;
    const double kept = *l->at;
    double sum = 0, of_user[USERS] = {0}, of_item[ITEMS] = {0};
    *l->at = value;
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) {
            const double z = dot(l->x[u], l->y[i]);
            sum += l->alpha0 * z * z + (l->s->taken[u][i] ? (z - 1) * (z - 1) : 0);
            of_user[u] += l->s->taken[u][i], of_item[i] += l->s->taken[u][i];
        }
    for (int u = 0; u < USERS; u++)
        sum += l->regularization * (of_user[u] + l->alpha0 * ITEMS) * dot(l->x[u], l->x[u]);
    for (int i = 0; i < ITEMS; i++)
        sum += l->regularization * (of_item[i] + l->alpha0 * USERS) * dot(l->y[i], l->y[i]);
    for (int u = 0; u < USERS; u++)
        for (int v = 0; v < USERS; v++)
            for (int k = 0; k < RANK && l->s->friend[u][v]; k++)
                sum += l->beta * l->weight[u][v] * pow(l->x[u][k] - l->x[v][k], 2);
    *l->at = kept;
    return sum;
}

static double steepest(struct loss_at *l)
{
    gsl_function f = {loss, l};
    double most = 0, gradient, error;
    for (int k = 0; k < USERS * RANK; k++) {
        l->at = &l->x[0][0] + k;
        gsl_deriv_central(&f, *l->at, 1e-3, &gradient, &error);
        most = fmax(most, fabs(gradient));
    }
    for (int k = 0; k < ITEMS * RANK; k++) {
        l->at = &l->y[0][0] + k;
        gsl_deriv_central(&f, *l->at, 1e-3, &gradient, &error);
        most = fmax(most, fabs(gradient));
    }
    return most;
}

static void social_reg_ends_where_its_loss_is_flat(void **state)
{
    (void)state;
    static const char *const yaml[] = {
        "{factors: 3, iterations: 3000, solver: cholesky, regularization: 0.05, social_regularization: 0.4}",
        "{factors: 3, iterations: 3000, cg_steps: 20, regularization: 0.05, social_regularization: 0.4, "
        "similarity: cosine}"};
    struct social s;
    struct csr f, w;
    social_open(&s);
    assert_ok(backend_open("cpu", 1, &s.f.run.backend)); /* thousands of launches of 12 rows */
    for (int c = 0; c < 2; c++) {
        const struct biased_factors *m = fixture_fit(&s.f, &model_social_reg, yaml[c]);
        struct loss_at l = {.s = &s, .beta = 0.4, .alpha0 = 0.1, .regularization = 0.05};
        assert_ok(friends_of("test", &s.f.view, FRIENDS_GIVEN, 42, s.f.arena, &f));
        assert_ok(friends_weigh(s.f.view.by_user, &f, c == 0 ? FRIEND_NONE : FRIEND_COSINE, s.f.arena, &w));
        for (uint32_t u = 0; u < USERS; u++) {
            for (int64_t e = f.ptr[u]; e < f.ptr[u + 1]; e++)
                l.weight[u][f.idx[e]] = (double)w.val[e];
            for (int k = 0; k < RANK; k++)
                l.x[u][k] = (double)m->user[u * m->ld + (size_t)k];
        }
        for (uint32_t i = 0; i < ITEMS; i++)
            for (int k = 0; k < RANK; k++)
                l.y[i][k] = (double)m->item[i * m->ld + (size_t)k];
        assert_true(dot(l.x[0], l.x[0]) > 0.01);   /* not the saddle at 0 */
        assert_true(dot(l.x[11], l.x[11]) > 1e-4); /* without a row, and yet somewhere */
        const double flat = steepest(&l);
        l.beta = 0.2;
        const double other = steepest(&l);
        if (!(flat < 1e-4) || !(other > 0.01))
            fail_msg("steepest slope %g, of the loss with half the social weight %g", flat, other);
    }
    fixture_close(&s.f);
}

/* ----------------------------------------------------------------------------------------------- new users */

static const char cold[] = "{kind: cold_users, test: 0.25, seed: 5}";

/* ndcg@10 of the new users; malloc'ed. */
static double *quality(const char *name, const char *yaml, const struct view *v, const struct csr *test,
                       uint32_t *n)
{
    static const uint32_t k = 10;
    const struct model_type *type = model_find(name);
    const struct metric_type *metric = metric_find("ndcg");
    struct fixture f = {.arena = arena_new()};
    struct lists lists;
    uint32_t *users = malloc(v->n_users * sizeof *users);
    assert_ok(backend_open("cpu", 2, &f.backend));
    f.run = (struct run){.backend = f.backend,
                         .arena = f.arena,
                         .scratch = f.arena,
                         .seed = 1,
                         .cancelled = &fixture_cancelled};
    void *state = fixture_state(&f, type);
    assert_ok(type->fit(state, fixture_params(&f, type, yaml), v, &f.run));
    *n = 0;
    for (uint32_t u = 0; u < v->n_users; u++)
        if (test->ptr[u + 1] > test->ptr[u]) {
            assert_int_equal(v->by_user->ptr[u + 1], v->by_user->ptr[u]); /* no train row */
            users[(*n)++] = u;
        }
    double *values = malloc(*n * sizeof *values);
    assert_ok(rank_users(type, state, f.backend, v->n_items, users, *n,
                         &(struct rank_options){.k = k, .seed = 1, .masks = {v->by_user, NULL}}, f.arena,
                         &lists));
    assert_ok(metrics_compute(&lists, users, test, &metric, 1, &k, 1, values));
    free(users);
    arena_free(f.arena);
    return values;
}

static void friends_tell_of_new_users(void **state)
{
    (void)state;
    /* A model, as it is and with shuffled friends; alone, inside a hybrid, as a signal of the fusion. */
    static const char *const cases[][3] = {
        {"friends_knn", "", "{friends: shuffled}"},
        {"social_reg", "", "{friends: shuffled}"},
        {"sbpr", "", "{friends: shuffled}"},
        {"weighted", "{models: [friends_knn, popularity]}",
         "{models: [{name: friends_knn, params: {friends: shuffled}}, popularity]}"},
        {"llm_fusion", "{encoder: none, collaborative: [friends_knn]}",
         "{encoder: none, collaborative: [friends_knn], collaborative_params: {friends_knn: {friends: "
         "shuffled}}}"}};
    struct arena *arena = arena_new();
    struct synth_options options = SYNTH_DEFAULTS;
    struct dataset *d;
    struct node *node;
    struct split s;
    struct fold *folds;
    struct view *v;
    struct csr test;
    struct paired_test t;
    size_t n_folds;
    uint32_t n;
    options.n_users = 600, options.n_items = 300, options.n_interactions = 18000, options.n_friends = 12;
    assert_ok(synth_generate(&options, arena, &d));
    assert_ok(node_parse("test", cold, sizeof cold - 1, arena, &node));
    assert_ok(split_parse(node, arena, &s));
    assert_ok(split_apply(&s, d, &d->interactions, arena, &folds, &n_folds));
    assert_ok(view_build(d, folds, arena, &v));
    assert_ok(csr_from_triples(v->n_users, v->n_items, folds->test.n, folds->test.user, folds->test.item,
                               folds->test.value, arena, &test, NULL));
    double *popularity = quality("popularity", "", v, &test, &n);
    assert_int_equal(n, 150);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        double *mine = quality(cases[k][0], cases[k][1], v, &test, &n),
               *shuffled = quality(cases[k][0], cases[k][2], v, &test, &n);
        print_message("  %s ndcg@10 of new users %.4f, shuffled %.4f, popularity %.4f\n", cases[k][0],
                      metrics_mean(mine, n), metrics_mean(shuffled, n), metrics_mean(popularity, n));
        assert_ok(significance_paired_t(mine, popularity, n, &t));
        assert_true(t.mean_difference > 0 && t.p < 1e-3);
        assert_ok(significance_paired_t(mine, shuffled, n, &t));
        assert_true(t.mean_difference > 0 && t.p < 1e-3);
        free(mine);
        free(shuffled);
    }
    free(popularity);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(links_are_those_of_the_column),
                                       cmocka_unit_test(without_the_column_it_says_what_to_do),
                                       cmocka_unit_test(weights_are_their_formulas),
                                       cmocka_unit_test(friends_knn_is_its_formula),
                                       cmocka_unit_test(social_reg_ends_where_its_loss_is_flat),
                                       cmocka_unit_test(friends_tell_of_new_users)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
