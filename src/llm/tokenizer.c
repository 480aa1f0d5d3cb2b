/*
 * tokenizer.c - see tokenizer.h.
 *
 * What llama.cpp does, which wrote the files' ids: special tokens are found in the raw text, longest first over the whole of it;
 * what lies between goes through the model.  Ids are checked against the vocabulary at opening, so that nothing below
 * needs to.
 */
#include "llm/tokenizer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/byte_bpe.h"
#include "text/sentencepiece.h"

enum token_type { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE };
#define SPACE "\xE2\x96\x81" /* U+2581 stands for a space */

struct tokenizer {
    bool by_scores; /* "llama"; else "gpt2" */
    struct sentencepiece scores;
    struct byte_bpe ranks;
    const struct vocabulary *vocabulary; /* of either */
    const unsigned char *type;           /* [n], enum token_type */
    uint32_t begin, end, turn_end;       /* UINT32_MAX: none */
    bool add_begin, add_space;
    struct vocabulary special;    /* pieces of user-defined, control and unknown tokens */
    const uint32_t *special_id;   /* [special.n] */
    bool special_begins[256];     /* with this byte */
    uint32_t n_lengths, *lengths; /* of special tokens, longest first */
};

static int descending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x > y ? -1 : x < y;
}

static bool is_special(unsigned char type)
{
    return type == USER_DEFINED || type == CONTROL || type == UNKNOWN;
}

static enum status gather_special(struct tokenizer *t, struct arena *arena)
{
    const struct vocabulary *v = t->vocabulary;
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n; i++)
        n += is_special(t->type[i]);
    struct vocabulary_piece *pieces;
    uint32_t *ids;
    ARENA_NEW(pieces, arena, n);
    ARENA_NEW(ids, arena, n);
    ARENA_NEW(t->lengths, arena, n);
    n = 0;
    for (uint32_t i = 0; i < v->n; i++)
        if (is_special(t->type[i])) {
            t->special_begins[(unsigned char)v->piece[i].bytes[0]] = true;
            t->lengths[n] = v->piece[i].length;
            ids[n] = i;
            pieces[n++] = v->piece[i];
        }
    t->special_id = ids;
    qsort(t->lengths, n, sizeof *t->lengths, descending);
    for (uint32_t i = 0; i < n; i++)
        if (i == 0 || t->lengths[i] != t->lengths[i - 1])
            t->lengths[t->n_lengths++] = t->lengths[i];
    return vocabulary_make(pieces, n, arena, &t->special, NULL);
}

static enum status read_pieces(const struct gguf *file, struct tokenizer *t, struct arena *arena,
                               struct vocabulary *out)
{
    struct gguf_text *texts;
    uint64_t n, n_types;
    const unsigned char *types;
    TRY(gguf_strings(file, "tokenizer.ggml.tokens", arena, &texts, &n));
    if (n == 0 || n > INT32_MAX)
        return status_fail(STATUS_DATA, "%s: tokenizer.ggml.tokens has %llu tokens", file->path,
                           (unsigned long long)n);
    struct vocabulary_piece *pieces;
    unsigned char *type;
    ARENA_NEW(pieces, arena, (size_t)n);
    ARENA_NEW(type, arena, (size_t)n);
    memset(type, NORMAL, (size_t)n);
    for (uint64_t i = 0; i < n; i++) {
        if (texts[i].length == 0 || texts[i].length > 65536)
            return status_fail(STATUS_DATA, "%s: token %llu has %zu bytes, expected 1 to 65536", file->path,
                               (unsigned long long)i, texts[i].length);
        pieces[i] = (struct vocabulary_piece){texts[i].bytes, (uint32_t)texts[i].length};
    }
    if (gguf_find(file, "tokenizer.ggml.token_type") != NULL) {
        TRY(gguf_numbers(file, "tokenizer.ggml.token_type", GGUF_I32, &types, &n_types));
        if (n_types != n)
            return status_fail(STATUS_DATA, "%s: %llu token types for %llu tokens", file->path,
                               (unsigned long long)n_types, (unsigned long long)n);
        for (uint64_t i = 0; i < n; i++) {
            int32_t value;
            memcpy(&value, types + i * sizeof value, sizeof value);
            if (value < 0 || value > BYTE)
                return status_fail(STATUS_DATA, "%s: token %llu is of the unknown type %d", file->path,
                                   (unsigned long long)i, value);
            type[i] = (unsigned char)value;
        }
    }
    t->type = type;
    t->vocabulary = out;
    return vocabulary_make(pieces, (uint32_t)n, arena, out, NULL);
}

