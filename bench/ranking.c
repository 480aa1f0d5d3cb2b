/*
 * ranking.c - seconds to rank all items for all users by factors, beside bare sgemm over the same tiles (the
 * limit, measured in the same run).  Made-up factors and train rows in the shapes of MovieLens-1M and -20M.
 * Where others share the machine, the ratio of CPU seconds is the better one.
 *
 * usage: ranking [1m | 20m [USERS [RUNS]]]     min of 5 runs, sgemm and ranking by turns
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "eval/rank.h"
#include "models/factors.h"

enum { FACTORS = 64, SLAB = 4 * FACTORS_COLS /* as in rank.c */ };

static int runs = 5;

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A line of /proc/self/status in MiB: VmRSS, or VmHWM, the most since memory_reset(). */
static long memory_mib(const char *name)
{
    char line[256];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), ": %ld", &kib);
    if (f != NULL)
        fclose(f);
    return kib / 1024;
}

static void memory_reset(void)
{
    FILE *f = fopen("/proc/self/clear_refs", "w");
    if (f != NULL) {
        fputs("5", f);
        fclose(f);
    }
}

struct problem {
    struct factors f;
    struct csr train;
    uint32_t *users;
};

/* Train rows: the chance of an item falls with its number, as popularity does; about `each` a user. */
static enum status problem_make(uint32_t n_users, uint32_t n_items, uint32_t each, struct arena *arena,
                                struct problem *p)
{
    float *user, *item;
    uint32_t *row, *col;
    const size_t n = (size_t)n_users * each;
    ARENA_NEW(user, arena, (size_t)n_users * FACTORS);
    ARENA_NEW(item, arena, (size_t)n_items * FACTORS);
    ARENA_NEW(row, arena, n);
    ARENA_NEW(col, arena, n);
    ARENA_NEW(p->users, arena, n_users);
#pragma omp parallel for
    for (size_t j = 0; j < (size_t)n_users * FACTORS; j++)
        user[j] = (float)random_normal(1, RANDOM_INIT, 0, j);
    for (size_t j = 0; j < (size_t)n_items * FACTORS; j++)
        item[j] = (float)random_normal(1, RANDOM_INIT, 1, j);
#pragma omp parallel for
    for (size_t e = 0; e < n; e++) {
        const double x = random_unit(1, RANDOM_SPLIT, 0, e);
        row[e] = (uint32_t)(e / each), col[e] = (uint32_t)(x * x * n_items);
    }
    for (uint32_t u = 0; u < n_users; u++)
        p->users[u] = u;
    p->f = (struct factors){
        .n_users = n_users, .n_items = n_items, .factors = FACTORS, .user = user, .item = item};
    p->f.ld_user = p->f.ld_item = FACTORS;
    return csr_from_triples(n_users, n_items, n, row, col, NULL, arena, &p->train, NULL);
}

/* The products alone, in the blocks and tiles that rank_factors() takes. */
static enum status bare_sgemm(const struct problem *p, const struct backend *b, double *seconds, double *cpu)
{
    const uint32_t whole =
        p->f.n_items / FACTORS_COLS * FACTORS_COLS; /* sgemm's edge is slower than its middle: padded */
    float *last = calloc((size_t)FACTORS_COLS * FACTORS, sizeof *last);
    int failed = last == NULL;
    if (failed)
        return STATUS_SYSTEM;
    memcpy(last, p->f.item + (size_t)whole * FACTORS,
           (size_t)(p->f.n_items - whole) * FACTORS * sizeof *last);
    const double start = now(CLOCK_MONOTONIC), cpu_start = now(CLOCK_PROCESS_CPUTIME_ID);
#pragma omp parallel num_threads(b->threads) reduction(| : failed)
    {
        float *scores = aligned_alloc(64, sizeof(float) * FACTORS_ROWS * SLAB);
        float *packed = aligned_alloc(64, sizeof(float) * FACTORS_ROWS * FACTORS);
        failed |= scores == NULL || packed == NULL;
#pragma omp for schedule(dynamic, 1)
        for (uint32_t row = 0; row < p->f.n_users; row += FACTORS_ROWS) {
            if (failed)
                continue;
            const uint32_t n = p->f.n_users - row < FACTORS_ROWS ? p->f.n_users - row : FACTORS_ROWS;
            factors_pack(&p->f, p->users + row, n, packed);
            for (uint32_t first = 0; first < p->f.n_items; first += FACTORS_COLS)
                failed |= backend_sgemm(b, false, true, FACTORS_ROWS, FACTORS_COLS, FACTORS, 1, packed,
                                        FACTORS, first < whole ? p->f.item + (size_t)first * FACTORS : last,
                                        FACTORS, 0, scores + first % SLAB, SLAB) != STATUS_OK;
        }
        free(scores);
        free(packed);
    }
    *seconds = now(CLOCK_MONOTONIC) - start, *cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
    free(last);
    return failed ? STATUS_SYSTEM : STATUS_OK;
}

