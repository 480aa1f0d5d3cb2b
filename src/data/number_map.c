/* number_map.c - see number_map.h. */
#include "data/number_map.h"

#include <stdlib.h>
#include <string.h>

/* The table may have so many places whatever the rows, or two a row, and no more than that. */
#define DIRECT_ALWAYS (1u << 20)
#define DIRECT_MAX    (UINT64_C(1) << 28)

static size_t first_slot(const struct number_map *map, uint32_t number)
{
    uint64_t h = number * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
    return (size_t)h & (map->n_slots - 1);
}

static size_t find_slot(const struct number_map *map, uint32_t number)
{
    size_t i = first_slot(map, number);
    while (map->slot[i] != 0 && map->slot[i] >> 32 != number)
        i = (i + 1) & (map->n_slots - 1);
    return i;
}

static bool grow_slots(struct number_map *map)
{
    const struct number_map old = *map;
    map->n_slots = old.n_slots > 0 ? 2 * old.n_slots : 4096;
    map->slot = calloc(map->n_slots, sizeof *map->slot);
    if (map->slot == NULL) {
        *map = old;
        return false;
    }
    for (size_t i = 0; i < old.n_slots; i++)
        if (old.slot[i] != 0)
            map->slot[find_slot(map, (uint32_t)(old.slot[i] >> 32))] = old.slot[i];
    free(old.slot);
    return true;
}

/* A table that holds `number`, if it may be so large.  What the hash table holds below n_direct moves over (and stays
 * there too, unread). */
static bool grow_direct(struct number_map *map, uint32_t number)
{
    const uint64_t most = 2 * map->n_rows > DIRECT_ALWAYS ? 2 * map->n_rows : DIRECT_ALWAYS;
    uint64_t more = map->n_direct > 0 ? map->n_direct : 1024;
    while (more <= number)
        more *= 2;
    if (more > most || more > DIRECT_MAX)
        return true;
    uint32_t *grown = realloc(map->direct, more * sizeof *grown);
    if (grown == NULL)
        return false;
    memset(grown + map->n_direct, 0, (more - map->n_direct) * sizeof *grown);
    for (size_t i = 0; i < map->n_slots; i++)
        if (map->slot[i] != 0 && map->slot[i] >> 32 < more)
            grown[map->slot[i] >> 32] = (uint32_t)map->slot[i];
    map->direct = grown;
    map->n_direct = more;
    return true;
}

/* The position + 1; 0: none yet. */
static inline uint32_t find(const struct number_map *map, uint32_t number)
{
    if (number < map->n_direct)
        return map->direct[number];
    return map->n_slots > 0 ? (uint32_t)map->slot[find_slot(map, number)] : 0;
}

bool number_map_put(struct number_map *map, uint32_t number, uint32_t position)
{
    if (number >= map->n_direct && !grow_direct(map, number))
        return false;
    if (number < map->n_direct) {
        map->direct[number] = position + 1;
        return true;
    }
    if (map->used * 2 >= map->n_slots && !grow_slots(map))
        return false;
    map->slot[find_slot(map, number)] = (uint64_t)number << 32 | (position + 1);
    map->used++;
    return true;
}

static bool add_new(struct number_map *map, uint32_t number)
{
    if (map->n_new == map->n_allocated) {
        const uint32_t more = map->n_allocated > 0 ? 2 * map->n_allocated : 1024;
        uint32_t *grown = realloc(map->new_number, more * sizeof *grown);
        if (grown == NULL)
            return false;
        map->new_number = grown;
        map->n_allocated = more;
    }
    map->new_number[map->n_new] = number;
    return number_map_put(map, number, (uint32_t)(map->seen + map->n_new++));
}

bool number_map_replace(struct number_map *map, uint32_t *numbers, uint64_t n)
{
    map->n_rows += n;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t found = find(map, numbers[i]);
        if (__builtin_expect(found == 0, 0)) {
            if (!add_new(map, numbers[i]))
                return false;
            found = find(map, numbers[i]);
        }
        numbers[i] = found - 1;
    }
    return true;
}

void number_map_free(struct number_map *map)
{
    free(map->direct);
    free(map->slot);
    free(map->new_number);
    memset(map, 0, sizeof *map);
}
