/* phrases.c - see phrases.h. */
#include "llm/phrases.h"

#include <math.h>
#include <stdlib.h>

#include "text/bag.h"
#include "text/preprocess.h"
#include "text/unicode.h"

struct gram {
    double count;
    uint32_t word; /* its place in the bag's vocabulary, by bytes */
};
static int frequent_first(const void *a, const void *b)
{
    const struct gram *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count)
                                : (x->word > y->word) - (x->word < y->word);
}

/* Does a sentence end with this character, where what follows begins at `next`? */
static bool ends_sentence(uint32_t c, const char *bytes, size_t length, size_t next)
{
    static const uint32_t always[] = {'\n',   '\r',   '!',    '?',    ';',    0x2026,
                                      0x2028, 0x2029, 0x3002, 0xFF01, 0xFF1B, 0xFF1F};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (c == always[i])
            return true;
    return c == '.' &&
           (next == length || unicode_is_space(unicode_next(bytes, length, &next))); /* not in 3.5 */
}

/* The texts cut at the ends of sentences (a subset of Unicode annex 29's: no abbreviations are known). */
static enum status cut(const struct strings *texts, struct arena *arena, struct strings *out)
{
    struct string_builder b = {0};
    enum status status = STATUS_OK;
    for (uint64_t i = 0; i < texts->n && status == STATUS_OK; i++) {
        const char *bytes = strings_at(texts, i);
        const size_t length = strings_length(texts, i);
        size_t from = 0;
        for (size_t at = 0; at < length && status == STATUS_OK;) {
            const uint32_t c = unicode_next(bytes, length, &at);
            if (at < length && !ends_sentence(c, bytes, length, at))
                continue;
            status = string_builder_add(&b, bytes + from, at - from);
            from = at;
        }
    }
    if (status == STATUS_OK)
        return string_builder_finish(&b, arena, out);
    string_builder_free(&b);
    return status;
}

/* The candidates: the texts' n-grams without stop words, none across the end of a sentence. */
static enum status grams_of(const struct strings *texts, const struct phrases_options *o, struct arena *arena,
                            struct strings *out)
{
    const struct text_options options = {.words = WORDS_UNICODE,
                                         .chinese = preprocess_has_chinese(texts),
                                         .stop_words = STOPS_BOTH,
                                         .ngram_min = 1,
                                         .ngram_max = o->ngram_max > 0 ? o->ngram_max : 3};
    const size_t most = o->candidates > 0 ? (size_t)o->candidates : 400;
    struct strings sentences;
    struct bag bag;
    struct gram *gram;
    struct string_builder b = {0};
    TRY(cut(texts, arena, &sentences));
    TRY(bag_build(&sentences, &options, arena, arena, &bag));
    ARENA_NEW(gram, arena, bag.words.n);
    for (uint64_t w = 0; w < bag.words.n; w++)
        gram[w].word = (uint32_t)w;
    for (int64_t e = 0; e < bag.counts.nnz; e++)
        gram[bag.counts.idx[e]].count += (double)bag.counts.val[e];
    if (bag.words.n > 0)
        qsort(gram, bag.words.n, sizeof *gram, frequent_first);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < bag.words.n && i < most && status == STATUS_OK; i++)
        status = string_builder_add(&b, strings_at(&bag.words, gram[i].word),
                                    strings_length(&bag.words, gram[i].word));
    if (status == STATUS_OK)
        return string_builder_finish(&b, arena, out);
    string_builder_free(&b);
    return status;
}

static double dot(const float *a, const float *b, uint32_t d)
{
    double sum = 0;
    for (uint32_t k = 0; k < d; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

/* The normalised mean of the texts' vectors. */
static enum status vector_of(struct encoder *encoder, const char *cache, const struct strings *texts,
                             struct arena *arena, float **out)
{
    const uint32_t d = encoder_dimensions(encoder);
    float *all;
    double norm = 0;
    ARENA_NEW(all, arena, (texts->n + 1) * d);
    ARENA_NEW(*out, arena, d);
    TRY(encoder_embed_cached(encoder, cache, texts, all));
    for (uint32_t k = 0; k < d; k++) {
        double sum = 0;
        for (uint64_t i = 0; i < texts->n; i++)
            sum += (double)all[i * d + k];
        (*out)[k] = (float)sum;
        norm += sum * sum;
    }
    for (uint32_t k = 0; k < d && norm > 0; k++)
        (*out)[k] = (float)((double)(*out)[k] / sqrt(norm));
    return STATUS_OK;
}

enum status phrases_find(struct encoder *encoder, const char *cache, const struct strings *texts,
                         const struct phrases_options *options, struct arena *arena, struct phrase **out,
                         size_t *n)
{
    const uint32_t d = encoder_dimensions(encoder);
    const size_t top = options->top > 0 ? (size_t)options->top : 5;
    struct strings grams;
    float *text, *v;
    double *relevance, *nearest;
    *n = 0;
    TRY(grams_of(texts, options, arena, &grams));
    TRY(vector_of(encoder, cache, texts, arena, &text));
    ARENA_NEW(v, arena, (grams.n + 1) * d);
    ARENA_NEW(relevance, arena, grams.n);
    ARENA_NEW(nearest, arena, grams.n);
    ARENA_NEW(*out, arena, top);
    TRY(encoder_embed_cached(encoder, cache, &grams, v));
    for (uint64_t i = 0; i < grams.n; i++)
        relevance[i] = dot(text, v + i * d, d), nearest[i] = -1;
    while (*n < top) {
        uint64_t best = UINT64_MAX;
        double highest = -INFINITY;
        for (uint64_t i = 0; i < grams.n; i++) {
            const double value =
                (1 - options->diversity) * relevance[i] - (*n > 0 ? options->diversity * nearest[i] : 0);
            if (nearest[i] < 2 && value > highest)
                highest = value, best = i;
        }
        if (best == UINT64_MAX)
            break;
        (*out)[(*n)++] = (struct phrase){strings_copy(&grams, best, arena), relevance[best]};
        if ((*out)[*n - 1].text == NULL)
            return STATUS_SYSTEM;
        for (uint64_t i = 0; i < grams.n; i++) { /* one that was taken keeps its 2 */
            const double cosine = dot(v + best * d, v + i * d, d);
            nearest[i] = cosine > nearest[i] ? cosine : nearest[i];
        }
        nearest[best] = 2; /* taken: no cosine is so large */
    }
    return STATUS_OK;
}
