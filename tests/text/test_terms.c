/* test_terms.c - text/terms.c: stop words, stems, Chinese words, n-grams, stage by stage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/segment.h"
#include "text/terms.h"

struct joined {
    char text[1024];
};
static enum status join(void *context, const char *word, size_t length)
{
    struct joined *j = context;
    strncat(j->text, word, length);
    strcat(j->text, "|");
    return STATUS_OK;
}
static void assert_terms(const struct text_options *options, enum text_stage stage, const char *text,
                         const char *expected)
{
    struct joined j = {{0}};
    struct text_analyzer *a = NULL;
    assert_int_equal(text_analyzer_open(options, &a), STATUS_OK);
    for (int again = 0; again < 2; again++) { /* nothing is left over from the text before */
        j.text[0] = '\0';
        assert_int_equal(text_analyzer_visit(a, stage, text, strlen(text), join, &j), STATUS_OK);
        assert_string_equal(j.text, expected);
    }
    text_analyzer_close(a);
}

static void stop_words_go(void **state)
{
    (void)state;
    const struct text_options english = {.stop_words = STOPS_ENGLISH};
    assert_terms(&english, STAGE_TERMS, "The Man Who Would Be King of the Hill", "man|king|hill|");
    assert_true(stops_has(STOPS_ENGLISH, "about", 5) && stops_has(STOPS_BOTH, "yourselves", 10));
    assert_true(stops_has(STOPS_CHINESE, "\xE7\x9A\x84", 3) && !stops_has(STOPS_ENGLISH, "\xE7\x9A\x84", 3));
    assert_true(stops_has(STOPS_BOTH, "\xE7\x9A\x84", 3) && !stops_has(STOPS_NONE, "the", 3));
    assert_false(stops_has(STOPS_ENGLISH, "them", 2) || stops_has(STOPS_ENGLISH, "themes", 6) ||
                 stops_has(STOPS_BOTH, "", 0) || stops_has(STOPS_BOTH, "zoo", 3) ||
                 stops_has(STOPS_BOTH, "# Licence", 9));
}

/* Stems by Snowball's own vocabulary: english "filming" -> "film", "stories" -> "stori"; german "filme" -> "film". */
static void stems_come_after_stop_words(void **state)
{
    (void)state;
    struct text_options o = {.stop_words = STOPS_ENGLISH, .stem = 1};
    assert_terms(&o, STAGE_WORDS, "Films, filming: stories of the running",
                 "films|filming|stories|of|the|running|");
    assert_terms(&o, STAGE_STOPPED, "Films, filming: stories of the running",
                 "films|filming|stories|running|");
    assert_terms(&o, STAGE_STEMMED, "Films, filming: stories of the running", "film|film|stori|run|");
    assert_terms(&o, STAGE_TERMS, "Films, filming: stories of the running", "film|film|stori|run|");
    struct text_analyzer *a = NULL;
    const char *at = TEXT_STEMMERS;
    int n = 1;
    for (; (at = strchr(at, '|')) != NULL;
         at++, n++) { /* every name of the list is a stemmer of this machine */
        o.stem = n;
        assert_int_equal(text_analyzer_open(&o, &a), STATUS_OK);
        text_analyzer_close(a);
    }
    assert_int_equal(n, 17);
}

static void n_grams_are_made_of_what_is_left(void **state)
{
    (void)state;
    const struct text_options words = {.stop_words = STOPS_ENGLISH, .ngram_min = 1, .ngram_max = 3};
    assert_terms(&words, STAGE_TERMS, "war of the worlds", "war|worlds|war worlds|");
    assert_terms(&words, STAGE_TERMS, "the", "");
    const struct text_options characters = {.ngrams = GRAMS_CHARACTERS, .ngram_min = 2, .ngram_max = 3};
    assert_terms(&characters, STAGE_TERMS, "A \xC3\x89t", "a | \xC3\xA9|\xC3\xA9t|a \xC3\xA9| \xC3\xA9t|");
    const struct text_options inside = {.ngrams = GRAMS_IN_WORDS, .ngram_min = 3, .ngram_max = 4};
    assert_terms(&inside, STAGE_TERMS, "a ab", " a | ab|ab | ab |"); /* " a " is short: once */
    struct text_analyzer *a = NULL;
    assert_int_equal(text_analyzer_open(&(struct text_options){.ngram_min = 3, .ngram_max = 2}, &a),
                     STATUS_USAGE);
    assert_non_null(strstr(status_sentence(), "ngram_max"));
}

