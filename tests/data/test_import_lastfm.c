/*
 * test_import_lastfm.c - Last.fm 2K: made-up files, bad input, and the published counts (HetRec 2011 readme).
 */
#include "importing.h"

static void whole_folder(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("l/user_artists.dat", "userID\tartistID\tweight\r\n2\t51\t13883\r\n2\t52\t1\r\n3\t51\t7\r\n");
    write_file("l/artists.dat.gz",
               "id\tname\turl\tpictureURL\n51\tThe \"Quoted\" band\thttp://x\thttp://y\n52\tTwo\thttp://x\t\n"
               "53\tUnheard\thttp://x\n");
    write_file("l/tags.dat", "tagID\ttagValue\n1\tm\xe9tal\n2\tpop\n"); /* ISO-8859-1 */
    write_file("l/user_taggedartists.dat",
               "userID\tartistID\ttagID\tday\tmonth\tyear\n2\t52\t1\t1\t4\t2009\n"
               "2\t99\t1\t1\t4\t2009\n3\t51\t2\t1\t1\t1956\n3\t51\t8\t1\t1\t2009\n");
    write_file("l/user_friends.dat", "userID\tfriendID\n2\t3\n3\t2\n2\t77\n2\t3\n3\t3\n");
    struct dataset *d = imported("lastfm", test_path(folder, "l"), NULL, arena);
    counts(d, 2, 3, 3, 2);
    assert_null(d->interactions.time);
    assert_float_equal(d->interactions.value[0], 13883, 0);
    is_string(&item_column(d, "title")->text, 0, "The \"Quoted\" band");
    is_string(&d->texts.text, 0, "m\xc3\xa9tal");
    assert_int_equal(d->texts.time[0], 1238544000); /* date -u -d 2009-04-01 +%s */
    assert_int_equal(d->texts.time[1], -441849600); /* date -u -d 1956-01-01 +%s */
    assert_string_equal(list_of(user_column(d, "friends"), 0), "3");
    says(d, "tags_of_unknown_artists_dropped", 1);
    says(d, "tags_without_a_name_dropped", 1);
    says(d, "tags_dated_before_2002", 1);
    says(d, "friends_unknown_dropped", 1);
    says(d, "friends_selves_dropped", 1);
    says(d, "friends_repeated_dropped", 1);
    says(d, "items_without_interaction", 1);
    arena_free(arena);
}

static void bad_files(void **state)
{
    (void)state;
    refused("lastfm", test_path(folder, "nowhere"), NULL, "nowhere", "no user_artists.dat");
    const char *at = lasting_path("b");
    write_file("b/user_artists.dat", "2\t51\t5\n");
    refused("lastfm", at, NULL, "user_artists.dat:1:1", "a header line that begins with userID");
    write_file("b/user_artists.dat", "userID\tartistID\tweight\n2\t51\tmany\n");
    refused("lastfm", at, NULL, "user_artists.dat:2:6", "found 'many', expected a play count");
    write_file("b/user_artists.dat", "userID\tartistID\tweight\n2\t51\t0\n");
    refused("lastfm", at, NULL, "user_artists.dat:2:6", "above 0");
    write_file("b/user_artists.dat", "userID\tartistID\tweight\n2\t51\t5\n");
    write_file("b/tags.dat", "tagID\ttagValue\n1\ta\n1\tb\n");
    refused("lastfm", at, NULL, "tags.dat:3:1", "only once");
    write_file("b/tags.dat", "tagID\ttagValue\n1\ta\n");
    write_file("b/user_taggedartists.dat",
               "userID\tartistID\ttagID\tday\tmonth\tyear\n2\t51\t1\t4\t13\t2009\n");
    refused("lastfm", at, NULL, "user_taggedartists.dat:2:10", "a month from 1 to 12");
    write_file("b/user_taggedartists.dat", "userID\tartistID\ttagID\tday\tmonth\tyear\n");
    write_file("b/user_friends.dat", "userID\tfriendID\n2\t3\t4\n");
    refused("lastfm", at, NULL, "user_friends.dat:2", "2 parted by tabs: userID, friendID");
    write_file("b/user_friends.dat", "userID\tfriendID\n2\t\n");
    refused("lastfm", at, NULL, "user_friends.dat:2:3", "a user id");
    write_file("b/user_friends.dat", "2\t3\n");
    refused("lastfm", at, NULL, "user_friends.dat:1:1", "a header line that begins with userID");
    write_file("b/user_friends.dat", "userID\tfriendID\n2\t3\n");
    assert_int_equal(
        import_run("lastfm", at, &(struct import_options){.friends = "more.tsv"}, test_path(folder, "n.h5")),
        STATUS_DATA); /* user 3 is unknown, so there is no column yet: the file is asked for */
    write_file("b/user_artists.dat", "userID\tartistID\tweight\n2\t51\t5\n3\t51\t5\n");
    assert_int_equal(
        import_run("lastfm", at, &(struct import_options){.friends = "more.tsv"}, test_path(folder, "n.h5")),
        STATUS_USAGE);
    assert_int_equal(
        import_run("lastfm", at, &(struct import_options){.header = true}, test_path(folder, "n.h5")),
        STATUS_USAGE);
}

static void real_lastfm(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported("lastfm", real("hetrec2011-lastfm-2k", "user_artists.dat"), NULL, arena);
    counts(d, 1892, 17632, 92834, 186479 - 1538);
    says(d, "tags_of_unknown_artists_dropped", 1538); /* rows of the 390 artists in no other file */
    says(d, "tags_dated_before_2002", 5);
    says(d, "items_without_interaction", 0);
    assert_int_equal(user_column(d, "friends")->list.nnz, 25434);
    float most = 0;
    for (uint64_t i = 0; i < d->interactions.n; i++)
        most = fmaxf(most, d->interactions.value[i]);
    assert_float_equal(most, 352698, 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole_folder), cmocka_unit_test(bad_files),
                                       cmocka_unit_test(real_lastfm)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
