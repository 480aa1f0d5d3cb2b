/*
 * test_encoder_shapes.c - every shape of encoder folder that is read, against sentence-transformers: token ids equal, vectors within 1e-5;
 * with weights of 8 bits cosine .999.
 *
 * Origin of the values: tests/golden/encoders.jsonl, by tools/golden-encoders.py (versions there).  The folders are written here: their
 * small files stand in the golden file, their weights are made by its formula.
 */
#include "../test.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "llm/encoder.h"

static struct arena *arena;
static const struct backend *backend;
static json_t *models;
static char *folder;

static int set_up(void **state)
{
    char *bytes, *line, *rest = NULL;
    size_t n;
    (void)state;
    arena = arena_new();
    folder = test_folder();
    models = json_array();
    assert_ok(backend_open("cpu", 2, &backend));
    assert_ok(read_whole_file("tests/golden/encoders.jsonl", 1 << 20, arena, &bytes, &n));
    for (line = strtok_r(bytes, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        assert_int_equal(json_array_append_new(models, json_loads(line, 0, NULL)), 0);
    return json_array_size(models) == 7 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(models);
    test_folder_remove(folder);
    arena_free(arena);
    return 0;
}

/* ------------------------------------------------------------------ the formula */

static uint64_t mix(uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static float weight(uint64_t tensor, uint64_t i, double mean, double spread)
{
    const double u = (double)(mix((tensor << 32) + i) >> 40) / (1 << 23) - 1;
    return (float)(mean + spread * u);
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* To the nearest, ties to even. */
static uint16_t to_brain(float x)
{
    const uint32_t bits = bits_of(x);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static uint16_t to_half(float x)
{
    const uint16_t sign = (uint16_t)(bits_of(x) >> 16 & 0x8000);
    const double a = fabs((double)x);
    if (a < 0x1p-14) /* subnormal: steps of 2^-24 */
        return (uint16_t)(sign | (uint16_t)lrint(a * 0x1p24));
    int exponent;
    const double fraction = frexp(a, &exponent); /* 0.5 .. 1 */
    const long steps = lrint(fraction * 2048);   /* 1024 .. 2048 */
    return (uint16_t)(sign | (uint16_t)(((exponent + 14) << 10) + (steps - 1024)));
}

/* model.safetensors of these tensors. */
static void write_weights(const char *path, const json_t *tensors, const char *type)
{
    json_t *header = json_object();
    uint64_t at = 0;
    const uint64_t size = strcmp(type, "F32") == 0 ? 4 : 2;
    for (size_t t = 0; t < json_array_size(tensors); t++) {
        const json_t *tensor = json_array_get(tensors, t);
        json_t *shape = json_array_get(tensor, 1);
        uint64_t n = size;
        for (size_t k = 0; k < json_array_size(shape); k++)
            n *= (uint64_t)json_integer_value(json_array_get(shape, k));
        json_object_set_new(header, json_string_value(json_array_get(tensor, 0)),
                            json_pack("{s:s, s:O, s:[I,I]}", "dtype", type, "shape", shape, "data_offsets",
                                      (json_int_t)at, (json_int_t)(at + n)));
        at += n;
    }
    char *text = json_dumps(header, JSON_COMPACT);
    const uint64_t length = strlen(text);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(&length, sizeof length, 1, file);
    fwrite(text, 1, (size_t)length, file);
    for (size_t t = 0; t < json_array_size(tensors); t++) {
        const json_t *tensor = json_array_get(tensors, t), *shape = json_array_get(tensor, 1);
        const double mean = json_number_value(json_array_get(tensor, 2)),
                     spread = json_number_value(json_array_get(tensor, 3));
        uint64_t n = 1;
        for (size_t k = 0; k < json_array_size(shape); k++)
            n *= (uint64_t)json_integer_value(json_array_get(shape, k));
        for (uint64_t i = 0; i < n; i++) {
            const float x = weight(t, i, mean, spread);
            const uint16_t two = strcmp(type, "F16") == 0 ? to_half(x) : to_brain(x);
            if (size == 4)
                fwrite(&x, sizeof x, 1, file);
            else
                fwrite(&two, sizeof two, 1, file);
        }
    }
    assert_int_equal(fclose(file), 0);
    free(text);
    json_decref(header);
}

/* The folder of model m. */
static const char *write_model(size_t m)
{
    const json_t *model = json_array_get(models, m);
    json_t *files = json_object_get(model, "files"), *content;
    const char *name, *place = arena_printf(arena, "%s/%zu", folder, m);
    assert_ok(make_folders(arena_printf(arena, "%s/1_Pooling", place)));
    json_object_foreach(files, name, content)
        test_write(arena_printf(arena, "%s/%s", place, name), json_string_value(content));
    write_weights(arena_printf(arena, "%s/model.safetensors", place), json_object_get(model, "tensors"),
                  json_string_value(json_object_get(model, "dtype")));
    return place;
}

/* ------------------------------------------------------------------ the tests */

/* One text of a model: ids equal; the largest difference of a number, and the cosine. */
static void compare(const char *model, struct encoder *e, const json_t *row, double *worst, double *cosine)
{
    const char *text = json_string_value(json_object_get(row, "text"));
    const json_t *want_ids = json_object_get(row, "ids"), *want = json_object_get(row, "vector");
    const uint64_t offsets[2] = {0, strlen(text)};
    const struct strings one = {.n = 1, .offsets = offsets, .bytes = text};
    const uint32_t d = encoder_dimensions(e);
    uint32_t *ids, n;
    float *out = arena_alloc(arena, d, sizeof *out);
    assert_ok(encoder_tokenize(e, text, strlen(text), arena, &ids, &n));
    bool same = n == json_array_size(want_ids);
    for (uint32_t i = 0; same && i < n; i++)
        same = ids[i] == (uint32_t)json_integer_value(json_array_get(want_ids, i));
    if (!same) {
        for (uint32_t i = 0; i < n; i++)
            print_message("%u ", ids[i]);
        char *expected = json_dumps(want_ids, 0);
        print_message("expected %s\n", expected);
        free(expected);
        fail_msg("%s, '%s': other ids", model, text);
    }
    assert_int_equal(json_array_size(want), d);
    assert_ok(encoder_embed(e, &one, out));
    double dot = 0;
    for (uint32_t k = 0; k < d; k++) {
        const double v = json_number_value(json_array_get(want, k));
        assert_true(isfinite(out[k]));
        *worst = fmax(*worst, fabs((double)out[k] - v));
        dot += (double)out[k] * v;
    }
    *cosine = fmin(*cosine, dot);
}

static void check_model(size_t m, const char *place, int precision, double *worst, double *cosine)
{
    const json_t *model = json_array_get(models, m), *texts = json_object_get(model, "texts");
    const char *name = json_string_value(json_object_get(model, "model"));
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *row = json_array_get(texts, i);
        const struct encoder_options options = {.precision = precision,
                                                .prefix = json_string_value(json_object_get(row, "prompt"))};
        struct encoder *e = NULL;
        assert_ok(encoder_open_with(place, &options, backend, &e));
        compare(name, e, row, worst, cosine);
        encoder_close(e);
    }
}

static void as_sentence_transformers(void **state)
{
    (void)state;
    for (size_t m = 0; m < json_array_size(models); m++) {
        const char *name = json_string_value(json_object_get(json_array_get(models, m), "model"));
        const char *place = write_model(m);
        double worst = 0, cosine = 1, worst8 = 0, cosine8 = 1;
        check_model(m, place, ENCODER_FP32, &worst, &cosine);
        check_model(m, place, ENCODER_INT8, &worst8, &cosine8);
        print_message("%s: largest difference %.1e; 8 bits: cosine %.6f\n", name, worst, cosine8);
        assert_true(worst <= 1e-5);
        assert_true(cosine8 >= 0.999);
    }
}

/* Options win over the folder; each makes another encoder for the cache. */
static void options_win(void **state)
{
    (void)state;
    const char *place = write_model(1); /* cls, 9 tokens, "query: " */
    static const struct encoder_options options[] = {{0},
                                                     {.pooling = ENCODER_POOLING_MEAN},
                                                     {.prefix = "none"},
                                                     {.prefix = "so: "},
                                                     {.max_tokens = 5},
                                                     {.precision = ENCODER_INT8}};
    enum { N = sizeof options / sizeof *options };
    const char *sha[N];
    const uint64_t offsets[2] = {0, 12};
    const struct strings one = {.n = 1, .offsets = offsets, .bytes = "the film and"};
    float out[N][64];
    for (int i = 0; i < N; i++) {
        struct encoder *e = NULL;
        uint32_t *ids, n;
        assert_ok(encoder_open_with(place, &options[i], backend, &e));
        sha[i] = arena_strdup(arena, encoder_sha256(e));
        assert_ok(encoder_embed(e, &one, out[i]));
        assert_ok(encoder_tokenize(e, "the film the film the film", 26, arena, &ids, &n));
        assert_int_equal(n, i == 2 ? 8 : i == 4 ? 5 : 9);
        encoder_close(e);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(sha[i], sha[j]);
            assert_memory_not_equal(out[i], out[j], sizeof out[i]);
        }
    }
    struct encoder *e = NULL;
    const struct encoder_options many = {.max_tokens = 41};
    test_fails(encoder_open_with(place, &many, backend, &e), STATUS_USAGE, "max_tokens is 41", "2 to 40",
               NULL);
}

/* File `name` of model m's folder with this content, and what is said of it. */
static void refused(size_t m, const char *name, const char *content, const char *word)
{
    struct encoder *e = NULL;
    const char *path = arena_printf(arena, "%s/%zu/%s", folder, m, name);
    char *before = NULL;
    size_t n = 0;
    const bool there = file_exists(path);
    if (there)
        assert_ok(read_whole_file(path, 1 << 20, arena, &before, &n));
    test_write(path, content);
    const enum status status = encoder_open(arena_printf(arena, "%s/%zu", folder, m), backend, &e);
    if (status != STATUS_DATA)
        print_message("%s: %s\n", name, content);
    test_fails(status, STATUS_DATA, name, word, NULL);
    if (there)
        assert_ok(atomic_write(path, before, n));
    else
        remove(path);
}

/* The text with `from` replaced by `to`. */
static const char *edited(size_t m, const char *name, const char *from, const char *to)
{
    const char *text =
        json_string_value(json_object_get(json_object_get(json_array_get(models, m), "files"), name));
    const char *place = strstr(text, from);
    assert_non_null(place);
    return arena_printf(arena, "%.*s%s%s", (int)(place - text), text, to, place + strlen(from));
}

static void bad_settings(void **state)
{
    static const char pooling[] = "1_Pooling/config.json", tokenizer[] = "tokenizer.json";
    (void)state;
    write_model(0);
    write_model(4);
    refused(0, pooling, "[]", "no JSON object");
    refused(0, pooling, "{}", "0 ways of pooling");
    refused(0, pooling, "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": true}", "2 ways");
    refused(0, pooling, "{\"pooling_mode_max_tokens\": true}", "max_tokens");
    refused(0, "sentence_bert_config.json", "{\"max_seq_length\": 1}", "max_seq_length");
    refused(0, "sentence_bert_config.json", "{\"max_seq_length\": \"12\"}", "max_seq_length");
    refused(0, "config_sentence_transformers.json", "{", "not JSON");
    refused(0, "tokenizer_config.json", "7", "JSON");
    refused(4, "config.json", edited(4, "config.json", "\"vocab_size\": 43", "\"vocab_size\": 42"),
            "config.json");
    refused(4, tokenizer, "{}", "'none'");
    refused(4, tokenizer, edited(4, tokenizer, "Unigram", "BPE"), "'BPE'");
    refused(4, tokenizer, edited(4, tokenizer, "Metaspace", "ByteLevel"), "ByteLevel");
    refused(4, tokenizer, edited(4, tokenizer, "\"unk_id\": 3", "\"unk_id\": 43"), "unk_id");
    refused(4, tokenizer, edited(4, tokenizer, "\"unk_id\": 3", "\"unk_id\": -1"), "unk_id");
    refused(4, tokenizer, edited(4, tokenizer, "[\"<unk>\", 0.0]", "[\"<unk>\"]"), "no pair");
    refused(4, tokenizer, edited(4, tokenizer, "[\"<unk>\", 0.0]", "[\"\", 0.0]"), "bytes");
    refused(4, tokenizer,
            edited(4, tokenizer, "\"precompiled_charsmap\": \"", "\"precompiled_charsmap\": \"!"), "base64");
    refused(4, tokenizer,
            edited(4, tokenizer, "\"precompiled_charsmap\": \"", "\"precompiled_charsmap\": \"AAAA"), "map");
    refused(4, tokenizer, edited(4, tokenizer, "\"ids\": [2]", "\"ids\": [99]"), "end");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_sentence_transformers),
                                       cmocka_unit_test(options_win), cmocka_unit_test(bad_settings)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
