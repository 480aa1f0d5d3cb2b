/*
 * split_lots.h - chance, as the splits and filters use it: lots that depend on what is drawn for, never on order.
 */
#ifndef DATA_SPLIT_LOTS_H
#define DATA_SPLIT_LOTS_H
#include <stdint.h>

/* What lots are drawn for.  Never renumber: results would change. */
enum lots { LOTS_OF_PAIRS = 0, LOTS_OF_USERS = 1, LOTS_OF_ITEMS = 2, LOTS_OF_SAMPLE = 3, LOTS_OF_TRAIN = 4 };

struct lot {
    double draw;
    uint64_t what; /* a row, a user, an item */
};

/* A draw from [0, 1) for that user or item (LOTS_OF_TRAIN: pair, user << 32 | item). */
double lot_of_one(int seed, enum lots kind, uint64_t id);
/* For that pair. */
double lot_of_pair(int seed, uint32_t user, uint32_t item);
/* Smallest draw first; equal draws by `what`. */
void lots_sort(struct lot *lots, uint64_t n);
/* floor(n * share), but 100 * 0.29 is 29 (it isn't in doubles). */
uint64_t lots_share(uint64_t n, double share);

#endif
