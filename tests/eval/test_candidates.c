/*
 * test_candidates.c - candidates drawn and read, ranking among them, and the estimators of Krichene and Rendle against numpy and scipy
 * (tests/golden/candidates.csv, made by tools/golden-candidates.py).
 */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/candidates.h"
#include "eval/corrected.h"
#include "eval/estimator.h"
#include "registry.h"

enum { USERS = 40, ITEMS = 300, RELEVANT = 6 };

static char *folder;
static struct arena *arena;
static struct csr train, test;
static uint32_t users[USERS];

/* Train and test rows without an item in both; item 0 is everyone's, item 299 no one's. */
static int prepare(void **state)
{
    (void)state;
    uint32_t row[2][USERS * 40], col[2][USERS * 40];
    size_t n[2] = {0, 0};
    folder = test_folder();
    arena = arena_new();
    test_quiet();
    for (uint32_t u = 0; u < USERS; u++) {
        users[u] = u;
        for (uint32_t i = 0; i < ITEMS - 1; i++) {
            const double x = random_unit(5, RANDOM_SPLIT, u, i);
            const int which = i == 0 || x < 0.06 ? 0 : x > 0.985 ? 1 : -1;
            if (which >= 0 && n[which] < USERS * 40)
                row[which][n[which]] = u, col[which][n[which]++] = i;
        }
        row[1][n[1]] = u, col[1][n[1]++] = ITEMS - 1;
    }
    assert_ok(csr_from_triples(USERS, ITEMS, n[0], row[0], col[0], NULL, arena, &train, NULL));
    assert_ok(csr_from_triples(USERS, ITEMS, n[1], row[1], col[1], NULL, arena, &test, NULL));
    return 0;
}

static int clean(void **state)
{
    (void)state;
    arena_free(arena);
    test_folder_remove(folder);
    return 0;
}

static struct candidates_of everyone(void)
{
    return (struct candidates_of){users, USERS, {&train, NULL}, &test};
}

static void draw(enum candidates_by by, uint32_t negatives, uint64_t seed, struct candidates *out)
{
    const struct candidates_config c = {
        .kind = CANDIDATES_SAMPLED, .by = by, .negatives = negatives, .seed = seed};
    const struct candidates_of of = everyone();
    assert_ok(candidates_sample(&c, &of, &train, arena, out));
}

/* As many as asked for, none of the user's own, every relevant one; weights that add up to what they stand for. */
static void check_rows(const struct candidates *c, uint32_t negatives)
{
    for (uint32_t u = 0; u < USERS; u++) {
        uint32_t n[2] = {0, 0};
        double weight = 0;
        for (int64_t e = c->items.ptr[u]; e < c->items.ptr[u + 1]; e++) {
            const uint32_t i = c->items.idx[e];
            assert_true(e == c->items.ptr[u] || i > c->items.idx[e - 1]);
            assert_false(csr_has(&train, u, i));
            assert_int_equal(c->relevant[e], csr_has(&test, u, i));
            n[c->relevant[e]]++;
            weight += c->relevant[e] ? 0 : c->weight[e];
        }
        assert_int_equal(n[1], test.ptr[u + 1] - test.ptr[u]);
        assert_int_equal(n[0], c->n_negatives[u]);
        assert_int_equal(c->n_others[u], ITEMS - n[1] - (train.ptr[u + 1] - train.ptr[u]));
        const uint32_t want = negatives < c->n_others[u] ? negatives : c->n_others[u];
        assert_true(n[0] == want || (!c->uniform && n[0] + 1 == want)); /* systematic: but for rounding */
        if (c->uniform)
            assert_float_equal(weight, c->n_others[u], 1e-9);
    }
}

static void drawn_as_asked(void **state)
{
    (void)state;
    struct candidates a, b, other;
    for (int by = CANDIDATES_UNIFORM; by <= CANDIDATES_POPULARITY; by++)
        for (uint32_t negatives = 1; negatives < 1000; negatives = negatives * 3 + 1) {
            draw((enum candidates_by)by, negatives, 1, &a);
            check_rows(&a, negatives);
        }
    draw(CANDIDATES_UNIFORM, 20, 1, &a);
    draw(CANDIDATES_UNIFORM, 20, 1, &b);
    draw(CANDIDATES_UNIFORM, 20, 2, &other);
    assert_memory_equal(a.items.idx, b.items.idx, (size_t)a.items.nnz * sizeof *a.items.idx);
    assert_memory_not_equal(a.items.idx, other.items.idx, (size_t)a.items.nnz * sizeof *a.items.idx);
}

