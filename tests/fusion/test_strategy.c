/*
 * test_strategy.c - the rules of the strategy stage on a catalogue of twelve items small enough to work each answer out by hand.
 */
#include "../data/build.h"

#include <math.h>

#include "fusion/strategy.h"

/* Items 0-3 comedy, 4-7 drama, 8-9 comedy and drama, 10-11 war.  Item i costs 10 (i + 1), item 11's price is unknown.
 * User 0 had 0, 1 and 4 (in that order of time); user 1 nothing; user 2 had every item but 11. */
enum { N_ITEMS = 12, N_USERS = 3, COMEDY = 0, DRAMA = 1, WAR = 2 };

struct world {
    struct arena *arena;
    struct column column[4];
    struct csr by_user, by_item;
    int64_t time[16];
    float price[N_ITEMS];
    struct strings ids;
    struct strategy_facts facts;
};

static struct strings words(struct arena *arena, size_t n, const char *const *word)
{
    struct string_builder b = {0};
    struct strings out;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(string_builder_add(&b, word[i], strlen(word[i])), STATUS_OK);
    assert_int_equal(string_builder_finish(&b, arena, &out), STATUS_OK);
    return out;
}

static struct csr pairs(struct arena *arena, uint32_t rows, uint32_t cols, size_t n, const uint32_t (*p)[2])
{
    uint32_t r[64], c[64];
    struct csr out;
    for (size_t i = 0; i < n; i++)
        r[i] = p[i][0], c[i] = p[i][1];
    assert_int_equal(csr_from_triples(rows, cols, n, r, c, NULL, arena, &out, NULL), STATUS_OK);
    return out;
}

static void world_open(struct world *w)
{
    static const char *const genres[] = {"Comedy", "Drama", "War"}, *const stock[] = {"yes", "no"};
    static const uint32_t genre[][2] = {{0, 0}, {1, 0}, {2, 0}, {3, 0}, {4, 1}, {5, 1},  {6, 1},
                                        {7, 1}, {8, 0}, {8, 1}, {9, 0}, {9, 1}, {10, 2}, {11, 2}};
    static const uint32_t had[][2] = {{0, 0}, {0, 1}, {0, 4}, {2, 0}, {2, 1}, {2, 2}, {2, 3},
                                      {2, 4}, {2, 5}, {2, 6}, {2, 7}, {2, 8}, {2, 9}, {2, 10}};
    static const uint32_t first[][2] = {
        {5, 0}, {6, 1}, {7, 0}, {7, 1}}; /* 5 needs i1, 6 needs i3, 7 needs both */
    static const char *const needed[] = {"i1", "i3"};
    const char *in_stock[N_ITEMS];
    memset(w, 0, sizeof *w);
    w->arena = arena_new();
    for (int i = 0; i < N_ITEMS; i++) {
        w->price[i] = i == 11 ? NAN : (float)(10 * (i + 1));
        in_stock[i] = stock[i % 2];
    }
    for (int e = 0; e < 16; e++)
        w->time[e] = e;
    w->column[0] =
        (struct column){.name = "genres", .kind = COLUMN_LIST, .names = words(w->arena, 3, genres)};
    w->column[0].list = pairs(w->arena, N_ITEMS, 3, 14, genre);
    w->column[1] = (struct column){.name = "price", .kind = COLUMN_NUMBER, .number = w->price};
    w->column[2] =
        (struct column){.name = "stock", .kind = COLUMN_TEXT, .text = words(w->arena, N_ITEMS, in_stock)};
    w->column[3] =
        (struct column){.name = "prerequisites", .kind = COLUMN_LIST, .names = words(w->arena, 2, needed)};
    w->column[3].list = pairs(w->arena, N_ITEMS, 2, 4, first);
    w->by_user = pairs(w->arena, N_USERS, N_ITEMS, 14, had);
    assert_int_equal(csr_transpose(&w->by_user, w->arena, &w->by_item), STATUS_OK);
    w->ids = numbered_ids(w->arena, "i", N_ITEMS);
    w->facts = (struct strategy_facts){.n_items = N_ITEMS,
                                       .n_item_columns = 4,
                                       .item_columns = w->column,
                                       .item_ids = &w->ids,
                                       .by_user = &w->by_user,
                                       .by_item = &w->by_item,
                                       .time = w->time};
}

