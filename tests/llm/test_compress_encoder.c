/*
 * test_compress_encoder.c - quantised and pruned encoders: the folder that is written opens and is the model that was meant; heads and
 * units that do nothing go without a trace.  (What is refused: test_compress_refusals.c.)  Model: tiny_bert.h.
 */
#include "compress_fixture.h"

static void every_type(void **state)
{
    (void)state;
    /* bound: least cosine; error: of a weight, as a share of its row's largest */
    static const struct {
        const char *type;
        double bound, error;
    } types[] = {{"f32", 1 - 1e-6, 0},   {"f16", .99999, 5e-4},      {"bf16", .9999, 4e-3},
                 {"q8_0", .999, 4.1e-3}, {"int8_row", .999, 4.1e-3}, {"q4_0", .8, 1.1 / 8}};
    const float *want = vectors_of(source);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        const char *to = target(types[t].type);
        const int type = quantize_type(types[t].type);
        const struct compress_options o = {.type = type, .embedding_type = type};
        assert_ok(compress_encoder(source, to, &o, backend));
        const double cosine = least_cosine(vectors_of(to), want);
        if (cosine < types[t].bound)
            fail_msg("%s: least cosine %g", types[t].type, cosine);
        const float *was = tiny_find(&tiny, QUERY, 0), *is = matrix_of(to, QUERY, tiny.hidden, tiny.hidden);
        for (int i = 0; i < tiny.hidden; i++) {
            float most = 0;
            double worst = 0;
            for (int j = 0; j < tiny.hidden; j++) {
                most = fmaxf(most, fabsf(was[i * tiny.hidden + j]));
                worst = fmax(worst, fabs((double)was[i * tiny.hidden + j] - (double)is[i * tiny.hidden + j]));
            }
            if (worst > types[t].error * (double)most)
                fail_msg("%s: a weight of row %d is off by %g of %g", types[t].type, i, worst, (double)most);
        }
    }
}

/* As compressed-tensors' pack_to_int32() has it (compressors/quantized_compressors/pack_quantized.py): column j in bits 4 (j % 8) on of word
 * j / 8, 8 added. */
static void four_bits_lie_as_the_library_has_them(void **state)
{
    (void)state;
    const int type = quantize_type("q4_0");
    const struct compress_options o = {.type = type, .embedding_type = type};
    assert_ok(compress_encoder(source, target("packed"), &o, backend));
    const struct safetensors file = weights_of(target("packed"));
    const float *w = matrix_of(target("packed"), QUERY, tiny.hidden, tiny.hidden);
    const struct safetensors_tensor *packed =
                                        safetensors_find(&file, arena_printf(arena, "%s_packed", QUERY)),
                                    *scale = safetensors_find(&file, arena_printf(arena, "%s_scale", QUERY));
    for (int i = 0; i < tiny.hidden; i++)
        for (int j = 0; j < tiny.hidden; j++) {
            uint32_t word;
            _Float16 s;
            memcpy(&word, packed->data + 4 * (i * tiny.hidden / 8 + j / 8), 4);
            memcpy(&s, scale->data + 2 * (i * tiny.hidden / 32 + j / 32), 2);
            assert_float_equal(w[i * tiny.hidden + j], (float)s * ((float)(word >> 4 * (j % 8) & 15) - 8), 0);
        }
}

/* With nothing asked for, the file's tensors, and the vectors, are the same bytes. */
static void nothing_changes(void **state)
{
    (void)state;
    const struct compress_options o = {.type = -1, .embedding_type = -1};
    const char *to = target("same");
    assert_ok(compress_encoder(source, to, &o, backend));
    const struct safetensors a = weights_of(source), b = weights_of(to);
    assert_int_equal(a.n, b.n);
    for (size_t i = 0; i < a.n; i++) {
        const struct safetensors_tensor *t = safetensors_find(&b, a.tensors[i].name);
        assert_non_null(t);
        assert_int_equal(t->n, a.tensors[i].n);
        assert_memory_equal(t->data, a.tensors[i].data, 4 * t->n);
    }
    assert_int_equal(difference(vectors_of(source), vectors_of(to)) > 0, 0);
    assert_true(file_exists(arena_printf(arena, "%s/vocab.txt", to)));
}

/* In w8a8 the blocks of a file are multiplied as they lie: a file in q8_0 gives the bits of the model that is quantised when it is opened, and a
 * text's bits do not depend on its company. */
