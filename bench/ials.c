/*
 * ials.c - how fast iALS fits: 64 factors, 15 iterations, 3 steps of conjugate gradient, MovieLens-1M (1,000,209
 * interactions) where datasets/movielens-1m/movielens-1m.h5 is there, else a made-up matrix of that shape.
 *
 * The best of 5 fits on all cores (2 at most, RECFUSE_THREADS changes that).  Limits, measured in the same run:
 *   fma     multiply-adds on registers;   sgemm   backend_sgemm() on 1024^3
 *   rows    reading rows of 64 floats once each, in the order of the items' interactions, from the users' factors.
 *           Each pass reads every interaction's row; the share may pass 1, since only the first of a row's passes
 *           finds it outside the cache.
 * Peer: implicit 0.7.3 takes 1.20 s for the same parameters on 802,579 interactions of this data on 2 idle cores of the
 * machine described in ../shared/peers (1.50 s scaled to 1,000,209).  Prints "name value unit" lines.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fsio.h"
#include "data/store.h"
#include "models/model.h"

extern const struct model_type model_ials;

#define DATASET "datasets/movielens-1m/movielens-1m.h5"
enum {
    RUNS = 5,
    SIDE = 1024,
    FACTORS = 64,
    ITERATIONS = 15,
    STEPS = 3,
    USERS = 6040,
    ITEMS = 3706,
    PAIRS = 1000209
};

typedef float wide __attribute__((vector_size(64)));

static double best_of(double best, double start)
{
    const double seconds = omp_get_wtime() - start;
    return seconds < best ? seconds : best;
}

/* GFLOP/s of multiply-adds on registers. */
static double measure_fma(int threads)
{
    enum { CHAINS = 12, ROUNDS = 5000000 };
    double best = 1e30, sum = 0;
    for (int run = 0; run < RUNS; run++) {
        const double start = omp_get_wtime();
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
        best = best_of(best, start);
    }
    return sum == 42.0 ? 0.0 : 2e-9 * 16 * CHAINS * (double)ROUNDS * threads / best;
}

static enum status measure_sgemm(const struct backend *b, struct arena *arena, double *gflops)
{
    float *a, *c;
    double best = 1e30;
    ARENA_NEW(a, arena, SIDE * SIDE);
    ARENA_NEW(c, arena, SIDE * SIDE);
    for (size_t i = 0; i < SIDE * SIDE; i++)
        a[i] = (float)(i % 7) - 3.0f;
    for (int run = 0; run < RUNS; run++) {
        const double start = omp_get_wtime();
        TRY(backend_sgemm(b, false, true, SIDE, SIDE, SIDE, 1.0f, a, SIDE, a, SIDE, 0.0f, c, SIDE));
        best = best_of(best, start);
    }
    *gflops = 2e-9 * SIDE * SIDE * SIDE / best;
    return STATUS_OK;
}

/* GB/s of rows of FACTORS floats read in the order of the matrix's entries. */
static enum status measure_rows(const struct csr *a, int threads, struct arena *arena, double *gbytes)
{
    float *table;
    double best = 1e30, sum = 0;
    ARENA_NEW(table, arena, (size_t)a->n_cols * FACTORS);
    for (int run = 0; run < RUNS; run++) {
        const double start = omp_get_wtime();
#pragma omp parallel for num_threads(threads) schedule(static) reduction(+ : sum)
        for (int64_t e = 0; e < a->nnz; e++) {
            const wide *row = (const wide *)(table + (size_t)a->idx[e] * FACTORS);
            const wide s = (row[0] + row[1]) + (row[2] + row[3]);
            sum += (double)s[0];
        }
        best = best_of(best, start);
    }
    *gbytes = sum == 42.0 ? 0.0 : 1e-9 * 4 * FACTORS * (double)a->nnz / best;
    return STATUS_OK;
}

/* Skewed rows and columns of the same mean lengths as MovieLens-1M's. */
static enum status make_up(struct arena *arena, struct csr *out)
{
    uint32_t *user, *item;
    uint64_t n = 0;
    ARENA_NEW(user, arena, PAIRS * 2);
    ARENA_NEW(item, arena, PAIRS * 2);
    for (uint32_t u = 0; u < USERS; u++) {
        const double r = random_unit(1, RANDOM_SYNTH, 0, u);
        const double length = fmin(20 + 60 * (pow(r, -0.6) - 1), 2300), share = 1.9 * length / ITEMS;
        for (uint32_t i = 0; i < ITEMS; i++) {
            const double popular = pow((i + 0.5) / ITEMS, 1.2);
            if (n < PAIRS * 2 && random_unit(2, RANDOM_SYNTH, u, i) < share * (1 - popular) * 1.4)
                user[n] = u, item[n++] = (i * 1543u) % ITEMS;
        }
    }
    return csr_from_triples(USERS, ITEMS, n, user, item, NULL, arena, out, NULL);
}

