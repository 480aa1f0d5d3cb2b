/*
 * attention.cu - out = softmax(scale Q K') V for one text and head (Vaswani et al. 2017, equation 1).
 *
 * Keys are transposed into panels of TILE_COLS, then a tile of queries at a time: scores by tile_product, softmax over
 * whole rows, values by tile_product again.  All sums run over the text's own tokens in their order, so a text's result
 * does not depend on its neighbours.  A tile's last rows may belong to the next text (or to padding): they are computed
 * and not written.  Limits: a text's keys must fit the team's memory (longest * head_size * 4 bytes).
 */
#include "attention.h"

#include <float.h>

#include "tile.h"

/* Softmax without its division of n_rows rows of n scores, in place; 1 / sum of each row into inverse. */
TEAM_FN void softmax_rows(float *TEAM_RESTRICT scores, int n_rows, int n, long ld, float scale,
                          float *inverse, struct team *t)
{
    for (int i = 0; i < n_rows; i++) {
        float *row = scores + i * ld;
        float most = -FLT_MAX;
        LANE_MAX(j, n, most)
            most = row[j] > most ? row[j] : most;
        most = team_max(t, most);
        lanes_f sum = lanes_all(0.0f);
        for (int j = 0; j < ld; j += LANES) {
            const lanes_f e = lanes_exp((lanes_load(row + j) - most) * scale);
            lanes_store(row + j, e);
            sum += e;
        }
        MUTANT_LEAVE(attention_leaves, TEAM_LANE == 31);
        inverse[i] = 1.0f / lanes_sum(t, sum);
    }
}

TEAM_FN void attention_row(const struct attention *a, long row, struct team *t)
{
    const long text = row / a->n_heads, head = row % a->n_heads;
    const long from = (long)a->first[text];
    const int n = (int)((long)a->first[text + 1] - from), d = a->head_size;
    const long padded = NN_PAD_COLS(n), width = (long)a->n_heads * d;
    const float *queries = a->qkv + from * a->ld + head * d, *keys = queries + width, *values = keys + width;
    float *transposed = (float *)team_shared(t, sizeof(float) * (size_t)padded * (size_t)d);
    float *scores = (float *)team_shared(
        t, sizeof(float) * (size_t)(TILE_ROWS * padded - MUTANT(attention_overrun, 1, 0)));
    float *tile = (float *)team_shared(t, sizeof(float) * TILE_ROWS * (size_t)d);
    float inverse[TILE_ROWS];

#if TEAM_SIZE == 1 /* along the keys, and nothing for those beyond the text: twice as fast on short texts */
    for (int j = 0; j < n; j++) {
        float *to = transposed + j / TILE_COLS * TILE_COLS * d + j % TILE_COLS;
        for (int m = 0; m < d; m++)
            to[m * TILE_COLS] = keys[j * a->ld + m];
    }
#else
    for (long j0 = 0; j0 < padded; j0 += TILE_COLS)
        for (int m = 0; m < d; m++)
            LANE_FOR(j, TILE_COLS)
                transposed[j0 * d + m * TILE_COLS + j] = j0 + j < n ? keys[(j0 + j) * a->ld + m] : 0.0f;
#endif
    for (int i0 = 0; i0 < n; i0 += TILE_ROWS) {
        const int left = n - i0, n_rows = left < TILE_ROWS ? left : TILE_ROWS; /* of this text */
        for (long j0 = 0; j0 < padded; j0 += TILE_COLS)
            tile_product(d, queries + i0 * a->ld, a->ld, transposed + j0 * d, TILE_COLS, NULL, scores + j0,
                         padded);
        for (int i = 0; i < n_rows; i++)
            LANE_FOR(j, (int)padded)
                scores[i * padded + j] = j < n + MUTANT(attention_index, 1, 0)
                                             ? scores[i * padded + j]
                                             : -1e30f; /* columns beyond the text: e^-inf */
        softmax_rows(scores, n_rows, n, padded, a->scale, inverse, t);
        MUTANT(attention_sync, (void)0, team_sync(t)); /* a lane has met only its own columns so far */
        for (int j0 = 0; j0 < d; j0 += TILE_COLS)
            tile_product(n, scores, padded, values + j0, a->ld, NULL, tile + j0, d);
        MUTANT(attention_reuse, (void)0, team_sync(t)); /* all lanes have read the scores */
        for (int i = 0; i < n_rows + MUTANT(attention_outside, i0 + n_rows == n, 0); i++) {
            float *out = a->out + (from + i0 + i) * a->ld_out + head * d;
            LANE_FOR(j, d)
                out[j] = tile[i * d + j] * inverse[i];
        }
    }
}
TEAM_KERNEL_LARGE(attention, struct attention, attention_row(a, row, t))
