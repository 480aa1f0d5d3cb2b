/* test_phrases.c - llm/phrases.c against its formula, worked out anew from vectors of the same encoder. */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "llm/phrases.h"

#define MODEL "models/minilm"

static struct arena *arena;
static struct encoder *encoder;

static int set_up(void **state)
{
    const struct backend *backend;
    (void)state;
    arena = arena_new();
    if (!file_exists(MODEL "/model.safetensors"))
        return 0;
    return backend_open("cpu", 2, &backend) != STATUS_OK ||
           encoder_open(MODEL, backend, &encoder) != STATUS_OK;
}
static int tear_down(void **state)
{
    (void)state;
    encoder_close(encoder);
    arena_free(arena);
    return 0;
}
static void need_model(void)
{
    if (encoder == NULL) {
        print_message("skipped: no %s; tools/get-models.sh minilm\n", MODEL);
        skip();
    }
}

static double cosine(const float *a, const float *b, uint32_t d)
{
    double sum = 0, x = 0, y = 0;
    for (uint32_t k = 0; k < d; k++)
        sum += (double)a[k] * (double)b[k], x += (double)a[k] * (double)a[k],
            y += (double)b[k] * (double)b[k];
    return sum / sqrt(x * y);
}

static const char *const reviews[] = {"A cheap laptop for college: the battery lasts.",
                                      "The keyboard of this laptop is comfortable, the screen is dim."};
/* All one- and two-word grams of those without stop words, by hand; "for", "the", "of", "this", "is" are stop words. */
static const char *const grams[] = {"cheap",
                                    "laptop",
                                    "college",
                                    "battery",
                                    "lasts",
                                    "cheap laptop",
                                    "laptop college",
                                    "college battery",
                                    "battery lasts",
                                    "keyboard",
                                    "comfortable",
                                    "screen",
                                    "dim",
                                    "keyboard laptop",
                                    "laptop comfortable",
                                    "comfortable screen",
                                    "screen dim"};
enum { N_GRAMS = sizeof grams / sizeof *grams };

static void is_what_the_formula_says(void **state)
{
    (void)state;
    need_model();
    const uint32_t d = encoder_dimensions(encoder);
    const struct strings texts = test_strings(reviews, 2, arena), all = test_strings(grams, N_GRAMS, arena);
    float *t = arena_alloc(arena, 2 * d, sizeof *t), *v = arena_alloc(arena, N_GRAMS * d, sizeof *v);
    assert_ok(encoder_embed(encoder, &texts, t));
    assert_ok(encoder_embed(encoder, &all, v));
    for (uint32_t k = 0; k < d; k++)
        t[k] += t[d + k];
    for (int diversity = 0; diversity <= 10; diversity += 5) {
        const double w = diversity / 10.0;
        const struct phrases_options options = {.top = 6, .ngram_max = 2, .diversity = w};
        struct phrase *got;
        size_t n;
        bool taken[N_GRAMS] = {false};
        assert_ok(phrases_find(encoder, NULL, &texts, &options, arena, &got, &n));
        assert_int_equal(n, 6);
        for (size_t p = 0; p < n; p++) {
            double highest = -INFINITY;
            size_t best = 0;
            for (size_t i = 0; i < N_GRAMS; i++) {
                double most = -1;
                for (size_t j = 0; j < N_GRAMS; j++)
                    if (taken[j])
                        most = fmax(most, cosine(v + i * d, v + j * d, d));
                const double value = (1 - w) * cosine(t, v + i * d, d) - (p > 0 ? w * most : 0);
                if (!taken[i] && value > highest)
                    highest = value, best = i;
            }
            taken[best] = true;
            if (w < 1 || p > 0) /* of diversity 1 the first is any */
                assert_string_equal(got[p].text, grams[best]);
            else {
                taken[best] = false;
                for (size_t i = 0; i < N_GRAMS; i++)
                    taken[i] = taken[i] || strcmp(grams[i], got[p].text) == 0;
            }
            for (size_t i = 0; i < N_GRAMS; i++)
                if (strcmp(grams[i], got[p].text) == 0)
                    assert_float_equal(got[p].relevance, cosine(t, v + i * d, d), 1e-6);
        }
    }
}

/* No phrase crosses the end of a sentence; a point within a number is none. */
static void sentences(void **state)
{
    (void)state;
    need_model();
    static const char *const text[] = {
        "A bright screen. Keyboard good! Weighs 3.5 kilos\nbattery lasts; fan quiet?", "屏幕明亮。键盘舒适"};
    static const char *const crossing[] = {"screen keyboard", "bright screen keyboard", "good weighs",
                                           "kilos battery", "lasts fan"};
    const struct phrases_options options = {.top = 200};
    struct phrase *got;
    size_t n;
    bool inside = false;
    struct strings texts = test_strings(text, 2, arena);
    assert_ok(phrases_find(encoder, NULL, &texts, &options, arena, &got, &n));
    for (size_t p = 0; p < n; p++) {
        for (size_t i = 0; i < sizeof crossing / sizeof *crossing; i++)
            assert_string_not_equal(got[p].text, crossing[i]);
        inside = inside || strcmp(got[p].text, "bright screen") == 0;
        assert_true(strstr(got[p].text, "明亮") == NULL || strstr(got[p].text, "键盘") == NULL);
    }
    assert_true(inside);
}

static void little_text(void **state)
{
    (void)state;
    need_model();
    static const char *const none[] = {"", "the of"}, *const one[] = {"Laptop!"};
    const struct phrases_options options = {.diversity = 0.5};
    struct phrase *got;
    size_t n = 9;
    struct strings texts = test_strings(none, 2, arena);
    assert_ok(phrases_find(encoder, NULL, &texts, &options, arena, &got, &n));
    assert_int_equal(n, 0);
    texts = test_strings(one, 1, arena);
    assert_ok(phrases_find(encoder, NULL, &texts, &options, arena, &got, &n));
    assert_int_equal(n, 1);
    assert_string_equal(got[0].text, "laptop");
    assert_true(got[0].relevance > 0.8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_what_the_formula_says),
                                       cmocka_unit_test(sentences), cmocka_unit_test(little_text)};
    return cmocka_run_group_tests_name("phrases", tests, set_up, tear_down);
}
