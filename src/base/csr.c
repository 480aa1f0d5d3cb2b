/*
 * csr.c - see csr.h.
 *
 * Entries are moved by counting sorts, each thread with its own stretch of them and its own counters, so that every
 * entry's place is known beforehand and is the same for any number of threads.  Within a row they are sorted by column:
 * column and value as one number of 64 bits, by the bytes of the column (radix, least significant first: stable), a few by
 * insertion.
 */
#include "base/csr.h"

#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 65536, FEW = 40 }; /* entries that are worth waking threads for; that insertion sorts best */

/* The first entry of thread t's stretch, of n_threads. */
static uint64_t stretch(uint64_t n, int t, int n_threads)
{
    return (uint64_t)((unsigned __int128)n * (unsigned)t / (unsigned)n_threads);
}

/* Threads for n entries and counters of n_rows each: the counters shall not outgrow the entries. */
static int threads_for(uint64_t n, uint32_t n_rows)
{
    int n_threads = n > MANY ? omp_get_max_threads() : 1;
    while (n_threads > 1 && (uint64_t)n_threads * n_rows > n)
        n_threads--;
    return n_threads;
}

/* count[t][r] to the place of thread t's first entry of row r; ptr[r]: of the row. */
static void places(uint32_t n_rows, int n_threads, int64_t *count, int64_t *ptr)
{
    int64_t sum = 0;
    for (uint32_t r = 0; r < n_rows; r++) {
        ptr[r] = sum;
        for (int t = 0; t < n_threads; t++) {
            int64_t *place = &count[(size_t)t * n_rows + r];
            const int64_t entries = *place;
            *place = sum;
            sum += entries;
        }
    }
    ptr[n_rows] = sum;
}

/* ---- rows in order of column ---- */

struct keys {
    int64_t n;
    uint64_t *key, *other; /* [n] each */
};

static bool keys_make_room(struct keys *k, int64_t n)
{
    if (n <= k->n)
        return true;
    free(k->key);
    free(k->other);
    k->n = 2 * n;
    k->key = malloc((size_t)k->n * sizeof *k->key);
    k->other = malloc((size_t)k->n * sizeof *k->other);
    if (k->key == NULL || k->other == NULL)
        k->n = 0;
    return k->n > 0;
}

/* By the upper 32 bits, stable. */
static void insertion_sort(uint64_t *key, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        const uint64_t x = key[i];
        int64_t at = i;
        for (; at > 0 && key[at - 1] >> 32 > x >> 32; at--)
            key[at] = key[at - 1];
        key[at] = x;
    }
}

static void radix_sort(struct keys *k, int64_t n, unsigned bits)
{
    for (unsigned shift = 32; shift < 32 + bits; shift += 8) {
        int64_t place[256] = {0}, sum = 0;
        for (int64_t i = 0; i < n; i++)
            place[k->key[i] >> shift & 255]++;
        for (int d = 0; d < 256; d++) {
            const int64_t entries = place[d];
            place[d] = sum;
            sum += entries;
        }
        for (int64_t i = 0; i < n; i++)
            k->other[place[k->key[i] >> shift & 255]++] = k->key[i];
        uint64_t *const swap = k->key;
        k->key = k->other;
        k->other = swap;
    }
}

/* One row's entries: columns rising, of equal ones the last; *kept of n.  False: memory is out. */
static bool sort_row(uint32_t *idx, float *val, int64_t n, unsigned bits, struct keys *k, int64_t *kept)
{
    bool rising = true;
    for (int64_t e = 1; e < n; e++)
        rising &= idx[e] > idx[e - 1];
    *kept = n;
    if (rising)
        return true;
    if (!keys_make_room(k, n))
        return false;
    for (int64_t e = 0; e < n; e++) {
        uint32_t value = 0;
        if (val != NULL)
            memcpy(&value, &val[e], sizeof value);
        k->key[e] = (uint64_t)idx[e] << 32 | value;
    }
    if (n <= FEW)
        insertion_sort(k->key, n);
    else
        radix_sort(k, n, bits);
    int64_t to = 0;
    for (int64_t e = 0; e < n; e++) {
        if (e + 1 < n && k->key[e] >> 32 == k->key[e + 1] >> 32) /* a later one follows */
            continue;
        const uint32_t value = (uint32_t)k->key[e];
        idx[to] = (uint32_t)(k->key[e] >> 32);
        if (val != NULL)
            memcpy(&val[to], &value, sizeof value);
        to++;
    }
    *kept = to;
    return true;
}

