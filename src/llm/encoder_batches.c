/*
 * encoder_batches.c - cuts texts into batches, hands the batches to threads: encoder_embed().
 *
 * Why batches to threads and not rows: a batch of a few hundred tokens runs all layers on one core without waiting for
 * the other, its activations stay in that core's cache, and the weights stream past once a batch.  Only when there is a
 * single batch do the kernels spread their rows over the threads.  A text's numbers do not depend on its batch
 * (encoder_forward.c), so batches may be cut in any way.
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "llm/encoder_internal.h"

enum { BATCH_TOKENS = 384, BATCH_LEAST = 48 };

/* All texts as tokens, sorted by length, cut into batches. */
struct plan {
    uint64_t n_tokens, n_batches;
    uint32_t *ids, *positions; /* [n_tokens], in the sorted order */
    unsigned long *row;        /* [n_texts]: the text at each place of the order */
    uint64_t *start;           /* [n_texts + 1]: its first token */
    uint64_t *batch;           /* [n_batches + 1]: its first text */
    uint32_t largest;          /* tokens of the largest batch */
};

struct tokens { /* grows */
    uint64_t n, allocated;
    uint32_t *ids;
};

static enum status tokenize_all(const struct encoder *e, const struct strings *texts, struct tokens *tokens,
                                uint64_t *start)
{
    for (uint64_t i = 0; i < texts->n; i++) {
        if (tokens->n + e->max_tokens > tokens->allocated) {
            const uint64_t wanted = 2 * tokens->allocated + e->max_tokens + 4096;
            uint32_t *ids = realloc(tokens->ids, wanted * sizeof *ids);
            if (ids == NULL)
                return status_fail(STATUS_SYSTEM, "memory is out: the tokens of %llu texts",
                                   (unsigned long long)texts->n);
            tokens->ids = ids;
            tokens->allocated = wanted;
        }
        uint32_t n;
        start[i] = tokens->n;
        TRY(encoder_ids(e, strings_at(texts, i), strings_length(texts, i), tokens->ids + tokens->n, &n));
        tokens->n += n;
    }
    start[texts->n] = tokens->n;
    return STATUS_OK;
}

/* Counting sort by length, longest first, so that no long batch is left for the end; equal ones in their order.  place:
 * [most + 2] zeros. */
static void sort_by_length(uint64_t n, const uint64_t *start, uint32_t most, uint64_t *place,
                           unsigned long *row)
{
    for (uint64_t i = 0; i < n; i++)
        place[most - (start[i + 1] - start[i]) + 1]++;
    for (uint32_t i = 0; i <= most; i++)
        place[i + 1] += place[i];
    for (uint64_t i = 0; i < n; i++)
        row[place[most - (start[i + 1] - start[i])]++] = i;
}

static enum status make_plan(const struct encoder *e, const struct strings *texts, struct tokens *tokens,
                             struct arena *arena, struct plan *p)
{
    uint64_t *start, *place;
    ARENA_NEW(start, arena, texts->n + 1);
    ARENA_NEW(place, arena, e->max_tokens + 2);
    TRY(tokenize_all(e, texts, tokens, start));
    p->n_tokens = tokens->n;
    ARENA_NEW(p->ids, arena, tokens->n);
    ARENA_NEW(p->positions, arena, tokens->n);
    ARENA_NEW(p->row, arena, texts->n);
    ARENA_NEW(p->start, arena, texts->n + 1);
    ARENA_NEW(p->batch, arena, texts->n + 1);
    sort_by_length(texts->n, start, e->max_tokens, place, p->row);
    /* Fewer tokens than would fill a batch a thread: smaller batches. */
    const uint64_t share = tokens->n / (uint64_t)e->backend->threads + 1;
    const uint64_t budget = share < BATCH_LEAST ? BATCH_LEAST : share > BATCH_TOKENS ? BATCH_TOKENS : share;
    uint64_t at = 0, in_batch = 0;
    for (uint64_t i = 0; i < texts->n; i++) {
        const uint64_t from = start[p->row[i]], n = start[p->row[i] + 1] - from;
        if (i == 0 || in_batch + n > budget) {
            p->batch[p->n_batches++] = i;
            in_batch = 0;
        }
        in_batch += n;
        if (in_batch > p->largest)
            p->largest = (uint32_t)in_batch;
        p->start[i] = at;
        memcpy(p->ids + at, tokens->ids + from, n * sizeof *p->ids);
        for (uint64_t j = 0; j < n; j++)
            p->positions[at++] = (uint32_t)e->first_position + (uint32_t)j;
    }
    p->start[texts->n] = at;
    p->batch[p->n_batches] = texts->n;
    return STATUS_OK;
}

