/*
 * unigram.c - see unigram.h.
 *
 * The text streams through: normalised characters gather in a word, which ends before the next space; a word is cut by
 * Viterbi's algorithm as soon as it is whole, and reading stops once `limit` pieces are there.  That a word can be cut alone follows
 * from the vocabulary (words_apart); where it does not, the text is one word.
 *
 * SentencePiece's map replaces the longest prefix that the trie holds, from the left; `tokenizers` does the same a grapheme at a time
 * (and takes the shortest, which differs on no key that Unicode's NFKC makes but for sequences of several marks).  We follow
 * SentencePiece, which trained the models.
 */
#include "text/unigram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "text/unicode.h"

#define SPACE "\xE2\x96\x81" /* U+2581 stands for a space */
enum {
    PIECE_LONGEST = 1024
}; /* the search for a cut costs its square; SentencePiece makes pieces of 16 characters */

static bool space_inside(const struct vocabulary_piece *p)
{
    for (uint32_t i = 1; i + 3 <= p->length; i++)
        if (memcmp(p->bytes + i, SPACE, 3) == 0)
            return true;
    return false;
}

enum status unigram_make(const char *path, const struct vocabulary_piece *pieces, const float *scores,
                         const bool *control, uint32_t n, uint32_t unknown, struct arena *arena,
                         struct unigram *out)
{
    struct vocabulary_piece *ordinary, *special;
    uint32_t *special_id, n_special = 0;
    *out = (struct unigram){.words_apart = true};
    for (uint32_t i = 0; control != NULL && i < n; i++)
        n_special += control[i];
    ARENA_NEW(ordinary, arena, n);
    ARENA_NEW(special, arena, n_special);
    ARENA_NEW(special_id, arena, n_special);
    for (uint32_t i = 0; i < n; i++) {
        const bool is_control = control != NULL && control[i];
        if (pieces[i].length == 0 || pieces[i].length > PIECE_LONGEST)
            return status_fail(STATUS_DATA, "%s: piece %u has %u bytes, expected 1 to %d", path, i,
                               pieces[i].length, PIECE_LONGEST);
        if (!isfinite(scores[i]))
            return status_fail(STATUS_DATA, "%s: the score of piece %u is not finite", path, i);
        ordinary[i] = pieces[i];
        if (is_control) {
            ordinary[i].length = 0; /* is never looked for */
            special[out->n_special] = pieces[i];
            special_id[out->n_special++] = i;
            continue;
        }
        if (scores[i] < out->model.least)
            out->model.least = scores[i];
        if (space_inside(&pieces[i]))
            out->words_apart = false;
    }
    out->special = special;
    out->special_id = special_id;
    out->model.score = scores;
    out->model.unknown = unknown;
    memset(out->model.byte, 0xFF, sizeof out->model.byte);
    return vocabulary_make(ordinary, n, arena, &out->model.vocabulary, NULL);
}

enum status unigram_charsmap_parse(const char *path, const char *bytes, size_t n, struct arena *arena,
                                   struct unigram_charsmap *out)
{
    uint32_t trie = 0;
    if (n >= sizeof trie)
        memcpy(&trie, bytes, sizeof trie);
    if (n < sizeof trie || trie == 0 || trie % 4 != 0 || trie > n - sizeof trie || n - 4 - trie > UINT32_MAX)
        return status_fail(
            STATUS_DATA,
            "%s: the character map says that its trie has %u bytes, in %zu altogether: it is damaged", path,
            trie, n);
    uint32_t *unit = arena_copy(arena, bytes + 4, trie / 4, 4);
    if (unit == NULL)
        return STATUS_SYSTEM;
    *out = (struct unigram_charsmap){unit, trie / 4, bytes + 4 + trie, (uint32_t)(n - 4 - trie)};
    if (out->length == 0 || out->text[out->length - 1] != '\0')
        return status_fail(STATUS_DATA, "%s: the character map's replacements do not end in a NUL", path);
    return STATUS_OK;
}

/* The longest key that text begins with: its replacement and its length; 0: none.  Units are darts-clone's: bit 31 a leaf's
 * value, bits 0-7 and 31 the label, bit 8 "has a leaf", the rest the offset. */
static size_t charsmap_find(const struct unigram_charsmap *m, const char *text, size_t length,
                            uint32_t *value)
{
    size_t found = 0;
    uint32_t unit = m->unit[0], at = 0;
    at ^= (unit >> 10) << ((unit & (1u << 9)) >> 6);
    for (size_t i = 0; i < length; i++) {
        const uint32_t byte = (unsigned char)text[i];
        at ^= byte;
        if (byte == 0 || at >= m->n_units || (m->unit[at] & ((1u << 31) | 0xFF)) != byte)
            break;
        unit = m->unit[at];
        at ^= (unit >> 10) << ((unit & (1u << 9)) >> 6);
        if (unit >> 8 & 1) {
            if (at >= m->n_units)
                break;
            const uint32_t leaf = m->unit[at] & 0x7FFFFFFFu;
            if (leaf < m->length) {
                *value = leaf;
                found = i + 1;
            }
        }
    }
    return found;
}

