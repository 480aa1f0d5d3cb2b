/*
 * Goods and courses: the truth of films, other items; searches that lead to goods and hide with their pairs; courses that come after
 * what they need, and worse grades where they don't.
 */
#include <math.h>
#include <omp.h>

#include "build.h"
#include "data/split.h"
#include "data/synth.h"
#include "data/synth_words.h"
#include "data/view.h"

static const struct synth_options plain = {
    .n_users = 150, .n_items = 240, .n_interactions = 4500, .seed = 5, .signal = 1, .factors = 6};

static struct dataset *generate(struct arena *arena, struct synth_options o)
{
    struct dataset *d = NULL;
    if (synth_generate(&o, arena, &d) != STATUS_OK)
        fail_msg("%s", status_sentence());
    return d;
}

static struct dataset *scenario(struct arena *arena, enum synth_scenario which, enum synth_language language)
{
    struct synth_options o = plain;
    o.scenario = which;
    o.language = language;
    return generate(arena, o);
}

static void same_strings(const struct strings *a, const struct strings *b)
{
    assert_int_equal(a->n, b->n);
    assert_memory_equal(a->offsets, b->offsets, (a->n + 1) * sizeof *a->offsets);
    assert_memory_equal(a->bytes, b->bytes, a->offsets[a->n]);
}

static bool holds(const struct strings *texts, uint64_t i, const char *word)
{
    return memmem(strings_at(texts, i), strings_length(texts, i), word, strlen(word)) != NULL;
}

static void same_bytes_for_any_number_of_threads(void **state)
{
    (void)state;
    const int threads = omp_get_max_threads();
    for (int which = SYNTH_SHOP; which <= SYNTH_COURSES; which++) {
        struct arena *arena = arena_new();
        omp_set_num_threads(1);
        const struct dataset *a = scenario(arena, which, SYNTH_ENGLISH);
        omp_set_num_threads(3);
        const struct dataset *b = scenario(arena, which, SYNTH_ENGLISH);
        omp_set_num_threads(threads);
        const uint64_t n = a->interactions.n;
        assert_memory_equal(a->interactions.item, b->interactions.item, n * sizeof(uint32_t));
        assert_memory_equal(a->interactions.value, b->interactions.value, n * sizeof(float));
        assert_memory_equal(a->interactions.time, b->interactions.time, n * sizeof(int64_t));
        same_strings(&a->texts.text, &b->texts.text);
        assert_memory_equal(a->texts.time, b->texts.time, a->texts.n * sizeof(int64_t));
        for (uint32_t k = 0; k < a->n_item_columns; k++)
            if (a->item_columns[k].kind == COLUMN_TEXT)
                same_strings(&a->item_columns[k].text, &b->item_columns[k].text);
        arena_free(arena);
    }
}

/* The digest was taken at commit 671c4ca, which knew no scenarios. */
static void films_are_what_they_were(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *d = generate(arena, plain);
    struct string_builder all = {0};
    char digest[SHA256_HEX];
    const struct strings *parts[3] = {&d->item_columns[0].text, &d->item_columns[3].text, &d->texts.text};
    for (int k = 0; k < 3; k++)
        assert_int_equal(string_builder_append(&all, parts[k]->bytes, parts[k]->offsets[parts[k]->n]),
                         STATUS_OK);
    sha256_hex(all.bytes, all.length, digest);
    assert_string_equal(digest, "5730907cbea7bbc1b1ad763b207280940fc2ba843922aff2ed49147f110aa798");
    string_builder_free(&all);
    arena_free(arena);
}

static void the_truth_is_that_of_films(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *films = generate(arena, plain);
    for (int which = SYNTH_SHOP; which <= SYNTH_COURSES; which++) {
        const struct dataset *d = scenario(arena, which, SYNTH_CHINESE);
        const size_t f = plain.factors * sizeof(float);
        assert_memory_equal(films->truth->user, d->truth->user, plain.n_users * f);
        assert_memory_equal(films->truth->item, d->truth->item, plain.n_items * f);
        assert_memory_equal(films->truth->item_bias, d->truth->item_bias, plain.n_items * sizeof(float));
        assert_memory_equal(films->truth->exposure, d->truth->exposure, plain.n_items * sizeof(float));
        if (which == SYNTH_SHOP) { /* and so is who takes what, and how it is rated */
            const uint64_t n = d->interactions.n;
            assert_memory_equal(films->interactions.item, d->interactions.item, n * sizeof(uint32_t));
            assert_memory_equal(films->interactions.value, d->interactions.value, n * sizeof(float));
        }
    }
    arena_free(arena);
}

