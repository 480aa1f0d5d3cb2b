/*
 * recbole.c - RecBole's atomic files (Zhao et al. 2021): NAME.inter and, where they are, NAME.item and
 * NAME.user, plain or .gz.  Tabs part the fields, and the header gives each a type: `user_id:token`,
 * `rating:float`.
 *
 * Of .inter, user_id and item_id are needed, rating and timestamp taken where they are, the rest counted.  Of
 * .item and .user, a token becomes a text, a float a number, a token_seq (words parted by blanks) a list, but
 * a text when its name says that it is one (title, name, description, summary, review, text).  A float_seq of .item becomes a
 * feature where all its rows have one width; else, and in .user, it is counted and left out. Users and items without an interaction are
 * left out, counted.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "data/import/attributes.h"
#include "data/import/features.h"
#include "data/import/policies.h"

enum type { TOKEN, TOKEN_SEQ, FLOAT, FLOAT_SEQ };
enum { VECTOR_MAX = 8192 }; /* numbers of a float_seq */

/* "item_id:token" */
static enum status parse_name(const struct record_reader *r, size_t at, struct field *name, enum type *type)
{
    static const char *const types[] = {"token", "token_seq", "float", "float_seq"};
    const struct field f = r->field[at];
    const char *colon = memrchr(f.at, ':', f.length);
    if (colon != NULL && colon > f.at) {
        const struct field after = {colon + 1, (size_t)(f.at + f.length - colon - 1)};
        *name = (struct field){f.at, (size_t)(colon - f.at)};
        for (int i = 0; i < 4; i++)
            if (field_is(after, types[i])) {
                *type = (enum type)i;
                return STATUS_OK;
            }
    }
    return record_expected(r, at,
                           "name:type in the header, the type one of token, token_seq, float, float_seq");
}

struct inter {
    size_t n;
    int user, item, rating, time;
};

static enum status inter_header(struct import *im, const struct record_reader *r, struct inter *layout)
{
    static const char *const names[] = {"user_id", "item_id", "rating", "timestamp"};
    int *const places[] = {&layout->user, &layout->item, &layout->rating, &layout->time};
    uint64_t n_unknown = 0;
    layout->n = r->n;
    for (size_t i = 0; i < r->n; i++) {
        struct field name;
        enum type type;
        size_t k = 0;
        TRY(parse_name(r, i, &name, &type));
        while (k < 4 && !field_is(name, names[k]))
            k++;
        if (k < 4 && *places[k] >= 0)
            return record_expected(r, i, "each name only once in the header");
        if (k < 4)
            *places[k] = (int)i;
        n_unknown += k == 4;
    }
    if (layout->user < 0 || layout->item < 0)
        return reader_fail(&r->reader, r->line, 0,
                           "the header names no %s, expected user_id:token and item_id:token%s",
                           layout->user < 0 ? "user_id" : "item_id", record_hint(r));
    im->has_value = layout->rating >= 0;
    im->has_time = layout->time >= 0;
    return import_note_count(im, "columns_not_used", n_unknown);
}

static enum status parse_inter(struct import *im, const struct record_reader *r, const struct inter *layout)
{
    float value = 1;
    int64_t time = 0;
    if (r->n != layout->n)
        return reader_fail(&r->reader, r->line, 0, "found %zu field%s, expected %zu as in the header", r->n,
                           r->n == 1 ? "" : "s", layout->n);
    if (layout->rating >= 0)
        TRY(record_real(r, (size_t)layout->rating, "a rating", &value));
    if (layout->time >= 0 && !(import_seconds(r->field[layout->time], &time) && time >= 0) &&
        !(r->field[layout->time].length == 0 && policies_no_time(im, &time)))
        return record_expected(r, (size_t)layout->time, "a time in seconds since 1970, not negative");
    return import_add_row(im, r, (size_t)layout->user, (size_t)layout->item, value, time);
}

static enum status inter_row(struct import *im, const struct record_reader *r, void *context)
{
    struct inter *layout = context;
    if (r->row == 1)
        return inter_header(im, r, layout);
    return import_row_done(im, parse_inter(im, r, layout));
}

/* A float_seq of the items: vectors of one width, as they come. */
struct vectors {
    const char *name;
    uint32_t width; /* 0: none came yet */
    bool uneven;    /* another width came */
    uint64_t n, n_allocated;
    uint32_t *owner; /* [n] */
    float *value;    /* [n x width] */
};

