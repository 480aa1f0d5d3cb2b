/*
 * test_e5_golden.c - multilingual-e5-small in 4 bit against its reference: every token id equal, vectors within 1e-5 in float32, cosine
 * .999 with weights of 8 bits; and it reads Chinese.
 *
 * Origin of the values: the package's weights dequantised to float32 in transformers' BertModel, ids from the package's own tokenizer
 * (shared/golden/README.md).  Skipped where models/e5 or the golden files are not there.
 */
#include "../test.h"

#include <math.h>
#include <string.h>

#include "golden.h"
#include "llm/encoder.h"

#define MODEL "models/e5"

static struct arena *arena;
static const struct backend *backend;
static const char *why_not;
static json_t *lines;
static const float *expected; /* [44 x 384] */
static struct strings texts;

static int set_up(void **state)
{
    struct string_builder builder = {0};
    size_t n;
    (void)state;
    arena = arena_new();
    assert_ok(backend_open("cpu", 2, &backend));
    why_not = golden_lacks(MODEL "/e5-small-q4.bin", "tools/get-models.sh e5", "e5.jsonl", arena);
    if (why_not != NULL)
        return 0;
    lines = golden_lines("e5.jsonl", arena);
    expected = golden_npy("e5_emb.npy", &n, arena);
    assert_int_equal(json_array_size(lines), 44);
    assert_int_equal(n, 44 * 384);
    for (size_t i = 0; i < 44; i++) {
        size_t length;
        const char *bytes = golden_hex(json_array_get(lines, i), "utf8_hex", &length, arena);
        assert_ok(string_builder_add(&builder, bytes, length));
    }
    return string_builder_finish(&builder, arena, &texts) != STATUS_OK;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(lines);
    arena_free(arena);
    return 0;
}

static void need_golden(void)
{
    if (why_not != NULL) {
        print_message("%s\n", why_not);
        skip();
    }
}

static struct encoder *opened(int precision, const char *prefix)
{
    struct encoder *encoder = NULL;
    const struct encoder_options options = {.precision = precision, .prefix = prefix};
    assert_ok(encoder_open_with(MODEL, &options, backend, &encoder));
    assert_int_equal(encoder_dimensions(encoder), 384);
    return encoder;
}

static void ids_are_equal(void **state)
{
    (void)state;
    need_golden();
    struct encoder *encoder = opened(ENCODER_FP32, NULL); /* the default prefix is "query: " */
    for (size_t i = 0; i < texts.n; i++) {
        size_t n_want;
        uint32_t *ids, n, *want = golden_ids(json_array_get(lines, i), "ids", &n_want, arena);
        assert_ok(
            encoder_tokenize(encoder, strings_at(&texts, i), strings_length(&texts, i), arena, &ids, &n));
        assert_int_equal(n, n_want);
        for (size_t j = 0; j < n; j++)
            if (ids[j] != want[j])
                fail_msg("text %zu, token %zu: %u, expected %u", i, j, ids[j], want[j]);
    }
    encoder_close(encoder);
}

static void vectors_are_close(void **state)
{
    (void)state;
    need_golden();
    struct encoder *encoder = opened(ENCODER_FP32, "query");
    float *out = arena_alloc(arena, 44 * 384, sizeof *out);
    double worst = 0;
    assert_ok(encoder_embed(encoder, &texts, out));
    for (size_t i = 0; i < 44 * 384; i++) {
        assert_true(isfinite(out[i]));
        worst = fmax(worst, fabs((double)out[i] - (double)expected[i]));
    }
    print_message("largest difference of a number: %.2e\n", worst);
    assert_true(worst <= 1e-5);
    encoder_close(encoder);
}

static double dot(const float *x, const float *y)
{
    double sum = 0;
    for (size_t k = 0; k < 384; k++)
        sum += (double)x[k] * (double)y[k];
    return sum;
}

