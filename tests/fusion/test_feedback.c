/*
 * test_feedback.c - the loop: LinUCB's posterior against a solution of the normal equations by GSL, online steps that move a score where the
 * event says, states that are functions of the events, and a simulation in which learning beats standing still.
 */
#include "../models/mf_fixture.h"

#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdlib.h>

#include "base/strings.h"
#include "data/synth.h"
#include "fusion/simulate.h"

enum { D = 5, N_USERS = 6, N_ITEMS = 40 };

/* theta and uncertainty after 30 weighted rewards: (ridge I + sum w x x')^-1 by LU, in double. */
static void linucb_equals_the_normal_equations(void **state)
{
    struct arena *arena = arena_new();
    struct bandit m;
    float x[30][D];
    double A[D * D] = {0}, b[D] = {0}, theta[D], inverse[D * D], expected[D];
    const double ridge = 0.7;
    (void)state;
    assert_int_equal(bandit_new(2, D, ridge, arena, &m), STATUS_OK);
    assert_float_equal(bandit_uncertainty(&m, 1, (const float[D]){1, 2, 3, 4, 5}), 1, 1e-12);
    for (int j = 0; j < D; j++)
        A[j * D + j] = ridge;
    for (int e = 0; e < 30; e++) {
        const double w = e % 3 == 0 ? 0.2 : 1, reward = random_unit(1, RANDOM_SYNTH, 9, (uint64_t)e);
        for (int j = 0; j < D; j++)
            x[e][j] = (float)random_normal(1, RANDOM_SYNTH, (uint32_t)j, (uint64_t)e);
        bandit_update(&m, 1, x[e], reward, w);
        for (int j = 0; j < D; j++) {
            b[j] += w * reward * (double)x[e][j];
            for (int k = 0; k < D; k++)
                A[j * D + k] += w * (double)x[e][j] * (double)x[e][k];
        }
    }
    gsl_matrix_view a = gsl_matrix_view_array(A, D, D), i = gsl_matrix_view_array(inverse, D, D);
    gsl_vector_view right = gsl_vector_view_array(b, D), solution = gsl_vector_view_array(expected, D);
    gsl_permutation *p = gsl_permutation_alloc(D);
    int sign;
    gsl_linalg_LU_decomp(&a.matrix, p, &sign);
    gsl_linalg_LU_solve(&a.matrix, p, &right.vector, &solution.vector);
    gsl_linalg_LU_invert(&a.matrix, p, &i.matrix);
    gsl_permutation_free(p);
    bandit_theta(&m, 1, theta);
    for (int j = 0; j < D; j++)
        assert_float_equal(theta[j], expected[j], 1e-10);
    double variance = 0, norm = 0;
    for (int j = 0; j < D; j++) {
        norm += (double)x[4][j] * (double)x[4][j];
        for (int k = 0; k < D; k++)
            variance += (double)x[4][j] * inverse[j * D + k] * (double)x[4][k];
    }
    assert_float_equal(bandit_uncertainty(&m, 1, x[4]), sqrt(variance * ridge / norm), 1e-10);
    assert_float_equal(bandit_uncertainty(&m, 0, x[4]), 1, 1e-12); /* the other user is as before */
    arena_free(arena);
}

struct shop {
    struct arena *arena;
    float user[N_USERS * D], item[N_ITEMS * D], vector[N_ITEMS * D];
    struct factors factors;
    struct csr history;
    struct item_vectors vectors;
};

static void shop_open(struct shop *s)
{
    uint32_t u[N_USERS], i[N_USERS];
    s->arena = arena_new();
    for (uint32_t j = 0; j < N_ITEMS * D; j++) {
        s->item[j] = (float)random_normal(2, RANDOM_SYNTH, 0, j);
        s->vector[j] = (float)random_normal(2, RANDOM_SYNTH, 1, j);
    }
    for (uint32_t j = 0; j < N_USERS * D; j++)
        s->user[j] = (float)random_normal(2, RANDOM_SYNTH, 2, j) / 4;
    for (uint32_t j = 0; j < N_USERS; j++)
        u[j] = i[j] = j;
    assert_int_equal(csr_from_triples(N_USERS, N_ITEMS, N_USERS, u, i, NULL, s->arena, &s->history, NULL),
                     STATUS_OK);
    s->factors = (struct factors){.n_users = N_USERS,
                                  .n_items = N_ITEMS,
                                  .factors = D,
                                  .user = s->user,
                                  .item = s->item,
                                  .ld_user = D,
                                  .ld_item = D};
    s->vectors = (struct item_vectors){N_ITEMS, D, s->vector};
}

