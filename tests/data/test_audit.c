/* The leakage auditor: every leak planted by itself is found, with its count, and nothing else is; a clean split is clean. */
#include "build.h"
#include "data/audit.h"
#include "data/split.h"
#include "data/view.h"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

struct row {
    uint32_t user, item;
    int64_t time;
};

static struct interactions part(const struct row *rows, size_t n)
{
    struct interactions out = {.n = n};
    out.user = arena_alloc(arena, n, sizeof *out.user);
    out.item = arena_alloc(arena, n, sizeof *out.item);
    out.value = arena_alloc(arena, n, sizeof *out.value);
    out.time = arena_alloc(arena, n, sizeof *out.time);
    out.source_row = arena_alloc(arena, n, sizeof *out.source_row);
    for (size_t r = 0; r < n; r++) {
        out.user[r] = rows[r].user;
        out.item[r] = rows[r].item;
        out.time[r] = rows[r].time;
    }
    return out;
}

static struct strings strings_of(const char *const *texts, uint64_t n)
{
    struct string_builder b = {0};
    struct strings out;
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(string_builder_add(&b, texts[i], strlen(texts[i])), STATUS_OK);
    assert_int_equal(string_builder_finish(&b, arena, &out), STATUS_OK);
    return out;
}

/* Two users, six items; all of train before 10, validation at 10 and 11, test from 20 on: clean. */
struct bed {
    struct row train[5], valid[2], test[2];
    struct dataset *d;
    struct fold fold;
};

static struct bed clean(void)
{
    static const char *const titles[] = {"One", "Two", "Three", "Four", "Five", "Six"};
    struct bed b = {.train = {{0, 0, 1}, {0, 1, 2}, {1, 0, 3}, {1, 2, 4}, {1, 4, 5}},
                    .valid = {{0, 2, 10}, {1, 1, 11}},
                    .test = {{0, 4, 20}, {1, 5, 21}}};
    const float none[1][3] = {{0}};
    b.d = build_dataset(arena, 2, 6, 0, none);
    struct column *title = arena_alloc(arena, 1, sizeof *title);
    *title = (struct column){.name = "title", .kind = COLUMN_TEXT, .text = strings_of(titles, 6)};
    b.d->item_columns = title;
    b.d->n_item_columns = 1;
    return b;
}

static struct audit audited(struct bed *b)
{
    struct audit a;
    b->fold.train = part(b->train, 5);
    b->fold.valid = part(b->valid, 2);
    b->fold.test = part(b->test, 2);
    b->fold.n_test_users = 2;
    assert_int_equal(audit_fold(b->d, &b->fold, arena, &a), STATUS_OK);
    return a;
}

/* Only these checks found something: {id, count, of} up to an id of N_AUDITS; cold items are always told (item 5). */
static void found(const struct audit *a, const uint64_t (*expected)[3])
{
    for (uint64_t id = 0; id < N_AUDITS; id++) {
        uint64_t count = 0, of = a->of[id];
        for (size_t k = 0; expected[k][0] < N_AUDITS; k++)
            if (expected[k][0] == id) {
                count = expected[k][1];
                of = expected[k][2];
            }
        if (a->count[id] != count || a->of[id] != of)
            fail_msg("%s: %llu of %llu, expected %llu of %llu", audit_checks[id].name,
                     (unsigned long long)a->count[id], (unsigned long long)a->of[id],
                     (unsigned long long)count, (unsigned long long)of);
        const char *verdict = audit_verdict(a, (enum audit_id)id);
        if (count == 0 && strcmp(verdict, "unknown") != 0)
            assert_string_equal(verdict, "none");
    }
}
#define FOUND(a, ...) found(&(a), (const uint64_t[][3]){__VA_ARGS__, {N_AUDITS, 0, 0}})

static void a_clean_split_is_clean(void **state)
{
    (void)state;
    struct bed b = clean();
    const struct audit a = audited(&b);
    FOUND(a, {AUDIT_TRAIN_TEST_PAIRS, 0, 2}, {AUDIT_LATER_ROWS, 0, 5}, {AUDIT_SAME_TITLE_ITEMS, 0, 6});
}

static void pairs_on_two_sides(void **state)
{
    (void)state;
    struct bed b = clean();
    b.test[0].item = 0; /* user 0 has it in train */
    struct audit a = audited(&b);
    FOUND(a, {AUDIT_TRAIN_TEST_PAIRS, 1, 2});
    assert_string_equal(audit_verdict(&a, AUDIT_TRAIN_TEST_PAIRS), "leak");
    b = clean();
    b.valid[1].item = 0;
    a = audited(&b);
    FOUND(a, {AUDIT_TRAIN_VALID_PAIRS, 1, 2});
    b = clean();
    b.test[1].item = 1;
    a = audited(&b);
    FOUND(a, {AUDIT_VALID_TEST_PAIRS, 1, 2});
}

