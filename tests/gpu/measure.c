/*
 * measure.c - what a card does of what it could: bytes and operations a second of copies and of kernels, as shares of the limits
 * that its attributes name (memory: 2 x clock x width of the bus; arithmetic: 2 x multiprocessors x float units x clock).
 *
 * Each kernel is launched by the backend with its arrays kept on the device, once to warm up and then until a fifth of a second
 * has passed.  Bytes are what the algorithm must move at least once a use (a gathered row counts each time it is gathered, though a
 * cache may hold it, so a share may exceed 1); operations are multiplications and additions.  Under an emulator, which has no time,
 * all runs once on a hundredth of the size, so that the code is exercised, and no figure is printed.
 */
#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "als.h"
#include "attention.h"
#include "backend/cuda.h"
#include "backend/cuda_memory.h"
#include "base/arena.h"
#include "gemm.h"
#include "nn.h"
#include "random.h"
#include "sgd.h"
#include "spmm.h"
#include "topk.h"

static const struct backend *backend;
static struct arena *arena;
static double limit_bytes, limit_flops;
static int emulated, n_bad;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static long sized(long n, long least)
{
    return emulated ? (n / 100 < least ? least : n / 100) : n;
}

static void *array(size_t n, size_t size)
{
    void *p = arena_alloc(arena, n, size);
    if (p == NULL)
        exit(1);
    return p;
}

static float *floats(size_t n, uint64_t seed)
{
    float *x = array(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)random_unit(seed, RANDOM_SYNTH, 0, i) - 0.5f;
    return x;
}

static void row(const char *what, double seconds, double bytes, double flops)
{
    if (emulated)
        return;
    printf("| %s | %.3g |", what, 1e3 * seconds);
    if (bytes > 0)
        printf(" %.1f | %.0f %% |", bytes / seconds / 1e9, 100 * bytes / seconds / limit_bytes);
    else
        printf(" | |");
    if (flops > 0)
        printf(" %.0f | %.1f %% |\n", flops / seconds / 1e9, 100 * flops / seconds / limit_flops);
    else
        printf(" | |\n");
}

/* Seconds a launch. */
static void measure_launch(const char *what, const struct kernel *kernel, const void *args, long rows,
                           size_t scratch, double bytes, double flops)
{
    int n = 0;
    if (backend_keep_launch(backend, kernel, args, rows) != STATUS_OK ||
        backend_launch(backend, kernel, args, rows, scratch) != STATUS_OK || cuda_wait() != cudaSuccess) {
        printf("not ok measuring %s\n", what);
        n_bad++;
        return;
    }
    const double start = now();
    double end = start;
    while (!emulated && end - start < 0.2) {
        for (int i = 0; i < 4; i++, n++)
            if (backend_launch(backend, kernel, args, rows, scratch) != STATUS_OK)
                n_bad++;
        if (cuda_wait() != cudaSuccess)
            n_bad++;
        end = now();
    }
    row(what, (end - start) / (n > 0 ? n : 1), bytes, flops);
}

static void begin(void)
{
    arena = arena_new();
    if (arena == NULL)
        exit(1);
}
static void end(void)
{
    arena_free(arena); /* and off the device */
}

/* Random rows of `each` entries. */
static void sparse(long n, uint32_t columns, long each, int64_t **ptr, uint32_t **idx)
{
    *ptr = array((size_t)n + 1, sizeof **ptr), *idx = array((size_t)(n * each), sizeof **idx);
    for (long r = 0; r < n; r++) {
        (*ptr)[r + 1] = (r + 1) * each;
        for (long e = 0; e < each; e++) /* rising: one from each stretch of the columns */
            (*idx)[r * each + e] =
                (uint32_t)((double)columns *
                           ((double)e + random_unit(1, RANDOM_SYNTH, 0, (uint64_t)(r * each + e))) /
                           (double)each);
    }
}

