/* test_golden_text.c - TF-IDF and BM25 weights against scikit-learn 1.6.1 and bm25s 0.3.16 (tests/golden/text.tsv, made by
 * tools/golden-text.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "text/bm25.h"
#include "text/tfidf.h"

enum { N_CASES = 12, LINE = 512 };

static const struct {
    const char *name;
    struct tfidf_options tfidf;
    struct bm25_options bm25; /* k1 0: this is TF-IDF */
} cases[N_CASES] = {
    {.name = "default"},
    {.name = "sublinear_l1", .tfidf = {.sublinear = true, .norm = TFIDF_L1}},
    {.name = "plain_unscaled",
     .tfidf = {.idf = TFIDF_PLAIN, .norm = TFIDF_UNSCALED, .text = {.min_df = 2, .max_df = 0.5}}},
    {.name = "binary_no_idf", .tfidf = {.binary = true, .idf = TFIDF_NO_IDF}},
    {.name = "words_1_3", .tfidf.text = {.ngram_min = 1, .ngram_max = 3}},
    {.name = "words_2_2", .tfidf.text = {.ngram_min = 2, .ngram_max = 2, .min_df = 2}},
    {.name = "characters_2_4",
     .tfidf = {.sublinear = true, .text = {.ngrams = GRAMS_CHARACTERS, .ngram_min = 2, .ngram_max = 4}}},
    {.name = "in_words_3_5", .tfidf.text = {.ngrams = GRAMS_IN_WORDS, .ngram_min = 3, .ngram_max = 5}},
    {.name = "lucene", .bm25 = {BM25_LUCENE, 1.5, 0.75, 0}},
    {.name = "okapi", .bm25 = {BM25_OKAPI, 1.2, 0.5, 0}},
    {.name = "atire", .bm25 = {BM25_ATIRE, 0.9, 0.4, 0}},
    {.name = "plus", .bm25 = {BM25_PLUS, 1.5, 0.75, 0.7}},
};

struct weighed {
    struct strings words;
    struct csr weights;
    uint64_t n_seen, n_nonzero;
};

static void weigh(const char *name, const struct strings *texts, struct arena *arena, struct weighed *out)
{
    for (int c = 0; c < N_CASES; c++) {
        if (strcmp(cases[c].name, name) != 0)
            continue;
        if (cases[c].bm25.k1 == 0) {
            struct tfidf t;
            assert_int_equal(tfidf_fit(texts, &cases[c].tfidf, arena, arena, &t), STATUS_OK);
            *out = (struct weighed){.words = t.words, .weights = t.weights};
        } else {
            struct bag bag;
            assert_int_equal(bag_build(texts, &cases[c].tfidf.text, arena, arena, &bag), STATUS_OK);
            *out = (struct weighed){.words = bag.words};
            assert_int_equal(bm25_weigh(&bag, &cases[c].bm25, arena, &out->weights), STATUS_OK);
        }
        for (int64_t e = 0; e < out->weights.nnz; e++)
            out->n_nonzero += out->weights.val[e] != 0;
        return;
    }
    fail_msg("the golden file has a case '%s' that this test does not know", name);
}

static double weight_of(const struct weighed *w, uint32_t row, const char *term)
{
    for (int64_t e = w->weights.ptr[row]; e < w->weights.ptr[row + 1]; e++)
        if (strings_equal(&w->words, w->weights.idx[e], term))
            return (double)w->weights.val[e];
    return NAN;
}

static void weights_are_the_reference_libraries(void **state)
{
    (void)state;
    FILE *file = fopen("tests/golden/text.tsv", "r");
    struct arena *arena = arena_new();
    struct string_builder b = {0};
    struct strings texts = {0};
    struct weighed now = {0};
    char line[LINE], *field[4];
    int n_cases = 0, n_weights = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#')
            continue;
        for (int k = 0; k < 4; k++)
            field[k] = strsep(&rest, "\t");
        if (strcmp(field[0], "document") == 0) {
            assert_int_equal(string_builder_add(&b, field[2], strlen(field[2])), STATUS_OK);
        } else if (strcmp(field[0], "case") == 0) {
            if (texts.n == 0)
                assert_int_equal(string_builder_finish(&b, arena, &texts), STATUS_OK);
            assert_int_equal(now.n_seen, now.n_nonzero); /* of the case before */
            weigh(field[1], &texts, arena, &now);
            assert_int_equal(now.words.n, strtoull(field[2], NULL, 10));
            n_cases++;
        } else {
            const double expected = strtod(field[3], NULL);
            const double found = weight_of(&now, (uint32_t)strtoul(field[1], NULL, 10), field[2]);
            if (!(fabs(found - expected) <= 2e-7 * fmax(1, fabs(expected))))
                fail_msg("case %d, text %s, '%s': %.9g, expected %.9g", n_cases, field[1], field[2], found,
                         expected);
            now.n_seen++;
            n_weights++;
        }
    }
    fclose(file);
    assert_int_equal(now.n_seen, now.n_nonzero);
    assert_int_equal(n_cases, N_CASES);
    assert_true(n_weights > 900);
    arena_free(arena);
}

/* Lv, Zhai 2011: a very long text that has the term scores delta idf more than one that lacks it, whatever its length. */
static void plus_tells_a_long_text_from_one_without(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct string_builder b = {0};
    struct strings texts;
    struct bag bag;
    struct csr weights;
    static char text[60000];
    strcpy(text, "moon");
    for (int k = 0; k < 9000; k++)
        strcat(text + 4 + 6 * k, " words");
    assert_int_equal(string_builder_add(&b, text, strlen(text)), STATUS_OK);
    assert_int_equal(string_builder_add(&b, "other", 5), STATUS_OK);
    assert_int_equal(string_builder_finish(&b, arena, &texts), STATUS_OK);
    assert_int_equal(bag_build(&texts, &(struct text_options){0}, arena, arena, &bag), STATUS_OK);
    assert_int_equal(bm25_weigh(&bag, &(struct bm25_options){BM25_PLUS, 1.2, 1, 1}, arena, &weights),
                     STATUS_OK);
    const struct weighed w = {.words = bag.words, .weights = weights};
    assert_true(weight_of(&w, 0, "moon") > log(3.0));
    assert_int_equal(bm25_weigh(&bag, &(struct bm25_options){BM25_ATIRE, 1.2, 1, 0}, arena, &weights),
                     STATUS_OK);
    const struct weighed a = {.words = bag.words, .weights = weights};
    assert_true(weight_of(&a, 0, "moon") < 0.8 * log(2.0));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(weights_are_the_reference_libraries),
                                       cmocka_unit_test(plus_tells_a_long_text_from_one_without)};
    return cmocka_run_group_tests_name("golden text", tests, NULL, NULL);
}
