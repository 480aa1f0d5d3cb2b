/*
 * test_beyond.c - measures beyond accuracy, of whole rankings and of probabilities, and strata: worked by hand, and against slow
 * counts over all pairs.
 */
#include "../test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/auc_pairs.h"
#include "eval/positions.h"
#include "eval/probability.h"
#include "eval/strata.h"

/* Train: item 0 of users 0 1 2 3, item 1 of 0 1 2, item 2 of 0; items 3, 4 of nobody.  8 rows: items 0 (4) is the head, 0 and 1
 * together have 7 of 8 > 80 %. */
static const int64_t train_ptr[] = {0, 3, 5, 7, 8};
static const uint32_t train_idx[] = {0, 1, 2, 0, 1, 0, 1, 0};
static const struct csr train = {4, 5, 8, train_ptr, train_idx, NULL};
/* Test: user 0: 3; 1: 2, 3; 2: none; 3: 1, 4. */
static const int64_t test_ptr[] = {0, 1, 3, 3, 5};
static const uint32_t test_idx[] = {3, 2, 3, 1, 4};
static const struct csr test = {4, 5, 5, test_ptr, test_idx, NULL};
/* Genres: item 0: a b; 1: a; 2: b; 3: none; 4: a b. */
static const int64_t genre_ptr[] = {0, 2, 3, 4, 4, 6};
static const uint32_t genre_idx[] = {0, 1, 0, 1, 0, 1};
static const struct csr genres = {5, 2, 6, genre_ptr, genre_idx, NULL};
/* Lists of users 1 and 3, three places. */
static uint32_t items[] = {2, 4, 3, 1, 4, UINT32_MAX};
static const struct lists lists = {.n_users = 2, .k = 3, .item = items};
static const uint32_t users[] = {1, 3};

static struct arena *arena;
static struct beyond_facts facts;
static struct relevance relevance;

static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    assert_ok(beyond_facts_make(&train, arena, &facts));
    facts.genres = &genres;
    assert_ok(relevance_make(&test, false, 0, arena, &relevance));
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void facts_of_train_rows(void **state)
{
    (void)state;
    const uint32_t popularity[] = {4, 3, 1, 0, 0}, order[] = {0, 1, 2, 3, 4};
    const uint8_t head[] = {1, 0, 0, 0, 0};
    assert_memory_equal(facts.popularity, popularity, sizeof popularity);
    assert_memory_equal(facts.by_popularity, order, sizeof order);
    assert_memory_equal(facts.head, head, sizeof head);
    assert_int_equal(facts.n_train_users, 4);
}

static double user_value(const char *metric, uint32_t k, uint32_t u)
{
    const struct metric_at x = {metric_find(metric), k, DIALECT_DEFAULT};
    double v[2];
    assert_ok(beyond_users(&lists, users, &relevance, &facts, &x, 1, v));
    return v[u];
}

/* What users add, put together, is the value. */
static void parts_make_up(const struct metric_type *metric, const double *parts, uint32_t n_users,
                          double value)
{
    double sum[METRIC_PARTS_MOST] = {0};
    for (uint32_t j = 0; j < n_users * metric->n_parts; j++)
        sum[j % metric->n_parts] += parts[j];
    const double made = metric->of_parts(sum);
    assert_true(isnan(value) ? isnan(made) : fabs(made - value) < 1e-14);
}

static double all_value(const char *metric, uint32_t k)
{
    const struct metric_at x = {metric_find(metric), k, DIALECT_DEFAULT};
    double v;
    double parts[2 * METRIC_PARTS_MOST];
    assert_ok(beyond_all(&lists, users, &relevance, &facts, &x, 1, &v, parts));
    if (x.metric->n_parts > 0)
        parts_make_up(x.metric, parts, 2, v);
    return v;
}
#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-14)

