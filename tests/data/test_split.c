/* Splits: nothing is lost, nothing is on both sides, and files say what they say. */
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

static struct fold *good_split(struct arena *arena, const char *yaml, const struct dataset *d, size_t *n)
{
    struct fold *folds = NULL;
    if (try_split(arena, yaml, d, &folds, n) != STATUS_OK)
        fail_msg("%s: %s", yaml, status_sentence());
    return folds;
}

/* Every row of the dataset is in exactly one part, with its values, in the dataset's order. */
static void assert_partition(const struct dataset *d, const struct fold *fold)
{
    const struct interactions *parts[] = {&fold->train, &fold->valid, &fold->test}, *all = &d->interactions;
    uint8_t *seen = calloc(all->n, 1);
    assert_int_equal(fold->train.n + fold->valid.n + fold->test.n, all->n);
    for (size_t p = 0; p < 3; p++) {
        for (uint64_t r = 0; r < parts[p]->n; r++) {
            const uint64_t row = parts[p]->source_row[r];
            assert_true(r == 0 || row > parts[p]->source_row[r - 1]);
            assert_false(seen[row]);
            seen[row] = 1;
            assert_int_equal(parts[p]->user[r], all->user[row]);
            assert_int_equal(parts[p]->item[r], all->item[row]);
            assert_true(parts[p]->value[r] == all->value[row]);
            assert_true(parts[p]->time[r] == all->time[row]);
        }
    }
    free(seen);
}

static uint32_t count_user(const struct interactions *in, uint32_t user)
{
    uint32_t n = 0;
    for (uint64_t r = 0; r < in->n; r++)
        n += in->user[r] == user;
    return n;
}

static void random_per_user_is_exact(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = build_random(arena, 50, 40);
    size_t n;
    struct fold *fold = good_split(arena, "{kind: random, test: 0.2, valid: 0.1, seed: 7}", d, &n);
    assert_int_equal(n, 1);
    assert_partition(d, fold);
    for (uint32_t u = 0; u < 50; u++) {
        const uint32_t rows = count_user(&d->interactions, u);
        assert_int_equal(count_user(&fold->test, u), rows / 5);
        assert_int_equal(count_user(&fold->valid, u), rows / 10);
    }
    struct fold *again = good_split(arena, "{kind: random, test: 0.2, valid: 0.1, seed: 7}", d, &n);
    assert_memory_equal(again->test.source_row, fold->test.source_row, fold->test.n * sizeof(uint64_t));
    struct fold *other = good_split(arena, "{kind: random, test: 0.2, valid: 0.1, seed: 8}", d, &n);
    assert_int_equal(other->test.n, fold->test.n);
    assert_memory_not_equal(other->test.source_row, fold->test.source_row, fold->test.n * sizeof(uint64_t));
    arena_free(arena);
}

/* 100 rows and 0.29: 29 test rows, though 100 * 0.29 is 28.999999999999996 in doubles. */
static void random_global_is_exact(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    float rows[100][3];
    for (int r = 0; r < 100; r++)
        rows[r][0] = (float)(r / 10), rows[r][1] = (float)(r % 10), rows[r][2] = 1;
    struct dataset *d = build_dataset(arena, 10, 10, 100, (const float(*)[3])rows);
    size_t n;
    struct fold *fold = good_split(arena, "{kind: random, test: 0.29, scope: global}", d, &n);
    assert_int_equal(fold->test.n, 29);
    assert_int_equal(fold->train.n, 71);
    arena_free(arena);
}

static void repeated_pairs_do_not_leak(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    float rows[60][3];
    for (int r = 0; r < 60; r++) /* each pair three times */
        rows[r][0] = 0, rows[r][1] = (float)(r % 20), rows[r][2] = (float)(1 + r / 20);
    struct dataset *d = build_dataset(arena, 1, 20, 60, (const float(*)[3])rows);
    const char *const yaml[] = {"{kind: random, test: 0.5}", "{kind: leave_one_out}",
                                "{kind: leave_one_out, by: random}"};
    for (size_t k = 0; k < 3; k++) {
        size_t n;
        struct fold *fold = good_split(arena, yaml[k], d, &n);
        assert_int_equal(fold->n_duplicates, 40);
        assert_int_equal(fold->n_train_test_pairs, 0);
        assert_int_equal(fold->train.n + fold->test.n, 20);
        for (uint64_t r = 0; r < fold->test.n; r++)
            assert_true(fold->test.value[r] == 3); /* the last is kept */
    }
    arena_free(arena);
}

