/*
 * number_file.c - see number_file.h.
 *
 * The file is cut into pieces of equal length; a line belongs to the piece in which it begins.  A thread takes the next
 * piece, reads it into a buffer that stays in its cache, and counts the lines: then it knows where the next piece's rows
 * go, says so, and parses its own.  Only these counts, and the hash, pass from piece to piece in order; the wait is for a
 * count, which is a thirtieth of the work.  A mapped file would do without the copy, but pays for a page fault every 64 KiB,
 * which costs more.
 */
#include "data/number_file.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fsio.h"

enum {
    PIECE = 256 << 10,
    TAIL = 4096 /* a plain line is shorter */
};

/* What the threads share.  `counted` and `hashed` are pieces, in order; `stop` is the first piece that isn't whole. */
struct reading {
    struct number_file *f;
    struct number_rows rows;
    uint64_t room, piece, n_pieces, begin;
    uint64_t next, counted, hashed, stop; /* atomic */
    uint64_t n_rows;                      /* before the piece `counted` */
    /* of the piece `stop`; under a lock */
    enum number_stop why;
    uint64_t stop_rows, stop_at;
    int reason;
};

struct piece {
    uint64_t k, from, to;        /* bytes of the file */
    const char *lines;           /* whole lines that begin in it */
    size_t n, got;               /* bytes of them; and of the buffer, from byte `from - 1` (or from) on */
    uint64_t n_lines, first, at; /* `at`: where `lines` lies in the file */
    bool open_end;               /* the file ends in a line that begins here and has no line end */
};

static uint64_t get(const uint64_t *shared)
{
    return __atomic_load_n(shared, __ATOMIC_ACQUIRE);
}
static void set(uint64_t *shared, uint64_t value)
{
    __atomic_store_n(shared, value, __ATOMIC_RELEASE);
}

/* Waits until it is piece k's turn; false: an earlier piece has ended everything. */
static bool wait_for(const struct reading *r, const uint64_t *turn, uint64_t k)
{
    for (unsigned spins = 0; get(turn) != k; spins++) {
        if (get(&r->stop) < k)
            return false;
        if (spins > 64)
            sched_yield();
    }
    return true;
}

static void stop(struct reading *r, const struct piece *p, enum number_stop why, uint64_t rows, uint64_t at,
                 int reason)
{
#pragma omp critical(number_file_stop)
    if (p->k < get(&r->stop)) {
        r->why = why;
        r->stop_rows = rows;
        r->stop_at = at;
        r->reason = reason;
        set(&r->stop, p->k);
    }
}

/* The piece's bytes, one before them and TAIL behind; returns errno. */
static int fetch(const struct reading *r, struct piece *p, char *buffer)
{
    const uint64_t from = p->k > 0 ? p->from - 1 : p->from;
    const uint64_t to = r->f->size - p->to < TAIL ? r->f->size : p->to + TAIL;
    p->got = 0;
    while (p->got < to - from) {
        const ssize_t some = pread(r->f->fd, buffer + p->got, to - from - p->got, (off_t)(from + p->got));
        if (some < 0 && errno == EINTR)
            continue;
        if (some < 0)
            return errno;
        if (some == 0)
            return EIO; /* the file has become shorter */
        p->got += (size_t)some;
    }
    return 0;
}

/* Which lines begin in the piece.  Of the last one only those with a line end count. */
static bool find_lines(const struct reading *r, struct piece *p, const char *buffer)
{
    const size_t before = p->k > 0, length = (size_t)(p->to - p->from) + before;
    const char *begin = buffer;
    p->lines = buffer;
    p->n = 0;
    p->n_lines = 0;
    if (before) {
        begin = memchr(buffer, '\n', length - 1);
        if (begin == NULL)
            return true;
        begin++;
    }
    const char *last = memchr(buffer + length - 1, '\n', p->got - (length - 1));
    p->lines = begin;
    p->at = p->from - before + (uint64_t)(begin - buffer);
    if (last == NULL) { /* the last line has no end in sight */
        last = memrchr(begin, '\n', (size_t)(buffer + length - begin));
        p->open_end = true;
    }
    p->n = last != NULL ? (size_t)(last - begin) + 1 : 0;
    p->n_lines = number_rows_count(begin, p->n);
    return !p->open_end || p->from - before + p->got == r->f->size;
}