static void lists_by_hand(void **state)
{
    (void)state;
    const double d1 = 1, d2 = 1 / log2(3), d3 = 0.5;
    NEAR(user_value("novelty", 3, 0), 2); /* pop 1, 0, 0 of 4 users: 2 bits each */
    NEAR(user_value("novelty", 1, 1), -log2(3 / 4.0));
    NEAR(user_value("arp", 3, 0), 1 / 3.0);
    NEAR(user_value("arp", 3, 1), 3 / 2.0); /* two places filled */
    NEAR(user_value("long_tail_share", 3, 1), 1);
    NEAR(user_value("epc", 3, 0), (d1 * 3 / 4 + d3) / (d1 + d2 + d3)); /* hits 2 (pop 1) and 3 (pop 0) */
    /* user 1 has seen 0 and 1: expected are 2, 3, 4; all are expected at 3, only 2 at 1 */
    NEAR(user_value("serendipity", 3, 0), 0);
    NEAR(user_value("serendipity", 1, 0), 0);
    /* user 3 has seen 0: at 2 expected are 1, 2; 4 is relevant and not expected */
    NEAR(user_value("serendipity", 2, 1), 1 / 2.0);
    NEAR(user_value("ild", 3, 0), 1 - 1 / 2.0); /* b against a b; 3 has no genres */
    assert_true(isnan(user_value("ild", 1, 0)));
    /* vectors of items 2, 4, 3: (1, 0), (3, 4) / 5, none; of item 1: (0, 1), of any length */
    static const float vectors[] = {9, 9, 0, 0.5f, 1, 0, 0, 0, 3, 4};
    assert_true(isnan(user_value("ild_vectors", 3, 0)));
    facts.vectors = vectors, facts.n_dimensions = 2;
    NEAR(user_value("ild_vectors", 3, 0), 1 - 0.6);
    NEAR(user_value("ild_vectors", 3, 1), 1 - 0.8);
    assert_true(isnan(user_value("ild_vectors", 1, 0)));
    items[2] = 1; /* three pairs: .6, 0, .8 */
    NEAR(user_value("ild_vectors", 3, 0), 1 - (0.6 + 0 + 0.8) / 3);
    items[2] = 3;
    facts.vectors = NULL, facts.n_dimensions = 0;
    /* user 3: p = (1/2, 1/2); list 1, 4: a (1 + 1/2) / 2, b (1/2) / 2 */
    NEAR(user_value("calibration_kl", 3, 1),
         0.5 * log(0.5 / (0.99 * 0.75 + 0.005)) + 0.5 * log(0.5 / (0.99 * 0.25 + 0.005)));
}

static void all_lists_by_hand(void **state)
{
    (void)state;
    NEAR(all_value("coverage", 3), 4 / 5.0);
    /* counts rising 0 1 1 1 2: (-4 * 0 - 2 + 0 + 2 + 4 * 2) / (5 * 5) */
    NEAR(all_value("gini", 3), 8 / 25.0);
    NEAR(all_value("entropy", 3), -3 * 0.2 * log2(0.2) - 0.4 * log2(0.4));
    assert_true(isnan(all_value("pop_reo", 3))); /* no relevant item of the head is unseen */
    /* head: 0 listed of 1 x 2 lists - 2 seen = 0 unseen: not defined */
    assert_true(isnan(all_value("pop_rsp", 3)));
}

static void what_the_data_lack(void **state)
{
    (void)state;
    const struct metric_at ild = {metric_find("ild"), 3, DIALECT_DEFAULT};
    struct beyond_facts bare = facts;
    double v[2];
    bare.genres = NULL;
    test_fails(beyond_users(&lists, users, &relevance, &bare, &ild, 1, v), STATUS_DATA, "ild needs genres",
               NULL);
}

/* ---- whole rankings */
enum { ITEMS = 40 };
static enum status score_users(const void *state, const uint32_t *u, size_t n, const struct tile *out)
{
    (void)state;
    for (size_t r = 0; r < n; r++) /* nine values: many are equal */
        for (uint32_t i = 0; i < ITEMS; i++)
            out->scores[r * out->ld + i] = (float)((i * 7 + u[r] * 5 + i * i * (u[r] + 1)) % 9);
    return STATUS_OK;
}
static enum status probabilities(const void *state, const uint32_t *u, const uint32_t *i, size_t n, float *p)
{
    (void)state;
    for (size_t j = 0; j < n; j++)
        p[j] = (float)((i[j] * 7 + u[j] * 5 + i[j] * i[j] * (u[j] + 1)) % 9) / 8;
    return STATUS_OK;
}
static const struct model_type nine = {
    .name = "nine", .score_users = score_users, .probabilities = probabilities};

/* The area over all pairs when the pairs of one user count `weight` times. */
static double weighted_area(const struct csr *relevant, const struct csr *mask, const struct csr *candidates,
                            uint32_t user, double weight)
{
    enum { USERS = 6 };
    double right = 0, pairs = 0;
    for (uint32_t a = 0; a < USERS * ITEMS; a++)
        for (uint32_t b = 0; b < USERS * ITEMS; b++) {
            const uint32_t ua = a / ITEMS, ia = a % ITEMS, ub = b / ITEMS, ib = b % ITEMS;
            float pa, pb;
            if (csr_has(mask, ua, ia) || csr_has(mask, ub, ib) || !csr_has(relevant, ua, ia) ||
                csr_has(relevant, ub, ib) || (candidates != NULL && !csr_has(candidates, ub, ib)))
                continue;
            assert_ok(probabilities(NULL, &ua, &ia, 1, &pa));
            assert_ok(probabilities(NULL, &ub, &ib, 1, &pb));
            const double both = (ua == user ? weight : 1) * (ub == user ? weight : 1);
            right += both * (pa > pb ? 1 : pa == pb ? 0.5 : 0);
            pairs += both;
        }
    return right / pairs;
}

