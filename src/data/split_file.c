/*
 * split_file.c - see split_file.h.
 *
 * zlib's gzread() gives plain files as they are, so one reader serves both.  Lines are read twice: a first
 * pass counts entries (fields of a line), the second fills them; both are the same code, so that an entry
 * array of the right size is allocated once.
 */
#include "data/split_file.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/fsio.h"
#include "base/strings.h"

/* 4 GiB unpacked: more than any published split; a bomb ends here. */
#define UNPACKED_LIMIT ((size_t)1 << 32)
#define CHUNK          ((size_t)1 << 20)

enum status split_file_exists(const char *path, const struct node *where)
{
    if (file_exists(path))
        return STATUS_OK;
    return status_fail(STATUS_DATA,
                       "%s:%d:%d: there is no file '%s' (paths are relative to the working folder)",
                       where->file, where->line, where->column, path);
}

/* Reads and unpacks the file into malloc'ed memory. */
static enum status unpack(const char *path, char **bytes, size_t *n)
{
    gzFile file = gzopen(path, "rb");
    if (file == NULL)
        return status_fail(errno == ENOENT ? STATUS_DATA : STATUS_SYSTEM, "%s: could not be opened: %s", path,
                           errno != 0 ? strerror(errno) : "out of memory");
    size_t allocated = CHUNK, length = 0;
    char *buffer = malloc(allocated);
    int got = 0;
    while (buffer != NULL && (got = gzread(file, buffer + length, (unsigned)(allocated - length))) > 0) {
        length += (size_t)got;
        if (length == UNPACKED_LIMIT)
            break;
        if (length < allocated)
            continue;
        const size_t step =
            allocated < ((size_t)1 << 30) ? allocated : (size_t)1 << 30; /* gzread takes an int */
        char *grown = realloc(buffer, allocated + step);
        if (grown == NULL)
            free(buffer);
        buffer = grown;
        allocated += step;
    }
    int error = Z_OK;
    const char *reason = gzerror(file, &error);
    enum status s = STATUS_OK;
    if (buffer == NULL)
        s = status_fail(STATUS_SYSTEM, "%s: out of memory after %zu bytes", path, length);
    else if (error == Z_BUF_ERROR)
        s = status_fail(STATUS_DATA, "%s: the gzip file is cut off", path);
    else if (got < 0)
        s = status_fail(error == Z_ERRNO ? STATUS_SYSTEM : STATUS_DATA, "%s: could not be read: %s", path,
                        error == Z_ERRNO ? strerror(errno) : reason);
    else if (length == UNPACKED_LIMIT)
        s = status_fail(STATUS_DATA, "%s: unpacks to more than 4 GiB", path);
    gzclose(file);
    if (s != STATUS_OK) {
        free(buffer);
        return s;
    }
    *bytes = buffer;
    *n = length;
    return STATUS_OK;
}

static size_t count_lines(const char *bytes, size_t n)
{
    size_t lines = n > 0 && bytes[n - 1] != '\n';
    for (const char *at = bytes; at != NULL && at < bytes + n;) {
        at = memchr(at, '\n', n - (size_t)(at - bytes));
        if (at != NULL) {
            lines++;
            at++;
        }
    }
    return lines;
}

enum status split_text_open(const char *path, struct arena *arena, struct split_text *out)
{
    char *raw = NULL;
    size_t n = 0;
    TRY(unpack(path, &raw, &n));
    *out = (struct split_text){.path = path, .n_bytes = n};
    out->bytes = arena_copy(arena, raw, n, 1);
    free(raw);
    if (out->bytes == NULL)
        return STATUS_SYSTEM;
    if (n == 0)
        return status_fail(STATUS_DATA, "%s: the file is empty", path);
    if (n >= 3 && memcmp(out->bytes, "\xef\xbb\xbf", 3) == 0)
        out->next = 3; /* a byte order mark */
    size_t good = utf8_valid_prefix(out->bytes, n);
    const char *nul = memchr(out->bytes, '\0', good);
    if (nul != NULL)
        good = (size_t)(nul - out->bytes);
    if (good < n)
        return status_fail(STATUS_DATA, "%s:%zu: %s; a text file in UTF-8 is expected", path,
                           count_lines(out->bytes, good) + (good == 0 || out->bytes[good - 1] == '\n'),
                           nul != NULL ? "holds a NUL byte" : "is not valid UTF-8");
    out->n_lines = count_lines(out->bytes, n);
    return STATUS_OK;
}