static void leave_one_out_takes_the_last(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const float rows[][3] = {{0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {2, 3, 1}, {2, 1, 1}, {2, 0, 1}};
    struct dataset *d = build_dataset(arena, 3, 4, 6, rows);
    size_t n;
    struct fold *fold = good_split(arena, "{kind: leave_one_out, valid: true}", d, &n);
    assert_int_equal(fold->test.n, 2); /* user 0 has one row: it stays in train */
    assert_int_equal(fold->test.source_row[0], 2);
    assert_int_equal(fold->test.source_row[1], 5);
    assert_int_equal(fold->valid.n, 1); /* user 1 has two rows: none for validation */
    assert_int_equal(fold->valid.source_row[0], 4);
    assert_int_equal(fold->n_test_users, 2);
    assert_int_equal(fold->n_cold_test_items,
                     1); /* item 1 is tested by user 1; user 2's row of it is validation */
    arena_free(arena);
}

static void leave_one_out_random_is_a_partition(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = build_random(arena, 200, 30);
    size_t n;
    uint64_t not_last = 0;
    struct fold *fold = good_split(arena, "{kind: leave_one_out, by: random, valid: true, seed: 3}", d, &n);
    assert_partition(d, fold);
    assert_int_equal(fold->test.n, 200);
    assert_int_equal(fold->valid.n, 200);
    for (uint64_t r = 0; r < 200; r++) {
        assert_int_equal(fold->test.user[r], r);
        assert_int_equal(fold->valid.user[r], r);
        const uint64_t row = fold->test.source_row[r];
        not_last += row + 1 < d->interactions.n && d->interactions.user[row + 1] == r;
    }
    assert_true(not_last > 120 && not_last < 200); /* the mean is about 175 */
    arena_free(arena);
}

static void folds_follow_source_rows(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const float rows[][3] = {{0, 0, 1}, {0, 1, 1}, {0, 2, 1}, {1, 0, 1}, {1, 1, 1}, {1, 2, 1}};
    struct dataset *d = build_dataset(arena, 2, 3, 6, rows);
    for (uint64_t r = 0; r < 6; r++) /* the source was in the reverse order */
        d->interactions.source_row[r] = 5 - r;
    const char *path = write_test_file(arena, "folds.txt", "2\r\n1\r\n3\n-1\n2\n1\n");
    size_t n;
    struct fold *folds =
        good_split(arena, arena_printf(arena, "{kind: folds, file: %s, valid: true}", path), d, &n);
    assert_int_equal(n, 3);
    const uint64_t test[3][2] = {{5 - 5, 5 - 1}, {5 - 4, 5 - 0}, {5 - 2, 0}}; /* dataset rows with 1, 2, 3 */
    for (size_t f = 0; f < 3; f++) {
        assert_int_equal(folds[f].test.n, f == 2 ? 1 : 2);
        assert_int_equal(folds[f].valid.n, f == 1 ? 1 : 2);
        assert_int_equal(folds[f].train.n + folds[f].valid.n + folds[f].test.n, 6);
        for (uint64_t r = 0; r < folds[f].test.n; r++)
            assert_int_equal(folds[f].test.source_row[r], 5 - test[f][r]);
    }
    unlink(path);
    arena_free(arena);
}

static void bad_fold_files_are_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const float rows[][3] = {{0, 0, 1}, {0, 1, 1}, {0, 2, 1}};
    struct dataset *d = build_dataset(arena, 1, 3, 3, rows);
    const struct {
        const char *content, *says;
    } cases[] = {{"0\nx\n1\n", ":2: 'x' is not a fold number"},
                 {"0\n1\n", "has 2 fold numbers"},
                 {"0\n2\n0\n", "no line has fold number 1"},
                 {"0\n0\n0\n", "1 different fold number"},
                 {"0\n\n1\n", ":2: '' is not a fold number"},
                 {"", "empty"},
                 {"0\n1\n\xff\n", ":3: is not valid UTF-8"},
                 {"-1\n-1\n-1\n", "holds no fold number"},
                 {"0\n1\n1.5\n", ":3: '1.5'"}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct fold *folds;
        size_t n;
        const char *path = write_test_file(arena, "bad.txt", cases[k].content);
        const char *yaml = arena_printf(arena, "{kind: folds, file: %s}", path);
        assert_int_equal(try_split(arena, yaml, d, &folds, &n), STATUS_DATA);
        assert_says(cases[k].says);
        unlink(path);
    }
    arena_free(arena);
}

