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

#define BPR_NONE 0xFFFFFFFFu

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

/* The part's item that a drawn word means: uniform. */
TEAM_FN uint32_t bpr_item(const struct bpr *a, uint32_t first, uint32_t n, uint32_t word)
{
    return a->part_item[first + (uint32_t)(((uint64_t)word * n) >> 32)];
}

/* Uniform among the part's items that the user does not have; BPR_NONE: none was found.  draw: sample e's first. */
TEAM_FN uint32_t bpr_negative(const struct bpr *a, int64_t e, long part, const struct philox *draw)
{
    const uint32_t user = a->sample[e].user, first = a->part[part], n = a->part[part + 1] - first;
    struct philox x = *draw;

    for (int attempt = 0; attempt < BPR_TRIES; attempt++) {
        if (attempt > 0 && attempt % 4 == 0)
            x = philox4x32(a->seed, a->stream, (uint64_t)e * (BPR_TRIES / 4) + (uint64_t)attempt / 4);
        const uint32_t item = bpr_item(a, first, n, x.v[attempt % 4]);
        if (!bpr_has(a, user, item))
            return item;
    }
    return BPR_NONE;
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

/* Negatives are found for BPR_AHEAD samples at once, a lane a sample: nothing of it waits for what the steps write, and
 * the CPU draws by SIMD. */
TEAM_FN void bpr_row(const struct bpr *a, long g, struct team *t, const int rank)
{
    const long part = (g + a->diagonal) % a->grid, block = g * a->grid + part;
    const int64_t end = a->block[block + 1] - MUTANT(bpr_index, 1, 0);
    struct philox *draw = (struct philox *)team_shared(t, BPR_AHEAD * sizeof *draw);
    uint32_t *negative =
        (uint32_t *)team_shared(t, (BPR_AHEAD - MUTANT(bpr_overrun, 1, 0)) * sizeof *negative);

    for (int64_t from = a->block[block]; from < end; from += BPR_AHEAD) {
        const int n = end - from < BPR_AHEAD ? (int)(end - from) : BPR_AHEAD;
        team_sync(t); /* all lanes are through with those before */
        LANE_FOR(k, BPR_AHEAD)
            draw[k] = philox4x32(a->seed, a->stream, (uint64_t)(from + k) * (BPR_TRIES / 4));
        for (int k = TEAM_LANE; k < n; k += TEAM_SIZE)
            negative[k] = bpr_negative(a, from + k, part, &draw[k]);
        team_sync(t);
        for (int k = 0; k < n; k++)
            if (negative[k] != BPR_NONE)
                bpr_sample_step(a, &a->sample[from + k], negative[k], t, rank);
    }
}

TEAM_KERNEL(bpr_32, struct bpr, bpr_row(a, row, t, 32))
TEAM_KERNEL(bpr_64, struct bpr, bpr_row(a, row, t, 64))
TEAM_KERNEL(bpr_128, struct bpr, bpr_row(a, row, t, 128))
TEAM_KERNEL(bpr_any, struct bpr, bpr_row(a, row, t, a->rank))
