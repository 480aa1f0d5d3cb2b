/* Rating files of plain numbers: the quick parser against the general reader, which defines what a row is. */
#include <omp.h>

#include "data/number_file.h"
#include "data/number_map.h"
#include "data/number_rows.h"
#include "importing.h"

static uint64_t random_state = 88172645463325252u;
static uint32_t random_below(uint32_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)((random_state >> 16) % n);
}

enum { ROOM = 1 << 16 };
struct rows {
    uint32_t user[8], item[8];
    float value[8];
    int64_t time[8];
    uint64_t n;
    size_t used;
};

/* The text between bytes that must not matter. */
static void parse(struct number_form form, const char *text, struct rows *rows)
{
    static char padded[ROOM];
    const size_t n = strlen(text);
    for (int fill = 0; fill < 2; fill++) {
        memset(padded, fill ? '7' : '\n', sizeof padded);
        memcpy(padded + NUMBER_ROWS_PAD, text, n);
        rows->n = number_rows_parse(form, padded + NUMBER_ROWS_PAD, n,
                                    (struct number_rows){rows->user, rows->item, rows->value, rows->time},
                                    &rows->used);
    }
}

static void plain_lines(void **state)
{
    struct rows r;
    (void)state;
    parse((struct number_form){'\t', 4}, "1\t2\t3\t4\n138493\t26744\t4.5\t1420000000\r\n", &r);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.user[1], 138493);
    assert_int_equal(r.item[1], 26744);
    assert_true(r.value[0] == 3 && r.value[1] == 4.5f);
    assert_int_equal(r.time[1], 1420000000);
    parse((struct number_form){':', 4}, "0::99999999::0.125::9999999999999999\n", &r);
    assert_int_equal(r.n, 1);
    assert_true(r.user[0] == 0 && r.item[0] == 99999999 && r.value[0] == 0.125f &&
                r.time[0] == 9999999999999999);
    parse((struct number_form){',', 2}, "4294967295,7\n", &r);
    assert_true(r.n == 1 && r.user[0] == 4294967295u && r.item[0] == 7 && r.value[0] == 1 && r.time[0] == 0);
    parse((struct number_form){',', 3}, "5,7,-1e-3\n", &r);
    assert_true(r.n == 1 && r.value[0] == -1e-3f);
}

static void other_lines(void **state)
{
    static const char *const stops[] = {"01\t2\t3\t4\n",
                                        "4294967296\t2\t3\t4\n",
                                        "a\t2\t3\t4\n",
                                        "\t2\t3\t4\n",
                                        "1\t2\t3\n",
                                        "1\t2\t3\t4\t5\n",
                                        "1\t2\tnan\t4\n",
                                        "1\t2\tinf\t4\n",
                                        "1\t2\t3\t-4\n",
                                        "1\t2\t3\t4.0\n",
                                        "1\t2\t3\t4 \n",
                                        " 1\t2\t3\t4\n",
                                        "\n",
                                        "1\t2\t3..\t4\n",
                                        "1\t2\t.\t4\n",
                                        "1,2,3,4\n",
                                        "+1\t2\t3\t4\n",
                                        "1\t2\t1e99\t4\n",
                                        "1\t2\t3\t\n",
                                        "1\t2\t3\t4\r\r\n",
                                        "1\t-2\t3\t4\n",
                                        "1\t\"2\"\t3\t4\n"};
    struct rows r;
    char text[256];
    (void)state;
    for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
        snprintf(text, sizeof text, "7\t8\t9\t10\n%s7\t8\t9\t10\n", stops[i]);
        parse((struct number_form){'\t', 4}, text, &r);
        if (r.n != 1 || r.used != 9)
            fail_msg("%s: %llu rows, %zu bytes", stops[i], (unsigned long long)r.n, r.used);
    }
    parse((struct number_form){':', 4}, "1:2:3:4\n", &r);
    assert_int_equal(r.n, 0);
    parse((struct number_form){':', 4}, "1::2:::3::4\n", &r);
    assert_int_equal(r.n, 0);
}

