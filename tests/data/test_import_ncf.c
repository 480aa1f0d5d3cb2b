/*
 * test_import_ncf.c - the files of Neural Collaborative Filtering: made-up ones, bad input, and the published
 * test files of MovieLens-1M (6,040 rows, 99 negatives each).
 */
#include "importing.h"

static void whole_folder(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("n/toy.train.rating.gz", "0\t5\t4\t10\n0\t6\t3\t11\n1\t5\t1\t12\n");
    write_file("n/toy.test.rating", "0\t7\t4\t20\n1\t6\t5\t21\n");
    write_file("n/toy.test.negative", "(0,7)\t8\t5\n(1,6)\t7\t9\n");
    struct dataset *d = imported("ncf", test_path(folder, "n"), NULL, arena);
    counts(d, 2, 3, 5, 0);
    assert_int_equal(d->interactions.source_row[2], 3); /* the first test row */
    assert_int_equal(d->interactions.time[4], 21);
    says(d, "train_rows", 3);
    says(d, "candidates_a_test_row", 2);
    says(d, "candidates_unknown", 2);
    assert_string_equal(d->source, "toy.train.rating.gz, toy.test.rating, toy.test.negative");
    d = imported("ncf", test_path(folder, "n/toy.train.rating.gz"), NULL, arena);
    counts(d, 2, 3, 5, 0);
    arena_free(arena);
}

static void bad_files(void **state)
{
    (void)state;
    const char *at = lasting_path("b");
    write_file("b/x.test.negative", "(0,7)\t8\n");
    refused("ncf", at, NULL, "b:", "0 files that end in .train.rating");
    refused("ncf", test_path(folder, "none.rating"), NULL, "none.rating", "whose name ends in .train.rating");
    refused("ncf", test_path(folder, "no.train.rating"), NULL, "no.train.rating", "no such file");
    write_file("b/x.train.rating", "0\t5\t4\t10\n");
    refused("ncf", at, NULL, "x.test.negative", "without the test.rating");
    write_file("b/x.test.rating", "0\t7\t4\n");
    refused("ncf", at, NULL, "x.test.rating", "not the same columns");
    write_file("b/x.test.rating", "0\t7\t4\t9\n0\t5\t4\t9\n");
    refused("ncf", at, NULL, "x.test.negative", "holds 1 rows, expected 2");
    write_file("b/x.test.negative", "(0,7)\t8\n(1,5)\t8\n");
    refused("ncf", at, NULL, "x.test.negative:2:1", "the user and item of test.rating's row 2");
    write_file("b/x.test.negative", "(0,7)\t8\n(0,5)\t8\t9\n");
    refused("ncf", at, NULL, "x.test.negative:2", "found 2 candidates, expected 1");
    write_file("b/x.test.negative", "(0,7)\t8\n(0,5)\t8\n(0,5)\t8\n");
    refused("ncf", at, NULL, "x.test.negative:3", "more rows than the 2");
    write_file("b/x.test.negative", "0,7\t8\n");
    refused("ncf", at, NULL, "x.test.negative:1:1", "found '0,7', expected (user,item)");
    write_file("b/y.train.rating", "0\t5\t4\t10\n");
    refused("ncf", at, NULL, "2 files", "name the file");
}

/* The train file of MovieLens-1M is not published here: the test rows stand in for it. */
static void real_negatives(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    static const char *const ends[][2] = {{"test.rating.gz", "train.rating.gz"},
                                          {"test.rating.gz", "test.rating.gz"},
                                          {"test.negative.gz", "test.negative.gz"}};
    char place[4096], from[4300], to[4300];
    assert_non_null(realpath(real("movielens-1m", "split-ncf/ml-1m.test.rating.gz"), place));
    write_file("r/readme", "x");
    for (size_t i = 0; i < 3; i++) {
        snprintf(from, sizeof from, "%s/split-ncf/ml-1m.%s", place, ends[i][0]);
        snprintf(to, sizeof to, "%s/r/ml-1m.%s", folder, ends[i][1]);
        assert_int_equal(symlink(from, to), 0);
    }
    struct dataset *d = imported("ncf", test_path(folder, "r"), NULL, arena);
    assert_int_equal(d->n_users, 6040);
    assert_int_equal(d->interactions.n, 2 * 6040);
    says(d, "duplicate_pairs", 6040);
    says(d, "candidates_a_test_row", 99);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_folder), cmocka_unit_test(bad_files),
                                       cmocka_unit_test(real_negatives)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
