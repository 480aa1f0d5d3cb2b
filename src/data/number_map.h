/*
 * number_map.h - numbers to positions 0, 1, 2, ... in order of first appearance, beside a string_map that gives the same
 * positions to the same ids as text.
 *
 * Publishers number their users and items from 1 or nearly so: a table of that many places answers each with one look.
 * Numbers too large for a table of a size in proportion to the rows go into a hash table.  Says nothing itself, so that
 * threads can call it: false when memory is out.
 */
#ifndef DATA_NUMBER_MAP_H
#define DATA_NUMBER_MAP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number_map {
    uint32_t *direct;     /* [n_direct] position + 1 of each number below n_direct; 0: none */
    uint64_t n_direct;    /* a power of two */
    uint64_t *slot;       /* [n_slots] number << 32 | position + 1 of the others; 0: empty */
    size_t n_slots, used; /* a power of two */
    uint64_t n_rows;      /* numbers replaced so far */
    uint64_t seen;        /* positions that both maps know; the next new one */
    uint32_t *new_number; /* [n_new] met first here, at seen, seen + 1, ... */
    uint32_t n_new, n_allocated;
};
/* Gives `number` this position. */
bool number_map_put(struct number_map *map, uint32_t number, uint32_t position);
/* Numbers to positions, in place; those never seen are listed in new_number. */
bool number_map_replace(struct number_map *map, uint32_t *numbers, uint64_t n);
void number_map_free(struct number_map *map);

#endif