/* A field that may be anything: mostly digits. */
static size_t random_field(char *to, int kind)
{
    static const char *const odd[] = {"0",         "00",         "-1",
                                      "+2",        ".5",         "5.",
                                      "1e2",       "4.25",       "123456789012345678901234567890",
                                      "x",         "",           "3.14159265358979",
                                      "1.0000001", "0.30000001", "16777217",
                                      "99999.99"};
    if (random_below(8) == 0)
        return (size_t)sprintf(to, "%s", odd[random_below(sizeof odd / sizeof *odd)]);
    const uint32_t whole = random_below(random_below(2) ? 10 : 1000000);
    if (kind == 2 && random_below(2))
        return (size_t)sprintf(to, "%u.%u", whole, random_below(1000));
    if (kind == 3)
        return (size_t)sprintf(to, "%u%u", 1 + random_below(1000000), random_below(10000000));
    return (size_t)sprintf(to, "%u", whole);
}

/* What the parser takes is what field_real() and field_integer() make of the same fields, to the bit. */
static void as_the_general_reader(void **state)
{
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[512], field[4][64];
        const char separator = "\t,:"[random_below(3)];
        const unsigned n_fields = 2 + random_below(3);
        size_t n = 0;
        for (unsigned i = 0; i < n_fields; i++) {
            random_field(field[i], (int)i);
            n += (size_t)sprintf(text + n, "%s%s",
                                 i == 0             ? ""
                                 : separator == ':' ? "::"
                                 : separator == ',' ? ","
                                                    : "\t",
                                 field[i]);
        }
        sprintf(text + n, random_below(2) ? "\n" : "\r\n");
        struct rows r;
        parse((struct number_form){separator, n_fields}, text, &r);
        uint32_t user = 0, item = 0;
        float value = 1;
        int64_t time = 0;
        const bool plain =
            number_id(field[0], strlen(field[0]), &user) && number_id(field[1], strlen(field[1]), &item) &&
            (n_fields < 3 || field_real((struct field){field[2], strlen(field[2])}, &value)) &&
            (n_fields < 4 || (field_integer((struct field){field[3], strlen(field[3])}, &time) && time >= 0));
        if (r.n != plain || (plain && (r.user[0] != user || r.item[0] != item ||
                                       memcmp(&r.value[0], &value, sizeof value) != 0 || r.time[0] != time)))
            fail_msg("'%s': taken %llu, plain %d, value %.9g for %.9g", text, (unsigned long long)r.n, plain,
                     (double)r.value[0], (double)value);
    }
}

/* Every instruction set that this processor has gives the same rows and stops at the same byte. */
static void same_by_every_set(void **state)
{
    enum { LINES = 4000 };
    static char text[LINES * 64 + 2 * NUMBER_ROWS_PAD];
    static uint32_t user[2][LINES], item[2][LINES];
    static float value[2][LINES];
    static int64_t time[2][LINES];
    (void)state;
    assert_true(number_rows_best() >= NUMBER_PORTABLE);
    for (int round = 0; round < 200; round++) {
        const char separator = "\t,:"[round % 3];
        size_t n = NUMBER_ROWS_PAD, used[2] = {0, 0};
        uint64_t rows[2] = {0, 0};
        for (int i = 0; i < LINES; i++) {
            char field[64];
            for (int k = 0; k < 4; k++) {
                random_field(field, round % 20 == 0 ? k : 3);
                n += (size_t)sprintf(text + n, "%s%s", field,
                                     k == 3             ? (i % 7 == 0 ? "\r\n" : "\n")
                                     : separator == ':' ? "::"
                                     : separator == ',' ? ","
                                                        : "\t");
            }
        }
        for (enum number_set set = NUMBER_PORTABLE; set <= number_rows_best(); set++) {
            const int to = set > NUMBER_PORTABLE;
            rows[to] = number_rows_parse_by(
                set, (struct number_form){separator, 4}, text + NUMBER_ROWS_PAD, n - NUMBER_ROWS_PAD,
                (struct number_rows){user[to], item[to], value[to], time[to]}, &used[to]);
            assert_true(rows[to] == rows[0] && used[to] == used[0]);
            assert_memory_equal(user[to], user[0], rows[0] * sizeof **user);
            assert_memory_equal(item[to], item[0], rows[0] * sizeof **item);
            assert_memory_equal(value[to], value[0], rows[0] * sizeof **value);
            assert_memory_equal(time[to], time[0], rows[0] * sizeof **time);
        }
    }
}

