/*
 * check_hits.c - hits: sums over the places of a list that hold relevant items, against plain loops that look each place up
 * and add all places, hit or not.
 */
#include <math.h>

#include "check.h"
#include "hits.h"

enum { ROWS = 5, ITEMS = 290, LONGEST = 40, LD = LONGEST + 2, CUTS = 3 };

static void hits_writes(const void *args, long row)
{
    const struct hits *a = args;
    check_may_write(a->out + (size_t)row * (a->n_k + 1), (a->n_k + 1) * sizeof *a->out);
    check_may_write(a->length + row, sizeof *a->length);
}

static long place_of(const struct hits *a, uint32_t user, uint32_t item)
{
    for (int64_t e = a->ptr[user]; e < a->ptr[user + 1]; e++)
        if (a->idx[e] == item)
            return (long)e;
    return -1;
}

static void check_cut(const struct hits *a, long r, uint32_t c)
{
    const uint32_t user = a->users[r], n = (uint32_t)(a->ptr[user + 1] - a->ptr[user]);
    uint32_t k = c < a->n_k ? a->k[c] : n;
    k = k < a->longest ? k : a->longest;
    double dcg = 0, clipped = 0, linear = 0, exponential = 0, precisions = 0, averages = 0, before = 0;
    uint32_t hits = 0, first = 0;
    for (uint32_t j = 1; j <= k; j++) {
        const uint32_t item = a->item[(size_t)r * a->ld + j - 1];
        const long e = item == HITS_NONE ? -1 : place_of(a, user, item);
        if (e >= 0) {
            hits++;
            first = first == 0 ? j : first;
            dcg += log(2) / log(j + 1);
            clipped += log(2) / log(j < 2 ? 2 : j);
            linear += (a->gain != NULL ? a->gain[e] : 1) * log(2) / log(j + 1);
            exponential += (a->power != NULL ? a->power[e] : 1) * log(2) / log(j + 1);
            precisions += (double)hits / j;
        } else
            before += hits;
        averages += (double)hits / j;
    }
    const long at = r * (long)(a->n_k + 1) + c;
    const struct hits_sums *s = a->out + at;
    check_near("hits", at, s->hits, hits, 0);
    check_near("first", at, s->first, first, 0);
    check_near("dcg", at, s->dcg, dcg, 1e-13);
    check_near("clipped", at, s->clipped, clipped, 1e-13);
    check_near("linear", at, s->linear, linear, 1e-12);
    check_near("exponential", at, s->exponential, exponential, 1e-12);
    check_near("precisions", at, s->precisions, precisions, 1e-13);
    check_near("averages", at, s->averages, averages, 1e-12);
    check_near("before", at, s->before, before, 1e-12);
}

static void hits_case(const char *kernel, int graded, uint32_t longest)
{
    int64_t *ptr;
    uint32_t *idx;
    check_sparse(11, ROWS, ITEMS, 0.3, &ptr, &idx);
    uint32_t *item = check_buffer("item", ROWS * LD, sizeof *item), *users = check_buffer("users", ROWS, 4);
    uint32_t *k = check_buffer("k", CUTS, sizeof *k);
    double *table = check_buffer("tables", 3 * (LONGEST + 1), sizeof *table);
    double *gain = check_buffer("gain", (size_t)ptr[ROWS] + 1, sizeof *gain);
    double *power = check_buffer("power", (size_t)ptr[ROWS] + 1, sizeof *power);
    k[0] = longest, k[1] = 1, k[2] = (longest + 1) / 2;
    for (uint32_t j = 0; j < longest; j++) {
        table[j] = 1 / log2(j + 2.0), table[LONGEST + 1 + j] = 1 / log2(j < 1 ? 2 : j + 1.0);
        table[2 * (LONGEST + 1) + j + 1] = table[2 * (LONGEST + 1) + j] + 1 / (j + 1.0);
    }
    for (int64_t e = 0; e < ptr[ROWS]; e++)
        gain[e] = 1 + check_whole(12, (uint64_t)e, 4), power[e] = exp2(gain[e]) - 1;
    for (uint32_t r = 0; r < ROWS; r++) {
        users[r] = (3 * r + 1) % ROWS;
        const uint32_t filled = r == 2 ? longest / 3 : r == 3 ? 0 : longest;
        for (uint32_t j = 0; j < LD; j++)
            item[r * LD + j] =
                j < filled ? (7 * j + 13 * r) % ITEMS : HITS_NONE; /* 7 and 290: no item twice */
    }
    const struct hits a = {.longest = longest,
                           .ld = LD,
                           .item = item,
                           .users = users,
                           .ptr = ptr,
                           .idx = idx,
                           .gain = graded ? gain : NULL,
                           .power = graded ? power : NULL,
                           .n_k = CUTS,
                           .k = k,
                           .discount = table,
                           .clipped = table + LONGEST + 1,
                           .harmonic = table + 2 * (LONGEST + 1),
                           .out = check_buffer("out", ROWS * (CUTS + 1), sizeof(struct hits_sums)),
                           .length = check_buffer("length", ROWS, sizeof(uint32_t))};
    check_run(kernel, &a, ROWS, HITS_SCRATCH(longest));
    for (uint32_t r = 0; r < ROWS; r++) {
        check_near("length", r, a.length[r], r == 2 ? longest / 3 : r == 3 ? 0 : longest, 0);
        for (uint32_t c = 0; c <= CUTS; c++)
            check_cut(&a, r, c);
    }
    check_end();
}

static void hits_cases(const char *kernel)
{
    hits_case(kernel, 0, LONGEST);
    hits_case(kernel, 1, LONGEST);
    hits_case(kernel, 1, 7); /* fewer places than lanes, and than some have relevant items */
}

const struct check_kernel check_hits[] = {
    {"hits", hits_cases, hits_writes},
    {NULL, NULL, NULL},
};
