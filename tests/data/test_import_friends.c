/*
 * test_import_friends.c - the option --friends beside a format that has none of its own: links as written or both ways, what is left out,
 * files that are not as they should be.
 */
#include "importing.h"

static const char rows[] = "u1,i1,3\nu2,i1,4\nu3,i2,5\nu4,i2,1\n";

static struct import_options with(const char *friends)
{
    return (struct import_options){.friends = friends};
}

static void as_written(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("f.csv", "u1,u2\nu3,u1\nu1,u4\nu1,u2\nu2,u2\nu9,u1\nu1,nobody\n");
    const struct import_options options = with(lasting_path("f.csv"));
    struct dataset *d = imported("csv", write_file("r.csv", rows), &options, arena);
    counts(d, 4, 2, 4, 0);
    const struct column *friends = user_column(d, "friends");
    assert_string_equal(list_of(friends, 0), "u2,u4");
    assert_string_equal(list_of(friends, 1), "");
    assert_string_equal(list_of(friends, 2), "u1");
    says(d, "friends_unknown_dropped", 2);
    says(d, "friends_selves_dropped", 1);
    says(d, "friends_repeated_dropped", 1);
    arena_free(arena);
}

static void both_ways_behind_a_header(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("f.tsv.gz", "user_id\tfriend_id\nu1\tu2\nu3\tu1\n");
    const char *option = arena_printf(arena, "%s,both", lasting_path("f.tsv.gz"));
    const struct import_options options = with(option);
    struct dataset *d = imported("csv", write_file("r.csv", rows), &options, arena);
    const struct column *friends = user_column(d, "friends");
    assert_string_equal(list_of(friends, 0), "u2,u3");
    assert_string_equal(list_of(friends, 1), "u1");
    assert_string_equal(list_of(friends, 2), "u1");
    assert_string_equal(list_of(friends, 3), "");
    says(d, "friends_unknown_dropped", 0);
    arena_free(arena);
}

/* The rows' content and hash are what they are without the option where no link is left. */
static void no_link_no_column(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *source = write_file("r.csv", rows);
    write_file("none.csv", "x,y\n");
    const struct import_options options = with(lasting_path("none.csv"));
    struct dataset *a = imported("csv", source, &options, arena), *b = imported("csv", source, NULL, arena);
    assert_int_equal(a->n_user_columns, 0);
    assert_string_equal(a->content_sha256, b->content_sha256);
    says(a, "friends_unknown_dropped", 1);
    write_file("one.csv", "u1,u2\n");
    const struct import_options one = with(lasting_path("one.csv"));
    assert_string_not_equal(imported("csv", source, &one, arena)->content_sha256, b->content_sha256);
    arena_free(arena);
}

static void bad_files(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *source = arena_strdup(arena, write_file("r.csv", rows));
    struct import_options options = with(lasting_path("missing.csv"));
    refused("csv", source, &options, "missing.csv", "no such file");
    write_file("b.csv", "u1,u2\nu1,u2,u3\n");
    options = with(lasting_path("b.csv"));
    refused("csv", source, &options, "b.csv:2", "2: a user's id and that of a friend");
    write_file("b.csv", "u1,\n");
    refused("csv", source, &options, "b.csv:1", "a user id");
    write_file("b.csv", "u1\tu2\n"); /* tabs in a .csv */
    refused("csv", source, &options, "b.csv:1", "found 1 field");
    write_file("b.csv", "u1,u2\nu1,\nu3,u1\n");
    options.max_bad = 1;
    struct dataset *d = imported("csv", source, &options, arena);
    assert_string_equal(list_of(user_column(d, "friends"), 2), "u1");
    says(d, "malformed_rows_skipped", 1);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_written),
                                       cmocka_unit_test(both_ways_behind_a_header),
                                       cmocka_unit_test(no_link_no_column), cmocka_unit_test(bad_files)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
