/*
 * store_chunks.c - see store_chunks.h.
 *
 * HDF5 runs its filters on one thread, and with zlib: reading 20 million rows took 1.06 s of inflate.  Here HDF5 only moves
 * packed chunks (H5Dwrite_chunk, H5Dread_chunk), a batch at a time, and the filters run beside each other, deflate by
 * libdeflate.  They are HDF5's filters to the bit, so that any HDF5 program reads the file: H5Zshuffle.c, H5Zdeflate.c (a
 * zlib stream), H5Zfletcher32.c (Fletcher's sums over big-endian 16-bit words, appended little-endian).
 */
#include "data/store_chunks.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

#define LEVEL 3
#define BATCH 32 /* chunks in memory at a time */

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

static uint32_t fletcher32(const unsigned char *bytes, size_t n)
{
    uint32_t a = 0, b = 0;
    for (size_t words = n / 2; words > 0;) {
        size_t some = words < 360 ? words : 360; /* the sums stay below 2^32 */
        words -= some;
        for (; some > 0; some--, bytes += 2) {
            a += (uint32_t)bytes[0] << 8 | bytes[1];
            b += a;
        }
        a = (a & 0xffff) + (a >> 16);
        b = (b & 0xffff) + (b >> 16);
    }
    if (n % 2) {
        a += (uint32_t)bytes[0] << 8;
        b += a;
        a = (a & 0xffff) + (a >> 16);
        b = (b & 0xffff) + (b >> 16);
    }
    a = (a & 0xffff) + (a >> 16);
    b = (b & 0xffff) + (b >> 16);
    return b << 16 | a;
}

/* A thread's own tools. */
struct tools {
    struct libdeflate_compressor *packer;
    struct libdeflate_decompressor *unpacker;
    unsigned char *whole, *planes; /* [chunk_bytes] each */
};
static bool tools_open(struct tools *t, size_t chunk_bytes, bool pack)
{
    *t = (struct tools){.packer = pack ? libdeflate_alloc_compressor(LEVEL) : NULL,
                        .unpacker = pack ? NULL : libdeflate_alloc_decompressor(),
                        .whole = malloc(chunk_bytes),
                        .planes = malloc(chunk_bytes)};
    return (pack ? t->packer != NULL : t->unpacker != NULL) && t->whole != NULL && t->planes != NULL;
}
static void tools_close(struct tools *t)
{
    libdeflate_free_compressor(t->packer);
    libdeflate_free_decompressor(t->unpacker);
    free(t->whole);
    free(t->planes);
}

/* Chunks k .. k + n: packed bytes of each, and how many; 0: failed. */
struct batch {
    unsigned char *bytes[BATCH];
    size_t n[BATCH], room[BATCH];
    uint32_t mask[BATCH];
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
    const size_t packed = libdeflate_zlib_compress(t->packer, from, c->chunk_bytes, to, room - 4);
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
    const size_t room = libdeflate_zlib_compress_bound(NULL, c->chunk_bytes) + 4;
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

/* The packed chunk k, as it lies in the file. */
static enum chunks_result fetch(const struct chunked *c, uint64_t k, struct batch *b, int i)
{
    const hsize_t at[2] = {(c->first + k) * c->chunk_rows, 0};
    hsize_t size = 0;
    if (H5Dget_chunk_storage_size(c->array, at, &size) < 0 || size <= 4 || size > 2 * c->chunk_bytes + 1024)
        return CHUNKS_OTHER;
    if (size > b->room[i]) {
        free(b->bytes[i]);
        b->bytes[i] = malloc((size_t)size);
        b->room[i] = b->bytes[i] != NULL ? (size_t)size : 0;
    }
    b->n[i] = (size_t)size;
    if (b->bytes[i] == NULL || H5Dread_chunk(c->array, H5P_DEFAULT, at, &b->mask[i], b->bytes[i]) < 0 ||
        b->mask[i] != 0)
        return CHUNKS_OTHER;
    return CHUNKS_READ;
}

enum chunks_result chunks_read(const struct chunked *c, void *values)
{
    const uint64_t n_chunks = number_of_chunks(c);
    struct batch b = {0};
    enum chunks_result result = CHUNKS_READ;
    for (uint64_t first = 0; result == CHUNKS_READ && first < n_chunks; first += BATCH) {
        const int n = n_chunks - first < BATCH ? (int)(n_chunks - first) : BATCH;
        int n_bad = 0;
        for (int i = 0; result == CHUNKS_READ && i < n; i++)
            result = fetch(c, first + (uint64_t)i, &b, i);
        if (result != CHUNKS_READ)
            break;
#pragma omp parallel if (n > 1) reduction(+ : n_bad)
        {
            struct tools t;
            const bool ready = tools_open(&t, c->chunk_bytes, false);
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < n; i++) {
                const uint64_t k = first + (uint64_t)i;
                n_bad += !ready || !unpack(c, &t, b.bytes[i], b.n[i],
                                           (unsigned char *)values + k * c->chunk_bytes, bytes_in(c, k));
            }
            tools_close(&t);
        }
        result = n_bad > 0 ? CHUNKS_DAMAGED : CHUNKS_READ;
    }
    batch_free(&b);
    return result;
}
