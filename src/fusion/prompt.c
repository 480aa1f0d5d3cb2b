/* prompt.c - see prompt.h. */
#include "fusion/prompt.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prompts.h"

enum { LIMIT_FILE = 1 << 20, LIMIT_SECTIONS = 32, LIMIT_NAME = 63 };

static const char *shipped(const char *name)
{
    for (size_t i = 0; i < sizeof prompts_shipped / sizeof *prompts_shipped; i++)
        if (strcmp(prompts_shipped[i].name, name) == 0)
            return prompts_shipped[i].text;
    return NULL;
}

static enum status unknown_prompt(const char *name, struct arena *arena)
{
    char *names = arena_strdup(arena, "");
    for (size_t i = 0; names != NULL && i < sizeof prompts_shipped / sizeof *prompts_shipped; i++)
        names = arena_printf(arena, "%s%s%s", names, i > 0 ? ", " : "", prompts_shipped[i].name);
    return status_fail(STATUS_USAGE,
                       "prompt '%s': there is no such file, and none of that name in the program; it has %s",
                       name, names != NULL ? names : "");
}

/* Writes the section's text without line ends at its ends, escapes resolved, in place. */
static char *finish_text(char *text, size_t length)
{
    while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
        length--;
    char *to = text, *from = text, *end = text + length;
    while (from < end) {
        if (*from == '\r' && from + 1 < end && from[1] == '\n') {
            from++;
        } else if (*from == '\\' && from + 1 < end && strchr("ns\\", from[1]) != NULL) {
            *to++ = from[1] == 'n' ? '\n' : from[1] == 's' ? ' ' : '\\';
            from += 2;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
    return text;
}

/* "[name]" alone on its line: its length; else 0. */
static size_t heading(const char *line, const char *end)
{
    size_t n = 1;
    if (line >= end || *line != '[')
        return 0;
    while (line + n < end && (islower((unsigned char)line[n]) || isdigit((unsigned char)line[n]) ||
                              line[n] == '_' || line[n] == ' '))
        n++;
    if (n == 1 || n > LIMIT_NAME || line + n >= end || line[n] != ']')
        return 0;
    const char *rest = line + n + 1;
    rest += rest < end && *rest == '\r';
    return rest == end || *rest == '\n' ? n + 1 : 0;
}

/* Cuts the bytes into sections; a line end is behind them. */
static enum status cut(struct prompt_file *f, char *bytes, size_t n, struct arena *arena)
{
    char *begin = NULL, *end = bytes + n;
    int number = 1;
    ARENA_NEW(f->section, arena, LIMIT_SECTIONS);
    for (char *line = bytes; line < end; number++) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        stop = stop != NULL ? stop : end;
        const size_t head = heading(line, end);
        if (head > 0) {
            if (begin != NULL)
                f->section[f->n - 1].text = finish_text(begin, (size_t)(line - begin));
            char *name = arena_printf(arena, "%.*s", (int)head - 2, line + 1);
            if (name == NULL)
                return STATUS_SYSTEM;
            if (prompt_section(f, name) != NULL)
                return status_fail(STATUS_DATA, "prompt %s:%d: section [%s] stands twice", f->name, number,
                                   name);
            if (f->n == LIMIT_SECTIONS)
                return status_fail(STATUS_DATA, "prompt %s:%d: more than %d sections", f->name, number,
                                   LIMIT_SECTIONS);
            f->section[f->n++] = (struct prompt_section){name, ""};
            begin = stop < end ? stop + 1 : end;
        }
        line = stop + 1;
    }
    if (begin == NULL)
        return status_fail(STATUS_DATA, "prompt %s: no section, such as [prompt] alone on its line", f->name);
    f->section[f->n - 1].text = finish_text(begin, (size_t)(end - begin));
    return STATUS_OK;
}

enum status prompt_open(const char *name, struct arena *arena, struct prompt_file *out)
{
    const char *text = shipped(name);
    char *bytes;
    size_t n = 0;
    *out = (struct prompt_file){.name = arena_strdup(arena, name)};
    if (out->name == NULL)
        return STATUS_SYSTEM;
    if (text == NULL && !file_exists(name))
        return unknown_prompt(name, arena);
    if (text != NULL) {
        n = strlen(text);
        bytes = arena_copy(arena, text, n + 1, 1);
        if (bytes == NULL)
            return STATUS_SYSTEM;
    } else {
        TRY(read_whole_file(name, LIMIT_FILE, arena, &bytes, &n));
    }
    if (utf8_valid_prefix(bytes, n) < n || memchr(bytes, '\0', n) != NULL)
        return status_fail(STATUS_DATA, "prompt %s is not UTF-8 text", name);
    sha256_hex(bytes, n, out->sha256);
    return cut(out, bytes, n, arena);
}

const char *prompt_section(const struct prompt_file *file, const char *name)
{
    for (size_t i = 0; i < file->n; i++)
        if (strcmp(file->section[i].name, name) == 0)
            return file->section[i].text;
    return NULL;
}

enum status prompt_need(const struct prompt_file *file, const char *name, const char **out)
{
    *out = prompt_section(file, name);
    return *out != NULL ? STATUS_OK
                        : status_fail(STATUS_DATA, "prompt %s has no section [%s]", file->name, name);
}

/* "{name}" or "{name|plain}" at `at`: its whole length; 0: no place. */
static size_t place(const char *at, char name[LIMIT_NAME + 1], bool *plain)
{
    static const char mark[] = "|plain";
    size_t n = 1;
    if (*at != '{')
        return 0;
    while (islower((unsigned char)at[n]) || isdigit((unsigned char)at[n]) || at[n] == '_')
        n++;
    *plain = strncmp(at + n, mark, sizeof mark - 1) == 0;
    const size_t end = n + (*plain ? sizeof mark - 1 : 0);
    if (n == 1 || n > LIMIT_NAME || at[end] != '}')
        return 0;
    memcpy(name, at + 1, n - 1);
    name[n - 1] = '\0';
    return end + 1;
}

size_t prompt_place(const char *at, char name[LIMIT_NAME + 1])
{
    bool plain;
    return place(at, name, &plain);
}

bool prompt_has(const char *text, const char *name)
{
    char found[LIMIT_NAME + 1];
    for (; *text != '\0'; text++)
        if (prompt_place(text, found) > 0 && strcmp(found, name) == 0)
            return true;
    return false;
}

static enum status fill(const struct prompt_file *file, const char *section, const char *name, bool plain,
                        prompt_value *value, void *context, struct string_builder *out)
{
    const size_t begin = out->length;
    bool known = true;
    TRY(value(context, name, out, &known));
    if (!known)
        return status_fail(STATUS_DATA, "prompt %s, section [%s]: nothing stands for {%s}", file->name,
                           section, name);
    if (!plain || out->length == begin)
        return STATUS_OK;
    const size_t n = out->length - begin;
    char *text = malloc(n);
    if (text == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: a prompt");
    memcpy(text, out->bytes + begin, n);
    out->length = begin;
    const enum status status = prompt_plain(text, n, out);
    free(text);
    return status;
}

static enum status render(const struct prompt_file *file, const char *section, const char *text,
                          prompt_value *value, void *context, struct string_builder *out)
{
    for (const char *at = text; *at != '\0';) {
        char name[LIMIT_NAME + 1];
        bool plain;
        const size_t n = place(at, name, &plain);
        if (n > 0)
            TRY(fill(file, section, name, plain, value, context, out));
        else
            TRY(string_builder_append(out, at, 1));
        at += n > 0 ? n : 1;
    }
    return STATUS_OK;
}

enum status prompt_render(const struct prompt_file *file, const char *section, prompt_value *value,
                          void *context, struct arena *arena, char **out)
{
    struct string_builder b = {0};
    const char *text;
    TRY(prompt_need(file, section, &text));
    enum status status = render(file, section, text, value, context, &b);
    if (status == STATUS_OK) {
        *out = arena_alloc(arena, b.length + 1, 1);
        if (*out == NULL)
            status = STATUS_SYSTEM;
        else if (b.length > 0)
            memcpy(*out, b.bytes, b.length);
    }
    string_builder_free(&b);
    return status;
}

/* Behind the title, before a year in parentheses. */
static size_t before_year(const char *t, size_t n)
{
    while (n > 0 && t[n - 1] == ' ')
        n--;
    if (n < 7 || t[n - 1] != ')' || t[n - 6] != '(')
        return n;
    for (size_t i = n - 5; i < n - 1; i++)
        if (!isdigit((unsigned char)t[i]))
            return n;
    n -= 6;
    while (n > 0 && t[n - 1] == ' ')
        n--;
    return n;
}

enum status prompt_plain(const char *title, size_t length, struct string_builder *out)
{
    static const char *const articles[] = {"The", "A",  "An", "Le",  "La",  "Les",
                                           "L'",  "Il", "El", "Die", "Der", "Das"};
    const size_t n = before_year(title, length);
    for (size_t i = 0; i < sizeof articles / sizeof *articles; i++) {
        const size_t a = strlen(articles[i]);
        if (n <= a + 2 || memcmp(title + n - a, articles[i], a) != 0 ||
            memcmp(title + n - a - 2, ", ", 2) != 0)
            continue;
        TRY(string_builder_append(out, articles[i], a));
        if (articles[i][a - 1] != '\'')
            TRY(string_builder_append(out, " ", 1));
        return string_builder_append(out, title, n - a - 2);
    }
    return string_builder_append(out, title, n);
}
