/*
 * test_e5s1.c - the E5S1 reader: a small file runs; every way in which one can be wrong gives STATUS_DATA, one sentence, and no memory
 * beyond a small constant times the file; a file that shrinks while it is mapped ends the program with status 3.
 */
#include "tiny_e5s1.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fsio.h"
#include "llm/e5s1.h"
#include "llm/encoder.h"

static struct arena *arena;
static const struct backend *backend;
static struct tiny_e5s1 f;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return arena == NULL || backend_open("cpu", 2, &backend) != STATUS_OK;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

/* What the n bytes, at the end of a block of their own, give. */
static enum status parse(const unsigned char *bytes, size_t n)
{
    unsigned char *exact = malloc(n > 0 ? n : 1);
    struct arena *own = arena_new();
    struct e5s1 model;
    assert_non_null(exact);
    memcpy(exact, bytes, n);
    const enum status status = e5s1_parse("m.bin", exact, n, own, &model);
    assert_true(arena_bytes(own) <= 16 * n + 65536);
    arena_free(own);
    free(exact);
    return status;
}

static void refused(const char *word)
{
    const enum status status = parse(f.bytes, f.n);
    if (status != STATUS_DATA || strstr(status_sentence(), word) == NULL)
        print_message("expected: %s\n", word);
    test_fails(status, STATUS_DATA, "m.bin", word, NULL);
    e5s1_make(&f);
}

static void set_int(size_t at, int32_t value)
{
    memcpy(f.bytes + at, &value, sizeof value);
}

static void a_good_one_runs(void **state)
{
    static const uint32_t want[] = {0, 8, 8,
                                    6, 9, 2}; /* " a", " a", "b", "c": -9.5; " ab" has no better cut */
    (void)state;
    char *folder = test_folder();
    struct encoder *e = NULL, *same = NULL;
    const struct encoder_options plain = {.prefix = "none"};
    uint32_t *ids, n;
    float one[E5S1_HIDDEN], two[E5S1_HIDDEN];
    const uint64_t offsets[] = {0, 5};
    const struct strings text = {.n = 1, .offsets = offsets, .bytes = "a abc"};
    e5s1_make(&f);
    assert_ok(parse(f.bytes, f.n));
    assert_ok(atomic_write(test_path(folder, "small.bin"), f.bytes, f.n));
    test_write(test_path(folder, "other.bin"), "no model");
    assert_ok(encoder_open_with(folder, &plain, backend, &e));
    assert_ok(encoder_tokenize(e, "a\tabc", 5, arena, &ids, &n));
    assert_int_equal(n, 6);
    assert_memory_equal(ids, want, sizeof want);
    assert_ok(encoder_tokenize(e,
                               "\xC2\xAD\xEF\xBC\xA1  ab\xC2\xAD"
                               "c",
                               12, arena, &ids, &n)); /* deleted, full-width A */
    assert_int_equal(n, 6);
    assert_memory_equal(ids, want, sizeof want);
    assert_ok(encoder_tokenize(e, "zz\xFFz", 4, arena, &ids, &n)); /* a space and one unknown */
    assert_int_equal(n, 4);
    assert_int_equal(ids[2], 3);
    assert_ok(encoder_embed(e, &text, one));
    assert_ok(
        encoder_open_with(test_path(folder, "small.bin"), &plain, backend, &same)); /* the file itself */
    assert_ok(encoder_embed(same, &text, two));
    assert_memory_equal(one, two, sizeof one);
    encoder_close(e);
    encoder_close(same);
    assert_ok(atomic_write(test_path(folder, "second.bin"), f.bytes, f.n));
    test_fails(encoder_open(folder, backend, &e), STATUS_DATA, "several E5S1 files", NULL);
    test_folder_remove(folder);
}

