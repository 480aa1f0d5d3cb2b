/*
 * test_gguf.c - llm/gguf.c: every way in which a file can be wrong gives STATUS_DATA, one sentence, and no allocation beyond
 * a small multiple of the file; what is right reads back.
 *
 * Each file lies at the very end of its own malloc() block, so that a sanitizer sees a read beyond it.
 */
#include "../test.h"

#include <sys/wait.h>
#include <unistd.h>

#include "llm/gguf_file.h"
#include "tiny_gguf.h"

static struct arena *arena;
static char *kept; /* the last file's bytes, which what was read points into */

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
    free(kept);
    arena_free(arena);
    return 0;
}

static void good(struct tiny_gguf *g)
{
    *g = (struct tiny_gguf){0};
    tiny_string(g, "general.architecture", "llama");
    tiny_whole(g, "llama.block_count", 7);
    tiny_real(g, "llama.eps", 0.25f);
    tiny_bool(g, "llama.flag", 1);
    tiny_strings(g, "words", (const char *const[]){"a", "", "ccc"}, 3);
    tiny_array(g, "numbers", GGUF_I32, 2);
    tiny_u32(g, 5);
    tiny_u32(g, (uint32_t)-6);
    tiny_tensor(g, "one", QUANT_Q8_0, 64, 3)[2] = 9;
    tiny_tensor(g, "two", QUANT_F32, 5, 0);
}

static enum status parse(const char *bytes, size_t n, struct gguf *out)
{
    free(kept);
    char *exact = kept = malloc(n > 0 ? n : 1);
    memcpy(exact, bytes, n);
    const size_t before = arena_bytes(arena);
    const enum status status = gguf_parse("m.gguf", exact, n, arena, out);
    assert_true(arena_bytes(arena) - before <= 8 * n + 2048);
    return status;
}

/* A file is refused with a sentence that holds the path and the word. */
static void refused(const char *bytes, size_t n, const char *word)
{
    struct gguf file;
    test_fails(parse(bytes, n, &file), STATUS_DATA, "m.gguf", word, NULL);
}

static void refused_builder(struct tiny_gguf *g, const char *word)
{
    size_t n;
    char *bytes = tiny_finish(g, &n);
    refused(bytes, n, word);
    free(bytes);
}

static void reads_back(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    struct gguf file;
    size_t n;
    good(&g);
    char *bytes = tiny_finish(&g, &n);
    assert_ok(parse(bytes, n, &file));
    assert_int_equal(file.n_values, 6);
    assert_int_equal(file.n_tensors, 2);
    int64_t whole = 0;
    double real = 0;
    bool flag = false;
    struct gguf_text text, *texts;
    uint64_t count;
    const unsigned char *numbers;
    assert_ok(gguf_whole(&file, "llama.block_count", true, 1, 9, &whole));
    assert_int_equal(whole, 7);
    assert_ok(gguf_real(&file, "llama.eps", true, 0, 1, &real));
    assert_true(real == 0.25);
    assert_ok(gguf_bool(&file, "llama.flag", true, &flag));
    assert_true(flag);
    assert_ok(gguf_string(&file, "general.architecture", true, &text));
    assert_true(text.length == 5 && memcmp(text.bytes, "llama", 5) == 0);
    assert_ok(gguf_strings(&file, "words", arena, &texts, &count));
    assert_true(count == 3 && texts[1].length == 0 && memcmp(texts[2].bytes, "ccc", 3) == 0);
    assert_ok(gguf_numbers(&file, "numbers", GGUF_I32, &numbers, &count));
    int32_t second;
    memcpy(&second, numbers + 4, 4);
    assert_true(count == 2 && second == -6);
    const struct gguf_tensor *one = gguf_tensor_find(&file, "one");
    assert_true(one != NULL && one->type == QUANT_Q8_0 && one->n_rows == 3 && one->bytes == 3 * 68 &&
                one->data[2] == 9);
    assert_null(gguf_tensor_find(&file, "three"));
    test_fails(gguf_whole(&file, "llama.eps", true, 0, 9, &whole), STATUS_DATA, "llama.eps", "whole number",
               NULL);
    test_fails(gguf_whole(&file, "llama.block_count", true, 8, 9, &whole), STATUS_DATA,
               "is 7, expected 8 to 9", NULL);
    test_fails(gguf_real(&file, "none", true, 0, 9, &real), STATUS_DATA, "lack 'none'", NULL);
    test_fails(gguf_strings(&file, "numbers", arena, &texts, &count), STATUS_DATA, "array of strings", NULL);
    free(bytes);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    size_t n;
    struct gguf file;
    good(&g);
    char *bytes = tiny_finish(&g, &n);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(parse(bytes, cut, &file), STATUS_DATA);
    free(bytes);
}

