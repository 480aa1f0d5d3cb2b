/*
 * synth_text.c - titles, genres, years, descriptions, tags and reviews of generated items.
 *
 * Each word is drawn from the theme of a latent factor, a factor with probability proportional to the square
 * of the item's weight in it (the main theme speaks most, the trace of the others hardly ever); so the words
 * carry the very vector that tastes act on, with the noise of language.  A review opens with an opinion that
 * fits the rating. One row in four has a review, one in eight one or two tags.  With dialects an item's own texts keep to
 * the words of the item's dialect and a review or tag to those of its user's (synth.h).
 */
#include "data/synth_text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "data/synth_words.h"

#define REVIEW_SHARE 0.25
#define TAG_SHARE    0.125
#define GENRE_WEIGHT 0.45F /* of a factor, from which an item counts as of that genre */

/* A stream of draws of one purpose about one thing (epoch, first). */
struct pen {
    const struct synth_options *o;
    enum synth_purpose purpose;
    uint32_t epoch;
    uint64_t next;
    const float *vector; /* the item's weights, [factors] */
    char dialect;        /* 'a', 'b'; 0: all words */
};

static double draw(struct pen *pen)
{
    return synth_unit(pen->o->seed, pen->purpose, pen->epoch, pen->next++);
}

static uint32_t below(struct pen *pen, uint32_t n)
{
    return (uint32_t)(draw(pen) * n);
}

static const struct synth_theme *themes_of(const struct synth_options *o)
{
    return o->language == SYNTH_CHINESE ? synth_themes_zh : synth_themes;
}

/* One of the n words that stand from `first` on in the theme's order (nouns, adjectives, tags). */
static const char *pick(struct pen *pen, const struct synth_theme *theme, const char *const *words,
                        uint32_t first, uint32_t n)
{
    if (pen->dialect == 0)
        return words[below(pen, n)];
    uint32_t left = below(pen, n / 2), k = 0;
    while (theme->dialect[first + k] != pen->dialect || left-- > 0)
        k++;
    return words[k];
}

static const struct synth_theme *draw_theme(struct pen *pen)
{
    double sum = 0;
    for (uint32_t f = 0; f < pen->o->factors; f++)
        sum += (double)pen->vector[f] * pen->vector[f];
    double at = draw(pen) * sum;
    for (uint32_t f = 0; f < pen->o->factors; f++) {
        at -= (double)pen->vector[f] * pen->vector[f];
        if (at <= 0)
            return &themes_of(pen->o)[f];
    }
    return &themes_of(pen->o)[pen->o->factors - 1];
}

static const char *noun(struct pen *pen)
{
    const struct synth_theme *theme = draw_theme(pen);
    return pick(pen, theme, theme->noun, 0, SYNTH_NOUNS);
}

