/*
 * als_cholesky.cu - alternating least squares, each row's system formed and solved exactly.
 *
 * A = G + ridge Id + Z'Z with Z = sqrt(w_i) y_i packed ALS_CHUNK entries at a time, in register tiles of 8
 * rows x 2 vectors, the upper triangle only; A = U'U row by row; U'z = b; U x = z.  All in shared memory
 * (rank^2 floats: on a GPU ranks up to 192 fit, on the CPU any).
 *
 * Limits: a pivot that is not above rank x 6e-8 of its diagonal entry before elimination (a singular system:
 * regularization 0, fewer entries than factors) leaves its dimension out: x there is 0.
 *
 * als_block_*: the same for some columns of x alone (Rendle, Krichene, Zhang, Koren 2021).
 */
#include "als.h"
#include "lanes.h"

enum { ROWS = 8 };

TEAM_FN void als_pack(const struct als *a, long lo, long hi, float *Z, float *b, struct team *t,
                      const int rank)
{
    const int nv = rank / LANES;
    (void)t;

    for (long e = lo; e < hi; e++) {
        const float *y = a->Y + (size_t)a->idx[e] * (size_t)rank;
        const float w = a->val ? a->alpha * a->val[e] : a->alpha;
        const float root = TEAM_SQRT(w), coefficient = (a->bases ? a->bases[e] : a->base) + w;
        for (int v = 0; v < nv; v++) {
            const lanes_f yv = lanes_load(y + v * LANES);
            lanes_store(Z + (e - lo) * rank + v * LANES, root * yv);
            lanes_store(b + v * LANES, lanes_load(b + v * LANES) + coefficient * yv);
        }
    }
}

/* Rows i0 .. i0 + ROWS - 1, vectors v and v + 1 of A += Z'Z over n packed entries. */
TEAM_FN void als_tile(float *A, const float *Z, int n, int i0, int v, const int two, const int rank)
{
    lanes_f s0[ROWS], s1[ROWS];

    TEAM_UNROLL
    for (int m = 0; m < ROWS; m++) {
        s0[m] = lanes_load(A + (size_t)(i0 + m) * (size_t)rank + v * LANES);
        s1[m] = lanes_load(A + (size_t)(i0 + m) * (size_t)rank + (v + two) * LANES);
    }
    for (int e = 0; e < n; e++) {
        const float *z = Z + (size_t)e * (size_t)rank;
        const lanes_f z0 = lanes_load(z + v * LANES), z1 = lanes_load(z + (v + two) * LANES);
        TEAM_UNROLL
        for (int m = 0; m < ROWS; m++) {
            s0[m] += z[i0 + m] * z0;
            s1[m] += z[i0 + m] * z1;
        }
    }
    TEAM_UNROLL
    for (int m = 0; m < ROWS; m++) {
        lanes_store(A + (size_t)(i0 + m) * (size_t)rank + v * LANES, s0[m]);
        if (two)
            lanes_store(A + (size_t)(i0 + m) * (size_t)rank + (v + 1) * LANES, s1[m]);
    }
}

/* Row i of U from row i of A and the rows of U above; what stands left of the diagonal becomes 0. */
TEAM_FN void als_factor_row(float *A, int i, struct team *t, const int rank)
{
    const int nv = rank / LANES;
    float *row = A + (size_t)i * (size_t)rank;
    const float before = row[i];

    team_sync(t);
    for (int v = i / LANES; v < nv; v++) {
        lanes_f s0 = lanes_load(row + v * LANES), s1 = lanes_zero(), s2 = lanes_zero(), s3 = lanes_zero();
        int k = 0;
        for (; k + 4 <= i; k += 4) {
            const float *u = A + (size_t)k * (size_t)rank;
            s0 -= u[i] * lanes_load(u + v * LANES);
            s1 -= u[rank + i] * lanes_load(u + rank + v * LANES);
            s2 -= u[2 * rank + i] * lanes_load(u + 2 * rank + v * LANES);
            s3 -= u[3 * rank + i] * lanes_load(u + 3 * rank + v * LANES);
        }
        for (; k < i; k++)
            s0 -= A[(size_t)k * (size_t)rank + (size_t)i] *
                  lanes_load(A + (size_t)k * (size_t)rank + v * LANES);
        lanes_store(row + v * LANES, (s0 + s1) + (s2 + s3));
    }
    team_sync(t);
    const float pivot = row[i];
    const float inverse = pivot > 6e-8f * (float)rank * before ? 1.0f / TEAM_SQRT(pivot) : 0.0f;
    team_sync(t);
    LANE_FOR(k, rank)
        row[k] = k < i ? 0.0f : inverse * row[k];
    team_sync(t);
}

