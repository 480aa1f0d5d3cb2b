/*
 * decode.cu - a decoder beside its products: norms, rotary positions, attention over a cache, gated units, log-sum-exp.
 *
 * All in float32: the residual of Gemma reaches 1e5, beyond half precision.  Attention takes the query heads that share a key head,
 * of as many tokens as fit, as the rows of one tile: keys are read once for all of them.
 */
#include "decode.h"

#include <float.h>

#include "dots.h"

TEAM_FN void decoder_norm_row(const struct decoder_norm *a, long token, struct team *t)
{
    float *TEAM_RESTRICT x = a->x + token * a->ldx;
    float *TEAM_RESTRICT out = a->out + token * a->ld_out;
    const int width = a->width;
    if (a->add != NULL) {
        const float *TEAM_RESTRICT add = a->add + token * a->ld_add;
        float squares = 0.0f;
        LANE_SUM(j, width, squares)
            squares += add[j] * add[j];
        const float scale = 1.0f / TEAM_SQRT(team_sum(t, squares) / (float)width + a->eps);
        LANE_FOR(j, width)
            x[j] += a->post != NULL ? add[j] * scale * a->post[j] : add[j];
    }
    float sum = 0.0f, squares = 0.0f;
    if (a->centre)
        LANE_SUM(j, width, sum)
            sum += x[j];
    const float mean = team_sum(t, sum) / (float)width;
    LANE_SUM(j, width, squares)
        squares += (x[j] - mean) * (x[j] - mean);
    MUTANT_LEAVE(decoder_norm_leaves, TEAM_LANE == 31);
    const float scale = 1.0f / TEAM_SQRT(team_sum(t, squares) / (float)width + a->eps);
    LANE_FOR(j, width + MUTANT(decoder_norm_outside, 1, 0))
        out[j] = (x[j] - mean) * scale * a->gamma[j] + (a->beta != NULL ? a->beta[j] : 0.0f);
}
TEAM_KERNEL(decoder_norm, struct decoder_norm, decoder_norm_row(a, row, t))

TEAM_FN void decoder_rope_row(const struct decoder_rope *a, long row, struct team *t)
{
    const int heads = a->n_heads + 2 * a->n_kv, d = a->head_size, half = a->n_rotated / 2;
    const long token = row / heads;
    const int head = (int)(row % heads), key = head - a->n_heads, value = key - a->n_kv;
    float *from = a->qkv + token * a->ld + (long)head * d;
    const long cell = (long)a->cell[token] * a->n_kv * d;
    if (value >= 0) {
        float *to = a->values + cell + (long)value * d;
        LANE_FOR(j, d + MUTANT(decoder_rope_outside, 1, 0))
            to[j] = from[j];
        return;
    }
    float *to = key >= 0 ? a->keys + cell + (long)key * d : from;
    const float *gamma = key >= 0 ? a->k_norm : a->q_norm;
    float scale = key >= 0 ? 1.0f : a->q_scale;
    if (gamma != NULL) {
        float squares = 0.0f;
        LANE_SUM(j, d, squares)
            squares += from[j] * from[j];
        scale *= 1.0f / TEAM_SQRT(team_sum(t, squares) / (float)d + a->eps);
    }
    MUTANT(decoder_rope_sync, (void)0,
           team_sync(t)); /* a pair is written by one lane, and read by two above */
    const float *angle = a->angle + token * 2 * half;
    LANE_FOR(i, half) {
        const int p = a->interleaved ? 2 * i : i, q = a->interleaved ? 2 * i + 1 : i + half;
        const float x = from[p] * scale * (gamma != NULL ? gamma[p] : 1.0f);
        const float y = from[q] * scale * (gamma != NULL ? gamma[q] : 1.0f);
        const float c = angle[2 * i], s = angle[2 * i + 1];
        to[p] = x * c - y * s;
        to[q] = x * s + y * c;
    }
    LANE_FOR(i, d - 2 * half) {
        const int p = 2 * half + i;
        to[p] = from[p] * scale * (gamma != NULL ? gamma[p] : 1.0f);
    }
}
TEAM_KERNEL(decoder_rope, struct decoder_rope, decoder_rope_row(a, row, t))

#if TEAM_SIZE > 1
#define decoder_first(x) (x)
#else
#define decoder_first(x) ((x)[0])
#endif

/* tanh u for |u| far from 0 or near: 1 - 2 / (1 + e^2u), absolute error about 1e-7. */
TEAM_FN lanes_f lanes_tanh(lanes_f u)
{
    const lanes_f most = lanes_all(40.0f);
    u = lanes_less(u, most, u, most);
    return 1.0f - 2.0f / (1.0f + lanes_exp(2.0f * u));
}

