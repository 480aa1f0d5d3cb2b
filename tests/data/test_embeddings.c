/*
 * test_embeddings.c - vectors of another program: .npy and HDF5 with ids beside them in, a folder of vectors out and back; every way in
 * which they can be wrong.
 */
#include "../test.h"

#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "data/import/embeddings.h"
#include "llm/vectors.h"

static struct arena *arena;
static char *folder;
static const float rows[3][2] = {{1, -2}, {0.5f, 3}, {-4, 0.25f}};

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
    test_folder_remove(folder);
    arena_free(arena);
    return 0;
}

static const char *at(const char *name)
{
    return arena_strdup(arena, test_path(folder, name));
}

/* numpy's format 1.0 of this descr and shape, then the bytes. */
static const char *write_npy(const char *name, const char *descr, const char *shape, const void *bytes,
                             size_t n)
{
    char header[128];
    const char *path = at(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    const int length = snprintf(header, sizeof header,
                                "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape);
    const unsigned char start[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)length, 0};
    fwrite(start, 1, sizeof start, file);
    fwrite(header, 1, (size_t)length, file);
    fwrite(bytes, 1, n, file);
    assert_int_equal(fclose(file), 0);
    return path;
}

static const char *write_h5(const char *name, hid_t type, const void *values, int n_sets)
{
    static const char *const sets[] = {"first", "second"};
    const hsize_t shape[2] = {3, 2}, one[1] = {6};
    const char *path = at(name);
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(2, shape, NULL), line = H5Screate_simple(1, one, NULL);
    assert_true(file >= 0);
    for (int i = 0; i < n_sets; i++) {
        const hid_t set = H5Dcreate2(file, sets[i], type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
        H5Dclose(set);
    }
    const hid_t other = H5Dcreate2(file, "line", type, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dclose(other);
    H5Sclose(space);
    H5Sclose(line);
    H5Fclose(file);
    return path;
}

static const char *write_ids(const char *text)
{
    const char *path = at("ids.txt");
    test_write(path, text);
    return path;
}

static void both_formats(void **state)
{
    (void)state;
    struct embeddings e;
    const char *ids = write_ids("a\nb b\r\nc");
    double wide[6];
    for (int i = 0; i < 6; i++)
        wide[i] = (double)rows[i / 2][i % 2];
    const struct {
        const char *path, *name;
    } cases[] = {{write_npy("a.npy", "<f4", "(3, 2)", rows, sizeof rows), NULL},
                 {write_npy("b.npy", "<f8", "(3, 2)", wide, sizeof wide), NULL},
                 {write_h5("c.h5", H5T_NATIVE_FLOAT, rows, 1), NULL},
                 {write_h5("d.hdf5", H5T_NATIVE_DOUBLE, wide, 2), "second"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(embeddings_read(cases[i].path, cases[i].name, ids, arena, &e));
        assert_int_equal(e.n, 3);
        assert_int_equal(e.d, 2);
        assert_memory_equal(e.value, rows, sizeof rows);
        assert_true(strings_equal(&e.ids, 1, "b b") && strings_equal(&e.ids, 2, "c"));
    }
}

#define REFUSED(path, name, ids, ...)                                                                        \
    test_fails(embeddings_read(path, name, ids, arena, &e), STATUS_DATA, __VA_ARGS__, NULL)

static void what_is_refused(void **state)
{
    (void)state;
    struct embeddings e;
    float bad[3][2];
    memcpy(bad, rows, sizeof bad);
    const char *good = write_npy("a.npy", "<f4", "(3, 2)", rows, sizeof rows);
    REFUSED(good, NULL, write_ids("a\nb\n"), "2 ids for 3 vectors");
    REFUSED(good, NULL, write_ids("a\nb\nc\nd\n"), "more ids");
    REFUSED(good, NULL, write_ids("a\nb\na\n"), "ids.txt:3", "'a' stands in line 1");
    REFUSED(good, NULL, write_ids("a\n\nc\n"), "ids.txt:2", "empty");
    const char *ids = write_ids("a\nb\nc\n");
    bad[1][1] = NAN;
    REFUSED(write_npy("n.npy", "<f4", "(3, 2)", bad, sizeof bad), NULL, ids, "row 1 (id 'b'), column 1",
            "nan");
    bad[1][1] = INFINITY;
    REFUSED(write_h5("n.h5", H5T_NATIVE_FLOAT, bad, 1), NULL, ids, "row 1 (id 'b'), column 1", "inf");
    REFUSED(write_npy("s.npy", "<f4", "(3, 2)", rows, sizeof rows - 1), NULL, ids, "ends in row 2");
    REFUSED(write_npy("l.npy", "<f4", "(2, 2)", rows, sizeof rows), NULL, ids, "goes on after its 2 rows");
    REFUSED(write_npy("i.npy", "<i4", "(3, 2)", rows, sizeof rows), NULL, ids, "<i4");
    REFUSED(write_npy("h.npy", "<f4", "(4000000000, 60000)", rows, sizeof rows), NULL, ids,
            "more than the file can hold");
    REFUSED(write_h5("two.h5", H5T_NATIVE_FLOAT, rows, 2), NULL, ids, "2 datasets", "--name");
    REFUSED(write_h5("none.h5", H5T_NATIVE_FLOAT, rows, 0), NULL, ids, "0 datasets");
    REFUSED(write_h5("int.h5", H5T_NATIVE_INT, rows, 1), NULL, ids, "0 datasets");
    REFUSED(at("none.npy"), NULL, ids, "none.npy");
    test_write(at("text.h5"), "no HDF5");
    REFUSED(at("text.h5"), NULL, ids, "not an HDF5 file");
    test_fails(embeddings_read(at("x.csv"), NULL, ids, arena, &e), STATUS_USAGE, ".npy", NULL);
}

static void strings_of(const char *const *text, size_t n, struct strings *out)
{
    struct string_builder b = {0};
    for (size_t i = 0; i < n; i++)
        assert_ok(string_builder_add(&b, text[i], strlen(text[i])));
    assert_ok(string_builder_finish(&b, arena, out));
}

static void items_are_counted(void **state)
{
    (void)state;
    static const char *const items[] = {"c", "x", "a"};
    struct embeddings e;
    struct strings wanted;
    uint32_t missing, unknown, one;
    strings_of(items, 3, &wanted);
    const char *path = write_npy("a.npy", "<f4", "(3, 2)", rows, sizeof rows), *ids = write_ids("a\nb\nc\n");
    for (int drop = 0; drop < 2; drop++) {
        assert_ok(embeddings_read(path, NULL, ids, arena, &e));
        assert_ok(embeddings_match(&e, &wanted, drop, arena, &missing, &unknown, &one));
        assert_int_equal(missing, 1);
        assert_int_equal(unknown, 1);
        assert_int_equal(one, 1);
        assert_int_equal(e.n, drop ? 2 : 3);
        assert_memory_equal(e.value + 2 * (e.n - 1), rows[2], sizeof rows[2]); /* c's */
        assert_true(strings_equal(&e.ids, e.n - 1, "c"));
    }
}

static void a_folder_comes_back(void **state)
{
    (void)state;
    static const char *const names[] = {"one", "two", "three"};
    struct strings ids;
    struct vectors v;
    char *bytes;
    size_t n;
    strings_of(names, 3, &ids);
    const char *place = at("mine");
    assert_false(vectors_are_in(place));
    assert_ok(vectors_write(place, &ids, 2, rows[0], "a \"quoted\" name", "0123"));
    assert_true(vectors_are_in(place));
    assert_ok(vectors_open(place, &v));
    assert_int_equal(v.n, 3);
    assert_int_equal(v.d, 2);
    assert_memory_equal(vectors_find(&v, "two", 3), rows[1], sizeof rows[1]);
    assert_null(vectors_find(&v, "four", 4));
    vectors_close(&v);
    /* Each byte changed and each cut: an error or other vectors, never a crash. */
    assert_ok(read_whole_file(test_path(place, VECTORS_FILE), 1 << 20, arena, &bytes, &n));
    for (size_t i = 0; i < n; i++) {
        const char before = bytes[i];
        bytes[i] = (char)(before ^ 0x45);
        assert_ok(atomic_write(test_path(place, VECTORS_FILE), bytes, n));
        if (vectors_open(place, &v) == STATUS_OK)
            vectors_close(&v);
        bytes[i] = before;
        assert_ok(atomic_write(test_path(place, VECTORS_FILE), bytes, i));
        test_fails(vectors_open(place, &v), STATUS_DATA, "vectors.safetensors", NULL);
    }
    static const char *const twice[] = {"one", "two", "one"}, *const empty[] = {"one", "", "two"};
    strings_of(twice, 3, &ids);
    test_fails(vectors_write(place, &ids, 2, rows[0], "a", "0"), STATUS_DATA, "'one'", "rows 0 and 2", NULL);
    strings_of(empty, 3, &ids);
    test_fails(vectors_write(place, &ids, 2, rows[0], "a", "0"), STATUS_DATA, "row 1 is empty", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(both_formats), cmocka_unit_test(what_is_refused),
                                       cmocka_unit_test(items_are_counted),
                                       cmocka_unit_test(a_folder_comes_back)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
