/* test_compact.c - after the split only its users and items remain, and every one of them is who it was. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/compact.h"
#include "data/filter.h"
#include "data/synth.h"

static struct arena *arena;
static struct dataset *whole;
static struct interactions rows;
static struct fold *folds, *before;
static size_t n_folds;

static int set_up(void **state)
{
    static const char yaml[] = "{f: [{min_rating: 3}, {kcore: 6}], s: {kind: random, test: 0.2, seed: 3}}";
    struct synth_options options = SYNTH_DEFAULTS;
    struct node *node;
    struct split split;
    (void)state;
    arena = arena_new();
    options.n_users = 90;
    options.n_items = 150;
    options.n_interactions = 3000;
    options.n_friends = 6;
    assert_ok(synth_generate(&options, arena, &whole));
    assert_ok(node_parse("test", yaml, sizeof yaml - 1, arena, &node));
    assert_ok(filters_apply(node_get(node, "f"), whole, arena, &rows));
    assert_ok(split_parse(node_get(node, "s"), arena, &split));
    assert_ok(split_apply(&split, whole, &rows, arena, &folds, &n_folds));
    before = arena_copy(arena, folds, n_folds, sizeof *folds);
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void same_string(const struct strings *a, uint64_t i, const struct strings *b, uint64_t j)
{
    assert_int_equal(strings_length(a, i), strings_length(b, j));
    assert_memory_equal(strings_at(a, i), strings_at(b, j), strings_length(a, i));
}

/* Names stay, those of users who are gone too. */
static void same_list(const struct column *x, uint32_t old, const struct column *y, uint32_t new)
{
    const int64_t n = x->list.ptr[old + 1] - x->list.ptr[old];
    assert_int_equal(y->list.ptr[new + 1] - y->list.ptr[new], n);
    assert_memory_equal(x->list.idx + x->list.ptr[old], y->list.idx + y->list.ptr[new],
                        (size_t)n * sizeof(uint32_t));
    assert_int_equal(x->names.n, y->names.n);
}

static void rows_are_who_they_were(void **state)
{
    const struct dataset *d;
    (void)state;
    assert_ok(dataset_compact(whole, folds, n_folds, arena, &d));
    assert_true(d->n_items < whole->n_items);
    for (int part = 0; part < 2; part++) {
        const struct interactions *a = part ? &before->test : &before->train,
                                  *b = part ? &folds->test : &folds->train;
        assert_int_equal(a->n, b->n);
        for (uint64_t r = 0; r < a->n; r++) {
            const uint32_t old = a->item[r], new = b->item[r];
            same_string(&whole->user_ids, a->user[r], &d->user_ids, b->user[r]);
            same_string(&whole->item_ids, old, &d->item_ids, new);
            same_list(dataset_user_column(whole, "friends"), a->user[r], dataset_user_column(d, "friends"),
                      b->user[r]);
            assert_float_equal(d->truth->exposure[new], whole->truth->exposure[old], 0);
            assert_memory_equal(d->truth->item + (size_t) new * d->truth->factors,
                                whole->truth->item + (size_t)old * d->truth->factors,
                                d->truth->factors * sizeof(float));
            for (uint32_t c = 0; c < d->n_item_columns; c++) {
                const struct column *x = &whole->item_columns[c], *y = &d->item_columns[c];
                if (x->kind == COLUMN_TEXT)
                    same_string(&x->text, old, &y->text, new);
                else if (x->kind == COLUMN_NUMBER)
                    assert_memory_equal(&x->number[old], &y->number[new], sizeof(float));
                else
                    same_list(x, old, y, new);
            }
        }
    }
}

static void only_what_has_rows_or_texts_remains(void **state)
{
    const struct dataset *d;
    (void)state;
    assert_ok(dataset_compact(whole, folds, n_folds, arena, &d));
    uint8_t *item = arena_alloc(arena, d->n_items, 1);
    for (uint64_t r = 0; r < folds->train.n; r++)
        item[folds->train.item[r]] = 1;
    for (uint64_t r = 0; r < folds->test.n; r++)
        item[folds->test.item[r]] = 1;
    for (uint32_t i = 0; i < d->n_items; i++)
        assert_true(item[i]);
    uint64_t kept = 0;
    for (uint64_t t = 0; t < whole->texts.n; t++)
        for (uint32_t i = 0; i < d->n_items; i++)
            if (strings_length(&whole->item_ids, whole->texts.item[t]) == strings_length(&d->item_ids, i) &&
                memcmp(strings_at(&whole->item_ids, whole->texts.item[t]), strings_at(&d->item_ids, i),
                       strings_length(&d->item_ids, i)) == 0) {
                same_string(&whole->texts.text, t, &d->texts.text, kept);
                same_string(&whole->user_ids, whole->texts.user[t], &d->user_ids, d->texts.user[kept]);
                kept++;
            }
    assert_int_equal(kept, d->texts.n);
}

static void nothing_dropped_is_the_same_dataset(void **state)
{
    struct fold all = {.train = whole->interactions};
    const struct dataset *d;
    (void)state;
    assert_ok(dataset_compact(whole, &all, 1, arena, &d));
    if (d != whole) { /* the generator may leave an item without rows: then one pass makes it so */
        struct fold again = all;
        const struct dataset *e;
        assert_ok(dataset_compact(d, &again, 1, arena, &e));
        assert_ptr_equal(d, e);
    }
}

/* Counted by comparing every name with every user, and looking for rows of either. */
static uint64_t links_by_names(const struct dataset *d, const struct interactions *left)
{
    const struct column *f = dataset_user_column(d, "friends");
    uint64_t n = 0;
    for (uint32_t u = 0; u < d->n_users; u++)
        for (int64_t e = f->list.ptr[u]; e < f->list.ptr[u + 1]; e++)
            for (uint32_t v = 0; v < d->n_users; v++) {
                const char *name = strings_copy(&f->names, f->list.idx[e], arena);
                bool has_u = false, has_v = false;
                for (uint64_t r = 0; r < left->n; r++)
                    has_u |= left->user[r] == u, has_v |= left->user[r] == v;
                n += v != u && has_u && has_v && strings_equal(&d->user_ids, v, name);
            }
    return n;
}

static void links_of_those_who_have_rows(void **state)
{
    uint64_t n_whole, n_left;
    struct interactions few = rows;
    (void)state;
    few.n = rows.n / 2; /* by user: the first ones' */
    assert_ok(dataset_links(whole, &whole->interactions, &n_whole));
    assert_int_equal(n_whole, dataset_user_column(whole, "friends")->list.nnz);
    assert_ok(dataset_links(whole, &few, &n_left));
    assert_int_equal(n_left, links_by_names(whole, &few));
    assert_true(n_left > 0 && n_left < n_whole / 2);
    struct dataset lonely = *whole;
    lonely.n_user_columns = 0;
    assert_ok(dataset_links(&lonely, &few, &n_left));
    assert_int_equal(n_left, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_who_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_what_has_rows_or_texts_remains, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_dropped_is_the_same_dataset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(links_of_those_who_have_rows, set_up, tear_down),
    };
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
