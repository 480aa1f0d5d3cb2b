/*
 * test_golden.c - the metrics of 10,000 lists against other libraries' own code: tests/golden/metrics.csv, made by
 * tools/golden-metrics.py, whose generator of lists stands here once more.  Lists are also written as TREC files, so that
 * reading and the order of equal scores are tested too.
 */
#include "../test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"
#include "eval/metrics.h"
#include "eval/trec.h"

enum { CASES = 10000, ITEMS = 150 };

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint32_t below(uint64_t *draws, uint32_t n)
{
    uint64_t z = *draws += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (uint32_t)((z ^ z >> 31) % n);
}

static void some(uint64_t *draws, uint32_t n, uint32_t order[ITEMS])
{
    for (uint32_t i = 0; i < ITEMS; i++)
        order[i] = i;
    for (uint32_t j = 0; j < n; j++) {
        const uint32_t other = j + below(draws, ITEMS - j), kept = order[j];
        order[j] = order[other], order[other] = kept;
    }
}

static void write_case(uint32_t u, FILE *run, FILE *qrels)
{
    uint64_t draws = (uint64_t)(u + 1) * 0x9E3779B97F4A7C15u;
    uint32_t length = below(&draws, 61), order[ITEMS];
    const uint32_t judged = below(&draws, 31);
    double score = 100;
    if (below(&draws, 20) == 0)
        length = 0;
    some(&draws, length, order);
    for (uint32_t j = 0; j < length; j++) {
        fprintf(run, "%u Q0 i%u %u %.17g x\n", u, order[j], j + 1, score);
        score -= 0.25 * below(&draws, 3);
    }
    some(&draws, judged, order);
    for (uint32_t j = 0; j < judged; j++)
        fprintf(qrels, "%u 0 i%u %u\n", u, order[j], u % 3 == 0 ? 1 : below(&draws, 5));
}

struct all {
    struct arena *arena;
    struct string_map *users, *items;
    struct trec_rows run, qrels;
    struct relevance relevance;
    uint32_t n_users, *identity, *n_relevant;
    bool *listed;
    struct lists by_file, by_document;
};
static struct all all;

static int set_up(void **state)
{
    (void)state;
    char folder[] = "/tmp/recfuse-golden-XXXXXX", run[64], qrels[64];
    assert_non_null(mkdtemp(folder));
    snprintf(run, sizeof run, "%s/run", folder);
    snprintf(qrels, sizeof qrels, "%s/qrels", folder);
    FILE *r = fopen(run, "w"), *q = fopen(qrels, "w");
    assert_true(r != NULL && q != NULL);
    for (uint32_t u = 0; u < CASES; u++)
        write_case(u, r, q);
    assert_true(fclose(r) == 0 && fclose(q) == 0);
    all = (struct all){.arena = arena_new(), .users = string_map_new(), .items = string_map_new()};
    assert_ok(trec_read_qrels(qrels, all.users, all.items, all.arena, &all.qrels));
    all.n_users = string_map_size(all.users);
    assert_ok(trec_read_run(run, all.users, all.items, all.arena, &all.run));
    assert_int_equal(string_map_size(all.items), ITEMS);
    unlink(run), unlink(qrels), rmdir(folder);

    struct csr judged;
    float *value = arena_alloc(all.arena, all.qrels.n, sizeof *value);
    for (size_t i = 0; i < all.qrels.n; i++)
        value[i] = (float)all.qrels.value[i];
    assert_ok(csr_from_triples(all.n_users, ITEMS, all.qrels.n, all.qrels.user, all.qrels.item, value,
                               all.arena, &judged, NULL));
    assert_ok(relevance_make(&judged, true, 1, all.arena, &all.relevance));
    all.identity = arena_alloc(all.arena, all.n_users, sizeof *all.identity);
    all.n_relevant = arena_alloc(all.arena, all.n_users, sizeof *all.n_relevant);
    all.listed = arena_alloc(all.arena, all.n_users, sizeof *all.listed);
    for (uint32_t u = 0; u < all.n_users; u++) {
        all.identity[u] = u;
        all.n_relevant[u] = (uint32_t)(all.relevance.items.ptr[u + 1] - all.relevance.items.ptr[u]);
    }
    for (size_t i = 0; i < all.run.n; i++)
        if (all.run.user[i] < all.n_users)
            all.listed[all.run.user[i]] = true;
    assert_ok(trec_lists(&all.run, all.users, all.items, 60, false, all.arena, &all.by_file));
    assert_ok(trec_lists(&all.run, all.users, all.items, 60, true, all.arena, &all.by_document));
    all.by_file.n_users = all.by_document.n_users = all.n_users;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    string_map_free(all.users);
    string_map_free(all.items);
    arena_free(all.arena);
    return 0;
}

/* The values of one measure by place in the map; ranx leaves users without a list out, whatever the dialect. */
static void values_of(const struct metric_at *x, bool listed_alone, double *values)
{
    const struct dialect_type *d = &dialect_types[x->dialect];
    assert_ok(metrics_score(NULL, d->by_document ? &all.by_document : &all.by_file, all.identity,
                            &all.relevance, x, 1, values));
    for (uint32_t u = 0; u < all.n_users; u++)
        if (!all.listed[u] && (d->skip_unlisted || listed_alone))
            values[u] = NAN;
}

static long user_number(uint32_t u)
{
    const struct strings users = string_map_strings(all.users);
    char text[16] = "";
    memcpy(text, strings_at(&users, u), strings_length(&users, u));
    return strtol(text, NULL, 10);
}

