/* vocabulary.c - see vocabulary.h.  Open addressing over FNV-1a hashes (Fowler, Noll, Vo), at most half full. */
#include "text/vocabulary.h"

#include <string.h>

static uint32_t hash_of(const char *bytes, size_t length)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)bytes[i]) * 1099511628211u;
    return (uint32_t)(h ^ h >> 32);
}

/* The slot of an equal piece, or the empty one where it would stand. */
static uint32_t slot_of(const struct vocabulary *v, const char *bytes, size_t length)
{
    uint32_t at = hash_of(bytes, length) & (v->n_slots - 1);
    for (; v->slot[at] != 0; at = (at + 1) & (v->n_slots - 1)) {
        const struct vocabulary_piece *p = &v->piece[v->slot[at] - 1];
        if (p->length == length && memcmp(p->bytes, bytes, length) == 0)
            break;
    }
    return at;
}

enum status vocabulary_make(const struct vocabulary_piece *pieces, uint32_t n, struct arena *arena,
                            struct vocabulary *out, uint32_t *n_twice)
{
    *out = (struct vocabulary){.n = n, .piece = pieces, .n_slots = 2};
    while (out->n_slots / 2 < n && out->n_slots < 1u << 31)
        out->n_slots *= 2;
    ARENA_NEW(out->slot, arena, out->n_slots);
    uint32_t twice = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = slot_of(out, pieces[i].bytes, pieces[i].length);
        if (out->slot[at] == 0)
            out->slot[at] = i + 1;
        else
            twice++;
        if (pieces[i].length > out->longest)
            out->longest = pieces[i].length;
    }
    if (n_twice != NULL)
        *n_twice = twice;
    return STATUS_OK;
}

uint32_t vocabulary_find(const struct vocabulary *vocabulary, const char *bytes, size_t length)
{
    if (length > vocabulary->longest || vocabulary->n == 0)
        return UINT32_MAX;
    return vocabulary->slot[slot_of(vocabulary, bytes, length)] - 1; /* 0 - 1 is UINT32_MAX */
}
