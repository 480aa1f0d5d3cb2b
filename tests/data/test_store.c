/*
 * test_store.c - the dataset file: what goes in comes out, the same dataset gives the same bytes, and whatever a file holds,
 * reading it ends in a dataset or in one sentence.
 */
#include "data/store.h"

#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../test.h"
#include "data/store_parts.h"

static char *folder;

/* ---- a dataset of our own with every part ---- */

#define STRINGS(name, ...)                                                                                   \
    static struct strings name(struct arena *arena)                                                          \
    {                                                                                                        \
        static const char *const texts[] = {__VA_ARGS__};                                                    \
        struct string_builder b = {0};                                                                       \
        struct strings s;                                                                                    \
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)                                            \
            assert_ok(string_builder_add(&b, texts[i], strlen(texts[i])));                                   \
        assert_ok(string_builder_finish(&b, arena, &s));                                                     \
        return s;                                                                                            \
    }
STRINGS(user_ids, "anna", "9223372036854775808", "Jürgen")
STRINGS(item_ids, "a", "b", "c", "電影")
STRINGS(titles, "Alien (1979)", "", "Amélie, \"le film\"", "七人の侍")
STRINGS(genre_names, "Horror", "Comedy")
STRINGS(genders, "F", "M", "")
STRINGS(tag_texts, "slow & long", "très bon")

static struct dataset *example(struct arena *arena)
{
    static uint32_t user[] = {0, 0, 0, 1, 2}, item[] = {1, 0, 1, 2, 0};
    static float value[] = {5, 0.5f, 4, 3, 2.5f};
    static int64_t time[] = {-5, 10, 10, 7, INT64_MAX};
    static uint64_t source_row[] = {4, 0, 3, 1, 2};
    static const int64_t ptr[] = {0, 1, 1, 3, 3};
    static const uint32_t idx[] = {0, 0, 1};
    static const uint32_t text_user[] = {2, 1}, text_item[] = {3, UINT32_MAX};
    static const int64_t text_time[] = {1, 2};
    static const uint8_t text_kind[] = {TEXT_TAG, TEXT_QUERY};
    static const float truth_user[] = {1, 2, 3, 4, 5, 6}, truth_item[] = {1, 0, 0, 1, -1, 0, 0, -1};
    static const float bias[] = {0, 0.5f, 1, 2}, exposure[] = {0, -1, -2, -3};
    static const struct truth truth = {2, truth_user, truth_item, bias, exposure};
    static float image[8], genome[4] = {0.5f, 0, 1, 0.25f};
    static const struct feature features[] = {{"image", 2, false, image}, {"genome", 1, true, genome}};
    for (int k = 0; k < 8; k++)
        image[k] = k / 2 == 2 ? NAN : (float)k; /* item 2 has no image */
    static float year[4];
    year[0] = 1979;
    year[1] = NAN;
    year[2] = 2001;
    year[3] = 1954;
    struct column *columns = arena_alloc(arena, 4, sizeof *columns);
    /* Not in the order of their names: that order must survive. */
    columns[0] = (struct column){.name = "title", .kind = COLUMN_TEXT, .text = titles(arena)};
    columns[1] = (struct column){.name = "year", .kind = COLUMN_NUMBER, .number = year};
    columns[2] = (struct column){.name = "genres",
                                 .kind = COLUMN_LIST,
                                 .list = {.n_rows = 4, .n_cols = 2, .nnz = 3, .ptr = ptr, .idx = idx},
                                 .names = genre_names(arena)};
    columns[3] = (struct column){.name = "gender", .kind = COLUMN_TEXT, .text = genders(arena)};
    struct dataset *d = arena_alloc(arena, 1, sizeof *d);
    *d = (struct dataset){.name = "example",
                          .source = "a test",
                          .policies = "{\"duplicate_pairs\":1}",
                          .n_users = 3,
                          .n_items = 4,
                          .user_ids = user_ids(arena),
                          .item_ids = item_ids(arena),
                          .interactions = {5, user, item, value, time, source_row},
                          .n_user_columns = 1,
                          .n_item_columns = 3,
                          .user_columns = columns + 3,
                          .item_columns = columns,
                          .texts = {2, text_user, text_item, text_time, text_kind, tag_texts(arena)},
                          .n_features = 2,
                          .features = features,
                          .truth = &truth};
    memset(d->source_sha256, 'a', 64);
    return d;
}

/* The smallest: one user, one item, nothing beside them. */
static struct dataset *bare(struct arena *arena, uint64_t n)
{
    static uint32_t zero[1];
    static float one[] = {1};
    static uint64_t row[1];
    struct dataset *d = arena_alloc(arena, 1, sizeof *d);
    static const uint64_t offsets[] = {0, 1};
    *d = (struct dataset){.name = "bare",
                          .source = "",
                          .policies = "{}",
                          .n_users = 1,
                          .n_items = 1,
                          .user_ids = {1, offsets, "u"},
                          .item_ids = {1, offsets, "i"},
                          .interactions = {n, zero, zero, one, NULL, row}};
    return d;
}

