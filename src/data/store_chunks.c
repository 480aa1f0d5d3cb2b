/*
 * store_chunks.c - see store_chunks.h.
 *
 * HDF5 runs its filters on one thread, and with zlib: reading 20 million rows took 1.06 s of inflate.  Here HDF5 only takes
 * packed chunks (H5Dwrite_chunk) or says where they lie (H5Dget_chunk_info_by_coord), a batch at a time, and the filters run
 * beside each other: deflate by ISA-L's igzip, level 1 (on shuffled columns 700 to 5,000 MB/s a core, where libdeflate's
 * level 1 does 120 to 300 for files 5 % smaller), inflate by libdeflate (1.5 times igzip's speed).  They are HDF5's filters to the
 * bit, so that any HDF5 program reads the file: H5Zshuffle.c, H5Zdeflate.c (a zlib stream), H5Zfletcher32.c (Fletcher's
 * sums over big-endian 16-bit words, appended little-endian).
 */
#include "data/store_chunks.h"

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH 64 /* chunks in memory at a time */

/* Byte j of all elements behind one another, for each j. */
static void shuffle(size_t element, size_t n, const unsigned char *restrict from, unsigned char *restrict to)
{
    if (element == 4)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < 4; j++)
                to[j * n + i] = from[4 * i + j];
    else if (element == 8)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < 8; j++)
                to[j * n + i] = from[8 * i + j];
    else
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < element; j++)
                to[j * n + i] = from[element * i + j];
}

static void unshuffle(size_t element, size_t n, const unsigned char *restrict from,
                      unsigned char *restrict to)
{
    if (element == 4)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < 4; j++)
                to[4 * i + j] = from[j * n + i];
    else if (element == 8)
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < 8; j++)
                to[8 * i + j] = from[j * n + i];
    else
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < element; j++)
                to[element * i + j] = from[j * n + i];
}

/* HDF5 adds in 32 bits and folds what lies above 16 back in: the sum modulo 65535, but 65535 for 0 unless all words are 0. */
static uint32_t fold(uint64_t sum, bool any)
{
    const uint32_t rest = (uint32_t)(sum % 65535);
    return rest == 0 && any ? 65535 : rest;
}

/* 64 words at a time: b grows by 64 times what a was, and by each word as often as words follow it, and once. */
static uint32_t fletcher32(const unsigned char *bytes, size_t n)
{
    uint64_t a = 0, b = 0;
    bool any = false;
    size_t words = n / 2;
    for (; words >= 64; words -= 64, bytes += 128) {
        uint32_t sum = 0, weighted = 0;
        for (uint32_t i = 0; i < 64; i++) {
            uint16_t word;
            memcpy(&word, bytes + 2 * i, sizeof word);
            word = __builtin_bswap16(word);
            sum += word;
            weighted += word * (64 - i);
        }
        any = any || sum > 0;
        b = (b + 64 * a + weighted) % 65535;
        a = (a + sum) % 65535;
    }
    for (; words > 0; words--, bytes += 2) {
        a += (uint32_t)bytes[0] << 8 | bytes[1];
        b += a;
    }
    if (n % 2) {
        a += (uint32_t)bytes[0] << 8;
        b += a;
    }
    any = any || a > 0;
    return fold(b, any) << 16 | fold(a, any);
}

/* A thread's own tools. */
struct tools {
    struct isal_zstream packer;
    unsigned char *level; /* igzip's memory for its level */
    struct libdeflate_decompressor *unpacker;
    unsigned char *whole, *planes; /* [chunk_bytes] each */
};
static bool tools_open(struct tools *t, size_t chunk_bytes, bool pack)
{
    t->level = pack ? malloc(ISAL_DEF_LVL1_DEFAULT) : NULL;
    t->unpacker = pack ? NULL : libdeflate_alloc_decompressor();
    t->whole = malloc(chunk_bytes);
    t->planes = malloc(chunk_bytes);
    return (pack ? t->level != NULL : t->unpacker != NULL) && t->whole != NULL && t->planes != NULL;
}
static void tools_close(struct tools *t)
{
    free(t->level);
    libdeflate_free_decompressor(t->unpacker);
    free(t->whole);
    free(t->planes);
}

