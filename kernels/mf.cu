/*
 * mf.cu - gradient steps of whole rows: logistic matrix factorization (Johnson 2014) and PMF (Salakhutdinov, Mnih 2008);
 * mf.h has the formulas.
 *
 * Entries, the row's own and then its negatives, are taken MF_CHUNK at a time: their scores, four at once (lanes.h), then
 * what each score is worth (one pass of exp over lanes), then the sum of the rows of Y.  Where entries are missing from a chunk
 * the first one stands in with weight 0.
 */
#include "mf.h"

#include "philox.h"
#include "tile.h"

enum { TILE = 4, RANK_MAX = 128 };

/* A chunk in shared memory: entry k is worth plus[k] - minus[k] f(score[k]). */
struct mf_chunk {
    uint32_t idx[MF_CHUNK];
    float plus[MF_CHUNK], minus[MF_CHUNK], score[MF_CHUNK];
};

/* Entries e .. e + n - 1 of the row, or negatives e .. of it. */
TEAM_FN void mf_fill(const struct mf_rows *a, long r, int64_t e, int n, int negatives, struct mf_chunk *c)
{
    struct philox draw = {{0, 0, 0, 0}};

    for (int k = TEAM_LANE; k < MF_CHUNK; k += TEAM_SIZE) {
        const int there = k < n + MUTANT(mf_rows_index, 1, 0);
        if (negatives) {
            const uint64_t j = (uint64_t)(e + k);
            if (TEAM_SIZE > 1 ||
                j % 4 == 0) /* on the CPU one lane takes the four words one after the other */
                draw = philox4x32(a->seed, a->stream, ((uint64_t)r << 32) + j / 4);
            const uint32_t word =
                j % 4 < 2 ? (j % 4 == 0 ? draw.v[0] : draw.v[1]) : (j % 4 == 2 ? draw.v[2] : draw.v[3]);
            c->idx[k] = a->drawn[(uint64_t)word * (uint64_t)a->n_drawn >> 32];
            c->plus[k] = 0.0f, c->minus[k] = there ? 1.0f : 0.0f;
        } else {
            const int64_t at = there ? e + k : e;
            const float w = !there ? 0.0f : a->val ? a->val[at] : 1.0f;
            c->idx[k] = a->idx[at];
            c->plus[k] = w, c->minus[k] = a->loss == MF_LOGISTIC ? w : there ? 1.0f : 0.0f;
        }
    }
}

TEAM_FN const float *mf_row_of(const struct mf_rows *a, uint32_t column, const int rank)
{
    return a->Y + (size_t)column * (size_t)rank;
}

TEAM_FN void mf_scores(const struct mf_rows *a, struct mf_chunk *c, const lanes_f *x, struct team *t,
                       const int rank)
{
    const int nv = rank / LANES;

    for (int k = 0; k < MF_CHUNK; k += TILE) {
        const float *y0 = mf_row_of(a, c->idx[k], rank), *y1 = mf_row_of(a, c->idx[k + 1], rank),
                    *y2 = mf_row_of(a, c->idx[k + 2], rank), *y3 = mf_row_of(a, c->idx[k + 3], rank);
        lanes_f d0 = lanes_zero(), d1 = lanes_zero(), d2 = lanes_zero(), d3 = lanes_zero();
        TEAM_UNROLL
        for (int v = 0; v < nv; v++) {
            d0 += x[v] * lanes_load(y0 + v * LANES);
            d1 += x[v] * lanes_load(y1 + v * LANES);
            d2 += x[v] * lanes_load(y2 + v * LANES);
            d3 += x[v] * lanes_load(y3 + v * LANES);
        }
        const lanes_4 s = lanes_sum4(t, d0, d1, d2, d3);
        if (TEAM_LANE == 0)
            lanes_store4(c->score + k, s);
    }
}

/* score[k] becomes what entry k is worth. */
TEAM_FN void mf_worth(const struct mf_rows *a, struct mf_chunk *c)
{
    for (int k = 0; k < MF_CHUNK; k += LANES) {
        const lanes_f s = lanes_load(c->score + k), plus = lanes_load(c->plus + k),
                      minus = lanes_load(c->minus + k);
        const lanes_f below = lanes_less(s, lanes_zero(), lanes_all(1.0f), lanes_zero());
        const lanes_f e = lanes_exp(lanes_less(s, lanes_zero(), s, -s)); /* neither side overflows */
        const lanes_f half = 1.0f / (1.0f + e), sigma = below * (e * half) + (1.0f - below) * half;
        lanes_f worth = plus - minus * (a->loss == MF_SQUARED ? s : sigma);
        if (a->loss == MF_SIGMOID)
            worth = worth * (sigma * (1.0f - sigma));
        lanes_store(c->score + k, worth);
    }
}

TEAM_FN void mf_add(const struct mf_rows *a, const struct mf_chunk *c, lanes_f *d, const int rank)
{
    const int nv = rank / LANES;

    for (int k = 0; k < MF_CHUNK; k += TILE) {
        const float *y0 = mf_row_of(a, c->idx[k], rank), *y1 = mf_row_of(a, c->idx[k + 1], rank),
                    *y2 = mf_row_of(a, c->idx[k + 2], rank), *y3 = mf_row_of(a, c->idx[k + 3], rank);
        const float w0 = c->score[k], w1 = c->score[k + 1], w2 = c->score[k + 2], w3 = c->score[k + 3];
        TEAM_UNROLL
        for (int v = 0; v < nv; v++) {
            d[v] += w0 * lanes_load(y0 + v * LANES);
            d[v] += w1 * lanes_load(y1 + v * LANES);
            d[v] += w2 * lanes_load(y2 + v * LANES);
            d[v] += w3 * lanes_load(y3 + v * LANES);
        }
    }
}

