/*
 * decoder_logits.c - from a decoder's final states to logits and log-probabilities.
 *
 * The head is the largest matrix by far (Gemma 270M: 71 % of all bytes), so it runs only for the states asked for, and over a list of
 * tokens where others cannot follow.
 */
#include <math.h>
#include <string.h>

#include "llm/decoder_internal.h"

enum { SLAB = 4096 };

static void cap_logits(const struct decoder *d, float *logits, size_t n)
{
    for (size_t i = 0; d->logit_cap > 0 && i < n; i++)
        logits[i] = d->logit_cap * tanhf(logits[i] / d->logit_cap);
}

static enum status logits_of(const struct decoder *d, const struct decoder_matrix *rows, const float *states,
                             size_t n, float *logits, struct arena *arena)
{
    struct decoder_rounded rounded;
    TRY(decoder_rounded_new(d, n, (size_t)d->hidden, arena, &rounded));
    TRY(decoder_product(d, rows, 1, states, d->hidden, (uint32_t)n, logits, rows->n, &rounded));
    cap_logits(d, logits, n * (size_t)rows->n);
    return STATUS_OK;
}

enum status decoder_logits(const struct decoder *decoder, const float *states, size_t n, float *logits)
{
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = logits_of(decoder, &decoder->head, states, n, logits, arena);
    arena_free(arena);
    return status;
}

static enum status some_logits(const struct decoder *d, const float *states, size_t n, const uint32_t *tokens,
                               size_t n_tokens, float *logits, struct arena *arena)
{
    struct decoder_matrix rows = d->head;
    unsigned char *w;
    float *bias = NULL;
    ARENA_NEW(w, arena, n_tokens * rows.row_bytes);
    if (rows.bias != NULL)
        ARENA_NEW(bias, arena, n_tokens);
    for (size_t i = 0; i < n_tokens; i++) {
        if (tokens[i] >= (uint32_t)d->vocabulary)
            return status_fail(STATUS_USAGE, "token id %u is beyond the vocabulary of %d", tokens[i],
                               d->vocabulary);
        memcpy(w + i * rows.row_bytes, d->head.w + tokens[i] * rows.row_bytes, rows.row_bytes);
        if (bias != NULL)
            bias[i] = d->head.bias[tokens[i]];
    }
    rows.w = w;
    rows.bias = bias;
    rows.n = (int)n_tokens;
    return logits_of(d, &rows, states, n, logits, arena);
}

enum status decoder_logits_of(const struct decoder *decoder, const float *states, size_t n,
                              const uint32_t *tokens, size_t n_tokens, float *logits)
{
    if (n_tokens == 0 || n == 0)
        return STATUS_OK;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    const enum status status = some_logits(decoder, states, n, tokens, n_tokens, logits, arena);
    arena_free(arena);
    return status;
}

/* Some of the states: log-probabilities of their next tokens. */
static enum status logprobs(const struct decoder *d, const float *states, size_t n, const uint32_t *next,
                            double *out, struct arena *arena)
{
    float *y, *most, *sum, *target;
    struct decoder_rounded rounded;
    TRY(decoder_rounded_new(d, n, (size_t)d->hidden, arena, &rounded));
    ARENA_NEW(y, arena, n * SLAB);
    ARENA_NEW(most, arena, n);
    ARENA_NEW(sum, arena, n);
    ARENA_NEW(target, arena, n);
    for (size_t i = 0; i < n; i++)
        most[i] = -3e38f;
    for (int from = 0; from < d->vocabulary; from += SLAB) {
        struct decoder_matrix part = d->head;
        part.n = d->vocabulary - from < SLAB ? d->vocabulary - from : SLAB;
        part.w += (size_t)from * part.row_bytes;
        part.bias = part.bias != NULL ? part.bias + from : NULL;
        TRY(decoder_product(d, &part, 1, states, d->hidden, (uint32_t)n, y, SLAB, &rounded));
        cap_logits(d, y, n * SLAB);
        for (size_t i = 0; i < n; i++)
            if (next[i] >= (uint32_t)from && next[i] < (uint32_t)(from + part.n))
                target[i] = y[i * SLAB + next[i] - (uint32_t)from];
        const struct decoder_logsum args = {.y = y, .most = most, .sum = sum, .ldy = SLAB, .n = part.n};
        TRY(decoder_launch(d, &kernel_decoder_logsum, &args, (long)n, 0));
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (double)target[i] - (double)most[i] - log((double)sum[i]);
    return STATUS_OK;
}

enum status decoder_logprobs(const struct decoder *decoder, const float *states, size_t n,
                             const uint32_t *next, double *logprob)
{
    for (size_t from = 0; from < n; from += decoder->chunk) {
        const size_t part = n - from < decoder->chunk ? n - from : decoder->chunk;
        struct arena *arena = arena_new();
        if (arena == NULL)
            return STATUS_SYSTEM;
        const enum status status = logprobs(decoder, states + from * (size_t)decoder->hidden, part,
                                            next + from, logprob + from, arena);
        arena_free(arena);
        TRY(status);
    }
    return STATUS_OK;
}
