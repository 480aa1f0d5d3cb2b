/*
 * test_import_s3rec.c - sequences and attributes of S3-Rec: made-up files, bad input, and the published
 * counts of Amazon Beauty (Zhou et al. 2020: 22,363 users, 12,101 items, 198,502 interactions).
 */
#include "importing.h"

static void whole_folder(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("s/toy.txt", "1 10 12 10\n2 12\n");
    write_file("s/toy_item2attributes.json.gz",
               "{\"10\": [1, 2, 1],\n \"12\": [], \"99\": [4],\n \"x\": [\"a\"]}\n\n");
    struct dataset *d = imported("s3rec", test_path(folder, "s"), NULL, arena);
    counts(d, 2, 2, 4, 0);
    assert_string_equal(list_of(item_column(d, "attributes"), 0), "1,2");
    assert_string_equal(list_of(item_column(d, "attributes"), 1), "");
    says(d, "items_without_interaction_left_out", 2);
    says(d, "duplicate_pairs", 1);
    d = imported("s3rec", test_path(folder, "s/toy.txt"), NULL, arena);
    assert_int_equal(d->n_item_columns, 1);
    arena_free(arena);
}

static void bad_files(void **state)
{
    (void)state;
    const char *at = lasting_path("b");
    static const char *const cases[][3] = {
        {"{\"10\": [1,\n 2", "toy_item2attributes.json:2:", "not JSON"},
        {"{\"10\": [\"\\udc00\"]}", "toy_item2attributes.json:1:", "invalid Unicode"},
        {"{\"10\": [1]} {}", "toy_item2attributes.json:1:", "end of file expected"},
        {"[1]", "toy_item2attributes.json", "found a list, expected an object"},
        {"{\"10\": 5}", "item '10'", "has a number, expected a list"},
        {"{\"10\": [1.5]}", "item '10'", "holds a number, expected attribute ids"},
        {"{\"10\": [\"\xff\"]}", "toy_item2attributes.json:1:", "unable to decode byte 0xff"},
    };
    write_file("b/toy_item2attributes.json", "{}");
    refused("s3rec", at, NULL, "b:", "no ");
    write_file("b/toy.txt", "1 10\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file("b/toy_item2attributes.json", cases[i][0]);
        refused("s3rec", at, NULL, cases[i][1], cases[i][2]);
    }
    refused("s3rec", test_path(folder, "none.txt"), NULL, "none.txt", "no such file");
    refused("s3rec", test_path(folder, "none.csv"), NULL, "none.csv", "ends in .txt");
}

/* The document is longer than the longest line that the line reader takes. */
static void long_document(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const size_t n = 300000;
    char *text = malloc(8 * n + 64), *at = text + sprintf(text, "{\"1\": [");
    for (size_t i = 0; i < n; i++)
        at += sprintf(at, "%zu,", i % 1000);
    sprintf(at, "7]}");
    write_file("l/toy_item2attributes.json", text);
    write_file("l/toy.txt", "1 1\n");
    struct dataset *d = imported("s3rec", test_path(folder, "l"), NULL, arena);
    assert_int_equal(item_column(d, "attributes")->list.nnz, 1000);
    free(text);
    arena_free(arena);
}

static void real_beauty(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char source[4300];
    snprintf(source, sizeof source, "%s/s3rec", real("amazon-beauty-5", "s3rec/Beauty.txt.gz"));
    struct dataset *d = imported("s3rec", source, NULL, arena);
    counts(d, 22363, 12101, 198502, 0);
    says(d, "duplicate_pairs", 0);
    const struct column *attributes = item_column(d, "attributes");
    assert_int_equal(attributes->names.n, 637);
    assert_float_equal((double)attributes->list.nnz / 12101, 3.72, 0.005);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_folder), cmocka_unit_test(bad_files),
                                       cmocka_unit_test(long_document), cmocka_unit_test(real_beauty)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
