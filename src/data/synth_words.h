/*
 * synth_words.h - the words of synth's titles, descriptions, tags, reviews and queries: one theme a latent factor.
 */
#ifndef DATA_SYNTH_WORDS_H
#define DATA_SYNTH_WORDS_H

enum { SYNTH_THEMES = 16, SYNTH_NOUNS = 18, SYNTH_ADJECTIVES = 8, SYNTH_TAGS = 8, SYNTH_OPINIONS = 8 };

/* Lists of goods and courses are shorter: NULL from some place on; they have no dialects. */
struct synth_theme {
    const char *genre, *genre_b; /* genre_b: what dialect b calls it */
    /* 'a' or 'b' of each noun, adjective and tag, in this order, half of each: who writes it when there are dialects */
    const char *dialect;
    const char *noun[SYNTH_NOUNS];
    const char *adjective[SYNTH_ADJECTIVES];
    const char *tag[SYNTH_TAGS];
};
extern const struct synth_theme synth_themes[SYNTH_THEMES], synth_themes_zh[SYNTH_THEMES];
extern const struct synth_theme synth_themes_shop[SYNTH_THEMES], synth_themes_shop_zh[SYNTH_THEMES];
extern const struct synth_theme synth_themes_courses[SYNTH_THEMES], synth_themes_courses_zh[SYNTH_THEMES];
extern const double synth_prices[SYNTH_THEMES]; /* the median price of a category of the shop, in dollars */
/* What a reviewer says who gave 1 .. 5. */
extern const char *const synth_opinions[5][SYNTH_OPINIONS];
extern const char *const synth_opinions_zh[5][SYNTH_OPINIONS];
extern const char *const synth_opinions_shop[5][SYNTH_OPINIONS];
extern const char *const synth_opinions_shop_zh[5][SYNTH_OPINIONS];
extern const char *const synth_opinions_courses[5][SYNTH_OPINIONS];
extern const char *const synth_opinions_courses_zh[5][SYNTH_OPINIONS];

#endif
