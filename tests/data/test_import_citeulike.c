/*
 * test_import_citeulike.c - citeulike-a: made-up files, bad input, and the published counts (Wang, Chen, Li
 * 2013; the splits of CVAE as in SOURCE.md).
 */
#include "importing.h"

static void whole_folder(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("c/users.dat", "2 0 3\n0\n1 03"); /* an empty list; no line end at the end */
    write_file("c/item-tag.dat", "1 1\n0\n0 \n2 0 1\n1 0\n");
    write_file("c/tags.dat.gz", "no-tag\nrr_interval\n");
    write_file("c/citations.dat", "0\n0\n0\n2 0 4\n0\n");
    struct dataset *d = imported("citeulike", test_path(folder, "c"), NULL, arena);
    counts(d, 3, 5, 3, 0);
    is_string(&d->user_ids, 2, "2");
    is_string(&d->item_ids, 1, "3");
    assert_string_equal(list_of(item_column(d, "tags"), 1), "rr_interval,no-tag");
    assert_string_equal(list_of(item_column(d, "citations"), 1), "0,4");
    says(d, "users_without_items", 1);
    says(d, "items_without_interaction", 3);
    /* One list alone. */
    d = imported("citeulike", test_path(folder, "c/users.dat"), NULL, arena);
    counts(d, 3, 2, 3, 0);
    arena_free(arena);
}

static void bad_files(void **state)
{
    (void)state;
    refused_text("citeulike", "u.dat", "1 5\n3 1 2\n", "u.dat:2", "found 2 numbers, expected 3");
    refused_text("citeulike", "u.dat", "1 5\n1 1 2\n", "u.dat:2", "found 2 numbers, expected 1");
    refused_text("citeulike", "u.dat", "1 5\n\n1 2\n", "u.dat:2", "an empty line");
    refused_text("citeulike", "u.dat", "1 5\n1 x\n", "u.dat:2:3", "found 'x'");
    refused_text("citeulike", "u.dat", "1 5\n1 -2\n", "u.dat:2:3", "found '-2'");
    refused_text("citeulike", "u.dat", "one 5\n", "u.dat:1:1", "the count");
    refused_text("citeulike", "u.dat", "0\n0\n", "u.dat", "holds no interaction");
    refused("citeulike", test_path(folder, "gone.dat"), NULL, "gone.dat", "no such file");
    const char *at = lasting_path("b");
    write_file("b/item-tag.dat", "1 1\n");
    refused("citeulike", at, NULL, "b:", "no users.dat");
    write_file("b/users.dat", "1 0\n");
    refused("citeulike", at, NULL, "b:", "no tags.dat");
    write_file("b/tags.dat", "one\n");
    refused("citeulike", at, NULL, "item-tag.dat:1", "found tag 1, expected below 1");
}

static void real_citeulike(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *source = real("citeulike-a", "users.dat.gz");
    struct dataset *d = imported("citeulike", source, NULL, arena);
    counts(d, 5551, 16980, 204986, 0);
    /* 46,391 lines in tags.dat, of which one is on no article. */
    assert_int_equal(item_column(d, "tags")->names.n, 46390);
    static const struct {
        const char *file;
        uint64_t n;
    } splits[] = {{"train-1", 5551}, {"test-1", 199435}, {"train-10", 55510}, {"test-10", 149476}};
    for (size_t i = 0; i < 4; i++) {
        char path[4300];
        snprintf(path, sizeof path, "%s/split-cvae/cf-%s-users.dat.gz", source, splits[i].file);
        if (!file_exists(path))
            continue;
        d = imported("citeulike", path, NULL, arena);
        assert_int_equal(d->n_users, 5551);
        assert_int_equal(d->interactions.n, splits[i].n);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_folder), cmocka_unit_test(bad_files),
                                       cmocka_unit_test(real_citeulike)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
