/*
 * test_present.c - texts for items: what the model says of an item is judged as facts.h does, written again, and replaced by the template when
 * it keeps failing; the same whatever the threads; gains are the likelihoods'.
 *
 * The decoder is tiny_speaker.h's, whose words mean nothing: all it says fails.  What passes is tested with Gemma (test_present.sh).
 */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../llm/tiny_speaker.h"
#include "../models/mf_fixture.h"
#include "fusion/present.h"
#include "llm/likelihood.h"

enum { N_ITEMS = 4 };
static char *folder;
static struct fixture f;
static struct decoder *decoder;
static struct prompt_file prompt;

static const char text[] = "[liked]\n{title|plain}\n[none]\nnothing\n[description]\n{facts}|{history}|\n["
                           "title]\n{facts}|{description}|\n"
                           "[template_description]\n{title} for you.\n[template_title]\n{title|plain}\n";

static struct strings strings(const char *const *all, size_t n)
{
    struct string_builder b = {0};
    struct strings out;
    for (size_t i = 0; i < n; i++)
        assert_ok(string_builder_add(&b, all[i], strlen(all[i])));
    assert_ok(string_builder_finish(&b, f.arena, &out));
    return out;
}

static int set_up(void **state)
{
    static const char *const titles[N_ITEMS] = {"Heat (1995)", "Matrix, The (1999)", "Up", "Alien (1979)"},
                             *const genres[] = {"Action", "Crime"};
    static const uint32_t zero[] = {0}, row[] = {0, 0, 1}, name[] = {0, 1, 0};
    static const float value[] = {1}, year[] = {1995, 1999, NAN, 1979};
    static struct column column[3];
    size_t n;
    (void)state;
    test_quiet();
    folder = test_folder();
    fixture_open(&f, 1, N_ITEMS, 1, zero, zero, value);
    column[0] = (struct column){.name = "title", .kind = COLUMN_TEXT, .text = strings(titles, N_ITEMS)};
    column[1] = (struct column){.name = "genres", .kind = COLUMN_LIST, .names = strings(genres, 2)};
    assert_ok(csr_from_triples(N_ITEMS, 2, 3, row, name, NULL, f.arena, &column[1].list, NULL));
    column[2] = (struct column){.name = "year", .kind = COLUMN_NUMBER, .number = year};
    f.view.n_item_columns = 3;
    f.view.item_columns = column;
    char *bytes = tiny_speaker(2048, &n);
    const char *path = test_path(folder, "speaker.gguf");
    FILE *stream = fopen(path, "wb");
    assert_true(fwrite(bytes, 1, n, stream) == n && fclose(stream) == 0);
    free(bytes);
    assert_ok(decoder_open(path, f.backend, &decoder));
    test_write(test_path(folder, "mine.txt"), text);
    return prompt_open(test_path(folder, "mine.txt"), f.arena, &prompt) != STATUS_OK;
}
static int tear_down(void **state)
{
    (void)state;
    decoder_close(decoder);
    fixture_close(&f);
    test_folder_remove(folder);
    return 0;
}

static struct presenter *open_presenter(uint32_t tries, uint32_t tokens, double temperature)
{
    const struct present_options options = {
        .prompt = &prompt,
        .tries = tries,
        .tokens = tokens,
        .sample = {.temperature = temperature, .top_p = 1, .repetition_penalty = 1, .seed = 3}};
    struct presenter *p;
    assert_ok(presenter_open(decoder, &f.view, &options, f.arena, &p));
    return p;
}

static void templates_take_over(void **state)
{
    static const uint32_t items[] = {0, 1, 2, 3}, history[] = {1, 2};
    static const char *const told[] = {"title: Heat; genres: Action, Crime; year: 1995",
                                       "title: The Matrix; genres: Action; year: 1999", "title: Up",
                                       "title: Alien; year: 1979"};
    static const char *const descriptions[] = {"Heat (1995) for you.", "Matrix, The (1999) for you.",
                                               "Up for you.", "Alien (1979) for you."};
    static const char *const titles[] = {"Heat", "The Matrix", "Up", "Alien"};
    struct presented out[N_ITEMS];
    (void)state;
    struct presenter *p = open_presenter(2, 4, 1); /* four bytes at most: never finished */
    assert_ok(present_items(p, history, 2, items, N_ITEMS, f.arena, out));
    for (int i = 0; i < N_ITEMS; i++) {
        assert_string_equal(out[i].facts, told[i]);
        for (int k = 0; k < PRESENT_KINDS; k++) {
            const struct presented_text *t = &out[i].text[k];
            assert_true(t->first != NULL && t->tries >= 1 && t->tries <= 2);
            assert_true((t->n_problems == 0 && t->defect == NULL) == (t->tries == 1 && !t->by_template));
            if (t->by_template)
                assert_string_equal(t->text, k == PRESENT_TITLE ? titles[i] : descriptions[i]);
        }
    }
    presenter_close(p);
}

