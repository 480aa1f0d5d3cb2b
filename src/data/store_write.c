/*
 * store_write.c - a dataset to an HDF5 file that appears whole or not at all.
 *
 * HDF5 builds the file in memory (its core driver), and recfuse writes that image: on a full disk H5Dwrite
 * and H5Fclose of HDF5's own drivers return 0, and a failed H5Fflush leaves the library unable to close the
 * file: HDF5 1.10.8 then crashes at exit.  That takes as much memory again as the packed file.  The image
 * goes to a temporary name with its seal (base/image.h) behind it, is flushed and read back: first its bytes
 * against the image, then as HDF5, every object of it with a reader's checks and every array unpacked and held
 * against the dataset (store_read_back()), which takes no memory; then it is fsync'ed and renamed. No times, no
 * variable-length types, one fixed set of format versions: the same dataset gives the same bytes.
 *
 * What can't be cut in pieces, SHA-256 over the content and over the file, runs beside packing and writing.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "data/store_chunks.h"
#include "data/store_parts.h"

#define DEFLATE_LEVEL 4 /* what the file says; libdeflate has its own scale (store_chunks.c) */

enum { SMALL = 1 << 20 }; /* bytes that are not worth waking threads for */

enum status write_failed(const struct writer *w, const char *object)
{
    char reason[256];
    return status_fail(STATUS_SYSTEM, "%s: %s could not be made: %s", w->path, object,
                       store_hdf5_reason(reason, sizeof reason));
}

enum status write_group(const struct writer *w, const char *name)
{
    const hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
    hid_t group = -1;
    if (plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0)
        group = H5Gcreate2(w->file, name, H5P_DEFAULT, plist, H5P_DEFAULT);
    const bool closed = group >= 0 && H5Gclose(group) >= 0;
    H5Pclose(plist);
    return closed ? STATUS_OK : write_failed(w, name);
}

hid_t array_properties(int rank, const hsize_t *shape, size_t size)
{
    const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    if (plist < 0 || H5Pset_obj_track_times(plist, false) < 0)
        return plist;
    hsize_t chunk[2] = {1, 1}, total = 1;
    for (int i = 0; i < rank; i++)
        total *= shape[i];
    if (total == 0)
        return plist;
    chunk[1] = rank > 1 ? shape[1] : 1;
    const hsize_t rows = STORE_CHUNK_BYTES / (size * chunk[1]);
    chunk[0] = rows < 1 ? 1 : rows < shape[0] ? rows : shape[0];
    bool fine = H5Pset_chunk(plist, rank, chunk) >= 0;
    if (size > 1)
        fine = fine && H5Pset_shuffle(plist) >= 0;
    fine = fine && H5Pset_deflate(plist, DEFLATE_LEVEL) >= 0 && H5Pset_fletcher32(plist) >= 0;
    if (fine)
        return plist;
    H5Pclose(plist);
    return -1;
}

/* Keeps what was written where, for reading back. */
static bool remember(struct written_list *list, const char *path, const void *values, uint64_t bytes)
{
    if (list->n == list->n_allocated) {
        const size_t more = list->n > 0 ? 2 * list->n : 64;
        struct written *grown = realloc(list->array, more * sizeof *grown);
        if (grown == NULL)
            return false;
        list->array = grown;
        list->n_allocated = more;
    }
    struct written *last = &list->array[list->n++];
    snprintf(last->path, sizeof last->path, "%s", path);
    last->values = values;
    last->bytes = bytes;
    return true;
}