static enum status run_batch(const struct encoder *e, const struct plan *p, uint64_t index,
                             const struct encoder_work *work, uint32_t *first, float *out)
{
    const uint64_t from = p->batch[index], to = p->batch[index + 1], token = p->start[from];
    for (uint64_t i = from; i <= to; i++)
        first[i - from] = (uint32_t)(p->start[i] - token);
    const struct encoder_batch batch = {.n_texts = (uint32_t)(to - from),
                                        .n_tokens = (uint32_t)(p->start[to] - token),
                                        .ids = p->ids + token,
                                        .positions = p->positions + token,
                                        .first = first,
                                        .row = p->row + from};
    return encoder_forward(e, &batch, work, out, NULL);
}

/* A worker's complaint waits until the calling thread can make it its own. */
static void keep_quiet(void *context, enum status status, const char *sentence)
{
    (void)context, (void)status, (void)sentence;
}

static enum status run_plan(const struct encoder *e, const struct plan *p, struct arena *arena, float *out)
{
    int threads = e->backend->threads;
    if ((uint64_t)threads > p->n_batches)
        threads = p->n_batches > 1 ? (int)p->n_batches : 1;
    struct encoder_work *work;
    uint32_t *first; /* [threads][largest + 1] */
    ARENA_NEW(work, arena, (size_t)threads);
    ARENA_NEW(first, arena, (size_t)threads * (p->largest + 1));
    for (int i = 0; i < threads; i++)
        TRY(encoder_work_new(e, p->largest, arena, &work[i]));
    if (p->n_batches == 1)
        return run_batch(e, p, 0, &work[0], first, out);
    enum status worst = STATUS_OK;
    char sentence[512] = "";
#pragma omp parallel num_threads(threads)
    {
        const int me = omp_get_thread_num();
        status_handler *handler;
        void *context;
        status_set_handler(keep_quiet, NULL, &handler, &context);
#pragma omp for schedule(dynamic, 1)
        for (uint64_t i = 0; i < p->n_batches; i++) {
            const enum status status =
                run_batch(e, p, i, &work[me], first + (size_t)me * (p->largest + 1), out);
            if (status != STATUS_OK) {
#pragma omp critical(encoder_worst)
                {
                    worst = status;
                    snprintf(sentence, sizeof sentence, "%s", status_sentence());
                }
            }
        }
        status_set_handler(handler, context, NULL, NULL);
    }
    return worst == STATUS_OK ? STATUS_OK : status_fail(worst, "%s", sentence);
}

static double clock_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const struct encoder_use *encoder_used(const struct encoder *encoder)
{
    return &encoder->use;
}

enum status encoder_embed(struct encoder *encoder, const struct strings *texts, float *out)
{
    if (texts->n == 0)
        return STATUS_OK;
    const double wall = clock_of(CLOCK_MONOTONIC), cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    struct tokens tokens = {0};
    struct plan plan = {0};
    enum status status = make_plan(encoder, texts, &tokens, arena, &plan);
    free(tokens.ids);
    if (status == STATUS_OK)
        status = run_plan(encoder, &plan, arena, out);
    encoder->use.n_encoded += texts->n;
    encoder->use.n_tokens += plan.n_tokens;
    encoder->use.seconds += clock_of(CLOCK_MONOTONIC) - wall;
    encoder->use.cpu_seconds += clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    arena_free(arena);
    return status;
}
