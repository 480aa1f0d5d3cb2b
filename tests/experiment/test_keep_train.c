/* test_keep_train.c - less to learn from, the same question: shares hold one another, all that measures stays, and what was dropped is hidden. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/audit.h"
#include "data/store.h"
#include "data/synth.h"
#include "data/view.h"
#include "experiment/experiment.h"
#include "experiment/stage.h"

enum { SHARES = 4 };
static const double shares[SHARES] = {0.05, 0.3, 0.7, 1};

static char *folder;
static struct arena *arena;
static struct experiment e;
static struct stage stages[SHARES];

static int set_up(void **state)
{
    struct synth_options options = SYNTH_DEFAULTS;
    struct dataset *d;
    (void)state;
    test_quiet();
    arena = arena_new();
    folder = test_folder();
    options.n_users = 80;
    options.n_items = 120;
    options.n_interactions = 1500;
    assert_ok(synth_generate(&options, arena, &d));
    assert_ok(store_write(test_path(folder, "s.h5"), d));
    const char *text = arena_printf(
        arena,
        "experiment: {name: t}\ndatasets: [{name: s, file: %s, filter: [{min_user_interactions: 4}], split: "
        "{kind: random, test: 0.2, seed: 42}, validation: {kind: random, test: 0.2, seed: 1}, "
        "keep_train: [0.05, 0.3, 0.7, 1]}]\nmodels: [{name: popularity}]\n",
        test_path(folder, "s.h5"));
    assert_ok(experiment_parse("e.yaml", text, arena, &e));
    assert_int_equal(e.n_datasets, SHARES);
    for (size_t s = 0; s < SHARES; s++) {
        assert_ok(stage_open(&e.datasets[s], &stages[s]));
        assert_ok(stage_fold(&stages[s], 0));
    }
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHARES; s++)
        stage_close(&stages[s]);
    experiment_free(&e);
    arena_free(arena);
    test_folder_remove(folder);
    return 0;
}

static void same_rows(const struct interactions *a, const struct interactions *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->user, b->user, a->n * sizeof *a->user);
    assert_memory_equal(a->item, b->item, a->n * sizeof *a->item);
    assert_memory_equal(a->source_row, b->source_row, a->n * sizeof *a->source_row);
}

static bool holds(const struct csr *all, const struct csr *part)
{
    for (uint32_t u = 0; u < part->n_rows; u++)
        for (int64_t k = part->ptr[u]; k < part->ptr[u + 1]; k++)
            if (!csr_has(all, u, part->idx[k]))
                return false;
    return true;
}

static void each_share_is_a_dataset(void **state)
{
    static const char *const names[SHARES] = {"s-keep0.05", "s-keep0.3", "s-keep0.7", "s-keep1"};
    (void)state;
    for (size_t s = 0; s < SHARES; s++) {
        assert_string_equal(e.datasets[s].name, names[s]);
        assert_float_equal(e.datasets[s].keep_train.share, shares[s], 0);
    }
    char *text; /* what is written out reads back to the same */
    struct experiment again;
    assert_ok(experiment_yaml(&e, arena, &text));
    assert_ok(experiment_parse("again.yaml", text, arena, &again));
    assert_null(experiment_difference(e.resolved, again.resolved, arena));
    assert_string_equal(again.datasets[1].name, names[1]);
    experiment_free(&again);
}

/* Test and validation rows, users, items and what is masked are those of the whole. */
static void what_measures_stays(void **state)
{
    const struct stage *whole = &stages[SHARES - 1];
    (void)state;
    for (size_t s = 0; s < SHARES; s++) {
        const struct stage *part = &stages[s];
        same_rows(&part->fold->test, &whole->fold->test);
        same_rows(&part->fold->valid, &whole->fold->valid);
        assert_int_equal(part->dataset->n_items, whole->dataset->n_items);
        assert_int_equal(part->dataset->n_users, whole->dataset->n_users);
        assert_int_equal(part->n_users, whole->n_users);
        assert_int_equal(part->train.nnz, whole->train.nnz);
        assert_true(holds(&part->train, &whole->train));
        assert_int_equal(whole->view->by_user->nnz, whole->train.nnz);
    }
}

static void a_larger_share_holds_the_smaller(void **state)
{
    const uint64_t n = stages[SHARES - 1].fold->train.n, n_valid = stages[0].fold->valid.n;
    const struct view *smaller = NULL, *view;
    (void)state;
    for (size_t s = 0; s < SHARES; s++) {
        const struct fold *fold = stages[s].fold;
        assert_int_equal(fold->train.n, (uint64_t)((double)n * shares[s] + 1e-9));
        assert_int_equal(fold->train.n + fold->dropped.n, n);
        assert_ok(stage_whole(&stages[s], &view)); /* fitted on train+valid: that share of both */
        assert_int_equal(view->by_user->nnz, fold->train.n + (uint64_t)((double)n_valid * shares[s] + 1e-9));
        assert_true(holds(view->by_user, stages[s].view->by_user));
        if (s > 0) {
            assert_true(holds(stages[s].view->by_user, stages[s - 1].view->by_user));
            assert_true(holds(view->by_user, smaller->by_user));
        }
        smaller = view;
    }
    /* Lots are not those of the split, though the seeds are equal: 30 % of the rows with the lowest lots of one would be none of the other. */
    uint64_t n_users = 0;
    for (uint32_t u = 0; u < stages[1].dataset->n_users; u++)
        n_users += stages[1].view->by_user->ptr[u + 1] > stages[1].view->by_user->ptr[u];
    assert_true(n_users > stages[1].dataset->n_users / 2);
}