/* Our own sentences.  "This film's plot is very moving, an alien's spaceship!" */
static void chinese_words(void **state)
{
    (void)state;
    static const char text[] =
        "\xE8\xBF\x99\xE9\x83\xA8\xE7\x94\xB5\xE5\xBD\xB1\xE7\x9A\x84\xE5\x89\xA7\xE6\x83\x85"
        "\xE9\x9D\x9E\xE5\xB8\xB8\xE6\x84\x9F\xE4\xBA\xBA\xEF\xBC\x8C\xE5\xA4\x96\xE6\x98\x9F"
        "\xE4\xBA\xBA\xE7\x9A\x84 UFO\xE9\xA3\x9E\xE8\x88\xB9";
    struct text_options o = {.chinese = 1, .stop_words = STOPS_BOTH};
    struct text_analyzer *a = NULL;
    if (text_analyzer_open(&o, &a) == STATUS_UNAVAILABLE) {
        print_message("skipped: install friso-dict\n");
        skip();
    }
    text_analyzer_close(a);
    assert_terms(&o, STAGE_WORDS, text,
                 "\xE8\xBF\x99|\xE9\x83\xA8|\xE7\x94\xB5\xE5\xBD\xB1|\xE7\x9A\x84|\xE5\x89\xA7\xE6\x83\x85|"
                 "\xE9\x9D\x9E\xE5\xB8\xB8|\xE6\x84\x9F\xE4\xBA\xBA|\xE5\xA4\x96\xE6\x98\x9F\xE4\xBA\xBA|"
                 "\xE7\x9A\x84|ufo|\xE9\xA3\x9E\xE8\x88\xB9|");
    assert_terms(&o, STAGE_TERMS, text,
                 "\xE9\x83\xA8|\xE7\x94\xB5\xE5\xBD\xB1|\xE5\x89\xA7\xE6\x83\x85|\xE6\x84\x9F\xE4\xBA\xBA|"
                 "\xE5\xA4\x96\xE6\x98\x9F\xE4\xBA\xBA|ufo|\xE9\xA3\x9E\xE8\x88\xB9|");
    o.chinese = 0; /* each character by itself; stop words of one character go */
    assert_terms(&o, STAGE_TERMS, "\xE7\x94\xB5\xE5\xBD\xB1\xE7\x9A\x84", "\xE7\x94\xB5|\xE5\xBD\xB1|");
}

static enum status measure(void *context, const char *word, size_t length)
{
    size_t *total = context;
    (void)word;
    assert_true(length > 0 && length % 3 == 0);
    *total += length;
    return STATUS_OK;
}

/* Whatever the run, its words add up to it: all of U+4E00 .. U+9FFF in one, and one character a hundred thousand times. */
static void words_of_a_run_add_up(void **state)
{
    (void)state;
    struct segmenter *s = NULL;
    const size_t n = 0x9FFF - 0x4E00 + 1, n_same = 100000;
    char *text = malloc(3 * n_same);
    size_t total = 0;
    if (segmenter_open(NULL, &s) != STATUS_OK) {
        print_message("skipped: install friso-dict\n");
        free(text);
        skip();
    }
    for (size_t k = 0; k < n; k++) {
        const unsigned c = 0x4E00 + (unsigned)k;
        text[3 * k] = (char)(0xE0 | c >> 12);
        text[3 * k + 1] = (char)(0x80 | (c >> 6 & 63));
        text[3 * k + 2] = (char)(0x80 | (c & 63));
    }
    assert_int_equal(segmenter_visit(s, text, 3 * n, measure, &total), STATUS_OK);
    assert_int_equal(total, 3 * n);
    for (size_t k = 0; k < n_same; k++)
        memcpy(text + 3 * k, "\xE4\xB8\x80", 3);
    total = 0;
    assert_int_equal(segmenter_visit(s, text, 3 * n_same, measure, &total), STATUS_OK);
    assert_int_equal(total, 3 * n_same);
    segmenter_close(s);
    free(text);
    assert_int_equal(segmenter_open("/no/such/folder", &s), STATUS_UNAVAILABLE);
    assert_non_null(strstr(status_sentence(), "friso-dict"));
}

static void quiet(void *context, enum status status, const char *sentence)
{
    (void)context, (void)status, (void)sentence;
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop_words_go), cmocka_unit_test(stems_come_after_stop_words),
        cmocka_unit_test(n_grams_are_made_of_what_is_left), cmocka_unit_test(chinese_words),
        cmocka_unit_test(words_of_a_run_add_up)};
    return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
