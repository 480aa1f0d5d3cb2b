/*
 * reader.h - a publisher's text file, line by line: plain or gzip (told by its first bytes), hashed as it is
 * read.
 */
#ifndef IMPORT_READER_H
#define IMPORT_READER_H
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <zlib.h>

#include "base/fsio.h"
#include "base/status.h"

/* Longer lines are refused: no publisher has them, and an id or a title of a megabyte is a broken file. */
#define READER_LINE_MAX (1u << 20)
#define READER_PAD      64u
/* A .gz that unpacks to more than these is refused as no data file but a trap: so many times its size (looked at from 64
 * MiB on; published ratings reach 10), and so many bytes in all. */
#define READER_RATIO_MAX    250u
#define READER_UNPACKED_MAX (UINT64_C(1) << 40)

/* SHA-256 over the bytes of all files of one import, in the order read, and their names. */
struct source_log {
    crypto_hash_sha256_state hash;
    char names[1024]; /* "u.data, u.item" */
};
enum status source_log_open(struct source_log *log);
void source_log_close(struct source_log *log, char hex[SHA256_HEX]);

/* What a file's bytes may be. */
enum reader_text {
    READER_UTF8,       /* anything else is an error with its byte offset */
    READER_LATIN1_ALL, /* every line is ISO-8859-1, whatever it looks like */
    READER_LATIN1 /* as MovieLens publishes titles: lines that are not UTF-8 are ISO-8859-1, but not both in a
                     file */
};

struct reader {
    const char *path;
    FILE *file;
    struct source_log *log;
    enum reader_text text;
    uint64_t line;                   /* number of the line last given, from 1 */
    uint64_t line_offset;            /* where it began in the unpacked file, in bytes */
    uint64_t n_latin1;               /* lines converted */
    uint64_t latin1_line, utf8_line; /* the last line (not ASCII) of either kind; 0: none */
    /* inside */
    z_stream zip;
    bool is_zip, zip_member_open, file_end;
    unsigned char *packed;
    char *memory, *bytes, *converted; /* bytes [room], padded: unpacked, not yet given: begin .. end */
    size_t room, begin, end;
    uint64_t offset;               /* bytes given so far, unpacked */
    uint64_t position, hashed;     /* of the file: what was read, and what of it is in the log's hash */
    uint64_t n_packed, n_unpacked; /* of gzip data, so far */
};

/* STATUS_DATA: no such file, a folder, empty; STATUS_SYSTEM: can't be read.  Zero-filled or opened readers
 * may be closed any number of times.  `log` may be NULL. */
enum status reader_open(struct reader *r, const char *path, enum reader_text text, struct source_log *log);
void reader_close(struct reader *r);

/* The next line, with its line end; *length 0 at the end of the file (an empty line has at least its line
 * end). Valid until the next call.  A byte order mark at the start of the file is left out. STATUS_DATA with
 * FILE:LINE: too long, a NUL byte, invalid UTF-8 (byte offset), a .gz that ends early or is damaged. */
enum status reader_line(struct reader *r, const char **line, size_t *length);

/* For files whose lines mean nothing (one JSON document): the next piece of unpacked bytes, unchecked;
 * *length 0 at the end.  Not together with reader_line(). */
enum status reader_piece(struct reader *r, const char **bytes, size_t *length);

/* For a parser of whole blocks (numbers.c): all lines that are in memory, after more were read (READER_PAD bytes before
 * and behind may be touched); *length 0: no whole line is left (a last one without a line end may be).  What it took
 * it says by reader_took().  The bytes are unchecked. */
enum status reader_block_of_lines(struct reader *r, const char **lines, size_t *length);
void reader_took(struct reader *r, size_t n_bytes, uint64_t n_lines);

/* For a parser that reads the file itself, from r->offset on: is it a file that lies there as its text is?  Such a
 * parser says by reader_went_on() how far it took lines, and how far it added bytes to the log's hash (from r->hashed
 * on, in order). */
bool reader_is_plain(const struct reader *r, int *fd, uint64_t *size);
enum status reader_went_on(struct reader *r, uint64_t offset, uint64_t hashed, uint64_t n_lines);

/* STATUS_DATA "FILE:LINE:COLUMN: sentence". */
enum status reader_fail(const struct reader *r, uint64_t line, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
