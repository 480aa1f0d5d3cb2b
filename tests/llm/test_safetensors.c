/*
 * test_safetensors.c - llm/safetensors.c: every way in which a file can be wrong gives STATUS_DATA, one sentence, and no
 * allocation beyond the file's own size.
 *
 * Each file lies at the very end of its own malloc() block, so that a sanitizer sees a read beyond it.
 */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/safetensors.h"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return arena == NULL;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* The file of this header and n bytes of data, exactly as long as its block. */
static unsigned char *make_file(const char *header, const void *data, size_t n, size_t *size)
{
    const uint64_t length = strlen(header);
    *size = 8 + length + n;
    unsigned char *bytes = malloc(*size);
    assert_non_null(bytes);
    memcpy(bytes, &length, 8);
    memcpy(bytes + 8, header, length);
    if (n > 0)
        memcpy(bytes + 8 + length, data, n);
    return bytes;
}

/* This header, before n zero bytes, is refused with a sentence that holds the path and both words. */
static void refused(const char *header, size_t n, const char *word, const char *other)
{
    unsigned char zeros[64] = {0};
    size_t size;
    struct safetensors file;
    unsigned char *bytes = make_file(header, zeros, n, &size);
    const size_t before = arena_bytes(arena);
    const enum status status = safetensors_parse("m.safetensors", bytes, size, arena, &file);
    if (status != STATUS_DATA || strstr(status_sentence(), word) == NULL)
        print_message("header: %s\n", header);
    test_fails(status, STATUS_DATA, "m.safetensors", word, other, NULL);
    /* A tensor in the header takes more bytes than its descriptor's eighth. */
    assert_true(arena_bytes(arena) - before <= 8 * size + 256);
    free(bytes);
}
#define TENSOR(name, type, shape, begin, end)                                                                \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

static void good_files(void **state)
{
    (void)state;
    const float numbers[] = {1, -2.5f, 3e-20f, 4, 5, 6};
    size_t size;
    struct safetensors file;
    float *out;
    unsigned char *bytes =
        make_file("{\"__metadata__\":{\"format\":\"pt\"}," TENSOR("b", "F32", "[2]", 16, 24) "," TENSOR(
                      "none", "F32", "[0,7]", 16, 16) "," TENSOR("a", "F32", "[2,2]", 0, 16) "}   ",
                  numbers, sizeof numbers, &size);
    assert_ok(safetensors_parse("m", bytes, size, arena, &file));
    assert_int_equal(file.n, 3);
    assert_string_equal(file.tensors[0].name, "a");
    assert_int_equal(safetensors_find(&file, "none")->n, 0);
    assert_null(safetensors_find(&file, "c"));
    assert_ok(safetensors_floats(&file, "a", 2, (uint64_t[]){2, 2}, arena, &out));
    assert_memory_equal(out, numbers, 16);
    assert_ok(safetensors_floats(&file, "b", 1, (uint64_t[]){2}, arena, &out));
    assert_memory_equal(out, numbers + 4, 8);
    test_fails(safetensors_floats(&file, "c", 1, (uint64_t[]){2}, arena, &out), STATUS_DATA, "'c'", "missing",
               NULL);
    test_fails(safetensors_floats(&file, "a", 2, (uint64_t[]){4, 1}, arena, &out), STATUS_DATA, "'a'",
               "shape", "4, 1", NULL);
    test_fails(safetensors_floats(&file, "a", 1, (uint64_t[]){4}, arena, &out), STATUS_DATA, "'a'", "shape",
               NULL);
    free(bytes);
    bytes = make_file("{}", NULL, 0, &size);
    assert_ok(safetensors_parse("m", bytes, size, arena, &file));
    assert_int_equal(file.n, 0);
    free(bytes);
}

/* IEEE 754 binary16 and bfloat16: exact values, from the standard's table of encodings. */
static void short_floats(void **state)
{
    (void)state;
    const uint16_t half[] = {0x3C00, 0xC000, 0x7BFF, 0x0400, 0x03FF, 0x0001, 0x8000, 0x3555};
    const float expected[] = {1,
                              -2,
                              65504,
                              6.103515625e-5f,
                              6.0975551605224609375e-5f,
                              5.9604644775390625e-8f,
                              -0.0f,
                              0.333251953125f};
    size_t size;
    struct safetensors file;
    float *out;
    unsigned char *bytes = make_file("{" TENSOR("h", "F16", "[8]", 0, 16) "}", half, sizeof half, &size);
    assert_ok(safetensors_parse("m", bytes, size, arena, &file));
    assert_ok(safetensors_floats(&file, "h", 1, (uint64_t[]){8}, arena, &out));
    assert_memory_equal(out, expected, sizeof expected);
    free(bytes);
    const uint16_t brain[] = {0x3F80, 0xC000, 0x7F7F, 0x0080};
    const float values[] = {1, -2, 0x1.FEp127f, 0x1p-126f};
    bytes = make_file("{" TENSOR("b", "BF16", "[4]", 0, 8) "}", brain, sizeof brain, &size);
    assert_ok(safetensors_parse("m", bytes, size, arena, &file));
    assert_ok(safetensors_floats(&file, "b", 1, (uint64_t[]){4}, arena, &out));
    assert_memory_equal(out, values, sizeof values);
    free(bytes);
}

