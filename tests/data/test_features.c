/* Vectors of items: .npy of three widths, Amazon's binary form, a folder of them; what can be wrong; and their way through
 * the dataset file, the filters and the view. */
#include "importing.h"

#include "base/node.h"
#include "data/compact.h"
#include "data/filter.h"
#include "data/view.h"

static void write_bytes(const char *name, const void *bytes, size_t n)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

/* An .npy file of that version, header text and values. */
static const char *write_npy(const char *name, int version, const char *header, const void *values, size_t n)
{
    unsigned char bytes[4096] = "\x93NUMPY";
    const size_t length = strlen(header), head = version == 1 ? 10 : 12;
    bytes[6] = (unsigned char)version;
    bytes[8] = (unsigned char)length;
    memcpy(bytes + head, header, length);
    if (n > 0)
        memcpy(bytes + head + length, values, n);
    write_bytes(name, bytes, head + length + n);
    return test_path(folder, name);
}

/* Two rows of width 3; 1.5, -2, 0.25 and 65504, 2^-24 (the smallest half), 0: all exact in a half. */
static const uint16_t halves[] = {0x3e00, 0xc000, 0x3400, 0x7bff, 0x0001, 0x8000};
static const float floats[] = {1.5f, -2, 0.25f, 65504, 0x1p-24f, -0.0f};
static const double doubles[] = {1.5, -2, 0.25, 65504, 0x1p-24, -0.0};

/* Items b, a in that order of first appearance; ids 1 and 0 where `numbered`. */
static const char *two_items(bool numbered)
{
    return write_file("rows.tsv", numbered ? "u\t1\nu\t0\nv\t1\n" : "u\tb\nu\ta\nv\tb\n");
}

static struct dataset *with_feature(const char *source, const char *option, struct arena *arena)
{
    const char *features[] = {option};
    const struct import_options options = {.features = features, .n_features = 1};
    return imported("tsv", source, &options, arena);
}

static void npy_of_every_float_is_exact(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct {
        const char *header;
        const void *values;
        size_t n;
        int version;
    } cases[] = {
        {"{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }\n", halves, sizeof halves, 1},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", floats, sizeof floats, 1},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }\n", doubles, sizeof doubles, 2},
        {"{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}\n", floats, sizeof floats, 2}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        write_npy("v.npy", cases[k].version, cases[k].header, cases[k].values, cases[k].n);
        const char *option = arena_printf(arena, "image=%s/v.npy", folder);
        const struct dataset *d = with_feature(two_items(true), option, arena);
        assert_int_equal(d->n_features, 1);
        const struct feature *f = dataset_feature(d, "image");
        assert_non_null(f);
        assert_int_equal(f->width, 3);
        assert_false(f->from_users);
        is_string(&d->item_ids, 0, "1"); /* the dataset's item 0 is row 1 */
        assert_memory_equal(f->value, floats + 3, 3 * sizeof(float));
        assert_memory_equal(f->value + 3, floats, 3 * sizeof(float));
        says(d, "feature_image_items_missing", 0);
    }
    arena_free(arena);
}

static void rows_are_named_by_a_file_of_ids(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_npy("v.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", floats,
              sizeof floats);
    write_file("ids.txt", "b\r\nunknown\r\n");
    const struct dataset *d =
        with_feature(two_items(false), arena_printf(arena, "v=%s/v.npy,%s/ids.txt", folder, folder), arena);
    assert_memory_equal(d->features[0].value, floats, 3 * sizeof(float));
    for (int k = 3; k < 6; k++)
        assert_true(isnan(d->features[0].value[k])); /* a has no vector */
    says(d, "feature_v_rows_unknown", 1);
    says(d, "feature_v_items_missing", 1);
    arena_free(arena);
}

static void refused_feature(const char *option, enum status expected, const char *word)
{
    const char *features[] = {option};
    const struct import_options options = {.features = features, .n_features = 1};
    char out[4200];
    snprintf(out, sizeof out, "%s/never.h5", folder);
    const enum status status = import_run("tsv", two_items(true), &options, out);
    if (status != expected || strstr(status_sentence(), word) == NULL)
        fail_msg("%s: status %d, \"%s\", expected '%s'", option, (int)status, status_sentence(), word);
    assert_false(file_exists(out));
}

