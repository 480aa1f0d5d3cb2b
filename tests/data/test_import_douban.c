/*
 * test_import_douban.c - two samples of Douban: made-up files, bad input, and the counts of SOURCE.md.
 */
#include "importing.h"

static void dmr_folder(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("d/reviews.jsonl.gz",
               "{\"user\": \"u\", \"movie\": \"1\", \"stars\": 5.0, \"date\": \"2021-03-31\", \"useful\": "
               "28, \"tags\": \"\", \"text\": \"好看\"}\n"
               "{\"user\": \"u\", \"movie\": \"2\", \"stars\": 1.0, \"date\": \"2021-03-27\", \"text\": "
               "\"\", \"tags\": \" 唯美  爱情\"}\n");
    write_file("d/movies.jsonl",
               "{\"movie\": \"1\", \"movie_name\": \"花椒之味\", \"directors\": [\"麦曦茵\"], \"genres\": "
               "[\"剧情\", \"家庭\"], \"release_times\": \"2019-09-06\", \"average_stars\": \"7.1\"}\n");
    struct dataset *d = imported("douban", test_path(folder, "d"), NULL, arena);
    counts(d, 1, 2, 2, 3);
    assert_int_equal(d->interactions.time[1], 1617148800); /* date -u -d 2021-03-31 +%s */
    assert_float_equal(d->interactions.value[0], 1, 0);
    for (uint64_t t = 0; t < 3; t++) /* in the source's order */
        assert_int_equal(d->texts.kind[t], t == 0 ? TEXT_REVIEW : TEXT_TAG);
    is_string(&d->texts.text, 0, "好看");
    is_string(&d->texts.text, 1, "唯美");
    is_string(&d->texts.text, 2, "爱情");
    is_string(&item_column(d, "title")->text, 0, "花椒之味");
    assert_string_equal(list_of(item_column(d, "genres"), 0), "剧情,家庭");
    assert_float_equal(item_column(d, "year")->number[0], 2019, 0);
    assert_float_equal(item_column(d, "score")->number[0], 7.1f, 0);
    says(d, "reviews_without_text", 1);
    says(d, "items_without_columns", 1);
    arena_free(arena);
}

#define HEAD "\"user_md5\",\"douban_id\",\"rating\",\"comment_time\",\"votes\",\"content\"\n"

static void antspider_folder(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("a/comments.csv",
               HEAD "\"u\",\"5\",\"2\",\"2018-09-05 19:42:07\",\"0\",\"one\ntwo\r\nthree\rfour \"\"x\"\"\"\n"
                    "\"v\",\"5\",\"\",\"2018-09-05 19:42:08\",\"0\",\"no stars\"\n");
    write_file("a/movies.csv.gz",
               "\"MOVIE_ID\",\"NAME\",\"DOUBAN_SCORE\",\"GENRES\",\"STORYLINE\",\"TAGS\",\"YEAR\"\n"
               "\"9\",\"片\",\"0.0\",\"剧情/爱情\",\"情节\",\"\",\"2016\"\n");
    struct dataset *d = imported("douban", test_path(folder, "a"), NULL, arena);
    counts(d, 2, 2, 1, 2);
    is_string(&d->texts.text, 0, "one\ntwo\r\nthree\rfour \"x\"");
    assert_int_equal(d->texts.time[0], 1536176527); /* date -u -d '2018-09-05 19:42:07' +%s */
    assert_string_equal(list_of(item_column(d, "genres"), 1), "剧情,爱情");
    is_string(&item_column(d, "description")->text, 1, "情节");
    assert_null(
        dataset_item_column(d, "score")); /* 0.0 is no score, and a column without values is left out */
    says(d, "ratings_missing", 1);
    says(d, "films_without_review", 1);
    arena_free(arena);
}

static void bad_files(void **state)
{
    (void)state;
    const char *at = lasting_path("b");
    write_file("b/x", "x");
    refused("douban", at, NULL, "b:", "expected one of reviews.jsonl and comments.csv");
    write_file("b/comments.csv", HEAD "\"u\",\"5\",\"6\",\"2018-09-05 19:42:07\",\"0\",\"x\"\n");
    refused("douban", at, NULL, "comments.csv:2:9", "found '6', expected a rating from 1 to 5");
    write_file("b/comments.csv", HEAD "\"u\",\"5\",\"5\",\"2018-13-05 19:42:07\",\"0\",\"x\"\n");
    refused("douban", at, NULL, "comments.csv:2:13", "expected a time like");
    write_file("b/comments.csv", HEAD "\"u\",\"5\",\"5\",\"2018-12-05 19:42:07\",\"0\",\"x\n");
    refused("douban", at, NULL, "comments.csv:2", "never closed");
    const char *other = lasting_path("c");
    write_file("c/reviews.jsonl",
               "{\"user\": \"u\", \"movie\": \"1\", \"stars\": 5.0, \"date\": \"yesterday\"}\n");
    refused("douban", other, NULL, "reviews.jsonl:1", "'date' is 'yesterday'");
    write_file("c/reviews.jsonl",
               "{\"user\": \"u\", \"movie\": 1, \"stars\": 5.0, \"date\": \"2021-03-31\"}\n");
    refused("douban", other, NULL, "reviews.jsonl:1", "'movie' is a number, expected a string");
    write_file("c/reviews.jsonl",
               "{\"user\": \"u\", \"movie\": \"1\", \"stars\": 0, \"date\": \"2021-03-31\"}\n");
    refused("douban", other, NULL, "reviews.jsonl:1", "expected 1 to 5");
}

static void real_dmr(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("douban", real("douban-dmr", "reviews.jsonl.gz"), NULL, arena);
    counts(d, 44, 983, 1583, 1223 + 2086); /* reviews, and the words of 578 lists of tags */
    says(d, "items_without_columns", 3);
    says(d, "reviews_without_text", 360); /* counted in the file: text "" in 360 of 1,583 */
    arena_free(arena);
}

static void real_antspider(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("douban", real("douban-antspider-small", "comments.csv.gz"), NULL, arena);
    counts(d, 4473, 1111, 5000 - 358, 5000);
    says(d, "ratings_missing", 358);
    says(d, "films_without_review", 1000);
    const struct column *plot = item_column(d, "description"), *tags = item_column(d, "tags");
    uint32_t n_plots = 0, n_tagged = 0;
    for (uint32_t i = 0; i < d->n_items; i++) {
        n_plots += strings_length(&plot->text, i) > 0;
        n_tagged += tags->list.ptr[i + 1] > tags->list.ptr[i];
    }
    assert_int_equal(n_plots, 1000 - 149);
    assert_int_equal(n_tagged, 1000 - 263);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dmr_folder), cmocka_unit_test(antspider_folder),
                                       cmocka_unit_test(bad_files), cmocka_unit_test(real_dmr),
                                       cmocka_unit_test(real_antspider)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