static void copies(void)
{
    const size_t bytes = (size_t)sized(256 << 20, 1 << 20);
    char *host = malloc(bytes), *device = cuda_take(bytes), *other = cuda_take(bytes);
    void *pinned = NULL;
    struct cuda_lane *lane = &cuda_lanes[0];
    if (host == NULL || device == NULL || other == NULL || cudaMallocHost(&pinned, bytes) != cudaSuccess) {
        printf("not ok measuring copies: no memory\n");
        n_bad++;
        return;
    }
    memset(host, 1, bytes), memset(pinned, 2, bytes);
    for (int way = 0; way < 5; way++) {
        const char *const names[] = {"host to device, pinned", "device to host, pinned", "device to device",
                                     "host to device, any memory (cuda_up)",
                                     "device to host, any memory (cuda_down)"};
        double best = 1e9;
        for (int i = 0; i < (emulated ? 1 : 5); i++) {
            const double start = now();
            cudaError_t e =
                way == 0   ? cudaMemcpyAsync(device, pinned, bytes, cudaMemcpyHostToDevice, lane->stream)
                : way == 1 ? cudaMemcpyAsync(pinned, device, bytes, cudaMemcpyDeviceToHost, lane->stream)
                : way == 2 ? cudaMemcpyAsync(other, device, bytes, cudaMemcpyDeviceToDevice, lane->stream)
                : way == 3 ? cuda_up(lane, device, host, bytes)
                           : cuda_down(lane, host, device, bytes);
            n_bad += e != cudaSuccess || cuda_wait() != cudaSuccess;
            best = now() - start < best ? now() - start : best;
        }
        row(names[way], best, (double)bytes * (way == 2 ? 2 : 1), 0);
    }
    cudaFreeHost(pinned), cuda_give(device), cuda_give(other), free(host);
}

static void products(void)
{
    const size_t n = emulated ? 64 : 4096;
    const double flops = 2.0 * (double)n * (double)n * (double)n;
    begin();
    struct gemm a = {floats(n * n, 1), floats(n * n, 2), array(n * n, 4), n, n, n, n, n, n, 1, 0, 0, 0};
    measure_launch(cuda_has_blas() ? "product of 4096 x 4096, cuBLAS" : "product of 4096 x 4096, gemm",
                   &kernel_gemm, &a, gemm_rows(n, n), 0, 0, flops);
    if (cuda_has_blas()) {
        cuda_use_blas(false);
        measure_launch("product of 4096 x 4096, gemm", &kernel_gemm, &a, gemm_rows(n, n), 0, 0, flops);
        cuda_use_blas(true);
    }
    end();
}

static void factors(void)
{
    const long users = sized(100000, 64), each = sized(100, 8), items = sized(20000, 64), rank = 64;
    const double nnz = (double)(users * each);
    begin();
    struct als a = {
        .X = floats((size_t)(users * rank), 1), .Y = floats((size_t)(items * rank), 2), .alpha = 1};
    float *G = array((size_t)(rank * rank), 4), *ridge = array((size_t)users, 4);
    int64_t *ptr;
    uint32_t *idx;
    sparse(users, (uint32_t)items, each, &ptr, &idx);
    for (long k = 0; k < rank; k++)
        G[k * rank + k] = 1;
    for (long u = 0; u < users; u++)
        ridge[u] = 1;
    a.G = G, a.ridge = ridge, a.ptr = ptr, a.idx = idx, a.n_columns = items, a.rank = (int)rank, a.steps = 3;
    measure_launch("als_cg_64, 3 steps, 100,000 rows of 100", &kernel_als_cg_64, &a, users,
                   als_cg_scratch((int)rank), 4 * nnz * (double)rank * 4,
                   4 * nnz * 4 * (double)rank + (double)users * 4 * 2 * (double)(rank * rank));
    measure_launch("als_cholesky_64, 100,000 rows of 100", &kernel_als_cholesky_64, &a, users,
                   als_cholesky_scratch((int)rank), nnz * (double)rank * 4,
                   nnz * (double)(rank * rank) + (double)users * (double)(rank * rank * rank) / 3);
    const struct gram g = {a.Y, array((size_t)(gram_blocks(items) * rank * rank), 4), items, (int)rank,
                           gram_blocks(items)};
    measure_launch("gram, 20,000 x 64", &kernel_gram, &g, g.n_blocks * rank / ALS_GRAM_ROWS, 0, 0,
                   2.0 * (double)items * (double)(rank * rank));
    const struct spmm_csr_dense s = {
        .ptr = ptr, .idx = idx, .B = a.Y, .out = a.X, .ldb = 64, .ldo = 64, .cols = 64};
    measure_launch("spmm_csr_dense, 100,000 rows of 100, 64 columns", &kernel_spmm_csr_dense, &s, users, 0,
                   nnz * (double)rank * 4, 2 * nnz * (double)rank);
    const struct spmm_normalize z = {a.X, 64, 64};
    measure_launch("spmm_normalize, 100,000 x 64", &kernel_spmm_normalize, &z, users, 0,
                   8.0 * (double)(users * rank), 0);
    end();
}

