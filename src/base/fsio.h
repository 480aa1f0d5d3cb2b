/*
 * fsio.h - files that appear whole or not at all: written to a temporary name beside the target, flushed,
 * fsync'ed, renamed, the folder fsync'ed.  A kill at any point leaves the old file or the new one, and at
 * most a *.tmp.
 */
#ifndef BASE_FSIO_H
#define BASE_FSIO_H
#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/status.h"

struct atomic_file {
    char path[4096], temporary[4200];
    FILE *stream; /* write here; NULL when only the name is wanted (HDF5) */
};
/* Opens PATH.<pid>.tmp.  STATUS_SYSTEM with path and reason (no folder, no right, a file where a folder must
 * be). */
enum status atomic_open(struct atomic_file *file, const char *path);
/* As above, only chooses the names; the caller writes `temporary` itself, and closes it before
 * atomic_commit(). */
enum status atomic_name(struct atomic_file *file, const char *path);
/* Flushes, fsyncs, renames.  On failure (disk full: says so) the temporary is removed and the old file stays.
 */
enum status atomic_commit(struct atomic_file *file);
/* Removes the temporary. */
void atomic_abort(struct atomic_file *file);
/* The whole content in one go. */
enum status atomic_write(const char *path, const void *bytes, size_t n);

/* FOLDER/NAME, terminated.  STATUS_SYSTEM: it is longer than 4,095 bytes. */
enum status path_join(const char *folder, const char *name, char path[4096]);
/* mkdir -p.  STATUS_SYSTEM names the part that is in the way. */
enum status make_folders(const char *path);
/* The folder that a file at that path lies in. */
enum status make_folder_of(const char *path);
bool file_exists(const char *path);
/* The file in the arena, terminated by a NUL that *n does not count.  STATUS_DATA when missing (says so) or
 * larger than `limit` bytes; STATUS_SYSTEM when it can't be read. */
enum status read_whole_file(const char *path, size_t limit, struct arena *arena, char **bytes, size_t *n);
/* A read-only map; *bytes NULL and *n 0 for an empty file.  Unmap with munmap(). STATUS_DATA when missing. */
enum status map_file(const char *path, const char **bytes, size_t *n);

/* SHA-256, lower-case hexadecimal. */
#define SHA256_HEX 65
/* crypto_hash_sha256_update() of libsodium, but whole blocks go through the processor's own instructions where it has
 * them (sha256.c). */
void sha256_update(struct crypto_hash_sha256_state *state, const void *bytes, size_t n);
void sha256_hex(const void *bytes, size_t n, char hex[SHA256_HEX]);
enum status sha256_file(const char *path, char hex[SHA256_HEX]);

#endif