/* Closes the gaps that dropped entries left at the ends of rows; kept[r] entries of row r stay. */
static void close_gaps(uint32_t n_rows, const int64_t *kept, int64_t *ptr, uint32_t *idx, float *val)
{
    int64_t to = 0;
    for (uint32_t r = 0; r < n_rows; r++) {
        const int64_t from = ptr[r];
        ptr[r] = to;
        if (to < from) {
            memmove(idx + to, idx + from, (size_t)kept[r] * sizeof *idx);
            if (val != NULL)
                memmove(val + to, val + from, (size_t)kept[r] * sizeof *val);
        }
        to += kept[r];
    }
    ptr[n_rows] = to;
}

static enum status sort_rows(uint32_t n_rows, uint32_t n_cols, int64_t *ptr, uint32_t *idx, float *val)
{
    const int64_t n = ptr[n_rows];
    const unsigned bits = n_cols > 1 ? 32 - (unsigned)__builtin_clz(n_cols - 1) : 0;
    int64_t *kept = malloc(((size_t)n_rows + 1) * sizeof *kept), n_kept = 0;
    bool enough = kept != NULL;
    if (enough) {
#pragma omp parallel reduction(&& : enough) reduction(+ : n_kept) if (n > MANY)
        {
            struct keys keys = {0};
#pragma omp for schedule(dynamic, 256)
            for (uint32_t r = 0; r < n_rows; r++) {
                enough = enough && sort_row(idx + ptr[r], val != NULL ? val + ptr[r] : NULL,
                                            ptr[r + 1] - ptr[r], bits, &keys, &kept[r]);
                n_kept += enough ? kept[r] : 0;
            }
            free(keys.key);
            free(keys.other);
        }
    }
    if (enough && n_kept < n)
        close_gaps(n_rows, kept, ptr, idx, val);
    free(kept);
    return enough ? STATUS_OK
                  : status_fail(STATUS_SYSTEM, "out of memory: a sparse matrix of %llu entries",
                                (unsigned long long)n);
}

/* ---- from triples ---- */

/* ptr from rows that never fall: row r begins where the first entry of it or of a later row stands. */
static void find_rows(uint32_t n_rows, uint64_t n, const uint32_t *row, int64_t *ptr)
{
#pragma omp parallel for schedule(static) if (n > MANY)
    for (uint64_t e = 0; e < n; e++)
        for (uint32_t r = row[e]; e == 0 || r > row[e - 1]; r--) {
            ptr[r] = (int64_t)e;
            if (r == 0)
                break;
        }
    for (uint64_t r = n > 0 ? (uint64_t)row[n - 1] + 1 : 0; r <= n_rows; r++)
        ptr[r] = (int64_t)n;
}

enum status csr_from_grouped(uint32_t n_rows, uint32_t n_cols, uint64_t n, const uint32_t *row, uint32_t *col,
                             float *value, struct arena *arena, struct csr *out, uint64_t *n_duplicates)
{
    int64_t *ptr;
    ARENA_NEW(ptr, arena, (size_t)n_rows + 1);
    find_rows(n_rows, n, row, ptr);
    TRY(sort_rows(n_rows, n_cols, ptr, col, value));
    if (n_duplicates != NULL)
        *n_duplicates = n - (uint64_t)ptr[n_rows];
    *out = (struct csr){n_rows, n_cols, ptr[n_rows], ptr, col, value};
    return STATUS_OK;
}

static bool is_grouped(uint64_t n, const uint32_t *row)
{
    int falls = 0;
#pragma omp parallel for schedule(static) reduction(| : falls) if (n > MANY)
    for (uint64_t e = 1; e < n; e++)
        falls |= row[e] < row[e - 1];
    return !falls;
}