struct side {
    const char *id_name; /* "item_id" */
    struct string_map *map;
    struct attributes table;
    struct arena *arena;
    size_t n, id_at;
    uint32_t column[RECORD_FIELDS_MAX]; /* UINT32_MAX: not used */
    enum type type[RECORD_FIELDS_MAX];
    bool is_text[RECORD_FIELDS_MAX];
    uint64_t n_left_out, n_not_used;
    bool items;
    struct vectors vectors[RECORD_FIELDS_MAX];
};

static bool names_a_text(const char *name)
{
    static const char *const words[] = {"title", "name", "description", "summary", "review", "text"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(name, words[i]) != NULL)
            return true;
    return false;
}

static enum status side_header(const struct record_reader *r, struct side *s)
{
    s->n = r->n;
    s->id_at = SIZE_MAX;
    for (size_t i = 0; i < r->n; i++) {
        struct field name;
        TRY(parse_name(r, i, &name, &s->type[i]));
        s->column[i] = UINT32_MAX;
        if (field_is(name, s->id_name)) {
            s->id_at = i;
            continue;
        }
        const char *copy = arena_printf(s->arena, "%.*s", (int)name.length, name.at);
        if (copy == NULL)
            return STATUS_SYSTEM;
        if (name.length > 64 || strchr(copy, '/') != NULL || strcmp(copy, "id") == 0 || copy[0] == '.')
            return record_expected(r, i, "a column's name: 1 to 64 bytes, no '/', not 'id', no dot in front");
        s->n_not_used += s->type[i] == FLOAT_SEQ && !s->items;
        s->vectors[i].name = copy;
        s->is_text[i] = s->type[i] == TOKEN || (s->type[i] == TOKEN_SEQ && names_a_text(copy));
        if (s->type[i] != FLOAT_SEQ)
            TRY(attributes_define(&s->table, copy,
                                  s->is_text[i]         ? COLUMN_TEXT
                                  : s->type[i] == FLOAT ? COLUMN_NUMBER
                                                        : COLUMN_LIST,
                                  &s->column[i]));
    }
    if (s->id_at == SIZE_MAX)
        return reader_fail(&r->reader, r->line, 0, "the header names no %s, expected %s:token", s->id_name,
                           s->id_name);
    return STATUS_OK;
}

static enum status vectors_room(struct vectors *v, uint32_t width)
{
    if (v->n < v->n_allocated)
        return STATUS_OK;
    const uint64_t more = v->n > 0 ? 2 * v->n : 1024;
    uint32_t *owner = realloc(v->owner, more * sizeof *owner);
    v->owner = owner != NULL ? owner : v->owner;
    float *value = realloc(v->value, more * width * sizeof *value);
    v->value = value != NULL ? value : v->value;
    v->n_allocated = more;
    return owner != NULL && value != NULL ? STATUS_OK : status_fail(STATUS_SYSTEM, "out of memory");
}

/* "0.5 1 -2" of one item. */
static enum status add_vector(struct vectors *v, const struct record_reader *r, size_t at, uint32_t owner)
{
    float values[VECTOR_MAX];
    uint32_t n = 0;
    const char *from = r->field[at].at, *end = from + r->field[at].length;
    while (from < end) {
        const char *stop = memchr(from, ' ', (size_t)(end - from));
        stop = stop != NULL ? stop : end;
        if (stop > from &&
            (n == VECTOR_MAX || !field_real((struct field){from, (size_t)(stop - from)}, &values[n++])))
            return record_expected(r, at, "numbers parted by blanks, at most %d", VECTOR_MAX);
        from = stop + 1;
    }
    if (n == 0)
        return STATUS_OK;
    v->uneven = v->uneven || (v->width > 0 && v->width != n);
    if (v->uneven)
        return STATUS_OK;
    v->width = n;
    TRY(vectors_room(v, n));
    memcpy(v->value + v->n * n, values, n * sizeof *values);
    v->owner[v->n++] = owner;
    return STATUS_OK;
}

/* The vectors that came, as features. */
static enum status finish_vectors(struct import *im, struct side *s)
{
    const uint32_t n_items = string_map_size(im->items);
    for (size_t i = 0; s->items && i < s->n; i++) {
        const struct vectors *v = &s->vectors[i];
        float *value;
        s->n_not_used += s->type[i] == FLOAT_SEQ && (v->uneven || v->n == 0);
        if (v->uneven || v->n == 0)
            continue;
        ARENA_NEW(value, s->arena, (size_t)n_items * v->width);
        for (size_t k = 0; k < (size_t)n_items * v->width; k++)
            value[k] = NAN;
        for (uint64_t k = 0; k < v->n; k++)
            memcpy(value + (size_t)v->owner[k] * v->width, v->value + k * v->width, v->width * sizeof *value);
        TRY(features_add(im, v->name, v->width, false, value));
    }
    return STATUS_OK;
}