static const char *adjective(struct pen *pen)
{
    const struct synth_theme *theme = draw_theme(pen);
    return pick(pen, theme, theme->adjective, SYNTH_NOUNS, SYNTH_ADJECTIVES);
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

static const char *tag(struct pen *pen, const struct synth_theme *theme)
{
    return pick(pen, theme, theme->tag, SYNTH_NOUNS + SYNTH_ADJECTIVES, SYNTH_TAGS);
}

static int write_title_zh(struct pen *pen, int year, char *out, size_t size)
{
    const char *a = adjective(pen), *x = noun(pen), *y = noun(pen);
    if (x == y)
        y = a;
    switch (below(pen, 5)) {
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
    switch (below(pen, 3)) {
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
    switch (below(pen, 3)) {
    case 0:
        return snprintf(out, size, "%s。%s和%s的%s让人印象深刻。", opinion, x, a, y);
    case 1:
        return snprintf(out, size, "%s：一部关于%s和%s的%s电影。", opinion, x, y, a);
    default:
        return snprintf(out, size, "%s！讲的是%s，最后还有%s的%s。", opinion, x, a, y);
    }
}

static int write_title(struct pen *pen, int year, char *out, size_t size)
{
    if (pen->o->language == SYNTH_CHINESE)
        return write_title_zh(pen, year, out, size);
    const char *a = adjective(pen), *x = noun(pen), *y = noun(pen);
    if (x == y)
        y = a;
    switch (below(pen, 6)) {
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

static int write_description(struct pen *pen, char *out, size_t size)
{
    if (pen->o->language == SYNTH_CHINESE)
        return write_description_zh(pen, out, size);
    char b[6][32];
    const char *a = low(adjective(pen), b[0]), *x = low(noun(pen), b[1]), *y = low(noun(pen), b[2]);
    const char *z = low(noun(pen), b[3]), *c = low(adjective(pen), b[4]), *w = low(noun(pen), b[5]);
    switch (below(pen, 4)) {
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

static int write_review(struct pen *pen, float rating, char *out, size_t size)
{
    char b[3][32];
    const int stars = rating < 1 ? 1 : rating > 5 ? 5 : (int)rating;
    const bool chinese = pen->o->language == SYNTH_CHINESE;
    const char *opinion =
        (chinese ? synth_opinions_zh : synth_opinions)[stars - 1][below(pen, SYNTH_OPINIONS)];
    if (chinese)
        return write_review_zh(pen, opinion, out, size);
    const char *x = low(noun(pen), b[0]), *y = low(noun(pen), b[1]), *a = low(adjective(pen), b[2]);
    switch (below(pen, 3)) {
    case 0:
        return snprintf(out, size, "%s. The %s and the %s %s stay in my mind.", opinion, x, a, y);
    case 1:
        return snprintf(out, size, "%s: a %s film about the %s and the %s.", opinion, a, x, y);
    default:
        return snprintf(out, size, "%s! It is all about a %s, with a %s %s in the end.", opinion, x, a, y);
    }
}

/* 'a' or 'b'; 0 without dialects. */
static char dialect_of(const struct synth_options *o, bool of_item, uint32_t at)
{
    if (!o->dialects)
        return 0;
    return synth_unit(o->seed, SYNTH_DIALECT, of_item, at) < 0.5 ? 'a' : 'b';
}

static struct pen pen_for(const struct synth_options *o, const struct dataset *d, enum synth_purpose purpose,
                          uint32_t epoch, uint32_t item, uint64_t first)
{
    return (struct pen){o, purpose, epoch, first, d->truth->item + (size_t)item * o->factors, 0};
}

/* Released 1930 to 1999, most of them late. */
static int draw_year(const struct synth_options *o, uint32_t item)
{
    return 1999 - (int)(70 * pow(synth_unit(o->seed, SYNTH_YEAR, 0, item), 2.5));
}

static enum status genres(const struct synth_options *o, struct arena *arena, const struct dataset *d,
                          struct column *out)
{
    const float *weight = d->truth->item;
    struct string_builder names = {0};
    uint32_t *row, *col;
    uint64_t n = 0;
    ARENA_NEW(row, arena, (size_t)d->n_items * o->factors);
    ARENA_NEW(col, arena, (size_t)d->n_items * o->factors);
    for (uint32_t i = 0; i < d->n_items; i++) {
        for (uint32_t f = 0; f < o->factors; f++) {
            if (weight[(size_t)i * o->factors + f] < GENRE_WEIGHT)
                continue;
            row[n] = i;
            col[n++] = dialect_of(o, true, i) == 'b' ? o->factors + f : f;
        }
    }
    *out = (struct column){.name = "genres", .kind = COLUMN_LIST};
    const uint32_t n_names = o->dialects ? 2 * o->factors : o->factors;
    TRY(csr_from_triples(d->n_items, n_names, n, row, col, NULL, arena, &out->list, NULL));
    enum status s = STATUS_OK;
    for (uint32_t k = 0; k < n_names && s == STATUS_OK; k++) {
        const struct synth_theme *theme = &themes_of(o)[k < o->factors ? k : k - o->factors];
        const char *name = k < o->factors ? theme->genre : theme->genre_b;
        s = string_builder_add(&names, name, strlen(name));
    }
    if (s == STATUS_OK)
        return string_builder_finish(&names, arena, &out->names);
    string_builder_free(&names);
    return s;
}

static enum status user_dialects(const struct synth_options *o, struct arena *arena, struct dataset *d)
{
    struct column *column;
    struct string_builder b = {0};
    enum status s = STATUS_OK;
    ARENA_NEW(column, arena, 1);
    *column = (struct column){.name = "dialect", .kind = COLUMN_TEXT};
    for (uint32_t u = 0; u < d->n_users && s == STATUS_OK; u++) {
        const char name = dialect_of(o, false, u);
        s = string_builder_add(&b, &name, 1);
    }
    if (s == STATUS_OK)
        s = string_builder_finish(&b, arena, &column->text);
    string_builder_free(&b);
    d->user_columns = column;
    d->n_user_columns = 1;
    return s;
}

enum status synth_columns(const struct synth_options *o, struct arena *arena, struct dataset *d)
{
    struct column *columns;
    struct string_builder titles = {0}, descriptions = {0};
    float *years;
    char text[512];
    enum status s = STATUS_OK;
    ARENA_NEW(columns, arena, 4);
    ARENA_NEW(years, arena, d->n_items);
    for (uint32_t i = 0; i < d->n_items && s == STATUS_OK; i++) {
        struct pen title = pen_for(o, d, SYNTH_TITLE, i, i, 0);
        title.dialect = dialect_of(o, true, i);
        struct pen description = title;
        description.purpose = SYNTH_DESCRIPTION;
        const int year = draw_year(o, i);
        years[i] = (float)year;
        s = string_builder_add(&titles, text, (size_t)write_title(&title, year, text, sizeof text));
        if (s == STATUS_OK)
            s = string_builder_add(&descriptions, text,
                                   (size_t)write_description(&description, text, sizeof text));
    }
    columns[0] = (struct column){.name = "title", .kind = COLUMN_TEXT};
    columns[2] = (struct column){.name = "year", .kind = COLUMN_NUMBER, .number = years};
    columns[3] = (struct column){.name = "description", .kind = COLUMN_TEXT};
    if (s == STATUS_OK)
        s = string_builder_finish(&titles, arena, &columns[0].text);
    if (s == STATUS_OK)
        s = string_builder_finish(&descriptions, arena, &columns[3].text);
    string_builder_free(&titles);
    string_builder_free(&descriptions);
    TRY(s);
    d->item_columns = columns;
    d->n_item_columns = 4;
    if (o->dialects)
        TRY(user_dialects(o, arena, d));
    return genres(o, arena, d, &columns[1]);
}

/* The texts of one row, appended; room for three. */
static enum status write_row(const struct synth_options *o, const struct dataset *d, uint64_t r,
                             struct string_builder *b, uint8_t *kind, uint32_t *n)
{
    const struct interactions *in = &d->interactions;
    const uint32_t user = in->user[r], item = in->item[r];
    char text[512];
    /* 64 draws a text are more than any takes: the streams of two items never meet. */
    struct pen pen = pen_for(o, d, SYNTH_REVIEW, user, item, (uint64_t)item * 64);
    const double share = 1 - o->fewer_texts;
    *n = 0;
    pen.dialect = dialect_of(o, false, user);
    if (draw(&pen) < share * REVIEW_SHARE) {
        TRY(string_builder_add(b, text, (size_t)write_review(&pen, in->value[r], text, sizeof text)));
        kind[(*n)++] = TEXT_REVIEW;
    }
    pen = pen_for(o, d, SYNTH_TAG, user, item, (uint64_t)item * 64);
    pen.dialect = dialect_of(o, false, user);
    if (draw(&pen) < share * TAG_SHARE) {
        const uint32_t n_tags = 1 + below(&pen, 2);
        const char *before = NULL;
        for (uint32_t k = 0; k < n_tags; k++) {
            const struct synth_theme *theme = draw_theme(&pen);
            const char *word = tag(&pen, theme);
            if (word == before)
                continue; /* nobody tags the same twice */
            before = word;
            TRY(string_builder_add(b, word, strlen(word)));
            kind[(*n)++] = TEXT_TAG;
        }
    }
    return STATUS_OK;
}

enum status synth_texts(const struct synth_options *o, struct arena *arena, struct dataset *d)
{
    const struct interactions *in = &d->interactions;
    const size_t most = 3 * (size_t)in->n;
    struct string_builder b = {0};
    uint32_t *user, *item, n_row;
    int64_t *time;
    uint8_t *kind;
    uint64_t n = 0;
    ARENA_NEW(user, arena, most);
    ARENA_NEW(item, arena, most);
    ARENA_NEW(time, arena, most);
    ARENA_NEW(kind, arena, most);
    enum status s = STATUS_OK;
    for (uint64_t r = 0; r < in->n && s == STATUS_OK; r++) {
        s = write_row(o, d, r, &b, kind + n, &n_row);
        for (uint32_t k = 0; k < n_row; k++, n++) {
            user[n] = in->user[r];
            item[n] = in->item[r];
            time[n] = in->time[r];
        }
    }
    d->texts = (struct texts){.n = n, .user = user, .item = item, .time = time, .kind = kind};
    if (s == STATUS_OK)
        return string_builder_finish(&b, arena, &d->texts.text);
    string_builder_free(&b);
    return s;
}
