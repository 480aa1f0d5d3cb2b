/*
 * test_tokenizer.c - llm/tokenizer.c over text/sentencepiece.c and text/byte_bpe.c: Gemma's golden texts, and vocabularies of
 * our own where the right cut is known by hand.
 */
#include "golden.h"

#include "llm/gguf_file.h"
#include "llm/tokenizer.h"
#include "text/byte_bpe.h"
#include "tiny_gguf.h"

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    test_quiet();
    return arena == NULL;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void gemma_is_equal(void **state)
{
    (void)state;
    const char *why = golden_lacks("models/gemma/gemma-3-270m-q4_k_m.gguf", "tools/get-models.sh gemma",
                                   "gemma_tokens.jsonl", arena);
    if (why != NULL) {
        print_message("%s\n", why);
        skip();
    }
    struct gguf_file file;
    struct tokenizer *t;
    assert_ok(gguf_file_open("models/gemma", &file));
    assert_ok(tokenizer_open(&file.gguf, file.arena, &t));
    assert_int_equal(tokenizer_size(t), 262144);
    json_t *lines = golden_lines("gemma_tokens.jsonl", arena), *line;
    size_t i, differ = 0;
    assert_int_equal(json_array_size(lines), 41);
    json_array_foreach(lines, i, line)
    {
        size_t length, n_expected, n, n_bytes, n_detok;
        char *bytes;
        uint32_t *ids;
        const char *text = golden_hex(line, "utf8_hex", &length, arena);
        const uint32_t *expected = golden_ids(line, "ids", &n_expected, arena);
        const int flags = json_is_true(json_object_get(line, "parse_special")) ? TOKENIZER_SPECIAL : 0;
        assert_ok(tokenizer_encode(t, text, length, TOKENIZER_BEGIN | flags, arena, &ids, &n));
        const char *detok = golden_hex(line, "detok_hex", &n_detok, arena);
        assert_ok(tokenizer_decode(t, ids, n, true, arena, &bytes, &n_bytes));
        if (n != n_expected || memcmp(ids, expected, n * sizeof *ids) != 0 || n_bytes != n_detok ||
            memcmp(bytes, detok, n_bytes) != 0)
            print_message("text %zu differs\n", i), differ++;
    }
    assert_int_equal(differ, 0);
    json_decref(lines);
    gguf_file_close(&file);
}

static struct tokenizer *open_tiny(struct tiny_gguf *g)
{
    struct gguf *file = arena_alloc(arena, 1, sizeof *file);
    struct tokenizer *t = NULL;
    size_t n;
    char *bytes = tiny_finish(g, &n);
    assert_ok(gguf_parse("m.gguf", arena_copy(arena, bytes, n, 1), n, arena, file));
    free(bytes);
    return tokenizer_open(file, arena, &t) == STATUS_OK ? t : NULL;
}

static void expect_ids(const struct tokenizer *t, const char *text, int flags, const char *expected)
{
    uint32_t *ids;
    size_t n, at = 0;
    char got[512] = "";
    assert_ok(tokenizer_encode(t, text, strlen(text), flags, arena, &ids, &n));
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(got + at, sizeof got - at, i > 0 ? " %u" : "%u", ids[i]);
    assert_string_equal(got, expected);
}

/* A Llama-like vocabulary: <unk> <s> </s> [x] <0x41>.. and a few pieces. */
static void scores_vocabulary(struct tiny_gguf *g, int n_scores, uint32_t begin)
{
    static const char *const pieces[] = {"<unk>",
                                         "<s>",
                                         "</s>",
                                         "[x]",
                                         "[x][y]",
                                         "<0xC3>",
                                         "<0xA9>",
                                         "<0xFF>",
                                         "\xE2\x96\x81",
                                         "a",
                                         "b",
                                         "ab",
                                         "ba",
                                         "aba",
                                         "\xE2\x96\x81"
                                         "a"};
    static const int types[] = {2, 3, 3, 4, 4, 6, 6, 6, 1, 1, 1, 1, 1, 1, 1};
    static const float scores[] = {0, 0, 0, 0, 0, 0, 0, 0, -9, -8, -8, -2, -1, -3, -5};
    *g = (struct tiny_gguf){0};
    tiny_string(g, "tokenizer.ggml.model", "llama");
    tiny_strings(g, "tokenizer.ggml.tokens", pieces, 15);
    tiny_array(g, "tokenizer.ggml.scores", GGUF_F32, (uint64_t)n_scores);
    tiny_put(g, scores, sizeof(float) * (size_t)n_scores);
    tiny_array(g, "tokenizer.ggml.token_type", GGUF_I32, 15);
    tiny_put(g, types, sizeof types);
    tiny_whole(g, "tokenizer.ggml.bos_token_id", begin);
}

