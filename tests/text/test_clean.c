/* test_clean.c - text/clean.c and text/words.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/clean.h"
#include "text/words.h"

static void assert_cleaned(const char *text, size_t length, const char *expected)
{
    struct string_builder b = {0};
    assert_int_equal(text_clean(text, length, &b), STATUS_OK);
    assert_int_equal(string_builder_append(&b, "", 1), STATUS_OK); /* the final NUL */
    assert_string_equal(b.bytes, expected);
    string_builder_free(&b);
}
static void assert_clean(const char *text, const char *expected)
{
    assert_cleaned(text, strlen(text), expected);
}

static void entities_are_decoded_once(void **state)
{
    (void)state;
    assert_clean("Rock &amp; Roll &#34;live&#34; &#x27;n&#X27;", "rock & roll \"live\" 'n'");
    assert_clean("Am&eacute;lie&nbsp;&lt;3", "am\xC3\xA9lie <3");
    assert_clean("&amp;amp; &unknown; AT&T; &;", "&amp; &unknown; at&t; &;");
    assert_clean("&#0;&#xD800;&#1114112;&#x;&#12a;", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD&#x;&#12a;");
}

static void tags_become_spaces(void **state)
{
    (void)state;
    assert_clean("one<br/>two<p class=\"x\">three</p><!-- a > b -->four", "one two three four");
    assert_clean("I <3 it, a < b > c, <b", "i <3 it, a < b > c, <b");
    assert_clean("&lt;b&gt;bold&lt;/b&gt;", "<b>bold</b>");
    assert_clean("", "");
    assert_clean("<i></i>", "");
}

static void one_spelling_a_character(void **state)
{
    (void)state;
    assert_clean("Stra\xC3\x9F"
                 "e \xEF\xBC\xA1\xEF\xBC\xA2 \xEF\xAC\x81n",
                 "strasse ab fin");        /* sharp s, full width, fi */
    assert_clean("e\xCC\x81", "\xC3\xA9"); /* combining acute */
    assert_clean(" a\t\n\x01 b\x7F\xC2\x85"
                 "c\xE3\x80\x80",
                 "a b c");
    assert_cleaned("a\0b", 3, "a b");
    assert_clean("a\xFF\xC0\x80z\xED\xA0\x80",
                 "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void cleaning_twice_changes_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"\xC3\x85ngstr\xC3\xB6m  \xE2\x84\xAB \xEF\xB7\xBA",
                                        "x\xC2\xBD y\xC2\xB2", "\xC4\xB0stanbul"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct string_builder b = {0};
        assert_int_equal(text_clean(texts[i], strlen(texts[i]), &b), STATUS_OK);
        assert_int_equal(string_builder_append(&b, "", 1), STATUS_OK);
        assert_clean(b.bytes, b.bytes);
        string_builder_free(&b);
    }
}

struct joined {
    char text[512];
};
static enum status join(void *context, const char *word, size_t length)
{
    struct joined *j = context;
    strncat(j->text, word, length);
    strcat(j->text, "|");
    return STATUS_OK;
}
static void assert_words(const char *text, enum word_rule rule, const char *expected)
{
    struct joined j = {{0}};
    assert_int_equal(words_visit(text, strlen(text), rule, NULL, join, &j), STATUS_OK);
    assert_string_equal(j.text, expected);
}

static void words_by_category(void **state)
{
    (void)state;
    assert_words("toy story 2: toys, a 1995-film_noir don't", WORDS_RUNS,
                 "toy|story|toys|1995|film_noir|don|");
    assert_words("caf\xC3\xA9 \xD0\xB2\xD0\xBE\xD0\xB9\xD0\xBD\xD0\xB0", WORDS_RUNS,
                 "caf\xC3\xA9|\xD0\xB2\xD0\xBE\xD0\xB9\xD0\xBD\xD0\xB0|");
    assert_words("ab\xE5\x8D\x83\xE4\xB8\x8E"
                 "cd",
                 WORDS_RUNS, "ab|\xE5\x8D\x83|\xE4\xB8\x8E|cd|");
    assert_words("", WORDS_RUNS, "");
}

/* Figure 1 of UAX 29 (its typographic quotes too), and the joining rules one by one. */
static void words_by_uax_29(void **state)
{
    (void)state;
    assert_words("The quick (\xE2\x80\x9C"
                 "brown\xE2\x80\x9D) fox can\xE2\x80\x99t jump 32.3 feet, right?",
                 WORDS_UNICODE, "The|quick|brown|fox|can\xE2\x80\x99t|jump|32.3|feet|right|");
    assert_words("u.s.a. 1,000.5 3, 4 a'1 can't' x_1 __ 'tis 7.a", WORDS_UNICODE,
                 "u.s.a|1,000.5|3|4|a|1|can't|x_1|tis|7|a|");
    assert_words("ne\xCC\x81"
                 "e co\xC2\xAD"
                 "op i", /* a combining accent and a soft hyphen belong to the letter before */
                 WORDS_UNICODE,
                 "ne\xCC\x81"
                 "e|co\xC2\xAD"
                 "op|i|");
    assert_words("\xE5\x8D\x83"
                 "a\xE4\xB8\x8E",
                 WORDS_UNICODE, "\xE5\x8D\x83|a|\xE4\xB8\x8E|");
    assert_words("bad \xFF\xFE utf'", WORDS_UNICODE, "bad|utf|");
}

/* NFC keeps what NFKC folds, and case stays where asked. */
static void the_form_is_as_asked(void **state)
{
    (void)state;
    static const char text[] =
        "<b>\xEF\xBC\xA1\xEF\xAC\x81 &Eacute;E\xCC\x81</b>"; /* full-width A, ligature fi */
    static const struct {
        enum clean_form form;
        bool keep_case;
        const char *expected;
    } expect[] = {{CLEAN_NFKC, false, "afi \xC3\xA9\xC3\xA9"},
                  {CLEAN_NFKC, true, "Afi \xC3\x89\xC3\x89"},
                  {CLEAN_NFC, true, "\xEF\xBC\xA1\xEF\xAC\x81 \xC3\x89\xC3\x89"}};
    for (size_t k = 0; k < 3; k++) {
        struct string_builder b = {0};
        assert_int_equal(text_clean_as(text, strlen(text), expect[k].form, expect[k].keep_case, &b),
                         STATUS_OK);
        assert_int_equal(b.length, strlen(expect[k].expected));
        assert_memory_equal(b.bytes, expect[k].expected, b.length);
        string_builder_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entities_are_decoded_once), cmocka_unit_test(tags_become_spaces),
        cmocka_unit_test(one_spelling_a_character),  cmocka_unit_test(cleaning_twice_changes_nothing),
        cmocka_unit_test(words_by_category),         cmocka_unit_test(words_by_uax_29),
        cmocka_unit_test(the_form_is_as_asked)};
    return cmocka_run_group_tests_name("clean", tests, NULL, NULL);
}
