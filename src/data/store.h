/*
 * store.h - the dataset file (HDF5; layout in DESIGN.md section 3 and docs/dataset-file.md).
 */
#ifndef DATA_STORE_H
#define DATA_STORE_H
#include "data/dataset.h"

/* Writes PATH atomically: temporary, every return value checked, read back, fsync, rename.  Computes
 * content_sha256 (over the logical content) into the dataset first.  The same dataset gives the same bytes.
 * STATUS_SYSTEM: disk full, no folder. */
enum status store_write(const char *path, struct dataset *d);

/* Opens and checks everything before it is used: version, types, shapes, ranges, rising pointers, UTF-8;
 * external links, external storage, virtual datasets, unknown filters refused.  Everything lives in the
 * arena. STATUS_DATA: one sentence naming the file and the object.  */
enum status store_read(const char *path, struct arena *arena, struct dataset **out);

/* The ratings alone, as two matrices: by_user [n_users x n_items] and its transpose; of a pair that occurs more than once the
 * last stands.  Times, source rows, columns, texts and features are not unpacked.  The seal vouches for the whole file; a file
 * without one is read whole by store_read() first.  Errors as store_read(). */
enum status store_read_matrices(const char *path, struct arena *arena, struct csr *by_user,
                                struct csr *by_item);

#endif
