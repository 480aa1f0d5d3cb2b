/*
 * bench.h - how the kernels alone are timed (dense.c, sparse.c): at three sizes, on one and two threads, the best of RUNS,
 * by turns with a limit over the same data, so that other load on the machine meets both.
 * Lines "kernel size threads ...", and with --csv FILE the same as csv (plots/bench/growth.gp draws it).
 */
#ifndef BENCH_H
#define BENCH_H
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/backend.h"
#include "base/arena.h"
#include "base/csr.h"
#include "philox.h"

enum { RUNS = 7, RANK = 64 };
typedef float wide __attribute__((vector_size(64)));

static FILE *csv;
static double sink; /* what limits compute goes somewhere */

static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(int good)
{
    if (good)
        return;
    fprintf(stderr, "bench kernels: out of memory or a launch failed\n");
    exit(4);
}

static float *floats(struct arena *arena, size_t n, uint64_t stream, float scale)
{
    float *x = arena_alloc(arena, n, sizeof *x);
    must(x != NULL);
    for (size_t i = 0; i < n; i++)
        x[i] = (philox_unit(philox4x32(stream, 0, i).v[0]) - 0.5f) * scale;
    return x;
}

/* What is timed: a kernel's launches, and its limit over the same data. */
struct job {
    const char *kernel, *limit, *unit;
    long size;
    double work; /* of a run, in units of 1e9: GFLOP, GB, G increments */
    void (*run)(struct job *j, const struct backend *b);
    void (*bound)(struct job *j, int threads); /* one pass of the limit, `work` units as well; NULL: fma */
    const struct kernel *descriptor;
    const void *args;
    long rows;
    size_t scratch;
    float *restored; /* overwritten by a run, put back before the next; NULL: nothing is */
    const float *original;
    size_t n_restored;
};

static void launch(struct job *j, const struct backend *b)
{
    must(backend_launch(b, j->descriptor, j->args, j->rows, j->scratch) == STATUS_OK);
}

/* Multiply-adds on registers: GFLOP of a pass. */
static double fma_pass(int threads)
{
    enum { CHAINS = 12, ROUNDS = 2000000 };
    double sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
    {
        wide x[CHAINS];
        const float seed = (float)omp_get_thread_num() * 1e-9f;
        for (int c = 0; c < CHAINS; c++)
            x[c] = (wide){0} + (float)c;
        for (long i = 0; i < ROUNDS; i++)
#pragma GCC unroll 12
            for (int c = 0; c < CHAINS; c++)
                x[c] = x[c] * 0.9999999f + seed;
        for (int c = 0; c < CHAINS; c++)
            sum += (double)x[c][0];
    }
    sink += sum;
    return 2e-9 * 16 * CHAINS * (double)ROUNDS * threads;
}

/* Best of RUNS by turns with the limit, on 1 and 2 threads.  Rates are of CPU seconds times threads: on a machine that
 * others use too they are what the seconds are on an idle one; the share is a ratio of the two rates. */
static void measure(struct job *j)
{
    for (int threads = 1; threads <= 2; threads++) {
        const struct backend *b;
        double wall = 1e30, cpu = 1e30, limit = 0;
        int times = 1; /* of a run: clocks are coarse, so short ones are repeated */
        must(backend_open("cpu", threads, &b) == STATUS_OK);
        for (int run = 0; run < RUNS; run++) {
            if (j->restored != NULL)
                memcpy(j->restored, j->original, j->n_restored * sizeof *j->restored);
            const double start = omp_get_wtime();
            double cpu_start = cpu_now(), work = j->work;
            for (int i = 0; i < times; i++)
                j->run(j, b);
            wall = fmin(wall, (omp_get_wtime() - start) / times),
            cpu = fmin(cpu, (cpu_now() - cpu_start) / times);
            cpu_start = cpu_now();
            if (j->bound == NULL)
                work = fma_pass(threads);
            else
                for (int i = 0; i < times; i++, work += i < times ? j->work : 0)
                    j->bound(j, threads);
            limit = fmax(limit, work * threads / (cpu_now() - cpu_start));
            if (run == 0 && j->restored == NULL &&
                wall < 4e-3) { /* the first run only tells how long it takes */
                times = 1 + (int)(4e-3 / wall);
                wall = cpu = 1e30, limit = 0;
            }
        }
        const double rate = j->work * threads / cpu, share = rate / limit;
        printf(
            "%-16s %8ld  %d thread%s cpu %9.3f ms, wall %9.3f ms: %8.2f %s; limit (%s) %8.2f; share %.2f\n",
            j->kernel, j->size, threads, threads > 1 ? "s" : " ", 1e3 * cpu, 1e3 * wall, rate, j->unit,
            j->limit, limit, share);
        fflush(stdout);
        if (csv != NULL)
            fprintf(csv, "%s,%ld,%d,%.6g,%.6g,%.6g,%s,%.6g,%s,%.4f\n", j->kernel, j->size, threads, cpu, wall,
                    rate, j->unit, limit, j->limit, share);
    }
}