/* b becomes x. */
TEAM_FN void als_substitute(const float *A, float *b, float *z, struct team *t, const int rank)
{
    const int nv = rank / LANES;

    for (int i = 0; i < rank; i++) { /* U'z = b */
        const float *u = A + (size_t)i * (size_t)rank;
        const float zi = u[i] > 0.0f ? b[i] / u[i] : 0.0f;
        team_sync(t);
        if (TEAM_LANE == 0)
            z[i] = zi;
        for (int v = i / LANES; v < nv; v++)
            lanes_store(b + v * LANES, lanes_load(b + v * LANES) - zi * lanes_load(u + v * LANES));
        team_sync(t);
    }
    LANE_FOR(k, rank)
        b[k] = 0.0f;
    team_sync(t);
    for (int i = rank - 1; i >= MUTANT(als_cholesky_index, 1, 0); i--) { /* U x = z */
        const float *u = A + (size_t)i * (size_t)rank;
        lanes_f s = lanes_zero();
        for (int v = i / LANES; v < nv; v++)
            s += lanes_load(u + v * LANES) * lanes_load(b + v * LANES);
        MUTANT_LEAVE(als_cholesky_leaves, TEAM_LANE == 3);
        const float rest = lanes_sum(t, s);
        team_sync(t);
        if (TEAM_LANE == 0)
            b[i] = u[i] > 0.0f ? (z[i] - rest) / u[i] : 0.0f;
        team_sync(t);
    }
}

TEAM_FN void als_cholesky_row(const struct als *a, long launched, struct team *t, const int rank)
{
    const int nv = rank / LANES;
    const long i = a->order ? (long)a->order[launched] : launched;
    const long lo = (long)a->ptr[i], hi = (long)a->ptr[i + 1];
    float *x = a->X + (size_t)i * (size_t)rank;

    if (lo == hi) { /* uniform: every lane sees the same row */
        LANE_FOR(k, rank)
            x[k] = 0.0f;
        return;
    }
    float *A = (float *)team_shared(t, (size_t)rank * (size_t)rank * sizeof(float));
    float *Z = (float *)team_shared(t, (size_t)rank * (ALS_CHUNK - MUTANT(als_cholesky_overrun, 1, 0)) *
                                           sizeof(float));
    float *b = (float *)team_shared(t, (size_t)rank * sizeof(float));
    float *z = (float *)team_shared(t, (size_t)rank * sizeof(float));

    for (int j = 0; j < rank; j++)
        LANE_FOR(k, rank)
            A[j * rank + k] = (a->G ? a->G[j * rank + k] : 0.0f) + (j == k ? a->ridge[i] : 0.0f);
    LANE_FOR(k, rank)
        b[k] = MUTANT(als_cholesky_unwritten, b[k], 0.0f);
    for (long e = lo; e < hi; e += ALS_CHUNK) {
        const int n = (int)(hi - e < ALS_CHUNK ? hi - e : ALS_CHUNK);
        MUTANT(als_cholesky_reuse, (void)0, team_sync(t)); /* all lanes have read the Z of the chunk before */
        als_pack(a, e, e + n, Z, b, t, rank);
        MUTANT(als_cholesky_sync, (void)0, team_sync(t));
        for (int i0 = 0; i0 < rank; i0 += ROWS)
            for (int v = i0 / LANES; v < nv; v += 2) {
                if (v + 1 < nv)
                    als_tile(A, Z, n, i0, v, 1, rank);
                else
                    als_tile(A, Z, n, i0, v, 0, rank);
            }
    }
    team_sync(t);
    for (int j = 0; j < rank; j++)
        als_factor_row(A, j, t, rank);
    als_substitute(A, b, z, t, rank);
    LANE_FOR(k, rank)
        x[k + MUTANT(als_cholesky_outside, 1, 0)] = b[k];
}

/* Four entries' dot products of x [n] and rows of Y from column `first` on are added to their predictions, or take their place. */
TEAM_FN void als_predict(const struct als *a, long lo, long hi, const float *x, int first, int n, int anew,
                         struct team *t)
{
    for (long e = lo; e < hi; e += 4) {
        const float *y[4];
        lanes_f d[4];
        TEAM_UNROLL
        for (int m = 0; m < 4; m++) {
            y[m] = a->Y + (size_t)a->idx[e + m < hi ? e + m : e] * (size_t)a->rank + first;
            d[m] = lanes_zero();
        }
        for (int k = 0; k < n; k += LANES) {
            const lanes_f xk = lanes_load(x + k);
            TEAM_UNROLL
            for (int m = 0; m < 4; m++)
                d[m] += xk * lanes_load(y[m] + k);
        }
        const lanes_4 sums = lanes_sum4(t, d[0], d[1], d[2], d[3]);
        float sum[4];
        lanes_store4(sum, sums);
        TEAM_UNROLL
        for (int m = 0; m < 4; m++)
            if (TEAM_LANE == 0 && e + m < hi)
                a->prediction[e + m] = (anew ? 0.0f : a->prediction[e + m]) + sum[m];
    }
}

