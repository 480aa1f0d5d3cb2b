/*
 * test_families.c - decoders of every family, in every type of tensor that is read, against transformers.
 *
 * The models are small and made by formula (tiny_decoder.h); the logits are tests/golden/decoders.csv: tools/golden-llm.py, whose head
 * names the versions, ran the same models in float64.
 */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "llm/decoder_internal.h"
#include "tiny_decoder.h"

enum { N = 24 };
static const char *const families[] = {"llama", "llama3", "qwen2", "qwen3", "gemma", "gemma2", "gpt2"};
static struct arena *arena;
static const struct backend *backend;
static char *folder;
static bool packed_cache;

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

static struct decoder *open_family(const char *family)
{
    struct decoder *d;
    size_t n;
    char *bytes = tiny_decoder(family, &n);
    const char *path = test_path(folder, "m.gguf");
    FILE *stream = fopen(path, "wb");
    assert_true(fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
    free(bytes);
    assert_ok(decoder_open(path, backend, &d));
    return d;
}

/* The line of a family in the golden file, [TINY_VOCABULARY]. */
static const float *golden(const char *family)
{
    char *bytes;
    size_t n;
    assert_ok(read_whole_file("tests/golden/decoders.csv", 1 << 20, arena, &bytes, &n));
    char *line = strstr(bytes, arena_printf(arena, "\n%s,", family));
    assert_non_null(line);
    float *out = arena_alloc(arena, TINY_VOCABULARY, sizeof *out);
    line = strchr(line + 1, ',');
    for (int i = 0; i < TINY_VOCABULARY; i++) {
        assert_int_equal(*line, ',');
        out[i] = strtof(line + 1, &line);
    }
    return out;
}

static uint32_t id_at(uint32_t i)
{
    return (7 * i * i + 3 * i + 5) % TINY_VOCABULARY;
}

/* The last token's logits; tokens go through `chunk` at a time, from calls of `step` tokens. */
static float *run(struct decoder *d, uint32_t chunk, uint32_t step)
{
    struct decoder_cache *cache;
    float *state = arena_alloc(arena, TINY_HIDDEN, sizeof *state);
    float *logits = arena_alloc(arena, TINY_VOCABULARY, sizeof *logits);
    uint32_t ids[N];
    for (uint32_t i = 0; i < N; i++)
        ids[i] = id_at(i);
    assert_ok((packed_cache ? decoder_cache_new_int8 : decoder_cache_new)(d, N, &cache));
    d->chunk = chunk;
    for (uint32_t from = 0; from < N; from += step) {
        const uint32_t n = N - from < step ? N - from : step, last = n - 1;
        const struct decoder_run one = {.n = n, .position = from};
        assert_ok(decoder_forward(d, cache, ids + from, &one, 1, &last, 1, state));
    }
    assert_ok(decoder_logits(d, state, 1, logits));
    decoder_cache_free(cache);
    return logits;
}

static double difference(const float *a, const float *b)
{
    double worst = 0;
    for (int i = 0; i < TINY_VOCABULARY; i++)
        worst = fmax(worst, isfinite(a[i]) ? fabs((double)a[i] - (double)b[i]) : 1e9);
    return worst;
}

static void equal_transformers(void **state)
{
    (void)state;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        struct decoder *d = open_family(families[f]);
        const float *want = golden(families[f]), *got = run(d, 512, N);
        const double worst = difference(got, want);
        print_message("%s: largest difference of %d logits %.1e\n", families[f], TINY_VOCABULARY, worst);
        assert_true(worst <= 2e-5);
        /* in pieces, token by token */
        assert_true(difference(run(d, 5, N), got) <= 1e-5);
        assert_true(difference(run(d, 512, 1), got) <= 1e-5);
        decoder_set_activations(d, DECODER_INT8);
        const float *rounded = run(d, 512, N);
        const double off = difference(rounded, want);
        assert_true(off > 1e-4 && off <= 0.1);
        assert_true(difference(run(d, 512, 1), rounded) <=
                    2e-2); /* the cache's last bits may tip a rounding */
        decoder_close(d);
    }
}

/* Each part that sets a family apart matters: without it the logits are far from the reference's. */
static void parts_matter(void **state)
{
    (void)state;
    struct decoder *d = open_family("llama");
    d->interleaved = 0;
    assert_true(difference(run(d, 512, N), golden("llama")) > 1e-3);
    decoder_close(d);
    d = open_family("llama3"); /* its divisors left out: each frequency as Llama 2 has it */
    for (int i = 0; i < TINY_HEAD / 2; i++)
        d->frequency[0][i] = d->frequency[1][i] = pow(10000, -2.0 * i / TINY_HEAD);
    assert_true(difference(run(d, 512, N), golden("llama3")) > 1e-3);
    decoder_close(d);
    d = open_family("qwen2");
    d->layers[1].qkv[1].bias = NULL;
    d->layers[1].qkv[2].bias = NULL;
    assert_true(difference(run(d, 512, N), golden("qwen2")) > 1e-3);
    decoder_close(d);
    d = open_family("qwen3");
    d->layers[0].q_norm = NULL;
    assert_true(difference(run(d, 512, N), golden("qwen3")) > 1e-3);
    decoder_close(d);
    static const char *const breaks[] = {"attention_cap", "logit_cap", "window"};
    for (int i = 0; i < 3; i++) {
        d = open_family("gemma2");
        if (i == 0)
            d->attention_cap = 0;
        else if (i == 1)
            d->logit_cap = 0;
        else
            d->layers[0].window++;
        if (difference(run(d, 512, N), golden("gemma2")) <= 1e-4)
            fail_msg("gemma2 without its %s is not caught", breaks[i]);
        decoder_close(d);
    }
    d = open_family("gpt2");
    d->centred = 0;
    assert_true(difference(run(d, 512, N), golden("gpt2")) > 1e-3);
    d->centred = 1;
    d->curve = DECODER_GELU_ERF;
    assert_true(difference(run(d, 512, N), golden("gpt2")) > 2e-5);
    decoder_close(d);
}

/* A cache in 8 bits moves logits a little, and as much in chunks of any length. */
static void cache_in_8_bits(void **state)
{
    (void)state;
    static const char *const some[] = {"llama", "gemma2", "gpt2"};
    for (int f = 0; f < 3; f++) {
        struct decoder *d = open_family(some[f]);
        const float *want = run(d, 512, N);
        packed_cache = true;
        const float *got = run(d, 512, N);
        const double off = difference(got, want);
        assert_true(off > 1e-6 && off < 2e-2);
        /* the sums' last bits may tip a rounding, no more */
        assert_true(difference(run(d, 5, N), got) <= 2e-3 && difference(run(d, 512, 7), got) <= 2e-3);
        packed_cache = false;
        decoder_close(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_transformers), cmocka_unit_test(parts_matter),
                                       cmocka_unit_test(cache_in_8_bits)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
