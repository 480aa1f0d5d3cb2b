/*
 * filter_text.c - items of which there is text: an item stays when one of the fields asked for isn't empty.
 *
 * A field is an item column (a title; a list with a name; a number that isn't missing), or tags, reviews or posts: texts
 * that users wrote about the item.  Which items stay may then depend on texts of held-out pairs, but no such text reaches a
 * model (view.h).
 */
#include <math.h>
#include <string.h>

#include "base/strings.h"
#include "data/filter_kinds.h"

struct text_params {
    struct param_list fields;
};

static const struct param params[] = {
    PARAM_LIST(struct text_params, fields, "title", NULL,
               "item columns, or tags, reviews, posts; one that isn't empty is enough"),
    PARAM_END};

/* tags, reviews, posts; -1: none of them. */
static int text_kind(const char *field)
{
    return strcmp(field, "tags") == 0      ? TEXT_TAG
           : strcmp(field, "reviews") == 0 ? TEXT_REVIEW
           : strcmp(field, "posts") == 0   ? TEXT_POST
                                           : -1;
}

static void mark_texts(const struct texts *texts, int kind, uint8_t *has)
{
    for (uint64_t t = 0; t < texts->n; t++)
        if (texts->kind[t] == kind && texts->item[t] != UINT32_MAX && strings_length(&texts->text, t) > 0)
            has[texts->item[t]] = 1;
}

static void mark_column(const struct column *c, uint32_t n_items, uint8_t *has)
{
    for (uint32_t i = 0; i < n_items; i++)
        if (c->kind == COLUMN_TEXT   ? strings_length(&c->text, i) > 0
            : c->kind == COLUMN_LIST ? c->list.ptr[i + 1] > c->list.ptr[i]
                                     : !isnan(c->number[i]))
            has[i] = 1;
}

static enum status no_such_field(const struct dataset *d, const char *field)
{
    const char *names[256];
    size_t n = 0;
    for (uint32_t i = 0; i < d->n_item_columns && n < 256; i++)
        names[n++] = d->item_columns[i].name;
    const char *nearest = string_nearest(field, names, n);
    return status_fail(STATUS_DATA, "with_text: dataset '%s' has no item column '%s'%s%s%s", d->name, field,
                       nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "'?" : "; `recfuse info` lists them");
}

static enum status apply(const void *values, const struct dataset *d, const struct interactions *in,
                         struct arena *arena, struct interactions *out)
{
    const struct text_params *p = values;
    uint8_t *has, *keep;
    ARENA_NEW(has, arena, d->n_items);
    ARENA_NEW(keep, arena, in->n);
    for (size_t k = 0; k < p->fields.n; k++) {
        const struct column *column = dataset_item_column(d, p->fields.item[k]);
        const int kind = text_kind(p->fields.item[k]);
        if (column == NULL && kind < 0)
            return no_such_field(d, p->fields.item[k]);
        if (column != NULL)
            mark_column(column, d->n_items, has);
        if (kind >= 0)
            mark_texts(&d->texts, kind, has);
    }
    for (uint64_t r = 0; r < in->n; r++)
        keep[r] = has[in->item[r]];
    return filter_take(in, keep, arena, out);
}

const struct filter_type filter_with_text = {.name = "with_text",
                                             .help = "items that have a text of one of these fields",
                                             .params = params,
                                             .params_size = sizeof(struct text_params),
                                             .apply = apply};
