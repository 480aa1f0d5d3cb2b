/*
 * sort.c - interactions in the order of the dataset file: by user, then time, then source_row.
 *
 * Most publishers' files are grouped by user, and many are in order already: so it is looked first, and only what is not
 * in order is moved.  By user: a counting sort, an array at a time, every thread with its own stretch of rows and its own
 * counters, so that each row's place is known (stable, O(n)).  Within a user: (time, place) as one number of 64 bits,
 * sorted by its time's bytes (radix, least significant first, bytes that are all equal passed over), a few rows by
 * insertion; times too far apart for 64 bits, and rows whose source_row doesn't rise, by comparison.
 */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "data/dataset.h"

enum { MANY = 65536 }; /* rows that are worth waking threads for */

/* The stretch of rows that thread t of n has. */
static uint64_t stretch(uint64_t rows, int t, int n)
{
    return (uint64_t)((unsigned __int128)rows * (unsigned)t / (unsigned)n);
}

static bool grouped_by_user(const struct interactions *x)
{
    int falls = 0;
#pragma omp parallel for schedule(static) reduction(| : falls) if (x->n > MANY)
    for (uint64_t i = 1; i < x->n; i++)
        falls |= x->user[i] < x->user[i - 1];
    return !falls;
}

/* ---- by user ---- */

/* One array of elements of `size` bytes to their places; `next` [n_threads x n_users]: where each thread's next row of
 * each user goes. */
static void scatter(const struct interactions *x, uint32_t n_users, int n_threads, const uint64_t *start,
                    void *array, size_t size, void *copy, uint64_t *next)
{
    memcpy(next, start, (size_t)n_threads * n_users * sizeof *next);
#pragma omp parallel num_threads(n_threads)
    {
#pragma omp for schedule(static)
        for (int t = 0; t < n_threads; t++) {
            uint64_t *mine = next + (size_t)t * n_users;
            const uint64_t end = stretch(x->n, t + 1, n_threads);
            for (uint64_t i = stretch(x->n, t, n_threads); i < end; i++) {
                if (size == 4)
                    ((uint32_t *)copy)[mine[x->user[i]]++] = ((const uint32_t *)array)[i];
                else
                    ((uint64_t *)copy)[mine[x->user[i]]++] = ((const uint64_t *)array)[i];
            }
        }
#pragma omp for schedule(static)
        for (int t = 0; t < n_threads; t++) {
            const uint64_t from = stretch(x->n, t, n_threads), to = stretch(x->n, t + 1, n_threads);
            memcpy((char *)array + from * size, (const char *)copy + from * size, (to - from) * size);
        }
    }
}

/* start[t][u]: where thread t's first row of user u goes. */
static void count_rows(const struct interactions *x, uint32_t n_users, int n_threads, uint64_t *start)
{
#pragma omp parallel for schedule(static) num_threads(n_threads)
    for (int t = 0; t < n_threads; t++) {
        const uint64_t end = stretch(x->n, t + 1, n_threads);
        for (uint64_t i = stretch(x->n, t, n_threads); i < end; i++)
            start[(size_t)t * n_users + x->user[i]]++;
    }
    uint64_t sum = 0;
    for (uint32_t u = 0; u < n_users; u++)
        for (int t = 0; t < n_threads; t++) {
            uint64_t *place = &start[(size_t)t * n_users + u];
            const uint64_t count = *place;
            *place = sum;
            sum += count;
        }
}

/* The places don't depend on the number of threads: rows of a user stay in their order. */
static bool group_by_user(uint32_t n_users, struct interactions *x)
{
    int n_threads = x->n > MANY ? omp_get_max_threads() : 1;
    while (n_threads > 1 &&
           (uint64_t)n_threads * n_users > x->n + MANY) /* counters no larger than the rows */
        n_threads--;
    const size_t n_counters = (size_t)n_threads * n_users;
    uint64_t *start = calloc(n_counters > 0 ? n_counters : 1, sizeof *start);
    uint64_t *next = malloc((n_counters > 0 ? n_counters : 1) * sizeof *next);
    void *copy = malloc(x->n * sizeof(uint64_t));
    const bool enough = start != NULL && next != NULL && copy != NULL;
    if (enough) {
        count_rows(x, n_users, n_threads, start);
        scatter(x, n_users, n_threads, start, x->item, sizeof *x->item, copy, next);
        scatter(x, n_users, n_threads, start, x->value, sizeof *x->value, copy, next);
        if (x->time != NULL)
            scatter(x, n_users, n_threads, start, x->time, sizeof *x->time, copy, next);
        scatter(x, n_users, n_threads, start, x->source_row, sizeof *x->source_row, copy, next);
        scatter(x, n_users, n_threads, start, x->user, sizeof *x->user, copy, next); /* the key: last */
    }
    free(start);
    free(next);
    free(copy);
    return enough;
}

/* ---- within a user ---- */

/* What a thread needs for its longest user. */
struct room {
    uint64_t n, *key, *other; /* [n] each */
};

static bool make_room(struct room *r, uint64_t n)
{
    if (n <= r->n)
        return true;
    free(r->key);
    free(r->other);
    r->n = 2 * n;
    r->key = malloc(r->n * sizeof *r->key);
    r->other = malloc(r->n * sizeof *r->other);
    if (r->key == NULL || r->other == NULL)
        r->n = 0;
    return r->n > 0;
}