/* Writes an array; position >= 0 adds the attribute that keeps columns in order. */
static enum status write_array_of(const struct writer *w, const char *name, hid_t stored, int rank,
                                  const hsize_t *shape, const void *values)
{
    const hid_t space = H5Screate_simple(rank, shape, NULL);
    const hid_t plist = array_properties(rank, shape, H5Tget_size(stored));
    hid_t array = -1;
    hsize_t total = 1;
    for (int i = 0; i < rank; i++)
        total *= shape[i];
    if (space >= 0 && plist >= 0)
        array = H5Dcreate2(w->file, name, stored, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    bool fine =
        array >= 0 && (w->written == NULL || remember(w->written, name, values, total * H5Tget_size(stored)));
    if (fine && total > 0) {
        hsize_t chunk[2] = {0, 0};
        const size_t element = H5Tget_size(stored);
        fine = H5Pget_chunk(plist, 2, chunk) == rank;
        const struct chunked c = {.array = array,
                                  .rank = rank,
                                  .element = element,
                                  .bytes = total * element,
                                  .chunk_rows = chunk[0],
                                  .chunk_bytes = chunk[0] * (rank > 1 ? chunk[1] : 1) * element};
        fine = fine && chunks_write(&c, values);
    }
    if (array >= 0)
        fine = H5Dclose(array) >= 0 && fine;
    H5Pclose(plist);
    H5Sclose(space);
    return fine ? STATUS_OK : write_failed(w, name);
}

enum status write_array(const struct writer *w, const char *folder, const char *name, hid_t stored,
                        uint64_t n, const void *values)
{
    char path[200];
    const hsize_t shape = n;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return write_array_of(w, path, stored, 1, &shape, values);
}

static enum status write_strings(const struct writer *w, const char *folder, const struct strings *s)
{
    static const uint64_t zero = 0;
    TRY(write_group(w, folder));
    TRY(write_array(w, folder, "offsets", H5T_STD_U64LE, s->n + 1, s->n > 0 ? s->offsets : &zero));
    return write_array(w, folder, "bytes", H5T_STD_U8LE, s->n > 0 ? s->offsets[s->n] : 0, s->bytes);
}

static enum status write_attribute(const struct writer *w, const char *object, const char *name, hid_t stored,
                                   hid_t native, const void *value)
{
    const hid_t space = H5Screate(H5S_SCALAR);
    const hid_t attribute =
        H5Acreate_by_name(w->file, object, name, stored, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    bool fine = attribute >= 0 && H5Awrite(attribute, native, value) >= 0;
    if (attribute >= 0)
        fine = H5Aclose(attribute) >= 0 && fine;
    H5Sclose(space);
    return fine ? STATUS_OK : write_failed(w, name);
}

enum status write_string_attribute(const struct writer *w, const char *name, const char *value)
{
    const size_t length = value != NULL ? strlen(value) : 0;
    if (length > STORE_ATTRIBUTE_MAX)
        return status_fail(STATUS_DATA, "%s: attribute %s has %zu bytes, more than the file format's %d",
                           w->path, name, length, STORE_ATTRIBUTE_MAX);
    const hid_t type = H5Tcopy(H5T_C_S1);
    enum status status = STATUS_SYSTEM;
    if (type >= 0 && H5Tset_size(type, length > 0 ? length : 1) >= 0 &&
        H5Tset_cset(type, H5T_CSET_UTF8) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0)
        status = write_attribute(w, "/", name, type, type, length > 0 ? value : "");
    else
        write_failed(w, name);
    H5Tclose(type);
    return status;
}

static enum status write_columns(const struct writer *w, const char *owner, uint32_t n_columns,
                                 const struct column *columns, uint32_t n)
{
    char path[120], names[140];
    for (uint32_t i = 0; i < n_columns; i++) {
        const struct column *c = &columns[i];
        snprintf(path, sizeof path, "%s/%s", owner, c->name);
        if (c->kind == COLUMN_TEXT) {
            TRY(write_strings(w, path, &c->text));
        } else if (c->kind == COLUMN_LIST) {
            TRY(write_group(w, path));
            TRY(write_array(w, path, "ptr", H5T_STD_I64LE, (uint64_t)n + 1, c->list.ptr));
            TRY(write_array(w, path, "idx", H5T_STD_U32LE, (uint64_t)c->list.nnz, c->list.idx));
            snprintf(names, sizeof names, "%s/names", path);
            TRY(write_strings(w, names, &c->names));
        } else {
            TRY(write_array(w, owner, c->name, H5T_IEEE_F32LE, n, c->number));
        }
        TRY(write_attribute(w, path, "position", H5T_STD_U32LE, H5T_NATIVE_UINT32, &i));
    }
    return STATUS_OK;
}

static enum status write_interactions(const struct writer *w, const struct interactions *x)
{
    const char *folder = "/interactions";
    TRY(write_group(w, folder));
    TRY(write_array(w, folder, "user", H5T_STD_U32LE, x->n, x->user));
    TRY(write_array(w, folder, "item", H5T_STD_U32LE, x->n, x->item));
    TRY(write_array(w, folder, "value", H5T_IEEE_F32LE, x->n, x->value));
    if (x->time != NULL)
        TRY(write_array(w, folder, "time", H5T_STD_I64LE, x->n, x->time));
    return write_array(w, folder, "source_row", H5T_STD_U64LE, x->n, x->source_row);
}

static enum status write_texts(const struct writer *w, const struct texts *t)
{
    const char *folder = "/texts";
    TRY(write_group(w, folder));
    TRY(write_array(w, folder, "user", H5T_STD_U32LE, t->n, t->user));
    TRY(write_array(w, folder, "item", H5T_STD_U32LE, t->n, t->item));
    if (t->time != NULL)
        TRY(write_array(w, folder, "time", H5T_STD_I64LE, t->n, t->time));
    TRY(write_array(w, folder, "kind", H5T_STD_U8LE, t->n, t->kind));
    return write_strings(w, "/texts/text", &t->text);
}

static enum status write_features(const struct writer *w, const struct dataset *d)
{
    char path[120];
    if (d->n_features > 0)
        TRY(write_group(w, "/features"));
    for (uint32_t i = 0; i < d->n_features; i++) {
        const struct feature *f = &d->features[i];
        const hsize_t shape[2] = {d->n_items, f->width};
        const uint32_t from_users = f->from_users;
        snprintf(path, sizeof path, "/features/%s", f->name);
        TRY(write_array_of(w, path, H5T_IEEE_F32LE, 2, shape, f->value));
        TRY(write_attribute(w, path, "position", H5T_STD_U32LE, H5T_NATIVE_UINT32, &i));
        TRY(write_attribute(w, path, "from_users", H5T_STD_U32LE, H5T_NATIVE_UINT32, &from_users));
    }
    return STATUS_OK;
}

static enum status write_truth(const struct writer *w, const struct dataset *d)
{
    const struct truth *t = d->truth;
    const hsize_t users[2] = {d->n_users, t->factors}, items[2] = {d->n_items, t->factors};
    TRY(write_group(w, "/truth"));
    TRY(write_array_of(w, "/truth/user", H5T_IEEE_F32LE, 2, users, t->user));
    TRY(write_array_of(w, "/truth/item", H5T_IEEE_F32LE, 2, items, t->item));
    TRY(write_array(w, "/truth", "item_bias", H5T_IEEE_F32LE, d->n_items, t->item_bias));
    return write_array(w, "/truth", "exposure", H5T_IEEE_F32LE, d->n_items, t->exposure);
}

enum status write_head(const struct writer *w, const struct dataset *d)
{
    const uint32_t schema = DATASET_SCHEMA;
    TRY(write_attribute(w, "/", "schema_version", H5T_STD_U32LE, H5T_NATIVE_UINT32, &schema));
    TRY(write_string_attribute(w, "name", d->name));
    TRY(write_string_attribute(w, "source", d->source));
    TRY(write_string_attribute(w, "source_sha256", d->source_sha256));
    TRY(write_string_attribute(w, "content_sha256", d->content_sha256));
    TRY(write_string_attribute(w, "policies", d->policies));
    TRY(write_group(w, "/users"));
    TRY(write_strings(w, "/users/id", &d->user_ids));
    TRY(write_columns(w, "/users", d->n_user_columns, d->user_columns, d->n_users));
    TRY(write_group(w, "/items"));
    TRY(write_strings(w, "/items/id", &d->item_ids));
    return write_columns(w, "/items", d->n_item_columns, d->item_columns, d->n_items);
}

enum status write_tail(const struct writer *w, const struct dataset *d)
{
    TRY(write_features(w, d));
    return d->truth != NULL ? write_truth(w, d) : STATUS_OK;
}

static enum status write_all(const struct writer *w, const struct dataset *d)
{
    TRY(write_head(w, d));
    TRY(write_interactions(w, &d->interactions));
    if (d->texts.n > 0)
        TRY(write_texts(w, &d->texts));
    return write_tail(w, d);
}

enum status write_content_hash(const struct writer *w, const char hex[SHA256_HEX])
{
    const hid_t attribute = H5Aopen(w->file, "content_sha256", H5P_DEFAULT);
    const hid_t type = attribute >= 0 ? H5Aget_type(attribute) : -1;
    const bool fine = type >= 0 && H5Tget_size(type) == SHA256_HEX - 1 && H5Awrite(attribute, type, hex) >= 0;
    H5Tclose(type);
    if (attribute >= 0)
        H5Aclose(attribute);
    return fine ? STATUS_OK : write_failed(w, "content_sha256");
}

/* The hash of the content, which no thread can share, beside the packing. */
struct hashing {
    const struct dataset *d;
    char hex[SHA256_HEX];
};
static void *hash_content(void *context)
{
    struct hashing *h = context;
    store_hash(h->d, h->hex);
    return NULL;
}

/* The whole file as HDF5 would have written it. */
static enum status build_image(const char *path, struct dataset *d, struct written_list *written,
                               struct image *image)
{
    pthread_t thread;
    struct hashing hashing = {.d = d};
    TRY(image_open(path, image));
    const struct writer w = {path, image->file, written};
    const bool beside = pthread_create(&thread, NULL, hash_content, &hashing) == 0;
    memset(d->content_sha256, '0', SHA256_HEX - 1);
    d->content_sha256[SHA256_HEX - 1] = '\0';
    const enum status status = write_all(&w, d);
    if (beside)
        pthread_join(thread, NULL);
    else
        hash_content(&hashing);
    TRY(status);
    memcpy(d->content_sha256, hashing.hex, SHA256_HEX);
    TRY(write_content_hash(&w, d->content_sha256));
    return image_close(path, image);
}

/* All of it at that place of the file; errno, or 0. */
static int put(int fd, const void *bytes, size_t n, off_t at)
{
    const size_t most = 8u << 20; /* the disk begins with the first of them */
    for (size_t done = 0; done < n;) {
        const size_t length = n - done < most ? n - done : most;
        const ssize_t some = pwrite(fd, (const char *)bytes + done, length, at + (off_t)done);
        if (some < 0 && errno == EINTR)
            continue;
        if (some <= 0)
            return some < 0 && errno != 0 ? errno : EIO;
        sync_file_range(fd, at + (off_t)done, some, SYNC_FILE_RANGE_WRITE);
        done += (size_t)some;
    }
    return 0;
}

/* The image and its seal. */
static enum status write_image(const struct atomic_file *file, const struct image *image,
                               char seal[SEAL_BYTES])
{
    const int fd = fileno(file->stream);
    int failed = 0;
#pragma omp parallel sections if (image->n > SMALL)
    {
#pragma omp section
        failed = put(fd, image->bytes, image->n, 0);
#pragma omp section
        {
            char hash[SHA256_HEX];
            sha256_hex(image->bytes, image->n, hash);
            seal_make(hash, seal);
        }
    }
    if (failed == 0)
        failed = put(fd, seal, SEAL_BYTES, (off_t)image->n);
    return failed == 0 ? STATUS_OK
                       : status_fail(STATUS_SYSTEM, "%s: could not be written: %s; nothing was changed",
                                     file->path, strerror(failed));
}

static enum status other_than_written(const char *path)
{
    return status_fail(STATUS_SYSTEM, "%s: reads back differently from what was written: a bad disk?", path);
}

/* Does the file hold these bytes at that place? */
static bool holds(int fd, const unsigned char *bytes, size_t n, off_t at)
{
    unsigned char block[1 << 16];
    for (size_t done = 0; done < n;) {
        const size_t length = n - done < sizeof block ? n - done : sizeof block;
        const ssize_t some = pread(fd, block, length, at + (off_t)done);
        if (some < 0 && errno == EINTR)
            continue;
        if (some <= 0 || memcmp(block, bytes + done, (size_t)some) != 0)
            return false;
        done += (size_t)some;
    }
    return true;
}

static enum status compare_bytes(const struct atomic_file *file, const struct image *image,
                                 const char seal[SEAL_BYTES])
{
    const size_t piece = 1u << 20, n_pieces = (image->n + piece - 1) / piece;
    const int fd = open(file->temporary, O_RDONLY | O_CLOEXEC);
    int n_bad = fd < 0 || lseek(fd, 0, SEEK_END) != (off_t)(image->n + SEAL_BYTES) ||
                !holds(fd, (const unsigned char *)seal, SEAL_BYTES, (off_t)image->n);
#pragma omp parallel for schedule(static) reduction(+ : n_bad) if (image->n > SMALL)
    for (size_t k = 0; k < n_pieces; k++) {
        const size_t n = image->n - k * piece < piece ? image->n - k * piece : piece;
        n_bad += fd < 0 || !holds(fd, image->bytes + k * piece, n, (off_t)(k * piece));
    }
    if (fd >= 0)
        close(fd);
    return n_bad == 0 ? STATUS_OK : other_than_written(file->path);
}

static int same(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* What lies on the disk is what was meant: a reader's checks, and the same content. */
static enum status read_back(const struct atomic_file *file, const struct dataset *d,
                             const struct written_list *written)
{
    struct dataset *again;
    struct arena *arena = arena_new();
    if (arena == NULL)
        return STATUS_SYSTEM;
    enum status status = store_read_back(file->temporary, file->path, written, arena, &again);
    if (status == STATUS_OK &&
        (strcmp(again->content_sha256, d->content_sha256) != 0 || !same(again->name, d->name) ||
         !same(again->source, d->source) || !same(again->policies, d->policies) ||
         !same(again->source_sha256, d->source_sha256)))
        status = other_than_written(file->path);
    arena_free(arena);
    return status;
}

enum status store_write(const char *path, struct dataset *d)
{
    store_hdf5_start();
    TRY(store_check(d, path));
    TRY(store_hash_start());
    /* The name is tried before the work. */
    struct atomic_file file;
    TRY(atomic_open(&file, path));
    struct image image = {0};
    struct written_list written = {0};
    char seal[SEAL_BYTES];
    enum status status = build_image(path, d, &written, &image);
    if (status == STATUS_OK)
        status = write_image(&file, &image, seal);
    if (status == STATUS_OK)
        status = compare_bytes(&file, &image, seal);
    image_free(&image);
    if (status == STATUS_OK)
        status = read_back(&file, d, &written);
    free(written.array);
    if (status != STATUS_OK) {
        atomic_abort(&file);
        return status;
    }
    return atomic_commit(&file);
}
