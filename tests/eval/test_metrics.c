/*
 * test_metrics.c - metrics against examples worked by hand, against a slow reference that looks every item up anew and
 * follows the formulas of metrics.h to the letter, and for the properties that each metric must have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include <omp.h>

#include "backend/backend.h"
#include "eval/metrics.h"

/* ---- the slow reference */
static int is_test(const struct csr *test, uint32_t user, uint32_t item)
{
    for (int64_t e = test->ptr[user]; e < test->ptr[user + 1]; e++)
        if (test->idx[e] == item)
            return 1;
    return 0;
}

static double slow(const char *name, const uint32_t *list, uint32_t k, const struct csr *test, uint32_t user)
{
    const double n_test = (double)(test->ptr[user + 1] - test->ptr[user]), best = n_test < k ? n_test : k;
    double hits = 0, dcg = 0, ideal = 0, map = 0, mrr = 0;
    for (uint32_t rank = 1; rank <= k; rank++) {
        if (rank <= best)
            ideal += log(2) / log(rank + 1.0);
        if (list[rank - 1] == UINT32_MAX || !is_test(test, user, list[rank - 1]))
            continue;
        hits++;
        dcg += log(2) / log(rank + 1.0);
        map += hits / rank;
        mrr = fmax(mrr, 1.0 / rank);
    }
    if (strcmp(name, "precision") == 0)
        return hits / k;
    if (strcmp(name, "recall") == 0)
        return hits / n_test;
    if (strcmp(name, "ndcg") == 0)
        return dcg / ideal;
    if (strcmp(name, "map") == 0)
        return map / best;
    if (strcmp(name, "mrr") == 0)
        return mrr;
    if (strcmp(name, "hit_rate") == 0)
        return hits > 0;
    assert_string_equal(name, "f1");
    const double p = hits / k, r = hits / n_test;
    return hits > 0 ? 2 * p * r / (p + r) : 0;
}

static size_t n_metrics(void)
{
    size_t n = 0;
    while (metric_types[n] != NULL && metric_types[n]->usual)
        n++;
    return n;
}

/* One user, one list. */
static double one(const char *name, const uint32_t *list, uint32_t length, const uint32_t *test_items,
                  uint32_t n_test, uint32_t k)
{
    const int64_t ptr[] = {0, n_test};
    const struct csr test = {.n_rows = 1, .n_cols = 1000, .nnz = n_test, .ptr = ptr, .idx = test_items};
    const struct lists lists = {.n_users = 1, .k = length, .item = (uint32_t *)list};
    const struct metric_type *m = metric_find(name);
    const uint32_t user = 0;
    double value;
    assert_non_null(m);
    assert_int_equal(metrics_compute(&lists, &user, &test, &m, 1, &k, 1, &value), STATUS_OK);
    return value;
}

/* List 7 3 9 1 5, test items 1 3 8: hits at places 2 and 4. */
static void test_worked_by_hand(void **state)
{
    (void)state;
    const uint32_t list[] = {7, 3, 9, 1, 5}, test[] = {1, 3, 8};
    const struct {
        const char *name;
        uint32_t k;
        double value;
    } expected[] = {
        {"precision", 1, 0},
        {"precision", 2, 1 / 2.0},
        {"precision", 5, 2 / 5.0},
        {"recall", 1, 0},
        {"recall", 2, 1 / 3.0},
        {"recall", 5, 2 / 3.0},
        {"hit_rate", 1, 0},
        {"hit_rate", 2, 1},
        {"mrr", 1, 0},
        {"mrr", 5, 1 / 2.0},
        {"map", 2, (1 / 2.0) / 2},
        {"map", 5, (1 / 2.0 + 2 / 4.0) / 3},
        {"f1", 5, 2 * (2 / 5.0) * (2 / 3.0) / (2 / 5.0 + 2 / 3.0)},
        {"f1", 1, 0},
        /* 1 / log2(3) = 0.63092975, 1 / log2(5) = 0.43067656; ideal of 2: 1.63092975, of 3: 2.13092975 */
        {"ndcg", 2, 0.63092975357145744 / 1.63092975357145744},
        {"ndcg", 5, (0.63092975357145744 + 0.43067655807339306) / 2.13092975357145744},
    };
    for (size_t e = 0; e < sizeof expected / sizeof *expected; e++)
        assert_true(fabs(one(expected[e].name, list, 5, test, 3, expected[e].k) - expected[e].value) < 1e-15);
}

