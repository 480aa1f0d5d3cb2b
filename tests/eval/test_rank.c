/* test_rank.c - lists against a full sort of full rows; the properties that every ranking must have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "eval/rank.h"

/* A made-up problem: scores by factors, a mask of random rows. */
struct problem {
    struct arena *arena;
    const struct backend *backend;
    struct factors f;
    struct csr mask[2];
    uint32_t *users;
};

static float *random_floats(struct arena *arena, size_t n, uint32_t what)
{
    float *x = arena_alloc(arena, n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)random_normal(7, RANDOM_INIT, what, i);
    return x;
}

static struct problem problem_new(uint32_t n_users, uint32_t n_items, uint32_t factors, int threads)
{
    struct problem p = {.arena = arena_new()};
    assert_int_equal(backend_open("cpu", threads, &p.backend), STATUS_OK);
    p.f = (struct factors){.n_users = n_users, .n_items = n_items, .factors = factors};
    p.f.ld_user = factors + 3, p.f.ld_item = factors + 1;
    p.f.user = random_floats(p.arena, n_users * p.f.ld_user, 0);
    p.f.item = random_floats(p.arena, n_items * p.f.ld_item, 1);
    for (uint32_t m = 0; m < 2; m++) {
        const uint32_t each = n_items / (m == 0 ? 5 : 50), n = n_users * each;
        uint32_t *row = arena_alloc(p.arena, n, sizeof *row), *col = arena_alloc(p.arena, n, sizeof *col);
        for (uint32_t e = 0; e < n; e++)
            row[e] = each > 0 ? e / each : 0, col[e] = random_u32(5, RANDOM_SPLIT, m, e) % n_items;
        assert_int_equal(csr_from_triples(n_users, n_items, n, row, col, NULL, p.arena, &p.mask[m], NULL),
                         STATUS_OK);
    }
    p.users = arena_alloc(p.arena, n_users, sizeof *p.users);
    for (uint32_t u = 0; u < n_users; u++)
        p.users[u] = u;
    return p;
}

/* Factors behind the interface of a model. */
static enum status problem_factors(const void *state, struct factors *out)
{
    *out = *(const struct factors *)state;
    return STATUS_OK;
}
static const struct model_type by_factors = {.name = "by_factors", .factors = problem_factors};

/* A dense matrix of scores behind the interface of a model. */
struct dense {
    uint32_t n_items;
    const float *scores; /* [n_users x n_items] */
};
static enum status dense_score(const void *state, const uint32_t *users, size_t n, const struct tile *out)
{
    const struct dense *d = state;
    for (size_t r = 0; r < n; r++)
        memcpy(out->scores + r * out->ld, d->scores + (size_t)users[r] * d->n_items,
               d->n_items * sizeof(float));
    return STATUS_OK;
}
static const struct model_type by_rows = {.name = "by_rows", .score_users = dense_score};

static int descending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* Every list: the k largest scores among items not masked, in order, each item once, with its own score. */
static void check_lists(const struct lists *l, const float *scores, const struct problem *p, uint32_t n_items)
{
    float *left = malloc((n_items + 1) * sizeof *left);
    uint8_t *seen = malloc(n_items + 1);
    uint32_t tied = 0;
    for (uint32_t u = 0; u < l->n_users; u++) {
        uint32_t n = 0;
        const float *row = scores + (size_t)u * n_items;
        for (uint32_t i = 0; i < n_items; i++)
            if (!csr_has(&p->mask[0], u, i) && !csr_has(&p->mask[1], u, i))
                left[n++] = row[i];
        qsort(left, n, sizeof *left, descending);
        memset(seen, 0, n_items);
        int equal = 0;
        for (uint32_t c = 0; c < l->k; c++) {
            const uint32_t item = l->item[(size_t)u * l->k + c];
            if (c >= n) {
                assert_int_equal(item, UINT32_MAX);
                continue;
            }
            assert_true(item < n_items);
            assert_false(seen[item]);
            seen[item] = 1;
            assert_false(csr_has(&p->mask[0], u, item) || csr_has(&p->mask[1], u, item));
            assert_true(l->score[(size_t)u * l->k + c] == left[c]);
            assert_true(row[item] == left[c]);
            equal |= c + 1 < n && left[c] == left[c + 1];
        }
        tied += equal != 0;
    }
    assert_int_equal(l->n_tied, tied);
    free(left), free(seen);
}

