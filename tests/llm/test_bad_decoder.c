/*
 * test_bad_decoder.c - GGUF files that are well formed but no decoder: each is refused with STATUS_DATA and a sentence that says what is
 * wrong; and a prompt of 32,768 tokens, and one more.  (Files that are not well formed: test_gguf.c.)
 */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/decoder_internal.h"
#include "tiny_decoder.h"

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

static const char *write_model(const char *bytes, size_t n)
{
    const char *path = test_path(folder, "m.gguf");
    FILE *stream = fopen(path, "wb");
    assert_true(fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
    return path;
}

/* The place of a text in the file. */
static char *find(char *bytes, size_t n, const char *text)
{
    char *at = memmem(bytes, n, text, strlen(text));
    assert_non_null(at);
    return at;
}

/* A change: the text `from` becomes `to` (as long), or the 4 bytes of a value behind a key become `value`. */
struct damage {
    const char *from, *to;
    uint32_t value;
    const char *word;
};

static void metadata_and_names(void **state)
{
    (void)state;
    static const struct damage cases[] = {
        {"general.architecture", "General.architecture", 0, "general.architecture"},
        {"tokenizer.ggml.model", "tokenizer.ggml.mudel", 0, "holds no tokenizer"},
        {"tokenizer.ggml.tokens", "tokenizer.ggml.tokenz", 0, "tokenizer.ggml.tokens"},
        {"tokenizer.ggml.scores", "tokenizer.ggml.scorez", 0, "tokenizer.ggml.scores"},
        {"gemma2.block_count", "gemma2.block_cound", 0, "block_count"},
        {"blk.1.ffn_down.weight", "blk.1.ffn_dawn.weight", 0, "blk.1.ffn_down.weight' is missing"},
        {"token_embd.weight", "taken_embd.weight", 0, "token_embd.weight' is missing"},
        {"output_norm.weight", "outpat_norm.weight", 0, "output_norm.weight' is missing"},
        {"gemma2.block_count", NULL, 0, "block_count"},
        {"gemma2.block_count", NULL, 4, "blk.3"},
        {"gemma2.embedding_length", NULL, 512, "the metadata ask for"},
        {"gemma2.embedding_length", NULL, 33, "multiples of 32"},
        {"gemma2.feed_forward_length", NULL, 0, "feed_forward_length"},
        {"gemma2.attention.head_count", NULL, 0, "head_count"},
        {"gemma2.attention.head_count", NULL, 3, "key heads must divide heads"},
        {"gemma2.attention.value_length", NULL, 32, "keys be as long as values"},
        {"gemma2.attention.layer_norm_rms_epsilon", NULL, 0x7fc00000, "layer_norm_rms_epsilon"},
        {"gemma2.attn_logit_softcapping", NULL, 0xff800000, "attn_logit_softcapping"},
        {"gemma2.attention.sliding_window", NULL, 0, "sliding_window"},
        {"gemma2.context_length", NULL, 0xffffffff, "context_length"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        char *bytes = tiny_decoder("gemma2", &n), *at = find(bytes, n, cases[i].from);
        struct decoder *d;
        if (cases[i].to != NULL)
            memcpy(at, cases[i].to, strlen(cases[i].to));
        else
            memcpy(at + strlen(cases[i].from) + 4, &cases[i].value, 4);
        test_fails(decoder_open(write_model(bytes, n), backend, &d), STATUS_DATA, "m.gguf", cases[i].word,
                   NULL);
        free(bytes);
    }
}

static void numbers_that_are_none(void **state)
{
    (void)state;
    /* tensors of the nine types by turns: where a block's scale lies, and the bytes that make it no number */
    static const struct {
        const char *tensor;
        size_t at;
        unsigned char byte[4];
        size_t n_bytes;
    } cases[] = {{"token_embd.weight", 0, {0, 0, 0xc0, 0x7f}, 4}, {"blk.0.attn_q.weight", 0, {0, 0x7c}, 2},
                 {"blk.0.attn_k.weight", 0, {0x80, 0x7f}, 2},     {"blk.0.attn_v.weight", 0, {0, 0xfc}, 2},
                 {"blk.0.attn_output.weight", 0, {1, 0x7e}, 2},   {"blk.0.ffn_gate.weight", 0, {0, 0x7c}, 2},
                 {"blk.0.ffn_up.weight", 2, {0, 0x7c}, 2},        {"blk.0.ffn_down.weight", 0, {0, 0x7c}, 2},
                 {"blk.1.attn_q.weight", 208, {0, 0x7c}, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n;
        char *bytes = tiny_decoder("gemma2", &n);
        struct gguf file;
        struct decoder *d;
        assert_ok(gguf_parse("m", bytes, n, arena, &file));
        const struct gguf_tensor *t = gguf_tensor_find(&file, cases[i].tensor);
        assert_non_null(t);
        memcpy(bytes + ((const char *)t->data - bytes) + cases[i].at, cases[i].byte, cases[i].n_bytes);
        test_fails(decoder_open(write_model(bytes, n), backend, &d), STATUS_DATA, "not finite",
                   cases[i].tensor, NULL);
        free(bytes);
    }
}

/* Ids of the tokenizer beyond the vocabulary; a vocabulary that is not the matrix's. */
static void vocabulary(void **state)
{
    (void)state;
    static struct tiny_model m;
    struct decoder *d;
    for (int c = 0; c < 2; c++) {
        memset(&m, 0, sizeof m);
        m.name = "llama";
        tiny_metadata(&m);
        if (c == 0)
            tiny_whole(&m.g, "tokenizer.ggml.bos_token_id", TINY_VOCABULARY);
        tiny_matrix(&m, "token_embd.weight", TINY_VOCABULARY - 1, TINY_HIDDEN);
        size_t n;
        char *bytes = tiny_finish(&m.g, &n);
        test_fails(decoder_open(write_model(bytes, n), backend, &d), STATUS_DATA, "m.gguf",
                   c == 0 ? "bos_token_id" : "the metadata ask for 256 x 262", NULL);
        free(bytes);
    }
}

/* The longest prompt that the model was made for runs; one token more, or an id beyond the vocabulary, is refused. */
static void long_prompts(void **state)
{
    (void)state;
    enum { LONG = 32768 };
    size_t n;
    char *bytes = tiny_decoder("gemma2", &n);
    const uint32_t most = LONG, last = LONG - 1;
    memcpy(find(bytes, n, "gemma2.context_length") + strlen("gemma2.context_length") + 4, &most, 4);
    struct decoder *d;
    struct decoder_cache *cache;
    assert_ok(decoder_open(write_model(bytes, n), backend, &d));
    free(bytes);
    d->n_layers = 1; /* a sliding block alone: the test is for the length, not for the square of it */
    decoder_set_activations(d, DECODER_INT8);
    assert_ok(decoder_cache_new(d, LONG, &cache));
    uint32_t *ids = arena_alloc(arena, LONG + 1, sizeof *ids);
    float state_of_last[TINY_HIDDEN], logits[TINY_VOCABULARY];
    for (uint32_t i = 0; i <= LONG; i++)
        ids[i] = (i * 31 + i / 7) % TINY_VOCABULARY;
    struct decoder_run run = {.n = LONG};
    assert_ok(decoder_forward(d, cache, ids, &run, 1, &last, 1, state_of_last));
    assert_ok(decoder_logits(d, state_of_last, 1, logits));
    for (int i = 0; i < TINY_VOCABULARY; i++)
        assert_true(isfinite(logits[i]));
    run.n = LONG + 1;
    test_fails(decoder_forward(d, cache, ids, &run, 1, NULL, 0, NULL), STATUS_USAGE, "at most 32768", NULL);
    run.n = 3;
    ids[2] = TINY_VOCABULARY;
    test_fails(decoder_forward(d, cache, ids, &run, 1, NULL, 0, NULL), STATUS_USAGE, "beyond the vocabulary",
               NULL);
    run.n = 0;
    assert_ok(decoder_forward(d, cache, ids, &run, 1, NULL, 0, NULL));
    decoder_cache_free(cache);
    decoder_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(metadata_and_names),
                                       cmocka_unit_test(numbers_that_are_none), cmocka_unit_test(vocabulary),
                                       cmocka_unit_test(long_prompts)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
