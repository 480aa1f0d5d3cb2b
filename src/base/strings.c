/*
 * strings.c - see strings.h.
 *
 * The map is open addressing with linear probing over positions, at most two thirds full; the hash is FNV-1a
 * with a final mix (Fowler, Noll, Vo 1991; Appleby's fmix64).
 */
#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

char *strings_copy(const struct strings *s, uint64_t i, struct arena *arena)
{
    const size_t length = strings_length(s, i);
    char *copy = arena_alloc(arena, length + 1, 1);
    if (copy != NULL && length > 0)
        memcpy(copy, strings_at(s, i), length);
    return copy;
}

bool strings_equal(const struct strings *s, uint64_t i, const char *text)
{
    const size_t length = strlen(text);
    return strings_length(s, i) == length && memcmp(strings_at(s, i), text, length) == 0;
}

static enum status out_of_memory(size_t bytes)
{
    return status_fail(STATUS_SYSTEM, "out of memory: could not get %zu bytes", bytes);
}

enum status string_builder_append(struct string_builder *b, const char *bytes, size_t length)
{
    if (length > b->allocated - b->length) {
        size_t more = b->allocated * 2 > b->length + length ? b->allocated * 2 : b->length + length + 4096;
        char *grown = realloc(b->bytes, more);
        if (grown == NULL)
            return out_of_memory(more);
        b->bytes = grown;
        b->allocated = more;
    }
    if (length > 0)
        memcpy(b->bytes + b->length, bytes, length);
    b->length += length;
    return STATUS_OK;
}

enum status string_builder_end(struct string_builder *b)
{
    if (b->n + 2 > b->n_allocated) {
        uint64_t more = b->n_allocated * 2 > 1024 ? b->n_allocated * 2 : 1024;
        uint64_t *grown = realloc(b->offsets, more * sizeof *grown);
        if (grown == NULL)
            return out_of_memory(more * sizeof *grown);
        b->offsets = grown;
        b->n_allocated = more;
        b->offsets[0] = 0;
    }
    b->offsets[++b->n] = b->length;
    return STATUS_OK;
}

enum status string_builder_add(struct string_builder *b, const char *bytes, size_t length)
{
    TRY(string_builder_append(b, bytes, length));
    return string_builder_end(b);
}

enum status string_builder_finish(struct string_builder *b, struct arena *arena, struct strings *out)
{
    static const uint64_t zero = 0;
    const uint64_t *offsets = arena_copy(arena, b->n > 0 ? b->offsets : &zero, b->n + 1, sizeof *offsets);
    const char *bytes = arena_copy(arena, b->bytes != NULL ? b->bytes : "", b->length, 1);
    if (offsets == NULL || bytes == NULL)
        return STATUS_SYSTEM;
    *out = (struct strings){.n = b->n, .offsets = offsets, .bytes = bytes};
    string_builder_free(b);
    return STATUS_OK;
}

void string_builder_free(struct string_builder *b)
{
    free(b->offsets);
    free(b->bytes);
    *b = (struct string_builder){0};
}

struct string_map {
    struct string_builder strings;
    uint32_t *slot; /* [n_slots] position + 1; 0: empty */
    uint32_t *hash; /* [n_slots] */
    size_t n_slots; /* a power of two */
};

static uint32_t hash_bytes(const char *bytes, size_t length)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < length; i++)
        h = (h ^ (unsigned char)bytes[i]) * 0x100000001b3u;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    return (uint32_t)h;
}

struct string_map *string_map_new(void)
{
    struct string_map *map = calloc(1, sizeof *map);
    if (map == NULL) {
        out_of_memory(sizeof *map);
        return NULL;
    }
    map->n_slots = 1024;
    map->slot = calloc(map->n_slots, sizeof *map->slot);
    map->hash = calloc(map->n_slots, sizeof *map->hash);
    if (map->slot == NULL || map->hash == NULL) {
        out_of_memory(map->n_slots * 8);
        string_map_free(map);
        return NULL;
    }
    return map;
}

/* The slot of the string or the empty one where it would go. */
static size_t probe(const struct string_map *map, uint32_t hash, const char *bytes, size_t length)
{
    size_t i = hash & (map->n_slots - 1);
    for (; map->slot[i] != 0; i = (i + 1) & (map->n_slots - 1)) {
        if (map->hash[i] != hash)
            continue;
        const uint32_t p = map->slot[i] - 1;
        const uint64_t *o = map->strings.offsets + p;
        if (o[1] - o[0] == length && (length == 0 || memcmp(map->strings.bytes + o[0], bytes, length) == 0))
            break;
    }
    return i;
}

static bool grow(struct string_map *map)
{
    struct string_map old = *map;
    map->n_slots *= 2;
    map->slot = calloc(map->n_slots, sizeof *map->slot);
    map->hash = calloc(map->n_slots, sizeof *map->hash);
    if (map->slot == NULL || map->hash == NULL) {
        out_of_memory(map->n_slots * 8);
        free(map->slot);
        free(map->hash);
        *map = old;
        return false;
    }
    for (size_t i = 0; i < old.n_slots; i++) {
        if (old.slot[i] == 0)
            continue;
        size_t j = old.hash[i] & (map->n_slots - 1);
        while (map->slot[j] != 0)
            j = (j + 1) & (map->n_slots - 1);
        map->slot[j] = old.slot[i];
        map->hash[j] = old.hash[i];
    }
    free(old.slot);
    free(old.hash);
    return true;
}

