/* test_node_param.c - YAML trees and parameter tables: every complaint names its place. */
#include "../test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/param.h"

struct toy {
    int factors, solver;
    double regularization;
    bool shuffle;
    const char *file;
    struct param_list text;
    const struct node *ids;
};
static const struct param TABLE[] = {
    PARAM_INT(struct toy, factors, 64, 1, 4096, "dimensions"),
    PARAM_REAL(struct toy, regularization, 0.003, 0, 10, "L2 weight"),
    PARAM_BOOL(struct toy, shuffle, true, "order"),
    PARAM_CHOICE(struct toy, solver, "cg", "cg|cholesky", "solver"),
    PARAM_STRING(struct toy, file, NULL, "file"),
    PARAM_LIST(struct toy, text, "title|genres", "title|genres|tags", "fields"),
    PARAM_NODE(struct toy, ids, "ids"),
    PARAM_END};

static struct arena *arena;
static int set_up(void **state)
{
    (void)state;
    arena = arena_new();
    return arena == NULL;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static enum status parse(const char *text, struct node **out)
{
    return node_parse("x.yaml", text, strlen(text), arena, out);
}

static enum status set(const char *text, struct toy *toy)
{
    struct node *node;
    *toy = (struct toy){0};
    TRY(params_default(TABLE, arena, toy));
    TRY(parse(text, &node));
    return params_set(TABLE, "toy", node, arena, toy);
}

static void tree_remembers_places(void **state)
{
    struct node *root;
    (void)state;
    assert_ok(parse("a: 1\nb:\n  - x\n  - {c: 'two words'}\n", &root));
    const struct node *b = node_get(root, "b"), *c = node_get(b->child[1], "c");
    assert_int_equal(b->kind, NODE_LIST);
    assert_string_equal(c->text, "two words");
    assert_true(c->quoted);
    assert_int_equal(c->line, 4);
    assert_int_equal(c->column, 9);
    assert_int_equal(c->key_column, 6);
    assert_null(node_get(root, "d"));
}

static void aliases_share_but_do_not_explode(void **state)
{
    struct node *root;
    (void)state;
    assert_ok(parse("a: &x {k: 5}\nb: *x\n", &root));
    assert_string_equal(node_get(node_get(root, "b"), "k")->text, "5");
    assert_string_equal(node_get(root, "a")->key, "a"); /* the copy under b has a key of its own */
    char bomb[4096] = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 10; i++) {
        char line[256];
        snprintf(line, sizeof line, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
                 i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strcat(bomb, line);
    }
    test_fails(parse(bomb, &root), STATUS_USAGE, "aliases expand to more than", NULL);
    test_fails(parse("b: *nobody\n", &root), STATUS_USAGE, "x.yaml:1:4", "nobody", NULL);
}

static void bad_yaml_is_placed(void **state)
{
    struct node *root;
    (void)state;
    test_fails(parse("a: 1\na: 2\n", &root), STATUS_USAGE, "x.yaml:2:1", "'a' stands twice", "line 1", NULL);
    test_fails(parse("a: [1, 2\nb: 3\n", &root), STATUS_USAGE, "x.yaml:", "not valid YAML", NULL);
    test_fails(parse("", &root), STATUS_USAGE, "is empty", NULL);
    test_fails(parse("a: 1\n---\nb: 2\n", &root), STATUS_USAGE, "x.yaml:2:1", "second document", NULL);
    test_fails(parse("a: \xff\xfe\n", &root), STATUS_USAGE, "x.yaml", "UTF-8", NULL);
    char deep[1024];
    memset(deep, '[', 200);
    memset(deep + 200, ']', 200);
    deep[400] = '\0';
    test_fails(parse(deep, &root), STATUS_USAGE, "nested deeper", NULL);
    test_fails(node_parse_file("/nonexistent/x.yaml", arena, &root), STATUS_DATA, "no such file", NULL);
}

static void defaults_and_values(void **state)
{
    struct toy toy;
    char *json, *text;
    (void)state;
    assert_ok(
        set("{factors: 32, regularization: 1e-2, shuffle: false, solver: cholesky, file: a b, text: [tags]}",
            &toy));
    assert_int_equal(toy.factors, 32);
    assert_float_equal(toy.regularization, 0.01, 0);
    assert_false(toy.shuffle);
    assert_int_equal(toy.solver, 1);
    assert_string_equal(toy.file, "a b");
    assert_int_equal(toy.text.n, 1);
    assert_ok(params_json(TABLE, &toy, arena, &json));
    assert_string_equal(
        json, "{\"factors\":32,\"file\":\"a b\",\"ids\":null,\"regularization\":0.01,\"shuffle\":false,"
              "\"solver\":\"cholesky\",\"text\":[\"tags\"]}");
    toy = (struct toy){0};
    assert_ok(params_default(TABLE, arena, &toy));
    assert_int_equal(toy.text.n, 2);
    assert_string_equal(toy.text.item[1], "genres");
    assert_null(toy.file);
    assert_ok(param_text(param_find(TABLE, "text"), &toy, arena, &text));
    assert_string_equal(text, "[title, genres]");
    assert_ok(param_text(param_find(TABLE, "regularization"), &toy, arena, &text));
    assert_string_equal(text, "0.003");
}

static void complaints_name_line_range_and_nearest(void **state)
{
    struct toy toy;
    (void)state;
    test_fails(set("factors: 8\nregularisation: 1\n", &toy), STATUS_USAGE, "x.yaml:2:1",
               "unknown parameter 'regularisation' of toy; did you mean 'regularization'?", NULL);
    test_fails(set("zzz: 1\n", &toy), STATUS_USAGE, "known are: factors, regularization", NULL);
    test_fails(set("factors: -3\n", &toy), STATUS_USAGE, "x.yaml:1:10", "-3", "from 1 to 4096", NULL);
    test_fails(set("factors: 2.5\n", &toy), STATUS_USAGE, "whole number", NULL);
    test_fails(set("factors: [8, 16]\n", &toy), STATUS_USAGE, "grid:", NULL);
    test_fails(set("regularization: .nan\n", &toy), STATUS_USAGE, "'.nan'", "number", NULL);
    test_fails(set("regularization: 1e999\n", &toy), STATUS_USAGE, "finite", NULL);
    test_fails(set("regularization: nan\n", &toy), STATUS_USAGE, "'nan'", NULL);
    test_fails(set("regularization: '1'\n", &toy), STATUS_USAGE, "number", NULL);
    test_fails(set("shuffle: yes\n", &toy), STATUS_USAGE, "true or false", NULL);
    test_fails(set("solver: lu\n", &toy), STATUS_USAGE, "'lu'", "cg or cholesky", NULL);
    test_fails(set("text: [title, plot]\n", &toy), STATUS_USAGE, "x.yaml:1:15", "'plot'", NULL);
    test_fails(set("text: [title, title]\n", &toy), STATUS_USAGE, "twice", NULL);
    test_fails(set("[1]\n", &toy), STATUS_USAGE, "name: value", NULL);
}

/* Of a block that its owner reads, numbers and truth values stay what they were; what was in quotes stays words. */
static void blocks_keep_their_kinds(void **state)
{
    struct toy toy;
    char *json = NULL;
    (void)state;
    assert_ok(set("ids: [{a: 0.5, b: 3, c: true, d: '0.5', e: 007, f: word}]\n", &toy));
    assert_ok(params_json(TABLE, &toy, arena, &json));
    assert_non_null(
        strstr(json, "[{\"a\":0.5,\"b\":3,\"c\":true,\"d\":\"0.5\",\"e\":\"007\",\"f\":\"word\"}]"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tree_remembers_places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(aliases_share_but_do_not_explode, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_yaml_is_placed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(defaults_and_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(complaints_name_line_range_and_nearest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(blocks_keep_their_kinds, set_up, tear_down),
    };
    test_quiet();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
