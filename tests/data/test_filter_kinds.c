/* Filters by counts, popularity, time, sample and text: worked out by hand on a small set, and their properties. */
#include "build.h"
#include "data/filter.h"

static struct interactions kept(struct arena *arena, const char *yaml, const struct dataset *d)
{
    struct interactions out;
    if (filters_apply(parse(arena, yaml), d, arena, &out) != STATUS_OK)
        fail_msg("%s: %s", yaml, status_sentence());
    for (uint64_t r = 1; r < out.n; r++) /* order kept */
        assert_true(out.source_row[r] > out.source_row[r - 1]);
    return out;
}

static void assert_kept(struct arena *arena, const char *yaml, const struct dataset *d, const char *expected)
{
    const struct interactions out = kept(arena, yaml, d);
    const char *text = "";
    for (uint64_t r = 0; r < out.n; r++)
        text = arena_printf(arena, "%s%s%llu", text, r > 0 ? " " : "", (unsigned long long)out.source_row[r]);
    assert_string_equal(text, expected);
}

/* Users have 1, 2, 4 items; items 0 to 3 have 3, 2, 1, 1 users; user 1 rated item 1 twice (rows 2 and 3). */
static struct dataset *small(struct arena *arena)
{
    const float rows[][3] = {{0, 0, 1}, {1, 0, 1}, {1, 1, 1}, {1, 1, 1},
                             {2, 0, 1}, {2, 1, 1}, {2, 2, 1}, {2, 3, 1}};
    const int64_t times[] = {100, 200, 300, 400, 100, 200, 86400, 172800};
    struct dataset *d = build_dataset(arena, 3, 4, 8, rows);
    d->interactions.time = arena_copy(arena, times, 8, sizeof *times);
    return d;
}

static void counts_from_both_ends(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *d = small(arena);
    assert_kept(arena, "[{max_user_interactions: 2}]", d, "0 1 2 3"); /* the pair that occurs twice is one */
    assert_kept(arena, "[{min_user_interactions: 2}]", d, "1 2 3 4 5 6 7");
    assert_kept(arena, "[{max_item_interactions: 1}]", d, "6 7");
    assert_kept(arena, "[{min_item_interactions: 3}]", d, "0 1 4");
    assert_kept(arena, "[{min_user_interactions: 2}, {max_user_interactions: 3}]", d, "1 2 3");
    arena_free(arena);
}

/* 7 pairs: item 0 has 3, item 1 has 2, items 2 and 3 one each. */
static void head_and_tail_share_the_items(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *d = small(arena);
    assert_kept(arena, "[{head_items: 0.4}]", d, "0 1 4");       /* 3 / 7 = 0.43 */
    assert_kept(arena, "[{head_items: 0.5}]", d, "0 1 2 3 4 5"); /* 5 / 7 = 0.71 */
    assert_kept(arena, "[{tail_items: 0.5}]", d, "6 7");
    assert_kept(arena, "[{head_items: 1}]", d, "0 1 2 3 4 5 6 7");
    assert_kept(arena, "[{tail_items: {share: 0.6}}]", d, "2 3 5 6 7");
    struct dataset *random = build_random(arena, 90, 50);
    for (int k = 1; k < 10; k++) {
        const struct interactions head = kept(arena, arena_printf(arena, "[{head_items: 0.%d}]", k), random),
                                  tail = kept(arena, arena_printf(arena, "[{tail_items: 0.%d}]", 10 - k),
                                              random);
        assert_int_equal(head.n + tail.n, random->interactions.n);
        assert_true((double)head.n >= 0.1 * k * (double)random->interactions.n - 1e-6);
    }
    arena_free(arena);
}

static void a_window_of_time(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = small(arena);
    assert_kept(arena, "[{time_window: {from: 200, to: 400}}]", d, "1 2 5");
    assert_kept(arena, "[{time_window: {to: 200}}]", d, "0 4");
    assert_kept(arena, "[{time_window: 1970-01-02}]", d, "6 7"); /* 86,400 is its first second */
    assert_kept(arena, "[{time_window: {from: 1970-01-02, to: 1970-01-03}}]", d, "6");
    struct interactions out;
    assert_int_equal(filters_apply(parse(arena, "[{time_window: soon}]"), d, arena, &out), STATUS_USAGE);
    assert_says("found 'soon' for from of time_window, expected a date");
    assert_int_equal(filters_apply(parse(arena, "[{time_window: {from: 2, to: 2}}]"), d, arena, &out),
                     STATUS_USAGE);
    assert_says("`to` is not after `from`");
    assert_int_equal(filters_apply(parse(arena, "[{time_window: {}}]"), d, arena, &out), STATUS_USAGE);
    d->interactions.time = NULL;
    assert_int_equal(filters_apply(parse(arena, "[{time_window: 5}]"), d, arena, &out), STATUS_DATA);
    assert_says("test.yaml:1:16: time_window needs times, and dataset 'tiny' has none");
    arena_free(arena);
}

