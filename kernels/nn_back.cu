/*
 * nn_back.cu - the way back through layer norm, GELU and pooling, and dropout: elementwise over a token's row, or a sum or two
 * over it.  Memory-bound: a pass over what it reads and writes.
 */
#include "nn_back.h"

#include "philox.h"
#include "tile.h"

TEAM_FN void nn_norm_keep_row(const struct nn_norm_keep *a, long token, struct team *t)
{
    const float *TEAM_RESTRICT x = a->x + token * a->ldx, *TEAM_RESTRICT add = a->add + token * a->ld_add;
    const float *TEAM_RESTRICT gamma = a->gamma, *TEAM_RESTRICT beta = a->beta;
    float *TEAM_RESTRICT y = a->y + token * a->ldy, *TEAM_RESTRICT normal = a->normal + token * a->ld_normal;
    const int width = a->width;
    float sum = 0.0f, squares = 0.0f;
    LANE_FOR(j, width)
        y[j] = x[j] + add[j];
    LANE_SUM(j, width, sum)
        sum += y[j];
    const float mean = team_sum(t, sum) / (float)width;
    LANE_SUM(j, width, squares)
        squares += (y[j] - mean) * (y[j] - mean);
    MUTANT_LEAVE(nn_norm_keep_leaves, TEAM_LANE == 31);
    const float variance = team_sum(t, squares) / (float)width;
    const float scale = 1.0f / TEAM_SQRT(variance + a->eps);
    LANE_FOR(j, width) {
        normal[j] = (y[j] - mean) * scale;
        y[j] = (y[j] - mean) * scale * gamma[j] + beta[j];
    }
    if (TEAM_LANE == 0)
        a->scale[token + MUTANT(nn_norm_keep_outside, 1, 0)] = scale;
}
TEAM_KERNEL(nn_norm_keep, struct nn_norm_keep, nn_norm_keep_row(a, row, t))

TEAM_FN void nn_norm_backward_row(const struct nn_norm_backward *a, long token, struct team *t)
{
    float *TEAM_RESTRICT of = a->of + token * a->ld_of;
    const float *TEAM_RESTRICT add = a->add == NULL ? NULL : a->add + token * a->ld_add;
    const float *TEAM_RESTRICT normal = a->normal + token * a->ld_normal, *TEAM_RESTRICT gamma = a->gamma;
    const int width = a->width;
    float sum = 0.0f, along = 0.0f;
    if (add != NULL)
        LANE_FOR(j, width)
            of[j] = (of[j] + add[j]) * gamma[j];
    else
        LANE_FOR(j, width)
            of[j] *= gamma[j];
    LANE_SUM(j, width, sum)
        sum += of[j];
    LANE_SUM(j, width - MUTANT(nn_norm_backward_index, 1, 0), along)
        along += of[j] * normal[j];
    MUTANT_LEAVE(nn_norm_backward_leaves, TEAM_LANE == 31);
    const float mean = team_sum(t, sum) / (float)width, slope = team_sum(t, along) / (float)width,
                scale = a->scale[token];
    LANE_FOR(j, width + MUTANT(nn_norm_backward_outside, 1, 0))
        of[j] = scale * (of[j] - mean - normal[j] * slope);
}
TEAM_KERNEL(nn_norm_backward, struct nn_norm_backward, nn_norm_backward_row(a, row, t))

TEAM_FN void nn_gelu_row(const struct nn_gelu *a, long token, struct team *t)
{
    const float *x = a->x + token * a->ldx;
    float *y = a->y + token * a->ldy;
    (void)t;
    for (int j = 0; j < a->width; j += LANES) {
        const lanes_f v = lanes_load(x + j);
        lanes_store(y + j + MUTANT(nn_gelu_outside, 1, 0), 0.5f * v * (1.0f + lanes_erf(v * 0.70710678f)));
    }
}
TEAM_KERNEL(nn_gelu, struct nn_gelu, nn_gelu_row(a, row, t))

TEAM_FN void nn_gelu_backward_row(const struct nn_gelu_backward *a, long token, struct team *t)
{
    const float *x = a->x + token * a->ldx;
    float *of = a->of + token * a->ld_of;
    (void)t;
    for (int j = 0; j < a->width; j += LANES) {
        const lanes_f v = lanes_load(x + j - MUTANT(nn_gelu_backward_index, 1, 0));
        const lanes_f below = 0.5f * (1.0f + lanes_erf(v * 0.70710678f)),
                      density = 0.39894228f * lanes_exp(v * v * -0.5f);
        lanes_store(of + j, lanes_load(of + j) * (below + v * density));
    }
}
TEAM_KERNEL(nn_gelu_backward, struct nn_gelu_backward, nn_gelu_backward_row(a, row, t))

TEAM_FN void nn_pool_backward_row(const struct nn_pool_backward *a, long text, struct team *t)
{
    const long from = (long)a->first[text], end = (long)a->first[text + 1], to = a->cls ? from + 1 : end;
    const float *TEAM_RESTRICT g = a->of_out + text * a->width;
    const int width = a->width;
    const float n = (float)(to - from);
    float *TEAM_RESTRICT mean =
        (float *)team_shared(t, sizeof(float) * (size_t)(width - MUTANT(nn_pool_backward_overrun, 1, 0)));
    float squares = 0.0f, dot = 0.0f;
    LANE_FOR(j, width)
        mean[j] = 0.0f;
    for (long token = from; token < to; token++) {
        const float *TEAM_RESTRICT x = a->x + token * a->ldx;
        LANE_FOR(j, width)
            mean[j] += x[j];
    }
    LANE_FOR(j, width)
        mean[j] /= n;
    LANE_SUM(j, width, squares)
        squares += mean[j] * mean[j];
    LANE_SUM(j, width, dot)
        dot += g[j] * mean[j];
    MUTANT_LEAVE(nn_pool_backward_leaves, TEAM_LANE == 31);
    const float length = TEAM_SQRT(team_sum(t, squares)), inverse = length > 1e-12f ? 1.0f / length : 0.0f,
                along = team_sum(t, dot) * inverse * inverse, share = inverse / n;
    for (long token = from; token < end; token++) {
        float *TEAM_RESTRICT of = a->of_x + token * a->ld_of;
        LANE_FOR(j, width + MUTANT(nn_pool_backward_outside, token + 1 == end, 0))
            of[j] = token < to ? (g[j] - along * mean[j]) * share : 0.0f;
    }
}
TEAM_KERNEL(nn_pool_backward, struct nn_pool_backward, nn_pool_backward_row(a, row, t))

TEAM_FN void nn_dropout_row(const struct nn_dropout *a, long token, struct team *t)
{
    const float *TEAM_RESTRICT x = a->x + token * a->ldx;
    float *TEAM_RESTRICT y = a->y + token * a->ldy;
    const uint64_t at = (uint64_t)a->place[token] * (uint64_t)(a->width / 4);
    (void)t;
    for (int q = TEAM_LANE; q < a->width / 4 + MUTANT(nn_dropout_outside, 1, 0); q += TEAM_SIZE) {
        const struct philox draw = philox4x32(a->seed, a->stream, at + (uint64_t)q);
        TEAM_UNROLL
        for (int m = 0; m < 4; m++) {
            const int j = 4 * q + m;
            const float kept = draw.v[m] >= a->below ? x[j] * a->scale : 0.0f;
            y[j] = a->add ? y[j] + kept : kept;
        }
    }
}
TEAM_KERNEL(nn_dropout, struct nn_dropout, nn_dropout_row(a, row, t))