uint32_t string_map_add(struct string_map *map, const char *bytes, size_t length)
{
    const uint32_t hash = hash_bytes(bytes, length);
    size_t i = probe(map, hash, bytes, length);
    if (map->slot[i] != 0)
        return map->slot[i] - 1;
    if (map->strings.n >= UINT32_MAX - 1) {
        status_fail(STATUS_DATA, "more than %u different ids: recfuse numbers them with 32 bits",
                    UINT32_MAX - 1);
        return UINT32_MAX;
    }
    if (map->strings.n * 3 >= map->n_slots * 2) {
        if (!grow(map))
            return UINT32_MAX;
        i = probe(map, hash, bytes, length);
    }
    if (string_builder_add(&map->strings, bytes, length) != STATUS_OK)
        return UINT32_MAX;
    map->slot[i] = (uint32_t)map->strings.n;
    map->hash[i] = hash;
    return (uint32_t)map->strings.n - 1;
}

uint32_t string_map_find(const struct string_map *map, const char *bytes, size_t length)
{
    const uint32_t slot = map->slot[probe(map, hash_bytes(bytes, length), bytes, length)];
    return slot == 0 ? UINT32_MAX : slot - 1;
}

uint32_t string_map_size(const struct string_map *map)
{
    return (uint32_t)map->strings.n;
}

struct strings string_map_strings(const struct string_map *map)
{
    static const uint64_t zero = 0;
    const struct string_builder *b = &map->strings;
    return (struct strings){.n = b->n, .offsets = b->n > 0 ? b->offsets : &zero, .bytes = b->bytes};
}

void string_map_free(struct string_map *map)
{
    if (map == NULL)
        return;
    string_builder_free(&map->strings);
    free(map->slot);
    free(map->hash);
    free(map);
}

enum status strings_places(const struct strings *s, const struct strings *wanted, struct arena *arena,
                           uint32_t **out)
{
    uint32_t *place;
    ARENA_NEW(*out, arena, wanted->n);
    ARENA_NEW(place, arena, s->n); /* of the map's strings, which holds none twice */
    struct string_map *map = string_map_new();
    enum status status = map != NULL ? STATUS_OK : STATUS_SYSTEM;
    for (uint64_t i = 0; status == STATUS_OK && i < s->n; i++) {
        const uint32_t n = string_map_size(map),
                       at = string_map_add(map, strings_at(s, i), strings_length(s, i));
        if (at == UINT32_MAX)
            status = STATUS_SYSTEM;
        else if (at == n)
            place[at] = (uint32_t)i;
    }
    for (uint64_t k = 0; status == STATUS_OK && k < wanted->n; k++) {
        const uint32_t at = string_map_find(map, strings_at(wanted, k), strings_length(wanted, k));
        (*out)[k] = at != UINT32_MAX ? place[at] : UINT32_MAX;
    }
    string_map_free(map);
    return status;
}

unsigned string_distance(const char *a, const char *b)
{
    enum { LIMIT = 64 };
    const size_t n = strnlen(a, LIMIT), m = strnlen(b, LIMIT);
    unsigned row[LIMIT + 1];
    for (size_t j = 0; j <= m; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            const unsigned above = row[j], swap = diagonal + (a[i - 1] != b[j - 1]);
            unsigned best = above < row[j - 1] ? above + 1 : row[j - 1] + 1;
            row[j] = swap < best ? swap : best;
            diagonal = above;
        }
    }
    return row[m];
}

const char *string_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    unsigned least = (unsigned)(strlen(word) / 3 + 1);
    for (size_t i = 0; i < n; i++) {
        const unsigned d = string_distance(word, names[i]);
        if (d <= least && (best == NULL || d < least)) {
            best = names[i];
            least = d;
        }
    }
    return best;
}

/* Length of the valid sequence at p (the Unicode Standard, table 3-7), 0 when there is none. */
static size_t sequence_length(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    const size_t n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    unsigned char low = 0x80, high = 0xBF;
    if (p[0] == 0xE0)
        low = 0xA0;
    else if (p[0] == 0xED)
        high = 0x9F;
    else if (p[0] == 0xF0)
        low = 0x90;
    else if (p[0] == 0xF4)
        high = 0x8F;
    if (left < n || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

size_t utf8_valid_prefix(const char *bytes, size_t length)
{
    const unsigned char *p = (const unsigned char *)bytes;
    size_t i = 0;
    while (i < length) {
        uint64_t eight;
        while (i + 8 <= length && (memcpy(&eight, p + i, 8), (eight & 0x8080808080808080u) == 0))
            i += 8;
        if (i >= length)
            break;
        const size_t n = sequence_length(p + i, length - i);
        if (n == 0)
            break;
        i += n;
    }
    return i;
}
