/* test_synth_told.c - how much of a generated taste the texts tell, and how much of what they tell is noise; rows know nothing of either. */
#include <math.h>

#include "build.h"
#include "data/synth.h"
#include "data/synth_words.h"

static const struct synth_options plain = {
    .n_users = 80, .n_items = 300, .n_interactions = 1703, .seed = 5, .signal = 1, .factors = 6};

static struct dataset *generate(struct arena *arena, double untold, double noise)
{
    struct dataset *d = NULL;
    struct synth_options o = plain;
    o.untold = untold, o.noise = noise;
    if (synth_generate(&o, arena, &d) != STATUS_OK)
        fail_msg("%s", status_sentence());
    return d;
}

static bool holds(const struct strings *texts, uint64_t i, const char *word)
{
    const char *at = strings_at(texts, i);
    const size_t n = strings_length(texts, i), m = strlen(word);
    for (size_t k = 0; k + m <= n; k++)
        if (strncasecmp(at + k, word, m) == 0)
            return true;
    return false;
}

/* Of the items whose largest weight is that of theme `of`: the share whose description has a noun of theme `theme`. */
static double share_with(const struct dataset *d, uint32_t of, uint32_t theme)
{
    const struct strings *texts = &d->item_columns[3].text;
    double n = 0, found = 0;
    for (uint32_t i = 0; i < d->n_items; i++) {
        const float *w = d->truth->item + (size_t)i * plain.factors;
        uint32_t best = 0;
        for (uint32_t f = 1; f < plain.factors; f++)
            best = w[f] > w[best] ? f : best;
        bool has = false;
        for (int k = 0; k < SYNTH_NOUNS && best == of; k++)
            has = has || holds(texts, i, synth_themes[theme].noun[k]);
        n += best == of, found += has;
    }
    return n > 0 ? found / n : NAN;
}

static void same_rows(const struct dataset *a, const struct dataset *b)
{
    assert_int_equal(a->interactions.n, b->interactions.n);
    assert_memory_equal(a->interactions.item, b->interactions.item, a->interactions.n * sizeof(uint32_t));
    assert_memory_equal(a->interactions.value, b->interactions.value, a->interactions.n * sizeof(float));
}

static void half_is_told(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *all = generate(arena, 0, 0), *half = generate(arena, 0.5, 0),
                         *none = generate(arena, 1, 0);
    same_rows(all, half);
    same_rows(all, none);
    for (uint32_t theme = 0; theme < plain.factors; theme++) {
        assert_true(share_with(all, theme, theme) > 0.9);
        if (theme < 3)
            assert_true(share_with(half, theme, theme) > 0.9);
        else
            assert_true(share_with(half, theme, theme) == 0);
    }
    for (int64_t e = 0; e < half->item_columns[1].list.nnz; e++)
        assert_true(half->item_columns[1].list.idx[e] < 3);
    assert_int_equal(none->item_columns[1].list.nnz, 0);
    /* Told of nothing, a theme's words are as likely whatever the item is. */
    for (uint32_t theme = 0; theme < plain.factors; theme++)
        assert_float_equal(share_with(none, theme, theme),
                           share_with(none, (theme + 1) % plain.factors, theme), 0.25);
    arena_free(arena);
}

static void noise_drowns(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *clear = generate(arena, 0, 0), *noisy = generate(arena, 0, 0.6);
    double own[2] = {0}, other[2] = {0};
    same_rows(clear, noisy);
    for (uint32_t theme = 0; theme < plain.factors; theme++) {
        own[0] += share_with(clear, theme, theme) / plain.factors;
        own[1] += share_with(noisy, theme, theme) / plain.factors;
        other[0] += share_with(clear, theme, (theme + 2) % plain.factors) / plain.factors;
        other[1] += share_with(noisy, theme, (theme + 2) % plain.factors) / plain.factors;
    }
    assert_true(own[1] < own[0]);
    assert_true(other[1] > other[0] + 0.1);
    assert_true(own[1] > other[1] + 0.2); /* two words of five are still the item's */
    arena_free(arena);
}

static void out_of_range(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d = NULL;
    struct synth_options o = plain;
    o.noise = 1.5;
    assert_int_equal(synth_generate(&o, arena, &d), STATUS_USAGE);
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(half_is_told), cmocka_unit_test(noise_drowns),
                                       cmocka_unit_test(out_of_range)};
    return cmocka_run_group_tests_name("synth_told", tests, NULL, NULL);
}
