/* test_tfidf.c - text/tfidf.c against scikit-learn. */
#include "../test.h"

#include <math.h>
#include <string.h>

#include "text/tfidf.h"

static const char *const documents[] = {"The Dark Knight. Action, Crime. dark hero, hero, batman",
                                        "Dark City (1998). Sci-Fi. dark dystopia city city", "",
                                        "Caf\xC3\xA9 de Paris. Romance, Drama",
                                        "toy story 2: toys, toys and more toys"};

static void fit(const struct tfidf_options *options, struct arena *arena, struct tfidf *out)
{
    const struct strings texts = test_strings(documents, sizeof documents / sizeof *documents, arena);
    assert_int_equal(tfidf_fit(&texts, options, arena, arena, out), STATUS_OK);
}

struct expected {
    uint32_t row;
    const char *word;
    double weight;
};
static void assert_weights(const struct tfidf *t, const struct expected *e, size_t n)
{
    assert_int_equal(t->weights.nnz, n);
    for (size_t k = 0; k < n; k++) {
        assert_true((int64_t)k >= t->weights.ptr[e[k].row] && (int64_t)k < t->weights.ptr[e[k].row + 1]);
        assert_true(strings_equal(&t->words, t->weights.idx[k], e[k].word));
        assert_true(fabs((double)t->weights.val[k] - e[k].weight) < 1e-7);
    }
}

/* Golden: scikit-learn 1.9.1, TfidfVectorizer().fit_transform(documents). */
static void as_scikit_learn(void **state)
{
    (void)state;
    static const struct expected golden[] = {
        {0, "action", 0.29356375}, {0, "batman", 0.29356375},     {0, "crime", 0.29356375},
        {0, "dark", 0.47369076},   {0, "hero", 0.58712749},       {0, "knight", 0.29356375},
        {0, "the", 0.29356375},    {1, "1998", 0.25315511},       {1, "city", 0.75946533},
        {1, "dark", 0.4084879},    {1, "dystopia", 0.25315511},   {1, "fi", 0.25315511},
        {1, "sci", 0.25315511},    {3, "caf\xC3\xA9", 0.4472136}, {3, "de", 0.4472136},
        {3, "drama", 0.4472136},   {3, "paris", 0.4472136},       {3, "romance", 0.4472136},
        {4, "and", 0.2773501},     {4, "more", 0.2773501},        {4, "story", 0.2773501},
        {4, "toy", 0.2773501},     {4, "toys", 0.83205029}};
    struct arena *arena = arena_new();
    struct tfidf t;
    fit(&(struct tfidf_options){0}, arena, &t);
    assert_int_equal(t.words.n, 22);
    assert_weights(&t, golden, sizeof golden / sizeof *golden);
    assert_true(fabs((double)t.idf[0] - 2.09861229) < 1e-6 && fabs((double)t.idf[7] - 1.69314718) < 1e-6);
    arena_free(arena);
}

/* Golden: scikit-learn 1.9.1, TfidfVectorizer(sublinear_tf=True, max_features=4). */
static void as_scikit_learn_sublinear_and_cut(void **state)
{
    (void)state;
    static const struct expected golden[] = {{0, "dark", 0.62791376},
                                             {0, "hero", 0.77828292},
                                             {1, "city", 0.83809262},
                                             {1, "dark", 0.54552796},
                                             {4, "toys", 1.0}};
    struct arena *arena = arena_new();
    struct tfidf t;
    fit(&(struct tfidf_options){.sublinear = true, .text.max_features = 4}, arena, &t);
    assert_int_equal(t.words.n, 4);
    assert_weights(&t, golden, sizeof golden / sizeof *golden);
    arena_free(arena);
}

static void rare_and_stop_words_go(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct tfidf t;
    fit(&(struct tfidf_options){.text = {.min_df = 2, .stop_words = STOPS_ENGLISH}}, arena, &t);
    assert_int_equal(t.words.n, 1);
    assert_true(strings_equal(&t.words, 0, "dark"));
    assert_int_equal(t.weights.nnz, 2);
    fit(&(struct tfidf_options){.text.min_df = 3}, arena, &t);
    assert_int_equal(t.words.n, 0);
    assert_int_equal(t.weights.n_rows, 5);
    assert_int_equal(t.weights.nnz, 0);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_scikit_learn),
                                       cmocka_unit_test(as_scikit_learn_sublinear_and_cut),
                                       cmocka_unit_test(rare_and_stop_words_go)};
    return cmocka_run_group_tests_name("tfidf", tests, NULL, NULL);
}
