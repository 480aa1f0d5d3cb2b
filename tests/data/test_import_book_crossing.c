/*
 * test_import_book_crossing.c - Book-Crossing: made-up files, bad input, and the counts of the edition
 * (SOURCE.md: its README counted the header lines).
 */
#include "importing.h"

#define BOOKS                                                                                                \
    "Book_ID\tISBN\tBook-Title\tBook-Author\tYear-Of-Publication\tPublisher\tImage-URL-S\tImage-URL-"        \
    "M\tImage-URL-L\n"

static void whole_folder(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("x/book_ratings.dat.gz",
               "user\titem\trating\n1\t11\t7.000000\n1\t12\t10.000000\n2\t13\t1.000000\n2\t14\t2\n");
    write_file("x/book_history.dat", "user\titem\taccessed\n1\t11\t1\n3\t99\t1\n");
    write_file("x/items_info.dat",
               BOOKS "11\t000X\tPlain\tAn Author\t1991\tHouse\ta\tb\tc\t\n"
                     "12\t1\tSalt &amp\t Pepper; no\tA &amp\t B\t2000\tC &amp\t D &amp\t E\ta\tb\tc\t\n"
                     "13\t2\tBook\t 1984\t Volume II\tSomeone\t0\tHouse\ta\tb\tc\t\n"
                     "14\t3\tNo tab at the end\tW\t1950\tH\ta\tb\tc\n"
                     "77\t4\tUnread\tW\t1950\tH\ta\tb\tc\t\n");
    write_file("x/users_info.dat",
               "User-ID\tLocation\tAge\n1\there, there, usa\t24\t\n2\t\t239\t\n8\tx\t1\t\n");
    struct dataset *d = imported("book-crossing", test_path(folder, "x"), NULL, arena);
    counts(d, 2, 4, 4, 0);
    assert_float_equal(d->interactions.value[1], 10, 0);
    const struct column *title = item_column(d, "title"), *author = item_column(d, "author");
    is_string(&title->text, 1, "Salt &amp; Pepper; no");
    is_string(&author->text, 1, "A &amp; B");
    is_string(&item_column(d, "publisher")->text, 1, "C &amp; D &amp; E");
    is_string(&title->text, 2, "Book; 1984; Volume II");
    is_string(&author->text, 2, "Someone");
    is_string(&title->text, 3, "No tab at the end");
    is_string(&item_column(d, "isbn")->text, 0, "000X");
    assert_float_equal(item_column(d, "year")->number[1], 2000, 0);
    assert_true(isnan(item_column(d, "year")->number[2]));
    assert_true(isnan(user_column(d, "age")->number[1]));
    is_string(&user_column(d, "location")->text, 0, "here, there, usa");
    says(d, "rows_mended_at_semicolons", 2);
    says(d, "books_without_interaction_left_out", 1);
    says(d, "users_without_interaction_left_out", 1);
    says(d, "ages_out_of_range", 1);
    says(d, "years_missing", 1);
    d = imported("book-crossing", test_path(folder, "x/book_history.dat"), NULL, arena);
    counts(d, 2, 2, 2, 0);
    assert_float_equal(d->interactions.value[0], 1, 0);
    is_string(&item_column(d, "title")->text, 0, "Plain");
    arena_free(arena);
}

static void bad_files(void **state)
{
    (void)state;
    const char *at = lasting_path("b");
    refused("book-crossing", test_path(folder, "none"), NULL, "none", "no such file");
    write_file("b/other.txt", "x");
    refused("book-crossing", at, NULL, "b:", "no book_ratings.dat");
    write_file("b/book_ratings.dat", "user\titem\trating\n1\t2\t11\n");
    refused("book-crossing", at, NULL, "book_ratings.dat:2:5", "a rating from 1 to 10");
    write_file("b/book_ratings.dat", "user\titem\trating\n1\t2\n");
    refused("book-crossing", at, NULL, "book_ratings.dat:2", "found 2 fields, expected 3");
    write_file("b/book_ratings.dat", "user\titem\trating\n1\t2\t10\n");
    write_file("b/items_info.dat", BOOKS "2\t0\tTitle\tAuthor\tmcm\tHouse\ta\tb\tc\t\n");
    refused("book-crossing", at, NULL, "items_info.dat:2", "year (a number)");
    write_file("b/items_info.dat", BOOKS "2\t0\tTitle\n");
    refused("book-crossing", at, NULL, "items_info.dat:2", "found 3 fields");
    write_file("b/items_info.dat", BOOKS);
    write_file("b/users_info.dat", "User-ID\tLocation\tAge\n1\tx\told\t\n");
    refused("book-crossing", at, NULL, "users_info.dat:2:5", "found 'old', expected an age");
}

static void real_book_crossing(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *source = real("book-crossing-core", "book_ratings.dat.gz");
    struct dataset *d = imported("book-crossing", source, NULL, arena);
    counts(d, 1295, 14684, 62656, 0);
    says(d, "rows_mended_at_semicolons", 973);
    says(d, "books_without_interaction_left_out", 17384 - 14684);
    char history[4300];
    snprintf(history, sizeof history, "%s/book_history.dat.gz", source);
    if (file_exists(history)) {
        d = imported("book-crossing", history, NULL, arena);
        counts(d, 2946, 17384, 272678, 0);
        says(d, "books_without_interaction_left_out", 0);
        says(d, "ages_out_of_range", 7);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_folder), cmocka_unit_test(bad_files),
                                       cmocka_unit_test(real_book_crossing)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
