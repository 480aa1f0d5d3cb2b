/* test_rows.c - the order of interactions for any rows and threads, and a dataset file's ratings as matrices. */
#include "../test.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/image.h"
#include "data/store.h"
#include "data/synth.h"

static char *folder;
static uint64_t state64 = 88172645463325252u;
static uint64_t random64(void)
{
    state64 ^= state64 << 13;
    state64 ^= state64 >> 7;
    state64 ^= state64 << 17;
    return state64;
}

struct row {
    uint32_t user, item;
    float value;
    int64_t time;
    uint64_t source_row;
};
static bool with_time;
static int compare(const void *left, const void *right)
{
    const struct row *a = left, *b = right;
    if (a->user != b->user)
        return a->user < b->user ? -1 : 1;
    if (with_time && a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->source_row < b->source_row ? -1 : a->source_row > b->source_row;
}

enum { N = 150000, USERS = 900 };

/* kind 0: any order; 1: by user; 2: times at both ends of 64 bits; 3: by user, in order; 4: source rows fall. */
static void sort(int kind, int threads)
{
    static struct row rows[N];
    static uint32_t user[N], item[N];
    static float value[N];
    static int64_t time[N];
    static uint64_t source_row[N];
    for (uint64_t i = 0; i < N; i++) {
        const bool grouped = kind == 1 || kind == 3;
        user[i] = grouped ? (uint32_t)(i * USERS / N) : (uint32_t)(random64() % USERS);
        if (random64() % 3 == 0 && !grouped)
            user[i] = 7; /* one has very many */
        item[i] = (uint32_t)i;
        value[i] = (float)i;
        time[i] = kind == 2   ? (random64() % 2 ? INT64_MIN + (int64_t)(i % 2) : INT64_MAX - (int64_t)(i % 2))
                  : kind == 3 ? (int64_t)i
                              : 1000000000 + (int64_t)(random64() % 40000);
        source_row[i] = kind == 4 ? N - i : 3 * i;
        rows[i] = (struct row){user[i], item[i], value[i], time[i], source_row[i]};
    }
    qsort(rows, N, sizeof *rows, compare);
    struct interactions x = {N, user, item, value, with_time ? time : NULL, source_row};
    omp_set_num_threads(threads);
    assert_ok(interactions_sort(USERS, &x));
    for (uint64_t i = 0; i < N; i++)
        if (user[i] != rows[i].user || item[i] != rows[i].item || value[i] != rows[i].value ||
            source_row[i] != rows[i].source_row || (with_time && time[i] != rows[i].time))
            fail_msg("kind %d, %d threads: row %llu", kind, threads, (unsigned long long)i);
}

static void order_of_any_rows(void **state)
{
    const int threads = omp_get_max_threads();
    (void)state;
    for (int kind = 0; kind < 5; kind++)
        for (int n = 1; n <= 3; n++) {
            with_time = kind != 1;
            sort(kind, n);
        }
    omp_set_num_threads(threads);
}

static void same_matrix(const struct csr *a, const struct csr *b)
{
    assert_int_equal(a->n_rows, b->n_rows);
    assert_int_equal(a->n_cols, b->n_cols);
    assert_int_equal(a->nnz, b->nnz);
    assert_memory_equal(a->ptr, b->ptr, (a->n_rows + 1) * sizeof *a->ptr);
    assert_memory_equal(a->idx, b->idx, (size_t)a->nnz * sizeof *a->idx);
    assert_memory_equal(a->val, b->val, (size_t)a->nnz * sizeof *a->val);
}

/* Several chunks an array; the file with its seal and without it. */
static void matrices_of_a_file(void **state)
{
    struct synth_options options = SYNTH_DEFAULTS;
    struct arena *arena = arena_new();
    struct dataset *d, *again;
    struct csr by_user, by_item, expected, its_transpose;
    const int threads = omp_get_max_threads();
    (void)state;
    options.n_users = 1500, options.n_items = 700, options.n_interactions = 200000;
    assert_ok(synth_generate(&options, arena, &d));
    char path[4200];
    snprintf(path, sizeof path, "%s/m.h5", folder);
    assert_ok(store_write(path, d));
    assert_ok(store_read(path, arena, &again));
    const struct interactions *x = &again->interactions;
    assert_true(x->n > 100000);
    assert_ok(
        csr_from_triples(d->n_users, d->n_items, x->n, x->user, x->item, x->value, arena, &expected, NULL));
    assert_ok(csr_transpose(&expected, arena, &its_transpose));
    for (int n = 1; n <= 4; n++) {
        struct stat info;
        if (n == 4) {
            assert_int_equal(stat(path, &info), 0);
            assert_int_equal(truncate(path, info.st_size - SEAL_BYTES), 0);
        }
        omp_set_num_threads(n);
        assert_ok(store_read_matrices(path, arena, &by_user, &by_item));
        same_matrix(&by_user, &expected);
        same_matrix(&by_item, &its_transpose);
    }
    omp_set_num_threads(threads);
    assert_int_equal(store_read_matrices(test_path(folder, "none.h5"), arena, &by_user, &by_item),
                     STATUS_DATA);
    arena_free(arena);
}

static int set_up(void **state)
{
    (void)state;
    folder = test_folder();
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order_of_any_rows),
                                       cmocka_unit_test(matrices_of_a_file)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
