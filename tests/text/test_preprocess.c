/* test_preprocess.c - text/preprocess.c: each switch of the pipeline's first stage on the same texts, English and Chinese. */
#include "../test.h"

#include <string.h>

#include "text/preprocess.h"
#include "text/segment.h"

#define LAPTOP                                                                                               \
    "\xE7\xAC\x94\xE8\xAE\xB0\xE6\x9C\xAC\xE7\x94\xB5\xE8\x84\x91" /* notebook computer: one word of friso's */
#define OF "\xE7\x9A\x84"                                          /* a stop word */

static void check(const char *const *texts, const char *const *expected, size_t n, enum preprocess what)
{
    struct arena *arena = arena_new();
    const struct strings in = test_strings(texts, n, arena);
    struct strings out;
    assert_int_equal(preprocess_texts(&in, what, arena, &out), STATUS_OK);
    assert_int_equal(out.n, n);
    for (size_t i = 0; i < n; i++)
        if (!strings_equal(&out, i, expected[i]))
            fail_msg("%s of '%s': '%.*s', not '%s'", preprocess_name(what), texts[i],
                     (int)strings_length(&out, i), strings_at(&out, i), expected[i]);
    arena_free(arena);
}

static void english(void **state)
{
    const char *const texts[] = {"<b>The Films</b> I can&#39;t  forget: a review of 32.3 stories!", "",
                                 "The of a"};
    const char *const clean[] = {"The Films I can't forget: a review of 32.3 stories!", "", "The of a"};
    const char *const words[] = {"the films i can't forget a review of 32.3 stories", "", "the of a"};
    const char *const stopped[] = {"films forget review 32.3 stories", "", ""};
    const char *const stems[] = {"film forget review 32.3 stori", "", ""};
    (void)state;
    check(texts, texts, 3, PREPROCESS_NONE);
    check(texts, clean, 3, PREPROCESS_CLEAN);
    check(texts, words, 3, PREPROCESS_SEGMENT);
    check(texts, stopped, 3, PREPROCESS_STOP_WORDS);
    check(texts, stems, 3, PREPROCESS_STEM);
}

static void chinese(void **state)
{
    const char *const texts[] = {"\xE4\xBE\xBF\xE5\xAE\x9C" OF LAPTOP, "cheap laptops"};
    const char *const words[] = {"\xE4\xBE\xBF\xE5\xAE\x9C " OF " " LAPTOP, "cheap laptops"};
    const char *const stems[] = {"\xE4\xBE\xBF\xE5\xAE\x9C " LAPTOP, "cheap laptop"};
    struct segmenter *s = NULL;
    (void)state;
    if (segmenter_open(NULL, &s) != STATUS_OK) {
        print_message("skipped: install friso-dict\n");
        skip();
    }
    segmenter_close(s);
    check(texts, words, 2, PREPROCESS_SEGMENT);
    check(texts, stems, 2, PREPROCESS_STEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(english), cmocka_unit_test(chinese)};
    return cmocka_run_group_tests_name("preprocess", tests, NULL, NULL);
}
