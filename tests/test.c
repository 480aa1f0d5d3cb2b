/* test.c - see test.h. */
#include "test.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *test_folder(void)
{
    const char *base = getenv("TMPDIR");
    char *name = NULL;
    if (asprintf(&name, "%s/recfuse-test-XXXXXX", base != NULL ? base : "/tmp") < 0 || mkdtemp(name) == NULL)
        fail_msg("no temporary folder could be made");
    return name;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
    (void)info, (void)kind, (void)ftw;
    return remove(path);
}

void test_folder_remove(char *folder)
{
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

const char *test_path(const char *folder, const char *name)
{
    static char path[8][4096];
    static unsigned turn;
    char *out = path[turn++ % 8];
    snprintf(out, sizeof path[0], "%s/%s", folder, name);
    return out;
}

void test_write(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void keep(void *context, enum status status, const char *sentence)
{
    (void)context, (void)status, (void)sentence;
}

void test_quiet(void)
{
    status_set_handler(keep, NULL, NULL, NULL);
}

void test_fails(enum status got, enum status expected, ...)
{
    va_list words;
    if (got != expected)
        fail_msg("status %d, expected %d: %s", got, expected, status_sentence());
    va_start(words, expected);
    for (const char *word = va_arg(words, const char *); word != NULL; word = va_arg(words, const char *))
        if (strstr(status_sentence(), word) == NULL) {
            va_end(words);
            fail_msg("'%s' is not in: %s", word, status_sentence());
        }
    va_end(words);
}

struct strings test_strings(const char *const *text, size_t n, struct arena *arena)
{
    struct string_builder b = {0};
    struct strings out;
    for (size_t i = 0; i < n; i++)
        assert_ok(string_builder_add(&b, text[i], strlen(text[i])));
    assert_ok(string_builder_finish(&b, arena, &out));
    return out;
}
