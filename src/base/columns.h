/*
 * columns.h - how wide a text stands where every letter has the same width.
 */
#ifndef BASE_COLUMNS_H
#define BASE_COLUMNS_H
#include <stddef.h>

#include "base/arena.h"

/* The columns that `text` (UTF-8) takes where every letter has the same width: 2 a CJK letter, 0 a combining one. */
size_t text_columns(const char *text);
/* `text` cut to at most `columns` of them, the last being an ellipsis; `text` itself where it fits. NULL: memory is out. */
const char *text_shortened(const char *text, size_t columns, struct arena *arena);

#endif
