/*
 * test_generate.c - grammars, drawing and generation: what a grammar lets through is one of the given texts or a JSON value that jansson
 * reads, whatever is drawn; draws follow the softmax; texts come out the same alone and together.
 *
 * The model is tiny_decoder.h's "qwen3"; the tokenizer of the grammars' tests has all bytes and a few words.
 */
#include "../test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "llm/generate.h"
#include "tiny_decoder.h"

static struct arena *arena;
static const struct backend *backend;
static struct tokenizer *tokenizer;
static char *tokenizer_bytes, *folder;

static const char *const words[] = {"the", "{\"", "\":", "[1", ", ",   "\"}", "tru", "12",
                                    "ab",  "\\u", "e5",  "[[", "\"]}", "-",   "0.5", "\xE4\xB8"};
enum { BYTES = 256, WORDS = sizeof words / sizeof *words, ALL = 2 + BYTES + WORDS };

/* Two control tokens, every byte, some words. */
static void open_tokenizer(void)
{
    static struct tiny_gguf g;
    static char text[ALL][8];
    const char *pieces[ALL];
    static struct gguf file;
    g = (struct tiny_gguf){0};
    for (int i = 0; i < ALL; i++) {
        snprintf(text[i], sizeof text[i], i < 2 ? "<c%d>" : "<0x%02X>", i < 2 ? i : i - 2);
        pieces[i] = i < 2 + BYTES ? text[i] : words[i - 2 - BYTES];
    }
    tiny_string(&g, "tokenizer.ggml.model", "llama");
    tiny_strings(&g, "tokenizer.ggml.tokens", pieces, ALL);
    tiny_array(&g, "tokenizer.ggml.scores", GGUF_F32, ALL);
    for (int i = 0; i < ALL; i++)
        tiny_u32(&g, 0);
    tiny_array(&g, "tokenizer.ggml.token_type", GGUF_I32, ALL);
    for (int i = 0; i < ALL; i++)
        tiny_u32(&g, i < 2 ? 3 : i < 2 + BYTES ? 6 : 1);
    tiny_whole(&g, "tokenizer.ggml.bos_token_id", 0);
    tiny_whole(&g, "tokenizer.ggml.eos_token_id", 1);
    tiny_bool(&g, "tokenizer.ggml.add_space_prefix", 0);
    size_t n;
    tokenizer_bytes = tiny_finish(&g, &n);
    assert_ok(gguf_parse("t.gguf", tokenizer_bytes, n, arena, &file));
    assert_ok(tokenizer_open(&file, arena, &tokenizer));
}

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    folder = test_folder();
    test_quiet();
    open_tokenizer();
    return backend_open("cpu", 2, &backend) != STATUS_OK;
}
static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    free(tokenizer_bytes);
    arena_free(arena);
    return 0;
}

/* A random walk through the grammar in at most `room` tokens; whether it ended where it may. */
static bool walk(const struct grammar *g, uint32_t room, uint64_t seed, char **text, size_t *length)
{
    struct grammar_state state = {0};
    uint32_t ids[256], allowed[ALL + 1];
    size_t n = 0;
    bool may_end = false;
    while (n < room) {
        const size_t k = grammar_next(g, &state, room - (uint32_t)n, allowed, &may_end);
        const uint64_t draw = random_u32(seed, RANDOM_MODEL, 0, n);
        if (k == 0 || (may_end && draw % 3 == 0))
            break;
        ids[n] = allowed[draw / 3 % k];
        grammar_take(g, &state, ids[n++]);
    }
    grammar_next(g, &state, 1, allowed, &may_end);
    assert_ok(tokenizer_decode(tokenizer, ids, n, false, arena, text, length));
    return may_end;
}

static void json_is_json(void **state)
{
    (void)state;
    struct grammar *g;
    size_t kinds[8] = {0}, deepest = 0;
    assert_ok(grammar_json(tokenizer, arena, &g));
    for (uint64_t seed = 0; seed < 4000; seed++) {
        char *text;
        size_t length;
        json_error_t error;
        if (!walk(g, 2 + (uint32_t)(seed % 120), seed, &text, &length))
            fail_msg("seed %llu: '%.*s' is not whole", (unsigned long long)seed, (int)length, text);
        json_t *value = json_loadb(text, length, JSON_DECODE_ANY, &error);
        if (value == NULL)
            fail_msg("seed %llu: '%.*s': %s", (unsigned long long)seed, (int)length, text, error.text);
        kinds[json_typeof(value)]++;
        deepest = length > deepest ? length : deepest;
        json_decref(value);
    }
    for (int kind = JSON_OBJECT; kind <= JSON_NULL; kind++)
        assert_true(kinds[kind] > 0);
    assert_true(deepest > 60);
}

