/*
 * store_chunks.h - the chunks of a dataset file, packed and unpacked by all threads.
 */
#ifndef DATA_STORE_CHUNKS_H
#define DATA_STORE_CHUNKS_H
#include <hdf5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An array whose rows lie one behind the other, cut into chunks of whole rows, filtered by shuffle (elements of more than
 * one byte), deflate, Fletcher32: what store_write.c makes. */
struct chunked {
    hid_t array;
    int rank;            /* 1 or 2 */
    size_t element;      /* bytes of one */
    uint64_t bytes;      /* of the whole array */
    uint64_t chunk_rows; /* rows of a chunk */
    size_t chunk_bytes;  /* of a whole chunk; the last one is filled up with zeros */
    uint64_t first;      /* the number of the chunk that the values begin with: `bytes` are those of a part */
};

/* False: HDF5 refused, or memory is out.  Bytes don't depend on the number of threads. */
bool chunks_write(const struct chunked *c, const void *values);

enum chunks_result { CHUNKS_READ, CHUNKS_OTHER, CHUNKS_DAMAGED };
/* fd: the file that the array lies in.  CHUNKS_OTHER: it is stored in another way (a chunk that isn't there, or without a
 * filter): H5Dread() shall have it.  CHUNKS_DAMAGED: a checksum fails, or a chunk doesn't unpack to its size. */
enum chunks_result chunks_read(const struct chunked *c, int fd, void *values);
/* As above, but `values` are there already: CHUNKS_DAMAGED where the file holds others.  Takes no memory for them. */
enum chunks_result chunks_compare(const struct chunked *c, int fd, const void *values);

#endif
