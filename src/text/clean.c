/*
 * clean.c - text made fit for counting words.  The order of the steps matters: tags go before entities
 * are decoded, so that "&lt;b&gt;", which a reader sees as "<b>", stays text; entities go before NFKC,
 * since they may stand for characters that NFKC folds (&nbsp;, &frac12;).
 *
 * Sources: HTML Living Standard 13.5 (character references; the table below holds XML's five, white
 * space, punctuation and the Latin-1 letters, which is what review texts contain), Unicode Standard
 * Annex 15 (NFKC) and section 3.13 (case folding) through utf8proc.
 * Limits: entities without the final
 * ';' are left alone; a text decoded twice by its publisher ("&amp;amp;") is decoded once.
 */
#include "text/clean.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

struct entity {
    const char *name;
    uint32_t code;
};
/* clang-format off */
static const struct entity entities[] = {
    {"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}, {"nbsp", 0xA0},
    {"iexcl", 0xA1}, {"cent", 0xA2}, {"pound", 0xA3}, {"yen", 0xA5}, {"sect", 0xA7}, {"copy", 0xA9},
    {"laquo", 0xAB}, {"shy", 0xAD}, {"reg", 0xAE}, {"deg", 0xB0}, {"plusmn", 0xB1}, {"acute", 0xB4},
    {"micro", 0xB5}, {"middot", 0xB7}, {"raquo", 0xBB}, {"frac14", 0xBC}, {"frac12", 0xBD},
    {"frac34", 0xBE}, {"iquest", 0xBF}, {"Agrave", 0xC0}, {"Aacute", 0xC1}, {"Acirc", 0xC2},
    {"Atilde", 0xC3}, {"Auml", 0xC4}, {"Aring", 0xC5}, {"AElig", 0xC6}, {"Ccedil", 0xC7},
    {"Egrave", 0xC8}, {"Eacute", 0xC9}, {"Ecirc", 0xCA}, {"Euml", 0xCB}, {"Igrave", 0xCC},
    {"Iacute", 0xCD}, {"Icirc", 0xCE}, {"Iuml", 0xCF}, {"Ntilde", 0xD1}, {"Ograve", 0xD2},
    {"Oacute", 0xD3}, {"Ocirc", 0xD4}, {"Otilde", 0xD5}, {"Ouml", 0xD6}, {"times", 0xD7},
    {"Oslash", 0xD8}, {"Ugrave", 0xD9}, {"Uacute", 0xDA}, {"Ucirc", 0xDB}, {"Uuml", 0xDC},
    {"szlig", 0xDF}, {"agrave", 0xE0}, {"aacute", 0xE1}, {"acirc", 0xE2}, {"atilde", 0xE3},
    {"auml", 0xE4}, {"aring", 0xE5}, {"aelig", 0xE6}, {"ccedil", 0xE7}, {"egrave", 0xE8},
    {"eacute", 0xE9}, {"ecirc", 0xEA}, {"euml", 0xEB}, {"igrave", 0xEC}, {"iacute", 0xED},
    {"icirc", 0xEE}, {"iuml", 0xEF}, {"ntilde", 0xF1}, {"ograve", 0xF2}, {"oacute", 0xF3},
    {"ocirc", 0xF4}, {"otilde", 0xF5}, {"ouml", 0xF6}, {"divide", 0xF7}, {"oslash", 0xF8},
    {"ugrave", 0xF9}, {"uacute", 0xFA}, {"ucirc", 0xFB}, {"uuml", 0xFC}, {"yuml", 0xFF},
    {"ndash", 0x2013}, {"mdash", 0x2014}, {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201C},
    {"rdquo", 0x201D}, {"bull", 0x2022}, {"hellip", 0x2026}, {"euro", 0x20AC}, {"trade", 0x2122}};
/* clang-format on */

/* The length of the tag at `p`, 0 when there is none. */
static size_t tag_length(const char *p, size_t left)
{
    if (left >= 4 && memcmp(p, "<!--", 4) == 0) {
        const char *end = memmem(p + 4, left - 4, "-->", 3);
        return end == NULL ? 0 : (size_t)(end - p) + 3;
    }
    if (left < 3 || p[0] != '<')
        return 0;
    const char c = p[1] == '/' ? p[2] : p[1];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || p[1] == '!'))
        return 0;
    for (size_t i = 2; i < left && p[i] != '<'; i++)
        if (p[i] == '>')
            return i + 1;
    return 0;
}