static void no_word_stands_in_two_themes(void **state)
{
    (void)state;
    const struct synth_theme *const tables[4] = {synth_themes_shop, synth_themes_shop_zh,
                                                 synth_themes_courses, synth_themes_courses_zh};
    for (int t = 0; t < 4; t++) {
        struct string_map *map = string_map_new();
        for (size_t k = 0; k < SYNTH_THEMES; k++) {
            const struct synth_theme *theme = &tables[t][k];
            const char *const *lists[3] = {theme->noun, theme->adjective, theme->tag};
            const size_t least[3] = {8, 6, 4}, most[3] = {SYNTH_NOUNS, SYNTH_ADJECTIVES, SYNTH_TAGS};
            assert_non_null(theme->genre);
            for (int l = 0; l < 3; l++)
                for (size_t w = 0; w < most[l]; w++) {
                    assert_true(w >= least[l] || lists[l][w] != NULL);
                    if (lists[l][w] == NULL)
                        break;
                    const uint32_t before = string_map_size(map);
                    if (string_map_add(map, lists[l][w], strlen(lists[l][w])) < before)
                        fail_msg("'%s' stands twice", lists[l][w]);
                }
        }
        string_map_free(map);
    }
}

static void goods_are_priced(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct synth_options o = plain;
    o.scenario = SYNTH_SHOP;
    o.n_items = 4000;
    const struct dataset *d = generate(arena, o);
    const struct column *title = dataset_item_column(d, "title"), *price = dataset_item_column(d, "price"),
                        *stock = dataset_item_column(d, "stock"), *brand = dataset_item_column(d, "brand");
    double sum = 0, squares = 0, n_stock = 0;
    assert_int_equal(dataset_item_column(d, "categories")->kind, COLUMN_LIST);
    for (uint32_t i = 0; i < o.n_items; i++) {
        uint32_t theme = o.factors;
        for (uint32_t k = 0; k < o.factors; k++)
            for (size_t w = 0; w < SYNTH_NOUNS && synth_themes_shop[k].noun[w] != NULL; w++)
                if (holds(&title->text, i, synth_themes_shop[k].noun[w]))
                    theme = k;
        assert_true(theme < o.factors && price->number[i] > 0);
        const double x = log((double)price->number[i] / synth_prices[theme]);
        sum += x, squares += x * x, n_stock += (double)stock->number[i];
        assert_true(stock->number[i] == 0 || stock->number[i] == 1);
        assert_int_equal(
            memcmp(strings_at(&title->text, i), strings_at(&brand->text, i), strings_length(&brand->text, i)),
            0);
    }
    const double mean = sum / o.n_items;
    assert_float_equal(mean, 0, 4 * 0.5 / sqrt(o.n_items)); /* four standard errors */
    assert_float_equal(sqrt(squares / o.n_items - mean * mean), 0.5, 4 * 0.5 / sqrt(2.0 * o.n_items));
    assert_float_equal(n_stock / o.n_items, 0.85, 4 * sqrt(0.85 * 0.15 / o.n_items));
    arena_free(arena);
}

/* The row of a pair. */
static uint64_t row_of(const struct interactions *in, uint32_t user, uint32_t item)
{
    for (uint64_t r = 0; r < in->n; r++)
        if (in->user[r] == user && in->item[r] == item)
            return r;
    fail_msg("user %u never took item %u", user, item);
    return 0;
}

