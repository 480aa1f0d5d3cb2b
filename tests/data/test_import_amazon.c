/*
 * test_import_amazon.c - the three editions on made-up lines, the Python literals, bad input with its place,
 * and the published counts of two real sets (Ni, Li, McAuley 2019; McAuley et al. 2015: SOURCE.md beside the
 * data).
 */
#include "importing.h"

#include "data/import/json.h"

static const char reviews_2018[] =
    "{\"overall\": 5.0, \"vote\": \"1,024\", \"verified\": true, \"reviewerID\": \"U1\", \"asin\": \"0007\", "
    "\"style\": {\"Size:\": \" L\"}, \"reviewText\": \"It&#39;s fine.\", \"summary\": \"Good\", "
    "\"unixReviewTime\": 1529193600, \"image\": [\"x.jpg\"]}\n"
    "{\"overall\": 2, \"reviewerID\": \"U2\", \"asin\": \"0007\", \"summary\": \"Bad\", \"unixReviewTime\": "
    "5}\r\n"
    "{\"overall\": 3.0, \"reviewerID\": \"U1\", \"asin\": \"B1\", \"reviewText\": \"caf\\u00e9 "
    "\\ud83d\\ude00\", "
    "\"summary\": null, \"unixReviewTime\": 7}\n"
    "{\"overall\": 1.0, \"reviewerID\": \"U1\", \"asin\": \"B1\", \"unixReviewTime\": 9}";

static const char meta_2018[] =
    "{\"asin\": \"0007\", \"title\": \"A \\\"box\\\"\", \"description\": [\"one\", \"\", \"two\"], "
    "\"brand\": \"Acme\", "
    "\"category\": [\"Toys\", \"Toys\", \"Boxes\"], \"rank\": [\">#1,234 in Toys (\", \">#99 in Boxes (\"], "
    "\"price\": \"$1,012.50\"}\n"
    "{\"asin\": \"nobody\", \"title\": \"Unsold\", \"rank\": \"12 in Toys (\"}\n"
    "{\"asin\": \"B1\", \"description\": [], \"rank\": \"2,000 in Toys (\", \"price\": \".a-section{}\"}\n"
    "{\"asin\": \"B1\", \"title\": \"again\"}\n";

static void edition_2018(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("e18/Toys_5.json.gz", reviews_2018);
    write_file("e18/meta_Toys.json", meta_2018);
    write_file("e18/README.md", "not read");
    struct dataset *d = imported("amazon", test_path(folder, "e18"), NULL, arena);
    counts(d, 2, 2, 4, 3);
    is_string(&d->item_ids, 0, "0007");
    assert_float_equal(d->interactions.value[0], 3, 0); /* by user, then time */
    assert_int_equal(d->interactions.time[2], 1529193600);
    is_string(&d->texts.text, 0, "Good\nIt&#39;s fine.");
    is_string(&d->texts.text, 1, "Bad");
    is_string(&d->texts.text, 2, "caf\xc3\xa9 \xf0\x9f\x98\x80");
    assert_int_equal(d->texts.kind[0], TEXT_REVIEW);
    says(d, "reviews_without_text", 1);
    says(d, "duplicate_pairs", 1);
    says(d, "products_without_review_left_out", 1);
    says(d, "products_described_again", 1);
    says(d, "prices_not_understood", 1);
    says(d, "items_without_columns", 0);
    is_string(&item_column(d, "title")->text, 0, "A \"box\"");
    is_string(&item_column(d, "title")->text, 1, "");
    is_string(&item_column(d, "description")->text, 0, "one\ntwo");
    is_string(&item_column(d, "brand")->text, 0, "Acme");
    assert_string_equal(list_of(item_column(d, "categories"), 0), "Toys,Boxes");
    assert_float_equal(item_column(d, "price")->number[0], 1012.5f, 0);
    assert_true(isnan(item_column(d, "price")->number[1]));
    assert_float_equal(item_column(d, "rank")->number[0], 99, 0);
    assert_float_equal(item_column(d, "rank")->number[1], 2000, 0);
    arena_free(arena);
}

