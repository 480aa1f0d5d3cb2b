/*
 * test_decoder_golden.c - Gemma 3 270M against its reference in fp32: every logit, the state after each layer, the best 20,
 * greedy tokens, log-probabilities; and mistakes that these bounds must catch.
 *
 * Origin of the values: golden.h.  Skipped where models/gemma or the golden files are not there.
 */
#include "golden.h"

#include "llm/decoder_internal.h"

static struct arena *arena;
static struct decoder *d;
static struct decoder_cache *cache;
static json_t *prompts;
static float *logits; /* [vocabulary] */
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
    logits = arena_alloc(arena, decoder_vocabulary(d), sizeof *logits);
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

/* The next token's logits after n ids from position 0. */
static void next_logits(const uint32_t *ids, size_t n, float *out)
{
    const struct decoder_run run = {.n = (uint32_t)n};
    const uint32_t last = (uint32_t)n - 1;
    float *state = arena_alloc(arena, decoder_hidden(d), sizeof *state);
    assert_ok(decoder_forward(d, cache, ids, &run, 1, &last, 1, state));
    assert_ok(decoder_logits(d, state, 1, out));
}

/* The largest difference from a prompt's 20 best of the reference; whether their order is the same, save closer ties. */
static double compare_best(size_t prompt, const float *got, bool *in_order)
{
    const json_t *best = json_object_get(json_array_get(prompts, prompt), "fp32_top20");
    double worst = 0;
    *in_order = true;
    for (size_t i = 0; i < 20; i++) {
        const json_t *pair = json_array_get(best, i);
        const double want = json_real_value(json_array_get(pair, 1));
        const uint32_t id = (uint32_t)json_integer_value(json_array_get(pair, 0));
        worst = fmax(worst, fabs((double)got[id] - want));
        for (uint32_t other = 0; i == 19 && other < decoder_vocabulary(d); other++) {
            size_t j = 0;
            while (j < 20 &&
                   (uint32_t)json_integer_value(json_array_get(json_array_get(best, j), 0)) != other)
                j++;
            if (j == 20 && (double)got[other] > (double)got[id] + 2e-3)
                *in_order = false;
        }
        if (i > 0) {
            const json_t *before = json_array_get(best, i - 1);
            const uint32_t id_before = (uint32_t)json_integer_value(json_array_get(before, 0));
            if (json_real_value(json_array_get(before, 1)) - want > 2e-3 && got[id] > got[id_before])
                *in_order = false;
        }
    }
    return worst;
}

static void every_logit_and_layer(void **state)
{
    (void)state;
    need_golden();
    size_t n, n_logits, n_trace;
    const uint32_t *ids = golden_ids(json_array_get(prompts, 0), "ids", &n, arena);
    const float *want = golden_npy("gemma_logits0.npy", &n_logits, arena);
    const float *layers = golden_npy("gemma_trace0.npy", &n_trace, arena);
    const size_t one = n * decoder_hidden(d);
    assert_int_equal(n_logits, decoder_vocabulary(d));
    assert_int_equal(n_trace, 20 * one);
    d->trace = arena_alloc(arena, n_trace, sizeof(float));
    next_logits(ids, n, logits);
    double worst = 0;
    for (size_t i = 0; i < n_logits; i++)
        worst = fmax(worst, isfinite(logits[i]) ? fabs((double)logits[i] - (double)want[i]) : 1e9);
    print_message("largest difference of 262,144 logits: %.2e\n", worst);
    assert_true(worst <= 2e-3);
    for (size_t layer = 0; layer < 20; layer++) {
        double difference = 0, size = 0;
        for (size_t i = layer * one; i < (layer + 1) * one; i++) {
            difference = fmax(difference, fabs((double)d->trace[i] - (double)layers[i]));
            size = fmax(size, fabs((double)layers[i]));
        }
        assert_true(difference <= 1e-5 * size);
    }
    d->trace = NULL;
}

/* The prompts of both files are the same: the best 20 after each, then 32 greedy tokens. */
static void best_and_greedy(void **state)
{
    (void)state;
    need_golden();
    json_t *lines = golden_lines("gemma_greedy.jsonl", arena), *line;
    size_t p;
    double worst = 0;
    assert_int_equal(json_array_size(lines), json_array_size(prompts));
    json_array_foreach(lines, p, line)
    {
        size_t n, n_want;
        bool in_order;
        const uint32_t *ids = golden_ids(line, "ids", &n, arena),
                       *want = golden_ids(line, "fp32_ids", &n_want, arena);
        next_logits(ids, n, logits);
        assert_true(
            json_equal(json_object_get(line, "ids"), json_object_get(json_array_get(prompts, p), "ids")));
        worst = fmax(worst, compare_best(p, logits, &in_order));
        assert_true(in_order && worst <= 2e-3);
        for (size_t i = 0; i < n_want; i++) {
            uint32_t best = 0;
            for (uint32_t id = 1; id < decoder_vocabulary(d); id++)
                best = logits[id] > logits[best] ? id : best;
            if (best != want[i])
                fail_msg("prompt %zu, token %zu: %u, expected %u", p, i, best, want[i]);
            const struct decoder_run run = {.n = 1, .position = (uint32_t)(n + i)};
            float *s = arena_alloc(arena, decoder_hidden(d), sizeof *s);
            assert_ok(decoder_forward(d, cache, &best, &run, 1, &(uint32_t){0}, 1, s));
            assert_ok(decoder_logits(d, s, 1, logits));
        }
    }
    print_message("largest difference of the best 20 of 8 prompts: %.2e\n", worst);
    json_decref(lines);
}

