/* test_image.c - HDF5 files made in memory: readable, the same bytes each time, nothing left behind by a failure. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/image.h"

static void put(hid_t file, const char *name, int value)
{
    const hsize_t n = 1000;
    int numbers[1000];
    for (int i = 0; i < 1000; i++)
        numbers[i] = value + i;
    const hid_t space = H5Screate_simple(1, &n, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_obj_track_times(how, false);
    const hid_t array = H5Dcreate2(file, name, H5T_STD_I32LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
    assert_true(H5Dwrite(array, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0);
    H5Dclose(array);
    H5Pclose(how);
    H5Sclose(space);
}

static void reads_back_and_repeats(void **state)
{
    char *folder = test_folder(), hash[SHA256_HEX], seal[SEAL_BYTES];
    const char *path = test_path(folder, "x.h5");
    struct image one, two;
    int numbers[1000];
    (void)state;
    test_write(path, "an old file of that name"); /* must not come into the new one */
    assert_ok(image_open(path, &one));
    put(one.file, "a", 7);
    assert_ok(image_close(path, &one));
    assert_ok(image_open(path, &two));
    put(two.file, "a", 7);
    assert_ok(image_close(path, &two));
    assert_int_equal(one.n, two.n);
    assert_memory_equal(one.bytes, two.bytes, one.n);
    sha256_hex(one.bytes, one.n, hash);
    seal_make(hash, seal);
    assert_true(seal_looks_right(seal));
    seal[3] ^= 1;
    assert_false(seal_looks_right(seal));

    assert_ok(atomic_write(path, one.bytes, one.n));
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), array = H5Dopen2(file, "a", H5P_DEFAULT);
    assert_true(H5Dread(array, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) >= 0);
    assert_int_equal(numbers[999], 7 + 999);
    H5Dclose(array);
    H5Fclose(file);
    image_free(&one);
    image_free(&two);
    image_free(&two);
    test_folder_remove(folder);
}

/* A writer that fails half-way leaves objects open; the file goes all the same, and the next one is made. */
static void a_failure_leaves_nothing(void **state)
{
    struct image image = {0};
    (void)state;
    image_free(&image); /* a zeroed one */
    assert_ok(image_open("x", &image));
    put(image.file, "a", 1);
    assert_true(H5Dopen2(image.file, "a", H5P_DEFAULT) >= 0); /* never closed */
    image_free(&image);
    assert_ok(image_open("x", &image));
    assert_ok(image_close("x", &image));
    image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back_and_repeats),
        cmocka_unit_test(a_failure_leaves_nothing),
    };
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
