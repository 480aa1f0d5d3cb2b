/*
 * numbers.c - the plain lines of a rating file (data/number_rows.h) into the import.
 *
 * A file that lies there as it is goes through number_file.c, by all threads; a gzip file or a pipe a block at a time, on
 * one.  Either ends before a line that isn't plain; after the general reader has had that line, we go on.  So the result,
 * and every message, is that of one thread reading line by line.  Ids stay numbers until the rows are there; then one
 * thread for each column gives them their positions, in the order of the file.
 */
#include "data/import/numbers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/number_file.h"

/* Positions that the import's map has and ours not yet, from the general reader or another file. */
static enum status learn_ids(struct number_map *map, const struct string_map *ids)
{
    const struct strings s = string_map_strings(ids);
    for (; map->seen < s.n; map->seen++) {
        const struct field f = {strings_at(&s, map->seen), strings_length(&s, map->seen)};
        uint32_t number;
        if (number_id(f.at, f.length, &number) && !number_map_put(map, number, (uint32_t)map->seen))
            return status_fail(STATUS_SYSTEM, "out of memory: %llu ids", (unsigned long long)s.n);
    }
    return STATUS_OK;
}

/* What our map met first goes into the import's. */
static enum status add_ids(struct number_map *map, struct string_map *ids)
{
    char text[16];
    for (uint32_t i = 0; i < map->n_new; i++) {
        const int n = snprintf(text, sizeof text, "%" PRIu32, map->new_number[i]);
        if (string_map_add(ids, text, (size_t)n) == UINT32_MAX)
            return STATUS_SYSTEM;
    }
    map->seen += map->n_new;
    map->n_new = 0;
    return STATUS_OK;
}

static enum status map_ids(struct import *im, struct numbers *numbers, uint64_t first, uint64_t n)
{
    bool fine[2] = {true, true};
    uint32_t *ids[2] = {im->user + first, im->item + first};
#pragma omp parallel for schedule(static, 1)
    for (int i = 0; i < 2; i++)
        fine[i] = number_map_replace(&numbers->map[i], ids[i], n);
    if (!fine[0] || !fine[1])
        return status_fail(STATUS_SYSTEM, "out of memory after %llu interactions", (unsigned long long)first);
    TRY(add_ids(&numbers->map[0], im->users));
    return add_ids(&numbers->map[1], im->items);
}

static struct number_rows rows_from(const struct import *im, uint64_t first)
{
    return (struct number_rows){im->user + first, im->item + first, im->value + first, im->time + first};
}

/* The plain lines of the block: its rows and bytes. */
static enum status take_block(struct import *im, struct numbers *numbers, struct reader *r, const char *lines,
                              size_t length, bool *all)
{
    const uint64_t first = im->n;
    size_t used;
    TRY(import_make_room(im, first + number_rows_count(lines, length)));
    const uint64_t n = number_rows_parse(numbers->form, lines, length, rows_from(im, first), &used);
    TRY(map_ids(im, numbers, first, n));
    im->n += n;
    *all = used == length;
    reader_took(r, used, n);
    return STATUS_OK;
}

static enum status take_blocks(struct import *im, struct numbers *numbers, struct reader *r)
{
    for (bool all = true; all;) {
        const char *lines;
        size_t length;
        TRY(reader_block_of_lines(r, &lines, &length));
        if (length == 0)
            break;
        TRY(take_block(im, numbers, r, lines, length, &all));
    }
    return STATUS_OK;
}

/* Room for the rest of the file, if its rows are as long as those so far; pages that stay empty cost nothing. */
static uint64_t guess_rows(const struct import *im, const struct number_file *f, uint64_t taken,
                           uint64_t bytes)
{
    const uint64_t a_row = taken > 0 && bytes / taken > 4 ? bytes / taken : 4;
    return im->n + (f->size - f->at) / (a_row > 8 ? a_row - a_row / 4 : a_row) + 1;
}

static enum status take_file(struct import *im, struct numbers *numbers, struct reader *r, int fd,
                             uint64_t size)
{
    struct number_file f = {.fd = fd,
                            .form = numbers->form,
                            .at = r->offset,
                            .size = size,
                            .hash = r->log != NULL ? &r->log->hash : NULL,
                            .hashed = r->hashed};
    enum number_stop stop = NUMBER_ROOM;
    uint64_t n, lines = 0;
    int reason;
    while (stop == NUMBER_ROOM) {
        TRY(import_make_room(im, guess_rows(im, &f, r->line + lines, f.at)));
        stop = number_file_read(&f, rows_from(im, im->n), im->n_allocated - im->n, &n, &reason);
        if (stop == NUMBER_READ)
            return status_fail(STATUS_SYSTEM, "%s: can't be read: %s", r->path, strerror(reason));
        if (stop == NUMBER_MEMORY)
            return status_fail(STATUS_SYSTEM, "out of memory reading %s", r->path);
        TRY(map_ids(im, numbers, im->n, n));
        im->n += n;
        lines += n;
    }
    return reader_went_on(r, f.at, f.hashed, lines);
}

enum status numbers_read(struct import *im, struct numbers *numbers, struct record_reader *r)
{
    const uint64_t before = im->n;
    int fd;
    uint64_t size;
    if (numbers->form.n_fields == 0 || numbers->wait > 0) {
        numbers->wait -= numbers->wait > 0;
        return STATUS_OK;
    }
    TRY(learn_ids(&numbers->map[0], im->users));
    TRY(learn_ids(&numbers->map[1], im->items));
    if (reader_is_plain(&r->reader, &fd, &size))
        TRY(take_file(im, numbers, &r->reader, fd, size));
    else
        TRY(take_blocks(im, numbers, &r->reader));
    r->row += im->n - before;
    /* Files of other ids stop every line: then the general reader has longer and longer stretches to itself. */
    numbers->patience = im->n - before > 4096 ? 1 : 2 * numbers->patience + 1;
    numbers->wait = numbers->patience;
    return STATUS_OK;
}

void numbers_close(struct numbers *numbers)
{
    number_map_free(&numbers->map[0]);
    number_map_free(&numbers->map[1]);
}