static void assert_strings(const struct strings *a, const struct strings *b)
{
    assert_int_equal(a->n, b->n);
    for (uint64_t i = 0; i < a->n; i++) {
        assert_int_equal(strings_length(a, i), strings_length(b, i));
        if (strings_length(a, i) > 0)
            assert_memory_equal(strings_at(a, i), strings_at(b, i), strings_length(a, i));
    }
}

static void assert_columns(uint32_t n_columns, const struct column *a, const struct column *b, uint32_t n)
{
    for (uint32_t i = 0; i < n_columns; i++) {
        assert_string_equal(a[i].name, b[i].name);
        assert_int_equal(a[i].kind, b[i].kind);
        if (a[i].kind == COLUMN_TEXT)
            assert_strings(&a[i].text, &b[i].text);
        if (a[i].kind == COLUMN_NUMBER)
            for (uint32_t j = 0; j < n; j++)
                assert_true(a[i].number[j] == b[i].number[j] ||
                            (isnan(a[i].number[j]) && isnan(b[i].number[j])));
        if (a[i].kind == COLUMN_LIST) {
            assert_strings(&a[i].names, &b[i].names);
            assert_int_equal(a[i].list.nnz, b[i].list.nnz);
            assert_int_equal(a[i].list.n_cols, b[i].list.n_cols);
            assert_memory_equal(a[i].list.ptr, b[i].list.ptr, (n + 1) * sizeof(int64_t));
            assert_memory_equal(a[i].list.idx, b[i].list.idx, (size_t)a[i].list.nnz * sizeof(uint32_t));
        }
    }
}

static void assert_same(const struct dataset *a, const struct dataset *b)
{
    assert_string_equal(a->name, b->name);
    assert_string_equal(a->source, b->source);
    assert_string_equal(a->policies, b->policies);
    assert_string_equal(a->source_sha256, b->source_sha256);
    assert_string_equal(a->content_sha256, b->content_sha256);
    assert_int_equal(a->n_users, b->n_users);
    assert_int_equal(a->n_items, b->n_items);
    assert_strings(&a->user_ids, &b->user_ids);
    assert_strings(&a->item_ids, &b->item_ids);
    const struct interactions *x = &a->interactions, *y = &b->interactions;
    assert_int_equal(x->n, y->n);
    assert_memory_equal(x->user, y->user, x->n * sizeof *x->user);
    assert_memory_equal(x->item, y->item, x->n * sizeof *x->item);
    assert_memory_equal(x->value, y->value, x->n * sizeof *x->value);
    assert_memory_equal(x->source_row, y->source_row, x->n * sizeof *x->source_row);
    assert_int_equal(x->time == NULL, y->time == NULL);
    if (x->time != NULL)
        assert_memory_equal(x->time, y->time, x->n * sizeof *x->time);
    assert_int_equal(a->n_user_columns, b->n_user_columns);
    assert_int_equal(a->n_item_columns, b->n_item_columns);
    assert_columns(a->n_user_columns, a->user_columns, b->user_columns, a->n_users);
    assert_columns(a->n_item_columns, a->item_columns, b->item_columns, a->n_items);
    assert_int_equal(a->texts.n, b->texts.n);
    if (a->texts.n > 0) {
        assert_memory_equal(a->texts.user, b->texts.user, a->texts.n * sizeof(uint32_t));
        assert_memory_equal(a->texts.item, b->texts.item, a->texts.n * sizeof(uint32_t));
        assert_memory_equal(a->texts.time, b->texts.time, a->texts.n * sizeof(int64_t));
        assert_memory_equal(a->texts.kind, b->texts.kind, a->texts.n);
        assert_strings(&a->texts.text, &b->texts.text);
    }
    assert_int_equal(a->n_features, b->n_features);
    for (uint32_t f = 0; f < a->n_features; f++) {
        assert_string_equal(a->features[f].name, b->features[f].name);
        assert_int_equal(a->features[f].width, b->features[f].width);
        assert_int_equal(a->features[f].from_users, b->features[f].from_users);
        for (uint64_t k = 0; k < (uint64_t)a->n_items * a->features[f].width; k++)
            assert_true(a->features[f].value[k] == b->features[f].value[k] ||
                        (isnan(a->features[f].value[k]) && isnan(b->features[f].value[k])));
    }
    assert_int_equal(a->truth == NULL, b->truth == NULL);
    if (a->truth != NULL) {
        assert_int_equal(a->truth->factors, b->truth->factors);
        assert_memory_equal(a->truth->user, b->truth->user, a->n_users * a->truth->factors * sizeof(float));
        assert_memory_equal(a->truth->item, b->truth->item, a->n_items * a->truth->factors * sizeof(float));
        assert_memory_equal(a->truth->item_bias, b->truth->item_bias, a->n_items * sizeof(float));
        assert_memory_equal(a->truth->exposure, b->truth->exposure, a->n_items * sizeof(float));
    }
}

