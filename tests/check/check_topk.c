/*
 * check_topk.c - topk against a sort of all candidates: scores equal (bound 0), items distinct, unmasked,
 * with that score.
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "topk.h"

enum { ROWS = 3, ITEMS = 300, SEED = 7 };

static void topk_writes(const void *args, long row)
{
    const struct topk *a = args;
    const size_t r = (size_t)row, capacity = TOPK_CAPACITY(a->k);
    check_may_write(a->scores + r * a->ld, a->n_items * sizeof *a->scores);
    check_may_write(a->keys + r * capacity, capacity * sizeof *a->keys);
    check_may_write(a->count + r, sizeof *a->count);
    check_may_write(a->threshold + r, sizeof *a->threshold);
    check_may_write(a->lost + r, sizeof *a->lost);
    check_may_write(a->bad + r, sizeof *a->bad);
    if (a->last) {
        check_may_write(a->item + r * a->k, a->k * sizeof *a->item);
        check_may_write(a->score + r * a->k, a->k * sizeof *a->score);
        check_may_write(a->tied + r, sizeof *a->tied);
    }
}

static int descending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

static int is_relevant(const struct topk *a, uint32_t user, uint32_t item)
{
    for (int64_t e = a->relevant.ptr[user]; e < a->relevant.ptr[user + 1]; e++)
        if (a->relevant.idx[e] == item)
            return 1;
    return 0;
}

/* Does `x` stand before `y` of equal score? */
static int stands_before(const struct topk *a, uint32_t user, uint32_t x, uint32_t y)
{
    if (a->ties == TOPK_TIES_INDEX_FALLING)
        return x > y;
    const int of_x = a->ties == TOPK_TIES_INDEX_RISING ? 0 : is_relevant(a, user, x);
    const int of_y = a->ties == TOPK_TIES_INDEX_RISING ? 0 : is_relevant(a, user, y);
    return of_x == of_y ? x < y : of_x == (a->ties == TOPK_TIES_RELEVANT_FIRST);
}

/* The place of each item among those of its score and above, by the rule. */
static void check_ties(const struct topk *a, long row, const float *value)
{
    for (uint32_t c = 0; c < a->k; c++) {
        const long at = row * (long)a->k + (long)c;
        uint32_t before = 0;
        const uint32_t item = a->item[at];
        for (uint32_t i = 0; i < ITEMS && item < ITEMS; i++)
            before += value[i] > value[item] ||
                      (value[i] == value[item] && i != item && stands_before(a, a->users[row], i, item));
        check_near("place by the rule of ties", at, before, item < ITEMS ? c : 0, 0);
    }
}

/* value: -infinity where masked. */
static void check_row(const struct topk *a, long row, float *value, uint32_t bad)
{
    static float sorted[ITEMS];
    uint32_t n = 0;
    int tied = 0;
    for (int i = 0; i < ITEMS; i++)
        if (value[i] <= FLT_MAX && value[i] >= -FLT_MAX)
            sorted[n++] = value[i];
    qsort(sorted, n, sizeof *sorted, descending);
    for (uint32_t c = 0; c < a->k; c++) {
        const long at = row * (long)a->k + (long)c;
        const uint32_t item = a->item[at];
        if (c >= n) {
            check_near("item", at, item, TOPK_NONE, 0);
            continue;
        }
        check_near("score", at, a->score[at], sorted[c], 0);
        tied |= c + 1 < n && sorted[c] == sorted[c + 1];
        check_near("item below n_items", at, item < ITEMS, 1, 0);
        if (item < ITEMS) {
            check_near("the item's score", at, value[item], sorted[c], 0);
            value[item] = -FLT_MAX; /* not twice */
        }
    }
    check_near("tied", row, a->tied[row], tied, 0);
    check_near("bad", row, a->bad[row], bad, 0);
}

/* kind 0: any numbers, biases, masks; 1: nine values, so many are equal; 2: rising, the worst order; 3: NaN,
 * infinity; 4 + ties: as 1, under that rule. */