static void what_is_wrong_is_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    float broken[6];
    memcpy(broken, floats, sizeof broken);
    broken[4] = NAN;
    const struct {
        const char *header;
        const void *values;
        size_t n;
        const char *word;
    } cases[] = {
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", floats, 24,
         "expected '<f2', '<f4' or '<f8'"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", floats, 24,
         "found values of type '|O'"},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", floats, 24, "Fortran order"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", floats, 24, "found the shape (6,)"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3), }", floats, 24, "found the shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 99999999999), }", floats, 24,
         "found the shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }", floats, 24,
         "ends in row 2, expected 3 rows"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }", floats, 24,
         "goes on after its 1 rows"},
        {"{'descr': '<f4', 'shape': (2, 3), }", floats, 24, "lacks descr, fortran_order or shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", broken, 24,
         "row 1, column 1: found nan"}};
    const char *option = arena_printf(arena, "v=%s/v.npy", folder);
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        write_npy("v.npy", 1, cases[k].header, cases[k].values, cases[k].n);
        refused_feature(option, STATUS_DATA, cases[k].word);
    }
    write_bytes("v.npy", "\x93NUMPY\x03\x00\x10\x00", 10);
    refused_feature(option, STATUS_DATA, ".npy version 3");
    write_bytes("v.npy", "\x93NUMPY\x01\x00\x70\x00{'de", 14);
    refused_feature(option, STATUS_DATA, "ends within its header");
    write_bytes("v.npy", "PK\x03\x04 an npz", 10);
    refused_feature(option, STATUS_DATA, "is not an .npy file");
    refused_feature("v", STATUS_USAGE, "expected NAME=FILE");
    refused_feature("a/b=v.npy", STATUS_USAGE, "found the name 'a/b'");
    write_npy("v.npy", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", floats,
              sizeof floats);
    write_file("ids.txt", "1\n");
    option = arena_printf(arena, "v=%s/v.npy,%s/ids.txt", folder, folder);
    refused_feature(option, STATUS_DATA, "holds 1 ids, expected one for each row");
    write_file("ids.txt", "1\n0\nx\n");
    refused_feature(option, STATUS_DATA, "more ids than the feature's 2 rows");
    write_file("ids.txt", "1\n1\n");
    refused_feature(option, STATUS_DATA, "row 1 is of an item that has a row already");
    write_file("ids.txt", "x\ny\n");
    refused_feature(option, STATUS_DATA, "none of its rows is of an item of the dataset");
    arena_free(arena);
}

/* Amazon's: 10 bytes of id and 4096 floats a product. */
static void amazon_image_features(void **state)
{
    (void)state;
    enum { RECORD = 10 + 4 * 4096 };
    struct arena *arena = arena_new();
    char *bytes = arena_alloc(arena, 2 * RECORD, 1);
    const float first = 0.5f, last = 7.25f;
    memcpy(bytes, "B000000002", 10);
    memcpy(bytes + 10, &first, 4);
    memcpy(bytes + RECORD - 4, &last, 4);
    memcpy(bytes + RECORD, "B00000000X", 10);
    write_bytes("images.b", bytes, 2 * RECORD);
    const char *rows = write_file("rows.tsv", "u\tB000000001\nu\tB000000002\n");
    const char *option = arena_printf(arena, "image=%s/images.b", folder);
    const struct dataset *d = with_feature(rows, option, arena);
    const struct feature *f = dataset_feature(d, "image");
    assert_int_equal(f->width, 4096);
    assert_true(isnan(f->value[0]) && isnan(f->value[4095]));
    assert_true(f->value[4096] == first && f->value[2 * 4096 - 1] == last);
    says(d, "feature_image_rows_unknown", 1);
    write_bytes("images.b", bytes, RECORD + 100);
    refused_feature(option, STATUS_DATA, "ends in row 1");
    memset(bytes, 0, 10);
    write_bytes("images.b", bytes, RECORD);
    refused_feature(option, STATUS_DATA, "not Amazon's image features");
    refused_feature(arena_printf(arena, "%s,ids.txt", option), STATUS_USAGE, "");
    arena_free(arena);
}

