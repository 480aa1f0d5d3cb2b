/*
 * test_wordpiece.c - text/unicode.c and text/wordpiece.c.
 *
 * Ids of a small vocabulary; the expected ones are what tokenizers 0.23.3 (BertWordPieceTokenizer, lowercase=True) gives
 * for the same vocabulary.  With the same program our ids were compared on MiniLM's vocabulary for each of the 1,112,064
 * code points between two letters and for 60,700 random strings of marks, controls, ideographs and special tokens:
 * no difference (24 November 2026).
 */
#include <string.h>

#include "../test.h"
#include "text/unicode.h"
#include "text/wordpiece.h"

/* Numbers 0 to 31. */
static const char vocabulary[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\nc\nab\n##c\n##b\ncafe\ntoy\nstory\n##s\n(\n)\n.\n$"
    "\n1995\n\xE4\xB8\xAD\n"
    "\xE1\x84\x92\n##\xE1\x85\xA1\n##\xE1\x86\xAB\ni\n\xCF\x83\n##\xCF\x83\n'\nz\n##z\n`\n\xE8\xB1\x88\n";

static struct wordpiece *wordpiece;

static int set_up(void **state)
{
    (void)state;
    return wordpiece_parse("vocab.txt", vocabulary, sizeof vocabulary - 1, &wordpiece) != STATUS_OK;
}
static int tear_down(void **state)
{
    (void)state;
    wordpiece_free(wordpiece);
    return 0;
}

/* The ids between [CLS] and [SEP] are these; -1 ends them. */
static void gives(const char *text, size_t length, const int *expected)
{
    uint32_t ids[256], n;
    wordpiece_encode(wordpiece, text, length, 256, ids, &n);
    assert_int_equal(ids[0], 2);
    assert_int_equal(ids[n - 1], 3);
    uint32_t i = 0;
    for (; expected[i] >= 0; i++) {
        if (i + 2 >= n || ids[i + 1] != (uint32_t)expected[i])
            fail_msg("'%s': piece %u of %u is %u, expected %d", text, i, n - 2, ids[i + 1], expected[i]);
    }
    assert_int_equal(n, i + 2);
}
#define GIVES(text, ...)    gives(text, sizeof(text) - 1, (const int[]){__VA_ARGS__, -1})
#define GIVES_NOTHING(text) gives(text, sizeof(text) - 1, (const int[]){-1})

static void words_and_punctuation(void **state)
{
    (void)state;
    GIVES("Toy Story (1995)", 12, 13, 15, 19, 16);
    GIVES("ABC abcb abx", 8, 9, 8, 9, 10, 1);
    GIVES("a$b.c", 5, 18, 6, 17, 7);
    GIVES("'z'", 27, 28, 27);
    GIVES_NOTHING("");
    GIVES_NOTHING("  \n\t\r ");
}

static void accents_fall(void **state)
{
    (void)state;
    GIVES("CAFE\xCC\x81 cafe\xCC\x81s caf\xC3\xA9", 11, 11, 14, 11);
    GIVES("\xC4\xB0", 24);             /* U+0130: its dot falls, then it is lower-cased */
    GIVES("\xCE\xA3\xCE\xA3", 25, 26); /* no final sigma */
    GIVES("\xED\x95\x9C", 21, 22, 23); /* Hangul falls apart */
    GIVES("\xCD\x84"
          "a",
          5);                  /* U+0344 falls apart into two marks */
    GIVES("\xE1\xBF\xAF", 30); /* U+1FEF is a grave accent, canonically */
}

static void controls_vanish_and_spaces_part(void **state)
{
    (void)state;
    GIVES("a\xE2\x80\x8B"
          "b\0c\xEF\xBF\xBD",
          8, 9); /* U+200B, NUL, U+FFFD */
    GIVES("a\xC2\x85"
          "b\x0B"
          "c",
          8, 9); /* U+0085 and U+000B are controls, not spaces */
    GIVES("a\xE2\x80\xA8"
          "b\xE3\x80\x80"
          "c\xC2\xA0"
          "a",
          5, 6, 7, 5);
}

static void ideographs_stand_alone(void **state)
{
    (void)state;
    GIVES("a\xE4\xB8\xAD"
          "b",
          5, 20, 6);
    GIVES("\xEF\xA4\x80\xEF\xA4\x80", 31, 31); /* U+F900 is U+8C48, canonically */
}

/* The blocks that BERT counts as ideographs, to their edges; kana and Hangul are none. */
static void ideograph_blocks(void **state)
{
    (void)state;
    static const uint32_t blocks[][2] = {{0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xF900, 0xFAFF},
                                         {0x20000, 0x2A6DF}, {0x2A700, 0x2B73F}, {0x2B740, 0x2B81F},
                                         {0x2B920, 0x2CEAF}, {0x2F800, 0x2FA1F}};
    uint32_t n = 0, expected = 0;
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        assert_true(unicode_is_cjk(blocks[i][0]) && unicode_is_cjk(blocks[i][1]));
        expected += blocks[i][1] - blocks[i][0] + 1;
    }
    for (uint32_t c = 0; c < 0x110000; c++)
        n += unicode_is_cjk(c);
    assert_int_equal(n, expected);
    assert_false(unicode_is_cjk(0x3042) || unicode_is_cjk(0x30A2) || unicode_is_cjk(0xAC00));
    GIVES("a\xE3\x81\x82"
          "b",
          1); /* hiragana A parts no word */
}

