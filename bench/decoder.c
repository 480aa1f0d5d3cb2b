/*
 * decoder.c - how fast Gemma 3 270M reads and writes, against what the machine's memory and arithmetic allow in the same run.
 *
 * Prefill: 512 tokens, as llama.cpp's pp512.  Decode: 64 tokens behind 8, each from all logits (the tied head is 71 % of the bytes),
 * and once from the logits of 1,000 tokens alone, as under a grammar.  Candidates: 100 of 8 tokens behind a prompt of 512, together
 * (the prompt once) and by one call each (ALONE of them, scaled).  Activations in float32 and in 8 bits (as llama.cpp).
 * Limits: reading the mapped file by all threads (memory), chains of multiply-adds in float32 (arithmetic; 8 bits may exceed it).
 * The best of TIMES on 2 cores (RECFUSE_THREADS changes that), by turns.  Peer, to be run in turns with this: tools/bench-llama-peer.py.
 * Prints "name value unit" lines; skipped without models/gemma.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "llm/decoder_internal.h"
#include "philox.h"

enum {
    PREFILL = 512,
    FIRST = 8,
    NEW = 64,
    CANDIDATES = 100,
    CANDIDATE = 8,
    ALONE = 4,
    NARROW = 1000,
    TIMES = 3,
    CHAINS = 12
};

struct bed {
    struct decoder *decoder;
    struct decoder_cache *cache;
    int threads;
    uint32_t ids[PREFILL + CANDIDATES * CANDIDATE], narrow[NARROW];
    float *states, *logits;
    double *logprob;
};
static double sink; /* what limits compute goes somewhere */

static void must(bool good)
{
    if (good)
        return;
    fprintf(stderr, "bench decoder: a call failed\n");
    exit(4);
}

static double seconds(void)
{
    return omp_get_wtime();
}

/* Bytes a second of reading the file, 2 KiB ahead of the sum. */
static double read_file(const struct bed *b)
{
    typedef uint64_t wide __attribute__((vector_size(64), aligned(1), may_alias));
    const char *bytes = b->decoder->file.map.bytes;
    const long n = (long)(b->decoder->file.map.n / 65536);
    uint64_t total = 0;
    const double start = seconds();
#pragma omp parallel for reduction(+ : total) num_threads(b->threads) schedule(static)
    for (long block = 0; block < n; block++) {
        wide sum = {0};
        for (long i = 65536 * block; i < 65536 * (block + 1); i += 64) {
            __builtin_prefetch(bytes + i + 2048);
            sum += *(const wide *)(bytes + i);
        }
        total += sum[0] + sum[3];
    }
    sink += (double)total;
    return 65536.0 * (double)n / (seconds() - start);
}

/* FLOP a second of multiply-adds on registers. */
static double multiply_add(const struct bed *b)
{
    typedef float wide __attribute__((vector_size(64)));
    enum { ROUNDS = 1000000 };
    double sum = 0;
    const double start = seconds();
#pragma omp parallel num_threads(b->threads) reduction(+ : sum)
    {
        wide x[CHAINS];
        for (int c = 0; c < CHAINS; c++)
            x[c] = (wide){0} + (float)c;
        for (long i = 0; i < ROUNDS; i++)
#pragma GCC unroll 12
            for (int c = 0; c < CHAINS; c++)
                x[c] = x[c] * 0.9999999f + 1e-9f;
        for (int c = 0; c < CHAINS; c++)
            sum += (double)x[c][0];
    }
    sink += sum;
    return 32.0 * CHAINS * ROUNDS * b->threads / (seconds() - start);
}

static double prefill(struct bed *b)
{
    const struct decoder_run run = {.n = PREFILL};
    const uint32_t last = PREFILL - 1;
    const double start = seconds();
    must(decoder_forward(b->decoder, b->cache, b->ids, &run, 1, &last, 1, b->states) == STATUS_OK);
    return seconds() - start;
}

/* NEW tokens behind FIRST, the best of all or of `narrow`. */
static double decode(struct bed *b, bool narrow)
{
    struct decoder_run run = {.n = FIRST};
    uint32_t last = FIRST - 1, id;
    must(decoder_forward(b->decoder, b->cache, b->ids, &run, 1, &last, 1, b->states) == STATUS_OK);
    const double start = seconds();
    const uint32_t n = narrow ? NARROW : decoder_vocabulary(b->decoder);
    for (uint32_t i = 0; i < NEW; i++) {
        must((narrow ? decoder_logits_of(b->decoder, b->states, 1, b->narrow, n, b->logits)
                     : decoder_logits(b->decoder, b->states, 1, b->logits)) == STATUS_OK);
        id = 0;
        for (uint32_t j = 1; j < n; j++)
            id = b->logits[j] > b->logits[id] ? j : id;
        id = narrow ? b->narrow[id] : id;
        run = (struct decoder_run){.n = 1, .position = FIRST + i};
        last = 0;
        must(decoder_forward(b->decoder, b->cache, &id, &run, 1, &last, 1, b->states) == STATUS_OK);
    }
    return seconds() - start;
}

