/*
 * tokenizer.c - see tokenizer.h.
 *
 * What llama.cpp does, which wrote the files' ids: special tokens are found in the raw text, longest first over the whole of it;
 * what lies between goes through the model.
 */
#include "llm/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "llm/tokenizer_parts.h"

uint32_t tokenizer_size(const struct tokenizer *tokenizer)
{
    return tokenizer->vocabulary->n;
}

uint32_t tokenizer_end(const struct tokenizer *tokenizer)
{
    return tokenizer->end;
}

bool tokenizer_is_end(const struct tokenizer *tokenizer, uint32_t id)
{
    return id == tokenizer->end || id == tokenizer->turn_end;
}

bool tokenizer_is_control(const struct tokenizer *tokenizer, uint32_t id)
{
    return tokenizer->type[id] == CONTROL;
}

/* A special token in the text. */
struct match {
    size_t from;
    uint32_t length, id;
};

static int longest_first(const void *left, const void *right)
{
    const struct match *a = left, *b = right;
    if (a->length != b->length)
        return a->length > b->length ? -1 : 1;
    return a->from < b->from ? -1 : a->from > b->from;
}

static int by_place(const void *left, const void *right)
{
    const struct match *a = left, *b = right;
    return a->from < b->from ? -1 : a->from > b->from;
}

/* The special tokens of the text, by place: of those that overlap the longest, then the leftmost. */
static enum status find_special(const struct tokenizer *t, const char *text, size_t length, bool control,
                                struct arena *arena, struct match **out, size_t *n)
{
    struct match *found = NULL;
    size_t n_found = 0, n_kept = 0;
    for (int pass = 0; pass < 2; pass++) { /* count, then keep */
        if (pass == 1)
            ARENA_NEW(found, arena, n_found);
        n_found = 0;
        for (size_t at = 0; at < length; at++)
            for (uint32_t l = 0; t->special_begins[(unsigned char)text[at]] && l < t->n_lengths; l++) {
                if (t->lengths[l] > length - at)
                    continue;
                const uint32_t i = vocabulary_find(&t->special, text + at, t->lengths[l]);
                if (i == UINT32_MAX || (!control && t->type[t->special_id[i]] != USER_DEFINED))
                    continue;
                if (pass == 1)
                    found[n_found] = (struct match){at, t->lengths[l], t->special_id[i]};
                n_found++;
            }
    }
    unsigned char *taken;
    ARENA_NEW(taken, arena, length + 1);
    qsort(found, n_found, sizeof *found, longest_first);
    for (size_t i = 0; i < n_found; i++) {
        if (memchr(taken + found[i].from, 1, found[i].length) != NULL)
            continue;
        memset(taken + found[i].from, 1, found[i].length);
        found[n_kept++] = found[i];
    }
    qsort(found, n_kept, sizeof *found, by_place);
    *out = found;
    *n = n_kept;
    return STATUS_OK;
}

/* Unigram's ids of a stretch.  Its character map may make a text longer, so the room is found by trying. */
static enum status cut_unigram(const struct tokenizer *t, const char *text, size_t length,
                               struct arena *arena, uint32_t **ids, uint32_t *n)
{
    for (size_t limit = length + 16;; limit *= 2) {
        if (limit > UINT32_MAX / 2)
            return status_fail(STATUS_USAGE, "a text of %zu bytes is too long for its tokenizer", length);
        ARENA_NEW(*ids, arena, limit);
        TRY(unigram_encode(&t->unigram, text, length, false, (uint32_t)limit, *ids, n));
        if (*n < limit)
            break;
    }
    *n -= 2, *ids += 1; /* begin and end */
    return STATUS_OK;
}

/* The ids of a stretch between special tokens. */
struct stretch {
    uint32_t *ids;
    size_t n;
};

