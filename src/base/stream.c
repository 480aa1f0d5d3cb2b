/* stream.c - see stream.h.  The driver's functions are those that H5FDpublic.h of HDF5 1.10 names. */
#include "base/stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct driver {
    H5FD_t head; /* HDF5's own; first */
    struct stream *stream;
    haddr_t end; /* of what HDF5 has given out */
};
struct access_info {
    struct stream *stream;
};

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t most)
{
    const struct access_info *info = H5Pget_driver_info(access);
    struct driver *d = info != NULL ? calloc(1, sizeof *d) : NULL;
    (void)name, (void)flags, (void)most;
    if (d == NULL)
        return NULL;
    d->stream = info->stream;
    return &d->head;
}
static herr_t driver_close(H5FD_t *file)
{
    free(file);
    return 0;
}
/* Small pieces side by side, as HDF5's own driver for files has it. */
static herr_t driver_query(const H5FD_t *file, unsigned long *flags)
{
    (void)file;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
    return 0;
}
static haddr_t driver_end(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const struct driver *)file)->end;
}
static herr_t driver_set_end(H5FD_t *file, H5FD_mem_t type, haddr_t end)
{
    (void)type;
    ((struct driver *)file)->end = end;
    return 0;
}
static haddr_t driver_size(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const struct driver *)file)->stream->n;
}

/* What lies behind the end, or could not be written, is zeros. */
static herr_t driver_read(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n, void *to)
{
    const struct stream *s = ((const struct driver *)file)->stream;
    unsigned char *bytes = to;
    (void)type, (void)transfer;
    while (n > 0) {
        const ssize_t got = pread(s->descriptor, bytes, n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        bytes += got;
        at += (haddr_t)got;
        n -= (size_t)got;
    }
    memset(bytes, 0, n);
    return 0;
}
static herr_t driver_write(H5FD_t *file, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t n,
                           const void *from)
{
    struct stream *s = ((struct driver *)file)->stream;
    const unsigned char *bytes = from;
    (void)type, (void)transfer;
    s->n = at + n > s->n ? at + n : s->n;
    while (n > 0 && s->error == 0) {
        errno = 0;
        const ssize_t put = pwrite(s->descriptor, bytes, n, (off_t)at);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            s->error = errno != 0 ? errno : EIO;
            break;
        }
        bytes += put;
        at += (haddr_t)put;
        n -= (size_t)put;
    }
    return 0;
}
/* The file is as long as HDF5 says. */
static herr_t driver_truncate(H5FD_t *file, hid_t transfer, hbool_t closing)
{
    const struct driver *d = (const struct driver *)file;
    struct stream *s = d->stream;
    (void)transfer, (void)closing;
    if (d->end != s->n && s->error == 0 && ftruncate(s->descriptor, (off_t)d->end) != 0)
        s->error = errno;
    s->n = d->end;
    return 0;
}

/* The driver's number; HDF5 forgets it at its own end. */
static hid_t driver_number(void)
{
    static hid_t number = -1;
    static const H5FD_class_t driver = {.name = "recfuse stream",
                                        .maxaddr = INT64_MAX,
                                        .fc_degree = H5F_CLOSE_STRONG,
                                        .fapl_size = sizeof(struct access_info),
                                        .open = driver_open,
                                        .close = driver_close,
                                        .query = driver_query,
                                        .get_eoa = driver_end,
                                        .set_eoa = driver_set_end,
                                        .get_eof = driver_size,
                                        .read = driver_read,
                                        .write = driver_write,
                                        .truncate = driver_truncate,
                                        .fl_map = H5FD_FLMAP_DICHOTOMY};
    if (number < 0 || H5Iis_valid(number) <= 0)
        number = H5FDregister(&driver);
    return number;
}

enum status stream_open(const char *shown, FILE *to, struct stream *out)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    *out = (struct stream){.file = -1, .descriptor = fileno(to)};
    const struct access_info info = {out};
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE),
                driver = driver_number();
    if (access >= 0 && create >= 0 && driver >= 0 && H5Pset_driver(access, driver, &info) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0 &&
        H5Pset_obj_track_times(create, false) >= 0)
        out->file = H5Fcreate(shown, H5F_ACC_TRUNC, create, access);
    if (access >= 0)
        H5Pclose(access);
    if (create >= 0)
        H5Pclose(create);
    TRY(stream_check(shown, out));
    return out->file >= 0 ? STATUS_OK
                          : status_fail(STATUS_SYSTEM, "%s: the HDF5 library could not begin a file", shown);
}

enum status stream_check(const char *shown, const struct stream *s)
{
    return s->error == 0 ? STATUS_OK
                         : status_fail(STATUS_SYSTEM, "%s: could not be written: %s; nothing was changed",
                                       shown, strerror(s->error));
}

enum status stream_close(const char *shown, struct stream *s)
{
    const bool closed = s->file < 0 || H5Fclose(s->file) >= 0;
    s->file = -1;
    TRY(stream_check(shown, s));
    return closed ? STATUS_OK
                  : status_fail(STATUS_SYSTEM, "%s: the HDF5 library could not end the file", shown);
}