/* Two users, four items, all eight pairs with times. */
static struct dataset *eight_pairs(struct arena *arena)
{
    float rows[8][3];
    for (int r = 0; r < 8; r++)
        rows[r][0] = (float)(r / 4), rows[r][1] = (float)(r % 4), rows[r][2] = (float)(2 + r % 4);
    struct dataset *d = build_dataset(arena, 2, 4, 8, (const float(*)[3])rows);
    d->interactions.time = arena_alloc(arena, 8, sizeof(int64_t));
    for (int r = 0; r < 8; r++)
        d->interactions.time[r] = 100 + r;
    return d;
}

static void given_rest_is_the_rest(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = eight_pairs(arena);
    const char *test = write_test_file(arena, "test.tsv.gz", "u1\ti2\nu2\ti4\t1\t7\n");
    const char *valid = write_test_file(arena, "valid.csv", "user,item\r\n\"u1\",i1\r\n");
    size_t n;
    struct fold *fold =
        good_split(arena, arena_printf(arena, "{kind: given, train: rest, test: %s}", test), d, &n);
    assert_int_equal(fold->test.n, 2);
    assert_int_equal(fold->train.n, 6);
    assert_true(fold->test.value[0] == 3); /* the dataset's */
    assert_true(fold->test.value[1] == 1); /* the file's */
    assert_int_equal(fold->test.time[0], 101);
    assert_int_equal(fold->test.time[1], 7);
    assert_int_equal(fold->test.source_row[1], 7);
    assert_int_equal(fold->n_train_test_pairs, 0);
    /* header belongs to every file: a header in the test file eats its first row, so it is left out there */
    const char *test2 = write_test_file(arena, "test2.csv", "user,item\nu2,i4\n");
    fold = good_split(
        arena,
        arena_printf(arena, "{kind: given, train: rest, test: %s, valid: %s, header: true}", test2, valid), d,
        &n);
    assert_int_equal(fold->valid.n, 1);
    assert_int_equal(fold->train.n, 6);
    unlink(test);
    unlink(valid);
    unlink(test2);
    arena_free(arena);
}

/* The same test set under every numbering, in adjacency lines. */
static void given_ids_of_every_kind(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = eight_pairs(arena);
    const char *users = write_test_file(arena, "users.txt", "a u2\nb u1\n");
    const char *items = write_test_file(arena, "items.txt", "w i4\nx i3\ny i2\nz i1\n");
    const char *users_back = write_test_file(arena, "users.tsv", "u2\ta\nu1\tb\n");
    const char *items_back = write_test_file(arena, "items.tsv", "i4\tw\ni3\tx\ni2\ty\ni1\tz\n");
    const struct {
        const char *content, *ids;
    } cases[] = {
        {"u1 i1 i3\nu2 i4\n", "publisher"},
        {"0 0 2\n1 3\n", "dense0"},
        {"1 1 3\n2 4\n\n", "dense1"},
        {"b z x\na w\n", arena_printf(arena, "{users: %s, items: %s, order: id_publisher}", users, items)},
        {"b z x\na w\n",
         arena_printf(arena, "{users: %s, items: %s, order: publisher_id}", users_back, items_back)},
        {"0 z x\n1 w\n", arena_printf(arena, "{users: dense0, items: %s, order: id_publisher}", items)},
    };
    const uint64_t expected[] = {0, 2, 7};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        size_t n;
        const char *test = write_test_file(arena, "adjacency.txt", cases[k].content);
        struct fold *fold = good_split(
            arena, arena_printf(arena, "{kind: given, train: rest, test: %s, ids: %s}", test, cases[k].ids),
            d, &n);
        assert_int_equal(fold->test.n, 3);
        for (size_t r = 0; r < 3; r++)
            assert_int_equal(fold->test.source_row[r], expected[r]);
        unlink(test);
    }
    unlink(users);
    unlink(items);
    unlink(users_back);
    unlink(items_back);
    arena_free(arena);
}

