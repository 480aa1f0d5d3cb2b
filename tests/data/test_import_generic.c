/*
 * test_import_generic.c - what the common formats take beside rows: attributes of items from a JSON object, by item id or by a column;
 * a folder of LightGCN's files; SVMlight's query numbers and comments; columns of any name.
 */
#include "importing.h"

#include <math.h>

#include "data/split.h"

static void attributes_by_item_id(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *rows = write_file("a.csv", "u1,i1,3\nu1,i2,4\n");
    const struct import_options options = {
        .attributes = write_file("a.json", "{\"i2\": [7, \"red\"], \"i1\": [], \"i9\": [1]}")};
    struct dataset *d = imported("csv", rows, &options, arena);
    counts(d, 1, 2, 2, 0);
    assert_string_equal(list_of(item_column(d, "attributes"), 0), "");
    assert_string_equal(list_of(item_column(d, "attributes"), 1), "7,red");
    says(d, "items_without_interaction_left_out", 1);
    says(d, "items_without_columns", 0);
    arena_free(arena);
}

static void kinds_of_columns(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *rows = write_file("k.csv", "u1,i1,3\nu1,i2,4\n");
    struct import_options options = {
        .items = write_file("ki.csv", "item,title,price,genres\ni1,One,9.5,Drama|Comedy\ni2,Two,,Comedy\n"),
        .item_kinds = "price=number,genres=list"};
    struct dataset *d = imported("csv", rows, &options, arena);
    assert_int_equal(item_column(d, "title")->kind, COLUMN_TEXT);
    assert_float_equal(item_column(d, "price")->number[0], 9.5, 0);
    assert_true(isnan(item_column(d, "price")->number[1]));
    assert_string_equal(list_of(item_column(d, "genres"), 0), "Drama,Comedy");
    assert_string_equal(list_of(item_column(d, "genres"), 1), "Comedy");
    static const char *const bad[] = {"price=nummer", "cost=number", "item=number",
                                      "price=number,price=list"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        options.item_kinds = bad[i];
        assert_int_equal(import_run("csv", rows, &options, test_path(folder, "x.h5")), STATUS_USAGE);
    }
    options.item_kinds = "title=number";
    refused("csv", rows, &options, "found 'One'", "a number");
    arena_free(arena);
}

static void texts_of_items(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char option[4300];
    const char *texts[] = {option};
    const char *rows = write_file("t.csv", "u1,i1,3\nu1,i2,4\n");
    const struct import_options options = {.item_texts = texts, .n_item_texts = 1};
    write_file("t.json", "{\"i2\": \"A \\\"film\\\"\", \"i9\": \"none\", \"i1\": \"\"}");
    snprintf(option, sizeof option, "plot=%s", lasting_path("t.json"));
    struct dataset *d = imported("csv", rows, &options, arena);
    is_string(&item_column(d, "plot")->text, 1, "A \"film\"");
    is_string(&item_column(d, "plot")->text, 0, "");
    says(d, "plot_of_no_item", 1);
    says(d, "items_without_plot", 0);
    write_file("t.json", "{\"i2\": 3}");
    refused("csv", rows, &options, "'i2'", "expected a text");
    write_file("t.json", "{\"j2\": \"A film\"}");
    refused("csv", rows, &options, "none of its 1 keys", "publisher");
    snprintf(option, sizeof option, "=%s", lasting_path("t.json"));
    assert_int_equal(import_run("csv", rows, &options, test_path(folder, "x.h5")), STATUS_USAGE);
    arena_free(arena);
}

/* The file counts items from 1; a column of --items says which is which. */
static void attributes_by_column(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char argument[4300];
    const char *rows = write_file("c.txt", "u B7 A1\nv A1\n");
    write_file("c.json.gz", "{\"1\": [5], \"2\": [6, 5], \"3\": [8]}");
    snprintf(argument, sizeof argument, "%s,number", lasting_path("c.json.gz"));
    struct import_options options = {
        .attributes = argument, .items = write_file("c.csv", "asin,number\nA1,1\nB7,2\n"), .item_id = "asin"};
    struct dataset *d = imported("adjacency", rows, &options, arena);
    is_string(&d->item_ids, 0, "B7");
    assert_string_equal(list_of(item_column(d, "attributes"), 0),
                        "5,6"); /* rising by their order of appearance */
    assert_string_equal(list_of(item_column(d, "attributes"), 1), "5");
    says(d, "items_without_interaction_left_out", 1);
    snprintf(argument, sizeof argument, "%s,nummer", lasting_path("c.json.gz"));
    refused("adjacency", rows, &options, "no text column 'nummer'", "--attributes");
    snprintf(argument, sizeof argument, "%s,number", lasting_path("c.json.gz"));
    options.items = write_file("d.csv", "asin,number\nA1,1\nB7,1\n");
    refused("adjacency", rows, &options, "'1' stands twice", "'number'");
    options.attributes = write_file("e.json", "[1]");
    refused("adjacency", rows, &options, "found a list", "{item: [attribute");
    options.items = NULL;
    assert_int_equal(import_run("recbole", rows, &options, test_path(folder, "x.h5")), STATUS_USAGE);
    arena_free(arena);
}

