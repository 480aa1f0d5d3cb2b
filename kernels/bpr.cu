/*
 * bpr.cu - one sample after the other: BPR's step (Rendle, Freudenthaler, Gantner, Schmidt-Thieme 2009, figure 4) with
 * the negative item drawn here.  All rows move by the values they had before the sample.
 *
 * Blocks, order and the draws' names come from the host (bpr.h): the result is a function of them, not of the threads.
 */
#include "bpr.h"

#include <math.h>

#include "lanes.h"
#include "philox.h"

/* Is `item` among the user's? */
TEAM_FN int bpr_has(const struct bpr *a, uint32_t user, uint32_t item)
{
    int64_t low = a->ptr[user], high = a->ptr[user + 1];

    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (a->idx[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low < a->ptr[user + 1] && a->idx[low] == item;
}

/* Uniform among the part's items that the user does not have; every lane draws the same.  0: none was found. */
TEAM_FN int bpr_negative(const struct bpr *a, int64_t e, long part, uint32_t *item)
{
    const uint32_t user = a->sample[e].user, first = a->part[part], n = a->part[part + 1] - first;

    for (int attempt = 0; attempt < BPR_TRIES; attempt += 4) {
        const struct philox x =
            philox4x32(a->seed, a->stream, (uint64_t)e * (BPR_TRIES / 4) + (uint64_t)attempt / 4);
        for (int i = 0; i < 4; i++) {
            *item = a->part_item[first + (uint32_t)(((uint64_t)x.v[i] * n) >> 32)];
            if (!bpr_has(a, user, *item))
                return 1;
        }
    }
    return 0;
}

TEAM_FN void bpr_sample_step(const struct bpr *a, const struct bpr_sample *s, uint32_t negative,
                             struct team *t, const int rank)
{
    const int nv = rank / LANES;
    const float rate = a->learning_rate, keep_p = 1.0f - rate * a->reg_user,
                keep_i = 1.0f - rate * a->reg_positive, keep_j = 1.0f - rate * a->reg_negative,
                keep_b = 1.0f - rate * a->reg_bias;
    float *p = a->user + (size_t)s->user * (size_t)rank, *qi = a->item + (size_t)s->item * (size_t)rank,
          *qj = a->item + (size_t)negative * (size_t)rank;
    const float b_i = a->item_bias[s->item], b_j = a->item_bias[negative];
    lanes_f dot = lanes_zero();

    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        dot += lanes_load(p + v * LANES) * (lanes_load(qi + v * LANES) - lanes_load(qj + v * LANES));
    MUTANT_LEAVE(bpr_leaves, TEAM_LANE == 31);
    const float x = b_i - b_j + lanes_sum(t, dot), e = expf(-fabsf(x)); /* neither side overflows */
    const float step = rate * (x >= 0.0f ? e : 1.0f) / (1.0f + e);
    TEAM_UNROLL
    for (int v = 0; v < nv; v++) {
        const lanes_f pv = lanes_load(p + v * LANES), iv = lanes_load(qi + v * LANES),
                      jv = lanes_load(qj + v * LANES);
        lanes_store(p + v * LANES, keep_p * pv + step * (iv - jv));
        lanes_store(qi + v * LANES, keep_i * iv + step * pv);
        lanes_store(qj + v * LANES, keep_j * jv - step * pv);
    }
    MUTANT(bpr_reuse, (void)0, team_sync(t)); /* every lane has read the biases */
    if (TEAM_LANE == 0 && a->use_bias) {
        a->item_bias[s->item + MUTANT(bpr_outside, 1, 0)] = keep_b * b_i + step;
        a->item_bias[negative] = keep_b * b_j - step;
    }
    MUTANT(bpr_sync, (void)0, team_sync(t)); /* the next sample may read these biases */
}

TEAM_FN void bpr_row(const struct bpr *a, long g, struct team *t, const int rank)
{
    const long part = (g + a->diagonal) % a->grid, block = g * a->grid + part;
    uint32_t negative;

    for (int64_t e = a->block[block]; e < a->block[block + 1] - MUTANT(bpr_index, 1, 0); e++)
        if (bpr_negative(a, e, part, &negative))
            bpr_sample_step(a, &a->sample[e], negative, t, rank);
}

TEAM_KERNEL(bpr_32, struct bpr, bpr_row(a, row, t, 32))
TEAM_KERNEL(bpr_64, struct bpr, bpr_row(a, row, t, 64))
TEAM_KERNEL(bpr_128, struct bpr, bpr_row(a, row, t, 128))
TEAM_KERNEL(bpr_any, struct bpr, bpr_row(a, row, t, a->rank))
