/*
 * view_text.c - one text an item, put together from the fields that a model asks for.
 *
 * Everything comes from the view, so a held-out pair's tag or review can't be in it.  Tags are compared after
 * Unicode case folding (utf8proc, NFC) and shown folded: "Sci-Fi" and "sci-fi" are one tag.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "data/view.h"

enum { TAGS_MAX = 20 };

/* Texts of one kind by item. */
struct by_item {
    uint64_t *ptr;       /* [n_items + 1] */
    uint64_t *text;      /* positions in the view's texts, rising within an item */
    struct strings tags; /* TEXT_TAG: of each entry of `text`, folded and trimmed */
};

enum field_kind { FIELD_COLUMN, FIELD_TAGS, FIELD_REVIEWS };
struct field {
    enum field_kind kind;
    const struct column *column;
    struct by_item texts;
};

static enum status index_texts(const struct view *v, enum text_kind kind, struct arena *arena,
                               struct by_item *out)
{
    const struct texts *texts = &v->texts;
    uint64_t n = 0, *next;
    ARENA_NEW(out->ptr, arena, (size_t)v->n_items + 1);
    for (uint64_t t = 0; t < texts->n; t++) {
        if (texts->kind[t] != kind || texts->item[t] == UINT32_MAX)
            continue;
        out->ptr[texts->item[t] + 1]++;
        n++;
    }
    for (uint32_t i = 0; i < v->n_items; i++)
        out->ptr[i + 1] += out->ptr[i];
    ARENA_NEW(out->text, arena, n);
    next = arena_copy(arena, out->ptr, (size_t)v->n_items + 1, sizeof *next);
    if (next == NULL)
        return STATUS_SYSTEM;
    for (uint64_t t = 0; t < texts->n; t++)
        if (texts->kind[t] == kind && texts->item[t] != UINT32_MAX)
            out->text[next[texts->item[t]]++] = t;
    return STATUS_OK;
}

static enum status fold_tags(const struct view *v, struct arena *arena, struct by_item *index)
{
    struct string_builder b = {0};
    enum status s = STATUS_OK;
    for (uint64_t k = 0; k < index->ptr[v->n_items] && s == STATUS_OK; k++) {
        const char *bytes = strings_at(&v->texts.text, index->text[k]);
        size_t length = strings_length(&v->texts.text, index->text[k]);
        while (length > 0 && (unsigned char)bytes[0] <= ' ')
            bytes++, length--;
        while (length > 0 && (unsigned char)bytes[length - 1] <= ' ')
            length--;
        utf8proc_uint8_t *folded = NULL;
        const utf8proc_ssize_t n =
            utf8proc_map((const utf8proc_uint8_t *)bytes, (utf8proc_ssize_t)length, &folded,
                         (utf8proc_option_t)(UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD));
        if (n < 0)
            s = status_fail(STATUS_DATA, "a tag's text is no valid UTF-8: %s", utf8proc_errmsg(n));
        else
            s = string_builder_add(&b, (const char *)folded, (size_t)n);
        free(folded);
    }
    if (s == STATUS_OK)
        return string_builder_finish(&b, arena, &index->tags);
    string_builder_free(&b);
    return s;
}

static enum status unavailable_field(const struct view *v, const char *name)
{
    char known[512] = "";
    size_t used = 0;
    for (uint32_t k = 0; k < v->n_item_columns && used < sizeof known - 1; k++) {
        const int n = snprintf(known + used, sizeof known - used, ", %s", v->item_columns[k].name);
        used += n > 0 ? (size_t)n : 0;
    }
    return status_fail(STATUS_UNAVAILABLE,
                       "the dataset has no item text '%s'; ask for other fields (it has%s%s)", name,
                       v->n_item_columns > 0 ? ": " : " none", v->n_item_columns > 0 ? known + 2 : "");
}

static enum status open_field(const struct view *v, const char *name, struct arena *arena, struct field *out)
{
    out->column = view_item_column(v, name);
    if (out->column != NULL) {
        out->kind = FIELD_COLUMN;
        return STATUS_OK;
    }
    if (strcmp(name, "tags") == 0) {
        out->kind = FIELD_TAGS;
        TRY(index_texts(v, TEXT_TAG, arena, &out->texts));
        return fold_tags(v, arena, &out->texts);
    }
    if (strcmp(name, "reviews") == 0) {
        out->kind = FIELD_REVIEWS;
        return index_texts(v, TEXT_REVIEW, arena, &out->texts);
    }
    return unavailable_field(v, name);
}

/* Builds one item's text: pieces of a field joined by `, ` or `. `, fields by `. `. */
struct writer {
    struct string_builder *b;
    bool any_field, any_piece; /* something of the item, of the field stands already */
    enum status status;
};

