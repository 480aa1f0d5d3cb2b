/* test_corruption.c - fewer words and wrong ones: how many, which, and the same whatever else is asked. */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "text/corruption.h"
#include "text/preprocess.h"
#include "text/segment.h"

static struct arena *arena;
static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    test_quiet();
    return arena == NULL;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static const char *const ids[] = {"i1", "i2", "i3", "i4"};
static const char *const films[] = {"Toy Story (1995). Animation, children's film.",
                                    "one two three four five "
                                    "six seven eight nine ten",
                                    "", "..."};

static const char *corrupted(const char *const *texts, const char *const *of, size_t n, size_t which,
                             struct corruption c)
{
    const struct strings in = test_strings(texts, n, arena), names = test_strings(of, n, arena);
    struct strings out;
    assert_ok(corruption_apply(&c, &in, &names, arena, &out));
    assert_int_equal(out.n, n);
    return strings_copy(&out, which, arena);
}

/* The words between spaces. */
static size_t split(const char *text, char words[64][32])
{
    size_t n = 0;
    int at = 0, step;
    while (n < 64 && sscanf(text + at, "%31s%n", words[n], &step) == 1)
        at += step, n++;
    return n;
}

static void nothing_asked_for_is_nothing_done(void **state)
{
    const struct strings in = test_strings(films, 4, arena), names = test_strings(ids, 4, arena);
    struct strings out;
    (void)state;
    assert_ok(corruption_apply(&(struct corruption){0}, &in, &names, arena, &out));
    assert_ptr_equal(out.bytes, in.bytes);
    assert_ok(
        corruption_apply(&(struct corruption){.words_kept = 1, .words_seed = 7}, &in, &names, arena, &out));
    assert_ptr_equal(out.bytes, in.bytes);
}

static void the_first_words(void **state)
{
    (void)state;
    const struct corruption c = {.words_which = CORRUPTION_FIRST, .words_kept = 0.5};
    assert_string_equal(corrupted(films, ids, 4, 0, c), "Toy Story (1995).");
    assert_string_equal(corrupted(films, ids, 4, 1, c), "one two three four five");
    assert_string_equal(corrupted(films, ids, 4, 2, c), "");
    assert_string_equal(corrupted(films, ids, 4, 3, c), "..."); /* no word to lose */
    const struct corruption one = {.words_which = CORRUPTION_FIRST, .words_kept = 0.001};
    assert_string_equal(corrupted(films, ids, 4, 1, one), "one");
    const struct corruption three = {.words_which = CORRUPTION_FIRST, .words_kept = 0.21}; /* ceil(2.1) */
    assert_string_equal(corrupted(films, ids, 4, 1, three), "one two three");
    const struct corruption two = {.words_which = CORRUPTION_FIRST, .words_kept = 0.2};
    assert_string_equal(corrupted(films, ids, 4, 1, two), "one two");
}

/* Of n words ceil(n * share), in their order, and more hold the fewer. */
static void words_by_lots(void **state)
{
    char before[64][32], now[64][32];
    size_t n_before = 0, n;
    bool all_first = true;
    (void)state;
    for (int tenth = 1; tenth <= 9; tenth++) {
        const struct corruption c = {.words_kept = tenth / 10.0, .words_seed = 5};
        n = split(corrupted(films, ids, 4, 1, c), now);
        assert_int_equal(n, tenth);
        size_t k = 0, order = 0;
        for (size_t i = 0; i < n; i++) {
            const char *at = strstr(films[1], now[i]);
            assert_true(at != NULL && (size_t)(at - films[1]) >= order);
            order = (size_t)(at - films[1]);
            k += k < n_before && strcmp(before[k], now[i]) == 0;
        }
        assert_int_equal(k, n_before);
        all_first = all_first && strncmp(films[1], now[0], 3) == 0;
        memcpy(before, now, sizeof now);
        n_before = n;
    }
    assert_false(all_first);
}

/* An item's lots are its own: other items, and another place, change nothing; another seed and another id do. */
static void lots_belong_to_the_item(void **state)
{
    static const char *const other_ids[] = {"x", "i2", "y"};
    const struct corruption c = {.words_kept = 0.4, .words_seed = 1},
                            another = {.words_kept = 0.4, .words_seed = 2};
    (void)state;
    const char *was = corrupted(films, ids, 4, 1, c);
    const char *const moved[] = {films[0], films[0], films[1]}, *const moved_ids[] = {"x", "y", "i2"};
    assert_string_equal(corrupted(moved, moved_ids, 3, 2, c), was);
    assert_string_not_equal(corrupted(films, ids, 4, 1, another), was);
    assert_string_not_equal(corrupted(moved, other_ids, 3, 2, c), was);
}

