/*
 * synth_pen.h - inside of synth: words and sentences, drawn from an item's themes.
 */
#ifndef DATA_SYNTH_PEN_H
#define DATA_SYNTH_PEN_H
#include <stdbool.h>

#include "data/synth_text.h"
#include "data/synth_words.h"

/* A stream of draws of one purpose about one thing (epoch, next). */
struct pen {
    const struct synth_options *o;
    enum synth_purpose purpose;
    uint32_t epoch;
    uint64_t next;
    const float *vector; /* the item's weights, [factors] */
    char dialect;        /* 'a', 'b'; 0: all words */
};
/* A pen of no dialect whose first draw is `first`. */
struct pen synth_pen(const struct synth_options *options, const struct truth *truth,
                     enum synth_purpose purpose, uint32_t epoch, uint32_t item, uint64_t first);
double synth_pen_draw(struct pen *pen); /* in (0, 1) */
uint32_t synth_pen_below(struct pen *pen, uint32_t n);
/* A theme of the item, the likelier the more of it the item has. */
const struct synth_theme *synth_pen_theme(struct pen *pen);
const char *synth_pen_tag(struct pen *pen, const struct synth_theme *theme);
const char *synth_pen_noun(struct pen *pen, const struct synth_theme *theme);
const char *synth_pen_adjective(struct pen *pen, const struct synth_theme *theme);
/* What one says who gave `rating`, in the set's language. */
const char *synth_pen_opinion(struct pen *pen, float rating);
/* One text about a film into out; returns its length, below 512. */
int synth_write_title(struct pen *pen, int year, char *out, size_t size);
int synth_write_description(struct pen *pen, char *out, size_t size);
int synth_write_review(struct pen *pen, float rating, char *out, size_t size);

/* The list column `name` of all themes that an item is told to be of. */
enum status synth_theme_column(const struct synth_options *options, struct arena *arena,
                               const struct dataset *d, const char *name, struct column *out);

/* So many themes, the first ones, are told of. */
uint32_t synth_told(const struct synth_options *options);
const struct synth_theme *synth_themes_of(const struct synth_options *options);
/* 'a' or 'b'; 0 without dialects. */
char synth_dialect(const struct synth_options *options, bool of_item, uint32_t at);

#endif
