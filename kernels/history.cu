/*
 * history.cu - a user as the weighted mean of his items' vectors, and the gradient of the weights; lanes stand side by side over the
 * vectors' columns and meet only their own, but for the dot products of the way back.  Sums run in the order of the history.
 */
#include "history.h"

#include <float.h>
#include <math.h>

#include "lanes.h"
#include "team.h"

/* The largest score of the history without the item left out; 0 without scores. */
TEAM_FN float history_most(const float *score, const uint32_t *idx, int64_t from, int64_t to, uint32_t skip,
                           struct team *t)
{
    const int n = (int)(to - from);
    const uint32_t *TEAM_RESTRICT item = idx + from;
    float most = -FLT_MAX;
    if (score == NULL)
        return 0.0f;
    LANE_MAX(e, n, most)
        most = item[e] != skip && score[item[e]] > most ? score[item[e]] : most;
    return team_max(t, most);
}

TEAM_FN void history_pool_row(const struct history *a, long r, struct team *t)
{
    const size_t user = a->user == NULL ? (size_t)r : a->user[r];
    const uint32_t skip = a->skip == NULL ? HISTORY_NONE : a->skip[r];
    const int64_t from = a->ptr[user], to = a->ptr[user + 1];
    const float most = history_most(a->score, a->idx, from, to, skip, t);
    float *TEAM_RESTRICT out = a->out + (size_t)r * (size_t)a->d;
    float total = 0.0f;
    MUTANT_LEAVE(history_pool_leaves, TEAM_LANE == 31);
    LANE_FOR(k, a->d)
        out[k] = 0.0f;
    for (int64_t e = from + MUTANT(history_pool_index, 1, 0); e < to; e++) {
        const uint32_t j = a->idx[e];
        if (j == skip)
            continue;
        const float w = a->score == NULL ? 1.0f : expf(a->score[j] - most);
        const float *TEAM_RESTRICT y = a->items + (size_t)j * (size_t)a->d;
        total += w;
        LANE_FOR(k, a->d)
            out[k] += w * y[k];
    }
    const float inverse = total > 0.0f ? 1.0f / total : 0.0f;
    LANE_FOR(k, a->d + MUTANT(history_pool_outside, 1, 0))
        out[k] *= inverse;
}
TEAM_KERNEL(history_pool, struct history, history_pool_row(a, row, t))

TEAM_FN void history_back_row(const struct history *a, long r, struct team *t)
{
    const size_t user = a->user == NULL ? (size_t)r : a->user[r];
    const uint32_t skip = a->skip == NULL ? HISTORY_NONE : a->skip[r];
    const int64_t from = a->ptr[user], to = a->ptr[user + 1];
    const float most = history_most(a->score, a->idx, from, to, skip, t);
    const float *TEAM_RESTRICT h = a->h + (size_t)r * (size_t)a->d,
                               *TEAM_RESTRICT of = a->of + (size_t)r * (size_t)a->d;
    float *TEAM_RESTRICT out = a->out + (size_t)r * (size_t)a->d;
    float total = 0.0f, mean = 0.0f;
    LANE_SUM(k, a->d, mean)
        mean += of[k] * h[k];
    mean = team_sum(t, mean);
    LANE_FOR(k, a->d)
        out[k] = 0.0f;
    for (int64_t e = from; e < to; e++) {
        const uint32_t j = a->idx[e];
        const float *TEAM_RESTRICT y = a->items + (size_t)j * (size_t)a->d;
        float dot = 0.0f;
        if (j == skip)
            continue;
        const float w = expf(a->score[j] - most);
        LANE_SUM(k, a->d - MUTANT(history_back_index, 1, 0), dot)
            dot += of[k] * y[k];
        dot = w * (team_sum(t, dot) - mean);
        total += w;
        LANE_FOR(k, a->d)
            out[k] += dot * y[k];
    }
    const float inverse = total > 0.0f ? 1.0f / total : 0.0f;
    LANE_FOR(k, a->d + MUTANT(history_back_outside, 1, 0))
        out[k] *= inverse;
}
TEAM_KERNEL(history_back, struct history, history_back_row(a, row, t))