static void merges_by_scores(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    scores_vocabulary(&g, 15, 1);
    struct tokenizer *t = open_tiny(&g);
    assert_non_null(t);
    expect_ids(t, "", TOKENIZER_BEGIN, "1");
    expect_ids(t, "", 0, "");
    expect_ids(t, "b", TOKENIZER_BEGIN, "1 8 10");
    expect_ids(t, "a", 0, "14");
    expect_ids(t, "aba", 0, "8 13"); /* "ba" goes first, then "aba" before U+2581 "a" */
    expect_ids(t, "bab", 0, "8 12 10");
    expect_ids(t, "b[x][y]b", 0, "8 10 4 8 10"); /* the longer user-defined token; a space again after it */
    expect_ids(t, "b[x]", 0, "8 10 3");
    expect_ids(t, "</s>", TOKENIZER_SPECIAL, "2");
    expect_ids(t, "\xC3\xA9", 0, "8 5 6"); /* bytes */
    expect_ids(t, "\xFF", 0, "8 7");       /* not UTF-8 */
    expect_ids(t, "\xC3", 0, "8 5");
    expect_ids(t, "z", 0, "8 0"); /* no byte token either */
    char *bytes;
    size_t n;
    assert_ok(tokenizer_decode(t, (const uint32_t[]){1, 14, 12, 5, 6, 3, 2}, 7, true, arena, &bytes, &n));
    assert_true(n == 8 && memcmp(bytes, "aba\xC3\xA9[x]", 8) == 0);
    assert_ok(tokenizer_decode(t, (const uint32_t[]){14}, 1, false, arena, &bytes, &n));
    assert_true(n == 2 && memcmp(bytes, " a", 2) == 0);
}

/* A Unigram vocabulary: "ab" beats "a" "b" where its score is above their sum, also against a longer piece; no merging would find that. */
static void unigram_vocabulary(struct tiny_gguf *g)
{
    static const char *const pieces[] = {"<pad>",
                                         "</s>",
                                         "<unk>",
                                         "[x]",
                                         "\xE2\x96\x81",
                                         "a",
                                         "b",
                                         "ab",
                                         "abc",
                                         "bc",
                                         "c",
                                         "\xE2\x96\x81"
                                         "a"};
    static const int types[] = {3, 3, 2, 4, 1, 1, 1, 1, 1, 1, 1, 1};
    static const float scores[] = {0, 0, 0, 0, -2, -3, -3, -4, -9, -2.5f, -4, -4.5f};
    *g = (struct tiny_gguf){0};
    tiny_string(g, "tokenizer.ggml.model", "t5");
    tiny_strings(g, "tokenizer.ggml.tokens", pieces, 12);
    tiny_array(g, "tokenizer.ggml.scores", GGUF_F32, 12);
    tiny_put(g, scores, sizeof scores);
    tiny_array(g, "tokenizer.ggml.token_type", GGUF_I32, 12);
    tiny_put(g, types, sizeof types);
    tiny_whole(g, "tokenizer.ggml.unknown_token_id", 2);
    tiny_whole(g, "tokenizer.ggml.eos_token_id", 1);
}