/* A zlib stream in to[0 .. room); 0: it doesn't fit. */
static size_t deflate_chunk(struct tools *t, const unsigned char *from, size_t n, unsigned char *to,
                            size_t room)
{
    struct isal_zstream *z = &t->packer;
    isal_deflate_init(z);
    z->level = 1;
    z->level_buf = t->level;
    z->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    z->gzip_flag = IGZIP_ZLIB;
    z->end_of_stream = 1;
    z->next_in = (unsigned char *)from;
    z->avail_in = (uint32_t)n;
    z->next_out = to;
    z->avail_out = (uint32_t)room;
    const bool fine = isal_deflate(z) == COMP_OK && z->avail_in == 0 && z->internal_state.state == ZSTATE_END;
    return fine ? z->total_out : 0;
}

/* Chunks k .. k + n: packed bytes of each, and how many; 0: failed. */
struct batch {
    unsigned char *bytes[BATCH];
    size_t n[BATCH], room[BATCH];
    uint64_t at[BATCH]; /* where it lies in the file */
};
static void batch_free(struct batch *b)
{
    for (int i = 0; i < BATCH; i++)
        free(b->bytes[i]);
}

static uint64_t number_of_chunks(const struct chunked *c)
{
    return c->bytes / c->chunk_bytes + (c->bytes % c->chunk_bytes > 0);
}
/* Bytes of the array that lie in chunk k. */
static size_t bytes_in(const struct chunked *c, uint64_t k)
{
    const uint64_t left = c->bytes - k * c->chunk_bytes;
    return left < c->chunk_bytes ? (size_t)left : c->chunk_bytes;
}

static size_t pack(const struct chunked *c, struct tools *t, const unsigned char *values, size_t n,
                   unsigned char *to, size_t room)
{
    const unsigned char *from = values;
    if (n < c->chunk_bytes) {
        memcpy(t->whole, values, n);
        memset(t->whole + n, 0, c->chunk_bytes - n);
        from = t->whole;
    }
    if (c->element > 1) {
        shuffle(c->element, c->chunk_bytes / c->element, from, t->planes);
        from = t->planes;
    }
    const size_t packed = deflate_chunk(t, from, c->chunk_bytes, to, room - 4);
    if (packed == 0)
        return 0;
    const uint32_t sum = fletcher32(to, packed);
    for (int i = 0; i < 4; i++)
        to[packed + (size_t)i] = (unsigned char)(sum >> 8 * i);
    return packed + 4;
}

bool chunks_write(const struct chunked *c, const void *values)
{
    const uint64_t n_chunks = number_of_chunks(c);
    const size_t room = c->chunk_bytes + c->chunk_bytes / 8 + 1024; /* igzip's worst case is below */
    struct batch b = {0};
    bool fine = true;
    for (uint64_t first = 0; fine && first < n_chunks; first += BATCH) {
        const int n = n_chunks - first < BATCH ? (int)(n_chunks - first) : BATCH;
#pragma omp parallel if (n > 1)
        {
            struct tools t;
            const bool ready = tools_open(&t, c->chunk_bytes, true);
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < n; i++) {
                const uint64_t k = first + (uint64_t)i;
                if (b.bytes[i] == NULL)
                    b.bytes[i] = malloc(room);
                b.n[i] = 0;
                if (ready && b.bytes[i] != NULL)
                    b.n[i] = pack(c, &t, (const unsigned char *)values + k * c->chunk_bytes, bytes_in(c, k),
                                  b.bytes[i], room);
            }
            tools_close(&t);
        }
        for (int i = 0; fine && i < n; i++) {
            const hsize_t at[2] = {(c->first + first + (uint64_t)i) * c->chunk_rows, 0};
            fine = b.n[i] > 0 && H5Dwrite_chunk(c->array, H5P_DEFAULT, 0, at, b.n[i], b.bytes[i]) >= 0;
        }
    }
    batch_free(&b);
    return fine;
}

