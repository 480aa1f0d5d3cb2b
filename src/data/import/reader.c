/*
 * reader.c - lines of a plain or gzip file, in constant memory.
 *
 * gzopen() would hide the packed bytes from the hash and take a .gz that was cut off between two members for
 * a whole one, so inflate is called here.  Several gzip members in one file are one text, as gunzip has it.
 */
#include "data/import/reader.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"

#define PACKED_BYTES (1u << 16)
/* A whole line of the greatest length and another block fit. */
#define UNPACKED_BYTES (READER_LINE_MAX + (1u << 17))
/* What a parser of whole blocks gets at a time. */
#define BLOCK_BYTES (4u << 20)

enum status source_log_open(struct source_log *log)
{
    memset(log, 0, sizeof *log);
    if (sodium_init() < 0)
        return status_fail(STATUS_SYSTEM,
                           "libsodium can't start: no source of random numbers on this machine");
    crypto_hash_sha256_init(&log->hash);
    return STATUS_OK;
}

void source_log_close(struct source_log *log, char hex[SHA256_HEX])
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(&log->hash, digest);
    sodium_bin2hex(hex, SHA256_HEX, digest, sizeof digest);
}

static void source_log_name(struct source_log *log, const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t used = strlen(log->names);
    snprintf(log->names + used, sizeof log->names - used, "%s%s", used > 0 ? ", " : "",
             slash ? slash + 1 : path);
}

enum status reader_fail(const struct reader *r, uint64_t line, size_t column, const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (column == 0)
        return status_fail(STATUS_DATA, "%s:%llu: %s", r->path, (unsigned long long)line, sentence);
    return status_fail(STATUS_DATA, "%s:%llu:%zu: %s", r->path, (unsigned long long)line, column, sentence);
}

/* The next block of the file as it lies on the disk; *n 0 at its end. */
static enum status reader_block(struct reader *r, size_t *n)
{
    errno = 0;
    *n = fread(r->packed, 1, PACKED_BYTES, r->file);
    if (*n < PACKED_BYTES && ferror(r->file))
        return status_fail(STATUS_SYSTEM, "%s: can't be read: %s", r->path, strerror(errno ? errno : EIO));
    const uint64_t in_hash = r->hashed > r->position ? r->hashed - r->position : 0;
    r->position += *n;
    if (r->log != NULL && in_hash < *n) {
        sha256_update(&r->log->hash, r->packed + in_hash, *n - (size_t)in_hash);
        r->hashed = r->position;
    }
    return STATUS_OK;
}

/* Memory for `room` bytes, what is in it kept. */
static enum status reader_make_room(struct reader *r, size_t room)
{
    char *memory = room > r->room ? realloc(r->memory, room + 2 * READER_PAD) : r->memory;
    if (memory == NULL)
        return status_fail(STATUS_SYSTEM, "out of memory reading %s", r->path);
    r->memory = memory;
    r->bytes = memory + READER_PAD;
    r->room = room > r->room ? room : r->room;
    memset(memory, 0, READER_PAD);
    return STATUS_OK;
}

enum status reader_open(struct reader *r, const char *path, enum reader_text text, struct source_log *log)
{
    memset(r, 0, sizeof *r);
    r->path = path;
    r->log = log;
    r->text = text;
    r->file = fopen(path, "rb");
    if (r->file == NULL && (errno == ENOENT || errno == ENOTDIR))
        return status_fail(STATUS_DATA, "%s: no such file", path);
    if (r->file == NULL)
        return status_fail(STATUS_SYSTEM, "%s: can't be opened: %s", path, strerror(errno));
    struct stat info;
    if (fstat(fileno(r->file), &info) == 0 && S_ISDIR(info.st_mode)) {
        reader_close(r);
        return status_fail(STATUS_DATA, "%s: is a folder, expected a file", path);
    }
    r->packed = malloc(PACKED_BYTES);
    r->converted = text != READER_UTF8 ? malloc(2 * (size_t)READER_LINE_MAX) : NULL;
    enum status status = STATUS_OK;
    if (r->packed == NULL || (text != READER_UTF8 && r->converted == NULL))
        status = status_fail(STATUS_SYSTEM, "out of memory reading %s", path);
    size_t n = 0;
    if (status == STATUS_OK)
        status = reader_make_room(r, UNPACKED_BYTES);
    if (status == STATUS_OK)
        status = reader_block(r, &n);
    if (status == STATUS_OK && n == 0)
        status = status_fail(STATUS_DATA, "%s: is empty", path);
    if (status == STATUS_OK && n >= 2 && r->packed[0] == 0x1f && r->packed[1] == 0x8b) {
        r->is_zip = r->zip_member_open = true;
        if (inflateInit2(&r->zip, 15 + 16) != Z_OK)
            status = status_fail(STATUS_SYSTEM, "out of memory reading %s", path);
    }
    if (status != STATUS_OK) {
        reader_close(r);
        return status;
    }
    if (log != NULL)
        source_log_name(log, path);
    r->zip.next_in = r->packed;
    r->zip.avail_in = (uInt)n;
    return STATUS_OK;
}