static struct feedback *feedback_with(struct shop *s, const char *yaml, const struct strategy *rules)
{
    struct feedback_options o = {0};
    struct node *map = NULL;
    struct feedback *f = NULL;
    assert_int_equal(params_default(feedback_params, s->arena, &o), STATUS_OK);
    assert_int_equal(node_parse("test", yaml, strlen(yaml), s->arena, &map), STATUS_OK);
    assert_int_equal(params_set(feedback_params, "feedback", map, s->arena, &o), STATUS_OK);
    assert_int_equal(feedback_new(&o, &s->factors, &s->history, &s->vectors, rules, 5, &f), STATUS_OK);
    return f;
}

static struct feedback *feedback_of(struct shop *s, const char *yaml)
{
    return feedback_with(s, yaml, NULL);
}

static struct strategy *rules_of(struct shop *s, const struct strategy_facts *facts, const char *yaml)
{
    struct node *list = NULL;
    struct strategy *rules = NULL;
    assert_int_equal(node_parse("test", yaml, strlen(yaml), s->arena, &list), STATUS_OK);
    assert_int_equal(strategy_parse(list, s->arena, &rules), STATUS_OK);
    assert_int_equal(strategy_prepare(rules, facts, s->arena), STATUS_OK);
    return rules;
}

static uint32_t place_of(const struct feedback *f, uint32_t user, uint32_t item)
{
    uint32_t list[N_ITEMS], n;
    assert_int_equal(feedback_recommend(f, user, N_ITEMS, list, &n), STATUS_OK);
    for (uint32_t j = 0; j < n; j++)
        if (list[j] == item)
            return j + 1;
    return 0;
}

static void tell(struct feedback *f, enum feedback_kind kind, uint32_t user, uint32_t item, float value)
{
    const struct feedback_event e = {.kind = kind, .user = user, .item = item, .value = value};
    assert_int_equal(feedback_update(f, &e), STATUS_OK);
}

/* A step of rate 1 makes the squared loss' prediction the target; skips push an item back, clicks take it off the list. */
static void events_move_what_they_say(void **state)
{
    struct shop s;
    (void)state;
    shop_open(&s);
    struct feedback *f = feedback_of(&s, "{bandit: none, profile: 0, learning_rate: 1, item_learning_rate: "
                                         "0, regularization: 0, skip_weight: 1}");
    uint32_t list[3], n;
    assert_int_equal(place_of(f, 0, 0), 0); /* a train row */
    assert_int_equal(feedback_recommend(f, 0, 3, list, &n), STATUS_OK);
    assert_int_equal(n, 3);
    const uint32_t other = place_of(f, 1, list[0]);
    tell(f, FEEDBACK_SKIP, 0, list[0], 0); /* its score is 0 now, that of the second still its own */
    assert_true(place_of(f, 0, list[0]) > 1);
    assert_int_equal(place_of(f, 1, list[0]), other); /* another user's list stands */
    tell(f, FEEDBACK_CLICK, 0, list[1], 0);
    assert_int_equal(place_of(f, 0, list[1]), 0);
    tell(f, FEEDBACK_RATE, 0, list[2], 0.25F); /* a bad rating: not had, but behind */
    assert_true(place_of(f, 0, list[2]) > 1);
    uint32_t *user, *item;
    uint64_t taken;
    assert_int_equal(feedback_taken(f, &user, &item, &taken), STATUS_OK);
    assert_int_equal(taken, 1);
    assert_int_equal(user[0], 0);
    assert_int_equal(item[0], list[1]);
    free(user);
    free(item);
    feedback_free(f);
    arena_free(s.arena);
}