/* Scores of n keys (rows of `stride` floats) with the tile's queries, into scores[.. x ld] from column 0. */
TEAM_FN void decoder_scores(const float *queries, int d, const float *keys, long stride, int n, float *scores,
                            long ld, struct team *t)
{
    for (int j = 0; j < n; j += QUANT_OUTPUTS) {
        const float *w[QUANT_OUTPUTS];
        TEAM_UNROLL
        for (int r = 0; r < QUANT_OUTPUTS; r++)
            w[r] = keys + (j + r < n ? j + r : n - 1) * stride;
        for (int i = 0; i < TILE_ROWS; i += QUANT_TOKENS) {
            const float *x[QUANT_TOKENS];
            lanes_4 sums[QUANT_TOKENS];
            TEAM_UNROLL
            for (int m = 0; m < QUANT_TOKENS; m++)
                x[m] = queries + (long)(i + m) * d;
            dots_4(w, x, d, sums, t);
            if (TEAM_LANE == 0)
                for (int m = 0; m < QUANT_TOKENS; m++)
                    for (int r = 0; r < QUANT_OUTPUTS && j + r < n; r++)
                        scores[(i + m) * ld + j + r] = dots_get(sums[m], r);
        }
    }
}

/* One row of scores over key positions low .. low + n - 1 becomes weights; 1 / their sum is returned. */
TEAM_FN float decoder_softmax(float *row, int n, long ld, int see_from, int see_to, float cap, struct team *t)
{
    LANE_FOR(j, (int)ld)
        row[j] = j >= see_from && j < see_to + MUTANT(decoder_attention_index, 1, 0) ? row[j] : -1e30f;
    if (cap > 0.0f)
        for (int j = 0; j < ld; j += LANES) {
            const lanes_f x = lanes_load(row + j), hidden = lanes_all(-1e29f);
            lanes_store(row + j, lanes_less(x, hidden, x, cap * lanes_tanh(x * (1.0f / cap))));
        }
    float most = -FLT_MAX;
    LANE_MAX(j, n, most)
        most = row[j] > most ? row[j] : most;
    most = team_max(t, most);
    lanes_f sum = lanes_all(0.0f);
    for (int j = 0; j < ld; j += LANES) {
        const lanes_f e = lanes_exp(lanes_load(row + j) - most);
        lanes_store(row + j, e);
        sum += e;
    }
    return 1.0f / lanes_sum(t, sum);
}

/* Rows from .. from + 11 of the tile (token, query head of the group). */
TEAM_FN void decoder_attention_rows(const struct decoder_attention *a, const struct decoder_tile *tile,
                                    int key_head, int from, float *scores, float *queries, float *mixed,
                                    struct team *t)
{
    const int d = a->head_size, group = a->n_heads / a->n_kv, rows = (int)tile->n * group;
    const long stride = (long)a->n_kv * d;
    const int last = (int)(tile->position + tile->n) - 1, shared = (int)tile->shared;
    int low = a->window > 0 && (int)tile->position >= a->window ? (int)tile->position - a->window + 1 : 0;
    const int n = last + 1 - low, n_shared = shared > low ? (shared - low < n ? shared - low : n) : 0;
    const long ld = NN_PAD_COLS(n);
    const float *keys = a->keys + (long)key_head * d, *values = a->values + (long)key_head * d;
    const long own = (long)tile->own + (low > shared ? low - shared : 0);
    float inverse[TILE_ROWS];
    for (int i = 0; i < TILE_ROWS; i++) {
        const int r = from + i;
        const float *q =
            a->q + (long)(tile->first + (unsigned)(r / group)) * a->ld + (key_head * group + r % group) * d;
        LANE_FOR(j, d)
            queries[i * d + j] = r < rows ? q[j] : 0.0f;
    }
    decoder_scores(queries, d, keys + low * stride, stride, n_shared, scores, ld, t);
    decoder_scores(queries, d, keys + own * stride, stride, n - n_shared, scores + n_shared, ld, t);
    MUTANT(decoder_attention_sync, (void)0, team_sync(t)); /* lane 0 wrote the scores */
    for (int i = 0; i < TILE_ROWS; i++) {
        const int r = from + i < rows ? from + i : rows - 1, position = (int)tile->position + r / group;
        const int first = a->window > 0 && position >= a->window ? position - a->window + 1 : 0;
        inverse[i] = decoder_softmax(scores + i * ld, n, ld, first - low, position + 1 - low, a->cap, t);
    }
    team_sync(t); /* a product reads all columns of a row */
    for (int j = 0; j < d; j += TILE_COLS) {
        tile_product(n_shared, scores, ld, values + low * stride + j, stride, NULL, mixed + j, d);
        tile_product(n - n_shared, scores + n_shared, ld, values + own * stride + j, stride, NULL,
                     mixed + TILE_ROWS * d + j, d);
    }
    for (int i = 0; i < TILE_ROWS && from + i < rows + MUTANT(decoder_attention_outside, 1, 0); i++) {
        const int r = from + i;
        float *out = a->out + (long)(tile->first + (unsigned)(r / group)) * a->ld_out +
                     (key_head * group + r % group) * d;
        LANE_FOR(j, d)
            out[j] = (mixed[i * d + j] + mixed[(TILE_ROWS + i) * d + j]) * inverse[i];
    }
    team_sync(t); /* before the next rows write the scores again */
}

