/* test_journal.c - the journal after a kill, and cell files that were damaged. */
#include "../test.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "experiment/cell_file.h"
#include "experiment/journal.h"

static char *folder;
static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    folder = test_folder();
    test_quiet();
    return arena == NULL || folder == NULL || mkdir(test_path(folder, "cells"), 0777) != 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    test_folder_remove(folder);
    return 0;
}

/* Every prefix of a journal opens, gives the lines that are whole, and can be appended to. */
static void torn(void **state)
{
    (void)state;
    static const char whole[] =
        "{\"journal\":1}\n{\"key\":\"a\",\"status\":\"done\"}\n"
        "{\"key\":\"b\",\"status\":\"failed\"}\n{\"key\":\"b\",\"status\":\"done\"}\n";
    const char *path = test_path(folder, "journal.jsonl");
    for (size_t n = 0; n < sizeof whole; n++) {
        char text[sizeof whole], *bytes;
        struct journal journal;
        size_t n_lines = 0, length;
        snprintf(text, sizeof text, "%.*s", (int)n, whole);
        test_write(path, text);
        for (size_t i = 0; i < n; i++)
            n_lines += whole[i] == '\n';
        assert_ok(journal_open(folder, &journal));
        assert_int_equal(journal.head != NULL, n_lines >= 1);
        assert_int_equal(journal_find(&journal, "a") != NULL, n_lines >= 2);
        assert_int_equal(json_object_size(journal.entries), n_lines < 2 ? 0 : n_lines == 2 ? 1 : 2);
        json_t *line = json_pack("{s:s}", "key", "c");
        assert_ok(journal_append(&journal, line));
        json_decref(line);
        journal_close(&journal);
        assert_ok(read_whole_file(path, 4096, arena, &bytes, &length));
        size_t good = 0;
        for (size_t i = 0; i < n; i++)
            good = whole[i] == '\n' ? i + 1 : good;
        assert_int_equal(length, good + strlen("{\"key\":\"c\"}\n"));
        assert_memory_equal(bytes, whole, good);
        assert_string_equal(bytes + good, "{\"key\":\"c\"}\n");
    }
}

static void damaged(void **state)
{
    (void)state;
    struct journal journal;
    test_write(test_path(folder, "journal.jsonl"), "{\"journal\":1}\nxx\n{\"key\":\"a\"}\n");
    test_fails(journal_open(folder, &journal), STATUS_DATA, "journal.jsonl:2", "--fresh", NULL);
    journal_close(&journal);
}

static void cells(void **state)
{
    (void)state;
    static const uint32_t users[] = {1, 5, 9}, rows[] = {2, 1, 7};
    static const uint64_t offsets[] = {0, 1, 3, 3};
    static const double values[] = {0.5, 1.0 / 3, 0, 1, 0.25, 1e-300}, pooled[] = {5.0 / 18, 5.0 / 12};
    const struct cell_values out = {
        .n_users = 3,
        .n_values = 2,
        .users = users,
        .rows = rows,
        .ids = {3, offsets, "abc"},
        .values = values,
        .pooled = pooled,
        .extra = "full,ndcg,5,default,head,0.5,3\n",
        .n_extra = 31,
        .more = {{"loss,1,0.5\n", 11}, {"", 0}, {"train,hash\n", 11}, {"parts", 5}}};
    struct cell_values in;
    char *bytes;
    size_t n;
    assert_ok(cell_write(folder, "k", &out));
    assert_ok(cell_read(folder, "k", arena, &in));
    assert_int_equal(in.n_users, 3);
    assert_int_equal(in.n_values, 2);
    assert_memory_equal(in.users, users, sizeof users);
    assert_memory_equal(in.rows, rows, sizeof rows);
    assert_memory_equal(in.values, values, sizeof values);
    assert_memory_equal(in.pooled, pooled, sizeof pooled);
    assert_int_equal(in.n_extra, 31);
    assert_memory_equal(in.extra, out.extra, 31);
    for (int m = 0; m < CELL_MORE; m++) {
        assert_int_equal(in.more[m].n, out.more[m].n);
        assert_memory_equal(in.more[m].bytes, out.more[m].bytes, out.more[m].n);
    }
    assert_true(strings_equal(&in.ids, 1, "bc") && strings_equal(&in.ids, 2, ""));

    const char *path = test_path(folder, "cells/k.cell");
    assert_ok(read_whole_file(path, 1 << 20, arena, &bytes, &n));
    for (size_t i = 0; i < n; i++) { /* any one byte other */
        bytes[i] ^= 0x10;
        assert_ok(atomic_write(path, bytes, n));
        test_fails(cell_read(folder, "k", arena, &in), STATUS_DATA, "k.cell", NULL);
        bytes[i] ^= 0x10;
    }
    for (size_t i = 0; i < n; i++) { /* cut off anywhere */
        assert_ok(atomic_write(path, bytes, i));
        test_fails(cell_read(folder, "k", arena, &in), STATUS_DATA, "k.cell", NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(torn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damaged, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cells, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