static void write_piece(struct writer *w, const char *separator, const char *bytes, size_t length)
{
    const char *before = w->any_piece ? separator : w->any_field ? ". " : "";
    if (length == 0 || w->status != STATUS_OK)
        return;
    w->status = string_builder_append(w->b, before, strlen(before));
    if (w->status == STATUS_OK)
        w->status = string_builder_append(w->b, bytes, length);
    w->any_field = w->any_piece = true;
}

static void write_column(struct writer *w, const struct column *c, uint32_t item)
{
    char number[32];
    switch (c->kind) {
    case COLUMN_TEXT:
        write_piece(w, "", strings_at(&c->text, item), strings_length(&c->text, item));
        break;
    case COLUMN_LIST:
        for (int64_t e = c->list.ptr[item]; e < c->list.ptr[item + 1]; e++)
            write_piece(w, ", ", strings_at(&c->names, c->list.idx[e]),
                        strings_length(&c->names, c->list.idx[e]));
        break;
    case COLUMN_NUMBER:
        if (isfinite(c->number[item]))
            write_piece(w, "", number,
                        (size_t)snprintf(number, sizeof number, "%.9g", (double)c->number[item]));
        break;
    }
}

struct tag_count {
    uint64_t first; /* entry of its first appearance */
    uint32_t n;
};

static int compare_tags(const void *a, const void *b)
{
    const struct tag_count *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

static void write_tags(struct writer *w, const struct by_item *index, uint32_t item)
{
    const uint64_t begin = index->ptr[item], end = index->ptr[item + 1];
    struct string_map *map = string_map_new();
    struct tag_count *counts = calloc(end - begin + 1, sizeof *counts);
    if (map == NULL || counts == NULL)
        w->status =
            counts == NULL ? status_fail(STATUS_SYSTEM, "out of memory: tags of an item") : STATUS_SYSTEM;
    for (uint64_t k = begin; k < end && w->status == STATUS_OK; k++) {
        if (strings_length(&index->tags, k) == 0)
            continue;
        const uint32_t tag =
            string_map_add(map, strings_at(&index->tags, k), strings_length(&index->tags, k));
        if (tag == UINT32_MAX) {
            w->status = STATUS_SYSTEM;
            break;
        }
        if (counts[tag].n++ == 0)
            counts[tag].first = k;
    }
    if (w->status == STATUS_OK) {
        const uint32_t n = string_map_size(map);
        qsort(counts, n, sizeof *counts, compare_tags);
        for (uint32_t k = 0; k < n && k < TAGS_MAX; k++)
            write_piece(w, ", ", strings_at(&index->tags, counts[k].first),
                        strings_length(&index->tags, counts[k].first));
    }
    free(counts);
    string_map_free(map);
}

static void write_reviews(struct writer *w, const struct view *v, const struct by_item *index, uint32_t item,
                          uint32_t max_reviews)
{
    uint32_t n = 0;
    for (uint64_t k = index->ptr[item]; k < index->ptr[item + 1] && n < max_reviews; k++, n++)
        write_piece(w, ". ", strings_at(&v->texts.text, index->text[k]),
                    strings_length(&v->texts.text, index->text[k]));
}

enum status view_item_texts(const struct view *v, const struct param_list *names, uint32_t max_reviews,
                            struct arena *arena, struct strings *out)
{
    struct field *fields;
    bool any = false;
    ARENA_NEW(fields, arena, names->n);
    for (size_t k = 0; k < names->n; k++) {
        TRY(open_field(v, names->item[k], arena, &fields[k]));
        any = any || fields[k].kind == FIELD_COLUMN || fields[k].texts.ptr[v->n_items] > 0;
    }
    if (!any)
        return unavailable_field(v, names->n > 0 ? names->item[0] : "");

    struct string_builder b = {0};
    struct writer w = {.b = &b};
    for (uint32_t item = 0; item < v->n_items && w.status == STATUS_OK; item++) {
        w.any_field = false;
        for (size_t k = 0; k < names->n && w.status == STATUS_OK; k++) {
            w.any_piece = false;
            if (fields[k].kind == FIELD_COLUMN)
                write_column(&w, fields[k].column, item);
            else if (fields[k].kind == FIELD_TAGS)
                write_tags(&w, &fields[k].texts, item);
            else
                write_reviews(&w, v, &fields[k].texts, item, max_reviews);
        }
        if (w.status == STATUS_OK)
            w.status = string_builder_end(&b);
    }
    if (w.status == STATUS_OK)
        return string_builder_finish(&b, arena, out);
    string_builder_free(&b);
    return w.status;
}

const char *view_item_name(const struct view *v, uint32_t item, struct arena *arena)
{
    const struct column *title = view_item_column(v, "title");
    char *id = strings_copy(&v->item_ids, item, arena);
    if (id == NULL || title == NULL || title->kind != COLUMN_TEXT || strings_length(&title->text, item) == 0)
        return id;
    return arena_printf(arena, "%.*s [%s]", (int)strings_length(&title->text, item),
                        strings_at(&title->text, item), id);
}
