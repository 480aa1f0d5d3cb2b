/* test_store_chunks.c - chunks packed here are HDF5's own to the bit: each side reads what the other wrote; damage is seen. */
#include "../test.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "data/store_chunks.h"

enum { N = 100003, CHUNK = 4096 };

static char *folder;

/* A dataset of N elements with our three filters; `element` 1, 4 or 8 bytes. */
static hid_t make(hid_t file, const char *name, size_t element)
{
    const hsize_t n = N, chunk = CHUNK;
    const hid_t type = element == 1 ? H5T_STD_U8LE : element == 4 ? H5T_STD_U32LE : H5T_STD_U64LE;
    const hid_t space = H5Screate_simple(1, &n, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(how, 1, &chunk) >= 0);
    if (element > 1)
        assert_true(H5Pset_shuffle(how) >= 0);
    assert_true(H5Pset_deflate(how, 4) >= 0 && H5Pset_fletcher32(how) >= 0);
    const hid_t array = H5Dcreate2(file, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    assert_true(array >= 0);
    H5Pclose(how);
    H5Sclose(space);
    return array;
}

static void each_side_reads_the_others(void **state)
{
    static unsigned char values[8 * N], back[8 * N];
    static const size_t elements[] = {1, 4, 8};
    (void)state;
    for (size_t i = 0; i < sizeof values; i++)
        values[i] = (unsigned char)(i * i / 7 % (1 + i % 251));
    for (int e = 0; e < 3; e++) {
        const size_t size = elements[e];
        const hid_t type = size == 1 ? H5T_STD_U8LE : size == 4 ? H5T_STD_U32LE : H5T_STD_U64LE;
        const hid_t file = H5Fcreate(test_path(folder, "a.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        const hid_t ours = make(file, "ours", size), theirs = make(file, "theirs", size);
        struct chunked c = {ours, 1, size, N * size, CHUNK, CHUNK * size, 0};
        assert_true(chunks_write(&c, values));
        memset(back, 0, sizeof back);
        assert_true(H5Dread(ours, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, back) >= 0);
        assert_memory_equal(values, back, N * size);
        assert_true(H5Dwrite(theirs, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
        assert_true(H5Fflush(file, H5F_SCOPE_LOCAL) >= 0);
        c.array = theirs;
        const int fd = open(test_path(folder, "a.h5"), O_RDONLY);
        memset(back, 0, sizeof back);
        assert_int_equal(chunks_read(&c, fd, back), CHUNKS_READ);
        assert_memory_equal(values, back, N * size);
        assert_int_equal(chunks_compare(&c, fd, values), CHUNKS_READ);
        back[N * size - 1] ^= 1;
        assert_int_equal(chunks_compare(&c, fd, back), CHUNKS_DAMAGED);
        close(fd);
        H5Dclose(ours);
        H5Dclose(theirs);
        H5Fclose(file);
    }
}

static void damage_is_seen(void **state)
{
    static unsigned char values[4 * N], back[4 * N];
    unsigned char packed[5 * 4096 * 4];
    uint32_t mask;
    hsize_t at = 2 * CHUNK, size;
    (void)state;
    for (size_t i = 0; i < sizeof values; i++)
        values[i] = (unsigned char)(i % 13);
    const hid_t file = H5Fcreate(test_path(folder, "b.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t array = make(file, "x", 4);
    const struct chunked c = {array, 1, 4, sizeof values, CHUNK, CHUNK * 4, 0};
    assert_true(chunks_write(&c, values));
    assert_true(H5Dget_chunk_storage_size(array, &at, &size) >= 0 && size < sizeof packed);
    assert_true(H5Dread_chunk(array, H5P_DEFAULT, &at, &mask, packed) >= 0);
    packed[size / 2] ^= 1;
    assert_true(H5Dwrite_chunk(array, H5P_DEFAULT, 0, &at, (size_t)size, packed) >= 0);
    assert_true(H5Fflush(file, H5F_SCOPE_LOCAL) >= 0);
    const int fd = open(test_path(folder, "b.h5"), O_RDONLY);
    assert_int_equal(chunks_read(&c, fd, back), CHUNKS_DAMAGED);
    /* Without a chunk, or with a filter left out, HDF5 shall read it. */
    const hid_t empty = make(file, "empty", 4);
    const struct chunked other = {empty, 1, 4, sizeof values, CHUNK, CHUNK * 4, 0};
    assert_int_equal(chunks_read(&other, fd, back), CHUNKS_OTHER);
    close(fd);
    H5Dclose(empty);
    H5Dclose(array);
    H5Fclose(file);
}

static int set_up(void **state)
{
    (void)state;
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
        cmocka_unit_test_setup_teardown(each_side_reads_the_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_seen, set_up, tear_down),
    };
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
