/*
 * dense.c - the kernels that multiply and add, beside multiply-adds on registers (fma): nn_linear, attention, gram, als_cg_64,
 * als_cholesky_64; and sgemm (OpenBLAS, one thread a tile), to compare.
 *
 * Sizes: sides of square matrices (sgemm), tokens of 384 to 1,536 numbers (nn_linear), tokens a text of 2,048 in all
 * (attention), columns (gram), entries (als_*).  als_*'s largest is the input of ../shared/prototype: 10,000 rows, 5,000
 * columns, 938,510 entries, 3 steps.
 *
 * usage: dense [--csv FILE] [WORD]   (bench.h)
 */
#include "bench.h"

#include "als.h"
#include "attention.h"
#include "nn.h"

static void run_sgemm(struct job *j, const struct backend *b)
{
    const float *x = j->args;
    const size_t n = (size_t)j->size;
    must(backend_sgemm(b, false, true, n, n, n, 1.0f, x, n, x, n, 0.0f, j->restored, n) == STATUS_OK);
}

static void bench_sgemm(const char *name, struct arena *arena, int step)
{
    const size_t n = (size_t)256 << step;
    float *x = floats(arena, n * n, 1, 1), *y = floats(arena, n * n, 2, 1);
    struct job j = {
        .kernel = name, .limit = "fma", .unit = "GFLOP/s", .size = (long)n, .run = run_sgemm, .args = x};
    j.restored = y, j.original = x, j.work = 2e-9 * (double)(n * n * n);
    measure(&j);
}

static void bench_linear(const char *name, struct arena *arena, int step)
{
    const int k = 384, out = 1536, tokens = 12 * (8 << (2 * step));
    struct nn_linear a = {
        .ldx = k, .ldy = out, .n_tiles = tokens / NN_TILE_ROWS, .k = k, .n_panels = out / NN_TILE_COLS};
    a.x = floats(arena, (size_t)tokens * k, 1, 1), a.w = floats(arena, (size_t)out * k, 2, 1);
    a.bias = floats(arena, (size_t)out, 3, 1), a.y = floats(arena, (size_t)tokens * out, 4, 1);
    a.group = 8;
    struct job j = {
        .kernel = name, .limit = "fma", .unit = "GFLOP/s", .size = tokens, .run = launch, .args = &a};
    j.descriptor = &kernel_nn_linear, j.work = 2e-9 * tokens * k * out;
    j.rows = a.n_tiles * ((a.n_panels + a.group - 1) / a.group);
    measure(&j);
}

static void bench_attention(const char *name, struct arena *arena, int step)
{
    const int heads = 12, size = 32, longest = 16 << (2 * step), texts = 2048 / longest, width = heads * size;
    unsigned *first = arena_alloc(arena, (size_t)texts + 1, sizeof *first);
    must(first != NULL);
    for (int i = 0; i <= texts; i++)
        first[i] = (unsigned)(i * longest);
    const struct attention a = {.qkv = floats(arena, (size_t)(2048 + NN_TILE_ROWS) * 3 * (size_t)width, 1, 1),
                                .first = first,
                                .out = floats(arena, (size_t)2048 * (size_t)width, 2, 1),
                                .ld = 3 * width,
                                .ld_out = width,
                                .n_heads = heads,
                                .head_size = size,
                                .scale = 0.17677669f};
    struct job j = {
        .kernel = name, .limit = "fma", .unit = "GFLOP/s", .size = longest, .run = launch, .args = &a};
    j.descriptor = &kernel_attention, j.rows = (long)texts * heads;
    j.scratch = attention_scratch((size_t)longest, (size_t)size);
    j.work = 4e-9 * texts * heads * (double)longest * longest * size;
    measure(&j);
}

static void bench_als(const char *name, struct arena *arena, int step)
{
    const long rows = 10000 >> (2 - step), cols = rows / 2;
    int64_t *ptr;
    uint32_t *idx;
    float *val, *ridge = floats(arena, (size_t)rows, 6, 0), *X = floats(arena, (size_t)rows * RANK, 4, 0.1f);
    const float *X0 = floats(arena, (size_t)rows * RANK, 4, 0.1f),
                *Y = floats(arena, (size_t)cols * RANK, 5, 0.1f);
    float *G = floats(arena, RANK * RANK, 7, 0),
          *part = floats(arena, (size_t)ALS_GRAM_BLOCKS * RANK * RANK, 8, 0);
    als_rows(arena, rows, cols, &ptr, &idx, &val);
    for (long u = 0; u < rows; u++)
        ridge[u] = 0.01f;
    const struct gram g = {.Y = Y, .part = part, .n = cols, .rank = RANK, .n_blocks = gram_blocks(cols)};
    const struct gram_sum s = {part, G, 1.0f, RANK, g.n_blocks};
    must(kernel_gram.cpu(&g, (long)g.n_blocks * (RANK / ALS_GRAM_ROWS), 0) == 0 &&
         kernel_gram_sum.cpu(&s, RANK, 0) == 0);
    const struct als a = {.X = X,
                          .Y = Y,
                          .G = G,
                          .ridge = ridge,
                          .ptr = ptr,
                          .idx = idx,
                          .val = val,
                          .alpha = 1,
                          .base = 1,
                          .n_columns = cols,
                          .rank = RANK,
                          .steps = 3};
    struct job j = {.kernel = name,
                    .limit = "fma",
                    .unit = "GFLOP/s",
                    .size = (long)ptr[rows],
                    .run = launch,
                    .args = &a};
    const double nnz = (double)ptr[rows];
    j.rows = rows, j.restored = X, j.original = X0, j.n_restored = (size_t)rows * RANK;
    if (strcmp(name, "gram") == 0) {
        j.restored = NULL, j.descriptor = &kernel_gram, j.args = &g,
        j.rows = (long)g.n_blocks * (RANK / ALS_GRAM_ROWS);
        j.work = 2e-9 * (double)cols * RANK * RANK, j.size = cols;
    } else if (strcmp(name, "als_cg_64") == 0) {
        j.descriptor = &kernel_als_cg_64, j.scratch = als_cg_scratch(RANK);
        j.work = 4e-9 * (4.0 * nnz * RANK + 2.0 * (double)rows * RANK * RANK);
    } else {
        j.descriptor = &kernel_als_cholesky_64, j.scratch = als_cholesky_scratch(RANK);
        j.work = 1e-9 * (nnz * RANK * RANK + (double)rows * RANK * RANK * (RANK / 3.0 + 2));
    }
    measure(&j);
}

int main(int argc, char **argv)
{
    static const struct bench benches[] = {{"sgemm", bench_sgemm},
                                           {"nn_linear", bench_linear},
                                           {"attention", bench_attention},
                                           {"gram", bench_als},
                                           {"als_cg_64", bench_als},
                                           {"als_cholesky_64", bench_als},
                                           {NULL, NULL}};
    return bench_main(argc, argv, benches);
}
