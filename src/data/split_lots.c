/*
 * split_lots.c - see split_lots.h.  A lot is a Philox number keyed by (seed, kind, id): it depends neither on the
 * other rows nor on the machine, so the same row, user or item keeps its lot when a filter changes.
 */
#include "data/split_lots.h"

#include <math.h>
#include <stdlib.h>

#include "backend/backend.h"

double lot_of_one(int seed, enum lots kind, uint64_t id)
{
    return random_unit((uint64_t)seed, RANDOM_SPLIT, (uint32_t)kind, id);
}

double lot_of_pair(int seed, uint32_t user, uint32_t item)
{
    return random_unit((uint64_t)seed, RANDOM_SPLIT, LOTS_OF_PAIRS, (uint64_t)user << 32 | item);
}

static int compare(const void *a, const void *b)
{
    const struct lot *x = a, *y = b;
    if (x->draw != y->draw)
        return x->draw < y->draw ? -1 : 1;
    return (x->what > y->what) - (x->what < y->what);
}

void lots_sort(struct lot *lots, uint64_t n)
{
    qsort(lots, n, sizeof *lots, compare);
}

uint64_t lots_share(uint64_t n, double share)
{
    return (uint64_t)floor((double)n * share + 1e-9);
}
