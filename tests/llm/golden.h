/*
 * golden.h - the reference outputs of the pretrained models, looked for in $RECFUSE_GOLDEN, ../shared/golden and
 * tests/data/golden.  Their origin: shared/golden/README.md (transformers 5.23.0, torch 2.15.0 in fp32; llama-cpp-python 0.3.36 for
 * Gemma's token ids).
 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H
#include "../test.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"

static inline const char *golden_path(const char *file, struct arena *arena)
{
    const char *folders[] = {getenv("RECFUSE_GOLDEN"), "../shared/golden", "tests/data/golden"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (folders[i] == NULL)
            continue;
        const char *path = arena_printf(arena, "%s/%s", folders[i], file);
        if (file_exists(path))
            return path;
    }
    return NULL;
}

/* NULL, or why the tests that need this model file and these golden files are skipped. */
static inline const char *golden_lacks(const char *model_file, const char *command, const char *file,
                                       struct arena *arena)
{
    if (golden_path(file, arena) == NULL)
        return arena_printf(arena, "no golden files: set RECFUSE_GOLDEN to the folder of %s", file);
    return file_exists(model_file) ? NULL : arena_printf(arena, "no %s: run %s", model_file, command);
}

/* The lines of a .jsonl file; json_decref() it. */
static inline json_t *golden_lines(const char *file, struct arena *arena)
{
    char *bytes, *line, *rest = NULL;
    size_t n;
    json_t *lines = json_array();
    assert_ok(read_whole_file(golden_path(file, arena), 1 << 26, arena, &bytes, &n));
    for (line = strtok_r(bytes, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        json_array_append_new(lines, json_loads(line, 0, NULL));
    return lines;
}

/* The numbers of a .npy file of format 1.0, little-endian float32. */
static inline const float *golden_npy(const char *file, size_t *n, struct arena *arena)
{
    char *bytes;
    size_t size;
    assert_ok(read_whole_file(golden_path(file, arena), (size_t)1 << 30, arena, &bytes, &size));
    assert_true(size > 10 && memcmp(bytes, "\x93NUMPY\x01\x00", 8) == 0);
    const size_t header = 10 + (unsigned char)bytes[8] + 256u * (unsigned char)bytes[9];
    *n = (size - header) / sizeof(float);
    return arena_copy(arena, bytes + header, *n, sizeof(float));
}

/* The bytes that a hex string writes. */
static inline char *golden_hex(const json_t *line, const char *key, size_t *n, struct arena *arena)
{
    const char *hex = json_string_value(json_object_get(line, key));
    *n = strlen(hex) / 2;
    char *bytes = arena_alloc(arena, *n + 1, 1);
    for (size_t i = 0; i < *n; i++) {
        unsigned byte;
        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        bytes[i] = (char)(unsigned char)byte;
    }
    return bytes;
}

/* The whole numbers of an array. */
static inline uint32_t *golden_ids(const json_t *line, const char *key, size_t *n, struct arena *arena)
{
    const json_t *array = json_object_get(line, key);
    *n = json_array_size(array);
    uint32_t *ids = arena_alloc(arena, *n + 1, sizeof *ids);
    for (size_t i = 0; i < *n; i++)
        ids[i] = (uint32_t)json_integer_value(json_array_get(array, i));
    return ids;
}

#endif