static void edition_2014(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *reviews = write_file(
        "reviews_Toys.json",
        "{\"reviewerID\": \"U1\", \"asin\": \"0007\", \"helpful\": [0, 1], \"reviewText\": "
        "\"x\", \"overall\": 4.0, \"unixReviewTime\": 10}\n"
        "{\"reviewerID\": \"U1\", \"asin\": \"0008\", \"overall\": 4.0, \"unixReviewTime\": 11}\n");
    const char *meta = write_file(
        "products.json",
        "{'asin': '0007', 'salesRank': {'Toys': 70, 'Games': 8}, 'imUrl': 'http://x/', 'categories': "
        "[['Toys', 'Boxes'], ['Toys']], 'title': \"it's \\\"here\\\"\", 'price': 3.5, 'description': "
        "'caf\\xe9 \\xc3\\xa9 \\\\ \\u4e2d', 'related': {'also_bought': ['B1']}, 'x': None, 'y': True}\n"
        "{'asin': '0008', 'title': u'two', 'price': 1e-05}\n");
    struct dataset *d = imported("amazon", reviews, &(struct import_options){.meta = meta}, arena);
    counts(d, 1, 2, 2, 1);
    says(d, "metadata_lines_in_python", 2);
    is_string(&item_column(d, "title")->text, 0, "it's \"here\"");
    is_string(&item_column(d, "title")->text, 1, "two");
    is_string(&item_column(d, "description")->text, 0, "caf\xc3\xa9 \xc3\xa9 \\ \xe4\xb8\xad");
    assert_string_equal(list_of(item_column(d, "categories"), 0), "Toys,Boxes");
    assert_string_equal(list_of(item_column(d, "also_bought"), 0), "B1");
    assert_float_equal(item_column(d, "rank")->number[0], 8, 0);
    assert_float_equal(item_column(d, "price")->number[0], 3.5f, 0);
    assert_float_equal(item_column(d, "price")->number[1], 1e-5f, 0);
    arena_free(arena);
}

static void edition_2023(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("e23/Toys.jsonl.gz",
               "{\"rating\": 5.0, \"title\": \"Top\", \"text\": \"Yes\", \"images\": [], \"asin\": "
               "\"B1\", \"parent_asin\": \"P1\", \"user_id\": \"U1\", \"timestamp\": 1588687728923, "
               "\"helpful_vote\": 0, \"verified_purchase\": true}\n");
    write_file(
        "e23/meta_Toys.jsonl.gz",
        "{\"main_category\": \"Toys\", \"title\": \"Parent\", \"average_rating\": 4.8, \"features\": [], "
        "\"description\": [\"d\"], \"price\": \"from 14.99\", \"store\": \"Shop\", \"categories\": [], "
        "\"parent_asin\": \"P1\"}\n");
    struct dataset *d = imported("amazon", test_path(folder, "e23"), NULL, arena);
    counts(d, 1, 1, 1, 1);
    is_string(&d->item_ids, 0, "P1");
    assert_int_equal(d->interactions.time[0], 1588687728);
    is_string(&d->texts.text, 0, "Top\nYes");
    is_string(&item_column(d, "brand")->text, 0, "Shop");
    assert_float_equal(item_column(d, "price")->number[0], 14.99f, 0);
    says(d, "times_in_milliseconds", 1);
    /* The 5-core csv of 2023. */
    d = imported("amazon",
                 write_file("5core.csv", "user_id,parent_asin,rating,timestamp\nU1,P1,5.0,1588687728923\n"),
                 NULL, arena);
    counts(d, 1, 1, 1, 0);
    assert_int_equal(d->interactions.time[0], 1588687728);
    arena_free(arena);
}

static void csv_files(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported(
        "amazon",
        write_file(
            "k.csv",
            "reviewerID,asin,reviewerName,helpful,reviewText,overall,summary,unixReviewTime,reviewTime\r\n"
            "U1,0012345678,\"a \"\"b\"\"\",\"[0, 0]\",\"one, two\",5.0,good,1393545600,\"02 28, 2014\"\r\n"
            "U2,0012345678,,\"[0, 0]\",,1.0,bad,1393545600,\"02 28, 2014\"\r\n"),
        NULL, arena);
    counts(d, 2, 1, 2, 2);
    is_string(&d->texts.text, 0, "good\none, two");
    is_string(&d->texts.text, 1, "bad");
    /* Ratings only: 2014 has the user first, 2018 the item. */
    d = imported("amazon",
                 write_file("r14.csv", "ABCDEFGHIJ,0123456789,3.0,5\nA1YJEY40YUW4SE,B004756YJA,5.0,6\n"),
                 NULL, arena);
    is_string(&d->user_ids, 1, "A1YJEY40YUW4SE");
    d = imported("amazon",
                 write_file("r18.csv", "0123456789,ABCDEFGHIJ,3.0,5\nB004756YJA,A1YJEY40YUW4SE,5.0,6\n"),
                 NULL, arena);
    is_string(&d->user_ids, 0, "ABCDEFGHIJ");
    is_string(&d->user_ids, 1, "A1YJEY40YUW4SE");
    arena_free(arena);
}