/* A larger sample holds a smaller one of the same seed; a user is there whole or not at all. */
static void a_sample_of_users(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = build_random(arena, 100, 40);
    uint8_t before[100] = {0};
    for (int n = 10; n <= 100; n += 30) {
        const struct interactions out = kept(arena, arena_printf(arena, "[{sample_users: %d}]", n), d);
        uint8_t in[100] = {0};
        int n_users = 0;
        uint64_t rows = 0;
        for (uint64_t r = 0; r < out.n; r++)
            in[out.user[r]] = 1;
        for (int u = 0; u < 100; u++) {
            n_users += in[u];
            assert_true(in[u] >= before[u]);
            before[u] = in[u];
        }
        for (uint64_t r = 0; r < d->interactions.n; r++)
            rows += in[d->interactions.user[r]];
        assert_int_equal(n_users, n);
        assert_int_equal(out.n, rows);
    }
    const struct interactions a = kept(arena, "[{sample_users: {share: 0.25}}]", d),
                              b = kept(arena, "[{sample_users: 25}]", d),
                              other = kept(arena, "[{sample_users: {n: 25, seed: 7}}]", d);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.user, b.user, a.n * sizeof *a.user);
    assert_true(other.n != a.n || memcmp(other.user, a.user, a.n * sizeof *a.user) != 0);
    struct interactions out;
    assert_int_equal(filters_apply(parse(arena, "[{sample_users: 0}]"), d, arena, &out), STATUS_USAGE);
    assert_int_equal(filters_apply(parse(arena, "[{sample_users: {n: 5, share: 0.5}}]"), d, arena, &out),
                     STATUS_USAGE);
    assert_says("either `n` or `share`");
    arena_free(arena);
}

static struct strings strings_of(struct arena *arena, const char *const *texts, uint64_t n)
{
    struct string_builder b = {0};
    struct strings out;
    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(string_builder_add(&b, texts[i], strlen(texts[i])), STATUS_OK);
    assert_int_equal(string_builder_finish(&b, arena, &out), STATUS_OK);
    return out;
}

static void items_with_text(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = small(arena);
    const char *const titles[] = {"", "One", "Two", ""}, *const tags[] = {"good", "", "bad"};
    static const uint32_t user[] = {0, 1, 2}, item[] = {0, 3, UINT32_MAX};
    static const uint8_t kind[] = {TEXT_TAG, TEXT_TAG, TEXT_TAG};
    const struct column columns[] = {
        {.name = "title", .kind = COLUMN_TEXT, .text = strings_of(arena, titles, 4)}};
    d->item_columns = columns;
    d->n_item_columns = 1;
    d->texts = (struct texts){3, user, item, NULL, kind, strings_of(arena, tags, 3)};
    assert_kept(arena, "[{with_text: title}]", d, "2 3 5 6");
    assert_kept(arena, "[{with_text: tags}]", d, "0 1 4"); /* item 3's tag is empty */
    assert_kept(arena, "[{with_text: [title, tags]}]", d, "0 1 2 3 4 5 6");
    struct interactions out;
    assert_int_equal(filters_apply(parse(arena, "[{with_text: titel}]"), d, arena, &out), STATUS_DATA);
    assert_says("has no item column 'titel'; did you mean 'title'?");
    assert_int_equal(filters_apply(parse(arena, "[{with_text: reviews}]"), d, arena, &out), STATUS_DATA);
    assert_says("is left after filter {with_text: reviews}");
    arena_free(arena);
}

/* What goes into a cell's key: one number as before, several parameters all of them. */
static void json_is_canonical(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *json;
    assert_int_equal(
        filters_check(
            parse(arena, "[{kcore: {count: 5}}, {sample_users: 9}, {with_text: title}, {head_items: 0.5}]"),
            arena, &json),
        STATUS_OK);
    assert_string_equal(json, "[{\"kcore\":5},{\"sample_users\":{\"n\":9,\"seed\":42,\"share\":0}},"
                              "{\"with_text\":[\"title\"]},{\"head_items\":0.5}]");
    arena_free(arena);
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_from_both_ends), cmocka_unit_test(head_and_tail_share_the_items),
        cmocka_unit_test(a_window_of_time),      cmocka_unit_test(a_sample_of_users),
        cmocka_unit_test(items_with_text),       cmocka_unit_test(json_is_canonical)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