static bool about_a_pair_of(const struct texts *t, uint64_t k, const struct interactions *rows)
{
    for (uint64_t r = 0; r < rows->n; r++)
        if (t->item[k] == rows->item[r] && t->user[k] == rows->user[r])
            return true;
    return false;
}

/* A dropped pair's texts are hidden as a test pair's are, and the auditor counts them. */
static void dropped_texts_are_hidden(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHARES; s++) {
        const struct stage *part = &stages[s];
        const struct fold *fold = part->fold;
        const struct texts *all = &part->dataset->texts, *seen = &part->view->texts;
        struct audit audit;
        uint64_t n_dropped = 0, n_held_out = 0;
        for (uint64_t k = 0; k < all->n; k++) {
            const bool held_out =
                about_a_pair_of(all, k, &fold->test) || about_a_pair_of(all, k, &fold->valid);
            n_held_out += held_out;
            n_dropped += !held_out && about_a_pair_of(all, k, &fold->dropped);
        }
        for (uint64_t k = 0; k < seen->n; k++)
            assert_false(about_a_pair_of(seen, k, &fold->dropped) || about_a_pair_of(seen, k, &fold->test));
        assert_int_equal(seen->n, all->n - n_held_out - n_dropped);
        assert_true((n_dropped > 0) == (shares[s] < 1));
        assert_ok(audit_fold(part->dataset, fold, arena, &audit));
        assert_int_equal(audit.count[AUDIT_DROPPED_TEXTS], n_dropped);
        assert_string_equal(audit_verdict(&audit, AUDIT_DROPPED_TEXTS), shares[s] < 1 ? "hidden" : "none");
    }
}

/* Under train+valid, what isn't learned of the validation rows is hidden with its texts. */
static void unlearned_texts_are_hidden(void **state)
{
    const struct fold *fold = stages[1].fold;
    const struct view *view;
    uint64_t n_unlearned = 0;
    (void)state;
    assert_ok(stage_whole(&stages[1], &view));
    for (uint64_t r = 0; r < fold->valid.n; r++) {
        const uint32_t user = fold->valid.user[r], item = fold->valid.item[r];
        n_unlearned += fold->unlearned[r];
        assert_true(csr_has(view->by_user, user, item) == !fold->unlearned[r]);
        for (uint64_t k = 0; fold->unlearned[r] && k < view->texts.n; k++)
            assert_false(view->texts.user[k] == user && view->texts.item[k] == item);
    }
    assert_true(n_unlearned > 0 && n_unlearned < fold->valid.n);
}

/* What is told of the fold goes by the rows that models see. */
static void counts_go_by_what_is_seen(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHARES; s++) {
        const struct stage *part = &stages[s];
        const struct csr *seen = part->view->by_user, *of_item = part->view->by_item;
        uint64_t n_users = 0, n_items = 0;
        for (uint32_t k = 0; k < part->n_users; k++)
            n_users += seen->ptr[part->users[k]] == seen->ptr[part->users[k] + 1];
        for (uint32_t i = 0; i < part->dataset->n_items; i++) {
            bool tested = false;
            for (uint64_t r = 0; r < part->fold->test.n; r++)
                tested = tested || part->fold->test.item[r] == i;
            n_items += tested && of_item->ptr[i] == of_item->ptr[i + 1];
        }
        assert_int_equal(part->fold->n_cold_test_users, n_users);
        assert_int_equal(part->fold->n_cold_test_items, n_items);
    }
    assert_true(stages[0].fold->n_cold_test_users > 0);
}

static void an_empty_train_is_told(void **state)
{
    struct dataset_config config = e.datasets[0];
    struct stage stage;
    (void)state;
    config.keep_train.share = 1e-6;
    test_fails(stage_open(&config, &stage), STATUS_DATA, "s-keep0.05", "keep_train 1e-06 leaves none of",
               NULL);
    stage_close(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_share_is_a_dataset),
                                       cmocka_unit_test(what_measures_stays),
                                       cmocka_unit_test(a_larger_share_holds_the_smaller),
                                       cmocka_unit_test(dropped_texts_are_hidden),
                                       cmocka_unit_test(unlearned_texts_are_hidden),
                                       cmocka_unit_test(counts_go_by_what_is_seen),
                                       cmocka_unit_test(an_empty_train_is_told)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