/* What a line's `user` asks for: the pooled value, the weighted mean, one user's. */
static double wanted(const struct metric_at *x, const char *user, const double *values, uint32_t *rows)
{
    double sum = 0, n = 0;
    if (strcmp(user, "mean") == 0)
        return metrics_pool(x, values, rows, all.n_users);
    for (uint32_t u = 0; u < all.n_users; u++) {
        if (isnan(values[u]))
            continue;
        if (strcmp(user, "check") == 0)
            sum += values[u] * (double)(user_number(u) % 97 + 1), n++;
        else if (user_number(u) == strtol(user, NULL, 10))
            return values[u];
    }
    return n > 0 ? sum / n : NAN;
}

static void equal_to_other_libraries(void **state)
{
    (void)state;
    char *text, *rest = NULL, before[200] = "";
    size_t n, n_lines = 0;
    double *values = arena_alloc(all.arena, all.n_users, sizeof *values);
    assert_ok(read_whole_file("tests/golden/metrics.csv", 1 << 22, all.arena, &text, &n));
    for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char library[32], dialect[32], metric[32], k[16], user[16];
        double value;
        if (line[0] == '#' || strncmp(line, "library", 7) == 0)
            continue;
        if (sscanf(line, "%31[^,],%31[^,],%31[^,],%15[^,],%15[^,],%lg", library, dialect, metric, k, user,
                   &value) != 6) {
            k[0] = '\0';
            assert_int_equal(
                sscanf(line, "%31[^,],%31[^,],%31[^,],,%15[^,],%lg", library, dialect, metric, user, &value),
                5);
        }
        const struct metric_at x = {metric_find(metric), (uint32_t)strtoul(k, NULL, 10),
                                    dialect_find(dialect)};
        assert_true(x.metric != NULL && x.dialect < N_DIALECTS);
        char now[200];
        snprintf(now, sizeof now, "%s,%s,%s,%s", library, dialect, metric, k);
        if (strcmp(now, before) != 0)
            values_of(&x, strcmp(library, "ranx") == 0, values);
        memcpy(before, now, sizeof now);
        const double got = wanted(&x, user, values, all.n_relevant);
        if (!(fabs(got - value) <= 1e-9))
            fail_msg("%s: got %.17g", line, got);
        n_lines++;
    }
    assert_true(n_lines > 1000);
}

/* Elliot's, iALS revisited's, LightGCN's and Surprise's definitions, written out, for each of the first 2,000 users. */
static double by_hand(enum dialect dialect, const char *metric, uint32_t u, uint32_t k)
{
    const uint32_t *list = all.by_file.item + (size_t)u * all.by_file.k;
    const struct csr *items = &all.relevance.items;
    const double R = all.n_relevant[u];
    double hits = 0, dcg = 0, averages = 0, length = 0, ideal = 0, gains[32];
    uint32_t n = 0;
    for (uint32_t j = 1; j <= k; j++) {
        const uint32_t item = list[j - 1];
        length += item != UINT32_MAX;
        for (int64_t e = items->ptr[u]; item != UINT32_MAX && e < items->ptr[u + 1]; e++)
            if (items->idx[e] == item) {
                hits++;
                dcg += (dialect == DIALECT_ELLIOT ? all.relevance.power[e] : 1) * log(2) / log(j + 1);
            }
        averages += hits / j;
    }
    for (int64_t e = items->ptr[u]; e < items->ptr[u + 1]; e++) { /* insertion, largest first */
        uint32_t at = n++;
        const double gain = dialect == DIALECT_ELLIOT ? all.relevance.power[e] : 1;
        for (; at > 0 && gains[at - 1] < gain; at--)
            gains[at] = gains[at - 1];
        gains[at] = gain;
    }
    for (uint32_t j = 0; j < n && j < k; j++)
        ideal += gains[j] * log(2) / log(j + 2);
    if (strcmp(metric, "precision") == 0)
        return dialect == DIALECT_SURPRISE ? (length > 0 ? hits / length : 0) : hits / k;
    if (strcmp(metric, "recall") == 0)
        return hits / (dialect == DIALECT_IALS_REVISITED && R > k ? k : R);
    return strcmp(metric, "map") == 0 ? averages / k : dcg / ideal;
}

static void equal_to_definitions(void **state)
{
    (void)state;
    static const struct {
        enum dialect dialect;
        const char *metric;
    } what[] = {
        {DIALECT_ELLIOT, "precision"},      {DIALECT_ELLIOT, "recall"},   {DIALECT_ELLIOT, "map"},
        {DIALECT_ELLIOT, "ndcg"},           {DIALECT_LIGHTGCN, "ndcg"},   {DIALECT_LIGHTGCN, "precision"},
        {DIALECT_IALS_REVISITED, "recall"}, {DIALECT_SURPRISE, "recall"}, {DIALECT_SURPRISE, "precision"},
        {DIALECT_IALS_REVISITED, "ndcg"}};
    double *values = arena_alloc(all.arena, all.n_users, sizeof *values);
    for (size_t w = 0; w < sizeof what / sizeof *what; w++)
        for (uint32_t k = 3; k < 60; k += 14) {
            const struct metric_at x = {metric_find(what[w].metric), k, what[w].dialect};
            values_of(&x, false, values);
            for (uint32_t u = 0; u < 2000; u++) {
                if (!all.listed[u] && dialect_types[x.dialect].skip_unlisted)
                    assert_true(isnan(values[u]));
                else if (all.n_relevant[u] == 0)
                    assert_true(dialect_types[x.dialect].zero_irrelevant ? values[u] == 0 : isnan(values[u]));
                else
                    assert_true(fabs(values[u] - by_hand(x.dialect, what[w].metric, u, k)) < 1e-12);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(equal_to_other_libraries),
                                       cmocka_unit_test(equal_to_definitions)};
    test_quiet();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
