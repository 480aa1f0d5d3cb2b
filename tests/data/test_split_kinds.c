/* Splits by time, by users and items, k-fold: their definitions, on small data that was worked out by hand, and the
 * properties that hold on any. */
#include "build.h"
#include "data/filter.h"
#include "data/split.h"

static enum status try_split(struct arena *arena, const char *yaml, const struct dataset *d,
                             struct fold **folds, size_t *n)
{
    struct split split;
    struct interactions in;
    enum status s = split_parse(parse(arena, yaml), arena, &split);
    if (s == STATUS_OK)
        s = filters_apply(NULL, d, arena, &in);
    return s == STATUS_OK ? split_apply(&split, d, &in, arena, folds, n) : s;
}

static struct fold *good(struct arena *arena, const char *yaml, const struct dataset *d, size_t *n)
{
    struct fold *folds = NULL;
    if (try_split(arena, yaml, d, &folds, n) != STATUS_OK)
        fail_msg("%s: %s", yaml, status_sentence());
    return folds;
}

/* The source rows of a part, as "2 5". */
static const char *rows_of(struct arena *arena, const struct interactions *part)
{
    const char *text = "";
    for (uint64_t r = 0; r < part->n; r++)
        text =
            arena_printf(arena, "%s%s%llu", text, r > 0 ? " " : "", (unsigned long long)part->source_row[r]);
    return text;
}

static void assert_rows(struct arena *arena, const struct interactions *part, const char *expected)
{
    assert_string_equal(rows_of(arena, part), expected);
}

/* The dataset of docs/splits.md with the times moved apart: user, item, time of rows 0 to 9. */
static struct dataset *timed(struct arena *arena)
{
    const float rows[][3] = {{0, 0, 1}, {0, 1, 1}, {0, 2, 1}, {0, 3, 1}, {1, 0, 1},
                             {1, 1, 1}, {1, 4, 1}, {2, 0, 1}, {2, 5, 1}, {2, 6, 1}};
    const int64_t times[] = {10, 20, 30, 40, 5, 15, 50, 40, 60, 60};
    struct dataset *d = build_dataset(arena, 3, 7, 10, rows);
    d->interactions.time = arena_copy(arena, times, 10, sizeof *times);
    return d;
}

static void temporal_global_cuts_once(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = timed(arena);
    size_t n;
    /* 3 of 10 latest: 50, 60, 60 */
    struct fold *fold = good(arena, "{kind: temporal_global, test: 0.3}", d, &n);
    assert_int_equal(n, 1);
    assert_rows(arena, &fold->test, "6 8 9");
    assert_rows(arena, &fold->train, "0 1 2 3 4 5 7");
    assert_int_equal(fold->n_users_without_test, 1); /* user 0 left before */
    assert_int_equal(fold->n_cold_test_users, 0);
    assert_int_equal(fold->n_cold_test_items, 3); /* items 4, 5, 6 */
    /* 4 of 10: the cut would fall between the two rows of time 40, so both stay in train */
    fold = good(arena, "{kind: temporal_global, test: 0.4}", d, &n);
    assert_rows(arena, &fold->test, "6 8 9");
    fold = good(arena, "{kind: temporal_global, test: 0.3, valid: 0.2}", d, &n);
    assert_rows(arena, &fold->valid, "3 7");
    assert_rows(arena, &fold->test, "6 8 9");
    fold = good(arena, "{kind: temporal_global, at: 40, valid_at: 20}", d, &n);
    assert_rows(arena, &fold->test, "3 6 7 8 9");
    assert_rows(arena, &fold->valid, "1 2");
    assert_rows(arena, &fold->train, "0 4 5");
    assert_int_equal(fold->n_cold_test_users, 1); /* user 2 came after */
    fold = good(arena, "{kind: temporal_global, at: 20, cold: drop}", d, &n);
    assert_rows(arena, &fold->test, "1");
    assert_int_equal(fold->n_left_out, 6); /* rows of items 2, 3, 4 and of user 2, who are new */
    arena_free(arena);
}

static void temporal_mistakes_are_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = timed(arena);
    struct fold *folds;
    size_t n;
    assert_int_equal(try_split(arena, "{kind: temporal_global, at: 2001-02-03}", d, &folds, &n), STATUS_DATA);
    assert_says("leaves no test row");
    assert_int_equal(try_split(arena, "{kind: temporal_global, at: yesterday}", d, &folds, &n), STATUS_USAGE);
    assert_says("test.yaml:1:29: found 'yesterday' for at of temporal_global, expected a date");
    assert_int_equal(try_split(arena, "{kind: temporal_global, at: 40, valid_at: 50}", d, &folds, &n),
                     STATUS_USAGE);
    assert_says("valid_at is not before at");
    assert_int_equal(try_split(arena, "{kind: temporal_user, test: 0.6, valid: 0.4}", d, &folds, &n),
                     STATUS_USAGE);
    d->interactions.time = NULL;
    assert_int_equal(try_split(arena, "{kind: temporal_global}", d, &folds, &n), STATUS_DATA);
    assert_says("a temporal_global split needs times, and dataset 'tiny' has none: take leave_last_n");
    assert_int_equal(try_split(arena, "{kind: temporal_user}", d, &folds, &n), STATUS_DATA);
    assert_int_equal(try_split(arena, "{kind: leave_last_n, n: 1}", d, &folds, &n), STATUS_OK);
    arena_free(arena);
}

