/*
 * test_encoder.c - the sentence encoder on a tiny random BERT: against the same model in double, and the same bits in any
 * company.  No download is needed.
 */
#include "double_bert.h"

#include "llm/encoder_internal.h"

static struct arena *arena;
static char *folder;
static struct tiny tiny;
static const struct backend *one, *two;
static struct encoder *encoder;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    folder = test_folder();
    assert_ok(backend_open("cpu", 1, &one));
    assert_ok(backend_open("cpu", 2, &two));
    tiny_make(&tiny, arena, 5, 40);
    tiny_write(&tiny, folder);
    assert_ok(encoder_open(folder, two, &encoder));
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    encoder_close(encoder);
    test_folder_remove(folder);
    arena_free(arena);
    return 0;
}

/* ------------------------------------------------------------------ tests */

static struct strings one_text(const char *text, size_t length)
{
    static uint64_t offsets[8][2];
    static int turn;
    uint64_t *o = offsets[turn++ % 8];
    o[1] = length;
    return (struct strings){.n = 1, .offsets = o, .bytes = text};
}

static void embed_one(struct encoder *e, const char *text, size_t length, float *out)
{
    const struct strings texts = one_text(text, length);
    assert_ok(encoder_embed(e, &texts, out));
}
#define EMBED_ONE(text, out) embed_one(encoder, text, sizeof(text) - 1, out)

static void against_double(void **state)
{
    (void)state;
    struct strings texts;
    tiny_texts(arena, 1, 60, 45, &texts);
    float *out = arena_alloc(arena, texts.n * H, sizeof *out);
    double worst = 0;
    assert_int_equal(encoder_dimensions(encoder), H);
    assert_ok(encoder_embed(encoder, &texts, out));
    for (uint64_t i = 0; i < texts.n; i++) {
        uint32_t *ids, n;
        double expected[H];
        assert_ok(
            encoder_tokenize(encoder, strings_at(&texts, i), strings_length(&texts, i), arena, &ids, &n));
        assert_true(n >= 2 && n <= 40 && ids[0] == 2 && ids[n - 1] == 3);
        double_embed(&tiny, NULL, ids, n, 0, expected);
        for (int j = 0; j < H; j++) {
            assert_true(isfinite(out[i * H + (uint64_t)j]));
            worst = fmax(worst, fabs((double)out[i * H + (uint64_t)j] - expected[j]));
        }
    }
    print_message("largest difference from the model in double: %.2e\n", worst);
    assert_true(worst <= 1e-5);
}

/* 300 texts: all at once on 1 and 2 threads, backwards, in threes, and each alone give the same bits. */
static void any_company_gives_the_same_bits(void **state)
{
    (void)state;
    struct strings texts, backwards;
    struct string_builder builder = {0};
    tiny_texts(arena, 2, 300, 30, &texts);
    const size_t size = texts.n * H;
    float *all = arena_alloc(arena, size, sizeof *all), *other = arena_alloc(arena, size, sizeof *all);
    assert_ok(encoder_embed(encoder, &texts, all));
    encoder->backend = one;
    assert_ok(encoder_embed(encoder, &texts, other));
    encoder->backend = two;
    assert_memory_equal(other, all, size * sizeof *all);
    for (uint64_t i = texts.n; i-- > 0;)
        assert_ok(string_builder_add(&builder, strings_at(&texts, i), strings_length(&texts, i)));
    assert_ok(string_builder_finish(&builder, arena, &backwards));
    assert_ok(encoder_embed(encoder, &backwards, other));
    for (uint64_t i = 0; i < texts.n; i++)
        assert_memory_equal(other + (texts.n - 1 - i) * H, all + i * H, H * sizeof *all);
    for (uint64_t i = 0; i < texts.n; i += 3) {
        uint64_t offsets[4];
        for (uint64_t j = 0; j < 4; j++)
            offsets[j] = texts.offsets[i + j] - texts.offsets[i];
        const struct strings three = {.n = 3, .offsets = offsets, .bytes = strings_at(&texts, i)};
        assert_ok(encoder_embed(encoder, &three, other));
        assert_memory_equal(other, all + i * H, 3 * H * sizeof *all);
        embed_one(encoder, strings_at(&texts, i), strings_length(&texts, i), other);
        assert_memory_equal(other, all + i * H, H * sizeof *all);
    }
}

