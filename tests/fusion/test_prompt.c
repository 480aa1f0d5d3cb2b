/* test_prompt.c - prompt files: sections, escapes, plain titles; what is wrong with one is told with its line. */
#include "../test.h"

#include <string.h>

#include "fusion/prompt.h"

static char *folder;
static struct arena *arena;

static enum status nothing(void *context, const char *name, struct string_builder *out, bool *known)
{
    (void)context, (void)name, (void)out;
    *known = false;
    return STATUS_OK;
}

static enum status open_text(const char *text, struct prompt_file *out)
{
    test_write(test_path(folder, "mine.txt"), text);
    return prompt_open(test_path(folder, "mine.txt"), arena, out);
}

static void prompts_are_checked(void **state)
{
    struct prompt_file p, q;
    struct string_builder b = {0};
    char *out;
    static const struct {
        const char *title, *plain;
    } plain[] = {{"Matrix, The (1999)", "The Matrix"},
                 {"Alien (1979)", "Alien"},
                 {"Up", "Up"},
                 {"(500) Days of Summer (2009)", "(500) Days of Summer"},
                 {"Bug's Life, A", "A Bug's Life"},
                 {"Avventura, L' (1960)", "L'Avventura"},
                 {"The", "The"},
                 {", The", ", The"},
                 {"2001 (19x8)", "2001 (19x8)"},
                 {"", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        b.length = 0;
        assert_ok(prompt_plain(plain[i].title, strlen(plain[i].title), &b));
        assert_true(b.length == strlen(plain[i].plain) &&
                    memcmp(b.bytes != NULL ? b.bytes : "", plain[i].plain, b.length) == 0);
    }
    string_builder_free(&b);
    assert_ok(open_text("# note\n[item]\r\n\n a {x}\\s\r\n\n[between]\n\\n\n[last]\n{title} \\\\n", &p));
    assert_int_equal(p.n, 3);
    assert_string_equal(prompt_section(&p, "item"), "\n a {x} ");
    assert_string_equal(prompt_section(&p, "between"), "\n");
    assert_string_equal(prompt_section(&p, "last"), "{title} \\n");
    assert_true(prompt_has("{y} {title|plain}", "title") && !prompt_has("{titles}", "title"));
    test_fails(prompt_render(&p, "item", nothing, NULL, arena, &out), STATUS_DATA, "[item]", "{x}", NULL);
    test_fails(prompt_open("no-such-prompt", arena, &q), STATUS_USAGE, "rerank-sequential", "no-such-prompt",
               NULL);
    test_fails(open_text("[a]\n[b]\n[a]\n", &q), STATUS_DATA, ":3", "[a]", "twice", NULL);
    test_fails(open_text("no heading\n", &q), STATUS_DATA, "no section", NULL);
    test_fails(open_text("[a]\n\xff\n", &q), STATUS_DATA, "UTF-8", NULL);
    assert_ok(open_text("[a]\n1\n", &p));
    assert_ok(open_text("[a]\n2\n", &q));
    assert_string_not_equal(p.sha256, q.sha256);
}

static int set_up(void **state)
{
    (void)state;
    test_quiet();
    folder = test_folder();
    arena = arena_new();
    return arena == NULL;
}
static int tear_down(void **state)
{
    (void)state;
    arena_free(arena);
    test_folder_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(prompts_are_checked)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
