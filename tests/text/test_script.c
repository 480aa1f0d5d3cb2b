/* test_script.c - text/script.c: our own phrases in each script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/script.h"

static void scripts_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *script;
    } cases[] = {
        {"", "none"},
        {"1994 - 42 !", "none"},
        {"The Lost Caf\xC3\xA9 (1994)", "latin"},
        {"\xE7\x94\xB5\xE5\xBD\xB1\xEF\xBC\x8C 3D IMAX \xE5\xBE\x88\xE5\xA5\xBD\xE7\x9C\x8B\xE4\xBA\x86",
         "mixed"},
        {"\xE7\x94\xB5\xE5\xBD\xB1\xE5\xBE\x88\xE5\xA5\xBD\xE7\x9C\x8B OK", "han"},
        {"\xE6\x98\xA0\xE7\x94\xBB\xE3\x82\x92\xE8\xA6\x8B\xE3\x82\x8B", "japanese"},
        {"\xEC\x98\x81\xED\x99\x94", "hangul"},
        {"\xD0\xB2\xD0\xBE\xD0\xB9\xD0\xBD\xD0\xB0", "cyrillic"},
        {"\xCE\xBB\xCF\x8C\xCE\xB3\xCE\xBF\xCF\x82", "greek"},
        {"\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", "hebrew"},
        {"\xD8\xB3\xD9\x84\xD8\xA7\xD9\x85", "arabic"},
        {"\xE0\xB8\xAA\xE0\xB8\xA7", "thai"},
        {"film \xD0\xB2\xD0\xBE\xD0\xB9\xD0\xBD\xD0\xB0", "mixed"},
        {"\xFF\xFE plain \x80", "latin"}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        assert_string_equal(script_name(script_guess(cases[k].text, strlen(cases[k].text))), cases[k].script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(scripts_are_told_apart)};
    return cmocka_run_group_tests_name("script", tests, NULL, NULL);
}