/* The same events, the same state; one event more, another. */
static void the_state_is_a_function_of_the_events(void **state)
{
    struct shop s;
    char a[SHA256_HEX], b[SHA256_HEX], c[SHA256_HEX];
    (void)state;
    shop_open(&s);
    struct feedback *f = feedback_of(&s, "{}"), *g = feedback_of(&s, "{}");
    for (uint32_t e = 0; e < 300; e++) {
        const uint32_t r = random_u32(3, RANDOM_SYNTH, 0, e);
        const struct feedback_event event = {.kind = (enum feedback_kind)(r % 4),
                                             .user = r / 4 % N_USERS,
                                             .item = r / 64 % N_ITEMS,
                                             .value = (float)(r / 4096 % 5) / 4,
                                             .first = r >> 31};
        assert_int_equal(feedback_update(f, &event), STATUS_OK);
        assert_int_equal(feedback_update(g, &event), STATUS_OK);
    }
    feedback_digest(f, a);
    feedback_digest(g, b);
    assert_string_equal(a, b);
    assert_int_equal(feedback_events(f), 300);
    tell(g, FEEDBACK_SHOW, 1, 1, 0);
    feedback_digest(g, c);
    assert_string_not_equal(b, c);
    feedback_free(f);
    feedback_free(g);
    arena_free(s.arena);
}

static void epsilon_gives_places_away(void **state)
{
    struct shop s;
    uint32_t fixed[5], tried[5], n, differ = 0;
    (void)state;
    shop_open(&s);
    struct feedback *f = feedback_of(&s, "{bandit: epsilon_greedy, epsilon: 0}"),
                    *g = feedback_of(&s, "{bandit: epsilon_greedy, epsilon: 1}");
    assert_int_equal(feedback_recommend(f, 2, 5, fixed, &n), STATUS_OK);
    assert_int_equal(feedback_recommend(g, 2, 5, tried, &n), STATUS_OK);
    for (int j = 0; j < 5; j++)
        differ += fixed[j] != tried[j];
    assert_int_equal(differ, 5);
    feedback_free(f);
    feedback_free(g);
    arena_free(s.arena);
}

/* Item 20 needs item 3: it opens when 3 is taken, not when it is shown or rated badly. */
static void what_is_taken_opens_what_needs_it(void **state)
{
    struct shop s;
    struct string_builder ids = {0}, names = {0};
    struct column needs = {.name = "prerequisites", .kind = COLUMN_LIST};
    struct strings item_ids;
    const uint32_t item = 20, name = 0;
    char id[16];
    (void)state;
    shop_open(&s);
    for (int i = 0; i < N_ITEMS; i++) {
        const int n = snprintf(id, sizeof id, "i%d", i);
        assert_int_equal(string_builder_add(&ids, id, (size_t)n), STATUS_OK);
    }
    assert_int_equal(string_builder_finish(&ids, s.arena, &item_ids), STATUS_OK);
    assert_int_equal(string_builder_add(&names, "i3", 2), STATUS_OK);
    assert_int_equal(string_builder_finish(&names, s.arena, &needs.names), STATUS_OK);
    assert_int_equal(csr_from_triples(N_ITEMS, 1, 1, &item, &name, NULL, s.arena, &needs.list, NULL),
                     STATUS_OK);
    const struct strategy_facts facts = {.n_items = N_ITEMS,
                                         .n_item_columns = 1,
                                         .item_columns = &needs,
                                         .item_ids = &item_ids,
                                         .by_user = &s.history};
    const struct strategy *rules = rules_of(&s, &facts, "[{prerequisite: {}}]");
    struct feedback *f = feedback_with(&s, "{bandit: none, candidates: 100000}", rules);
    assert_int_equal(place_of(f, 1, 20), 0);
    tell(f, FEEDBACK_SHOW, 1, 3, 0);
    tell(f, FEEDBACK_RATE, 1, 3, 0.25F);
    assert_int_equal(place_of(f, 1, 20), 0);
    tell(f, FEEDBACK_CLICK, 1, 3, 0);
    assert_true(place_of(f, 1, 20) > 0);
    assert_int_equal(place_of(f, 2, 20), 0); /* another user's */
    assert_true(place_of(f, 3, 20) > 0);     /* user 3 has item 3 in the train rows */
    feedback_free(f);
    arena_free(s.arena);
}

