/* csr.c - see csr.h. */
#include "base/csr.h"

#include <stdlib.h>
#include <string.h>

/* Sorts a row's (column, position) pairs stably: merge sort by qsort on packed keys (column << 32 |
 * position). */
static int compare_u64(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

enum { MANY = 65536 }; /* entries that are worth waking threads for */

/* key[lo .. hi) of one row: columns rising, equal ones in the order given; returns how many columns there are. */
static int64_t sort_row(const uint32_t *col, const uint64_t *from, int64_t lo, int64_t hi, uint64_t *key)
{
    int rising = 1;
    int64_t n = 0;
    for (int64_t e = lo; e < hi; e++) {
        key[e] = (uint64_t)col[from[e]] << 32 | (uint64_t)(e - lo);
        rising &= e == lo || key[e] >> 32 > key[e - 1] >> 32;
    }
    if (!rising)
        qsort(key + lo, (size_t)(hi - lo), sizeof *key, compare_u64);
    for (int64_t e = lo; e < hi; e++)
        n += e == lo || key[e] >> 32 != key[e - 1] >> 32;
    return n;
}

enum status csr_from_triples(uint32_t n_rows, uint32_t n_cols, uint64_t n, const uint32_t *row,
                             const uint32_t *col, const float *value, struct arena *arena, struct csr *out,
                             uint64_t *n_duplicates)
{
    int64_t *ptr;
    uint32_t *idx;
    float *val = NULL;
    uint64_t *key = malloc((n > 0 ? n : 1) * sizeof *key), *from = malloc((n > 0 ? n : 1) * sizeof *from);
    int64_t *at = calloc((size_t)n_rows + 1, sizeof *at);
    ptr = arena_alloc(arena, (size_t)n_rows + 1, sizeof *ptr);
    idx = arena_alloc(arena, n, sizeof *idx);
    if (value != NULL)
        val = arena_alloc(arena, n, sizeof *val);
    if (key == NULL || from == NULL || at == NULL || ptr == NULL || idx == NULL ||
        (value != NULL && val == NULL)) {
        free(key);
        free(from);
        free(at);
        return status_fail(STATUS_SYSTEM, "out of memory: a sparse matrix of %llu entries",
                           (unsigned long long)n);
    }
    for (uint64_t e = 0; e < n; e++)
        at[row[e] + 1]++;
    for (uint32_t r = 0; r < n_rows; r++)
        at[r + 1] += at[r];
    for (uint64_t e = 0; e < n; e++)
        from[at[row[e]]++] = e; /* stable: in the order given; at[r] becomes the start of row r + 1 */
#pragma omp parallel for schedule(dynamic, 256) if (n > MANY)
    for (uint32_t r = 0; r < n_rows; r++)
        ptr[r + 1] = sort_row(col, from, r == 0 ? 0 : at[r - 1], at[r], key);
    for (uint32_t r = 0; r < n_rows; r++)
        ptr[r + 1] += ptr[r];
#pragma omp parallel for schedule(dynamic, 256) if (n > MANY)
    for (uint32_t r = 0; r < n_rows; r++) {
        const int64_t lo = r == 0 ? 0 : at[r - 1], hi = at[r];
        int64_t to = ptr[r];
        for (int64_t e = lo; e < hi; e++) {
            if (e + 1 < hi && key[e] >> 32 == key[e + 1] >> 32) /* a later one follows */
                continue;
            idx[to] = (uint32_t)(key[e] >> 32);
            if (val != NULL)
                val[to] = value[from[lo + (int64_t)(key[e] & 0xffffffffu)]];
            to++;
        }
    }
    const int64_t kept = ptr[n_rows];
    free(key);
    free(from);
    free(at);
    if (n_duplicates != NULL)
        *n_duplicates = n - (uint64_t)kept;
    *out = (struct csr){n_rows, n_cols, kept, ptr, idx, val};
    return STATUS_OK;
}

enum status csr_transpose(const struct csr *a, struct arena *arena, struct csr *out)
{
    int64_t *ptr;
    uint32_t *idx;
    float *val = NULL;
    ARENA_NEW(ptr, arena, (size_t)a->n_cols + 2);
    ARENA_NEW(idx, arena, (size_t)a->nnz);
    if (a->val != NULL)
        ARENA_NEW(val, arena, (size_t)a->nnz);
    /* Counted two places up, so that after the prefix sum ptr[c + 1] is the start of row c and serves as its
     * cursor. */
    for (int64_t e = 0; e < a->nnz; e++)
        ptr[a->idx[e] + 2]++;
    for (uint32_t c = 0; c < a->n_cols; c++)
        ptr[c + 2] += ptr[c + 1];
    for (uint32_t r = 0; r < a->n_rows; r++)
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++) {
            const int64_t to = ptr[a->idx[e] + 1]++;
            idx[to] = r;
            if (val != NULL)
                val[to] = a->val[e];
        }
    *out = (struct csr){a->n_cols, a->n_rows, a->nnz, ptr, idx, val};
    return STATUS_OK;
}

int csr_has(const struct csr *a, uint32_t row, uint32_t col)
{
    int64_t lo = a->ptr[row], hi = a->ptr[row + 1];
    while (lo < hi) {
        const int64_t middle = lo + (hi - lo) / 2;
        if (a->idx[middle] < col)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo < a->ptr[row + 1] && a->idx[lo] == col;
}
