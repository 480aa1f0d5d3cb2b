/* What becomes of rows that are not as they should be: each policy, what it counts, and what the file says of it. */
#include "importing.h"

static const char *policy(const struct dataset *d, const char *key)
{
    static char text[200];
    json_t *policies = json_loads(d->policies, 0, NULL);
    const char *value = json_string_value(json_object_get(policies, key));
    snprintf(text, sizeof text, "%s", value != NULL ? value : "");
    json_decref(policies);
    return text;
}

/* (u, a) at 5, then at 1, then at 3; its values 2, 3, 4; and one other row. */
static const char *again(void)
{
    return write_file("again.tsv", "u\ta\t2\t5\nu\tb\t5\t2\nu\ta\t3\t1\nu\ta\t4\t3\n");
}

static struct dataset *under(int duplicates, struct arena *arena)
{
    return imported("tsv", again(), &(struct import_options){.duplicates = duplicates}, arena);
}

/* The rows of item a, as "value@time#row ...". */
static const char *rows_of_a(const struct dataset *d, struct arena *arena)
{
    const char *text = "";
    for (uint64_t r = 0; r < d->interactions.n; r++)
        if (strings_equal(&d->item_ids, d->interactions.item[r], "a"))
            text = arena_printf(arena, "%s%s%g@%lld#%llu", text, *text != '\0' ? " " : "",
                                (double)d->interactions.value[r], (long long)d->interactions.time[r],
                                (unsigned long long)d->interactions.source_row[r]);
    return text;
}

static void duplicates(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = under(DUPLICATES_ALL, arena);
    assert_string_equal(rows_of_a(d, arena), "3@1#2 4@3#3 2@5#0");
    assert_string_equal(policy(d, "duplicates"), "all kept; a split keeps the last");
    says(d, "duplicate_pairs", 2);
    d = under(DUPLICATES_LAST, arena);
    assert_string_equal(rows_of_a(d, arena), "2@5#0"); /* last by time, not by row */
    says(d, "duplicate_pairs", 2);
    assert_int_equal(d->interactions.n, 2);
    assert_string_equal(rows_of_a(under(DUPLICATES_FIRST, arena), arena), "3@1#2");
    d = under(DUPLICATES_SUM, arena);
    assert_string_equal(rows_of_a(d, arena), "9@5#0");
    assert_string_equal(policy(d, "duplicates"), "values are added, at the time of the last");
    refused("tsv", again(), &(struct import_options){.duplicates = DUPLICATES_ERROR},
            "user 'u' has item 'a' twice", "in rows 3 and 4");
    arena_free(arena);
}

/* Of two users with the same items none is a duplicate. */
static void users_do_not_share_duplicates(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("tsv", write_file("two.tsv", "u\ta\nv\ta\nu\tb\nv\tb\n"),
                                 &(struct import_options){.duplicates = DUPLICATES_ERROR}, arena);
    assert_int_equal(d->interactions.n, 4);
    arena_free(arena);
}

static void ratings_out_of_range(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = write_file("range.tsv", "u\ta\t0\nu\tb\t5\nv\ta\t9\nv\tb\t1\n");
    struct import_options options = {.has_scale = true, .scale_low = 1, .scale_high = 5};
    refused("tsv", path, &options, "row 1 of the interactions (from 1): found a rating of 0",
            "expected 1 to 5");
    options.out_of_range = OUT_OF_RANGE_SKIP;
    struct dataset *d = imported("tsv", path, &options, arena);
    assert_int_equal(d->interactions.n, 2);
    assert_int_equal(d->interactions.source_row[1], 3); /* the source's numbering stays */
    says(d, "ratings_out_of_range", 2);
    assert_string_equal(policy(d, "rating_scale"), "1 to 5; ratings outside: skipped");
    options.out_of_range = OUT_OF_RANGE_CLIP;
    d = imported("tsv", path, &options, arena);
    assert_int_equal(d->interactions.n, 4);
    assert_true(d->interactions.value[0] == 1 && d->interactions.value[2] == 5);
    says(d, "ratings_out_of_range", 2);
    /* without a scale nothing is out of range, and nothing is said of one */
    d = imported("tsv", path, NULL, arena);
    assert_string_equal(policy(d, "rating_scale"), "");
    /* a format with a scale of its own keeps its place in the message, and the policy holds for it too */
    path = write_file("reviews.json",
                      "{\"reviewerID\": \"u\", \"asin\": \"a\", \"overall\": 7, \"unixReviewTime\": 1}\n"
                      "{\"reviewerID\": \"v\", \"asin\": \"a\", \"overall\": 4, \"unixReviewTime\": 1}\n");
    refused("amazon", path, NULL, "reviews.json:1", "'overall' is 7, expected a rating from 0 to 5");
    d = imported("amazon", path, &(struct import_options){.out_of_range = OUT_OF_RANGE_SKIP}, arena);
    assert_int_equal(d->interactions.n, 1);
    says(d, "ratings_out_of_range", 1);
    arena_free(arena);
}