#define GOOD "{\"overall\": 5, \"reviewerID\": \"U\", \"asin\": \"I\", \"unixReviewTime\": 1}\n"

static void bad_reviews(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {GOOD "{\"overall\": 5, \"reviewerID\": \"U\"", "b.json:2:", "near end of file"},
        {GOOD "{\"overall\": 5, \"reviewerID\": \"\\ud800\", \"asin\": \"I\"}\n",
         "b.json:2:", "invalid Unicode"},
        {GOOD "{\"overall\": 5, \"reviewerID\": \"U\", \"asin\": \"I\"} more\n",
         "b.json:2:", "end of file expected"},
        {GOOD "{\"overall\": 5, \"reviewerID\": 7, \"asin\": \"I\", \"unixReviewTime\": 1}\n",
         "b.json:2:", "is a number, expected a string"},
        {GOOD "{\"overall\": [5], \"reviewerID\": \"U\", \"asin\": \"I\", \"unixReviewTime\": 1}\n",
         "b.json:2:", "'overall' is a list, expected a number"},
        {GOOD "{\"overall\": 9, \"reviewerID\": \"U\", \"asin\": \"I\", \"unixReviewTime\": 1}\n",
         "b.json:2:", "expected a rating from 0 to 5"},
        {GOOD "{\"reviewerID\": \"U\", \"asin\": \"I\", \"unixReviewTime\": 1}\n", "b.json:2:", "is missing"},
        {GOOD "{\"overall\": 5, \"reviewerID\": \"\", \"asin\": \"I\", \"unixReviewTime\": 1}\n",
         "b.json:2:", "'reviewerID' is empty"},
        {GOOD "[1, 2]\n", "b.json:2:", "found a list, expected a JSON object"},
        {GOOD "\n" GOOD, "b.json:2:", "an empty line"},
        {GOOD "{\"overall\": 5, \"reviewerID\": \"U\", \"asin\": \"I\"}\n",
         "b.json:2:", "is missing, unlike in the reviews before"},
        {GOOD "{'overall': 5, 'asin': 'I\n", "b.json:2:24", "a string that doesn't end"},
        {GOOD "{'overall': 5, 'asin': nothing}\n", "b.json:2:24", "a word that is none of"},
        {"{}\n", "b.json:1:", "'reviewerID' is missing"},
        {"\n\n", "b.json", "holds no interaction"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused_text("amazon", "b.json", cases[i][0], cases[i][1], cases[i][2]);
    refused_text("amazon", "b.csv", "reviewerID,asin\nU,I\n", "b.csv:1:", "the header lacks a column");
    refused_text("amazon", "b.csv", "reviewerID,asin,overall\nU,I,6\n", "b.csv:2:5", "a rating from 0 to 5");
    refused_text("amazon", "b.csv", "reviewerID,asin,overall\nU,I\n", "b.csv:2",
                 "found 2 fields, expected 3");
    refused_text("amazon", "b.csv", "1234567890,1234567890,5,1\n", "b.csv", "can't be told");
    refused("amazon", test_path(folder, "missing.json"), NULL, "missing.json", "no such file");
}

static void bad_metadata(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"asin\": \"I\", \"title\": 5}\n", "'title' is a number"},
        {"{\"asin\": \"I\", \"description\": {}}\n", "'description' is an object"},
        {"{\"asin\": \"I\", \"category\": [5]}\n", "'categories' holds a number"},
        {"{\"asin\": \"I\", \"price\": []}\n", "'price' is a list"},
        {"{\"title\": \"no id\"}\n", "'asin' is missing"}};
    char reviews[4200];
    snprintf(reviews, sizeof reviews, "%s", write_file("good.json", GOOD));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        refused("amazon", reviews, &(struct import_options){.meta = write_file("m.json", cases[i][0])},
                "m.json:1", cases[i][1]);
    refused("amazon", reviews, &(struct import_options){.meta = test_path(folder, "none.json")}, "none.json",
            "no such file");
    write_file("two/a.json", GOOD);
    write_file("two/b.json", GOOD);
    refused("amazon", test_path(folder, "two"), NULL, "a.json, b.json", "--reviews");
    write_file("empty/readme.txt", "x");
    refused("amazon", test_path(folder, "empty"), NULL, "empty", "no file of reviews");
}