static void logprobs_are_close(void **state)
{
    (void)state;
    need_golden();
    json_t *lines = golden_lines("gemma_logprob.jsonl", arena), *line;
    size_t p;
    json_array_foreach(lines, p, line)
    {
        size_t n;
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
            assert_true(fabs(logprob[i] - json_real_value(json_array_get(
                                              json_object_get(line, "fp32_logprob"), i))) <= 2e-3);
    }
    json_decref(lines);
}

/* Chunks, and sequences that share a beginning: the same logits within 1e-4. */
static void cutting_changes_nothing(void **state)
{
    (void)state;
    need_golden();
    size_t n;
    const uint32_t *ids = golden_ids(json_array_get(prompts, 2), "ids", &n, arena);
    float *other = arena_alloc(arena, decoder_vocabulary(d), sizeof *other);
    next_logits(ids, n, logits);
    d->chunk = 7;
    next_logits(ids, n, other);
    d->chunk = 512;
    double worst = 0;
    for (uint32_t i = 0; i < decoder_vocabulary(d); i++)
        worst = fmax(worst, fabs((double)logits[i] - (double)other[i]));
    /* Twenty tokens shared, the rest twice over, in cells of its own, and a stranger between. */
    const uint32_t rest = (uint32_t)n - 20;
    uint32_t *both = arena_alloc(arena, 2 * n, sizeof *both);
    memcpy(both, ids + 20, rest * sizeof *ids);
    both[rest] = 77;
    memcpy(both + rest + 1, ids + 20, rest * sizeof *ids);
    const struct decoder_run first = {.n = 20},
                             runs[] = {{rest, 20, 20, 20}, {1, 20, 20, 200}, {rest, 20, 20, 300}};
    const uint32_t wanted[] = {rest - 1, 2 * rest};
    float *s = arena_alloc(arena, 2 * decoder_hidden(d), sizeof *s);
    assert_ok(decoder_forward(d, cache, ids, &first, 1, NULL, 0, NULL));
    assert_ok(decoder_forward(d, cache, both, runs, 3, wanted, 2, s));
    for (int which = 0; which < 2; which++) {
        assert_ok(decoder_logits(d, s + which * (int)decoder_hidden(d), 1, other));
        for (uint32_t i = 0; i < decoder_vocabulary(d); i++)
            worst = fmax(worst, fabs((double)logits[i] - (double)other[i]));
    }
    print_message("largest difference by chunks and shared beginnings: %.2e\n", worst);
    assert_true(worst <= 1e-4);
}

/* Each planted mistake takes a logit of the best 20 of a prompt beyond the bound. */
static void mistakes_are_caught(void **state)
{
    (void)state;
    need_golden();
    size_t n, n_long;
    bool in_order;
    const uint32_t *ids = golden_ids(json_array_get(prompts, 0), "ids", &n, arena),
                   *lengthy = golden_ids(json_array_get(prompts, 7), "ids", &n_long, arena);
    struct decoder_layer *right = arena_copy(arena, d->layers, (size_t)d->n_layers, sizeof *right);
    for (int shift = -1; shift <= 1; shift += 2) {
        for (int i = 0; i < d->n_layers; i++)
            d->layers[i].window = right[i].window > 0 ? right[i].window + shift : 0;
        next_logits(lengthy, n_long, logits);
        assert_true(compare_best(7, logits, &in_order) > 2e-3);
    }
    for (int i = 0; i < d->n_layers; i++) { /* global blocks one later */
        d->layers[i].window = i % 6 == 0 ? 0 : 512;
        d->layers[i].rope = i % 6 != 0;
    }
    next_logits(ids, n, logits);
    assert_true(compare_best(0, logits, &in_order) > 2e-3);
    for (int i = 0; i < d->n_layers; i++) { /* one rotary base everywhere */
        d->layers[i] = right[i];
        d->layers[i].rope = 0;
    }
    next_logits(ids, n, logits);
    assert_true(compare_best(0, logits, &in_order) > 2e-3);
    memcpy(d->layers, right, (size_t)d->n_layers * sizeof *right);
    d->curve = DECODER_GELU_ERF;
    next_logits(ids, n, logits);
    assert_true(compare_best(0, logits, &in_order) > 2e-3);
    d->curve = DECODER_GELU_TANH;
    next_logits(ids + 1, n - 1, logits); /* no begin-of-text */
    assert_true(compare_best(0, logits, &in_order) > 2e-3);
    next_logits(ids, n, logits); /* and all is well again */
    assert_true(compare_best(0, logits, &in_order) <= 2e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_logit_and_layer), cmocka_unit_test(best_and_greedy),
        cmocka_unit_test(logprobs_are_close), cmocka_unit_test(cutting_changes_nothing),
        cmocka_unit_test(mistakes_are_caught)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
