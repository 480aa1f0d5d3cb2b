/*
 * sparse.c - the kernels that read and write more than they compute, each beside the same reads and writes alone:
 *   rows        each sample's rows of factors, in the kernel's order, read, scaled and written (sgd_64, bpr_64)
 *   read        the maximum of the same scores (topk, lists of 100)
 *   increments  the same counters in the same order (knn_similar, 100 neighbours: selection is on top)
 * Sizes: samples, items, entries.
 *
 * usage: sparse [--csv FILE] [WORD]   (bench.h)
 */
#include "bench.h"

#include "bpr.h"
#include "knn.h"
#include "sgd.h"
#include "topk.h"

enum { GRID = 16, LIST = 100 };

struct sgd_job {
    struct sgd sgd;
    struct bpr bpr;
    int pairwise;
};

static void run_sgd(struct job *j, const struct backend *b)
{
    struct sgd_job s = *(const struct sgd_job *)j->args;
    for (int d = 0; d < GRID; d++) {
        s.sgd.diagonal = s.bpr.diagonal = d;
        j->rows = GRID;
        must(backend_launch(b, j->descriptor, s.pairwise ? (const void *)&s.bpr : &s.sgd, GRID,
                            BPR_SCRATCH) == STATUS_OK);
    }
}

static void scale_row(float *row)
{
    wide *x = (wide *)row;
    for (int v = 0; v < RANK / 16; v++)
        x[v] = x[v] * 0.999999f;
}

/* The rows of each sample, in the kernel's order; of the pairs the second item is any of the part. */
static void bound_sgd(struct job *j, int threads)
{
    const struct sgd_job *s = j->args;
    const struct sgd *a = &s->sgd;
    for (int d = 0; d < GRID; d++)
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
        for (int g = 0; g < GRID; g++) {
            const int block = g * GRID + (g + d) % GRID;
            for (int64_t e = a->block[block]; e < a->block[block + 1]; e++) {
                scale_row(a->user + (size_t)a->sample[e].user * RANK);
                scale_row(a->item + (size_t)a->sample[e].item * RANK);
                if (s->pairwise) {
                    const uint32_t *part = s->bpr.part + (g + d) % GRID;
                    scale_row(a->item + (size_t)(part[0] + (uint64_t)e * 7919 % (part[1] - part[0])) * RANK);
                }
            }
        }
}

