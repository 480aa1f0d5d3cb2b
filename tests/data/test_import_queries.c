/*
 * test_import_queries.c - the option --queries: searches with the usual names and with the publisher's, about an item and about none, what is
 * left out, files that are not as they should be.
 */
#include "importing.h"

static const char rows[] = "u1,i1,3\nu2,i1,4\nu3,i2,5\n";

static struct import_options with(const char *queries)
{
    return (struct import_options){.queries = queries};
}

static void is_query(const struct dataset *d, uint64_t k, uint32_t user, uint32_t item, const char *text)
{
    assert_int_equal(d->texts.kind[k], TEXT_QUERY);
    assert_int_equal(d->texts.user[k], user);
    assert_int_equal(d->texts.item[k], item);
    assert_int_equal(strings_length(&d->texts.text, k), strlen(text));
    assert_memory_equal(strings_at(&d->texts.text, k), text, strlen(text));
}

static void usual_names(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("q.tsv.gz", "time\titem\tquery\tuser_id\n"
                           "5\ti2\tred shoes\tu2\n"
                           "2018-09-05\t\t电影 \"好\"\tu1\n"
                           "7\tgone\tboots\tu3\n"
                           "8\ti1\t\tu1\n"
                           "9\ti1\twho\tnobody\n");
    const struct import_options options = with(lasting_path("q.tsv.gz"));
    struct dataset *d = imported("csv", write_file("r.csv", rows), &options, arena);
    counts(d, 3, 2, 3, 3);
    is_query(d, 0, 1, 1, "red shoes");
    is_query(d, 1, 0, UINT32_MAX, "电影 \"好\"");
    is_query(d, 2, 2, UINT32_MAX, "boots");
    assert_non_null(d->texts.time);
    assert_int_equal(d->texts.time[0], 5);
    assert_int_equal(d->texts.time[1], 1536105600);
    says(d, "queries", 3);
    says(d, "queries_of_no_user_dropped", 1);
    says(d, "queries_without_text_dropped", 1);
    says(d, "queries_of_unknown_items", 1);
    arena_free(arena);
}

/* A field with a line break in quotes, columns that are not asked for, no times. */
static void names_of_the_publisher(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("LOG.CSV", "text,who,said\nold,u3,\"two\nlines\"\nolder,u1,one\n");
    const char *option = arena_printf(arena, "%s,text=said,user=who", lasting_path("LOG.CSV"));
    const struct import_options options = with(option);
    struct dataset *d = imported("csv", write_file("r.csv", rows), &options, arena);
    counts(d, 3, 2, 3, 2);
    is_query(d, 0, 2, UINT32_MAX, "two\nlines");
    is_query(d, 1, 0, UINT32_MAX, "one");
    assert_null(d->texts.time);
    arena_free(arena);
}

static void bad_files(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *source = arena_strdup(arena, write_file("r.csv", rows));
    struct import_options options = with(lasting_path("missing.csv"));
    refused("csv", source, &options, "missing.csv", "no such file");
    options = with(lasting_path("b.csv"));
    write_file("b.csv", "user,words\nu1,shoes\n");
    refused("csv", source, &options, "b.csv:1", "no column 'text' for the text of a query");
    write_file("b.csv", "user,text\nu1,shoes\nu2\n");
    refused("csv", source, &options, "b.csv:3", "found 1 field, expected 2");
    write_file("b.csv", "user,text\n,shoes\n");
    refused("csv", source, &options, "b.csv:2", "a user id");
    write_file("b.csv", "user,text,time\nu1,shoes,noon\n");
    refused("csv", source, &options, "b.csv:2", "a date like 2018-09-05");
    options.max_bad = 1;
    write_file("b.csv", "user,text,time\nu1,shoes,noon\nu2,hats,4\n");
    says(imported("csv", source, &options, arena), "malformed_rows_skipped", 1);
    options = with(arena_printf(arena, "%s,user=user,text=text,item=thing", lasting_path("b.csv")));
    refused("csv", source, &options, "b.csv:1", "no column 'thing' for the item of a query");
    arena_free(arena);
}

static void bad_options(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *source = arena_strdup(arena, write_file("r.csv", rows));
    static const char *const columns[] = {"user=who", "text=said",
                                          "user=who,text=", "user=who,text=said,stars=x", "both"};
    write_file("log.csv", "who,said\nu1,one\n");
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
        const struct import_options options =
            with(arena_printf(arena, "%s,%s", lasting_path("log.csv"), columns[k]));
        assert_int_equal(import_run("csv", source, &options, arena_printf(arena, "%s/never.h5", folder)),
                         STATUS_USAGE);
        assert_non_null(strstr(status_sentence(), columns[k]));
        assert_non_null(strstr(status_sentence(), "user=NAME,text=NAME"));
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(usual_names),
                                       cmocka_unit_test(names_of_the_publisher), cmocka_unit_test(bad_files),
                                       cmocka_unit_test(bad_options)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
