/*
 * synth_shop.c - goods of a generated shop: columns, reviews, and the searches that led to them.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/synth_scenario.h"

#define PRICE_SPREAD   0.5
#define YUAN_A_DOLLAR  7
#define CHEAP          0.7 /* of the usual price */
#define DEAR           1.4
#define IN_STOCK_SHARE 0.85
enum { BRANDS = 24, BRANDS_OF_THEME = 6 };

static const char *const brands[BRANDS] = {"Novara",  "Quillon", "Bestrix", "Ormund", "Tavelo",  "Kirrin",
                                           "Sundale", "Halvex",  "Pinoro",  "Zelmar", "Corvine", "Lumasti",
                                           "Fenwick", "Aldora",  "Brisk",   "Yotaro", "Mirabel", "Dunmore",
                                           "Evanto",  "Glenby",  "Ratoni",  "Vespar", "Wexler",  "Ikoma"};
static const char *const brands_zh[BRANDS] = {"青禾", "云泽", "百润", "星澜", "恒朗", "悦途", "金榕", "雅沐",
                                              "北辰", "乐芽", "森屿", "澄海", "御风", "锦棠", "朴石", "鹿鸣",
                                              "拓远", "晨曦", "优橙", "瑞麟", "泊岸", "木槿", "凌川", "初源"};

static const char *one_of(struct pen *pen, const char *const *words, uint32_t n)
{
    return words[synth_pen_below(pen, n)];
}

struct synth_goods synth_goods_of(const struct synth_options *o, const struct truth *t, uint32_t item)
{
    struct pen pen = synth_pen(o, t, SYNTH_GOODS, item, item, 0);
    struct synth_goods goods = {.theme = synth_pen_theme(&pen)};
    const uint32_t theme = (uint32_t)(goods.theme - synth_themes_of(o));
    const bool chinese = o->language == SYNTH_CHINESE;
    goods.thing = synth_pen_noun(&pen, goods.theme);
    goods.brand =
        (chinese ? brands_zh : brands)[(3 * theme + synth_pen_below(&pen, BRANDS_OF_THEME)) % BRANDS];
    goods.in_stock = synth_pen_draw(&pen) < IN_STOCK_SHARE;
    goods.usual_price = synth_prices[theme] * (chinese ? YUAN_A_DOLLAR : 1);
    goods.price =
        round(100 * goods.usual_price * exp(PRICE_SPREAD * synth_normal(o->seed, SYNTH_PRICE, 0, item))) /
        100;
    return goods;
}

static int write_title(struct pen *pen, const struct synth_goods *g, char *out, size_t size)
{
    const char *a = synth_pen_adjective(pen, g->theme);
    const char letter = (char)('A' + synth_pen_below(pen, 26));
    const uint32_t number = 10 + synth_pen_below(pen, 990);
    return snprintf(out, size, pen->o->language == SYNTH_CHINESE ? "%s%s%s %c%u" : "%s %s %s %c%u", g->brand,
                    a, g->thing, letter, number);
}

static int write_description(struct pen *pen, const struct synth_goods *g, char *out, size_t size)
{
    const char *a = synth_pen_adjective(pen, g->theme), *b = synth_pen_adjective(pen, g->theme);
    const char *use = synth_pen_tag(pen, g->theme), *other_use = synth_pen_tag(pen, synth_pen_theme(pen));
    const char *x = synth_pen_noun(pen, synth_pen_theme(pen)), *y = synth_pen_noun(pen, synth_pen_theme(pen));
    const bool chinese = pen->o->language == SYNTH_CHINESE;
    if (a == b)
        b = synth_pen_adjective(pen, synth_pen_theme(pen));
    if (synth_pen_below(pen, 2) == 0)
        return snprintf(out, size,
                        chinese ? "%s%s，%s，%s，适合%s和%s。常与%s、%s一起购买。"
                                : "%s %s: %s, %s, good for %s and %s. Often bought together with: %s, %s.",
                        g->brand, g->thing, a, b, use, other_use, x, y);
    return snprintf(out, size,
                    chinese
                        ? "一款%s的%s，由%s出品，用于%s和%s。%s。搭配：%s、%s。"
                        : "For those who want it %s: %s by %s, for %s and %s. It is %s. Goes with: %s, %s.",
                    a, g->thing, g->brand, use, other_use, b, x, y);
}

