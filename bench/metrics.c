/*
 * metrics.c - seconds for all ranking metrics of all dialects at k = 5, 10, 20, 50, 100 from lists, in one pass: 6,040 users, top
 * 100 of 3,706 items, made-up test rows in the shape of MovieLens-1M.
 *
 * tools/bench-metrics-peers.py times it beside numpy, RecTools, pytrec_eval and ranx.  Measured before, for precision, recall and ndcg at
 * three cut-offs alone: numpy .087 s, RecTools .124, pytrec_eval .148 to build + .192, ranx 4.1 + .98.
 *
 * usage: metrics     min of 20 runs
 */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "backend/backend.h"
#include "eval/metrics.h"

enum { USERS = 6040, ITEMS = 3706, TOP = 100, EACH = 33, RUNS = 20 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static enum status measure(struct arena *arena)
{
    static const uint32_t k[] = {5, 10, 20, 50, 100};
    struct lists lists = {.n_users = USERS, .k = TOP};
    struct relevance relevance = {0};
    struct metric_at *measures;
    uint32_t *users, *row, *col, *order;
    double *values, best = INFINITY, sum = 0;
    size_t n = 0;
    ARENA_NEW(lists.item, arena, (size_t)USERS * TOP);
    ARENA_NEW(users, arena, USERS);
    ARENA_NEW(row, arena, (size_t)USERS * EACH);
    ARENA_NEW(col, arena, (size_t)USERS * EACH);
    ARENA_NEW(order, arena, ITEMS);
    for (uint32_t u = 0; u < USERS; u++) {
        random_permutation(1, RANDOM_ORDER, u, ITEMS, order);
        users[u] = u;
        for (uint32_t j = 0; j < TOP; j++)
            lists.item[(size_t)u * TOP + j] = order[j];
        for (uint32_t j = 0; j < EACH; j++) { /* one in four of the test rows is listed */
            row[(size_t)u * EACH + j] = u;
            col[(size_t)u * EACH + j] = j % 4 == 0 ? order[j * 3] : order[TOP + j];
        }
    }
    TRY(csr_from_triples(USERS, ITEMS, (uint64_t)USERS * EACH, row, col, NULL, arena, &relevance.items,
                         NULL));
    ARENA_NEW(measures, arena, 1024);
    for (int d = 0; d < N_DIALECTS; d++)
        for (size_t m = 0; metric_types[m] != NULL; m++)
            for (size_t c = 0; metric_types[m]->value[d] != NULL && c < (metric_types[m]->no_cutoff ? 1 : 5);
                 c++)
                measures[n++] = (struct metric_at){metric_types[m], metric_types[m]->no_cutoff ? 0 : k[c],
                                                   (enum dialect)d};
    ARENA_NEW(values, arena, n * USERS);
    for (int threads = 2; threads > 0; threads--) {
        const struct backend *b;
        TRY(backend_open("cpu", threads, &b));
        best = INFINITY;
        for (int r = 0; r < RUNS; r++) {
            const double start = now();
            TRY(metrics_score(b, &lists, users, &relevance, measures, n, values));
            best = fmin(best, now() - start);
        }
        for (size_t m = 0; m < n; m++)
            sum += metrics_mean(values + m * USERS, USERS);
        printf("%d threads: %zu measures of %d users in %.4f s, %.2f ns a value; numpy's .087 s / %.1f "
               "(checksum %.6f)\n",
               threads, n, USERS, best, 1e9 * best / (double)(n * USERS), 0.087 / best, sum);
    }
    return STATUS_OK;
}

int main(void)
{
    struct arena *arena = arena_new();
    const enum status status = arena != NULL ? measure(arena) : STATUS_SYSTEM;
    arena_free(arena);
    return (int)status;
}
