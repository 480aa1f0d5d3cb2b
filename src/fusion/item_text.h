/*
 * item_text.h - an item's columns as the places of a prompt: {title}, {genres}, {year}, whatever the dataset has.
 */
#ifndef FUSION_ITEM_TEXT_H
#define FUSION_ITEM_TEXT_H
#include "data/view.h"
#include "fusion/prompt.h"

/* One item's column as text: names of a list joined by ", ", a number without needless digits, nothing where it is missing. */
enum status item_text_column(const struct column *column, uint32_t item, struct string_builder *out);

/* The section filled in for every item of the view, [n_items] in the arena.  An item that has nothing for any of its places gets the
 * empty text.  STATUS_UNAVAILABLE: a place that is no column of the items (says which there are). */
enum status item_text_all(const struct prompt_file *file, const char *section, const struct view *view,
                          struct arena *arena, struct strings *out);

#endif
