/*
 * slim.cu - a column of SLIM: elastic net by cyclic coordinate descent with covariance updates (Friedman, Hastie,
 * Tibshirani 2010, section 2.2), for the item-item models of Ning and Karypis 2011.
 *
 * A team a column.  The gradient of all coordinates is kept, so a coordinate that stays costs one comparison and one
 * that moves adds a row of G to it, contiguous.  Coordinates go in rising order: the result depends on nothing else.
 */
#include "slim.h"

#include <math.h>

#include "kernels.h"
#include "team.h"

/* The minimiser over one coordinate, given z = gradient without its own part. */
TEAM_FN float slim_shrink(const struct slim *a, float z, float below)
{
    const float w = z > a->l1 ? (z - a->l1) / below : z < -a->l1 ? (z + a->l1) / below : 0.0f;

    return a->positive && w < 0.0f ? 0.0f : w;
}

TEAM_FN void slim_column_row(const struct slim *a, long row, struct team *t)
{
    const int n = (int)a->n, j = (int)(a->first + (uint32_t)row);
    const float *TEAM_RESTRICT own = a->gram + (size_t)j * a->ld;
    float *TEAM_RESTRICT r = a->residual + (size_t)row * a->ld;
    float *TEAM_RESTRICT w = a->weight + (size_t)row * a->ld;
    float largest = 0.0f, moved = 0.0f;
    int sweep = 0;

    LANE_FOR(c, n) {
        r[c] = own[c];
        w[c] = 0.0f;
    }
    MUTANT(slim_sync, (void)0, team_sync(t));
    for (; sweep < a->sweeps && (sweep == 0 || moved > a->tolerance * largest); sweep++) {
        largest = moved = 0.0f;
        for (int i = MUTANT(slim_index, 1, 0); i < n; i++) {
            const float *TEAM_RESTRICT g = a->gram + (size_t)i * a->ld;
            const float old = w[i], own_square = a->diagonal[i], below = own_square + a->l2;

            if (i == j || !(below > 0.0f))
                continue;
            const float now = slim_shrink(a, r[i] + own_square * old, below), step = now - old;
            if (fabsf(now) > largest)
                largest = fabsf(now);
            if (step == 0.0f)
                continue;
            if (fabsf(step) > moved)
                moved = fabsf(step);
            MUTANT(slim_reuse, (void)0, team_sync(t)); /* every lane has read r[i] and w[i] */
            LANE_FOR(c, n)
                r[c] -= step * g[c];
            MUTANT_LEAVE(slim_leaves, TEAM_LANE == 31);
            if (TEAM_LANE == 0)
                w[i + MUTANT(slim_outside, (int)a->ld, 0)] = now;
            MUTANT(slim_update_sync, (void)0, team_sync(t)); /* the next coordinate may be another lane's */
        }
    }
    if (TEAM_LANE == 0)
        a->swept[row] = sweep + (moved > a->tolerance * largest);
}

TEAM_KERNEL(slim_column, struct slim, slim_column_row(a, row, t))