static void rankings_by_counting(void **state)
{
    (void)state;
    enum { USERS = 6 };
    const struct metric_at x[] = {{metric_find("auc"), 0, DIALECT_DEFAULT},
                                  {metric_find("expected_rank"), 0, DIALECT_DEFAULT}};
    const struct metric_type *const area = metric_find("auc_pairs");
    const struct metric_at p[] = {{metric_find("log_loss"), 0, DIALECT_DEFAULT},
                                  {metric_find("brier"), 0, DIALECT_DEFAULT},
                                  {metric_find("calibration_error"), 0, DIALECT_DEFAULT}};
    uint32_t row[200], col[200], mask_row[60], mask_col[60], n = 0, n_mask = 0, all[USERS];
    struct csr relevant, mask, candidates;
    double v[2 * USERS], found[3], all_pairs, some_pairs, parts[3 * USERS * METRIC_PARTS_MOST],
        area_parts[USERS * METRIC_PARTS_MOST], *part = parts, brier = 0, n_pairs = 0;
    for (uint32_t u = 0; u < USERS; u++) {
        all[u] = u;
        for (uint32_t j = 0; j < u; j++)
            row[n] = u, col[n++] = (11 * j + 3 * u) % ITEMS;
        for (uint32_t j = 0; j < 5; j++)
            mask_row[n_mask] = u, mask_col[n_mask++] = (11 * j + 3 * u + 1) % ITEMS;
    }
    assert_ok(csr_from_triples(USERS, ITEMS, n, row, col, NULL, arena, &relevant, NULL));
    assert_ok(csr_from_triples(USERS, ITEMS, n_mask, mask_row, mask_col, NULL, arena, &mask, NULL));
    const struct relevance r = {.items = relevant};
    const struct csr *const masks[2] = {&mask, NULL};
    assert_ok(positions_compute(&nine, NULL, NULL, ITEMS, all, USERS, masks, NULL, &r, x, 2, v));
    for (uint32_t u = n = 0; u < USERS; u++)
        for (uint32_t i = u; i < ITEMS; i += 3)
            row[n] = u, col[n++] = i;
    assert_ok(csr_from_triples(USERS, ITEMS, n, row, col, NULL, arena, &candidates, NULL));
    assert_ok(auc_pairs_compute(&nine, NULL, NULL, ITEMS, all, USERS, masks, NULL, NULL, &r, 1, &all_pairs,
                                area_parts));
    parts_make_up(area, area_parts, USERS, all_pairs);
    assert_ok(auc_pairs_compute(&nine, NULL, NULL, ITEMS, all, USERS, masks, &candidates, NULL, &r, 1,
                                &some_pairs, NULL));
    assert_ok(probability_compute(&nine, NULL, ITEMS, all, USERS, masks, NULL, &r, p, 3, found, parts));
    for (int m = 0; m < 3; m++) {
        parts_make_up(p[m].metric, part, USERS, found[m]);
        part += USERS * p[m].metric->n_parts;
    }
    for (uint32_t u = 0; u < USERS; u++) {
        double good = 0, both = 0, ranks = 0, size = 0;
        struct tile tile = {
            .scores = arena_alloc(arena, ITEMS, sizeof(float)), .ld = ITEMS, .n_items = ITEMS};
        assert_ok(score_users(NULL, &u, 1, &tile));
        for (uint32_t i = 0; i < ITEMS; i++) {
            if (csr_has(&mask, u, i))
                continue;
            size++;
            const double target = csr_has(&relevant, u, i), q = (double)tile.scores[i] / 8;
            brier += (q - target) * (q - target), n_pairs++;
            for (uint32_t j = 0; j < ITEMS && target == 1; j++)
                if (!csr_has(&mask, u, j) && j != i) {
                    const double ahead = tile.scores[j] > tile.scores[i]    ? 1
                                         : tile.scores[j] == tile.scores[i] ? 0.5
                                                                            : 0;
                    ranks += ahead;
                    if (!csr_has(&relevant, u, j))
                        good += 1 - ahead, both++;
                }
        }
        if (u == 0) {
            assert_true(isnan(v[0]) && isnan(v[USERS]));
            continue;
        }
        NEAR(v[u], good / both);
        NEAR(v[USERS + u], ranks / u / (size - 1));
    }
    NEAR(all_pairs, weighted_area(&relevant, &mask, NULL, 0, 1));
    NEAR(some_pairs, weighted_area(&relevant, &mask, &candidates, 0, 1));
    assert_true(fabs(all_pairs - some_pairs) > 1e-3);
    /* to first order, what users weigh changes the area as counted anew: user 3 ten thousandth more */
    const double more = 1e-4, now = weighted_area(&relevant, &mask, NULL, 3, 1 + more);
    double sum[METRIC_PARTS_MOST] = {0};
    for (uint32_t j = 0; j < USERS * area->n_parts; j++)
        sum[j % area->n_parts] += (j / area->n_parts == 3 ? 1 + more : 1) * area_parts[j];
    assert_true(fabs(area->of_parts(sum) - now) < 1e-7 && fabs(now - all_pairs) > 1e-6);
    NEAR(found[1], brier / n_pairs);
    assert_true(found[0] > 0 && found[2] > 0 && found[2] <= 1);
}