static void sizes(void **state)
{
    static const struct {
        int at, value;
        const char *word;
    } cases[] = {
        {4, 0, "version"},       {4, 99, "version"},    {8, 0, "hidden"},      {8, 33, "not both multiples"},
        {8, 1 << 30, "hidden"},  {12, 0, "layers"},     {12, -1, "layers"},    {12, 2000000000, "layers"},
        {16, 0, "heads"},        {20, 65, "multiples"}, {24, 0, "vocabulary"}, {24, 11, "number of pieces"},
        {24, 1 << 25, "vocab"},  {28, 1, "positions"},  {32, 0, "types"},      {36, 0, "eps"},
        {36, 0x7FC00000, "eps"}, {40, 64, "block"},     {8, 64, "elements"},   {12, 2, ""}};
    (void)state;
    for (size_t i = 0; i + 1 < sizeof cases / sizeof *cases; i++) {
        e5s1_make(&f);
        set_int((size_t)cases[i].at, cases[i].value);
        refused(cases[i].word);
    }
    memcpy(f.bytes, "E5S2", 4);
    refused("does not begin with E5S1");
}

static void tokenizers(void **state)
{
    (void)state;
    const uint64_t huge = (uint64_t)1 << 63;
    const float nan = NAN;
    e5s1_make(&f);
    set_int(f.pieces, 0), refused("number of pieces");
    set_int(f.pieces, 13), refused("number of pieces is 13");
    for (size_t i = 1; i <= 4; i++) { /* ids beyond the pieces */
        set_int(f.pieces + 4 * i, 12), refused("token is 12");
        set_int(f.pieces + 4 * i, -1), refused("token is -1");
    }
    memcpy(f.bytes + f.pieces + 20, &huge, 8), refused("ends within the pieces");
    set_int(f.offsets + 4, 1 << 20), refused("piece 0");
    set_int(f.offsets + 8, 1), refused("piece 1");
    set_int(f.offsets + 8, 3), refused("piece 1 has 0 bytes");
    memcpy(f.bytes + f.scores + 20, &nan, 4), refused("score of piece 5");
    set_int(f.table, -1), refused("normalisation entries");
    set_int(f.table, 4), refused("normalisation");
    set_int(f.table + 4, 1 << 30), refused("ends within normalisation");
    set_int(f.table + 8, 0x110000), refused("U+110000");
    set_int(f.table + 13, 0xD800), refused("no code point");
    set_int(f.table + 17, 8), refused("U+8, expected rising");
    f.bytes[f.table + 12] = 200, refused("entry of normalisation");
}

static void tensors(void **state)
{
    (void)state;
    const uint64_t huge = (uint64_t)1 << 60;
    e5s1_make(&f);
    set_int(f.tensors, 0), refused("number of tensors");
    set_int(f.tensors, 1 << 20), refused("cannot be described");
    const size_t name = f.entry[5]; /* l0.q.w */
    f.bytes[name + 2] = 'x', refused("'x0.q.w' is none");
    f.bytes[name + 3] = '7', refused("'l7.q.w' is none");
    f.bytes[name + 4] = '7', refused("'l07q.w' is none");
    f.bytes[name] = 60, refused("none of an encoder");
    f.bytes[name] = 255, f.bytes[name + 1] = 255, refused("ends within a tensor's name");
    f.bytes[name + 8] = 2, refused("unknown type 2");
    f.bytes[name + 8] = 0, refused("its type and elements need 4096");
    set_int(name + 9, 1023), refused("has 1023 elements");
    memcpy(f.bytes + name + 13, &huge, 8), refused("beyond the file's end");
    memcpy(f.bytes + name + 21, &huge, 8), refused("bytes, its type");
    memcpy(f.bytes + name + 13, f.bytes + f.entry[7] + 13, 8), refused("overlaps");
    set_int(name + 13, 40), refused("overlaps");
    memcpy(f.bytes + f.entry[7] + 2, "l0.q.w", 6), refused("stand there twice");
}

