/* print.c - see print.h. */
#include "llm/print.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "text/unicode.h"

static enum status not_written(void)
{
    return status_fail(STATUS_SYSTEM, "the output could not be written: %s", strerror(errno));
}

enum status print_json_text(const char *text, size_t length, FILE *out)
{
    char *valid = malloc(3 * length + 4); /* a bad byte becomes the three of U+FFFD */
    size_t n = 0;
    if (valid == NULL)
        return status_fail(STATUS_SYSTEM, "memory is out: a text of %zu bytes", length);
    for (size_t at = 0; at < length;)
        n += unicode_put(unicode_next(text, length, &at), valid + n);
    json_t *json = json_stringn(valid, n);
    free(valid);
    const int failed = json == NULL || json_dumpf(json, out, JSON_ENCODE_ANY) != 0;
    json_decref(json);
    return failed ? not_written() : STATUS_OK;
}

void print_json_ids(const uint32_t *ids, size_t n, FILE *out)
{
    fputc('[', out);
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%s%u", i > 0 ? ", " : "", ids[i]);
    fputc(']', out);
}

enum status print_flush(FILE *out)
{
    return fflush(out) != 0 || ferror(out) ? not_written() : STATUS_OK;
}

enum status print_each(const char *const *texts, size_t n_texts, FILE *in,
                       enum status (*each)(void *context, const char *text, size_t length), void *context)
{
    char *line = NULL;
    size_t allocated = 0;
    ssize_t n;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < n_texts && status == STATUS_OK; i++)
        status = each(context, texts[i], strlen(texts[i]));
    while (n_texts == 0 && status == STATUS_OK && (n = getline(&line, &allocated, in)) >= 0) {
        if (n > 0 && line[n - 1] == '\n')
            n--;
        if (n > 0 && line[n - 1] == '\r')
            n--;
        status = each(context, line, (size_t)n);
    }
    if (n_texts == 0 && status == STATUS_OK && ferror(in))
        status = status_fail(STATUS_SYSTEM, "the input could not be read: %s", strerror(errno));
    free(line);
    return status;
}