static void punctuation_parts_and_symbols_do_not(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x80; c++)
        assert_int_equal(unicode_is_punctuation(c), (c >= 33 && c <= 47) || (c >= 58 && c <= 64) ||
                                                        (c >= 91 && c <= 96) || (c >= 123 && c <= 126));
    GIVES("a\xE2\x80\x94"
          "b",
          5, 1, 6); /* em dash, Pd */
    GIVES("a\xE3\x80\x82"
          "b",
          5, 1, 6); /* ideographic full stop, Po */
    GIVES("a\xE2\x82\xAC"
          "b",
          1); /* euro sign, Sc: no end of a word */
}

/* Cc, Cf, Co go, but for tab, line feed and carriage return; unassigned ones stay. */
static void dropped_categories(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0xA0; c++)
        assert_int_equal(unicode_is_dropped(c), (c < 32 || c >= 127) && c != '\t' && c != '\n' && c != '\r');
    GIVES("a\xEE\x80\x80"
          "b\xC2\xAD"
          "c",
          8, 9); /* U+E000 Co, U+00AD Cf */
    GIVES("a\xCD\xB8"
          "b",
          1); /* U+0378 Cn stays, so the word is unknown */
    GIVES("a\tb\nc\ra", 5, 6, 7, 5);
}

/* Marks and formats that Unicode 9 and later added are no marks and formats to the reference. */
static void categories_are_of_unicode_8(void **state)
{
    (void)state;
    GIVES("a\xE1\xB7\xBA"
          "b",
          1); /* U+1DFA, Mn since Unicode 14 */
    GIVES("\xF0\x91\x83\x8D"
          "ab",
          1); /* U+110CD, Cf since Unicode 11 */
    assert_true(unicode_is_mark(0x301) && !unicode_is_mark(0x1DFA) && unicode_is_punctuation('$'));
    assert_true(unicode_is_dropped(0xE000) && !unicode_is_dropped('\t') && !unicode_is_dropped(0x378));
}

static void special_tokens_are_cut_out(void **state)
{
    (void)state;
    GIVES("[CLS]a[MASK] [cls]", 2, 5, 4, 1, 1, 1);
    GIVES("ab[SEP]ab[SE", 8, 3, 8, 1, 1);
    GIVES("[PAD][UNK]", 0, 1);
    GIVES("caf[MASK]\xCC\x81", 1, 4); /* cut out before anything is put together */
}