static void texts_that_are_hardly_texts(void **state)
{
    (void)state;
    float empty[H], other[H];
    const struct strings none = {0};
    assert_ok(encoder_embed(encoder, &none, empty));
    EMBED_ONE("", empty);
    EMBED_ONE(" \t\r\n ", other);
    assert_memory_equal(empty, other, sizeof empty);
    EMBED_ONE("\xFF\xC3\xF0\x9F", other); /* no UTF-8: dropped */
    assert_memory_equal(empty, other, sizeof empty);
    EMBED_ONE("\0\0", other);
    assert_memory_equal(empty, other, sizeof empty);
    double squares = 0;
    for (int j = 0; j < H; j++)
        squares += (double)empty[j] * (double)empty[j];
    assert_true(fabs(squares - 1) < 1e-6); /* [CLS] and [SEP] are tokens, too */
    float dark[H];
    EMBED_ONE("dark night", dark);
    EMBED_ONE("DARK\xC2\xA0\xFFnight", other);
    assert_memory_equal(dark, other, sizeof dark);
    assert_memory_not_equal(dark, empty, sizeof dark);
}

/* Beyond the limit nothing is read: the model's 40 positions here, 256 tokens where the model would take 300. */
static void long_texts_are_cut(void **state)
{
    (void)state;
    static char text[2 * 1000 + 1];
    float cut[H], whole[H];
    uint32_t *ids, n;
    for (int i = 0; i < 1000; i++)
        memcpy(text + 2 * i, i % 3 == 0 ? "a " : "b ", 3);
    embed_one(encoder, text, 2 * 38, cut);
    embed_one(encoder, text, 2 * 1000, whole);
    assert_memory_equal(cut, whole, sizeof cut);
    embed_one(encoder, text, 2 * 37, whole);
    assert_memory_not_equal(cut, whole, sizeof cut);
    struct tiny large;
    struct encoder *e;
    char *other = test_folder();
    tiny_make(&large, arena, 6, 300);
    tiny_write(&large, other);
    assert_ok(encoder_open(other, two, &e));
    assert_ok(encoder_tokenize(e, text, 2 * 1000, arena, &ids, &n));
    assert_int_equal(n, 256);
    embed_one(e, text, 2 * 254, cut);
    embed_one(e, text, 2 * 1000, whole);
    assert_memory_equal(cut, whole, sizeof cut);
    embed_one(e, text, 2 * 253, whole);
    assert_memory_not_equal(cut, whole, sizeof cut);
    encoder_close(e);
    test_folder_remove(other);
}

/* "bert." before all names changes nothing but the files' hash. */
static void names_with_a_prefix(void **state)
{
    (void)state;
    struct encoder *e;
    float expected[H], got[H];
    char *other = test_folder();
    tiny_write(&tiny, other);
    assert_ok(encoder_open(other, two, &e));
    assert_string_equal(encoder_sha256(e), encoder_sha256(encoder));
    encoder_close(e);
    tiny_write_weights(&tiny, other, "bert.", NULL);
    assert_ok(encoder_open(other, two, &e));
    assert_string_not_equal(encoder_sha256(e), encoder_sha256(encoder));
    EMBED_ONE("the secret garden", expected);
    embed_one(e, "the secret garden", 17, got);
    assert_memory_equal(got, expected, sizeof got);
    encoder_close(e);
    test_folder_remove(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_double), cmocka_unit_test(any_company_gives_the_same_bits),
        cmocka_unit_test(texts_that_are_hardly_texts), cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(names_with_a_prefix)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