void reader_close(struct reader *r)
{
    if (r->file != NULL)
        fclose(r->file);
    if (r->is_zip)
        inflateEnd(&r->zip);
    free(r->packed);
    free(r->memory);
    free(r->converted);
    r->file = NULL;
    r->is_zip = false;
    r->packed = NULL;
    r->memory = r->bytes = r->converted = NULL;
    r->room = 0;
}

/* Unpacks what there is of zip.next_in to the end of `bytes`. */
static enum status reader_inflate(struct reader *r, size_t room)
{
    if (!r->zip_member_open) {
        if (r->zip.next_in[0] != 0x1f)
            return status_fail(STATUS_DATA, "%s: has bytes after the end of its gzip data: damaged?",
                               r->path);
        inflateReset(&r->zip);
        r->zip_member_open = true;
    }
    r->zip.next_out = (unsigned char *)r->bytes + r->end;
    r->zip.avail_out = (uInt)room;
    const uInt packed = r->zip.avail_in;
    const int rc = inflate(&r->zip, Z_NO_FLUSH);
    if (rc == Z_MEM_ERROR)
        return status_fail(STATUS_SYSTEM, "out of memory reading %s", r->path);
    if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
        return status_fail(STATUS_DATA, "%s: is not valid gzip data (%s), after line %llu: download it again",
                           r->path, r->zip.msg ? r->zip.msg : "damaged", (unsigned long long)r->line);
    r->end += room - r->zip.avail_out;
    r->n_packed += packed - r->zip.avail_in;
    r->n_unpacked += room - r->zip.avail_out;
    if (r->n_unpacked > READER_UNPACKED_MAX ||
        (r->n_unpacked > 64u << 20 && r->n_unpacked / READER_RATIO_MAX > r->n_packed))
        return status_fail(
            STATUS_DATA,
            "%s: unpacks to more than %u times its size or %llu GiB (%llu bytes so far): no data "
            "file; if it is one, unpack it yourself",
            r->path, READER_RATIO_MAX, (unsigned long long)(READER_UNPACKED_MAX >> 30),
            (unsigned long long)r->n_unpacked);
    if (rc == Z_STREAM_END)
        r->zip_member_open = false;
    return STATUS_OK;
}

/* Brings what was not yet given to the front. */
static void reader_move(struct reader *r)
{
    memmove(r->bytes, r->bytes + r->begin, r->end - r->begin);
    r->end -= r->begin;
    r->begin = 0;
}

/* Gets at least one byte more behind those not yet given; sets file_end when there are none. */
static enum status reader_append(struct reader *r)
{
    const size_t before = r->end;
    while (r->end == before) {
        if (r->zip.avail_in == 0) {
            size_t n;
            TRY(reader_block(r, &n));
            r->zip.next_in = r->packed;
            r->zip.avail_in = (uInt)n;
            if (n == 0) {
                r->file_end = true;
                if (r->is_zip && r->zip_member_open)
                    return status_fail(STATUS_DATA,
                                       "%s: the gzip data ends early, after line %llu: download it again",
                                       r->path, (unsigned long long)r->line);
                return STATUS_OK;
            }
        }
        const size_t room = r->room - r->end;
        if (r->is_zip) {
            TRY(reader_inflate(r, room));
            continue;
        }
        const size_t n = r->zip.avail_in < room ? r->zip.avail_in : room;
        memcpy(r->bytes + r->end, r->zip.next_in, n);
        r->zip.next_in += n;
        r->zip.avail_in -= (uInt)n;
        r->end += n;
    }
    return STATUS_OK;
}

static enum status reader_fill(struct reader *r)
{
    reader_move(r);
    return reader_append(r);
}

enum status reader_block_of_lines(struct reader *r, const char **lines, size_t *length)
{
    reader_move(r);
    TRY(reader_make_room(r, BLOCK_BYTES));
    while (!r->file_end && r->end < r->room)
        TRY(reader_append(r));
    const char *last = r->end > 0 ? memrchr(r->bytes, '\n', r->end) : NULL;
    *lines = r->bytes;
    *length = last != NULL ? (size_t)(last - r->bytes) + 1 : 0;
    return STATUS_OK;
}

void reader_took(struct reader *r, size_t n_bytes, uint64_t n_lines)
{
    r->begin += n_bytes;
    r->offset += n_bytes;
    r->line += n_lines;
}