/* b = -(G x + ridge x) in the block's columns, A = G + ridge Id there. */
TEAM_FN void als_block_begin(const struct als *a, long i, const float *x, float *A, float *b, struct team *t,
                             const int width)
{
    const size_t rank = (size_t)a->rank;
    const float ridge = a->ridge[i];
    (void)t;
    for (int j = 0; j < width; j++) {
        const float *g = a->G == NULL ? NULL : a->G + (size_t)(a->first + j) * rank + a->first;
        LANE_FOR(k, width)
            A[j * width + k] = (g != NULL ? g[k] : 0.0f) + (j == k ? ridge : 0.0f);
    }
    LANE_FOR(k, width)
        b[k] = -ridge * x[a->first + k];
    for (int j = MUTANT(als_block_index, 1, 0); a->G != NULL && j < a->rank; j++) {
        const float xj = x[j], *g = a->G + (size_t)j * rank + a->first;
        LANE_FOR(k, width)
            b[k] -= xj * g[k];
    }
}

/* The block's columns of entries lo .. hi - 1 into Z, and their part of b. */
TEAM_FN void als_block_pack(const struct als *a, long lo, long hi, float *Z, float *b, const int width)
{
    for (long e = lo; e < hi; e++) {
        const float *y = a->Y + (size_t)a->idx[e] * (size_t)a->rank + a->first;
        const float w = a->val ? a->alpha * a->val[e] : a->alpha, root = TEAM_SQRT(w);
        const float coefficient = (a->bases ? a->bases[e] : a->base) + w - w * a->prediction[e];
        for (int k = 0; k < width; k += LANES) {
            const lanes_f yk = lanes_load(y + k);
            lanes_store(Z + (e - lo) * width + k, root * yk);
            lanes_store(b + k, lanes_load(b + k) + coefficient * yk);
        }
    }
}

TEAM_FN void als_block_row(const struct als *a, long launched, struct team *t, const int width)
{
    const int nv = width / LANES;
    const long i = a->order ? (long)a->order[launched] : launched;
    const long lo = (long)a->ptr[i], hi = (long)a->ptr[i + 1];
    float *x = a->X + (size_t)i * (size_t)a->rank;

    if (lo == hi) /* uniform: every lane sees the same row; x is 0 and stays it */
        return;
    float *A = (float *)team_shared(t, (size_t)width * (size_t)width * sizeof(float));
    float *Z = (float *)team_shared(t, (size_t)width * ALS_CHUNK * sizeof(float));
    float *b = (float *)team_shared(t, (size_t)width * sizeof(float));
    float *z = (float *)team_shared(t, (size_t)width * sizeof(float));

    if (a->first == 0)
        als_predict(a, lo, hi, x, 0, a->rank, 1, t);
    als_block_begin(a, i, x, A, b, t, width);
    for (long e = lo; e < hi; e += ALS_CHUNK) {
        const int n = (int)(hi - e < ALS_CHUNK ? hi - e : ALS_CHUNK);
        /* Lane 0 wrote the predictions; all lanes have read the Z of the chunk before. */
        MUTANT(als_block_reuse, (void)0, team_sync(t));
        als_block_pack(a, e, e + n, Z, b, width);
        MUTANT(als_block_sync, (void)0, team_sync(t));
        for (int i0 = 0; i0 < width; i0 += ROWS)
            for (int v = i0 / LANES; v < nv; v += 2) {
                if (v + 1 < nv)
                    als_tile(A, Z, n, i0, v, 1, width);
                else
                    als_tile(A, Z, n, i0, v, 0, width);
            }
    }
    team_sync(t);
    for (int j = 0; j < width; j++)
        als_factor_row(A, j, t, width);
    als_substitute(A, b, z, t, width);
    MUTANT_LEAVE(als_block_leaves, TEAM_LANE == 5);
    LANE_FOR(k, width)
        x[a->first + k + MUTANT(als_block_outside, width, 0)] += b[k];
    als_predict(a, lo, hi, b, a->first, width, 0, t);
}

TEAM_KERNEL(als_block_32, struct als, als_block_row(a, row, t, 32))
TEAM_KERNEL(als_block_64, struct als, als_block_row(a, row, t, 64))
TEAM_KERNEL(als_cholesky_32, struct als, als_cholesky_row(a, row, t, 32))
TEAM_KERNEL(als_cholesky_64, struct als, als_cholesky_row(a, row, t, 64))
TEAM_KERNEL_LARGE(als_cholesky_128, struct als, als_cholesky_row(a, row, t, 128))
TEAM_KERNEL_LARGE(als_cholesky_192, struct als, als_cholesky_row(a, row, t, 192))
TEAM_KERNEL_LARGE(als_cholesky_256, struct als, als_cholesky_row(a, row, t, 256))
TEAM_KERNEL_LARGE(als_cholesky_any, struct als, als_cholesky_row(a, row, t, a->rank))
