/* adam.c - see adam.h. */
#include "fusion/adam.h"

#include <math.h>

enum status adam_new(size_t n, struct arena *arena, struct adam *out)
{
    *out = (struct adam){.n = n};
    ARENA_NEW(out->first, arena, n);
    ARENA_NEW(out->second, arena, n);
    return STATUS_OK;
}

void adam_step(struct adam *a, float *weights, const float *gradient, double learning_rate, double decay)
{
    static const double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
    const double correct1 = 1 - pow(beta1, (double)++a->step), correct2 = 1 - pow(beta2, (double)a->step);
    const float rate = (float)(learning_rate / correct1), root = (float)(1 / sqrt(correct2)),
                keep = (float)decay;
#pragma omp parallel for schedule(static)
    for (size_t e = 0; e < a->n; e++) {
        const float g = gradient[e] + keep * weights[e];
        a->first[e] = (float)beta1 * a->first[e] + (float)(1 - beta1) * g;
        a->second[e] = (float)beta2 * a->second[e] + (float)(1 - beta2) * g * g;
        weights[e] -= rate * a->first[e] / (sqrtf(a->second[e]) * root + (float)epsilon);
    }
}