static void long_words_are_unknown(void **state)
{
    (void)state;
    char text[128];
    uint32_t ids[256], n;
    memset(text, 'z', sizeof text);
    wordpiece_encode(wordpiece, text, 100, 256, ids, &n);
    assert_int_equal(n, 102);
    assert_int_equal(ids[1], 28);
    assert_int_equal(ids[100], 29);
    wordpiece_encode(wordpiece, text, 101, 256, ids, &n);
    assert_int_equal(n, 3);
    assert_int_equal(ids[1], 1);
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    char text[4000];
    uint32_t ids[256], n;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 == 0 ? 'a' : ' ';
    wordpiece_encode(wordpiece, text, sizeof text, 256, ids, &n);
    assert_int_equal(n, 256);
    assert_int_equal(ids[254], 5);
    assert_int_equal(ids[255], 3);
    wordpiece_encode(wordpiece, text, sizeof text, 2, ids, &n);
    assert_int_equal(n, 2);
    /* The pieces of a word that turns out to be unknown do not count, wherever the cut is. */
    wordpiece_encode(wordpiece, "ccccx a", 7, 4, ids, &n);
    assert_int_equal(n, 4);
    assert_int_equal(ids[1], 1);
    assert_int_equal(ids[2], 5);
}

/* Unicode 15, section 3.9, table 3-8: maximal ill-formed sequences, each one U+FFFD. */
static void bad_utf8_is_replaced(void **state)
{
    (void)state;
    static const char bytes[] = "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64\xED\xA0\x80\xF4\x90";
    static const uint32_t expected[] = {'a',    0xFFFD, 0xFFFD, 0xFFFD, 'b',    0xFFFD, 'c',   0xFFFD,
                                        0xFFFD, 'd',    0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD};
    size_t at = 0, i = 0;
    while (at < sizeof bytes - 1)
        assert_int_equal(unicode_next(bytes, sizeof bytes - 1, &at), expected[i++]);
    assert_int_equal(i, sizeof expected / sizeof *expected);
    GIVES("a\xFF\xC3"
          "b\xF0\x9F",
          8);
}

static void utf8_round_trip(void **state)
{
    (void)state;
    for (uint32_t c = 0; c < 0x110000; c++) {
        char bytes[4];
        size_t at = 0;
        if (c >= 0xD800 && c < 0xE000)
            continue;
        const size_t n = unicode_put(c, bytes);
        if (unicode_next(bytes, n, &at) != c || at != n)
            fail_msg("U+%04X", c);
    }
}

static void bad_vocabularies(void **state)
{
    (void)state;
    struct wordpiece *w;
#define REFUSED(text, ...)                                                                                   \
    test_fails(wordpiece_parse("vocab.txt", text, sizeof(text) - 1, &w), STATUS_DATA, __VA_ARGS__, NULL)
    REFUSED("", "vocab.txt", "[PAD]");
    REFUSED("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n", "[MASK]");
    REFUSED("[PAD]\n[UNK]\n\n", "vocab.txt:3", "empty");
    REFUSED("[PAD]\n[UNK]\n[PAD]\n", "vocab.txt:3", "line 1");
    REFUSED("[PAD]\n\xFF\n", "vocab.txt:2", "UTF-8");
    /* Windows line ends and a last line without one are fine. */
    static const char windows[] = "[PAD]\r\n[UNK]\r\n[CLS]\r\n[SEP]\r\n[MASK]";
    assert_ok(wordpiece_parse("v", windows, sizeof windows - 1, &w));
    assert_int_equal(wordpiece_size(w), 5);
    wordpiece_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words_and_punctuation),
                                       cmocka_unit_test(accents_fall),
                                       cmocka_unit_test(controls_vanish_and_spaces_part),
                                       cmocka_unit_test(ideographs_stand_alone),
                                       cmocka_unit_test(ideograph_blocks),
                                       cmocka_unit_test(punctuation_parts_and_symbols_do_not),
                                       cmocka_unit_test(dropped_categories),
                                       cmocka_unit_test(categories_are_of_unicode_8),
                                       cmocka_unit_test(special_tokens_are_cut_out),
                                       cmocka_unit_test(long_words_are_unknown),
                                       cmocka_unit_test(long_texts_are_cut),
                                       cmocka_unit_test(bad_utf8_is_replaced),
                                       cmocka_unit_test(utf8_round_trip),
                                       cmocka_unit_test(bad_vocabularies)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