static void folder_of_a_split(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("g/train.txt", "0 1 2 3\n1 2\n2\n");
    write_file("g/test.txt.gz", "0 4\n1 1\n");
    const char *source = lasting_path("g");
    struct dataset *d = imported("adjacency", source, NULL, arena);
    counts(d, 3, 4, 6, 0);
    says(d, "rows_of_train", 4);
    says(d, "rows_of_test", 2);
    says(d, "users_without_items", 1);
    write_file("g/val.txt", "2 1\n");
    d = imported("adjacency", source, NULL, arena);
    counts(d, 3, 4, 7, 0);
    says(d, "rows_of_valid", 1);
    write_file("h/test.txt", "0 4\n");
    refused("adjacency", lasting_path("h"), NULL, "is a folder without train.txt", "test.txt");
    arena_free(arena);
}

static void svmlight(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported(
        "libfm", write_file("x.svm", "5 qid:3 1:1 7:1 9:0.5 # a comment\n-1.5 2:1 7:1\n"), NULL, arena);
    counts(d, 2, 1, 2, 0);
    is_string(&d->user_ids, 1, "2");
    assert_float_equal(d->interactions.value[1], -1.5, 0);
    says(d, "query_numbers_left_out", 1);
    says(d, "context_features_left_out", 1);
    refused_text("libfm", "y.svm", "5 qid:3\n", "y.svm:1", "at least 2");
    arena_free(arena);
}

static void columns_of_any_name(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct import_options options = {.columns = "user=visitor,item=sku,rating=stars,time=when"};
    struct dataset *d = imported(
        "csv",
        write_file("m.csv",
                   "when,visitor,note,sku,stars\n100,\"a, b\",x,s1,4.5\n90,\"a, b\",\"y\"\"\",s2,2\n"),
        &options, arena);
    counts(d, 1, 2, 2, 0);
    is_string(&d->user_ids, 0, "a, b");
    is_string(&d->item_ids, 0, "s1");
    assert_int_equal(d->interactions.time[0], 90); /* sorted by time */
    assert_float_equal(d->interactions.value[1], 4.5, 0);
    says(d, "columns_not_used", 1);
    arena_free(arena);
}

/* The files of CoLLM's split have no header, five columns, and a folder. */
static void columns_by_number(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("k/train.tsv.gz", "4\t96\t1\t1040544350\t1\n4\t97\t0\t1040544351\t1\n");
    write_file("k/valid.tsv", "5\t96\t1\t1040544352\t0\n");
    write_file("k/test.tsv", "5\t98\t0\t1040544353\t0\n");
    struct import_options options = {.columns = "user=1,item=2,rating=3,time=4"};
    struct dataset *d = imported("tsv", lasting_path("k"), &options, arena);
    counts(d, 2, 3, 4, 0);
    says(d, "rows_of_train", 2);
    says(d, "rows_of_valid", 1);
    says(d, "rows_of_test", 1);
    says(d, "columns_not_used", 1);
    assert_int_equal(d->interactions.time[3], 1040544353);
    options.columns = "user=1,item=2,time=6";
    refused("tsv", lasting_path("k"), &options, "train.tsv.gz:1", "found 5 fields, expected at least 6");
    options.columns = "user=1,item=2";
    options.header = true;
    assert_int_equal(import_run("tsv", lasting_path("k"), &options, test_path(folder, "x.h5")), STATUS_USAGE);
    refused("csv", lasting_path("k"), NULL, "k:", "is a folder without train.csv");
    arena_free(arena);
}

