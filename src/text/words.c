/*
 * words.c - from cleaned text to words, by one of two rules.
 *
 * WORDS_RUNS is the rule of scikit-learn's default pattern.  WORDS_UNICODE is that of Unicode Standard Annex 29 (word
 * boundaries, revision 41, rules WB4 to WB13b): letters, digits and connectors join; one mark of MidLetter or MidNumLet
 * between letters joins ("can't"), and one of MidNum or MidNumLet between digits ("32.3", "1,000").  utf8proc knows general
 * categories and not the property Word_Break, so its classes are derived here: ALetter = L*, Nl; Numeric = Nd;
 * ExtendNumLet = Pc; Extend and Format = M*, Cf; the Mid classes are listed.  Pieces without a letter or digit are no words.
 * Limits: scripts that need a dictionary to find words (Thai, Khmer) give one long word a run; Katakana counts a character
 * at a time, where UAX 29 joins it (WB13).
 */
#include "text/words.h"

#include <utf8proc.h>

#include "text/segment.h"

enum piece { PIECE_BREAK, PIECE_LETTER, PIECE_NUMBER, PIECE_JOINER, PIECE_EXTEND, PIECE_ALONE };

static enum piece piece_of(utf8proc_int32_t point)
{
    const bool alone = (point >= 0x3041 && point <= 0x30FF) || (point >= 0x31F0 && point <= 0x31FF) ||
                       (point >= 0x3400 && point <= 0x9FFF) || (point >= 0xF900 && point <= 0xFAFF) ||
                       (point >= 0x20000 && point <= 0x323AF);
    switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_LM:
        return alone ? PIECE_ALONE : PIECE_LETTER;
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_NL:
        return PIECE_LETTER;
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
        return PIECE_EXTEND;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NO:
        return PIECE_NUMBER;
    case UTF8PROC_CATEGORY_PC:
        return PIECE_JOINER;
    default:
        return PIECE_BREAK;
    }
}

/* UAX 29 table 3; NFKC has folded full-width forms, the rest is for texts cleaned by NFC. */
static bool joins_letters(utf8proc_int32_t p)
{
    return p == '\'' || p == '.' || p == ':' || p == 0xB7 || p == 0x387 || p == 0x55F || p == 0x5F4 ||
           p == 0x2018 || p == 0x2019 || p == 0x2024 || p == 0x2027 || p == 0xFE52 || p == 0xFF07 ||
           p == 0xFF0E;
}
static bool joins_numbers(utf8proc_int32_t p)
{
    return p == '\'' || p == '.' || p == ',' || p == ';' || p == 0x37E || p == 0x589 || p == 0x60C ||
           p == 0x60D || p == 0x66C || p == 0x7F8 || p == 0x2018 || p == 0x2019 || p == 0x2024 ||
           p == 0x2044 || p == 0xFE52 || p == 0xFF07 || p == 0xFF0E;
}

/* A place in the text: the code point there and the bytes it takes; U+0000, a break, behind the end. */
struct place {
    utf8proc_int32_t point;
    size_t step;
};
static struct place look(const char *text, size_t length, size_t at)
{
    struct place p = {0, 1};
    if (at < length) {
        const utf8proc_ssize_t step =
            utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(length - at), &p.point);
        p.step = step > 0 ? (size_t)step : 1;
        if (step <= 0)
            p.point = 0;
    }
    return p;
}

/* The end of the run of \w that begins at `at`; *n_points of it. */
static size_t end_of_run(const char *text, size_t length, size_t at, size_t *n_points)
{
    for (*n_points = 0; at < length; ++*n_points) {
        const struct place p = look(text, length, at);
        const enum piece piece = piece_of(p.point);
        const bool format = piece == PIECE_EXTEND && utf8proc_category(p.point) == UTF8PROC_CATEGORY_CF;
        if (piece == PIECE_BREAK || piece == PIECE_ALONE || format)
            break;
        at += p.step;
    }
    return at;
}

/* The end of the word of UAX 29 that begins at `at`; *solid: a letter or digit is in it. */
static size_t end_of_word(const char *text, size_t length, size_t at, bool *solid)
{
    enum piece last = PIECE_BREAK;
    *solid = false;
    while (at < length) {
        const struct place p = look(text, length, at);
        const enum piece piece = piece_of(p.point);
        if (piece == PIECE_EXTEND) { /* WB4: belongs to what stands before */
            at += p.step;
            continue;
        }
        if (piece == PIECE_LETTER || piece == PIECE_NUMBER || piece == PIECE_JOINER) {
            *solid = *solid || piece != PIECE_JOINER;
            last = piece;
            at += p.step;
            continue;
        }
        size_t next = at + p.step; /* WB6, WB7, WB11, WB12: one mark between two of a kind */
        while (next < length && piece_of(look(text, length, next).point) == PIECE_EXTEND)
            next += look(text, length, next).step;
        const enum piece after = piece_of(look(text, length, next).point);
        const bool joins = (last == PIECE_LETTER && after == PIECE_LETTER && joins_letters(p.point)) ||
                           (last == PIECE_NUMBER && after == PIECE_NUMBER && joins_numbers(p.point));
        if (!joins)
            break;
        at = next;
    }
    return at;
}

/* From a character that stands alone: the end of what is visited. */
static enum status visit_alone(const char *text, size_t length, size_t *at, const struct segmenter *segmenter,
                               word_visitor *visit, void *context)
{
    const size_t begin = *at;
    struct place p = look(text, length, begin);
    if (segmenter == NULL || !segmenter_takes(p.point)) {
        *at = begin + p.step;
        return visit(context, text + begin, p.step);
    }
    while (*at < length && segmenter_takes(p.point)) {
        *at += p.step;
        p = look(text, length, *at);
    }
    return segmenter_visit(segmenter, text + begin, *at - begin, visit, context);
}

enum status words_visit(const char *text, size_t length, enum word_rule rule,
                        const struct segmenter *segmenter, word_visitor *visit, void *context)
{
    for (size_t at = 0; at < length;) {
        const struct place p = look(text, length, at);
        const enum piece piece = piece_of(p.point);
        if (piece == PIECE_ALONE) {
            TRY(visit_alone(text, length, &at, segmenter, visit, context));
            continue;
        }
        size_t end = at, n_points = 0;
        bool solid = false;
        if (rule == WORDS_RUNS)
            end = end_of_run(text, length, at, &n_points);
        else if (piece != PIECE_BREAK && piece != PIECE_EXTEND)
            end = end_of_word(text, length, at, &solid);
        if (n_points >= 2 || solid)
            TRY(visit(context, text + at, end - at));
        at = end > at ? end : at + p.step;
    }
    return STATUS_OK;
}