/* Positions in order of first appearance, for numbers near and far, told by another map now and then. */
static void numbers_to_positions(void **state)
{
    enum { N = 30000 };
    static uint32_t numbers[N];
    (void)state;
    for (int round = 0; round < 6; round++) {
        struct number_map map = {0};
        struct string_map *expected = string_map_new();
        for (int part = 0; part < 4; part++) {
            char text[16];
            static uint32_t found[N];
            if (part == 2) { /* an id that only the general reader saw, and one that is no number */
                const uint32_t at = string_map_add(expected, "4000000000", 10);
                string_map_add(expected, "x", 1);
                assert_true(number_map_put(&map, 4000000000u, at));
                map.seen += 2;
            }
            for (int i = 0; i < N; i++) {
                const uint32_t far = random_below(2) ? 0xfff00000u : 3000000u;
                numbers[i] = random_below(round + 1) == 0 ? random_below(5000) : far + random_below(3000);
                found[i] = numbers[i];
            }
            assert_true(number_map_replace(&map, found, N));
            map.seen += map.n_new;
            map.n_new = 0;
            for (int i = 0; i < N; i++) {
                const int length = snprintf(text, sizeof text, "%u", numbers[i]);
                assert_int_equal(found[i], string_map_add(expected, text, (size_t)length));
            }
        }
        string_map_free(expected);
        number_map_free(&map);
    }
}

/* Lines of any length across the borders of pieces, with and without a last line end: the rows of one parse of the whole, and
 * room that runs out on the way changes nothing. */
static void files_by_pieces(void **state)
{
    enum { LINES = 200000 };
    static uint32_t user[2][LINES], item[2][LINES];
    static float value[2][LINES];
    static int64_t time[2][LINES];
    const struct number_rows one = {user[0], item[0], value[0], time[0]};
    char *text = calloc(LINES + 1, 64);
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        size_t n = NUMBER_ROWS_PAD, used;
        for (int i = 0; i < LINES; i++) {
            n += (size_t)sprintf(text + n, "%u\t%u\t%u.5\t%u", i / 150, random_below(1u << (i % 27)),
                                 random_below(5), 1000000000 + i);
            if (kind == 3 && i == LINES / 2)
                n += (size_t)sprintf(text + n, "x");
            n += (size_t)sprintf(text + n, kind == 1 && i + 1 == LINES ? "" : "\n");
        }
        const struct number_form form = {'\t', 4};
        const char *last = memrchr(text, '\n', n);
        const size_t whole = (size_t)(last + 1 - text) - NUMBER_ROWS_PAD;
        const uint64_t rows = number_rows_parse(form, text + NUMBER_ROWS_PAD, whole, one, &used);
        const char *path = lasting_path("pieces");
        FILE *file = fopen(path, "wb");
        assert_int_equal(fwrite(text + NUMBER_ROWS_PAD, 1, n - NUMBER_ROWS_PAD, file), n - NUMBER_ROWS_PAD);
        fclose(file);
        file = fopen(path, "rb");
        crypto_hash_sha256_state hash;
        unsigned char digest[32], expected[32];
        crypto_hash_sha256_init(&hash);
        struct number_file f = {.fd = fileno(file),
                                .form = form,
                                .size = n - NUMBER_ROWS_PAD,
                                .hash = &hash,
                                .piece = kind > 3 ? 5000 : 0};
        uint64_t found = 0, some, room = kind == 2 ? 777 : LINES;
        enum number_stop stop = NUMBER_ROOM;
        int reason;
        omp_set_num_threads(1 + kind % 3);
        for (; stop == NUMBER_ROOM && found < LINES;
             room = 2 * room < LINES - found ? 2 * room : LINES - found) {
            const struct number_rows to = {user[1] + found, item[1] + found, value[1] + found,
                                           time[1] + found};
            stop = number_file_read(&f, to, room, &some, &reason);
            found += some;
        }
        fclose(file);
        assert_int_equal(stop, kind == 3 ? NUMBER_LINE : NUMBER_END);
        assert_int_equal(found, rows);
        assert_int_equal(f.at, used);
        assert_memory_equal(user[0], user[1], rows * sizeof **user);
        assert_memory_equal(item[0], item[1], rows * sizeof **item);
        assert_memory_equal(value[0], value[1], rows * sizeof **value);
        assert_memory_equal(time[0], time[1], rows * sizeof **time);
        crypto_hash_sha256_final(&hash, digest);
        crypto_hash_sha256(expected, (unsigned char *)text + NUMBER_ROWS_PAD, f.hashed);
        assert_memory_equal(digest, expected, 32);
        assert_true(f.hashed >= f.at);
    }
    free(text);
}

