/*
 * fusion.cu - interaction features of user and item vectors, and scores of a linear head on them.
 *
 * The head is linear in q = [u * v | |u - v| | u . v | extra], so the product and cosine blocks of a
 * score are one dot product of (W_product * u + w_cosine u) with v; the difference block is not, and
 * costs a subtraction, an absolute value and a multiply-add for each of d numbers.  fusion_score
 * therefore runs over tiles of items with the items innermost (vectors transposed): no sums across
 * lanes, full SIMD width.
 */
#include "fusion.h"

#include <float.h>
#include <math.h>

#include "team.h"
#include "tile.h"

/* Squared lengths below this share of the whole sum's are rounding (a share of 1e-5 of its length). */
#define FUSION_NOTHING 1e-10f

/* Blends the vector of the user's texts into u, weight 1 where u is zero; 0: there are no texts. */
TEAM_FN float fusion_blend(const float *texts, float weight, int d, float *u, struct team *t)
{
    const float *TEAM_RESTRICT v = texts;
    float own = 0.0f, norm = 0.0f;
    LANE_SUM(k, d, own)
        own += v[k] * v[k];
    own = team_sum(t, own);
    if (own == 0.0f)
        return 0.0f;
    LANE_SUM(k, d, norm) {
        const float x = (1.0f - weight) * u[k] + weight * v[k];
        u[k] = x;
        norm += x * x;
    }
    norm = team_sum(t, norm);
    norm = norm > FUSION_NOTHING ? 1.0f / sqrtf(norm) : 0.0f;
    LANE_FOR(k, d)
        u[k] *= norm;
    return 1.0f;
}

/* The query of group g into shared memory; 0: the user has nothing else. */
TEAM_FN float fusion_query(const struct fusion_features *a, long g, float *u, struct team *t)
{
    const int d = a->d;
    const float *TEAM_RESTRICT sum = a->sums + (size_t)a->user[g] * d;
    const float *TEAM_RESTRICT v = a->V + (size_t)a->item[g * a->n_candidates] * d;
    const float w = a->weight[g], has = a->alone[g] ? 0.0f : 1.0f;
    float norm = 0.0f, whole = 0.0f;
    LANE_SUM(k, d, norm) {
        const float x = has * (sum[k] - w * v[k]);
        u[k] = x;
        norm += x * x;
    }
    LANE_SUM(k, d, whole)
        whole += sum[k] * sum[k];
    norm = team_sum(t, norm);
    whole = team_sum(t, whole);
    /* What the rounding of w v leaves is nothing: it would become a vector of norm 1. */
    norm = norm > FUSION_NOTHING * whole ? 1.0f / sqrtf(norm) : 0.0f;
    LANE_FOR(k, d)
        u[k] *= norm;
    float wrote = 0.0f;
    if (a->texts != NULL)
        wrote =
            fusion_blend(a->texts + (size_t)a->text_row[g] * d, norm > 0.0f ? a->text_weight : 1.0f, d, u, t);
    team_sync(t);
    return has > wrote ? has : wrote;
}

TEAM_FN void fusion_features_row(const struct fusion_features *a, long r, struct team *t)
{
    const long g = (long)a->groups[r];
    const int d = a->d, cosine = (a->product + a->difference) * d, first = cosine + a->cosine;
    const int columns = first + a->n_extra;
    float *u = (float *)team_shared(t, (size_t)(d + MUTANT(fusion_features_overrun, -1, 1)) * sizeof(float));
    const float has = d > 0 ? fusion_query(a, g, u, t) : 0.0f;
    for (int c = 0; c < a->n_candidates; c++) {
        const long s = g * a->n_candidates + c;
        float *TEAM_RESTRICT q = a->q + ((size_t)r * a->n_candidates + c) * a->ldq;
        const float *TEAM_RESTRICT extra = a->extra + (size_t)s * a->n_extra;
        const float *TEAM_RESTRICT v = a->V + (size_t)a->item[s] * d;
        if (a->product)
            LANE_FOR(k, d)
                q[k] = u[k] * v[k];
        if (a->difference) {
            float *TEAM_RESTRICT q2 = q + a->product * d;
            LANE_FOR(k, d)
                q2[k] = has * fabsf(u[k] - v[k]);
        }
        if (a->cosine) {
            float dot = 0.0f;
            LANE_SUM(k, d, dot)
                dot += u[k] * v[k];
            MUTANT_LEAVE(fusion_features_leaves, TEAM_LANE == 31);
            dot = team_sum(t, dot);
            if (TEAM_LANE == 0)
                q[cosine] = dot;
        }
        for (int k = TEAM_LANE; k < a->n_extra; k += TEAM_SIZE)
            q[first + k] = extra[k];
        MUTANT(fusion_features_sync, (void)0, team_sync(t));
        if (a->mean != NULL) {
            const float *TEAM_RESTRICT mean = a->mean, *TEAM_RESTRICT scale = a->scale;
            LANE_FOR(k, columns + MUTANT(fusion_features_outside, 1, 0))
                q[k] = (q[k] - mean[k]) * scale[k];
        }
    }
}

