/*
 * test_compress.c - quantised and pruned decoders: what is written opens and is the model that was meant; importance lowers the error
 * that counts; parts that do nothing can go without a trace.  Models: tiny_decoder.h.
 */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/backend.h"
#include "llm/compress.h"
#include "llm/decoder_internal.h"
#include "llm/prune.h"
#include "llm/quantize.h"
#include "tiny_decoder.h"

enum { N = 24 };
static struct arena *arena;
static const struct backend *backend;
static char *folder;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    folder = test_folder();
    test_quiet();
    return backend_open("cpu", 2, &backend) != STATUS_OK;
}
static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    arena_free(arena);
    return 0;
}

static const char *family(const char *name)
{
    size_t n;
    char *bytes = tiny_decoder(name, &n);
    const char *path = arena_strdup(arena, test_path(folder, arena_printf(arena, "%s.gguf", name)));
    FILE *stream = fopen(path, "wb");
    assert_true(fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
    free(bytes);
    return path;
}

static const char *target(const char *name)
{
    return arena_strdup(arena, test_path(folder, name));
}

static float *logits_of_file(const char *path)
{
    struct decoder *d;
    struct decoder_cache *cache;
    uint32_t ids[N];
    const struct decoder_run run = {.n = N};
    const uint32_t last = N - 1;
    for (uint32_t i = 0; i < N; i++)
        ids[i] = (7 * i * i + 3 * i + 5) % TINY_VOCABULARY;
    assert_ok(decoder_open(path, backend, &d));
    assert_ok(decoder_cache_new(d, N, &cache));
    float *state = arena_alloc(arena, TINY_HIDDEN, sizeof *state);
    float *logits = arena_alloc(arena, TINY_VOCABULARY, sizeof *logits);
    assert_ok(decoder_forward(d, cache, ids, &run, 1, &last, 1, state));
    assert_ok(decoder_logits(d, state, 1, logits));
    decoder_cache_free(cache);
    decoder_close(d);
    return logits;
}

static double difference(const float *a, const float *b)
{
    double worst = 0;
    for (int i = 0; i < TINY_VOCABULARY; i++)
        worst = fmax(worst, isfinite(a[i]) ? fabs((double)a[i] - (double)b[i]) : 1e9);
    return worst;
}

static void every_type_of_every_family(void **state)
{
    (void)state;
    static const char *const families[] = {"llama", "gpt2"};
    static const struct {
        const char *type;
        double bound;
    } types[] = {{"f32", 1e-5},      {"f16", 5e-3}, {"bf16", 1e-2}, {"q8_0", 0.06},
                 {"int8_row", 0.12}, {"q5_0", 0.5}, {"q4_0", 1},    {"q4_k", 1}};
    for (size_t f = 0; f < 2; f++) {
        const char *source = family(families[f]), *to = target("types.gguf");
        const float *want = logits_of_file(source);
        for (size_t t = f == 0 ? 0 : 3; t < sizeof types / sizeof *types; t++) {
            const struct compress_options o = {.type = quantize_type(types[t].type),
                                               .embedding_type = quantize_type(types[t].type)};
            assert_true(o.type >= 0);
            assert_ok(compress_decoder(source, to, &o, backend));
            const double off = difference(logits_of_file(to), want);
            if (off > types[t].bound)
                fail_msg("%s as %s: a logit moves by %g", families[f], types[t].type, off);
        }
    }
}

/* Sum of importance (x - x')^2 over a row. */
static double row_error(int type, const float *x, const float *importance, const float *judged, size_t k)
{
    static unsigned char packed[4096];
    static float back[256];
    const unsigned row = 0;
    const int stored = quantize_stored(type, k);
    quantize_row(type, x, importance, k, packed);
    const struct quant_rows a = {.w = packed,
                                 .ids = &row,
                                 .x = back,
                                 .row_bytes = (long)quant_row_bytes(stored, k),
                                 .ldx = (long)k,
                                 .type = stored,
                                 .k = (int)k,
                                 .scale = 1};
    assert_ok(backend_launch(backend, &kernel_quant_rows, &a, 1, 0));
    double sum = 0;
    for (size_t i = 0; i < k; i++)
        sum += (double)judged[i] * pow((double)x[i] - (double)back[i], 2);
    return sum;
}

static void importance_lowers_the_error(void **state)
{
    (void)state;
    static const int types[] = {QUANT_Q4_0, QUANT_Q5_0, QUANT_Q4_K};
    /* mean squares of normal numbers: of 4 bits about .0075 with a scale of 32, of 5 a quarter, of Q4_K's less */
    static const double bounds[] = {0.011, 0.003, 0.0085};
    for (int t = 0; t < 3; t++) {
        double with = 0, without = 0, plain = 0;
        for (uint64_t row = 0; row < 50; row++) {
            float x[256], importance[256], ones[256];
            for (uint64_t i = 0; i < 256; i++) {
                x[i] = (float)random_normal(1, RANDOM_INIT, 0, 256 * row + i);
                importance[i] = (float)exp(2 * random_normal(2, RANDOM_INIT, 0, 256 * row + i));
                ones[i] = 1;
            }
            with += row_error(types[t], x, importance, importance, 256);
            without += row_error(types[t], x, NULL, importance, 256);
            plain += row_error(types[t], x, NULL, ones, 256);
        }
        print_message("type %d: error %.4f a weight; weighted %.0f, with importance %.0f\n", types[t],
                      plain / (50 * 256), without, with);
        assert_true(with < 0.9 * without);
        assert_true(plain / (50 * 256) < bounds[t]);
    }
    float zeros[256] = {0}, ones[256];
    for (int i = 0; i < 256; i++)
        ones[i] = 1;
    for (int t = 0; t < 3; t++)
        assert_true(row_error(types[t], zeros, NULL, ones, 256) <= 0);
    /* one scale a row */
    unsigned char packed[8 * 34];
    for (int i = 0; i < 256; i++)
        zeros[i] = (float)sin(i) * (float)(i + 1);
    quantize_row(COMPRESS_INT8_ROW, zeros, NULL, 256, packed);
    for (int b = 1; b < 8; b++)
        assert_memory_equal(packed, packed + 34 * b, 2);
}

static void pruned_rows(void **state)
{
    (void)state;
    float w[10] = {3, -1, 2, -2, 0.5f, 4, 1, -0.1f, 5, 5}, scratch[10];
    const float importance[10] = {1, 100, 1, 1, 1, 1, 1, 1, 1, 1};
    prune_row(w, NULL, 10, 0.4, scratch);
    assert_true(w[7] == 0 && w[4] == 0 && w[1] == 0 && w[6] == 0 && w[2] == 2 && w[3] == -2);
    float v[10] = {3, -1, 2, -2, 0.5f, 4, 1, -0.1f, 5, 5};
    prune_row(v, importance, 10, 0.4, scratch);
    assert_true(v[1] == -1 && v[7] == 0 && v[4] == 0 && v[6] == 0 && v[2] == 0 && v[3] == -2);
    float u[10] = {3, -1, 2, -2, 0.5f, 4, 4, 4, 0.1f, 0.2f};
    prune_row_2_4(u, NULL, 10);
    assert_true(u[0] == 3 && u[1] == 0 && u[2] == 2 && u[3] == 0);
    assert_true(u[4] == 0 && u[5] == 4 && u[6] == 4 && u[7] == 0 && u[8] != 0 && u[9] != 0);
}

/* Counts zeros in the blocks of a file in float32; `two_four`: none of four has more than two numbers. */
static double zeros_of(const char *path, bool *two_four)
{
    struct gguf_file file;
    size_t zeros = 0, all = 0;
    assert_ok(gguf_file_open(path, &file));
    *two_four = true;
    for (size_t i = 0; i < file.gguf.n_tensors; i++) {
        const struct gguf_tensor *t = &file.gguf.tensors[i];
        if (t->n_rows == 1 || strncmp(t->name, "blk.", 4) != 0)
            continue;
        const float *w = (const float *)(const void *)t->data;
        for (size_t j = 0; j < t->shape[0] * t->n_rows; j++) {
            zeros += w[j] == 0;
            all++;
            if (j % 4 == 3)
                *two_four =
                    *two_four && (w[j] != 0) + (w[j - 1] != 0) + (w[j - 2] != 0) + (w[j - 3] != 0) <= 2;
        }
    }
    gguf_file_close(&file);
    return (double)zeros / (double)all;
}

static void pruned_files(void **state)
{
    (void)state;
    bool two_four;
    const char *source = family("llama"), *to = target("pruned.gguf");
    char text[2000];
    for (int i = 0; i < 2000; i++)
        text[i] = (char)(i % 3 == 0 ? 't' : '0' + i * i % 7);
    struct compress_options o = {
        .type = QUANT_F32, .embedding_type = -1, .sparsity = 0.5, .calibration = text, .n_calibration = 2000};
    assert_ok(compress_decoder(source, to, &o, backend));
    assert_true(fabs(zeros_of(to, &two_four) - 0.5) < 0.02 && !two_four);
    o = (struct compress_options){.type = QUANT_F32, .embedding_type = -1, .two_four = true};
    assert_ok(compress_decoder(source, to, &o, backend));
    assert_true(fabs(zeros_of(to, &two_four) - 0.5) < 0.02 && two_four);
    assert_true(difference(logits_of_file(to), logits_of_file(source)) > 1e-3);
}

/* Sets columns `low` .. `high` - 1 of each block's matrix of that name to 0, in a file in float32. */
static void clear_columns(const char *path, const char *name, uint64_t low, uint64_t high)
{
    struct gguf_file file;
    assert_ok(gguf_file_open(path, &file));
    FILE *stream = fopen(path, "r+b");
    assert_non_null(stream);
    const float zero = 0;
    for (int layer = 0; layer < TINY_LAYERS; layer++) {
        const struct gguf_tensor *t = gguf_tensor_find(&file.gguf, tiny_block(layer, name));
        assert_non_null(t);
        for (uint64_t row = 0; row < t->n_rows; row++)
            for (uint64_t j = low; j < high; j++) {
                const long at = (const char *)t->data - file.map.bytes + (long)(4 * (row * t->shape[0] + j));
                assert_true(fseek(stream, at, SEEK_SET) == 0 && fwrite(&zero, 4, 1, stream) == 1);
            }
    }
    assert_int_equal(fclose(stream), 0);
    gguf_file_close(&file);
}

/* Heads and inner units that give nothing go, and nothing changes but the file's size. */
static void idle_parts_go(void **state)
{
    (void)state;
    static const char *const families[] = {"qwen2", "gpt2"};
    for (size_t f = 0; f < 2; f++) {
        const bool gpt2 = f == 1;
        const char *whole = target("whole.gguf"), *to = target("small.gguf");
        struct compress_options o = {.type = QUANT_F32, .embedding_type = QUANT_F32};
        assert_ok(compress_decoder(family(families[f]), whole, &o, backend));
        clear_columns(whole, "ffn_down.weight", 100, 356);
        if (!gpt2) { /* the second head of each key head */
            clear_columns(whole, "attn_output.weight", TINY_HEAD, 2 * TINY_HEAD);
            clear_columns(whole, "attn_output.weight", 3 * TINY_HEAD, 4 * TINY_HEAD);
        }
        const float *want = logits_of_file(whole);
        o.neurons = 0.5;
        o.heads = gpt2 ? 0 : 2;
        assert_ok(compress_decoder(whole, to, &o, backend));
        struct decoder *d;
        assert_ok(decoder_open(to, backend, &d));
        assert_true(d->feed_forward == TINY_INSIDE / 2 && d->n_heads == (gpt2 ? 4 : 2) &&
                    d->head_size == TINY_HEAD);
        decoder_close(d);
        const double off = difference(logits_of_file(to), want);
        if (off > 2e-5)
            fail_msg("%s: a logit moves by %g", families[f], off);
    }
    struct compress_options o = {.type = -1, .embedding_type = -1, .heads = 1};
    test_fails(compress_decoder(family("llama"), target("x.gguf"), &o, backend), STATUS_USAGE,
               "a multiple of 2", NULL);
    o.heads = 2;
    test_fails(compress_decoder(family("gpt2"), target("x.gguf"), &o, backend), STATUS_USAGE, "one matrix",
               NULL);
    o = (struct compress_options){.type = -1, .embedding_type = -1, .sparsity = 1};
    test_fails(compress_decoder(family("llama"), target("x.gguf"), &o, backend), STATUS_USAGE, "below 1",
               NULL);
}

static void measures(void **state)
{
    (void)state;
    struct compress_measures m;
    static const char text[] = "t1t2t3t250t9t17t99t1t1t4";
    assert_ok(compress_measure(family("qwen3"), text, strlen(text), DECODER_FLOAT32, backend, &m));
    assert_true(m.megabytes > 1 && m.bits > 8 && m.bits < 16 && m.prefill > 0 && m.decode > 0);
    assert_true(m.perplexity > 50 && m.perplexity < 1500); /* 262 tokens, of which it knows nothing */
    assert_ok(compress_measure(family("qwen3"), NULL, 0, DECODER_INT8, backend, &m));
    assert_true(isnan(m.perplexity));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_type_of_every_family),
                                       cmocka_unit_test(importance_lowers_the_error),
                                       cmocka_unit_test(pruned_rows),
                                       cmocka_unit_test(pruned_files),
                                       cmocka_unit_test(idle_parts_go),
                                       cmocka_unit_test(measures)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