static void bench_sgd(const char *name, struct arena *arena, int step)
{
    const size_t users = (size_t)1600 << step, items = (size_t)960 << step, n = users * 160,
                 each = n / (GRID * GRID);
    struct sgd_sample *sample = arena_alloc(arena, n, sizeof *sample);
    struct bpr_sample *pairs = arena_alloc(arena, n, sizeof *pairs);
    int64_t *block = arena_alloc(arena, GRID * GRID + 1, sizeof *block),
            *ptr = arena_alloc(arena, users + 1, sizeof *ptr);
    uint32_t *part = arena_alloc(arena, GRID + 1, sizeof *part),
             *part_item = arena_alloc(arena, items, sizeof *part);
    must(sample != NULL && pairs != NULL && block != NULL && ptr != NULL && part != NULL &&
         part_item != NULL);
    for (size_t e = 0; e < n;
         e++) { /* n is a multiple of the blocks; popular items stand first in each part */
        const size_t where = e / each;
        const struct philox x = philox4x32(9, 1, e);
        const float q = philox_unit(x.v[1]);
        sample[e].user = (uint32_t)(where / GRID * (users / GRID) + x.v[0] % (users / GRID));
        sample[e].item =
            (uint32_t)(where % GRID * (items / GRID)) + (uint32_t)(q * q * (float)(items / GRID - 1));
        sample[e].value = 1.0f + (float)(x.v[2] % 5);
        pairs[e] = (struct bpr_sample){sample[e].user, sample[e].item};
    }
    for (size_t i = 0; i <= GRID * GRID; i++)
        block[i] = (int64_t)(i * each);
    for (size_t i = 0; i <= GRID; i++)
        part[i] = (uint32_t)(i * (items / GRID));
    for (size_t i = 0; i < items; i++)
        part_item[i] = (uint32_t)i;
    struct sgd_job s = {.pairwise = strcmp(name, "bpr_64") == 0};
    s.sgd = (struct sgd){.sample = sample,
                         .block = block,
                         .n_users = users,
                         .n_items = items,
                         .mean = 3,
                         .rank = RANK,
                         .lr_bu = 1e-4f,
                         .lr_bi = 1e-4f,
                         .lr_pu = 1e-4f,
                         .lr_qi = 1e-4f,
                         .reg_bu = 0.02f,
                         .reg_bi = 0.02f,
                         .reg_pu = 0.02f,
                         .reg_qi = 0.02f,
                         .grid = GRID};
    s.sgd.user = floats(arena, users * RANK, 1, 0.1f), s.sgd.item = floats(arena, items * RANK, 2, 0.1f);
    s.sgd.user_bias = floats(arena, users, 3, 0.1f), s.sgd.item_bias = floats(arena, items, 4, 0.1f);
    s.bpr = (struct bpr){.user = s.sgd.user,
                         .item = s.sgd.item,
                         .item_bias = s.sgd.item_bias,
                         .sample = pairs,
                         .block = block,
                         .part = part,
                         .part_item = part_item,
                         .ptr = ptr,
                         .idx = part_item,
                         .n_users = users,
                         .seed = 1,
                         .stream = 6,
                         .learning_rate = 1e-4f,
                         .reg_user = 0.01f,
                         .reg_positive = 0.01f,
                         .reg_negative = 0.01f,
                         .use_bias = 1,
                         .rank = RANK,
                         .grid = GRID};
    struct job j = {.kernel = name,
                    .limit = "rows",
                    .unit = "GB/s",
                    .size = (long)n,
                    .run = run_sgd,
                    .bound = bound_sgd,
                    .args = &s,
                    .descriptor = s.pairwise ? &kernel_bpr_64 : &kernel_sgd_64};
    j.work = 1e-9 * (double)n * (s.pairwise ? 3 : 2) * 2 * RANK * sizeof(float);
    measure(&j);
}

/* -------------------------------------------------------------------- topk */
enum { TOPK_ROWS = 128 };

static void bound_topk(struct job *j, int threads)
{
    const struct topk *a = j->args;
    float most = 0;
#pragma omp parallel for num_threads(threads) reduction(max : most)
    for (int r = 0; r < TOPK_ROWS; r++) {
        const float *s = a->scores + (size_t)r * a->ld;
        float m = s[0];
#pragma omp simd reduction(max : m)
        for (size_t i = 0; i < a->ld; i++)
            m = s[i] > m ? s[i] : m;
        most = m > most ? m : most;
    }
    sink += (double)most;
}

static void bench_topk(const char *name, struct arena *arena, int step)
{
    const size_t items = (size_t)928 << (2 * step), n = TOPK_ROWS * items;
    struct topk a = {.scores = arena_alloc(arena, n, sizeof *a.scores),
                     .ld = items,
                     .n_items = (uint32_t)items,
                     .first = 1,
                     .last = 1,
                     .k = LIST,
                     .seed = 1,
                     .purpose = RANDOM_TIES};
    uint32_t *users = arena_alloc(arena, TOPK_ROWS, sizeof *users);
    a.keys = arena_alloc(arena, TOPK_ROWS * TOPK_CAPACITY(LIST), sizeof *a.keys);
    a.count = arena_alloc(arena, TOPK_ROWS, sizeof *a.count),
    a.bad = arena_alloc(arena, TOPK_ROWS, sizeof *a.bad);
    a.threshold = arena_alloc(arena, TOPK_ROWS, sizeof *a.threshold),
    a.lost = arena_alloc(arena, TOPK_ROWS, 8);
    a.item = arena_alloc(arena, TOPK_ROWS * LIST, 4), a.score = arena_alloc(arena, TOPK_ROWS * LIST, 4);
    a.tied = arena_alloc(arena, TOPK_ROWS, 1), a.users = users;
    must(a.scores != NULL && users != NULL && a.keys != NULL && a.count != NULL && a.bad != NULL &&
         a.threshold != NULL && a.lost != NULL && a.item != NULL && a.score != NULL && a.tied != NULL);
    for (size_t i = 0; i < n; i++)
        a.scores[i] = (float)random_normal(1, RANDOM_SYNTH, 0, i);
    struct job j = {.kernel = name,
                    .limit = "read",
                    .unit = "GB/s",
                    .size = (long)items,
                    .run = launch,
                    .bound = bound_topk,
                    .args = &a,
                    .descriptor = &kernel_topk,
                    .rows = TOPK_ROWS};
    j.scratch = TOPK_SCRATCH(LIST), j.work = 4e-9 * (double)n;
    measure(&j);
}

