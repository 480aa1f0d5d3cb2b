/* The view: right matrices, and nothing of what is held out. */
#include <math.h>

#include "build.h"
#include "data/view.h"

static struct strings strings_of(struct arena *arena, size_t n, const char *const *text)
{
    struct string_builder b = {0};
    struct strings out;
    for (size_t k = 0; k < n; k++)
        assert_int_equal(string_builder_add(&b, text[k], strlen(text[k])), STATUS_OK);
    assert_int_equal(string_builder_finish(&b, arena, &out), STATUS_OK);
    return out;
}

/* Adds texts {user, item, kind}. */
static void add_texts(struct arena *arena, struct dataset *d, size_t n, const uint32_t (*about)[3],
                      const char *const *text)
{
    uint32_t *user = arena_alloc(arena, n, sizeof *user), *item = arena_alloc(arena, n, sizeof *item);
    uint8_t *kind = arena_alloc(arena, n, 1);
    for (size_t k = 0; k < n; k++) {
        user[k] = about[k][0];
        item[k] = about[k][1];
        kind[k] = (uint8_t)about[k][2];
    }
    d->texts = (struct texts){n, user, item, NULL, kind, strings_of(arena, n, text)};
}

static void matrices_hold_the_train_rows(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = build_random(arena, 30, 25);
    struct fold fold = {.train = d->interactions};
    struct view *v;
    assert_int_equal(view_build(d, &fold, arena, &v), STATUS_OK);
    assert_int_equal(v->by_user->nnz, d->interactions.n);
    assert_int_equal(v->by_item->nnz, d->interactions.n);
    for (uint64_t r = 0; r < d->interactions.n; r++) {
        const uint32_t u = d->interactions.user[r], i = d->interactions.item[r];
        bool found = false;
        for (int64_t e = v->by_user->ptr[u]; e < v->by_user->ptr[u + 1]; e++) {
            if (v->by_user->idx[e] != i)
                continue;
            found = true;
            assert_true(v->by_user->val[e] == d->interactions.value[r]);
            assert_int_equal(v->time[e], d->interactions.time[r]);
        }
        assert_true(found);
        assert_true(csr_has(v->by_item, i, u));
    }
    assert_true(v->minimum_value == 1 && v->maximum_value == 5);
    arena_free(arena);
}

/* Users 0 and 1 rate items 0..2; (0, 2) is test, (1, 0) validation. */
static struct fold held_out(struct arena *arena, const struct dataset *d)
{
    struct fold fold = {0};
    const uint8_t part[] = {0, 0, 2, 1, 0, 0};
    assert_int_equal(split_take(&d->interactions, part, 0, arena, &fold.train), STATUS_OK);
    assert_int_equal(split_take(&d->interactions, part, 1, arena, &fold.valid), STATUS_OK);
    assert_int_equal(split_take(&d->interactions, part, 2, arena, &fold.test), STATUS_OK);
    return fold;
}

static struct dataset *six_pairs(struct arena *arena, const char *secret, float value)
{
    const float rows[][3] = {{0, 0, 4}, {0, 1, 3}, {0, 2, value}, {1, 0, value}, {1, 1, 5}, {1, 2, 2}};
    struct dataset *d = build_dataset(arena, 2, 3, 6, rows);
    const uint32_t about[][3] = {{0, 2, TEXT_REVIEW},        {0, 0, TEXT_TAG}, {1, 0, TEXT_TAG},
                                 {1, 2, TEXT_REVIEW},        {0, 2, TEXT_TAG}, {0, 1, TEXT_TAG},
                                 {1, UINT32_MAX, TEXT_QUERY}};
    const char *const text[] = {secret,   "Space Opera",       secret, "slow", secret,
                                "robots", "films about robots"};
    add_texts(arena, d, 7, about, text);
    return d;
}

static void texts_of_held_out_pairs_are_masked(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = six_pairs(arena, "secret", 1);
    struct fold fold = held_out(arena, d);
    struct view *v;
    assert_int_equal(view_build(d, &fold, arena, &v), STATUS_OK);
    assert_int_equal(v->n_masked_texts, 3);
    assert_int_equal(v->texts.n, 4);
    for (uint64_t t = 0; t < v->texts.n; t++)
        assert_false(strings_equal(&v->texts.text, t, "secret"));
    assert_true(strings_equal(&v->texts.text, 3, "films about robots"));
    assert_int_equal(v->texts.item[3], UINT32_MAX);
    /* a pair in train and in test: its text is masked too */
    fold.train = d->interactions;
    assert_int_equal(view_build(d, &fold, arena, &v), STATUS_OK);
    assert_int_equal(v->n_masked_texts, 3);
    arena_free(arena);
}