/* What the reader lets through and the encoder does not. */
static void numbers(void **state)
{
    char *folder = test_folder();
    struct encoder *e = NULL;
    const uint32_t nan = 0x7FC00000;
    (void)state;
    const char *path = arena_strdup(arena, test_path(folder, "small.bin"));
    e5s1_make(&f);
    f.bytes[f.data[0] + 1] = 0x7C; /* the scale of the first block: infinity */
    assert_ok(atomic_write(path, f.bytes, f.n));
    test_fails(encoder_open(folder, backend, &e), STATUS_DATA, "word_embeddings", "not finite", NULL);
    e5s1_make(&f);
    f.bytes[f.data[15] + 19] = 0x7E;
    assert_ok(atomic_write(path, f.bytes, f.n));
    test_fails(encoder_open(folder, backend, &e), STATUS_DATA, "intermediate", "not finite", NULL);
    e5s1_make(&f);
    memcpy(f.bytes + f.data[3] + 8, &nan, 4);
    assert_ok(atomic_write(path, f.bytes, f.n));
    test_fails(encoder_open(folder, backend, &e), STATUS_DATA, "LayerNorm.weight", "not finite", "position 2",
               NULL);
    e5s1_make(&f);
    set_int(12, 2); /* a layer more than there are tensors for */
    assert_ok(atomic_write(path, f.bytes, f.n));
    test_fails(encoder_open(folder, backend, &e), STATUS_DATA,
               "'encoder.layer.1.attention.self.query.weight' is missing", NULL);
    e5s1_make(&f);
    set_int(16, 2); /* heads of 16 */
    assert_ok(atomic_write(path, f.bytes, f.n));
    test_fails(encoder_open(folder, backend, &e), STATUS_DATA, "multiple of 32", NULL);
    test_folder_remove(folder);
}

static void every_cut_and_every_byte(void **state)
{
    (void)state;
    e5s1_make(&f);
    const size_t whole = f.n;
    for (size_t n = 0; n < whole; n += n < f.data[0] ? 1 : 97) {
        e5s1_make(&f);
        f.n = n;
        test_fails(parse(f.bytes, n), STATUS_DATA, "m.bin", NULL);
    }
    e5s1_make(&f);
    for (size_t i = 0; i < f.data[0]; i++)
        for (int change = 0; change < 3; change++) {
            const unsigned char before = f.bytes[i];
            f.bytes[i] = change == 0 ? 0xFF : change == 1 ? 0 : (unsigned char)(before ^ 0x80);
            parse(f.bytes, f.n); /* any answer, but no crash */
            f.bytes[i] = before;
        }
}

static void shrinks(void **state)
{
    (void)state;
    char *folder = test_folder();
    const char *path = arena_strdup(arena, test_path(folder, "small.bin"));
    e5s1_make(&f);
    f.n = E5S1_ROOM; /* pages behind it that can go */
    memmove(f.bytes + E5S1_ROOM - 12 * 18 - 64, f.bytes + f.data[0],
            12 * 18); /* the word vectors to the end */
    const uint64_t place = E5S1_ROOM - 12 * 18 - 64;
    memcpy(f.bytes + f.entry[0] + 2 + 8 + 5, &place, 8);
    assert_ok(atomic_write(path, f.bytes, f.n));
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        struct encoder *e = NULL;
        const uint64_t offsets[] = {0, 1};
        const struct strings text = {.n = 1, .offsets = offsets, .bytes = "a"};
        const struct backend *alone;
        float out[E5S1_HIDDEN];
        if (freopen("/dev/null", "w", stderr) == NULL || backend_open("cpu", 1, &alone) != STATUS_OK ||
            encoder_open(folder, alone, &e) != STATUS_OK || truncate(path, 4096) != 0)
            _exit(99);
        _exit(encoder_embed(e, &text, out) == STATUS_OK ? 98 : 97);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), STATUS_DATA);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_runs), cmocka_unit_test(sizes),
        cmocka_unit_test(tokenizers),      cmocka_unit_test(tensors),
        cmocka_unit_test(numbers),         cmocka_unit_test(every_cut_and_every_byte),
        cmocka_unit_test(shrinks)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