/* Over many seeds every item comes as often as it should, and its weight is one over that. */
static void chances(enum candidates_by by)
{
    enum { SEEDS = 3000, USER = 7, NEGATIVES = 12 };
    static double seen[ITEMS], weight[ITEMS];
    uint32_t popularity[ITEMS] = {0};
    double total = 0;
    memset(seen, 0, sizeof seen);
    for (int64_t e = 0; e < train.nnz; e++)
        popularity[train.idx[e]]++;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct candidates c;
        struct arena *kept = arena, *mine = arena_new();
        arena = mine;
        draw(by, NEGATIVES, seed, &c);
        for (int64_t e = c.items.ptr[USER]; e < c.items.ptr[USER + 1]; e++)
            if (!c.relevant[e])
                seen[c.items.idx[e]]++, weight[c.items.idx[e]] = c.weight[e];
        arena = kept;
        arena_free(mine);
    }
    for (uint32_t i = 0; i < ITEMS; i++)
        if (!csr_has(&train, USER, i) && !csr_has(&test, USER, i))
            total += by == CANDIDATES_POPULARITY ? popularity[i] + 1 : 1;
    for (uint32_t i = 0; i < ITEMS; i++) {
        if (csr_has(&train, USER, i) || csr_has(&test, USER, i)) {
            assert_true(seen[i] == 0);
            continue;
        }
        const double p = NEGATIVES * (by == CANDIDATES_POPULARITY ? popularity[i] + 1 : 1) / total;
        assert_true(p < 1);
        if (fabs(seen[i] / SEEDS - p) > 5 * sqrt(p * (1 - p) / SEEDS))
            fail_msg("item %u came in %g of the draws, expected %g", i, seen[i] / SEEDS, p);
        if (seen[i] > 0)
            assert_float_equal(weight[i], 1 / p, 1e-9 / p);
    }
}

static void each_at_its_chance(void **state)
{
    (void)state;
    chances(CANDIDATES_UNIFORM);
    chances(CANDIDATES_POPULARITY);
}

/* ---- ranking */
static float toy_score(uint32_t user, uint32_t item)
{
    return (float)floor(40 * random_unit(9, RANDOM_MODEL, user, item)); /* with ties */
}
static enum status toy_users(const void *state, const uint32_t *who, size_t n, const struct tile *out)
{
    (void)state;
    for (size_t u = 0; u < n; u++)
        for (uint32_t i = 0; i < out->n_items; i++)
            out->scores[u * out->ld + i] = toy_score(who[u], i);
    return STATUS_OK;
}
static const struct model_type toy = {.name = "toy", .score_users = toy_users};

static void rank_among(const struct candidates *c, struct lists *out)
{
    const struct backend *backend;
    const struct rank_options o = {
        .k = 10, .seed = 3, .masks = {&train, NULL}, .candidates = &c->items, .candidate_scores = c->score};
    assert_ok(backend_open("cpu", 2, &backend));
    assert_ok(rank_users(&toy, NULL, backend, ITEMS, users, USERS, &o, arena, out));
}

static void lists_hold_candidates_alone(void **state)
{
    (void)state;
    struct candidates c;
    struct lists lists;
    draw(CANDIDATES_UNIFORM, 5, 4, &c);
    rank_among(&c, &lists);
    for (uint32_t u = 0; u < USERS; u++) {
        const int64_t n = c.items.ptr[u + 1] - c.items.ptr[u];
        for (uint32_t j = 0; j < lists.k; j++) {
            const uint32_t item = lists.item[u * lists.k + j];
            if (j >= n) {
                assert_int_equal(item, UINT32_MAX);
                continue;
            }
            assert_true(csr_has(&c.items, u, item));
            assert_true(lists.score[u * lists.k + j] == toy_score(u, item));
            assert_true(j == 0 || lists.score[u * lists.k + j] <= lists.score[u * lists.k + j - 1]);
        }
        for (int64_t e = c.items.ptr[u]; e < c.items.ptr[u + 1]; e++)
            assert_true(c.score[e] == toy_score(u, c.items.idx[e]));
    }
}

