/*
 * strings.h - many strings as one array of UTF-8 bytes and one of offsets, as in the dataset file; and a map
 * from strings to their positions.
 */
#ifndef BASE_STRINGS_H
#define BASE_STRINGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* String i is bytes[offsets[i] .. offsets[i + 1]); not terminated.  NULL offsets only when n is 0. */
struct strings {
    uint64_t n;
    const uint64_t *offsets; /* [n + 1], rising, offsets[0] = 0 */
    const char *bytes;       /* [offsets[n]] */
};

static inline const char *strings_at(const struct strings *s, uint64_t i)
{
    return s->bytes + s->offsets[i];
}
static inline size_t strings_length(const struct strings *s, uint64_t i)
{
    return (size_t)(s->offsets[i + 1] - s->offsets[i]);
}
/* A terminated copy in the arena; NULL when memory is out. */
char *strings_copy(const struct strings *s, uint64_t i, struct arena *arena);
/* Is string i equal to the terminated `text`? */
bool strings_equal(const struct strings *s, uint64_t i, const char *text);

/* Grows one string after the other. */
struct string_builder {
    uint64_t n, n_allocated;
    size_t length, allocated;
    uint64_t *offsets;
    char *bytes;
};
/* Appends one whole string. STATUS_SYSTEM when memory is out. */
enum status string_builder_add(struct string_builder *b, const char *bytes, size_t length);
/* Appends to the string now being built; string_builder_end() closes it (an empty one too). */
enum status string_builder_append(struct string_builder *b, const char *bytes, size_t length);
enum status string_builder_end(struct string_builder *b);
/* Copies what was built into the arena and frees the builder. */
enum status string_builder_finish(struct string_builder *b, struct arena *arena, struct strings *out);
void string_builder_free(struct string_builder *b); /* takes a zeroed or freed builder */

/* Maps strings to 0, 1, 2, ... in order of first appearance. */
struct string_map;
struct string_map *string_map_new(void); /* NULL when memory is out, reported */
/* The position of the string, added when new; UINT32_MAX when memory is out or 2^32 - 1 strings are in it
 * (reported). */
uint32_t string_map_add(struct string_map *map, const char *bytes, size_t length);
/* The position, or UINT32_MAX when unknown. */
uint32_t string_map_find(const struct string_map *map, const char *bytes, size_t length);
uint32_t string_map_size(const struct string_map *map);
/* The strings in order of position; valid until the next add or free. */
struct strings string_map_strings(const struct string_map *map);
void string_map_free(struct string_map *map);

/* *out: [wanted->n] the place of each string of `wanted` in `s`, the first where it stands twice; UINT32_MAX: it isn't there. STATUS_SYSTEM:
 * memory. */
enum status strings_places(const struct strings *s, const struct strings *wanted, struct arena *arena,
                           uint32_t **out);

/* Edit distance (Levenshtein 1966) and the nearest of `n` names; NULL when none is within a third of its
 * length. */
unsigned string_distance(const char *a, const char *b);
const char *string_nearest(const char *word, const char *const *names, size_t n);

/* Length of the valid UTF-8 prefix; equals `length` when all of it is valid (no surrogates, no overlong
 * forms). */
size_t utf8_valid_prefix(const char *bytes, size_t length);

#endif
