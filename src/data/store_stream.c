/*
 * store_stream.c - see store_stream.h.
 *
 * Each array of rows and texts grows chunk by chunk, side by side in one file (base/stream.h); a few chunks of each are in
 * memory.  The content hash goes array by array, so it is computed when the arrays are there, from what lies on the disk; a hash of
 * what was handed over, kept for each array, says whether that is the same.  Numbers of texts are not known before the last: their
 * arrays can be extended.  The head is looked at once more when HDF5 has closed the file.
 */
#include "data/store_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/stream.h"
#include "data/store_chunks.h"
#include "data/store_parts.h"

#define BATCH_BYTES                                                                                          \
    (16 * (size_t)STORE_CHUNK_BYTES) /* packed at a time, by all threads; whole chunks of all types */

/* One array on its way. */
struct growing {
    const char *folder, *name, *hashed_as;
    hid_t type, array; /* array -1: not begun */
    bool grows;
    size_t element;
    uint64_t total; /* elements in the end; UINT64_MAX: not known */
    uint64_t written;
    hsize_t chunk; /* elements */
    unsigned char *batch;
    size_t n; /* bytes in batch */
    crypto_hash_sha256_state given;
};

enum {
    USER,
    ITEM,
    VALUE,
    TIME,
    SOURCE_ROW,
    TEXT_USER,
    TEXT_ITEM,
    TEXT_TIME,
    TEXT_KIND,
    TEXT_OFFSETS,
    TEXT_BYTES,
    N_ARRAYS
};

struct store_stream {
    struct atomic_file file;
    struct stream stream;
    struct writer w;
    struct dataset head; /* as given, content_sha256 filled with zeros */
    struct growing array[N_ARRAYS];
    uint64_t n_rows, n_texts, n_text_bytes;
    uint32_t last_user; /* of the rows so far */
};

static uint64_t elements(const struct growing *g)
{
    return g->written + g->n / g->element;
}

