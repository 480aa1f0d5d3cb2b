/*
 * encoder.c - how fast the sentence encoder is, against sgemm in the same run.
 *
 * Two loads: short titles ("Toy Story (1995)": made up here, about 8 tokens) and texts of 128 tokens.  Each is the best
 * of 5 runs on all cores (2 at most, RECFUSE_THREADS changes that), tokenizing included.  The limit is what
 * backend_sgemm() reaches on 1024^3 in this run.  On a machine that others use too, CPU time says more than wall time,
 * so both are printed.  Prints "name value unit" lines; skipped without models/minilm.
 */
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "llm/encoder_internal.h"

enum { RUNS = 5, N_TITLES = 1000, N_LONG = 48, SIDE = 1024 };

/* Titles of two to four words and a year. */
static void add_titles(struct string_builder *b)
{
    static const char *const words[] = {"Story",  "Night", "The Last", "River", "Dark",   "Love",
                                        "Return", "City",  "House",    "Moon",  "Secret", "Man",
                                        "Garden", "War",   "Summer",   "Heat"};
    char title[128];
    for (uint64_t i = 0; i < N_TITLES; i++) {
        const int n_words = 2 + (int)(random_u32(1, RANDOM_INIT, 0, i) % 2);
        title[0] = '\0';
        for (int j = 0; j < n_words; j++) {
            strcat(title, words[random_u32(1, RANDOM_INIT, 1 + (uint32_t)j, i) % 16]);
            strcat(title, " ");
        }
        snprintf(title + strlen(title), 16, "(%u)", 1930 + random_u32(1, RANDOM_INIT, 9, i) % 90);
        string_builder_add(b, title, strlen(title));
    }
}

/* 126 words of one piece each: 128 tokens. */
static void add_long(struct string_builder *b)
{
    static const char *const words[] = {"a ",       "film ", "about ", "two ",
                                        "friends ", "who ",  "find ",  "their "};
    for (uint64_t i = 0; i < N_LONG; i++) {
        for (uint64_t j = 0; j < 126; j++) {
            const char *word = words[random_u32(2, RANDOM_INIT, (uint32_t)i, j) % 8];
            string_builder_append(b, word, strlen(word));
        }
        string_builder_end(b);
    }
}

/* Multiplications and additions of the dense layers and of attention. */
static double flops(const struct encoder *e, const struct strings *texts, struct arena *arena,
                    uint64_t *n_tokens)
{
    const double h = e->hidden, f = e->feed_forward;
    double sum = 0;
    *n_tokens = 0;
    for (uint64_t i = 0; i < texts->n; i++) {
        uint32_t *ids, n;
        encoder_tokenize(e, strings_at(texts, i), strings_length(texts, i), arena, &ids, &n);
        *n_tokens += n;
        sum += e->n_layers * (2.0 * n * (4 * h * h + 2 * h * f) + 4.0 * n * n * h);
    }
    return sum;
}

/* Of all threads of this process. */
static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum status measure(const char *name, struct encoder *e, struct string_builder *builder, double peak)
{
    struct arena *arena = arena_new();
    struct strings texts;
    uint64_t n_tokens;
    float *out;
    if (arena == NULL)
        return STATUS_SYSTEM;
    TRY(string_builder_finish(builder, arena, &texts));
    ARENA_NEW(out, arena, texts.n * encoder_dimensions(e));
    const double work = flops(e, &texts, arena, &n_tokens);
    double best = 1e30, best_cpu = 1e30;
    for (int run = 0; run < RUNS; run++) {
        const double start = omp_get_wtime(), start_cpu = cpu_seconds();
        TRY(encoder_embed(e, &texts, out));
        const double seconds = omp_get_wtime() - start, cpu = cpu_seconds() - start_cpu;
        best = seconds < best ? seconds : best;
        best_cpu = cpu < best_cpu ? cpu : best_cpu;
    }
    printf("encoder_%s %.1f texts/s (%.1f tokens a text)\n", name, (double)texts.n / best,
           (double)n_tokens / (double)texts.n);
    printf("encoder_%s %.1f GFLOP/s\n", name, work / best * 1e-9);
    printf("encoder_%s %.2f of sgemm\n", name, work / best / peak);
    printf("encoder_%s %.1f texts a CPU second, %.1f GFLOP a CPU second\n", name, (double)texts.n / best_cpu,
           work / best_cpu * 1e-9);
    arena_free(arena);
    return STATUS_OK;
}

static enum status sgemm_peak(const struct backend *backend, double *out)
{
    struct arena *arena = arena_new();
    float *a, *b, *c;
    if (arena == NULL)
        return STATUS_SYSTEM;
    ARENA_NEW(a, arena, SIDE * SIDE);
    ARENA_NEW(b, arena, SIDE * SIDE);
    ARENA_NEW(c, arena, SIDE * SIDE);
    for (size_t i = 0; i < SIDE * SIDE; i++)
        a[i] = b[i] = (float)(i % 7) - 3.0f;
    double best = 1e30;
    for (int run = 0; run < 2 * RUNS; run++) {
        const double start = omp_get_wtime();
        TRY(backend_sgemm(backend, false, false, SIDE, SIDE, SIDE, 1, a, SIDE, b, SIDE, 0, c, SIDE));
        const double seconds = omp_get_wtime() - start;
        best = seconds < best ? seconds : best;
    }
    *out = 2.0 * SIDE * SIDE * SIDE / best;
    printf("sgemm_1024 %.1f GFLOP/s\n", *out * 1e-9);
    arena_free(arena);
    return STATUS_OK;
}

static enum status bench(void)
{
    const char *threads = getenv("RECFUSE_THREADS");
    const struct backend *backend;
    struct encoder *encoder;
    struct string_builder titles = {0}, longs = {0};
    double peak;
    const int cores = omp_get_num_procs() < 2 ? 1 : 2;
    TRY(backend_open("cpu", threads != NULL ? atoi(threads) : cores, &backend));
    TRY(encoder_open("models/minilm", backend, &encoder));
    printf("threads %d\n", backend->threads);
    TRY(sgemm_peak(backend, &peak));
    add_titles(&titles);
    TRY(measure("titles", encoder, &titles, peak));
    add_long(&longs);
    TRY(measure("texts_of_128", encoder, &longs, peak));
    encoder_close(encoder);
    return STATUS_OK;
}

int main(void)
{
    const enum status status = bench();
    return status == STATUS_UNAVAILABLE ? 0 : (int)status;
}
