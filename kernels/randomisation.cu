/*
 * randomisation.cu - the null distribution of a paired randomisation test (Fisher 1935; Noreen, Computer-Intensive Methods for
 * Testing Hypotheses, 1989): the sum of n differences, each with a sign of chance.
 *
 * A team a draw.  All lanes make the same 128 bits; a lane takes every TEAM_SIZE-th of them, so that neighbours read
 * neighbouring differences.  Lanes add in double and lane 0 adds the lanes in their order.
 */
#include "randomisation.h"

#include "philox.h"
#include "team.h"

TEAM_FN void randomisation_row(const struct randomisation *a, long r, struct team *t)
{
    double *part = (double *)team_shared(t, TEAM_SIZE * sizeof *part);
    const uint64_t blocks = ((uint64_t)a->n + 127) / 128;
    double sum = 0;
    for (uint64_t b = 0; b < blocks; b++) {
        const struct philox bits = philox4x32(a->seed, a->stream, (a->first + (uint64_t)r) * blocks + b);
        for (uint32_t w = 0; w < 4; w++) {
            const uint32_t from = (uint32_t)b * 128 + w * 32, word = bits.v[w];
            const uint32_t left = from < a->n ? a->n - from : 0, n = left < 32 ? left : 32;
            for (uint32_t i = TEAM_LANE; i < n; i += TEAM_SIZE) {
                const double d =
                    a->difference[from + i + MUTANT(randomisation_index, i == 0 && from > 0 ? -1 : 0, 0)];
                sum += (word >> i & 1) != 0 ? d : -d;
            }
        }
    }
    part[TEAM_LANE + MUTANT(randomisation_overrun, 2, 0)] = sum;
    MUTANT_LEAVE(randomisation_leaves, TEAM_LANE == 9);
    MUTANT(randomisation_sync, (void)0, team_sync(t));
    if (TEAM_LANE == 0) {
        sum = 0;
        for (int l = 0; l < TEAM_SIZE; l++)
            sum += part[l];
        a->sum[r + MUTANT(randomisation_outside, 1, 0)] = sum;
    }
    team_sync(t);
}

TEAM_KERNEL(randomisation, struct randomisation, randomisation_row(a, row, t))
