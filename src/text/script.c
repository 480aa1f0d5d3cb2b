/*
 * script.c - counts letters by Unicode block and names the script that has four fifths of them.
 *
 * Blocks (Unicode 15, Blocks.txt) stand for the property Script, which utf8proc doesn't have; letters are the general
 * categories L*.  Kana beside Han is Japanese from a tenth of the two on: Chinese texts quote a title or two.
 * Limits: languages of one script (English and French) are not told apart; Japanese titles in Han alone count as Han.
 */
#include "text/script.h"

#include <stdint.h>
#include <utf8proc.h>

static const struct {
    int32_t first, last;
    enum script script;
} blocks[] = {
    {0x41, 0x24F, SCRIPT_LATIN},       {0x370, 0x3FF, SCRIPT_GREEK},    {0x400, 0x52F, SCRIPT_CYRILLIC},
    {0x590, 0x5FF, SCRIPT_HEBREW},     {0x600, 0x6FF, SCRIPT_ARABIC},   {0x750, 0x77F, SCRIPT_ARABIC},
    {0x900, 0x97F, SCRIPT_DEVANAGARI}, {0xE00, 0xE7F, SCRIPT_THAI},     {0x1100, 0x11FF, SCRIPT_HANGUL},
    {0x1E00, 0x1EFF, SCRIPT_LATIN},    {0x1F00, 0x1FFF, SCRIPT_GREEK},  {0x3005, 0x3007, SCRIPT_HAN},
    {0x3041, 0x30FF, SCRIPT_JAPANESE}, {0x3130, 0x318F, SCRIPT_HANGUL}, {0x31F0, 0x31FF, SCRIPT_JAPANESE},
    {0x3400, 0x4DBF, SCRIPT_HAN},      {0x4E00, 0x9FFF, SCRIPT_HAN},    {0xAC00, 0xD7AF, SCRIPT_HANGUL},
    {0xF900, 0xFAFF, SCRIPT_HAN},      {0xFB00, 0xFB06, SCRIPT_LATIN},  {0xFF21, 0xFF5A, SCRIPT_LATIN},
    {0xFF66, 0xFF9D, SCRIPT_JAPANESE}, {0x20000, 0x323AF, SCRIPT_HAN}};

static enum script script_of(int32_t point)
{
    for (size_t k = 0; k < sizeof blocks / sizeof *blocks; k++)
        if (point >= blocks[k].first && point <= blocks[k].last)
            return blocks[k].script;
    return SCRIPT_OTHER;
}

static int is_letter(int32_t point)
{
    const utf8proc_category_t c = utf8proc_category(point);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

enum script script_guess(const char *text, size_t length)
{
    size_t n[SCRIPT_COUNT] = {0}, total = 0;
    for (size_t at = 0; at < length;) {
        utf8proc_int32_t point = 0;
        const utf8proc_ssize_t step =
            utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(length - at), &point);
        at += step > 0 ? (size_t)step : 1;
        if (step <= 0 || !is_letter(point))
            continue;
        const enum script script = script_of(point);
        const size_t weight = script == SCRIPT_HAN || script == SCRIPT_HANGUL ? 2 : 1;
        n[script] += weight;
        total += weight;
    }
    if (total == 0)
        return SCRIPT_NONE;
    if (10 * n[SCRIPT_JAPANESE] >= n[SCRIPT_JAPANESE] + n[SCRIPT_HAN] && n[SCRIPT_JAPANESE] > 0) {
        n[SCRIPT_JAPANESE] += n[SCRIPT_HAN];
        n[SCRIPT_HAN] = 0;
    }
    for (int s = 0; s < SCRIPT_COUNT; s++)
        if (5 * n[s] >= 4 * total)
            return (enum script)s;
    return SCRIPT_MIXED;
}

const char *script_name(enum script script)
{
    static const char *const names[SCRIPT_COUNT] = {"none",     "latin", "han",    "japanese", "hangul",
                                                    "cyrillic", "greek", "arabic", "hebrew",   "devanagari",
                                                    "thai",     "other", "mixed"};
    return names[script];
}
