/*
 * tile.h - what the kernels of a transformer are made of: exp and erf over lanes, and a product of small matrices that
 * stays in registers.  Lanes are lanes.h's.
 *
 * exp and erf: our own minimax fits (Lawson's iteration in double precision); their errors are tested against GSL
 * (tests/kernels/test_nn.c).
 */
#ifndef TILE_H
#define TILE_H
#include "lanes.h"

/* Sides of a product tile: a panel of packed weights is TILE_COLS columns wide. */
#define TILE_ROWS 12
#define TILE_COLS 32

/* The part of a tile that is in registers at once. */
#if TEAM_SIZE > 1
#define TILE_HELD_ROWS 12
#define TILE_HELD_COLS LANES
#elif defined(__AVX512F__)
#define TILE_HELD_ROWS 12 /* 24 of 32 registers of 16 */
#define TILE_HELD_COLS 32
#else
#define TILE_HELD_ROWS 6 /* 12 of 16 registers of 8 */
#define TILE_HELD_COLS 16
#endif

#if TEAM_SIZE > 1
typedef unsigned lanes_u;
TEAM_FN lanes_f lanes_all(float x)
{
    return x;
}
TEAM_FN lanes_u lanes_bits(lanes_f x)
{
    union {
        float f;
        unsigned u;
    } both;
    both.f = x;
    return both.u;
}
TEAM_FN lanes_f lanes_of_bits(lanes_u x)
{
    union {
        float f;
        unsigned u;
    } both;
    both.u = x;
    return both.f;
}
/* x < y ? yes : no */
TEAM_FN lanes_f lanes_less(lanes_f x, lanes_f y, lanes_f yes, lanes_f no)
{
    return x < y ? yes : no;
}
#else
typedef unsigned lanes_u __attribute__((vector_size(64)));
TEAM_FN lanes_f lanes_all(float x)
{
    return x - (lanes_f){0};
}
TEAM_FN lanes_u lanes_bits(lanes_f x)
{
    return (lanes_u)x;
}
TEAM_FN lanes_f lanes_of_bits(lanes_u x)
{
    return (lanes_f)x;
}
TEAM_FN lanes_f lanes_less(lanes_f x, lanes_f y, lanes_f yes, lanes_f no)
{
    const lanes_u mask = (lanes_u)(x < y);
    return (lanes_f)((mask & (lanes_u)yes) | (~mask & (lanes_u)no));
}
#endif

/* e^x for x <= 88; 1.7e-38 (e^-87) below -87.  Relative error below 2e-7. */
TEAM_FN lanes_f lanes_exp(lanes_f x)
{
    const lanes_f low = lanes_all(-87.0f),
                  shift = lanes_all(12582912.0f); /* 1.5 * 2^23: rounds to whole numbers */
    x = lanes_less(x, low, low, x);
    const lanes_f shifted = x * 1.44269504f + shift, n = shifted - shift;
    lanes_f r = x - n * 0.693359375f; /* log 2 in two parts (Cody and Waite 1980) */
    r = r - n * -2.12194440e-4f;
    lanes_f p = r * 0.0013814467238262296f + 0.008368780836462975f;
    p = p * r + 0.04166839271783829f;
    p = p * r + 0.1666651964187622f;
    p = p * r + 0.4999999403953552f;
    p = p * (r * r) + r + 1.0f;
    return lanes_of_bits(lanes_bits(p) + lanes_bits(shifted) * (1u << 23));
}

/* erf x, absolute error below 1e-7: x P(x^2) for |x| < 1, 1 - exp(-Q(|x|)) beyond. */
TEAM_FN lanes_f lanes_erf(lanes_f x)
{
    const lanes_f zero = lanes_all(0.0f), one = lanes_all(1.0f), most = lanes_all(4.0f);
    lanes_f a = lanes_less(x, zero, -x, x);
    a = lanes_less(a, most, a, most);
    const lanes_f s = a * a;
    lanes_f p = s * 7.647120219189674e-05f - 0.0007942356751300395f;
    p = p * s + 0.0051797497488558292f;
    p = p * s - 0.02684859186410904f;
    p = p * s + 0.11283430457115173f;
    p = p * s - 0.3761260509490967f;
    p = (p * s + 0.12837917f) * a + a; /* P - 1, for less rounding */
    lanes_f q = a * -0.00018557401199359447f + 0.002939607249572873f;
    q = q * a - 0.02180531807243824f;
    q = q * a + 0.10303737223148346f;
    q = q * a + 0.6382256746292114f;
    q = q * a + 1.1270400285720825f;
    q = q * a + 0.0003537194861564785f;
    const lanes_f e = lanes_less(a, one, p, 1.0f - lanes_exp(-q));
    return lanes_less(x, zero, -e, e);
}

/* C [TILE_ROWS x TILE_COLS] = A [TILE_ROWS x k] B [k x TILE_COLS] + bias [TILE_COLS] (NULL: none).  Every element is a
 * chain of k fused multiply-adds in rising order, so that it depends neither on its place in the tile nor on the tile's
 * other rows. */
TEAM_FN void tile_product(int k, const float *TEAM_RESTRICT A, long lda, const float *TEAM_RESTRICT B,
                          long ldb, const float *bias, float *TEAM_RESTRICT C, long ldc)
{
    enum { NV = TILE_HELD_COLS / LANES };
    for (int i0 = 0; i0 < TILE_ROWS; i0 += TILE_HELD_ROWS)
        for (int j0 = 0; j0 < TILE_COLS; j0 += TILE_HELD_COLS) {
            const float *TEAM_RESTRICT a = A + i0 * lda;
            const float *TEAM_RESTRICT b = B + j0;
            lanes_f acc[TILE_HELD_ROWS][NV];
            TEAM_UNROLL
            for (int i = 0; i < TILE_HELD_ROWS; i++)
                TEAM_UNROLL
            for (int n = 0; n < NV; n++)
                acc[i][n] = bias != NULL ? lanes_load(bias + j0 + n * LANES) : lanes_all(0.0f);
            for (int m = 0; m < k; m++, b += ldb) {
                lanes_f v[NV];
                TEAM_UNROLL
                for (int n = 0; n < NV; n++)
                    v[n] = lanes_load(b + n * LANES);
                TEAM_UNROLL
                for (int i = 0; i < TILE_HELD_ROWS; i++) {
                    const float u = a[i * lda + m];
                    TEAM_UNROLL
                    for (int n = 0; n < NV; n++)
                        acc[i][n] += u * v[n];
                }
            }
            TEAM_UNROLL
            for (int i = 0; i < TILE_HELD_ROWS; i++)
                TEAM_UNROLL
            for (int n = 0; n < NV; n++)
                lanes_store(C + (i0 + i) * ldc + j0 + n * LANES, acc[i][n]);
        }
}

#endif