static void blocks_are_multiplied_as_they_lie(void **state)
{
    (void)state;
    static const char *const types[] = {"q8_0", "int8_row", "q4_0"};
    const float *plain = vectors_of(source), *quantised = vectors_in(source, ENCODER_W8A8);
    assert_true(least_cosine(plain, quantised) > 0.999);
    for (size_t t = 0; t < 3; t++) {
        const struct compress_options o = {.type = quantize_type(types[t]), .embedding_type = -1};
        const struct encoder_options options = {.precision = ENCODER_W8A8};
        struct encoder *e;
        float one[96];
        assert_ok(compress_encoder(source, target("lie"), &o, backend));
        const float *v = vectors_in(target("lie"), ENCODER_W8A8);
        if (t == 0)
            assert_memory_equal(v, quantised, TEXTS * sizeof one);
        assert_true(least_cosine(v, vectors_of(target("lie"))) > 0.999);
        assert_ok(encoder_open_with(target("lie"), &options, backend, &e));
        for (uint64_t i = 0; i < texts.n; i += 3) {
            const uint64_t offsets[] = {0, strings_length(&texts, i)};
            const struct strings alone = {.n = 1, .offsets = offsets, .bytes = strings_at(&texts, i)};
            assert_ok(encoder_embed(e, &alone, one));
            assert_memory_equal(one, v + i * 96, sizeof one);
        }
        encoder_close(e);
    }
    struct tiny odd;
    struct encoder *e = NULL;
    char *at = test_folder();
    const struct encoder_options options = {.precision = ENCODER_W8A8};
    tiny_make(&odd, arena, 5, 40);
    tiny_write(&odd, at);
    test_fails(encoder_open_with(at, &options, backend, &e), STATUS_USAGE, "whole blocks of 32", "has 80",
               NULL);
    test_folder_remove(at);
}

static void sizes_shrink(void **state)
{
    (void)state;
    static const char *const types[] = {"f32", "f16", "q8_0", "int8_row", "q4_0"};
    static const double bits[] = {32, 16, 8.5, 8.2, 4.5};
    for (size_t t = 0; t < 5; t++) {
        const int type = quantize_type(types[t]);
        const struct compress_options o = {.type = type, .embedding_type = type};
        assert_ok(compress_encoder(source, target("size"), &o, backend));
        const struct safetensors file = weights_of(target("size"));
        uint64_t bytes = 0;
        for (size_t i = 0; i < file.n; i++)
            if (strncmp(file.tensors[i].name, QUERY, strlen(QUERY)) == 0)
                bytes += safetensors_bytes(&file.tensors[i]);
        const double is = 8.0 * (double)bytes / (tiny.hidden * tiny.hidden);
        if (fabs(is - bits[t]) > 0.1)
            fail_msg("%s: %g bits a weight, expected %g", types[t], is, bits[t]);
    }
}

static void weights_are_pruned(void **state)
{
    (void)state;
    const struct compress_options share = {.type = quantize_type("q8_0"),
                                           .embedding_type = -1,
                                           .sparsity = 0.3},
                                  fours = {.type = -1, .embedding_type = -1, .two_four = true};
    assert_ok(compress_encoder(source, target("share"), &share, backend));
    assert_ok(compress_encoder(source, target("fours"), &fours, backend));
    const float *a = matrix_of(target("share"), DOWN, tiny.hidden, WIDE),
                *b = matrix_of(target("fours"), DOWN, tiny.hidden, WIDE);
    const float *was = tiny_find(&tiny, DOWN, 0);
    for (int i = 0; i < tiny.hidden; i++) {
        int zeros = 0;
        for (int j = 0; j < WIDE; j++)
            zeros += a[i * WIDE + j] == 0;
        assert_in_range(zeros, WIDE * 3 / 10, WIDE * 3 / 10 + 4); /* small ones may round to 0 too */
        for (int j = 0; j < WIDE; j += 4) {
            int kept = 0;
            for (int l = j; l < j + 4; l++) {
                int larger = 0;
                for (int m = j; m < j + 4; m++)
                    larger += fabsf(was[i * WIDE + m]) > fabsf(was[i * WIDE + l]);
                assert_int_equal(b[i * WIDE + l] != 0, larger < 2);
                kept += b[i * WIDE + l] != 0;
            }
            assert_int_equal(kept, 2);
        }
    }
    assert_memory_equal(matrix_of(target("fours"), WORDS, tiny.vocabulary, tiny.hidden),
                        tiny_find(&tiny, WORDS, 0), (size_t)tiny.vocabulary * (size_t)tiny.hidden * 4);
    assert_true(least_cosine(vectors_of(target("share")), vectors_of(source)) > 0.9);
}

static void zero_columns(struct tiny *t, const char *format, int layer, int from, int to)
{
    float *w = tiny_find(t, format, layer);
    const int columns = strstr(format, "attention") != NULL ? t->hidden : t->feed_forward;
    for (int i = 0; i < t->hidden; i++)
        for (int j = from; j < to; j++)
            w[i * columns + j] = 0;
}

