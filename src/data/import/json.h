/*
 * json.h - a file of JSON objects, one a line (jansson), read one line at a time; a line may also be the
 * repr() of a Python dict, as the Amazon metadata of 2014 is published.
 */
#ifndef IMPORT_JSON_H
#define IMPORT_JSON_H
#include <jansson.h>

#include "data/import/record.h"

struct json_lines {
    struct reader reader;
    json_t *row;       /* the object of the line last parsed */
    uint64_t n_python; /* lines that were Python dicts */
    /* inside */
    char *json; /* a Python line turned into JSON */
    size_t json_allocated;
};

/* Errors as reader_open(); a zeroed or closed one may be closed. */
enum status json_lines_open(struct json_lines *j, const char *path, struct source_log *log);
void json_lines_close(struct json_lines *j);

/* The next line that isn't empty; *length 0 at the end.  Empty lines may stand at the end only. */
enum status json_lines_next(struct json_lines *j, const char **line, size_t *length);
/* Parses it into j->row.  STATUS_DATA with FILE:LINE:COLUMN: no JSON, no object, something after it, half a
 * surrogate pair. */
enum status json_lines_parse(struct json_lines *j, const char *line, size_t length);

/* STATUS_DATA "FILE:LINE: sentence". */
enum status json_lines_fail(const struct json_lines *j, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The first of two keys (the second may be NULL) that is there and not null, as text; *there false when
 * neither is.  STATUS_DATA when it is no string. */
enum status json_text(const struct json_lines *j, const char *key, const char *other, struct field *out,
                      bool *there);
/* As above, as a number; "4.0" in quotes is taken too. */
enum status json_number(const struct json_lines *j, const char *key, const char *other, double *out,
                        bool *there);
/* As above, but it must be there and not be empty. */
enum status json_id(const struct json_lines *j, const char *key, const char *other, struct field *out);
/* The value of either key, NULL when neither is there or null. */
const json_t *json_either(const struct json_lines *j, const char *key, const char *other);
/* "a string", "a list" ... */
const char *json_kind(const json_t *value);

/* A Python literal (dict, list, strings, numbers, True, False, None) as JSON text in *json, which grows as
 * needed. *bad: the byte (from 0) that is not understood, and why; *length is then 0. */
enum status python_to_json(const char *line, size_t n, char **json, size_t *allocated, size_t *length,
                           size_t *bad, const char **why);

/* A whole JSON document, plain or gz, of at most `limit` bytes; decref it.  STATUS_DATA with
 * FILE:LINE:COLUMN. */
enum status json_document(const char *path, size_t limit, struct source_log *log, json_t **out);

#endif
