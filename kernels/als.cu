/*
 * als.cu - alternating least squares by conjugate gradient: a team solves one row (als.h has the system).
 *
 * Source: Hu, Koren, Volinsky 2008 (the system); Takacs, Pilaszy, Tikk 2011 (few CG steps from a warm start suffice).
 * A row's system is never formed: A p = G p + ridge p + sum_i w_i (y_i . p) y_i costs 4 rank flops an entry and a
 * pass.  Forming it (rank^2 flops an entry by half) pays only from about 8 passes on; als_cholesky.cu does that.
 *
 * Four entries are taken at a time: four dot products end in one transposing tree (lanes.h), and y stays in
 * registers between dot product and update.  In the last tile entries may be missing: they count with weight 0.
 */
#include "als.h"
#include "lanes.h"

enum { TILE = 4, RESTART = 48 };

/* What the passes over a row's entries share, in shared memory. */
struct als_row {
    long lo, hi;
    float weight[TILE], base[TILE];           /* of a whole tile; weight: where there are no values */
    float last_weight[TILE], last_base[TILE]; /* of the tile where entries may be missing */
    uint32_t last_idx[TILE];
};

TEAM_FN const struct als_row *als_row_begin(const struct als *a, long u, struct team *t)
{
    struct als_row *row = (struct als_row *)team_shared(t, sizeof(struct als_row));
    const long lo = (long)a->ptr[u], hi = (long)a->ptr[u + 1], last = lo + (hi - lo) / TILE * TILE;

    if (TEAM_LANE == 0) {
        row->lo = lo, row->hi = hi;
        for (int m = 0; m < TILE + MUTANT(als_cg_bounds, 1, 0); m++) {
            const int there = last + m < hi + MUTANT(als_cg_index, 1, 0);
            row->weight[m] = 1.0f;
            row->base[m] = a->base;
            row->last_weight[m] = !there ? 0.0f : a->val ? a->val[last + m] : 1.0f;
            row->last_base[m] = !there ? 0.0f : a->bases ? a->bases[last + m] : a->base;
            row->last_idx[m] = lo < hi ? a->idx[there ? last + m : lo] : 0;
        }
    }
    team_sync(t);
    return row;
}

/* out += sum over the entries of w (y . p) y; with rhs: of (base + w - w (y . p)) y, a part of the residual. */
TEAM_FN void als_entries(const struct als *a, const struct als_row *row, const lanes_f *p, lanes_f *out,
                         struct team *t, const int rank, const int rhs)
{
    const int nv = rank / LANES;

    for (long e = row->lo; e < row->hi; e += TILE) {
        const int whole = e + TILE <= row->hi;
        const uint32_t *idx = whole ? a->idx + e : row->last_idx;
        const float *weight = !whole ? row->last_weight : a->val ? a->val + e : row->weight;
        const float *y0 = a->Y + (size_t)idx[0] * (size_t)rank, *y1 = a->Y + (size_t)idx[1] * (size_t)rank;
        const float *y2 = a->Y + (size_t)idx[2] * (size_t)rank, *y3 = a->Y + (size_t)idx[3] * (size_t)rank;
        lanes_f d0 = p[0] * lanes_load(y0), d1 = p[0] * lanes_load(y1);
        lanes_f d2 = p[0] * lanes_load(y2), d3 = p[0] * lanes_load(y3);

        TEAM_UNROLL
        for (int v = 1; v < nv; v++) {
            d0 += p[v] * lanes_load(y0 + v * LANES);
            d1 += p[v] * lanes_load(y1 + v * LANES);
            d2 += p[v] * lanes_load(y2 + v * LANES);
            d3 += p[v] * lanes_load(y3 + v * LANES);
        }
        const lanes_4 w = lanes_scale4(rhs ? -a->alpha : a->alpha, lanes_load4(weight));
        lanes_4 c = lanes_multiply4(w, lanes_sum4(t, d0, d1, d2, d3));
        if (rhs) {
            const float *base = !whole ? row->last_base : a->bases ? a->bases + e : row->base;
            c = lanes_add4(c, lanes_add4(lanes_load4(base), lanes_scale4(-1.0f, w)));
        }
        const lanes_f c0 = lanes_pick(c, 0), c1 = lanes_pick(c, 1), c2 = lanes_pick(c, 2),
                      c3 = lanes_pick(c, 3);
        TEAM_UNROLL
        for (int v = 0; v < nv; v++) {
            out[v] += c0 * lanes_load(y0 + v * LANES);
            out[v] += c1 * lanes_load(y1 + v * LANES);
            out[v] += c2 * lanes_load(y2 + v * LANES);
            out[v] += c3 * lanes_load(y3 + v * LANES);
        }
    }
}

/* out = (G + ridge Id) p; p_all: p in shared memory. */
TEAM_FN void als_dense(const struct als *a, float ridge, const lanes_f *p, const float *p_all, lanes_f *out,
                       const int rank)
{
    const int nv = rank / LANES;

    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        out[v] = ridge * p[v];
    for (int j = 0; a->G != NULL && j < rank; j++) {
        const float pj = p_all[j], *g = a->G + (size_t)j * (size_t)rank;
        TEAM_UNROLL
        for (int v = 0; v < nv; v++)
            out[v] += pj * lanes_load(g + v * LANES);
    }
}

