/*
 * scored.h - items with scores, and the order that lists are made in.
 */
#ifndef MODELS_SCORED_H
#define MODELS_SCORED_H
#include <stdint.h>

struct scored {
    uint32_t item;
    double score;
};
/* For qsort over struct scored: best score first, of equal ones the lower item.  Scores are no NaN. */
int scored_best_first(const void *a, const void *b);

#endif