/* --------------------------------------------------------------------- knn */
static void bound_knn(struct job *j, int threads)
{
    const struct knn_similar *a = j->args;
#pragma omp parallel num_threads(threads)
    {
        uint32_t *count = calloc(a->n, sizeof *count);
        must(count != NULL);
#pragma omp for schedule(dynamic, 16)
        for (uint32_t r = 0; r < a->n; r++)
            for (int64_t i = a->a.ptr[r]; i < a->a.ptr[r + 1]; i++) {
                const uint32_t u = a->a.idx[i];
                for (int64_t e = a->transpose.ptr[u]; e < a->transpose.ptr[u + 1]; e++)
                    count[a->transpose.idx[e]]++;
            }
#pragma omp atomic
        sink += count[0];
        free(count);
    }
}

static void bench_knn(const char *name, struct arena *arena, int step)
{
    const long users = 3000L << step, items = users / 2;
    int64_t *ptr;
    uint32_t *idx;
    float *val;
    als_rows(arena, users, items, &ptr, &idx, &val);
    struct csr by_user = {
        .n_rows = (uint32_t)users, .n_cols = (uint32_t)items, .nnz = ptr[users], .ptr = ptr, .idx = idx};
    struct csr by_item;
    must(csr_transpose(&by_user, arena, &by_item) == STATUS_OK);
    struct knn_similar a = {.a = {by_item.ptr, by_item.idx, NULL},
                            .transpose = {ptr, idx, NULL},
                            .n = (uint32_t)items,
                            .k = LIST,
                            .similarity = KNN_COSINE,
                            .seed = 1,
                            .stream = 3};
    float *norm = arena_alloc(arena, (size_t)items, sizeof *norm);
    a.neighbour = arena_alloc(arena, (size_t)items * LIST, 4),
    a.value = arena_alloc(arena, (size_t)items * LIST, 4);
    a.count = arena_alloc(arena, (size_t)items, 4), a.norm = norm;
    must(norm != NULL && a.neighbour != NULL && a.value != NULL && a.count != NULL);
    double increments = 0;
    for (long i = 0; i < items; i++)
        norm[i] = sqrtf((float)(by_item.ptr[i + 1] - by_item.ptr[i]));
    for (long u = 0; u < users; u++)
        increments += (double)(ptr[u + 1] - ptr[u]) * (double)(ptr[u + 1] - ptr[u]);
    struct job j = {.kernel = name,
                    .limit = "increments",
                    .unit = "G/s",
                    .size = (long)ptr[users],
                    .run = launch,
                    .bound = bound_knn,
                    .args = &a,
                    .descriptor = &kernel_knn_similar,
                    .rows = items};
    j.scratch = KNN_SIMILAR_SCRATCH(items), j.work = 1e-9 * increments;
    measure(&j);
}

int main(int argc, char **argv)
{
    static const struct bench benches[] = {{"sgd_64", bench_sgd},
                                           {"bpr_64", bench_sgd},
                                           {"topk", bench_topk},
                                           {"knn_similar", bench_knn},
                                           {NULL, NULL}};
    return bench_main(argc, argv, benches);
}
