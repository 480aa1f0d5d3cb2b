/*
 * wordpiece.c - see wordpiece.h.
 *
 * The BERT tokenizer (Devlin et al. 2018, tokenization.py) as Hugging Face's tokenizers runs it:
 *   1. the literal [CLS] [SEP] [MASK] [PAD] [UNK] are cut out of the text, exact case, before all else;
 *   2. NUL, U+FFFD, Cc, Cf and Co are dropped (ill-formed UTF-8 is U+FFFD first), white space is a space, an ideograph
 *      is a word of its own;
 *   3. canonical decomposition (NFD), Mn dropped, each character lower-cased by itself (no rule for final sigma), as
 *      wordpiece_configure() says;
 *   4. words end at spaces; a punctuation character is a word of its own;
 *   5. a word is cut greedily into the longest pieces of the vocabulary, from the left; one of more than 100
 *      characters, or with a part that no piece matches, is one [UNK].
 *
 * The text streams through a buffer of one word, so that a text of any length needs no memory and reading stops once
 * `limit` pieces are there.  Decomposition and lower-casing are utf8proc's (stable across its versions for characters
 * that exist); classes are unicode.h's.
 */
#include "text/wordpiece.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "base/strings.h"
#include "text/unicode.h"

enum { WORD_CHARACTERS = 100, N_SPECIALS = 5, UNK = 1, CLS = 2, SEP = 3 };
static const char *const special_names[N_SPECIALS] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

struct wordpiece {
    struct string_map *pieces;
    uint32_t special[N_SPECIALS]; /* ids, in the order of special_names */
    size_t longest;               /* bytes of the longest piece */
    bool lower_case, strip_accents, split_ideographs;
};

/* The text on its way to pieces. */
struct stream {
    const struct wordpiece *w;
    uint32_t *ids, n, limit; /* limit: without [SEP] */
    /* The word being built; a character beyond the 100th is only counted. */
    uint32_t n_characters;
    uint32_t character[WORD_CHARACTERS];
    uint16_t combining[WORD_CHARACTERS]; /* canonical combining classes */
};