static enum status read_id(const struct gguf *file, const struct tokenizer *t, const char *key, uint32_t *out)
{
    int64_t id = -1;
    TRY(gguf_whole(file, key, false, 0, (int64_t)t->vocabulary->n - 1, &id));
    *out = id < 0 ? UINT32_MAX : (uint32_t)id;
    return STATUS_OK;
}

static enum status open_scores(const struct gguf *file, struct tokenizer *t, struct arena *arena)
{
    const unsigned char *bytes;
    uint64_t n;
    t->by_scores = t->add_begin = t->add_space = true;
    TRY(read_pieces(file, t, arena, &t->scores.vocabulary));
    TRY(gguf_numbers(file, "tokenizer.ggml.scores", GGUF_F32, &bytes, &n));
    if (n != t->vocabulary->n)
        return status_fail(STATUS_DATA, "%s: %llu scores for %u tokens", file->path, (unsigned long long)n,
                           t->vocabulary->n);
    float *score = arena_copy(arena, bytes, (size_t)n, sizeof *score);
    if (score == NULL)
        return STATUS_SYSTEM;
    for (uint64_t i = 0; i < n; i++)
        if (!isfinite(score[i]))
            return status_fail(STATUS_DATA, "%s: the score of token %llu is not finite", file->path,
                               (unsigned long long)i);
    t->scores.score = score;
    for (int i = 0; i < 256; i++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", i);
        t->scores.byte[i] = vocabulary_find(t->vocabulary, name, strlen(name));
    }
    TRY(read_id(file, t, "tokenizer.ggml.unknown_token_id", &t->scores.unknown));
    if (t->scores.unknown == UINT32_MAX)
        t->scores.unknown = 0;
    return STATUS_OK;
}

static enum status open_ranks(const struct gguf *file, struct tokenizer *t, struct arena *arena)
{
    static const struct {
        const char *name;
        enum byte_bpe_pattern pattern;
        bool whole_words, add_begin;
    } patterns[] = {{"gpt-2", BYTE_BPE_GPT2, false, false},
                    {"llama-bpe", BYTE_BPE_LLAMA3, true, true},
                    {"llama3", BYTE_BPE_LLAMA3, true, true},
                    {"qwen2", BYTE_BPE_QWEN2, false, false}};
    struct gguf_text pre = {"gpt-2", 5}, *texts;
    TRY(read_pieces(file, t, arena, &t->ranks.vocabulary));
    TRY(gguf_string(file, "tokenizer.ggml.pre", false, &pre));
    size_t i = 0;
    while (i < 4 &&
           (strlen(patterns[i].name) != pre.length || memcmp(patterns[i].name, pre.bytes, pre.length) != 0))
        i++;
    if (i == 4)
        return status_fail(STATUS_DATA,
                           "%s: tokenizer.ggml.pre is '%.*s'; gpt-2, llama-bpe, llama3 and qwen2 are known",
                           file->path, (int)(pre.length < 60 ? pre.length : 60), pre.bytes);
    t->ranks.pattern = patterns[i].pattern;
    t->ranks.whole_words = patterns[i].whole_words;
    t->add_begin = patterns[i].add_begin;
    uint64_t n;
    TRY(gguf_strings(file, "tokenizer.ggml.merges", arena, &texts, &n));
    struct vocabulary_piece *merges;
    if (n > INT32_MAX)
        return status_fail(STATUS_DATA, "%s: %llu merges", file->path, (unsigned long long)n);
    ARENA_NEW(merges, arena, (size_t)n);
    for (uint64_t j = 0; j < n; j++) {
        if (texts[j].length < 3 || texts[j].length > BYTE_BPE_LONGEST)
            return status_fail(STATUS_DATA, "%s: merge %llu has %zu bytes, expected 3 to %d", file->path,
                               (unsigned long long)j, texts[j].length, BYTE_BPE_LONGEST);
        merges[j] = (struct vocabulary_piece){texts[j].bytes, (uint32_t)texts[j].length};
    }
    return vocabulary_make(merges, (uint32_t)n, arena, &t->ranks.merges, NULL);
}