static void queries_name_goods(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (int language = SYNTH_ENGLISH; language <= SYNTH_CHINESE; language++) {
        const struct dataset *d = scenario(arena, SYNTH_SHOP, language);
        const struct synth_theme *themes =
            language == SYNTH_CHINESE ? synth_themes_shop_zh : synth_themes_shop;
        const struct strings *title = &dataset_item_column(d, "title")->text;
        const char *cheap = language == SYNTH_CHINESE ? "便宜" : "cheap";
        const char *dear = language == SYNTH_CHINESE ? "高端" : "high-end";
        uint64_t n = 0, n_same = 0, n_cheap = 0, n_dear = 0;
        for (uint64_t t = 0; t < d->texts.n; t++) {
            if (d->texts.kind[t] != TEXT_QUERY)
                continue;
            const uint32_t item = d->texts.item[t];
            const uint64_t r = row_of(&d->interactions, d->texts.user[t], item);
            uint32_t said = plain.factors, sold = plain.factors;
            bool same = false;
            for (uint32_t k = 0; k < plain.factors; k++)
                for (size_t w = 0; w < SYNTH_NOUNS && themes[k].noun[w] != NULL; w++) {
                    const bool of_query = holds(&d->texts.text, t, themes[k].noun[w]),
                               of_title = holds(title, item, themes[k].noun[w]);
                    said = of_query ? k : said;
                    sold = of_title ? k : sold;
                    same = same || (of_query && of_title);
                }
            assert_true(said < plain.factors && said == sold);
            assert_true(d->texts.time[t] < d->interactions.time[r]);
            const double price = dataset_item_column(d, "price")->number[item],
                         usual = synth_prices[sold] * (language == SYNTH_CHINESE ? 7 : 1);
            if (holds(&d->texts.text, t, cheap))
                assert_true(n_cheap++ < d->texts.n && price < 0.71 * usual);
            if (holds(&d->texts.text, t, dear))
                assert_true(n_dear++ < d->texts.n && price > 1.39 * usual);
            n++, n_same += same;
        }
        assert_float_equal((double)n / (double)d->interactions.n, 0.25, 0.03);
        assert_true(n_same > n / 2 && n_same < n * 3 / 4); /* half, and by chance of 8 words */
        assert_true(n_cheap > 5 && n_dear > 5);
    }
    arena_free(arena);
}

static void queries_of_held_out_pairs_are_hidden(void **state)
{
    (void)state;
    static const char *const splits[] = {"{kind: random, test: 0.2, seed: 42}",
                                         "{kind: temporal_user, test: 0.2}"};
    for (int s = 0; s < 2; s++) {
        struct arena *arena = arena_new();
        const struct dataset *d = scenario(arena, SYNTH_SHOP, SYNTH_ENGLISH);
        struct split split;
        struct fold *fold;
        struct view *v;
        size_t n;
        uint64_t n_queries = 0, n_seen = 0, n_held_out = 0;
        assert_int_equal(split_parse(parse(arena, splits[s]), arena, &split), STATUS_OK);
        assert_int_equal(split_apply(&split, d, &d->interactions, arena, &fold, &n), STATUS_OK);
        assert_int_equal(view_build(d, fold, arena, &v), STATUS_OK);
        for (uint64_t t = 0; t < d->texts.n; t++) {
            bool held_out = false;
            for (uint64_t r = 0; r < fold->test.n && d->texts.kind[t] == TEXT_QUERY; r++)
                held_out = held_out ||
                           (fold->test.user[r] == d->texts.user[t] && fold->test.item[r] == d->texts.item[t]);
            n_queries += d->texts.kind[t] == TEXT_QUERY, n_held_out += held_out;
        }
        for (uint64_t t = 0; t < v->texts.n; t++) {
            if (v->texts.kind[t] != TEXT_QUERY)
                continue;
            n_seen++;
            assert_true(csr_has(v->by_user, v->texts.user[t], v->texts.item[t]));
        }
        assert_true(n_held_out > 100);
        assert_int_equal(n_seen, n_queries - n_held_out);
        arena_free(arena);
    }
}

/* Of the name in a list column: the item that it is the id of. */
static uint32_t item_of(const struct dataset *d, const struct column *c, uint32_t name)
{
    for (uint32_t i = 0; i < d->n_items; i++)
        if (strings_length(&d->item_ids, i) == strings_length(&c->names, name) &&
            memcmp(strings_at(&d->item_ids, i), strings_at(&c->names, name),
                   strings_length(&c->names, name)) == 0)
            return i;
    fail_msg("no item has the id of prerequisite %u", name);
    return 0;
}

