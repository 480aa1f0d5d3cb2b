/*
 * sbpr.cu - one sample after the other: the step down sbpr.h's loss of a sample.  All rows move by the values they had before the sample.
 *
 * Samples, blocks and order come from the host: the result is a function of them, not of the threads.
 */
#include "sbpr.h"

#include <math.h>

#include "lanes.h"

/* 1 / (1 + e^x); neither side overflows. */
TEAM_FN float sbpr_share(float x)
{
    const float e = expf(-fabsf(x));
    return (x >= 0.0f ? e : 1.0f) / (1.0f + e);
}

TEAM_FN void sbpr_sample_step(const struct sbpr *a, const struct sbpr_sample *s, struct team *t,
                              const int rank)
{
    const int nv = rank / LANES;
    const float rate = a->learning_rate, keep_p = 1.0f - rate * a->reg_user,
                keep_q = 1.0f - rate * a->reg_item, keep_b = 1.0f - rate * a->reg_bias;
    float *p = a->user + (size_t)s->user * (size_t)rank, *qi = a->item + (size_t)s->item * (size_t)rank,
          *qk = a->item + (size_t)s->social * (size_t)rank,
          *qj = a->item + (size_t)s->negative * (size_t)rank;
    const float b_i = a->item_bias[s->item], b_k = a->item_bias[s->social], b_j = a->item_bias[s->negative];
    lanes_f own = lanes_zero(), others = lanes_zero();

    TEAM_UNROLL
    for (int v = 0; v < nv; v++) {
        const lanes_f pv = lanes_load(p + v * LANES), kv = lanes_load(qk + v * LANES);
        own += pv * (lanes_load(qi + v * LANES) - kv);
        others += pv * (kv - lanes_load(qj + v * LANES));
    }
    MUTANT_LEAVE(sbpr_leaves, TEAM_LANE == 31);
    const float first = rate * s->weight * sbpr_share(s->weight * (b_i - b_k + lanes_sum(t, own)));
    const float second = rate * sbpr_share(b_k - b_j + lanes_sum(t, others));
    TEAM_UNROLL
    for (int v = 0; v < nv; v++) {
        const lanes_f pv = lanes_load(p + v * LANES), iv = lanes_load(qi + v * LANES),
                      kv = lanes_load(qk + v * LANES), jv = lanes_load(qj + v * LANES);
        lanes_store(p + v * LANES, keep_p * pv + first * (iv - kv) + second * (kv - jv));
        lanes_store(qi + v * LANES, keep_q * iv + first * pv); /* before qk, which it may be */
        lanes_store(qk + v * LANES, keep_q * kv + (second - first) * pv);
        lanes_store(qj + v * LANES, keep_q * jv - second * pv);
    }
    MUTANT(sbpr_reuse, (void)0, team_sync(t)); /* every lane has read the biases */
    if (TEAM_LANE == 0 && a->use_bias) {
        a->item_bias[s->item + MUTANT(sbpr_outside, 1, 0)] = keep_b * b_i + first;
        a->item_bias[s->social] = keep_b * b_k + second - first;
        a->item_bias[s->negative] = keep_b * b_j - second;
    }
    MUTANT(sbpr_sync, (void)0, team_sync(t)); /* the next sample may read these biases */
}

TEAM_FN void sbpr_row(const struct sbpr *a, long g, struct team *t, const int rank)
{
    const long block = g * a->grid + (g + a->diagonal) % a->grid;

    for (int64_t e = a->block[block]; e < a->block[block + 1] - MUTANT(sbpr_index, 1, 0); e++)
        if (a->sample[e].negative != SBPR_NONE)
            sbpr_sample_step(a, &a->sample[e], t, rank);
}

TEAM_KERNEL(sbpr_32, struct sbpr, sbpr_row(a, row, t, 32))
TEAM_KERNEL(sbpr_64, struct sbpr, sbpr_row(a, row, t, 64))
TEAM_KERNEL(sbpr_128, struct sbpr, sbpr_row(a, row, t, 128))
TEAM_KERNEL(sbpr_any, struct sbpr, sbpr_row(a, row, t, a->rank))
