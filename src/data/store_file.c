/*
 * store_file.c - a dataset to an HDF5 file that appears whole or not at all.
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

#include "data/store_parts.h"

enum { SMALL = 1 << 20 }; /* bytes that are not worth waking threads for */

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
