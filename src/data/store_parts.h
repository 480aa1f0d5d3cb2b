/*
 * store_parts.h - what the dataset file's reader and writer share; nobody else includes this.
 */
#ifndef DATA_STORE_PARTS_H
#define DATA_STORE_PARTS_H
#include <hdf5.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/image.h"
#include "data/store.h"

#define STORE_ATTRIBUTE_MAX                                                                                  \
    60000 /* bytes of a string attribute; HDF5 keeps at most 64 KiB beside the group */
#define STORE_CHUNK_BYTES (256u << 10)

/* Checks a whole dataset in memory: ids unique and not empty, every index in range, pointers rising, numbers
 * finite (a NUMBER column may hold NaN for missing), text valid UTF-8 without NUL, rows in the order of
 * dataset.h. STATUS_DATA "PATH: /object: sentence". */
enum status store_check(const struct dataset *d, const char *path);
/* The same of interactions and texts alone, and of all the rest. */
enum status store_check_rows(const struct dataset *d, const char *path);
enum status store_check_rest(const struct dataset *d, const char *path);

/* SHA-256 of the logical content: ids, columns, interactions, texts, truth; not of name, source and policies.
 */
enum status store_hash(const struct dataset *d, char hex[SHA256_HEX]);
/* The same in pieces: what stands before the interactions; one array's name and size, its bytes to follow by
 * sha256_update(); what stands behind the texts. */
enum status store_hash_begin(crypto_hash_sha256_state *h, const struct dataset *d);
void store_hash_part(crypto_hash_sha256_state *h, const char *name, uint64_t n_bytes);
void store_hash_end(crypto_hash_sha256_state *h, const struct dataset *d, char hex[SHA256_HEX]);
/* After it store_hash() can't fail, and so may run on a thread that nobody hears. */
enum status store_hash_start(void);

/* STATUS_DATA: the file (`size` bytes) carries a seal that doesn't fit it.  A file without one passes: *sealed false. */
enum status store_check_seal(FILE *file, const char *shown, uint64_t size, bool *sealed);

/* HDF5 quiet and without plugins from outside; called before anything else of it. */
void store_hdf5_start(void);
/* The system's reason behind the last HDF5 failure ("No space left on device"), or HDF5's own deepest words.
 */
const char *store_hdf5_reason(char *buffer, size_t size);

/* An array as it was written, by its path in the file. */
struct written {
    char path[240];
    const void *values;
    uint64_t bytes;
};
struct written_list {
    struct written *array; /* [n] */
    size_t n, n_allocated;
};

/* Reads a file that has just been written, whose bytes are known to be right, under another name for messages: as
 * store_read(), but each array is held against what was written instead of being given memory, and what is known of that
 * memory (store_check(), store_hash()) isn't looked at again. */
enum status store_read_back(const char *path, const char *shown, const struct written_list *written,
                            struct arena *arena, struct dataset **out);

/* An open file with its seal checked, for store_read() and store_read_matrices(). */
struct loader;
enum status store_open(struct loader *l, const char *path, bool trusted);
void store_close(struct loader *l);
enum status store_load_version(const struct loader *l);
/* The ids of /users or /items. */
enum status store_load_ids(const struct loader *l, const char *owner, struct strings *ids, uint32_t *n);

/* A dataset file being written (store_write.c; store_file.c puts it on the disk). */
struct writer {
    const char *path; /* as messages name it */
    hid_t file;
    struct written_list *written; /* each array is noted here; NULL: nobody asks */
};
/* STATUS_SYSTEM: the object could not be made, with the reason. */
enum status write_failed(const struct writer *w, const char *object);
/* An object without times; missing groups on the way are not made. */
enum status write_group(const struct writer *w, const char *name);
/* The creation properties of an array: chunked, shuffled, deflated, checksummed; an empty array has no storage.  -1: failed. */
hid_t array_properties(int rank, const hsize_t *shape, size_t size);
/* FOLDER/NAME, [n] of that type. */
enum status write_array(const struct writer *w, const char *folder, const char *name, hid_t stored,
                        uint64_t n, const void *values);
enum status write_string_attribute(const struct writer *w, const char *name, const char *value);
/* In place of the zeros that stand there until the content is known. */
enum status write_content_hash(const struct writer *w, const char hex[SHA256_HEX]);
/* Everything but interactions and texts: what stands before them, and what behind. */
enum status write_head(const struct writer *w, const struct dataset *d);
enum status write_tail(const struct writer *w, const struct dataset *d);
/* Everything. */
enum status write_all(const struct writer *w, const struct dataset *d);

/* Arrays and attributes of an open dataset file, checked before they are used (store_load.c). */
struct loader {
    const char *path; /* as messages name it */
    hid_t file;
    int fd; /* of the same file; -1: chunks don't lie where HDF5 says (a user block) */
    uint64_t file_size;
    bool sealed;
    struct arena *arena;
    const struct written_list *written; /* arrays are these, and compared; NULL: they are read */
};
#define LOAD_ANY UINT64_MAX /* rows or width: as many as there are */

/* STATUS_DATA: the object can't be read, with HDF5's reason. */
enum status load_damaged(const struct loader *l, const char *object);
/* Is there such an object, reached by hard links only?  STATUS_DATA for links that lead elsewhere. */
enum status load_find(const struct loader *l, const char *path, bool *there);
enum status load_find_group(const struct loader *l, const char *path, bool *there);
enum status load_need_group(const struct loader *l, const char *path);
/* Dataset FOLDER/NAME of exactly this type and shape, in the arena.  width NULL: one dimension.  Where *rows
 * or *width is LOAD_ANY it is set. */
enum status load_array(const struct loader *l, const char *folder, const char *name, hid_t type,
                       uint64_t *rows, uint64_t *width, void **values);
/* n LOAD_ANY: as many as there are. */
enum status load_strings(const struct loader *l, const char *folder, uint64_t n, struct strings *s);
enum status load_string_attribute(const struct loader *l, const char *name, char **value);
enum status load_u32_attribute(const struct loader *l, const char *object, const char *name, uint32_t *value);

/* A one-dimensional array into a typed pointer. */
#define LOAD(l, folder, name, type, rows, pointer)                                                           \
    do {                                                                                                     \
        void *loaded_;                                                                                       \
        TRY(load_array((l), (folder), (name), (type), (rows), NULL, &loaded_));                              \
        (pointer) = loaded_;                                                                                 \
    } while (0)

#endif