static void given_folds_overlap_and_duplicates(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = eight_pairs(arena);
    const char *t1 = write_test_file(arena, "1.test", "u1\ti1\t5\nu1\ti1\t4\nu2\ti2\t3\n");
    const char *b1 = write_test_file(arena, "1.base", "u1\ti1\t5\nu2\ti3\t2\n");
    const char *t2 = write_test_file(arena, "2.test", "u2\ti4\t1\n");
    const char *b2 = write_test_file(arena, "2.base", "u1\ti1\t5\n");
    size_t n;
    struct fold *folds = good_split(
        arena, arena_printf(arena, "{kind: given, test: [%s, %s], train: [%s, %s]}", t1, t2, b1, b2), d, &n);
    assert_int_equal(n, 2);
    assert_int_equal(folds[0].test.n, 2);
    assert_true(folds[0].test.value[0] == 4); /* the last of the pair */
    assert_int_equal(folds[0].n_duplicates, 1);
    assert_int_equal(folds[0].n_train_test_pairs, 1); /* (u1, i1) stays on both sides */
    assert_int_equal(folds[0].train.n, 2);
    assert_int_equal(folds[0].n_cold_test_items, 1); /* i2 */
    assert_int_equal(folds[1].test.n, 1);
    assert_int_equal(folds[1].train.n, 1);
    unlink(t1);
    unlink(b1);
    unlink(t2);
    unlink(b2);
    arena_free(arena);
}

static void given_respects_filters(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = eight_pairs(arena);
    const char *test = write_test_file(arena, "filtered.tsv", "u1\ti1\nu1\ti4\t5\n");
    struct split split;
    struct interactions in;
    struct fold *fold;
    size_t n;
    const char *yaml = arena_printf(arena, "{kind: given, train: rest, test: %s}", test);
    assert_int_equal(split_parse(parse(arena, yaml), arena, &split), STATUS_OK);
    assert_int_equal(filters_apply(parse(arena, "[{binarize: 3}]"), d, arena, &in), STATUS_OK);
    assert_int_equal(split_apply(&split, d, &in, arena, &fold, &n), STATUS_OK);
    assert_int_equal(fold->n_filtered_dropped, 1); /* (u1, i1) has 2 */
    assert_int_equal(fold->test.n, 1);
    assert_true(fold->test.value[0] == 1); /* what binarize made, not the file's 5 */
    assert_int_equal(fold->train.n, 5);
    unlink(test);
    arena_free(arena);
}

static void further_fields_can_be_ignored(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = eight_pairs(arena);
    struct fold *fold;
    size_t n;
    const char *path = write_test_file(arena, "five.tsv", "u1\ti1\t1\t7\tx\ty\n");
    const char *yaml = arena_printf(arena, "{kind: given, train: rest, test: %s, more_fields: ignore}", path);
    assert_int_equal(try_split(arena, yaml, d, &fold, &n), STATUS_OK);
    assert_int_equal(fold->test.n, 1);
    assert_int_equal(fold->test.time[0], 7);
    unlink(path);
    arena_free(arena);
}

