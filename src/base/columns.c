/* columns.c - utf8proc's widths of letters. */
#include <string.h>
#include <utf8proc.h>

#include "base/columns.h"

/* The letter at `text`: its bytes and its columns; a byte that is no UTF-8 counts as one column. */
static size_t letter(const char *text, size_t *columns)
{
    utf8proc_int32_t code;
    const utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, -1, &code);
    *columns = n > 0 ? (size_t)utf8proc_charwidth(code) : 1;
    return n > 0 ? (size_t)n : 1;
}

size_t text_columns(const char *text)
{
    size_t n = 0, width;
    while (*text != '\0') {
        text += letter(text, &width);
        n += width;
    }
    return n;
}

const char *text_shortened(const char *text, size_t columns, struct arena *arena)
{
    size_t bytes = 0, used = 0, width;
    if (text_columns(text) <= columns)
        return text;
    for (;;) {
        const size_t n = letter(text + bytes, &width);
        if (used + width + 1 > columns)
            return arena_printf(arena, "%.*s\u2026", (int)bytes, text);
        used += width;
        bytes += n;
    }
}
