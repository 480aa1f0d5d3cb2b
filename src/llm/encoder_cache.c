/*
 * encoder_cache.c - embeddings that were computed before: encoder_embed_cached().
 *
 * One file an encoder, CACHE/<sha of encoder>-<backend>-<instruction set>-<version>.embeddings, of records of one size,
 * appended:
 *     sha256 of the text [32] | float32 vector [dimensions] | first 8 bytes of the sha256 of what stands before [8]
 * There is no header, so there is nothing but records to damage: a record whose check fails (or whose numbers are not
 * finite) is passed over, its text computed again and appended again; the last good record of a text counts.  A writer
 * holds flock() on the file; a kill while it appends leaves a part of a record at the end, which the next writer cuts
 * off before it appends.  Appends are not fsync'ed: after a power failure the check finds what is missing.
 *
 * A vector's bits depend on no company and no number of threads, so results are the same with and without a cache.  A
 * cache that can't be written (full disk, no right) is warned of, once a call, and the work goes on without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "instructions.h"
#include "llm/encoder_internal.h"

/* Raised when the encoder's bits change for the same weights. */
enum { CACHE_VERSION = 3, KEY = 32, CHECK = 8 };
/* The texts of one call, each once. */
struct wanted {
    struct string_map *map;    /* text -> number */
    uint32_t n;                /* different texts */
    uint32_t *number;          /* [texts->n] */
    unsigned char (*key)[KEY]; /* [n] */
    float *vectors;            /* [n x dimensions] */
    unsigned char *known;      /* [n] */
    uint32_t *slots;           /* [n_slots], open addressing by key; UINT32_MAX: free */
    uint32_t n_slots;          /* a power of two */
};

static size_t record_size(const struct encoder *e)
{
    return KEY + (size_t)e->hidden * sizeof(float) + CHECK;
}

static void record_check(const unsigned char *record, size_t size, unsigned char check[CHECK])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, record, size - CHECK);
    memcpy(check, hash, CHECK);
}

static uint32_t slot_of(const struct wanted *w, const unsigned char *key)
{
    uint32_t slot;
    memcpy(&slot, key, sizeof slot); /* the bits of a hash are as good as random */
    for (slot &= w->n_slots - 1; w->slots[slot] != UINT32_MAX; slot = (slot + 1) & (w->n_slots - 1))
        if (memcmp(w->key[w->slots[slot]], key, KEY) == 0)
            break;
    return slot;
}

static enum status list_wanted(const struct encoder *e, const struct strings *texts, struct arena *arena,
                               struct wanted *w)
{
    w->map = string_map_new();
    if (w->map == NULL)
        return STATUS_SYSTEM;
    ARENA_NEW(w->number, arena, texts->n);
    for (uint64_t i = 0; i < texts->n; i++) {
        w->number[i] = string_map_add(w->map, strings_at(texts, i), strings_length(texts, i));
        if (w->number[i] == UINT32_MAX)
            return STATUS_SYSTEM;
    }
    w->n = string_map_size(w->map);
    const struct strings different = string_map_strings(w->map);
    for (w->n_slots = 16; w->n_slots / 2 < w->n && w->n_slots < 1u << 31;)
        w->n_slots *= 2;
    w->key = arena_alloc(arena, w->n, KEY);
    if (w->key == NULL)
        return STATUS_SYSTEM;
    ARENA_NEW(w->known, arena, w->n);
    ARENA_NEW(w->vectors, arena, (size_t)w->n * (size_t)e->hidden);
    ARENA_NEW(w->slots, arena, w->n_slots);
    memset(w->slots, 0xFF, w->n_slots * sizeof *w->slots);
    for (uint32_t i = 0; i < w->n; i++) {
        crypto_hash_sha256(w->key[i], (const unsigned char *)strings_at(&different, i),
                           strings_length(&different, i));
        w->slots[slot_of(w, w->key[i])] = i;
    }
    return STATUS_OK;
}

/* One record of the file, if it is good and wanted. */
static void take_record(const struct encoder *e, const unsigned char *record, struct wanted *w)
{
    const uint32_t number = w->slots[slot_of(w, record)];
    if (number == UINT32_MAX)
        return;
    const size_t size = record_size(e), dimensions = (size_t)e->hidden;
    unsigned char check[CHECK];
    record_check(record, size, check);
    if (memcmp(check, record + size - CHECK, CHECK) != 0)
        return;
    for (size_t i = 0; i < dimensions; i++) {
        float value;
        memcpy(&value, record + KEY + i * sizeof value, sizeof value);
        if (!isfinite(value))
            return;
    }
    float *vector = w->vectors + number * dimensions;
    memcpy(vector, record + KEY, dimensions * sizeof *vector);
    w->known[number] = 1;
}

/* Looks the wanted texts up in the file; a missing file holds nothing. */
static void look_up(const struct encoder *e, const char *path, struct wanted *w)
{
    enum { AT_ONCE = 256 };
    const size_t size = record_size(e);
    FILE *file = fopen(path, "rbe");
    unsigned char *records = file != NULL ? malloc(AT_ONCE * size) : NULL;
    if (file == NULL && errno != ENOENT)
        log_warn("%s: the cache could not be read: %s", path, strerror(errno));
    for (size_t n = 1; records != NULL && n > 0;) {
        n = fread(records, size, AT_ONCE, file);
        for (size_t i = 0; i < n; i++)
            take_record(e, records + i * size, w);
    }
    free(records);
    if (file != NULL)
        fclose(file);
}

