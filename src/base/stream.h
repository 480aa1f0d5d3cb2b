/*
 * stream.h - HDF5 files written straight to the disk, of any size, by a driver of our own.
 *
 * Where HDF5 1.10.8's own drivers meet a full disk, H5Dwrite and H5Fclose return 0 and its clean-up at exit crashes.  This
 * driver tells HDF5 that every write went well, keeps the first error and drops what comes after it; stream_close() says
 * what it was.  So HDF5 never fails, and the caller removes the file.  Smaller files are made in memory (image.h).
 */
#ifndef BASE_STREAM_H
#define BASE_STREAM_H
#include <hdf5.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

struct stream {
    hid_t file; /* write here; -1 when closed */
    int descriptor;
    uint64_t n; /* bytes of the file so far */
    int error;  /* errno of the first write that failed; 0: none */
};

/* A new, empty file in `to` (opened for reading and writing, empty; nothing else may use it till stream_close()): superblock of
 * HDF5 1.8, object times off, error stack quiet, no plugins.  `out` stays where it is until then.  STATUS_SYSTEM. */
enum status stream_open(const char *shown, FILE *to, struct stream *out);
/* STATUS_SYSTEM when a write has failed so far ("PATH: could not be written: No space left on device; nothing was changed"). */
enum status stream_check(const char *shown, const struct stream *stream);
/* Closes; out->n is the size of the file.  Takes a closed one.  STATUS_SYSTEM as stream_check(). */
enum status stream_close(const char *shown, struct stream *stream);

#endif
