/*
 * sparsify.c - the k largest entries of every row of a sparse matrix: each row is sorted by (absolute value, tie
 * hash), cut, and sorted by column again.  Rows are independent, so the threads change nothing.
 */
#include "models/sparsify.h"

#include <math.h>
#include <stdlib.h>

#include "backend/backend.h"

struct entry {
    float val;
    uint32_t hash, col;
};

static int larger_first(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;
    const float va = fabsf(a->val), vb = fabsf(b->val);

    if (va != vb)
        return va > vb ? -1 : 1;
    if (a->hash != b->hash)
        return a->hash > b->hash ? -1 : 1;
    return (a->col > b->col) - (a->col < b->col);
}

static int by_column(const void *x, const void *y)
{
    const struct entry *a = x, *b = y;

    return (a->col > b->col) - (a->col < b->col);
}

enum status csr_keep_largest(const struct csr *a, uint32_t k, uint64_t seed, struct arena *scratch,
                             struct arena *arena, struct csr *out)
{
    struct entry *all;
    int64_t *ptr;
    uint32_t *idx;
    float *val;

    ARENA_NEW(all, scratch, (size_t)a->nnz);
    ARENA_NEW(ptr, arena, (size_t)a->n_rows + 1);
    for (uint32_t r = 0; r < a->n_rows; r++) {
        const int64_t n = a->ptr[r + 1] - a->ptr[r];
        ptr[r + 1] = ptr[r] + (n < (int64_t)k ? n : (int64_t)k);
    }
    ARENA_NEW(idx, arena, (size_t)ptr[a->n_rows]);
    ARENA_NEW(val, arena, (size_t)ptr[a->n_rows]);
#pragma omp parallel for schedule(dynamic, 64)
    for (uint32_t r = 0; r < a->n_rows; r++) {
        struct entry *row = all + a->ptr[r];
        const size_t n = (size_t)(a->ptr[r + 1] - a->ptr[r]), kept = (size_t)(ptr[r + 1] - ptr[r]);

        for (size_t e = 0; e < n; e++) {
            const uint32_t c = a->idx[a->ptr[r] + (int64_t)e];
            row[e] = (struct entry){a->val[a->ptr[r] + (int64_t)e], 0, c};
            if (kept < n)
                row[e].hash = random_u32(seed, RANDOM_TIES, 0, (uint64_t)r << 32 | c);
        }
        if (kept < n) {
            qsort(row, n, sizeof *row, larger_first);
            qsort(row, kept, sizeof *row, by_column);
        }
        for (size_t e = 0; e < kept; e++) {
            idx[ptr[r] + (int64_t)e] = row[e].col;
            val[ptr[r] + (int64_t)e] = row[e].val;
        }
    }
    *out = (struct csr){a->n_rows, a->n_cols, ptr[a->n_rows], ptr, idx, val};
    return STATUS_OK;
}
