/*
 * encoder.c - how fast the sentence encoder is, against the machine's limits in the same run.
 *
 * Two loads: short titles ("Toy Story (1995)": made up here, about 8 tokens) and texts of 128 tokens, with weights in float32 and in
 * 8 bits.  Each is the best of RUNS runs (RECFUSE_RUNS) on 2 cores at most (RECFUSE_THREADS), tokenizing included.  Limits: what
 * backend_sgemm() reaches on 1024^3, and the speed at which all threads read a quarter of a gigabyte; weights pass once a batch.  On
 * a machine that others use too, CPU time says more than wall time, so both are printed.  Prints "name value unit" lines; skipped
 * without models/minilm.  encoder [FILE]: titles from its lines.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "llm/encoder_internal.h"
#include "nn8.h"

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

/* Bytes of the dense layers' weights. */
static double weight_bytes(const struct encoder *e)
{
    const double h = e->hidden, f = e->feed_forward, weights = e->n_layers * (4 * h * h + 2 * h * f);
    return weights * (e->precision == ENCODER_FP32   ? 4
                      : e->precision == ENCODER_INT8 ? 1 + 4.0 / NN8_BLOCK
                                                     : 34.0 / 32);
}

/* What this machine reaches. */
struct limits {
    double flops, bytes; /* a second */
};

static enum status measure(const char *load, const struct backend *backend, int precision,
                           const struct strings *texts, const struct limits *limits)
{
    struct arena *arena = arena_new();
    struct encoder *e = NULL;
    const struct encoder_options options = {.precision = precision};
    const char *runs = getenv("RECFUSE_RUNS");
    char name[64];
    uint64_t n_tokens;
    float *out;
    if (arena == NULL)
        return STATUS_SYSTEM;
    TRY(encoder_open_with("models/minilm", &options, backend, &e));
    ARENA_NEW(out, arena, texts->n * encoder_dimensions(e));
    const double work = flops(e, texts, arena, &n_tokens);
    double best = 1e30, best_cpu = 1e30;
    for (int run = 0; run < (runs != NULL ? atoi(runs) : RUNS); run++) {
        const double start = omp_get_wtime(), start_cpu = cpu_seconds();
        TRY(encoder_embed(e, texts, out));
        const double seconds = omp_get_wtime() - start, cpu = cpu_seconds() - start_cpu;
        best = seconds < best ? seconds : best;
        best_cpu = cpu < best_cpu ? cpu : best_cpu;
    }
    const double batches = ceil((double)n_tokens / 384); /* encoder.c, BATCH_TOKENS */
    snprintf(name, sizeof name, "encoder_%s_%s", (const char *[]){"fp32", "int8", "w8a8"}[precision], load);
    printf("%s %.1f texts/s (%.1f tokens a text)\n", name, (double)texts->n / best,
           (double)n_tokens / (double)texts->n);
    printf("%s %.1f GFLOP/s\n", name, work / best * 1e-9);
    printf("%s %.2f of sgemm\n", name, work / best / limits->flops);
    printf("%s %.3f of the memory's bandwidth\n", name, weight_bytes(e) * batches / best / limits->bytes);
    printf("%s %.1f texts a CPU second, %.1f GFLOP a CPU second\n", name, (double)texts->n / best_cpu,
           work / best_cpu * 1e-9);
    encoder_close(e);
    arena_free(arena);
    return STATUS_OK;
}

/* Bytes a second that all threads read. */
static enum status read_speed(const struct backend *backend, double *out)
{
    enum { N = 1 << 26 };
    struct arena *arena = arena_new();
    float *x;
    if (arena == NULL)
        return STATUS_SYSTEM;
    ARENA_NEW(x, arena, N);
    double best = 1e30;
    volatile float keep;
    for (int run = 0; run < 3; run++) {
        float sum = 0;
        const double start = omp_get_wtime();
#pragma omp parallel for simd reduction(+ : sum) num_threads(backend->threads)
        for (int i = 0; i < N; i++)
            sum += x[i];
        keep = sum;
        const double seconds = omp_get_wtime() - start;
        best = seconds < best ? seconds : best;
    }
    (void)keep;
    *out = N * sizeof *x / best;
    printf("memory_read %.1f GB/s\n", *out * 1e-9);
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

/* Lines of a file, in place of the titles that are made up here. */
static void add_lines(const char *path, struct string_builder *b)
{
    char line[4096];
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        string_builder_add(b, line, strcspn(line, "\n"));
    if (file != NULL)
        fclose(file);
}

static enum status bench(const char *titles)
{
    static const char *const names[] = {"titles", "texts_of_128"};
    const char *threads = getenv("RECFUSE_THREADS");
    const struct backend *backend;
    struct string_builder builders[2] = {{0}, {0}};
    struct arena *arena = arena_new();
    struct limits limits;
    const int cores = omp_get_num_procs() < 2 ? 1 : 2;
    if (arena == NULL)
        return STATUS_SYSTEM;
    TRY(backend_open("cpu", threads != NULL ? atoi(threads) : cores, &backend));
    printf("threads %d\n", backend->threads);
    printf("way of 8 bits %s\n", (const char *[]){"portable", "VNNI", "AMX"}[encoder_int8_path()]);
    TRY(sgemm_peak(backend, &limits.flops));
    TRY(read_speed(backend, &limits.bytes));
    if (titles != NULL)
        add_lines(titles, &builders[0]);
    else
        add_titles(&builders[0]);
    add_long(&builders[1]);
    for (int i = 0; i < 2; i++) {
        struct strings texts;
        TRY(string_builder_finish(&builders[i], arena, &texts));
        for (int precision = ENCODER_FP32; precision <= ENCODER_W8A8; precision++)
            TRY(measure(names[i], backend, precision, &texts, &limits));
    }
    arena_free(arena);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    const enum status status = bench(argc > 1 ? argv[1] : NULL);
    return status == STATUS_UNAVAILABLE ? 0 : (int)status;
}