/* Its bytes go into the hash when those before them are in it. */
static void hash(struct reading *r, const struct piece *p, const char *buffer)
{
    struct number_file *f = r->f;
    if (f->hash == NULL || !wait_for(r, &r->hashed, p->k))
        return;
    const uint64_t from = f->hashed > p->from ? f->hashed : p->from;
    if (from < p->to) {
        sha256_update(f->hash, buffer + (p->k > 0) + (from - p->from), (size_t)(p->to - from));
        f->hashed = p->to;
    }
    set(&r->hashed, p->k + 1);
}

/* False: nothing is left to do. */
static bool take_piece(struct reading *r, uint64_t k, char *memory)
{
    struct number_file *f = r->f;
    char *buffer = memory + NUMBER_ROWS_PAD;
    struct piece p = {.k = k, .from = r->begin + k * r->piece};
    size_t used = 0;
    p.to = f->size - p.from < r->piece ? f->size : p.from + r->piece;
    p.at = p.from;
    const int failed = fetch(r, &p, buffer);
    const bool short_lines = failed == 0 && find_lines(r, &p, buffer);
    if (!wait_for(r, &r->counted, k))
        return false;
    p.first = r->n_rows;
    r->n_rows += p.n_lines;
    const bool fits = p.n_lines <= r->room && p.first <= r->room - p.n_lines;
    if (failed != 0)
        stop(r, &p, NUMBER_READ, p.first, p.from, failed);
    else if (!fits)
        stop(r, &p, NUMBER_ROOM, p.first, p.at, 0);
    set(&r->counted, k + 1);
    if (failed != 0 || !fits) {
        if (failed == 0)
            hash(r, &p, buffer); /* who goes on begins in this piece */
        return false;
    }
    const struct number_rows to = {r->rows.user + p.first, r->rows.item + p.first, r->rows.value + p.first,
                                   r->rows.time + p.first};
    const uint64_t n = number_rows_parse(f->form, p.lines, p.n, to, &used);
    if (used < p.n || !short_lines)
        stop(r, &p, NUMBER_LINE, p.first + n, p.at + used, 0);
    else if (p.open_end)
        stop(r, &p, NUMBER_END, p.first + n, p.at + used, 0);
    hash(r, &p, buffer);
    return true;
}

enum number_stop number_file_read(struct number_file *f, struct number_rows rows, uint64_t room, uint64_t *n,
                                  int *reason)
{
    struct reading r = {.f = f,
                        .rows = rows,
                        .room = room,
                        .begin = f->at,
                        .stop = UINT64_MAX,
                        .piece = f->piece > 0 ? f->piece : PIECE};
    const uint64_t left = f->size > f->at ? f->size - f->at : 0;
    r.n_pieces = (left + r.piece - 1) / r.piece;
    r.stop_at = f->size;
#pragma omp parallel if (r.n_pieces > 1)
    {
        char *memory = calloc(1, NUMBER_ROWS_PAD + 1 + r.piece + TAIL + NUMBER_ROWS_PAD);
        while (memory != NULL) {
            const uint64_t k = __atomic_fetch_add(&r.next, 1, __ATOMIC_ACQ_REL);
            if (k >= r.n_pieces || k > get(&r.stop) || !take_piece(&r, k, memory))
                break;
        }
        free(memory);
    }
    const bool stopped = r.stop != UINT64_MAX;
    *n = stopped ? r.stop_rows : r.n_rows;
    *reason = r.reason;
    f->at = r.stop_at;
    if (!stopped && r.counted < r.n_pieces) /* no thread had memory */
        return NUMBER_MEMORY;
    return stopped ? r.why : NUMBER_END;
}