enum status tokenizer_open(const struct gguf *file, struct arena *arena, struct tokenizer **out)
{
    struct gguf_text model;
    struct tokenizer *t;
    ARENA_NEW(t, arena, 1);
    if (gguf_find(file, "tokenizer.ggml.model") == NULL)
        return status_fail(STATUS_DATA, "%s: holds no tokenizer (tokenizer.ggml.model is missing)",
                           file->path);
    TRY(gguf_string(file, "tokenizer.ggml.model", true, &model));
    if (model.length == 5 && memcmp(model.bytes, "llama", 5) == 0)
        TRY(open_scores(file, t, arena));
    else if (model.length == 4 && memcmp(model.bytes, "gpt2", 4) == 0)
        TRY(open_ranks(file, t, arena));
    else
        return status_fail(STATUS_DATA, "%s: the tokenizer is of the model '%.*s'; llama and gpt2 are read",
                           file->path, (int)(model.length < 60 ? model.length : 60), model.bytes);
    TRY(read_id(file, t, "tokenizer.ggml.bos_token_id", &t->begin));
    TRY(read_id(file, t, "tokenizer.ggml.eos_token_id", &t->end));
    TRY(read_id(file, t, "tokenizer.ggml.eot_token_id", &t->turn_end));
    TRY(gguf_bool(file, "tokenizer.ggml.add_bos_token", false, &t->add_begin));
    TRY(gguf_bool(file, "tokenizer.ggml.add_space_prefix", false, &t->add_space));
    TRY(gather_special(t, arena));
    *out = t;
    return STATUS_OK;
}

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

/* A stretch between special tokens, appended to ids. */
static enum status encode_plain(const struct tokenizer *t, const char *text, size_t length, bool add_space,
                                struct arena *arena, uint32_t *ids, size_t *n)
{
    size_t more = 0, size = 0;
    if (length == 0)
        return STATUS_OK;
    if (!t->by_scores)
        TRY(byte_bpe_encode(&t->ranks, text, length, arena, ids + *n, &more));
    else {
        char *escaped;
        ARENA_NEW(escaped, arena, 3 * (length + 1));
        for (size_t i = add_space ? 0 : 1; i <= length; i++) {
            const char c = i == 0 ? ' ' : text[i - 1];
            if (c == ' ') {
                for (int b = 0; b < 3; b++)
                    escaped[size++] = SPACE[b];
            } else
                escaped[size++] = c;
        }
        TRY(sentencepiece_merge(&t->scores, escaped, size, arena, ids + *n, &more));
    }
    *n += more;
    return STATUS_OK;
}

enum status tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t length, int flags,
                             struct arena *arena, uint32_t **ids, size_t *n)
{
    struct match *special;
    size_t n_special, at = 0;
    TRY(find_special(tokenizer, text, length, (flags & TOKENIZER_SPECIAL) != 0, arena, &special, &n_special));
    ARENA_NEW(*ids, arena, 3 * (length + n_special + 1) + 1); /* a space without a piece is three bytes */
    *n = 0;
    if ((flags & TOKENIZER_BEGIN) && tokenizer->add_begin && tokenizer->begin != UINT32_MAX)
        (*ids)[(*n)++] = tokenizer->begin;
    bool after_special = true;
    for (size_t i = 0; i <= n_special; i++) {
        const size_t end = i < n_special ? special[i].from : length;
        TRY(encode_plain(tokenizer, text + at, end - at, tokenizer->add_space && after_special, arena, *ids,
                         n));
        if (i == n_special)
            break;
        (*ids)[(*n)++] = special[i].id;
        at = end + special[i].length;
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
    if (!t->by_scores)
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
        const bool drop = i == first && at_start && tokenizer->by_scores && tokenizer->add_space && put > 0 &&
                          (*bytes)[0] == ' ';
        if (drop)
            memmove(*bytes, *bytes + 1, put - 1);
        *length += put - (drop ? 1 : 0);
    }
    return STATUS_OK;
}