static const char *const metrics[] = {"precision", "recall",   "f1",       "ndcg",       "map",
                                      "mrr",       "hit_rate", "ndcg_exp", "ndcg_linear"};
enum { METRICS = 9, CUTS = 2 };
static const uint32_t cuts[] = {5, 10};

/* values of the default dialect over all items, ties by the toy's rule taken out of play: scores of its own. */
static enum status distinct_users(const void *state, const uint32_t *who, size_t n, const struct tile *out)
{
    (void)state;
    for (size_t u = 0; u < n; u++)
        for (uint32_t i = 0; i < out->n_items; i++)
            out->scores[u * out->ld + i] = (float)random_unit(9, RANDOM_MODEL, who[u], i);
    return STATUS_OK;
}
static const struct model_type distinct = {.name = "distinct", .score_users = distinct_users};

static void measure(const struct candidates *c, bool estimators, double *values)
{
    const struct backend *backend;
    const struct relevance relevance = {.items = test};
    struct lists lists;
    struct rank_options o = {.k = 10, .seed = 3, .masks = {&train, NULL}};
    struct metric_at at[METRICS * CUTS * 3];
    size_t n = 0;
    if (c != NULL)
        o.candidates = &c->items, o.candidate_scores = c->score;
    for (int d = 0; d < (estimators ? 3 : 1); d++)
        for (size_t m = 0; m < METRICS * CUTS; m++)
            at[n++] = (struct metric_at){metric_find(metrics[m / CUTS]), cuts[m % CUTS],
                                         estimators ? (enum dialect)(ESTIMATOR_RANK + d) : DIALECT_DEFAULT};
    assert_ok(backend_open("cpu", 2, &backend));
    assert_ok(rank_users(&distinct, NULL, backend, ITEMS, users, USERS, &o, arena, &lists));
    if (estimators)
        assert_ok(corrected_score(c, users, USERS, &relevance, 3, 0.1, at, n, values));
    else
        assert_ok(metrics_score(backend, &lists, users, &relevance, at, n, values));
}

/* With every item as a candidate all definitions agree. */
static void all_items_need_no_correction(void **state)
{
    (void)state;
    static double full[METRICS * CUTS * USERS], among[METRICS * CUTS * USERS],
        estimated[3 * METRICS * CUTS * USERS];
    struct candidates c;
    draw(CANDIDATES_UNIFORM, 1000, 1, &c);
    measure(NULL, false, full);
    measure(&c, false, among);
    measure(&c, true, estimated);
    for (size_t i = 0; i < METRICS * CUTS * USERS; i++) {
        assert_float_equal(among[i], full[i], 1e-12);
        for (size_t d = 0; d < 3; d++)
            assert_float_equal(estimated[d * METRICS * CUTS * USERS + i], full[i], 1e-12);
    }
}

/* Over many draws of 30 negatives of some 270: raw measures are far off, estimates are near. */
static void estimates_are_nearer(void **state)
{
    (void)state;
    enum { SEEDS = 60, N = METRICS * CUTS * USERS };
    static double full[N], raw[N], estimated[3 * N];
    double mean[4][METRICS * CUTS] = {{0}}, truth[METRICS * CUTS] = {0};
    measure(NULL, false, full);
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct candidates c;
        struct arena *kept = arena, *mine = arena_new();
        arena = mine;
        draw(CANDIDATES_UNIFORM, 30, seed, &c);
        measure(&c, false, raw);
        measure(&c, true, estimated);
        arena = kept;
        arena_free(mine);
        for (size_t i = 0; i < N; i++) {
            mean[0][i / USERS] += raw[i] / (SEEDS * USERS);
            for (size_t d = 0; d < 3; d++)
                mean[1 + d][i / USERS] += estimated[d * N + i] / (SEEDS * USERS);
        }
    }
    for (size_t i = 0; i < N; i++)
        truth[i / USERS] += full[i] / USERS;
    for (size_t m = 0; m < METRICS * CUTS; m++)
        for (size_t d = 0; d < 3; d++)
            if (!(fabs(mean[1 + d][m] - truth[m]) < 0.7 * fabs(mean[0][m] - truth[m])))
                fail_msg("%s@%u: %g over all items, %g among 30, estimate %zu %g", metrics[m / CUTS],
                         cuts[m % CUTS], truth[m], mean[0][m], d, mean[1 + d][m]);
}

