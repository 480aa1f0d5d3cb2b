/*
 * test_facts.c - false numbers, names and genres that are planted in texts about items are found, and nothing is found in texts that only say
 * what the record says.
 */
#include "../test.h"

#include <stdio.h>
#include <string.h>

#include "../models/mf_fixture.h"
#include "backend/backend.h"
#include "fusion/facts.h"

enum { HEAT, NOIR, SPIDER, CAMERA, CHINESE, N_ITEMS };
static struct fixture f;
static struct facts *facts;

static int set_up(void **state)
{
    static const char *const titles[] = {"Heat (1995)", "Third Man, The (1949)", "Spider-Man's War",
                                         "EOS 1,200 Camera", "霸王别姬 (1993)"},
                             *const genres[] = {"Action", "Crime",  "Film-Noir", "Comedy",
                                                "War",    "Sci-Fi", "剧情",      "爱情"},
                             *const about[] = {"Al Pacino and Robert De Niro in Los Angeles",
                                               "Orson Welles in Vienna; three friends",
                                               "Peter Parker, 2 worlds", "12 megapixels by Canon",
                                               "程蝶衣与段小楼"};
    static const uint32_t row[] = {HEAT, HEAT, NOIR, SPIDER, CHINESE}, name[] = {0, 1, 2, 0, 6};
    static const float year[] = {1995, 1949, 2002, 2014, 1993}, value[] = {1};
    static const uint32_t zero[] = {0};
    static struct column column[4];
    (void)state;
    test_quiet();
    fixture_open(&f, 1, N_ITEMS, 1, zero, zero, value);
    column[0] =
        (struct column){.name = "title", .kind = COLUMN_TEXT, .text = test_strings(titles, N_ITEMS, f.arena)};
    column[1] =
        (struct column){.name = "genres", .kind = COLUMN_LIST, .names = test_strings(genres, 8, f.arena)};
    assert_ok(csr_from_triples(N_ITEMS, 8, 5, row, name, NULL, f.arena, &column[1].list, NULL));
    column[2] =
        (struct column){.name = "about", .kind = COLUMN_TEXT, .text = test_strings(about, N_ITEMS, f.arena)};
    column[3] = (struct column){.name = "year", .kind = COLUMN_NUMBER, .number = year};
    f.view.n_item_columns = 4;
    f.view.item_columns = column;
    assert_ok(facts_open(&f.view, "Watch discover\n tense", f.arena, &facts));
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    facts_close(facts);
    fixture_close(&f);
    return 0;
}

/* `expected`: "number 1994|name Tarantino", "" for none. */
static void expect(uint32_t item, const char *text, const char *expected)
{
    struct fact_problem problem[16];
    char got[1024] = "";
    size_t n;
    assert_ok(facts_check(facts, item, text, strlen(text), problem, 16, &n));
    assert_true(n <= 16);
    for (size_t i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s %s", i > 0 ? "|" : "",
                 fact_kinds[problem[i].kind], problem[i].text);
    if (strcmp(got, expected) != 0)
        fail_msg("'%s': found '%s', expected '%s'", text, got, expected);
}

static void what_is_planted_is_found(void **state)
{
    (void)state;
    expect(HEAT, "A duel from 1995 in Los Angeles.", "");
    expect(HEAT, "A duel from 1994 in Los Angeles.", "number 1994");
    expect(HEAT, "A duel of the 1990s with seven men.", "number 1990|number seven");
    expect(HEAT, "with Tarantino and Al Pacino", "name Tarantino");
    expect(HEAT, "Watch De Niro. Tarantino is not here. Tense!", "name Tarantino");
    expect(HEAT, "They meet in New York, and I'm glad it is Heat.", "name New|name York");
    expect(HEAT, "crimes and actions", "");
    expect(HEAT, "a comedy of crime", "genre comedy");
    expect(HEAT, "two Comedies, one war", "number two|name Comedies|genre Comedies|genre war");
    expect(HEAT, "sci-fi and film noir", "genre sci-fi|genre film noir");
    expect(NOIR, "The Third Man is film noir in Vienna, with 3 friends.", "");
    expect(NOIR, "the third man's film-noir of three friends", "");
    expect(NOIR, "An action film of 1,949.", "genre action");
    expect(SPIDER, "Peter's war: Spider, man of 2 worlds", "");
    expect(SPIDER, "Peter's war of three worlds", "number three");
    expect(CAMERA, "EOS 1200 by Canon, 12 megapixels", "");
    expect(CAMERA, "EOS 1300 by Nikon, 12.5 megapixels", "number 1300|name Nikon|number 12.5");
    expect(CAMERA, "１２ megapixels, but not １３", "number １３");
    expect(HEAT, "", "");
}

static void chinese_too(void **state)
{
    (void)state;
    expect(CHINESE, "一部1993年的剧情片，程蝶衣与段小楼的故事。", "");
    expect(CHINESE, "一部1994年的剧情片。", "number 1994");
    expect(CHINESE, "《霸王别姬》是一个关于人生的故事。", "");
    expect(CHINESE, "像《活着》一样，是关于人生的故事。", "name 活着");
    expect(CHINESE, "导演 Zhang Yimou 讲了一个关于戏的故事，很长的故事。", "name Zhang|name Yimou");
    expect(CHINESE, "一个爱情故事。", "genre 爱情");
    expect(HEAT, "一部精彩的剧情片。", "genre 剧情");
}

/* Whatever bytes come: no crash, and a text of its own record's words has no problem. */
static void any_bytes(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 500; seed++) {
        char text[64];
        struct fact_problem problem[3];
        size_t n;
        for (uint32_t i = 0; i < sizeof text; i++)
            text[i] = (char)(256 * random_unit(9, RANDOM_SYNTH, seed, i));
        assert_ok(facts_check(facts, seed % N_ITEMS, text, sizeof text, problem, 3, &n));
        for (size_t k = 0; k < n && k < 3; k++)
            assert_true(utf8_valid_prefix(problem[k].text, strlen(problem[k].text)) ==
                        strlen(problem[k].text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_planted_is_found),
        cmocka_unit_test(chinese_too),
        cmocka_unit_test(any_bytes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
