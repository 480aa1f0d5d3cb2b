/*
 * import.c - seconds and memory from a file of ratings to two CSR matrices: 20 million rows in MovieLens-20M's shape (138,493 users,
 * 26,744 items, about 530 MB), made here from random numbers.
 *
 * usage: import [ROWS]     writes and removes build/bench-import.{tsv,h5}
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "backend/backend.h"
#include "data/import.h"
#include "data/store.h"

enum { USERS = 138493, ITEMS = 26744 };
static const char tsv[] = "build/bench-import.tsv", h5[] = "build/bench-import.h5";

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
static long peak_mib(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return r.ru_maxrss / 1024;
}

/* Users by turns of random length, items by a power law: u squared. */
static bool make_file(uint64_t rows)
{
    FILE *f = fopen(tsv, "w");
    uint32_t user = 0;
    if (f == NULL)
        return false;
    for (uint64_t i = 0; i < rows; i++) {
        const double u = random_unit(1, RANDOM_SYNTH, 0, i);
        if ((i + 1) * USERS / rows > user && user + 1 < USERS)
            user++;
        fprintf(f, "%u\t%u\t%u.%u\t%u\n", user + 1, (uint32_t)(u * u * ITEMS) + 1, 1 + (uint32_t)(i % 4),
                5 * (uint32_t)(i % 2), 789652009 + (uint32_t)(u * 5e8));
    }
    return fclose(f) == 0;
}

static const struct import_format *find(const char *name)
{
    for (size_t i = 0; import_formats[i] != NULL; i++)
        if (strcmp(import_formats[i]->name, name) == 0)
            return import_formats[i];
    return NULL;
}

static enum status measure(uint64_t rows)
{
    const struct import_options options = {.name = "bench"};
    struct arena *arena = arena_new(), *again = arena_new();
    struct dataset *d;
    struct csr by_user, by_item;
    struct stat_line {
        double read, write, load, csr;
    } s;
    double start = now();
    if (arena == NULL || again == NULL)
        return STATUS_SYSTEM;
    TRY(find("tsv")->read(tsv, &options, arena, &d));
    s.read = now() - start, start = now();
    TRY(store_write(h5, d));
    s.write = now() - start;
    printf(
        "file to dataset in memory: %.2f s; packed, written, read back and compared: %.2f s; peak %ld MiB\n",
        s.read, s.write, peak_mib());
    arena_free(arena);
    start = now();
    TRY(store_read(h5, again, &d));
    s.load = now() - start, start = now();
    TRY(csr_from_triples(d->n_users, d->n_items, d->interactions.n, d->interactions.user,
                         d->interactions.item, d->interactions.value, again, &by_user, NULL));
    TRY(csr_transpose(&by_user, again, &by_item));
    s.csr = now() - start;
    printf("dataset file to memory, every check: %.2f s; two CSR matrices of it: %.2f s; %llu rows\n", s.load,
           s.csr, (unsigned long long)rows);
    arena_free(again);
    return STATUS_OK;
}

int main(int argc, char **argv)
{
    const uint64_t rows = argc > 1 ? strtoull(argv[1], NULL, 10) : 20000000;
    const struct backend *backend;
    if (backend_open("cpu", 0, &backend) != STATUS_OK || !make_file(rows))
        return 1;
    const enum status status = measure(rows);
    if (getenv("KEEP") == NULL) {
        unlink(tsv);
        unlink(h5);
    }
    return (int)status;
}