static void temporal_user_takes_each_users_latest(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    size_t n;
    struct fold *fold = good(arena, "{kind: temporal_user, test: 0.34, valid: 0.34}", timed(arena), &n);
    assert_rows(arena, &fold->test, "3 6 9");
    assert_rows(arena, &fold->valid, "2 5 8");
    arena_free(arena);
}

static void leave_last_n_needs_one_more(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    size_t n;
    struct fold *fold = good(arena, "{kind: leave_last_n, n: 2, valid: 1}", timed(arena), &n);
    assert_rows(arena, &fold->test, "2 3 5 6 8 9");
    assert_rows(arena, &fold->valid, "1"); /* users 1 and 2 have three rows: none left for validation */
    assert_rows(arena, &fold->train, "0 4 7");
    fold = good(arena, "{kind: leave_last_n, n: 3}", timed(arena), &n);
    assert_rows(arena, &fold->test, "1 2 3");
    assert_int_equal(fold->n_users_without_test, 2);
    arena_free(arena);
}

/* leave_last_n of one is leave_one_out. */
static void leave_last_one_is_leave_one_out(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = build_random(arena, 80, 30);
    size_t n;
    const struct fold *a = good(arena, "{kind: leave_last_n, n: 1, valid: 1}", d, &n);
    const struct fold *b = good(arena, "{kind: leave_one_out, valid: true}", d, &n);
    assert_int_equal(a->test.n, b->test.n);
    assert_int_equal(a->valid.n, b->valid.n);
    assert_memory_equal(a->test.source_row, b->test.source_row, a->test.n * sizeof(uint64_t));
    assert_memory_equal(a->valid.source_row, b->valid.source_row, a->valid.n * sizeof(uint64_t));
    arena_free(arena);
}

/* Each row is test in exactly one fold, validation in exactly one, train in the others; sizes are even. */
static void k_fold_is_a_partition(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = build_random(arena, 120, 40);
    const char *const yaml[] = {"{kind: k_fold, k: 4, valid: true, seed: 3}",
                                "{kind: k_fold, k: 4, valid: true, seed: 3, scope: global}"};
    for (int scope = 0; scope < 2; scope++) {
        size_t n;
        const struct fold *folds = good(arena, yaml[scope], d, &n);
        uint8_t *tested = arena_alloc(arena, d->interactions.n, 1),
                *valid = arena_alloc(arena, d->interactions.n, 1);
        assert_int_equal(n, 4);
        for (size_t f = 0; f < n; f++) {
            assert_int_equal(folds[f].train.n + folds[f].valid.n + folds[f].test.n, d->interactions.n);
            for (uint64_t r = 0; r < folds[f].test.n; r++)
                tested[folds[f].test.source_row[r]]++;
            for (uint64_t r = 0; r < folds[f].valid.n; r++)
                valid[folds[f].valid.source_row[r]]++;
            const double even = (double)d->interactions.n / 4;
            assert_true((double)folds[f].test.n > even * (scope == 0 ? 0.9 : 0.999));
            assert_true((double)folds[f].test.n < even * (scope == 0 ? 1.1 : 1.001));
            if (scope == 0)
                for (uint32_t u = 0, rows, all; u < d->n_users; u++) { /* of each user a quarter, rounded */
                    rows = all = 0;
                    for (uint64_t r = 0; r < folds[f].test.n; r++)
                        rows += folds[f].test.user[r] == u;
                    for (uint64_t r = 0; r < d->interactions.n; r++)
                        all += d->interactions.user[r] == u;
                    assert_true(rows == all / 4 || rows == all / 4 + 1);
                }
        }
        for (uint64_t r = 0; r < d->interactions.n; r++)
            assert_true(tested[r] == 1 && valid[r] == 1);
    }
    struct split split;
    assert_int_equal(split_parse(parse(arena, "{kind: k_fold, k: 2, valid: true}"), arena, &split),
                     STATUS_USAGE);
    assert_says("validation needs at least 3 folds");
    arena_free(arena);
}

