/*
 * byte_bpe.c - see byte_bpe.h.
 *
 * The patterns, written out by hand (first alternative that matches, like the regular expressions they come from):
 *   GPT-2    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 *   Llama 3  (?i:'s|...)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *   Qwen 2   as Llama 3 with single digits, \p{N}
 * Categories are utf8proc's.  Bytes that are not UTF-8 count as U+FFFD, a symbol, and keep their bytes.
 */
#include "text/byte_bpe.h"

#include <string.h>
#include <utf8proc.h>

#include "text/merge.h"
#include "text/unicode.h"

enum kind { END, LETTER, NUMBER, NEWLINE, SPACE, OTHER };

static bool is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == 0x85 || unicode_is_space(c);
}

/* The kind of the character at text[at], and where the next one begins. */
static enum kind kind_at(const char *text, size_t length, size_t at, size_t *next)
{
    *next = at;
    if (at >= length)
        return END;
    const uint32_t c = unicode_next(text, length, next);
    if (c == '\n' || c == '\r')
        return NEWLINE;
    if (is_space(c))
        return SPACE;
    switch (utf8proc_category((utf8proc_int32_t)c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
        return LETTER;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
        return NUMBER;
    default:
        return OTHER;
    }
}

/* The end of the run of one kind from `at`, of at most `most` characters. */
static size_t run_of(enum kind kind, const char *text, size_t length, size_t at, size_t most)
{
    size_t next;
    for (; most > 0 && kind_at(text, length, at, &next) == kind; most--)
        at = next;
    return at;
}

/* 's 't 're 've 'm 'll 'd; 0: none of them. */
static size_t contraction(const char *text, size_t length, size_t at, bool any_case)
{
    static const char *const endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    if (text[at] != '\'')
        return 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t n = strlen(endings[i]);
        if (length - at - 1 < n)
            continue;
        bool same = true;
        for (size_t j = 0; j < n; j++) {
            const char c = text[at + 1 + j];
            same &= c == endings[i][j] || (any_case && c == endings[i][j] - 'a' + 'A');
        }
        if (same)
            return n + 1;
    }
    return 0;
}

/* White space from `at`: \s*[\r\n]+ (not GPT-2), \s+(?!\S), \s+. */
static size_t white(const char *text, size_t length, size_t at, bool lines)
{
    size_t end = at, next, last = at, after_line = at;
    enum kind kind;
    while ((kind = kind_at(text, length, end, &next)) == SPACE || kind == NEWLINE) {
        last = end; /* the last character of the white space begins here */
        end = next;
        if (kind == NEWLINE)
            after_line = end;
    }
    if (lines && after_line > at)
        return after_line;
    return end < length && last > at ? last : end; /* the last one goes to the word that follows */
}

size_t byte_bpe_word(enum byte_bpe_pattern pattern, const char *text, size_t length, size_t at)
{
    const bool gpt2 = pattern == BYTE_BPE_GPT2;
    const size_t short_form = contraction(text, length, at, !gpt2);
    if (short_form > 0)
        return short_form;
    size_t next, end;
    const enum kind first = kind_at(text, length, at, &next);
    const bool blank = text[at] == ' ';
    /* letters, after a blank (GPT-2) or any one character that is no line end, letter or number */
    const size_t letters = first != LETTER && (gpt2 ? blank : first == SPACE || first == OTHER) ? next : at;
    end = run_of(LETTER, text, length, letters, SIZE_MAX);
    if (end > letters)
        return end - at;
    const size_t numbers = gpt2 && blank ? next : at;
    end = run_of(NUMBER, text, length, numbers, gpt2 ? SIZE_MAX : pattern == BYTE_BPE_LLAMA3 ? 3 : 1);
    if (end > numbers)
        return end - at;
    const size_t others = blank ? next : at;
    end = run_of(OTHER, text, length, others, SIZE_MAX);
    if (end > others)
        return (gpt2 ? end : run_of(NEWLINE, text, length, end, SIZE_MAX)) - at;
    return white(text, length, at, !gpt2) - at;
}

/* The printable character of a byte (GPT-2's encoder.py, bytes_to_unicode). */
static uint32_t character_of(unsigned char byte)
{
    if ((byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173))
        return byte;
    return byte < 33 ? 256u + byte : byte < 161 ? 256u + 33 + (byte - 127u) : 256u + 67;
}

size_t byte_bpe_decode(const char *piece, size_t length, char *out)
{
    size_t n = 0;
    for (size_t at = 0; at < length;) {
        const size_t from = at;
        const uint32_t c = unicode_next(piece, length, &at);
        uint32_t byte = 256;
        if (c < 256 && character_of((unsigned char)c) == c)
            byte = c;
        else if (c >= 256 && c < 256 + 33)
            byte = c - 256;
        else if (c >= 256 + 33 && c < 256 + 67)
            byte = c - 256 - 33 + 127;
        else if (c == 256 + 67)
            byte = 173;
        if (byte < 256)
            out[n++] = (char)(unsigned char)byte;
        else {
            memcpy(out + n, piece + from, at - from);
            n += at - from;
        }
    }
    return n;
}

static bool list_rank(const void *context, const char *text, size_t from, size_t left, size_t right,
                      double *rank)
{
    const struct byte_bpe *b = context;
    char key[BYTE_BPE_LONGEST];
    if (left + right + 1 > sizeof key)
        return false;
    memcpy(key, text + from, left);
    key[left] = ' ';
    memcpy(key + left + 1, text + from + left, right);
    const uint32_t at = vocabulary_find(&b->merges, key, left + right + 1);
    *rank = at;
    return at != UINT32_MAX;
}

static enum status encode_word(const struct byte_bpe *model, const char *word, size_t length,
                               struct arena *arena, uint32_t *ids, size_t *n)
{
    char *text;
    struct merge_symbol *symbols;
    size_t size = 0;
    ARENA_NEW(text, arena, 2 * length);
    ARENA_NEW(symbols, arena, length);
    for (size_t i = 0; i < length; i++) {
        symbols[i].from = size;
        symbols[i].length = unicode_put(character_of((unsigned char)word[i]), text + size);
        size += symbols[i].length;
    }
    uint32_t id = model->whole_words ? vocabulary_find(&model->vocabulary, text, size) : UINT32_MAX;
    if (id != UINT32_MAX) {
        ids[(*n)++] = id;
        return STATUS_OK;
    }
    TRY(merge_run(text, symbols, length, list_rank, model, arena));
    for (size_t i = 0; i < length; i++) {
        const char *bytes = text + symbols[i].from;
        if (symbols[i].length == 0)
            continue;
        id = vocabulary_find(&model->vocabulary, bytes, symbols[i].length);
        if (id != UINT32_MAX) {
            ids[(*n)++] = id;
            continue;
        }
        for (size_t at = 0, next; at < symbols[i].length;
             at = next) { /* a merge without a piece: its bytes */
            next = at;
            unicode_next(bytes, symbols[i].length, &next);
            id = vocabulary_find(&model->vocabulary, bytes + at, next - at);
            if (id != UINT32_MAX)
                ids[(*n)++] = id;
        }
    }
    return STATUS_OK;
}

enum status byte_bpe_encode(const struct byte_bpe *model, const char *text, size_t length,
                            struct arena *arena, uint32_t *ids, size_t *n)
{
    *n = 0;
    for (size_t at = 0; at < length;) {
        const size_t word = byte_bpe_word(model->pattern, text, length, at);
        TRY(encode_word(model, text + at, word, arena, ids, n));
        at += word;
    }
    return STATUS_OK;
}
