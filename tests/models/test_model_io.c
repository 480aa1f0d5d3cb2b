/*
 * test_model_io.c - model files: same bytes, atomic, and nothing believed that is read.
 */
#include "mf_fixture.h"

#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"

/* A model that holds one array of each type. */
struct toy_params {
    int size;
    double scale;
};
static const struct param toy_params[] = {PARAM_INT(struct toy_params, size, 3, 1, 100000000, "rows"),
                                          PARAM_REAL(struct toy_params, scale, 0.5, 0, 1, "scale"),
                                          PARAM_END};
struct toy {
    uint64_t n;
    const float *f32;
    const double *f64;
    const uint32_t *u32;
    const int64_t *i64;
};

static enum status toy_save(const void *state, struct model_writer *w)
{
    const struct toy *s = state;
    TRY(model_put(w, "f32", ARRAY_F32, s->n, 2, s->f32));
    TRY(model_put(w, "f64", ARRAY_F64, s->n, 1, s->f64));
    TRY(model_put(w, "u32", ARRAY_U32, s->n, 1, s->u32));
    TRY(model_put(w, "none", ARRAY_U32, 0, 5, NULL));
    return model_put(w, "i64", ARRAY_I64, 1, s->n, s->i64);
}

static enum status toy_load(void *state, const void *params, struct model_reader *r, struct run *run)
{
    struct toy *s = state;
    const struct toy_params *p = params;
    uint64_t n = (uint64_t)p->size, one = 1, two = 2, any = 0, none = 0;
    (void)run;
    TRY(model_get(r, "f32", ARRAY_F32, &n, &two, (const void **)&s->f32));
    TRY(model_get(r, "f64", ARRAY_F64, &n, &one, (const void **)&s->f64));
    TRY(model_get(r, "u32", ARRAY_U32, &n, &one, (const void **)&s->u32));
    TRY(model_get(r, "i64", ARRAY_I64, &one, &any, (const void **)&s->i64));
    assert_int_equal(any, n);
    const void *nothing;
    any = 0;
    TRY(model_get(r, "none", ARRAY_U32, &none, &any, &nothing));
    assert_true(none == 0 && any == 5);
    s->n = n;
    return STATUS_OK;
}

static struct model_type toy = {.name = "toy",
                                .version = 3,
                                .params = toy_params,
                                .params_size = sizeof(struct toy_params),
                                .state_size = sizeof(struct toy),
                                .save = toy_save,
                                .load = toy_load};

static float f32[6] = {1, -2, 3.5f, 0, 5, 6e-30f};
static double f64[3] = {1e300, -1e-300, 0.1};
static const uint32_t u32[3] = {0, 1, UINT32_MAX};
static const int64_t i64[3] = {INT64_MIN, 0, INT64_MAX};
static struct toy made = {3, f32, f64, u32, i64};

static char folder[] = "/tmp/recfuse-model-io-XXXXXX";
static char path[sizeof folder + 32];
static struct fixture fx;