int synth_write_goods_review(struct pen *pen, float rating, char *out, size_t size)
{
    const char *opinion = synth_pen_opinion(pen, rating);
    const struct synth_theme *theme = synth_pen_theme(pen);
    const char *thing = synth_pen_noun(pen, theme), *use = synth_pen_tag(pen, theme);
    const char *a = synth_pen_adjective(pen, synth_pen_theme(pen));
    const bool chinese = pen->o->language == SYNTH_CHINESE;
    if (synth_pen_below(pen, 2) == 0)
        return snprintf(out, size,
                        chinese ? "%s。买来用于%s，%s是%s的。" : "%s. Bought for %s: %s, as %s as they say.",
                        opinion, use, thing, a);
    return snprintf(out, size,
                    chinese ? "%s！这种%s的%s用来%s。" : "%s! This kind of %s %s is what I use for %s.",
                    opinion, a, thing, use);
}

int synth_write_query(struct pen *pen, const struct synth_goods *g, char *out, size_t size)
{
    static const char *const cheap[3] = {"cheap", "affordable", "budget"},
                             *const cheap_zh[3] = {"便宜", "实惠", "平价"},
                             *const dear[3] = {"premium", "high-end", "top-quality"},
                             *const dear_zh[3] = {"高端", "高档", "顶级"};
    const bool chinese = pen->o->language == SYNTH_CHINESE;
    const char *thing = synth_pen_draw(pen) < 0.5 ? g->thing : synth_pen_noun(pen, g->theme);
    const char *use = synth_pen_tag(pen, g->theme);
    const char *what = g->price < CHEAP * g->usual_price  ? one_of(pen, chinese ? cheap_zh : cheap, 3)
                       : g->price > DEAR * g->usual_price ? one_of(pen, chinese ? dear_zh : dear, 3)
                                                          : synth_pen_adjective(pen, g->theme);
    switch (synth_pen_below(pen, 4)) {
    case 0:
        return snprintf(out, size, "%s %s", g->brand, thing);
    case 1:
        return snprintf(out, size, chinese ? "%s的%s 适合%s" : "%s %s for %s", what, thing, use);
    default:
        return snprintf(out, size, chinese ? "%s的 %s" : "%s %s", what, thing);
    }
}

enum status synth_shop_columns(const struct synth_options *o, struct arena *arena, struct dataset *d)
{
    enum { TITLE, CATEGORIES, BRAND, PRICE, STOCK, DESCRIPTION, N_COLUMNS };
    struct column *columns;
    struct string_builder titles = {0}, names = {0}, descriptions = {0};
    float *price, *stock;
    char text[512];
    enum status s = STATUS_OK;
    ARENA_NEW(columns, arena, N_COLUMNS);
    ARENA_NEW(price, arena, d->n_items);
    ARENA_NEW(stock, arena, d->n_items);
    for (uint32_t i = 0; i < d->n_items && s == STATUS_OK; i++) {
        const struct synth_goods goods = synth_goods_of(o, d->truth, i);
        struct pen title = synth_pen(o, d->truth, SYNTH_TITLE, i, i, 0);
        struct pen description = synth_pen(o, d->truth, SYNTH_DESCRIPTION, i, i, 0);
        price[i] = (float)goods.price;
        stock[i] = goods.in_stock ? 1 : 0;
        s = string_builder_add(&titles, text, (size_t)write_title(&title, &goods, text, sizeof text));
        if (s == STATUS_OK)
            s = string_builder_add(&names, goods.brand, strlen(goods.brand));
        if (s == STATUS_OK)
            s = string_builder_add(&descriptions, text,
                                   (size_t)write_description(&description, &goods, text, sizeof text));
    }
    columns[TITLE] = (struct column){.name = "title", .kind = COLUMN_TEXT};
    columns[BRAND] = (struct column){.name = "brand", .kind = COLUMN_TEXT};
    columns[PRICE] = (struct column){.name = "price", .kind = COLUMN_NUMBER, .number = price};
    columns[STOCK] = (struct column){.name = "stock", .kind = COLUMN_NUMBER, .number = stock};
    columns[DESCRIPTION] = (struct column){.name = "description", .kind = COLUMN_TEXT};
    if (s == STATUS_OK)
        s = string_builder_finish(&titles, arena, &columns[TITLE].text);
    if (s == STATUS_OK)
        s = string_builder_finish(&names, arena, &columns[BRAND].text);
    if (s == STATUS_OK)
        s = string_builder_finish(&descriptions, arena, &columns[DESCRIPTION].text);
    string_builder_free(&titles);
    string_builder_free(&names);
    string_builder_free(&descriptions);
    TRY(s);
    d->item_columns = columns;
    d->n_item_columns = N_COLUMNS;
    return synth_theme_column(o, arena, d, "categories", &columns[CATEGORIES]);
}