/* An item shown twice in a row was shown in two lists: what was shown before them fades twice. */
static void a_list_ends_where_an_item_comes_again(void **state)
{
    struct shop s;
    char a[SHA256_HEX], b[SHA256_HEX], c[SHA256_HEX];
    (void)state;
    shop_open(&s);
    const struct strategy_facts facts = {.n_items = N_ITEMS, .by_user = &s.history};
    const struct strategy *rules = rules_of(&s, &facts, "[{fatigue: {shown_weight: 5}}]");
    struct feedback *once = feedback_with(&s, "{bandit: none, shown_decay: 0.5}", rules),
                    *twice = feedback_with(&s, "{bandit: none, shown_decay: 0.5}", rules);
    uint32_t list[3], n;
    assert_int_equal(feedback_recommend(once, 3, 3, list, &n), STATUS_OK);
    for (int i = 0; i < 3; i++) {
        tell(once, FEEDBACK_SHOW, 3, list[0], 0);
        tell(twice, FEEDBACK_SHOW, 3, list[0], 0);
    }
    feedback_digest(once, a);
    feedback_digest(twice, b);
    assert_string_equal(a, b);
    tell(once, FEEDBACK_SHOW, 3, list[1], 0); /* of the third list */
    tell(twice, FEEDBACK_SKIP, 3, list[2], 0);
    tell(twice, FEEDBACK_SHOW, 3, list[1], 0); /* of a fourth */
    feedback_digest(once, a);
    feedback_digest(twice, c);
    assert_string_not_equal(a, c);
    assert_true(place_of(once, 3, list[0]) > 1); /* tired */
    for (int i = 0; i < 8; i++)
        tell(once, FEEDBACK_SHOW, 3, list[1], 0);
    assert_int_equal(place_of(once, 3, list[0]), 1); /* eight lists later it is not */
    feedback_free(once);
    feedback_free(twice);
    arena_free(s.arena);
}

/* A list that says where it begins needs no answer between it and the one before. */
static void a_list_begins_where_it_says(void **state)
{
    struct shop s;
    char a[SHA256_HEX], b[SHA256_HEX];
    (void)state;
    shop_open(&s);
    const struct strategy_facts facts = {.n_items = N_ITEMS, .by_user = &s.history};
    const struct strategy *rules = rules_of(&s, &facts, "[{fatigue: {shown_weight: 5}}]");
    struct feedback *f = feedback_with(&s, "{bandit: none, shown_decay: 0.5}", rules),
                    *one = feedback_with(&s, "{bandit: none, shown_decay: 0.5}", rules);
    uint32_t list[12], n;
    assert_int_equal(feedback_recommend(f, 3, 12, list, &n), STATUS_OK);
    assert_int_equal(n, 12);
    for (uint32_t j = 0; j < n; j++) {
        const struct feedback_event in_one = {.kind = FEEDBACK_SHOW, .user = 3, .item = list[j]};
        struct feedback_event e = in_one;
        e.first = true;
        assert_int_equal(feedback_update(f, &e), STATUS_OK);
        assert_int_equal(feedback_update(one, &in_one), STATUS_OK);
        if (j == 0) { /* the first list begins either way */
            feedback_digest(f, a);
            feedback_digest(one, b);
            assert_string_equal(a, b);
        }
    }
    /* Twelve lists later the first item is as good as new; of one list of twelve all are as tired as one another. */
    assert_int_equal(place_of(f, 3, list[0]), 1);
    for (uint32_t j = 0; j < n; j++)
        assert_true(place_of(one, 3, list[j]) > place_of(f, 3, list[0]));
    feedback_free(f);
    feedback_free(one);
    arena_free(s.arena);
}