/* Head 1 of layer 0 and head 2 of layer 1 have no weight in the output, units 32 .. 63 none in layer 0 and 0 .. 31 none in layer 1. */
static void idle_parts_go_without_a_trace(void **state)
{
    (void)state;
    struct tiny idle;
    char *at = test_folder();
    tiny_make_wide(&idle, arena, 12, 40, WIDE);
    zero_columns(&idle, "encoder.layer.%d.attention.output.dense.weight", 0, 32, 64);
    zero_columns(&idle, "encoder.layer.%d.attention.output.dense.weight", 1, 64, 96);
    zero_columns(&idle, "encoder.layer.%d.output.dense.weight", 0, 32, 64);
    zero_columns(&idle, "encoder.layer.%d.output.dense.weight", 1, 0, 32);
    tiny_write(&idle, at);
    const struct compress_options o = {.type = -1, .embedding_type = -1, .heads = 1, .neurons = 0.33};
    assert_ok(compress_encoder(at, target("parts"), &o, backend));
    assert_true(difference(vectors_of(at), vectors_of(target("parts"))) < 1e-6);
    char *config;
    size_t n;
    assert_ok(
        read_whole_file(arena_printf(arena, "%s/config.json", target("parts")), 1 << 16, arena, &config, &n));
    assert_non_null(strstr(config, "\"intermediate_size\": 64"));
    assert_non_null(strstr(config, "\"pruned_heads\""));
    const struct safetensors file = weights_of(target("parts"));
    assert_int_equal(safetensors_find(&file, "encoder.layer.1.attention.self.value.weight")->shape[0], 64);
    assert_int_equal(safetensors_find(&file, "encoder.layer.1.attention.self.value.bias")->shape[0], 64);
    assert_int_equal(safetensors_find(&file, "encoder.layer.1.attention.output.dense.weight")->shape[1], 64);
    assert_int_equal(safetensors_find(&file, "encoder.layer.0.intermediate.dense.bias")->shape[0], 64);
    /* What is pruned once may be quantised, but loses no heads again. */
    const struct compress_options eight = {.type = quantize_type("q8_0"), .embedding_type = -1};
    assert_ok(compress_encoder(target("parts"), target("parts8"), &eight, backend));
    assert_true(least_cosine(vectors_of(at), vectors_of(target("parts8"))) > 0.999);
    test_fails(compress_encoder(target("parts"), target("again"), &o, backend), STATUS_USAGE,
               "lost heads before", NULL);
    test_folder_remove(at);
}

/* Head 0's output weights are large, but its values are 0: only a text tells that it does nothing. */
static void calibration_tells(void **state)
{
    (void)state;
    struct tiny t;
    char *at = test_folder();
    tiny_make_wide(&t, arena, 13, 40, WIDE);
    for (int layer = 0; layer < 2; layer++) {
        float *value = tiny_find(&t, "encoder.layer.%d.attention.self.value.weight", layer);
        float *bias = tiny_find(&t, "encoder.layer.%d.attention.self.value.bias", layer);
        float *out = tiny_find(&t, "encoder.layer.%d.attention.output.dense.weight", layer);
        memset(value, 0, 32 * 96 * sizeof *value);
        memset(bias, 0, 32 * sizeof *bias);
        for (int i = 0; i < 96; i++)
            for (int j = 0; j < 32; j++)
                out[i * 96 + j] *= 3;
    }
    tiny_write(&t, at);
    static const char calibration[] = "the night of the river\n\ntoy story (1995)\n";
    struct compress_options o = {.type = -1, .embedding_type = -1, .heads = 1};
    assert_ok(compress_encoder(at, target("blind"), &o, backend));
    assert_true(difference(vectors_of(at), vectors_of(target("blind"))) > 1e-3);
    o.calibration = calibration, o.n_calibration = sizeof calibration - 1;
    assert_ok(compress_encoder(at, target("told"), &o, backend));
    assert_true(difference(vectors_of(at), vectors_of(target("told"))) < 1e-6);
    test_folder_remove(at);
}

static void measures(void **state)
{
    (void)state;
    struct compress_encoder_measures before, after;
    const struct encoder_options fp32 = {0};
    const struct compress_options o = {.type = quantize_type("q8_0"),
                                       .embedding_type = quantize_type("q8_0")};
    float *reference;
    assert_ok(compress_encoder(source, target("m"), &o, backend));
    assert_ok(compress_encoder_measure(source, &fp32, &texts, NULL, backend, arena, &reference, &before));
    assert_ok(compress_encoder_measure(target("m"), &fp32, &texts, reference, backend, arena, NULL, &after));
    assert_true(isnan(before.cosine) && before.texts > 0 && fabs(before.bits - 32) < 1e-9);
    assert_true(after.cosine > 0.999 && after.least > 0.999 && after.least <= after.cosine &&
                after.bits < before.bits && after.megabytes < before.megabytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_type),
                                       cmocka_unit_test(four_bits_lie_as_the_library_has_them),
                                       cmocka_unit_test(nothing_changes),
                                       cmocka_unit_test(blocks_are_multiplied_as_they_lie),
                                       cmocka_unit_test(sizes_shrink),
                                       cmocka_unit_test(weights_are_pruned),
                                       cmocka_unit_test(idle_parts_go_without_a_trace),
                                       cmocka_unit_test(calibration_tells),
                                       cmocka_unit_test(measures)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