static void probabilities_by_hand(void **state)
{
    (void)state;
    struct probability_sums s = {0};
    probability_add(&s, 0.9, 1), probability_add(&s, 0.2, 0), probability_add(&s, 0.95, 0);
    NEAR(probability_log_loss(&s), -(log(0.9) + log(0.8) + log(0.05)) / 3);
    NEAR(probability_brier(&s), (0.01 + 0.04 + 0.9025) / 3);
    /* 0.9 is in the bin [13/15, 14/15), 0.95 in the last, 0.2 (a little more as a double) in the fourth */
    NEAR(probability_calibration_error(&s), (0.1 + 0.95 + 0.2) / 3);
    probability_add(&s, 0, 1); /* held at 1e-15 */
    assert_true(isfinite(probability_log_loss(&s)));
}

static void strata_of_users_and_items(void **state)
{
    (void)state;
    const char *what[] = {"item_popularity", "item_warmth", "user_activity",
                          "user_warmth",     "user:sex",    "user:age"};
    const struct param_list asked = {6, what};
    static const uint64_t offsets[] = {0, 1, 2, 2, 3};
    static const float age[] = {30, NAN, 20, 10};
    const struct column columns[] = {{.name = "sex", .kind = COLUMN_TEXT, .text = {4, offsets, "FMF"}},
                                     {.name = "age", .kind = COLUMN_NUMBER, .number = age}};
    const uint32_t everyone[] = {0, 1, 2, 3};
    const char *names[] = {"head",        "tail",        "warm_items",  "cold_items",
                           "activity_q1", "activity_q2", "activity_q3", "activity_q4",
                           "warm_users",  "cold_users",  "sex=F",       "sex=M",
                           "age_q1",      "age_q2",      "age_q3",      "age_q4"};
    struct stratum *s;
    struct relevance tail;
    size_t n;
    assert_ok(strata_make(&asked, &facts, facts.train, columns, 2, everyone, 4, arena, &s, &n));
    assert_int_equal(n, 16);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(s[i].name, names[i]);
    assert_true(s[0].items[0] == 1 && s[0].items[1] == 0 && s[3].items[3] == 1 && s[3].items[2] == 0);
    assert_true(s[4].users[3] == 1 && s[7].users[0] == 1); /* 1 row and 3 rows */
    assert_true(s[9].users[0] == 1 && s[8].users[0] == 0);
    assert_true(s[10].users[0] == 1 && s[11].users[1] == 1 && s[10].users[3] == 1 && s[10].users[2] == 0);
    assert_true(s[12].users[3] == 1 && s[12].users[1] == 0);
    assert_ok(strata_restrict(&relevance, &s[3], arena, &tail)); /* items 3, 4 */
    const int64_t ptr[] = {0, 1, 2, 2, 3};
    assert_memory_equal(tail.items.ptr, ptr, sizeof ptr);
    assert_int_equal(tail.items.idx[2], 4);
    what[4] = "user:gender";
    test_fails(strata_make(&asked, &facts, facts.train, columns, 2, everyone, 4, arena, &s, &n), STATUS_DATA,
               "no user column 'gender'", "sex, age", NULL);
    assert_true(strata_known("user_warmth") && !strata_known("user:") && !strata_known("users"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(facts_of_train_rows),      cmocka_unit_test(lists_by_hand),
        cmocka_unit_test(all_lists_by_hand),        cmocka_unit_test(what_the_data_lack),
        cmocka_unit_test(rankings_by_counting),     cmocka_unit_test(probabilities_by_hand),
        cmocka_unit_test(strata_of_users_and_items)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