static void round_trip(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *again, *d = example(arena);
    const char *path = test_path(folder, "round.h5");
    assert_ok(store_write(path, d));
    assert_int_equal(strlen(d->content_sha256), 64);
    assert_ok(store_read(path, arena, &again));
    assert_same(d, again);
    for (uint64_t n = 0; n < 2; n++) {
        d = bare(arena, n);
        assert_ok(store_write(path, d)); /* over the old file */
        assert_ok(store_read(path, arena, &again));
        assert_same(d, again);
        assert_null(again->interactions.time);
        assert_null(again->truth);
        assert_int_equal(again->texts.n, 0);
    }
    arena_free(arena);
}

static char *slurp(const char *path, struct arena *arena, size_t *n)
{
    char *bytes;
    assert_ok(read_whole_file(path, 1u << 30, arena, &bytes, n));
    return bytes;
}

static void same_dataset_same_bytes(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = example(arena), *again;
    size_t n, m;
    assert_ok(store_write(test_path(folder, "one.h5"), d));
    sleep(1); /* HDF5 keeps times in seconds where it is allowed to */
    assert_ok(store_read(test_path(folder, "one.h5"), arena, &again));
    assert_ok(store_write(test_path(folder, "another-name.h5"), again));
    const char *a = slurp(test_path(folder, "one.h5"), arena, &n);
    const char *b = slurp(test_path(folder, "another-name.h5"), arena, &m);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    arena_free(arena);
}

/* content_sha256 tells contents apart, and only contents. */
static void content_hash(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = test_path(folder, "hash.h5");
    struct dataset *d = example(arena);
    char first[SHA256_HEX];
    assert_ok(store_write(path, d));
    strcpy(first, d->content_sha256);
    d->name = "another";
    d->policies = "{}";
    assert_ok(store_write(path, d));
    assert_string_equal(first, d->content_sha256);
    float value[] = {5, 0.5f, 4, 3, 2.5001f}, *kept = d->interactions.value;
    d->interactions.value = value;
    assert_ok(store_write(path, d));
    assert_string_not_equal(first, d->content_sha256);
    d->interactions.value = kept;
    struct feature features[] = {d->features[0], d->features[1]};
    features[1].from_users = false;
    d->features = features;
    assert_ok(store_write(path, d));
    assert_string_not_equal(first, d->content_sha256);
    d->features = example(arena)->features;
    d->texts = (struct texts){0};
    assert_ok(store_write(path, d));
    assert_string_not_equal(first, d->content_sha256);
    arena_free(arena);
}

/* ---- files that are no dataset files ---- */

static void refused(const char *path, const char *word)
{
    struct arena *arena = arena_new();
    struct dataset *d;
    test_fails(store_read(path, arena, &d), STATUS_DATA, path, word, NULL);
    assert_null(strchr(status_sentence(), '\n'));
    arena_free(arena);
}

static void not_a_dataset_file(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = test_path(folder, "bad.h5");
    refused(test_path(folder, "no-such.h5"), "no such file");
    refused(folder, "not a file");
    test_write(path, "");
    refused(path, "is empty");
    test_write(path, "user,item,rating\n1,2,3\n");
    refused(path, "not an HDF5 file");
    test_write(path, "\x89HDF\r\n\x1a\n and then nonsense");
    refused(path, "damaged or truncated");
    assert_ok(store_write(path, example(arena)));
    size_t n;
    slurp(path, arena, &n);
    for (size_t left = n - 1; left > 8; left = left * 7 / 8) {
        assert_int_equal(truncate(path, (off_t)left), 0);
        refused(path, "truncated");
    }
    arena_free(arena);
}

/* ---- one object of a good file made bad, by HDF5 itself ---- */