/* Any byte changed: fine or refused, never a crash (sanitizers look on). */
static void every_byte_may_be_wrong(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    size_t n;
    struct gguf file;
    good(&g);
    char *bytes = tiny_finish(&g, &n);
    for (size_t at = 0; at < n; at++)
        for (int c = 0; c < 3; c++) {
            const char old = bytes[at];
            bytes[at] = (char)(c == 0 ? 0 : c == 1 ? 255 : old ^ 1);
            const enum status status = parse(bytes, n, &file);
            assert_true(status == STATUS_OK || status == STATUS_DATA);
            bytes[at] = old;
        }
    free(bytes);
}

static void set_u64(char *bytes, size_t at, uint64_t value)
{
    memcpy(bytes + at, &value, 8);
}

static void headers(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    size_t n;
    static const uint32_t versions[] = {0, 1, 4, 99, 0x03000000};
    good(&g);
    char *bytes = tiny_finish(&g, &n);
    refused("GGUX", 4, "no GGUF file");
    refused("", 0, "no GGUF file");
    for (int i = 0; i < 5; i++) {
        memcpy(bytes + 4, &versions[i], 4);
        refused(bytes, n, "version");
    }
    memcpy(bytes + 4, (const uint32_t[]){3}, 4);
    set_u64(bytes, 8, (uint64_t)1 << 60);
    refused(bytes, n, "claims 6 metadata values and 1152921504606846976 tensors");
    set_u64(bytes, 8, 2);
    set_u64(bytes, 16, (uint64_t)1 << 60);
    refused(bytes, n, "claims 1152921504606846976 metadata values");
    set_u64(bytes, 16, 6);
    set_u64(bytes, 24, (uint64_t)1 << 63); /* the first key's length */
    refused(bytes, n, "claims 9223372036854775808 bytes");
    free(bytes);
}

static void values(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    static const uint32_t alignments[] = {0, 1, 13, 48, 1u << 30};
    g = (struct tiny_gguf){0};
    tiny_whole(&g, "", 1);
    refused_builder(&g, "0 bytes, expected 1 to 65535");
    g = (struct tiny_gguf){0};
    tiny_whole(&g, "same", 1);
    tiny_whole(&g, "same", 2);
    refused_builder(&g, "'same' is there twice");
    g = (struct tiny_gguf){0};
    tiny_whole(&g, "\xff\xfe", 1);
    refused_builder(&g, "not valid UTF-8");
    g = (struct tiny_gguf){0};
    tiny_key(&g, "odd", 13);
    refused_builder(&g, "unknown type 13");
    g = (struct tiny_gguf){0};
    tiny_bool(&g, "flag", 2);
    refused_builder(&g, "holds 2 where a bool");
    g = (struct tiny_gguf){0};
    tiny_array(&g, "deep", GGUF_ARRAY, 1);
    refused_builder(&g, "array of arrays");
    g = (struct tiny_gguf){0};
    tiny_array(&g, "long", GGUF_U8, (uint64_t)1 << 61);
    refused_builder(&g, "claims 2305843009213693952 elements");
    g = (struct tiny_gguf){0};
    tiny_array(&g, "long", GGUF_STRING, 4);
    tiny_u64(&g, (uint64_t)1 << 62);
    tiny_put(&g, "................................", 32);
    refused_builder(&g, "a string at byte");
    for (int i = 0; i < 5; i++) {
        g = (struct tiny_gguf){0};
        tiny_whole(&g, "general.alignment", alignments[i]);
        refused_builder(&g, "general.alignment");
    }
}

/* The file of one or two tensors whose entries were written by hand. */
static void entry(struct tiny_gguf *g, const char *name, uint32_t n_dims, const uint64_t *shape,
                  uint32_t type, uint64_t offset)
{
    tiny_text(g, name);
    tiny_u32(g, n_dims);
    tiny_put(g, shape, (n_dims < 8 ? n_dims : 8) * sizeof *shape);
    tiny_u32(g, type);
    tiny_u64(g, offset);
    g->n_tensors++;
}

