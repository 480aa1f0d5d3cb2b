/*
 * synth_text.c - titles, genres, years, descriptions, tags and reviews of generated items.
 *
 * Each word is drawn from the theme of a latent factor, a factor with probability proportional to the square
 * of the item's weight in it (the main theme speaks most, the trace of the others hardly ever); so the words
 * carry the very vector that tastes act on, with the noise of language.  A review opens with an opinion that
 * fits the rating. One row in four has a review, one in eight one or two tags.
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
};

static double draw(struct pen *pen)
{
    return synth_unit(pen->o->seed, pen->purpose, pen->epoch, pen->next++);
}

static uint32_t below(struct pen *pen, uint32_t n)
{
    return (uint32_t)(draw(pen) * n);
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
            return &synth_themes[f];
    }
    return &synth_themes[pen->o->factors - 1];
}

static const char *noun(struct pen *pen)
{
    const struct synth_theme *theme = draw_theme(pen);
    return theme->noun[below(pen, SYNTH_NOUNS)];
}

static const char *adjective(struct pen *pen)
{
    const struct synth_theme *theme = draw_theme(pen);
    return theme->adjective[below(pen, SYNTH_ADJECTIVES)];
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

static int write_title(struct pen *pen, int year, char *out, size_t size)
{
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
    const char *opinion = synth_opinions[stars - 1][below(pen, SYNTH_OPINIONS)];
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

static struct pen pen_for(const struct synth_options *o, const struct dataset *d, enum synth_purpose purpose,
                          uint32_t epoch, uint32_t item, uint64_t first)
{
    return (struct pen){o, purpose, epoch, first, d->truth->item + (size_t)item * o->factors};
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
            col[n++] = f;
        }
    }
    *out = (struct column){.name = "genres", .kind = COLUMN_LIST};
    TRY(csr_from_triples(d->n_items, o->factors, n, row, col, NULL, arena, &out->list, NULL));
    enum status s = STATUS_OK;
    for (uint32_t f = 0; f < o->factors && s == STATUS_OK; f++)
        s = string_builder_add(&names, synth_themes[f].genre, strlen(synth_themes[f].genre));
    if (s == STATUS_OK)
        return string_builder_finish(&names, arena, &out->names);
    string_builder_free(&names);
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
        struct pen title = pen_for(o, d, SYNTH_TITLE, i, i, 0), description = title;
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
    *n = 0;
    if (draw(&pen) < REVIEW_SHARE) {
        TRY(string_builder_add(b, text, (size_t)write_review(&pen, in->value[r], text, sizeof text)));
        kind[(*n)++] = TEXT_REVIEW;
    }
    pen = pen_for(o, d, SYNTH_TAG, user, item, (uint64_t)item * 64);
    if (draw(&pen) < TAG_SHARE) {
        const uint32_t n_tags = 1 + below(&pen, 2);
        const char *before = NULL;
        for (uint32_t k = 0; k < n_tags; k++) {
            const struct synth_theme *theme = draw_theme(&pen);
            const char *tag = theme->tag[below(&pen, SYNTH_TAGS)];
            if (tag == before)
                continue; /* nobody tags the same twice */
            before = tag;
            TRY(string_builder_add(b, tag, strlen(tag)));
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
