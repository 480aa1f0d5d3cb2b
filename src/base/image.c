/* image.c - see image.h. */
#include "base/image.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { GROWTH = 1 << 20 /* bytes that the file in memory grows by */ };

/*
 * The bytes are caught from HDF5's memory driver when it closes the file: before that they are not final, and
 * H5Fget_file_image() clears a flag under the superblock's checksum without renewing that (1.10.8: its own H5Fopen then
 * refuses the image).
 */
static void *image_malloc(size_t size, H5FD_file_image_op_t op, void *context)
{
    struct image *image = context;
    (void)op;
    image->allocated = size;
    return calloc(size > 0 ? size : 1, 1);
}
static void *image_realloc(void *bytes, size_t size, H5FD_file_image_op_t op, void *context)
{
    struct image *image = context;
    (void)op;
    const size_t before = bytes != NULL ? image->allocated : 0;
    unsigned char *grown = realloc(bytes, size > 0 ? size : 1);
    if (grown != NULL && size > before) /* never bytes of another's memory in the file */
        memset(grown + before, 0, size - before);
    if (grown != NULL)
        image->allocated = size;
    return grown;
}
static herr_t image_release(void *bytes, H5FD_file_image_op_t op, void *context)
{
    struct image *image = context;
    if (op == H5FD_FILE_IMAGE_OP_FILE_CLOSE) {
        free(image->bytes);
        image->bytes = bytes;
        image->caught = true;
    } else {
        free(bytes);
    }
    return 0;
}
static void *context_copy(void *context)
{
    return context;
}
static herr_t context_free(void *context)
{
    (void)context;
    return 0;
}

static enum status out_of_memory(const char *shown)
{
    return status_fail(STATUS_SYSTEM, "%s: HDF5 could not make the file in memory; is memory out?", shown);
}

enum status image_open(const char *shown, struct image *out)
{
    *out = (struct image){.file = -1};
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    H5FD_file_image_callbacks_t callbacks = {.image_malloc = image_malloc,
                                             .image_realloc = image_realloc,
                                             .image_free = image_release,
                                             .udata_copy = context_copy,
                                             .udata_free = context_free,
                                             .udata = out};
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS), create = H5Pcreate(H5P_FILE_CREATE);
    /* H5Fcreate() first looks for an old file of its name and reads the whole of it: a name that no file can have. */
    if (access >= 0 && create >= 0 && H5Pset_fapl_core(access, GROWTH, false) >= 0 &&
        H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
        H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 && /* what a failure left open goes too */
        H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18) >= 0 &&
        H5Pset_obj_track_times(create, false) >= 0)
        out->file = H5Fcreate("/dev/null/image", H5F_ACC_TRUNC, create, access);
    if (access >= 0)
        H5Pclose(access);
    if (create >= 0)
        H5Pclose(create);
    return out->file >= 0 ? STATUS_OK : out_of_memory(shown);
}

enum status image_close(const char *shown, struct image *image)
{
    const bool flushed = H5Fflush(image->file, H5F_SCOPE_GLOBAL) >= 0;
    const bool closed = H5Fclose(image->file) >= 0;
    image->file = -1;
    if (!flushed || !closed || !image->caught)
        return out_of_memory(shown);
    /* A version 2 superblock with addresses of 8 bytes: the end of the file is at byte 28. */
    uint64_t end = 0;
    if (image->allocated >= 48 && image->bytes[8] == 2 && image->bytes[9] == 8)
        memcpy(&end, image->bytes + 28, sizeof end);
    if (end < 48 || end > image->allocated)
        return status_fail(STATUS_SYSTEM, "%s: the HDF5 library made a file of another form than expected",
                           shown);
    image->n = (size_t)end;
    return STATUS_OK;
}

void image_free(struct image *image)
{
    if (image->file > 0) /* 0 is no id of HDF5's: a zeroed image */
        H5Fclose(image->file);
    free(image->bytes);
    *image = (struct image){.file = -1};
}

static const char mark[] = "recfuse sha256 ";
_Static_assert(SEAL_BYTES == sizeof mark - 1 + SHA256_HEX, "the seal is the mark, the hash, a newline");

void seal_make(const char sha256[SHA256_HEX], char seal[SEAL_BYTES])
{
    memcpy(seal, mark, sizeof mark - 1);
    memcpy(seal + sizeof mark - 1, sha256, SHA256_HEX - 1);
    seal[SEAL_BYTES - 1] = '\n';
}

bool seal_looks_right(const char seal[SEAL_BYTES])
{
    return memcmp(seal, mark, sizeof mark - 1) == 0;
}