static enum status encode_plain(const struct tokenizer *t, const char *text, size_t length, bool add_space,
                                struct arena *arena, struct stretch *out)
{
    size_t size = 0;
    uint32_t n = 0;
    char *escaped;
    *out = (struct stretch){0};
    if (length == 0)
        return STATUS_OK;
    if (t->model == TOKENIZER_UNIGRAM) {
        TRY(cut_unigram(t, text, length, arena, &out->ids, &n));
        out->n = n;
        return STATUS_OK;
    }
    ARENA_NEW(out->ids, arena, 3 * (length + 1)); /* a space without a piece is three bytes */
    if (t->model == TOKENIZER_RANKS)
        return byte_bpe_encode(&t->ranks, text, length, arena, out->ids, &out->n);
    ARENA_NEW(escaped, arena, 3 * (length + 1));
    for (size_t i = add_space ? 0 : 1; i <= length; i++) {
        const char c = i == 0 ? ' ' : text[i - 1];
        if (c == ' ') {
            for (int b = 0; b < 3; b++)
                escaped[size++] = SPACE[b];
        } else
            escaped[size++] = c;
    }
    return sentencepiece_merge(&t->scores, escaped, size, arena, out->ids, &out->n);
}

enum status tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length, int flags,
                             struct arena *arena, uint32_t **ids, size_t *n)
{
    struct match *special;
    struct stretch *plain;
    size_t n_special, at = 0, total = 1;
    TRY(find_special(tokenizer, text, length, (flags & TOKENIZER_SPECIAL) != 0, arena, &special, &n_special));
    ARENA_NEW(plain, arena, n_special + 1);
    for (size_t i = 0; i <= n_special; i++) {
        const size_t end = i < n_special ? special[i].from : length;
        TRY(encode_plain(tokenizer, text + at, end - at, tokenizer->add_space, arena, &plain[i]));
        total += plain[i].n + 1;
        at = i < n_special ? end + special[i].length : end;
    }
    ARENA_NEW(*ids, arena, total);
    *n = 0;
    if ((flags & TOKENIZER_BEGIN) && tokenizer->add_begin && tokenizer->begin != UINT32_MAX)
        (*ids)[(*n)++] = tokenizer->begin;
    for (size_t i = 0; i <= n_special; i++) {
        if (plain[i].n > 0)
            memcpy(*ids + *n, plain[i].ids, plain[i].n * sizeof **ids);
        *n += plain[i].n;
        if (i < n_special)
            (*ids)[(*n)++] = special[i].id;
    }
    return STATUS_OK;
}

/* The bytes of one token into out; at most 3 a byte of the piece. */
static size_t put_piece(const struct tokenizer *t, uint32_t id, char *out)
{
    const struct vocabulary_piece *p = &t->vocabulary->piece[id];
    size_t n = 0;
    switch (t->type[id]) {
    case CONTROL:
    case UNKNOWN:
        return 0;
    case BYTE: {
        unsigned byte;
        char name[8] = "";
        memcpy(name, p->bytes, p->length < 7 ? p->length : 7);
        if (sscanf(name, "<0x%2X>", &byte) == 1) {
            out[0] = (char)(unsigned char)byte;
            return 1;
        }
        break;
    }
    case USER_DEFINED:
        memcpy(out, p->bytes, p->length);
        return p->length;
    default:
        break;
    }
    if (t->model == TOKENIZER_RANKS)
        return byte_bpe_decode(p->bytes, p->length, out);
    for (size_t i = 0; i < p->length; n++)
        if (p->length - i >= 3 && memcmp(p->bytes + i, SPACE, 3) == 0) {
            out[n] = ' ';
            i += 3;
        } else
            out[n] = p->bytes[i++];
    return n;
}

enum status tokenizer_decode(const struct tokenizer *tokenizer, const uint32_t *ids, size_t n, bool at_start,
                             struct arena *arena, char **bytes, size_t *length)
{
    size_t room = 1, first = 0;
    for (size_t i = 0; i < n; i++)
        room += tokenizer->vocabulary->piece[ids[i]].length;
    ARENA_NEW(*bytes, arena, room);
    *length = 0;
    while (first < n && tokenizer->type[ids[first]] == CONTROL)
        first++;
    for (size_t i = first; i < n; i++) {
        const size_t put = put_piece(tokenizer, ids[i], *bytes + *length);
        const bool drop = i == first && at_start && tokenizer->model != TOKENIZER_RANKS &&
                          tokenizer->add_space && put > 0 && (*bytes)[0] == ' ';
        if (drop)
            memmove(*bytes, *bytes + 1, put - 1);
        *length += put - (drop ? 1 : 0);
    }
    return STATUS_OK;
}
