/* test_candidates_matched.c - candidates as popular as what was taken: the nearest there are, and nothing for popularity to find. */
#include "../test.h"

#include <math.h>
#include <stdlib.h>

#include "backend/backend.h"
#include "eval/candidates.h"

enum { USERS = 900, ITEMS = 400, COLD = 100 };

static struct arena *arena;
static struct csr train, test;
static uint32_t users[USERS], n_users, rows[ITEMS];

/* Items are taken with chances that fall to a quarter over each hundred; the first COLD items have no train rows. */
static int prepare(void **state)
{
    static uint32_t row[2][USERS * ITEMS], col[2][USERS * ITEMS];
    size_t n[2] = {0, 0};
    (void)state;
    arena = arena_new();
    for (uint32_t u = 0; u < USERS; u++) {
        const size_t before = n[1];
        for (uint32_t i = 0; i < ITEMS; i++) {
            const double x = random_unit(5, RANDOM_SPLIT, u, i), p = 0.4 / (1 + i % 100 / 33.0);
            const int which = x < 0.03 * p ? 1 : i >= COLD && x < p ? 0 : -1;
            if (which < 0)
                continue;
            row[which][n[which]] = u, col[which][n[which]++] = i;
            rows[i]++;
        }
        if (n[1] > before)
            users[n_users++] = u;
    }
    return csr_from_triples(USERS, ITEMS, n[0], row[0], col[0], NULL, arena, &train, NULL) != STATUS_OK ||
           csr_from_triples(USERS, ITEMS, n[1], row[1], col[1], NULL, arena, &test, NULL) != STATUS_OK;
}
static int clean(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct candidates draw(uint32_t negatives, uint64_t seed)
{
    const struct candidates_config config = {
        .kind = CANDIDATES_MATCHED, .by = CANDIDATES_UNKNOWN, .negatives = negatives, .seed = seed};
    const struct candidates_of of = {users, n_users, {&train, NULL}, &test};
    struct candidates c;
    assert_ok(candidates_matched(&config, &of, &train, arena, &c));
    return c;
}

static uint32_t apart(uint32_t i, uint32_t j)
{
    return rows[i] > rows[j] ? rows[i] - rows[j] : rows[j] - rows[i];
}

/* Of a user with one test item: none that was left is nearer than one that was chosen; warm stays with warm. */
static void nearest_there_are(void **state)
{
    const struct candidates c = draw(7, 1);
    uint32_t n_checked = 0;
    (void)state;
    assert_null(c.weight); /* nothing can be said of the whole ranking */
    for (uint32_t u = 0; u < USERS; u++) {
        const int64_t n_relevant = test.ptr[u + 1] - test.ptr[u];
        assert_int_equal(c.items.ptr[u + 1] - c.items.ptr[u], 8 * n_relevant);
        if (n_relevant != 1)
            continue;
        const uint32_t took = test.idx[test.ptr[u]];
        uint32_t farthest = 0;
        for (int64_t e = c.items.ptr[u]; e < c.items.ptr[u + 1]; e++) {
            const uint32_t i = c.items.idx[e];
            assert_int_equal(c.relevant[e], i == took);
            assert_false(csr_has(&train, u, i));
            assert_int_equal(i < COLD, took < COLD);
            farthest = apart(i, took) > farthest ? apart(i, took) : farthest;
        }
        for (uint32_t i = took < COLD ? 0 : COLD; i < (took < COLD ? COLD : ITEMS); i++)
            if (!csr_has(&c.items, u, i) && !csr_has(&train, u, i))
                assert_true(apart(i, took) >= farthest);
        n_checked++;
    }
    assert_true(n_checked > 50);
}

/* How often popularity puts the item that was taken above one that was not; .5 is chance. */
static double auc_of_popularity(const struct candidates *c)
{
    double above = 0, n = 0;
    for (uint32_t u = 0; u < USERS; u++)
        for (int64_t e = c->items.ptr[u]; e < c->items.ptr[u + 1]; e++)
            for (int64_t f = c->items.ptr[u]; f < c->items.ptr[u + 1]; f++)
                if (c->relevant[e] && !c->relevant[f]) {
                    const uint32_t p = rows[c->items.idx[e]], q = rows[c->items.idx[f]];
                    above += p > q ? 1 : p == q ? 0.5 : 0;
                    n++;
                }
    return above / n;
}

static void popularity_finds_nothing(void **state)
{
    const struct candidates matched = draw(6, 3);
    const struct candidates_config uniform = {
        .kind = CANDIDATES_SAMPLED, .by = CANDIDATES_UNIFORM, .negatives = 20, .seed = 3};
    const struct candidates_of of = {users, n_users, {&train, NULL}, &test};
    struct candidates drawn;
    (void)state;
    assert_ok(candidates_sample(&uniform, &of, &train, arena, &drawn));
    assert_true(auc_of_popularity(&drawn) > 0.6);
    assert_float_equal(auc_of_popularity(&matched), 0.5, 0.03);
}

static void by_seed_alone(void **state)
{
    const struct candidates a = draw(5, 1), b = draw(5, 1), c = draw(5, 2);
    (void)state;
    assert_int_equal(a.items.nnz, b.items.nnz);
    assert_memory_equal(a.items.idx, b.items.idx, (size_t)a.items.nnz * sizeof *a.items.idx);
    assert_memory_not_equal(a.items.idx, c.items.idx, (size_t)a.items.nnz * sizeof *a.items.idx);
}

/* More than there are: all of the user's others of that kind. */
static void all_there_are(void **state)
{
    const struct candidates c = draw(2000, 1);
    (void)state;
    for (uint32_t u = 0; u < USERS; u++)
        if (test.ptr[u + 1] - test.ptr[u] == 1 && test.idx[test.ptr[u]] < COLD)
            assert_int_equal(c.items.ptr[u + 1] - c.items.ptr[u], COLD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nearest_there_are),
                                       cmocka_unit_test(popularity_finds_nothing),
                                       cmocka_unit_test(by_seed_alone), cmocka_unit_test(all_there_are)};
    return cmocka_run_group_tests_name("candidates_matched", tests, prepare, clean);
}