static void vectors_close(struct side *s)
{
    for (size_t i = 0; i < RECORD_FIELDS_MAX; i++) {
        free(s->vectors[i].owner);
        free(s->vectors[i].value);
    }
}

static enum status side_row(struct import *im, const struct record_reader *r, void *context)
{
    struct side *s = context;
    bool again;
    float number;
    (void)im;
    if (r->row == 1)
        return side_header(r, s);
    if (r->n != s->n)
        return reader_fail(&r->reader, r->line, 0, "found %zu field%s, expected %zu as in the header", r->n,
                           r->n == 1 ? "" : "s", s->n);
    const struct field id = r->field[s->id_at];
    const uint32_t owner = string_map_find(s->map, id.at, id.length);
    if (owner == UINT32_MAX) {
        s->n_left_out++;
        return STATUS_OK;
    }
    TRY(attributes_row(&s->table, owner, &again));
    if (again)
        return record_expected(r, s->id_at, "each %s only once in this file", s->id_name);
    for (size_t i = 0; i < r->n; i++) {
        if (s->type[i] == FLOAT_SEQ && s->items)
            TRY(add_vector(&s->vectors[i], r, i, owner));
        if (s->column[i] == UINT32_MAX || r->field[i].length == 0)
            continue;
        if (s->is_text[i]) {
            TRY(attributes_text(&s->table, s->column[i], owner, r->field[i]));
        } else if (s->type[i] == TOKEN_SEQ) {
            TRY(attributes_entries(&s->table, s->column[i], owner, r->field[i], ' '));
        } else {
            TRY(record_real(r, i, "a number", &number));
            TRY(attributes_number(&s->table, s->column[i], owner, number));
        }
    }
    return STATUS_OK;
}

static enum status read_side(struct import *im, const char *path, bool items, struct arena *arena)
{
    struct side *s;
    if (path == NULL)
        return STATUS_OK;
    ARENA_NEW(s, arena, 1);
    s->id_name = items ? "item_id" : "user_id";
    s->map = items ? im->items : im->users;
    s->items = items;
    s->arena = arena;
    enum status status = import_each_row(im, path, RECORD_TAB, READER_UTF8, NULL, side_row, s);
    const uint32_t n = string_map_size(s->map);
    const uint32_t room = items ? RECORD_FIELDS_MAX : sizeof im->user_columns / sizeof *im->user_columns;
    if (status == STATUS_OK && s->table.n > room)
        status = status_fail(STATUS_DATA, "%s: has %u columns, expected at most %u", path, s->table.n, room);
    if (status == STATUS_OK)
        status = attributes_finish(&s->table, items ? im->item_columns : im->user_columns,
                                   items ? &im->n_item_columns : &im->n_user_columns, n, arena);
    if (status == STATUS_OK)
        status = finish_vectors(im, s);
    if (status == STATUS_OK)
        status = import_note_count(
            im, items ? "items_without_interaction_left_out" : "users_without_interaction_left_out",
            s->n_left_out);
    if (status == STATUS_OK)
        status =
            import_note_count(im, items ? "item_columns_not_used" : "user_columns_not_used", s->n_not_used);
    attributes_close(&s->table);
    vectors_close(s);
    return status;
}

static enum status read_all(struct import *im, const char *source, const struct import_options *options,
                            struct arena *arena)
{
    char *prefix, *inter, *item, *user;
    struct inter layout = {0, -1, -1, -1, -1};
    TRY(import_refuse_items_and_header(options, "recbole"));
    TRY(import_main_file(source, ".inter", arena, &prefix, &inter));
    TRY(import_beside(prefix, ".item", arena, &item));
    TRY(import_beside(prefix, ".user", arena, &user));
    TRY(import_each_row(im, inter, RECORD_TAB, READER_UTF8, NULL, inter_row, &layout));
    TRY(read_side(im, item, true, arena));
    return read_side(im, user, false, arena);
}

static enum status read_recbole(const char *source, const struct import_options *options, struct arena *arena,
                                struct dataset **out)
{
    return import_fill(source, options, arena, read_all, out);
}

const struct import_format import_recbole = {
    .name = "recbole",
    .help = "RecBole's atomic files: NAME.inter with NAME.item and NAME.user beside it, or their folder",
    .example = "user_id:token item_id:token rating:float timestamp:float, then 196 242 3 881250949 (tabs)",
    .read = read_recbole,
    .takes = IMPORT_TAKES_MAX_BAD,
};
