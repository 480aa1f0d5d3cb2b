/*
 * synth_scenario.h - inside of synth: items that are not films, goods of a shop and courses.
 *
 * What an item is (theme, thing, brand, price; subject, level) depends on the options, its vector and its number alone, so that columns
 * and texts say the same.  The theme is drawn as every word is: with --told and --noise it tells as little of taste as they do.
 */
#ifndef DATA_SYNTH_SCENARIO_H
#define DATA_SYNTH_SCENARIO_H
#include <stdbool.h>

#include "data/synth_pen.h"

struct synth_goods {
    const struct synth_theme *theme;
    const char *thing, *brand;
    /* Log-normal about the category's median, with a deviation of 0.5 of the logarithm; yuan in Chinese, else dollars. */
    double price, usual_price;
    bool in_stock; /* 85 of 100 */
};
struct synth_goods synth_goods_of(const struct synth_options *options, const struct truth *truth,
                                  uint32_t item);
/* Columns title, categories, brand, price, stock, description of d's items, from d->truth. */
enum status synth_shop_columns(const struct synth_options *options, struct arena *arena, struct dataset *d);
/* One text into out; returns its length, below 512. */
int synth_write_goods_review(struct pen *pen, float rating, char *out, size_t size);
/* What one searches for who then takes the item: half of the time the item's own thing, else another word of its category; with
 * "cheap" or "premium" where the price is far from usual, its brand, or what such things are or are for. */
int synth_write_query(struct pen *pen, const struct synth_goods *goods, char *out, size_t size);

enum { SYNTH_LEVELS = 4 };
/* Columns title, subject, level, prerequisites, description of d's items, from d->truth.  needs [n_items x n_items]: a course above
 * level 1 needs one (70 of 100) or two courses of its subject and the level below, where there are any. */
enum status synth_course_columns(const struct synth_options *options, struct arena *arena, struct dataset *d,
                                 struct csr *needs);
int synth_write_course_review(struct pen *pen, float rating, char *out, size_t size);

#endif
