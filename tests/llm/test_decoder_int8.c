/*
 * test_decoder_int8.c - Gemma 3 270M with activations in 8 bits, against float32 and against llama.cpp, which rounds them too.
 *
 * Bounds: shared/golden/README.md (Kullback-Leibler divergence at most .03, 16 of the best 20 in common, greedy tokens equal while the
 * reference's gap is .5 or more, sums of log-probabilities within 4 %).  Origin of the values: golden.h.
 */
#include "golden.h"

#include "llm/decoder_internal.h"

static struct arena *arena;
static struct decoder *d;
static struct decoder_cache *cache;
static json_t *prompts;
static const char *why_not;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    test_quiet();
    why_not = golden_lacks("models/gemma/gemma-3-270m-q4_k_m.gguf", "tools/get-models.sh gemma",
                           "gemma_logits.jsonl", arena);
    if (why_not != NULL)
        return 0;
    const struct backend *backend;
    assert_ok(backend_open("cpu", 2, &backend));
    assert_ok(decoder_open("models/gemma", backend, &d));
    assert_ok(decoder_cache_new(d, 1024, &cache));
    prompts = golden_lines("gemma_logits.jsonl", arena);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    json_decref(prompts);
    decoder_cache_free(cache);
    decoder_close(d);
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

static float *next_logits(const uint32_t *ids, size_t n)
{
    const struct decoder_run run = {.n = (uint32_t)n};
    const uint32_t last = (uint32_t)n - 1;
    float *state = arena_alloc(arena, decoder_hidden(d), sizeof *state);
    float *logits = arena_alloc(arena, decoder_vocabulary(d), sizeof *logits);
    assert_ok(decoder_forward(d, cache, ids, &run, 1, &last, 1, state));
    assert_ok(decoder_logits(d, state, 1, logits));
    return logits;
}

static double logsum(const float *x, uint32_t n)
{
    double sum = 0, most = -INFINITY;
    for (uint32_t i = 0; i < n; i++)
        most = fmax(most, (double)x[i]);
    for (uint32_t i = 0; i < n; i++)
        sum += exp((double)x[i] - most);
    return most + log(sum);
}

/* How many of a reference's best 20 are among ours. */
static int in_common(size_t prompt, const char *key, const float *got)
{
    const json_t *best = json_object_get(json_array_get(prompts, prompt), key);
    int n = 0;
    for (size_t i = 0; i < 20; i++) {
        const uint32_t id = (uint32_t)json_integer_value(json_array_get(json_array_get(best, i), 0));
        int better = 0;
        for (uint32_t other = 0; other < decoder_vocabulary(d); other++)
            better += got[other] > got[id];
        n += better < 20;
    }
    return n;
}

static void close_to_both(void **state)
{
    (void)state;
    need_golden();
    const uint32_t vocabulary = decoder_vocabulary(d);
    double worst = 0;
    int least = 20, least_exact = 20;
    for (size_t p = 0; p < json_array_size(prompts); p++) {
        size_t n;
        const uint32_t *ids = golden_ids(json_array_get(prompts, p), "ids", &n, arena);
        decoder_set_activations(d, DECODER_FLOAT32);
        const float *exact = next_logits(ids, n);
        decoder_set_activations(d, DECODER_INT8);
        const float *got = next_logits(ids, n);
        const double all_exact = logsum(exact, vocabulary), all_got = logsum(got, vocabulary);
        double divergence = 0;
        for (uint32_t i = 0; i < vocabulary; i++) {
            const double at = (double)exact[i] - all_exact;
            divergence += exp(at) * (at - ((double)got[i] - all_got));
        }
        worst = fmax(worst, divergence);
        const int common = in_common(p, "llamacpp_top20", got), with_exact = in_common(p, "fp32_top20", got);
        least = common < least ? common : least;
        least_exact = with_exact < least_exact ? with_exact : least_exact;
    }
    print_message(
        "largest divergence of 8 prompts %.4f; at least %d of 20 as in llama.cpp, %d as in float32\n", worst,
        least, least_exact);
    assert_true(worst > 0 && worst <= 0.03);
    assert_true(least >= 16 && least_exact >= 16);
}

