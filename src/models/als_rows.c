/*
 * als_rows.c - ranks, kernels and row orders of alternating least squares (als_rows.h).
 */
#include "models/als_rows.h"

#include "als.h"

static const struct {
    size_t rank;
    const struct kernel *kernel[2]; /* by enum als_solver */
} ranks[] = {{32, {&kernel_als_cg_32, &kernel_als_cholesky_32}},
             {64, {&kernel_als_cg_64, &kernel_als_cholesky_64}},
             {128, {&kernel_als_cg_128, &kernel_als_cholesky_128}},
             {192, {&kernel_als_cg_192, &kernel_als_cholesky_192}},
             {256, {&kernel_als_cg_256, &kernel_als_cholesky_256}}};
enum { N_RANKS = sizeof ranks / sizeof *ranks };

size_t als_rank(int factors, int solver, const struct kernel **kernel)
{
    for (size_t i = 0; i < N_RANKS; i++)
        if ((size_t)factors <= ranks[i].rank) {
            if (kernel != NULL)
                *kernel = ranks[i].kernel[solver];
            return ranks[i].rank;
        }
    if (kernel != NULL)
        *kernel = solver == ALS_CG ? &kernel_als_cg_any : &kernel_als_cholesky_any;
    return ((size_t)factors + ALS_PAD - 1) / ALS_PAD * ALS_PAD;
}

enum status als_longest_first(const struct csr *a, struct arena *arena, uint32_t **out)
{
    uint32_t *at, *order;
    int64_t longest = 0;
    for (uint32_t r = 0; r < a->n_rows; r++)
        longest = a->ptr[r + 1] - a->ptr[r] > longest ? a->ptr[r + 1] - a->ptr[r] : longest;
    ARENA_NEW(at, arena, (size_t)longest + 2);
    ARENA_NEW(order, arena, a->n_rows);
    for (uint32_t r = 0; r < a->n_rows; r++)
        at[longest - (a->ptr[r + 1] - a->ptr[r]) + 1]++;
    for (int64_t i = 0; i < longest; i++)
        at[i + 1] += at[i];
    for (uint32_t r = 0; r < a->n_rows; r++)
        order[at[longest - (a->ptr[r + 1] - a->ptr[r])]++] = r;
    *out = order;
    return STATUS_OK;
}
