/*
 * residence.c - arrays that stay on the device (backend_keep() and the rest), by what is copied and by results: spmm_normalize
 * scales rows to length 1, so a row's result says from what it was computed.
 */
#include <cuda_runtime_api.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cuda.h"
#include "backend/cuda_memory.h"
#include "base/arena.h"
#include "random.h"
#include "spmm.h"

enum { ROWS = 64, COLS = 64, BYTES = ROWS * COLS * 4 };

static const struct backend *backend;
static int n_bad;

static void say(int good, const char *what)
{
    printf("%s residence: %s\n", good ? "ok" : "not ok", what);
    n_bad += !good;
}

/* Row r is (r + 1, 0, 0, ...) times `size`, with `place` the column that is not 0. */
static void fill(float *x, long rows, int cols, int place, float size)
{
    memset(x, 0, (size_t)rows * (size_t)cols * sizeof *x);
    for (long r = 0; r < rows; r++)
        x[r * cols + place] = size * (float)(r + 1);
}

static int is_unit(const float *x, long rows, int cols, int place)
{
    for (long r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            if (fabsf(x[r * cols + c] - (c == place ? 1.0f : 0.0f)) > 1e-6f)
                return 0;
    return 1;
}

static int launch(float *x, long rows, int cols)
{
    const struct spmm_normalize a = {x, (size_t)cols, cols};
    return backend_launch(backend, &kernel_spmm_normalize, &a, rows, 0) == STATUS_OK;
}

static int moved(const struct cuda_counts *before, double up, double down)
{
    return cuda_counts.up - before->up == up && cuda_counts.down - before->down == down;
}

static void check_copies(float *x)
{
    struct cuda_counts before = cuda_counts;
    fill(x, ROWS, COLS, 3, 1);
    int good = launch(x, ROWS, COLS) && launch(x, ROWS, COLS);
    say(good && moved(&before, 2 * BYTES, 2 * BYTES) && is_unit(x, ROWS, COLS, 3),
        "not kept: there and back at each launch");
    fill(x, ROWS, COLS, 5, 1);
    before = cuda_counts;
    good = backend_keep(backend, x, BYTES) == STATUS_OK && launch(x, ROWS, COLS) && launch(x, ROWS, COLS);
    say(good && moved(&before, BYTES, 0) && x[5 + COLS] == 2, "kept: there once, and the host's array waits");
    good = backend_fetch(backend, x + 1) == STATUS_OK;
    say(good && is_unit(x, ROWS, COLS, 5), "fetched: the host has the results");
    fill(x, ROWS, COLS, 7, 1);
    good = backend_changed(backend, x) == STATUS_OK && launch(x, ROWS, COLS) &&
           backend_fetch(backend, x) == STATUS_OK;
    say(good && is_unit(x, ROWS, COLS, 7), "changed: the host's array counts");
    backend_keep(backend, x, BYTES);
    backend_forget(backend, x);
    before = cuda_counts;
    good = launch(x, ROWS, COLS);
    say(good && moved(&before, 0, 0), "kept twice and forgotten once: still kept");
    backend_forget(backend, x);
    fill(x, ROWS, COLS, 9, 1);
    before = cuda_counts;
    good = launch(x, ROWS, COLS);
    say(good && moved(&before, BYTES, BYTES) && is_unit(x, ROWS, COLS, 9), "forgotten: copied again");
}

/* Part of a kept array, and an array that reaches out of one. */
static void check_parts(float *x)
{
    fill(x, ROWS, COLS, 2, 1);
    backend_keep(backend, x, BYTES / 2);
    int good = launch(x + 8 * COLS, 4, COLS) && backend_fetch(backend, x) == STATUS_OK;
    say(good && is_unit(x + 8 * COLS, 4, COLS, 2) && x[2 + 7 * COLS] == 8 && x[2 + 12 * COLS] == 13,
        "a part of a kept array: the rest stays as it was");
    good = launch(x, ROWS, COLS);
    say(good && is_unit(x, ROWS, COLS, 2), "an array that is kept in part: right on the host at once");
}

/* An address that gets another meaning. */
static void check_arena(void)
{
    int good = 1, again = 0;
    const float *first = NULL;
    for (int i = 0; i < 4; i++) {
        struct arena *arena = arena_new();
        float *x = arena_alloc(arena, ROWS * COLS, sizeof *x);
        again += x == first;
        first = x;
        fill(x, ROWS, COLS, i, 1);
        good &= backend_keep(backend, x, BYTES) == STATUS_OK && launch(x, ROWS, COLS) &&
                backend_fetch(backend, x) == STATUS_OK && is_unit(x, ROWS, COLS, i);
        arena_free(arena);
    }
    say(good && again > 0, "an arena that is freed takes its arrays off the device");
}

static void check_ranges(void)
{
    enum { MANY = 20000 };
    float *whole = malloc((size_t)MANY * COLS * sizeof *whole),
          *parts = malloc((size_t)MANY * COLS * sizeof *parts);
    int good = whole != NULL && parts != NULL;
    if (good) {
        for (long i = 0; i < (long)MANY * COLS; i++)
            whole[i] = parts[i] = (float)(i * 7919 % 1000) - 500;
        const unsigned long before = cuda_counts.in_ranges;
        good = backend_keep(backend, whole, (size_t)MANY * COLS * sizeof *whole) == STATUS_OK &&
               launch(whole, MANY, COLS) && cuda_counts.in_ranges == before && launch(parts, MANY, COLS) &&
               cuda_counts.in_ranges == before + 1 && backend_fetch(backend, whole) == STATUS_OK &&
               memcmp(whole, parts, (size_t)MANY * COLS * sizeof *whole) == 0;
        backend_forget(backend, whole);
    }
    say(good, "in ranges of rows, two lanes: the bytes of one launch");
    free(whole), free(parts);
}

/* With room for one array of two, and for none. */
static void check_room(float *x, float *y)
{
    fill(x, ROWS, COLS, 1, 1), fill(y, ROWS, COLS, 2, 1);
    cuda_trim();
    int good = cuda_memory_open(0, BYTES + BYTES / 2) == cudaSuccess;
    const unsigned long before = cuda_counts.on_cpu;
    backend_keep(backend, x, BYTES), backend_keep(backend, y, BYTES);
    good = good && launch(x, ROWS, COLS) && launch(y, ROWS, COLS);
    say(good && is_unit(x, ROWS, COLS, 1) && cuda_counts.on_cpu == before,
        "no room for a second array: the first comes home and makes room");
    good = launch(x, ROWS, COLS) && backend_fetch(backend, x) == STATUS_OK &&
           backend_fetch(backend, y) == STATUS_OK;
    say(good && is_unit(y, ROWS, COLS, 2) && cuda_counts.on_cpu == before, "and goes back when needed");
    backend_forget(backend, x), backend_forget(backend, y);
    cuda_trim();
    fill(x, ROWS, COLS, 4, 1);
    const unsigned long in_ranges = cuda_counts.in_ranges;
    good = cuda_memory_open(0, BYTES / 2) == cudaSuccess && launch(x, ROWS, COLS);
    say(good && is_unit(x, ROWS, COLS, 4) && cuda_counts.on_cpu == before &&
            cuda_counts.in_ranges == in_ranges + 1,
        "no room for all rows at once: in ranges");
    fill(x, ROWS, COLS, 6, 1);
    cuda_trim();
    good = cuda_memory_open(0, 4096) == cudaSuccess;
    cuda_trim();
    good = good && cuda_memory_open(0, 1) != cudaSuccess && launch(x, ROWS, COLS);
    say(good && is_unit(x, ROWS, COLS, 6) && cuda_counts.on_cpu == before + 1 &&
            backend_note(backend) != NULL,
        "no room for a range: the CPU runs it, and the record will say so");
    cuda_memory_open(0, 0);
}

int check_residence(void)
{
    float *x = aligned_alloc(64, BYTES), *y = aligned_alloc(64, BYTES);
    if (x == NULL || y == NULL || backend_open("cuda", 1, &backend) != STATUS_OK || backend->fallback != NULL)
        return 1;
    const size_t taken = cuda_taken();
    cuda_range_bytes = CUDA_STAGE;
    check_copies(x);
    check_parts(x);
    check_arena();
    check_ranges();
    check_room(x, y);
    say(cuda_taken() == taken, "no device memory is left behind");
    free(x), free(y);
    return n_bad > 0;
}
