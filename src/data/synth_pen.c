/*
 * synth_pen.c - the pen that draws words, and writes titles, descriptions and reviews of generated films.
 *
 * Each word is drawn from the theme of a latent factor, a factor with probability proportional to the square
 * of the item's weight in it (the main theme speaks most, the trace of the others hardly ever); so the words
 * carry the very vector that tastes act on, with the noise of language.  A review opens with an opinion that
 * fits the rating.  With dialects an item's own texts keep to
 * the words of the item's dialect and a review or tag to those of its user's (synth.h).
 */
#include "data/synth_pen.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

double synth_pen_draw(struct pen *pen)
{
    return synth_unit(pen->o->seed, pen->purpose, pen->epoch, pen->next++);
}

uint32_t synth_pen_below(struct pen *pen, uint32_t n)
{
    return (uint32_t)(synth_pen_draw(pen) * n);
}

const struct synth_theme *synth_themes_of(const struct synth_options *o)
{
    static const struct synth_theme *const themes[3][2] = {
        [SYNTH_FILMS] = {synth_themes, synth_themes_zh},
        [SYNTH_SHOP] = {synth_themes_shop, synth_themes_shop_zh},
        [SYNTH_COURSES] = {synth_themes_courses, synth_themes_courses_zh}};
    return themes[o->scenario][o->language == SYNTH_CHINESE];
}

/* One of the words, at most n, that stand from `first` on in the theme's order (nouns, adjectives, tags). */
static const char *pick(struct pen *pen, const struct synth_theme *theme, const char *const *words,
                        uint32_t first, uint32_t n)
{
    while (words[n - 1] == NULL)
        n--;
    if (pen->dialect == 0)
        return words[synth_pen_below(pen, n)];
    uint32_t left = synth_pen_below(pen, n / 2), k = 0;
    while (theme->dialect[first + k] != pen->dialect || left-- > 0)
        k++;
    return words[k];
}

uint32_t synth_told(const struct synth_options *o)
{
    return (uint32_t)lround((1 - o->untold) * o->factors);
}

const struct synth_theme *synth_pen_theme(struct pen *pen)
{
    const struct synth_options *o = pen->o;
    const uint32_t n_told = synth_told(o);
    if (n_told == 0 || (o->noise > 0 && synth_pen_draw(pen) < o->noise))
        return &synth_themes_of(o)[synth_pen_below(pen, o->factors)];
    double sum = 0;
    for (uint32_t f = 0; f < n_told; f++)
        sum += (double)pen->vector[f] * pen->vector[f];
    double at = synth_pen_draw(pen) * sum;
    for (uint32_t f = 0; f < n_told; f++) {
        at -= (double)pen->vector[f] * pen->vector[f];
        if (at <= 0)
            return &synth_themes_of(o)[f];
    }
    return &synth_themes_of(o)[n_told - 1];
}

const char *synth_pen_noun(struct pen *pen, const struct synth_theme *theme)
{
    return pick(pen, theme, theme->noun, 0, SYNTH_NOUNS);
}

const char *synth_pen_adjective(struct pen *pen, const struct synth_theme *theme)
{
    return pick(pen, theme, theme->adjective, SYNTH_NOUNS, SYNTH_ADJECTIVES);
}

static const char *noun(struct pen *pen)
{
    return synth_pen_noun(pen, synth_pen_theme(pen));
}

static const char *adjective(struct pen *pen)
{
    return synth_pen_adjective(pen, synth_pen_theme(pen));
}

/* Lower case, into one of the caller's buffers. */
static const char *low(const char *word, char buffer[32])
{
    size_t k = 0;
    for (; k < 31 && word[k] != '\0'; k++)
        buffer[k] = (char)tolower((unsigned char)word[k]);
    buffer[k] = '\0';
    return buffer;
}

const char *synth_pen_tag(struct pen *pen, const struct synth_theme *theme)
{
    return pick(pen, theme, theme->tag, SYNTH_NOUNS + SYNTH_ADJECTIVES, SYNTH_TAGS);
}

const char *synth_pen_opinion(struct pen *pen, float rating)
{
    static const char *const(*const opinions[3][2])[SYNTH_OPINIONS] = {
        [SYNTH_FILMS] = {synth_opinions, synth_opinions_zh},
        [SYNTH_SHOP] = {synth_opinions_shop, synth_opinions_shop_zh},
        [SYNTH_COURSES] = {synth_opinions_courses, synth_opinions_courses_zh}};
    const int stars = rating < 1 ? 1 : rating > 5 ? 5 : (int)rating;
    const char *const(*said)[SYNTH_OPINIONS] = opinions[pen->o->scenario][pen->o->language == SYNTH_CHINESE];
    return said[stars - 1][synth_pen_below(pen, SYNTH_OPINIONS)];
}

static int write_title_zh(struct pen *pen, int year, char *out, size_t size)
{
    const char *a = adjective(pen), *x = noun(pen), *y = noun(pen);
    if (x == y)
        y = a;
    switch (synth_pen_below(pen, 5)) {
    case 0:
        return snprintf(out, size, "%s的%s (%d)", a, x, year);
    case 1:
        return snprintf(out, size, "%s与%s (%d)", x, y, year);
    case 2:
        return snprintf(out, size, "最后的%s (%d)", x, year);
    case 3:
        return snprintf(out, size, "%s之%s (%d)", x, y, year);
    default:
        return snprintf(out, size, "%s归来 (%d)", x, year);
    }
}