/* The length of the entity at `p` (which is an '&') and its code point; 0 when there is none. */
static size_t entity_length(const char *p, size_t left, uint32_t *code)
{
    const size_t most = left < 12 ? left : 12;
    const char *end = memchr(p, ';', most);
    if (end == NULL || end - p < 2)
        return 0;
    const size_t n = (size_t)(end - p) - 1; /* without '&' and ';' */
    if (p[1] == '#') {
        const int hex = p[2] == 'x' || p[2] == 'X';
        uint64_t value = 0;
        const char *digit = p + 2 + hex;
        if (digit == end)
            return 0;
        for (; digit < end; digit++) {
            const char c = *digit | 0x20;
            if (*digit >= '0' && *digit <= '9')
                value = value * (hex ? 16 : 10) + (uint64_t)(*digit - '0');
            else if (hex && c >= 'a' && c <= 'f')
                value = value * 16 + (uint64_t)(c - 'a') + 10;
            else
                return 0;
        }
        if (value == 0 || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
            value = 0xFFFD;
        *code = (uint32_t)value;
        return n + 2;
    }
    for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
        if (strlen(entities[i].name) == n && memcmp(entities[i].name, p + 1, n) == 0) {
            *code = entities[i].code;
            return n + 2;
        }
    return 0;
}

/* Steps 1 to 3: valid UTF-8 without markup.  `out` has room for 3 * length bytes (U+FFFD has three). */
static size_t decode(const char *bytes, size_t length, utf8proc_uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < length;) {
        uint32_t code = 0;
        size_t used = 0;
        if (bytes[i] == '<' && (used = tag_length(bytes + i, length - i)) > 0) {
            out[n++] = ' ';
        } else if (bytes[i] == '&' && (used = entity_length(bytes + i, length - i, &code)) > 0) {
            n += (size_t)utf8proc_encode_char((utf8proc_int32_t)code, out + n);
        } else {
            utf8proc_int32_t point = 0;
            const utf8proc_ssize_t step =
                utf8proc_iterate((const utf8proc_uint8_t *)bytes + i, (utf8proc_ssize_t)(length - i), &point);
            n += (size_t)utf8proc_encode_char(step > 0 ? point : 0xFFFD, out + n);
            used = step > 0 ? (size_t)step : 1;
        }
        i += used;
    }
    return n;
}

static int is_space_or_control(utf8proc_int32_t point)
{
    const utf8proc_category_t c = utf8proc_category(point);
    return c == UTF8PROC_CATEGORY_ZS || c == UTF8PROC_CATEGORY_ZL || c == UTF8PROC_CATEGORY_ZP ||
           c == UTF8PROC_CATEGORY_CC;
}

/* Step 5. */
static enum status append_without_controls(const utf8proc_uint8_t *text, size_t n, struct string_builder *b)
{
    int pending = 0, any = 0;
    utf8proc_ssize_t step = 0;
    for (size_t i = 0; i < n; i += (size_t)step) {
        utf8proc_int32_t point = 0;
        step = utf8proc_iterate(text + i, (utf8proc_ssize_t)(n - i), &point);
        if (step <= 0)
            return status_fail(STATUS_SYSTEM, "utf8proc gave a text that is not UTF-8: %s",
                               utf8proc_errmsg(step));
        if (is_space_or_control(point)) {
            pending = any;
            continue;
        }
        if (pending)
            TRY(string_builder_append(b, " ", 1));
        TRY(string_builder_append(b, (const char *)text + i, (size_t)step));
        pending = 0;
        any = 1;
    }
    return STATUS_OK;
}

enum status text_clean(const char *bytes, size_t length, struct string_builder *b)
{
    return text_clean_as(bytes, length, CLEAN_NFKC, false, b);
}

enum status text_clean_as(const char *bytes, size_t length, enum clean_form form, bool keep_case,
                          struct string_builder *b)
{
    const int options = UTF8PROC_STABLE | UTF8PROC_COMPOSE | (form == CLEAN_NFKC ? UTF8PROC_COMPAT : 0) |
                        (keep_case ? 0 : UTF8PROC_CASEFOLD);
    if (length == 0)
        return STATUS_OK;
    utf8proc_uint8_t *decoded = malloc(3 * length), *folded = NULL;
    if (decoded == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory while cleaning a text of %zu bytes", length);
    const size_t n = decode(bytes, length, decoded);
    const utf8proc_ssize_t n_folded =
        utf8proc_map(decoded, (utf8proc_ssize_t)n, &folded, (utf8proc_option_t)options);
    free(decoded);
    if (n_folded < 0)
        return status_fail(STATUS_SYSTEM, "utf8proc failed on a text of %zu bytes: %s", length,
                           utf8proc_errmsg(n_folded));
    const enum status status = append_without_controls(folded, (size_t)n_folded, b);
    free(folded);
    return status;
}

enum status text_clean_all(const struct strings *in, struct arena *arena, struct strings *out)
{
    struct string_builder b = {0};
    enum status status = STATUS_OK;
    for (uint64_t i = 0; i < in->n && status == STATUS_OK; i++) {
        status = text_clean(strings_at(in, i), strings_length(in, i), &b);
        if (status == STATUS_OK)
            status = string_builder_end(&b);
    }
    if (status != STATUS_OK) {
        string_builder_free(&b);
        return status;
    }
    return string_builder_finish(&b, arena, out);
}