/* The text on its way to pieces. */
struct stream {
    const struct unigram *u;
    uint32_t *ids, n, limit; /* limit: without the end token */
    char *word;              /* U+2581 for a space */
    size_t length, room;
    struct sentencepiece_place *best; /* [room + 1] */
    uint32_t *cut;                    /* [room] */
    bool space;                       /* the last character was one */
    bool nothing;                     /* since the text's beginning or a control piece */
};

static enum status grow(struct stream *s, size_t more)
{
    if (s->length + more <= s->room)
        return STATUS_OK;
    const size_t room = 2 * (s->length + more) + 256;
    char *word = realloc(s->word, room);
    s->word = word != NULL ? word : s->word;
    free(s->best); /* only used within end_word() */
    free(s->cut);
    s->best = malloc((room + 1) * sizeof *s->best);
    s->cut = malloc(room * sizeof *s->cut);
    if (word == NULL || s->best == NULL || s->cut == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: a word of %zu bytes", s->length);
    s->room = room;
    return STATUS_OK;
}

static void end_word(struct stream *s)
{
    size_t n = 0;
    if (s->length > 0)
        sentencepiece_cut(&s->u->model, s->word, s->length, s->best, s->cut, &n);
    for (size_t i = 0; i < n && s->n < s->limit; i++)
        s->ids[s->n++] = s->cut[i];
    s->length = 0;
}

static enum status put_bytes(struct stream *s, const char *bytes, size_t n)
{
    TRY(grow(s, n));
    memcpy(s->word + s->length, bytes, n);
    s->length += n;
    return STATUS_OK;
}

/* A space is kept back until a character follows, so that a run counts once and one at the end can be stripped. */
static enum status put_space(struct stream *s)
{
    if (s->u->words_apart)
        end_word(s);
    s->nothing = s->space = false;
    return put_bytes(s, SPACE, 3);
}

static enum status put_character(struct stream *s, uint32_t c)
{
    char bytes[4];
    if (c == ' ') {
        s->space = true;
        return STATUS_OK;
    }
    if (s->nothing || s->space)
        TRY(put_space(s));
    return put_bytes(s, bytes, unicode_put(c, bytes));
}

/* The replacement of one code point by the table. */
static enum status put_by_table(struct stream *s, uint32_t c)
{
    const struct unigram_table *t = &s->u->table;
    uint32_t low = 0, high = t->n;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (t->from[middle] < c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == t->n || t->from[low] != c)
        return put_character(s, c);
    for (uint32_t i = t->first[low]; i < t->first[low + 1]; i++)
        TRY(put_character(s, t->to[i]));
    return STATUS_OK;
}

static enum status put_next(struct stream *s, const char *text, size_t length, size_t *at)
{
    const struct unigram_charsmap *m = &s->u->charsmap;
    uint32_t value = 0;
    const size_t found = m->n_units > 0 ? charsmap_find(m, text + *at, length - *at, &value) : 0;
    if (found == 0)
        return put_by_table(s, unicode_next(text, length, at));
    *at += found;
    const size_t n = strlen(m->text + value); /* the last byte is a NUL */
    for (size_t i = 0; i < n;)
        TRY(put_character(s, unicode_next(m->text + value, n, &i)));
    return STATUS_OK;
}

/* The longest control piece that begins here, or n_special. */
static uint32_t special_at(const struct unigram *u, const char *text, size_t length)
{
    uint32_t best = u->n_special;
    for (uint32_t i = 0; i < u->n_special; i++)
        if (u->special[i].length <= length && memcmp(text, u->special[i].bytes, u->special[i].length) == 0 &&
            (best == u->n_special || u->special[i].length > u->special[best].length))
            best = i;
    return best;
}

/* What stands before a control piece or, last, the end; an empty text is one space. */
static enum status end_stretch(struct stream *s, bool last)
{
    if (!s->u->strip && (s->space || (last && s->nothing && s->n == 1)))
        TRY(put_space(s));
    end_word(s);
    s->space = false;
    s->nothing = true;
    return STATUS_OK;
}

static enum status run(struct stream *s, const char *text, size_t length, bool special)
{
    for (size_t at = 0; at < length && s->n < s->limit;) {
        const uint32_t i = special ? special_at(s->u, text + at, length - at) : s->u->n_special;
        if (i == s->u->n_special) {
            TRY(put_next(s, text, length, &at));
            continue;
        }
        TRY(end_stretch(s, false));
        if (s->n < s->limit)
            s->ids[s->n++] = s->u->special_id[i];
        at += s->u->special[i].length;
    }
    return end_stretch(s, true);
}

enum status unigram_encode(const struct unigram *unigram, const char *text, size_t length, bool special,
                           uint32_t limit, uint32_t *ids, uint32_t *n)
{
    struct stream s = {.u = unigram, .ids = ids, .limit = limit - 1, .n = 1, .nothing = true};
    ids[0] = unigram->begin;
    enum status status = grow(&s, 1);
    if (status == STATUS_OK)
        status = run(&s, text, length, special);
    free(s.word);
    free(s.best);
    free(s.cut);
    ids[s.n++] = unigram->end;
    *n = s.n;
    return status;
}