/* Words are replaced in place by words of the corpus, a share of them, and more noise replaces what less did, by the same words. */
static void noise(void **state)
{
    enum { TEXTS = 200, WORDS = 20 };
    static char text[TEXTS][WORDS * 8], id[TEXTS][8];
    const char *texts[TEXTS], *names[TEXTS];
    size_t n_replaced[3] = {0}, n_words = 0;
    static const double shares[] = {0.25, 0.5, 1};
    (void)state;
    for (int i = 0; i < TEXTS; i++) {
        size_t at = 0;
        for (int k = 0; k < WORDS; k++)
            at += (size_t)snprintf(text[i] + at, sizeof text[i] - at, "w%05d ", i * WORDS + k);
        snprintf(id[i], sizeof id[i], "n%d", i);
        texts[i] = text[i], names[i] = id[i];
    }
    const struct strings in = test_strings(texts, TEXTS, arena), of = test_strings(names, TEXTS, arena);
    struct strings out[3];
    for (int s = 0; s < 3; s++)
        assert_ok(corruption_apply(&(struct corruption){.words_noise = shares[s], .words_seed = 3}, &in, &of,
                                   arena, &out[s]));
    for (size_t i = 0; i < TEXTS; i++) {
        char was[64][32], now[3][64][32];
        const size_t n = split(texts[i], was);
        for (int s = 0; s < 3; s++)
            assert_int_equal(split(strings_copy(&out[s], i, arena), now[s]), n);
        for (size_t k = 0; k < n; k++, n_words++)
            for (int s = 0; s < 3; s++) {
                const bool replaced = strcmp(was[k], now[s][k]) != 0;
                int number = -1;
                n_replaced[s] += replaced;
                assert_int_equal(sscanf(now[s][k], "w%d", &number), 1);
                assert_in_range(number, 0, TEXTS * WORDS - 1);
                if (s > 0 && strcmp(was[k], now[s - 1][k]) != 0)
                    assert_string_equal(now[s][k], now[s - 1][k]);
            }
    }
    for (int s = 0; s < 3; s++) { /* five standard deviations of so many coins */
        const double sd = sqrt(shares[s] * (1 - shares[s]) / (double)n_words);
        assert_true(fabs((double)n_replaced[s] / (double)n_words - shares[s]) < 5 * sd + 2e-3);
    }
}

/* Frequent words are drawn as often as they stand in the texts. */
static void noise_is_the_corpus(void **state)
{
    enum { WORDS = 4000 };
    static char text[WORDS * 5 + 1];
    const char *const texts[] = {text}, *const of[] = {"a"};
    size_t at = 0, n_of = 0;
    (void)state;
    for (int k = 0; k < WORDS; k++)
        at += (size_t)snprintf(text + at, sizeof text - at, k % 4 == 0 ? "rare " : "oft ");
    const char *out = corrupted(texts, of, 1, 0, (struct corruption){.words_noise = 1, .words_seed = 9});
    for (const char *c = out; (c = strstr(c, "oft")) != NULL; c++)
        n_of++;
    assert_true(fabs((double)n_of / WORDS - 0.75) < 5 * sqrt(0.75 * 0.25 / WORDS));
}

/* Marks that touch a word go with it, and those of a replaced word stay. */
static void marks(void **state)
{
    static const char *const texts[] = {"Spider-Man: \"No Way Home\" (2021)", "x"}, *const of[] = {"a", "b"};
    (void)state;
    for (int seed = 0; seed < 20; seed++) {
        const char *out =
            corrupted(texts, of, 2, 0, (struct corruption){.words_kept = 0.5, .words_seed = seed});
        char words[64][32];
        const size_t n = split(out, words);
        for (size_t k = 0; k < n; k++)
            assert_non_null(strstr("Spider-Man: \"No Way Home\" (2021) Spider- Man: Spider-2021", words[k]));
        assert_string_equal(
            corrupted(texts, of, 2, 1, (struct corruption){.words_kept = 0.5, .words_seed = seed}), "x");
    }
    static const char *const same[] = {"(word), word: \"word\" word-word"}, *const one[] = {"a"};
    assert_string_equal(corrupted(same, one, 1, 0, (struct corruption){.words_noise = 1}), same[0]);
}

/* Chinese stands without spaces: words are friso's, and what is left stands without spaces too. */
static void chinese(void **state)
{
    static const char *const texts[] = {"我喜欢看中国电影，也喜欢音乐。"}, *const of[] = {"a"};
    struct segmenter *segmenter;
    (void)state;
    const struct corruption c = {.words_kept = 0.5, .words_which = CORRUPTION_FIRST};
    if (segmenter_open(NULL, &segmenter) != STATUS_OK) {
        const struct strings in = test_strings(texts, 1, arena), names = test_strings(of, 1, arena);
        struct strings out;
        test_fails(corruption_apply(&c, &in, &names, arena, &out), STATUS_UNAVAILABLE, "friso", NULL);
        return;
    }
    segmenter_close(segmenter);
    const char *out = corrupted(texts, of, 1, 0, c);
    assert_true(strlen(out) > 0 && strlen(out) < strlen(texts[0]));
    assert_memory_equal(out, texts[0], strlen(out));
    assert_null(strchr(out, ' '));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_asked_for_is_nothing_done),
                                       cmocka_unit_test(the_first_words),
                                       cmocka_unit_test(words_by_lots),
                                       cmocka_unit_test(lots_belong_to_the_item),
                                       cmocka_unit_test(noise),
                                       cmocka_unit_test(noise_is_the_corpus),
                                       cmocka_unit_test(marks),
                                       cmocka_unit_test(chinese)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