static int setup(void **state)
{
    const uint32_t zero = 0;
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/toy.h5", folder);
    fixture_open(&fx, 1, 1, 1, &zero, &zero, NULL);
    status_set_handler(fixture_quiet, NULL, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fixture_close(&fx);
    unlink(path);
    return rmdir(folder); /* fails when anything is left behind */
}

static void save(void)
{
    assert_int_equal(model_save(path, &toy, fixture_params(&fx, &toy, ""), &made), STATUS_OK);
}

/* Loading fails with STATUS_DATA and a sentence that names the file and holds `word`. */
static void refuses(const char *word)
{
    struct toy s = {0};
    assert_int_equal(model_load(path, &toy, fixture_params(&fx, &toy, ""), &fx.run, &s), STATUS_DATA);
    if (strstr(status_sentence(), path) == NULL || strstr(status_sentence(), word) == NULL)
        fail_msg("'%s' does not say '%s'", status_sentence(), word);
}

static void test_comes_back_as_it_was(void **state)
{
    struct toy s = {0};
    (void)state;
    save();
    assert_int_equal(model_load(path, &toy, fixture_params(&fx, &toy, ""), &fx.run, &s), STATUS_OK);
    assert_int_equal(s.n, 3);
    assert_memory_equal(s.f32, f32, sizeof f32);
    assert_memory_equal(s.f64, f64, sizeof f64);
    assert_memory_equal(s.u32, u32, sizeof u32);
    assert_memory_equal(s.i64, i64, sizeof i64);
}

static void test_same_state_same_bytes(void **state)
{
    char first[SHA256_HEX], second[SHA256_HEX];
    (void)state;
    save();
    assert_int_equal(sha256_file(path, first), STATUS_OK);
    usleep(1100 * 1000); /* HDF5's object times count seconds */
    save();
    assert_int_equal(sha256_file(path, second), STATUS_OK);
    assert_string_equal(first, second);
}

static void test_another_model_version_or_parameters(void **state)
{
    struct toy s = {0};
    (void)state;
    save();
    toy.name = "joy";
    refuses("holds the model toy, not joy");
    toy.name = "toy", toy.version = 4;
    refuses("version 3 of toy");
    toy.version = 3;
    assert_int_equal(model_load(path, &toy, fixture_params(&fx, &toy, "{scale: 0.25}"), &fx.run, &s),
                     STATUS_DATA);
    assert_non_null(strstr(status_sentence(), "\"scale\":0.5"));
}

static void test_not_finite(void **state)
{
    (void)state;
    f32[3] = NAN;
    save();
    refuses("f32[1, 1] is not a finite number");
    f32[3] = 0;
    f64[2] = INFINITY;
    save();
    refuses("f64[2, 0] is not a finite number");
    f64[2] = 0.1;
}

static void test_missing_text_truncated(void **state)
{
    struct stat info;
    (void)state;
    unlink(path);
    refuses("no such model file");
    assert_int_equal(atomic_write(path, "text\n", 5), STATUS_OK);
    refuses("not a model file");
    assert_int_equal(atomic_write(path, "", 0), STATUS_OK);
    refuses("not a model file");
    save();
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size - 1), 0);
    refuses("not a model file");
}

/* The line with the hash, made anew over what HDF5 reads: what is tested is what a hash can't tell. */
static void seal(void)
{
    char *bytes, hash[SHA256_HEX];
    size_t n;
    assert_int_equal(read_whole_file(path, 1 << 20, fx.arena, &bytes, &n), STATUS_OK);
    if (n > 80 && memcmp(bytes + n - 80, "recfuse sha256 ", 15) == 0)
        n -= 80;
    char *sealed = arena_alloc(fx.arena, n + 81, 1);
    memcpy(sealed, bytes, n);
    sha256_hex(bytes, n, hash);
    snprintf(sealed + n, 81, "recfuse sha256 %s\n", hash);
    assert_int_equal(atomic_write(path, sealed, n + 80), STATUS_OK);
}

/* Opens the saved file for a change that the writer would not make. */
static hid_t tamper(void)
{
    save();
    const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    assert_true(file >= 0);
    return file;
}