bool split_text_line(struct split_text *text, const char **line, size_t *length)
{
    if (text->next >= text->n_bytes)
        return false;
    const char *begin = text->bytes + text->next;
    const size_t rest = text->n_bytes - text->next;
    const char *end = memchr(begin, '\n', rest);
    size_t n = end != NULL ? (size_t)(end - begin) : rest;
    text->next += n + (end != NULL);
    text->line++;
    if (n > 0 && begin[n - 1] == '\r')
        n--;
    *line = begin;
    *length = n;
    return true;
}

bool split_real_number(const char *bytes, size_t length, double *out)
{
    char copy[64], *end;
    if (length == 0 || length >= sizeof copy)
        return false;
    for (size_t i = 0; i < length; i++) /* no spaces, hexadecimal, inf or nan */
        if (strchr("0123456789+-.eE", bytes[i]) == NULL || bytes[i] == '\0')
            return false;
    memcpy(copy, bytes, length);
    copy[length] = '\0';
    *out = strtod(copy, &end);
    return end == copy + length && isfinite(*out);
}

bool split_whole_number(const char *bytes, size_t length, long long *out)
{
    size_t i = length > 0 && (bytes[0] == '-' || bytes[0] == '+');
    if (i == length || length - i > 18)
        return false;
    long long value = 0;
    for (; i < length; i++) {
        if (bytes[i] < '0' || bytes[i] > '9')
            return false;
        value = value * 10 + (bytes[i] - '0');
    }
    *out = bytes[0] == '-' ? -value : value;
    return true;
}

enum { FIELDS_MAX = 5 }; /* one more than a line may have */

struct fields {
    size_t n; /* FIELDS_MAX: that many or more */
    const char *at[FIELDS_MAX];
    size_t length[FIELDS_MAX];
};

/* Cuts a tsv or csv line.  A csv field may stand in quotes (RFC 4180; no line end or doubled quote inside:
 * ids and numbers have none).  false: a quote that is not closed at the field's end. */
static bool cut(const char *line, size_t length, char separator, struct fields *out)
{
    out->n = 0;
    size_t begin = 0;
    while (out->n < FIELDS_MAX) {
        const bool quoted = separator == ',' && begin < length && line[begin] == '"';
        const char *end;
        if (quoted) {
            end = memchr(line + begin + 1, '"', length - begin - 1);
            if (end == NULL || (end + 1 < line + length && end[1] != ','))
                return false;
            out->at[out->n] = line + begin + 1;
            out->length[out->n++] = (size_t)(end - line) - begin - 1;
            end++;
        } else {
            end = memchr(line + begin, separator, length - begin);
            if (end == NULL)
                end = line + length;
            out->at[out->n] = line + begin;
            out->length[out->n++] = (size_t)(end - line) - begin;
        }
        if (end >= line + length)
            break;
        begin = (size_t)(end - line) + 1;
    }
    return true;
}

