/*
 * test_topk.c - the kernel alone, against a plain loop that sorts all candidates; tiles of any width give the same bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "backend/backend.h"
#include "base/csr.h"
#include "topk.h"

enum { ROWS = 24, ITEMS = 5000, PER_MASK = 200 };

struct lot {
    struct arena *arena;
    float *scores; /* [ROWS x ITEMS] */
    float *bias;   /* [ITEMS] or NULL */
    struct csr mask[2];
    uint32_t users[ROWS];
};

/* kind 0: normal scores; 1: rounded to 40 values; 2: rising with the item, the worst order; 3: falling. */
static struct lot lot_new(int kind, int biased)
{
    struct lot l = {.arena = arena_new()};
    l.scores = arena_alloc(l.arena, (size_t)ROWS * ITEMS, sizeof(float));
    for (size_t j = 0; j < (size_t)ROWS * ITEMS; j++) {
        const double x = random_normal(1, RANDOM_SYNTH, 0, j), place = (double)(j % ITEMS) / ITEMS;
        l.scores[j] = (float)(kind == 0 ? x : kind == 1 ? round(10 * x) / 10 : kind == 2 ? place : -place);
    }
    if (biased) {
        l.bias = arena_alloc(l.arena, ITEMS, sizeof(float));
        for (uint32_t i = 0; i < ITEMS; i++)
            l.bias[i] = (float)random_normal(2, RANDOM_SYNTH, 1, i);
    }
    for (uint32_t m = 0; m < 2; m++) {
        uint32_t row[ROWS * PER_MASK], col[ROWS * PER_MASK];
        for (uint32_t e = 0; e < ROWS * PER_MASK; e++)
            row[e] = e / PER_MASK, col[e] = random_u32(3, RANDOM_SYNTH, m, e) % ITEMS;
        assert_int_equal(
            csr_from_triples(ROWS, ITEMS, ROWS * PER_MASK, row, col, NULL, l.arena, &l.mask[m], NULL),
            STATUS_OK);
    }
    for (uint32_t r = 0; r < ROWS; r++)
        l.users[r] = (r * 7 + 5) % ROWS; /* rows are not users */
    return l;
}

struct result {
    uint32_t *item;
    float *score;
    uint8_t tied[ROWS];
    uint32_t bad[ROWS];
};

static struct result run(const struct lot *l, uint32_t k, uint32_t width)
{
    struct result r = {.item = arena_alloc(l->arena, ROWS * k, 4),
                       .score = arena_alloc(l->arena, ROWS * k, 4)};
    float *tile = arena_alloc(l->arena, (size_t)ROWS * (width + 5), sizeof *tile);
    struct topk a = {
        .scores = tile, .ld = width + 5, .k = k, .seed = 77, .purpose = RANDOM_TIES, .users = l->users};
    a.item_bias = l->bias;
    for (int m = 0; m < 2; m++)
        a.mask[m] = (struct topk_mask){l->mask[m].ptr, l->mask[m].idx};
    a.keys = arena_alloc(l->arena, ROWS * TOPK_CAPACITY(k), sizeof *a.keys);
    a.count = arena_alloc(l->arena, ROWS, sizeof *a.count);
    a.threshold = arena_alloc(l->arena, ROWS, sizeof *a.threshold);
    a.lost = arena_alloc(l->arena, ROWS, sizeof *a.lost);
    a.item = r.item, a.score = r.score, a.tied = r.tied, a.bad = r.bad;
    const struct backend *backend;
    /* thousands of launches wait for each other where others share the cores */
    assert_int_equal(backend_open("cpu", width < 100 ? 1 : 2, &backend), STATUS_OK);
    for (uint32_t first = 0; first < ITEMS; first += width) {
        a.first_item = first, a.n_items = ITEMS - first < width ? ITEMS - first : width;
        a.first = first == 0, a.last = first + a.n_items == ITEMS;
        for (uint32_t row = 0; row < ROWS; row++)
            memcpy(tile + row * a.ld, l->scores + (size_t)row * ITEMS + first, a.n_items * sizeof *tile);
        assert_int_equal(backend_launch(backend, &kernel_topk, &a, ROWS, TOPK_SCRATCH(k)), STATUS_OK);
    }
    return r;
}