static enum base base_named(const char *name)
{
    return strcmp(name, "one") == 0        ? BASE_ONE
           : strcmp(name, "discount") == 0 ? BASE_DISCOUNT
                                           : BASE_RECIPROCAL;
}

static void estimators_equal_scipy(void **state)
{
    (void)state;
    char line[256], base[32];
    unsigned n = 0, m = 0, p, k, ahead, rows = 0, last_n = 0, last_m = 0;
    double gamma, bv, cls, last_gamma = 0;
    struct estimator *e = NULL;
    FILE *f = fopen("tests/golden/candidates.csv", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%u,%u,%lf,%31[a-z],%u,%u,%u,%lf,%lf", &n, &m, &gamma, base, &p, &k, &ahead, &bv,
                   &cls) != 9)
            continue;
        if (e == NULL || n != last_n || m != last_m || gamma != last_gamma) {
            estimator_free(e);
            e = estimator_new(n, m, 20, gamma);
            assert_non_null(e);
        }
        last_n = n, last_m = m, last_gamma = gamma;
        const double mine = estimator_bv(e, base_named(base), p, k, ahead);
        const double other = estimator_cls(e, base_named(base), p, k, ahead);
        if (!(fabs(mine - bv) < 1e-9 * fmax(1, fabs(bv))))
            fail_msg("bv: %.12g, expected %s", mine, line);
        if (!(fabs(other - cls) < 1e-5))
            fail_msg("cls: %.12g, expected %s", other, line);
        rows++;
    }
    fclose(f);
    estimator_free(e);
    assert_true(rows > 300);
}

/* ---- files */
static struct strings ids(const char *prefix, uint32_t n)
{
    struct string_builder b = {0};
    struct strings out;
    char id[32];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(id, sizeof id, "%s%u", prefix, i);
        assert_ok(string_builder_add(&b, id, strlen(id)));
    }
    assert_ok(string_builder_finish(&b, arena, &out));
    return out;
}

