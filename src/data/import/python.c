/*
 * python.c - Python literals as JSON text: {'title': "it's", 'price': 3.5, 'brand': u'caf\xe9', 'x': None}.
 *
 * Only what differs is touched: quotes, escapes, the u and b prefixes, True, False, None.  The structure
 * (brackets, commas, colons) is left to the JSON parser.  A byte escape \xNN means the character U+00NN,
 * unless a run of such bytes is valid UTF-8: then a Python 2 byte string was printed, and the run is that
 * text.
 */
#include <stdlib.h>
#include <string.h>

#include "base/strings.h"
#include "data/import/json.h"

struct output {
    char *bytes;
    size_t length;
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* n hexadecimal digits at `at`; -1 when they are not there. */
static long hex_value(const char *at, const char *end, int n)
{
    long value = 0;
    if (end - at < n)
        return -1;
    for (int i = 0; i < n; i++) {
        const int digit = hex_digit(at[i]);
        if (digit < 0)
            return -1;
        value = 16 * value + digit;
    }
    return value;
}

static void put_hex(struct output *o, unsigned unit)
{
    static const char digits[] = "0123456789abcdef";
    const char text[6] = {'\\',
                          'u',
                          digits[unit >> 12 & 15],
                          digits[unit >> 8 & 15],
                          digits[unit >> 4 & 15],
                          digits[unit & 15]};
    memcpy(o->bytes + o->length, text, sizeof text);
    o->length += sizeof text;
}

/* As a JSON escape; halves of surrogate pairs stay what they are, and the JSON parser judges them. */
static void put_code(struct output *o, unsigned long code)
{
    if (code >= 0x10000) {
        put_hex(o, 0xd800 + (unsigned)((code - 0x10000) >> 10));
        put_hex(o, 0xdc00 + (unsigned)((code - 0x10000) & 0x3ff));
    } else {
        put_hex(o, (unsigned)code);
    }
}

/* A run of \xNN: as UTF-8 when it is, else a character each. */
static const char *put_byte_run(struct output *o, const char *at, const char *end)
{
    const size_t begin = o->length;
    const char *scan = at;
    while (end - scan >= 4 && scan[0] == '\\' && scan[1] == 'x') {
        const long byte = hex_value(scan + 2, end, 2);
        if (byte < 0x80)
            break;
        o->bytes[o->length++] = (char)byte;
        scan += 4;
    }
    if (scan > at && utf8_valid_prefix(o->bytes + begin, o->length - begin) == o->length - begin)
        return scan;
    o->length = begin;
    const char *stop = scan > at ? scan : at + 4;
    for (; at < stop; at += 4)
        put_code(o, (unsigned long)hex_value(at + 2, end, 2));
    return stop;
}

/* The escape at `at` (a backslash), with its end or NULL. */
static const char *put_escape(struct output *o, const char *at, const char *end)
{
    if (end - at < 2)
        return NULL;
    const char c = at[1];
    static const char names[] = "abfnrtv", meanings[] = "\a\b\f\n\r\t\v";
    const char *name = memchr(names, c, sizeof names - 1);
    if (name != NULL) {
        put_code(o, (unsigned char)meanings[name - names]);
        return at + 2;
    }
    if (c == '\'' || c == '"' || c == '\\') {
        put_code(o, (unsigned char)c);
        return at + 2;
    }
    if (c == 'x')
        return hex_value(at + 2, end, 2) < 0 ? NULL : put_byte_run(o, at, end);
    if (c == 'u' || c == 'U') {
        const int n = c == 'u' ? 4 : 8;
        const long code = hex_value(at + 2, end, n);
        if (code < 0 || code > 0x10ffff)
            return NULL;
        put_code(o, (unsigned long)code);
        return at + 2 + n;
    }
    if (c >= '0' && c <= '7') {
        unsigned code = 0;
        int n = 0;
        while (n < 3 && at + 1 + n < end && at[1 + n] >= '0' && at[1 + n] <= '7')
            code = 8 * code + (unsigned)(at[1 + n++] - '0');
        put_code(o, code);
        return at + 1 + n;
    }
    put_code(o, '\\'); /* as in Python: an unknown escape is itself */
    return at + 1;
}

/* The string whose quote stands at `at`; its end or NULL, then *at is where it goes wrong. */
static const char *put_string(struct output *o, const char **at, const char *end)
{
    const char quote = **at, *scan = *at + 1;
    o->bytes[o->length++] = '"';
    while (scan < end && *scan != quote) {
        if (*scan == '\\') {
            const char *next = put_escape(o, scan, end);
            if (next == NULL) {
                *at = scan;
                return NULL;
            }
            scan = next;
        } else if (*scan == '"' || (unsigned char)*scan < ' ') {
            put_code(o, (unsigned char)*scan++);
        } else {
            o->bytes[o->length++] = *scan++;
        }
    }
    if (scan == end)
        return NULL;
    o->bytes[o->length++] = '"';
    return scan + 1;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* None, True, False, or the u of u'...'; its end or NULL. */
static const char *put_word(struct output *o, const char *at, const char *end)
{
    static const char *const words[][2] = {{"None", "null"}, {"True", "true"}, {"False", "false"}};
    const char *stop = at;
    while (stop < end && is_word_byte(*stop))
        stop++;
    const size_t n = (size_t)(stop - at);
    if (n == 1 && strchr("ubUB", *at) != NULL && stop < end && (*stop == '\'' || *stop == '"'))
        return stop;
    for (size_t i = 0; i < 3; i++)
        if (n == strlen(words[i][0]) && memcmp(at, words[i][0], n) == 0) {
            memcpy(o->bytes + o->length, words[i][1], strlen(words[i][1]));
            o->length += strlen(words[i][1]);
            return stop;
        }
    if (n == 1 && (*at == 'e' || *at == 'E')) { /* 1e-05 */
        o->bytes[o->length++] = 'e';
        return stop;
    }
    return NULL;
}

enum status python_to_json(const char *line, size_t n, char **json, size_t *allocated, size_t *length,
                           size_t *bad, const char **why)
{
    if (*allocated < 6 * n + 16) { /* one byte becomes at most \u00NN */
        char *grown = realloc(*json, 6 * n + 16);
        if (grown == NULL)
            return status_fail(STATUS_SYSTEM, "out of memory reading a line of %zu bytes", n);
        *json = grown;
        *allocated = 6 * n + 16;
    }
    struct output o = {*json, 0};
    const char *at = line, *end = line + n, *next;
    *length = 0;
    *why = NULL;
    for (; at < end; at = next) {
        if (*at == '\'' || *at == '"') {
            next = put_string(&o, &at, end);
            *why = "a string that doesn't end, or an escape that Python doesn't know";
        } else if (is_word_byte(*at)) {
            next = put_word(&o, at, end);
            *why = "a word that is none of None, True, False";
        } else {
            o.bytes[o.length++] = *at;
            next = at + 1;
        }
        if (next == NULL) {
            *bad = (size_t)(at - line);
            return STATUS_OK;
        }
    }
    *why = NULL;
    *length = o.length;
    return STATUS_OK;
}