static void bad_lengths(void **state)
{
    (void)state;
    struct safetensors file;
    unsigned char *bytes = malloc(16);
    test_fails(safetensors_parse("m", "", 0, arena, &file), STATUS_DATA, "m:", "0 bytes", NULL);
    test_fails(safetensors_parse("m", "1234567", 7, arena, &file), STATUS_DATA, "m:", "7 bytes", NULL);
    const uint64_t lengths[] = {UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 7, 9, 100000001};
    const size_t before = arena_bytes(arena);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        memset(bytes, '{', 16);
        memcpy(bytes, &lengths[i], 8);
        test_fails(safetensors_parse("m", bytes, 16, arena, &file), STATUS_DATA, "header's length",
                   "only 8 follow", NULL);
    }
    memset(bytes, 0, 8);
    test_fails(safetensors_parse("m", bytes, 16, arena, &file), STATUS_DATA, "does not begin with '{'", NULL);
    test_fails(safetensors_parse("m", bytes, 8, arena, &file), STATUS_DATA, "does not begin with '{'", NULL);
    assert_int_equal(arena_bytes(arena), before);
    free(bytes);
}

static void bad_headers(void **state)
{
    (void)state;
    refused("[1, 2]", 0, "does not begin with '{'", "not a safetensors file");
    refused(" {}", 0, "does not begin with '{'", "not a safetensors file");
    refused("{\"a\": ", 0, "not JSON", "at byte");
    refused("{} x", 0, "not JSON", "at byte");
    refused("{\"\xFF\": 1}", 0, "not JSON", "at byte");
    refused("{" TENSOR("a", "F32", "[1]", 0, 4) "," TENSOR("a", "F32", "[1]", 4, 8) "}", 8, "not JSON",
            "duplicate");
    refused("{\"a\": 7}", 0, "'a'", "lacks");
    refused("{\"a\": {\"dtype\":\"F32\",\"shape\":[1]}}", 4, "'a'", "data_offsets");
    refused("{\"a\": {\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[0,4]}}", 4, "'a'", "shape");
    refused("{\"a\": {\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "'a'", "dtype");
    refused("{\"a\": {\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,4]}}", 4, "'a'", "data_offsets");
    refused("{" TENSOR("a", "F31", "[1]", 0, 4) "}", 4, "'a'", "unknown type 'F31'");
    refused("{" TENSOR("a", "F32", "[-1]", 0, 4) "}", 4, "'a'", "whole numbers");
    refused("{" TENSOR("a", "F32", "[1.0]", 0, 4) "}", 4, "'a'", "whole numbers");
    refused("{" TENSOR("a", "F32", "[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, "'a'", "9 dimensions");
    refused("{" TENSOR("a", "F32", "[99999999999999999999]", 0, 4) "}", 4, "not JSON", "too big");
    char deep[5000]; /* beyond jansson's own limit of depth */
    memset(deep, '[', sizeof deep);
    memcpy(deep, "{\"a\":", 5);
    deep[sizeof deep - 1] = '\0';
    refused(deep, 0, "not JSON", "depth");
}

static void bad_places(void **state)
{
    (void)state;
    refused("{" TENSOR("a", "F32", "[2]", 0, 8) "}", 7, "'a'", "7 bytes of data");
    refused("{" TENSOR("a", "F32", "[2]", -8, 0) "}", 8, "'a'", "data_offsets");
    refused("{" TENSOR("a", "F32", "[2]", 8, 0) "}", 8, "'a'", "data_offsets");
    refused("{" TENSOR("a", "F32", "[2]", 9223372036854775800, 9223372036854775807) "}", 8, "'a'",
            "data_offsets");
    refused("{" TENSOR("a", "F32", "[3]", 0, 8) "}", 8, "'a'", "8 bytes of data, its shape and type need 12");
    refused("{" TENSOR("a", "F16", "[2]", 0, 8) "}", 8, "'a'", "need 4");
    refused("{" TENSOR("a", "F32", "[]", 0, 8) "}", 8, "'a'", "need 4");
    /* 2^32 * 2^32 and 2^62 * 4 bytes wrap around to nothing. */
    refused("{" TENSOR("a", "F32", "[4294967296,4294967296]", 0, 0) "}", 0, "'a'", "beyond 2^64");
    refused("{" TENSOR("a", "F32", "[4611686018427387904]", 0, 0) "}", 0, "'a'", "beyond 2^64");
    refused("{" TENSOR("a", "U8", "[4294967296,4294967297]", 0, 8) "}", 8, "'a'", "beyond 2^64");
    refused("{" TENSOR("a", "F32", "[1]", 0, 4) "," TENSOR("b", "F32", "[1]", 8, 12) "}", 12, "a hole",
            "'b'");
    refused("{" TENSOR("a", "F32", "[1]", 4, 8) "}", 8, "a hole", "'a'");
    refused("{" TENSOR("a", "F32", "[2]", 0, 8) "," TENSOR("b", "F32", "[1]", 4, 8) "}", 8, "an overlap",
            "'b'");
    refused("{" TENSOR("a", "F32", "[1]", 0, 4) "," TENSOR("b", "F32", "[1]", 0, 4) "}", 4, "an overlap", "");
    refused("{" TENSOR("a", "F32", "[1]", 0, 4) "}", 9, "5 bytes behind the last tensor", "");
    refused("{}", 3, "3 bytes behind the last tensor", "");
}

static void bad_numbers(void **state)
{
    (void)state;
    float numbers[] = {1, 2, 3};
    const float bad[] = {NAN, INFINITY, -INFINITY};
    size_t size;
    struct safetensors file;
    float *out;
    for (int i = 0; i < 3; i++) {
        numbers[i] = bad[i];
        unsigned char *bytes =
            make_file("{" TENSOR("a", "F32", "[3]", 0, 12) "}", numbers, sizeof numbers, &size);
        numbers[i] = 1;
        assert_ok(safetensors_parse("m", bytes, size, arena, &file));
        char position[32];
        snprintf(position, sizeof position, "position %d", i);
        test_fails(safetensors_floats(&file, "a", 1, (uint64_t[]){3}, arena, &out), STATUS_DATA, "'a'",
                   "not finite", position, NULL);
        free(bytes);
    }
    unsigned char *bytes =
        make_file("{" TENSOR("h", "F16", "[1]", 0, 2) "," TENSOR("i", "I32", "[1]", 2, 6) "}",
                  "\x00\x7C\0\0\0\0", 6, &size);
    assert_ok(safetensors_parse("m", bytes, size, arena, &file));
    test_fails(safetensors_floats(&file, "h", 1, (uint64_t[]){1}, arena, &out), STATUS_DATA, "not finite",
               NULL);
    test_fails(safetensors_floats(&file, "i", 1, (uint64_t[]){1}, arena, &out), STATUS_DATA, "type I32",
               NULL);
    free(bytes);
}

/* A good file cut off anywhere, or with one byte changed, is refused or read: never a crash. */
static void every_cut_and_every_byte(void **state)
{
    (void)state;
    const float numbers[] = {1, 2, 3, 4};
    size_t size;
    struct safetensors file;
    unsigned char *bytes = make_file(
        "{" TENSOR("a", "F32", "[2]", 0, 8) "," TENSOR("b", "F32", "[1,2]", 8, 16) "}", numbers, 16, &size);
    for (size_t n = 0; n < size; n++) {
        unsigned char *cut = malloc(n > 0 ? n : 1);
        memcpy(cut, bytes, n);
        test_fails(safetensors_parse("m", cut, n, arena, &file), STATUS_DATA, "m:", NULL);
        free(cut);
    }
    for (size_t at = 0; at < size - 16; at++)
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] ^= (unsigned char)(1 << bit);
            const enum status status = safetensors_parse("m", bytes, size, arena, &file);
            assert_true(status == STATUS_OK || status == STATUS_DATA);
            if (status == STATUS_OK)
                assert_true(file.n <= 2);
            bytes[at] ^= (unsigned char)(1 << bit);
        }
    assert_ok(safetensors_parse("m", bytes, size, arena, &file));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_files),
                                       cmocka_unit_test(short_floats),
                                       cmocka_unit_test(bad_lengths),
                                       cmocka_unit_test(bad_headers),
                                       cmocka_unit_test(bad_places),
                                       cmocka_unit_test(bad_numbers),
                                       cmocka_unit_test(every_cut_and_every_byte)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