static int descending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

static void check_row(const struct lot *l, const struct result *r, uint32_t row, uint32_t k)
{
    static float value[ITEMS], left[ITEMS];
    uint32_t n = 0;
    int equal = 0;
    for (uint32_t i = 0; i < ITEMS; i++) {
        value[i] = l->scores[(size_t)row * ITEMS + i] + (l->bias != NULL ? l->bias[i] : 0);
        if (csr_has(&l->mask[0], l->users[row], i) || csr_has(&l->mask[1], l->users[row], i))
            value[i] = NAN;
        else
            left[n++] = value[i];
    }
    qsort(left, n, sizeof *left, descending);
    for (uint32_t c = 0; c < k; c++) {
        const uint32_t item = r->item[row * k + c];
        if (c >= n) {
            assert_int_equal(item, TOPK_NONE);
            assert_true(r->score[row * k + c] == -INFINITY);
            continue;
        }
        assert_true(r->score[row * k + c] == left[c]);
        assert_true(item < ITEMS && value[item] == left[c]); /* never a masked one: NaN */
        value[item] = NAN;                                   /* nor twice */
        equal |= c + 1 < n && left[c] == left[c + 1];
    }
    assert_int_equal(r->tied[row], equal);
    assert_int_equal(r->bad[row], TOPK_NONE);
}

static void test_equal_to_a_sort_in_tiles_of_any_width(void **state)
{
    (void)state;
    static const uint32_t widths[] = {ITEMS, 928, 1, 33, 700}, lengths[] = {1, 10, 100, 700, ITEMS};
    for (int kind = 0; kind < 4; kind++) {
        struct lot l = lot_new(kind, kind == 0);
        for (size_t n = 0; n < 5; n++) {
            if (kind != 1 && lengths[n] == ITEMS)
                continue;
            struct result whole;
            for (size_t w = 0; w < 5; w++) {
                if (lengths[n] == ITEMS ? w > 1 : widths[w] < 100 && lengths[n] != 10)
                    continue;
                struct result r = run(&l, lengths[n], widths[w]);
                for (uint32_t row = 0; row < ROWS && w == 0; row++)
                    check_row(&l, &r, row, lengths[n]);
                if (w == 0)
                    whole = r;
                assert_memory_equal(r.item, whole.item, ROWS * lengths[n] * sizeof *r.item);
                assert_memory_equal(r.score, whole.score, ROWS * lengths[n] * sizeof *r.score);
                assert_memory_equal(r.tied, whole.tied, ROWS);
            }
        }
        arena_free(l.arena);
    }
}

/* The first bad score is reported wherever it stands; -infinity only means "not this one". */
static void test_bad_scores(void **state)
{
    (void)state;
    struct lot l = lot_new(0, 0);
    l.mask[0].ptr = l.mask[1].ptr = arena_alloc(l.arena, ROWS + 1, sizeof(int64_t)); /* nothing masked */
    l.scores[0 * ITEMS + 4321] = NAN;
    l.scores[1 * ITEMS + 17] = INFINITY, l.scores[1 * ITEMS + 18] = NAN;
    l.scores[2 * ITEMS + 3] = -INFINITY;
    for (uint32_t i = 0; i < ITEMS; i++)
        l.scores[3 * ITEMS + i] = -INFINITY, l.scores[4 * ITEMS + i] = NAN;
    l.scores[3 * ITEMS + 99] = -1e30f;
    for (uint32_t width = 500; width <= ITEMS; width += 4500) {
        const struct result r = run(&l, 10, width);
        assert_int_equal(r.bad[0], 4321);
        assert_int_equal(r.bad[1], 17);
        assert_int_equal(r.bad[2], TOPK_NONE);
        assert_int_equal(r.bad[3], TOPK_NONE);
        assert_int_equal(r.item[3 * 10], 99);
        assert_int_equal(r.item[3 * 10 + 1], TOPK_NONE);
        assert_int_equal(r.bad[4], 0);
        assert_int_equal(r.bad[5], TOPK_NONE);
    }
    arena_free(l.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_to_a_sort_in_tiles_of_any_width),
        cmocka_unit_test(test_bad_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