static void rows_later_than_test(void **state)
{
    (void)state;
    struct bed b = clean();
    b.train[1].time = 30; /* of user 0, whose test is at 20 */
    struct audit a = audited(&b);
    FOUND(a, {AUDIT_LATER_ROWS, 1, 5}, {AUDIT_LATER_ROWS_OF_OTHERS, 1, 5});
    b = clean();
    b.train[4].time = 21; /* of user 1, at the very time of the test row; user 0's test began at 20 */
    a = audited(&b);
    FOUND(a, {AUDIT_TIED_ROWS, 1, 5}, {AUDIT_LATER_ROWS_OF_OTHERS, 1, 5});
    assert_string_equal(audit_verdict(&a, AUDIT_TIED_ROWS), "fact");
}

static void without_times_nothing_is_claimed(void **state)
{
    (void)state;
    struct bed b = clean();
    struct audit a;
    b.fold.train = part(b.train, 5);
    b.fold.test = part(b.test, 2);
    b.fold.train.time = b.fold.test.time = NULL;
    assert_int_equal(audit_fold(b.d, &b.fold, arena, &a), STATUS_OK);
    assert_string_equal(audit_verdict(&a, AUDIT_LATER_ROWS), "unknown");
    assert_string_equal(audit_verdict(&a, AUDIT_LATER_ROWS_OF_OTHERS), "unknown");
    assert_string_equal(a.detail[AUDIT_TIED_ROWS], "no times");
    assert_string_equal(audit_verdict(&a, AUDIT_TRAIN_TEST_PAIRS), "none");
}

/* Texts: one about a test pair, one about a validation pair, one of another pair written too late, one that is fine, one about
 * no item. */
static void texts_of_held_out_pairs(void **state)
{
    (void)state;
    static const uint32_t user[] = {0, 1, 0, 1, 1}, item[] = {4, 1, 1, 2, UINT32_MAX};
    static const int64_t time[] = {20, 11, 25, 4, 6};
    static const uint8_t kind[] = {TEXT_TAG, TEXT_REVIEW, TEXT_TAG, TEXT_REVIEW, TEXT_QUERY};
    static const char *const text[] = {"a", "b", "c", "d", "e"};
    struct bed b = clean();
    b.d->texts = (struct texts){5, user, item, time, kind, strings_of(text, 5)};
    struct audit a = audited(&b);
    FOUND(a, {AUDIT_HELD_OUT_TAGS, 1, 2}, {AUDIT_HELD_OUT_REVIEWS, 1, 2}, {AUDIT_LATER_TEXTS, 1, 3});
    assert_string_equal(audit_verdict(&a, AUDIT_HELD_OUT_TAGS), "hidden");
    assert_string_equal(audit_verdict(&a, AUDIT_LATER_TEXTS), "leak");
    /* a split by time hides the late one too, and the view keeps just what the auditor says is seen */
    b.fold.cuts_texts = true;
    b.fold.texts_before = 10;
    a = audited(&b);
    FOUND(a, {AUDIT_HELD_OUT_TAGS, 1, 2}, {AUDIT_HELD_OUT_REVIEWS, 1, 2}, {AUDIT_TEXTS_AFTER_CUT, 1, 5},
          {AUDIT_LATER_TEXTS, 0, 2});
    struct view *view;
    assert_int_equal(view_build(b.d, &b.fold, arena, &view), STATUS_OK);
    assert_int_equal(view->texts.n, 2);
    assert_int_equal(view->n_masked_texts, 3);
    b.d->texts.time = NULL;
    a = audited(&b);
    assert_string_equal(audit_verdict(&a, AUDIT_LATER_TEXTS), "unknown");
}

