/*
 * merge.h - byte-pair merging (Sennrich, Haddow, Birch 2016): neighbours in a text grow together, best pair first.
 */
#ifndef TEXT_MERGE_H
#define TEXT_MERGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

/* A stretch of the text; after merging those of length 0 are used up. */
struct merge_symbol {
    size_t from, length;
};

/* May text[from, from + left + right) become one symbol, of its parts of `left` and `right` bytes?  Then its rank: the pair with
 * the lowest goes first. */
typedef bool merge_rank(const void *context, const char *text, size_t from, size_t left, size_t right,
                        double *rank);

/* Merges the n symbols, which lie end to end in the text, until no two neighbours may: the lowest rank first, the leftmost of
 * equal ones.  In place; O(n log n).  Scratch from the arena.  STATUS_SYSTEM: memory is out. */
enum status merge_run(const char *text, struct merge_symbol *symbols, size_t n, merge_rank *rank,
                      const void *context, struct arena *arena);

#endif