static void put(hid_t file, hid_t type, int rank, const hsize_t *shape, bool chunked)
{
    const hid_t space = H5Screate_simple(rank, shape, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    if (chunked)
        assert_true(H5Pset_chunk(how, rank, shape) >= 0);
    const hid_t array = H5Dcreate2(file, "f32", type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    assert_true(array >= 0);
    H5Dclose(array), H5Pclose(how), H5Sclose(space);
}

static void test_tampered_arrays(void **state)
{
    (void)state;
    static const hsize_t right[2] = {3, 2}, wrong[2] = {2, 3}, flat[1] = {6}, huge[2] = {3, 1ull << 40};
    static const struct {
        const hsize_t *shape;
        int rank;
        bool doubles, chunked;
        const char *word;
    } cases[] = {{wrong, 2, false, false, "f32 is 2 x 3, not 3 x 2"},
                 {flat, 1, false, false, "f32 is not a matrix of float32"},
                 {right, 2, true, false, "f32 is not a matrix of float32"},
                 {right, 2, false, true, "f32 is not stored in one piece"},
                 {huge, 2, false, false, "f32 is 3 x 1099511627776, not 3 x 2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const hid_t file = tamper();
        assert_true(H5Ldelete(file, "f32", H5P_DEFAULT) >= 0);
        put(file, cases[i].doubles ? H5T_IEEE_F64LE : H5T_IEEE_F32LE, cases[i].rank, cases[i].shape,
            cases[i].chunked);
        H5Fclose(file), seal();
        refuses(cases[i].word);
    }
}

static void test_links_out_of_the_file_are_refused(void **state)
{
    (void)state;
    hid_t file = tamper();
    assert_true(H5Ldelete(file, "f32", H5P_DEFAULT) >= 0);
    H5Fclose(file), seal();
    refuses("no array f32");
    file = tamper();
    assert_true(H5Ldelete(file, "f32", H5P_DEFAULT) >= 0);
    assert_true(H5Lcreate_external("/etc/passwd", "/x", file, "f32", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file), seal();
    refuses("no array f32");
    file = tamper();
    assert_true(H5Ldelete(file, "f32", H5P_DEFAULT) >= 0);
    const hsize_t shape[2] = {3, 2};
    const hid_t space = H5Screate_simple(2, shape, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_external(how, "/etc/passwd", 0, H5F_UNLIMITED) >= 0);
    const hid_t array = H5Dcreate2(file, "f32", H5T_IEEE_F32LE, space, H5P_DEFAULT, how, H5P_DEFAULT);
    assert_true(array >= 0);
    H5Dclose(array), H5Pclose(how), H5Sclose(space), H5Fclose(file), seal();
    refuses("f32 is not stored in one piece");
}

static void test_header_is_checked(void **state)
{
    (void)state;
    static const char *const names[] = {"format", "file_version", "model", "version", "params"};
    static const char *const words[] = {"not a model file", "not a model file", "name is missing", "version",
                                        "parameters are missing"};
    for (size_t i = 0; i < 5; i++) {
        const hid_t file = tamper();
        assert_true(H5Adelete(file, names[i]) >= 0);
        H5Fclose(file), seal();
        refuses(words[i]);
    }
    const hid_t file = tamper(); /* a newer file */
    const int32_t newer = 2;
    const hid_t attribute = H5Aopen(file, "file_version", H5P_DEFAULT);
    assert_true(H5Awrite(attribute, H5T_NATIVE_INT32, &newer) >= 0);
    H5Aclose(attribute), H5Fclose(file), seal();
    refuses("of version 2, and this program reads version 1");
}

/* Any byte of the file changed: it is damaged, and HDF5 never sees it. */
static void test_mutations_are_noticed(void **state)
{
    char *bytes;
    size_t n;
    (void)state;
    save();
    assert_int_equal(read_whole_file(path, 1 << 20, fx.arena, &bytes, &n), STATUS_OK);
    for (uint64_t i = 0; i < 100; i++) {
        char *copy = arena_copy(fx.arena, bytes, n, 1);
        struct toy s = {0};
        for (uint64_t j = 0; j < 3; j++)
            copy[random_u32(i, RANDOM_SYNTH, 0, j) % n] = (char)random_u32(i, RANDOM_SYNTH, 1, j);
        assert_int_equal(atomic_write(path, copy, n), STATUS_OK);
        const enum status status = model_load(path, &toy, fixture_params(&fx, &toy, ""), &fx.run, &s);
        assert_int_equal(status, memcmp(copy, bytes, n) == 0 ? STATUS_OK : STATUS_DATA);
    }
}

/* A full disk (here: the limit of a file's size): status 4, the old file stays, nothing is left behind. */
static void test_full_disk(void **state)
{
    struct rlimit before, limit;
    struct toy big = {200000, NULL, NULL, NULL, NULL};
    char first[SHA256_HEX], second[SHA256_HEX];
    (void)state;
    save();
    assert_int_equal(sha256_file(path, first), STATUS_OK);
    big.f32 = arena_alloc(fx.arena, big.n * 2, sizeof(float));
    big.f64 = arena_alloc(fx.arena, big.n, sizeof(double));
    big.u32 = arena_alloc(fx.arena, big.n, sizeof(uint32_t));
    big.i64 = arena_alloc(fx.arena, big.n, sizeof(int64_t));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 100000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    const enum status status = model_save(path, &toy, fixture_params(&fx, &toy, ""), &big);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, STATUS_SYSTEM);
    assert_non_null(strstr(status_sentence(), path));
    assert_int_equal(sha256_file(path, second), STATUS_OK);
    assert_string_equal(first, second);
    assert_int_equal(model_save("/nowhere/at/all.h5", &toy, fixture_params(&fx, &toy, ""), &made),
                     STATUS_SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comes_back_as_it_was),
        cmocka_unit_test(test_same_state_same_bytes),
        cmocka_unit_test(test_another_model_version_or_parameters),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_missing_text_truncated),
        cmocka_unit_test(test_tampered_arrays),
        cmocka_unit_test(test_links_out_of_the_file_are_refused),
        cmocka_unit_test(test_header_is_checked),
        cmocka_unit_test(test_mutations_are_noticed),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
