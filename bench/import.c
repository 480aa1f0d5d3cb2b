/*
 * import.c - seconds and memory from a file of ratings to two CSR matrices, each step in a process of its own so that its peak
 * memory is its own: the file's bytes read and no more (the floor), text to columns, the whole import (`recfuse import`: ids
 * mapped, rows sorted and checked, packed, written, read back, synced), dataset file to the two matrices.
 *
 * usage: import [FILE.tsv] [ROUNDS]     FILE: rows of user, item, rating, time.  Without one $PERF_DATA/L.tsv, or 20 million
 * rows in MovieLens-20M's shape (138,493 users, 26,744 items, some 530 MB), made of random numbers in build/ and removed after.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backend/backend.h"
#include "base/log.h"
#include "base/pages.h"
#include "data/import.h"
#include "data/number_file.h"
#include "data/store.h"

enum { USERS = 138493, ITEMS = 26744, ROWS = 20000000 };
static const char made[] = "build/bench-import.tsv", h5[] = "build/bench-import.h5";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Users in order, each with a run of rows of log-normal length whose times rise; few items have most rows. */
static bool make_file(void)
{
    FILE *f = fopen(made, "w");
    uint64_t left = 0, user = 0, time = 0;
    if (f == NULL)
        return false;
    for (uint64_t i = 0; i < ROWS; i++) {
        const double u = random_unit(1, RANDOM_SYNTH, 0, i), v = random_unit(1, RANDOM_SYNTH, 1, i);
        if (left == 0) {
            left = 20 + (uint64_t)exp(4.2 + 2 * (v + random_unit(1, RANDOM_SYNTH, 2, i) - 1));
            user += user + 1 < USERS ? 1 : 0;
            time = 789652009 + (uint64_t)(u * 6e8);
        }
        left--;
        time += 1 + (uint64_t)(v * 400);
        fprintf(f, "%lu\t%u\t%u.%u\t%lu\n", user, (uint32_t)(u * u * u * ITEMS) + 1,
                (uint32_t)(1 + 4 * sqrt(v)), 5 * (uint32_t)(i % 2), time);
    }
    return fclose(f) == 0;
}

/* ---- the steps ---- */

struct result {
    double seconds, processor;
    uint64_t rows;
    long peak_mib;
};

static bool read_bytes(const char *path, struct result *r)
{
    static char block[1 << 20];
    const int fd = open(path, O_RDONLY);
    for (ssize_t n = 1; fd >= 0 && n > 0;)
        n = read(fd, block, sizeof block);
    r->rows = 0;
    return fd >= 0 && close(fd) == 0;
}

static bool parse(const char *path, struct result *r)
{
    struct stat info;
    const int fd = open(path, O_RDONLY);
    int reason;
    if (fd < 0 || fstat(fd, &info) != 0)
        return false;
    struct number_file f = {.fd = fd, .form = {'\t', 4}, .size = (uint64_t)info.st_size};
    const uint64_t room = f.size / 16;
    const struct number_rows rows = {pages_grow(NULL, 0, room * 4), pages_grow(NULL, 0, room * 4),
                                     pages_grow(NULL, 0, room * 4), pages_grow(NULL, 0, room * 8)};
    const bool fine = rows.user && rows.item && rows.value && rows.time &&
                      number_file_read(&f, rows, room, &r->rows, &reason) == NUMBER_END && f.at == f.size;
    close(fd);
    return fine;
}

static bool import(const char *path, struct result *r)
{
    const struct import_options options = {.name = "bench"};
    r->rows = 0;
    return import_run("tsv", path, &options, h5) == STATUS_OK;
}

static bool matrices(const char *path, struct result *r)
{
    struct arena *arena = arena_new();
    struct csr by_user, by_item;
    (void)path;
    if (arena == NULL || store_read_matrices(h5, arena, &by_user, &by_item) != STATUS_OK)
        return false;
    r->rows = (uint64_t)by_item.nnz;
    return true; /* the process ends: its memory goes */
}

/* One step in a child; false: it failed. */
static bool run(bool step(const char *path, struct result *r), const char *path, struct result *r)
{
    int pipes[2], status = 1;
    if (pipe(pipes) != 0)
        return false;
    const pid_t child = fork();
    if (child == 0) {
        const double start = now();
        struct rusage use;
        bool fine = step(path, r);
        r->seconds = now() - start;
        getrusage(RUSAGE_SELF, &use);
        r->processor = (double)use.ru_utime.tv_sec + (double)use.ru_stime.tv_sec +
                       1e-6 * (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
        r->peak_mib = use.ru_maxrss / 1024;
        fine = fine && write(pipes[1], r, sizeof *r) == sizeof *r;
        _exit(fine ? 0 : 1);
    }
    const bool whole = child > 0 && read(pipes[0], r, sizeof *r) == sizeof *r;
    close(pipes[0]);
    close(pipes[1]);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0 && whole;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        bool (*step)(const char *path, struct result *r);
    } steps[] = {{"bytes read and no more (one thread)", read_bytes},
                 {"text to columns in memory", parse},
                 {"whole import, text to checked file", import},
                 {"dataset file to two CSR matrices", matrices}};
    char path[4096] = "";
    const int rounds = argc > 2 ? atoi(argv[2]) : 3;
    if (argc > 1)
        snprintf(path, sizeof path, "%s", argv[1]);
    else if (getenv("PERF_DATA") != NULL)
        snprintf(path, sizeof path, "%s/L.tsv", getenv("PERF_DATA"));
    if (access(path, R_OK) != 0) {
        if (argc > 1 || !make_file()) {
            fprintf(stderr, "bench import: no file %s\n", path);
            return 3;
        }
        snprintf(path, sizeof path, "%s", made);
    }
    log_set_verbose(false);
    printf("%-38s %9s %9s %9s   of %s, best of %d rounds\n", "step", "seconds", "cpu s", "peak MiB", path,
           rounds);
    uint64_t rows = 0;
    bool fine = true;
    for (size_t k = 0; fine && k < sizeof steps / sizeof *steps; k++) {
        struct result best = {.seconds = 1e9}, r = {0};
        for (int round = 0; fine && round < rounds; round++) {
            fine = run(steps[k].step, path, &r);
            best = r.seconds < best.seconds ? r : best;
        }
        rows = best.rows > 0 ? best.rows : rows;
        printf("%-38s %9.3f %9.3f %9ld\n", steps[k].name, best.seconds, best.processor, best.peak_mib);
    }
    printf("%llu entries; two matrices of them take %llu MiB\n", (unsigned long long)rows,
           (unsigned long long)((16 * rows + 8 * (USERS + ITEMS + 2)) >> 20));
    unlink(h5);
    if (strcmp(path, made) == 0 && getenv("KEEP") == NULL)
        unlink(made);
    return fine ? 0 : 4;
}