static void put(hid_t file, const char *path, hid_t type, int rank, const hsize_t *shape, const void *values)
{
    if (H5Lexists(file, path, H5P_DEFAULT) > 0)
        H5Ldelete(file, path, H5P_DEFAULT);
    const hid_t space = rank > 0 ? H5Screate_simple(rank, shape, NULL) : H5Screate(H5S_SCALAR);
    const hid_t array = H5Dcreate2(file, path, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(array >= 0);
    if (values != NULL)
        assert_true(H5Dwrite(array, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(array);
    H5Sclose(space);
}
#define PUT(file, path, type, ctype, ...)                                                                    \
    do {                                                                                                     \
        const ctype values_[] = {__VA_ARGS__};                                                               \
        const hsize_t shape_ = sizeof values_ / sizeof *values_;                                             \
        put((file), (path), (type), 1, &shape_, values_);                                                    \
    } while (0)

static void put_attribute(hid_t file, const char *name, hid_t type, const void *value)
{
    H5Adelete(file, name);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(attribute >= 0 && H5Awrite(attribute, type, value) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
}

static void newer_schema(hid_t f)
{
    put_attribute(f, "schema_version", H5T_STD_U32LE, &(uint32_t){2});
}
static void schema_zero(hid_t f)
{
    put_attribute(f, "schema_version", H5T_STD_U32LE, &(uint32_t){0});
}
static void no_schema(hid_t f)
{
    H5Adelete(f, "schema_version");
}
static void schema_of_another_type(hid_t f)
{
    put_attribute(f, "schema_version", H5T_STD_I64LE, &(int64_t){1});
}
static void name_of_variable_length(hid_t f)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    const char *text = "x";
    H5Tset_size(type, H5T_VARIABLE);
    put_attribute(f, "name", type, &text);
    H5Tclose(type);
}
static void hash_that_is_none(hid_t f)
{
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 3);
    put_attribute(f, "content_sha256", type, "xyz");
    H5Tclose(type);
}
static void another_value(hid_t f)
{
    PUT(f, "/interactions/value", H5T_IEEE_F32LE, float, 5, 0.5f, 4, 3, 2);
}
static void signed_users(hid_t f)
{
    PUT(f, "/interactions/user", H5T_STD_I32LE, int32_t, 0, 0, 0, 1, 2);
}
static void big_endian_users(hid_t f)
{
    PUT(f, "/interactions/user", H5T_STD_U32BE, uint32_t, 0, 0, 0, 1, 2);
}
static void users_in_two_dimensions(hid_t f)
{
    const hsize_t shape[] = {5, 1};
    put(f, "/interactions/user", H5T_STD_U32LE, 2, shape, (uint32_t[]){0, 0, 0, 1, 2});
}
static void scalar_users(hid_t f)
{
    put(f, "/interactions/user", H5T_STD_U32LE, 0, NULL, (uint32_t[]){0});
}
static void fewer_items(hid_t f)
{
    PUT(f, "/interactions/item", H5T_STD_U32LE, uint32_t, 1, 0, 1, 2);
}
static void item_out_of_range(hid_t f)
{
    PUT(f, "/interactions/item", H5T_STD_U32LE, uint32_t, 1, 0, 1, 2, 4);
}
static void value_nan(hid_t f)
{
    PUT(f, "/interactions/value", H5T_IEEE_F32LE, float, 5, 0.5f, NAN, 3, 2);
}
static void rows_out_of_order(hid_t f)
{
    PUT(f, "/interactions/time", H5T_STD_I64LE, int64_t, -5, 10, 9, 7, 0);
}
static void source_row_twice(hid_t f)
{
    PUT(f, "/interactions/source_row", H5T_STD_U64LE, uint64_t, 4, 3, 3, 1, 2);
}
static void offsets_fall(hid_t f)
{
    PUT(f, "/items/id/offsets", H5T_STD_U64LE, uint64_t, 0, 2, 1, 3, 9);
}
static void offsets_beyond(hid_t f)
{
    PUT(f, "/items/id/offsets", H5T_STD_U64LE, uint64_t, 0, 1, 2, 3, UINT64_C(1) << 60);
}
static void offsets_cut_a_character(hid_t f)
{
    PUT(f, "/items/id/offsets", H5T_STD_U64LE, uint64_t, 0, 1, 2, 4, 9);
}
static void no_offsets(hid_t f)
{
    const hsize_t none = 0;
    put(f, "/items/id/offsets", H5T_STD_U64LE, 1, &none, NULL);
}
static void id_twice(hid_t f)
{
    PUT(f, "/items/id/bytes", H5T_STD_U8LE, uint8_t, 'a', 'a', 'c', 0xe9, 0x9b, 0xbb, 0xe5, 0xbd, 0xb1);
}
static void id_not_utf8(hid_t f)
{
    PUT(f, "/items/id/bytes", H5T_STD_U8LE, uint8_t, 'a', 0xff, 'c', 0xe9, 0x9b, 0xbb, 0xe5, 0xbd, 0xb1);
}
static void id_with_nul(hid_t f)
{
    PUT(f, "/items/id/bytes", H5T_STD_U8LE, uint8_t, 'a', 0, 'c', 0xe9, 0x9b, 0xbb, 0xe5, 0xbd, 0xb1);
}
static void list_idx_falls(hid_t f)
{
    PUT(f, "/items/genres/idx", H5T_STD_U32LE, uint32_t, 0, 1, 0);
}
static void list_ptr_falls(hid_t f)
{
    PUT(f, "/items/genres/ptr", H5T_STD_I64LE, int64_t, 0, 2, 1, 3, 3);
}
static void list_ptr_beyond(hid_t f)
{
    PUT(f, "/items/genres/ptr", H5T_STD_I64LE, int64_t, 0, INT64_MAX, INT64_MIN, 3, 3);
}
static void number_infinite(hid_t f)
{
    PUT(f, "/items/year", H5T_IEEE_F32LE, float, 1, 2, 3, INFINITY);
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t a = H5Acreate_by_name(f, "/items/year", "position", H5T_STD_U32LE, space, H5P_DEFAULT,
                                      H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, H5T_NATIVE_UINT32, &(uint32_t){1});
    H5Aclose(a);
    H5Sclose(space);
}
static void column_without_position(hid_t f)
{
    PUT(f, "/items/year", H5T_IEEE_F32LE, float, 1, 2, 3, 4);
}
static void text_kind_unknown(hid_t f)
{
    PUT(f, "/texts/kind", H5T_STD_U8LE, uint8_t, 1, 200);
}
static void truth_of_other_width(hid_t f)
{
    const hsize_t shape[] = {4, 1};
    put(f, "/truth/item", H5T_IEEE_F32LE, 2, shape, (float[]){1, 2, 3, 4});
}
static void put_feature(hid_t f, hid_t type, hsize_t rows, hsize_t width, uint32_t from_users,
                        const float *value)
{
    const hsize_t shape[] = {rows, width};
    put(f, "/features/image", type, 2, shape, value);
    const uint32_t values[] = {0, from_users};
    static const char *const names[] = {"position", "from_users"};
    const hid_t array = H5Dopen2(f, "/features/image", H5P_DEFAULT);
    for (int k = 0; k < 2; k++)
        put_attribute(array, names[k], H5T_STD_U32LE, &values[k]);
    H5Dclose(array);
}
static void feature_half_missing(hid_t f)
{
    put_feature(f, H5T_IEEE_F32LE, 4, 2, 0, (float[]){1, 2, 3, 4, 5, NAN, 7, 8});
}
static void feature_infinite(hid_t f)
{
    put_feature(f, H5T_IEEE_F32LE, 4, 2, 0, (float[]){1, 2, 3, 4, 5, 6, 7, INFINITY});
}
static void feature_of_fewer_items(hid_t f)
{
    put_feature(f, H5T_IEEE_F32LE, 3, 2, 0, (float[]){1, 2, 3, 4, 5, 6});
}
static void feature_of_doubles(hid_t f)
{
    put_feature(f, H5T_IEEE_F64LE, 4, 2, 0, NULL);
}
static void feature_without_width(hid_t f)
{
    put_feature(f, H5T_IEEE_F32LE, 4, 0, 0, NULL);
}
static void feature_from_whom(hid_t f)
{
    put_feature(f, H5T_IEEE_F32LE, 4, 1, 2, (float[]){1, 2, 3, 4});
}
static void feature_without_attributes(hid_t f)
{
    const hsize_t shape[] = {4, 1};
    put(f, "/features/image", H5T_IEEE_F32LE, 2, shape, (float[]){1, 2, 3, 4});
}
static void features_is_an_array(hid_t f)
{
    H5Ldelete(f, "/features", H5P_DEFAULT);
    PUT(f, "/features", H5T_STD_U32LE, uint32_t, 1, 2);
}
static void no_interactions(hid_t f)
{
    H5Ldelete(f, "/interactions", H5P_DEFAULT);
}
static void interactions_is_an_array(hid_t f)
{
    PUT(f, "/interactions", H5T_STD_U32LE, uint32_t, 1);
}
static void value_is_a_group(hid_t f)
{
    H5Ldelete(f, "/interactions/value", H5P_DEFAULT);
    H5Gclose(H5Gcreate2(f, "/interactions/value", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
}
static void external_link(hid_t f)
{
    H5Ldelete(f, "/items/title", H5P_DEFAULT);
    H5Lcreate_external("/etc/passwd", "/x", f, "/items/title", H5P_DEFAULT, H5P_DEFAULT);
}
static void external_link_to_a_group(hid_t f)
{
    H5Ldelete(f, "/interactions", H5P_DEFAULT);
    H5Lcreate_external("other.h5", "/interactions", f, "/interactions", H5P_DEFAULT, H5P_DEFAULT);
}
static void soft_link(hid_t f)
{
    H5Ldelete(f, "/interactions/value", H5P_DEFAULT);
    H5Lcreate_soft("/truth/exposure", f, "/interactions/value", H5P_DEFAULT, H5P_DEFAULT);
}
static void create_with(hid_t f, const char *path, hid_t type, hsize_t n, hid_t plist)
{
    H5Ldelete(f, path, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &n, NULL);
    const hid_t array = H5Dcreate2(f, path, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    assert_true(array >= 0);
    H5Dclose(array);
    H5Sclose(space);
    H5Pclose(plist);
}
static void external_storage(hid_t f)
{
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(plist, "/etc/passwd", 0, 20);
    create_with(f, "/interactions/value", H5T_IEEE_F32LE, 5, plist);
}
static void virtual_dataset(hid_t f)
{
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t n = 5;
    const hid_t space = H5Screate_simple(1, &n, NULL);
    H5Pset_virtual(plist, space, "other.h5", "/x", space);
    H5Sclose(space);
    create_with(f, "/interactions/value", H5T_IEEE_F32LE, 5, plist);
}
static void other_filter(hid_t f)
{
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &(hsize_t){5});
    H5Pset_scaleoffset(plist, H5Z_SO_FLOAT_DSCALE, 2);
    create_with(f, "/interactions/value", H5T_IEEE_F32LE, 5, plist);
}
/* 2^50 ratings without a byte of storage: nothing may be allocated for them. */
static void enormous(hid_t f)
{
    static const char *const parts[] = {"user", "item", "value", "time", "source_row"};
    const hid_t types[] = {H5T_STD_U32LE, H5T_STD_U32LE, H5T_IEEE_F32LE, H5T_STD_I64LE, H5T_STD_U64LE};
    for (int i = 0; i < 5; i++) {
        char path[64];
        snprintf(path, sizeof path, "/interactions/%s", parts[i]);
        const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_chunk(plist, 1, &(hsize_t){1024});
        H5Pset_deflate(plist, 1);
        create_with(f, path, types[i], UINT64_C(1) << 50, plist);
    }
}
static void enormous_chunk(hid_t f)
{
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &(hsize_t){UINT64_C(1) << 29});
    const hsize_t n = 5, most = H5S_UNLIMITED;
    H5Ldelete(f, "/interactions/value", H5P_DEFAULT);
    const hid_t space = H5Screate_simple(1, &n, &most);
    H5Dclose(H5Dcreate2(f, "/interactions/value", H5T_IEEE_F32LE, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    H5Sclose(space);
    H5Pclose(plist);
}

static const struct {
    void (*change)(hid_t file);
    const char *word;
} changes[] = {{newer_schema, "made by a newer recfuse, schema 2, this one reads up to 1"},
               {schema_zero, "schema 0"},
               {no_schema, "schema_version"},
               {schema_of_another_type, "schema_version"},
               {name_of_variable_length, "fixed length"},
               {hash_that_is_none, "content_sha256"},
               {another_value, "content_sha256"},
               {signed_users, "/interactions/user has the wrong type"},
               {big_endian_users, "/interactions/user has the wrong type"},
               {users_in_two_dimensions, "expected 1"},
               {scalar_users, "expected 1"},
               {fewer_items, "has 4 rows, expected 5"},
               {item_out_of_range, "row 4 holds 4, expected below 4"},
               {value_nan, "row 2 is not a finite number"},
               {rows_out_of_order, "row 2 is out of order"},
               {source_row_twice, "row 2 is out of order"},
               {offsets_fall, "falls at 2"},
               {offsets_beyond, "/items/id/offsets"},
               {offsets_cut_a_character, "cuts a character"},
               {no_offsets, "/items/id/offsets"},
               {id_twice, "'a' occurs twice"},
               {id_not_utf8, "invalid UTF-8 at byte 1"},
               {id_with_nul, "NUL at byte 1"},
               {list_idx_falls, "/items/genres/idx"},
               {list_ptr_falls, "/items/genres/ptr: falls at 2"},
               {list_ptr_beyond, "/items/genres/ptr"},
               {number_infinite, "/items/year: row 3"},
               {column_without_position, "position"},
               {text_kind_unknown, "/texts/kind: row 1 holds 200"},
               {truth_of_other_width, "has 1 columns, expected 2"},
               {feature_half_missing, "/features/image: row 2 is neither finite nor missing"},
               {feature_infinite, "/features/image: row 3 is neither finite nor missing"},
               {feature_of_fewer_items, "/features/image has 3 rows, expected 4"},
               {feature_of_doubles, "/features/image has the wrong type"},
               {feature_without_width, "/features/image has 0 columns (expected 1 to"},
               {feature_from_whom, "a from_users of 2"},
               {feature_without_attributes, "/features/image has no attribute position"},
               {features_is_an_array, "/features is not a group"},
               {no_interactions, "has no /interactions"},
               {interactions_is_an_array, "/interactions is not a group"},
               {value_is_a_group, "/interactions/value is not a dataset"},
               {external_link, "a link to elsewhere"},
               {external_link_to_a_group, "a link to elsewhere"},
               {soft_link, "a link to elsewhere"},
               {external_storage, "in other files"},
               {virtual_dataset, "in other files"},
               {other_filter, "uses filter"},
               {enormous, "more than the file's"},
               {enormous_chunk, "chunks of more than"}};

static void write_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* Whatever the file holds, its bytes are those that its seal says. */
static void seal_anew(const char *path)
{
    struct arena *arena = arena_new();
    char hash[SHA256_HEX], seal[SEAL_BYTES];
    size_t n;
    const char *bytes = slurp(path, arena, &n);
    sha256_hex(bytes, n, hash);
    seal_make(hash, seal);
    FILE *file = fopen(path, "ab");
    assert_int_equal(fwrite(seal, 1, sizeof seal, file), sizeof seal);
    assert_int_equal(fclose(file), 0);
    arena_free(arena);
}

static void bad_objects(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = test_path(folder, "changed.h5");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        assert_ok(store_write(path, example(arena)));
        const hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        assert_true(file >= 0);
        changes[i].change(file);
        assert_true(H5Fclose(file) >= 0);
        refused(path, changes[i].word);
        /* The ratings alone: without a seal the whole file is looked at, and with one what would lead astray. */
        struct csr by_user, by_item;
        test_fails(store_read_matrices(path, arena, &by_user, &by_item), STATUS_DATA, path, changes[i].word,
                   NULL);
        seal_anew(path);
        refused(path, changes[i].word);
        const enum status status = store_read_matrices(path, arena, &by_user, &by_item);
        const bool matters = strstr(changes[i].word, "/interactions") != NULL ||
                             changes[i].change == item_out_of_range || changes[i].change == value_nan ||
                             changes[i].change == fewer_items || changes[i].change == enormous;
        assert_true(status == STATUS_DATA || (status == STATUS_OK && !matters));
    }
    arena_free(arena);
}

/* One bit within the packed values, the seal cut off: Fletcher's sum tells. */
static void damaged_chunk(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct csr by_user, by_item;
    const char *path = test_path(folder, "chunk.h5");
    assert_ok(store_write(path, example(arena)));
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t array = H5Dopen2(file, "/interactions/value", H5P_DEFAULT);
    const hsize_t zero = 0;
    unsigned mask;
    haddr_t at;
    hsize_t size;
    assert_true(H5Dget_chunk_info_by_coord(array, &zero, &mask, &at, &size) >= 0 && size > 8);
    H5Dclose(array);
    H5Fclose(file);
    size_t n;
    char *bytes = slurp(path, arena, &n);
    bytes[at + size / 2] ^= 1;
    write_bytes(path, bytes, n - SEAL_BYTES);
    refused(path, "/interactions/value can't be read (a chunk has not its checksum)");
    test_fails(store_read_matrices(path, arena, &by_user, &by_item), STATUS_DATA, path, "not its checksum",
               NULL);
    write_bytes(path, bytes, n);
    refused(path, "its SHA-256 is not the one that it ends with");
    arena_free(arena);
}

/* ---- bytes changed at random: a dataset with the same content, or one sentence; never a crash ---- */

static uint32_t random_state;
static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u; /* Knuth's LCG: any fixed sequence will do */
    return random_state >> 8;
}

/* How many are refused; 255: some file gave what it may not. */
static int read_mutants(const char *path, const char *good, size_t n, const char *content, int n_rounds)
{
    int n_refused = 0;
    char *bytes = malloc(n);
    random_state = 1;
    alarm(100); /* a hang is a failure */
    for (int round = 0; round < n_rounds; round++) {
        memcpy(bytes, good, n);
        for (uint32_t changed = 1 + next_random() % 3; changed > 0; changed--)
            bytes[8 + next_random() % (n - 8)] ^= (char)(1 + next_random() % 255);
        write_bytes(path, bytes, n);
        struct arena *own = arena_new();
        struct dataset *again;
        const enum status status = store_read(path, own, &again);
        if (status == STATUS_OK ? strcmp(again->content_sha256, content) != 0 : status != STATUS_DATA)
            return 255;
        n_refused += status != STATUS_OK;
        arena_free(own);
    }
    free(bytes);
    return n_refused;
}

/* In a child, so that a crash of HDF5's is a failure of this test alone. */
static int mutants_in_child(const char *good, size_t n, const char *content, int n_rounds)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        _exit(read_mutants(test_path(folder, "mutated.h5"), good, n, content, n_rounds));
    int result = 0;
    waitpid(child, &result, 0);
    assert_true(WIFEXITED(result));
    assert_int_not_equal(WEXITSTATUS(result), 255);
    return WEXITSTATUS(result);
}

static void mutated_bytes(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = test_path(folder, "whole.h5");
    struct dataset *d = example(arena);
    size_t n;
    assert_ok(store_write(path, d));
    const char *good = slurp(path, arena, &n);
    /* Sealed by its SHA-256: every change is found.  Without the seal most of them. */
    assert_int_equal(mutants_in_child(good, n, d->content_sha256, 200), 200);
    assert_in_range(mutants_in_child(good, n - SEAL_BYTES, d->content_sha256, 200), 50, 200);
    arena_free(arena);
}

static void seal(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = test_path(folder, "sealed.h5");
    struct dataset *d = example(arena), *again;
    size_t n;
    char hash[SHA256_HEX];
    assert_ok(store_write(path, d));
    char *bytes = slurp(path, arena, &n);
    /* By the layout in docs/dataset-file.md. */
    sha256_hex(bytes, n - 80, hash);
    assert_memory_equal(bytes + n - 80, "recfuse sha256 ", 15);
    assert_memory_equal(bytes + n - 65, hash, 64);
    assert_int_equal(bytes[n - 1], '\n');
    bytes[n - 70] ^= 1; /* of the mark */
    write_bytes(path, bytes, n);
    refused(path, "damaged");
    bytes[n - 70] ^= 1;
    bytes[n - 1] = 'x';
    write_bytes(path, bytes, n);
    refused(path, "its SHA-256 is not the one");
    /* Others' files have none. */
    write_bytes(path, bytes, n - 80);
    assert_ok(store_read(path, arena, &again));
    assert_same(d, again);
    arena_free(arena);
}

/* ---- writing ---- */

static void write_refuses_nonsense(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const char *path = test_path(folder, "never.h5");
    struct dataset *d = example(arena);
    uint32_t user[] = {0, 0, 1, 0, 2};
    d->interactions.user = user;
    test_fails(store_write(path, d), STATUS_DATA, path, "out of order", NULL);
    d = example(arena);
    float value[] = {1, 2, 3, NAN, 1};
    d->interactions.value = value;
    test_fails(store_write(path, d), STATUS_DATA, "value", "finite", NULL);
    d = example(arena);
    struct column named_id = d->item_columns[0];
    named_id.name = "id";
    d->item_columns = &named_id;
    d->n_item_columns = 1;
    test_fails(store_write(path, d), STATUS_DATA, "column's name", NULL);
    assert_false(file_exists(path));
    arena_free(arena);
}

static int files_in(const char *where)
{
    char command[4300];
    snprintf(command, sizeof command, "ls -A '%s' | wc -l", where);
    FILE *pipe = popen(command, "r");
    int n = -1;
    assert_int_equal(fscanf(pipe, "%d", &n), 1);
    pclose(pipe);
    return n;
}

/* In a child, since a limit can't be lifted again: the exit status is store_write()'s.  It leaves through exit(), where
 * HDF5 cleans up: that must not crash either. */
static int write_with_limit(const char *path, rlim_t limit)
{
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, limit});
        struct arena *arena = arena_new();
        const enum status status = store_write(path, example(arena));
        arena_free(arena);
        exit(strstr(status_sentence(), "File too large") != NULL || status == STATUS_OK ? (int)status : 99);
    }
    int result = 0;
    waitpid(child, &result, 0);
    assert_true(WIFEXITED(result));
    return WEXITSTATUS(result);
}