static void eight_bits_are_near(void **state)
{
    (void)state;
    need_golden();
    struct encoder *plain = opened(ENCODER_FP32, NULL);
    for (int precision = ENCODER_INT8; precision <= ENCODER_W8A8; precision++) {
        struct encoder *encoder = opened(precision, NULL);
        float *out = arena_alloc(arena, 44 * 384, sizeof *out);
        double least = 1;
        assert_string_not_equal(encoder_sha256(encoder),
                                encoder_sha256(plain)); /* other vectors, other cache */
        assert_ok(encoder_embed(encoder, &texts, out));
        for (size_t i = 0; i < 44; i++)
            least = fmin(least, dot(out + i * 384, expected + i * 384));
        print_message("least cosine in %s: %.6f\n", precision == ENCODER_INT8 ? "int8" : "w8a8", least);
        assert_true(least >= 0.999);
        encoder_close(encoder);
    }
    encoder_close(plain);
}

/* A Chinese query is nearest to the English text that means the same, and the other way round. */
static void reads_chinese(void **state)
{
    static const char *const pairs[][2] = {
        {"\xE4\xBE\xBF\xE5\xAE\x9C\xE7\x9A\x84\xE7\xAC\x94\xE8\xAE\xB0\xE6\x9C\xAC\xE7\x94\xB5\xE8\x84\x91",
         "a cheap laptop computer"},
        {"\xE7\x88\xB1\xE6\x83\x85\xE7\x94\xB5\xE5\xBD\xB1", "a film about love"},
        {"\xE4\xB8\xAD\xE5\x9B\xBD\xE8\x8F\x9C\xE8\xB0\xB1", "Chinese cooking recipes"},
        {"\xE8\xB6\xB3\xE7\x90\x83\xE6\xAF\x94\xE8\xB5\x9B", "a football match"}};
    enum { N = 4 };
    struct string_builder builder = {0};
    struct strings both;
    (void)state;
    need_golden();
    struct encoder *encoder = opened(ENCODER_FP32, NULL);
    float *out = arena_alloc(arena, 2 * N * 384, sizeof *out);
    for (int language = 0; language < 2; language++)
        for (int i = 0; i < N; i++)
            assert_ok(string_builder_add(&builder, pairs[i][language], strlen(pairs[i][language])));
    assert_ok(string_builder_finish(&builder, arena, &both));
    assert_ok(encoder_embed(encoder, &both, out));
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            if (i != j) {
                const double right = dot(out + i * 384, out + (N + i) * 384);
                assert_true(right > dot(out + i * 384, out + (N + j) * 384));
                assert_true(right > dot(out + j * 384, out + (N + i) * 384));
            }
    encoder_close(encoder);
}

/* Prefixes change what is read; control tokens count only when asked for. */
static void prefixes_and_control_tokens(void **state)
{
    (void)state;
    need_golden();
    static const struct {
        const char *prefix;
        bool special;
        const char *text;
        uint32_t n, ids[12];
    } cases[] = {{"none", false, "x", 3, {0, 1022, 2}},
                 {"query", false, "x", 6, {0, 41, 1294, 12, 1022, 2}},
                 {"none", true, "x</s>x", 5, {0, 1022, 2, 1022, 2}},
                 {"none", true, "<mask>", 3, {0, 250001, 2}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct encoder *encoder = NULL;
        uint32_t *ids, n;
        const struct encoder_options options = {.prefix = cases[i].prefix, .special = cases[i].special};
        assert_ok(encoder_open_with(MODEL, &options, backend, &encoder));
        assert_ok(encoder_tokenize(encoder, cases[i].text, strlen(cases[i].text), arena, &ids, &n));
        assert_int_equal(n, cases[i].n);
        assert_memory_equal(ids, cases[i].ids, n * sizeof *ids);
        encoder_close(encoder);
    }
    struct encoder *plain = opened(ENCODER_FP32, "none");
    uint32_t *ids, n;
    assert_ok(encoder_tokenize(plain, "</s>", 4, arena, &ids, &n));
    for (uint32_t j = 1; j + 1 < n; j++)
        assert_true(ids[j] > 3); /* ordinary text */
    encoder_close(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ids_are_equal), cmocka_unit_test(vectors_are_close),
                                       cmocka_unit_test(eight_bits_are_near), cmocka_unit_test(reads_chinese),
                                       cmocka_unit_test(prefixes_and_control_tokens)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