static void check_factors(uint32_t n_users, uint32_t n_items, uint32_t factors, uint32_t k, int biased)
{
    struct problem p = problem_new(n_users, n_items, factors, 2);
    if (biased)
        p.f.item_bias = random_floats(p.arena, n_items, 2);
    float *scores = arena_alloc(p.arena, (size_t)n_users * n_items, sizeof *scores);
    const struct tile tile = {.scores = scores, .ld = n_items, .n_items = n_items};
    assert_int_equal(model_score_users(&by_factors, &p.f, p.backend, p.users, n_users, &tile), STATUS_OK);
    const struct rank_options o = {.k = k, .seed = 3, .masks = {&p.mask[0], &p.mask[1]}};
    struct lists l;
    assert_int_equal(rank_factors(&p.f, p.backend, p.users, n_users, &o, p.arena, &l), STATUS_OK);
    check_lists(&l, scores, &p, n_items);
    arena_free(p.arena);
}

static void test_factors_equal_full_sort(void **state)
{
    (void)state;
    check_factors(300, 2000, 64, 10, 0);
    check_factors(300, 2000, 64, 10, 1);
    check_factors(130, 3000, 17, 100, 1);
    check_factors(40, 1856, 32, 1000, 0);
    check_factors(40, 929, 200, 1, 0);
    check_factors(5, 33, 8, 50, 1);
    check_factors(3, 1, 8, 2, 0);
    check_factors(7, 700, 0, 5, 1); /* biases alone */
}

static void test_scores_of_factors_are_right(void **state)
{
    (void)state;
    struct problem p = problem_new(150, 1000, 64, 2);
    p.f.item_bias = random_floats(p.arena, 1000, 2), p.f.user_bias = random_floats(p.arena, 150, 3);
    p.f.offset = 2.5f;
    float *scores = arena_alloc(p.arena, 150 * 1000, sizeof *scores);
    const struct tile tile = {.scores = scores, .ld = 1000, .n_items = 1000};
    assert_int_equal(model_score_users(&by_factors, &p.f, p.backend, p.users, 150, &tile), STATUS_OK);
    for (uint32_t u = 0; u < 150; u++)
        for (uint32_t i = 0; i < 1000; i++) {
            double sum = (double)p.f.offset + p.f.user_bias[u] + p.f.item_bias[i], size = fabs(sum);
            for (uint32_t k = 0; k < 64; k++) {
                const double x = (double)p.f.user[u * p.f.ld_user + k] * p.f.item[i * p.f.ld_item + k];
                sum += x, size += fabs(x);
            }
            assert_true(fabs(scores[u * 1000 + i] - sum) <= 68 * 6e-8 * size);
            if ((u * 1000 + i) % 97 == 0) {
                float pair;
                assert_int_equal(model_score_pairs(&by_factors, &p.f, p.backend, &u, &i, 1, 1000, &pair),
                                 STATUS_OK);
                assert_true(fabs(pair - sum) <= 68 * 6e-8 * size);
            }
        }
    const struct rank_options o = {.k = 4, .seed = 3};
    struct lists l;
    assert_int_equal(rank_factors(&p.f, p.backend, p.users, 150, &o, p.arena, &l), STATUS_OK);
    for (uint32_t j = 0; j < 150 * 4; j++) /* the constants of a user are in the reported scores */
        assert_true(fabsf(l.score[j] - scores[j / 4 * 1000 + l.item[j]]) < 1e-4f);
    arena_free(p.arena);
}

/* Few values: many ties, inside lists and across their ends; -0 and +0 are one value. */
static void check_ties(uint32_t n_items, uint32_t k, int values)
{
    struct problem p = problem_new(200, n_items, 1, 2);
    float *scores = arena_alloc(p.arena, (size_t)200 * n_items, sizeof *scores);
    for (size_t j = 0; j < (size_t)200 * n_items; j++) {
        const int v = (int)(random_u32(11, RANDOM_SYNTH, k, j) % (uint32_t)values) - values / 2;
        scores[j] = v == 0 && j % 2 ? -0.0f : (float)v;
    }
    const struct dense d = {.n_items = n_items, .scores = scores};
    const struct rank_options o = {.k = k, .seed = 3, .masks = {&p.mask[0], &p.mask[1]}};
    struct lists l;
    assert_int_equal(rank_users(&by_rows, &d, p.backend, n_items, p.users, 200, &o, p.arena, &l), STATUS_OK);
    check_lists(&l, scores, &p, n_items);
    arena_free(p.arena);
}

