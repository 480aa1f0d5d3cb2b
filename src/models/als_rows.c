/*
 * als_rows.c - ranks, kernels and row orders of alternating least squares (als_rows.h).
 */
#include "models/als_rows.h"

#include "als.h"

static const struct {
    size_t rank;
    const struct kernel *kernel[3]; /* by enum als_solver */
} ranks[] = {{32, {&kernel_als_cg_32, &kernel_als_cholesky_32, &kernel_als_block_32}},
             {64, {&kernel_als_cg_64, &kernel_als_cholesky_64, &kernel_als_block_64}},
             {128, {&kernel_als_cg_128, &kernel_als_cholesky_128, &kernel_als_block_64}},
             {192, {&kernel_als_cg_192, &kernel_als_cholesky_192, &kernel_als_block_64}},
             {256, {&kernel_als_cg_256, &kernel_als_cholesky_256, &kernel_als_block_64}}};
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
        *kernel = solver == ALS_CG      ? &kernel_als_cg_any
                  : solver == ALS_BLOCK ? &kernel_als_block_64
                                        : &kernel_als_cholesky_any;
    return ((size_t)factors + ALS_PAD - 1) / ALS_PAD * ALS_PAD;
}

enum status als_blocks(const struct backend *b, struct als *a, long n_rows, int width)
{
    for (a->first = 0; a->first < a->rank;) {
        const int here = width == 64 && a->first + 64 <= a->rank ? 64 : 32;
        TRY(backend_launch(b, here == 64 ? &kernel_als_block_64 : &kernel_als_block_32, a, n_rows,
                           als_cholesky_scratch(here)));
        a->first += here;
    }
    return STATUS_OK;
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
