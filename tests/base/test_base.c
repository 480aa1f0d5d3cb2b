/* test_base.c - arenas, strings, sparse matrices, files. */
#include "../test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/csr.h"
#include "base/fsio.h"
#include "base/strings.h"

static struct arena *arena;
static char *folder;
static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    folder = test_folder();
    return arena == NULL;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    test_folder_remove(folder);
    return 0;
}

static void arena_gives_zeroed_aligned_memory(void **state)
{
    (void)state;
    for (size_t n = 0; n < 300000; n = n * 3 + 1) {
        unsigned char *p = arena_alloc(arena, n, 2);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < 2 * n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, 2 * n);
    }
    assert_null(arena_alloc(arena, SIZE_MAX / 2, 16));
    assert_non_null(strstr(status_sentence(), "out of memory"));
    assert_string_equal(arena_printf(arena, "%d-%s", 7, "x"), "7-x");
}

static void map_numbers_strings_in_order(void **state)
{
    struct string_map *map = string_map_new();
    char word[32];
    (void)state;
    for (int round = 0; round < 2; round++)
        for (uint32_t i = 0; i < 20000; i++) {
            const int n = snprintf(word, sizeof word, "id%u", i * 7919u);
            assert_int_equal(string_map_add(map, word, (size_t)n), i);
        }
    assert_int_equal(string_map_size(map), 20000);
    assert_int_equal(string_map_find(map, "id7919", 6), 1);
    assert_int_equal(string_map_find(map, "id1", 3), UINT32_MAX);
    assert_int_equal(string_map_add(map, "", 0), 20000);
    const struct strings s = string_map_strings(map);
    assert_true(strings_equal(&s, 1, "id7919"));
    assert_int_equal(strings_length(&s, 20000), 0);
    string_map_free(map);
}

static void places_of_strings(void **state)
{
    static const uint64_t offsets[] = {0, 1, 3, 3, 4}, asked[] = {0, 2, 2, 3, 4};
    const struct strings s = {4, offsets, "abca"}, wanted = {4, asked, "bcab"}; /* a bc "" a; bc "" a b */
    uint32_t *place;
    (void)state;
    assert_ok(strings_places(&s, &wanted, arena, &place));
    assert_int_equal(place[0], 1);
    assert_int_equal(place[1], 2);
    assert_int_equal(place[2], 0); /* the first of two */
    assert_int_equal(place[3], UINT32_MAX);
    assert_ok(strings_places(&(struct strings){0}, &wanted, arena, &place));
    assert_int_equal(place[2], UINT32_MAX);
}

static void builder_keeps_pieces(void **state)
{
    struct string_builder b = {0};
    struct strings s;
    (void)state;
    assert_ok(string_builder_append(&b, "ab", 2));
    assert_ok(string_builder_append(&b, "c", 1));
    assert_ok(string_builder_end(&b));
    assert_ok(string_builder_end(&b));
    assert_ok(string_builder_add(&b, "d", 1));
    assert_ok(string_builder_finish(&b, arena, &s));
    assert_int_equal(s.n, 3);
    assert_true(strings_equal(&s, 0, "abc"));
    assert_true(strings_equal(&s, 1, ""));
    assert_string_equal(strings_copy(&s, 2, arena), "d");
    assert_ok(string_builder_finish(&b, arena, &s));
    assert_int_equal(s.n, 0);
}

static void nearest_name(void **state)
{
    const char *names[] = {"ials", "popularity", "item_knn"};
    (void)state;
    assert_int_equal(string_distance("kitten", "sitting"), 3);
    assert_string_equal(string_nearest("itemknn", names, 3), "item_knn");
    assert_string_equal(string_nearest("als", names, 3), "ials");
    assert_null(string_nearest("transformer", names, 3));
}

