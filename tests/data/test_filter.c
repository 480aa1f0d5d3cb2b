/* Filters: what is kept, in which order, and what is refused. */
#include "build.h"
#include "data/filter.h"

static void min_and_max_rating_keep_order(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const float rows[][3] = {{0, 0, 5}, {0, 1, 3}, {0, 2, 4}, {1, 0, 4}, {1, 2, 1}};
    struct dataset *d = build_dataset(arena, 2, 3, 5, rows);
    struct interactions out;
    assert_int_equal(filters_apply(parse(arena, "[{min_rating: 3}, {max_rating: 4}]"), d, arena, &out),
                     STATUS_OK);
    assert_int_equal(out.n, 3);
    const uint64_t kept[] = {1, 2, 3};
    for (size_t r = 0; r < 3; r++) {
        assert_int_equal(out.source_row[r], kept[r]);
        assert_int_equal(out.user[r], d->interactions.user[kept[r]]);
        assert_int_equal(out.item[r], d->interactions.item[kept[r]]);
    }
    assert_null(out.time);
    assert_int_equal(filters_apply(NULL, d, arena, &out), STATUS_OK);
    assert_int_equal(out.n, 5);
    arena_free(arena);
}

static void binarize_leaves_the_dataset_alone(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const float rows[][3] = {{0, 0, 5}, {0, 1, 3}, {1, 0, 4}};
    struct dataset *d = build_dataset(arena, 2, 2, 3, rows);
    struct interactions out;
    assert_int_equal(filters_apply(parse(arena, "[{binarize: 3.5}]"), d, arena, &out), STATUS_OK);
    assert_int_equal(out.n, 2);
    assert_true(out.value[0] == 1 && out.value[1] == 1);
    assert_true(d->interactions.value[0] == 5);
    arena_free(arena);
}

/* Users 0..2 and items 0..2 form a full 3 x 3 block; user 3 hangs on by items 0, 3 and 4, which fall with it.
 */
static void kcore_repeats_until_nothing_falls(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const float rows[][3] = {{0, 0, 1}, {0, 1, 1}, {0, 2, 1}, {0, 0, 2}, {1, 0, 1}, {1, 1, 1}, {1, 2, 1},
                             {2, 0, 1}, {2, 1, 1}, {2, 2, 1}, {3, 0, 1}, {3, 3, 1}, {3, 4, 1}};
    struct dataset *d = build_dataset(arena, 4, 5, 13, rows);
    struct interactions out;
    assert_int_equal(filters_apply(parse(arena, "[{kcore: 3}]"), d, arena, &out), STATUS_OK);
    assert_int_equal(out.n, 10); /* the repeated pair counts as one partner, and both its rows stay */
    for (size_t r = 0; r < out.n; r++)
        assert_true(out.user[r] < 3 && out.item[r] < 3);
    assert_int_equal(filters_apply(parse(arena, "[{min_user_interactions: 3}]"), d, arena, &out), STATUS_OK);
    assert_int_equal(out.n, 13);
    assert_int_equal(filters_apply(parse(arena, "[{min_item_interactions: 3}]"), d, arena, &out), STATUS_OK);
    assert_int_equal(out.n, 11); /* one pass: user 3 stays with item 0 */
    arena_free(arena);
}

static void degree(const struct interactions *in, uint32_t *user, uint32_t *item, uint32_t n_users,
                   uint32_t n_items)
{
    memset(user, 0, n_users * sizeof *user);
    memset(item, 0, n_items * sizeof *item);
    for (uint64_t r = 0; r < in->n; r++) {
        user[in->user[r]]++;
        item[in->item[r]]++;
    }
}

/* The naive k-core, by repeated whole passes, on a random set: the same rows. */
static void kcore_equals_the_naive_one(void **state)
{
    (void)state;
    enum { USERS = 60, ITEMS = 40 };
    struct arena *arena = arena_new();
    struct dataset *d = build_random(arena, USERS, ITEMS);
    uint32_t user[USERS], item[ITEMS];
    for (uint32_t k = 2; k <= 11; k++) {
        struct interactions naive = d->interactions, out;
        for (uint64_t before = naive.n + 1; before != naive.n;) {
            before = naive.n;
            degree(&naive, user, item, USERS, ITEMS);
            struct interactions next = {0};
            next.user = arena_alloc(arena, naive.n, sizeof(uint32_t));
            next.item = arena_alloc(arena, naive.n, sizeof(uint32_t));
            for (uint64_t r = 0; r < naive.n; r++) {
                if (user[naive.user[r]] < k || item[naive.item[r]] < k)
                    continue;
                next.user[next.n] = naive.user[r];
                next.item[next.n++] = naive.item[r];
            }
            naive = next;
        }
        const char *yaml = arena_printf(arena, "[{kcore: %u}]", k);
        const enum status s = filters_apply(parse(arena, yaml), d, arena, &out);
        assert_int_equal(s, naive.n > 0 ? STATUS_OK : STATUS_DATA);
        if (s != STATUS_OK)
            continue;
        assert_int_equal(out.n, naive.n);
        assert_memory_equal(out.user, naive.user, out.n * sizeof(uint32_t));
        assert_memory_equal(out.item, naive.item, out.n * sizeof(uint32_t));
    }
    arena_free(arena);
}

static void mistakes_are_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const float rows[][3] = {{0, 0, 5}, {0, 1, 3}};
    struct dataset *d = build_dataset(arena, 1, 2, 2, rows);
    struct interactions out;
    char *json;
    assert_int_equal(filters_check(parse(arena, "[{min_ratings: 4}]"), arena, &json), STATUS_USAGE);
    assert_says("test.yaml:1:3: unknown filter 'min_ratings'; did you mean 'min_rating'?");
    assert_int_equal(filters_check(parse(arena, "[{kcore: 2.5}]"), arena, &json), STATUS_USAGE);
    assert_says("whole number");
    assert_int_equal(filters_check(parse(arena, "[{kcore: 0}]"), arena, &json), STATUS_USAGE);
    assert_int_equal(filters_check(parse(arena, "[{min_rating: nan}]"), arena, &json), STATUS_USAGE);
    assert_int_equal(filters_check(parse(arena, "[{min_rating: 1, kcore: 2}]"), arena, &json), STATUS_USAGE);
    assert_int_equal(filters_check(parse(arena, "[min_rating]"), arena, &json), STATUS_USAGE);
    assert_int_equal(filters_check(parse(arena, "{min_rating: 4}"), arena, &json), STATUS_USAGE);
    assert_int_equal(filters_apply(parse(arena, "[{min_rating: 2}, {kcore: 7}]"), d, arena, &out),
                     STATUS_DATA);
    assert_says("filter {kcore: 7}");
    assert_int_equal(filters_check(parse(arena, "[{min_rating: 3.50}, {kcore: 10}]"), arena, &json),
                     STATUS_OK);
    assert_string_equal(json, "[{\"min_rating\":3.5},{\"kcore\":10}]");
    assert_int_equal(filters_check(NULL, arena, &json), STATUS_OK);
    assert_string_equal(json, "[]");
    arena_free(arena);
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(min_and_max_rating_keep_order), cmocka_unit_test(binarize_leaves_the_dataset_alone),
        cmocka_unit_test(kcore_repeats_until_nothing_falls), cmocka_unit_test(kcore_equals_the_naive_one),
        cmocka_unit_test(mistakes_are_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