static bool unpack(const struct chunked *c, struct tools *t, const unsigned char *packed, size_t n,
                   unsigned char *values, size_t wanted)
{
    uint32_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum |= (uint32_t)packed[n - 4 + (size_t)i] << 8 * i;
    if (sum != fletcher32(packed, n - 4))
        return false;
    unsigned char *const whole = wanted < c->chunk_bytes ? t->whole : values;
    if (libdeflate_zlib_decompress(t->unpacker, packed, n - 4, c->element > 1 ? t->planes : whole,
                                   c->chunk_bytes, NULL) != LIBDEFLATE_SUCCESS)
        return false;
    if (c->element > 1)
        unshuffle(c->element, c->chunk_bytes / c->element, t->planes, whole);
    if (wanted < c->chunk_bytes)
        memcpy(values, whole, wanted);
    return true;
}

/* Where the packed chunk k lies; false: it isn't there, or not as we would have stored it. */
static bool find_chunk(const struct chunked *c, uint64_t k, struct batch *b, int i)
{
    const hsize_t at[2] = {(c->first + k) * c->chunk_rows, 0};
    hsize_t size = 0;
    haddr_t address = HADDR_UNDEF;
    unsigned mask = 1;
    if (H5Dget_chunk_info_by_coord(c->array, at, &mask, &address, &size) < 0 || mask != 0 ||
        address == HADDR_UNDEF || size <= 4 || size > 2 * c->chunk_bytes + 1024)
        return false;
    b->n[i] = (size_t)size;
    b->at[i] = address;
    return true;
}

static bool read_packed(int fd, const struct batch *b, int i)
{
    for (size_t got = 0; got < b->n[i];) {
        const ssize_t some = pread(fd, b->bytes[i] + got, b->n[i] - got, (off_t)(b->at[i] + got));
        if (some == 0 || (some < 0 && errno != EINTR))
            return false;
        got += some > 0 ? (size_t)some : 0;
    }
    return true;
}

/* Chunk i of the batch to where it belongs, or held against what is there. */
static bool take_chunk(const struct chunked *c, struct tools *t, int fd, struct batch *b, int i,
                       unsigned char *values, size_t n, bool compare)
{
    if (b->n[i] > b->room[i]) {
        free(b->bytes[i]);
        b->bytes[i] = malloc(b->n[i]);
        b->room[i] = b->bytes[i] != NULL ? b->n[i] : 0;
    }
    if (b->bytes[i] == NULL || !read_packed(fd, b, i))
        return false;
    if (!compare)
        return unpack(c, t, b->bytes[i], b->n[i], values, n);
    return unpack(c, t, b->bytes[i], b->n[i], t->whole, c->chunk_bytes) && memcmp(t->whole, values, n) == 0;
}

static enum chunks_result chunks_take(const struct chunked *c, int fd, unsigned char *values, bool compare)
{
    const uint64_t n_chunks = number_of_chunks(c);
    struct batch b = {0};
    int n_bad = 0;
    bool found = true;
    for (uint64_t first = 0; found && n_bad == 0 && first < n_chunks; first += BATCH) {
        const int n = n_chunks - first < BATCH ? (int)(n_chunks - first) : BATCH;
        for (int i = 0; found && i < n; i++)
            found = find_chunk(c, first + (uint64_t)i, &b, i);
        if (!found)
            break;
#pragma omp parallel if (n > 1) reduction(+ : n_bad)
        {
            struct tools t;
            const bool ready = tools_open(&t, c->chunk_bytes, false);
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < n; i++) {
                const uint64_t k = first + (uint64_t)i;
                n_bad += !ready ||
                         !take_chunk(c, &t, fd, &b, i, values + k * c->chunk_bytes, bytes_in(c, k), compare);
            }
            tools_close(&t);
        }
    }
    batch_free(&b);
    return !found ? CHUNKS_OTHER : n_bad > 0 ? CHUNKS_DAMAGED : CHUNKS_READ;
}

enum chunks_result chunks_read(const struct chunked *c, int fd, void *values)
{
    return chunks_take(c, fd, values, false);
}

enum chunks_result chunks_compare(const struct chunked *c, int fd, const void *values)
{
    return chunks_take(c, fd, (unsigned char *)values, true);
}
