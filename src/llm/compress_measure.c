/* compress_measure.c - what a model file costs and is worth: see compress.h. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "llm/compress.h"
#include "llm/decoder_internal.h"

enum { WINDOW = 512, PREFILL = 256, DECODE = 16 };

/* Sum of log-probabilities of ids[1 .. n - 1]. */
static enum status window_logprob(struct decoder *d, struct decoder_cache *cache, const uint32_t *ids,
                                  size_t n, double *sum)
{
    struct arena *arena = arena_new();
    const struct decoder_run run = {.n = (uint32_t)n};
    uint32_t *wanted;
    float *states;
    double *logprob;
    if (arena == NULL)
        return STATUS_SYSTEM;
    ARENA_NEW(wanted, arena, n);
    ARENA_NEW(states, arena, n * (size_t)d->hidden);
    ARENA_NEW(logprob, arena, n);
    for (uint32_t i = 0; i < n; i++)
        wanted[i] = i;
    enum status status = decoder_forward(d, cache, ids, &run, 1, wanted, n - 1, states);
    if (status == STATUS_OK)
        status = decoder_logprobs(d, states, n - 1, ids + 1, logprob);
    for (size_t i = 0; i + 1 < n && status == STATUS_OK; i++)
        *sum += logprob[i];
    arena_free(arena);
    return status;
}

static enum status perplexity(struct decoder *d, const char *text, size_t length, struct arena *arena,
                              struct decoder_cache *cache, double *out)
{
    uint32_t *ids, *begin, *window;
    size_t n, n_begin, counted = 0;
    double sum = 0;
    const size_t most = d->context < WINDOW ? (size_t)d->context : WINDOW;
    TRY(tokenizer_encode(d->tokenizer, text, length, TOKENIZER_BEGIN, arena, &ids, &n));
    TRY(tokenizer_encode(d->tokenizer, "", 0, TOKENIZER_BEGIN, arena, &begin, &n_begin));
    ARENA_NEW(window, arena, most);
    for (size_t at = n_begin; at < n;) {
        const size_t room = most - n_begin, take = n - at < room ? n - at : room;
        memcpy(window, begin, n_begin * sizeof *window);
        memcpy(window + n_begin, ids + at, take * sizeof *window);
        if (n_begin + take > 1)
            TRY(window_logprob(d, cache, window, n_begin + take, &sum));
        counted += n_begin + take - 1;
        at += take;
    }
    *out = counted > 0 ? exp(-sum / (double)counted) : NAN;
    return STATUS_OK;
}

static enum status speed(struct decoder *d, struct decoder_cache *cache, struct arena *arena,
                         struct compress_measures *out)
{
    const uint32_t n = (uint32_t)d->context < PREFILL ? (uint32_t)d->context / 2 : PREFILL;
    uint32_t *ids;
    float *state, *logits;
    ARENA_NEW(ids, arena, n);
    ARENA_NEW(state, arena, (size_t)d->hidden);
    ARENA_NEW(logits, arena, (size_t)d->vocabulary);
    for (uint32_t i = 0; i < n; i++)
        ids[i] = (uint32_t)(i * 7919u) % (uint32_t)d->vocabulary;
    const uint32_t last = n - 1;
    for (int time = 0; time < 2; time++) { /* the first warms the file's pages */
        const struct decoder_run run = {.n = n};
        double start = omp_get_wtime();
        TRY(decoder_forward(d, cache, ids, &run, 1, &last, 1, state));
        out->prefill = n / (omp_get_wtime() - start);
        start = omp_get_wtime();
        for (uint32_t i = 0; i < DECODE; i++) {
            const struct decoder_run one = {.n = 1, .position = n + i};
            TRY(decoder_logits(d, state, 1, logits));
            TRY(decoder_forward(d, cache, ids + i, &one, 1, &(uint32_t){0}, 1, state));
        }
        out->decode = DECODE / (omp_get_wtime() - start);
    }
    return STATUS_OK;
}

static enum status measure(struct decoder *d, const char *text, size_t length, struct arena *arena,
                           struct compress_measures *out)
{
    const struct gguf *file = &d->file.gguf;
    struct decoder_cache *cache;
    uint64_t weights = 0, bytes = 0;
    for (size_t i = 0; i < file->n_tensors; i++) {
        weights += file->tensors[i].shape[0] * file->tensors[i].n_rows;
        bytes += file->tensors[i].bytes;
    }
    out->megabytes = 1e-6 * (double)d->file.map.n;
    out->bits = 8.0 * (double)bytes / (double)weights;
    out->perplexity = NAN;
    TRY(decoder_cache_new(d, WINDOW, &cache));
    enum status status = speed(d, cache, arena, out);
    if (status == STATUS_OK && length > 0)
        status = perplexity(d, text, length, arena, cache, &out->perplexity);
    decoder_cache_free(cache);
    return status;
}

enum status compress_measure(const char *path, const char *text, size_t length,
                             enum decoder_activations activations, const struct backend *backend,
                             struct compress_measures *out)
{
    struct decoder *d = NULL;
    struct arena *arena = arena_new();
    enum status status = arena != NULL ? decoder_open(path, backend, &d) : STATUS_SYSTEM;
    if (status == STATUS_OK) {
        decoder_set_activations(d, activations);
        status = measure(d, text, length, arena, out);
    }
    decoder_close(d);
    arena_free(arena);
    return status;
}