static void unigram_cuts(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    unigram_vocabulary(&g);
    struct tokenizer *t = open_tiny(&g);
    assert_non_null(t);
    expect_ids(t, "", TOKENIZER_BEGIN, "");
    expect_ids(t, "a", 0, "11");     /* -4.5 against -2 - 3 */
    expect_ids(t, "ab", 0, "4 7");   /* -2 - 4 against -4.5 - 3 */
    expect_ids(t, "abc", 0, "11 9"); /* -4.5 - 2.5 against -2 - 9, -2 - 4 - 4 */
    expect_ids(t, "b c", 0, "4 6 4 10");
    expect_ids(t, "bzc", 0, "4 6 2 10");    /* unknown */
    expect_ids(t, "b\xFF", 0, "4 6 2");     /* not UTF-8 */
    expect_ids(t, "b[x]b", 0, "4 6 3 4 6"); /* user-defined, first */
    expect_ids(t, "</s>b", TOKENIZER_SPECIAL, "1 4 6");
    expect_ids(t, "</s>", 0, "4 2"); /* plain text: unknown characters are one */
    char *bytes;
    size_t n;
    assert_ok(tokenizer_decode(t, (const uint32_t[]){11, 9, 4, 3, 1}, 5, true, arena, &bytes, &n));
    assert_true(n == 7 && memcmp(bytes, "abc [x]", 7) == 0);
    unigram_vocabulary(&g);
    tiny_bool(&g, "tokenizer.ggml.add_space_prefix", 0);
    assert_null(open_tiny(&g));
    test_fails(STATUS_DATA, STATUS_DATA, "without a space", NULL);
    unigram_vocabulary(&g);
    tiny_array(&g, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, 3);
    tiny_put(&g, "abc", 3);
    assert_null(open_tiny(&g));
    test_fails(STATUS_DATA, STATUS_DATA, "character map", NULL);
    static char many[100000]; /* the room grows */
    memset(many, 'b', sizeof many);
    unigram_vocabulary(&g);
    t = open_tiny(&g);
    uint32_t *ids;
    assert_ok(tokenizer_encode(t, many, sizeof many, 0, arena, &ids, &n));
    assert_int_equal(n, sizeof many + 1);
}

static void bad_vocabularies(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    g = (struct tiny_gguf){0};
    assert_null(open_tiny(&g));
    test_fails(STATUS_DATA, STATUS_DATA, "holds no tokenizer", NULL);
    scores_vocabulary(&g, 14, 1);
    assert_null(open_tiny(&g));
    test_fails(STATUS_DATA, STATUS_DATA, "14 scores for 15 tokens", NULL);
    scores_vocabulary(&g, 15, 15);
    assert_null(open_tiny(&g));
    test_fails(STATUS_DATA, STATUS_DATA, "bos_token_id' is 15, expected 0 to 14", NULL);
    g = (struct tiny_gguf){0};
    tiny_string(&g, "tokenizer.ggml.model", "rwkv");
    assert_null(open_tiny(&g));
    test_fails(STATUS_DATA, STATUS_DATA, "'rwkv'; llama, gpt2 and t5 are read", NULL);
    g = (struct tiny_gguf){0};
    tiny_string(&g, "tokenizer.ggml.model", "gpt2");
    tiny_strings(&g, "tokenizer.ggml.tokens", (const char *const[]){"a", ""}, 2);
    assert_null(open_tiny(&g));
    test_fails(STATUS_DATA, STATUS_DATA, "token 1 has 0 bytes", NULL);
    g = (struct tiny_gguf){0};
    tiny_string(&g, "tokenizer.ggml.model", "gpt2");
    tiny_strings(&g, "tokenizer.ggml.tokens", (const char *const[]){"a", "b"}, 2);
    tiny_string(&g, "tokenizer.ggml.pre", "strange");
    assert_null(open_tiny(&g));
    test_fails(STATUS_DATA, STATUS_DATA, "'strange'", NULL);
}

/* The words of a text, with | between them. */
static void expect_words(enum byte_bpe_pattern pattern, const char *text, const char *expected)
{
    char got[512];
    size_t n = 0;
    for (size_t at = 0, word; at < strlen(text); at += word) {
        word = byte_bpe_word(pattern, text, strlen(text), at);
        assert_true(word > 0);
        if (n > 0)
            got[n++] = '|';
        memcpy(got + n, text + at, word);
        n += word;
    }
    got[n] = '\0';
    assert_string_equal(got, expected);
}

