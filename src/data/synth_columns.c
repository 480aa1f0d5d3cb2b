/*
 * synth_columns.c - item columns of generated films: title, genres, year, description; with dialects the users' too.
 */
#include <math.h>
#include <string.h>

#include "data/synth_pen.h"

#define GENRE_WEIGHT 0.45F /* of a factor, from which an item counts as of that genre */

/* Released 1930 to 1999, most of them late. */
static int draw_year(const struct synth_options *o, uint32_t item)
{
    return 1999 - (int)(70 * pow(synth_unit(o->seed, SYNTH_YEAR, 0, item), 2.5));
}

enum status synth_theme_column(const struct synth_options *o, struct arena *arena, const struct dataset *d,
                               const char *name, struct column *out)
{
    const float *weight = d->truth->item;
    struct string_builder names = {0};
    uint32_t *row, *col;
    uint64_t n = 0;
    ARENA_NEW(row, arena, (size_t)d->n_items * o->factors);
    ARENA_NEW(col, arena, (size_t)d->n_items * o->factors);
    for (uint32_t i = 0; i < d->n_items; i++) {
        for (uint32_t f = 0; f < synth_told(o); f++) {
            if (weight[(size_t)i * o->factors + f] < GENRE_WEIGHT)
                continue;
            row[n] = i;
            col[n++] = synth_dialect(o, true, i) == 'b' ? o->factors + f : f;
        }
    }
    *out = (struct column){.name = name, .kind = COLUMN_LIST};
    const uint32_t n_names = o->dialects ? 2 * o->factors : o->factors;
    TRY(csr_from_triples(d->n_items, n_names, n, row, col, NULL, arena, &out->list, NULL));
    enum status s = STATUS_OK;
    for (uint32_t k = 0; k < n_names && s == STATUS_OK; k++) {
        const struct synth_theme *theme = &synth_themes_of(o)[k < o->factors ? k : k - o->factors];
        const char *genre = k < o->factors ? theme->genre : theme->genre_b;
        s = string_builder_add(&names, genre, strlen(genre));
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
        const char name = synth_dialect(o, false, u);
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
        struct pen title = synth_pen(o, d->truth, SYNTH_TITLE, i, i, 0);
        title.dialect = synth_dialect(o, true, i);
        struct pen description = title;
        description.purpose = SYNTH_DESCRIPTION;
        const int year = draw_year(o, i);
        years[i] = (float)year;
        s = string_builder_add(&titles, text, (size_t)synth_write_title(&title, year, text, sizeof text));
        if (s == STATUS_OK)
            s = string_builder_add(&descriptions, text,
                                   (size_t)synth_write_description(&description, text, sizeof text));
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
    return synth_theme_column(o, arena, d, "genres", &columns[1]);
}