static void greedy_while_clear(void **state)
{
    (void)state;
    need_golden();
    json_t *lines = golden_lines("gemma_greedy.jsonl", arena), *line;
    size_t p, compared = 0;
    decoder_set_activations(d, DECODER_INT8);
    json_array_foreach(lines, p, line)
    {
        size_t n, n_want;
        const uint32_t *ids = golden_ids(line, "ids", &n, arena),
                       *want = golden_ids(line, "fp32_ids", &n_want, arena);
        const float *logits = next_logits(ids, n);
        for (size_t i = 0; i < n_want; i++, compared++) {
            if (json_real_value(json_array_get(json_object_get(line, "fp32_margin"), i)) < 0.5)
                break;
            uint32_t best = 0;
            for (uint32_t id = 1; id < decoder_vocabulary(d); id++)
                best = logits[id] > logits[best] ? id : best;
            assert_int_equal(best, want[i]);
            const struct decoder_run run = {.n = 1, .position = (uint32_t)(n + i)};
            float *s = arena_alloc(arena, decoder_hidden(d), sizeof *s);
            float *next = arena_alloc(arena, decoder_vocabulary(d), sizeof *next);
            assert_ok(decoder_forward(d, cache, &best, &run, 1, &(uint32_t){0}, 1, s));
            assert_ok(decoder_logits(d, s, 1, next));
            logits = next;
        }
    }
    assert_true(compared > 8);
    json_decref(lines);
}

static void logprobs_within_4_percent(void **state)
{
    (void)state;
    need_golden();
    json_t *lines = golden_lines("gemma_logprob.jsonl", arena), *line;
    size_t p;
    decoder_set_activations(d, DECODER_INT8);
    json_array_foreach(lines, p, line)
    {
        size_t n;
        double sum = 0;
        const uint32_t *ids = golden_ids(line, "ids", &n, arena);
        uint32_t *all = arena_alloc(arena, n, sizeof *all);
        double *logprob = arena_alloc(arena, n, sizeof *logprob);
        float *states = arena_alloc(arena, n * decoder_hidden(d), sizeof *states);
        for (uint32_t i = 0; i < n; i++)
            all[i] = i;
        const struct decoder_run run = {.n = (uint32_t)n};
        assert_ok(decoder_forward(d, cache, ids, &run, 1, all, n - 1, states));
        assert_ok(decoder_logprobs(d, states, n - 1, ids + 1, logprob));
        for (size_t i = 0; i + 1 < n; i++)
            sum += logprob[i];
        const double want = json_real_value(json_object_get(line, "fp32_sum"));
        assert_true(fabs(sum - want) <= 0.04 * fabs(want));
    }
    json_decref(lines);
}

/* Chunks of 7 and of 512 give the same bits: products of one token, of some and of tiles of 16 are the same. */
static void chunks_change_no_bit(void **state)
{
    (void)state;
    need_golden();
    size_t n;
    const uint32_t *ids = golden_ids(json_array_get(prompts, 2), "ids", &n, arena);
    decoder_set_activations(d, DECODER_INT8);
    const float *whole = next_logits(ids, n);
    for (uint32_t chunk = 1; chunk <= 17; chunk += 8) {
        d->chunk = chunk;
        const float *cut = next_logits(ids, n);
        d->chunk = 512;
        double worst = 0;
        for (uint32_t i = 0; i < decoder_vocabulary(d); i++)
            worst = fmax(worst, fabs((double)whole[i] - (double)cut[i]));
        assert_true(worst <= 1e-4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(close_to_both), cmocka_unit_test(greedy_while_clear),
                                       cmocka_unit_test(logprobs_within_4_percent),
                                       cmocka_unit_test(chunks_change_no_bit)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