/* A list that ends early counts its empty places as misses. */
static void test_short_list(void **state)
{
    (void)state;
    const uint32_t list[] = {3, UINT32_MAX, UINT32_MAX}, test[] = {3, 8};
    assert_true(one("precision", list, 3, test, 2, 3) == 1 / 3.0);
    assert_true(one("recall", list, 3, test, 2, 3) == 1 / 2.0);
    assert_true(one("map", list, 3, test, 2, 3) == 1 / 2.0);
}

/* Random lists of 300 users, some without test rows: values of every metric and cut-off. */
struct lot {
    struct arena *arena;
    struct lists lists;
    struct csr test;
    uint32_t users[300];
    uint32_t k[4];
    double *values;
};
enum { USERS = 300, ITEMS = 60, LONGEST = 20, CUTS = 4 };

static struct lot *lot_new(void)
{
    struct arena *arena = arena_new();
    struct lot *l = arena_alloc(arena, 1, sizeof *l);
    *l = (struct lot){.arena = arena, .lists = {.n_users = USERS, .k = LONGEST}, .k = {1, 5, 10, LONGEST}};
    l->lists.item = arena_alloc(arena, USERS * LONGEST, sizeof(uint32_t));
    uint32_t row[USERS * 12], col[USERS * 12], n = 0, order[ITEMS];
    for (uint32_t u = 0; u < USERS; u++) {
        l->users[u] = USERS - 1 - u;
        random_permutation(1, RANDOM_SYNTH, u, ITEMS, order);
        const uint32_t length = u % 7 == 3 ? u % LONGEST : LONGEST;
        for (uint32_t j = 0; j < LONGEST; j++)
            l->lists.item[u * LONGEST + j] = j < length ? order[j] : UINT32_MAX;
        const uint32_t each = u % 50 == 9 ? 0 : 1 + random_u32(2, RANDOM_SYNTH, 0, u) % 12;
        random_permutation(3, RANDOM_SYNTH, u, ITEMS, order);
        for (uint32_t j = 0; j < each; j++)
            row[n] = l->users[u], col[n++] = order[j];
    }
    assert_int_equal(csr_from_triples(USERS, ITEMS, n, row, col, NULL, arena, &l->test, NULL), STATUS_OK);
    l->values = arena_alloc(arena, n_metrics() * CUTS * USERS, sizeof(double));
    assert_int_equal(
        metrics_compute(&l->lists, l->users, &l->test, metric_types, n_metrics(), l->k, CUTS, l->values),
        STATUS_OK);
    return l;
}

static void test_equal_to_the_slow_reference(void **state)
{
    (void)state;
    struct lot *l = lot_new();
    uint32_t without = 0;
    for (size_t m = 0; m < n_metrics(); m++)
        for (size_t c = 0; c < CUTS; c++) {
            const double *values = l->values + (m * CUTS + c) * USERS;
            double sum = 0, n = 0;
            for (uint32_t u = 0; u < USERS; u++) {
                const uint32_t user = l->users[u];
                if (l->test.ptr[user] == l->test.ptr[user + 1]) {
                    assert_true(isnan(values[u]));
                    without++;
                    continue;
                }
                const double expected =
                    slow(metric_types[m]->name, l->lists.item + u * LONGEST, l->k[c], &l->test, user);
                assert_true(fabs(values[u] - expected) <= 1e-14);
                assert_true(values[u] >= 0 && values[u] <= 1);
                sum += expected, n++;
            }
            assert_true(fabs(metrics_mean(values, USERS) - sum / n) < 1e-14);
        }
    assert_int_equal(without, n_metrics() * CUTS * 6);
    arena_free(l->arena);
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    const struct backend *b;
    assert_int_equal(backend_open("cpu", 1, &b), STATUS_OK);
    struct lot *l = lot_new();
    assert_int_equal(backend_open("cpu", 2, &b), STATUS_OK);
    struct lot *two = lot_new();
    assert_memory_equal(l->values, two->values, n_metrics() * CUTS * USERS * sizeof(double));
    arena_free(l->arena), arena_free(two->arena);
}

