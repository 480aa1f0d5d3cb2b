/*
<<<<<<< HEAD
 * lanes.h - the lanes of a team as a type, for the few kernels whose speed hangs on how a sum over lanes is
 * made.
 *
 *                 CUDA, CHECK                    CPU
 *   lanes_f       one float: this lane's         a vector of 16 floats: all lanes
 *   LANES         TEAM_SIZE                      16
 *   lanes_load    p[lane]                        p[0 .. 15]
 *   lanes_sum4    four butterflies               one transposing tree for four sums
 *
 * Why: with LANE_SUM the compiler ends each sum by its own tree (8 operations); a tree that transposes needs
 * 13 for four.  In als_cg that is the difference between 37 and about 70 GFLOP/s a core.  Arrays that
 * lanes_load reads have a length that LANES divides: ranks are multiples of 32.
 *
 * The CPU form is GNU vectors, which gcc and clang lower to whatever the machine has (AVX-512, two AVX2, four
 * SSE).
=======
 * lanes.h - lanes as a type, for the inner loops of dense layers.
 *
 * LANE_FOR leaves the vectors to the compiler.  A product tile keeps two dozen of them in registers, and exp and erf are
 * long enough that a loop is cut up; there it pays to say what a vector is.  lanes_f is LANES_W floats on the CPU (a GNU
 * vector) and one float where a team has lanes of its own: there LANES_W is the team, and lane l holds element l.
 *
 * exp and erf: our own minimax fits (Lawson's iteration in double precision); errors tested against GSL
 * (tests/kernels/test_nn.c).
>>>>>>> 39f56e8 (Sentence encoder: safetensors, WordPiece, packed dense kernels, attention, cache, embed command)
 */
#ifndef LANES_H
#define LANES_H
#include "team.h"

<<<<<<< HEAD
/* sqrtf without <math.h> in kernel files: one instruction on either machine. */
#if defined(__CUDACC__)
#define TEAM_SQRT(x) sqrtf(x)
#else
#define TEAM_SQRT(x) __builtin_sqrtf(x)
#endif

#if defined(__CUDACC__) || defined(TEAM_CHECK)

#define LANES TEAM_SIZE
    typedef float lanes_f;
=======
#if TEAM_SIZE == 1

#ifdef __AVX512F__
#define LANES_W    16
#define LANES_ROWS 12 /* rows of a product tile held in registers, two vectors wide: 24 of 32 registers */
#else
#define LANES_W    8
#define LANES_ROWS 6 /* 12 of 16 registers */
#endif
    typedef float lanes_f __attribute__((vector_size(LANES_W * 4), aligned(4), may_alias));
typedef unsigned lanes_i __attribute__((vector_size(LANES_W * 4), aligned(4), may_alias));
#define LANES_COLS (2 * LANES_W)

TEAM_FN lanes_f lanes_load(const float *p)
{
    return *(const lanes_f *)p;
}
TEAM_FN void lanes_store(float *p, lanes_f x)
{
    *(lanes_f *)p = x;
}
TEAM_FN lanes_f lanes_all(float x)
{
    return x - (lanes_f){0};
}
/* Bits of one where the other is wanted. */
TEAM_FN lanes_i lanes_bits(lanes_f x)
{
    return (lanes_i)x;
}
TEAM_FN lanes_f lanes_of_bits(lanes_i x)
{
    return (lanes_f)x;
}
/* x < y ? yes : no */
TEAM_FN lanes_f lanes_less(lanes_f x, lanes_f y, lanes_f yes, lanes_f no)
{
    const lanes_i mask = (lanes_i)(x < y);
    return (lanes_f)((mask & (lanes_i)yes) | (~mask & (lanes_i)no));
}
/* The sum over the vector, halves upon halves: a fixed order. */
TEAM_FN float lanes_sum(struct team *t, lanes_f x)
{
    float part[LANES_W];
    (void)t;
    lanes_store(part, x);
    for (int half = LANES_W / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++)
            part[i] += part[i + half];
    return part[0];
}

#else

#define LANES_W         TEAM_SIZE
#define LANES_ROWS      12
#define LANES_COLS      LANES_W
    typedef float lanes_f;
typedef unsigned lanes_i;
>>>>>>> 39f56e8 (Sentence encoder: safetensors, WordPiece, packed dense kernels, attention, cache, embed command)

TEAM_FN lanes_f lanes_load(const float *p)
{
    return p[TEAM_LANE];
}
TEAM_FN void lanes_store(float *p, lanes_f x)
{
    p[TEAM_LANE] = x;
}
<<<<<<< HEAD
TEAM_FN lanes_f lanes_zero(void)
{
    return 0.0f;
}
#define lanes_sum(t, x) team_sum(t, x)
#define lanes_sum4(t, a, b, c, d, out)                                                                       \
    ((out)[0] = team_sum(t, a), (out)[1] = team_sum(t, b), (out)[2] = team_sum(t, c),                        \
     (out)[3] = team_sum(t, d))