static void cold_users_are_new_but_for_what_is_known(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = build_random(arena, 100, 40);
    size_t n;
    const struct fold *fold = good(arena, "{kind: cold_users, test: 0.2, valid: 0.1}", d, &n);
    assert_int_equal(fold->n_test_users, 20);
    assert_int_equal(fold->n_cold_test_users, 20);
    assert_int_equal(fold->n_users_without_test, 70);
    assert_int_equal(fold->train.n + fold->valid.n + fold->test.n, d->interactions.n);
    const struct fold *known = good(arena, "{kind: cold_users, test: 0.2, known: 3}", d, &n);
    assert_int_equal(known->n_cold_test_users, 0);
    uint32_t n_users = 0;
    for (uint64_t r = 0; r < known->test.n; r++) {
        const uint32_t user = known->test.user[r];
        if (r > 0 && known->test.user[r - 1] == user)
            continue;
        n_users++;
        uint64_t in_train = 0;
        for (uint64_t t = 0; t < known->train.n; t++)
            if (known->train.user[t] == user) {
                in_train++;
                assert_true(known->train.time[t] < known->test.time[r]);
            }
        assert_int_equal(in_train, 3);
    }
    assert_true(n_users > 10 && n_users <= 20); /* those with three rows stay in train */
    /* the same users whatever is known of them */
    for (uint64_t r = 0; r < known->test.n; r++) {
        bool found = false;
        for (uint64_t t = 0; t < fold->test.n; t++)
            found = found || fold->test.user[t] == known->test.user[r];
        assert_true(found);
    }
    arena_free(arena);
}

static void cold_items_are_in_one_part_only(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = build_random(arena, 100, 40);
    size_t n;
    const struct fold *fold = good(arena, "{kind: cold_items, test: 0.2, valid: 0.1, seed: 5}", d, &n);
    const struct interactions *parts[] = {&fold->train, &fold->valid, &fold->test};
    uint8_t in[40] = {0};
    uint32_t n_test = 0;
    for (int p = 0; p < 3; p++)
        for (uint64_t r = 0; r < parts[p]->n; r++)
            in[parts[p]->item[r]] |= (uint8_t)(1 << p);
    for (uint32_t i = 0; i < 40; i++) {
        assert_true(in[i] == 1 || in[i] == 2 || in[i] == 4);
        n_test += in[i] == 4;
    }
    assert_int_equal(n_test, 8);
    assert_int_equal(fold->n_cold_test_items, 8);
    assert_int_equal(fold->train.n + fold->valid.n + fold->test.n, d->interactions.n);
    arena_free(arena);
}

/* Every split drops the earlier rows of a pair before it deals. */
static void repeated_pairs_are_on_one_side(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    float rows[60][3];
    for (int r = 0; r < 60; r++) /* three users, each pair twice */
        rows[r][0] = (float)(r / 20), rows[r][1] = (float)(r % 10), rows[r][2] = (float)(1 + r % 20 / 10);
    struct dataset *d = build_dataset(arena, 3, 10, 60, (const float(*)[3])rows);
    d->interactions.time = arena_alloc(arena, 60, sizeof(int64_t));
    for (int r = 0; r < 60; r++)
        d->interactions.time[r] = 100 * (r / 20) + r;
    const char *const yaml[] = {"{kind: temporal_global, test: 0.3}", "{kind: temporal_user, test: 0.5}",
                                "{kind: leave_last_n, n: 3}",         "{kind: k_fold, k: 2}",
                                "{kind: cold_users, test: 0.4}",      "{kind: cold_items, test: 0.4}"};
    for (size_t k = 0; k < sizeof yaml / sizeof *yaml; k++) {
        size_t n;
        const struct fold *fold = good(arena, yaml[k], d, &n);
        assert_int_equal(fold->n_duplicates, 30);
        assert_int_equal(fold->n_train_test_pairs, 0);
        assert_int_equal(fold->train.n + fold->test.n, 30);
        for (uint64_t r = 0; r < fold->test.n; r++)
            assert_true(fold->test.value[r] == 2); /* the last is kept */
    }
    arena_free(arena);
}

/* Every split says what it loses, and none is listed twice. */
static void every_split_says_what_it_loses(void **state)
{
    (void)state;
    for (size_t i = 0; split_types[i] != NULL; i++) {
        assert_true(split_types[i]->loses != NULL && strlen(split_types[i]->loses) > 20);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(split_types[i]->name, split_types[j]->name);
    }
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(temporal_global_cuts_once),
        cmocka_unit_test(temporal_mistakes_are_told),
        cmocka_unit_test(temporal_user_takes_each_users_latest),
        cmocka_unit_test(leave_last_n_needs_one_more),
        cmocka_unit_test(leave_last_one_is_leave_one_out),
        cmocka_unit_test(k_fold_is_a_partition),
        cmocka_unit_test(cold_users_are_new_but_for_what_is_known),
        cmocka_unit_test(cold_items_are_in_one_part_only),
        cmocka_unit_test(repeated_pairs_are_on_one_side),
        cmocka_unit_test(every_split_says_what_it_loses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
