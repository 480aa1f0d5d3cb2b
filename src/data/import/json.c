/*
 * json.c - see json.h.
 */
#include "data/import/json.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum status json_lines_open(struct json_lines *j, const char *path, struct source_log *log)
{
    memset(j, 0, sizeof *j);
    return reader_open(&j->reader, path, READER_UTF8, log);
}

void json_lines_close(struct json_lines *j)
{
    reader_close(&j->reader);
    json_decref(j->row);
    free(j->json);
    j->row = NULL;
    j->json = NULL;
}

enum status json_lines_fail(const struct json_lines *j, const char *format, ...)
{
    char sentence[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return reader_fail(&j->reader, j->reader.line, 0, "%s", sentence);
}

static bool is_empty(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r' && line[i] != '\n')
            return false;
    return true;
}

enum status json_lines_next(struct json_lines *j, const char **line, size_t *length)
{
    uint64_t empty_line = 0;
    for (;;) {
        TRY(reader_line(&j->reader, line, length));
        if (*length == 0)
            return STATUS_OK;
        if (!is_empty(*line, *length))
            break;
        empty_line = empty_line > 0 ? empty_line : j->reader.line;
    }
    if (empty_line > 0)
        return reader_fail(&j->reader, empty_line, 0, "an empty line between rows: remove it");
    return STATUS_OK;
}

/* jansson's sentence on one line, without the text it quotes from the file. */
static void tidy(char *text)
{
    char *near = strstr(text, " near '");
    if (near != NULL)
        *near = '\0';
    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
}

enum status json_lines_parse(struct json_lines *j, const char *line, size_t length)
{
    json_error_t error;
    const char *begin = line, *end = line + length;
    json_decref(j->row);
    j->row = NULL;
    while (begin < end && *begin == ' ')
        begin++;
    const bool is_python = end - begin > 2 && begin[0] == '{' && (begin[1] == '\'' || begin[1] == 'u');
    if (is_python) {
        size_t bad;
        const char *why;
        TRY(python_to_json(line, length, &j->json, &j->json_allocated, &length, &bad, &why));
        if (why != NULL)
            return reader_fail(&j->reader, j->reader.line, bad + 1, "found %s, expected a Python dict", why);
        line = j->json;
        j->n_python++;
    }
    j->row = json_loadb(line, length, 0, &error);
    if (j->row == NULL) {
        tidy(error.text);
        return reader_fail(&j->reader, j->reader.line,
                           is_python || error.position < 0 ? 0 : (size_t)error.position + 1, "not %s: %s",
                           is_python ? "a Python dict" : "one JSON object a line", error.text);
    }
    if (!json_is_object(j->row))
        return json_lines_fail(j, "found %s, expected a JSON object", json_kind(j->row));
    return STATUS_OK;
}

const char *json_kind(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_NULL:
        return "null";
    default:
        return "true or false";
    }
}

const json_t *json_either(const struct json_lines *j, const char *key, const char *other)
{
    const json_t *value = json_object_get(j->row, key);
    if ((value == NULL || json_is_null(value)) && other != NULL)
        value = json_object_get(j->row, other);
    return value == NULL || json_is_null(value) ? NULL : value;
}

enum status json_text(const struct json_lines *j, const char *key, const char *other, struct field *out,
                      bool *there)
{
    const json_t *value = json_either(j, key, other);
    *out = (struct field){"", 0};
    *there = value != NULL;
    if (value == NULL)
        return STATUS_OK;
    if (!json_is_string(value))
        return json_lines_fail(j, "'%s' is %s, expected a string", key, json_kind(value));
    *out = (struct field){json_string_value(value), json_string_length(value)};
    return STATUS_OK;
}

enum status json_number(const struct json_lines *j, const char *key, const char *other, double *out,
                        bool *there)
{
    const json_t *value = json_either(j, key, other);
    float number;
    int64_t whole;
    *there = value != NULL;
    if (value == NULL)
        return STATUS_OK;
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return STATUS_OK;
    }
    const struct field text = {json_string_value(value), json_string_length(value)};
    if (json_is_string(value) && field_integer(text, &whole))
        *out = (double)whole;
    else if (json_is_string(value) && field_real(text, &number))
        *out = number;
    else
        return json_lines_fail(j, "'%s' is %s, expected a number", key, json_kind(value));
    return STATUS_OK;
}

enum status json_id(const struct json_lines *j, const char *key, const char *other, struct field *out)
{
    bool there;
    TRY(json_text(j, key, other, out, &there));
    if (out->length == 0)
        return json_lines_fail(j, "'%s' is %s, expected an id", other != NULL ? other : key,
                               there ? "empty" : "missing");
    return STATUS_OK;
}

struct document {
    struct reader reader;
    size_t n, limit;
    enum status status;
    const char *line;
    size_t length;
};

/* jansson asks for more. */
static size_t document_bytes(void *buffer, size_t room, void *context)
{
    struct document *d = context;
    if (d->length == 0 && d->status == STATUS_OK)
        d->status = reader_piece(&d->reader, &d->line, &d->length);
    if (d->status == STATUS_OK && d->n + d->length > d->limit)
        d->status =
            status_fail(STATUS_DATA, "%s: is larger than %zu bytes unpacked", d->reader.path, d->limit);
    if (d->status != STATUS_OK)
        return (size_t)-1;
    const size_t n = d->length < room ? d->length : room;
    if (n > 0)
        memcpy(buffer, d->line, n);
    d->line += n;
    d->length -= n;
    d->n += n;
    return n;
}

enum status json_document(const char *path, size_t limit, struct source_log *log, json_t **out)
{
    struct document d = {.limit = limit};
    json_error_t error;
    TRY(reader_open(&d.reader, path, READER_UTF8, log));
    *out = json_load_callback(document_bytes, &d, 0, &error);
    enum status status = d.status;
    if (*out == NULL && status == STATUS_OK) {
        tidy(error.text);
        status = reader_fail(&d.reader, (uint64_t)(error.line > 0 ? error.line : 1),
                             (size_t)(error.column > 0 ? error.column : 0), "not JSON: %s", error.text);
    }
    reader_close(&d.reader);
    if (status != STATUS_OK) {
        json_decref(*out);
        *out = NULL;
    }
    return status;
}
