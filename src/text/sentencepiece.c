/*
 * sentencepiece.c - see sentencepiece.h.
 *
 * Merging follows llama.cpp's llm_tokenizer_spm: pairs by score, highest first, leftmost of equals; a symbol that in the end is
 * no piece falls back to bytes.  Unigram is Viterbi's algorithm over character boundaries, ties to the longer first piece found.
 */
#include "text/sentencepiece.h"

#include <math.h>

#include "text/merge.h"
#include "text/unicode.h"

static bool score_rank(const void *context, const char *text, size_t from, size_t left, size_t right,
                       double *rank)
{
    const struct sentencepiece *s = context;
    const uint32_t id = vocabulary_find(&s->vocabulary, text + from, left + right);
    if (id == UINT32_MAX)
        return false;
    *rank = -(double)s->score[id];
    return true;
}

/* Bytes of the character at text[at]: 1 where it is ill-formed. */
static size_t character_bytes(const char *text, size_t length, size_t at)
{
    size_t next = at;
    const unsigned char lead = (unsigned char)text[at];
    if (unicode_next(text, length, &next) == UNICODE_REPLACEMENT &&
        !(lead == 0xEF && next - at == 3 && (unsigned char)text[at + 1] == 0xBF))
        return 1;
    return next - at;
}

static void put_bytes(const struct sentencepiece *s, const char *bytes, size_t length, uint32_t *ids,
                      size_t *n)
{
    for (size_t i = 0; i < length; i++) {
        const uint32_t id = s->byte[(unsigned char)bytes[i]];
        if (id == UINT32_MAX) { /* no byte tokens: one `unknown` for the whole */
            ids[(*n)++] = s->unknown;
            return;
        }
        ids[(*n)++] = id;
    }
}

enum status sentencepiece_merge(const struct sentencepiece *model, const char *text, size_t length,
                                struct arena *arena, uint32_t *ids, size_t *n)
{
    struct merge_symbol *symbols;
    size_t n_symbols = 0;
    *n = 0;
    ARENA_NEW(symbols, arena, length);
    for (size_t at = 0; at < length; n_symbols++) {
        symbols[n_symbols] = (struct merge_symbol){at, character_bytes(text, length, at)};
        at += symbols[n_symbols].length;
    }
    TRY(merge_run(text, symbols, n_symbols, score_rank, model, arena));
    for (size_t i = 0; i < n_symbols; i++) {
        if (symbols[i].length == 0)
            continue;
        const char *bytes = text + symbols[i].from;
        const uint32_t id = vocabulary_find(&model->vocabulary, bytes, symbols[i].length);
        if (id != UINT32_MAX)
            ids[(*n)++] = id;
        else
            put_bytes(model, bytes, symbols[i].length, ids, n);
    }
    return STATUS_OK;
}

void sentencepiece_cut(const struct sentencepiece *model, const char *text, size_t length,
                       struct sentencepiece_place *best, uint32_t *ids, size_t *n)
{
    best[0].score = 0;
    for (size_t i = 1; i <= length; i++)
        best[i].score = -INFINITY;
    for (size_t at = 0, step; at < length; at += step) {
        step = character_bytes(text, length, at);
        bool single = false; /* does a piece cover this character alone? */
        for (size_t end = at + step; end <= length && end - at <= model->vocabulary.longest;) {
            const uint32_t id = vocabulary_find(&model->vocabulary, text + at, end - at);
            if (id != UINT32_MAX && id != model->unknown) {
                const double score = best[at].score + (double)model->score[id];
                single |= end == at + step;
                if (score > best[end].score)
                    best[end] = (struct sentencepiece_place){score, id, (uint32_t)(end - at)};
            }
            if (end == length)
                break;
            end += character_bytes(text, length, end);
        }
        const double unknown = best[at].score + (double)model->least - 10;
        if (!single && unknown > best[at + step].score)
            best[at + step] = (struct sentencepiece_place){unknown, model->unknown, (uint32_t)step};
    }
    *n = 0;
    for (size_t at = length; at > 0; at -= best[at].bytes)
        if (best[at].id != model->unknown || *n == 0 || ids[*n - 1] != model->unknown)
            ids[(*n)++] = best[at].id;
    for (size_t i = 0; i < *n / 2; i++) {
        const uint32_t swap = ids[i];
        ids[i] = ids[*n - 1 - i];
        ids[*n - 1 - i] = swap;
    }
}
