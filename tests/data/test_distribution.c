/* test_distribution.c - popularity, activity, ratings, mean ratings and lift of sets small enough to count by hand. */
#include "build.h"

#include "../test.h"
#include "data/distribution.h"

/* i1 three users, i2 two, i3 one; (u1, i1) twice. */
static const float rows[][3] = {{0, 0, 5}, {0, 0, 4}, {0, 1, 3}, {1, 0, 5}, {1, 1, 1}, {1, 2, 3}, {2, 0, 2}};

static struct distribution make(const char *name, const struct dataset *d, struct arena *arena)
{
    struct distribution x;
    assert_ok(distribution_make(name, d, arena, &x));
    return x;
}

static void is(const struct distribution *x, size_t n, const double (*expected)[2])
{
    assert_int_equal(x->n, n);
    for (size_t k = 0; k < n; k++) {
        assert_float_equal(x->values[2 * k], expected[k][0], 1e-12);
        assert_float_equal(x->values[2 * k + 1], expected[k][1], 1e-12);
    }
}

static void counts_pairs_once(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *d = build_dataset(arena, 3, 4, 7, rows);
    struct distribution x = make("popularity", d, arena);
    is(&x, 3, (const double[][2]){{1, 3}, {2, 2}, {3, 1}}); /* i4 has none */
    x = make("activity", d, arena);
    is(&x, 3, (const double[][2]){{1, 3}, {2, 2}, {3, 1}});
    x = make("ratings", d, arena);
    is(&x, 5, (const double[][2]){{1, 1 / 7.0}, {2, 1 / 7.0}, {3, 2 / 7.0}, {4, 1 / 7.0}, {5, 2 / 7.0}});
    assert_string_equal(x.y, "share");
    arena_free(arena);
}

/* 20 items of one row each are 20 groups. */
static void mean_ratings_by_popularity(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    float many[20][3];
    for (int k = 0; k < 20; k++)
        many[k][0] = (float)k, many[k][1] = (float)k, many[k][2] = 4;
    const struct dataset *d = build_dataset(arena, 20, 20, 20, (const float(*)[3])many);
    struct distribution x = make("mean_ratings", d, arena);
    assert_int_equal(x.n, 20);
    assert_float_equal(x.values[0], 0.025, 1e-12);
    assert_float_equal(x.values[1], 4, 1e-12);
    d = build_dataset(arena, 3, 4, 7, rows); /* i1: 4 of 7 rows, mean 4 */
    x = make("mean_ratings", d, arena);
    assert_float_equal(x.values[0], 2 / 7.0, 1e-12);
    assert_float_equal(x.values[1], 4, 1e-12);
    arena_free(arena);
}

/* i1 and i2 meet twice, 3 users: lift 3 * 2 / (3 * 2) = 1; i1, i3: 3 / (3 * 1) = 1; i2, i3: 3 / (2 * 1) = 1.5, in the step
 * of 2^(2/4). */
static void lift_of_pairs(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *d = build_dataset(arena, 3, 4, 7, rows);
    const struct distribution x = make("lift", d, arena);
    double sum = 0;
    for (size_t k = 0; k < x.n; k++)
        sum += x.values[2 * k + 1];
    assert_float_equal(sum, 1, 1e-12);
    assert_float_equal(x.values[2 * 16], 1, 1e-12);
    assert_float_equal(x.values[2 * 16 + 1], 2 / 3.0, 1e-12);
    assert_float_equal(x.values[2 * 18 + 1], 1 / 3.0, 1e-12);
    arena_free(arena);
}

static void unknown_names_are_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct distribution x;
    test_quiet();
    test_fails(distribution_make("zipf", build_dataset(arena, 3, 4, 7, rows), arena, &x), STATUS_USAGE,
               "'zipf'", "popularity, activity", NULL);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_pairs_once), cmocka_unit_test(mean_ratings_by_popularity),
        cmocka_unit_test(lift_of_pairs), cmocka_unit_test(unknown_names_are_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