/* Tile of n items (n == FUSION_TILE but for the last). */
TEAM_FN void fusion_score_tile(const struct fusion_score *a, long r, int first, const int n)
{
    LANE_ARRAY(float, acc, FUSION_TILE);
    const float *TEAM_RESTRICT bias = a->item_bias + first;
    float *TEAM_RESTRICT out = a->out + (size_t)r * a->ldo + first;
    const float *TEAM_RESTRICT A = a->A == NULL ? NULL : a->A + (size_t)r * a->d;
    const float *TEAM_RESTRICT U = a->U == NULL ? NULL : a->U + (size_t)r * a->d;
    LANE_FOR(j, n)
        OWN(acc, j) = bias[j];
    const int d = a->known[r] ? a->d : 0;
    for (int k = MUTANT(fusion_score_index, 1, 0); k < d; k++) {
        const float *TEAM_RESTRICT v = a->VT + (size_t)k * a->ldv + first;
        const float w = A == NULL ? 0.0f : A[k];
        if (a->D == NULL) {
            LANE_FOR(j, n)
                OWN(acc, j) += w * v[j];
        } else {
            const float u = U[k], difference = a->D[k];
            LANE_FOR(j, n)
                OWN(acc, j) += w * v[j] + difference * fabsf(u - v[j]);
        }
    }
    LANE_FOR(j, n)
        out[j + MUTANT(fusion_score_outside, 1, 0)] = OWN(acc, j);
}

TEAM_FN void fusion_score_row(const struct fusion_score *a, long row, struct team *t)
{
    const long r = row / a->n_tiles;
    const int first = (int)(row % a->n_tiles) * FUSION_TILE, left = a->n_items - first;
    (void)t;
    if (left >= FUSION_TILE)
        fusion_score_tile(a, r, first, FUSION_TILE);
    else
        fusion_score_tile(a, r, first, left);
}

TEAM_FN void fusion_standardize_row(const struct fusion_standardize *a, long r, struct team *t)
{
    float *TEAM_RESTRICT s = a->S + (size_t)r * a->lds;
    const int n = a->n_items;
    float mean = 0.0f, squares = 0.0f;
    LANE_SUM(i, n, mean)
        mean += s[i];
    mean = team_sum(t, mean) / (float)n;
    LANE_SUM(i, n - MUTANT(fusion_standardize_index, 1, 0), squares) {
        const float x = s[i] - mean;
        squares += x * x;
    }
    MUTANT_LEAVE(fusion_standardize_leaves, TEAM_LANE == 31);
    squares = team_sum(t, squares) / (float)n;
    /* All scores equal but for rounding is no signal. */
    const float scale = squares > 1e-12f * mean * mean && squares > 0.0f ? 1.0f / sqrtf(squares) : 0.0f;
    if (a->out == NULL) {
        LANE_FOR(i, n)
            s[i] = (s[i] - mean) * scale;
    } else {
        float *TEAM_RESTRICT out = a->out + (size_t)r * a->ldo;
        const float w = a->weight * scale;
        LANE_FOR(i, n + MUTANT(fusion_standardize_outside, 1, 0))
            out[i] += w * (s[i] - mean);
    }
}

TEAM_FN void fusion_attend_row(const struct fusion_attend *a, long row, struct team *t)
{
    const float *TEAM_RESTRICT s = a->S + (size_t)row * a->lds;
    float most = -FLT_MAX;
    LANE_MAX(j, a->n - MUTANT(fusion_attend_index, 1, 0), most)
        most = s[j] > most ? s[j] : most;
    most = team_max(t, most);
    lanes_f weights = lanes_zero(), sum = lanes_zero();
    for (int j = 0; j < (int)a->lds; j += LANES) { /* pads weigh 0; what stands there is finite */
        const lanes_f x = lanes_load(s + j);
        const lanes_f w = lanes_load(a->weight + j) * lanes_exp((x - most) * a->sharpness);
        weights += w;
        sum += w * x;
    }
    MUTANT_LEAVE(fusion_attend_leaves, TEAM_LANE == 31);
    const float total = lanes_sum(t, weights), value = lanes_sum(t, sum);
    if (TEAM_LANE == 0)
        a->out[row + MUTANT(fusion_attend_outside, 1, 0)] =
            value * expf((1.0f - a->beta) * (most - 1.0f) * a->sharpness) * powf(total, -a->beta);
}

TEAM_KERNEL(fusion_features, struct fusion_features, fusion_features_row(a, row, t))
TEAM_KERNEL(fusion_score, struct fusion_score, fusion_score_row(a, row, t))
TEAM_KERNEL(fusion_attend, struct fusion_attend, fusion_attend_row(a, row, t))
TEAM_KERNEL(fusion_standardize, struct fusion_standardize, fusion_standardize_row(a, row, t))