static enum status scatter(uint32_t n_rows, uint64_t n, const uint32_t *row, const uint32_t *col,
                           const float *value, int64_t *ptr, uint32_t *idx, float *val)
{
    const int n_threads = threads_for(n, n_rows);
    int64_t *count = calloc((size_t)n_threads * n_rows + 1, sizeof *count);
    if (count == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory: a sparse matrix of %llu entries",
                           (unsigned long long)n);
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n_threads > 1)
    for (int t = 0; t < n_threads; t++)
        for (uint64_t e = stretch(n, t, n_threads); e < stretch(n, t + 1, n_threads); e++)
            count[(size_t)t * n_rows + row[e]]++;
    places(n_rows, n_threads, count, ptr);
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n_threads > 1)
    for (int t = 0; t < n_threads; t++)
        for (uint64_t e = stretch(n, t, n_threads); e < stretch(n, t + 1, n_threads); e++) {
            const int64_t to = count[(size_t)t * n_rows + row[e]]++;
            idx[to] = col[e];
            if (val != NULL)
                val[to] = value[e];
        }
    free(count);
    return STATUS_OK;
}

enum status csr_from_triples(uint32_t n_rows, uint32_t n_cols, uint64_t n, const uint32_t *row,
                             const uint32_t *col, const float *value, struct arena *arena, struct csr *out,
                             uint64_t *n_duplicates)
{
    int64_t *ptr;
    uint32_t *idx;
    float *val = NULL;
    ARENA_NEW(ptr, arena, (size_t)n_rows + 1);
    ARENA_NEW(idx, arena, n);
    if (value != NULL)
        ARENA_NEW(val, arena, n);
    if (is_grouped(n, row)) {
        find_rows(n_rows, n, row, ptr);
        if (n > 0)
            memcpy(idx, col, n * sizeof *idx);
        if (n > 0 && val != NULL)
            memcpy(val, value, n * sizeof *val);
    } else {
        TRY(scatter(n_rows, n, row, col, value, ptr, idx, val));
    }
    TRY(sort_rows(n_rows, n_cols, ptr, idx, val));
    if (n_duplicates != NULL)
        *n_duplicates = n - (uint64_t)ptr[n_rows];
    *out = (struct csr){n_rows, n_cols, ptr[n_rows], ptr, idx, val};
    return STATUS_OK;
}

/* ---- the transpose ---- */

/* The row that holds entry e, or the next one's (e == nnz: n_rows). */
static uint32_t row_of(const struct csr *a, int64_t e)
{
    uint32_t low = 0, high = a->n_rows;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (a->ptr[middle] < e)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum status csr_transpose(const struct csr *a, struct arena *arena, struct csr *out)
{
    const int n_threads = threads_for((uint64_t)a->nnz, a->n_cols);
    int64_t *ptr;
    uint32_t *idx;
    float *val = NULL;
    ARENA_NEW(ptr, arena, (size_t)a->n_cols + 1);
    ARENA_NEW(idx, arena, (size_t)a->nnz);
    if (a->val != NULL)
        ARENA_NEW(val, arena, (size_t)a->nnz);
    int64_t *count = calloc((size_t)n_threads * a->n_cols + 1, sizeof *count);
    if (count == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory: a sparse matrix of %llu entries",
                           (unsigned long long)a->nnz);
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n_threads > 1)
    for (int t = 0; t < n_threads; t++) { /* whole rows each */
        const int64_t end = a->ptr[row_of(a, (int64_t)stretch((uint64_t)a->nnz, t + 1, n_threads))];
        for (int64_t e = a->ptr[row_of(a, (int64_t)stretch((uint64_t)a->nnz, t, n_threads))]; e < end; e++)
            count[(size_t)t * a->n_cols + a->idx[e]]++;
    }
    places(a->n_cols, n_threads, count, ptr);
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n_threads > 1)
    for (int t = 0; t < n_threads; t++) {
        int64_t *place = count + (size_t)t * a->n_cols;
        const uint32_t end = row_of(a, (int64_t)stretch((uint64_t)a->nnz, t + 1, n_threads));
        for (uint32_t r = row_of(a, (int64_t)stretch((uint64_t)a->nnz, t, n_threads)); r < end; r++)
            for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++) {
                const int64_t to = place[a->idx[e]]++;
                idx[to] = r;
                if (val != NULL)
                    val[to] = a->val[e];
            }
    }
    free(count);
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