static void full_disk(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char *place = test_folder();
    const char *path = test_path(place, "full.h5");
    for (rlim_t limit = 0; limit < 4096; limit += 1000) {
        assert_int_equal(write_with_limit(path, limit), STATUS_SYSTEM);
        assert_int_equal(files_in(place), 0);
    }
    /* An old file stays as it was. */
    size_t n, m;
    assert_ok(store_write(path, bare(arena, 1)));
    const char *before = slurp(path, arena, &n);
    assert_int_equal(write_with_limit(path, 1000), STATUS_SYSTEM);
    const char *after = slurp(path, arena, &m);
    assert_int_equal(n, m);
    assert_memory_equal(before, after, n);
    assert_int_equal(files_in(place), 1);
    assert_int_equal(write_with_limit(path, 1 << 20), STATUS_OK);
    test_folder_remove(place);
    arena_free(arena);
}

static void no_place_to_write(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    test_fails(store_write(test_path(folder, "no-such-folder/x.h5"), example(arena)), STATUS_SYSTEM,
               "no-such-folder", NULL);
    test_write(test_path(folder, "plain"), "x");
    test_fails(store_write(test_path(folder, "plain/x.h5"), example(arena)), STATUS_SYSTEM, "plain/x.h5",
               NULL);
    arena_free(arena);
}