static void test_properties(void **state)
{
    (void)state;
    struct lot *l = lot_new();
    for (size_t m = 0; m < n_metrics(); m++) {
        const char *name = metric_types[m]->name;
        /* recall, hit rate, mrr never fall with k */
        if (strcmp(name, "recall") == 0 || strcmp(name, "hit_rate") == 0 || strcmp(name, "mrr") == 0)
            for (size_t c = 1; c < CUTS; c++)
                for (uint32_t u = 0; u < USERS; u++)
                    assert_false(l->values[(m * CUTS + c) * USERS + u] <
                                 l->values[(m * CUTS + c - 1) * USERS + u]);
        /* a perfect list gives 1: k test items on top of a list cut at k */
        uint32_t list[LONGEST];
        for (uint32_t j = 0; j < LONGEST; j++)
            list[j] = (j * 7 + 3) % 10 + j / 10 * 10;
        uint32_t test[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
        assert_true(fabs(one(name, list, LONGEST, test, 10, 10) - 1) < 1e-15);
        /* and one without a test item 0 */
        const uint32_t missed[] = {900, 901};
        assert_true(one(name, list, LONGEST, missed, 2, 10) == 0);
        /* moving a hit up never hurts, and helps those that look at order */
        uint32_t low[] = {50, 51, 3, 52}, high[] = {50, 3, 51, 52};
        const double before = one(name, low, 4, test, 10, 4), after = one(name, high, 4, test, 10, 4);
        if (strcmp(name, "ndcg") == 0 || strcmp(name, "map") == 0 || strcmp(name, "mrr") == 0)
            assert_true(after > before);
        else
            assert_true(after == before);
    }
    arena_free(l->arena);
}

static void test_mean_is_exact_to_a_rounding(void **state)
{
    (void)state;
    enum { N = 100000 };
    double *x = malloc(N * sizeof *x);
    for (int i = 0; i < N; i++)
        x[i] = i % 4 == 0 ? 1e16 : i % 4 == 1 ? 1 : i % 4 == 2 ? -1e16 : NAN;
    assert_true(metrics_mean(x, N) == 1.0 / 3); /* a plain sum loses the ones */
    x[0] = NAN;
    assert_true(isnan(metrics_mean(x, 1)));
    free(x);
}

static void keep(void *context, enum status status, const char *sentence)
{
    (void)status;
    snprintf(context, 200, "%s", sentence);
}

static void test_refused(void **state)
{
    (void)state;
    struct lot *l = lot_new();
    char sentence[200] = "";
    status_handler *old;
    void *old_context;
    status_set_handler(keep, sentence, &old, &old_context);
    const uint32_t far[] = {LONGEST + 1}, none[] = {0};
    const enum status a = metrics_compute(&l->lists, l->users, &l->test, metric_types, 1, far, 1, l->values);
    const enum status b = metrics_compute(&l->lists, l->users, &l->test, metric_types, 1, none, 1, l->values);
    status_set_handler(old, old_context, NULL, NULL);
    assert_int_equal(a, STATUS_USAGE);
    assert_int_equal(b, STATUS_USAGE);
    assert_null(metric_find("precison"));
    arena_free(l->arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worked_by_hand),
        cmocka_unit_test(test_short_list),
        cmocka_unit_test(test_equal_to_the_slow_reference),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_mean_is_exact_to_a_rounding),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
