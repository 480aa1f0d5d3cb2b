/*
 * adam.h - a step of Adam (Kingma, Ba 2015): moments .9 and .999, epsilon 1e-8, both corrected for their start.
 */
#ifndef FUSION_ADAM_H
#define FUSION_ADAM_H
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

struct adam {
    size_t n;
    float *first, *second; /* [n] the moments */
    uint64_t step;
};

enum status adam_new(size_t n, struct arena *arena, struct adam *out);
/* weights -= a step along gradient + decay * weights, both [n]. */
void adam_step(struct adam *a, float *weights, const float *gradient, double learning_rate, double decay);

#endif