static void same_csr(const struct csr *a, const struct csr *b)
{
    assert_int_equal(a->nnz, b->nnz);
    assert_memory_equal(a->ptr, b->ptr, (a->n_rows + 1) * sizeof *a->ptr);
    assert_memory_equal(a->idx, b->idx, (size_t)a->nnz * sizeof *a->idx);
    assert_memory_equal(a->val, b->val, (size_t)a->nnz * sizeof *a->val);
}

/* Held-out values and texts changed: every byte of the view stays. */
static void the_view_does_not_depend_on_held_out_content(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *one = six_pairs(arena, "wonderful masterpiece", 5), *two = six_pairs(arena, "x", 1);
    struct fold fold_one = held_out(arena, one), fold_two = held_out(arena, two);
    struct view *a, *b;
    assert_int_equal(view_build(one, &fold_one, arena, &a), STATUS_OK);
    assert_int_equal(view_build(two, &fold_two, arena, &b), STATUS_OK);
    same_csr(a->by_user, b->by_user);
    same_csr(a->by_item, b->by_item);
    assert_true(a->minimum_value == b->minimum_value && a->maximum_value == b->maximum_value);
    assert_int_equal(a->texts.n, b->texts.n);
    assert_int_equal(a->n_masked_texts, b->n_masked_texts);
    assert_memory_equal(a->texts.user, b->texts.user, a->texts.n * sizeof(uint32_t));
    assert_memory_equal(a->texts.item, b->texts.item, a->texts.n * sizeof(uint32_t));
    assert_memory_equal(a->texts.kind, b->texts.kind, a->texts.n);
    assert_memory_equal(a->texts.text.offsets, b->texts.text.offsets, (a->texts.n + 1) * sizeof(uint64_t));
    assert_memory_equal(a->texts.text.bytes, b->texts.text.bytes, a->texts.text.offsets[a->texts.n]);
    const char *fields[] = {"tags", "reviews"};
    const struct param_list list = {2, fields};
    struct strings text_a, text_b;
    assert_int_equal(view_item_texts(a, &list, 9, arena, &text_a), STATUS_OK);
    assert_int_equal(view_item_texts(b, &list, 9, arena, &text_b), STATUS_OK);
    assert_memory_equal(text_a.offsets, text_b.offsets, 4 * sizeof(uint64_t));
    assert_memory_equal(text_a.bytes, text_b.bytes, text_a.offsets[3]);
    arena_free(arena);
}

static struct dataset *with_columns(struct arena *arena)
{
    const float rows[][3] = {{0, 0, 4}, {1, 1, 4}};
    struct dataset *d = build_dataset(arena, 9, 3, 2, rows);
    static const char *const titles[] = {"Alien Dawn (1999)", "", "Café"}, *const genres[] = {"Horror",
                                                                                              "Sci-Fi"};
    static const uint32_t row[] = {0, 0, 2}, col[] = {1, 0, 0};
    static const float year[] = {1999, NAN, 2001};
    struct column *columns = arena_alloc(arena, 3, sizeof *columns);
    columns[0] = (struct column){.name = "title", .kind = COLUMN_TEXT, .text = strings_of(arena, 3, titles)};
    columns[1] =
        (struct column){.name = "genres", .kind = COLUMN_LIST, .names = strings_of(arena, 2, genres)};
    assert_int_equal(csr_from_triples(3, 2, 3, row, col, NULL, arena, &columns[1].list, NULL), STATUS_OK);
    columns[2] = (struct column){.name = "year", .kind = COLUMN_NUMBER, .number = year};
    d->item_columns = columns;
    d->n_item_columns = 3;
    const uint32_t about[][3] = {{1, 0, TEXT_TAG}, {2, 0, TEXT_TAG},    {3, 0, TEXT_TAG},   {4, 0, TEXT_TAG},
                                 {5, 2, TEXT_TAG}, {6, 0, TEXT_REVIEW}, {7, 0, TEXT_REVIEW}};
    const char *const text[] = {"aliens", "Ｓpace", " SPACE ", "dark", "É", "first", "second"};
    add_texts(arena, d, 7, about, text);
    return d;
}