/* A file of several blocks with lines of every kind in between, by one thread and by two: the same content as one whose
 * ids are all text (and so read line by line). */
static void same_for_any_threads(void **state)
{
    enum { ROWS = 150000 };
    char *text = malloc(ROWS * 64u), *quoted = malloc(ROWS * 64u);
    size_t n = 0, m = 0;
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        const bool odd = i % 20011 == 20010;
        const uint32_t user = random_below(5000), item = random_below(900), value = 1 + random_below(5);
        n += (size_t)sprintf(text + n, odd ? "u%u,%u,%u,%d\n" : "%u,%u,%u,%d\n", user, item, value, 1000 + i);
        m += (size_t)sprintf(quoted + m, odd ? "\"u%u\",\"%u\",%u,%d\n" : "\"%u\",\"%u\",%u,%d\n", user, item,
                             value, 1000 + i);
    }
    struct arena *arena = arena_new();
    const int threads = omp_get_max_threads();
    omp_set_num_threads(1);
    const struct dataset *one = imported("csv", write_file("numbers.csv", text), NULL, arena);
    omp_set_num_threads(2);
    const struct dataset *two = imported("csv", write_file("numbers.csv", text), NULL, arena);
    const struct dataset *packed = imported("csv", write_file("numbers.csv.gz", text), NULL, arena);
    const struct dataset *general = imported("csv", write_file("quoted.csv", quoted), NULL, arena);
    omp_set_num_threads(threads);
    char hash[SHA256_HEX];
    sha256_hex(text, n, hash);
    assert_string_equal(two->source_sha256, hash);
    assert_string_equal(one->source_sha256, hash);
    assert_string_equal(one->content_sha256, general->content_sha256);
    assert_string_equal(two->content_sha256, general->content_sha256);
    assert_string_equal(packed->content_sha256, general->content_sha256);
    arena_free(arena);
    free(text);
    free(quoted);
}

/* A mistake far into the file is said with its place, whichever block it lies in. */
static void places_of_mistakes(void **state)
{
    enum { ROWS = 1000000 };
    char *text = malloc(ROWS * 24u);
    (void)state;
    for (int bad = 0; bad < 3; bad++) {
        const int at = bad == 0 ? 2 : bad == 1 ? 123456 : 987654;
        size_t n = 0;
        for (int i = 1; i <= ROWS; i++)
            n += (size_t)sprintf(text + n, "%d\t%d\t%s\t%d\n", i % 1000, i % 77, i == at ? "4,5" : "4.5",
                                 100000000 + i);
        char place[64];
        snprintf(place, sizeof place, "bad.tsv:%d:%d: found '4,5', expected a rating", at,
                 at == 2 ? 5 : 8 - (at % 1000 < 100) - (at % 77 < 10));
        refused_text("tsv", "bad.tsv", text, place, "(a finite number)");
    }
    free(text);
}

static void sha256_by_pieces(void **state)
{
    unsigned char bytes[1000], expected[32], found[32];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)random_below(256);
    for (int round = 0; round < 300; round++) {
        crypto_hash_sha256_state h;
        const size_t n = random_below(sizeof bytes + 1);
        crypto_hash_sha256_init(&h);
        for (size_t at = 0; at < n;) {
            const size_t some = 1 + random_below(round % 2 ? 300 : 70), m = some < n - at ? some : n - at;
            sha256_update(&h, bytes + at, m);
            at += m;
        }
        crypto_hash_sha256_final(&h, found);
        crypto_hash_sha256(expected, bytes, n);
        assert_memory_equal(found, expected, 32);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_lines),           cmocka_unit_test(other_lines),
        cmocka_unit_test(as_the_general_reader), cmocka_unit_test(same_for_any_threads),
        cmocka_unit_test(places_of_mistakes),    cmocka_unit_test(sha256_by_pieces),
        cmocka_unit_test(same_by_every_set),     cmocka_unit_test(numbers_to_positions),
        cmocka_unit_test(files_by_pieces),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