/* The log leads from the list without the bandit to the list that is shown: each change once, and the list the same with it and without. */
static void every_change_is_logged(void **state)
{
    static const char *const options[] = {"{bandit: linucb, candidates: 12, evidence: 0.001}",
                                          "{bandit: epsilon_greedy, epsilon: 1, candidates: 12}",
                                          "{bandit: none, candidates: 12}"};
    static const char *const expected[] = {"linucb", "epsilon_greedy", NULL};
    struct shop s;
    (void)state;
    shop_open(&s);
    const struct strategy_facts facts = {.n_items = N_ITEMS, .by_user = &s.history};
    for (size_t o = 0; o < 3; o++) {
        struct feedback *f =
            feedback_with(&s, options[o], rules_of(&s, &facts, "[{fatigue: {shown_weight: 3}}]"));
        uint32_t list[5], again[5], n, m, tired = 0, bandit = 0;
        struct strategy_log log;
        for (uint32_t e = 0; e < 30; e++)
            tell(f, e % 3 == 0 ? FEEDBACK_SHOW : FEEDBACK_SKIP, 2, 4 + e, 0);
        assert_int_equal(feedback_recommend(f, 2, 5, list, &n), STATUS_OK);
        assert_int_equal(feedback_explain(f, 2, 5, s.arena, again, &m, &log), STATUS_OK);
        assert_int_equal(n, m);
        assert_memory_equal(list, again, n * sizeof *list);
        for (size_t c = 0; c < log.n; c++) {
            const struct strategy_change *x = &log.change[c];
            const bool rule = strcmp(x->rule, "fatigue") == 0;
            assert_true(x->before != x->after);
            assert_true(x->before <= 12 || x->after <= 12);
            assert_true(rule || (expected[o] != NULL && strcmp(x->rule, expected[o]) == 0));
            tired += rule;
            bandit += !rule;
        }
        assert_true(tired > 0 || o == 0);
        assert_int_equal(bandit > 0, expected[o] != NULL);
        for (uint32_t j = 0; j < n; j++) { /* where the last change of an item left it */
            uint32_t last = 0;
            for (size_t c = 0; c < log.n; c++)
                if (log.change[c].item == list[j])
                    last = log.change[c].after;
            assert_true(last == 0 || last == j + 1);
        }
        feedback_free(f);
    }
    arena_free(s.arena);
}

