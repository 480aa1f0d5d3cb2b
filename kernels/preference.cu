/*
 * preference.cu - forward and backward of a logistic head over rows of features.  The gradient is
 * summed in chunks of fixed length, a team a chunk, each in order; the host adds the chunks in order:
 * the same bits for any number of threads, no atomics.
 */
#include <math.h>

#include "fusion.h"
#include "team.h"

TEAM_FN void preference_forward_row(const struct preference_forward *a, long s, struct team *t)
{
    const float *TEAM_RESTRICT q = a->q + (size_t)s * a->ldq, *TEAM_RESTRICT W = a->W;
    const int d = a->d;
    float z = 0.0f;
    LANE_SUM(k, d - MUTANT(preference_forward_index, 1, 0), z)
        z += q[k] * W[k];
    MUTANT_LEAVE(preference_forward_leaves, TEAM_LANE == 31);
    z = team_sum(t, z) + a->b;
    if (TEAM_LANE == 0) {
        const float e = expf(-fabsf(z)), y = a->target[s]; /* neither side overflows */
        a->residual[s + MUTANT(preference_forward_outside, 1, 0)] = (z >= 0.0f ? 1.0f : e) / (1.0f + e) - y;
        a->loss[s] = fmaxf(z, 0.0f) + log1pf(e) - y * z;
    }
}

TEAM_FN void preference_gradient_row(const struct preference_gradient *a, long c, struct team *t)
{
    float *TEAM_RESTRICT partial = a->partial + (size_t)c * a->d;
    const long low = c * a->chunk, high = low + a->chunk < a->n ? low + a->chunk : a->n;
    const int d = a->d;
    (void)t;
    LANE_FOR(k, d + MUTANT(preference_gradient_outside, 1, 0))
        partial[k] = 0.0f;
    for (long s = low; s < high - MUTANT(preference_gradient_index, 1, 0); s++) {
        const float *TEAM_RESTRICT q = a->q + (size_t)s * a->ldq;
        const float r = a->residual[s];
        LANE_FOR(k, d)
            partial[k] += r * q[k];
    }
}

TEAM_KERNEL(preference_forward, struct preference_forward, preference_forward_row(a, row, t))
TEAM_KERNEL(preference_gradient, struct preference_gradient, preference_gradient_row(a, row, t))
