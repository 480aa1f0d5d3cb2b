/*
 * nn.cu - dense layers of a transformer: products with packed weights, layer norm, embedding, pooling.
 *
 * Why a product of our own beside backend_sgemm(): a token's bits must not depend on how many tokens are computed beside
 * it, which OpenBLAS does not promise (its edge kernels sum in another order); here each output is one chain of fused
 * multiply-adds over k.  And weights never change, so they are packed once, where OpenBLAS packs at every call; bias and
 * GELU run on a tile while it is in the first-level cache.
 *
 * Limits: k * group * 128 bytes of weights should fit the second-level cache (the host picks `group`).
 */
#include "nn.h"
#include "tile.h"

#if NN_TILE_ROWS != TILE_ROWS || NN_TILE_COLS != TILE_COLS
#error "nn.h and tile.h disagree about the tile"
#endif

/* x Phi(x) */
TEAM_FN lanes_f gelu(lanes_f x)
{
    return 0.5f * x * (1.0f + lanes_erf(x * 0.70710678f));
}

TEAM_FN void nn_linear_row(const struct nn_linear *a, long row, struct team *t)
{
    const long tile = row % a->n_tiles;
    const int from = (int)(row / a->n_tiles) * a->group;
    const int end = from + a->group + MUTANT(nn_linear_outside, 1, 0);
    const int to = end < a->n_panels ? end : a->n_panels;
    const float *x = a->x + tile * TILE_ROWS * a->ldx;
    (void)t;
    for (int panel = from; panel < to; panel++) {
        float *y = a->y + tile * TILE_ROWS * a->ldy + (long)panel * TILE_COLS;
        tile_product(a->k - MUTANT(nn_linear_index, 1, 0), x, a->ldx, a->w + (long)panel * a->k * TILE_COLS,
                     TILE_COLS, a->bias + (long)panel * TILE_COLS, y, a->ldy);
        if (a->gelu)
            for (int i = 0; i < TILE_ROWS; i++)
                for (int j = 0; j < TILE_COLS; j += LANES)
                    lanes_store(y + i * a->ldy + j, gelu(lanes_load(y + i * a->ldy + j)));
    }
}
TEAM_KERNEL(nn_linear, struct nn_linear, nn_linear_row(a, row, t))

TEAM_FN void nn_pack_row(const struct nn_pack *a, long panel, struct team *t)
{
    float *to = a->packed + panel * a->k * TILE_COLS;
    (void)t;
    for (int m = 0; m < a->k; m++)
        LANE_FOR(j, TILE_COLS) {
            const long n = panel * TILE_COLS + j;
            to[m * TILE_COLS + j] = n < a->n - MUTANT(nn_pack_index, 1, 0) ? a->w[n * a->k + m] : 0.0f;
        }
}
TEAM_KERNEL(nn_pack, struct nn_pack, nn_pack_row(a, row, t))

TEAM_FN void nn_layer_norm_row(const struct nn_layer_norm *a, long token, struct team *t)
{
    float *TEAM_RESTRICT x = a->x + token * a->ldx;
    const float *TEAM_RESTRICT add = a->add == NULL ? NULL : a->add + token * a->ld_add;
    const int width = a->width;
    float sum = 0.0f, squares = 0.0f;
    if (a->add != NULL)
        LANE_FOR(j, width)
            x[j] += add[j];
    LANE_SUM(j, width, sum)
        sum += x[j];
    const float mean = team_sum(t, sum) / (float)width;
    LANE_SUM(j, width, squares)
        squares += (x[j] - mean) * (x[j] - mean);
    MUTANT_LEAVE(nn_layer_norm_leaves, TEAM_LANE == 31);
    const float variance = team_sum(t, squares) / (float)width;
    const float scale = 1.0f / TEAM_SQRT(variance + a->eps);
    LANE_FOR(j, width)
        x[j] = (x[j] - mean) * scale * a->gamma[j] + a->beta[j];
}
TEAM_KERNEL(nn_layer_norm, struct nn_layer_norm, nn_layer_norm_row(a, row, t))

TEAM_FN void nn_embed_row(const struct nn_embed *a, long token, struct team *t)
{
    const float *TEAM_RESTRICT word = a->words + (long)a->ids[token] * a->width;
    const float *TEAM_RESTRICT position = a->positions + (long)a->places[token] * a->width;
    float *TEAM_RESTRICT x = a->x + token * a->ldx;
    (void)t;
    LANE_FOR(j, a->width + MUTANT(nn_embed_outside, 1, 0))
        x[j] = word[j] + a->type[j] + position[j];
}
TEAM_KERNEL(nn_embed, struct nn_embed, nn_embed_row(a, row, t))

TEAM_FN void nn_pool_row(const struct nn_pool *a, long text, struct team *t)
{
    float *TEAM_RESTRICT out = a->out + (long)a->row[text] * a->width;
    const int width = a->width;
    LANE_FOR(j, width)
        out[j] = 0.0f;
    const long from = (long)a->first[text], to = a->cls ? from + 1 : (long)a->first[text + 1];
    for (long token = from; token < to - MUTANT(nn_pool_index, 1, 0); token++) {
        const float *TEAM_RESTRICT x = a->x + token * a->ldx;
        LANE_FOR(j, width)
            out[j] += x[j];
    }
    const float n = (float)(to - from);
    float squares = 0.0f;
    LANE_FOR(j, width)
        out[j] /= n;
    LANE_SUM(j, width, squares)
        squares += out[j] * out[j];
    const float length = TEAM_SQRT(team_sum(t, squares));
    const float scale =
        length > 1e-12f ? 1.0f / length : 1e12f; /* as torch's normalize: no division by zero */
    LANE_FOR(j, width)
        out[j] *= scale;
}
TEAM_KERNEL(nn_pool, struct nn_pool, nn_pool_row(a, row, t))

TEAM_FN void nn_curve_row(const struct nn_curve *a, long row, struct team *t)
{
    (void)t;
    for (int j = 0; j < NN_CURVE; j += LANES) {
        const lanes_f x = lanes_load(a->x + row * NN_CURVE + j);
        lanes_f y = lanes_exp(x);
        if (a->which == 1)
            y = lanes_erf(x);
        if (a->which == 2)
            y = gelu(x);
        lanes_store(a->y + row * NN_CURVE + j + MUTANT(nn_curve_outside, 1, 0), y);
    }
}
TEAM_KERNEL(nn_curve, struct nn_curve, nn_curve_row(a, row, t))
