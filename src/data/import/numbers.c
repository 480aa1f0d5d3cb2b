/*
 * numbers.c - the plain lines of a rating file (data/number_rows.h) into the import, a block of 16 MiB at a time.
 *
 * Threads count the lines of pieces that end at line ends, so that every piece knows where its rows go before it is
 * parsed; then they parse, and one of them hashes the block for source_sha256 meanwhile.  A piece that meets a line
 * which isn't plain ends the block there: rows of later pieces are dropped and parsed again after the general reader has
 * had that line.  So the result, and every message, is that of one thread reading line by line.
 */
#include "data/import/numbers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES (1u << 20)
#define PIECES_MAX  17 /* of a block of reader_block_of_lines() */

struct piece {
    const char *text;
    size_t n, used;
    uint64_t first, n_rows; /* where its rows go, and how many it holds or gave */
};

/* Pieces that end with a line. */
static int cut(const char *lines, size_t n, struct piece *piece)
{
    int n_pieces = 0;
    while (n > 0) {
        size_t length = n;
        if (n > PIECE_BYTES && n_pieces + 1 < PIECES_MAX) {
            const char *end = memchr(lines + PIECE_BYTES, '\n', n - PIECE_BYTES);
            length = (size_t)(end - lines) + 1; /* the block ends with a line end */
        }
        piece[n_pieces++] = (struct piece){.text = lines, .n = length};
        lines += length;
        n -= length;
    }
    return n_pieces;
}

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

static enum status take_block(struct import *im, struct numbers *numbers, struct reader *r, const char *lines,
                              size_t length, bool *all)
{
    struct piece piece[PIECES_MAX];
    const int n_pieces = cut(lines, length, piece);
    const uint64_t first = im->n;
#pragma omp parallel for schedule(dynamic, 1)
    for (int k = 0; k < n_pieces; k++)
        piece[k].n_rows = number_rows_count(piece[k].text, piece[k].n);
    uint64_t n = 0;
    for (int k = 0; k < n_pieces; k++) {
        piece[k].first = first + n;
        n += piece[k].n_rows;
    }
    TRY(import_make_room(im, first + n));
    const struct number_rows rows = {im->user, im->item, im->value, im->time};
#pragma omp parallel for schedule(dynamic, 1)
    for (int k = -1; k < n_pieces; k++) {
        if (k < 0) {
            reader_hash(r);
            continue;
        }
        struct piece *p = &piece[k];
        const struct number_rows to = {rows.user + p->first, rows.item + p->first, rows.value + p->first,
                                       rows.time + p->first};
        p->n_rows = number_rows_parse(numbers->form, p->text, p->n, to, &p->used);
    }
    size_t used = 0;
    n = 0;
    *all = true;
    for (int k = 0; k < n_pieces && *all; k++) {
        n += piece[k].n_rows;
        used += piece[k].used;
        *all = piece[k].used == piece[k].n;
    }
    TRY(map_ids(im, numbers, first, n));
    im->n += n;
    reader_took(r, used, n);
    return STATUS_OK;
}

enum status numbers_read(struct import *im, struct numbers *numbers, struct record_reader *r)
{
    const uint64_t before = im->n;
    bool all = true;
    if (numbers->form.n_fields == 0 || numbers->wait > 0) {
        numbers->wait -= numbers->wait > 0;
        return STATUS_OK;
    }
    TRY(learn_ids(&numbers->map[0], im->users));
    TRY(learn_ids(&numbers->map[1], im->items));
    while (all) {
        const char *lines;
        size_t length;
        TRY(reader_block_of_lines(&r->reader, &lines, &length));
        if (length == 0)
            break;
        TRY(take_block(im, numbers, &r->reader, lines, length, &all));
    }
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