static enum status get_data(struct arena *arena, struct csr *by_user, struct csr *by_item)
{
    struct dataset *d;
    if (file_exists(DATASET)) {
        TRY(store_read(DATASET, arena, &d));
        TRY(csr_from_triples(d->n_users, d->n_items, d->interactions.n, d->interactions.user,
                             d->interactions.item, d->interactions.value, arena, by_user, NULL));
    } else {
        TRY(make_up(arena, by_user));
    }
    printf("ials.data_%s %lld interactions\n", file_exists(DATASET) ? "movielens_1m" : "made_up",
           (long long)by_user->nnz);
    return csr_transpose(by_user, arena, by_item);
}

static enum status fit_once(const struct view *view, const struct backend *b, const char *solver,
                            double *seconds)
{
    static const volatile sig_atomic_t never;
    char yaml[200];
    struct node *map;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    struct run run = {.backend = b, .arena = arena, .scratch = arena, .seed = 1, .cancelled = &never};
    void *params = arena_alloc(arena, 1, model_ials.params_size),
         *state = arena_alloc(arena, 1, model_ials.state_size);
    const int n = snprintf(yaml, sizeof yaml, "{factors: %d, iterations: %d, cg_steps: %d, solver: %s}",
                           FACTORS, ITERATIONS, STEPS, solver);
    enum status status = params != NULL && state != NULL ? STATUS_OK : STATUS_SYSTEM;
    if (status == STATUS_OK)
        status = params_default(model_ials.params, arena, params);
    if (status == STATUS_OK)
        status = node_parse("bench", yaml, (size_t)n, arena, &map);
    if (status == STATUS_OK)
        status = params_set(model_ials.params, "ials", map, arena, params);
    const double start = omp_get_wtime();
    if (status == STATUS_OK)
        status = model_ials.fit(state, params, view, &run);
    *seconds = omp_get_wtime() - start;
    arena_free(arena);
    return status;
}

static enum status bench(struct arena *arena, const struct backend *b)
{
    struct csr by_user, by_item;
    double fma, sgemm, rows, cg = 1e30, cholesky = 1e30;
    TRY(get_data(arena, &by_user, &by_item));
    const struct view view = {
        .n_users = by_user.n_rows, .n_items = by_user.n_cols, .by_user = &by_user, .by_item = &by_item};
    for (int run = 0; run < RUNS; run++) {
        double seconds;
        TRY(fit_once(&view, b, "cg", &seconds));
        cg = seconds < cg ? seconds : cg;
    }
    for (int run = 0; run < 2; run++) {
        double seconds;
        TRY(fit_once(&view, b, "cholesky", &seconds));
        cholesky = seconds < cholesky ? seconds : cholesky;
    }
    fma = measure_fma(b->threads);
    TRY(measure_sgemm(b, arena, &sgemm));
    TRY(measure_rows(&by_item, b->threads, arena, &rows));
    const double n_rows = (double)view.n_users + view.n_items, nnz = (double)by_user.nnz;
    const double passes = (STEPS + 1) * (double)ITERATIONS;
    const double flops = passes * (8.0 * nnz * FACTORS + 2.0 * n_rows * FACTORS * FACTORS) +
                         ITERATIONS * 2.0 * n_rows * FACTORS * FACTORS;
    const double bytes = passes * 2.0 * nnz * FACTORS * sizeof(float);
    printf("ials.fit %.4f s\n", cg);
    printf("ials.fit_rate %.1f GFLOP/s\n", flops / cg * 1e-9);
    printf("ials.fma_limit %.1f GFLOP/s\n", fma);
    printf("ials.share_of_fma %.3f of 1\n", flops / cg * 1e-9 / fma);
    printf("ials.sgemm_limit %.1f GFLOP/s\n", sgemm);
    printf("ials.share_of_sgemm %.3f of 1\n", flops / cg * 1e-9 / sgemm);
    printf("ials.rows_limit %.1f GB/s\n", rows);
    printf("ials.share_of_rows %.3f of 1\n", bytes / cg * 1e-9 / rows);
    printf("ials.fit_cholesky %.4f s\n", cholesky);
    return STATUS_OK;
}

int main(void)
{
    const char *wanted = getenv("RECFUSE_THREADS");
    const int cores = omp_get_num_procs() < 2 ? omp_get_num_procs() : 2;
    const struct backend *b;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = backend_open("cpu", wanted != NULL ? atoi(wanted) : cores, &b);
    if (status == STATUS_OK)
        status = bench(arena, b);
    arena_free(arena);
    return (int)status;
}