static void topk_case(const char *kernel, int kind, uint32_t k, uint32_t width)
{
    static float value[ROWS][ITEMS];
    const size_t ld = width + 3;
    float *bias = check_floats("item_bias", ITEMS, 1);
    uint32_t *users = check_buffer("users", ROWS, sizeof *users);
    struct topk a = {
        .scores = check_buffer("scores", ROWS * ld, sizeof(float)), .ld = ld, .k = k, .seed = SEED};
    for (int m = 0; m < TOPK_MASKS && kind == 0; m++) {
        int64_t *ptr;
        uint32_t *idx;
        check_sparse(2 + (uint32_t)m, ROWS, ITEMS, 0.2, &ptr, &idx);
        a.mask[m] = (struct topk_mask){ptr, idx};
    }
    if (kind > 4) {
        a.ties = kind - 4;
        check_sparse(9, ROWS, ITEMS, 0.3, (int64_t **)&a.relevant.ptr, (uint32_t **)&a.relevant.idx);
    }
    a.purpose = 3, a.users = users, a.item_bias = kind == 0 ? bias : NULL;
    a.keys = check_buffer("keys", ROWS * TOPK_CAPACITY(k), sizeof *a.keys);
    a.count = check_buffer("count", ROWS, sizeof *a.count);
    a.threshold = check_buffer("threshold", ROWS, sizeof *a.threshold);
    a.lost = check_buffer("lost", ROWS, sizeof *a.lost);
    a.item = check_buffer("item", ROWS * k, sizeof *a.item);
    a.score = check_buffer("score", ROWS * k, sizeof *a.score);
    a.tied = check_buffer("tied", ROWS, sizeof *a.tied);
    a.bad = check_buffer("bad", ROWS, sizeof *a.bad);
    for (uint32_t r = 0; r < ROWS; r++) {
        users[r] = (r + 1) % ROWS;
        for (uint32_t i = 0; i < ITEMS; i++) {
            const float x = 2 * check_unit(5, r * ITEMS + i) - 1;
            value[r][i] = kind == 1 || kind > 4 ? roundf(4 * x) : kind == 2 ? (float)i : x;
        }
    }
    if (kind == 3)
        value[0][211] = NAN, value[0][250] = INFINITY, value[2][9] = -INFINITY;
    for (uint32_t first = 0; first < ITEMS; first += width) {
        a.first_item = first, a.n_items = ITEMS - first < width ? ITEMS - first : width;
        a.first = first == 0, a.last = first + a.n_items == ITEMS;
        for (uint32_t i = 0; i < ROWS * a.n_items; i++)
            a.scores[i / a.n_items * ld + i % a.n_items] = value[i / a.n_items][first + i % a.n_items];
        check_run(kernel, &a, ROWS, TOPK_SCRATCH(k));
    }
    for (uint32_t r = 0; r < ROWS; r++) {
        for (uint32_t i = 0; i < ITEMS && a.item_bias != NULL; i++)
            value[r][i] += bias[i];
        for (int m = 0; m < TOPK_MASKS && a.mask[m].ptr != NULL; m++)
            for (int64_t e = a.mask[m].ptr[users[r]]; e < a.mask[m].ptr[users[r] + 1]; e++)
                value[r][a.mask[m].idx[e]] = -INFINITY;
        if (kind > 4)
            check_ties(&a, r, value[r]);
        check_row(&a, r, value[r], kind == 3 && r == 0 ? 211 : TOPK_NONE);
    }
    check_end();
}

static void topk_cases(const char *kernel)
{
    topk_case(kernel, 0, 10, ITEMS);
    topk_case(kernel, 0, 7, 130);
    topk_case(kernel, 1, 10, ITEMS);
    topk_case(kernel, 2, 5, ITEMS); /* the buffer fills again and again */
    topk_case(kernel, 2, 10, 77);
    topk_case(kernel, 3, 20, 150);
    topk_case(kernel, 0, 290, ITEMS); /* more than the unmasked */
    for (int ties = TOPK_TIES_INDEX_RISING; ties <= TOPK_TIES_RELEVANT_LAST; ties++)
        topk_case(kernel, 4 + ties, 40, 130);
}

const struct check_kernel check_topk[] = {
    {"topk", topk_cases, topk_writes},
    {NULL, NULL, NULL},
};