static void prerequisites_are_a_level_below(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    const struct dataset *d = scenario(arena, SYNTH_COURSES, SYNTH_ENGLISH);
    const struct column *needs = dataset_item_column(d, "prerequisites"),
                        *subject = dataset_item_column(d, "subject"),
                        *level = dataset_item_column(d, "level");
    uint32_t n_with[3] = {0}, n_level[5] = {0};
    for (uint32_t i = 0; i < d->n_items; i++) {
        const int64_t from = needs->list.ptr[i], end = needs->list.ptr[i + 1];
        assert_true(level->number[i] >= 1 && level->number[i] <= 4 && end - from <= 2);
        assert_int_equal(subject->list.ptr[i + 1] - subject->list.ptr[i], 1);
        n_level[(int)level->number[i]]++;
        n_with[end - from]++;
        for (int64_t e = from; e < end; e++) { /* a level lower, so there is no way round to itself */
            const uint32_t other = item_of(d, needs, needs->list.idx[e]);
            assert_true(level->number[other] == level->number[i] - 1);
            assert_int_equal(subject->list.idx[subject->list.ptr[other]],
                             subject->list.idx[subject->list.ptr[i]]);
        }
        if (level->number[i] == 1)
            assert_int_equal(end - from, 0);
    }
    assert_true(n_level[1] > n_level[2] && n_level[2] > n_level[3] && n_level[4] > 5);
    assert_true(n_with[1] > n_with[2] && n_with[2] > 15);
    arena_free(arena);
}

static void unprepared_learners_are_few_and_score_less(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    for (int drift = 0; drift < 2; drift++) {
        struct synth_options o = plain;
        o.scenario = SYNTH_COURSES;
        o.drift = drift;
        const struct dataset *d = generate(arena, o);
        const struct interactions *in = &d->interactions;
        const struct column *needs = dataset_item_column(d, "prerequisites");
        uint32_t *when = calloc(d->n_items, sizeof *when); /* user + 1 who had the item last */
        double n[2] = {0}, sum[2] = {0};                   /* by whether something was missing */
        for (uint64_t r = 0; r < in->n; r++) {
            bool missing = false;
            for (int64_t e = needs->list.ptr[in->item[r]]; e < needs->list.ptr[in->item[r] + 1]; e++)
                missing = missing || when[item_of(d, needs, needs->list.idx[e])] != in->user[r] + 1;
            assert_true(when[in->item[r]] != in->user[r] + 1); /* nobody takes a course twice */
            when[in->item[r]] = in->user[r] + 1;
            if (needs->list.ptr[in->item[r] + 1] > needs->list.ptr[in->item[r]])
                n[missing]++, sum[missing] += (double)in->value[r];
        }
        print_message(
            "drift %d: prerequisites missing in %.3f of the rows that have any; grade %.3f, else %.3f\n",
            drift, n[1] / (n[0] + n[1]), sum[1] / n[1], sum[0] / n[0]);
        assert_true(n[1] > 0.05 * (n[0] + n[1]) && n[1] < 0.3 * (n[0] + n[1]));
        assert_true(sum[1] / n[1] < sum[0] / n[0] - 0.7);
        free(when);
    }
    arena_free(arena);
}

static void what_cannot_be(void **state)
{
    (void)state;
    struct arena *arena = arena_new();
    struct dataset *d;
    struct synth_options o = plain;
    o.scenario = SYNTH_SHOP;
    o.dialects = true;
    assert_int_equal(synth_generate(&o, arena, &d), STATUS_USAGE);
    o.dialects = false;
    o.untold = 1; /* what an item is, then, says nothing of its vector: as likely any category */
    d = generate(arena, o);
    assert_non_null(strstr(d->source, "--scenario shop"));
    assert_int_equal(dataset_item_column(d, "categories")->list.nnz, 0);
    o.scenario = SYNTH_COURSES;
    o.n_items = 10; /* most levels of most subjects are empty */
    o.factors = 2;
    o.n_interactions = 6 * o.n_users;
    assert_int_equal(generate(arena, o)->interactions.n, 6 * o.n_users);
    arena_free(arena);
}

int main(void)
{
    status_set_handler(quiet, NULL, NULL, NULL);
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_bytes_for_any_number_of_threads),
                                       cmocka_unit_test(films_are_what_they_were),
                                       cmocka_unit_test(the_truth_is_that_of_films),
                                       cmocka_unit_test(no_word_stands_in_two_themes),
                                       cmocka_unit_test(goods_are_priced),
                                       cmocka_unit_test(queries_name_goods),
                                       cmocka_unit_test(queries_of_held_out_pairs_are_hidden),
                                       cmocka_unit_test(prerequisites_are_a_level_below),
                                       cmocka_unit_test(unprepared_learners_are_few_and_score_less),
                                       cmocka_unit_test(what_cannot_be)};
    return cmocka_run_group_tests_name("synth_scenarios", tests, NULL, NULL);
}