static void bad_given_files_are_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = eight_pairs(arena);
    const struct {
        const char *content, *says;
    } cases[] = {{"u1\ti1\nu1\ti9\n", ":2: item id 'i9' is not known"},
                 {"u9\ti1\n", ":1: user id 'u9' is not known"},
                 {"u1\ti1\tx\n", ":1: rating 'x' is not a number"},
                 {"u1\ti1\tnan\n", ":1: rating 'nan' is not a number"},
                 {"u1\ti1\t1e99\n", ":1: rating '1e99' is not a number"},
                 {"u1\ti1\t1\tnoon\n", ":1: time 'noon'"},
                 {"u1\ti1\nu1\n", ":2: 1 field where"},
                 {"u1\ti1\t1\t1\t1\n", ":1: more than 4 fields"},
                 {"u1\t\n", ":1: the item id is empty"},
                 {"u1,\"i1\n", ":1: a quote is not closed"},
                 {"u1\ti\xff\n", ":1: is not valid UTF-8"},
                 {"\n\n", "holds no (user, item) pair"},
                 {"u1 i1 i7\n", ":1: item id 'i7' is not known"}};
    struct fold *fold;
    size_t n;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const char *path = write_test_file(arena, "bad.tsv", cases[k].content);
        const char *yaml = arena_printf(arena, "{kind: given, train: rest, test: %s}", path);
        assert_int_equal(try_split(arena, yaml, d, &fold, &n), STATUS_DATA);
        assert_says(path);
        assert_says(cases[k].says);
        unlink(path);
    }
    const char *path = write_test_file(arena, "drop.tsv", "u1\ti1\nu1\ti9\nu0\ti1\n");
    fold = good_split(arena, arena_printf(arena, "{kind: given, train: rest, test: %s, unknown: drop}", path),
                      d, &n);
    assert_int_equal(fold->n_unknown_dropped, 2);
    assert_int_equal(fold->test.n, 1);
    unlink(path);
    arena_free(arena);
}

static void wrong_column_order_of_a_map_is_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = eight_pairs(arena);
    const char *test = write_test_file(arena, "map-test.tsv", "u1\tw\n");
    const struct {
        const char *content, *says;
    } cases[] = {
        {"i1 w\ni2 x\n", ":1: the dataset has no item 'w'; is the order of the columns really id_publisher"},
        {"w i1\nw i2\n", ":2: item id 'w' stands twice"},
        {"w i1\nx i1\n", ":2: item 'i1' of the publisher stands in line 1 too"},
        {"w i1\nx\n", ":2: expected two ids"}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct fold *fold;
        size_t n;
        const char *map = write_test_file(arena, "map.txt", cases[k].content);
        const char *yaml = arena_printf(
            arena, "{kind: given, train: rest, test: %s, ids: {items: %s, order: id_publisher}}", test, map);
        assert_int_equal(try_split(arena, yaml, d, &fold, &n), STATUS_DATA);
        assert_says(cases[k].says);
        unlink(map);
    }
    unlink(test);
    arena_free(arena);
}

static void a_truncated_gz_is_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = eight_pairs(arena);
    const char *path = write_test_file(arena, "cut.tsv.gz", "u1\ti1\nu1\ti2\nu2\ti3\nu2\ti4\n");
    struct fold *fold;
    size_t n;
    assert_int_equal(truncate(path, 20), 0);
    const char *yaml = arena_printf(arena, "{kind: given, train: rest, test: %s}", path);
    assert_int_equal(try_split(arena, yaml, d, &fold, &n), STATUS_DATA);
    assert_says("cut off");
    unlink(path);
    arena_free(arena);
}