static void threads_change_nothing(void **state)
{
    static const uint32_t items[] = {0, 1, 2}, history[] = {3};
    const struct backend *one;
    struct presented a[3], b[3];
    (void)state;
    struct presenter *p = open_presenter(2, 12, 0.8);
    assert_ok(present_items(p, history, 1, items, 3, f.arena, a));
    assert_ok(backend_open("cpu", 1, &one));
    assert_ok(present_items(p, history, 1, items, 3, f.arena, b));
    assert_ok(backend_open("cpu", 2, &one));
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < PRESENT_KINDS; k++) {
            assert_string_equal(a[i].text[k].text, b[i].text[k].text);
            assert_string_equal(a[i].text[k].first, b[i].text[k].first);
        }
    presenter_close(p);
}

static void gains_are_likelihoods(void **state)
{
    static const uint32_t items[] = {1}, history[] = {0, 3};
    static const char *const prompts[] = {"title: The Matrix; genres: Action; year: 1999|Heat; Alien|",
                                          "title: The Matrix; genres: Action; year: 1999|nothing|"};
    struct presented out[1];
    double gain, logprob[2];
    (void)state;
    struct presenter *p = open_presenter(1, 6, 1);
    assert_ok(present_items(p, history, 2, items, 1, f.arena, out));
    out[0].text[PRESENT_DESCRIPTION].first = "good";
    assert_ok(present_gain(p, out, PRESENT_DESCRIPTION, 1, history, 2, NULL, 0, &gain));
    for (int k = 0; k < 2; k++) {
        struct likelihood_text t = {0};
        uint32_t *ids, *line;
        size_t n;
        assert_ok(tokenizer_encode(decoder_tokenizer(decoder), prompts[k], strlen(prompts[k]),
                                   TOKENIZER_BEGIN, f.arena, &ids, &n));
        assert_ok(tokenizer_encode(decoder_tokenizer(decoder), " good\n", 6, 0, f.arena, &line, &t.n));
        t.ids = line;
        assert_ok(likelihood(decoder, ids, n, &t, 1, false, &logprob[k]));
        logprob[k] /= (double)t.n;
    }
    assert_true(fabs(gain - (logprob[0] - logprob[1])) < 1e-9 && gain != 0);
    assert_ok(present_gain(p, out, PRESENT_DESCRIPTION, 1, history, 2, history, 2, &gain));
    assert_true(gain == 0);
    presenter_close(p);
}

/* Counted by hand: "a b a", "a b": 2 of 5 words, (a b) (b a) of 3 pairs. */
static void distinct_words(void **state)
{
    static const char *const texts[] = {"A b a!", "a, b"};
    double out[2];
    (void)state;
    assert_ok(present_distinct(texts, 2, out));
    assert_true(fabs(out[0] - 2.0 / 5) < 1e-12 && fabs(out[1] - 2.0 / 3) < 1e-12);
    assert_ok(present_distinct(texts, 0, out));
    assert_true(isnan(out[0]) && isnan(out[1]));
}

static void mistakes_are_told(void **state)
{
    static const char *columns[] = {"colour"};
    const struct param_list list = {1, columns};
    struct present_options options = {.prompt = &prompt, .columns = &list, .tries = 1, .tokens = 4};
    struct prompt_file short_one;
    struct presenter *p = NULL;
    (void)state;
    test_fails(presenter_open(decoder, &f.view, &options, f.arena, &p), STATUS_UNAVAILABLE, "colour", NULL);
    presenter_close(p);
    test_write(test_path(folder, "short.txt"), "[liked]\n{title}\n[description]\nx\n");
    assert_ok(prompt_open(test_path(folder, "short.txt"), f.arena, &short_one));
    options = (struct present_options){.prompt = &short_one, .tries = 1, .tokens = 4};
    test_fails(presenter_open(decoder, &f.view, &options, f.arena, &p), STATUS_DATA, "template_description",
               NULL);
    presenter_close(p);
}

/* The prompts in the program open, and hold what is asked of them. */
static void shipped_prompts_are_whole(void **state)
{
    static const char *const names[] = {"present-en", "present-zh"};
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct prompt_file shipped;
        struct presenter *p;
        assert_ok(prompt_open(names[k], f.arena, &shipped));
        const struct present_options options = {
            .prompt = &shipped, .tries = 1, .tokens = 1, .sample = {.top_p = 1, .repetition_penalty = 1}};
        assert_ok(presenter_open(decoder, &f.view, &options, f.arena, &p));
        presenter_close(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_take_over),   cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(gains_are_likelihoods), cmocka_unit_test(distinct_words),
        cmocka_unit_test(mistakes_are_told),     cmocka_unit_test(shipped_prompts_are_whole),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