/* What each model's own pattern gives, worked out by hand (GPT-2's encoder.py; tokenizer.json of Llama 3 and Qwen 2). */
static void patterns(void **state)
{
    (void)state;
    static const char text[] = "It's 1995,  we'LL see\n\n  x_y!!\n caf\xC3\xA9  ";
    expect_words(BYTE_BPE_GPT2, text, "It|'s| 1995|,| | we|'|LL| see|\n\n | x|_|y|!!|\n| caf\xC3\xA9|  ");
    expect_words(BYTE_BPE_LLAMA3, text, "It|'s| |199|5|,| | we|'LL| see|\n\n| | x|_y|!!\n| caf\xC3\xA9|  ");
    expect_words(BYTE_BPE_QWEN2, text, "It|'s| |1|9|9|5|,| | we|'LL| see|\n\n| | x|_y|!!\n| caf\xC3\xA9|  ");
    expect_words(BYTE_BPE_GPT2, "\t\tif", "\t|\t|if");
    expect_words(BYTE_BPE_LLAMA3, "\t\tif", "\t|\tif");
    expect_words(BYTE_BPE_LLAMA3, "a \r\n \n b", "a| \r\n \n| b");
    expect_words(BYTE_BPE_GPT2, "\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C",
                 "\xE4\xBD\xA0\xE5\xA5\xBD|\xEF\xBC\x8C");
}

static void merges_by_ranks(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    static const char *const pieces[] = {"l",
                                         "o",
                                         "w",
                                         "e",
                                         "r",
                                         "\xC4\xA0",
                                         "lo",
                                         "low",
                                         "er",
                                         "\xC4\xA0"
                                         "low",
                                         "\xC3\x83",
                                         "\xC2\xA9",
                                         "<|end|>"};
    static const int types[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3};
    g = (struct tiny_gguf){0};
    tiny_string(&g, "tokenizer.ggml.model", "gpt2");
    tiny_strings(&g, "tokenizer.ggml.tokens", pieces, 13);
    tiny_array(&g, "tokenizer.ggml.token_type", GGUF_I32, 13);
    tiny_put(&g, types, sizeof types);
    tiny_strings(&g, "tokenizer.ggml.merges", (const char *const[]){"e r", "l o", "lo w", "\xC4\xA0 low"}, 4);
    tiny_whole(&g, "tokenizer.ggml.eos_token_id", 12);
    struct tokenizer *t = open_tiny(&g);
    assert_non_null(t);
    expect_ids(t, "lower low", TOKENIZER_BEGIN, "7 8 9");
    expect_ids(t, "owl", 0, "1 2 0");
    expect_ids(t, "\xC3\xA9", 0, "10 11");
    expect_ids(t, "low<|end|>", TOKENIZER_SPECIAL, "7 12");
    char *bytes;
    size_t n;
    assert_ok(tokenizer_decode(t, (const uint32_t[]){7, 8, 9, 10, 11, 12}, 6, true, arena, &bytes, &n));
    assert_true(n == 11 && memcmp(bytes, "lower low\xC3\xA9", 11) == 0);
    assert_true(tokenizer_is_end(t, 12) && !tokenizer_is_end(t, 3) && tokenizer_is_control(t, 12));
}

/* Every byte stands for one character and back. */
static void bytes_come_back(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    static char names[256][3];
    const char *pieces[256];
    for (int i = 0; i < 256; i++) { /* bytes_to_unicode() of GPT-2's encoder.py */
        static int other;
        const int c = (i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174 ? i : 256 + other++;
        if (c < 128)
            names[i][0] = (char)c;
        else
            names[i][0] = (char)(0xC0 | c >> 6), names[i][1] = (char)(0x80 | (c & 63));
        pieces[i] = names[i];
    }
    g = (struct tiny_gguf){0};
    tiny_string(&g, "tokenizer.ggml.model", "gpt2");
    tiny_strings(&g, "tokenizer.ggml.tokens", pieces, 256);
    tiny_strings(&g, "tokenizer.ggml.merges", pieces, 0);
    struct tokenizer *t = open_tiny(&g);
    assert_non_null(t);
    char text[256], *bytes;
    for (int i = 0; i < 256; i++)
        text[i] = (char)i;
    uint32_t *ids;
    size_t n, n_bytes;
    assert_ok(tokenizer_encode(t, text, 256, 0, arena, &ids, &n));
    assert_int_equal(n, 256);
    for (uint32_t i = 0; i < 256; i++)
        assert_int_equal(ids[i], i);
    assert_ok(tokenizer_decode(t, ids, n, true, arena, &bytes, &n_bytes));
    assert_true(n_bytes == 256 && memcmp(bytes, text, 256) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gemma_is_equal), cmocka_unit_test(merges_by_scores),
                                       cmocka_unit_test(unigram_cuts),   cmocka_unit_test(bad_vocabularies),
                                       cmocka_unit_test(patterns),       cmocka_unit_test(merges_by_ranks),
                                       cmocka_unit_test(bytes_come_back)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