static void sorting(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    uint32_t user[] = {2, 0, 2, 0, 0}, item[] = {10, 11, 12, 13, 14};
    float value[] = {0, 1, 2, 3, 4};
    int64_t time[] = {9, 5, 3, 5, -1};
    uint64_t source_row[] = {0, 1, 2, 3, 4};
    struct interactions rows = {5, user, item, value, time, source_row};
    assert_ok(interactions_sort(3, &rows));
    const uint64_t with_time[] = {4, 1, 3, 2, 0};
    assert_memory_equal(source_row, with_time, sizeof with_time);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(item[i], 10 + (int)source_row[i]);
        assert_true(value[i] == (float)source_row[i]);
    }
    rows.time = NULL;
    assert_ok(interactions_sort(3, &rows));
    const uint64_t without[] = {1, 3, 4, 0, 2};
    assert_memory_equal(source_row, without, sizeof without);
    arena_free(arena);
}

static int set_up(void **state)
{
    (void)state;
    test_quiet();
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
        cmocka_unit_test(round_trip),
        cmocka_unit_test(same_dataset_same_bytes),
        cmocka_unit_test(content_hash),
        cmocka_unit_test(not_a_dataset_file),
        cmocka_unit_test(bad_objects),
        cmocka_unit_test(damaged_chunk),
        cmocka_unit_test(mutated_bytes),
        cmocka_unit_test(seal),
        cmocka_unit_test(write_refuses_nonsense),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(no_place_to_write),
        cmocka_unit_test(sorting),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