/* also_bought of item 4 names items 1 and an unknown one: user 0 has 1 in train and 4 in test. */
static void lists_of_what_was_bought_together(void **state)
{
    (void)state;
    static const int64_t ptr[] = {0, 0, 0, 0, 0, 2, 2};
    static const uint32_t idx[] = {0, 1};
    static const char *const names[] = {"i2", "unknown"};
    static const float vector[6] = {0};
    static const struct feature features[] = {{"image", 1, false, vector}, {"genome", 1, true, vector}};
    for (int direction = 0; direction < 2; direction++) {
        static const int64_t back[] = {0, 0, 1, 1, 1, 1, 1}; /* or item 1 names item 4 */
        static const uint32_t first[] = {0};
        static const char *const other[] = {"i5"};
        struct bed b = clean();
        struct column *columns = arena_alloc(arena, 2, sizeof *columns);
        columns[0] = b.d->item_columns[0];
        columns[1] = (struct column){.name = "also_bought", .kind = COLUMN_LIST};
        columns[1].names = direction == 0 ? strings_of(names, 2) : strings_of(other, 1);
        columns[1].list =
            direction == 0 ? (struct csr){6, 2, 2, ptr, idx, NULL} : (struct csr){6, 1, 1, back, first, NULL};
        b.d->item_columns = columns;
        b.d->n_item_columns = 2;
        const struct audit a = audited(&b);
        FOUND(a, {AUDIT_USER_MADE, 1, 2}, {AUDIT_LINKED_ROWS, 1, 2});
        assert_string_equal(a.detail[AUDIT_USER_MADE], "also_bought");
    }
    struct bed b = clean();
    b.d->features = features;
    b.d->n_features = 2;
    const struct audit a = audited(&b);
    FOUND(a, {AUDIT_USER_MADE, 1, 3});
    assert_string_equal(a.detail[AUDIT_USER_MADE], "genome");
    assert_string_equal(audit_verdict(&a, AUDIT_USER_MADE), "leak");
}

/* Items 1 and 4 have one title, in two cases: user 0 has 1 in train and 4 in test. */
static void one_film_under_two_ids(void **state)
{
    (void)state;
    static const char *const titles[] = {"One", "Chasing Amy (1997)", "", "", "chasing amy (1997)", "Six"};
    struct bed b = clean();
    struct column *title = arena_alloc(arena, 1, sizeof *title);
    *title = (struct column){.name = "title", .kind = COLUMN_TEXT, .text = strings_of(titles, 6)};
    b.d->item_columns = title;
    const struct audit a = audited(&b);
    FOUND(a, {AUDIT_SAME_TITLE_ITEMS, 2, 4}, {AUDIT_SAME_TITLE_ROWS, 1, 2});
}

/* Counted by split_apply() and told by the auditor. */
static void cold_users_and_items(void **state)
{
    (void)state;
    const float rows[][3] = {{0, 0, 1}, {0, 1, 1}, {1, 0, 1}, {1, 2, 1}, {2, 2, 1}, {2, 3, 1}};
    const int64_t times[] = {1, 2, 3, 8, 9, 10};
    struct dataset *d = build_dataset(arena, 3, 4, 6, rows);
    d->interactions.time = arena_copy(arena, times, 6, sizeof *times);
    struct split split;
    struct fold *fold;
    size_t n;
    struct audit a;
    assert_int_equal(split_parse(parse(arena, "{kind: temporal_global, at: 8}"), arena, &split), STATUS_OK);
    assert_int_equal(split_apply(&split, d, &d->interactions, arena, &fold, &n), STATUS_OK);
    assert_int_equal(audit_fold(d, fold, arena, &a), STATUS_OK);
    FOUND(a, {AUDIT_COLD_USERS, 1, 2}, {AUDIT_COLD_ITEMS, 2, 2});
    assert_string_equal(audit_verdict(&a, AUDIT_COLD_USERS), "fact");
}

/* No split by time lets train rows be later; random ones do, and the auditor says so. */
static void real_splits_are_told_apart(void **state)
{
    (void)state;
    struct dataset *d = build_random(arena, 60, 30);
    static const struct {
        const char *yaml;
        bool later, others;
    } cases[] = {{"{kind: temporal_global, test: 0.2}", false, false},
                 {"{kind: temporal_user, test: 0.2}", false, true},
                 {"{kind: leave_last_n, n: 1}", false, true},
                 {"{kind: random, test: 0.2}", true, true}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct split split;
        struct fold *fold;
        size_t n;
        struct audit a;
        assert_int_equal(split_parse(parse(arena, cases[k].yaml), arena, &split), STATUS_OK);
        assert_int_equal(split_apply(&split, d, &d->interactions, arena, &fold, &n), STATUS_OK);
        assert_int_equal(audit_fold(d, fold, arena, &a), STATUS_OK);
        assert_int_equal(a.count[AUDIT_LATER_ROWS] > 0, cases[k].later);
        assert_int_equal(a.count[AUDIT_LATER_ROWS_OF_OTHERS] > 0, cases[k].others);
        assert_int_equal(a.count[AUDIT_TRAIN_TEST_PAIRS], 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {
        TEST(a_clean_split_is_clean),    TEST(pairs_on_two_sides),
        TEST(rows_later_than_test),      TEST(without_times_nothing_is_claimed),
        TEST(texts_of_held_out_pairs),   TEST(lists_of_what_was_bought_together),
        TEST(one_film_under_two_ids),    TEST(cold_users_and_items),
        TEST(real_splits_are_told_apart)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