static enum status read_row(const struct split_text *text, const char *line, size_t length, char separator,
                            bool more_fields, struct split_entry *out)
{
    struct fields f;
    const char *name = separator == ',' ? "csv" : "tsv";
    if (!cut(line, length, separator, &f))
        return status_fail(STATUS_DATA, "%s:%zu: a quote is not closed at the end of its field", text->path,
                           text->line);
    if (f.n < 2 || (f.n >= FIELDS_MAX && !more_fields))
        return status_fail(STATUS_DATA,
                           "%s:%zu: %s field%s where a %s line has 2 to 4: user, item, rating, time%s",
                           text->path, text->line, f.n < 2 ? "1" : "more than 4", f.n < 2 ? "" : "s", name,
                           f.n < 2 ? "" : " (more_fields: ignore leaves the others out)");
    if (f.length[0] == 0 || f.length[1] == 0 || f.length[0] > UINT32_MAX || f.length[1] > UINT32_MAX)
        return status_fail(STATUS_DATA, "%s:%zu: the %s id is empty", text->path, text->line,
                           f.length[0] == 0 ? "user" : "item");
    *out = (struct split_entry){.user = f.at[0],
                                .user_length = (uint32_t)f.length[0],
                                .item = f.at[1],
                                .item_length = (uint32_t)f.length[1],
                                .line = text->line};
    if (f.n > 2) {
        double value;
        if (!split_real_number(f.at[2], f.length[2], &value) || !isfinite((float)value))
            return status_fail(STATUS_DATA, "%s:%zu: rating '%.*s' is not a number", text->path, text->line,
                               (int)(f.length[2] < 40 ? f.length[2] : 40), f.at[2]);
        out->has_value = true;
        out->value = (float)value;
    }
    if (f.n > 3) {
        long long when;
        if (!split_whole_number(f.at[3], f.length[3], &when))
            return status_fail(STATUS_DATA, "%s:%zu: time '%.*s' is not a whole number of seconds",
                               text->path, text->line, (int)(f.length[3] < 40 ? f.length[3] : 40), f.at[3]);
        out->has_time = true;
        out->time = when;
    }
    return STATUS_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* "user item item ...": as many entries as items; out NULL: only counts.  Also counts a user without items.
 */
static size_t read_adjacency(const struct split_text *text, const char *line, size_t length,
                             struct split_entry *out)
{
    size_t n = 0, i = 0, user = 0, user_length = 0;
    for (size_t word = 0;; word++) {
        while (i < length && is_space(line[i]))
            i++;
        if (i == length)
            return n;
        const size_t begin = i;
        while (i < length && !is_space(line[i]))
            i++;
        if (word == 0) {
            user = begin;
            user_length = i - begin;
            continue;
        }
        if (out != NULL)
            out[n] = (struct split_entry){.user = line + user,
                                          .user_length = (uint32_t)user_length,
                                          .item = line + begin,
                                          .item_length = (uint32_t)(i - begin),
                                          .line = text->line};
        n++;
    }
}

static bool is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_space(line[i]))
            return false;
    return true;
}

static enum split_format guess_format(struct split_text text)
{
    const char *line;
    size_t length;
    while (split_text_line(&text, &line, &length)) {
        if (is_blank(line, length))
            continue;
        return memchr(line, '\t', length) != NULL  ? SPLIT_TSV
               : memchr(line, ',', length) != NULL ? SPLIT_CSV
                                                   : SPLIT_ADJACENCY;
    }
    return SPLIT_ADJACENCY;
}

/* One pass; entries NULL: only counts. */
static enum status pass(struct split_text text, enum split_format format, bool header, bool more_fields,
                        struct split_entry *entries, size_t *n)
{
    const char *line;
    size_t length;
    *n = 0;
    while (split_text_line(&text, &line, &length)) {
        if ((header && text.line == 1) || is_blank(line, length))
            continue;
        if (format == SPLIT_ADJACENCY) {
            *n += read_adjacency(&text, line, length, entries != NULL ? entries + *n : NULL);
        } else {
            if (entries != NULL)
                TRY(read_row(&text, line, length, format == SPLIT_CSV ? ',' : '\t', more_fields,
                             &entries[*n]));
            ++*n;
        }
    }
    return STATUS_OK;
}

enum status split_file_read(const char *path, enum split_format format, bool header, bool more_fields,
                            struct arena *arena, struct split_entry **out, size_t *n)
{
    struct split_text text;
    TRY(split_text_open(path, arena, &text));
    if (format == SPLIT_AUTO)
        format = guess_format(text);
    TRY(pass(text, format, header, more_fields, NULL, n));
    if (*n == 0)
        return status_fail(STATUS_DATA, "%s: holds no (user, item) pair", path);
    ARENA_NEW(*out, arena, *n);
    return pass(text, format, header, more_fields, *out, n);
}
