/*
 * image.h - HDF5 files built in memory, and the seal that ends a file of ours.
 *
 * Where HDF5 1.10.8 itself meets a full disk, H5Dwrite and H5Fclose return 0 and its clean-up at exit crashes; so every
 * file is made in memory and its bytes are put on the disk by fsio.h.  Cost: the packed file once more in memory.
 */
#ifndef BASE_IMAGE_H
#define BASE_IMAGE_H
#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fsio.h"

struct image {
    hid_t file;           /* write here; -1 when closed */
    unsigned char *bytes; /* [n] once image_close() is through: the file as it belongs on the disk */
    size_t n, allocated;
    bool caught; /* HDF5 has handed the bytes over */
};

/* A new, empty file: superblock of HDF5 1.8, object times off, error stack quiet, no plugins.  It stays where it is
 * until image_free() (HDF5 keeps its address).  `shown` names it in messages.  STATUS_SYSTEM: memory. */
enum status image_open(const char *shown, struct image *out);
/* Flushes and closes; the bytes are final.  STATUS_SYSTEM: memory. */
enum status image_close(const char *shown, struct image *image);
/* Closes what is open and frees; takes a zeroed or freed one. */
void image_free(struct image *image);

/* The line behind the HDF5 bytes of a dataset or model file: "recfuse sha256 ", their SHA-256, a newline.  HDF5 and its
 * tools don't mind it.  It is checked before HDF5 sees the file, for 1.10.8 doesn't stand all damage to its own
 * structures (AddressSanitizer: freed memory read in H5Aexists).  No defence against intent. */
enum { SEAL_BYTES = 15 + SHA256_HEX };
void seal_make(const char sha256[SHA256_HEX], char seal[SEAL_BYTES]);
/* Does it begin like a seal? */
bool seal_looks_right(const char seal[SEAL_BYTES]);

#endif