static void test_ties(void **state)
{
    (void)state;
    check_ties(1200, 10, 3);
    check_ties(1200, 10, 5000); /* some users tied, some not */
    check_ties(900, 100, 40);
    check_ties(50, 10, 7);
}

static void test_constant_scores_give_a_fair_order(void **state)
{
    (void)state;
    enum { USERS = 2000, ITEMS = 400, K = 10 };
    struct problem p = problem_new(USERS, ITEMS, 1, 2);
    const struct dense d = {.n_items = ITEMS,
                            .scores = arena_alloc(p.arena, (size_t)USERS * ITEMS, sizeof(float))};
    const struct rank_options o = {.k = K, .seed = 3};
    struct lists l, other;
    assert_int_equal(rank_users(&by_rows, &d, p.backend, ITEMS, p.users, USERS, &o, p.arena, &l), STATUS_OK);
    assert_int_equal(l.n_tied, USERS);
    /* How often is each item listed?  Binomial: mean 50, deviation 7.0; 400 items stay within 5 deviations.
     */
    uint32_t count[ITEMS] = {0}, first[ITEMS] = {0};
    double hits = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t c = 0; c < K; c++) {
            count[l.item[u * K + c]]++;
            first[l.item[u * K + c]] += c == 0;
            hits += l.item[u * K + c] == u % ITEMS;
        }
    for (uint32_t i = 0; i < ITEMS; i++) {
        assert_in_range(count[i], 50 - 35, 50 + 35);
        assert_in_range(first[i], 0, 5 + 12);
    }
    assert_true(fabs(hits / USERS - (double)K / ITEMS) < 5 * sqrt((double)K / ITEMS / USERS));
    const struct rank_options again = {.k = K, .seed = 4};
    assert_int_equal(rank_users(&by_rows, &d, p.backend, ITEMS, p.users, USERS, &again, p.arena, &other),
                     STATUS_OK);
    uint32_t same = 0;
    for (uint32_t j = 0; j < USERS * K; j++)
        same += l.item[j] == other.item[j];
    assert_true(same < USERS * K / 100); /* another seed, another order: 1 / 400 by chance */
    arena_free(p.arena);
}

/* A constant scorer under each rule: the list is the rule's own order of all items. */
static void test_rules_of_ties(void **state)
{
    (void)state;
    enum { USERS = 60, ITEMS = 400, K = 30 };
    struct problem p = problem_new(USERS, ITEMS, 1, 2);
    const struct dense d = {.n_items = ITEMS,
                            .scores = arena_alloc(p.arena, (size_t)USERS * ITEMS, sizeof(float))};
    const struct csr *relevant = &p.mask[0]; /* up to 80 a user, unmasked here */
    for (enum topk_ties ties = TOPK_TIES_INDEX_RISING; ties <= TOPK_TIES_RELEVANT_LAST; ties++) {
        const struct rank_options o = {.k = K, .ties = ties, .relevant = relevant};
        struct lists l;
        assert_int_equal(rank_users(&by_rows, &d, p.backend, ITEMS, p.users, USERS, &o, p.arena, &l),
                         STATUS_OK);
        assert_int_equal(l.n_tied, USERS);
        for (uint32_t u = 0; u < USERS; u++) {
            const uint32_t *items = relevant->idx + relevant->ptr[u];
            uint32_t next = 0, e = 0;
            assert_true(relevant->ptr[u + 1] - relevant->ptr[u] >= K);
            for (uint32_t c = 0; c < K; c++) {
                uint32_t expected = c;
                if (ties == TOPK_TIES_INDEX_FALLING)
                    expected = ITEMS - 1 - c;
                else if (ties == TOPK_TIES_RELEVANT_FIRST)
                    expected = items[c];
                else if (ties == TOPK_TIES_RELEVANT_LAST) {
                    for (; items[e] == next; e++)
                        next++;
                    expected = next++;
                }
                assert_int_equal(l.item[u * K + c], expected);
            }
        }
    }
    arena_free(p.arena);
}

