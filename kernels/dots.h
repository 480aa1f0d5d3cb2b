/*
 * dots.h - sums of products over rows of float32 that lie along the lanes: QUANT_OUTPUTS rows by QUANT_TOKENS rows at once, so that
 * each load serves several sums.  Every sum is made in the same way: a chain of fused multiply-adds a lane, in rising order, then one
 * tree over the lanes.
 */
#ifndef DOTS_H
#define DOTS_H
#include "quant.h"
#include "tile.h"

#if TEAM_SIZE > 1
#define dots_get(x, r) ((x).v[r])
#else
#define dots_get(x, r) ((x)[r])
TEAM_FN lanes_4 lanes_make4(float a, float b, float c, float d)
{
    return (lanes_4){a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d};
}
#endif

/* out[i] holds the sums of x[i] with each of the w, over k (a multiple of LANES). */
TEAM_FN void dots_4(const float *const *w, const float *const *x, int k, lanes_4 *out, struct team *t)
{
    lanes_f sum[QUANT_OUTPUTS][QUANT_TOKENS];
    (void)t;
    TEAM_UNROLL
    for (int r = 0; r < QUANT_OUTPUTS; r++)
        TEAM_UNROLL
    for (int i = 0; i < QUANT_TOKENS; i++)
        sum[r][i] = lanes_zero();
    for (int m = 0; m < k; m += LANES) {
        lanes_f v[QUANT_OUTPUTS];
        TEAM_UNROLL
        for (int r = 0; r < QUANT_OUTPUTS; r++)
            v[r] = lanes_load(w[r] + m);
        TEAM_UNROLL
        for (int i = 0; i < QUANT_TOKENS; i++) {
            const lanes_f u = lanes_load(x[i] + m);
            TEAM_UNROLL
            for (int r = 0; r < QUANT_OUTPUTS; r++)
                sum[r][i] += v[r] * u;
        }
    }
    TEAM_UNROLL
    for (int i = 0; i < QUANT_TOKENS; i++)
        out[i] = lanes_sum4(t, sum[0][i], sum[1][i], sum[2][i], sum[3][i]);
}

#endif
