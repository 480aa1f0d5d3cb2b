/*
 * test_import.c - every format on small files of our own, each kind of bad input with the place it is found at, and the
 * published counts of the real sets where they are at hand (datasets/NAME/raw or $RECFUSE_DATA, else ../shared/data).
 */
#include "data/import.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../test.h"
#include "base/log.h"
#include "data/import/build.h"
#include "data/import/movielens.h"
#include "data/store.h"

static char *folder;

/* A place where no import may leave a file; test_path()'s memory is used again after 8 calls. */
static const char *never(void)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/never.h5", folder);
    return path;
}

static void write_bytes(const char *path, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void write_gz(const char *path, const char *text)
{
    gzFile file = gzopen(path, "wb");
    assert_int_equal(gzwrite(file, text, (unsigned)strlen(text)), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

static struct dataset *imported(const char *format, const char *source, const struct import_options *options,
                                struct arena *arena)
{
    struct dataset *d;
    const char *out = test_path(folder, "out.h5");
    if (import_run(format, source, options, out) != STATUS_OK)
        fail_msg("%s", status_sentence());
    assert_ok(store_read(out, arena, &d));
    return d;
}

static void assert_string(const struct strings *s, uint64_t i, const char *expected)
{
    if (i >= s->n || !strings_equal(s, i, expected))
        fail_msg("string %llu is '%.*s', expected '%s'", (unsigned long long)i,
                 i < s->n ? (int)strings_length(s, i) : 0, i < s->n ? strings_at(s, i) : "", expected);
}

static const char *list_of(const struct column *column, uint32_t item)
{
    static char text[256];
    text[0] = '\0';
    for (int64_t i = column->list.ptr[item]; i < column->list.ptr[item + 1]; i++) {
        const uint32_t name = column->list.idx[i];
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%.*s", text[0] ? "," : "",
                 (int)strings_length(&column->names, name), strings_at(&column->names, name));
    }
    return text;
}

static void tsv_file(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = test_path(folder, "r.tsv");
    /* BOM, CRLF, ids that are no numbers and one beyond 2^63, no line end at the end, a pair twice. */
    test_write(path, "\xef\xbb\xbf"
                     "b\t99999999999999999999\t3.5\t20\r\n"
                     "a\tx y\t-1e1\t10\r\n"
                     "b\t007\t.5\t5\r\n"
                     "b\t7\t5\t20\r\n"
                     "b\t007\t4\t30");
    struct dataset *d = imported("tsv", path, NULL, arena);
    assert_int_equal(d->n_users, 2);
    assert_int_equal(d->n_items, 4);
    assert_string(&d->user_ids, 0, "b");
    assert_string(&d->item_ids, 0, "99999999999999999999");
    assert_string(&d->item_ids, 1, "x y");
    assert_string(&d->item_ids, 2, "007");
    assert_string(&d->item_ids, 3, "7");
    const uint64_t rows[] = {2, 0, 3, 4, 1};
    const float values[] = {0.5f, 3.5f, 5, 4, -10};
    const int64_t times[] = {5, 20, 20, 30, 10};
    assert_int_equal(d->interactions.n, 5);
    assert_memory_equal(d->interactions.source_row, rows, sizeof rows);
    assert_memory_equal(d->interactions.value, values, sizeof values);
    assert_memory_equal(d->interactions.time, times, sizeof times);
    assert_non_null(strstr(d->policies, "\"duplicate_pairs\":1"));
    assert_string_equal(d->name, "out");
    assert_string_equal(d->source, "r.tsv");
    char hex[SHA256_HEX];
    assert_ok(sha256_file(path, hex));
    assert_string_equal(d->source_sha256, hex);
    /* Two and three fields; an empty line at the end. */
    test_write(path, "u\ti\nu\tj\n\n");
    d = imported("tsv", path, &(struct import_options){.name = "called"}, arena);
    assert_int_equal(d->interactions.n, 2);
    assert_true(d->interactions.value[1] == 1);
    assert_null(d->interactions.time);
    assert_string_equal(d->name, "called");
    test_write(path, "u\ti\t2\n");
    d = imported("tsv", path, NULL, arena);
    assert_true(d->interactions.value[0] == 2);
    assert_null(d->interactions.time);
    arena_free(arena);
}

static void csv_file(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = test_path(folder, "r.csv.gz");
    write_gz(path, "comment,timestamp,ItemId,user_id,value\r\n"
                   "\"a, \"\"b\"\"\r\nc\",5,\"i,1\", u ,1.5\r\n"
                   ",6,i2, u ,2\r\n");
    struct dataset *d = imported("csv", path, &(struct import_options){.header = true}, arena);
    assert_int_equal(d->n_users, 1);
    assert_string(&d->user_ids, 0, " u "); /* blanks are kept as published */
    assert_string(&d->item_ids, 0, "i,1");
    assert_true(d->interactions.value[0] == 1.5f);
    assert_int_equal(d->interactions.time[1], 6);
    assert_non_null(strstr(d->policies, "\"columns_not_used\":1"));
    path = test_path(folder, "plain.csv");
    test_write(path, "1,2,3\n1,3,4\n");
    d = imported("csv", path, NULL, arena);
    assert_int_equal(d->n_items, 2);
    arena_free(arena);
}

static void adjacency_with_items(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = test_path(folder, "seq.txt"), *items = test_path(folder, "items.csv.gz");
    test_write(path, "u1 c a b a\nu0\nu2\tb  d\r\n");
    write_gz(items, "n,asin,title,text\n1,b,\"B, &amp; \"\"b\"\"\",x\n2,never,N,\n3,a,,y\n");
    const struct import_options options = {.items = items, .item_id = "asin"};
    struct dataset *d = imported("adjacency", path, &options, arena);
    assert_int_equal(d->n_users, 3);
    assert_int_equal(d->n_items, 5);
    assert_string(&d->user_ids, 1, "u0");
    assert_string(&d->item_ids, 4, "never"); /* without interaction: after the others */
    const uint32_t in_order[] = {0, 1, 2, 1, 2, 3};
    assert_memory_equal(d->interactions.item, in_order, sizeof in_order);
    assert_null(d->interactions.time);
    assert_true(d->interactions.value[0] == 1);
    assert_int_equal(d->n_item_columns, 3);
    const struct column *title = dataset_item_column(d, "title");
    assert_string(&title->text, 0, "");
    assert_string(&title->text, 2, "B, &amp; \"b\"");
    assert_string(&title->text, 4, "N");
    assert_null(dataset_item_column(d, "asin"));
    assert_non_null(strstr(d->policies, "\"items_without_columns\":2"));
    assert_non_null(strstr(d->policies, "\"users_without_items\":1"));
    assert_non_null(strstr(d->policies, "\"duplicate_pairs\":1"));
    arena_free(arena);
}

/* 100K's form: flags for genres, ISO-8859-1. */
static void movielens_u(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *source = test_folder();
    test_write(test_path(source, "u.data"),
               "9\t2\t3\t100\r\n9\t1\t4\t90\r\n8\t2\t5\t80"); /* no last line end */
    test_write(test_path(source, "u.genre"), "unknown|0\r\nDrama|1\r\nWar|2\r\n\r\n");
    test_write(test_path(source, "u.item"), "1|Am\xe9lie (2001)|01-Jan-2001||http://x|0|1|1\r\n"
                                            "2|unknown||||1|0|0\n"
                                            "3|Ran (1985) |||http://y|0|0|1\r\n");
    test_write(test_path(source, "u.user"),
               "7|24|M|technician|85711\n8|53|F|other|94043\n9|1|M|writer|T8H1N\n");
    struct dataset *d = imported("movielens", source, NULL, arena);
    assert_int_equal(d->n_users, 3);
    assert_int_equal(d->n_items, 3);
    const struct column *title = dataset_item_column(d, "title"), *genres = dataset_item_column(d, "genres"),
                        *year = dataset_item_column(d, "year");
    assert_string(&title->text, 1, "Amélie (2001)");
    assert_string_equal(list_of(genres, 0), "unknown");
    assert_string_equal(list_of(genres, 1), "Drama,War");
    assert_true(isnan(year->number[0]) && year->number[1] == 2001 && year->number[2] == 1985);
    assert_int_equal(d->n_user_columns, 3);
    assert_string(&d->user_ids, 2, "7"); /* no rating: last */
    assert_string_equal(d->user_columns[0].name, "gender");
    assert_string(&d->user_columns[0].text, 1, "F");
    assert_true(d->user_columns[1].number[2] == 24);
    assert_string(&d->user_columns[2].text, 0, "writer");
    assert_non_null(strstr(d->policies, "\"lines_from_latin1\":1"));
    /* A film's line with too few flags. */
    test_write(test_path(source, "u.item"), "1|A|||x|0|1\n");
    test_fails(import_run("movielens", source, NULL, test_path(folder, "o.h5")), STATUS_DATA, "u.item:1",
               "7 fields", NULL);
    test_folder_remove(source);
    arena_free(arena);
}

/* 1M's and 10M's form, packed and not. */
static void movielens_dat(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *source = test_folder();
    write_gz(test_path(source, "ratings_no_timestamp.dat.gz"), "1::10::5\n1::20::3\n2::10::1\n");
    write_gz(test_path(source, "movies.dat.gz"), "10::Alien: a::b (1979)::Horror|Sci-Fi\n"
                                                 "20::M\xfcnchhausen (1943-1944)::(no genres listed)\n"
                                                 "30::Long, long (2000) ago::Sci-Fi\n");
    test_write(test_path(source, "users.dat"), "1::F::1::10::48067\n2::M::56::16::70072\n");
    test_write(test_path(source, "tags.dat"), "5::30::a::b::77\n1::99::lost::78\n2::10::::79\n");
    struct dataset *d = imported("movielens", source, NULL, arena);
    assert_int_equal(d->n_users, 3);
    assert_int_equal(d->n_items, 3);
    assert_null(d->interactions.time);
    const struct column *title = dataset_item_column(d, "title"), *genres = dataset_item_column(d, "genres"),
                        *year = dataset_item_column(d, "year");
    assert_string(&title->text, 0, "Alien: a::b (1979)");
    assert_string(&title->text, 1, "Münchhausen (1943-1944)");
    assert_string_equal(list_of(genres, 0), "Horror,Sci-Fi");
    assert_string_equal(list_of(genres, 1), "");
    assert_true(year->number[0] == 1979 && year->number[1] == 1943 && isnan(year->number[2]));
    assert_int_equal(d->texts.n, 1);
    assert_string(&d->texts.text, 0, "a::b");
    assert_int_equal(d->texts.item[0], 2);
    assert_string(&d->user_ids, d->texts.user[0], "5");
    assert_int_equal(d->texts.time[0], 77);
    assert_int_equal(d->texts.kind[0], TEXT_TAG);
    assert_true(isnan(d->user_columns[1].number[2])); /* the user of tags only */
    assert_non_null(strstr(d->policies, "\"tags_of_unknown_movies_dropped\":1"));
    assert_non_null(strstr(d->policies, "\"tags_empty_dropped\":1"));
    /* With times beside it, that file is taken. */
    test_write(test_path(source, "ratings.dat"), "1::10::5::978300760\n");
    d = imported("movielens", source, NULL, arena);
    assert_int_equal(d->interactions.time[0], 978300760);
    /* UTF-8 titles, as 10M has them, stay; both encodings in one file are an error. */
    test_folder_remove(source);
    source = test_folder();
    test_write(test_path(source, "ratings.dat"), "1::10::5::978300760\n");
    test_write(test_path(source, "movies.dat"), "10::Amélie (2001)::X\n");
    d = imported("movielens", source, NULL, arena);
    assert_string(&dataset_item_column(d, "title")->text, 0, "Amélie (2001)");
    test_write(test_path(source, "movies.dat"), "10::Am\xe9lie (2001)::X\n11::Amélie (2001)::X\n");
    test_fails(import_run("movielens", source, NULL, test_path(folder, "o.h5")), STATUS_DATA, "movies.dat:2",
               "encodings", NULL);
    test_write(test_path(source, "movies.dat"), "10::A::X\n10::B::X\n");
    test_fails(import_run("movielens", source, NULL, test_path(folder, "o.h5")), STATUS_DATA,
               "movies.dat:2:1", "'10'", NULL);
    /* A ratings file alone. */
    d = imported("movielens", test_path(source, "ratings.dat"), NULL, arena);
    assert_int_equal(d->n_items, 1);
    assert_int_equal(d->n_item_columns, 0);
    test_folder_remove(source);
    arena_free(arena);
}

/* The later versions' form: CRLF, quotes, tags. */
static void movielens_csv(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *source = test_folder();
    test_write(test_path(source, "ratings.csv"),
               "userId,movieId,rating,timestamp\r\n1,50,4.0,20\r\n1,3,0.5,10\r\n");
    test_write(test_path(source, "movies.csv"), "movieId,title,genres\r\n"
                                                "3,\"Usual \"\"x\"\", The (1995)\",Crime|Drama\r\n"
                                                "50,Babylon 5,(no genres listed)\r\n"
                                                "77,七人の侍 (1954),Drama\r\n");
    test_write(test_path(source, "tags.csv"), "userId,movieId,tag,timestamp\r\n"
                                              "1,50,\"so, \"\"so\"\"\",5\r\n"
                                              "4,77,classic,6"); /* no last line end */
    struct dataset *d = imported("movielens", source, NULL, arena);
    assert_int_equal(d->n_users, 2);
    assert_int_equal(d->n_items, 3);
    assert_string(&d->item_ids, 2, "77");
    const uint32_t items[] = {1, 0}; /* by time */
    assert_memory_equal(d->interactions.item, items, sizeof items);
    assert_string(&dataset_item_column(d, "title")->text, 1, "Usual \"x\", The (1995)");
    assert_string_equal(list_of(dataset_item_column(d, "genres"), 1), "Crime,Drama");
    assert_string_equal(list_of(dataset_item_column(d, "genres"), 0), "");
    assert_int_equal(d->texts.n, 2);
    assert_string(&d->texts.text, 0, "so, \"so\"");
    assert_string(&d->user_ids, d->texts.user[1], "4");
    assert_int_equal(d->texts.item[1], 2);
    assert_int_equal(d->texts.time[1], 6);
    /* Without its header a file would lose its first film. */
    test_write(test_path(source, "movies.csv"), "3,A,Crime\r\n50,B,Crime\r\n");
    test_fails(import_run("movielens", source, NULL, test_path(folder, "o.h5")), STATUS_DATA,
               "movies.csv:1:1", "movieId", NULL);
    test_folder_remove(source);
    arena_free(arena);
}

/* The same files give the same bytes, packed or not but for the hash of the source. */
static void same_content(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *text = "u\ti\t1\t2\nv\tj\t3\t4\n";
    test_write(test_path(folder, "p.tsv"), text);
    write_gz(test_path(folder, "p.tsv.gz"), text);
    struct dataset *a = imported("tsv", test_path(folder, "p.tsv"), NULL, arena);
    struct dataset *b = imported("tsv", test_path(folder, "p.tsv.gz"), NULL, arena);
    assert_string_equal(a->content_sha256, b->content_sha256);
    assert_string_not_equal(a->source_sha256, b->source_sha256);
    arena_free(arena);
}

/* A row or a word that crosses the reader's blocks of 64 KiB, and many members in one .gz. */
static void long_files(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = test_path(folder, "long.tsv"), *packed = test_path(folder, "long.tsv.gz");
    const int n = 60000;
    FILE *file = fopen(path, "wb");
    gzFile zip = NULL;
    for (int i = 0; i < n; i++) {
        fprintf(file, "user%d\titem%d\t%d.5\n", i % 700, i % 131, i % 5);
        if (i % 20000 == 0) {
            if (zip != NULL)
                gzclose(zip);
            zip = gzopen(packed, i == 0 ? "wb" : "ab");
        }
        gzprintf(zip, "user%d\titem%d\t%d.5\n", i % 700, i % 131, i % 5);
    }
    fclose(file);
    gzclose(zip);
    struct dataset *a = imported("tsv", path, NULL, arena), *b = imported("tsv", packed, NULL, arena);
    assert_int_equal(a->interactions.n, n);
    assert_int_equal(a->n_users, 700);
    assert_string_equal(a->content_sha256, b->content_sha256);
    for (int i = 0; i < n; i++) {
        const uint64_t row = a->interactions.source_row[i];
        assert_int_equal(a->interactions.user[i], row % 700);
        assert_int_equal(a->interactions.item[i], row % 131);
        assert_true(a->interactions.value[i] == (float)(row % 5) + 0.5f);
    }
    arena_free(arena);
}

/* ---- bad input ---- */

#define BYTES(text) text, sizeof(text) - 1
static const struct {
    const char *format;
    bool header;
    const char *bytes;
    size_t n;
    const char *place, *words; /* in the sentence; place follows the file's name */
} bad[] = {
    {"tsv", false, BYTES("1\t2\t3\n1\t3\tabc\n"),
     ":2:5: ", "found 'abc', expected a rating (a finite number)"},
    {"tsv", false, BYTES("1\t2\tnan\n"), ":1:5: ", "found 'nan', expected a rating"},
    {"tsv", false, BYTES("1\t2\tinf\n"), ":1:5: ", "found 'inf', expected a rating"},
    {"tsv", false, BYTES("1\t2\t1e39\n"), ":1:5: ", "found '1e39', expected a rating"},
    {"tsv", false, BYTES("1\t2\t\n"), ":1:5: ", "found '', expected a rating"},
    {"tsv", false, BYTES("1\t2\t3,5\n"), ":1:5: ", "found '3,5', expected a rating"},
    {"tsv", false, BYTES("1\t2\t3 \n"), ":1:5: ", "found '3 ', expected a rating"},
    {"tsv", false, BYTES("1\t2\t0x10\n"), ":1:5: ", "found '0x10', expected a rating"},
    {"tsv", false, BYTES("1\t2\t3\t1.5\n"), ":1:7: ", "found '1.5', expected a time"},
    {"tsv", false, BYTES("1\t2\t3\t9223372036854775808\n"), ":1:7: ", "expected a time"},
    {"tsv", false, BYTES("\t2\t3\n"), ":1:1: ", "expected a user id"},
    {"tsv", false, BYTES("1\t\t3\n"), ":1:3: ", "expected an item id"},
    {"tsv", false, BYTES("1\t2\t3\n1\t2\n"), ":2: ", "found 2 fields, expected 3"},
    {"tsv", false, BYTES("1 2 3\n"), ":1: ", "found 1 field, expected 2 to 4"},
    {"tsv", false, BYTES("1\t2\t3\t4\t5\n"), ":1: ", "found 5 fields, expected 2 to 4"},
    {"tsv", false, BYTES("1\t2\n\n1\t3\n"), ":2: ", "empty line"},
    {"tsv", false, BYTES("userId\titemId\n1\t3\n"), ":1:1: ", "--header"},
    {"tsv", true, BYTES("who\titem\n1\t3\n"), ":1: ", "no user column"},
    {"tsv", true, BYTES("user\titem\trating\tvalue\n1\t3\n"), ":1:18: ", "only once"},
    {"tsv", true, BYTES("user\titem\n"), ": ", "has a header and no row"},
    {"tsv", false, BYTES("1\t2\n1\t\xff\n"), ":2:3: ", "invalid UTF-8 at byte offset 6 (0xff)"},
    {"tsv", false, BYTES("1\t2\n1\t\xc3"), ":2:3: ", "invalid UTF-8 at byte offset 6"},
    {"tsv", false, BYTES("1\t2\n\0\t3\n"), ":2:1: ", "NUL byte (byte offset 4)"},
    {"tsv", false, BYTES(""), ": ", "is empty"},
    {"tsv", false, BYTES("\n\n"), ": ", "is empty"},
    {"csv", false, BYTES("1,2,3\n1,\"2\",x\n"), ":2:7: ", "found 'x', expected a rating"},
    {"csv", false, BYTES("1,2,3\n\"1,2,3\n"), ":2: ", "never closed"},
    {"csv", false, BYTES("1,2,3\n1,a\"b,3\n"), ":2: ", "a quote where none may be"},
    {"csv", false, BYTES("1,2,3\n1,\"a\"b,3\n"), ":2: ", "a quote where none may be"},
    {"csv", false, BYTES("1,2,3\n\"1\n2\",2,x\n"), ":2: ", "found 'x', expected a rating"},
    {"csv", false, BYTES("1,2,3\n1,2,3,4\n"), ":2: ", "found 4 fields, expected 3"},
    {"adjacency", false, BYTES("\n"), ": ", "holds no interaction"},
    {"adjacency", false, BYTES("1 2\n\n3 4\n"), ":2: ", "empty line"},
    {"adjacency", false, BYTES("1\n2\n"), ": ", "holds no interaction"},
    {"adjacency", false, BYTES("1 \xe9\n"), ":1:3: ", "invalid UTF-8"},
    {"movielens", false, BYTES("1::2::3\n1::3::abc\n"), ":2:7: ", "found 'abc', expected a rating"},
    {"movielens", false, BYTES("just words\n"), ":1: ", "not a ratings file of MovieLens"},
};

static void bad_files(void **state)
{
    (void)state;
    const char *out = never();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char place[4200];
        const char *path = test_path(folder, "bad.txt");
        write_bytes(path, bad[i].bytes, bad[i].n);
        snprintf(place, sizeof place, "%s%s", path, bad[i].place);
        test_fails(import_run(bad[i].format, path, &(struct import_options){.header = bad[i].header}, out),
                   STATUS_DATA, place, bad[i].words, NULL);
        assert_null(strchr(status_sentence(), '\n'));
        assert_false(file_exists(out));
    }
}

static void bad_sources(void **state)
{
    (void)state;
    const char *out = never(), *path = test_path(folder, "x.gz");
    test_fails(import_run("tsv", test_path(folder, "no-such"), NULL, out), STATUS_DATA, "no such file", NULL);
    test_fails(import_run("tsv", folder, NULL, out), STATUS_DATA, "is a folder", NULL);
    test_fails(import_run("movielens", test_path(folder, "no-such"), NULL, out), STATUS_DATA, "no such",
               NULL);
    char *empty = test_folder();
    test_fails(import_run("movielens", empty, NULL, out), STATUS_DATA, "expected ratings.csv", NULL);
    test_folder_remove(empty);
    test_fails(import_run("movielense", folder, NULL, out), STATUS_USAGE, "did you mean 'movielens'", NULL);
    test_fails(import_run("movielens", folder, &(struct import_options){.items = "x"}, out), STATUS_USAGE,
               "--items", NULL);
    test_fails(import_run("adjacency", folder, &(struct import_options){.header = true}, out), STATUS_USAGE,
               "--header", NULL);
    /* A .gz cut off, with a wrong checksum, with more behind it. */
    struct arena *arena = arena_new();
    char *bytes;
    size_t n;
    write_gz(path, "1\t2\t3\n1\t3\t4\n1\t4\t4\n");
    assert_ok(read_whole_file(path, 1 << 20, arena, &bytes, &n));
    for (size_t cut = 3; cut < n; cut++) {
        write_bytes(path, bytes, cut);
        test_fails(import_run("tsv", path, NULL, out), STATUS_DATA, "x.gz", "ends early", NULL);
    }
    bytes[n - 6] ^= 1;
    write_bytes(path, bytes, n);
    test_fails(import_run("tsv", path, NULL, out), STATUS_DATA, "x.gz", "not valid gzip data", NULL);
    bytes[n - 6] ^= 1;
    bytes[n] = 'x'; /* the terminator's place */
    write_bytes(path, bytes, n + 1);
    test_fails(import_run("tsv", path, NULL, out), STATUS_DATA, "x.gz", "after the end", NULL);
    /* A line of 10 MB, and a row of as much in quotes. */
    const size_t megabytes = 10u << 20;
    char *big = malloc(megabytes);
    memset(big, 'a', megabytes);
    write_bytes(path, big, megabytes);
    test_fails(import_run("tsv", path, NULL, out), STATUS_DATA, "x.gz:1: ", "longer than", NULL);
    for (size_t i = 0; i < megabytes; i += 50)
        big[i] = '\n';
    big[0] = '"';
    write_bytes(path, big, megabytes);
    test_fails(import_run("csv", path, NULL, out), STATUS_DATA, "x.gz:1: ", "a quote left open", NULL);
    free(big);
    assert_false(file_exists(out));
    test_write(test_path(folder, "good.tsv"), "1\t2\n");
    test_fails(import_run("tsv", test_path(folder, "good.tsv"), NULL, test_path(folder, "good.tsv/x.h5")),
               STATUS_SYSTEM, "good.tsv: is a file", "a folder is wanted", NULL);
    assert_ok(import_run("tsv", test_path(folder, "good.tsv"), NULL, test_path(folder, "made/here/x.h5")));
    assert_true(file_exists(test_path(folder, "made/here/x.h5")));
    arena_free(arena);
}

static void bad_items(void **state)
{
    (void)state;
    const char *rows = test_path(folder, "rows.tsv"), *items = test_path(folder, "items.csv");
    const char *out = never();
    struct import_options options = {.items = items};
    test_write(rows, "1\t2\n");
    test_write(items, "id,title\n2,x\n2,y\n");
    test_fails(import_run("tsv", rows, &options, out), STATUS_DATA, "items.csv:3:1: ", "only once", NULL);
    test_write(items, "id,title\n2,x,y\n");
    test_fails(import_run("tsv", rows, &options, out), STATUS_DATA, "items.csv:2: ", "expected 2", NULL);
    test_write(items, "asin,id\n2,x\n");
    test_fails(import_run("tsv", rows, &options, out), STATUS_DATA, "items.csv:1:6: ", "a column's name",
               NULL);
    test_write(items, "asin,title\n,x\n");
    test_fails(import_run("tsv", rows, &options, out), STATUS_DATA, "items.csv:2:1: ", "an item id", NULL);
    options.item_id = "nope";
    test_fails(import_run("tsv", rows, &options, out), STATUS_DATA, "items.csv:1: ", "'nope'", NULL);
}

/* ---- numbers: against the C library, in its "C" locale ---- */

static void numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"0",
                                       "-0",
                                       "5",
                                       "+4.5",
                                       "3.",
                                       ".25",
                                       "1e3",
                                       "1E-3",
                                       "16777217",
                                       "0.1",
                                       "3.4028234e38",
                                       "1e-45",
                                       "1e-50",
                                       "123456789012345678901234567890",
                                       "0.00000000000000000000000000000000000123",
                                       "1e-99999",
                                       "0e99999",
                                       "99999999999999999999e-10",
                                       "4.9999999999999999999"};
    static const char *const refused[] = {
        "",      "-",   ".",   "e5",  "1e",   "1e+",    "1 ",      " 1",
        "1.2.3", "--1", "nan", "inf", "1e39", "3.5e38", "1e99999", "1e9999999999999999999",
        "0x1",   "1f"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        float x;
        assert_true(field_real((struct field){good[i], strlen(good[i])}, &x));
        if (x != strtof(good[i], NULL))
            fail_msg("%s: %.9g, expected %.9g", good[i], (double)x, (double)strtof(good[i], NULL));
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        float x;
        if (field_real((struct field){refused[i], strlen(refused[i])}, &x))
            fail_msg("'%s' was taken for %g", refused[i], (double)x);
    }
    for (unsigned i = 0; i < 20000; i++) { /* decimals such as ratings are */
        char text[40];
        float x;
        snprintf(text, sizeof text, "%.*g", 1 + (int)(i % 9),
                 (double)((float)(i * 2654435761u) / 65536.0f) - 20000);
        assert_true(field_real((struct field){text, strlen(text)}, &x));
        assert_true(x == strtof(text, NULL));
    }
    int64_t n;
    assert_true(field_integer((struct field){"-9223372036854775807", 20}, &n) && n == -INT64_MAX);
    assert_false(field_integer((struct field){"9223372036854775808", 19}, &n));
    assert_false(field_integer((struct field){"1.0", 3}, &n));
}

