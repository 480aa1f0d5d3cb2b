/*
 * sgd.cu - one sample after the other: b and the factors take a step down the sample's gradient (Funk 2006; Koren,
 * Bell, Volinsky 2009, eq. 6-7).  Both factor rows move by the values they had before the sample.
 *
 * Blocks and order come from the host (sgd.h), so the result is a function of the order alone, not of the threads.
 */
#include "lanes.h"
#include "sgd.h"

TEAM_FN void sgd_sample_step(const struct sgd *a, const struct sgd_sample *s, struct team *t, const int rank)
{
    const int nv = rank / LANES;
    const float keep_p = 1.0f - a->lr_pu * a->reg_pu, keep_q = 1.0f - a->lr_qi * a->reg_qi;
    float *p = a->user + (size_t)s->user * (size_t)rank, *q = a->item + (size_t)s->item * (size_t)rank;
    const float b_user = a->user_bias[s->user], b_item = a->item_bias[s->item];
    lanes_f dot = lanes_zero();

    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        dot += lanes_load(p + v * LANES) * lanes_load(q + v * LANES);
    MUTANT_LEAVE(sgd_leaves, TEAM_LANE == 31);
    const float error = s->value - (a->mean + b_user + b_item + lanes_sum(t, dot));
    const float step_p = a->lr_pu * error, step_q = a->lr_qi * error;
    TEAM_UNROLL
    for (int v = 0; v < nv; v++) {
        const lanes_f pv = lanes_load(p + v * LANES), qv = lanes_load(q + v * LANES);
        lanes_store(p + v * LANES, keep_p * pv + step_p * qv);
        lanes_store(q + v * LANES, keep_q * qv + step_q * pv);
    }
    MUTANT(sgd_reuse, (void)0, team_sync(t)); /* every lane has read the biases */
    if (TEAM_LANE == 0) {
        a->user_bias[s->user] = b_user + a->lr_bu * (error - a->reg_bu * b_user);
        a->item_bias[s->item + MUTANT(sgd_outside, 1, 0)] = b_item + a->lr_bi * (error - a->reg_bi * b_item);
    }
    MUTANT(sgd_sync, (void)0, team_sync(t)); /* the next sample may read these biases */
}

TEAM_FN void sgd_row(const struct sgd *a, long g, struct team *t, const int rank)
{
    const long block = g * a->grid + (g + a->diagonal) % a->grid;

    for (int64_t e = a->block[block]; e < a->block[block + 1] - MUTANT(sgd_index, 1, 0); e++)
        sgd_sample_step(a, &a->sample[e], t, rank);
}

TEAM_KERNEL(sgd_32, struct sgd, sgd_row(a, row, t, 32))
TEAM_KERNEL(sgd_64, struct sgd, sgd_row(a, row, t, 64))
TEAM_KERNEL(sgd_128, struct sgd, sgd_row(a, row, t, 128))
TEAM_KERNEL(sgd_any, struct sgd, sgd_row(a, row, t, a->rank))