enum status wordpiece_parse(const char *path, const char *bytes, size_t n, struct wordpiece **out)
{
    struct wordpiece *w = calloc(1, sizeof *w);
    enum status status = STATUS_OK;
    if (w == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: %s", path);
    wordpiece_configure(w, true, true, true);
    w->pieces = string_map_new();
    if (w->pieces == NULL)
        status = STATUS_SYSTEM;
    uint32_t line = 0;
    for (size_t at = 0; at < n && status == STATUS_OK; line++) {
        const char *end = memchr(bytes + at, '\n', n - at);
        const size_t next = end != NULL ? (size_t)(end - bytes) + 1 : n;
        size_t length = (end != NULL ? (size_t)(end - bytes) : n) - at;
        if (length > 0 && bytes[at + length - 1] == '\r')
            length--;
        if (length == 0)
            status = status_fail(STATUS_DATA, "%s:%u: the line is empty, a word piece was expected", path,
                                 line + 1);
        else if (utf8_valid_prefix(bytes + at, length) != length)
            status = status_fail(STATUS_DATA, "%s:%u: the piece is not valid UTF-8", path, line + 1);
        else {
            const uint32_t id = string_map_add(w->pieces, bytes + at, length);
            if (id == UINT32_MAX)
                status = STATUS_SYSTEM;
            else if (id != line)
                status = status_fail(STATUS_DATA, "%s:%u: the piece '%.*s' stands in line %u already", path,
                                     line + 1, (int)(length < 80 ? length : 80), bytes + at, id + 1);
            if (length > w->longest)
                w->longest = length;
        }
        at = next;
    }
    for (int i = 0; i < N_SPECIALS && status == STATUS_OK; i++) {
        w->special[i] = string_map_find(w->pieces, special_names[i], strlen(special_names[i]));
        if (w->special[i] == UINT32_MAX)
            status = status_fail(STATUS_DATA, "%s: the vocabulary has no piece %s, so it is not BERT's", path,
                                 special_names[i]);
    }
    if (status != STATUS_OK) {
        wordpiece_free(w);
        return status;
    }
    *out = w;
    return STATUS_OK;
}

void wordpiece_configure(struct wordpiece *wordpiece, bool lower_case, bool strip_accents,
                         bool split_ideographs)
{
    wordpiece->lower_case = lower_case;
    wordpiece->strip_accents = strip_accents;
    wordpiece->split_ideographs = split_ideographs;
}

void wordpiece_free(struct wordpiece *wordpiece)
{
    if (wordpiece == NULL)
        return;
    string_map_free(wordpiece->pieces);
    free(wordpiece);
}

uint32_t wordpiece_size(const struct wordpiece *wordpiece)
{
    return string_map_size(wordpiece->pieces);
}

static void put_id(struct stream *s, uint32_t id)
{
    if (s->n < s->limit)
        s->ids[s->n++] = id;
}

/* The word's pieces, longest match first; the buffer is empty afterwards. */
static void end_word(struct stream *s)
{
    const uint32_t n = s->n_characters, before = s->n;
    s->n_characters = 0;
    if (n == 0)
        return;
    if (n > WORD_CHARACTERS) {
        put_id(s, s->w->special[UNK]);
        return;
    }
    /* "##" stands before the word's bytes; it is moved before each continuation by writing over bytes used up. */
    char bytes[2 + 4 * WORD_CHARACTERS];
    size_t edge[WORD_CHARACTERS + 1]; /* where each character begins */
    edge[0] = 2;
    for (uint32_t i = 0; i < n; i++)
        edge[i + 1] = edge[i] + unicode_put(s->character[i], bytes + edge[i]);
    for (uint32_t start = 0, end; start < n; start = end) {
        const size_t from = start == 0 ? 2 : edge[start] - 2;
        if (start > 0)
            bytes[from] = bytes[from + 1] = '#';
        uint32_t id = UINT32_MAX;
        for (end = n; end > start; end--) {
            if (edge[end] - from > s->w->longest)
                continue;
            id = string_map_find(s->w->pieces, bytes + from, edge[end] - from);
            if (id != UINT32_MAX)
                break;
        }
        if (id == UINT32_MAX) { /* the whole word is unknown */
            s->n = before;
            put_id(s, s->w->special[UNK]);
            return;
        }
        put_id(s, id);
    }
}

/* One decomposed, lower-cased character into the word, marks in canonical order (Unicode 15, section 3.11, D109). */
static void put_character(struct stream *s, uint32_t c, uint16_t combining)
{
    if (s->n_characters++ >= WORD_CHARACTERS)
        return;
    uint32_t i = s->n_characters - 1;
    for (; combining != 0 && i > 0 && s->combining[i - 1] > combining; i--) {
        s->character[i] = s->character[i - 1];
        s->combining[i] = s->combining[i - 1];
    }
    s->character[i] = c;
    s->combining[i] = combining;
}

/* One character of a word, a decomposed part where accents are stripped. */
static void put_part(struct stream *s, uint32_t c)
{
    const bool strip = s->w->strip_accents;
    if (strip && unicode_is_mark(c))
        return;
    const uint32_t d = s->w->lower_case ? (uint32_t)utf8proc_tolower((utf8proc_int32_t)c) : c;
    const bool punctuation = unicode_is_punctuation(d);
    if (punctuation)
        end_word(s);
    put_character(
        s, d,
        !strip || d < 0x300 ? 0 : (uint16_t)utf8proc_get_property((utf8proc_int32_t)d)->combining_class);
    if (s->w->lower_case && c == 0x130) /* the one letter that grows: i with a dot above */
        put_character(s, 0x307, 0);
    if (punctuation)
        end_word(s);
}

static void put_code_point(struct stream *s, uint32_t c)
{
    if (unicode_is_dropped(c))
        return;
    if (unicode_is_space(c)) {
        end_word(s);
        return;
    }
    const bool alone = s->w->split_ideographs && unicode_is_cjk(c);
    if (alone)
        end_word(s);
    utf8proc_int32_t part[32]; /* the longest canonical decomposition has 4 */
    int boundary = 0;
    utf8proc_ssize_t n = 1;
    part[0] = (utf8proc_int32_t)c;
    if (c >= 0x80 && s->w->strip_accents)
        n = utf8proc_decompose_char((utf8proc_int32_t)c, part, 32, UTF8PROC_DECOMPOSE, &boundary);
    for (utf8proc_ssize_t i = 0; i < n; i++)
        put_part(s, (uint32_t)part[i]);
    if (alone)
        end_word(s);
}

/* Which special token begins here?  N_SPECIALS: none. */
static int special_at(const char *text, size_t length)
{
    int i = 0;
    while (i < N_SPECIALS && (length < strlen(special_names[i]) ||
                              memcmp(text, special_names[i], strlen(special_names[i])) != 0))
        i++;
    return i;
}

void wordpiece_encode(const struct wordpiece *wordpiece, const char *text, size_t length, uint32_t limit,
                      uint32_t *ids, uint32_t *n)
{
    struct stream s = {.w = wordpiece, .ids = ids, .limit = limit - 1, .n = 1};
    ids[0] = wordpiece->special[CLS];
    for (size_t at = 0; at < length && s.n < s.limit;) {
        const int special = text[at] == '[' ? special_at(text + at, length - at) : N_SPECIALS;
        if (special < N_SPECIALS) {
            end_word(&s);
            put_id(&s, wordpiece->special[special]);
            at += strlen(special_names[special]);
        } else
            put_code_point(&s, unicode_next(text, length, &at));
    }
    end_word(&s);
    ids[s.n++] = wordpiece->special[SEP];
    *n = s.n;
}