TEAM_FN void decoder_attention_row(const struct decoder_attention *a, long row, struct team *t)
{
    const struct decoder_tile *tile = a->tile + row / a->n_kv;
    const int key_head = (int)(row % a->n_kv), d = a->head_size;
    const int last = (int)(tile->position + tile->n) - 1;
    const int low =
        a->window > 0 && (int)tile->position >= a->window ? (int)tile->position - a->window + 1 : 0;
    const size_t padded = (size_t)NN_PAD_COLS(last + 1 - low);
    float *scores = (float *)team_shared(t, sizeof(float) * TILE_ROWS * padded);
    float *queries = (float *)team_shared(t, sizeof(float) * TILE_ROWS * (size_t)d);
    float *mixed = (float *)team_shared(t, sizeof(float) * (size_t)(2 * TILE_ROWS * d));
    for (int from = 0; from < (int)tile->n * (a->n_heads / a->n_kv); from += TILE_ROWS)
        decoder_attention_rows(a, tile, key_head, from, scores, queries, mixed, t);
}
TEAM_KERNEL_LARGE(decoder_attention, struct decoder_attention, decoder_attention_row(a, row, t))

TEAM_FN void decoder_gate_row(const struct decoder_gate *a, long token, struct team *t)
{
    float *x = a->x + token * a->ldx;
    (void)t;
    for (int j = 0; j < a->width; j += LANES) {
        const lanes_f v = lanes_load(x + j);
        lanes_f f;
        if (a->curve == DECODER_GELU_ERF)
            f = 0.5f * v * (1.0f + lanes_erf(v * 0.70710678f));
        else { /* x / (1 + e^-u): u = x (Elfwing et al. 2018), or 2 sqrt(2 / pi) (x + 0.044715 x^3) */
            lanes_f u = a->curve == DECODER_SILU ? v : v * (1.5957691216f + 0.0713548162726f * v * v);
            const lanes_f least = lanes_all(-86.0f);
            u = lanes_less(u, least, least, u);
            f = v / (1.0f + lanes_exp(-u));
        }
        lanes_store(x + j,
                    a->gated ? f * lanes_load(x + a->width + MUTANT(decoder_gate_index, -1, 0) + j) : f);
    }
}
TEAM_KERNEL(decoder_gate, struct decoder_gate, decoder_gate_row(a, row, t))

TEAM_FN void decoder_logsum_row(const struct decoder_logsum *a, long token, struct team *t)
{
    float *y = a->y + token * a->ldy;
    const int n = a->n, padded = NN_PAD_COLS(n);
    float most = -FLT_MAX;
    LANE_FOR(j, padded)
        y[j] = j < n ? y[j] : -1e30f;
    LANE_MAX(j, n, most)
        most = y[j] > most ? y[j] : most;
    most = team_max(t, most);
    const float before = a->most[token];
    most = before > most ? before : most;
    lanes_f sum = lanes_all(0.0f);
    for (int j = 0; j < padded - MUTANT(decoder_logsum_index, LANES, 0); j += LANES)
        sum += lanes_exp(lanes_load(y + j) - most);
    const lanes_f past = lanes_exp(lanes_all(before - most));
    const float added = lanes_sum(t, sum);
    MUTANT(decoder_logsum_sync, (void)0, team_sync(t)); /* all lanes have read what lane 0 writes */
    if (TEAM_LANE == 0) {
        a->sum[token] = a->sum[token] * decoder_first(past) + added;
        a->most[token] = most;
    }
}
TEAM_KERNEL(decoder_logsum, struct decoder_logsum, decoder_logsum_row(a, row, t))