/* 40 users, 6 rounds: the whole loop loses fewer clicks than the static system; 1 and 2 threads give the same numbers. */
static void the_loop_beats_standing_still(void **state)
{
    struct fixture f;
    struct synth_options made = SYNTH_DEFAULTS;
    struct dataset *d;
    struct feedback_options options = {0};
    struct simulate_options how = {0};
    struct simulate_arm *arm;
    struct simulate_result loop, still, again;
    struct node *node = NULL;
    struct nested base;
    (void)state;
    made.n_users = 60, made.n_items = 120, made.n_interactions = 1500;
    fixture_open(&f, 1, 1, 0, NULL, NULL, NULL);
    assert_int_equal(synth_generate(&made, f.arena, &d), STATUS_OK);
    assert_int_equal(csr_from_triples(d->n_users, d->n_items, d->interactions.n, d->interactions.user,
                                      d->interactions.item, d->interactions.value, f.arena, &f.by_user, NULL),
                     STATUS_OK);
    assert_int_equal(csr_transpose(&f.by_user, f.arena, &f.by_item), STATUS_OK);
    f.view = (struct view){.n_users = d->n_users,
                           .n_items = d->n_items,
                           .by_user = &f.by_user,
                           .by_item = &f.by_item,
                           .truth = d->truth,
                           .minimum_value = 1,
                           .maximum_value = 5};
    static const char yaml[] = "{name: ials, params: {factors: 8, iterations: 5}}";
    assert_int_equal(node_parse("test", yaml, strlen(yaml), f.arena, &node), STATUS_OK);
    assert_int_equal(nested_parse(node, "base", f.arena, &base), STATUS_OK);
    assert_int_equal(params_default(feedback_params, f.arena, &options), STATUS_OK);
    assert_int_equal(params_default(simulate_params, f.arena, &how), STATUS_OK);
    how.users = 40, how.rounds = 6, how.refit_every = 2;
    options.fatigue = false; /* without rules nobody hears of it */
    size_t n_arms;
    assert_int_equal(simulate_arms(&options, false, f.arena, &arm, &n_arms), STATUS_OK);
    assert_int_equal(n_arms, 4); /* without vectors and fatigue: loop, static, no online_mf, no refit */
    assert_int_equal(simulate(&how, &arm[0], &f.view, &base, NULL, NULL, &f.run, f.arena, &loop), STATUS_OK);
    assert_int_equal(simulate(&how, &arm[1], &f.view, &base, NULL, NULL, &f.run, f.arena, &still), STATUS_OK);
    double sums[2] = {0};
    for (uint32_t t = 0; t < 6; t++) {
        assert_true(loop.round[t].regret >= 0 && loop.round[t].ndcg >= 0 && loop.round[t].ndcg <= 1 + 1e-9);
        sums[0] += loop.round[t].regret;
        sums[1] += still.round[t].regret;
    }
    assert_float_equal(loop.round[0].regret, still.round[0].regret,
                       1e-12); /* nothing is learned before the first round */
    assert_true(sums[0] < sums[1]);
    assert_int_equal(backend_open("cpu", 1, &f.run.backend), STATUS_OK);
    assert_int_equal(simulate(&how, &arm[0], &f.view, &base, NULL, NULL, &f.run, f.arena, &again), STATUS_OK);
    assert_memory_equal(loop.regret, again.regret, 40 * sizeof *loop.regret);
    /* A model without factors: its own scores, and fits anew with what was taken. */
    static const char text[] = "{name: ease, params: {l2: 20}}", asked[] = "{online_mf: true}";
    struct node *block;
    assert_int_equal(node_parse("test", text, strlen(text), f.arena, &node), STATUS_OK);
    assert_int_equal(nested_parse(node, "base", f.arena, &base), STATUS_OK);
    assert_int_equal(node_parse("test", asked, strlen(asked), f.arena, &block), STATUS_OK);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(feedback_suits(base.type, block, &options), STATUS_USAGE);
    status_set_handler(NULL, NULL, NULL, NULL);
    assert_int_equal(feedback_suits(base.type, NULL, &options), STATUS_OK);
    assert_false(options.online_mf);
    options.bandit = FEEDBACK_NO_BANDIT;
    assert_int_equal(simulate_arms(&options, false, f.arena, &arm, &n_arms), STATUS_OK);
    assert_int_equal(n_arms, 3);
    assert_int_equal(simulate(&how, &arm[0], &f.view, &base, NULL, NULL, &f.run, f.arena, &loop), STATUS_OK);
    assert_int_equal(simulate(&how, &arm[2], &f.view, &base, NULL, NULL, &f.run, f.arena, &still), STATUS_OK);
    for (uint32_t t = 0; t < 6; t++) /* the first fit anew comes after round 2 */
        assert_true((loop.round[t].regret == still.round[t].regret) == (t < 2));
    f.view.truth = NULL;
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    assert_int_equal(simulate(&how, &arm[0], &f.view, &base, NULL, NULL, &f.run, f.arena, &again),
                     STATUS_UNAVAILABLE);
    status_set_handler(NULL, NULL, NULL, NULL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linucb_equals_the_normal_equations),
        cmocka_unit_test(events_move_what_they_say),
        cmocka_unit_test(the_state_is_a_function_of_the_events),
        cmocka_unit_test(epsilon_gives_places_away),
        cmocka_unit_test(what_is_taken_opens_what_needs_it),
        cmocka_unit_test(a_list_ends_where_an_item_comes_again),
        cmocka_unit_test(a_list_begins_where_it_says),
        cmocka_unit_test(every_change_is_logged),
        cmocka_unit_test(the_loop_beats_standing_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