static void choices_only(void **state)
{
    (void)state;
    static const char *const texts[] = {"the", "theab", "ab", "the", "abba12", "\xE4\xB8\xAD"};
    struct grammar *g;
    size_t seen[6] = {0};
    assert_ok(grammar_choices(tokenizer, texts, 6, arena, &g));
    for (uint64_t seed = 0; seed < 300; seed++) {
        char *text;
        size_t length, which = 0;
        assert_true(walk(g, 40, seed, &text, &length));
        while (which < 6 && (strlen(texts[which]) != length || memcmp(texts[which], text, length) != 0))
            which++;
        assert_true(which < 6);
        seen[which]++;
    }
    assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0 && seen[4] > 0 && seen[5] > 0);
    test_fails(grammar_choices(tokenizer, texts, 0, arena, &g), STATUS_USAGE, "at least one", NULL);
    test_fails(grammar_choices(tokenizer, (const char *const[]){"a", ""}, 2, arena, &g), STATUS_USAGE,
               "choice 2", NULL);
}

/* How often each of five tokens is drawn of 4,000. */
static void count(const struct sample_options *o, const uint32_t *ids, int *n)
{
    static const uint32_t before[] = {1, 1, 3};
    memset(n, 0, 5 * sizeof *n);
    for (uint64_t i = 0; i < 4000; i++) {
        float logits[5] = {1, 2, -1, 0.5f, 2};
        uint32_t token;
        assert_ok(sample_token(o, ids, logits, 5, before, 3, 0, i, &token));
        n[ids != NULL ? token / 10 : token]++;
    }
}

static bool near(int n, double p)
{
    return fabs(n / 4000.0 - p) < 0.03;
}

static void draws_follow_their_options(void **state)
{
    (void)state;
    static const uint32_t ids[] = {0, 10, 20, 30, 40};
    struct sample_options o = {.temperature = 1, .top_p = 1, .repetition_penalty = 1, .seed = 3};
    int n[5], again[5];
    const double sum = exp(1) + 2 * exp(2) + exp(-1) + exp(0.5);
    count(&o, NULL, n);
    assert_true(near(n[0], exp(1) / sum) && near(n[1], exp(2) / sum) && near(n[2], exp(-1) / sum) &&
                near(n[3], exp(0.5) / sum));
    count(&o, ids, again);
    assert_memory_equal(n, again, sizeof n);
    o.temperature = 2;
    count(&o, NULL, n);
    assert_true(near(n[1], exp(1) / (exp(.5) + 2 * exp(1) + exp(-.5) + exp(.25))));
    o.temperature = 0; /* the best, of equal ones the first */
    count(&o, NULL, n);
    assert_int_equal(n[1], 4000);
    o = (struct sample_options){.temperature = 1, .top_k = 3, .top_p = 1, .repetition_penalty = 1};
    count(&o, NULL, n);
    assert_true(n[2] == 0 && n[3] == 0 && near(n[0], exp(1) / (exp(1) + 2 * exp(2))));
    o = (struct sample_options){.temperature = 1, .top_p = 0.5, .repetition_penalty = 1};
    count(&o, NULL, n); /* two of .39 reach it */
    assert_true(n[0] + n[2] + n[3] == 0 && near(n[1], 0.5));
    o = (struct sample_options){.temperature = 1, .top_p = 1, .min_p = 0.2, .repetition_penalty = 1};
    count(&o, NULL, n); /* e^-1 of the best stays, e^-1.5 = .223 too, e^-3 goes */
    assert_true(n[2] == 0 && n[3] > 0 && n[0] > 0);
    o = (struct sample_options){.temperature = 1, .top_p = 1, .repetition_penalty = 4};
    count(&o, ids, n); /* ids 1 and 3 are none of these */
    assert_true(near(n[1], exp(2) / sum));
    count(&o, NULL, n); /* token 1: 2 / 4, token 3: .5 / 4 */
    assert_true(near(n[1], exp(0.5) / (exp(1) + exp(0.5) + exp(-1) + exp(0.125) + exp(2))));
}