TEAM_FN float als_dot(const lanes_f *x, const lanes_f *y, struct team *t, const int nv)
{
    lanes_f s = lanes_zero();
    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        s += x[v] * y[v];
    return lanes_sum(t, s);
}

/* At most `steps` steps from x with the residual r, r . r = rr.  Returns the steps made. */
TEAM_FN int als_cg_steps(const struct als *a, const struct als_row *row, float ridge, int steps,
                         struct team *t, const int rank, lanes_f *x, lanes_f *p, lanes_f *q, lanes_f *r,
                         float *p_all, float rr, float enough)
{
    const int nv = rank / LANES;
    float steepest = 0.0f;
    int step = 0;

    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        p[v] = r[v];
    for (; step < steps && rr > enough; step++) {
        MUTANT(als_cg_reuse, (void)0, team_sync(t)); /* all lanes have read the p_all of the step before */
        TEAM_UNROLL
        for (int v = 0; v < nv; v++)
            lanes_store(p_all + v * LANES, p[v]);
        MUTANT(als_cg_sync, (void)0, team_sync(t));
        als_dense(a, ridge, p, p_all, q, rank);
        als_entries(a, row, p, q, t, rank, 0);
        const float pq = als_dot(p, q, t, nv);
        const float pp = als_dot(p, p, t, nv);
        if (!(pq > 1e-6f * steepest * pp)) /* flat but for rounding: a singular system; all lanes agree */
            break;
        steepest = pq > steepest * pp ? pq / pp : steepest;
        const float length = rr / pq;
        TEAM_UNROLL
        for (int v = 0; v < nv; v++) {
            x[v] += length * p[v];
            r[v] -= length * q[v];
        }
        const float rr_new = als_dot(r, r, t, nv);
        const float beta = rr_new / rr;
        rr = rr_new;
        TEAM_UNROLL
        for (int v = 0; v < nv; v++)
            p[v] = r[v] + beta * p[v];
    }
    return step;
}

/* x, p, q, r: this lane's [rank / LANES] each.  The residual that CG updates drifts from the true one, so it
 * is made anew every RESTART steps, until that brings nothing more. */
TEAM_FN void als_cg_solve(const struct als *a, long u, struct team *t, const int rank, lanes_f *x, lanes_f *p,
                          lanes_f *q, lanes_f *r)
{
    const int nv = rank / LANES;
    const struct als_row *row = als_row_begin(a, u, t);
    const int empty = row->lo == row->hi; /* uniform: every lane sees the same row */
    const float ridge = a->ridge[u];
    float *solution = a->X + (size_t)u * (size_t)rank;
    float *p_all = (float *)team_shared(t, (size_t)(rank - MUTANT(als_cg_overrun, 1, 0)) * sizeof(float));
    float enough = 0.0f, last = 0.0f;

    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        x[v] = empty ? lanes_zero() : lanes_load(solution + v * LANES);
    for (int left = empty ? 0 : a->steps; left > 0;) {
        team_sync(t);
        TEAM_UNROLL
        for (int v = 0; v < nv; v++)
            lanes_store(p_all + v * LANES, x[v]);
        team_sync(t);
        als_dense(a, ridge, x, p_all, r, rank);
        TEAM_UNROLL
        for (int v = 0; v < nv; v++)
            r[v] = -r[v];
        als_entries(a, row, x, r, t, rank, 1); /* r = b - A x */
        MUTANT_LEAVE(als_cg_leaves, TEAM_LANE == 31);
        const float rr = als_dot(r, r, t, nv);
        if (left == a->steps)
            enough = 1e-18f * rr;
        else if (rr > 0.25f * last)
            break;
        last = rr;
        const int most = left < RESTART ? left : RESTART;
        const int made = als_cg_steps(a, row, ridge, most, t, rank, x, p, q, r, p_all, rr, enough);
        left = made < RESTART ? 0 : left - made;
    }
    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        lanes_store(solution + v * LANES + MUTANT(als_cg_outside, 1, 0), x[v]);
}

TEAM_FN void als_cg_row(const struct als *a, long i, struct team *t, const int rank)
{
    lanes_f x[ALS_RANK_MAX / LANES], p[ALS_RANK_MAX / LANES], q[ALS_RANK_MAX / LANES],
        r[ALS_RANK_MAX / LANES];
    als_cg_solve(a, a->order ? (long)a->order[i] : i, t, rank, x, p, q, r);
}

/* The rank is known at run time only: vectors lie in shared memory. */
TEAM_FN void als_cg_any_row(const struct als *a, long i, struct team *t)
{
    const int nv = a->rank / LANES;
    lanes_f *own = (lanes_f *)team_shared(t, 4 * (size_t)a->rank * sizeof(float)) + TEAM_LANE * 4 * nv;
    als_cg_solve(a, a->order ? (long)a->order[i] : i, t, a->rank, own, own + nv, own + 2 * nv, own + 3 * nv);
}

TEAM_KERNEL(als_cg_32, struct als, als_cg_row(a, row, t, 32))
TEAM_KERNEL(als_cg_64, struct als, als_cg_row(a, row, t, 64))
TEAM_KERNEL(als_cg_128, struct als, als_cg_row(a, row, t, 128))
TEAM_KERNEL(als_cg_192, struct als, als_cg_row(a, row, t, 192))
TEAM_KERNEL(als_cg_256, struct als, als_cg_row(a, row, t, 256))
TEAM_KERNEL(als_cg_any, struct als, als_cg_any_row(a, row, t))