static void skipped_rows(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = write_file("s.json", "{\"overall\": 5\n" GOOD "{\"overall\": \"x\"}\n");
    struct dataset *d = imported("amazon", path, &(struct import_options){.max_bad = 2}, arena);
    counts(d, 1, 1, 1, 0);
    says(d, "malformed_rows_skipped", 2);
    refused("amazon", path, &(struct import_options){.max_bad = 1}, "s.json:3:", "'reviewerID' is missing");
    assert_int_equal(
        import_run("adjacency", path, &(struct import_options){.max_bad = 1}, test_path(folder, "n.h5")),
        STATUS_USAGE);
    assert_int_equal(
        import_run("tsv", path, &(struct import_options){.meta = "x"}, test_path(folder, "n.h5")),
        STATUS_USAGE);
    arena_free(arena);
}

static void python_literals(void **state)
{
    (void)state;
    /* What eval() of Python 3 gives, written by json.dumps(). */
    static const char *const cases[][2] = {
        {"{'a': u'\\'', \"b\": '\"'}", "{\"a\": \"'\", \"b\": \"\\u0022\"}"},
        {"['\\n\\t\\x41\\101\\q']", "[\"\\u000a\\u0009\\u0041\\u0041\\u005cq\"]"},
        {"{'x': '\\U0001f600'}", "{\"x\": \"\\ud83d\\ude00\"}"},
        {"[True, False, None, -1.5e-3]", "[true, false, null, -1.5e-3]"}};
    char *json = NULL;
    const char *why;
    size_t allocated = 0, length, bad;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(python_to_json(cases[i][0], strlen(cases[i][0]), &json, &allocated, &length, &bad, &why));
        assert_null(why);
        json_t *ours = json_loadb(json, length, JSON_DECODE_ANY, NULL);
        json_t *expected = json_loads(cases[i][1], JSON_DECODE_ANY, NULL);
        if (ours == NULL || !json_equal(ours, expected))
            fail_msg("%s became %.*s", cases[i][0], (int)length, json);
        json_decref(ours);
        json_decref(expected);
    }
    free(json);
}

static void real_gift_cards(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("amazon", real("amazon-gift-cards-5", "Gift_Cards_5.json.gz"), NULL, arena);
    counts(d, 458, 148, 2972, 2972);
    says(d, "duplicate_pairs", 7);
    says(d, "products_without_review_left_out", 1547 - 148);
    says(d, "items_without_columns", 0);
    const struct column *title = item_column(d, "title");
    for (uint32_t i = 0; i < d->n_items; i++)
        assert_true(strings_length(&title->text, i) > 0);
    assert_true(item_column(d, "also_bought")->list.nnz > 0 && item_column(d, "also_viewed")->list.nnz > 0);
    arena_free(arena);
}

static void real_musical_instruments(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *source = real("amazon-musical-instruments-5", "Musical_instruments_reviews.csv.gz");
    struct dataset *d = imported("amazon", source, NULL, arena);
    counts(d, 1429, 900, 10261, 10261);
    says(d, "duplicate_pairs", 0);
    uint32_t n_digits = 0, of_user[1429] = {0}, of_item[900] = {0};
    for (uint64_t r = 0; r < d->interactions.n; r++) {
        const uint32_t item = d->interactions.item[r];
        n_digits += strspn(strings_at(&d->item_ids, item), "0123456789") >= 10;
        of_user[d->interactions.user[r]]++;
        of_item[item]++;
    }
    assert_int_equal(n_digits, 5);
    for (size_t i = 0; i < 1429; i++)
        assert_true(of_user[i] >= 5);
    for (size_t i = 0; i < 900; i++)
        assert_true(of_item[i] >= 5);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(edition_2018),    cmocka_unit_test(edition_2014),
        cmocka_unit_test(edition_2023),    cmocka_unit_test(csv_files),
        cmocka_unit_test(bad_reviews),     cmocka_unit_test(bad_metadata),
        cmocka_unit_test(skipped_rows),    cmocka_unit_test(python_literals),
        cmocka_unit_test(real_gift_cards), cmocka_unit_test(real_musical_instruments),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
