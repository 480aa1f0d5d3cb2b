/*
 * MiniLM against the reference: token ids equal, embeddings within 1e-5, every layer's state within 1e-5 relative.
 *
 * Origin of the values: sentence-transformers 6.2.0, transformers 5.23.0, tokenizers 0.23.3, torch 2.15.0, fp32 on the
 * CPU (shared/golden/README.md).  Skipped where models/minilm or the golden files are not there; they are looked for in
 * $RECFUSE_GOLDEN, ../shared/golden and tests/data/golden.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "llm/encoder_internal.h"

#define MODEL "models/minilm"

static struct arena *arena;
static struct encoder *encoder;
static json_t *cases; /* array of the lines */
static const float *embeddings, *trace;
static size_t n_embeddings, n_trace;
static struct strings texts;
static const char *why_not; /* reason to skip */

static const char *golden_folder(void)
{
    const char *folders[] = {getenv("RECFUSE_GOLDEN"), "../shared/golden", "tests/data/golden"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (folders[i] != NULL && file_exists(arena_printf(arena, "%s/minilm.jsonl", folders[i])))
            return folders[i];
    return NULL;
}

/* The numbers of a .npy file of format 1.0, little-endian float32. */
static const float *read_npy(const char *path, size_t *n)
{
    char *bytes;
    size_t size;
    assert_int_equal(read_whole_file(path, (size_t)1 << 30, arena, &bytes, &size), STATUS_OK);
    assert_true(size > 10 && memcmp(bytes, "\x93NUMPY\x01\x00", 8) == 0);
    const size_t header = 10 + (unsigned char)bytes[8] + 256u * (unsigned char)bytes[9];
    *n = (size - header) / sizeof(float);
    return arena_copy(arena, bytes + header, *n, sizeof(float));
}

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    const char *folder = golden_folder();
    if (folder == NULL) {
        why_not = "no golden files: set RECFUSE_GOLDEN to the folder of minilm.jsonl";
        return 0;
    }
    if (!file_exists(MODEL "/model.safetensors")) {
        why_not = "no " MODEL ": run tools/get-models.sh minilm";
        return 0;
    }
    cases = json_array();
    char *bytes, *line, *rest = NULL;
    size_t n;
    assert_int_equal(
        read_whole_file(arena_printf(arena, "%s/minilm.jsonl", folder), 1 << 26, arena, &bytes, &n), 0);
    for (line = strtok_r(bytes, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        json_array_append_new(cases, json_loads(line, 0, NULL));
    embeddings = read_npy(arena_printf(arena, "%s/minilm_emb.npy", folder), &n_embeddings);
    trace = read_npy(arena_printf(arena, "%s/minilm_trace.npy", folder), &n_trace);
    struct string_builder builder = {0};
    for (size_t i = 0; i < json_array_size(cases); i++) {
        const char *hex = json_string_value(json_object_get(json_array_get(cases, i), "utf8_hex"));
        for (; *hex != '\0'; hex += 2) {
            unsigned byte;
            assert_int_equal(sscanf(hex, "%2x", &byte), 1);
            const char c = (char)byte;
            string_builder_append(&builder, &c, 1);
        }
        string_builder_end(&builder);
    }
    string_builder_finish(&builder, arena, &texts);
    const struct backend *backend;
    assert_int_equal(backend_open("cpu", 2, &backend), STATUS_OK);
    assert_int_equal(encoder_open(MODEL, backend, &encoder), STATUS_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    encoder_close(encoder);
    json_decref(cases);
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

static void ids_are_equal(void **state)
{
    (void)state;
    need_golden();
    assert_int_equal(texts.n, 44);
    for (uint64_t i = 0; i < texts.n; i++) {
        const json_t *expected = json_object_get(json_array_get(cases, i), "ids");
        uint32_t *ids, n;
        assert_int_equal(
            encoder_tokenize(encoder, strings_at(&texts, i), strings_length(&texts, i), arena, &ids, &n),
            STATUS_OK);
        assert_int_equal(n, json_array_size(expected));
        for (uint32_t j = 0; j < n; j++)
            if (ids[j] != (uint32_t)json_integer_value(json_array_get(expected, j)))
                fail_msg("text %llu, token %u: %u", (unsigned long long)i, j, ids[j]);
    }
}

static void embeddings_are_close(void **state)
{
    (void)state;
    need_golden();
    assert_int_equal(n_embeddings, texts.n * encoder_dimensions(encoder));
    float *out = arena_alloc(arena, n_embeddings, sizeof *out);
    assert_int_equal(encoder_embed(encoder, &texts, out), STATUS_OK);
    double worst = 0;
    for (size_t i = 0; i < n_embeddings; i++)
        worst = fmax(worst, fabs((double)out[i] - (double)embeddings[i]));
    print_message("largest difference of an embedding: %.2e\n", worst);
    assert_true(worst <= 1e-5); /* not true for a NaN, for fmax() drops it; so: */
    for (size_t i = 0; i < n_embeddings; i++)
        assert_true(isfinite(out[i]));
}

/* Weights of 8 bits, and activations too: cosine `bound` at least, on every text. */
static void near(int precision, const char *name, double bound)
{
    struct encoder *small = NULL;
    const struct encoder_options options = {.precision = precision};
    const size_t hidden = encoder_dimensions(encoder);
    float *out = arena_alloc(arena, n_embeddings, sizeof *out);
    double least = 1, sum = 0;
    assert_int_equal(encoder_open_with(MODEL, &options, encoder->backend, &small), STATUS_OK);
    assert_int_equal(encoder_embed(small, &texts, out), STATUS_OK);
    for (uint64_t i = 0; i < texts.n; i++) {
        double cosine = 0;
        for (size_t k = 0; k < hidden; k++)
            cosine += (double)out[i * hidden + k] * (double)embeddings[i * hidden + k];
        least = fmin(least, cosine);
        sum += cosine;
    }
    print_message("cosine in %s: least %.6f, mean %.6f\n", name, least, sum / (double)texts.n);
    assert_true(least >= bound);
    encoder_close(small);
}
static void eight_bits_are_near(void **state)
{
    (void)state;
    need_golden();
    near(ENCODER_INT8, "int8", 0.999);
    near(ENCODER_W8A8, "w8a8", 0.998); /* mean .9995 */
}

/* Line 10, all layers: the largest difference against the largest number of the layer. */
static void trace_is_close(void **state)
{
    (void)state;
    need_golden();
    const size_t hidden = encoder_dimensions(encoder), layers = 7, n = n_trace / (hidden * layers);
    uint32_t *ids, n_ids, *positions = arena_alloc(arena, n, sizeof *positions);
    encoder_tokenize(encoder, strings_at(&texts, 10), strings_length(&texts, 10), arena, &ids, &n_ids);
    assert_int_equal(n_ids, n);
    for (uint32_t i = 0; i < n; i++)
        positions[i] = i;
    const uint32_t first[] = {0, n_ids};
    const unsigned long row[] = {0};
    const struct encoder_batch batch = {
        .n_texts = 1, .n_tokens = n_ids, .ids = ids, .positions = positions, .first = first, .row = row};
    struct encoder_work work;
    assert_int_equal(encoder_work_new(encoder, n_ids, arena, &work), STATUS_OK);
    float *out = arena_alloc(arena, hidden, sizeof *out), *got = arena_alloc(arena, n_trace, sizeof *got);
    assert_int_equal(encoder_forward(encoder, &batch, &work, out, got), STATUS_OK);
    for (size_t l = 0; l < layers; l++) {
        double most = 0, worst = 0;
        for (size_t i = l * n * hidden; i < (l + 1) * n * hidden; i++) {
            most = fmax(most, fabs((double)trace[i]));
            worst = fmax(worst, fabs((double)got[i] - (double)trace[i]));
        }
        print_message("after layer %zu: relative difference %.2e\n", l, worst / most);
        assert_true(worst <= 1e-5 * most);
    }
}

/* The same bits alone, in company, in another order, on one thread. */
static void company_changes_no_bit(void **state)
{
    (void)state;
    need_golden();
    const size_t hidden = encoder_dimensions(encoder);
    float *all = arena_alloc(arena, texts.n * hidden, sizeof *all),
          *one = arena_alloc(arena, hidden, sizeof *one);
    float *again = arena_alloc(arena, texts.n * hidden, sizeof *again);
    assert_int_equal(encoder_embed(encoder, &texts, all), STATUS_OK);
    for (uint64_t i = 0; i < texts.n; i += 3) {
        const uint64_t offsets[] = {0, strings_length(&texts, i)};
        const struct strings alone = {.n = 1, .offsets = offsets, .bytes = strings_at(&texts, i)};
        assert_int_equal(encoder_embed(encoder, &alone, one), STATUS_OK);
        assert_memory_equal(one, all + i * hidden, hidden * sizeof *one);
    }
    const struct backend *two = encoder->backend;
    assert_int_equal(backend_open("cpu", 1, &encoder->backend), STATUS_OK);
    assert_int_equal(encoder_embed(encoder, &texts, again), STATUS_OK);
    encoder->backend = two;
    assert_memory_equal(again, all, texts.n * hidden * sizeof *all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_equal), cmocka_unit_test(embeddings_are_close),
        cmocka_unit_test(trace_is_close), cmocka_unit_test(eight_bits_are_near),
        cmocka_unit_test(company_changes_no_bit)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
