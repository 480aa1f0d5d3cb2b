/* Book-Crossing as published: semicolons, backslashes, ISO-8859-1, zero ratings, rows that are not as they should be. */
#include "importing.h"

#include "data/import/bx.h"

#define BOOKS                                                                                                \
    "\"ISBN\";\"Book-Title\";\"Book-Author\";\"Year-Of-Publication\";\"Publisher\";\"Image-URL-S\";\"Image-" \
    "URL-M\";"                                                                                               \
    "\"Image-URL-L\"\r\n"
#define RATINGS "\"User-ID\";\"ISBN\";\"Book-Rating\"\r\n"

static void fields_are_unescaped(void **state)
{
    (void)state;
    struct field f[4];
    char one[] = "\"1\";\"a \\\"b\\\"; c\";NULL;\"\"\r\n";
    assert_int_equal(bx_fields(one, sizeof one - 1, f, 4), 4);
    assert_int_equal(f[1].length, 8);
    assert_memory_equal(f[1].at, "a \"b\"; c", 8);
    assert_int_equal(f[2].length, 0);
    assert_int_equal(f[3].length, 0);
    char many[] = "1;2;3;4;5", open[] = "\"1;2", behind[] = "\"1\"2;3", last[] = "\"1\";\"2\\";
    assert_int_equal(bx_fields(many, 9, f, 4), 0);
    assert_int_equal(bx_fields(open, 4, f, 4), 0);
    assert_int_equal(bx_fields(behind, 6, f, 4), 0);
    assert_int_equal(bx_fields(last, 7, f, 4), 0);
}

static void as_published(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("bx/BX-Book-Ratings.csv",
               RATINGS "\"276725\";\"034545104X\";\"0\"\r\n\"276726\";\"0155061224\";\"5\"\r\n\"276726\";"
                       "\"034545104X\";\"10\"\r\n");
    /* a title in ISO-8859-1; one whose closing quote is escaped; one line that happens to be valid UTF-8 */
    write_file(
        "bx/BX-Books.csv", BOOKS
        "\"034545104X\";\"Caf\xe9 &amp; \\\"Bar\\\"; 2\";\"M. Author\";\"0\";\"House\";\"a\";\"b\";\"c\"\r\n"
        "\"0155061224\";\"Readers (Level 4)\\\";Michael Someone\";\"2000\";\"DK\";\"a\";\"b\";\"c\"\r\n"
        "\"9999999999\";\"\xc3\xa9\";\"x\";\"1999\";\"y\";\"a\";\"b\";\"c\"\r\n");
    write_file("bx/BX-Users.csv",
               "\"User-ID\";\"Location\";\"Age\"\r\n\"276725\";\"tyler, texas, usa\";NULL\r\n"
               "\"276726\";\"seattle\";\"239\"\r\n\"1\";\"nowhere\";\"18\"\r\n");
    const struct dataset *d = imported("book-crossing", lasting_path("bx"), NULL, arena);
    counts(d, 2, 2, 3, 0);
    assert_true(d->interactions.value[0] == 0);
    says(d, "ratings_of_zero", 1);
    is_string(&item_column(d, "title")->text, 0, "Caf\xc3\xa9 &amp; \"Bar\"; 2");
    is_string(&item_column(d, "title")->text, 1, "Readers (Level 4)");
    is_string(&item_column(d, "author")->text, 1, "Michael Someone");
    assert_true(isnan(item_column(d, "year")->number[0]) && item_column(d, "year")->number[1] == 2000);
    says(d, "rows_divided_at_an_escaped_quote", 1);
    says(d, "books_without_interaction_left_out", 1);
    says(d, "users_without_interaction_left_out", 1);
    says(d, "ages_out_of_range", 1);
    is_string(&user_column(d, "location")->text, 0, "tyler, texas, usa");
    arena_free(arena);
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("bad/BX-Book-Ratings.csv", RATINGS "\"1\";\"2\";\"11\"\r\n");
    refused("book-crossing", lasting_path("bad"), NULL, "BX-Book-Ratings.csv:2: found '11'",
            "a rating from 0 to 10");
    write_file("bad/BX-Book-Ratings.csv", RATINGS "\"1\";\"2\"\r\n");
    refused("book-crossing", lasting_path("bad"), NULL, "BX-Book-Ratings.csv:2: found 2 fields",
            "expected 3");
    write_file("bad/BX-Book-Ratings.csv", "\"1\";\"2\";\"3\"\r\n");
    refused("book-crossing", lasting_path("bad"), NULL, "BX-Book-Ratings.csv:1", "expected User-ID");
    write_file("bad/BX-Book-Ratings.csv", RATINGS "\"1\";\"2;\"3\"\r\n\"1\";\"2\";\"3\"\r\n");
    refused("book-crossing", lasting_path("bad"), NULL, "BX-Book-Ratings.csv:2", "fields in double quotes");
    const struct dataset *d =
        imported("book-crossing", lasting_path("bad"), &(struct import_options){.max_bad = 1}, arena);
    counts(d, 1, 1, 1, 0);
    says(d, "malformed_rows_skipped", 1);
    write_file("bad/BX-Books.csv", BOOKS "\"2\";\"a\";\"b\"\r\n");
    refused("book-crossing", lasting_path("bad"), &(struct import_options){.max_bad = 1}, "BX-Books.csv:2",
            "found 3 fields, expected 8");
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fields_are_unescaped), cmocka_unit_test(as_published),
                                       cmocka_unit_test(what_is_wrong_is_told)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