bool reader_is_plain(const struct reader *r, int *fd, uint64_t *size)
{
    struct stat info;
    *fd = fileno(r->file);
    if (r->is_zip || r->text != READER_UTF8 || fstat(*fd, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    *size = (uint64_t)info.st_size;
    return true;
}

enum status reader_went_on(struct reader *r, uint64_t offset, uint64_t hashed, uint64_t n_lines)
{
    if (fseeko(r->file, (off_t)offset, SEEK_SET) != 0)
        return status_fail(STATUS_SYSTEM, "%s: can't be read: %s", r->path, strerror(errno));
    r->offset = r->position = offset;
    r->hashed = hashed;
    r->line += n_lines;
    r->begin = r->end = 0;
    r->zip.avail_in = 0;
    r->file_end = false;
    return STATUS_OK;
}

/* ISO-8859-1 to UTF-8: bytes above 127 become two. */
static size_t latin1_to_utf8(const char *from, size_t n, char *to)
{
    size_t length = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned char byte = (unsigned char)from[i];
        if (byte < 0x80) {
            to[length++] = (char)byte;
        } else {
            to[length++] = (char)(0xc0 | (byte >> 6));
            to[length++] = (char)(0x80 | (byte & 0x3f));
        }
    }
    return length;
}

static bool is_ascii(const char *bytes, size_t n)
{
    unsigned char any = 0;
    for (size_t i = 0; i < n; i++)
        any |= (unsigned char)bytes[i];
    return any < 0x80;
}

/* Checks the line's characters, converting when the file may be ISO-8859-1. */
static enum status reader_check(struct reader *r, const char **line, size_t *length)
{
    const char *nul = memchr(*line, 0, *length);
    if (nul != NULL)
        return reader_fail(r, r->line, (size_t)(nul - *line) + 1,
                           "found a NUL byte (byte offset %llu), expected text",
                           (unsigned long long)(r->line_offset + (uint64_t)(nul - *line)));
    if (is_ascii(*line, *length))
        return STATUS_OK;
    const size_t valid = utf8_valid_prefix(*line, *length);
    if (valid == *length && r->text != READER_LATIN1_ALL) {
        r->utf8_line = r->line;
    } else if (r->text == READER_UTF8) {
        return reader_fail(r, r->line, valid + 1,
                           "found invalid UTF-8 at byte offset %llu (0x%02x), expected UTF-8",
                           (unsigned long long)(r->line_offset + valid), (unsigned char)(*line)[valid]);
    } else {
        r->latin1_line = r->line;
        r->n_latin1++;
        *length = latin1_to_utf8(*line, *length, r->converted);
        *line = r->converted;
    }
    if (r->latin1_line > 0 && r->utf8_line > 0)
        return reader_fail(
            r, r->line, 0,
            "mixes encodings: line %llu is UTF-8 and line %llu is not (ISO-8859-1?); convert it to one",
            (unsigned long long)r->utf8_line, (unsigned long long)r->latin1_line);
    return STATUS_OK;
}

enum status reader_line(struct reader *r, const char **line, size_t *length)
{
    size_t searched = 0;
    const char *newline;
    for (;;) {
        newline = memchr(r->bytes + r->begin + searched, '\n', r->end - r->begin - searched);
        searched = r->end - r->begin;
        if ((newline == NULL && searched > READER_LINE_MAX) ||
            (newline != NULL && (size_t)(newline - r->bytes) - r->begin >= READER_LINE_MAX))
            return reader_fail(r, r->line + 1, 0, "the line is longer than %u bytes: not such a file",
                               READER_LINE_MAX);
        if (newline != NULL || r->file_end)
            break;
        TRY(reader_fill(r));
    }
    *line = r->bytes + r->begin;
    *length = newline != NULL ? (size_t)(newline - *line) + 1 : r->end - r->begin;
    r->line_offset = r->offset;
    r->offset += *length;
    r->begin += *length;
    if (*length == 0)
        return STATUS_OK;
    r->line++;
    if (r->line == 1 && *length >= 3 && memcmp(*line, "\xef\xbb\xbf", 3) == 0) {
        *line += 3;
        *length -= 3;
        r->line_offset += 3;
        if (*length == 0)
            return reader_line(r, line, length);
    }
    return reader_check(r, line, length);
}

enum status reader_piece(struct reader *r, const char **bytes, size_t *length)
{
    if (r->begin == r->end && !r->file_end)
        TRY(reader_fill(r));
    if (r->offset == 0 && r->end - r->begin >= 3 && memcmp(r->bytes + r->begin, "\xef\xbb\xbf", 3) == 0)
        r->begin += 3;
    *bytes = r->bytes + r->begin;
    *length = r->end - r->begin;
    r->offset += *length;
    r->begin = r->end;
    return STATUS_OK;
}