static void years(void **state)
{
    (void)state;
    static const struct {
        const char *title;
        float year; /* 0: none */
    } cases[] = {{"Toy Story (1995)", 1995},
                 {"A (b) (1931)", 1931},
                 {"Big Bang (2007-)", 2007},
                 {"Fawlty Towers (1975–1979)", 1975},
                 {"Ready Player One", 0},
                 {"(500) Days", 0},
                 {"X (199)", 0},
                 {"X (19955)", 0},
                 {"X (0001)", 0},
                 {"(1995)", 1995},
                 {"X (1995", 0},
                 {"X 1995)", 0},
                 {"", 0},
                 {"X (1995)  ", 1995},
                 {"X (1995", 0},
                 {"X (abcd)", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const float year = movielens_year((struct field){cases[i].title, strlen(cases[i].title)});
        if (cases[i].year == 0 ? !isnan(year) : year != cases[i].year)
            fail_msg("'%s' is of %g", cases[i].title, (double)year);
    }
}

/* ---- real sets: the publishers' own counts (README files of GroupLens; McAuley group for Beauty) ---- */

static const char *real(const char *name, const char *file)
{
    static char place[4096];
    char probe[4200];
    const char *data = getenv("RECFUSE_DATA");
    for (int i = 0; i < 2; i++) {
        if (i == 0)
            snprintf(place, sizeof place, "datasets/%s/raw", name);
        else
            snprintf(place, sizeof place, "%s/%s", data != NULL && data[0] ? data : "../shared/data", name);
        snprintf(probe, sizeof probe, "%s/%s", place, file);
        if (file_exists(probe))
            return place;
    }
    print_message("skipped: %s is not at hand, run tools/get-data.sh %s\n", name, name);
    skip();
    return NULL;
}

static void counts(const struct dataset *d, uint32_t n_users, uint32_t n_items, uint64_t n, uint64_t n_texts)
{
    assert_int_equal(d->n_users, n_users);
    assert_int_equal(d->n_items, n_items);
    assert_int_equal(d->interactions.n, n);
    assert_int_equal(d->texts.n, n_texts);
    assert_non_null(strstr(d->policies, "\"duplicate_pairs\":0"));
}

static void real_movielens_100k(void **state)
{
    (void)state;
    const char *source = real("movielens-100k", "u.data");
    struct arena *arena = arena_new();
    struct dataset *d = imported("movielens", source, NULL, arena);
    counts(d, 943, 1682, 100000, 0);
    uint64_t histogram[6] = {0};
    for (uint64_t i = 0; i < d->interactions.n; i++)
        histogram[(int)d->interactions.value[i]]++;
    const uint64_t published[6] = {0, 6110, 11370, 27145, 34174, 21201};
    assert_memory_equal(histogram, published, sizeof published);
    assert_int_equal(dataset_item_column(d, "genres")->names.n, 19);
    assert_non_null(d->interactions.time);
    arena_free(arena);
}

static void real_movielens_latest_small(void **state)
{
    (void)state;
    const char *source = real("movielens-latest-small", "ratings.csv");
    struct arena *arena = arena_new();
    struct dataset *d = imported("movielens", source, NULL, arena);
    counts(d, 610, 9742, 100836, 3683);
    assert_non_null(strstr(d->policies, "\"items_without_interaction\":18"));
    uint32_t n_without_year = 0, n_without_genre = 0;
    const struct column *year = dataset_item_column(d, "year"), *genres = dataset_item_column(d, "genres");
    for (uint32_t i = 0; i < d->n_items; i++) {
        n_without_year += isnan(year->number[i]);
        n_without_genre += genres->list.ptr[i + 1] == genres->list.ptr[i];
    }
    assert_int_equal(n_without_genre, 34);
    assert_true(n_without_year == 13 ||
                n_without_year == 12); /* 13 titles don't end in "(year)", one in "(2006-2007)" */
    arena_free(arena);
}

static void real_movielens_1m(void **state)
{
    (void)state;
    const char *source = real("movielens-1m", "movies.dat");
    struct arena *arena = arena_new();
    struct dataset *d = imported("movielens", source, NULL, arena);
    counts(d, 6040, 3883, 1000209, 0);
    assert_non_null(strstr(d->policies, "\"items_without_interaction\":177"));
    arena_free(arena);
}

static void real_amazon_beauty(void **state)
{
    (void)state;
    const char *source = real("amazon-beauty-5", "user_sequence.txt.gz");
    struct arena *arena = arena_new();
    char sequences[4200], items[4200];
    snprintf(sequences, sizeof sequences, "%s/user_sequence.txt.gz", source);
    snprintf(items, sizeof items, "%s/items.csv.gz", source);
    struct dataset *d =
        imported("adjacency", sequences, &(struct import_options){.items = items, .item_id = "asin"}, arena);
    counts(d, 22363, 12101, 198502, 0);
    const struct column *title = dataset_item_column(d, "title");
    uint32_t n_titles = 0;
    for (uint32_t i = 0; i < d->n_items; i++)
        n_titles += strings_length(&title->text, i) > 0;
    assert_int_equal(n_titles, 12094);
    arena_free(arena);
}

static int set_up(void **state)
{
    (void)state;
    test_quiet();
    log_set_verbose(false);
    folder = test_folder();
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tsv_file),
        cmocka_unit_test(csv_file),
        cmocka_unit_test(adjacency_with_items),
        cmocka_unit_test(movielens_u),
        cmocka_unit_test(movielens_dat),
        cmocka_unit_test(movielens_csv),
        cmocka_unit_test(same_content),
        cmocka_unit_test(long_files),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(bad_sources),
        cmocka_unit_test(bad_items),
        cmocka_unit_test(numbers),
        cmocka_unit_test(years),
        cmocka_unit_test(real_movielens_100k),
        cmocka_unit_test(real_movielens_latest_small),
        cmocka_unit_test(real_movielens_1m),
        cmocka_unit_test(real_amazon_beauty),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
