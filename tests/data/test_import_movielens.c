/* What MovieLens has beside ratings: links, and the tag genome as a feature made from what users did. */
#include "importing.h"

static const char *set(const char *scores)
{
    write_file("ml/ratings.csv", "userId,movieId,rating,timestamp\r\n1,10,4.0,5\r\n1,30,3.5,6\r\n");
    write_file("ml/movies.csv",
               "movieId,title,genres\r\n10,A (1999),Drama\r\n20,B (2000),Drama\r\n30,C (2001),War\r\n");
    write_file("ml/links.csv", "movieId,imdbId,tmdbId\r\n10,0114709,862\r\n30,0113497,\r\n99,0000001,1\r\n");
    write_file("ml/genome-tags.csv", "tagId,tag\r\n1,007\r\n2,dark\r\n");
    write_file("ml/genome-scores.csv", scores);
    return lasting_path("ml");
}

static void links_and_genome(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *d = imported(
        "movielens", set("movieId,tagId,relevance\r\n30,1,0.25\r\n30,2,0.5\r\n10,2,0.125\r\n77,1,1\r\n"),
        NULL, arena);
    counts(d, 1, 3, 2, 0);
    is_string(&item_column(d, "imdb_id")->text, 0, "0114709"); /* the leading zero stays */
    is_string(&item_column(d, "tmdb_id")->text, 1, "");
    says(d, "links_of_unknown_movies_dropped", 1);
    const struct feature *genome = dataset_feature(d, "genome");
    assert_non_null(genome);
    assert_int_equal(genome->width, 2);
    assert_true(genome->from_users);
    assert_true(genome->value[0] == 0 && genome->value[1] == 0.125f);   /* 10: one score */
    assert_true(genome->value[2] == 0.25f && genome->value[3] == 0.5f); /* 30 */
    assert_true(isnan(genome->value[4]) && isnan(genome->value[5]));    /* 20: none */
    says(d, "feature_genome_items_missing", 1);
    says(d, "genome_scores_of_unknown_movies_dropped", 1);
    arena_free(arena);
}

static void bad_genomes(void **state)
{
    (void)state;
    refused("movielens", set("movieId,tagId,relevance\r\n30,3,0.25\r\n"), NULL,
            "genome-scores.csv:2:4: found '3'", "a tag's id of genome-tags.csv");
    refused("movielens", set("movieId,tagId,relevance\r\n30,1,high\r\n"), NULL,
            "genome-scores.csv:2:6: found 'high'", "a relevance");
    char path[4200];
    snprintf(path, sizeof path, "%s/ml/genome-tags.csv", folder);
    set("movieId,tagId,relevance\r\n30,1,1\r\n");
    assert_int_equal(unlink(path), 0);
    refused("movielens", lasting_path("ml"), NULL, "genome-scores.csv: is there without", "genome-tags.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(links_and_genome), cmocka_unit_test(bad_genomes)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