/* Log-probabilities of `n` candidates behind the prompt: the prompt's pass, then all of them at once. */
static double candidates(struct bed *b, uint32_t n)
{
    static struct decoder_run runs[CANDIDATES];
    static uint32_t wanted[CANDIDATES * CANDIDATE];
    const double start = seconds();
    prefill(b);
    for (uint32_t i = 0; i < n; i++) {
        runs[i] = (struct decoder_run){CANDIDATE - 1, PREFILL, PREFILL, PREFILL + i * CANDIDATE};
        for (uint32_t j = 0; j < CANDIDATE - 1; j++)
            wanted[i * (CANDIDATE - 1) + j] = i * (CANDIDATE - 1) + j;
    }
    const uint32_t all = n * (CANDIDATE - 1);
    must(decoder_forward(b->decoder, b->cache, b->ids + PREFILL, runs, n, wanted, all, b->states) ==
         STATUS_OK);
    must(decoder_logprobs(b->decoder, b->states, all, b->ids + PREFILL, b->logprob) == STATUS_OK);
    return seconds() - start;
}

/* Bytes of weights that a token of decode reads: all of the layers, and the head. */
static double token_bytes(const struct decoder *d, double *head)
{
    double sum = 0;
    *head = (double)d->head.row_bytes * d->head.n;
    for (int i = 0; i < d->n_layers; i++) {
        const struct decoder_layer *l = &d->layers[i];
        for (int j = 0; j < l->n_qkv; j++)
            sum += (double)l->qkv[j].row_bytes * l->qkv[j].n;
        for (int j = 0; j < l->n_up; j++)
            sum += (double)l->up[j].row_bytes * l->up[j].n;
        sum += (double)l->out.row_bytes * l->out.n + (double)l->down.row_bytes * l->down.n;
    }
    return sum;
}

/* Multiplications and additions of a token's products, without the head. */
static double token_flops(const struct decoder *d)
{
    double sum = 0;
    for (int i = 0; i < d->n_layers; i++) {
        const struct decoder_layer *l = &d->layers[i];
        for (int j = 0; j < l->n_qkv; j++)
            sum += 2.0 * l->qkv[j].n * l->qkv[j].k;
        for (int j = 0; j < l->n_up; j++)
            sum += 2.0 * l->up[j].n * l->up[j].k;
        sum += 2.0 * l->out.n * l->out.k + 2.0 * l->down.n * l->down.k;
    }
    return sum;
}

static void measure(struct bed *b, enum decoder_activations activations)
{
    const char *name = activations == DECODER_INT8 ? "int8" : "float32";
    double read = 1e30, write = 1e30, narrow = 1e30, together = 1e30, alone = 1e30, memory = 0, peak = 0,
           head;
    decoder_set_activations(b->decoder, activations);
    for (int run = 0; run < TIMES; run++) {
        memory = fmax(memory, read_file(b));
        peak = fmax(peak, multiply_add(b));
        read = fmin(read, prefill(b));
        write = fmin(write, decode(b, false));
        narrow = fmin(narrow, decode(b, true));
    }
    together = candidates(b, CANDIDATES);
    const double start = seconds();
    for (int i = 0; i < ALONE; i++)
        candidates(b, 1);
    alone = (seconds() - start) / ALONE * CANDIDATES;
    const double layers = token_bytes(b->decoder, &head), flops = token_flops(b->decoder) * PREFILL / read;
    const double rate = (layers + head) * NEW / write;
    printf("%s_prefill %.1f tokens/s: %.1f GFLOP/s in products alone, %.2f of float32 multiply-adds (%.1f)\n",
           name, PREFILL / read, 1e-9 * flops, flops / peak, 1e-9 * peak);
    printf("%s_decode %.1f tokens/s: %.1f GB/s of weights, %.2f of reading the file (%.1f)\n", name,
           NEW / write, 1e-9 * rate, rate / memory, 1e-9 * memory);
    printf("%s_decode_narrow %.1f tokens/s (head of %d tokens)\n", name, NEW / narrow, NARROW);
    printf(
        "%s_candidates %.3f s for %d behind one prompt of %d tokens, %.2f s by one call each: %.1f times\n",
        name, together, CANDIDATES, PREFILL, alone, alone / together);
}

static enum status bench(void)
{
    const char *threads = getenv("RECFUSE_THREADS");
    const struct backend *backend;
    static struct bed b;
    b.threads = threads != NULL ? atoi(threads) : omp_get_num_procs() < 2 ? 1 : 2;
    TRY(backend_open("cpu", b.threads, &backend));
    TRY(decoder_open("models/gemma", backend, &b.decoder));
    TRY(decoder_cache_new(b.decoder, PREFILL + CANDIDATES * CANDIDATE, &b.cache));
    b.states = malloc(sizeof *b.states * decoder_hidden(b.decoder) * CANDIDATES * CANDIDATE);
    b.logits = malloc(sizeof *b.logits * decoder_vocabulary(b.decoder));
    b.logprob = malloc(sizeof *b.logprob * CANDIDATES * CANDIDATE);
    must(b.states != NULL && b.logits != NULL && b.logprob != NULL);
    for (uint32_t i = 0; i < PREFILL + CANDIDATES * CANDIDATE; i++)
        b.ids[i] = i == 0 ? 2 : 1000 + philox4x32(1, 0, i).v[0] % 50000;
    for (uint32_t i = 0; i < NARROW; i++)
        b.narrow[i] = 1000 + 97 * i;
    printf("threads %d\n", b.threads);
    measure(&b, DECODER_FLOAT32);
    measure(&b, DECODER_INT8);
    decoder_cache_free(b.cache);
    decoder_close(b.decoder);
    return STATUS_OK;
}

int main(void)
{
    const enum status status = bench();
    return status == STATUS_UNAVAILABLE ? 0 : (int)status;
}
