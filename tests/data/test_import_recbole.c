/*
 * test_import_recbole.c - RecBole's atomic files and LibFM rows on made-up files, and bad input of both.
 */
#include "importing.h"

static void atomic_files(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("r/toy.inter.gz", "user_id:token\titem_id:token\trating:float\ttimestamp:float\tx:float\n"
                                 "u1\t007\t4\t978300760.0\t1\nu2\t007\t3.5\t1.5\t2\n");
    write_file("r/toy.item",
               "item_id:token\tmovie_title:token_seq\tclass:token_seq\tyear:float\tcode:token\tv:float_seq\n"
               "007\tA film, \"quoted\"\tDrama Crime\t1999\tX-1\t0.1 0.2\n"
               "8\tNobody\tDrama\t\t\t\n");
    write_file("r/toy.user", "user_id:token\tage:float\nu2\t\nu1\t24\nu9\t3\n");
    struct dataset *d = imported("recbole", test_path(folder, "r"), NULL, arena);
    counts(d, 2, 1, 2, 0);
    assert_int_equal(d->interactions.time[0], 978300760);
    assert_int_equal(d->interactions.time[1], 1);
    assert_float_equal(d->interactions.value[1], 3.5, 0);
    is_string(&item_column(d, "movie_title")->text, 0, "A film, \"quoted\"");
    is_string(&item_column(d, "code")->text, 0, "X-1");
    assert_string_equal(list_of(item_column(d, "class"), 0), "Drama,Crime");
    assert_float_equal(item_column(d, "year")->number[0], 1999, 0);
    const struct feature *v = dataset_feature(d, "v");
    assert_true(v != NULL && v->width == 2 && v->value[0] == 0.1f && v->value[1] == 0.2f && !v->from_users);
    assert_null(dataset_item_column(d, "v"));
    assert_float_equal(user_column(d, "age")->number[0], 24, 0);
    assert_true(isnan(user_column(d, "age")->number[1]));
    says(d, "columns_not_used", 1);
    says(d, "item_columns_not_used", 0);
    says(d, "items_without_interaction_left_out", 1);
    says(d, "users_without_interaction_left_out", 1);
    /* Columns in another order, no rating, no time. */
    d = imported("recbole", write_file("o.inter", "item_id:token\tuser_id:token\ni\tu\n"), NULL, arena);
    assert_null(d->interactions.time);
    is_string(&d->user_ids, 0, "u");
    arena_free(arena);
}

/* Vectors of one width are a feature, NaN where an item has none; of several widths they are left out. */
static void vectors_of_items(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("w/t.inter", "user_id:token\titem_id:token\nu\ta\nu\tb\nu\tc\n");
    write_file("w/t.item", "item_id:token\tgood:float_seq\tbad:float_seq\tnone:float_seq\n"
                           "c\t1 -2.5 3\t1\t\na\t4 5 6\t1 2\t\nb\t\t1\t\n");
    write_file("w/t.user", "user_id:token\tx:float_seq\nu\t1 2\n");
    struct dataset *d = imported("recbole", lasting_path("w"), NULL, arena);
    assert_int_equal(d->n_features, 1);
    const struct feature *good = dataset_feature(d, "good");
    assert_int_equal(good->width, 3);
    assert_float_equal(good->value[0], 4, 0);
    assert_true(isnan(good->value[3]) && isnan(good->value[5]));
    assert_float_equal(good->value[7], -2.5, 0);
    says(d, "item_columns_not_used", 2);
    says(d, "user_columns_not_used", 1);
    write_file("w/t.item", "item_id:token\tgood:float_seq\na\t4 x 6\n");
    refused("recbole", lasting_path("w"), NULL, "t.item:2:3", "numbers parted by blanks");
    arena_free(arena);
}

static void bad_atomic_files(void **state)
{
    (void)state;
    refused_text("recbole", "b.inter", "user_id\titem_id\nu\ti\n", "b.inter:1:1", "expected name:type");
    refused_text("recbole", "b.inter", "user_id:token\titem_id:number\nu\ti\n", "b.inter:1:15",
                 "expected name:type");
    refused_text("recbole", "b.inter", "user_id:token\titem:token\nu\ti\n", "b.inter:1", "names no item_id");
    refused_text("recbole", "b.inter", "user_id:token\tuser_id:token\nu\ti\n", "b.inter:1:15", "only once");
    refused_text("recbole", "b.inter", "user_id:token\titem_id:token\nu\n", "b.inter:2",
                 "found 1 field, expected 2");
    refused_text("recbole", "b.inter", "user_id:token\titem_id:token\trating:float\nu\ti\tx\n", "b.inter:2:5",
                 "expected a rating");
    refused_text("recbole", "b.inter", "user_id:token\titem_id:token\ttimestamp:float\nu\ti\t1.x\n",
                 "b.inter:2:5", "expected a time");
    refused_text("recbole", "b.txt", "x", "b.txt", "ends in .inter");
    refused("recbole", test_path(folder, "none.inter"), NULL, "none.inter", "no such file");
    write_file("c.inter", "user_id:token\titem_id:token\nu\ti\n");
    const char *at = lasting_path("c.inter");
    write_file("c.item", "item_id:token\ta/b:token\ni\tx\n");
    refused("recbole", at, NULL, "c.item:1:15", "a column's name");
    write_file("c.item", "item_id:token\ta:float\ni\tx\n");
    refused("recbole", at, NULL, "c.item:2:3", "found 'x', expected a number");
    write_file("c.item", "item_id:token\ta:float\ni\t1\ni\t2\n");
    refused("recbole", at, NULL, "c.item:3:1", "only once");
}

static void libfm_rows(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = imported(
        "libfm", write_file("r.libfm", "4 0:1 10:1\r\n-2.5 1:1 10:1.0 17:0.5 18:2 # note\n5 0:1 11:1"), NULL,
        arena);
    counts(d, 2, 2, 3, 0);
    is_string(&d->item_ids, 0, "10");
    assert_float_equal(d->interactions.value[2], -2.5, 0);
    says(d, "context_features_left_out", 2);
    refused_text("libfm", "b.fm", "4 0:1 9:1\nx 0:1 9:1\n", "b.fm:2:1", "expected a rating");
    refused_text("libfm", "b.fm", "4 0:1\n", "b.fm:1", "found 1 feature, expected at least 2");
    refused_text("libfm", "b.fm", "4 0:1 9:0.5\n", "b.fm:1:7", "expected value 1");
    refused_text("libfm", "b.fm", "4 q:1 9:1\n", "b.fm:1:3", "expected feature:value");
    refused_text("libfm", "b.fm", "4 0 9:1\n", "b.fm:1:3", "expected feature:value");
    refused_text("libfm", "b.fm", "4 0:1 9:1\n\n4 0:1 9:1\n", "b.fm:2", "an empty line");
    refused_text("libfm", "b.fm", "4 0:1 9:1\n4 9:1 3:1\n", "b.fm:2",
                 "the user in one row and the item in another");
    refused("libfm", test_path(folder, "none"), NULL, "none", "no such file");
    d = imported("libfm", write_file("s.fm", "4 0:1 9:1\nbad\n"), &(struct import_options){.max_bad = 1},
                 arena);
    says(d, "malformed_rows_skipped", 1);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(atomic_files), cmocka_unit_test(bad_atomic_files),
                                       cmocka_unit_test(vectors_of_items), cmocka_unit_test(libfm_rows)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