static void tensors(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    static const struct {
        uint32_t n_dims;
        uint64_t shape[8];
        uint32_t type;
        uint64_t offset;
        const char *word;
    } cases[] = {
        {5, {1, 1, 1, 1, 1}, QUANT_F32, 0, "5 dimensions"},
        {0, {0}, QUANT_F32, 0, "0 dimensions"},
        {2, {4, (uint64_t)1 << 62}, QUANT_F32, 0, "beyond 2^64"},
        {4, {4, (uint64_t)1 << 30, (uint64_t)1 << 30, 16}, QUANT_F32, 0, "beyond 2^64"},
        {2, {4, 0}, QUANT_F32, 0, "a side of 0"},
        {2, {4, (uint64_t)1 << 63}, QUANT_F32, 0, "a side of"},
        {1, {8}, 3, 0, "has the type 3"},
        {1, {8}, 1u << 31, 0, "has the type 2147483648"},
        {1, {33}, QUANT_Q8_0, 0, "no whole blocks of 32"},
        {1, {8}, QUANT_F32, 32, "do not lie within"},
        {1, {8}, QUANT_F32, (uint64_t)0 - 32, "do not lie within"},
        {1, {9}, QUANT_F32, 0, "do not lie within"},
        {1, {8}, QUANT_F32, 4, "no multiple of 32"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        g = (struct tiny_gguf){.data = calloc(1, 32), .n_data = 32};
        entry(&g, "t", cases[i].n_dims, cases[i].shape, cases[i].type, cases[i].offset);
        refused_builder(&g, cases[i].word);
    }
    const uint64_t eight = 8;
    g = (struct tiny_gguf){.data = calloc(1, 32), .n_data = 32};
    entry(&g, "t", 1, &eight, QUANT_F32, 0);
    entry(&g, "u", 1, &eight, QUANT_F32, 0);
    refused_builder(&g, "overlap");
    g = (struct tiny_gguf){.data = calloc(1, 64), .n_data = 64};
    entry(&g, "t", 1, &eight, QUANT_F32, 0);
    entry(&g, "t", 1, &eight, QUANT_F32, 32);
    refused_builder(&g, "'t' is there twice");
    g = (struct tiny_gguf){.data = calloc(1, 32), .n_data = 32};
    entry(&g, "", 1, &eight, QUANT_F32, 0);
    refused_builder(&g, "a tensor's name");
}

static void files(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    struct gguf_file file;
    char *folder = test_folder();
    test_fails(gguf_file_open(test_path(folder, "none"), &file), STATUS_UNAVAILABLE, "get-models.sh gemma",
               NULL);
    test_fails(gguf_file_open(folder, &file), STATUS_UNAVAILABLE, "no *.gguf in this folder", NULL);
    good(&g);
    size_t n;
    char *bytes = tiny_finish(&g, &n);
    FILE *stream = fopen(test_path(folder, "a.gguf"), "wb");
    fwrite(bytes, 1, n, stream);
    fclose(stream);
    assert_ok(gguf_file_open(folder, &file));
    assert_int_equal(file.gguf.n_tensors, 2);
    gguf_file_close(&file);
    test_write(test_path(folder, "b.gguf"), "");
    test_fails(gguf_file_open(folder, &file), STATUS_DATA, "2 *.gguf files", NULL);
    test_fails(gguf_file_open(test_path(folder, "b.gguf"), &file), STATUS_DATA, "no GGUF file", NULL);
    free(bytes);
    test_folder_remove(folder);
}

/* A file cut off while it is mapped ends the program with status 3, not by a signal. */
static void shrinks(void **state)
{
    (void)state;
    static struct tiny_gguf g;
    char *folder = test_folder();
    size_t n;
    good(&g);
    tiny_tensor(&g, "long", QUANT_F32, 1 << 15, 0);
    char *bytes = tiny_finish(&g, &n);
    FILE *stream = fopen(test_path(folder, "a.gguf"), "wb");
    fwrite(bytes, 1, n, stream);
    fclose(stream);
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        struct gguf_file file;
        volatile unsigned sum = 0;
        if (freopen("/dev/null", "w", stderr) == NULL || gguf_file_open(folder, &file) != STATUS_OK ||
            truncate(test_path(folder, "a.gguf"), 4096) != 0)
            _exit(99);
        const struct gguf_tensor *t = gguf_tensor_find(&file.gguf, "long");
        for (uint64_t i = 0; i < t->bytes; i++)
            sum += t->data[i];
        _exit(98);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == STATUS_DATA);
    free(bytes);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_back),
                                       cmocka_unit_test(every_cut_is_refused),
                                       cmocka_unit_test(every_byte_may_be_wrong),
                                       cmocka_unit_test(headers),
                                       cmocka_unit_test(values),
                                       cmocka_unit_test(tensors),
                                       cmocka_unit_test(files),
                                       cmocka_unit_test(shrinks)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
