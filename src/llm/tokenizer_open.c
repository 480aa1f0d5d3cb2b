/*
 * tokenizer_open.c - a tokenizer from a GGUF file's metadata: see tokenizer.h.
 *
 * Ids are checked against the vocabulary here, so that nothing in tokenizer.c needs to.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "llm/tokenizer_parts.h"

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
    qsort(t->lengths, n, sizeof *t->lengths, falling_u32);
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
    t->add_begin = t->add_space = true;
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
    TRY(read_id(file, t, "tokenizer.ggml.unknown_token_id", &t->scores.unknown));
    if (t->scores.unknown == UINT32_MAX)
        t->scores.unknown = 0;
    for (int i = 0; i < 256; i++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", i);
        t->scores.byte[i] = vocabulary_find(t->vocabulary, name, strlen(name));
    }
    return STATUS_OK;
}

/* Unigram: pieces and scores as above; characters are mapped before (precompiled_charsmap). */
static enum status open_unigram(const struct gguf *file, struct tokenizer *t, struct arena *arena)
{
    const unsigned char *map;
    uint64_t n;
    bool *apart, add_space = true;
    TRY(open_scores(file, t, arena));
    t->model = TOKENIZER_UNIGRAM;
    t->add_begin = false;
    ARENA_NEW(apart, arena, t->vocabulary->n);
    for (uint32_t i = 0; i < t->vocabulary->n; i++)
        apart[i] = t->type[i] != NORMAL;
    TRY(unigram_make(file->path, t->vocabulary->piece, t->scores.score, apart, t->vocabulary->n,
                     t->scores.unknown, arena, &t->unigram));
    if (gguf_find(file, "tokenizer.ggml.precompiled_charsmap") != NULL) {
        TRY(gguf_numbers(file, "tokenizer.ggml.precompiled_charsmap", GGUF_U8, &map, &n));
        if (n > 0)
            TRY(unigram_charsmap_parse(file->path, (const char *)map, (size_t)n, arena,
                                       &t->unigram.charsmap));
    }
    TRY(gguf_bool(file, "tokenizer.ggml.remove_extra_whitespaces", false, &t->unigram.strip));
    TRY(gguf_bool(file, "tokenizer.ggml.add_space_prefix", false, &add_space));
    return add_space ? STATUS_OK
                     : status_fail(STATUS_DATA,
                                   "%s: a Unigram tokenizer without a space before the text is not read",
                                   file->path);
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
    t->model = TOKENIZER_RANKS;
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
    else if (model.length == 2 && memcmp(model.bytes, "t5", 2) == 0)
        TRY(open_unigram(file, t, arena));
    else
        return status_fail(STATUS_DATA,
                           "%s: the tokenizer is of the model '%.*s'; llama, gpt2 and t5 are read",
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