static void utf8_is_checked(void **state)
{
    static const struct {
        const char *text;
        size_t valid;
    } cases[] = {{"plain ascii, long enough for words", 34},
                 {"\xc3\xa9", 2},
                 {"\xe7\xac\x94\xf0\x9f\x98\x80", 7},
                 {"ab\xff", 2},
                 {"ab\xc3", 2},
                 {"\xc0\xaf", 0},         /* overlong */
                 {"\xe0\x80\xaf", 0},     /* overlong */
                 {"x\xed\xa0\x80", 1},    /* a surrogate */
                 {"\xf4\x90\x80\x80", 0}, /* beyond U+10FFFF */
                 {"12345678\x80", 8}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(utf8_valid_prefix(cases[i].text, strlen(cases[i].text)), cases[i].valid);
}

static void csr_keeps_the_last_of_duplicates(void **state)
{
    const uint32_t row[] = {1, 0, 1, 1, 3, 1}, col[] = {2, 1, 0, 2, 3, 2};
    const float value[] = {1, 2, 3, 4, 5, 6};
    struct csr a, t, back;
    uint64_t duplicates;
    (void)state;
    assert_ok(csr_from_triples(4, 5, 6, row, col, value, arena, &a, &duplicates));
    assert_int_equal(duplicates, 2);
    assert_int_equal(a.nnz, 4);
    const int64_t ptr[] = {0, 1, 3, 3, 4};
    assert_memory_equal(a.ptr, ptr, sizeof ptr);
    assert_int_equal(a.idx[1], 0);
    assert_int_equal(a.idx[2], 2);
    assert_float_equal(a.val[2], 6, 0);
    assert_true(csr_has(&a, 1, 2));
    assert_false(csr_has(&a, 1, 1));
    assert_false(csr_has(&a, 2, 0));
    assert_ok(csr_transpose(&a, arena, &t));
    assert_int_equal(t.n_rows, 5);
    assert_true(csr_has(&t, 2, 1));
    assert_ok(csr_transpose(&t, arena, &back));
    assert_memory_equal(back.ptr, a.ptr, sizeof ptr);
    assert_memory_equal(back.idx, a.idx, 4 * sizeof *a.idx);
    assert_memory_equal(back.val, a.val, 4 * sizeof *a.val);
    assert_ok(csr_from_triples(2, 2, 0, NULL, NULL, NULL, arena, &a, NULL));
    assert_int_equal(a.nnz, 0);
    assert_null(a.val);
}

static void files_appear_whole(void **state)
{
    char *bytes, hex[SHA256_HEX];
    size_t n;
    (void)state;
    const char *path = test_path(folder, "f");
    assert_ok(atomic_write(path, "old", 3));
    struct atomic_file file;
    assert_ok(atomic_open(&file, path));
    fputs("new content", file.stream);
    atomic_abort(&file);
    assert_ok(read_whole_file(path, 100, arena, &bytes, &n));
    assert_string_equal(bytes, "old");
    assert_false(file_exists(file.temporary));
    test_fails(read_whole_file(path, 2, arena, &bytes, &n), STATUS_DATA, "at most 2", NULL);
    assert_ok(sha256_file(path, hex));
    char again[SHA256_HEX];
    sha256_hex("old", 3, again);
    assert_string_equal(hex, again);
    sha256_hex("abc", 3, hex); /* FIPS 180-2, appendix B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    test_fails(make_folders(test_path(folder, "f/below")), STATUS_SYSTEM, "is a file", NULL);
    assert_ok(make_folders(test_path(folder, "a/b/c")));
    test_fails(atomic_write(test_path(folder, "no/such/x"), "1", 1), STATUS_SYSTEM, "could not be created",
               NULL);
    assert_ok(make_folder_of(test_path(folder, "no/such/x")));
    assert_ok(make_folder_of("here")); /* of a bare name: the folder that one is in */
    assert_ok(atomic_write(test_path(folder, "no/such/x"), "1", 1));
}

/* A full disk, by the limit of the size of a file, in a process of its own. */
static void a_full_disk_changes_nothing(void **state)
{
    char *bytes;
    size_t n;
    (void)state;
    const char *path = test_path(folder, "f");
    assert_ok(atomic_write(path, "old", 3));
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {4096, 4096};
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        static char big[1 << 20];
        const enum status s = atomic_write(path, big, sizeof big);
        _exit(s == STATUS_SYSTEM && strstr(status_sentence(), strerror(EFBIG)) != NULL ? 0 : 1);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    assert_ok(read_whole_file(path, 100, arena, &bytes, &n));
    assert_string_equal(bytes, "old");
    char temporary[4200];
    snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)child);
    assert_false(file_exists(temporary));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(arena_gives_zeroed_aligned_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(map_numbers_strings_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places_of_strings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(builder_keeps_pieces, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nearest_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(utf8_is_checked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(csr_keeps_the_last_of_duplicates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_appear_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_disk_changes_nothing, set_up, tear_down),
    };
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