static void ranking(void)
{
    const long rows = sized(4096, 16), items = sized(8192, 256), k = emulated ? 10 : 100;
    begin();
    uint32_t *users = array((size_t)rows, 4);
    for (long r = 0; r < rows; r++)
        users[r] = (uint32_t)r;
    const struct topk t = {.scores = floats((size_t)(rows * items), 3),
                           .ld = (size_t)items,
                           .n_items = (uint32_t)items,
                           .first = 1,
                           .last = 1,
                           .k = (uint32_t)k,
                           .users = users,
                           .keys = array((size_t)rows * TOPK_CAPACITY((size_t)k), 8),
                           .count = array((size_t)rows, 4),
                           .threshold = array((size_t)rows, 4),
                           .lost = array((size_t)rows, 8),
                           .item = array((size_t)(rows * k), 4),
                           .score = array((size_t)(rows * k), 4),
                           .tied = array((size_t)rows, 1),
                           .bad = array((size_t)rows, 4)};
    measure_launch("topk, 4,096 rows of 8,192, k 100", &kernel_topk, &t, rows, TOPK_SCRATCH((size_t)k),
                   4.0 * (double)(rows * items), 0);
    end();
}

static void encoder(void)
{
    const long tokens = sized(12288, 48), k = emulated ? 32 : 384, n = emulated ? 64 : 1536,
               texts = sized(96, 2);
    begin();
    const struct nn_linear l = {.x = floats((size_t)(tokens * k), 1),
                                .w = floats((size_t)(k * n), 2),
                                .bias = floats((size_t)n, 3),
                                .y = array((size_t)(tokens * n), 4),
                                .ldx = k,
                                .ldy = n,
                                .n_tiles = tokens / NN_TILE_ROWS,
                                .k = (int)k,
                                .n_panels = (int)(n / NN_TILE_COLS),
                                .group = 1};
    measure_launch("nn_linear, 12,288 tokens, 384 to 1,536", &kernel_nn_linear, &l, l.n_tiles * l.n_panels, 0,
                   0, 2.0 * (double)tokens * (double)k * (double)n);
    const long heads = emulated ? 1 : 12, size = 32, width = heads * size, length = tokens / texts;
    unsigned *first = array((size_t)texts + 1, 4);
    for (long i = 0; i <= texts; i++)
        first[i] = (unsigned)(i * length);
    const struct attention t = {.qkv = floats((size_t)((tokens + NN_TILE_ROWS) * 3 * width), 4),
                                .first = first,
                                .out = array((size_t)(tokens * width), 4),
                                .ld = 3 * width,
                                .ld_out = width,
                                .n_heads = (int)heads,
                                .head_size = (int)size,
                                .scale = 0.2f};
    measure_launch("attention, 96 texts of 128, 12 heads of 32", &kernel_attention, &t, texts * heads,
                   attention_scratch((size_t)length, (size_t)size), 0,
                   4.0 * (double)texts * (double)(length * length) * (double)width);
    end();
}

int measure(void)
{
    struct cudaDeviceProp card;
    int clock = 0, memory_clock = 0, bus = 0;
    if (cudaGetDeviceProperties(&card, 0) != cudaSuccess || backend_open("cuda", 1, &backend) != STATUS_OK ||
        backend->fallback != NULL)
        return 1;
    emulated = strcmp(card.name, "ptxemu") == 0;
    if (!emulated) {
        cudaDeviceGetAttribute(&clock, cudaDevAttrClockRate, 0);
        cudaDeviceGetAttribute(&memory_clock, cudaDevAttrMemoryClockRate, 0);
        cudaDeviceGetAttribute(&bus, cudaDevAttrGlobalMemoryBusWidth, 0);
        const int units =
            card.major == 7 || (card.major == 8 && card.minor == 0) ? 64 : 128; /* float, a processor */
        limit_bytes = 2.0 * memory_clock * 1e3 * bus / 8;
        limit_flops = 2.0 * card.multiProcessorCount * units * clock * 1e3;
        printf("\nlimits: %.0f GB/s, %.0f GFLOP/s (float, without tensor cores)\n\n", limit_bytes / 1e9,
               limit_flops / 1e9);
        printf("| what | ms | GB/s | of the limit | GFLOP/s | of the limit |\n|---|---|---|---|---|---|\n");
    }
    copies();
    products();
    factors();
    ranking();
    encoder();
    if (emulated)
        printf("%s measure: every kernel to be measured runs (an emulator has no time to measure)\n",
               n_bad > 0 ? "not ok" : "ok");
    else
        printf("\n%s measure\n", n_bad > 0 ? "not ok" : "ok");
    return n_bad > 0;
}