/* Everyone's relevant items and items 1 to 9, in one of the formats; more: a further line. */
static const char *write_file(const char *name, int format, const char *more)
{
    const char *path = test_path(folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    if (format == 1)
        fputs("user_id,item_id\n", f);
    for (uint32_t u = 0; u < USERS; u++) {
        fprintf(f, format == 0 ? "(u%u,i%u)" : format == 1 ? "" : "u%u", u, test.idx[test.ptr[u]]);
        for (uint32_t i = 1; i < 10; i++)
            if (format == 1)
                fprintf(f, "u%u,i%u\n", u, i);
            else
                fprintf(f, "%si%u", format == 0 ? "\t" : " ", i);
        fputs(format == 1 ? "" : "\n", f);
    }
    fputs(more, f);
    fclose(f);
    return path;
}

static enum status read_file(const char *path, enum candidates_by by, struct candidates *out)
{
    const struct candidates_config c = {.kind = CANDIDATES_GIVEN, .by = by};
    const struct candidates_of of = everyone();
    const struct strings u = ids("u", USERS), i = ids("i", ITEMS);
    return candidates_read(&c, path, &u, &i, &of, arena, out);
}

static void files_in_three_formats(void **state)
{
    (void)state;
    for (int format = 0; format < 3; format++) {
        struct candidates c;
        uint64_t hidden = 0;
        assert_ok(read_file(write_file("given", format, ""), CANDIDATES_UNIFORM, &c));
        for (uint32_t u = 0; u < USERS; u++) {
            uint32_t negatives = 0;
            for (uint32_t i = 1; i < 10; i++) {
                const bool known = csr_has(&train, u, i), relevant = csr_has(&test, u, i);
                hidden += known;
                negatives += !known && !relevant;
                assert_int_equal(csr_has(&c.items, u, i), !known);
            }
            assert_int_equal(c.n_negatives[u], negatives);
            assert_int_equal(c.items.ptr[u + 1] - c.items.ptr[u], negatives + test.ptr[u + 1] - test.ptr[u]);
        }
        assert_true(c.n_hidden == hidden && hidden > 0);
        assert_non_null(c.weight);
    }
    struct candidates c;
    assert_ok(read_file(write_file("given", 0, ""), CANDIDATES_UNKNOWN, &c));
    assert_null(c.weight);
}

static void mistakes_in_files(void **state)
{
    (void)state;
    struct candidates c;
    test_fails(read_file(write_file("a", 0, "(u3,i4)\ti777\n"), CANDIDATES_UNIFORM, &c), STATUS_DATA, "a:41",
               "item 'i777'", NULL);
    test_fails(read_file(write_file("b", 1, "nobody,i4\n"), CANDIDATES_UNIFORM, &c), STATUS_DATA, "b:362",
               "user 'nobody'", NULL);
    test_fails(read_file(write_file("c", 0, "u3\ti4\n"), CANDIDATES_UNIFORM, &c), STATUS_DATA, "c:41",
               "(user,item)", NULL);
    test_write(test_path(folder, "d"), "u0 i1 i2\n");
    test_fails(read_file(test_path(folder, "d"), CANDIDATES_UNIFORM, &c), STATUS_DATA, "user 'u1'",
               "no candidate", NULL);
    test_fails(read_file(test_path(folder, "none"), CANDIDATES_UNIFORM, &c), STATUS_DATA, "none", NULL);
}

/* Of the test items only item 299 has no train row, here the multiples of 10 lose theirs; users get the same items. */
static void cold_ones_are_the_same_for_everyone(void **state)
{
    struct candidates c;
    struct csr thin;
    uint32_t row[USERS * 40], col[USERS * 40], n = 0, n_cold = 0;
    uint8_t held_out[ITEMS] = {0}, warm[ITEMS] = {0};
    const struct candidates_of of = everyone();
    (void)state;
    for (uint32_t u = 0; u < USERS; u++)
        for (int64_t e = train.ptr[u]; e < train.ptr[u + 1]; e++)
            if (train.idx[e] % 10 != 0)
                row[n] = u, col[n++] = train.idx[e], warm[train.idx[e]] = 1;
    assert_ok(csr_from_triples(USERS, ITEMS, n, row, col, NULL, arena, &thin, NULL));
    for (int64_t e = 0; e < test.nnz; e++)
        held_out[test.idx[e]] = !warm[test.idx[e]];
    for (uint32_t i = 0; i < ITEMS; i++)
        n_cold += held_out[i];
    assert_true(n_cold > 10);
    assert_ok(candidates_cold(&(struct candidates_of){users, USERS, {&thin, NULL}, &test}, &thin, arena, &c));
    for (uint32_t u = 0; u < USERS; u++) {
        uint32_t found = 0;
        for (int64_t e = c.items.ptr[u]; e < c.items.ptr[u + 1]; e++) {
            const uint32_t i = c.items.idx[e];
            found += held_out[i];
            assert_int_equal(c.relevant[e], csr_has(&test, u, i));
            assert_true(held_out[i] || csr_has(&test, u, i)); /* a relevant item is a candidate always */
        }
        assert_int_equal(found, n_cold);
    }
    /* Where all have train rows there is nothing to rank. */
    for (uint32_t u = 0; u < USERS; u++)
        for (uint32_t i = u; i < ITEMS && n < USERS * 40; i += USERS)
            row[n] = u, col[n++] = i;
    struct csr full;
    assert_ok(csr_from_triples(USERS, ITEMS, n, row, col, NULL, arena, &full, NULL));
    test_fails(candidates_cold(&of, &full, arena, &c), STATUS_DATA, "cold_items", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(drawn_as_asked),
                                       cmocka_unit_test(each_at_its_chance),
                                       cmocka_unit_test(lists_hold_candidates_alone),
                                       cmocka_unit_test(all_items_need_no_correction),
                                       cmocka_unit_test(estimates_are_nearer),
                                       cmocka_unit_test(estimators_equal_scipy),
                                       cmocka_unit_test(cold_ones_are_the_same_for_everyone),
                                       cmocka_unit_test(files_in_three_formats),
                                       cmocka_unit_test(mistakes_in_files)};
    return cmocka_run_group_tests(tests, prepare, clean);
}