/* The list of all items in their own order, item i with score 11 - i, after the rules. */
static struct strategy_list applied_since(struct world *w, const char *rules, uint32_t user, uint32_t n_taken,
                                          const uint32_t *taken, struct strategy_log *log)
{
    struct strategy *s = NULL;
    struct strategy_list list = {.user = user, .n = N_ITEMS, .n_taken = n_taken, .taken = taken};
    assert_int_equal(strategy_parse(parse(w->arena, rules), w->arena, &s), STATUS_OK);
    assert_int_equal(strategy_prepare(s, &w->facts, w->arena), STATUS_OK);
    list.candidate = arena_alloc(w->arena, N_ITEMS, sizeof *list.candidate);
    for (uint32_t i = 0; i < N_ITEMS; i++)
        list.candidate[i] = (struct scored){i, 11 - (double)i};
    assert_int_equal(strategy_apply(s, &list, w->arena, log), STATUS_OK);
    for (uint32_t k = 1; k < list.n; k++)
        assert_true(list.candidate[k].score <= list.candidate[k - 1].score);
    return list;
}

static struct strategy_list applied(struct world *w, const char *rules, uint32_t user,
                                    struct strategy_log *log)
{
    return applied_since(w, rules, user, 0, NULL, log);
}

static void assert_order(const struct strategy_list *list, size_t n, const uint32_t *item)
{
    for (size_t k = 0; k < n; k++)
        assert_int_equal(list->candidate[k].item, item[k]);
}

/* The scores' standard deviation is sqrt(143 / 12) = 3.452, so a boost of 2 lifts war films by 6.904: 10 from 1 to 7.904. */
static void boost_lifts_in_deviations(void **state)
{
    struct world w;
    struct strategy_log log;
    (void)state;
    world_open(&w);
    const struct strategy_list l = applied(&w, "[{boost: {column: genres, value: War, weight: 2}}]", 0, &log);
    assert_order(&l, 8, (const uint32_t[]){0, 1, 2, 3, 10, 4, 11, 5});
    assert_float_equal(l.candidate[4].score, 1 + 2 * sqrt(143.0 / 12), 1e-12);
    assert_int_equal(log.n, 8); /* 10 and 11 came forward, 4 .. 9 went back */
    assert_string_equal(log.change[0].rule, "boost");
    assert_int_equal(log.change[0].item, 10);
    assert_int_equal(log.change[0].before, 11);
    assert_int_equal(log.change[0].after, 5);
    const struct strategy_list d =
        applied(&w, "[{boost: {column: price, maximum: 20, weight: -1}}]", 0, NULL); /* 11, 10 less 3.45 */
    assert_order(&d, 6, (const uint32_t[]){2, 3, 0, 4, 1, 5});
    arena_free(w.arena);
}

/* User 0's latest row is a drama: with a half-life of a thousandth, comedies are not tiring at all. */
static void fatigue_looks_at_the_latest(void **state)
{
    struct world w;
    float shown[N_ITEMS] = {0};
    (void)state;
    world_open(&w);
    const struct strategy_list l =
        applied(&w, "[{fatigue: {column: genres, half_life: 0.001, weight: 100}}]", 0, NULL);
    assert_order(&l, 12, (const uint32_t[]){0, 1, 2, 3, 10, 11, 8, 9, 4, 5, 6, 7});
    const struct strategy_list new_user = applied(&w, "[{fatigue: {column: genres, weight: 100}}]", 1, NULL);
    assert_order(&new_user, 3, (const uint32_t[]){0, 1, 2});
    struct strategy *s = NULL;
    struct scored c[3] = {{0, 3}, {1, 2}, {2, 1}};
    struct strategy_list seen = {.user = 0, .n = 3, .candidate = c, .shown = shown};
    shown[0] = 3;
    assert_int_equal(strategy_parse(parse(w.arena, "[{fatigue: {shown_weight: 1}}]"), w.arena, &s),
                     STATUS_OK);
    assert_int_equal(strategy_prepare(s, &w.facts, w.arena), STATUS_OK);
    assert_int_equal(strategy_apply(s, &seen, w.arena, NULL), STATUS_OK);
    assert_order(&seen, 3, (const uint32_t[]){1, 2, 0});
    arena_free(w.arena);
}

