/* item_text.c - see item_text.h. */
#include "fusion/item_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct places {
    const struct view *view;
    uint32_t item;
    bool any; /* something stood for a place */
};

enum status item_text_column(const struct column *column, uint32_t item, struct string_builder *out)
{
    char number[40];
    if (column->kind == COLUMN_TEXT)
        return string_builder_append(out, strings_at(&column->text, item),
                                     strings_length(&column->text, item));
    if (column->kind == COLUMN_NUMBER) {
        if (isnan(column->number[item]))
            return STATUS_OK;
        const int n = snprintf(number, sizeof number, "%.9g", (double)column->number[item]);
        return string_builder_append(out, number, (size_t)n);
    }
    for (int64_t e = column->list.ptr[item]; e < column->list.ptr[item + 1]; e++) {
        const uint32_t name = column->list.idx[e];
        if (e > column->list.ptr[item])
            TRY(string_builder_append(out, ", ", 2));
        TRY(string_builder_append(out, strings_at(&column->names, name),
                                  strings_length(&column->names, name)));
    }
    return STATUS_OK;
}

static enum status value(void *context, const char *name, struct string_builder *out, bool *known)
{
    struct places *p = context;
    const struct column *column = view_item_column(p->view, name);
    const size_t before = out->length;
    *known = column != NULL;
    if (column != NULL)
        TRY(item_text_column(column, p->item, out));
    p->any = p->any || out->length > before;
    return STATUS_OK;
}

/* A name of the places that the dataset has no column for. */
static enum status unavailable(const struct prompt_file *file, const char *section, const struct view *v,
                               struct arena *arena)
{
    char *names = arena_strdup(arena, "");
    for (uint32_t c = 0; names != NULL && c < v->n_item_columns; c++)
        names = arena_printf(arena, "%s%s{%s}", names, c > 0 ? ", " : "", v->item_columns[c].name);
    return status_fail(STATUS_UNAVAILABLE,
                       "prompt %s, section [%s] asks for a column that the items don't have; they have %s",
                       file->name, section, names != NULL && names[0] != '\0' ? names : "none");
}

/* Places of the section that are columns, and all of them. */
static void count_places(const char *text, const struct view *v, size_t *known, size_t *all)
{
    *known = *all = 0;
    for (const char *at = text; *at != '\0'; at++) {
        char name[64];
        const size_t n = prompt_place(at, name);
        *all += n > 0;
        *known += n > 0 && view_item_column(v, name) != NULL;
    }
}

enum status item_text_all(const struct prompt_file *file, const char *section, const struct view *view,
                          struct arena *arena, struct strings *out)
{
    struct string_builder b = {0};
    struct places p = {.view = view};
    const char *text;
    size_t known, all;
    TRY(prompt_need(file, section, &text));
    count_places(text, view, &known, &all);
    if (known < all)
        return unavailable(file, section, view, arena);
    struct arena *scratch = arena_new();
    enum status status = scratch != NULL ? STATUS_OK : STATUS_SYSTEM;
    for (; p.item < view->n_items && status == STATUS_OK; p.item++) {
        char *line;
        p.any = all == 0;
        status = prompt_render(file, section, value, &p, scratch, &line);
        if (status == STATUS_OK)
            status = string_builder_add(&b, line, p.any ? strlen(line) : 0);
    }
    arena_free(scratch);
    if (status == STATUS_OK)
        return string_builder_finish(&b, arena, out);
    string_builder_free(&b);
    return status;
}
