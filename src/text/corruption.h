/*
 * corruption.h - texts with fewer words, or with wrong ones: how much text, and how clean a text, does a model need?
 *
 * What is asked for is told of each text's words (UAX 29; a run of Han by friso's dictionary, other characters that stand without spaces by
 * themselves) before any model reads it, so that an encoder and models of words read the same corrupted text.  Kept first, then replaced.
 *   words_kept    of a text's n words ceil(n * words_kept) stay, in their order, with the marks that touch them; no text loses its last word
 *   words_noise   each of those is, with this probability, replaced by a word drawn from all words of all texts (as often as it stands there;
 *                 it may be the same word)
 * A word's lots are random numbers of (words_seed, the item's id, the word's position), so that a larger share holds the smaller one, more
 * noise replaces what less noise did, by the same words, and neither depends on the model, the split or the number of threads.
 */
#ifndef TEXT_CORRUPTION_H
#define TEXT_CORRUPTION_H
#include "base/param.h"
#include "base/strings.h"

enum { CORRUPTION_LOTS, CORRUPTION_FIRST };

/* Zeroed: nothing is done. */
struct corruption {
    double words_kept; /* above 0, at most 1; 0: all */
    int words_which;   /* which stay: by lots, or the first ones */
    double words_noise;
    int words_seed;
};

/* The rows of a table of parameters for a `struct corruption` at `at` of its struct ("corruption." for a member). */
#define CORRUPTION_ROW(type, at, field) .name = #field, .offset = offsetof(type, at field)
#define CORRUPTION_PARAMS(type, at)                                                                          \
    {CORRUPTION_ROW(type, at, words_kept),                                                                   \
     .kind = PARAM_KIND_REAL,                                                                                \
     .number = 1,                                                                                            \
     .minimum = 0.001,                                                                                       \
     .maximum = 1,                                                                                           \
     .help = "share of the words of each item's text that are read, one at least"},                          \
        {CORRUPTION_ROW(type, at, words_which), .kind = PARAM_KIND_CHOICE, .text = "lots",                   \
         .choices = "lots|first", .help = "words_kept: words by lots, or the first ones"},                   \
        {CORRUPTION_ROW(type, at, words_noise), .kind = PARAM_KIND_REAL, .maximum = 1,                       \
         .help = "share of those words replaced by words drawn from all items' texts"},                      \
    {                                                                                                        \
        CORRUPTION_ROW(type, at, words_seed), .kind = PARAM_KIND_INT, .number = 42, .maximum = 2147483647,   \
                                              .help = "of the lots of words_kept and words_noise"            \
    }

/* All texts so treated, in the arena; *out = *in, nothing copied, where all words are kept and none replaced.  ids [texts]: whose lots a text
 * has.  Between two words that a space parted one space stands.  STATUS_UNAVAILABLE: a text with Chinese characters without friso's dictionary. */
enum status corruption_apply(const struct corruption *c, const struct strings *in, const struct strings *ids,
                             struct arena *arena, struct strings *out);

#endif
