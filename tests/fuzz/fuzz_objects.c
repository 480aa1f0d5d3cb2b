/*
 * fuzz_objects.c - a dataset file whose objects are well-formed HDF5 and hold anything: what a reader must not believe.  Steps of six bytes
 * (object, what to do, place, value) change a small good file through the library itself, which cuts the seal off; then it is read whole,
 * and with a new seal as matrices: those that come through must be matrices.
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/image.h"
#include "data/store.h"
#include "data/synth.h"
#include "fuzz.h"

static const struct {
    const char *path;
    size_t element;
} objects[] = {
    {"/interactions/user", 4},
    {"/interactions/item", 4},
    {"/interactions/value", 4},
    {"/interactions/time", 8},
    {"/interactions/source_row", 8},
    {"/users/id/offsets", 8},
    {"/users/id/bytes", 1},
    {"/items/id/offsets", 8},
    {"/items/id/bytes", 1},
    {"/items/title/offsets", 8},
    {"/items/title/bytes", 1},
    {"/items/genres/ptr", 8},
    {"/items/genres/idx", 4},
    {"/items/genres/names/offsets", 8},
    {"/items/year", 4},
    {"/texts/user", 4},
    {"/texts/item", 4},
    {"/texts/kind", 1},
    {"/texts/text/offsets", 8},
    {"/texts/text/bytes", 1},
    {"/truth/user", 4},
    {"/truth/item_bias", 4},
    {"/users/friends/ptr", 8},
    {"/users/friends/idx", 4},
    {"/users/friends/names/offsets", 8},
};
enum { N_OBJECTS = sizeof objects / sizeof *objects };

static unsigned char *good;
static size_t n_good;

static void make_good(void)
{
    struct synth_options options = SYNTH_DEFAULTS;
    struct arena *arena = arena_new();
    struct dataset *d;
    char *bytes;
    options.n_users = 20, options.n_items = 16, options.n_interactions = 100, options.n_friends = 4;
    const char *path = fuzz_file((const uint8_t *)"", 0, ".h5");
    if (arena == NULL || synth_generate(&options, arena, &d) != STATUS_OK ||
        store_write(path, d) != STATUS_OK ||
        read_whole_file(path, 1 << 22, arena, &bytes, &n_good) != STATUS_OK)
        abort();
    good = malloc(n_good);
    if (good == NULL)
        abort();
    memcpy(good, bytes, n_good);
    arena_free(arena);
}

/* One element gets another value, the array another length, or the object goes. */
static void change(hid_t file, const uint8_t step[6])
{
    const char *path = objects[step[0] % N_OBJECTS].path;
    const size_t size = objects[step[0] % N_OBJECTS].element;
    static const int64_t odd[] = {0, 1, -1, INT64_MAX, INT64_MIN, 0x7fc00000, 0x7f800000, 0xff};
    const int64_t value = step[4] & 128 ? odd[step[5] % 8] : (int8_t)step[5];
    if (H5Lexists(file, path, H5P_DEFAULT) <= 0)
        return;
    if (step[1] % 8 == 7) {
        H5Ldelete(file, path, H5P_DEFAULT);
        return;
    }
    const hid_t array = H5Dopen2(file, path, H5P_DEFAULT), type = H5Dget_type(array),
                space = H5Dget_space(array);
    hsize_t shape[2] = {0, 1};
    const int rank = H5Sget_simple_extent_dims(space, shape, NULL);
    const size_t n = (size_t)(shape[0] * shape[1]);
    unsigned char *values = calloc(n + 256, size);
    if (values == NULL || H5Dread(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0)
        abort();
    const size_t place = n > 0 ? ((size_t)step[2] << 8 | step[3]) % n : 0;
    memcpy(values + place * size, &value, size);
    if (step[1] % 8 < 5 && n > 0) {
        H5Dwrite(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    } else if (rank == 1) {
        const hsize_t length = step[1] % 8 == 5 ? step[2] : shape[0] + (step[2] & 1 ? 1 : (hsize_t)-1);
        const hid_t other = H5Screate_simple(1, &length, NULL);
        H5Ldelete(file, path, H5P_DEFAULT);
        const hid_t made = H5Dcreate2(file, path, type, other, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        if (made >= 0 && length > 0 && length < n + 256)
            H5Dwrite(made, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
        H5Dclose(made);
        H5Sclose(other);
    }
    free(values);
    H5Sclose(space);
    H5Tclose(type);
    H5Dclose(array);
}

static void seal_anew(const char *path)
{
    struct arena *arena = arena_new();
    char *bytes, hash[SHA256_HEX], seal[SEAL_BYTES];
    size_t n;
    if (arena == NULL || read_whole_file(path, 1 << 24, arena, &bytes, &n) != STATUS_OK)
        abort();
    sha256_hex(bytes, n, hash);
    seal_make(hash, seal);
    FILE *file = fopen(path, "ab");
    if (file == NULL || fwrite(seal, 1, sizeof seal, file) != sizeof seal || fclose(file) != 0)
        abort();
    arena_free(arena);
}

static void must_be_a_matrix(const struct csr *a)
{
    if (a->ptr[0] != 0 || a->ptr[a->n_rows] != a->nnz)
        abort();
    for (uint32_t r = 0; r < a->n_rows; r++)
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++)
            if (a->idx[e] >= a->n_cols || (e > a->ptr[r] && a->idx[e] <= a->idx[e - 1]))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    fuzz_quiet();
    if (good == NULL)
        make_good();
    const char *path = fuzz_file(good, n_good, ".h5");
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    if (file < 0)
        abort();
    for (size_t i = 0; i + 6 <= n && i < 60; i += 6)
        change(file, bytes + i);
    if (H5Fclose(file) < 0)
        abort();
    struct arena *arena = arena_new();
    struct dataset *d;
    struct csr by_user, by_item;
    if (arena != NULL) {
        store_read(path, arena, &d);
        seal_anew(path);
        if (store_read_matrices(path, arena, &by_user, &by_item) == STATUS_OK) {
            must_be_a_matrix(&by_user);
            must_be_a_matrix(&by_item);
        }
    }
    arena_free(arena);
    return 0;
}