/* The counts of ../shared/data/movielens-1m/SOURCE.md's files: 33,891 + 10,401 + 7,331 rows. */
static void real_collm(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char path[4300], items[4400];
    snprintf(path, sizeof path, "%s/split-collm", real("movielens-1m", "split-collm/train.tsv.gz"));
    const struct import_options options = {.columns = "user=1,item=2,rating=3,time=4"};
    struct dataset *d = imported("tsv", path, &options, arena);
    says(d, "rows_of_train", 33891);
    says(d, "rows_of_valid", 10401);
    says(d, "rows_of_test", 7331);
    assert_non_null(d->interactions.time);
    struct import_options with_titles = options;
    snprintf(items, sizeof items, "%s/items.tsv", path);
    with_titles.items = items;
    with_titles.item_columns = "item,title";
    d = imported("tsv", path, &with_titles, arena);
    for (uint32_t i = 0; i < d->n_items; i++)
        if (strings_equal(&d->item_ids, i, "1"))
            is_string(&item_column(d, "title")->text, i, "Shawshank Redemption, The (1994)");
    struct node *node;
    struct split split;
    struct fold *fold;
    size_t n;
    const char *yaml = arena_printf(arena,
                                    "{kind: given, train: %s/train.tsv.gz, valid: %s/valid.tsv.gz, test: "
                                    "%s/test.tsv.gz, more_fields: ignore}",
                                    path, path, path);
    assert_ok(node_parse("t", yaml, strlen(yaml), arena, &node));
    assert_ok(split_parse(node, arena, &split));
    assert_ok(split_apply(&split, d, &d->interactions, arena, &fold, &n));
    assert_int_equal(fold->train.n, 33891);
    assert_int_equal(fold->valid.n, 10401);
    assert_int_equal(fold->test.n, 7331);
    assert_non_null(fold->test.time);
    with_titles.item_columns = "item";
    refused("tsv", path, &with_titles, "items.tsv:1", "found 2 fields, expected 1 as --item-columns");
    arena_free(arena);
}

/* The recipe's: items under the publisher's ids, attributes under those of S3-Rec. */
static void real_beauty(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char sequences[4300], items[4300], attributes[4300];
    const char *place = real("amazon-beauty-5", "s3rec/Beauty_item2attributes.json.gz");
    snprintf(sequences, sizeof sequences, "%s/user_sequence.txt.gz", place);
    snprintf(items, sizeof items, "%s/items.csv.gz", place);
    snprintf(attributes, sizeof attributes, "%s/s3rec/Beauty_item2attributes.json.gz,s3rec_id", place);
    const struct import_options options = {.items = items, .item_id = "asin", .attributes = attributes};
    struct dataset *d = imported("adjacency", sequences, &options, arena);
    counts(d, 22363, 12101, 198502, 0);
    says(d, "duplicate_pairs", 0); /* no user has an item twice */
    const struct column *column = item_column(d, "attributes"), *title = item_column(d, "title"),
                        *textual = item_column(d, "idgenrec_textual_id");
    assert_int_equal(column->names.n, 637);
    assert_float_equal((double)column->list.nnz / 12101, 3.72, 0.005);
    uint32_t n_titles = 0, n_textual = 0, n_digits = 0, n_entities = 0,
             *of_user = arena_alloc(arena, d->n_users, 4);
    for (uint32_t i = 0; i < d->n_items; i++) {
        char *text = strings_copy(&title->text, i, arena), *at = text;
        n_titles += text[0] != '\0';
        n_textual += strings_length(&textual->text, i) > 0;
        n_digits +=
            strspn(strings_copy(&d->item_ids, i, arena), "0123456789") == strings_length(&d->item_ids, i);
        bool entity = false; /* &amp; and the like */
        while ((at = strchr(at, '&')) != NULL) {
            at++;
            const size_t name = strspn(at, "#0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
            entity = entity || (name > 1 && at[name] == ';');
        }
        n_entities += entity;
    }
    assert_int_equal(n_titles, 12094);
    assert_int_equal(n_textual, 12100);
    assert_int_equal(n_entities, 97);
    assert_true(n_digits > 0);
    for (uint64_t r = 0; r < d->interactions.n; r++)
        of_user[d->interactions.user[r]]++;
    for (uint32_t u = 0; u < d->n_users; u++)
        assert_true(of_user[u] >= 5);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(attributes_by_item_id),
                                       cmocka_unit_test(kinds_of_columns),
                                       cmocka_unit_test(texts_of_items),
                                       cmocka_unit_test(attributes_by_column),
                                       cmocka_unit_test(folder_of_a_split),
                                       cmocka_unit_test(svmlight),
                                       cmocka_unit_test(columns_of_any_name),
                                       cmocka_unit_test(columns_by_number),
                                       cmocka_unit_test(real_collm),
                                       cmocka_unit_test(real_beauty)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
