/*
 * embeddings.h - vectors of items that some other program made, with the publisher's ids beside them.
 */
#ifndef IMPORT_EMBEDDINGS_H
#define IMPORT_EMBEDDINGS_H
#include "base/fsio.h"
#include "base/strings.h"

struct embeddings {
    uint32_t n, d;
    float *value;       /* [n x d] in the arena, finite */
    struct strings ids; /* [n] */
    char source[1024];  /* the files' names */
    char source_sha256[SHA256_HEX];
};

/* path: .npy (also .npy.gz), or an HDF5 file (.h5, .hdf5) with one dataset of two dimensions of floats, or the one called `name` (NULL:
 * the only one).  ids: a text file, the id of row k in line k, plain or .gz.  STATUS_DATA: no such file, another format, a number that is
 * not finite (row and id), more or fewer ids than rows, an empty or repeated id. */
enum status embeddings_read(const char *path, const char *name, const char *ids, struct arena *arena,
                            struct embeddings *out);

/* How many of the wanted ids have no vector (*missing, one of them in *one), and how many vectors are of no wanted id; where `keep_only`
 * these are taken out. */
enum status embeddings_match(struct embeddings *e, const struct strings *wanted, bool keep_only,
                             struct arena *arena, uint32_t *missing, uint32_t *unknown, uint32_t *one);

#endif