static struct decoder *open_model(void)
{
    struct decoder *d;
    size_t n;
    char *bytes = tiny_decoder("qwen3", &n);
    FILE *stream = fopen(test_path(folder, "m.gguf"), "wb");
    assert_true(fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
    free(bytes);
    assert_ok(decoder_open(test_path(folder, "m.gguf"), backend, &d));
    return d;
}

/* Prompts of different lengths, with a common beginning and without: together they come out as each does alone. */
static void together_as_alone(void **state)
{
    (void)state;
    struct decoder *d = open_model();
    static const uint32_t ids[] = {5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 99, 98};
    static const uint32_t other[] = {5, 6, 7, 200, 9};
    const struct prompt prompts[] = {{ids, 13}, {ids, 4}, {other, 5}, {ids, 12}};
    struct generate_options o = {
        .tokens = 12, .sample = {.temperature = 1, .top_k = 40, .top_p = 1, .repetition_penalty = 1.1}};
    struct generated all[4], one;
    assert_ok(generate(d, prompts, 4, &o, arena, all));
    assert_int_equal(all[0].n, 12);
    assert_ok(generate(d, prompts, 1, &o, arena, &one));
    assert_memory_equal(one.ids, all[0].ids, 12 * sizeof *one.ids);
    o.sample.temperature = 0;
    assert_ok(generate(d, prompts, 4, &o, arena, all));
    for (int i = 0; i < 4; i++) {
        assert_ok(generate(d, &prompts[i], 1, &o, arena, &one));
        assert_int_equal(one.n, all[i].n);
        assert_memory_equal(one.ids, all[i].ids, one.n * sizeof *one.ids);
    }
    decoder_close(d);
}

struct shown {
    char text[256];
    size_t n, tokens;
};
static enum status gather(void *context, size_t which, uint32_t token, const char *bytes, size_t length)
{
    struct shown *s = context;
    assert_true(which == 0 && token < TINY_VOCABULARY);
    memcpy(s->text + s->n, bytes, length);
    s->n += length;
    s->tokens++;
    return STATUS_OK;
}

/* What is streamed is the text, none of a stop; and a grammar of titles holds for a real model too. */
static void streams_stops_and_titles(void **state)
{
    (void)state;
    struct decoder *d = open_model();
    static const uint32_t ids[] = {5, 6, 7};
    const struct prompt prompt = {ids, 3};
    struct generate_options o = {.tokens = 8, .sample = {.top_p = 1, .repetition_penalty = 1}};
    struct generated whole, cut;
    struct shown shown = {0};
    assert_ok(generate(d, &prompt, 1, &o, arena, &whole));
    assert_int_equal(whole.n, 8);
    /* a stop in the middle: from within the third token's text to the fourth's */
    char *text, *third, *stop;
    size_t length, third_length;
    assert_ok(tokenizer_decode(decoder_tokenizer(d), whole.ids, 4, false, arena, &text, &length));
    assert_ok(tokenizer_decode(decoder_tokenizer(d), whole.ids, 2, false, arena, &third, &third_length));
    stop = arena_printf(arena, "%.*s", (int)(length - third_length - 1), text + third_length + 1);
    const char *first = memmem(whole.text, whole.length, stop, strlen(stop));
    o.stops = (const char *const *)&stop, o.n_stops = 1;
    o.stream = gather, o.context = &shown;
    assert_ok(generate(d, &prompt, 1, &o, arena, &cut));
    assert_int_equal(cut.length, first - whole.text);
    assert_memory_equal(cut.text, whole.text, cut.length);
    assert_int_equal(shown.n, cut.length);
    assert_memory_equal(shown.text, cut.text, cut.length);
    assert_true(shown.tokens >= 1 && shown.tokens <= 4);
    static const char *const titles[] = {"t1t2", "t1t20", "t3", "t250t9t9"};
    struct grammar *g;
    assert_ok(grammar_choices(decoder_tokenizer(d), titles, 4, arena, &g));
    o = (struct generate_options){
        .tokens = 30, .grammar = g, .sample = {.temperature = 3, .top_p = 1, .repetition_penalty = 1}};
    for (o.sample.seed = 0; o.sample.seed < 20; o.sample.seed++) {
        int which = 0;
        assert_ok(generate(d, &prompt, 1, &o, arena, &cut));
        while (which < 4 &&
               (strlen(titles[which]) != cut.length || memcmp(titles[which], cut.text, cut.length) != 0))
            which++;
        if (which == 4)
            fail_msg("'%.*s' is none of the titles", (int)cut.length, cut.text);
    }
    decoder_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(json_is_json), cmocka_unit_test(choices_only),
                                       cmocka_unit_test(draws_follow_their_options),
                                       cmocka_unit_test(together_as_alone),
                                       cmocka_unit_test(streams_stops_and_titles)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