static int write_description_zh(struct pen *pen, char *out, size_t size)
{
    const char *a = adjective(pen), *x = noun(pen), *y = noun(pen), *z = noun(pen), *c = adjective(pen);
    switch (synth_pen_below(pen, 3)) {
    case 0:
        return snprintf(out, size, "一个%s的故事：关于%s和%s。后来出现了%s，%s的一切都变了。", a, x, y, z, c);
    case 1:
        return snprintf(out, size, "当%s遇到%s的%s，什么都不再一样。还有%s，以及%s的结局。", x, a, y, z, c);
    default:
        return snprintf(out, size, "一切从%s开始。接着是%s的%s，最后是%s的%s。", x, a, y, c, z);
    }
}

static int write_review_zh(struct pen *pen, const char *opinion, char *out, size_t size)
{
    const char *x = noun(pen), *y = noun(pen), *a = adjective(pen);
    switch (synth_pen_below(pen, 3)) {
    case 0:
        return snprintf(out, size, "%s。%s和%s的%s让人印象深刻。", opinion, x, a, y);
    case 1:
        return snprintf(out, size, "%s：一部关于%s和%s的%s电影。", opinion, x, y, a);
    default:
        return snprintf(out, size, "%s！讲的是%s，最后还有%s的%s。", opinion, x, a, y);
    }
}

int synth_write_title(struct pen *pen, int year, char *out, size_t size)
{
    if (pen->o->language == SYNTH_CHINESE)
        return write_title_zh(pen, year, out, size);
    const char *a = adjective(pen), *x = noun(pen), *y = noun(pen);
    if (x == y)
        y = a;
    switch (synth_pen_below(pen, 6)) {
    case 0:
        return snprintf(out, size, "The %s %s (%d)", a, x, year);
    case 1:
        return snprintf(out, size, "%s and %s (%d)", x, y, year);
    case 2:
        return snprintf(out, size, "The Last %s (%d)", x, year);
    case 3:
        return snprintf(out, size, "%s of the %s (%d)", x, y, year);
    case 4:
        return snprintf(out, size, "%s %s (%d)", a, x, year);
    default:
        return snprintf(out, size, "Return of the %s %s (%d)", a, x, year);
    }
}

int synth_write_description(struct pen *pen, char *out, size_t size)
{
    if (pen->o->language == SYNTH_CHINESE)
        return write_description_zh(pen, out, size);
    char b[6][32];
    const char *a = low(adjective(pen), b[0]), *x = low(noun(pen), b[1]), *y = low(noun(pen), b[2]);
    const char *z = low(noun(pen), b[3]), *c = low(adjective(pen), b[4]), *w = low(noun(pen), b[5]);
    switch (synth_pen_below(pen, 4)) {
    case 0:
        return snprintf(out, size,
                        "A %s story of a %s and a %s. Soon there is a %s, and a %s %s changes all.", a, x, y,
                        z, c, w);
    case 1:
        return snprintf(out, size, "When a %s meets a %s %s, nothing stays as it was. With a %s and a %s %s.",
                        x, a, y, z, c, w);
    case 2:
        return snprintf(out, size,
                        "In this %s film a young hero must choose between the %s and the %s. A %s %s waits "
                        "behind the %s.",
                        a, x, y, c, z, w);
    default:
        return snprintf(out, size,
                        "Everything begins with a %s. Then come the %s %s, the %s, and at last the %s %s.", x,
                        a, y, z, c, w);
    }
}

int synth_write_review(struct pen *pen, float rating, char *out, size_t size)
{
    char b[3][32];
    const char *opinion = synth_pen_opinion(pen, rating);
    if (pen->o->language == SYNTH_CHINESE)
        return write_review_zh(pen, opinion, out, size);
    const char *x = low(noun(pen), b[0]), *y = low(noun(pen), b[1]), *a = low(adjective(pen), b[2]);
    switch (synth_pen_below(pen, 3)) {
    case 0:
        return snprintf(out, size, "%s. The %s and the %s %s stay in my mind.", opinion, x, a, y);
    case 1:
        return snprintf(out, size, "%s: a %s film about the %s and the %s.", opinion, a, x, y);
    default:
        return snprintf(out, size, "%s! It is all about a %s, with a %s %s in the end.", opinion, x, a, y);
    }
}

/* 'a' or 'b'; 0 without dialects. */
char synth_dialect(const struct synth_options *o, bool of_item, uint32_t at)
{
    if (!o->dialects)
        return 0;
    return synth_unit(o->seed, SYNTH_DIALECT, of_item, at) < 0.5 ? 'a' : 'b';
}

struct pen synth_pen(const struct synth_options *o, const struct truth *t, enum synth_purpose purpose,
                     uint32_t epoch, uint32_t item, uint64_t first)
{
    return (struct pen){o, purpose, epoch, first, t->item + (size_t)item * o->factors, 0};
}
