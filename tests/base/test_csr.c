/* Sparse matrices: any triples, against one dense table filled in the order given. */
#include "../test.h"

#include <omp.h>
#include <stdbool.h>
#include <string.h>

#include "base/csr.h"

static uint64_t state64 = 88172645463325252u;
static uint32_t below(uint32_t n)
{
    state64 ^= state64 << 13;
    state64 ^= state64 >> 7;
    state64 ^= state64 << 17;
    return (uint32_t)((state64 >> 20) % n);
}

enum { ROWS = 37, COLS = 700, MOST = 300000 };
static uint32_t row[MOST], col[MOST], col_again[MOST];
static float value[MOST], value_again[MOST], table[ROWS][COLS];

static void holds_the_table(const struct csr *a, int transposed)
{
    int64_t n = 0;
    for (uint32_t r = 0; r < a->n_rows; r++)
        for (int64_t e = a->ptr[r]; e < a->ptr[r + 1]; e++, n++) {
            assert_true(a->idx[e] < a->n_cols && (e == a->ptr[r] || a->idx[e] > a->idx[e - 1]));
            const float expected = transposed ? table[a->idx[e]][r] : table[r][a->idx[e]];
            assert_true(expected != 0 && (a->val == NULL || a->val[e] == expected));
        }
    assert_int_equal(n, a->nnz);
}

static void same_bytes(const struct csr *a, const struct csr *b)
{
    assert_int_equal(a->nnz, b->nnz);
    assert_memory_equal(a->ptr, b->ptr, (a->n_rows + 1) * sizeof *a->ptr);
    assert_memory_equal(a->idx, b->idx, (size_t)a->nnz * sizeof *a->idx);
    assert_memory_equal(a->val, b->val, (size_t)a->nnz * sizeof *a->val);
}

/* n entries among n_cols columns; grouped: rows never fall. */
static void try(uint32_t n, uint32_t n_cols, bool grouped)
{
    struct arena *arena = arena_new();
    struct csr a, b, t, ones;
    uint64_t n_duplicates, n_same;
    int64_t n_distinct = 0;
    memset(table, 0, sizeof table);
    for (uint32_t e = 0; e < n; e++) {
        row[e] = grouped ? (uint32_t)((uint64_t)e * ROWS / n) : below(ROWS);
        col[e] = below(n_cols);
        value[e] = (float)(e + 1);
        n_distinct += table[row[e]][col[e]] == 0;
        table[row[e]][col[e]] = value[e];
    }
    for (int threads = 1; threads <= 3; threads += 2) {
        omp_set_num_threads(threads);
        assert_ok(
            csr_from_triples(ROWS, n_cols, n, row, col, value, arena, threads == 1 ? &a : &b, &n_duplicates));
    }
    holds_the_table(&a, 0);
    same_bytes(&a, &b);
    assert_int_equal(a.nnz, n_distinct);
    assert_int_equal(n_duplicates, n - (uint64_t)n_distinct);
    if (grouped) {
        memcpy(col_again, col, sizeof col);
        memcpy(value_again, value, sizeof value);
        assert_ok(csr_from_grouped(ROWS, n_cols, n, row, col_again, value_again, arena, &b, &n_same));
        same_bytes(&a, &b);
        assert_int_equal(n_same, n_duplicates);
    }
    assert_ok(csr_from_triples(ROWS, n_cols, n, row, col, NULL, arena, &ones, NULL));
    assert_null(ones.val);
    holds_the_table(&ones, 0);
    assert_ok(csr_transpose(&a, arena, &t));
    holds_the_table(&t, 1);
    omp_set_num_threads(1);
    assert_ok(csr_transpose(&a, arena, &b));
    same_bytes(&t, &b);
    arena_free(arena);
}

static void any_triples(void **state)
{
    const int threads = omp_get_max_threads();
    (void)state;
    for (int grouped = 0; grouped < 2; grouped++) {
        try(0, COLS, grouped);
        try(1, 1, grouped);
        try(30, COLS, grouped);
        try(5000, 300, grouped);
        try(200000, COLS, grouped);
        try(MOST, 257, grouped);
    }
    omp_set_num_threads(threads);
}

/* Rows at both ends and in between are empty; a column of 2^32 - 1. */
static void far_apart(void **state)
{
    static const uint32_t rows[] = {5, 5, 5, 9}, cols[] = {UINT32_MAX - 1, 0, 70000, 3};
    struct arena *arena = arena_new();
    struct csr a;
    (void)state;
    assert_ok(csr_from_triples(12, UINT32_MAX, 4, rows, cols, NULL, arena, &a, NULL));
    assert_int_equal(a.ptr[5], 0);
    assert_int_equal(a.ptr[6], 3);
    assert_int_equal(a.ptr[9], 3);
    assert_int_equal(a.ptr[12], 4);
    assert_true(a.idx[0] == 0 && a.idx[1] == 70000 && a.idx[2] == UINT32_MAX - 1 && a.idx[3] == 3);
    assert_true(csr_has(&a, 5, 70000) && !csr_has(&a, 5, 1) && !csr_has(&a, 0, 0));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_triples), cmocka_unit_test(far_apart)};
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