static bool row_before(const struct interactions *x, uint64_t a, uint64_t b)
{
    const int64_t time_a = x->time != NULL ? x->time[a] : 0, time_b = x->time != NULL ? x->time[b] : 0;
    if (time_a != time_b)
        return time_a < time_b;
    return x->source_row[a] != x->source_row[b] ? x->source_row[a] < x->source_row[b] : a < b;
}

static int compare_rows(const void *left, const void *right, void *rows)
{
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return row_before(rows, a, b) ? -1 : row_before(rows, b, a);
}

static void insertion_sort(uint64_t *key, uint64_t n)
{
    for (uint64_t i = 1; i < n; i++) {
        const uint64_t x = key[i];
        uint64_t at = i;
        for (; at > 0 && key[at - 1] > x; at--)
            key[at] = key[at - 1];
        key[at] = x;
    }
}

/* By the bits from `shift` up; those below are in order already.  Ends in r->key. */
static void radix_sort(struct room *r, uint64_t n, unsigned shift, unsigned bits)
{
    for (unsigned done = 0; done < bits; done += 8, shift += 8) {
        uint32_t place[256] = {0}, sum = 0;
        for (uint64_t i = 0; i < n; i++)
            place[r->key[i] >> shift & 255]++;
        if (place[r->key[0] >> shift & 255] == n)
            continue;
        for (int d = 0; d < 256; d++) {
            const uint32_t count = place[d];
            place[d] = sum;
            sum += count;
        }
        for (uint64_t i = 0; i < n; i++)
            r->other[place[r->key[i] >> shift & 255]++] = r->key[i];
        uint64_t *const swap = r->key;
        r->key = r->other;
        r->other = swap;
    }
}

static unsigned bits_of(uint64_t x)
{
    return x > 0 ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

/* r->key: the user's rows in their order, counted from `begin`. */
static void order_rows(struct interactions *x, uint64_t begin, uint64_t n, bool rows_rise, struct room *r)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    for (uint64_t i = begin; i < begin + n; i++) {
        const int64_t time = x->time != NULL ? x->time[i] : 0;
        least = time < least ? time : least;
        most = time > most ? time : most;
    }
    const unsigned shift = bits_of(n - 1), bits = bits_of((uint64_t)most - (uint64_t)least);
    if (rows_rise && shift + bits <= 64 && n <= UINT32_MAX) {
        for (uint64_t i = 0; i < n; i++)
            r->key[i] = (x->time != NULL && bits > 0 ? (uint64_t)x->time[begin + i] - (uint64_t)least : 0)
                            << shift |
                        i;
        if (n <= 32)
            insertion_sort(r->key, n);
        else
            radix_sort(r, n, shift, bits);
        for (uint64_t i = 0; i < n; i++)
            r->key[i] &= shift > 0 ? UINT64_MAX >> (64 - shift) : 0;
        return;
    }
    for (uint64_t i = 0; i < n; i++)
        r->key[i] = begin + i;
    qsort_r(r->key, n, sizeof *r->key, compare_rows, x);
    for (uint64_t i = 0; i < n; i++)
        r->key[i] -= begin;
}

#define PERMUTE(type, array)                                                                                 \
    do {                                                                                                     \
        type *const from_ = (array) + begin, *const to_ = (void *)r->other;                                  \
        for (uint64_t i_ = 0; i_ < n; i_++)                                                                  \
            to_[i_] = from_[r->key[i_]];                                                                     \
        memcpy(from_, to_, n * sizeof(type));                                                                \
    } while (0)

static bool sort_user(struct interactions *x, uint64_t begin, uint64_t end, struct room *r)
{
    const uint64_t n = end - begin;
    bool in_order = true, rows_rise = true;
    for (uint64_t i = begin + 1; i < end; i++) {
        rows_rise = rows_rise && x->source_row[i] > x->source_row[i - 1];
        in_order = in_order && row_before(x, i - 1, i);
    }
    if (in_order)
        return true;
    if (!make_room(r, n))
        return false;
    order_rows(x, begin, n, rows_rise, r);
    PERMUTE(uint32_t, x->item);
    PERMUTE(float, x->value);
    if (x->time != NULL)
        PERMUTE(int64_t, x->time);
    PERMUTE(uint64_t, x->source_row);
    return true;
}

uint64_t interactions_user_begin(const struct interactions *x, uint64_t row)
{
    while (row > 0 && row < x->n && x->user[row] == x->user[row - 1])
        row--;
    return row;
}

enum status interactions_sort(uint32_t n_users, struct interactions *x)
{
    bool enough = x->n == 0 || grouped_by_user(x) || group_by_user(n_users, x);
    const uint64_t n_lots = x->n / MANY + 1;
    if (enough) {
#pragma omp parallel reduction(&& : enough) if (x->n > MANY)
        {
            struct room room = {0};
#pragma omp for schedule(dynamic, 1)
            for (uint64_t lot = 0; lot < n_lots; lot++) { /* whole users: those that begin in it */
                const uint64_t last = interactions_user_begin(x, lot + 1 < n_lots ? (lot + 1) * MANY : x->n);
                for (uint64_t begin = interactions_user_begin(x, lot * MANY), end; begin < last && enough;
                     begin = end) {
                    for (end = begin + 1; end < last && x->user[end] == x->user[begin];)
                        end++;
                    enough = sort_user(x, begin, end, &room);
                }
            }
            free(room.key);
            free(room.other);
        }
    }
    return enough ? STATUS_OK
                  : status_fail(STATUS_SYSTEM, "out of memory sorting %llu interactions",
                                (unsigned long long)x->n);
}
