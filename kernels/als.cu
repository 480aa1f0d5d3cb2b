/*
 * als.cu - implicit alternating least squares by conjugate gradient: a team solves one row (als.h has the
 * system).
 *
 * Source: Hu, Koren, Volinsky 2008 (the system); Takacs, Pilaszy, Tikk 2011 (few CG steps from a warm start
 * suffice). A row's system is never formed: A p = G p + ridge p + sum_i w_i (y_i . p) y_i costs 4 rank flops
 * an entry and a pass.  Forming it (rank^2 flops an entry by half) pays only from about 8 passes on;
 * als_cholesky.cu does that.
 *
 * Four entries are taken at a time: four dot products end in one transposing tree (lanes.h), and y stays in
 * registers between dot product and update.  Entries of the last tile that are missing count with weight 0,
 * on row 0.
 */
#include "als.h"
#include "lanes.h"

enum { TILE = 4, RESTART = 48 };

/* out += sum over the entries of (rhs (base + w) + sign w (y . p)) y; rhs 1, sign -1: part of the residual.
 */
TEAM_FN void als_entries(const struct als *a, long lo, long hi, const lanes_f *p, lanes_f *out,
                         struct team *t, const int rank, const float rhs, const float sign)
{
    const int nv = rank / LANES;

    for (long e = lo; e < hi; e += TILE) {
        const float *y[TILE];
        float w[TILE], c[TILE], s[TILE];
        lanes_f dot[TILE];

        TEAM_UNROLL
        for (int m = 0; m < TILE; m++) {
            const long at = e + m < hi ? e + m : lo;
            const float one = e + m < hi ? 1.0f : 0.0f;
            y[m] = a->Y + (size_t)a->idx[at] * (size_t)rank;
            w[m] = one * (a->val ? a->alpha * a->val[at] : a->alpha);
            c[m] = rhs * (one * a->base + w[m]);
        }
        TEAM_UNROLL
        for (int m = 0; m < TILE; m++)
            dot[m] = p[0] * lanes_load(y[m]);
        TEAM_UNROLL
        for (int v = 1; v < nv; v++) {
            TEAM_UNROLL
            for (int m = 0; m < TILE; m++)
                dot[m] += p[v] * lanes_load(y[m] + v * LANES);
        }
        lanes_sum4(t, dot[0], dot[1], dot[2], dot[3], s);
        TEAM_UNROLL
        for (int m = 0; m < TILE; m++)
            c[m] += sign * w[m] * s[m];
        TEAM_UNROLL
        for (int v = 0; v < nv; v++) {
            TEAM_UNROLL
            for (int m = 0; m < TILE; m++)
                out[v] += c[m] * lanes_load(y[m] + v * LANES);
        }
    }
}

/* out = sign (G + ridge Id) p; p_all: p in shared memory. */
TEAM_FN void als_dense(const struct als *a, float ridge, const lanes_f *p, const float *p_all, lanes_f *out,
                       const int rank, const float sign)
{
    const int nv = rank / LANES;

    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        out[v] = sign * ridge * p[v];
    for (int j = 0; j < rank; j++) {
        const float pj = sign * p_all[j];
        const float *g = a->G + (size_t)j * (size_t)rank;
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

/* At most `steps` steps from x, whose copy in shared memory is p_all; r becomes the residual.  Returns steps
 * made. */
TEAM_FN int als_cg_steps(const struct als *a, long u, int steps, struct team *t, const int rank, lanes_f *x,
                         lanes_f *p, lanes_f *q, lanes_f *r, float *p_all, float rr, float enough)
{
    const int nv = rank / LANES;
    const long lo = (long)a->ptr[u], hi = (long)a->ptr[u + 1];
    float steepest = 0.0f;
    int step = 0;

    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        p[v] = r[v];
    for (; step < steps && rr > enough; step++) {
        team_sync(t); /* all lanes have read the p_all of the step before */
        TEAM_UNROLL
        for (int v = 0; v < nv; v++)
            lanes_store(p_all + v * LANES, p[v]);
        team_sync(t);
        als_dense(a, a->ridge[u], p, p_all, q, rank, 1.0f);
        als_entries(a, lo, hi, p, q, t, rank, 0.0f, 1.0f);
        const float pq = als_dot(p, q, t, nv);
        const float pp = als_dot(p, p, t, nv);
        if (!(pq >
              1e-6f * steepest * pp)) /* flat but for rounding: a singular system; the same in every lane */
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
    const long lo = (long)a->ptr[u], hi = (long)a->ptr[u + 1];
    float *row = a->X + (size_t)u * (size_t)rank;
    float *p_all = (float *)team_shared(t, (size_t)rank * sizeof(float));
    float enough = 0.0f, last = 0.0f;
    int left = lo < hi ? a->steps : 0; /* uniform: every lane sees the same row */

    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        x[v] = lo < hi ? lanes_load(row + v * LANES) : lanes_zero();
    while (left > 0) {
        team_sync(t);
        TEAM_UNROLL
        for (int v = 0; v < nv; v++)
            lanes_store(p_all + v * LANES, x[v]);
        team_sync(t);
        als_dense(a, a->ridge[u], x, p_all, r, rank, -1.0f);
        als_entries(a, lo, hi, x, r, t, rank, 1.0f, -1.0f);
        const float rr = als_dot(r, r, t, nv);
        if (left == a->steps)
            enough = 1e-18f * rr;
        else if (rr > 0.25f * last)
            break;
        last = rr;
        const int made =
            als_cg_steps(a, u, left < RESTART ? left : RESTART, t, rank, x, p, q, r, p_all, rr, enough);
        left = made < RESTART ? 0 : left - made;
    }
    TEAM_UNROLL
    for (int v = 0; v < nv; v++)
        lanes_store(row + v * LANES, x[v]);
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