/* Threads, and who else is ranked in which order, change nothing. */
static void test_lists_depend_on_the_user_alone(void **state)
{
    (void)state;
    enum { USERS = 400, ITEMS = 2500, K = 20 };
    struct problem p = problem_new(USERS, ITEMS, 64, 1);
    const struct rank_options o = {.k = K, .seed = 9, .masks = {&p.mask[0], NULL}};
    struct lists one, two, some;
    assert_int_equal(rank_factors(&p.f, p.backend, p.users, USERS, &o, p.arena, &one), STATUS_OK);
    assert_int_equal(backend_open("cpu", 2, &p.backend), STATUS_OK);
    assert_int_equal(rank_factors(&p.f, p.backend, p.users, USERS, &o, p.arena, &two), STATUS_OK);
    assert_memory_equal(one.item, two.item, USERS * K * sizeof *one.item);
    assert_memory_equal(one.score, two.score, USERS * K * sizeof *one.score);
    uint32_t subset[USERS], n = 0;
    for (uint32_t u = USERS; u-- > 0;)
        if (random_u32(1, RANDOM_SPLIT, 0, u) % 3 == 0)
            subset[n++] = u;
    assert_int_equal(rank_factors(&p.f, p.backend, subset, n, &o, p.arena, &some), STATUS_OK);
    for (uint32_t j = 0; j < n; j++) {
        assert_memory_equal(&some.item[j * K], &one.item[subset[j] * K], K * sizeof *one.item);
        assert_memory_equal(&some.score[j * K], &one.score[subset[j] * K], K * sizeof *one.score);
    }
    /* and the first K of a longer list are the list */
    const struct rank_options longer = {.k = 3 * K, .seed = 9, .masks = {&p.mask[0], NULL}};
    assert_int_equal(rank_factors(&p.f, p.backend, p.users, USERS, &longer, p.arena, &some), STATUS_OK);
    for (uint32_t u = 0; u < USERS; u++)
        assert_memory_equal(&some.item[u * 3 * K], &one.item[u * K], K * sizeof *one.item);
    arena_free(p.arena);
}

static void keep(void *context, enum status status, const char *sentence)
{
    (void)status;
    snprintf(context, 600, "%s", sentence);
}

static void test_bad_scores_are_named(void **state)
{
    (void)state;
    char sentence[600] = "";
    struct problem p = problem_new(300, 1000, 8, 2);
    float *item = arena_copy(p.arena, p.f.item, 1000 * p.f.ld_item, sizeof *item);
    item[777 * p.f.ld_item] = NAN, item[950 * p.f.ld_item] = INFINITY;
    p.f.item = item;
    const struct rank_options o = {.k = 10, .seed = 9};
    struct lists l;
    status_handler *old;
    void *old_context;
    status_set_handler(keep, sentence, &old, &old_context);
    const enum status status = rank_factors(&p.f, p.backend, p.users + 5, 295, &o, p.arena, &l);
    status_set_handler(old, old_context, NULL, NULL);
    assert_int_equal(status, STATUS_SYSTEM);
    assert_non_null(strstr(sentence, "user 5 and item 777"));
    arena_free(p.arena);
}

static enum status failing_score(const void *state, const uint32_t *users, size_t n, const struct tile *out)
{
    (void)state, (void)n, (void)out;
    return status_fail(STATUS_DATA, "no scores for user %u", users[0]);
}

/* What a model says in a thread reaches the caller's handler, once. */
static void test_failure_in_a_thread_is_told(void **state)
{
    (void)state;
    char sentence[600] = "";
    struct problem p = problem_new(300, 100, 8, 2);
    const struct model_type failing = {.name = "failing", .score_users = failing_score};
    const struct rank_options o = {.k = 10, .seed = 9};
    struct lists l;
    status_handler *old;
    void *old_context;
    status_set_handler(keep, sentence, &old, &old_context);
    const enum status status = rank_users(&failing, NULL, p.backend, 100, p.users, 300, &o, p.arena, &l);
    status_set_handler(old, old_context, NULL, NULL);
    assert_int_equal(status, STATUS_DATA);
    assert_string_equal(sentence, "no scores for user 0");
    arena_free(p.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factors_equal_full_sort),
        cmocka_unit_test(test_scores_of_factors_are_right),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_constant_scores_give_a_fair_order),
        cmocka_unit_test(test_rules_of_ties),
        cmocka_unit_test(test_lists_depend_on_the_user_alone),
        cmocka_unit_test(test_bad_scores_are_named),
        cmocka_unit_test(test_failure_in_a_thread_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