static void missing_times(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = write_file("times.tsv", "u\ta\t3\t10\nu\tb\t5\t\nv\ta\t4\t30\n");
    refused("tsv", path, NULL, "times.tsv:2:", "expected a time in seconds since 1970");
    struct dataset *d =
        imported("tsv", path, &(struct import_options){.missing_times = MISSING_TIMES_SKIP}, arena);
    assert_int_equal(d->interactions.n, 2);
    assert_int_equal(d->interactions.time[1], 30);
    says(d, "rows_without_time", 1);
    assert_string_equal(policy(d, "missing_times"), "the row is skipped");
    d = imported("tsv", path, &(struct import_options){.missing_times = MISSING_TIMES_NONE}, arena);
    assert_int_equal(d->interactions.n, 3);
    assert_null(d->interactions.time);
    says(d, "rows_without_time", 1);
    path = write_file("reviews.json",
                      "{\"reviewerID\": \"u\", \"asin\": \"a\", \"overall\": 5, \"reviewText\": \"Good\"}\n"
                      "{\"reviewerID\": \"v\", \"asin\": \"a\", \"overall\": 4, \"unixReviewTime\": 7, "
                      "\"summary\": \"x\"}\n");
    refused("amazon", path, NULL, "reviews.json:2", "unlike in the reviews before");
    d = imported("amazon", path, &(struct import_options){.missing_times = MISSING_TIMES_SKIP}, arena);
    counts(d, 2, 1, 1, 2);
    assert_null(d->texts.time); /* one of the texts has none */
    arena_free(arena);
}

/* Up to --max-bad N rows are left out, and nothing of them stays; one more is an error. */
static void malformed_rows(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = write_file("bad.tsv", "u\ta\t3\nw\t\t3\nu\tb\tgood\nx\tc\nu\tb\t5\n");
    refused("tsv", path, NULL, "bad.tsv:2:", "an item id");
    refused("tsv", path, &(struct import_options){.max_bad = 2}, "bad.tsv:4:", "found 2 fields, expected 3");
    const struct dataset *d = imported("tsv", path, &(struct import_options){.max_bad = 3}, arena);
    counts(d, 1, 2, 2, 0);
    says(d, "malformed_rows_skipped", 3);
    assert_string_equal(policy(d, "malformed_rows"), "up to 3 skipped");
    path = write_file("u.data", "1\t7\t3\t5\n1\t8\tx\t5\n");
    d = imported("movielens", path, &(struct import_options){.max_bad = 1}, arena);
    says(d, "malformed_rows_skipped", 1);
    assert_int_equal(d->interactions.n, 1);
    arena_free(arena);
}

/* --columns: any names, in any place, for tsv and csv. */
static void columns_by_any_name(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = write_file("shop.csv", "when,sku,session,visitor,stars\n7,x,1,anna,4\n9,y,2,anna,5\n");
    struct import_options options = {.columns = "user=visitor,item=sku,rating=stars,time=when"};
    const struct dataset *d = imported("csv", path, &options, arena);
    counts(d, 1, 2, 2, 0);
    is_string(&d->user_ids, 0, "anna");
    is_string(&d->item_ids, 1, "y");
    assert_true(d->interactions.value[1] == 5 && d->interactions.time[1] == 9);
    says(d, "columns_not_used", 1);
    options.columns = "user=visitor,item=sku"; /* what isn't named isn't read */
    d = imported("csv", path, &options, arena);
    assert_null(d->interactions.time);
    options.columns = "user=visitors,item=sku";
    refused("csv", path, &options,
            "shop.csv:1:", "names no column 'visitors', which --columns gives as user");
    const char *const wrong[] = {"user=visitor", "user=visitor,item=", "user=visitor,item=sku,price=x", ""};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        options.columns = wrong[k];
        assert_int_equal(import_run("csv", path, &options, test_path(folder, "n.h5")), STATUS_USAGE);
    }
    options.columns = "user=visitor,item=sku";
    assert_int_equal(import_run("adjacency", path, &options, test_path(folder, "n.h5")), STATUS_USAGE);
    arena_free(arena);
}

static void parquet_is_refused_with_what_to_do(void **state)
{
    (void)state;
    refused("csv", write_file("ratings.bin", "PAR1 and then no text"), NULL, "is a Parquet file",
            "read_parquet('");
    refused("movielens", write_file("ratings.parquet", "anything"), NULL, "is a Parquet file", "to_csv(");
}

/* What the file says when nothing was declared. */
static void defaults_are_said(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *d = imported("tsv", write_file("plain.tsv", "u\ta\t3\t1\n"), NULL, arena);
    assert_string_equal(policy(d, "malformed_rows"), "an error");
    assert_string_equal(policy(d, "missing_times"), "an error");
    assert_string_equal(policy(d, "duplicates"), "all kept; a split keeps the last");
    says(d, "malformed_rows_skipped", 0);
    says(d, "rows_without_time", 0);
    says(d, "duplicate_pairs", 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(duplicates),           cmocka_unit_test(users_do_not_share_duplicates),
        cmocka_unit_test(ratings_out_of_range), cmocka_unit_test(missing_times),
        cmocka_unit_test(malformed_rows),       cmocka_unit_test(defaults_are_said),
        cmocka_unit_test(columns_by_any_name),  cmocka_unit_test(parquet_is_refused_with_what_to_do)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