static void mistakes_in_the_config_are_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct split split;
    const struct {
        const char *yaml, *says;
        enum status status;
    } cases[] = {
        {"{kind: randon}", "test.yaml:1:8: unknown split 'randon'; did you mean 'random'?", STATUS_USAGE},
        {"{test: 0.2}", "needs `kind`", STATUS_USAGE},
        {"{kind: random, tset: 0.2}", "did you mean 'test'?", STATUS_USAGE},
        {"{kind: random, test: 0.7, valid: 0.3}", "their sum below 1", STATUS_USAGE},
        {"{kind: random, test: 0}", "test must be above 0", STATUS_USAGE},
        {"{kind: folds}", "needs `file`", STATUS_USAGE},
        {"{kind: folds, file: no/such.txt}", "there is no file 'no/such.txt'", STATUS_DATA},
        {"{kind: given, train: rest}", "needs `test`", STATUS_USAGE},
        {"{kind: given, test: a, train: [b, c]}", "there is no file 'a'", STATUS_DATA},
        {"{kind: given, test: Makefile, train: [b, c]}", "names 2 files and test 1", STATUS_USAGE},
        {"{kind: given, test: Makefile, train: rest, ids: dense2}", "expected publisher, dense0",
         STATUS_USAGE},
        {"{kind: given, test: Makefile, train: rest, ids: {items: LICENSE}}", "not its `order`",
         STATUS_USAGE},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        assert_int_equal(split_parse(parse(arena, cases[k].yaml), arena, &split), cases[k].status);
        assert_says(cases[k].says);
    }
    arena_free(arena);
}

/* The key of a cell must change when a file's content does. */
static void json_holds_the_files_content(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct split one, same, other;
    const char *path = write_test_file(arena, "key.tsv", "u1\ti1\n");
    const char *yaml = arena_printf(arena, "{kind: given, train: rest, test: %s}", path);
    assert_int_equal(split_parse(parse(arena, yaml), arena, &one), STATUS_OK);
    assert_int_equal(split_parse(parse(arena, yaml), arena, &same), STATUS_OK);
    write_test_file(arena, "key.tsv", "u1\ti2\n");
    assert_int_equal(split_parse(parse(arena, yaml), arena, &other), STATUS_OK);
    assert_string_equal(one.json, same.json);
    assert_string_not_equal(one.json, other.json);
    unlink(path);
    assert_int_equal(split_parse(parse(arena, "{kind: random, seed: 1}"), arena, &one), STATUS_OK);
    assert_string_equal(one.json,
                        "{\"files_sha256\":[],\"kind\":\"random\",\"params\":{\"scope\":\"per_user\","
                        "\"seed\":1,\"test\":0.2,\"valid\":0}}");
    arena_free(arena);
}

static void empty_parts_are_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const float rows[][3] = {{0, 0, 1}, {1, 1, 1}};
    struct dataset *d = build_dataset(arena, 2, 2, 2, rows);
    struct fold *fold;
    size_t n;
    assert_int_equal(try_split(arena, "{kind: random, test: 0.2}", d, &fold, &n), STATUS_DATA);
    assert_says("leaves no test row");
    const char *path = write_test_file(arena, "all.txt", "u1 i1\nu2 i2\n");
    const char *yaml = arena_printf(arena, "{kind: given, train: rest, test: %s}", path);
    assert_int_equal(try_split(arena, yaml, d, &fold, &n), STATUS_DATA);
    assert_says("leaves no train row");
    unlink(path);
    arena_free(arena);
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_per_user_is_exact),
                                       cmocka_unit_test(random_global_is_exact),
                                       cmocka_unit_test(repeated_pairs_do_not_leak),
                                       cmocka_unit_test(leave_one_out_takes_the_last),
                                       cmocka_unit_test(leave_one_out_random_is_a_partition),
                                       cmocka_unit_test(folds_follow_source_rows),
                                       cmocka_unit_test(bad_fold_files_are_told),
                                       cmocka_unit_test(given_rest_is_the_rest),
                                       cmocka_unit_test(given_ids_of_every_kind),
                                       cmocka_unit_test(given_folds_overlap_and_duplicates),
                                       cmocka_unit_test(given_respects_filters),
                                       cmocka_unit_test(further_fields_can_be_ignored),
                                       cmocka_unit_test(bad_given_files_are_told),
                                       cmocka_unit_test(wrong_column_order_of_a_map_is_told),
                                       cmocka_unit_test(a_truncated_gz_is_told),
                                       cmocka_unit_test(mistakes_in_the_config_are_told),
                                       cmocka_unit_test(json_holds_the_files_content),
                                       cmocka_unit_test(empty_parts_are_told)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