static void a_folder_of_modalities(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    char place[4200];
    snprintf(place, sizeof place, "%s/set", folder);
    write_file("set/train.tsv", "0\t1\n1\t0\n");
    write_file("set/test.tsv", "1\t1\n");
    write_npy("set/image_feat.npy", 1, "{'descr': '<f2', 'fortran_order': False, 'shape': (3, 2), }", halves,
              12);
    const struct dataset *d = imported("npy-features", place, NULL, arena);
    counts(d, 2, 3, 3, 0); /* item 2 has no interaction */
    is_string(&d->item_ids, 2, "2");
    assert_memory_equal(dataset_feature(d, "image")->value + 4, floats + 4, 2 * sizeof(float));
    says(d, "rows_of_train", 2);
    says(d, "rows_of_test", 1);
    write_file("set/test.tsv", "1\t9\n");
    refused("npy-features", place, NULL, "name items that are not 0 to 2", "image_feat.npy");
    arena_free(arena);
}

/* Filters and split leave items out: the rows of a feature follow, and a view shows them. */
static void features_follow_their_items(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    write_file("set/test.tsv", "0\t0\n");
    char place[4200];
    snprintf(place, sizeof place, "%s/set", folder);
    const struct dataset *whole = imported("npy-features", place, NULL, arena), *d;
    struct split split;
    struct fold *folds;
    size_t n;
    struct node *node = NULL;
    const char *yaml = "{kind: leave_last_n, n: 1}";
    assert_ok(node_parse("t", yaml, strlen(yaml), arena, &node));
    assert_ok(split_parse(node, arena, &split));
    assert_ok(split_apply(&split, whole, &whole->interactions, arena, &folds, &n));
    assert_ok(dataset_compact(whole, folds, n, arena, &d));
    assert_int_equal(d->n_items, 2); /* item 2 is gone */
    struct view *view;
    assert_ok(view_build(d, &folds[0], arena, &view));
    assert_int_equal(view->n_features, 1);
    for (uint32_t i = 0; i < 2; i++) {
        const size_t row = strings_equal(&d->item_ids, i, "1") ? 1 : 0;
        assert_memory_equal(view->features[0].value + 2 * (size_t)i, floats + 2 * row, 2 * sizeof(float));
    }
    arena_free(arena);
}

/* The numbers of ../shared/data/tiktok-multimodal/SOURCE.md. */
static void tiktok_as_published(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *d =
        imported("npy-features", real("tiktok-multimodal", "image_feat.npy"), NULL, arena);
    counts(d, 9308, 6710, 59541 + 3051 + 6130, 0);
    says(d, "rows_of_train", 59541);
    says(d, "rows_of_valid", 3051);
    says(d, "rows_of_test", 6130);
    assert_int_equal(dataset_feature(d, "image")->width, 128);
    assert_int_equal(dataset_feature(d, "audio")->width, 128);
    struct node *node;
    struct split split;
    struct fold *fold;
    size_t n;
    const char *f = real("tiktok-multimodal", "image_feat.npy");
    const char *yaml = arena_printf(
        arena, "{kind: given, train: %s/train.tsv.gz, valid: %s/valid.tsv.gz, test: %s/test.tsv.gz}", f, f,
        f);
    assert_ok(node_parse("t", yaml, strlen(yaml), arena, &node));
    assert_ok(split_parse(node, arena, &split));
    assert_ok(split_apply(&split, d, &d->interactions, arena, &fold, &n));
    assert_int_equal(fold->train.n, 59541);
    assert_int_equal(fold->valid.n, 3051);
    assert_int_equal(fold->test.n, 6130);
    assert_int_equal(fold->n_cold_test_items, 340);
    uint32_t n_train_users = 0;
    for (uint64_t r = 0; r < fold->train.n; r++)
        n_train_users += r == 0 || fold->train.user[r] != fold->train.user[r - 1];
    assert_int_equal(n_train_users, 9298);
    uint32_t row0 = UINT32_MAX; /* numpy: image_feat[0, :4] = 2.584, 0.95947, 6.234, 1.902 (float16) */
    for (uint32_t i = 0; i < d->n_items; i++)
        if (strings_equal(&d->item_ids, i, "0"))
            row0 = i;
    assert_true(row0 != UINT32_MAX);
    assert_true(dataset_feature(d, "image")->value[(size_t)row0 * 128] == 2.583984375f);
    assert_true(dataset_feature(d, "image")->value[(size_t)row0 * 128 + 2] == 6.234375f);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_of_every_float_is_exact), cmocka_unit_test(rows_are_named_by_a_file_of_ids),
        cmocka_unit_test(what_is_wrong_is_told),       cmocka_unit_test(amazon_image_features),
        cmocka_unit_test(a_folder_of_modalities),      cmocka_unit_test(features_follow_their_items),
        cmocka_unit_test(tiktok_as_published)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
