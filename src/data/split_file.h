/*
 * split_file.h - reading the files that published splits come in: plain or .gz, lines ended by LF or CRLF.
 */
#ifndef DATA_SPLIT_FILE_H
#define DATA_SPLIT_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/node.h"
#include "base/status.h"

/* STATUS_DATA "FILE:LINE:COLUMN: ..." when there is no such file; `where` is what named it. */
enum status split_file_exists(const char *path, const struct node *where);

/* A whole text file, unpacked, valid UTF-8 without NUL. */
struct split_text {
    const char *path;
    const char *bytes;
    size_t n_bytes, n_lines;
    size_t next; /* where the next line begins */
    size_t line; /* number of the line last given, from 1 */
};
/* STATUS_DATA: missing, truncated or damaged .gz, not UTF-8 (with the line), empty. */
enum status split_text_open(const char *path, struct arena *arena, struct split_text *out);
/* The next line without its end; false at the end of the file. */
bool split_text_line(struct split_text *text, const char **line, size_t *length);

/* The whole of `bytes` as a decimal number; false when it is anything else. */
bool split_whole_number(const char *bytes, size_t length, long long *out);
bool split_real_number(const char *bytes, size_t length, double *out); /* finite only */

/* One (user, item) of a file; ids as they stand there. */
struct split_entry {
    const char *user, *item; /* not terminated */
    uint32_t user_length, item_length;
    size_t line;
    bool has_value, has_time;
    float value;
    int64_t time;
};
enum split_format { SPLIT_AUTO, SPLIT_TSV, SPLIT_CSV, SPLIT_ADJACENCY };

/* All entries of a file, in its order.  SPLIT_AUTO looks at the first line: a tab means tsv, else a comma
 * csv, else adjacency.  Blank lines are passed over.  more_fields: a line may have further
 * ones, which are left out.  STATUS_DATA: PATH:LINE with what is wrong. */
enum status split_file_read(const char *path, enum split_format format, bool header, bool more_fields,
                            struct arena *arena, struct split_entry **out, size_t *n);

#endif