static bool write_all(int fd, const unsigned char *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t written = write(fd, bytes, n);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            n -= (size_t)written;
        }
    }
    return true;
}

/* Appends under the lock.  False: errno says why; what was written of it is cut off again. */
static bool append(const char *path, const unsigned char *records, size_t n, size_t size)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return false;
    struct stat info;
    int locked;
    do
        locked = flock(fd, LOCK_EX);
    while (locked != 0 && errno == EINTR);
    bool fine = locked == 0 && fstat(fd, &info) == 0;
    if (fine) {
        const off_t whole = info.st_size - info.st_size % (off_t)size; /* without a part that a kill left */
        fine = (whole == info.st_size || ftruncate(fd, whole) == 0) && lseek(fd, whole, SEEK_SET) == whole &&
               write_all(fd, records, n * size);
        if (!fine) {
            const int reason = errno;
            if (ftruncate(fd, whole) != 0)
                log_warn("%s: a part of a record stays in the cache; the next writer cuts it off", path);
            errno = reason;
        }
    }
    const int reason = errno;
    close(fd);
    errno = reason;
    return fine;
}

/* Computes the texts of `chunk`, numbers of w, and appends them. */
static enum status compute(struct encoder *e, const char *path, const uint32_t *chunk, uint32_t n,
                           struct wanted *w, bool *writable)
{
    const struct strings different = string_map_strings(w->map);
    const size_t size = record_size(e), dimensions = (size_t)e->hidden;
    struct arena *arena = arena_new();
    struct string_builder builder = {0};
    struct strings texts;
    enum status status = arena == NULL ? STATUS_SYSTEM : STATUS_OK;
    for (uint32_t i = 0; i < n && status == STATUS_OK; i++)
        status = string_builder_add(&builder, strings_at(&different, chunk[i]),
                                    strings_length(&different, chunk[i]));
    if (status == STATUS_OK)
        status = string_builder_finish(&builder, arena, &texts);
    float *vectors = status == STATUS_OK ? arena_alloc(arena, (size_t)n * dimensions, sizeof *vectors) : NULL;
    unsigned char *records = vectors != NULL ? arena_alloc(arena, n, size) : NULL;
    if (status == STATUS_OK)
        status = records != NULL ? encoder_embed(e, &texts, vectors) : STATUS_SYSTEM;
    for (uint32_t i = 0; i < n && status == STATUS_OK; i++) {
        unsigned char *record = records + i * size;
        memcpy(record, w->key[chunk[i]], KEY);
        memcpy(record + KEY, vectors + i * dimensions, dimensions * sizeof *vectors);
        record_check(record, size, record + size - CHECK);
        memcpy(w->vectors + chunk[i] * dimensions, vectors + i * dimensions, dimensions * sizeof *vectors);
    }
    if (status == STATUS_OK && *writable && !append(path, records, n, size)) {
        log_warn("%s: the cache could not be written: %s; going on without it", path, strerror(errno));
        *writable = false;
    }
    string_builder_free(&builder);
    arena_free(arena);
    return status;
}

static enum status embed_wanted(struct encoder *e, const char *cache, const struct strings *texts,
                                struct arena *arena, struct wanted *w, float *out)
{
    enum { AT_ONCE = 4096 }; /* so that a kill loses little */
    TRY(make_folders(cache));
    TRY(list_wanted(e, texts, arena, w));
    const char *path = arena_printf(arena, "%s/%.32s-%s-%s-%d.embeddings", cache, e->sha256, e->backend->name,
                                    kernels_instructions(), CACHE_VERSION);
    if (path == NULL)
        return STATUS_SYSTEM;
    look_up(e, path, w);
    uint32_t *missing, n_missing = 0;
    ARENA_NEW(missing, arena, w->n);
    for (uint32_t i = 0; i < w->n; i++)
        if (!w->known[i])
            missing[n_missing++] = i;
    bool writable = true;
    for (uint32_t at = 0; at < n_missing; at += AT_ONCE)
        TRY(compute(e, path, missing + at, n_missing - at < AT_ONCE ? n_missing - at : AT_ONCE, w,
                    &writable));
    const size_t dimensions = (size_t)e->hidden;
    for (uint64_t i = 0; i < texts->n; i++)
        memcpy(out + i * dimensions, w->vectors + w->number[i] * dimensions, dimensions * sizeof *out);
    return STATUS_OK;
}

enum status encoder_embed_cached(struct encoder *encoder, const char *cache, const struct strings *texts,
                                 float *out)
{
    encoder->use.n_texts += texts->n;
    if (cache == NULL || texts->n == 0)
        return encoder_embed(encoder, texts, out);
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    struct wanted wanted = {0};
    const enum status status = embed_wanted(encoder, cache, texts, arena, &wanted, out);
    string_map_free(wanted.map);
    arena_free(arena);
    return status;
}