static enum status measure(const char *name, const struct problem *p, int threads, uint32_t k)
{
    const struct backend *b;
    TRY(backend_open("cpu", threads, &b));
    double bare = INFINITY, ranked = INFINITY, bare_cpu = INFINITY, ranked_cpu = INFINITY;
    long added = 0;
    for (int r = 0; r < runs; r++) {
        double seconds, cpu;
        TRY(bare_sgemm(p, b, &seconds, &cpu));
        bare = fmin(bare, seconds), bare_cpu = fmin(bare_cpu, cpu);
        struct arena *arena = arena_new();
        if (arena == NULL)
            return STATUS_SYSTEM;
        const struct rank_options o = {.k = k, .seed = 1, .masks = {&p->train, NULL}};
        struct lists lists;
        memory_reset();
        const long held = memory_mib("VmRSS");
        const double start = now(CLOCK_MONOTONIC), cpu_start = now(CLOCK_PROCESS_CPUTIME_ID);
        const enum status status = rank_factors(&p->f, b, p->users, p->f.n_users, &o, arena, &lists);
        ranked = fmin(ranked, now(CLOCK_MONOTONIC) - start);
        ranked_cpu = fmin(ranked_cpu, now(CLOCK_PROCESS_CPUTIME_ID) - cpu_start);
        added = memory_mib("VmHWM") - held > added ? memory_mib("VmHWM") - held : added;
        arena_free(arena);
        TRY(status);
    }
    printf("ranking %-4s %6u x %5u, %d factors, top %3u, %d thread%s: %8.4f s; bare sgemm %8.4f s (%5.1f "
           "GFLOP/s); "
           "ratio %.2f (of CPU seconds %.2f), share of sgemm %3.0f %%; memory beyond factors and train rows "
           "%ld MiB, the lists' own %zu MiB\n",
           name, p->f.n_users, p->f.n_items, FACTORS, k, threads, threads > 1 ? "s" : " ", ranked, bare,
           2e-9 * p->f.n_users * p->f.n_items * FACTORS / bare, ranked / bare, ranked_cpu / bare_cpu,
           100 * bare / ranked, added, (size_t)p->f.n_users * k * 8 >> 20);
    fflush(stdout);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint32_t n_users, n_items, each, threads[2], k[2];
    } shapes[] = {{"1m", 6040, 3706, 165, {1, 2}, {10, 100}}, {"20m", 138493, 26744, 144, {2, 0}, {10, 100}}};
    runs = argc > 3 ? atoi(argv[3]) : runs;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        if (argc > 1 && strcmp(argv[1], shapes[s].name) != 0)
            continue;
        struct arena *arena = arena_new();
        struct problem p;
        if (arena == NULL || problem_make(argc > 2 ? (uint32_t)atoi(argv[2]) : shapes[s].n_users,
                                          shapes[s].n_items, shapes[s].each, arena, &p) != STATUS_OK)
            return 4;
        printf("data of %s held: %zu MiB\n", shapes[s].name, arena_bytes(arena) >> 20);
        for (size_t t = 0; t < 2 && shapes[s].threads[t] > 0; t++)
            for (size_t k = 0; k < 2; k++)
                if (measure(shapes[s].name, &p, (int)shapes[s].threads[t], shapes[s].k[k]) != STATUS_OK)
                    return 4;
        arena_free(arena);
    }
    return 0;
}