static void mmr_spreads(void **state)
{
    struct world w;
    (void)state;
    world_open(&w);
    const struct strategy_list none = applied(&w, "[{mmr: {lambda: 1}}]", 0, NULL);
    assert_order(&none, 12, (const uint32_t[]){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
    /* 0 comedy; then 4 (drama, like nothing so far) beats 1 (comedy); then war; then 8, which is half comedy (.3 * 3/11 - .7 / 2), beats 1 (.3 * 10/11 - .7) */
    const struct strategy_list l = applied(&w, "[{mmr: {lambda: 0.3, k: 4}}]", 0, NULL);
    assert_order(&l, 6, (const uint32_t[]){0, 4, 10, 8, 1, 2});
    assert_float_equal(l.candidate[0].score, 11, 0);
    assert_float_equal(l.candidate[1].score, 10, 0);
    arena_free(w.arena);
}

/* User 0's history is two comedies and a drama: of the first three places two are comedies, one is a drama. */
static void calibrate_keeps_the_mix(void **state)
{
    struct world w;
    (void)state;
    world_open(&w);
    const struct strategy_list l = applied(&w, "[{calibrate: {lambda: 0.9, k: 3}}]", 0, NULL);
    assert_order(
        &l, 3, (const uint32_t[]){8, 0, 1}); /* 8 has half of each: 0.5 of comedy and drama, then comedies */
    const struct strategy_list new_user = applied(&w, "[{calibrate: {lambda: 0.9}}]", 1, NULL);
    assert_order(&new_user, 3, (const uint32_t[]){0, 1, 2});
    arena_free(w.arena);
}

/* Items 0, 1 and 4 have two rows of 14, the others one, 11 none: a head of half the rows is {0, 1, 4}.  The boosts put 4, 0, 1 in front.  With
 * a minimum of one half and alpha .4, FA*IR asks for 0, 1, 1, 2, 2, 3 tail items among the first 1 to 6: the binomial F(0; 1) = .5, F(0; 2) =
 * .25, F(1; 3) = .5, F(1; 4) = .31, F(2; 5) = .5, F(2; 6) = .34. */
static void exposure_gives_the_tail_its_share(void **state)
{
    struct world w;
    (void)state;
    world_open(&w);
    const struct strategy_list l =
        applied(&w,
                "[{boost: {column: price, maximum: 20, weight: 9}}, {boost: {column: price, minimum: 50, "
                "maximum: 50, weight: 9}}, {exposure: {head: 0.5, minimum: 0.5, alpha: 0.4, k: 6}}]",
                0, NULL);
    assert_order(&l, 6, (const uint32_t[]){4, 2, 0, 3, 1, 5});
    arena_free(w.arena);
}

static void business_rules_remove(void **state)
{
    struct world w;
    struct strategy_log log;
    (void)state;
    world_open(&w);
    const struct strategy_list stock = applied(&w, "[{require: {column: stock, value: \"no\"}}]", 0, &log);
    assert_int_equal(stock.n, 6);
    assert_order(&stock, 6, (const uint32_t[]){1, 3, 5, 7, 9, 11});
    assert_int_equal(log.change[log.n - 1].after, 0);
    /* user 0 paid 10, 20, 50: the median is 20, so 10 to 40 stay, and 11 whose price is unknown */
    const struct strategy_list band = applied(&w, "[{price_band: {below: 0.5, above: 2}}]", 0, NULL);
    assert_int_equal(band.n, 5);
    assert_order(&band, 5, (const uint32_t[]){0, 1, 2, 3, 11});
    const struct strategy_list course = applied(&w, "[{prerequisite: {}}]", 0, NULL); /* has i1, lacks i3 */
    assert_int_equal(course.n, 10);
    assert_order(&course, 8, (const uint32_t[]){0, 1, 2, 3, 4, 5, 8, 9});
    arena_free(w.arena);
}

static const char *said;
static char sentence_kept[512];
static void keep(void *context, enum status status, const char *sentence)
{
    (void)context, (void)status;
    snprintf(sentence_kept, sizeof sentence_kept, "%s", sentence);
    said = sentence_kept;
}

static void mistakes_are_named(void **state)
{
    static const char *const wrong[][2] = {
        {"[{bost: {}}]", "did you mean 'boost'"},
        {"[{mmr: {lambda: 2}}]", "lambda"},
        {"[{mmr: {by: text}}]", "needs text vectors"},
        {"[{boost: {column: genre, value: War}}]", "they have genres, price, stock, prerequisites"},
        {"[{boost: {column: genres}}]", "needs a value"},
        {"[{price_band: {column: genres}}]", "needs numbers"},
        {"{mmr: {}}", "is not a list"},
        {"[mmr]", "a mapping of one name"},
    };
    struct world w;
    (void)state;
    world_open(&w);
    status_set_handler(keep, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct strategy *s = NULL;
        enum status status = strategy_parse(parse(w.arena, wrong[i][0]), w.arena, &s);
        said = status == STATUS_OK ? "" : said;
        if (status == STATUS_OK)
            status = strategy_prepare(s, &w.facts, w.arena);
        assert_int_not_equal(status, STATUS_OK);
        if (strstr(said, wrong[i][1]) == NULL)
            fail_msg("%s: \"%s\" lacks \"%s\"", wrong[i][0], said, wrong[i][1]);
    }
    status_set_handler(NULL, NULL, NULL, NULL);
    arena_free(w.arena);
}

/* What a new user takes counts as user 0's rows do: the same list under each rule that looks at them; and beside rows, as a fourth row would. */
static void what_was_taken_since_counts(void **state)
{
    static const char *const rules[] = {"[{fatigue: {column: genres, half_life: 0.7, weight: 3}}]",
                                        "[{calibrate: {lambda: 0.9, k: 12}}]",
                                        "[{price_band: {below: 0.5, above: 2}}]", "[{prerequisite: {}}]"};
    static const uint32_t of_user_0[] = {0, 1, 4}, i3[] = {2};
    struct world w;
    (void)state;
    world_open(&w);
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
        const struct strategy_list old = applied(&w, rules[r], 0, NULL),
                                   new = applied_since(&w, rules[r], 1, 3, of_user_0, NULL),
                                   nothing = applied(&w, rules[r], 1, NULL);
        bool differs = old.n != nothing.n;
        assert_int_equal(old.n, new.n);
        for (uint32_t k = 0; k < old.n; k++) {
            assert_int_equal(old.candidate[k].item, new.candidate[k].item);
            assert_float_equal(old.candidate[k].score, new.candidate[k].score, 1e-12);
            differs = differs || old.candidate[k].item != nothing.candidate[k].item;
        }
        assert_true(differs);
    }
    const struct strategy_list opened = applied_since(&w, "[{prerequisite: {}}]", 0, 1, i3, NULL);
    assert_int_equal(opened.n, N_ITEMS); /* has i1, and i3 since */
    const struct strategy_list late =    /* the latest is a comedy now */
        applied_since(&w, "[{fatigue: {column: genres, half_life: 0.001, weight: 100}}]", 0, 1, i3, NULL);
    assert_int_equal(late.candidate[0].item, 4);
    arena_free(w.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boost_lifts_in_deviations),
        cmocka_unit_test(fatigue_looks_at_the_latest),
        cmocka_unit_test(mmr_spreads),
        cmocka_unit_test(calibrate_keeps_the_mix),
        cmocka_unit_test(exposure_gives_the_tail_its_share),
        cmocka_unit_test(business_rules_remove),
        cmocka_unit_test(what_was_taken_since_counts),
        cmocka_unit_test(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
