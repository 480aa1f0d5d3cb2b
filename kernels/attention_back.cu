/*
 * attention_back.cu - gradients of softmax attention of one text and head, a query at a time.
 *
 * A query's scores and the gradient by its weights are sums over the head's columns with the lanes side by side over the keys (keys and
 * values are transposed for that); its parts of dQ, dK and dV are sums over the keys with the lanes over the columns, where a lane
 * meets only its own.  Scores are made anew, not kept: 2 n floats of memory a query in place of n^2.  Sums run in the order of the tokens.
 * Limits: as attention.cu.
 */
#include "attention_back.h"

#include <float.h>

#include "tile.h"

/* p = softmax(scale s) over n of `padded` columns, of = p (of - sum p of) scale. */
TEAM_FN void softmax_back(float *TEAM_RESTRICT s, float *TEAM_RESTRICT of, int n, int padded, float scale,
                          struct team *t)
{
    float most = -FLT_MAX, along = 0.0f;
    LANE_MAX(j, n, most)
        most = s[j] > most ? s[j] : most;
    most = team_max(t, most);
    lanes_f sum = lanes_all(0.0f);
    for (int j = 0; j < padded; j += LANES) {
        const lanes_f e = lanes_exp((lanes_load(s + j) - most) * scale);
        lanes_store(s + j, e);
        sum += e;
    }
    const float inverse = 1.0f / lanes_sum(t, sum);
    LANE_SUM(j, n, along) {
        s[j] *= inverse;
        along += s[j] * of[j];
    }
    MUTANT_LEAVE(attention_back_leaves, TEAM_LANE == 31);
    along = team_sum(t, along);
    LANE_FOR(j, n)
        of[j] = s[j] * (of[j] - along) * scale;
}

TEAM_FN void attention_back_row(const struct attention_back *a, long row, struct team *t)
{
    const long text = row / a->n_heads, head = row % a->n_heads;
    const long from = (long)a->first[text], width = (long)a->n_heads * a->head_size;
    const int n = (int)((long)a->first[text + 1] - from), d = a->head_size, padded = (int)NN_PAD_COLS(n);
    const float *queries = a->qkv + from * a->ld + head * d, *keys = queries + width, *values = keys + width;
    float *of_queries = a->of_qkv + from * a->ld_of + head * d, *of_keys = of_queries + width,
          *of_values = of_keys + width;
    float *kt = (float *)team_shared(t, sizeof(float) * (size_t)padded * (size_t)d);
    float *vt = (float *)team_shared(t, sizeof(float) * (size_t)padded * (size_t)d);
    float *TEAM_RESTRICT p =
        (float *)team_shared(t, sizeof(float) * (size_t)(padded - MUTANT(attention_back_overrun, 1, 0)));
    float *TEAM_RESTRICT s = (float *)team_shared(t, sizeof(float) * (size_t)padded);

    for (int m = 0; m < d; m++)
        LANE_FOR(j, padded) {
            kt[m * padded + j] = j < n ? keys[j * a->ld + m] : 0.0f;
            vt[m * padded + j] = j < n ? values[j * a->ld + m] : 0.0f;
        }
    for (int j = 0; j < n; j++)
        LANE_FOR(m, d) {
            of_keys[j * a->ld_of + m] = 0.0f;
            of_values[j * a->ld_of + m] = 0.0f;
        }
    for (int i = 0; i < n; i++) {
        const float *TEAM_RESTRICT q = queries + i * a->ld;
        const float *TEAM_RESTRICT g = a->of_out + (from + i) * a->ld_out + head * d;
        float *TEAM_RESTRICT of_q = of_queries + i * a->ld_of;
        LANE_FOR(j, padded) {
            p[j] = j < n + MUTANT(attention_back_index, 1, 0) ? 0.0f : -1e30f; /* beyond the text: e^-inf */
            s[j] = 0.0f;
        }
        for (int m = 0; m < d; m++) {
            const float *TEAM_RESTRICT k = kt + m * padded, *TEAM_RESTRICT v = vt + m * padded;
            const float qm = q[m], gm = g[m];
            LANE_FOR(j, padded) {
                p[j] += qm * k[j];
                s[j] += gm * v[j];
            }
        }
        softmax_back(p, s, n, padded, a->scale, t);
        MUTANT(attention_back_sync, (void)0, team_sync(t)); /* a lane has met only its own keys so far */
        LANE_FOR(m, d)
            of_q[m] = 0.0f;
        for (int j = 0; j < n; j++) {
            const float *TEAM_RESTRICT k = keys + j * a->ld;
            float *TEAM_RESTRICT of_k = of_keys + j * a->ld_of,
                                 *TEAM_RESTRICT of_v = of_values + j * a->ld_of;
            const float sj = s[j], pj = p[j];
            LANE_FOR(m, d + MUTANT(attention_back_outside, j + 1 == n, 0)) {
                of_q[m] += sj * k[m];
                of_k[m] += sj * q[m];
                of_v[m] += pj * g[m];
            }
        }
        MUTANT(attention_back_reuse, (void)0, team_sync(t)); /* all lanes have read p and s */
    }
}
TEAM_KERNEL_LARGE(attention_back, struct attention_back, attention_back_row(a, row, t))
