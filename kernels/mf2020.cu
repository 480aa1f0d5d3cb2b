/*
 * mf2020.cu - one step after the other: the logistic loss of a sample and of its negatives, which are drawn here (mf2020.h).  All that takes
 * part in a step moves by the values it had before.
 *
 * Blocks, order and the draws' names come from the host: the result is a function of them, not of the threads.
 */
#include "mf2020.h"

#include <math.h>

#include "lanes.h"
#include "philox.h"

/* The item that a drawn word means beside item i of places first .. first + n - 1; of n_items in all. */
TEAM_FN uint32_t mf2020_item(const struct mf2020 *a, uint32_t i, uint32_t first, uint32_t n, uint32_t n_items,
                             uint32_t word)
{
    const uint64_t scaled = (uint64_t)word * n_items;
    if (scaled >> 32 == 0 || n < 2)
        return i;
    /* what is left of the word is as uniform as the word */
    const uint32_t other = first + (uint32_t)(((scaled & 0xFFFFFFFFu) * (n - 1)) >> 32);
    return a->part_item[other >= a->place[i] ? other + 1 : other];
}

/* One step: what the label says against the sigmoid.  Returns the step's length. */
TEAM_FN float mf2020_step(const struct mf2020 *a, float *p, uint32_t item, float label, float sum,
                          struct team *t, const int rank)
{
    const int nv = rank / LANES;
    const float rate = a->learning_rate, keep = 1.0f - rate * a->reg;
    float *q = a->item + (size_t)item * (size_t)rank;
    const float b_i = a->item_bias[item];
    lanes_f dot = lanes_zero();

    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        dot += lanes_load(p + v * LANES) * lanes_load(q + v * LANES);
    MUTANT_LEAVE(mf2020_leaves, TEAM_LANE == 31, 0.0f);
    const float y = sum + b_i + lanes_sum(t, dot), e = expf(-fabsf(y)); /* neither side overflows */
    const float step = rate * (label - (y >= 0.0f ? 1.0f : e) / (1.0f + e));
    TEAM_UNROLL
    for (int v = 0; v < nv; v++) {
        const lanes_f pv = lanes_load(p + v * LANES), qv = lanes_load(q + v * LANES);
        lanes_store(p + v * LANES, keep * pv + step * qv);
        lanes_store(q + v * LANES, keep * qv + step * pv);
    }
    MUTANT(mf2020_reuse, (void)0, team_sync(t)); /* every lane has read the bias */
    if (TEAM_LANE == 0)
        a->item_bias[item + MUTANT(mf2020_outside, 1, 0)] = keep * b_i + step;
    MUTANT(mf2020_sync, (void)0, team_sync(t)); /* the next step may read this bias */
    return step;
}

/* Draws MF2020_AHEAD words at once, a lane a Philox: nothing of it waits for what the steps write. */
TEAM_FN void mf2020_draw(const struct mf2020 *a, uint64_t first, uint32_t *word, struct team *t)
{
    team_sync(t); /* all lanes are through with those before */
    LANE_FOR(k, MF2020_AHEAD / 4) {
        const struct philox x = philox4x32(a->seed, a->stream, first / 4 + (uint64_t)k);
        for (int w = 0; w < 4; w++)
            word[4 * k + w] = x.v[w];
    }
    team_sync(t);
}

TEAM_FN void mf2020_row(const struct mf2020 *a, long g, struct team *t, const int rank)
{
    const long h = (g + a->diagonal) % a->grid, block = g * a->grid + h;
    const int64_t end = a->block[block + 1] - MUTANT(mf2020_index, 1, 0);
    const uint32_t first = a->part[h], n = a->part[h + 1] - first, n_items = a->part[a->grid];
    const float keep = 1.0f - a->learning_rate * a->reg;
    uint32_t *word = (uint32_t *)team_shared(t, (MF2020_AHEAD - MUTANT(mf2020_overrun, 1, 0)) * sizeof *word);
    uint64_t from = 0, draw;
    int drawn = 0;
    float b = 0.0f;

    for (int r = 0; r < a->grid; r++)
        b += a->bias_from[r];
    b /= (float)a->grid;
    for (int64_t e = a->block[block]; e < end; e++) {
        const uint32_t u = a->sample[e].user, i = a->sample[e].item;
        float *p = a->user + (size_t)u * (size_t)rank, b_u = a->user_bias[u];
        for (int k = -1; k < a->negatives; k++) {
            uint32_t item = i;
            if (k >= 0) {
                draw = (uint64_t)e * (uint64_t)a->negatives + (uint64_t)k;
                if (!drawn || draw >= from + MF2020_AHEAD) {
                    from = draw / 4 * 4, drawn = 1;
                    mf2020_draw(a, from, word, t);
                }
                item = mf2020_item(a, i, first, n, n_items, word[draw - from]);
            }
            const float step = mf2020_step(a, p, item, k < 0 ? 1.0f : 0.0f, b + b_u, t, rank);
            b = keep * b + step;
            b_u = keep * b_u + step;
        }
        if (TEAM_LANE == 0)
            a->user_bias[u] = b_u;
        team_sync(t); /* the next sample may be of this user */
    }
    if (TEAM_LANE == 0)
        a->bias_to[g] = b;
}

TEAM_KERNEL(mf2020_32, struct mf2020, mf2020_row(a, row, t, 32))
TEAM_KERNEL(mf2020_64, struct mf2020, mf2020_row(a, row, t, 64))
TEAM_KERNEL(mf2020_128, struct mf2020, mf2020_row(a, row, t, 128))
TEAM_KERNEL(mf2020_192, struct mf2020, mf2020_row(a, row, t, 192))
TEAM_KERNEL(mf2020_any, struct mf2020, mf2020_row(a, row, t, a->rank))
