/*
 * test_query.c - searches: the measure over many against ranking each by itself, and that searches of a generated shop find what they
 * led to.  Skipped where models/minilm isn't there.
 */
#include <math.h>

#include "../data/build.h"
#include "backend/backend.h"
#include "data/split.h"
#include "data/synth.h"
#include "fusion/query.h"

static const struct synth_options shop = {.n_users = 60,
                                          .n_items = 150,
                                          .n_interactions = 1500,
                                          .seed = 3,
                                          .signal = 1,
                                          .factors = 6,
                                          .scenario = SYNTH_SHOP};

/* Preference is the truth. */
static enum status true_preference(void *context, uint32_t user, float *score)
{
    const struct truth *t = context;
    for (uint32_t i = 0; i < shop.n_items; i++) {
        score[i] = t->item_bias[i];
        for (uint32_t f = 0; f < t->factors; f++)
            score[i] += t->user[user * t->factors + f] * t->item[i * t->factors + f];
    }
    return STATUS_OK;
}

struct bed {
    struct arena *arena;
    struct truth truth;
    const struct view *view;
    const struct backend *backend;
    struct query q;
    struct query_cases cases;
};

static void open_bed(struct bed *bed, uint64_t most)
{
    static uint32_t user[1500], item[1500];
    static const char *fields[] = {"title"};
    struct dataset *d;
    struct split split;
    struct fold *fold;
    struct view *view;
    struct string_builder b = {0};
    size_t n_folds, n = 0;
    bed->arena = arena_new();
    assert_int_equal(synth_generate(&shop, bed->arena, &d), STATUS_OK);
    assert_int_equal(split_parse(parse(bed->arena, "{kind: random, test: 0.3, seed: 1}"), bed->arena, &split),
                     STATUS_OK);
    assert_int_equal(split_apply(&split, d, &d->interactions, bed->arena, &fold, &n_folds), STATUS_OK);
    assert_int_equal(view_build(d, fold, bed->arena, &view), STATUS_OK);
    assert_int_equal(backend_open("cpu", 1, &bed->backend), STATUS_OK);
    for (uint64_t t = 0; t < d->texts.n && n < most; t++) {
        if (d->texts.kind[t] != TEXT_QUERY || csr_has(view->by_user, d->texts.user[t], d->texts.item[t]))
            continue;
        user[n] = d->texts.user[t], item[n++] = d->texts.item[t];
        assert_int_equal(
            string_builder_add(&b, strings_at(&d->texts.text, t), strings_length(&d->texts.text, t)),
            STATUS_OK);
    }
    bed->truth = *d->truth;
    bed->view = view;
    bed->cases = (struct query_cases){.user = user, .item = item};
    assert_int_equal(string_builder_finish(&b, bed->arena, &bed->cases.text), STATUS_OK);
    bed->q = (struct query){.encoder = "minilm",
                            .models = "models",
                            .fields = {1, fields},
                            .without = view->by_user,
                            .weight = 0.5};
}

static uint32_t place_in(const struct query_hit *hit, uint32_t n, uint32_t item)
{
    for (uint32_t k = 0; k < n; k++)
        if (hit[k].item == item)
            return k + 1;
    return UINT32_MAX; /* filtered */
}