/* Makes the array: of its final size where that is known, else one that can grow. */
static bool begin_array(const struct store_stream *s, struct growing *g, bool final)
{
    char path[80];
    const hsize_t full = STORE_CHUNK_BYTES / g->element, none = H5S_UNLIMITED;
    const hsize_t n = g->total != UINT64_MAX ? g->total : final ? elements(g) : full;
    snprintf(path, sizeof path, "%s/%s", g->folder, g->name);
    g->grows = g->total == UINT64_MAX && !final;
    const hid_t space = H5Screate_simple(1, &n, g->grows ? &none : NULL),
                plist = array_properties(1, &n, g->element);
    if (space >= 0 && plist >= 0)
        g->array = H5Dcreate2(s->w.file, path, g->type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    g->chunk = n < full ? n : full;
    H5Pclose(plist);
    H5Sclose(space);
    return g->array >= 0;
}

/* `bytes` of the array from that element on, the first of a chunk. */
static struct chunked part_of(const struct growing *g, uint64_t first, uint64_t bytes)
{
    return (struct chunked){.array = g->array,
                            .rank = 1,
                            .element = g->element,
                            .bytes = bytes,
                            .chunk_rows = g->chunk,
                            .chunk_bytes = g->chunk * g->element,
                            .first = first / g->chunk};
}

static enum status flush(struct store_stream *s, struct growing *g, bool final)
{
    if (g->array < 0 && !begin_array(s, g, final))
        return write_failed(&s->w, g->name);
    if (g->n == 0)
        return STATUS_OK;
    const hsize_t now = elements(g);
    const struct chunked c = part_of(g, g->written, g->n);
    if ((g->grows && H5Dset_extent(g->array, &now) < 0) || !chunks_write(&c, g->batch))
        return write_failed(&s->w, g->name);
    g->written = now;
    g->n = 0;
    return stream_check(s->file.path, &s->stream);
}

static enum status append(struct store_stream *s, int which, const void *values, uint64_t n)
{
    struct growing *g = &s->array[which];
    const unsigned char *from = values;
    size_t left = n * g->element;
    if (g->batch == NULL && (g->batch = malloc(BATCH_BYTES)) == NULL)
        return status_fail(STATUS_SYSTEM, "%s: out of memory", s->file.path);
    sha256_update(&g->given, from, left);
    while (left > 0) {
        const size_t some = left < BATCH_BYTES - g->n ? left : BATCH_BYTES - g->n;
        memcpy(g->batch + g->n, from, some);
        g->n += some;
        from += some;
        left -= some;
        if (g->n == BATCH_BYTES)
            TRY(flush(s, g, false));
    }
    return STATUS_OK;
}

static void name_arrays(struct store_stream *s)
{
    const struct {
        const char *folder, *name, *hashed_as;
        hid_t type;
        size_t element;
    } names[N_ARRAYS] = {[USER] = {"/interactions", "user", "user", H5T_STD_U32LE, 4},
                         [ITEM] = {"/interactions", "item", "item", H5T_STD_U32LE, 4},
                         [VALUE] = {"/interactions", "value", "value", H5T_IEEE_F32LE, 4},
                         [TIME] = {"/interactions", "time", "time", H5T_STD_I64LE, 8},
                         [SOURCE_ROW] = {"/interactions", "source_row", "source row", H5T_STD_U64LE, 8},
                         [TEXT_USER] = {"/texts", "user", "text user", H5T_STD_U32LE, 4},
                         [TEXT_ITEM] = {"/texts", "item", "text item", H5T_STD_U32LE, 4},
                         [TEXT_TIME] = {"/texts", "time", "text time", H5T_STD_I64LE, 8},
                         [TEXT_KIND] = {"/texts", "kind", "text kind", H5T_STD_U8LE, 1},
                         [TEXT_OFFSETS] = {"/texts/text", "offsets", "text", H5T_STD_U64LE, 8},
                         [TEXT_BYTES] = {"/texts/text", "bytes", "bytes", H5T_STD_U8LE, 1}};
    for (int k = 0; k < N_ARRAYS; k++) {
        struct growing *g = &s->array[k];
        g->folder = names[k].folder;
        g->name = names[k].name;
        g->hashed_as = names[k].hashed_as;
        g->type = names[k].type;
        g->element = names[k].element;
        g->array = -1;
        g->total = k < TEXT_USER ? s->head.interactions.n : UINT64_MAX;
        crypto_hash_sha256_init(&g->given);
    }
}

static enum status begin(struct store_stream *s)
{
    TRY(stream_open(s->file.path, s->file.stream, &s->stream));
    s->w = (struct writer){s->file.path, s->stream.file, NULL};
    name_arrays(s);
    TRY(write_head(&s->w, &s->head));
    TRY(write_tail(&s->w, &s->head));
    TRY(write_group(&s->w, "/interactions"));
    return stream_check(s->file.path, &s->stream);
}

enum status store_stream_open(const char *path, const struct dataset *head, struct store_stream **out)
{
    store_hdf5_start();
    TRY(store_check_rest(head, path));
    struct store_stream *s = calloc(1, sizeof *s);
    if (s == NULL)
        return status_fail(STATUS_SYSTEM, "%s: out of memory", path);
    s->head = *head;
    s->stream.file = -1;
    memset(s->head.content_sha256, '0', SHA256_HEX - 1);
    enum status status = atomic_open(&s->file, path);
    if (status != STATUS_OK) {
        free(s);
        return status;
    }
    status = begin(s);
    if (status != STATUS_OK)
        return store_stream_close(s, status, NULL);
    *out = s;
    return STATUS_OK;
}

static enum status add_texts(struct store_stream *s, const struct texts *t)
{
    if (s->n_texts == 0) {
        const uint64_t zero = 0;
        TRY(write_group(&s->w, "/texts"));
        TRY(write_group(&s->w, "/texts/text"));
        TRY(append(s, TEXT_OFFSETS, &zero, 1));
    }
    TRY(append(s, TEXT_USER, t->user, t->n));
    TRY(append(s, TEXT_ITEM, t->item, t->n));
    TRY(append(s, TEXT_TIME, t->time, t->n));
    TRY(append(s, TEXT_KIND, t->kind, t->n));
    for (uint64_t i = 0; i < t->n;) {
        uint64_t ends[512], k = 0;
        for (; k < 512 && i < t->n; k++, i++)
            ends[k] = s->n_text_bytes + t->text.offsets[i + 1];
        TRY(append(s, TEXT_OFFSETS, ends, k));
    }
    TRY(append(s, TEXT_BYTES, t->text.bytes, t->text.offsets[t->n]));
    s->n_texts += t->n;
    s->n_text_bytes += t->text.offsets[t->n];
    return STATUS_OK;
}

enum status store_stream_add(struct store_stream *s, const struct interactions *rows,
                             const struct texts *texts)
{
    struct dataset part = s->head;
    part.interactions = *rows;
    part.texts = *texts;
    TRY(store_check_rows(&part, s->file.path));
    if (rows->n > 0 && s->n_rows > 0 && rows->user[0] <= s->last_user)
        return status_fail(STATUS_DATA, "%s: /interactions: user %u comes after user %u", s->file.path,
                           rows->user[0], s->last_user);
    TRY(append(s, USER, rows->user, rows->n));
    TRY(append(s, ITEM, rows->item, rows->n));
    TRY(append(s, VALUE, rows->value, rows->n));
    TRY(append(s, TIME, rows->time, rows->n));
    TRY(append(s, SOURCE_ROW, rows->source_row, rows->n));
    s->n_rows += rows->n;
    if (rows->n > 0)
        s->last_user = rows->user[rows->n - 1];
    return texts->n > 0 ? add_texts(s, texts) : STATUS_OK;
}

/* The array as it lies in the file, into the hash of the content; it must be what was given. */
static enum status hash_array(struct store_stream *s, struct growing *g, unsigned char *buffer,
                              crypto_hash_sha256_state *content)
{
    crypto_hash_sha256_state found;
    unsigned char a[crypto_hash_sha256_BYTES], b[crypto_hash_sha256_BYTES];
    const uint64_t bytes = g->written * g->element;
    crypto_hash_sha256_init(&found);
    store_hash_part(content, g->hashed_as, bytes);
    for (uint64_t at = 0; at < bytes; at += BATCH_BYTES) {
        const uint64_t n = bytes - at < BATCH_BYTES ? bytes - at : BATCH_BYTES;
        const struct chunked c = part_of(g, at / g->element, n);
        if (chunks_read(&c, s->stream.descriptor, buffer) != CHUNKS_READ)
            return status_fail(STATUS_SYSTEM, "%s: %s/%s can't be read back: a bad disk?", s->file.path,
                               g->folder, g->name);
        sha256_update(content, buffer, n);
        sha256_update(&found, buffer, n);
    }
    crypto_hash_sha256_final(&found, a);
    crypto_hash_sha256_final(&g->given, b);
    return memcmp(a, b, sizeof a) == 0
               ? STATUS_OK
               : status_fail(STATUS_SYSTEM,
                             "%s: %s/%s reads back differently from what was written: a bad disk?",
                             s->file.path, g->folder, g->name);
}

static enum status hash_content(struct store_stream *s, char hex[SHA256_HEX])
{
    crypto_hash_sha256_state content;
    unsigned char *buffer = malloc(BATCH_BYTES);
    enum status status = buffer != NULL ? store_hash_begin(&content, &s->head)
                                        : status_fail(STATUS_SYSTEM, "%s: out of memory", s->file.path);
    for (int k = 0; status == STATUS_OK && k < (s->n_texts > 0 ? N_ARRAYS : TEXT_USER); k++)
        status = hash_array(s, &s->array[k], buffer, &content);
    free(buffer);
    if (status == STATUS_OK)
        store_hash_end(&content, &s->head, hex);
    return status;
}

/* SHA-256 of the file's n bytes behind them. */
static enum status seal(const struct store_stream *s)
{
    char hex[SHA256_HEX], text[SEAL_BYTES];
    TRY(sha256_file(s->file.temporary, hex));
    seal_make(hex, text);
    errno = 0;
    if (pwrite(s->stream.descriptor, text, sizeof text, (off_t)s->stream.n) != (ssize_t)sizeof text)
        return status_fail(STATUS_SYSTEM, "%s: could not be written: %s; nothing was changed", s->file.path,
                           strerror(errno != 0 ? errno : EIO));
    return STATUS_OK;
}

/* HDF5 has closed the file: does it still say the same? */
static enum status look_again(const struct store_stream *s, const char hex[SHA256_HEX])
{
    const hid_t file = H5Fopen(s->file.temporary, H5F_ACC_RDONLY, H5P_DEFAULT);
    char found[SHA256_HEX] = "";
    bool fine = file >= 0;
    if (fine) {
        const hid_t attribute = H5Aopen(file, "content_sha256", H5P_DEFAULT), type = H5Aget_type(attribute);
        fine = type >= 0 && H5Tget_size(type) == SHA256_HEX - 1 && H5Aread(attribute, type, found) >= 0;
        H5Tclose(type);
        H5Aclose(attribute);
    }
    fine = fine && strcmp(found, hex) == 0;
    for (int k = 0; fine && k < (s->n_texts > 0 ? N_ARRAYS : TEXT_USER); k++) {
        char path[80];
        const struct growing *g = &s->array[k];
        snprintf(path, sizeof path, "%s/%s", g->folder, g->name);
        const hid_t array = H5Dopen2(file, path, H5P_DEFAULT), space = array >= 0 ? H5Dget_space(array) : -1;
        fine = space >= 0 && (uint64_t)H5Sget_simple_extent_npoints(space) == g->written &&
               (g->written == 0) == (H5Dget_storage_size(array) == 0);
        H5Sclose(space);
        H5Dclose(array);
    }
    if (file >= 0)
        H5Fclose(file);
    return fine ? STATUS_OK
                : status_fail(STATUS_SYSTEM, "%s: reads back differently from what was written: a bad disk?",
                              s->file.path);
}

static enum status finish(struct store_stream *s, char hex[SHA256_HEX])
{
    if (s->n_rows != s->head.interactions.n)
        return status_fail(STATUS_DATA, "%s: /interactions: %llu rows came, %llu were said to", s->file.path,
                           (unsigned long long)s->n_rows, (unsigned long long)s->head.interactions.n);
    for (int k = 0; k < (s->n_texts > 0 ? N_ARRAYS : TEXT_USER); k++)
        TRY(flush(s, &s->array[k], true));
    TRY(hash_content(s, hex));
    TRY(write_content_hash(&s->w, hex));
    TRY(stream_close(s->file.path, &s->stream));
    TRY(seal(s));
    return look_again(s, hex);
}

enum status store_stream_close(struct store_stream *s, enum status status, char content_sha256[SHA256_HEX])
{
    if (status == STATUS_OK)
        status = finish(s, content_sha256);
    for (int k = 0; k < N_ARRAYS; k++)
        free(s->array[k].batch);
    if (s->stream.file >= 0)
        H5Fclose(s->stream.file);
    if (status == STATUS_OK)
        status = atomic_commit(&s->file);
    else
        atomic_abort(&s->file);
    free(s);
    return status;
}