#else

#define LANES                          16
typedef float lanes_f __attribute__((vector_size(64)));
typedef float lanes_memory __attribute__((vector_size(64), aligned(4), may_alias));
typedef float lanes_half __attribute__((vector_size(32)));
typedef float lanes_quarter __attribute__((vector_size(16)));

TEAM_FN lanes_f lanes_load(const float *p)
{
    return *(const lanes_memory *)p;
}
TEAM_FN void lanes_store(float *p, lanes_f x)
{
    *(lanes_memory *)p = x;
}
TEAM_FN lanes_f lanes_zero(void)
{
    return (lanes_f){0};
}
/* The four quarters of x, added. */
TEAM_FN lanes_quarter lanes_fold(lanes_f x)
{
    const lanes_half h = __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7) +
                         __builtin_shufflevector(x, x, 8, 9, 10, 11, 12, 13, 14, 15);
    return __builtin_shufflevector(h, h, 0, 1, 2, 3) + __builtin_shufflevector(h, h, 4, 5, 6, 7);
}
TEAM_FN float lanes_sum_cpu(lanes_f x)
{
    const lanes_quarter q = lanes_fold(x);
    return (q[0] + q[2]) + (q[1] + q[3]);
}
#define lanes_sum(t, x)                ((void)(t), lanes_sum_cpu(x))
/* out[i] = sum of the lanes of the i-th vector. */
TEAM_FN void lanes_sum4_cpu(lanes_f a, lanes_f b, lanes_f c, lanes_f d, float *out)
{
    /* unpack within quarters: each step halves the number of vectors and of terms */
    const lanes_f ab =
        __builtin_shufflevector(a, b, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
        __builtin_shufflevector(a, b, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const lanes_f cd =
        __builtin_shufflevector(c, d, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29) +
        __builtin_shufflevector(c, d, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
    const lanes_f abcd =
        __builtin_shufflevector(ab, cd, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
        __builtin_shufflevector(ab, cd, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    const lanes_quarter s = lanes_fold(abcd);
    out[0] = s[0], out[1] = s[1], out[2] = s[2], out[3] = s[3];
}
#define lanes_sum4(t, a, b, c, d, out) ((void)(t), lanes_sum4_cpu(a, b, c, d, out))

#endif
======= TEAM_FN lanes_f lanes_all(float x)
{
    return x;
}
TEAM_FN lanes_i lanes_bits(lanes_f x)
{
    union {
        float f;
        unsigned i;
    } u;
    u.f = x;
    return u.i;
}
TEAM_FN lanes_f lanes_of_bits(lanes_i x)
{
    union {
        float f;
        unsigned i;
    } u;
    u.i = x;
    return u.f;
}
TEAM_FN lanes_f lanes_less(lanes_f x, lanes_f y, lanes_f yes, lanes_f no)
{
    return x < y ? yes : no;
}
TEAM_FN float lanes_sum(struct team *t, lanes_f x)
{
    return team_sum(t, x);
}

#endif

/* Sides of a product tile: a panel of packed weights is TILE_COLS columns wide. */
#define TILE_ROWS 12
#define TILE_COLS 32

/* e^x for x <= 88; 1.2e-38 or less below -87.  Relative error below 2e-7. */
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
    p = (p * s + 1.1283791065216064f) * a;
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
    enum { NV = LANES_COLS / LANES_W };
    for (int i0 = 0; i0 < TILE_ROWS; i0 += LANES_ROWS)
        for (int j0 = 0; j0 < TILE_COLS; j0 += LANES_COLS) {
            const float *TEAM_RESTRICT a = A + i0 * lda;
            const float *TEAM_RESTRICT b = B + j0;
            lanes_f acc[LANES_ROWS][NV];
            TEAM_UNROLL
            for (int i = 0; i < LANES_ROWS; i++)
                TEAM_UNROLL
            for (int n = 0; n < NV; n++)
                acc[i][n] = bias != NULL ? lanes_load(bias + j0 + n * LANES_W) : lanes_all(0.0f);
            for (int m = 0; m < k; m++, b += ldb) {
                lanes_f v[NV];
                TEAM_UNROLL
                for (int n = 0; n < NV; n++)
                    v[n] = lanes_load(b + n * LANES_W);
                TEAM_UNROLL
                for (int i = 0; i < LANES_ROWS; i++) {
                    const float u = a[i * lda + m];
                    TEAM_UNROLL
                    for (int n = 0; n < NV; n++)
                        acc[i][n] += u * v[n];
                }
            }
            TEAM_UNROLL
            for (int i = 0; i < LANES_ROWS; i++)
                TEAM_UNROLL
            for (int n = 0; n < NV; n++)
                lanes_store(C + (i0 + i) * ldc + j0 + n * LANES_W, acc[i][n]);
        }
}

>>>>>>> 39f56e8 (Sentence encoder: safetensors, WordPiece, packed dense kernels, attention, cache, embed command)
#endif