/* d += the entries' part, or that of the drawn negatives. */
TEAM_FN void mf_entries(const struct mf_rows *a, long r, int64_t from, int64_t to, int negatives,
                        struct mf_chunk *c, const lanes_f *x, lanes_f *d, struct team *t, const int rank)
{
    for (int64_t e = from; e < to; e += MF_CHUNK) {
        MUTANT(mf_rows_reuse, (void)0, team_sync(t)); /* all lanes are through with the chunk before */
        mf_fill(a, r, e, to - e < MF_CHUNK ? (int)(to - e) : MF_CHUNK, negatives, c);
        team_sync(t);
        mf_scores(a, c, x, t, rank);
        MUTANT(mf_rows_sync, (void)0, team_sync(t));
        mf_worth(a, c);
        team_sync(t);
        mf_add(a, c, d, rank);
    }
}

TEAM_FN void mf_step(const struct mf_rows *a, long r, const float *direction, const int rank)
{
    float *TEAM_RESTRICT x = a->X + (size_t)r * (size_t)rank;
    float *TEAM_RESTRICT s = a->S + (size_t)r * (size_t)rank;

    if (a->update == MF_MOMENTUM) {
        LANE_FOR(k, rank)
            s[k] = k == a->fixed ? 0.0f : a->momentum * s[k] + a->rate * direction[k];
        return;
    }
    LANE_FOR(k, rank) {
        const float d = k == a->fixed ? 0.0f : direction[k];
        s[k + MUTANT(mf_rows_outside, 1, 0)] = s[k] + d * d;
        x[k] += a->rate * d / TEAM_SQRT(1e-6f + s[k]);
    }
}

/* x, d: this lane's [rank / LANES] each. */
TEAM_FN void mf_descend(const struct mf_rows *a, long r, struct team *t, const int rank, lanes_f *x,
                        lanes_f *d)
{
    const int nv = rank / LANES;
    const int64_t lo = a->ptr[r], hi = a->ptr[r + 1];
    const int64_t drawn = (hi - lo) * a->negatives;
    const float weight = a->weighted ? a->regularization * (float)(hi - lo) : a->regularization;

    if (lo == hi) /* uniform: every lane sees the same row */
        return;
    struct mf_chunk *c = (struct mf_chunk *)team_shared(t, sizeof *c);
    float *direction =
        (float *)team_shared(t, (size_t)(rank - MUTANT(mf_rows_overrun, 1, 0)) * sizeof(float));
    TEAM_UNROLL
    for (int v = 0; v < nv; v++) {
        x[v] = lanes_load(a->X + (size_t)r * (size_t)rank + v * LANES);
        d[v] = -weight * x[v];
    }
    mf_entries(a, r, lo, hi, 0, c, x, d, t, rank);
    mf_entries(a, r, 0, drawn < a->n_columns ? drawn : a->n_columns, 1, c, x, d, t, rank);
    MUTANT_LEAVE(mf_rows_leaves, TEAM_LANE == 31);
    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        lanes_store(direction + v * LANES, d[v]);
    team_sync(t);
    mf_step(a, r, direction, rank);
}

TEAM_FN void mf_rows_row(const struct mf_rows *a, long r, struct team *t, const int rank)
{
    lanes_f x[RANK_MAX / LANES], d[RANK_MAX / LANES];
    mf_descend(a, r, t, rank, x, d);
}

/* The rank is known at run time only: vectors lie in shared memory. */
TEAM_FN void mf_rows_any_row(const struct mf_rows *a, long r, struct team *t)
{
    const int nv = a->rank / LANES;
    lanes_f *own = (lanes_f *)team_shared(t, 2 * (size_t)a->rank * sizeof(float)) + TEAM_LANE * 2 * nv;
    mf_descend(a, r, t, a->rank, own, own + nv);
}

TEAM_FN void mf_move_row(const struct mf_move *a, long r, struct team *t)
{
    float *TEAM_RESTRICT x = a->X + (size_t)r * (size_t)a->rank;
    const float *TEAM_RESTRICT s = a->S + (size_t)r * (size_t)a->rank;
    (void)t;

    LANE_FOR(k, a->rank)
        x[k + MUTANT(mf_move_outside, 1, 0)] = x[k] + s[k];
}

TEAM_KERNEL(mf_rows_32, struct mf_rows, mf_rows_row(a, row, t, 32))
TEAM_KERNEL(mf_rows_64, struct mf_rows, mf_rows_row(a, row, t, 64))
TEAM_KERNEL(mf_rows_128, struct mf_rows, mf_rows_row(a, row, t, 128))
TEAM_KERNEL(mf_rows_any, struct mf_rows, mf_rows_any_row(a, row, t))
TEAM_KERNEL(mf_move, struct mf_move, mf_move_row(a, row, t))
