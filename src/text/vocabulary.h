/*
 * vocabulary.h - the pieces of a subword tokenizer: a number to each, and the way back, over bytes that stay where they are
 * (in a mapped model file, say).
 */
#ifndef TEXT_VOCABULARY_H
#define TEXT_VOCABULARY_H
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

struct vocabulary_piece {
    const char *bytes; /* not terminated */
    uint32_t length;
};

struct vocabulary {
    uint32_t n;
    const struct vocabulary_piece *piece; /* [n] */
    uint32_t longest;                     /* bytes of the longest */
    uint32_t n_slots;                     /* of the hash table, a power of two */
    uint32_t *slot;                       /* [n_slots]: a piece's number + 1, or 0 */
};

/* Over pieces that outlive *out; the table comes from the arena.  Where two are equal the first one is found; *n_twice (NULL: not
 * wanted) counts the others.  STATUS_SYSTEM: memory is out. */
enum status vocabulary_make(const struct vocabulary_piece *pieces, uint32_t n, struct arena *arena,
                            struct vocabulary *out, uint32_t *n_twice);
/* The piece's number, or UINT32_MAX. */
uint32_t vocabulary_find(const struct vocabulary *vocabulary, const char *bytes, size_t length);

#endif