static int by_value(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The prototype's matrix: skewed lengths of rows, skewed columns, confidences. */
static void als_rows(struct arena *arena, long rows, long cols, int64_t **ptr, uint32_t **idx, float **val)
{
    const int64_t wanted = rows * 100;
    int64_t n = 0;
    *ptr = arena_alloc(arena, (size_t)rows + 1, sizeof **ptr);
    *idx = arena_alloc(arena, (size_t)(wanted + 2 * rows + 64), sizeof **idx);
    *val = arena_alloc(arena, (size_t)(wanted + 2 * rows + 64), sizeof **val);
    must(*ptr != NULL && *idx != NULL && *val != NULL);
    for (long u = 0; u < rows; u++) {
        const float r = philox_unit(philox4x32(1, (uint64_t)u, 0).v[0]);
        long length = (long)(0.5 * 100 * (double)powf(r, -0.5f));
        length = u % 997 == 5 ? 0 : length > cols / 3 ? cols / 3 : length;
        const int64_t start = n;
        for (long e = 0; e < length && n < wanted + rows; e++) {
            const float q = philox_unit(philox4x32(2, (uint64_t)u, (uint64_t)e).v[0]);
            (*idx)[n++] = (uint32_t)(q * q * (float)(cols - 1));
        }
        qsort(*idx + start, (size_t)(n - start), sizeof **idx, by_value);
        int64_t kept = start;
        for (int64_t e = start; e < n; e++)
            if (kept == start || (*idx)[e] != (*idx)[kept - 1])
                (*idx)[kept++] = (*idx)[e];
        n = kept;
        for (int64_t e = start; e < n; e++)
            (*val)[e] = 40.0f * philox_unit(philox4x32(3, (uint64_t)u, (uint64_t)(e - start)).v[0]);
        (*ptr)[u + 1] = n;
    }
}

struct bench {
    const char *name;
    void (*run)(const char *name, struct arena *arena, int step);
};

/* [--csv FILE] [WORD]: the benches, NULL-ended, whose name holds WORD, at three sizes. */
static int bench_main(int argc, char **argv, const struct bench *benches)
{
    const int with_csv = argc > 2 && strcmp(argv[1], "--csv") == 0;
    const char *word = argc > (with_csv ? 3 : 1) ? argv[with_csv ? 3 : 1] : "";
    if (with_csv && (csv = fopen(argv[2], "w")) == NULL) {
        perror(argv[2]);
        return 3;
    }
    if (csv != NULL)
        fprintf(csv, "kernel,size,threads,cpu_seconds,seconds,rate,unit,limit,limit_name,share\n");
    for (const double start = omp_get_wtime(); omp_get_wtime() < start + 0.5;)
        fma_pass(1); /* OpenBLAS's threads spin for a while after they start */
    for (; benches->name != NULL; benches++)
        for (int step = 0; step < 3 && strstr(benches->name, word) != NULL; step++) {
            struct arena *arena = arena_new();
            must(arena != NULL);
            benches->run(benches->name, arena, step);
            arena_free(arena);
        }
    return (csv != NULL && fclose(csv) != 0) || sink == 42.0 ? 4 : 0;
}
#endif