static void assert_text(const struct strings *texts, uint32_t item, const char *expected)
{
    if (!strings_equal(texts, item, expected))
        fail_msg("item %u: \"%.*s\", expected \"%s\"", item, (int)strings_length(texts, item),
                 strings_at(texts, item), expected);
}

static void item_texts_join_the_fields(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = with_columns(arena);
    struct fold fold = {.train = d->interactions};
    struct view *v;
    struct strings out;
    assert_int_equal(view_build(d, &fold, arena, &v), STATUS_OK);
    const char *all[] = {"title", "genres", "year", "tags", "reviews"};
    assert_int_equal(view_item_texts(v, &(struct param_list){5, all}, 1, arena, &out), STATUS_OK);
    assert_int_equal(out.n, 3);
    /* full-width S folds to itself lower case, not to ASCII: two tags; "space" once each, so by first
     * appearance */
    assert_text(&out, 0, "Alien Dawn (1999). Horror, Sci-Fi. 1999. aliens, ｓpace, space, dark. first");
    assert_text(&out, 1, "");
    assert_text(&out, 2, "Café. Horror. 2001. é");
    const char *two[] = {"reviews", "genres"};
    assert_int_equal(view_item_texts(v, &(struct param_list){2, two}, 5, arena, &out), STATUS_OK);
    assert_text(&out, 0, "first. second. Horror, Sci-Fi");
    const char *missing[] = {"title", "plot"};
    assert_int_equal(view_item_texts(v, &(struct param_list){2, missing}, 5, arena, &out),
                     STATUS_UNAVAILABLE);
    assert_says("'plot'");
    assert_says("title, genres, year");
    arena_free(arena);
}

static void frequent_tags_come_first_and_no_more_than_twenty(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const float rows[][3] = {{0, 0, 4}};
    struct dataset *d = build_dataset(arena, 30, 1, 1, rows);
    uint32_t about[26][3];
    const char *text[26];
    for (uint32_t k = 0; k < 25; k++) {
        about[k][0] = k + 1, about[k][1] = 0, about[k][2] = TEXT_TAG;
        text[k] = arena_printf(arena, "tag%02u", k);
    }
    about[25][0] = 26, about[25][1] = 0, about[25][2] = TEXT_TAG;
    text[25] = "TAG24";
    add_texts(arena, d, 26, (const uint32_t(*)[3])about, text);
    struct fold fold = {.train = d->interactions};
    struct view *v;
    struct strings out;
    const char *fields[] = {"tags"};
    assert_int_equal(view_build(d, &fold, arena, &v), STATUS_OK);
    assert_int_equal(view_item_texts(v, &(struct param_list){1, fields}, 0, arena, &out), STATUS_OK);
    char *expected = arena_strdup(arena, "tag24");
    for (uint32_t k = 0; k < 19; k++)
        expected = arena_printf(arena, "%s, tag%02u", expected, k);
    assert_text(&out, 0, expected);
    arena_free(arena);
}

static void tags_alone_need_tags(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = with_columns(arena);
    d->texts = (struct texts){0};
    struct fold fold = {.train = d->interactions};
    struct view *v;
    struct strings out;
    const char *fields[] = {"tags", "title"};
    assert_int_equal(view_build(d, &fold, arena, &v), STATUS_OK);
    assert_int_equal(view_item_texts(v, &(struct param_list){1, fields}, 0, arena, &out), STATUS_UNAVAILABLE);
    assert_int_equal(view_item_texts(v, &(struct param_list){2, fields}, 0, arena, &out), STATUS_OK);
    assert_text(&out, 0, "Alien Dawn (1999)");
    arena_free(arena);
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(matrices_hold_the_train_rows),
                                       cmocka_unit_test(texts_of_held_out_pairs_are_masked),
                                       cmocka_unit_test(the_view_does_not_depend_on_held_out_content),
                                       cmocka_unit_test(item_texts_join_the_fields),
                                       cmocka_unit_test(frequent_tags_come_first_and_no_more_than_twenty),
                                       cmocka_unit_test(tags_alone_need_tags)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