static void many_are_each_by_itself(void **state)
{
    (void)state;
    struct bed bed;
    struct query_filter in_stock;
    struct query_measure m[QUERY_WAYS], expected[QUERY_WAYS] = {{0, 0, 0}};
    static float score[150];
    if (access("models/minilm", R_OK) != 0) {
        print_message("skipped: no models/minilm: run tools/get-models.sh minilm\n");
        skip();
    }
    open_bed(&bed, 4);
    const double n_cases = (double)bed.cases.text.n;
    assert_int_equal(query_filter_parse("stock>=1", bed.arena, &in_stock), STATUS_OK);
    bed.q.n_filters = 1, bed.q.filters = &in_stock;
    for (uint64_t c = 0; c < bed.cases.text.n; c++) {
        struct query q = bed.q;
        q.user = bed.cases.user[c];
        q.text = arena_printf(bed.arena, "%.*s", (int)strings_length(&bed.cases.text, c),
                              strings_at(&bed.cases.text, c));
        true_preference(&bed.truth, q.user, score);
        for (int way = QUERY_TEXT; way < QUERY_WAYS; way++) {
            struct query_hit *hit;
            uint32_t n;
            q.preference = way == QUERY_TEXT ? NULL : score;
            q.weight = way == QUERY_BOTH ? 0.5 : 1e9; /* so much that the query doesn't count */
            assert_int_equal(query_match(&q, bed.view, bed.backend, shop.n_items, bed.arena, &hit, &n),
                             STATUS_OK);
            const uint32_t place = place_in(hit, n, bed.cases.item[c]);
            if (place == UINT32_MAX)
                continue;
            expected[way].mrr += 1.0 / place / n_cases;
            expected[way].hit_1 += (place == 1) / n_cases;
            expected[way].hit_10 += (place <= 10) / n_cases;
            for (uint32_t k = 1; k <= n && way == QUERY_TEXT; k++)
                expected[QUERY_RANDOM].mrr += 1.0 / k / n / n_cases;
        }
    }
    assert_int_equal(
        query_measure_cases(&bed.q, bed.view, bed.backend, &bed.cases, true_preference, &bed.truth, m),
        STATUS_OK);
    assert_float_equal(m[QUERY_RANDOM].mrr, expected[QUERY_RANDOM].mrr, 1e-12);
    for (int way = QUERY_TEXT; way < QUERY_WAYS; way++) {
        assert_float_equal(m[way].mrr, expected[way].mrr, 1e-12);
        assert_float_equal(m[way].hit_1, expected[way].hit_1, 1e-12);
        assert_float_equal(m[way].hit_10, expected[way].hit_10, 1e-12);
    }
    arena_free(bed.arena);
}

static void searches_find_what_they_led_to(void **state)
{
    (void)state;
    struct bed bed;
    struct query_measure m[QUERY_WAYS];
    if (access("models/minilm", R_OK) != 0) {
        print_message("skipped: no models/minilm: run tools/get-models.sh minilm\n");
        skip();
    }
    open_bed(&bed, 1500);
    assert_int_equal(
        query_measure_cases(&bed.q, bed.view, bed.backend, &bed.cases, true_preference, &bed.truth, m),
        STATUS_OK);
    print_message("%u searches, MRR: random %.3f, preference %.3f, query %.3f, both %.3f\n",
                  (unsigned)bed.cases.text.n, m[QUERY_RANDOM].mrr, m[QUERY_PREFERENCE].mrr, m[QUERY_TEXT].mrr,
                  m[QUERY_BOTH].mrr);
    assert_true(m[QUERY_TEXT].mrr > 5 * m[QUERY_RANDOM].mrr);
    assert_true(m[QUERY_PREFERENCE].mrr > 1.5 * m[QUERY_RANDOM].mrr);
    assert_true(m[QUERY_BOTH].mrr > m[QUERY_PREFERENCE].mrr);
    arena_free(bed.arena);
}

static void without_searches(void **state)
{
    (void)state;
    struct query_measure m[QUERY_WAYS];
    const struct query q = {.encoder = "minilm", .models = "models"};
    const struct query_cases none = {{0, NULL, NULL}, NULL, NULL};
    assert_int_equal(query_measure_cases(&q, NULL, NULL, &none, true_preference, NULL, m), STATUS_USAGE);
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_are_each_by_itself),
                                       cmocka_unit_test(searches_find_what_they_led_to),
                                       cmocka_unit_test(without_searches)};
    return cmocka_run_group_tests_name("query", tests, NULL, NULL);
}
